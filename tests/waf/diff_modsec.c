/* SPDX-License-Identifier: MIT */
/*
 * The same requests through llmsec's engine and libmodsecurity, paranoia level 4, detection only: the sets of
 * rules that fired are compared.  A difference is all right if tests/waf/diff-reasons.txt gives its class for
 * that rule, side and kind of body, and docs/waf-differences.md explains the class.  Every transaction is
 * also verified: what our prefilter skipped would not have matched.  TAP.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "haproxy-spoa/waf/waf.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "tests/waf/corpus.h"
#include "tests/waf/peer.h"

#define REASONS_MAX	512
#define CLASSES_MAX	64
#define EXAMPLES	3

struct reason {
	int64_t		 from, to;	/* rule ids */
	char		 side[8];	/* "ours", "theirs": who alone has it */
	char		 body[12];	/* "any", or a kind as body_kind() says */
	char		 class[32];
	size_t		 used;
};

struct unknown {
	int64_t		 id;
	const char	*side, *body;
	size_t		 n;
	char		 example[96];
};

struct diff {
	struct waf	*waf;
	struct waf_thread *thread;
	struct waf_profile profile;
	struct peer	*peer;
	struct arena	*arena;
	struct corpus	 corpus;
	struct reason	 reason[REASONS_MAX];
	size_t		 n_reasons;
	struct unknown	 unknown[256];
	size_t		 n_unknown, requests, differ, lost;
	FILE		*dump;		/* of requests with an unexplained difference */
};

struct ids {
	int64_t		 id[PEER_IDS_MAX];
	size_t		 n;
};

static bool
has(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

/*
 * The kind of body by its declared type - differences depend on the body processor more than on anything - and
 * "broken" for a multipart body in which one of the two engines found a mistake (rules 200002, 200003); "oddtype"
 * where something else than a type stands in front of it.
 */
static const char *
body_kind(const struct http_raw *r, bool broken)
{
	static const struct {
		const char	*in, *kind;
	} kinds[] = { { "json", "json" }, { "xml", "xml" }, { "multipart/", "multipart" }, { "urlencoded", "form" } };

	for (size_t i = 0; i < r->n_headers; i++) {
		const struct waf_header *h = &r->headers[i];

		if (h->name.n != 12 || strncasecmp(h->name.p, "Content-Type", 12) != 0)
			continue;
		if (h->value.n > 0 && (unsigned char)h->value.p[0] < ' ')
			return "oddtype";
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (memmem(h->value.p, h->value.n, kinds[k].in, strlen(kinds[k].in)) != NULL)
				return broken && kinds[k].in[0] == 'm' ? "broken" : kinds[k].kind;
		}
		return "other";
	}
	return r->body.n > 0 ? "other" : "none";
}

static void
ours(struct diff *d, const struct http_raw *r, struct ids *out)
{
	struct waf_request q = { .client_ip = WAF_STR("127.0.0.1"), .client_port = 50000,
	    .server_ip = WAF_STR("127.0.0.1"), .server_port = 80, .unique_id = WAF_STR("diff"),
	    .now_us = 1700000000000000 };
	const struct waf_verdict *v;
	struct waf_tx *tx;

	http_raw_to_request(r, &q);
	tx = waf_tx_new(d->waf, d->thread, &d->profile, &q);
	waf_tx_request(tx);
	v = waf_tx_end(tx);
	out->n = 0;
	for (size_t i = 0; i < v->n_matches; i++) {
		if (v->matches[i].log && !has(out->id, out->n, v->matches[i].id) && out->n < PEER_IDS_MAX)
			out->id[out->n++] = v->matches[i].id;
	}
	d->lost += waf_tx_verify(tx, NULL, 0);
}

static bool
explained(struct diff *d, int64_t id, const char *side, const char *body)
{
	for (size_t i = 0; i < d->n_reasons; i++) {
		struct reason *r = &d->reason[i];

		if (id >= r->from && id <= r->to && strcmp(r->side, side) == 0 &&
		    (strcmp(r->body, "any") == 0 || strcmp(r->body, body) == 0)) {
			r->used++;
			return true;
		}
	}
	return false;
}

