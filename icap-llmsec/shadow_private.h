/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SHADOW_PRIVATE_H
#define LLMSEC_ICAP_SHADOW_PRIVATE_H
/* Between shadow.c, which takes, shadow_write.c, which writes, and shadow_text.c, which masks. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

#include "icap-llmsec/shadow.h"
#include "lib/arena.h"
#include "lib/buf.h"

#define SHADOW_SLOTS	64u		/* a power of two */
#define SHADOW_EDGE	512		/* bytes at a cut that are left out: half of something private may be there */

enum shadow_why { WHY_REFUSED, WHY_NEAR, WHY_SAMPLE };

struct shadow_slot {
	_Atomic uint64_t seq;
	enum shadow_why	 why;
	enum span_role	 role;
	enum span_prov	 prov;
	struct timespec	 at;
	char		 request_id[80], key[17], ip[64];
	uint64_t	 conversation;
	size_t		 span;			/* its number in the request */
	struct shadow_verdict v;
	bool		 cut;
	size_t		 len;
	char		 text[];
};

/* What the thread has open. */
struct shadow_file {
	int		 dir, fd;		/* -1: none */
	char		 name[64];
	int64_t		 began, size;		/* s, bytes */
	unsigned	 number;
};

struct shadow {
	const struct shadow_conf *conf;
	const void	*key; size_t key_len;
	shadow_told	*told; void *arg;
	/* the ring: any number of takers, one thread that writes */
	char		*ring;
	size_t		 slot_size;
	_Atomic uint64_t tail;
	uint64_t	 head;			/* the thread's */
	sem_t		 work;
	_Atomic uint64_t dice;			/* of samples */
	/* the thread of this process */
	pthread_mutex_t	 starting;
	_Atomic pid_t	 pid;			/* whose it is; 0: none */
	pthread_t	 thread;
	atomic_bool	 stop;
	/* the thread's own */
	struct detectors *masker;
	struct shadow_file file;
	struct buf	 line;
	struct arena	*arena;
	bool		 failing;
};

static inline struct shadow_slot *
shadow_slot_at(const struct shadow *s, uint64_t n)
{
	return (struct shadow_slot *)(void *)(s->ring + (n & (SHADOW_SLOTS - 1)) * s->slot_size);
}

void	*shadow_thread(void *);
/* One line into <out>, masked.  0 or -errno. */
int	shadow_line(const struct detectors *masker, const struct shadow_slot *, const void *key, size_t key_len, struct arena *, struct buf *out);
/* Everything personal or secret is to be masked, whatever the policy does about it. */
int	shadow_masker(struct detectors **);
#endif
