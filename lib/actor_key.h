/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ACTOR_KEY_H
#define LLMSEC_ACTOR_KEY_H
/*
 * Which API key a request brings: what every layer must agree on, so that the same key has the same digest
 * (actor.key, lib/event.h) everywhere.  The first of these headers that isn't empty counts:
 *	Authorization (without "Bearer "), x-api-key, x-goog-api-key, api-key
 * blanks around the value don't.
 */
#include <stdbool.h>
#include <stddef.h>

/* Value of the first header <name>, any case; false: there is none. */
typedef bool (*actor_key_get)(const void *request, const char *name, const char **value, size_t *len);

/* The secret: borrowed, to be digested and forgotten.  False: the request has none. */
bool	actor_key_find(actor_key_get, const void *request, const char **secret, size_t *len);
#endif