static void
unknown_add(struct diff *d, int64_t id, const char *side, const char *body, const char *example)
{
	size_t i = 0;

	while (i < d->n_unknown && (d->unknown[i].id != id || d->unknown[i].side != side || d->unknown[i].body != body))
		i++;
	if (i == sizeof(d->unknown) / sizeof(d->unknown[0]))
		return;
	if (i == d->n_unknown) {
		d->unknown[d->n_unknown++] = (struct unknown){ .id = id, .side = side, .body = body };
		snprintf(d->unknown[i].example, sizeof(d->unknown[i].example), "%s", example);
	}
	d->unknown[i].n++;
}

/* Rules that <a> has and <b> has not.  true: one of them is not explained. */
static bool
one_side(struct diff *d, const int64_t *a, size_t na, const int64_t *b, size_t nb, const char *side,
    const char *body, const char *example)
{
	bool bad = false;

	for (size_t i = 0; i < na; i++) {
		if (has(b, nb, a[i]) || explained(d, a[i], side, body))
			continue;
		unknown_add(d, a[i], side, body, example);
		bad = true;
	}
	return bad;
}

static void
compare(struct diff *d, const struct buf *bytes, const char *id)
{
	static struct peer_result theirs;
	static struct ids mine;
	struct http_raw r;
	const char *body;
	bool bad;

	arena_reset(d->arena);
	if (http_raw_request(&r, d->arena, buf_ptr(bytes), buf_len(bytes), 0) < 0)
		return;
	ours(d, &r, &mine);
	peer_judge(d->peer, &r, NULL, true, &theirs);
	body = body_kind(&r, has(mine.id, mine.n, 200002) || has(mine.id, mine.n, 200003) ||
	    has(theirs.ids, theirs.n_ids, 200002) || has(theirs.ids, theirs.n_ids, 200003));
	bad = one_side(d, mine.id, mine.n, theirs.ids, theirs.n_ids, "ours", body, id);
	bad = one_side(d, theirs.ids, theirs.n_ids, mine.id, mine.n, "theirs", body, id) || bad;
	d->requests++;
	d->differ += bad;
	if (bad && d->dump != NULL) {
		fprintf(d->dump, "REQ %s %zu 0\n", id, buf_len(bytes));
		fwrite(buf_ptr(bytes), 1, buf_len(bytes), d->dump);
	}
}

static void
run(struct diff *d, size_t count, uint64_t seed)
{
	uint64_t rng = seed * 0x9e3779b97f4a7c15ULL | 1;
	struct buf b = {0};
	char id[96];
	size_t i;

	for (size_t n = 0; n < count; n++) {
		i = corpus_rng(&rng) % d->corpus.n;
		corpus_mutate(&b, &d->corpus, i, &rng);
		snprintf(id, sizeof(id), "%zu:%s", n, d->corpus.req[i].id);
		compare(d, &b, id);
	}
	buf_free(&b);
}

/* "942100 theirs any CLASS", "920000-920999 ours json CLASS"; false: a line is none. */
static bool
reasons_load(struct diff *d, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];
	bool ok = f != NULL;

	while (ok && fgets(line, sizeof(line), f) != NULL) {
		struct reason *r = &d->reason[d->n_reasons];
		char range[32];

		if (line[0] == '#' || line[0] == '\n')
			continue;
		ok = d->n_reasons < REASONS_MAX &&
		    sscanf(line, "%31s %7s %11s %31s", range, r->side, r->body, r->class) == 4;
		if (!ok) {
			printf("# %s: %s", path, line);
			break;
		}
		r->from = strtoll(range, NULL, 10);
		r->to = strchr(range, '-') != NULL ? strtoll(strchr(range, '-') + 1, NULL, 10) : r->from;
		d->n_reasons++;
	}
	if (f != NULL)
		fclose(f);
	return ok;
}

/* Every class of the reasons has a heading in the document. */
static bool
classes_documented(const struct diff *d, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024], wanted[64];
	bool ok = f != NULL, found;

	for (size_t i = 0; f != NULL && i < d->n_reasons; i++) {
		if (i > 0 && strcmp(d->reason[i].class, d->reason[i - 1].class) == 0)
			continue;
		rewind(f);
		snprintf(wanted, sizeof(wanted), "### %s\n", d->reason[i].class);
		found = false;
		while (!found && fgets(line, sizeof(line), f) != NULL)
			found = strcmp(line, wanted) == 0;
		if (!found)
			printf("# %s has no heading %s", path, wanted);
		ok = ok && found;
	}
	if (f != NULL)
		fclose(f);
	return ok;
}

