/* SPDX-License-Identifier: MIT */
/*
 * What a request costs llmsec-spoad: requests as HAProxy describes them, over a socket, many under way, and the CPU time
 * of the agent's threads (user and system: sockets, parsing, engines, answer), from the kernel's scheduler.
 *	edge_load -s unix:PATH -P PID [-n REQUESTS] [-d SOURCES]
 * Prints JSON: requests, microseconds a request (median, p10, p90 of rounds of 2000), resident kB before and after.
 */
#include "config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/spop_value.h"
#include "lib/wire.h"
#include "tests/tools/spop_client.h"

enum { ROUND = 2000, PIPELINE = 64, ROUNDS_MAX = 100000 };

static const char *const agents[] = {
	"OpenAI/Python 1.51.0", "anthropic-sdk-python/0.39.0", "OpenAI/JS 4.71.1",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "curl/8.10.1", "python-requests/2.32.3",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
};
#define JA "t13d1516h2_8daaf6152771_e5627efa2ab1/cd08e31494f9531f560d64c695473da9/ok"
#define BODY "{\"model\":\"gpt-4o-mini\",\"stream\":true,\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"}," \
	"{\"role\":\"user\",\"content\":\"Write a haiku about a load balancer that has seen too much of the internet.\"}]}"

static void
header(struct wire_out *o, const char *name, const char *value)
{
	wire_put_str(o, name, strlen(name));
	wire_put_str(o, value, strlen(value));
}

static size_t
headers(uint8_t *b, size_t size, unsigned i)
{
	struct wire_out o;
	char key[64];

	snprintf(key, sizeof(key), "Bearer sk-proj-%08x%08x", i % 4096 * 2654435761u, i % 4096);
	wire_out_init(&o, b, size);
	header(&o, "host", "llm.example.org");
	header(&o, "accept", "application/json");
	header(&o, "accept-encoding", "gzip, deflate, br");
	header(&o, "accept-language", "en-US,en;q=0.9");
	header(&o, "content-type", "application/json");
	header(&o, "user-agent", agents[i % 8]);
	header(&o, "authorization", key);
	header(&o, "x-stainless-lang", "python");
	header(&o, "x-stainless-runtime", "CPython");
	header(&o, "content-length", "240");
	wire_put_be16(&o, 0);
	return o.err ? 0 : wire_out_len(&o);
}

/* <i> decides about all that changes from request to request; <source> about whose it is. */
static size_t
encode(uint8_t *b, size_t size, unsigned i, uint32_t source)
{
	static const char *const paths[] = {"/v1/chat/completions", "/v1/embeddings", "/v1/messages", "/v1/models"};
	uint8_t h[1024];
	char rid[40];
	struct spop_value v[] = {
		spop_v_str("POST"), spop_v_str(paths[i / 8 % 4]), spop_v_str("2.0"), {.type = SPOP_D_IPV4}, spop_v_int(40000),
		spop_v_str(rid), spop_v_str("llm.example.org"), spop_v_str("llm"), spop_v_bin(h, headers(h, sizeof(h), i)),
		spop_v_bin(BODY, sizeof(BODY) - 1), spop_v_int(sizeof(BODY) - 1), spop_v_bool(true), spop_v_str(JA), spop_v_int(0),
		spop_v_int(0),
	};
	static const char *const names[] = {"method", "uri", "ver", "ip", "port", "rid", "sni", "waf_profile", "hdrs", "body",
	    "body_size", "tls", "ja", "err_count", "err_count_client"};
	struct wire_out o;

	snprintf(rid, sizeof(rid), "%032x", i);
	v[3].ip4.s_addr = htonl(0x0b000000u + source);
	wire_out_init(&o, b, size);
	spop_frame_begin(&o, SPOP_T_NOTIFY, SPOP_F_FIN, i + 1, 1);
	wire_put_str(&o, "llmsec-request", 14);
	wire_put_u8(&o, sizeof(v) / sizeof(*v));
	for (size_t k = 0; k < sizeof(v) / sizeof(*v); k++)
		spop_kv_put(&o, names[k], &v[k]);
	spop_frame_end(&o);
	return o.err ? 0 : wire_out_len(&o);
}

/* Nanoseconds that the process' threads were on a CPU. */
static double
cpu_ns(long pid)
{
	char path[300];
	double sum = 0, one;
	struct dirent *e;
	DIR *d;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/task", pid);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%ld/task/%.16s/schedstat", pid, e->d_name);
		f = e->d_name[0] != '.' ? fopen(path, "r") : NULL;
		if (f != NULL) {
			if (fscanf(f, "%lf", &one) == 1)
				sum += one;
			fclose(f);
		}
	}
	if (d != NULL)
		closedir(d);
	return sum;
}

static long
rss_kb(long pid)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* One round: PIPELINE of them under way at a time. */
static int
ask(struct spop_client *c, unsigned first, unsigned sources)
{
	static uint8_t b[PIPELINE * 2048];
	struct spop_frame f;
	size_t n, k;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < ROUND; i += PIPELINE) {
		n = 0;
		for (unsigned j = 0; j < PIPELINE; j++) {
			k = encode(b + n, sizeof(b) - n, first + i + j, (first + i + j) % sources);
			if (k == 0)
				return -1;
			n += k;
		}
		rc = spop_client_send(c, b, n);
		for (unsigned j = 0; rc == 0 && j < PIPELINE; j++)
			rc = spop_client_recv(c, &f);
	}
	return rc;
}

static int
run(const char *addr, long pid, unsigned n, unsigned sources)
{
	static double us[ROUNDS_MAX];
	struct spop_client c;
	struct spop_hello h;
	const unsigned per = (ROUND + PIPELINE - 1) / PIPELINE * PIPELINE;
	unsigned rounds = 0;
	long before;
	double t;

	if (spop_client_open(&c, addr) != 0 || spop_client_hello(&c, false, &h) != 0 || ask(&c, 0, sources) != 0)
		return 1;
	before = rss_kb(pid);
	for (unsigned i = 0; i < n && rounds < ROUNDS_MAX; i += per) {
		t = cpu_ns(pid);
		if (ask(&c, i, sources) != 0)
			return 1;
		us[rounds++] = (cpu_ns(pid) - t) / 1000 / per;
	}
	spop_client_close(&c);
	qsort(us, rounds, sizeof(*us), by_size);
	printf("{\"requests\":%u,\"sources\":%u,\"median\":%.2f,\"p10\":%.2f,\"p90\":%.2f,\"rss_before\":%ld,\"rss_after\":%ld}\n",
	    rounds * per, sources, us[rounds / 2], us[rounds / 10], us[rounds * 9 / 10], before, rss_kb(pid));
	return 0;
}

int
main(int argc, char **argv)
{
	const char *addr = NULL;
	unsigned n = 200000, sources = 1000;
	long pid = 0;
	int c;

	while ((c = getopt(argc, argv, "s:P:n:d:")) != -1)
		switch (c) {
		case 's': addr = optarg; break;
		case 'P': pid = atol(optarg); break;
		case 'n': n = (unsigned)atol(optarg); break;
		case 'd': sources = (unsigned)atol(optarg); break;
		default: addr = NULL;
		}
	if (addr == NULL || pid == 0 || n == 0 || sources == 0 || sources > 0x00ffffff) {
		fputs("usage: edge_load -s ADDR -P PID [-n REQUESTS] [-d SOURCES]\n", stderr);
		return 2;
	}
	if (run(addr, pid, n, sources) != 0) {
		fputs("edge_load: the agent does not answer as expected\n", stderr);
		return 1;
	}
	return 0;
}
