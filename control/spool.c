/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/spool.h"

#define NEWBORN_S	2
#define BLOCK	SPOOL_LINE_MAX

struct spool {
	int	 fd;
	bool	 claimed;
	bool	 skipping;	/* inside a line longer than any event */
	off_t	 off;		/* of the first byte not handed on */
	char	 name[NAME_MAX + 1];
	char	*block;		/* BLOCK bytes */
};

bool
spool_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("._-@+", name[i]) == NULL)
			return false;
	return true;
}

void
spool_program(char out[128], const char *name)
{
	size_t n = strcspn(name, "/");
	const char *dot = memchr(name, '.', n);

	if (dot != NULL && dot > name)
		n = (size_t)(dot - name);
	/* "-1234-7": process and instance */
	for (;;) {
		size_t k = n;

		while (k > 0 && isdigit((unsigned char)name[k - 1]))
			k--;
		if (k == n || k < 2 || name[k - 1] != '-')
			break;
		n = k - 1;
	}
	snprintf(out, 128, "%.*s", (int)(n < 127 ? n : 127), name);
}

int
spool_open(struct spool **out, int dirfd, const char *name)
{
	struct spool *s;
	struct stat st;
	int r;

	*out = NULL;
	if (!spool_name_ok(name))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->block = malloc(BLOCK);
	s->fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (s->block == NULL || s->fd < 0)
		r = s->block == NULL ? -ENOMEM : -errno;
	else if (fstat(s->fd, &st) < 0)
		r = -errno;
	else
		r = S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r < 0) {
		spool_close(&s);
		return r;
	}
	*out = s;
	return 0;
}

void
spool_close(struct spool **sp)
{
	if (*sp == NULL)
		return;
	if ((*sp)->fd >= 0)
		close((*sp)->fd);
	free((*sp)->block);
	free(*sp);
	*sp = NULL;
}

const char *
spool_name(const struct spool *s)
{
	return s->name;
}

/* A block without any newline: too long for an event, or the unfinished last line. */
static int
no_newline(struct spool *s, size_t n, const struct spool_sink *sink)
{
	int r = 0;

	if (n < BLOCK && !s->claimed && !s->skipping)
		return 0;
	if (n == 0)
		return 0;
	if (!s->skipping)
		r = sink->rubbish(sink->arg, s->block, n,
		    n < BLOCK ? "line cut off" : "line too long");
	if (r != 0)
		return r;
	s->skipping = n == BLOCK || s->skipping;
	s->off += (off_t)n;
	return n == BLOCK ? 1 : 0;
}

int
spool_read(struct spool *s, unsigned max, const struct spool_sink *sink)
{
	const char *p = s->block, *end, *nl;
	ssize_t n;
	int r;

	do
		n = pread(s->fd, s->block, BLOCK, s->off);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	end = p + n;
	if (n == 0 || memchr(p, '\n', (size_t)n) == NULL)
		return no_newline(s, (size_t)n, sink);
	for (; max > 0 && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; max--, p = nl + 1) {
		r = 0;
		if (!s->skipping && nl > p)
			r = sink->line(sink->arg, p, (size_t)(nl - p));
		if (r != 0)
			return r;
		s->skipping = false;
		s->off += nl + 1 - p;
	}
	return 1;
}

/*
 * A sender makes its spool, then locks it.  Between the two it looks dead; nothing lives there for
 * longer than this.
 */
static bool
newborn(const struct spool *s)
{
	struct statx sx;
	struct timespec now;

	if (statx(s->fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_CTIME, &sx) < 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	if (sx.stx_mask & STATX_BTIME)
		return now.tv_sec - sx.stx_btime.tv_sec < NEWBORN_S;
	return now.tv_sec - sx.stx_ctime.tv_sec < NEWBORN_S;
}

bool
spool_claim(struct spool *s)
{
	if (!s->claimed && !newborn(s) && flock(s->fd, LOCK_EX | LOCK_NB) == 0)
		s->claimed = true;
	return s->claimed;
}

bool
spool_claimed(const struct spool *s)
{
	return s->claimed;
}

int
spool_remove(struct spool *s, int dirfd)
{
	struct stat ours, named;

	/* Only the file we read: its name may belong to a new sender's by now. */
	if (fstat(s->fd, &ours) < 0 || fstatat(dirfd, s->name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
		return -ESTALE;
	return unlinkat(dirfd, s->name, 0) < 0 ? -errno : 0;
}
