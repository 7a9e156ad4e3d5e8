/* SPDX-License-Identifier: MIT */
#ifndef MOCK_RECORD_H
#define MOCK_RECORD_H
/*
 * What reached the provider: the last RECORD_MAX requests (and at most RECORD_BYTES of bodies), with
 * their headers in the order and spelling of arrival and their exact bytes.  All functions may be called
 * from any thread.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_MAX = 1000 };
#define RECORD_BYTES	((size_t)256 << 20)

struct record_query {
	uint64_t id;		/* this one; 0: any */
	uint64_t since;		/* only those with a greater id */
	unsigned n;		/* at most so many, newest first */
	const char *contains;	/* these bytes in the body; NULL: any */
	const char *path;	/* a substring of the URI; NULL: any */
};

/* The next request's id, from 1. */
uint64_t record_next_id(void);
/*
 * Keep a request.  <about> is an object {id, time, method, uri, version, tls, headers: [[name, value]..]}
 * whose reference is taken; <body> (heap) too.  Returns nothing: out of memory means less is kept.
 */
void	record_keep(json_t *about, char *body, size_t len, const char *sha256_hex);
/* {"requests": [about + body_base64, body (when it is text), body_bytes, body_sha256]}; a new reference. */
json_t	*record_list(const struct record_query *);
/* {"requests": N, "kept": N, "kept_bytes": N}: a new reference. */
json_t	*record_stats(void);
void	record_clear(void);
/* SHA-256 as 64 hexadecimal digits and NUL. */
void	record_sha256(const void *, size_t, char hex[65]);
/* Base64 with padding; heap, NULL when out of memory. */
char	*record_base64(const void *, size_t);
#endif
