/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "haproxy-spoa/behave/ban_file.h"
#include "lib/buf.h"
#include "lib/file_write.h"
#include "lib/never_ban.h"

#define HEADER		"llmsec-behave 1"
#define WORDS		6
#define TIME_MAX	INT64_C(100000000000000)	/* ms; the year 5138 */
#define TTL_MAX		(INT64_C(366) * 86400)
#define LEVEL_MAX	1000
#define CHUNK		65536

/* ---- lines ------------------------------------------------------------------------------------ */

/* A line's words in place, one space between them; false: more than WORDS, too long, or bytes that belong to no word. */
static bool
words_split(char text[BAN_LINE_MAX], const char *line, size_t len, const char *word[WORDS], size_t *n)
{
	char *p = text;

	*n = 0;
	if (len == 0 || len >= BAN_LINE_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			return false;
	memcpy(text, line, len);
	text[len] = '\0';
	for (;;) {
		if (*n == WORDS || *p == ' ' || *p == '\0')
			return false;
		word[(*n)++] = p;
		p = strchr(p, ' ');
		if (p == NULL)
			return true;
		*p++ = '\0';
	}
}

static bool
number(int64_t *out, const char *s, int64_t max)
{
	int64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (*s - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}

static bool
token_ok(const char *s)
{
	return s[0] != '\0' && strlen(s) < BAN_REASON_LEN && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

int
ban_line_parse(struct ban *b, const char *line, size_t len)
{
	char text[BAN_LINE_MAX];
	const char *w[WORDS];
	int64_t level;
	size_t n;

	memset(b, 0, sizeof(*b));
	if (!words_split(text, line, len, w, &n) || n != 6 || ban_who_parse(&b->who, w[0], w[1]) < 0 ||
	    !number(&level, w[2], LEVEL_MAX) || !number(&b->since_ms, w[3], TIME_MAX) ||
	    !number(&b->until_ms, w[4], TIME_MAX) || !token_ok(w[5]))
		return -EINVAL;
	b->level = (int)level;
	memcpy(b->reason, w[5], strlen(w[5]) + 1);
	return 0;
}

size_t
ban_line_format(char *out, size_t size, const struct ban *b)
{
	int n = snprintf(out, size, "%s %s %d %" PRId64 " %" PRId64 " %s\n", ban_kind_name(b->who.kind), b->who.id,
	    b->level, b->since_ms, b->until_ms, b->reason);

	return n > 0 ? (size_t)n : 0;
}

static int
lift_parse(struct ban_order *o, const char *kind, const char *id)
{
	o->op = ORDER_LIFT;
	if (strcmp(kind, "all") == 0) {
		o->all = true;
		return strcmp(id, "-") == 0 ? 0 : -EINVAL;
	}
	if (strcmp(kind, "ip") != 0)
		return ban_who_parse(&o->who, kind, id);
	o->by_network = true;
	return cidr_parse(id, &o->net);
}

int
ban_order_parse(struct ban_order *o, const char *line, size_t len)
{
	char text[BAN_LINE_MAX];
	const char *w[WORDS];
	size_t n;

	memset(o, 0, sizeof(*o));
	if (!words_split(text, line, len, w, &n) || n < 4 || !number(&o->at_ms, w[0], TIME_MAX))
		return -EINVAL;
	if (strcmp(w[1], "lift") == 0)
		return n == 4 ? lift_parse(o, w[2], w[3]) : -EINVAL;
	o->op = ORDER_BAN;
	if (strcmp(w[1], "ban") != 0 || n != 5 || !number(&o->ttl_s, w[4], TTL_MAX) || o->ttl_s == 0)
		return -EINVAL;
	return ban_who_parse(&o->who, w[2], w[3]);
}

/* ---- the state file --------------------------------------------------------------------------- */

struct saver {
	struct buf	 text;
	int64_t		 ahead_ms;
};

static void
save_one(void *arg, const struct ban *b)
{
	struct saver *s = arg;
	struct ban x = *b;
	char line[BAN_LINE_MAX];
	size_t n;

	if (b->level == 0)
		return;
	x.since_ms = b->since_ms + s->ahead_ms > 0 ? b->since_ms + s->ahead_ms : 0;
	x.until_ms = b->until_ms + s->ahead_ms > 0 ? b->until_ms + s->ahead_ms : 0;
	n = ban_line_format(line, sizeof(line), &x);
	if (n < sizeof(line))
		buf_add(&s->text, line, n);
}

int
ban_state_save(const char *path, struct bans *bans, int64_t now_ms, int64_t ahead_ms)
{
	struct saver s = {.ahead_ms = ahead_ms};
	int r;

	buf_adds(&s.text, HEADER "\n");
	bans_each(bans, save_one, &s);
	r = s.text.err != 0 ? -ENOMEM : file_replace(path, buf_ptr(&s.text), buf_len(&s.text), 0640, 0);
	buf_free(&s.text);
	return r;
}

/* Of a clock that was set back, or a file from elsewhere, nothing lasts longer than we would ban. */
static void
load_one(struct bans *bans, struct ban *b, int64_t now_ms, int64_t ahead_ms, int64_t max_ms)
{
	b->since_ms -= ahead_ms;
	b->until_ms -= ahead_ms;
	if (b->until_ms > now_ms + max_ms)
		b->until_ms = now_ms + max_ms;
	if (b->since_ms > now_ms)
		b->since_ms = now_ms;
	if (b->level > 0)
		bans_put(bans, b, now_ms);
}

int
ban_state_load(const char *path, struct bans *bans, int64_t now_ms, int64_t ahead_ms, int64_t max_ms, size_t *n_bad)
{
	FILE *f = fopen(path, "re");
	char line[BAN_LINE_MAX + 1];
	struct ban b;
	size_t n;
	int r = 0;

	*n_bad = 0;
	file_replace_tidy(path);
	if (f == NULL)
		return errno == ENOENT ? 0 : -errno;
	if (fgets(line, sizeof(line), f) == NULL || strcmp(line, HEADER "\n") != 0)
		r = -EBADMSG;
	while (r == 0 && fgets(line, sizeof(line), f) != NULL) {
		n = strlen(line);
		if (n > 0 && line[n - 1] == '\n' && ban_line_parse(&b, line, n - 1) == 0)
			load_one(bans, &b, now_ms, ahead_ms, max_ms);
		else
			++*n_bad;
	}
	if (r == 0 && ferror(f))
		r = -EIO;
	fclose(f);
	return r;
}

/* ---- orders ----------------------------------------------------------------------------------- */

static bool
order_matches(const void *arg, const struct ban_who *w)
{
	const struct ban_order *o = arg;
	size_t n = strlen(o->who.id);
	struct cidr c;

	if (o->all)
		return true;
	if (o->by_network)
		return ban_who_address(w, &c) && cidr_overlaps(&o->net, &c);
	if (w->kind != o->who.kind)
		return false;
	if (w->kind == BAN_JA4 && strchr(o->who.id, '@') == NULL)
		return strncmp(w->id, o->who.id, n) == 0 && (w->id[n] == '\0' || w->id[n] == '@');
	return strcmp(w->id, o->who.id) == 0;
}

void
ban_order_apply(struct bans *bans, const struct ban_order *o, const struct never_ban *never, int64_t now_ms,
    int64_t ahead_ms)
{
	struct ban b = {.who = o->who, .level = 1, .since_ms = o->at_ms - ahead_ms, .reason = "order"};
	struct cidr c;

	if (o->op == ORDER_LIFT) {
		bans_lift(bans, order_matches, o, b.since_ms, now_ms);
		return;
	}
	b.until_ms = b.since_ms + o->ttl_s * 1000;
	if (b.until_ms <= now_ms || (never != NULL && ban_who_address(&o->who, &c) && never_ban_find(never, &c) != NULL))
		return;
	bans_put(bans, &b, now_ms);
}

static void
lines_take(struct ban_orders *o, struct bans *bans, const struct never_ban *never, char *p, size_t *n, int64_t now_ms,
    int64_t ahead_ms)
{
	struct ban_order order;
	size_t done = 0;
	char *end;

	while ((end = memchr(p + done, '\n', *n - done)) != NULL) {
		if (ban_order_parse(&order, p + done, (size_t)(end - p) - done) == 0) {
			ban_order_apply(bans, &order, never, now_ms, ahead_ms);
			o->n_done++;
		} else {
			o->n_bad++;
		}
		done = (size_t)(end - p) + 1;
	}
	/* No line is that long. */
	if (done == 0 && *n == CHUNK) {
		o->n_bad++;
		done = *n;
	}
	*n = done;
}

static int
orders_follow(struct ban_orders *o, int fd, struct bans *bans, const struct never_ban *never, int64_t now_ms,
    int64_t ahead_ms)
{
	char *p = malloc(CHUNK);
	ssize_t got;
	size_t n;
	int r = p != NULL ? 0 : -ENOMEM;

	while (r == 0) {
		got = pread(fd, p, CHUNK, o->at);
		if (got < 0)
			r = -errno;
		if (got <= 0)
			break;
		n = (size_t)got;
		lines_take(o, bans, never, p, &n, now_ms, ahead_ms);
		if (n == 0)
			break;	/* the rest of the line is still to come */
		o->at += (off_t)n;
	}
	free(p);
	return r;
}

int
ban_orders_read(struct ban_orders *o, struct bans *bans, const struct never_ban *never, int64_t now_ms, int64_t ahead_ms)
{
	struct stat st;
	int fd, r;

	if (stat(o->path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (st.st_dev == o->dev && st.st_ino == o->ino && st.st_size == o->at)
		return 0;
	fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r == 0) {
		if (st.st_dev != o->dev || st.st_ino != o->ino || st.st_size < o->at)
			o->at = 0;
		o->dev = st.st_dev;
		o->ino = st.st_ino;
		r = orders_follow(o, fd, bans, never, now_ms, ahead_ms);
	}
	close(fd);
	return r;
}
