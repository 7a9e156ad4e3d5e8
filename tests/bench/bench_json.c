/* SPDX-License-Identifier: MIT */
/*
 * How fast lib/json.c is, beside jansson on the same document in the same run: absolute numbers are
 * the machine's, the ratio is ours.  jansson builds a tree, which the scanner exists to avoid; both
 * visit every string once.  Usage: bench_json [seconds per measurement].
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "tests/bench/bench_json.h"

#define DOC_SIZE	((size_t)1 << 20)
#define PIECE		4096		/* what an ICAP read hands on */
#define ROUNDS		5

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- documents ----------------------------------------------------------------------------- */

/* A chat whose messages repeat <text>, already in JSON's spelling, up to <each> bytes. */
static void
make_chat(struct buf *b, const char *text, size_t each)
{
	buf_adds(b, "{\"model\":\"m\",\"stream\":true,\"messages\":[");
	for (unsigned i = 0; buf_len(b) < DOC_SIZE; i++) {
		buf_printf(b, "%s{\"role\":\"%s\",\"content\":\"", i ? "," : "", i % 2 ? "assistant" : "user");
		for (size_t n = 0; n < each; n += strlen(text))
			buf_adds(b, text);
		buf_adds(b, "\"}");
	}
	buf_adds(b, "]}");
}

static void
make_tools(struct buf *b)
{
	buf_adds(b, "{\"tools\":[");
	for (unsigned i = 0; buf_len(b) < DOC_SIZE; i++)
		buf_printf(b, "%s{\"type\":\"function\",\"function\":{\"name\":\"f%u\",\"strict\":true,\"parameters\":{"
		    "\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"number\",\"minimum\":-%u.5,\"maximum\":1e%u},"
		    "\"y\":{\"enum\":[1,2,%u,null,false]}},\"required\":[\"x\",\"y\"]}}}", i ? "," : "", i, i % 100, i % 20, i);
	buf_adds(b, "]}");
}

/* --- measuring ----------------------------------------------------------------------------- */

static int
count_string(void *arg, const struct json_value *v)
{
	*(size_t *)arg += v->type == JSON_STRING;
	return 0;
}

static size_t
scan_whole(const char *p, size_t n)
{
	size_t k = 0;

	return json_scan_all(p, n, 0, NULL, count_string, &k, NULL, NULL) == 0 ? k : 0;
}

static size_t
scan_pieces(const char *p, size_t n)
{
	size_t k = 0;
	struct json_scan *s = json_scan_new(count_string, &k, 0, NULL);
	int rc = s == NULL;

	for (size_t at = 0; rc == 0 && at < n; at += PIECE)
		rc = json_scan_feed(s, p + at, n - at < PIECE ? n - at : PIECE);
	if (rc == 0)
		rc = json_scan_finish(s);
	json_scan_free(&s);
	return rc == 0 ? k : 0;
}

/* MB/s of the best round: the others were disturbed. */
static double
measure(size_t (*fn)(const char *, size_t), const struct buf *b, size_t strings, double seconds)
{
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double t = now(), spent;
		unsigned runs = 0;

		do {
			if (fn(buf_ptr(b), buf_len(b)) != strings)
				return -1;
			runs++;
			spent = now() - t;
		} while (spent < seconds / ROUNDS);
		if (runs * (double)buf_len(b) / spent / 1e6 > best)
			best = runs * (double)buf_len(b) / spent / 1e6;
	}
	return best;
}

static int
run(const char *name, struct buf *b, double seconds)
{
	size_t strings = scan_whole(buf_ptr(b), buf_len(b));
	double whole, pieces, theirs;

	if (b->err != 0 || strings == 0) {
		fprintf(stderr, "%s: not a document\n", name);
		return 1;
	}
	whole = measure(scan_whole, b, strings, seconds);
	pieces = measure(scan_pieces, b, strings, seconds);
	theirs = measure(bench_jansson, b, strings, seconds);
	buf_free(b);
	if (whole < 0 || pieces < 0 || theirs < 0) {
		fprintf(stderr, "%s: the parsers disagree\n", name);
		return 1;
	}
	printf("%-10s %8.0f %8.0f %8.0f %7.1f\n", name, whole, pieces, theirs, whole / theirs);
	return 0;
}

int
main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	struct buf b = { 0 };
	int rc;

	printf("%-10s %8s %8s %8s %7s   (MB/s)\n", "document", "whole", "4k", "jansson", "ratio");
	make_chat(&b, "The quick brown fox jumps over the lazy dog. ", 4000);
	rc = run("text", &b, seconds);
	make_chat(&b, "line one\\nline \\\"two\\\"\\tand \\u00fc\\u20ac ", 4000);
	rc |= run("escapes", &b, seconds);
	make_chat(&b, "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xe4\xbd\xa0\xe5\xa5\xbd ", 4000);
	rc |= run("unicode", &b, seconds);
	make_chat(&b, "short ", 20);
	rc |= run("short", &b, seconds);
	make_tools(&b);
	rc |= run("tools", &b, seconds);
	return rc;
}
