/* SPDX-License-Identifier: MIT */
/* llmsec-scan: the inspection engine on the command line, to tune rules and to test them in a pipeline. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "icap-llmsec/llmsec_scan.h"
#include "lib/diag.h"

enum { EXIT_PASS, EXIT_FAIL, EXIT_USAGE, EXIT_REFUSED };

struct scan_opts {
	const char	*config, *url, *method, *type, *encoding;
	bool		 json, spans, body;
};

static void
usage(FILE *f)
{
	fputs("usage: llmsec-scan request  [-c FILE] [--url PATH] [--json] [--spans] [--body] < BODY\n"
	    "       llmsec-scan response [-c FILE] [--url PATH] [--type CONTENT-TYPE] < BODY\n"
	    "       llmsec-scan --jsonl  [-c FILE] [--key NAME] [--role ROLE] [--jobs N] < LINES\n"
	    "       llmsec-scan --explain | --bench [-c FILE] [--role ROLE] < TEXT\n"
	    "       llmsec-scan --label LABELS FILE... | --forget WHO FILE...\n"
	    "       llmsec-scan --check [-c FILE] | --show-defaults | --help | --version\n"
	    "\n"
	    "  -c, --config FILE     icap.yaml (default " LLMSEC_SYSCONFDIR "/icap.yaml)\n"
	    "  -u, --url PATH        path of the API (default /v1/chat/completions)\n"
	    "  -m, --method METHOD   default POST\n"
	    "  -t, --type TYPE       Content-Type (default application/json)\n"
	    "  -e, --encoding CODING Content-Encoding\n"
	    "  -j, --json            the verdict as JSON\n"
	    "  -s, --spans           list the texts that were found\n"
	    "  -l, --jsonl           judge texts, {\"id\",\"text\",\"role\"} a line; a line each is the answer\n"
	    "  -x, --explain         every reading of a text, and which rule or feature weighed what\n"
	    "  -B, --bench           CPU time of judging a text\n"
	    "  -k, --key NAME        the column that holds the texts (default text)\n"
	    "  -J, --jobs N          judge lines in so many threads (default 1)\n"
	    "  -r, --role ROLE       user (default), tool, file, assistant, system, developer\n"
	    "  -L, --label LABELS    ask about each text of the shadow log's files; append the answers to LABELS\n"
	    "  -F, --forget WHO      remove the rows of an actor, conversation or request from files\n"
	    "  -b, --body            print the rewritten body instead of the verdict\n"
	    "  -n, --check           check the configuration and its rules, then exit\n"
	    "\n"
	    "exit status: 0 passes (or is masked), 1 failure, 2 usage or configuration, 3 refused\n", f);
}

static int
read_all(struct buf *b)
{
	char *p;
	ssize_t n;

	while ((p = buf_room(b, 65536)) != NULL && (n = read(STDIN_FILENO, p, 65536)) != 0) {
		if (n < 0)
			return -errno;
		buf_wrote(b, (size_t)n);
	}
	return b->err;
}

static const char *
action_name(enum inspect_action a)
{
	static const char *const n[] = {"pass", "mask", "block", "error"};

	return n[a];
}

static void
print_spans(const struct spans *s)
{
	for (size_t i = 0; i < s->n; i++)
		printf("%-9s %-15s %-40s %zu bytes\n", span_role_name(s->v[i].role), span_prov_name(s->v[i].prov),
		    s->v[i].path, s->v[i].len);
}

static void
print_text(const struct inspect_req_out *o)
{
	printf("%s  dialect=%s score=%d spans=%zu\n", action_name(o->action), dialect_name(o->route.dialect), o->score,
	    o->spans.n);
	for (size_t i = 0; i < o->findings.n; i++) {
		const struct finding *f = &o->findings.v[i];

		printf("  %s  %s  severity %d  %s, %zu bytes at %zu\n", f->rule_id, f->category, f->severity,
		    o->spans.v[f->span].path, f->len, f->start);
	}
	if (o->refusal.message != NULL)
		printf("  %d %s: %s\n", o->refusal.status, o->refusal.code, o->refusal.message);
}

static void
put_span(struct buf *b, const struct span *s, bool comma)
{
	buf_printf(b, "%s{\"role\":\"%s\",\"provenance\":\"%s\",\"path\":\"", comma ? "," : "",
	    span_role_name(s->role), span_prov_name(s->prov));
	buf_add_json(b, s->path, strlen(s->path));	/* other keys than words stand in quotes there */
	buf_printf(b, "\",\"start\":%llu,\"end\":%llu}", (unsigned long long)s->start, (unsigned long long)s->end);
}

static void
put_finding(struct buf *b, const struct inspect_req_out *o, const struct finding *f, bool comma)
{
	const char *path = o->spans.v[f->span].path;

	buf_printf(b, "%s{\"rule_id\":\"%s\",\"category\":\"%s\",\"severity\":%d,\"path\":\"", comma ? "," : "",
	    f->rule_id, f->category, f->severity);
	buf_add_json(b, path, strlen(path));
	buf_printf(b, "\",\"start\":%zu,\"len\":%zu}", f->start, f->len);
}

