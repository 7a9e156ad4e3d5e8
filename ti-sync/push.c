/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "ti-sync/push.h"
#include "ti-sync/push_diff.h"
#include "ti-sync/push_http.h"

#define PIECE		((size_t)4 << 20)	/* bytes of a list in one request: some 200,000 names */
#define THREADS_MAX	32
#define LIST_HEAD	"# llmsec-ti-sync\n"

static const struct list_kind {
	enum ti_kind	 kind;
	const char	*suffix, *page, *field;
} list_kinds[2] = {
	{TI_DOMAIN, "domains", "/api/domain-blacklist", "domain"},
	{TI_NET, "addresses", "/api/ip-blacklist", "ip"},
};

struct node {
	const struct ti_conf_push	*p;
	const struct list_kind		*k;
	struct ti_push_http		*http;
	struct ti_push_report		*r;
	char				 want[PATH_MAX], sent[PATH_MAX];
	/* of one kind: */
	struct buf			 list;		/* the request being gathered */
	bool				 one_by_one;	/* how an older llmsecd removes */
	size_t				 gathered, taken, removed;
	size_t				 n_new, n_gone;	/* seen while the state is written */
	FILE				*state;
};

const char *
ti_pushed_str(enum ti_pushed p)
{
	static const char *const s[] = {"same", "done", "unreachable", "refused", "failed"};

	return s[p];
}

/* ---- sending ------------------------------------------------------------------------------------- */

static int
list_send(struct node *n)
{
	enum ti_pushed p;

	if (n->list.err != 0)
		return n->list.err;
	if (n->gathered == n->taken)
		return 0;
	p = ti_push_http_add(n->http, n->k->page, buf_ptr(&n->list), buf_len(&n->list), n->r);
	n->r->outcome = p;
	buf_clear(&n->list);
	if (p != TI_PUSH_DONE)
		return 1;
	n->taken = n->gathered;
	return 0;
}

static void
list_add_line(struct node *n, const char *text)
{
	if (buf_len(&n->list) == 0)
		buf_adds(&n->list, LIST_HEAD);
	buf_adds(&n->list, text);
	buf_addc(&n->list, '\n');
	n->gathered++;
}

static int
new_gather(void *arg, enum ti_diff what, const char *text)
{
	struct node *n = arg;

	if (what != TI_DIFF_NEW)
		return 0;
	list_add_line(n, text);
	return buf_len(&n->list) >= PIECE ? list_send(n) : 0;
}

static int
one_remove(struct node *n, const char *text)
{
	enum ti_pushed p;

	if (n->removed >= (size_t)n->p->max_removals) {
		n->r->outcome = TI_PUSH_UNREACHABLE;
		snprintf(n->r->why, sizeof(n->r->why), "%d are removed, one by one; the rest by the next run", n->p->max_removals);
		return 1;
	}
	p = ti_push_http_remove(n->http, n->k->page, n->k->field, text, n->r);
	if (p == TI_PUSH_DONE) {
		n->removed++;
		return 0;
	}
	n->r->outcome = p;
	return 1;
}

/* The lines that were gathered for a list, after all one by one. */
static int
lines_remove(struct node *n)
{
	const char *at = buf_ptr(&n->list) + strlen(LIST_HEAD), *stop = buf_ptr(&n->list) + buf_len(&n->list), *end;
	char text[TI_KEY_MAX];
	int err = 0;

	for (; err == 0 && (end = memchr(at, '\n', (size_t)(stop - at))) != NULL; at = end + 1) {
		snprintf(text, sizeof(text), "%.*s", (int)(end - at), at);
		err = one_remove(n, text);
	}
	buf_clear(&n->list);
	return err;
}

static int
gone_send(struct node *n)
{
	bool unknown;
	enum ti_pushed p;

	if (n->list.err != 0)
		return n->list.err;
	if (n->gathered == n->removed)
		return 0;
	p = ti_push_http_remove_list(n->http, n->k->page, buf_ptr(&n->list), buf_len(&n->list), n->r, &unknown);
	if (p != TI_PUSH_DONE && unknown) {
		n->one_by_one = true;
		n->r->why[0] = '\0';
		return lines_remove(n);
	}
	n->r->outcome = p;
	buf_clear(&n->list);
	if (p != TI_PUSH_DONE)
		return 1;
	n->removed = n->gathered;
	return 0;
}

static int
gone_gather(void *arg, enum ti_diff what, const char *text)
{
	struct node *n = arg;

	if (what != TI_DIFF_GONE)
		return 0;
	if (n->one_by_one)
		return one_remove(n, text);
	list_add_line(n, text);
	return buf_len(&n->list) >= PIECE ? gone_send(n) : 0;
}

/* ---- what a node has ----------------------------------------------------------------------------- */

/* As far as it came: the new ones it took, without the old ones it removed.  Both went in order. */
static int
state_line(void *arg, enum ti_diff what, const char *text)
{
	struct node *n = arg;

	if ((what == TI_DIFF_NEW && n->n_new++ >= n->taken) || (what == TI_DIFF_GONE && n->n_gone++ < n->removed))
		return 0;
	return fputs(text, n->state) < 0 || putc('\n', n->state) < 0 ? -EIO : 0;
}

