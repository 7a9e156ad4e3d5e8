/* SPDX-License-Identifier: MIT */
/*
 * A spool of any bytes, read in slices while it grows or after its sender's death, against what its
 * lines are by definition.  Input: how to read, how to cut it up, then the content, in which 0xfe N
 * stands for N * 2048 times 'x'.
 */
#include "config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/spool.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define CONTENT_MAX	((size_t)1 << 20)

struct want {
	const char	*p, *end;	/* what was not handed on yet */
	unsigned	 n_rubbish;
};

static char dir[64];
static int dir_fd = -1, file_fd = -1;

static void
need(int condition)
{
	if (!condition)
		abort();
}

static void
clean_up(void)
{
	unlinkat(dir_fd, "p-1.spool", 0);
	rmdir(dir);
}

/* The file is made once and waits until it is old enough to be claimed. */
static void
start(void)
{
	struct spool *s;

	snprintf(dir, sizeof(dir), "/tmp/llmsec-fuzz.XXXXXX");
	need(mkdtemp(dir) != NULL);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file_fd = openat(dir_fd, "p-1.spool", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	need(file_fd >= 0);
	atexit(clean_up);
	need(spool_open(&s, dir_fd, "p-1.spool") == 0);
	while (!spool_claim(s))
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	spool_close(&s);
}

static int
line_take(void *arg, const char *line, size_t len)
{
	struct want *w = arg;
	const char *nl;

	/* Over empty lines and those too long. */
	while ((nl = memchr(w->p, '\n', (size_t)(w->end - w->p))) != NULL &&
	    (nl == w->p || (size_t)(nl - w->p) >= SPOOL_LINE_MAX))
		w->p = nl + 1;
	need(nl != NULL && len == (size_t)(nl - w->p) && memcmp(line, w->p, len) == 0);
	w->p = nl + 1;
	return 0;
}

static int
rubbish_take(void *arg, const void *p, size_t len, const char *why)
{
	struct want *w = arg;

	need(len > 0 && why != NULL);
	w->n_rubbish++;
	return 0;
}

static size_t
expand(char *out, const uint8_t *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n && k < CONTENT_MAX; i++) {
		if (p[i] == 0xfe && i + 1 < n) {
			size_t run = (size_t)p[++i] * 2048;

			run = run < CONTENT_MAX - k ? run : CONTENT_MAX - k;
			memset(out + k, 'x', run);
			k += run;
		} else {
			out[k++] = (char)p[i];
		}
	}
	return k;
}

/* How many pieces of rubbish there are by definition. */
static unsigned
rubbish_count(const char *p, const char *end, bool dead)
{
	unsigned n = 0;
	const char *nl;

	while ((nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n += (size_t)(nl - p) >= SPOOL_LINE_MAX;
		p = nl + 1;
	}
	return n + ((size_t)(end - p) >= SPOOL_LINE_MAX || (dead && end > p));
}

static void
append(const char *p, size_t n)
{
	need(n == 0 || write(file_fd, p, n) == (ssize_t)n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char content[CONTENT_MAX];
	unsigned slice, pieces;
	struct want w = {0};
	struct spool_sink sink = { line_take, rubbish_take, &w };
	struct spool *s;
	size_t len, done = 0;
	bool dead;
	int r;

	if (dir_fd < 0)
		start();
	if (n < 2)
		return 0;
	slice = 1 + (p[0] & 31);
	dead = p[0] & 32;
	pieces = dead ? 1 : 1 + (p[1] & 7);
	len = expand(content, p + 2, n - 2);
	w.p = content;
	w.end = content + len;
	need(ftruncate(file_fd, 0) == 0 && spool_open(&s, dir_fd, "p-1.spool") == 0);
	for (unsigned i = 1; i <= pieces; i++) {
		append(content + done, len * i / pieces - done);
		done = len * i / pieces;
		need(!dead || spool_claim(s));
		while ((r = spool_read(s, slice, &sink)) == 1)
			;
		need(r == 0);
	}
	need(w.n_rubbish == rubbish_count(content, content + len, dead));
	/* Nothing but empty, overlong and unfinished lines is left. */
	for (const char *nl; (nl = memchr(w.p, '\n', (size_t)(w.end - w.p))) != NULL; w.p = nl + 1)
		need(nl == w.p || (size_t)(nl - w.p) >= SPOOL_LINE_MAX);
	spool_close(&s);
	return 0;
}
