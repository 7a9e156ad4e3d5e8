/* SPDX-License-Identifier: MIT */
/*
 * An ICAP client for tests.  One line a transaction on stdout, as NAME=VALUE; heads and bodies go to files,
 * one after the other.  Status: 0 all answers came, 1 not, 2 usage.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/counters.h"
#include "lib/diag.h"
#include "tests/tools/icapc.h"

static const char usage[] =
"usage: llmsec-icapc [options] OPTIONS|REQMOD|RESPMOD\n"
"  -s HOST:PORT     server (127.0.0.1:1344)       -S NAME   service (llmsec)\n"
"  -m METHOD        of the HTTP request (POST)    -u URL    (/v1/chat/completions)\n"
"  -H LINE          HTTP request header           -I LINE   ICAP header\n"
"  -R \"200 OK\"      HTTP status (RESPMOD)         -r LINE   HTTP response header\n"
"  -b FILE          body                          -L        no Content-Length\n"
"  -z BYTES         slice, one chunk each (4096)  -x SEED   slices of 1..BYTES, drawn\n"
"  -d MS            pause between slices          -t MS     time limit (20000)\n"
"  -w MS            read nothing for so long\n"
"  -p               no preview                    -4        Allow: 204\n"
"  -n N             times, on one connection      -P        send all before reading any\n"
"  -k KEYRING       sign as the edge does         -q ID     X-Edge99-Request-Id\n"
"  -a SECONDS       age of the signature          -F        forge it\n"
"  -o FILE          bodies                        -O FILE   ICAP and HTTP heads\n"
"  -C DIR           then print the counters of DIR\n";

static int
read_body(struct icapc_opt *o, const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;
	char *p;

	if (f == NULL)
		return -errno;
	o->has_body = true;
	while ((p = buf_room(&o->body, 65536)) != NULL && (n = fread(p, 1, 65536, f)) > 0)
		buf_wrote(&o->body, n);
	fclose(f);
	return o->body.err;
}

static int
read_keyring(struct icapc_opt *o, const char *path)
{
	struct diag *d = diag_new();
	int rc = d ? keyring_load(&o->keyring, path, d) : -ENOMEM;

	if (rc < 0 && d != NULL)
		diag_print(d, stderr);
	diag_free(&d);
	return rc;
}

static int
set_server(struct icapc_opt *o, char *s)
{
	char *colon = strrchr(s, ':');

	if (colon == NULL)
		return -EINVAL;
	*colon = '\0';
	o->host = s;
	o->port = colon + 1;
	return 0;
}

static int
set_option(struct icapc_opt *o, int c, char *v)
{
	switch (c) {
	case 's': return set_server(o, v);
	case 'S': o->service = v; return 0;
	case 'm': o->http_method = v; return 0;
	case 'u': o->url = v; return 0;
	case 'R': o->status = v; return 0;
	case 'H': return buf_printf(&o->req_hdrs, "%s\r\n", v);
	case 'I': return buf_printf(&o->icap_hdrs, "%s\r\n", v);
	case 'r': return buf_printf(&o->resp_hdrs, "%s\r\n", v);
	case 'b': return read_body(o, v);
	case 'L': o->no_length = true; return 0;
	case 'z': o->slice = strtoul(v, NULL, 10); return 0;
	case 'x': o->seed = (unsigned)strtoul(v, NULL, 10); return 0;
	case 'd': o->delay_ms = atoi(v); return 0;
	case 'w': o->deaf_ms = atoi(v); return 0;
	case 't': o->timeout_ms = atoi(v); return 0;
	case 'p': o->no_preview = true; return 0;
	case '4': o->allow204 = true; return 0;
	case 'n': o->count = atoi(v); return 0;
	case 'P': o->pipeline = o->no_preview = true; return 0;
	case 'k': return read_keyring(o, v);
	case 'q': o->request_id = v; return 0;
	case 'a': o->age_s = atoi(v); return 0;
	case 'F': o->forge = true; return 0;
	case 'o': o->body_out = v; return 0;
	case 'O': o->head_out = v; return 0;
	case 'C': o->counters_dir = v; return 0;
	default: return -EINVAL;
	}
}

static int
append(const char *path, bool first, const char *p, size_t n)
{
	FILE *f = path ? fopen(path, first ? "we" : "ae") : NULL;
	int rc = 0;

	if (path == NULL)
		return 0;
	if (f == NULL)
		return -errno;
	if (fwrite(p, 1, n, f) != n)
		rc = -EIO;
	return fclose(f) == 0 ? rc : -errno;
}

static int
report(const struct icapc_opt *o, const struct icapc_answer *a, int i, int rc)
{
	int e;

	printf("icap=%d http=%d bytes=%zu first_us=%" PRIu64 " sent_us=%" PRIu64 " total_us=%" PRIu64 " error=%s\n",
	    a->icap, a->http, buf_len(&a->body), a->first_us, a->sent_us, a->total_us,
	    rc == 0 ? "none" : rc == -ETIMEDOUT ? "timeout" : rc == -EPROTO ? "protocol" : "closed");
	fflush(stdout);
	e = append(o->head_out, i == 0, buf_ptr(&a->icap_head), strlen(buf_ptr(&a->icap_head)));
	if (e == 0)
		e = append(o->head_out, false, buf_ptr(&a->head), strlen(buf_ptr(&a->head)));
	if (e == 0)
		e = append(o->body_out, i == 0, buf_ptr(&a->body), buf_len(&a->body));
	return e;
}

static int
run(const struct icapc_opt *o)
{
	struct icapc_conn *c;
	int rc = icapc_conn_open(&c, o), e;

	if (rc < 0)
		fprintf(stderr, "llmsec-icapc: %s:%s: %s\n", o->host, o->port, strerror(-rc));
	for (int i = 0; rc == 0 && o->pipeline && i < o->count; i++)
		rc = icapc_conn_queue(c);
	for (int i = 0; rc == 0 && i < o->count; i++) {
		struct icapc_answer a = {0};

		rc = o->pipeline ? icapc_conn_read(c, &a) : icapc_conn_do(c, &a);
		e = report(o, &a, i, rc);
		if (e < 0) {
			fprintf(stderr, "llmsec-icapc: cannot write: %s\n", strerror(-e));
			rc = e;
		}
		icapc_answer_free(&a);
	}
	icapc_conn_close(&c);
	return rc;
}

int
main(int argc, char **argv)
{
	static char server[] = "127.0.0.1:1344";
	struct icapc_opt o = {.service = "llmsec", .http_method = "POST", .url = "/v1/chat/completions",
	    .status = "200 OK", .count = 1, .timeout_ms = 20000, .request_id = "icapc-1"};
	int c, rc = set_server(&o, server);

	while (rc == 0 && (c = getopt(argc, argv, "s:S:m:u:R:H:I:r:b:Lz:x:d:w:t:p4n:Pk:q:a:Fo:O:C:")) != -1)
		rc = set_option(&o, c, optarg);
	if (rc < 0 || optind != argc - 1) {
		if (rc < 0 && rc != -EINVAL)
			fprintf(stderr, "llmsec-icapc: %s\n", strerror(-rc));
		fputs(usage, stderr);
		return 2;
	}
	o.method = argv[optind];
	rc = run(&o);
	if (rc == 0 && o.counters_dir != NULL)
		rc = counters_export(o.counters_dir, stdout);
	keyring_free(&o.keyring);
	buf_free(&o.icap_hdrs);
	buf_free(&o.req_hdrs);
	buf_free(&o.resp_hdrs);
	buf_free(&o.body);
	return rc == 0 ? 0 : 1;
}
