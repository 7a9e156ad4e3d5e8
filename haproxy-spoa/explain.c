/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "haproxy-spoa/explain.h"
#include "haproxy-spoa/explain_print.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/req_raw.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/cidr.h"
#include "lib/diag.h"
#include "lib/log.h"

#define REQUEST_MAX	((size_t)16 << 20)
#define DEFAULT_CONF	LLMSEC_SYSCONFDIR "/spoad.yaml"

struct options {
	const char	*conf, *ip, *ja4, *ja3, *sni, *hello, *profile;
	struct behave_view behave;
	bool		 json, resolve, table, agents;
};

static const char usage_text[] =
    "usage: llmsec-spoad explain [options] < REQUEST\n"
    "       llmsec-spoad explain --table | --agents\n"
    "Judges one raw HTTP request and shows how its scores came about.  No daemon is needed.\n"
    "  -c, --config FILE    configuration (" DEFAULT_CONF "; if there is none, the defaults)\n"
    "      --ip ADDRESS     client's address (192.0.2.1)\n"
    "      --ja4 JA4        its TLS fingerprint, as llmsec-ja4 prints it\n"
    "      --ja3 JA3\n"
    "      --sni NAME       the name that TLS was set up for\n"
    "      --hello STATE    ok, short, malformed or not-hello\n"
    "      --profile NAME   profile of the WAF\n"
    "      --behave K=N,..  what the client did in the last minute: requests, errors, paths, waf_hits, pages, assets, bans\n"
    "      --resolve        ask the resolver about a crawler now\n"
    "  -j, --json           one JSON object\n"
    "  -t, --table          the table of features with the weights of the configuration\n"
    "      --agents         the table of agents\n"
    "  -h, --help\n";

static bool
behave_read(struct behave_view *b, char *text)
{
	char *const names[] = {(char *)(uintptr_t)"requests", (char *)(uintptr_t)"errors", (char *)(uintptr_t)"paths",
		(char *)(uintptr_t)"waf_hits", (char *)(uintptr_t)"pages", (char *)(uintptr_t)"assets",
		(char *)(uintptr_t)"bans", NULL};
	uint32_t *const fields[] = {&b->requests, &b->errors, &b->distinct_paths, &b->waf_hits, &b->pages, &b->assets, &b->bans};
	char *value, *end;
	int i;

	while (*text != '\0') {
		i = getsubopt(&text, names, &value);
		if (i < 0 || value == NULL || *value < '0' || *value > '9')
			return false;
		*fields[i] = (uint32_t)strtoul(value, &end, 10);
		if (*end != '\0')
			return false;
	}
	return true;
}

static _Noreturn void
usage_error(const char *why, const char *what)
{
	fprintf(stderr, "llmsec-spoad explain: %s%s\n%s", why, what, usage_text);
	exit(2);
}

static void
options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'}, {"ip", required_argument, NULL, 'i'},
		{"ja4", required_argument, NULL, '4'}, {"ja3", required_argument, NULL, '3'},
		{"sni", required_argument, NULL, 's'}, {"hello", required_argument, NULL, 'H'},
		{"profile", required_argument, NULL, 'p'}, {"behave", required_argument, NULL, 'b'},
		{"resolve", no_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'}, {"table", no_argument, NULL, 't'},
		{"agents", no_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
	};
	const struct {
		int		 ch;
		const char	**text;
	} texts[] = {{'c', &o->conf}, {'i', &o->ip}, {'4', &o->ja4}, {'3', &o->ja3}, {'s', &o->sni}, {'H', &o->hello},
		{'p', &o->profile}};
	int ch;

	while ((ch = getopt_long(argc, argv, "c:jth", longs, NULL)) != -1) {
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			if (texts[i].ch == ch)
				*texts[i].text = optarg;
		if (ch == 'b' && !behave_read(&o->behave, optarg))
			usage_error("--behave wants NAME=NUMBER,...: ", "requests, errors, paths, waf_hits, pages, assets, bans");
		o->resolve |= ch == 'r';
		o->json |= ch == 'j';
		o->table |= ch == 't';
		o->agents |= ch == 'a';
		if (ch == 'h') {
			fputs(usage_text, stdout);
			exit(0);
		}
		if (ch == '?') {
			fputs(usage_text, stderr);
			exit(2);
		}
	}
	if (optind != argc)
		usage_error("the request comes on standard input, not as an argument: ", argv[optind]);
}

