/* SPDX-License-Identifier: MIT */
/*
 * domains.set beside a model that compares strings.  The input is lines: "+name" lists one, "-name" excepts one,
 * anything else is asked for.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/set_dom.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x)	do { if (!(x)) abort(); } while (0)
#define N	64

struct entry {
	const char	*name;
	size_t		 len;
	bool		 pass;
};

static struct entry entries[N], asked[N];
static size_t n_entries, n_asked;

static bool
in_entries(const char *p, size_t n)
{
	for (size_t i = 0; i < n_entries; i++)
		if (entries[i].len == n && memcmp(entries[i].name, p, n) == 0)
			return true;
	return false;
}

/* The longest entry that is the name or ends it behind a dot. */
static const struct entry *
model(const char *p, size_t n)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < n_entries; i++) {
		const struct entry *e = &entries[i];

		if (e->len <= n && memcmp(p + n - e->len, e->name, e->len) == 0 &&
		    (e->len == n || p[n - e->len - 1] == '.') && (best == NULL || e->len > best->len))
			best = e;
	}
	return best;
}

static void
lines_read(struct set_dom_writer *w, const char *p, size_t n)
{
	const char *end = p + n;

	n_entries = n_asked = 0;
	for (const char *nl; p < end; p = nl + 1) {
		struct set_class c = {1, 50, 0};
		size_t len;

		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		len = (size_t)(nl - p);
		if (len > 1 && (*p == '+' || *p == '-') && n_entries < N && !in_entries(p + 1, len - 1)) {
			c.flags = *p == '-' ? SET_PASS : 0;
			if (set_dom_writer_add(w, p + 1, len - 1, &c) == 0)
				entries[n_entries++] = (struct entry){p + 1, len - 1, *p == '-'};
		} else if (len > 0 && len < 254 && n_asked < N) {
			asked[n_asked++] = (struct entry){p, len, false};
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = {"x"};
	static const struct set_meta meta = {.categories = names, .n_categories = 1, .key = "fuzz"};
	static char path[64];
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct set_dom *s;

	if (path[0] == '\0')
		snprintf(path, sizeof(path), "/tmp/fuzz_set_model.%d", (int)getpid());
	MUST(w != NULL);
	lines_read(w, (const char *)data, n);
	MUST(set_dom_writer_write(w, path) == 0);
	set_dom_writer_free(&w);
	MUST(set_dom_open(&s, path, 0, NULL) == 0);
	unlink(path);
	for (size_t i = 0; i < n_asked + n_entries; i++) {
		const struct entry *q = i < n_asked ? &asked[i] : &entries[i - n_asked];
		const struct entry *m = model(q->name, q->len);

		MUST(set_dom_find(s, q->name, q->len, NULL) == (m != NULL && !m->pass));
	}
	set_dom_close(&s);
	return 0;
}