static void
print_json(const struct inspect_req_out *o)
{
	struct buf b = {0};

	buf_printf(&b, "{\"action\":\"%s\",\"dialect\":\"%s\",\"score\":%d,\"status\":%d,\"code\":\"%s\",\"us\":%llu,\"findings\":[",
	    action_name(o->action), dialect_name(o->route.dialect), o->score, o->refusal.status,
	    o->refusal.code ? o->refusal.code : "", (unsigned long long)o->us);
	for (size_t i = 0; i < o->findings.n; i++)
		put_finding(&b, o, &o->findings.v[i], i > 0);
	buf_adds(&b, "],\"spans\":[");
	for (size_t i = 0; i < o->spans.n; i++)
		put_span(&b, &o->spans.v[i], i > 0);
	buf_adds(&b, "]}\n");
	fwrite(buf_ptr(&b), 1, buf_len(&b), stdout);
	buf_free(&b);
}

static int
scan_request(const struct icap_policy *pol, const struct scan_opts *o, const struct buf *body)
{
	struct inspect_req_in in = {.method = o->method, .url = o->url, .content_type = o->type,
	    .content_encoding = o->encoding, .request_id = "llmsec-scan", .client_ip = "", .key_digest = "",
	    .body = buf_ptr(body), .len = buf_len(body)};
	struct inspect_req_out out;
	struct arena *a = arena_new((size_t)pol->max_request * 20);
	int rc;

	if (a == NULL)
		return EXIT_FAIL;
	inspect_request(pol, &in, a, &out);
	if (o->body && out.action == INSPECT_REWRITE)
		fwrite(buf_ptr(&out.body), 1, buf_len(&out.body), stdout);
	else if (o->body && out.action == INSPECT_PASS)
		fwrite(buf_ptr(body), 1, buf_len(body), stdout);
	else if (o->json)
		print_json(&out);
	else
		print_text(&out);
	if (o->spans && !o->json)
		print_spans(&out.spans);
	rc = out.action == INSPECT_REFUSE ? EXIT_REFUSED : out.action == INSPECT_ERROR ? EXIT_FAIL : EXIT_PASS;
	buf_free(&out.body);
	tx_clear(&out.tx);
	arena_free(&a);
	return rc;
}

static int
scan_response(const struct icap_policy *pol, const struct scan_opts *o, const struct buf *body)
{
	struct inspect_resp_in in = {.content_type = o->type, .content_encoding = o->encoding, .status = 200,
	    .content_length = (int64_t)buf_len(body), .request_id = "llmsec-scan"};
	const struct refusal *r;
	struct inspect_resp *resp;
	int rc = EXIT_PASS;

	dialect_route(o->method, o->url, strlen(o->url), &in.route);
	if (inspect_resp_new(&resp, pol, &in) < 0)
		return EXIT_FAIL;
	if (inspect_resp_mode(resp) == RESP_PASS) {
		fwrite(buf_ptr(body), 1, buf_len(body), stdout);
	} else {
		inspect_resp_feed(resp, buf_ptr(body), buf_len(body));
		inspect_resp_finish(resp);
		r = inspect_resp_refusal(resp);
		if (r != NULL) {
			fprintf(stderr, "refused: %d %s: %s\n", r->status, r->code, r->message);
			rc = EXIT_REFUSED;
		}
		fwrite(buf_ptr(inspect_resp_out(resp)), 1, buf_len(inspect_resp_out(resp)), stdout);
	}
	inspect_resp_free(&resp);
	return rc;
}

static int
load(struct icap_policy **pol, const char *path, bool no_keys)
{
	struct diag *d = diag_new();
	int rc = no_keys ? icap_policy_load_keyless(pol, path, d) : icap_policy_load(pol, path, d);

	diag_print(d, stderr);
	if (rc < 0 && diag_errors(d) == 0)
		fprintf(stderr, "llmsec-scan: %s: %s\n", path, strerror(-rc));
	diag_free(&d);
	return rc;
}

/* One thing to do: one of the options that say so, or a word. */
static bool
is_command(int n, char **arg, int options)
{
	if (options > 0)
		return options == 1 && n == 0;
	return n == 1 && (strcmp(arg[0], "request") == 0 || strcmp(arg[0], "response") == 0);
}