/* All of standard input; -errno. */
static int
input_read(struct buf *b)
{
	ssize_t n = 1;
	char *room;

	b->max = REQUEST_MAX;
	while (n > 0) {
		room = buf_room(b, 65536);
		n = room != NULL ? read(STDIN_FILENO, room, 65536) : 0;
		if (n > 0)
			buf_wrote(b, (size_t)n);
	}
	return n < 0 ? -errno : b->err;
}

static struct policy *
policy_open(const struct options *o)
{
	bool given = o->conf != NULL;
	const char *path = given ? o->conf : access(DEFAULT_CONF, F_OK) == 0 ? DEFAULT_CONF : NULL;
	struct diag *d = diag_new();
	struct policy *p = d != NULL ? policy_explain(path, o->resolve, d) : NULL;

	if (d != NULL)
		diag_print(d, stderr);
	diag_free(&d);
	if (p != NULL && path == NULL)
		fputs("llmsec-spoad explain: no " DEFAULT_CONF ", built-in defaults: no WAF, no countries\n", stderr);
	return p;
}

/* What HAProxy could never have said would only be ignored by the engines, and nobody would know why. */
static void
options_check(const struct options *o)
{
	static const char *const hellos[] = {"", "ok", "short", "malformed", "not-hello"};
	bool known = false;
	struct bot_ja4 j;
	struct cidr c;

	if (cidr_parse(o->ip, &c) != 0 || !cidr_is_host(&c) || strchr(o->ip, '/') != NULL)
		usage_error("--ip is not an address: ", o->ip);
	bot_ja4_read(&j, o->ja4);
	if (o->ja4[0] != '\0' && !j.known)
		usage_error("--ja4 is no JA4 (t13d1517h2_8daaf6152771_cb7bf5808d99): ", o->ja4);
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++)
		known |= strcmp(o->hello, hellos[i]) == 0;
	if (!known)
		usage_error("--hello is ok, short, malformed or not-hello, not ", o->hello);
}

static int
explain(const struct options *o, const struct policy *p, const struct buf *in, struct arena *a)
{
	struct policy_thread *t = policy_thread_new(p);
	struct req_view r;
	struct verdict v;
	unsigned flaws;

	verdict_init(&v, time(NULL));
	if (t == NULL || req_raw_read(&r, buf_ptr(in), buf_len(in), a, &flaws) != 0) {
		log_err("out of memory");
		policy_thread_free(&t);
		return 1;
	}
	snprintf(r.ip, sizeof(r.ip), "%s", o->ip);
	r.sni = (struct span){o->sni, strlen(o->sni)};
	r.waf_profile = (struct span){o->profile, strlen(o->profile)};
	r.hello = o->hello[0] == '\0' && o->ja4[0] != '\0' ? "ok" : o->hello;
	r.request_id = (struct span){"explain", 7};
	v.ja4 = o->ja4;
	v.ja3 = o->ja3;
	v.behave = o->behave;
	policy_judge(p, t, &r, &v, a, 0);
	explain_print(stdout, &r, &v, flaws, o->json);
	policy_thread_free(&t);
	return v.action == VERDICT_ALLOW ? 0 : 1;
}

int
explain_main(int argc, char **argv)
{
	struct options o = {.ip = "192.0.2.1", .ja4 = "", .ja3 = "", .sni = "", .hello = "", .profile = ""};
	struct buf in = {0};
	struct arena *a;
	struct policy *p;
	int rc;

	options_parse(&o, argc, argv);
	options_check(&o);
	log_set_level(LOG_WARNING);
	if (o.agents) {
		explain_agents(stdout, o.json);
		return 0;
	}
	p = policy_open(&o);
	if (p == NULL)
		return 2;
	if (o.table) {
		explain_table(stdout, &policy_conf(p)->bot, o.json);
		policy_unref(&p);
		return 0;
	}
	if (isatty(STDIN_FILENO))
		fputs("llmsec-spoad explain: the request, then an empty line and end of file\n", stderr);
	a = arena_new(0);
	rc = a != NULL ? input_read(&in) : -ENOMEM;
	if (rc == 0 && buf_len(&in) == 0) {
		fputs("llmsec-spoad explain: no request on standard input\n", stderr);
		rc = 2;
	} else if (rc == 0) {
		rc = explain(&o, p, &in, a);
	} else {
		log_err("standard input: %s", strerror(-rc));
		rc = 2;
	}
	buf_free(&in);
	arena_free(&a);
	policy_unref(&p);
	return rc;
}
