/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_PUSH_HTTP_H
#define LLMSEC_TI_PUSH_HTTP_H
/* Requests to the API of one node's llmsecd, over one connection that stays open, with retries.  One thread each. */
#include "ti-sync/push.h"

struct ti_push_http;

/* NULL: no memory, or token_file can't be read (why says).  Call curl_global_init first.  Keeps both pointers. */
struct ti_push_http *ti_push_http_new(const struct ti_conf *, const struct ti_conf_push *, char why[200]);
void	ti_push_http_free(struct ti_push_http **);
/* A list for <page>; what came of it is added to the report's numbers.  TI_PUSH_DONE or why not, with report->why. */
enum ti_pushed ti_push_http_add(struct ti_push_http *, const char *page, const char *list, size_t len,
	    struct ti_push_report *);
/* A list to be taken off <page>; *unknown, which asks for another way: the node's llmsecd has no such request. */
enum ti_pushed ti_push_http_remove_list(struct ti_push_http *, const char *page, const char *list, size_t len,
	    struct ti_push_report *, bool *unknown);
/* page?field=value: TI_PUSH_DONE, also if it is not there. */
enum ti_pushed ti_push_http_remove(struct ti_push_http *, const char *page, const char *field, const char *value,
	    struct ti_push_report *);
#endif
