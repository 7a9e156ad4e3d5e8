/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "control/node_auth.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "lib/log.h"

struct node_auth {
	pthread_rwlock_t lock;		/* guards the pointer; a ring itself doesn't change */
	struct keyring	*ring;		/* NULL: no keys */
	struct nonces	*nonces;
};

int
node_auth_reload(struct node_auth *a, const char *path)
{
	struct keyring *ring = NULL, *old;
	struct diag *diag = diag_new();
	int r = 0;

	if (diag == NULL)
		return -ENOMEM;
	if (path[0] != '\0')
		r = keyring_load(&ring, path, diag);
	diag_print(diag, stderr);
	diag_free(&diag);
	if (r < 0) {
		log_err("cannot use the keys in %s: %s", path, strerror(-r));
		return r;
	}
	pthread_rwlock_wrlock(&a->lock);
	old = a->ring;
	a->ring = ring;
	pthread_rwlock_unlock(&a->lock);
	keyring_free(&old);
	return 0;
}

int
node_auth_open(struct node_auth **out, const char *path)
{
	struct node_auth *a = calloc(1, sizeof(*a));
	int r = -ENOMEM;

	*out = NULL;
	if (a == NULL)
		return -ENOMEM;
	pthread_rwlock_init(&a->lock, NULL);
	a->nonces = nonces_new(NODE_NONCES, time(NULL));
	if (a->nonces != NULL)
		r = node_auth_reload(a, path);
	if (r < 0)
		node_auth_close(&a);
	*out = a;
	return r;
}

void
node_auth_close(struct node_auth **ap)
{
	struct node_auth *a = *ap;

	if (a == NULL)
		return;
	if (a->ring != NULL)
		keyring_free(&a->ring);
	nonces_free(&a->nonces);
	pthread_rwlock_destroy(&a->lock);
	free(a);
	*ap = NULL;
}

int
node_auth_sign(struct node_auth *a, struct node_sig *s, const struct node_msg *m)
{
	int r;

	pthread_rwlock_rdlock(&a->lock);
	r = a->ring != NULL ? node_sign(s, a->ring, m, time(NULL)) : -ENOKEY;
	pthread_rwlock_unlock(&a->lock);
	return r;
}

enum node_verdict
node_auth_look(struct node_auth *a, const struct node_sig *s)
{
	enum node_verdict v = NODE_UNKNOWN_KEY;

	pthread_rwlock_rdlock(&a->lock);
	if (a->ring != NULL)
		v = node_sig_look(s, a->ring, a->nonces, time(NULL));
	pthread_rwlock_unlock(&a->lock);
	return v;
}

enum node_verdict
node_auth_verify(struct node_auth *a, const struct node_sig *s, const struct node_msg *m)
{
	enum node_verdict v = NODE_UNKNOWN_KEY;

	pthread_rwlock_rdlock(&a->lock);
	if (a->ring != NULL)
		v = node_verify(s, a->ring, a->nonces, m, time(NULL));
	pthread_rwlock_unlock(&a->lock);
	return v;
}
