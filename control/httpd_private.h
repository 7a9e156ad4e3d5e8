/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HTTPD_PRIVATE_H
#define LLMSEC_HTTPD_PRIVATE_H
/* Shared by the files of the HTTP side. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include <microhttpd.h>

struct buf;
struct event_query;

struct httpd {
	struct MHD_Daemon *mhd;
	struct board	*board;
	struct counters	*ctr;
	struct ban_list	*bans;		/* NULL: they can't be read */
	int64_t		 ban_ttl_ms;	/* atomic */
	char		*node;
	char		*db_path;
	char		*counters_dir;
	int64_t		 started_ms;
	unsigned	 followers_max;
	unsigned	 followers;		/* atomic */
	pthread_mutex_t	 token_lock;
	char		 token[257];		/* "": /api is locked */
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
/* {"error": <text>} */
enum MHD_Result httpd_error(struct httpd *, struct MHD_Connection *, unsigned status,
	    const char *text);
/* The request's parameters; NULL, or what is wrong with them. */
const char *httpd_query(struct MHD_Connection *, struct event_query *);
/* /_cluster/blacklist; <body> is what was uploaded. */
enum MHD_Result httpd_bans(struct httpd *, struct MHD_Connection *, const char *method,
	    const struct buf *body);
void	httpd_count(struct httpd *, unsigned status);
#endif
