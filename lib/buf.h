/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BUF_H
#define LLMSEC_BUF_H
/*
 * A growable byte queue: append at the end, consume from the front.  Zero-initialise to use
 * (struct buf b = {0}).  Errors stick: after a failed growth every append is a no-op and
 * buf.err is -ENOMEM (or -EFBIG over buf.max), so a writer tests once.  Not thread safe.
 */
#include <stddef.h>
#include <stdint.h>

struct buf {
	char	*data;		/* start of storage; bytes of interest: data+rd .. data+len */
	size_t	 rd;		/* bytes consumed */
	size_t	 len;		/* bytes written */
	size_t	 cap;
	size_t	 max;		/* 0: no limit */
	int	 err;		/* 0 or -errno */
};

static inline const char *
buf_ptr(const struct buf *b)
{
	return b->data ? b->data + b->rd : "";
}

static inline size_t
buf_len(const struct buf *b)
{
	return b->len - b->rd;
}

int	buf_add(struct buf *, const void *, size_t);
int	buf_adds(struct buf *, const char *);
int	buf_addc(struct buf *, char);
int	buf_printf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append <n> bytes of UTF-8 as the inside of a JSON string: " \ and controls escaped, the rest kept. */
int	buf_add_json(struct buf *, const char *, size_t);
/* Make room for <n> more bytes and return where to write them, then buf_wrote(). NULL on error. */
char	*buf_room(struct buf *, size_t n);
void	buf_wrote(struct buf *, size_t n);
/* Drop <n> bytes from the front; memory is reused when the queue runs empty. */
void	buf_consume(struct buf *, size_t n);
void	buf_clear(struct buf *);
void	buf_free(struct buf *);
#endif
