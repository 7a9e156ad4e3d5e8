/* SPDX-License-Identifier: MIT */
/* A SPOP client for tests, bench and operators in doubt; see usage_text. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/counters.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "tests/tools/spop_client.h"

static const char usage_text[] =
    "usage: llmsec-spop health  -s ADDR\n"
    "       llmsec-spop request -s ADDR [-a CLIENT] [-p PATH] [-b BODYLEN] [-l LENGTH] [-n COUNT] [-k KEYS]\n"
    "           COUNT pipelined requests; shows the variables of the last; -k verifies its signature\n"
    "       llmsec-spop garbage [-s ADDR [-P PID]] [-S SEED] FRAMES\n"
    "           to the agent at ADDR, or without -s through the agent's code in this process\n"
    "       llmsec-spop counters DIR\n"
    "           the counters of an agent whose counters_dir is DIR\n"
    "       llmsec-spop origin  -s ADDR -k KEYS\n"
    "           an HTTP origin that verifies X-Edge99 signatures\n"
    "ADDR: unix:PATH or HOST:PORT\n";

struct options {
	const char	*addr, *client, *path, *keys;
	size_t		 body_len;
	int64_t		 body_size;
	unsigned	 count;
	uint64_t	 seed;
	long		 pid;
};

static int
health(const struct options *o)
{
	struct spop_client c;
	struct spop_hello h;
	int rc = spop_client_open(&c, o->addr);

	if (rc == 0)
		rc = spop_client_hello(&c, true, &h);
	spop_client_close(&c);
	printf("%s\n", rc == 0 ? "healthy" : strerror(-rc));
	return rc != 0;
}

/* The signed value that a variable of the verdict carries; -1: none. */
static int
edge_index(const struct spop_action *a)
{
	static const char *const names[EDGE_HDR_N] = {
		[EDGE_THREAT_SCORE] = "threat_score", [EDGE_BOT_SCORE] = "bot_score", [EDGE_JA3] = "ja3",
		[EDGE_JA4] = "ja4", [EDGE_COUNTRY] = "country", [EDGE_CLIENT_IP] = "client_ip",
		[EDGE_REQUEST_ID] = "request_id",
	};

	for (int i = 0; i < EDGE_HDR_N; i++)
		if (a->name_len == strlen(names[i]) && memcmp(a->name, names[i], a->name_len) == 0)
			return i;
	return -1;
}

/* Print the actions of one ACK; with <k> check that they are what was signed. */
static int
ack_show(const struct spop_frame *f, const struct keyring *k)
{
	static char text[32][256];
	struct edge_vals vals = {0};
	struct spop_action a;
	struct wire w;
	const char *sig = "";
	size_t n, sig_len = 0;
	int64_t num;
	unsigned i = 0;
	int e;

	wire_init(&w, f->payload, f->len);
	for (; i < 32 && spop_action_get(&w, &a); i++) {
		const char *p;

		if (spop_value_bytes(&a.value, &p, &n))
			snprintf(text[i], sizeof(text[i]), "%.*s", (int)n, p);
		else if (spop_value_int(&a.value, &num))
			snprintf(text[i], sizeof(text[i]), "%lld", (long long)num);
		else
			snprintf(text[i], sizeof(text[i]), "%s", a.value.b ? "true" : "false");
		printf("%.*s=%s\n", (int)a.name_len, a.name, text[i]);
		e = edge_index(&a);
		if (e >= 0) {
			vals.v[e] = text[i];
			vals.len[e] = strlen(text[i]);
		} else if (a.name_len == 9 && memcmp(a.name, "signature", 9) == 0) {
			sig = text[i];
			sig_len = strlen(sig);
		}
	}
	if (w.err != 0 || i == 0)
		return 1;
	if (k != NULL) {
		enum edge_verdict v = edge_verify(k, &vals, sig, sig_len, time(NULL), 60);

		printf("verified=%s\n", edge_verdict_str(v));
		return v != EDGE_OK;
	}
	return 0;
}

static int
requests_run(const struct options *o, struct spop_client *c, const struct keyring *k)
{
	static uint8_t b[1 << 17];
	static char body[1 << 16];
	const struct spop_request q = {"POST", o->path, "0123456789abcdef0123456789abcdef", o->client, body,
		o->body_len, o->body_size < 0 ? (int64_t)o->body_len : o->body_size};
	struct spop_hello h;
	struct spop_frame f;
	int rc = spop_client_hello(c, false, &h);

	for (unsigned i = 0; rc == 0 && i < o->count; i++)
		rc = spop_client_send(c, b, spop_request_encode(b, sizeof(b), &q, i + 1));
	for (unsigned i = 0; rc == 0 && i < o->count; i++) {
		rc = spop_client_recv(c, &f);
		if (rc == 0 && f.type != SPOP_T_ACK) {
			printf("frame of type %u instead of ACK\n", f.type);
			return 1;
		}
	}
	if (rc != 0) {
		printf("%s\n", strerror(-rc));
		return 1;
	}
	return ack_show(&f, k);
}

static int
request(const struct options *o)
{
	struct spop_client c;
	struct keyring *k = NULL;
	struct diag *d = diag_new();
	int rc = 0;

	if (o->keys != NULL && keyring_load(&k, o->keys, d) != 0) {
		diag_print(d, stderr);
		rc = 1;
	} else if (spop_client_open(&c, o->addr) != 0) {
		printf("cannot connect to %s\n", o->addr);
		rc = 1;
	} else {
		rc = requests_run(o, &c, k);
		spop_client_close(&c);
	}
	keyring_free(&k);
	diag_free(&d);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = {.client = "192.0.2.7", .path = "/v1/messages", .body_size = -1, .count = 1, .seed = 1};
	const char *cmd = argc > 1 ? argv[1] : "";
	int ch;

	while ((ch = getopt(argc - 1, argv + 1, "s:a:p:k:b:l:n:S:P:")) != -1)
		switch (ch) {
		case 's': o.addr = optarg; break;
		case 'a': o.client = optarg; break;
		case 'p': o.path = optarg; break;
		case 'k': o.keys = optarg; break;
		case 'b': o.body_len = (size_t)strtoul(optarg, NULL, 10); break;
		case 'l': o.body_size = atoll(optarg); break;
		case 'n': o.count = (unsigned)atoi(optarg); break;
		case 'S': o.seed = strtoull(optarg, NULL, 10); break;
		case 'P': o.pid = atol(optarg); break;
		default: cmd = "";
		}
	argc -= 1 + optind;
	argv += 1 + optind;
	if (o.body_len <= 65536 && o.count > 0) {
		if (strcmp(cmd, "garbage") == 0 && argc == 1)
			return o.addr ? spop_garbage_socket(o.addr, strtoull(argv[0], NULL, 10), o.seed, o.pid) :
			    spop_garbage_inside(strtoull(argv[0], NULL, 10), o.seed);
		if (strcmp(cmd, "counters") == 0 && argc == 1)
			return counters_export(argv[0], stdout) != 0;
		if (strcmp(cmd, "health") == 0 && o.addr)
			return health(&o);
		if (strcmp(cmd, "request") == 0 && o.addr)
			return request(&o);
		if (strcmp(cmd, "origin") == 0 && o.addr && o.keys)
			return spop_origin(o.addr, o.keys);
	}
	fputs(usage_text, stderr);
	return 2;
}