static int
state_write(struct node *n, const struct ti_diff_files *files, int64_t run)
{
	char tmp[PATH_MAX];
	int err;

	if (snprintf(tmp, sizeof(tmp), "%s.new", n->sent) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	n->state = fopen(tmp, "we");
	if (n->state == NULL)
		return -errno;
	n->n_new = n->n_gone = 0;
	fprintf(n->state, "# llmsec-ti-sync, run %" PRId64 "\n", run);
	err = ti_diff_walk(files, state_line, n, NULL);
	if (err == 0 && (fflush(n->state) != 0 || fsync(fileno(n->state)) != 0))
		err = -errno;
	if (fclose(n->state) != 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(tmp, n->sent) != 0)
		err = -errno;
	if (err != 0)
		unlink(tmp);
	return err;
}

/* ---- one node ------------------------------------------------------------------------------------ */

/* 0, 1: the node didn't take all of it, or -errno. */
static int
kind_push(struct node *n)
{
	struct ti_diff_files files = {n->k->kind, n->want, n->sent};
	int64_t run = ti_diff_run(n->want);
	size_t left_out = 0;
	int err, saved;

	n->gathered = n->taken = n->removed = 0;
	buf_clear(&n->list);
	err = ti_diff_walk(&files, new_gather, n, &left_out);
	if (err == 0)
		err = list_send(n);
	n->gathered = 0;
	if (err == 0)
		err = ti_diff_walk(&files, gone_gather, n, NULL);
	if (err == 0 && !n->one_by_one)
		err = gone_send(n);
	n->r->left_out += left_out;
	/* Run 0: not all of it. */
	saved = state_write(n, &files, err == 0 ? run : 0);
	return err < 0 ? err : saved != 0 ? saved : err;
}

static void
paths_make(struct node *n, const struct ti_conf *c)
{
	snprintf(n->want, sizeof(n->want), "%s/push.%s.%s", c->state_dir, n->p->name, n->k->suffix);
	snprintf(n->sent, sizeof(n->sent), "%s/push.%s.%s.sent", c->state_dir, n->p->name, n->k->suffix);
}

static void
node_push(const struct ti_conf *c, const struct ti_conf_push *p, bool whole, struct ti_push_report *r)
{
	struct node n = {.p = p, .r = r};
	int err = 0;

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; err == 0 && i < 2; i++) {
		int64_t run;

		n.k = &list_kinds[i];
		paths_make(&n, c);
		run = ti_diff_run(n.want);
		if (whole)
			unlink(n.sent);
		if (run == 0 || run == ti_diff_run(n.sent))
			continue;
		r->outcome = TI_PUSH_DONE;
		if (n.http == NULL && (n.http = ti_push_http_new(c, p, r->why)) == NULL)
			err = -EACCES;
		if (err == 0)
			err = kind_push(&n);
		if (err == -EBADMSG && unlink(n.sent) == 0) {
			log_warnx("%s: unreadable; the node gets everything again", n.sent);
			err = kind_push(&n);
		}
	}
	if (err < 0) {
		r->outcome = TI_PUSH_FAILED;
		if (r->why[0] == '\0')
			snprintf(r->why, sizeof(r->why), "%s", strerror(-err));
	}
	ti_push_http_free(&n.http);
	buf_free(&n.list);
}

static void
node_say(const struct ti_conf_push *p, const struct ti_push_report *r)
{
	const char *sep = r->why[0] != '\0' ? ": " : "";

	if (r->outcome == TI_PUSH_SAME)
		log_debug("push", "node %s: has everything", p->name);
	else if (r->outcome == TI_PUSH_DONE)
		log_info("node %s: %zu added, %zu were there, %zu removed, %zu not taken%s%s", p->name, r->added, r->duplicate,
		    r->removed, r->invalid, sep, r->why);
	else
		log_err("node %s: %s%s%s; it gets the rest by the next run", p->name, ti_pushed_str(r->outcome), sep, r->why);
	if (r->left_out > 0)
		log_notice("node %s: %zu not sent, for they cover names or networks of the allow list", p->name, r->left_out);
}

/* ---- all of them --------------------------------------------------------------------------------- */

struct crew {
	const struct ti_conf	*c;
	struct ti_push_report	*report;
	bool			 whole;
	atomic_size_t		 next;
};

static void *
crew_work(void *arg)
{
	struct crew *w = arg;

	for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->c->n_push; ) {
		node_push(w->c, &w->c->push[i], w->whole, &w->report[i]);
		node_say(&w->c->push[i], &w->report[i]);
	}
	return NULL;
}

bool
ti_push_all(const struct ti_conf *c, bool whole, struct ti_push_report *report)
{
	struct crew w = {.c = c, .report = report, .whole = whole};
	pthread_t t[THREADS_MAX];
	size_t n = 0, max = (size_t)c->fetch.parallel < THREADS_MAX ? (size_t)c->fetch.parallel : THREADS_MAX;
	bool all = true;

	if (c->n_push == 0)
		return true;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	while (n < max && n + 1 < c->n_push && pthread_create(&t[n], NULL, crew_work, &w) == 0)
		n++;
	crew_work(&w);
	while (n > 0)
		pthread_join(t[--n], NULL);
	for (size_t i = 0; i < c->n_push; i++)
		all = all && report[i].outcome <= TI_PUSH_DONE;
	return all;
}
