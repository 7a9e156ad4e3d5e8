/* SPDX-License-Identifier: MIT */
#ifndef TEST_RESP_TEXT_H
#define TEST_RESP_TEXT_H
/*
 * A client's view of a streamed answer, read with another JSON library and another event parser than the code
 * under test: every text of the answer, keyed by where it belongs, put together from its deltas.
 */
#include <stdbool.h>
#include <stddef.h>

struct resp_texts {
	struct { char key[64]; char *text; } v[64];
	size_t	 n;
	size_t	 events;	/* with data */
	bool	 done;		/* [DONE] was last */
};

/* Whole input of any framing: "sse", "ndjson", "array".  Fails the test on anything a client would choke on. */
void	resp_texts_read(struct resp_texts *, const char *framing, const char *p, size_t len);
void	resp_texts_free(struct resp_texts *);
const char *resp_text(const struct resp_texts *, const char *key);
#endif
