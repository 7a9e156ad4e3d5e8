/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HTTPD_PRIVATE_H
#define LLMSEC_HTTPD_PRIVATE_H
/* Shared by the files of the HTTP side. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include <microhttpd.h>

#include "control/ban_list.h"
#include "control/token_rate.h"
#include "lib/buf.h"
#include "lib/node_sign.h"

#define HTTPD_TOKEN	257
#define TOKEN_DIGEST	32	/* bytes of SHA-256 */

struct event_query;
struct llmsecd_conf;

/* What a token is good for; each includes the ones before it. */
enum httpd_role { ROLE_NONE, ROLE_READ, ROLE_BAN, ROLE_ADMIN, ROLE_N };

/* One request, from its first line to its answer. */
struct httpd_request {
	char		*uri;		/* as in the request line */
	const char	*path;		/* decoded, without the query; MHD's memory */
	bool		 begun;
	bool		 refused;	/* and answered */
	bool		 is_signed;	/* by its headers; the body decides */
	bool		 api;		/* errors are {"error":{"code","message","field"}} */
	int		 upload;	/* of an import: a file without a name; -1 */
	int64_t		 uploaded;
	bool		 node;		/* another edge speaks: ?node= */
	int		 edge;		/* which */
	enum httpd_role	 role;
	char		 by[80];	/* whose token or key that is: its name, never itself */
	char		 ip[48];	/* where the request came from */
	struct node_sig	 sig;
	struct buf	 body;
};

struct httpd {
	struct MHD_Daemon *mhd;
	struct board	*board;
	struct counters	*ctr;
	struct ban_list	*bans;		/* NULL: they can't be read */
	struct ban_nodes *nodes;
	struct node_auth *node_auth;
	struct control_events *events;
	struct egress_store *egress;	/* NULL: none */
	struct token_file *token_file;
	char		*egress_dir, *egress_policy;
	struct token_rate asks;		/* of the egress API; under token_lock */
	char		*haproxy_socket, *orders;
	char		*table[BAN_EDGES];
	char		 life[17];	/* of this process */
	int64_t		 ban_ttl_ms;	/* atomic */
	char		*node;
	char		*db_path;
	char		*counters_dir;
	int64_t		 started_ms;
	unsigned	 followers_max;
	unsigned	 followers;		/* atomic */
	pthread_mutex_t	 token_lock;
	uint8_t		 token[ROLE_N][TOKEN_DIGEST];	/* SHA-256 of it */
	bool		 token_set[ROLE_N];	/* false: nobody gets in with it */
};

/* Every one answers and returns what libmicrohttpd wants to hear. */
typedef enum MHD_Result (*httpd_page_fn)(struct httpd *, struct MHD_Connection *);

enum MHD_Result httpd_healthz(struct httpd *, struct MHD_Connection *);
enum MHD_Result httpd_metrics(struct httpd *, struct MHD_Connection *);
enum MHD_Result httpd_events(struct httpd *, struct MHD_Connection *);
enum MHD_Result httpd_status(struct httpd *, struct MHD_Connection *);
enum MHD_Result httpd_follow(struct httpd *, struct MHD_Connection *);

/* Answer with <body>, which is emptied; a body that failed to grow becomes a 500. */
enum MHD_Result httpd_reply(struct httpd *, struct MHD_Connection *, unsigned status,
	    const char *type, struct buf *body);
/* 405 with the methods there are; <api>: in the form of httpd_api_error(). */
enum MHD_Result httpd_not_allowed(struct httpd *, struct MHD_Connection *, bool api, const char *allow);
/* {"error": <text>}, what is outside of /api/ */
enum MHD_Result httpd_error(struct httpd *, struct MHD_Connection *, unsigned status,
	    const char *text);
/* 400 for what httpd_query() says. */
enum MHD_Result httpd_query_error(struct httpd *, struct MHD_Connection *, const char *why);
/* The request's parameters; NULL, or what is wrong with them. */
const char *httpd_query(struct MHD_Connection *, struct event_query *);
/*
 * May it come in, by its headers?  What it returns is for libmicrohttpd; q->refused: it was answered.
 */
enum MHD_Result httpd_auth(struct httpd *, struct MHD_Connection *, struct httpd_request *, enum httpd_role needed);
/* The same when the body is there: a signature is over that, too. */
enum MHD_Result httpd_auth_body(struct httpd *, struct MHD_Connection *, struct httpd_request *,
	    const char *method);
/* /_cluster/blacklist, with its whole body. */
enum MHD_Result httpd_bans(struct httpd *, struct MHD_Connection *, const char *method,
	    struct httpd_request *);
/* Everything below /api/ that is written to. */
enum MHD_Result httpd_egress(struct httpd *, struct MHD_Connection *, const char *url, const char *method,
	    const char *upload, size_t *upload_size, struct httpd_request *);
bool	httpd_egress_owns(const char *url);
enum MHD_Result httpd_openapi(struct httpd *, struct MHD_Connection *);
enum MHD_Result httpd_api_error(struct httpd *, struct MHD_Connection *, unsigned status, const char *code,
	    const char *message, const char *field);
int	httpd_bans_init(struct httpd *, const struct llmsecd_conf *);
void	httpd_bans_fini(struct httpd *);
void	httpd_count(struct httpd *, unsigned status);
/*
 * Somebody changed something (or, <event> "admin.refused", tried to): a line in the log and an event that say who, from where and
 * what.  <members>: of the event's detail, JSON without its braces, not ended by NUL, which is emptied.
 */
void	httpd_audit(struct httpd *, const struct httpd_request *, const char *event, const char *target, struct buf *members);
/* q->ip. */
void	httpd_from(struct httpd_request *, struct MHD_Connection *);
#endif
