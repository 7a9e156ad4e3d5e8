/* SPDX-License-Identifier: MIT */
/*
 * What files in requests cost: one core, whole inspection of a body, nanoseconds per byte of it.
 *	attach_bench [-c icap.yaml] [-m MEGABYTES]
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "lib/arena.h"
#include "lib/diag.h"

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Base64 of random bytes behind the head of a file. */
static void
base64_add(struct buf *b, const char *head, size_t n)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t s = 0x9e3779b97f4a7c15u;
	char *p = buf_room(b, n);

	if (p == NULL)
		exit(1);
	for (size_t i = 0; i < n; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		p[i] = abc[s >> 40 & 63];
	}
	memcpy(p, head, strlen(head));
	buf_wrote(b, n);
}

static void
run(const struct icap_policy *p, const char *what, const char *url, const char *before, const char *head, const char *after, size_t n)
{
	struct buf b = {0};
	struct inspect_req_in in = {.method = "POST", .url = url, .content_type = "application/json", .request_id = "r"};
	struct arena *a = arena_new(((size_t)1 << 30) + n * 4);
	double best = 0;
	enum inspect_action action = INSPECT_ERROR;

	buf_adds(&b, before);
	base64_add(&b, head, n & ~(size_t)3);
	buf_adds(&b, after);
	in.body = buf_ptr(&b);
	in.len = buf_len(&b);
	for (int i = 0; a != NULL && i < 5; i++) {
		struct inspect_req_out o;
		double t = cpu_ns();

		arena_reset(a);
		inspect_request(p, &in, a, &o);
		t = cpu_ns() - t;
		best = i == 0 || t < best ? t : best;
		action = o.action;
		buf_free(&o.body);
		tx_clear(&o.tx);
	}
	printf("%-44s %8.1f MB  %7.1f ms  %6.2f ns/byte  %s\n", what, (double)in.len / 1e6, best / 1e6, best / (double)in.len,
	    action == INSPECT_PASS ? "passed" : action == INSPECT_REFUSE ? "refused" : "other");
	buf_free(&b);
	arena_free(&a);
}

#define CHAT(c)	"{\"messages\":[{\"role\":\"user\",\"content\":" c
#define PNG	"iVBORw0KGgoAAAANSUhEUgAAB9AAAAfQCAIAAAAk"

int
main(int argc, char **argv)
{
	const char *conf = "etc/llmsec/icap.yaml";
	struct icap_policy *p = NULL;
	struct diag *d = diag_new();
	size_t n = 10u << 20;
	int c;

	while ((c = getopt(argc, argv, "c:m:")) != -1)
		if (c == 'c')
			conf = optarg;
		else
			n = strtoul(optarg, NULL, 10) << 20;
	if (icap_policy_load_keyless(&p, conf, d) < 0) {
		diag_print(d, stderr);
		return 1;
	}
	run(p, "OpenAI chat, image_url", "/v1/chat/completions", CHAT("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,"),
	    PNG, "\"}}]}]}", n);
	run(p, "Anthropic, source", "/v1/messages", CHAT("[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\""),
	    PNG, "\"}}]}]}", n);
	run(p, "Gemini, inlineData", "/v1beta/models/g:generateContent", "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"",
	    PNG, "\"}}]}]}", n);
	run(p, "Ollama, images", "/api/generate", "{\"prompt\":\"x\",\"images\":[\"", PNG, "\"]}", n);
	run(p, "data: URL in a text", "/v1/chat/completions", CHAT("\"look: ![x](data:image/png;base64,"), PNG, ") nice?\"}]}", n);
	run(p, "base64 in a text, a tenth of the size", "/v1/chat/completions", CHAT("\""), PNG, "\"}]}", n / 10);
	icap_policy_free(&p);
	diag_free(&d);
	return 0;
}
