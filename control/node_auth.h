/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_NODE_AUTH_H
#define LLMSEC_NODE_AUTH_H
/* This llmsecd's keys for requests between edges and the nonces it has seen (lib/node_sign.h).  Thread safe. */
#include "lib/node_sign.h"

struct node_auth;

/* <path> "": no keys, every signature is unknown.  A file with a fault: -EINVAL after saying so in the log. */
int	node_auth_open(struct node_auth **, const char *path);
void	node_auth_close(struct node_auth **);
/* Read the keys again; with a fault the old ones stay. */
int	node_auth_reload(struct node_auth *, const char *path);
int	node_auth_sign(struct node_auth *, struct node_sig *, const struct node_msg *);
enum node_verdict node_auth_look(struct node_auth *, const struct node_sig *);
enum node_verdict node_auth_verify(struct node_auth *, const struct node_sig *, const struct node_msg *);
#endif
