/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cidr.h"
#include "lib/diag.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "squid-helpers/egress_host.h"
#include "squid-helpers/egress_lists.h"
#include "squid-helpers/egress_policy_private.h"

#define TEXT_MAX	((off_t)32 << 20)
#define HEADER		"llmsec-egress-lists 1"

struct name {
	uint64_t	 hash;
	const char	*text;		/* in <copy>; NULL: the slot is free */
	uint32_t	 len;
	bool		 add, del, allow;
	bool		 below;		/* of <allow>: what is below it, too */
	time_t		 until;		/* of <add>; 0: for ever */
};

struct network {
	struct cidr	 cidr;
	time_t		 until;
};

struct egress_lists {
	char		*copy;
	struct name	*names;
	size_t		 mask, n_names;
	struct network	*nets;
	size_t		 n_nets, n_allow;
	struct set_dom	*set;
	struct set_ip	*set_ip;
	struct set_stamp set_seen, set_ip_seen;
	struct egress_lists *old;	/* while reading: whose sets may be taken over */
};

static struct name *
slot(const struct egress_lists *l, uint64_t hash, const char *p, size_t n)
{
	size_t i = (size_t)(hash ^ hash >> 32) & l->mask;

	while (l->names[i].text != NULL && (l->names[i].hash != hash || l->names[i].len != n ||
	    memcmp(l->names[i].text, p, n) != 0))
		i = (i + 1) & l->mask;
	return &l->names[i];
}

/* --- reading --------------------------------------------------------------------------------- */

static const char *
take_name(struct egress_lists *l, char op, char kind, char *word, time_t until)
{
	bool below = kind == 'w' && word[0] == '.';
	struct egress_host h;
	struct name *e;

	word += below;
	egress_host_parse(&h, word, strlen(word));
	if (h.kind != EGRESS_HOST_NAME && h.kind != EGRESS_HOST_METADATA)
		return "not a name";
	if (h.len > strlen(word))
		return "not a canonical name";
	memcpy(word, h.name, h.len + 1);
	e = slot(l, egress_policy_hash_name(word, h.len), word, h.len);
	if (e->text == NULL) {
		*e = (struct name){ .hash = egress_policy_hash_name(word, h.len), .text = word,
		    .len = (uint32_t)h.len };
		l->n_names++;
	}
	if (kind == 'w') {
		e->allow |= op == '+';
		e->below |= op == '+' && below;
		l->n_allow += op == '+';
	} else {
		e->add |= op == '+';
		e->del |= op == '-';
		e->until = until;
	}
	return NULL;
}

static const char *
take_net(struct egress_lists *l, const char *word, time_t until)
{
	struct network *n = &l->nets[l->n_nets];

	if (cidr_parse(word, &n->cidr) < 0)
		return "not an address or network";
	n->until = until;
	l->n_nets++;
	return NULL;
}

static const char *
take_set(struct egress_lists *l, const char *dir, bool domains, const char *file, struct diag *d)
{
	char path[4096];

	if (*dir == '\0' || strchr(file, '/') != NULL || (domains ? l->set != NULL : l->set_ip != NULL))
		return "not a set that can be here";
	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return "too long";
	set_stamp_take(domains ? &l->set_seen : &l->set_ip_seen, path);
	/* Nearly every change is one of the text alone: megabytes need not be read again for it. */
	if (domains && l->old != NULL && l->old->set != NULL && set_stamp_same(&l->old->set_seen, &l->set_seen))
		l->set = l->old->set;
	else if (!domains && l->old != NULL && l->old->set_ip != NULL && set_stamp_same(&l->old->set_ip_seen, &l->set_ip_seen))
		l->set_ip = l->old->set_ip;
	else if (domains ? set_dom_open(&l->set, path, SET_COPY, d) < 0 : set_ip_open(&l->set_ip, path, SET_COPY, d) < 0)
		return "a set that can't be read";
	return NULL;
}

