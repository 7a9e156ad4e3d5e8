/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HAPROXY_ANSWER_H
#define LLMSEC_HAPROXY_ANSWER_H
/* What HAProxy's Runtime API says, read without believing it.  Pure functions over text that they may cut up. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/cidr.h"

/*
 * What an answer to changes complains about, or NULL.  Deleting what isn't there is no complaint, nor is what a
 * prepared map says of itself.
 */
const char *haproxy_complaint(char *answer);
/* "Pid: N" of "show info"; 0: none. */
long	haproxy_pid(const char *answer);
/* "New version created: N" of "prepare map"; 0: none. */
unsigned haproxy_map_version(const char *answer);
/* A line of "show sess": the stream's name and where its client is.  False: neither. */
bool	haproxy_stream(char *line, const char **name, struct cidr *src);
/* A line of "show table": key and gpt0; a key of an IPv6 network's first address is its /64. */
bool	haproxy_entry(char *line, struct cidr *key, uint32_t *gpt0);
#endif
