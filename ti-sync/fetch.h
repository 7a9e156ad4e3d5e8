/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_FETCH_H
#define LLMSEC_TI_FETCH_H
/*
 * Downloads, several at a time (libcurl multi).  TLS is always verified; every address that a connection goes
 * to is looked at when its socket is opened, so that neither a redirect nor a name server leads to a private one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ti_fetched { TI_FETCH_WAITING, TI_FETCH_NEW, TI_FETCH_SAME, TI_FETCH_FAILED };

struct ti_fetch {
	/* asked */
	const char	*name, *url, *to;		/* to: the file it is written to */
	const char	*etag, *modified;		/* of the content there is; "": none */
	const char	*header;			/* one more line for the request, or NULL */
	const char	*ca_file;			/* NULL: the system's */
	int64_t		 max_bytes;
	bool		 allow_private, allow_http;
	/* answered */
	enum ti_fetched	 status;
	long		 code;				/* of HTTP; 0: none */
	int		 tries;
	int64_t		 bytes;
	char		 new_etag[256], new_modified[64], type[64];
	char		 why[256];			/* of TI_FETCH_FAILED */
};

struct ti_fetch_opts {
	const char	*proxy, *user_agent;
	int		 parallel, retries;
	int64_t		 connect_timeout, timeout, backoff;	/* milliseconds */
	/* Now and then, for a progress bar; may be NULL. */
	void		(*progress)(void *arg, const struct ti_fetch *v, size_t n);
	void		*arg;
};

/* 0: all have a status; -ENOMEM or -EIO: libcurl couldn't even begin. */
int	ti_fetch_all(struct ti_fetch *v, size_t n, const struct ti_fetch_opts *);
#endif