/* 0: no number of threads. */
static unsigned
parse_jobs(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	return *s >= '0' && *s <= '9' && *end == '\0' && n <= SCAN_JOBS_MAX ? (unsigned)n : 0;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", 1, NULL, 'c'}, {"url", 1, NULL, 'u'}, {"method", 1, NULL, 'm'}, {"type", 1, NULL, 't'},
		{"encoding", 1, NULL, 'e'}, {"json", 0, NULL, 'j'}, {"spans", 0, NULL, 's'}, {"body", 0, NULL, 'b'},
		{"jsonl", 0, NULL, 'l'}, {"explain", 0, NULL, 'x'}, {"bench", 0, NULL, 'B'}, {"role", 1, NULL, 'r'}, {"key", 1, NULL, 'k'}, {"jobs", 1, NULL, 'J'},
		{"label", 1, NULL, 'L'}, {"forget", 1, NULL, 'F'},
		{"check", 0, NULL, 'n'}, {"show-defaults", 0, NULL, 'D'}, {"help", 0, NULL, 'h'},
		{"version", 0, NULL, 'V'}, {NULL, 0, NULL, 0}
	};
	struct scan_opts o = {NULL, "/v1/chat/completions", "POST", "application/json", NULL,
	    false, false, false};
	struct icap_policy *pol = NULL;
	struct buf body = {0};
	char found[64 + sizeof(LLMSEC_SYSCONFDIR)];
	bool check = false, lines = false;
	int (*on_text)(const struct icap_policy *, const char *, const char *, size_t, FILE *) = NULL;
	struct scan_lines each = {.role = "user", .jobs = 1};
	const char *labels = NULL, *who = NULL;
	int c, rc;

	while ((c = getopt_long(argc, argv, "c:u:m:t:e:r:k:J:L:F:jsblxBnhV", longs, NULL)) != -1) {
		switch (c) {
		case 'c': o.config = optarg; break;
		case 'u': o.url = optarg; break;
		case 'm': o.method = optarg; break;
		case 't': o.type = optarg; break;
		case 'e': o.encoding = optarg; break;
		case 'j': o.json = true; break;
		case 's': o.spans = true; break;
		case 'b': o.body = true; break;
		case 'l': lines = true; break;
		case 'x': on_text = scan_explain; break;
		case 'B': on_text = scan_bench; break;
		case 'r': each.role = optarg; break;
		case 'k': each.key = optarg; break;
		case 'J': each.jobs = parse_jobs(optarg); break;
		case 'L': labels = optarg; break;
		case 'F': who = optarg; break;
		case 'n': check = true; break;
		case 'D': conf_show_defaults(icap_conf_opts, stdout); return EXIT_PASS;
		case 'h': usage(stdout); return EXIT_PASS;
		case 'V': puts("llmsec-scan " PACKAGE_VERSION); return EXIT_PASS;
		default: usage(stderr); return EXIT_USAGE;
		}
	}
	if (labels != NULL || who != NULL) {
		if (argc == optind || (labels != NULL && who != NULL) || lines || on_text != NULL || check) {
			usage(stderr);
			return EXIT_USAGE;
		}
		rc = labels != NULL ? scan_label(labels, argv + optind, stdin, stderr) : scan_forget(who, argv + optind, stderr);
		return rc == 0 ? EXIT_PASS : EXIT_FAIL;
	}
	if (each.jobs == 0 || !is_command(argc - optind, argv + optind, lines + (on_text != NULL) + check)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (o.config == NULL && check)
		o.config = LLMSEC_SYSCONFDIR "/icap.yaml";
	if (o.config == NULL && (rc = scan_conf_find(found, sizeof(found), stderr)) < 0) {
		fprintf(stderr, "llmsec-scan: %s\n", strerror(-rc));
		return EXIT_FAIL;
	}
	if (load(&pol, o.config != NULL ? o.config : found, lines || on_text != NULL) < 0)
		return EXIT_USAGE;
	if (check) {
		printf("%s: configuration is valid\n", o.config);
		rc = EXIT_PASS;
	} else if (lines) {
		rc = scan_lines(pol, &each, stdin, stdout);
		if (rc < 0)
			fprintf(stderr, "llmsec-scan: %s\n", rc == -EINVAL ? "unknown role" : strerror(-rc));
		rc = rc == 0 ? EXIT_PASS : rc == -EINVAL ? EXIT_USAGE : EXIT_FAIL;
	} else if ((rc = read_all(&body)) < 0) {
		fprintf(stderr, "llmsec-scan: standard input: %s\n", strerror(-rc));
		rc = EXIT_FAIL;
	} else if (on_text != NULL) {
		rc = on_text(pol, each.role, buf_ptr(&body), buf_len(&body), stdout);
		if (rc < 0)
			fprintf(stderr, "llmsec-scan: %s\n", rc == -EINVAL ? "unknown role" : strerror(-rc));
		rc = rc == 0 ? EXIT_PASS : rc == -EINVAL ? EXIT_USAGE : EXIT_FAIL;
	} else
		rc = strcmp(argv[optind], "request") == 0 ? scan_request(pol, &o, &body) : scan_response(pol, &o, &body);
	buf_free(&body);
	icap_policy_free(&pol);
	return rc;
}