static const char *
take_line(struct egress_lists *l, const char *dir, char *line, struct diag *d)
{
	char *save = NULL, *op = strtok_r(line, " ", &save), *word = strtok_r(NULL, " ", &save);
	char *until = strtok_r(NULL, " ", &save), *end = until;
	long long t = until != NULL ? strtoll(until, &end, 10) : 0;

	if (op == NULL || word == NULL || (end != NULL && *end != '\0') || t < 0 || strtok_r(NULL, " ", &save) != NULL)
		return "not a line of such a file";
	if (strcmp(op, "domains") == 0 || strcmp(op, "addresses") == 0)
		return take_set(l, dir, op[0] == 'd', word, d);
	if (strlen(op) != 2 || (op[0] != '+' && op[0] != '-'))
		return "not a line of such a file";
	if (strcmp(op, "+i") == 0)
		return take_net(l, word, (time_t)t);
	return op[1] == 'd' || op[1] == 'w' ? take_name(l, op[0], op[1], word, (time_t)t) :
	    "not a line of such a file";
}

/* Cuts l->copy into lines.  The last line must say how many there were. */
static int
take_text(struct egress_lists *l, const char *file, const char *dir, struct diag *d)
{
	char *save = NULL, want[32];
	const char *why = NULL;
	int line = 1;

	char *p = strtok_r(l->copy, "\n", &save);

	if (p == NULL || strcmp(p, HEADER) != 0)
		why = "not lists of llmsecd, or of another version";
	while (why == NULL) {
		p = strtok_r(NULL, "\n", &save);
		snprintf(want, sizeof(want), "end %d", line);
		line++;
		if (p == NULL)
			why = "the end is missing";
		else if (strcmp(p, want) == 0)
			return 0;
		else
			why = take_line(l, dir, p, d);
	}
	diag_error(d, file, line, 0, "%s", why);
	return -EINVAL;
}

/* A set belongs to one of two: to <to> from now on. */
static void
shared_leave(struct egress_lists *from, const struct egress_lists *to)
{
	if (from == NULL)
		return;
	if (from->set == to->set)
		from->set = NULL;
	if (from->set_ip == to->set_ip)
		from->set_ip = NULL;
}

static int
load_text(struct egress_lists **out, struct egress_lists *old, const char *file, const char *dir, const char *text,
    size_t len, struct diag *d)
{
	struct egress_lists *l = calloc(1, sizeof(*l));
	size_t lines = 1, size = 16;
	int r = -ENOMEM;

	*out = NULL;
	if (l == NULL)
		return r;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	if (lines > EGRESS_LISTS_LINES || memchr(text, '\0', len) != NULL) {
		diag_error(d, file, 0, 0, "too many lines, or a zero byte");
		egress_lists_free(&l);
		return -EINVAL;
	}
	while (size < 2 * lines)
		size *= 2;
	l->mask = size - 1;
	l->old = old;
	l->copy = strndup(text, len);
	l->names = calloc(size, sizeof(*l->names));
	l->nets = calloc(lines, sizeof(*l->nets));
	if (l->copy != NULL && l->names != NULL && l->nets != NULL)
		r = take_text(l, file, dir, d);
	l->old = NULL;
	if (r == 0) {
		shared_leave(old, l);
	} else {
		if (old != NULL)
			shared_leave(l, old);
		egress_lists_free(&l);
	}
	*out = l;
	return r;
}

int
egress_lists_load_mem(struct egress_lists **out, const char *file, const char *dir, const char *text, size_t len,
    struct diag *d)
{
	return load_text(out, NULL, file, dir, text, len, d);
}

int
egress_lists_reload(struct egress_lists **out, struct egress_lists *old, const char *path, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	const char *slash = strrchr(path, '/');
	char *text = NULL, dir[4096];
	struct stat st;
	ssize_t n = 0;

	*out = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > TEXT_MAX)
		r = -EINVAL;
	else if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		r = -ENOMEM;
	else if ((n = read(fd, text, (size_t)st.st_size)) < 0)
		r = -errno;
	close(fd);
	if (r == 0) {
		snprintf(dir, sizeof(dir), "%.*s", slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." : path);
		r = load_text(out, old, path, dir, text, (size_t)n, d);
	}
	free(text);
	return r;
}

int
egress_lists_load(struct egress_lists **out, const char *path, struct diag *d)
{
	return egress_lists_reload(out, NULL, path, d);
}

void
egress_lists_free(struct egress_lists **lp)
{
	struct egress_lists *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	set_dom_close(&l->set);
	set_ip_close(&l->set_ip);
	free(l->copy);
	free(l->names);
	free(l->nets);
	free(l);
}

/* --- asking ---------------------------------------------------------------------------------- */