static void
classes_print(const struct diff *d)
{
	size_t n;

	for (size_t i = 0; i < d->n_reasons; i++) {
		bool first = true;

		for (size_t k = 0; k < i; k++)
			first = first && strcmp(d->reason[k].class, d->reason[i].class) != 0;
		if (!first)
			continue;
		n = 0;
		for (size_t k = i; k < d->n_reasons; k++)
			n += strcmp(d->reason[k].class, d->reason[i].class) == 0 ? d->reason[k].used : 0;
		printf("# %-28s %zu differences\n", d->reason[i].class, n);
	}
}

static bool
load(struct diff *d, const char *rules, const char *peer_rules)
{
	struct diag *diag = diag_new();
	struct waf_options opt = {0};
	char why[512] = "";

	if (waf_load(&d->waf, rules, &opt, diag) < 0)
		diag_print(diag, stderr);
	diag_free(&diag);
	d->peer = peer_load(peer_rules, why, sizeof(why));
	if (d->peer == NULL)
		fprintf(stderr, "diff_modsec: %s\n", why);
	d->thread = waf_thread_new();
	d->arena = arena_new(0);
	return d->waf != NULL && d->peer != NULL && d->thread != NULL && d->arena != NULL;
}

static int
report(const struct diff *d, const char *docs)
{
	bool documented = classes_documented(d, docs);

	for (size_t i = 0; i < d->n_unknown; i++)
		printf("# %" PRId64 " only %s, body %s: %zu times, first %s\n", d->unknown[i].id, d->unknown[i].side,
		    d->unknown[i].body, d->unknown[i].n, d->unknown[i].example);
	classes_print(d);
	printf("%sok 1 - %zu requests, %zu with unexplained differences\n", d->n_unknown == 0 ? "" : "not ", d->requests,
	    d->differ);
	printf("%sok 2 - every class of differences is explained\n", documented ? "" : "not ");
	printf("%sok 3 - the prefilter lost %zu matches\n1..3\n", d->lost == 0 ? "" : "not ", d->lost);
	return d->n_unknown == 0 && documented && d->lost == 0 ? 0 : 1;
}

static int
usage(void)
{
	fputs("usage: diff_modsec --rules FILE --peer FILE --reasons FILE --docs FILE [--attacks RECORDS]\n"
	    "                   [--count N] [--seed N] [--dump RECORDS] [--as-is]\n", stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "rules", 1, NULL, 'r' }, { "peer", 1, NULL, 'p' }, { "reasons", 1, NULL, 'R' }, { "docs", 1, NULL, 'd' },
		{ "attacks", 1, NULL, 'a' }, { "count", 1, NULL, 'c' }, { "seed", 1, NULL, 's' }, { "dump", 1, NULL, 'D' },
		{ "as-is", 0, NULL, 'A' }, { NULL, 0, NULL, 0 }
	};
	const char *rules = NULL, *peer = NULL, *reasons = NULL, *docs = NULL, *attacks = NULL;
	struct diff *d = calloc(1, sizeof(*d));
	size_t count = 5000;
	uint64_t seed = 1;
	bool as_is = false;
	int o, r;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'r': rules = optarg; break;
		case 'p': peer = optarg; break;
		case 'R': reasons = optarg; break;
		case 'd': docs = optarg; break;
		case 'a': attacks = optarg; break;
		case 'c': count = strtoul(optarg, NULL, 10); break;
		case 's': seed = strtoull(optarg, NULL, 10); break;
		case 'D': d->dump = fopen(optarg, "wb"); break;
		case 'A': as_is = true; break;
		default: return usage();
		}
	}
	if (d == NULL || rules == NULL || peer == NULL || reasons == NULL || docs == NULL || !reasons_load(d, reasons) ||
	    corpus_benign(&d->corpus, 7) < 0 || (attacks != NULL && corpus_load(&d->corpus, attacks) < 0))
		return usage();
	d->profile = (struct waf_profile){ .name = "diff", .mode = WAF_MODE_RULES };
	if (!load(d, rules, peer))
		return 2;
	for (size_t i = 0; as_is && i < d->corpus.n; i++)
		compare(d, &d->corpus.req[i].bytes, d->corpus.req[i].id);
	run(d, count, seed);
	r = report(d, docs);
	if (d->dump != NULL)
		fclose(d->dump);
	corpus_free(&d->corpus);
	arena_free(&d->arena);
	waf_thread_free(&d->thread);
	waf_free(&d->waf);
	peer_free(&d->peer);
	free(d);
	return r;
}
