/* SPDX-License-Identifier: MIT */
/*
 * Inputs that make backtracking patterns suffer, against a whole rule set: for each @rx in the rule files the
 * pieces of its own text, repeated to 16 KB and ended by something that does not fit; and the usual runs of one
 * character.  Each is sent as an argument, a form, a header and JSON, and each has to be judged - or given up as
 * ERROR - within the time limit.  TAP.	usage: redos --rules FILE [--limit-ms N] [--size N] RULE-FILE...
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "haproxy-spoa/waf/waf.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/diag.h"

#define PIECE_MAX	24	/* longer ones hardly repeat a loop of the pattern */

struct redos {
	struct waf	*waf;
	struct waf_thread *thread;
	struct waf_profile profile;
	struct arena	*arena;
	size_t		 size, requests, errors, late;
	double		 limit_ms, worst_ms;
	bool		 seen[1024];
	char		 worst[PIECE_MAX * 4 + 1];
};

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
judge(struct redos *r, const struct buf *request, const char *piece)
{
	struct waf_request q = { .client_ip = WAF_STR("192.0.2.7"), .server_ip = WAF_STR("192.0.2.1"),
	    .server_port = 80, .unique_id = WAF_STR("redos"), .now_us = 1700000000000000 };
	const struct waf_verdict *v;
	struct http_raw h;
	double t;

	arena_reset(r->arena);
	if (http_raw_request(&h, r->arena, buf_ptr(request), buf_len(request), 0) < 0)
		exit(2);
	http_raw_to_request(&h, &q);
	t = now_ms();
	v = waf_tx_request(waf_tx_new(r->waf, r->thread, &r->profile, &q));
	t = now_ms() - t;
	r->requests++;
	r->errors += v->action == WAF_ERROR;
	r->late += t > r->limit_ms;
	if (t > r->limit_ms)
		printf("# %.0f ms: %s\n", t, piece);
	if (t > r->worst_ms) {
		r->worst_ms = t;
		snprintf(r->worst, sizeof(r->worst), "%s", piece);
	}
}

/* What <form> makes of one byte inside of a value. */
static void
byte_add(struct buf *b, char c, char form)
{
	unsigned char u = (unsigned char)c;

	if (form == 'j' && (c == '"' || c == '\\'))
		buf_printf(b, "\\%c", c);
	else if ((form == 'q' || form == 'f') && (u <= ' ' || u >= 0x7f || strchr("&%+#;", c) != NULL))
		buf_printf(b, "%%%02x", u);
	else if ((form == 'h' || form == 'j') && u < ' ')
		buf_addc(b, ' ');
	else
		buf_addc(b, c);
}

static void
send_as(struct redos *r, const char *piece, char form)
{
	static const char *const head[] = { "GET /?q=", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ",
	    "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" };
	struct buf v = {0}, b = {0};

	while (buf_len(&v) < r->size) {
		for (const char *p = piece; *p != '\0'; p++)
			byte_add(&v, *p, form);
	}
	buf_addc(&v, '!');
	switch (form) {
	case 'q':
		buf_printf(&b, "%s%.*s HTTP/1.1\r\nHost: a\r\n\r\n", head[0], (int)buf_len(&v), buf_ptr(&v));
		break;
	case 'h':
		buf_printf(&b, "%s%.*s\r\n\r\n", head[2], (int)buf_len(&v), buf_ptr(&v));
		break;
	case 'f':
		buf_printf(&b, "%sapplication/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\nq=%.*s", head[1],
		    buf_len(&v) + 2, (int)buf_len(&v), buf_ptr(&v));
		break;
	default:
		buf_printf(&b, "%sContent-Length: %zu\r\n\r\n{\"q\":\"%.*s\"}", head[3], buf_len(&v) + 8,
		    (int)buf_len(&v), buf_ptr(&v));
	}
	judge(r, &b, piece);
	buf_free(&v);
	buf_free(&b);
}