static const struct name *
find(const struct egress_lists *l, const char *p, size_t n)
{
	const struct name *e = slot(l, egress_policy_hash_name(p, n), p, n);

	return e->text != NULL ? e : NULL;
}

/* The name above <*p>; false: there is none. */
static bool
up(const char **p, size_t *n)
{
	const char *dot = memchr(*p, '.', *n);

	if (dot == NULL)
		return false;
	*n -= (size_t)(dot + 1 - *p);
	*p = dot + 1;
	return true;
}

/* The last <labels> labels. */
static void
cut(const char **p, size_t *n, unsigned labels)
{
	unsigned have = 1;

	for (size_t i = 0; i < *n; i++)
		have += (*p)[i] == '.';
	while (have-- > labels && up(p, n))
		;
}

static bool
in_set(const struct egress_lists *l, const char *p, size_t n)
{
	struct set_hit hit;

	/* What was taken out hides itself, not what is above it. */
	while (set_dom_find(l->set, p, n, &hit)) {
		const struct name *e;

		if (l->n_names == 0)
			return true;
		cut(&p, &n, hit.depth);
		e = find(l, p, n);
		if (e == NULL || !e->del)
			return true;
		if (!up(&p, &n))
			break;
	}
	return false;
}

bool
egress_lists_denied(const struct egress_lists *l, const char *name, size_t len, time_t now)
{
	uint64_t hash = HASH_BASIS;
	size_t end = len;

	if (l == NULL)
		return false;
	for (size_t i = l->n_names > 0 ? len : 0; i-- > 0; ) {
		const struct name *e;

		if (i > 0 && name[i - 1] != '.')
			continue;
		hash = egress_policy_hash(hash, name + i, end - i);
		end = i;
		e = slot(l, hash, name + i, len - i);
		if (e->text != NULL && e->add && (e->until == 0 || now < e->until))
			return true;
	}
	return l->set != NULL && in_set(l, name, len);
}

bool
egress_lists_denied_ip(const struct egress_lists *l, const uint8_t addr[16], time_t now)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(addr, mapped, 12) == 0;
	struct cidr c = { .len = 128 };

	if (l == NULL)
		return false;
	memcpy(c.addr, addr, 16);
	for (size_t i = 0; i < l->n_nets; i++) {
		const struct network *n = &l->nets[i];

		if (cidr_covers(&n->cidr, &c) && (n->until == 0 || now < n->until))
			return true;
	}
	return set_ip_find(l->set_ip, v4 ? AF_INET : AF_INET6, v4 ? addr + 12 : addr, NULL);
}

struct each {
	int	(*fn)(void *, const struct cidr *);
	void	*arg;
};

static int
each_of_set(void *arg, const struct cidr *c, const struct set_class *class)
{
	const struct each *e = arg;

	(void)class;
	return e->fn(e->arg, c);
}

int
egress_lists_each_net(const struct egress_lists *l, time_t now, int (*fn)(void *, const struct cidr *), void *arg)
{
	struct each e = { fn, arg };
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_nets; i++)
		if (l->nets[i].until == 0 || now < l->nets[i].until)
			r = fn(arg, &l->nets[i].cidr);
	return r == 0 ? set_ip_each(l->set_ip, each_of_set, &e) : r;
}

bool
egress_lists_net_ends(const struct egress_lists *l, time_t from, time_t to)
{
	for (size_t i = 0; i < l->n_nets; i++)
		if (l->nets[i].until > from && l->nets[i].until <= to)
			return true;
	return false;
}

bool
egress_lists_allowed(const struct egress_lists *l, const char *p, size_t n)
{
	if (l == NULL || l->n_allow == 0)
		return false;
	for (bool whole = true; ; whole = false) {
		const struct name *e = find(l, p, n);

		if (e != NULL && e->allow && (whole || e->below))
			return true;
		if (!up(&p, &n))
			return false;
	}
}

size_t
egress_lists_entries(const struct egress_lists *l)
{
	struct set_info dom = {0}, ip = {0};

	if (l == NULL)
		return 0;
	if (l->set != NULL)
		set_dom_info(l->set, &dom);
	if (l->set_ip != NULL)
		set_ip_info(l->set_ip, &ip);
	return l->n_names + l->n_nets + (size_t)dom.entries + (size_t)ip.entries;
}
