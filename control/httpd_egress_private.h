/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HTTPD_EGRESS_PRIVATE_H
#define LLMSEC_HTTPD_EGRESS_PRIVATE_H
/* Shared by the files of the egress API.  The contract is in httpd_openapi.c. */
#include <stdbool.h>

#include "control/egress_store.h"
#include "control/httpd_private.h"

enum egress_page_kind { P_LIST, P_IMPORT, P_POLICY, P_VERSIONS, P_TEST };

struct egress_page {
	const char		*path;
	enum egress_page_kind	 page;
	enum egress_list	 list;
	const char		*field;
	const char		*allow;		/* its methods, as the header says them */
};

/* "ip-blacklist", of a list's page or its import. */
const char *httpd_list_name(enum egress_list);
enum MHD_Result httpd_invalid(struct httpd *, struct MHD_Connection *, const char *field, const char *message);
/* <err>: -errno of the store. */
enum MHD_Result httpd_broken(struct httpd *, struct MHD_Connection *, int64_t err);

/* POST and DELETE of .../import: the file for the body, a piece of it, and the answer.  begin: refused means answered. */
enum MHD_Result httpd_import_begin(struct httpd *, struct MHD_Connection *, struct httpd_request *);
void	httpd_import_take(struct httpd_request *, const char *, size_t);
enum MHD_Result httpd_import_end(struct httpd *, struct MHD_Connection *, const struct egress_page *, struct httpd_request *,
	    bool remove);
#endif