/* Each piece once, in one form; a collision of the small hash loses a piece, which is no loss. */
static void
piece_send(struct redos *r, const char *piece)
{
	static const char forms[] = "qfhj";
	uint32_t hash = 2166136261u;

	for (const char *p = piece; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	if (r->seen[hash >> 22])
		return;
	r->seen[hash >> 22] = true;
	send_as(r, piece, forms[r->requests % 4]);
}

/* Runs of pattern text without operators; an escaped letter stands for one character of its class. */
static void
pattern_pieces(struct redos *r, const char *p, size_t n)
{
	char piece[PIECE_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; i <= n; i++) {
		char c = i < n ? p[i] : '\0';

		if (c == '\\' && i + 1 < n) {
			c = p[++i];
			c = c == 's' ? ' ' : c == 'd' ? '1' : c == 'w' ? 'a' : c == 'W' ? '-' : c == 'b' ? ' ' : c;
		} else if (c != '\0' && strchr("()[]{}|?*+^$", c) != NULL) {
			c = '\0';
		}
		if (c != '\0' && len < PIECE_MAX) {
			piece[len++] = c;
			continue;
		}
		piece[len] = '\0';
		if (len >= 1 && (len > 2 || i == n))
			piece_send(r, piece);
		len = 0;
	}
}

/* The files are only a source of text here. */
static void
file_send(struct redos *r, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	while (f != NULL && getline(&line, &cap, f) >= 0) {
		char *rx = line[0] != '#' ? strstr(line, "\"@rx ") : NULL, *end = strrchr(line, '"');
		size_t n = rx != NULL && end > rx + 5 ? (size_t)(end - rx - 5) : 0;

		if (n > 200) {		/* the beginning and the end of a long one */
			pattern_pieces(r, rx + 5, 100);
			pattern_pieces(r, rx + 5 + n - 100, 100);
		} else if (n > 0) {
			pattern_pieces(r, rx + 5, n);
		}
	}
	free(line);
	if (f != NULL)
		fclose(f);
}

static void
usual_send(struct redos *r)
{
	static const char *const usual[] = { " ", "\t", "a", "A ", "1", "0x", "'", "\"", "`", "'a'=", "a=", "a,", "a.", "/",
		"../", "\\", "\\x", "<", "<a ", "<a href=", "&#", "(", "((", "()", "[", "{", "${", "$(", "|", ";", "--", "/*", "*/",
		"/**/", "or ", "and 1=1 ", "union ", "select ", "x'", "on=", "%u", "\n", "\r\n", ":", "http://", "@", "!", "+", "-",
		"_", "aA1_-. ", "a b\tc\n" };

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		send_as(r, usual[i], 'q');
		send_as(r, usual[i], 'f');
		send_as(r, usual[i], 'h');
		send_as(r, usual[i], 'j');
	}
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "rules", 1, NULL, 'r' }, { "limit-ms", 1, NULL, 'l' },
		{ "size", 1, NULL, 's' }, { NULL, 0, NULL, 0 } };
	struct redos r = { .size = 16384, .limit_ms = 500, .profile = { .name = "redos", .mode = WAF_MODE_RULES } };
	struct diag *diag = diag_new();
	struct waf_options opt = {0};
	const char *rules = "";
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'r': rules = optarg; break;
		case 'l': r.limit_ms = atof(optarg); break;
		case 's': r.size = strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (waf_load(&r.waf, rules, &opt, diag) < 0) {
		diag_print(diag, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	r.thread = waf_thread_new();
	r.arena = arena_new(0);
	usual_send(&r);
	for (int i = optind; i < argc; i++)
		file_send(&r, argv[i]);
	printf("# worst: %.1f ms by %s; %zu given up as ERROR\n", r.worst_ms, r.worst, r.errors);
	printf("%sok 1 - %zu hostile inputs of %zu bytes, each within %.0f ms\n1..1\n", r.late == 0 ? "" : "not ",
	    r.requests, r.size, r.limit_ms);
	waf_thread_free(&r.thread);
	waf_free(&r.waf);
	arena_free(&r.arena);
	diag_free(&diag);
	return r.late == 0 ? 0 : 1;
}
