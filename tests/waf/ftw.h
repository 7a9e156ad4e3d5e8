/* SPDX-License-Identifier: MIT */
#ifndef FTW_H
#define FTW_H
/*
 * A runner for the Core Rule Set's own regression tests (YAML), in both formats: 3.3's (python-ftw) and v4's
 * (go-ftw).  It builds each request byte for byte as those runners do, hands it to a firewall - llmsec-waf as
 * a co-process, or any server over TCP - and compares what came back with what the test wants.
 *
 *	ftw_file_load	YAML -> struct ftw_file (tests, stages, expectations)	ftw_yaml.c
 *	ftw_request	input -> request bytes					ftw_request.c
 *	ftw_origin	request -> what the server behind would answer		ftw_origin.c
 *	ftw_transport	request -> status, rule ids, log text			ftw_exec.c, ftw_http.c
 *	ftw_check	answer against expectations				ftw_check.c
 *
 * All memory of a file is in its arena.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/waf/waf.h"
#include "lib/buf.h"

struct arena;

#define FTW_LIST_MAX	16

struct ftw_input {
	bool		 v4;		/* go-ftw's rules for building requests */
	struct waf_str	 method, uri, version, data;
	struct waf_header *headers;	/* room for three more */
	size_t		 n_headers;
	struct waf_str	 raw;		/* the whole request, already decoded; p == NULL: build it */
	bool		 no_magic;	/* stop_magic, or autocomplete_headers: false */
};

struct ftw_expect {
	const char	*log[FTW_LIST_MAX], *no_log[FTW_LIST_MAX];	/* patterns */
	int64_t		 ids[FTW_LIST_MAX], no_ids[FTW_LIST_MAX];
	int		 status[FTW_LIST_MAX];
	size_t		 n_log, n_no_log, n_ids, n_no_ids, n_status;
	bool		 error, isolated;	/* the client gets no answer; no other ids than these */
	const char	*response;	/* response_contains */
};

struct ftw_stage {
	struct ftw_input input;
	struct ftw_expect expect;
	struct waf_str	 request;	/* built */
	struct waf_str	 origin;	/* what the server behind answers */
	int		 origin_status;
};

struct ftw_test {
	const char	*id;		/* "920100-4" */
	struct ftw_stage *stage;
	size_t		 n_stages;
};

struct ftw_file {
	struct arena	*arena;
	bool		 enabled;
	struct ftw_test	*test;
	size_t		 n_tests;
};

/* 0, or -errno with text in <why>. */
int		 ftw_file_load(struct ftw_file *, const char *path, char *why, size_t size);
void		 ftw_file_free(struct ftw_file *);

/* Bytes of the request.  p == NULL: out of memory. */
struct waf_str	 ftw_request(struct arena *, struct ftw_input *);
struct waf_str	 ftw_base64_decode(struct arena *, struct waf_str);
/* {{ "x" | repeat N }} of Go's templates, the only form the tests use. */
struct waf_str	 ftw_template(struct arena *, struct waf_str);
/* name=value&... as Python's urlencode(parse_qsl()) rewrites it; unchanged where that finds nothing. */
struct waf_str	 ftw_form_encode(struct arena *, struct waf_str);

/* Fills origin and origin_status. */
void		 ftw_origin(struct arena *, struct ftw_stage *);

#define FTW_IDS_MAX	512

struct ftw_answer {
	int		 status;	/* 0: the client got none (error) */
	int64_t		 ids[FTW_IDS_MAX];
	size_t		 n_ids;
	struct buf	 log;		/* lines */
};

struct ftw_transport {
	/* 0, or -errno: the transport itself is broken. */
	int		(*ask)(struct ftw_transport *, const char *id, const struct ftw_stage *, struct ftw_answer *);
	/* 0 if it ended well. */
	int		(*close)(struct ftw_transport **);
};

struct ftw_transport *ftw_exec_open(char *const argv[]);
/* <server> is host:port; <header> names the response header with the rule ids; the log is made of them. */
struct ftw_transport *ftw_http_open(const char *server, const char *header);

/* true if all holds; else the first thing that doesn't, in <why>. */
bool		 ftw_check(const struct ftw_expect *, const struct ftw_answer *, char *why, size_t size);

struct ftw_overrides;
/* Lines "<test id> <reason>"; '#' begins a comment.  NULL: cannot be read, said so. */
struct ftw_overrides *ftw_overrides_load(const char *path);
/* The reason, or NULL. */
const char	*ftw_overrides_find(const struct ftw_overrides *, const char *id);
void		 ftw_overrides_free(struct ftw_overrides **);
#endif
