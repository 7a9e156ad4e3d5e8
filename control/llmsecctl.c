/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "control/ctl_ban.h"
#include "control/audit_verify.h"
#include "control/ctl_check.h"
#include "control/ctl_client.h"
#include "control/ctl_show.h"
#include "control/ctl_egress.h"
#include "control/ctl_pth.h"
#include "control/ctl_sign.h"
#include "control/ctl_suggest.h"
#include "control/llmsecd_conf.h"
#include "control/token_file.h"
#include "lib/buf.h"
#include "lib/diag.h"

#define RECONNECT_S	1
#define SUGGEST_PAGE	2000	/* events at once */

struct ctl {
	const char	*conf_path, *url, *token_file;
	const char	*conf_dir, *program_dirs;
	bool		 json, follow;
	struct ctl_ban	 ban;
	const char	*identity, *method, *tokens, *ca, *audit_key, *probe, *certgen_db, *limit, *rollback;
	const char	*keys;
	long		 timestamp;
	char		**words;	/* behind the command */
	int		 n_words;
	struct buf	 query;		/* "?a=b&c=d" */
	struct ctl_target target;
	char		 last_id[32];	/* of the followed stream */
};

static void
usage(FILE *f)
{
	fputs("usage: llmsecctl [options] command\n"
	    "commands:\n"
	    "  status                who sends events, and is llmsecd well\n"
	    "  events                list events, oldest first\n"
	    "  metrics               counters of every component\n"
	    "  ban list              who is banned\n"
	    "  ban add ADDRESS...    ban addresses and networks; -: read them from standard input\n"
	    "  ban del ADDRESS...    lift bans; key=DIGEST, ja4=FINGERPRINT: what llmsec-spoad banned\n"
	    "  sign METHOD PATH      headers of a signed request; its body is standard input\n"
	    "  check                 check every configuration file\n"
	    "  egress test URL       what would be decided; HOST[:PORT] for a tunnel\n"
	    "  egress suggest        rules that allow what was seen while observing\n"
	    "  egress check FILE     does this squid.conf refuse what nobody allowed\n"
	    "  egress policy [FILE]  show the policy, or put another in force\n"
	    "  egress policy --rollback N  put an old version in force once more\n"
	    "  token add NAME ROLE   a bearer token, shown once; ROLE: viewer, operator, admin\n"
	    "  token list; token revoke NAME\n"
	    "  ca init|show|rotate   the CA of connections that are looked into\n"
	    "  audit verify BASE     are the segments of log_llmsec_daemon whole\n"
	    "  pth-scan DIR          does anything below DIR run code whenever Python starts\n"
	    "options:\n"
	    "  -c, --config FILE     llmsecd's configuration, to find it\n"
	    "      --url URL         where it is ($LLMSEC_CONTROL_URL)\n"
	    "      --token-file FILE bearer token ($LLMSEC_TOKEN_FILE)\n"
	    "  -j, --json            print JSON\n"
	    "  events: -f, --follow; --since 10m; --event X; --request-id ID; --ip IP;\n"
	    "          --min-severity N; --limit N; --until TIME; --before N; --layer L; --action A; --target T\n"
	    "  ban add: --ttl 1h; --reason TEXT; --scope edge|cluster\n"
	    "  ban del: --scope edge|cluster\n"
	    "  sign:   --keys FILE; --timestamp SECONDS\n"
	    "  check:  --conf-dir DIR; --program-path DIR:DIR\n"
	    "  egress test: --identity ID; --method METHOD\n"
	    "  egress suggest: --since 7d   egress check: --probe http://ADDRESS:PORT\n"
	    "  ca rotate: --certgen-db DIR\n"
	    "  token:  --tokens FILE   ca: --ca FILE   audit: --key FILE\n"
	    "      --version; -h, --help\n", f);
}

/* Where llmsecd is: option, environment, its own configuration, its default. */
static int
target_find(struct ctl *c)
{
	const char *url = c->url != NULL ? c->url : getenv("LLMSEC_CONTROL_URL");
	const char *token = c->token_file != NULL ? c->token_file : getenv("LLMSEC_TOKEN_FILE");
	struct llmsecd_conf conf;
	struct conf_mem *mem = NULL;
	struct diag *diag = diag_new();
	const char *path = c->conf_path;
	int r = 0;

	if (path == NULL && access(LLMSEC_SYSCONFDIR "/llmsecd.yaml", R_OK) == 0)
		path = LLMSEC_SYSCONFDIR "/llmsecd.yaml";
	if (url == NULL || token == NULL) {
		r = llmsecd_conf_load(&conf, path, &mem, diag);
		diag_print(diag, stderr);
	}
	if (r == 0 && url != NULL)
		snprintf(c->target.url, sizeof(c->target.url), "%s", url);
	else if (r == 0)
		snprintf(c->target.url, sizeof(c->target.url), "http://%s", conf.http.listen);
	if (r == 0 && token == NULL)
		token = conf.http.token_file;
	if (r == 0 && ctl_token_read(&c->target, token) < 0 && (c->token_file != NULL))
		fprintf(stderr, "llmsecctl: cannot read the token in %s\n", token);
	if (c->target.url[0] != '\0' && c->target.url[strlen(c->target.url) - 1] == '/')
		c->target.url[strlen(c->target.url) - 1] = '\0';
	conf_mem_free(&mem);
	diag_free(&diag);
	return r < 0 ? 2 : 0;
}

/* 0, or the exit code after saying what the server said. */
static int
refused(long status, struct buf *body)
{
	char text[256];

	if (status == 200)
		return 0;
	if (status > 0 && buf_addc(body, '\0') == 0)
		fprintf(stderr, "llmsecctl: llmsecd answered %ld: %s\n", status,
		    ctl_show_error(buf_ptr(body), text));
	if (status == 401)
		fprintf(stderr, "llmsecctl: give the token with --token-file\n");
	return status == 400 ? 2 : 1;
}

static int
status_command(struct ctl *c)
{
	struct buf status = {0}, health = {0};
	long code = ctl_get(&c->target, "/healthz", &health);
	int r = code > 0 ? refused(ctl_get(&c->target, "/api/status", &status), &status) : 1;

	buf_addc(&status, '\0');
	buf_addc(&health, '\0');
	if (r == 0 && c->json)
		printf("{\"health\":%s,\"status\":%s}\n", buf_ptr(&health), buf_ptr(&status));
	else if (r == 0 && ctl_show_status(buf_ptr(&status), buf_ptr(&health), stdout) < 0)
		r = 1;
	buf_free(&status);
	buf_free(&health);
	return r != 0 ? r : code == 200 ? 0 : 1;
}

static int
event_print(void *arg, const char *id, const char *data)
{
	struct ctl *c = arg;

	snprintf(c->last_id, sizeof(c->last_id), "%s", id);
	if (!c->json)
		ctl_show_event(data, stdout);
	else if (puts(data) == EOF || fflush(stdout) == EOF)
		return 1;
	return ferror(stdout);
}

static void
follow_path(const struct ctl *c, char *path, size_t size)
{
	snprintf(path, size, "/api/events/follow%.*s%s%s%s", (int)buf_len(&c->query), buf_ptr(&c->query),
	    c->last_id[0] == '\0' ? "" : buf_len(&c->query) > 0 ? "&" : "?",
	    c->last_id[0] != '\0' ? "after=" : "", c->last_id);
}

/* The stream can't say why it was refused; a plain request can. */
static int
follow_refused(struct ctl *c, const char *path)
{
	struct buf body = {0};
	int r = refused(ctl_get(&c->target, path, &body), &body);

	buf_free(&body);
	return r != 0 ? r : 1;
}

/* For ever: when llmsecd goes away, go on behind the last event seen as soon as it is back. */
static int
follow_command(struct ctl *c)
{
	char path[2048];
	bool ever = false;
	long status;

	for (;;) {
		follow_path(c, path, sizeof(path));
		status = ctl_follow(&c->target, path, event_print, c);
		if (ferror(stdout))
			return 1;
		if (status < 0 && !ever) {
			fprintf(stderr, "llmsecctl: nobody answers at %s; is llmsecd running?\n",
			    c->target.url);
			return 1;
		}
		if (status > 0 && status != 200 && (status != 503 || !ever))
			return follow_refused(c, path);
		if (status == 200)
			fprintf(stderr, "llmsecctl: connection to %s lost, trying again\n", c->target.url);
		ever = true;
		sleep(RECONNECT_S);
	}
}

static int
events_command(struct ctl *c)
{
	struct buf body = {0};
	char path[2048];
	int r;

	if (c->follow)
		return follow_command(c);
	snprintf(path, sizeof(path), "/api/events%.*s", (int)buf_len(&c->query), buf_ptr(&c->query));
	r = refused(ctl_get(&c->target, path, &body), &body);
	buf_addc(&body, '\0');
	if (r == 0 && ctl_show_events(buf_ptr(&body), c->json, stdout) < 0) {
		fprintf(stderr, "llmsecctl: that was no answer of llmsecd's\n");
		r = 1;
	}
	buf_free(&body);
	return r;
}

static int
metrics_command(struct ctl *c)
{
	struct buf body = {0};
	int r = refused(ctl_get(&c->target, "/metrics", &body), &body);

	if (r == 0)
		fwrite(buf_ptr(&body), 1, buf_len(&body), stdout);
	buf_free(&body);
	return r;
}

static int
ban_list_command(struct ctl *c)
{
	struct buf body = {0};
	int r = refused(ctl_get(&c->target, "/_cluster/blacklist", &body), &body);

	buf_addc(&body, '\0');
	if (r == 0 && c->json)
		fputs(buf_ptr(&body), stdout);
	else if (r == 0 && ctl_ban_show(buf_ptr(&body), stdout) < 0) {
		fprintf(stderr, "llmsecctl: that was no answer of llmsecd's\n");
		r = 1;
	}
	buf_free(&body);
	return r;
}

static int
ban_change_command(struct ctl *c, const char *method)
{
	struct buf text = {0}, body = {0};
	int r = 2;

	if (ctl_ban_request(&text, &c->ban, c->words + 1, c->n_words - 1, stdin) == 0)
		r = refused(ctl_send(&c->target, method, "/_cluster/blacklist", &text, &body), &body);
	if (r == 0)
		fwrite(buf_ptr(&body), 1, buf_len(&body), stdout);
	buf_free(&text);
	buf_free(&body);
	return r;
}

static int
ban_command(struct ctl *c)
{
	const char *what = c->n_words > 0 ? c->words[0] : "";

	if (strcmp(what, "list") == 0 && c->n_words == 1)
		return ban_list_command(c);
	if (strcmp(what, "add") == 0 && c->n_words > 1)
		return ban_change_command(c, "POST");
	if (strcmp(what, "del") == 0 && c->n_words > 1)
		return ban_change_command(c, "DELETE");
	usage(stderr);
	return 2;
}

static int
sign_command(struct ctl *c)
{
	if (c->n_words != 2 || c->keys == NULL) {
		usage(stderr);
		return 2;
	}
	return ctl_sign(c->keys, c->words[0], c->words[1], c->timestamp, stdin, stdout);
}

static int
check_command(struct ctl *c)
{
	return ctl_check(c->conf_dir, c->program_dirs, stdout) > 0 ? 1 : 0;
}

/* --- egress ---------------------------------------------------------------------------------- */

/* POST <text> and print the answer. */
static int
post_and_print(struct ctl *c, const char *path, struct buf *text)
{
	struct buf body = {0};
	int r = refused(ctl_send(&c->target, "POST", path, text, &body), &body);

	if (r == 0)
		fwrite(buf_ptr(&body), 1, buf_len(&body), stdout);
	buf_free(&body);
	return r;
}

static void
member_add(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s\"%s\":\"", buf_len(b) > 1 ? "," : "", key);
	buf_add_json(b, value, strlen(value));
	buf_addc(b, '"');
}

static int
egress_test_command(struct ctl *c)
{
	struct buf text = {0};
	int r;

	buf_addc(&text, '{');
	member_add(&text, "url", c->words[1]);
	if (c->identity != NULL)
		member_add(&text, "identity", c->identity);
	if (c->method != NULL)
		member_add(&text, "method", c->method);
	buf_addc(&text, '}');
	r = post_and_print(c, "/api/egress/test", &text);
	buf_free(&text);
	return r;
}

/* All there is, page by page: a list that was cut would be taken for the whole. */
static int
egress_suggest_command(struct ctl *c)
{
	int64_t page = c->limit != NULL ? strtoll(c->limit, NULL, 10) : SUGGEST_PAGE, next = 0, after = -1;
	struct suggest *s = suggest_new();
	struct buf body = {0};
	char path[2048], limit[32];
	int r = 0, more = s != NULL;

	if (s == NULL)
		return 1;
	snprintf(limit, sizeof(limit), "&limit=%d", SUGGEST_PAGE);
	while (r == 0 && more > 0 && next > after) {
		after = next;
		buf_free(&body);
		/* The options' query begins with a question mark; theirs are behind ours. */
		snprintf(path, sizeof(path), "/api/events%.*s%cevent=egress.would_deny&after=%" PRId64 "%s", (int)buf_len(&c->query),
		    buf_ptr(&c->query), buf_len(&c->query) > 0 ? '&' : '?', after, c->limit != NULL ? "" : limit);
		r = refused(ctl_get(&c->target, path, &body), &body);
		buf_addc(&body, '\0');
		if (r == 0)
			more = suggest_take(s, buf_ptr(&body), page, &next);
	}
	if (r == 0 && more < 0) {
		fprintf(stderr, "llmsecctl: that was no answer of llmsecd's\n");
		r = 1;
	}
	if (r == 0)
		r = suggest_print(s, stdout);
	buf_free(&body);
	suggest_free(&s);
	return r;
}

/* Version N as a new one; what no number is llmsecd says. */
static int
egress_rollback(struct ctl *c)
{
	struct buf none = {0};
	char *n = curl_easy_escape(NULL, c->rollback, 0), path[256];
	int r = 2;

	if (c->n_words != 1)
		fprintf(stderr, "llmsecctl: either a policy or a version\n");
	else if (n == NULL || snprintf(path, sizeof(path), "/api/egress/policy?rollback=%s", n) >= (int)sizeof(path))
		fprintf(stderr, "llmsecctl: --rollback: no version\n");
	else
		r = post_and_print(c, path, &none);
	curl_free(n);
	return r;
}

static int
egress_policy_command(struct ctl *c)
{
	struct buf text = {0}, body = {0};
	char chunk[65536];
	size_t n;
	FILE *f;
	int r;

	if (c->rollback != NULL)
		return egress_rollback(c);
	if (c->n_words == 1) {
		r = refused(ctl_get(&c->target, "/api/egress/policy", &body), &body);
		if (r == 0)
			fwrite(buf_ptr(&body), 1, buf_len(&body), stdout);
		buf_free(&body);
		return r;
	}
	f = fopen(c->words[1], "re");
	if (f == NULL) {
		fprintf(stderr, "llmsecctl: %s: %s\n", c->words[1], strerror(errno));
		return 2;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&text, chunk, n);
	fclose(f);
	r = post_and_print(c, "/api/egress/policy", &text);
	buf_free(&text);
	return r;
}

static int
egress_command(struct ctl *c)
{
	const char *what = c->n_words > 0 ? c->words[0] : "";
	int r;

	if (strcmp(what, "check") == 0 && c->n_words == 2) {
		r = ctl_egress_check(c->words[1], c->program_dirs, c->probe, stdout);
		return r < 0 ? 2 : r > 0;
	}
	r = target_find(c);
	if (r != 0)
		return r;
	if (strcmp(what, "test") == 0 && c->n_words == 2)
		return egress_test_command(c);
	if (strcmp(what, "suggest") == 0 && c->n_words == 1)
		return egress_suggest_command(c);
	if (strcmp(what, "policy") == 0 && c->n_words <= 2)
		return egress_policy_command(c);
	usage(stderr);
	return 2;
}

static int
failed(const char *path, int r)
{
	if (r < 0)
		fprintf(stderr, "llmsecctl: %s: %s\n", path, strerror(-r));
	return r < 0 ? 1 : 0;
}

static int
token_command(struct ctl *c)
{
	const char *what = c->n_words > 0 ? c->words[0] : "", *path = c->tokens != NULL ? c->tokens : LLMSEC_SYSCONFDIR "/tokens";

	if (strcmp(what, "add") == 0 && c->n_words == 3)
		return failed(path, token_file_add(path, c->words[1], c->words[2], stdout));
	if (strcmp(what, "list") == 0 && c->n_words == 1)
		return failed(path, token_file_list(path, stdout));
	if (strcmp(what, "revoke") == 0 && c->n_words == 2)
		return failed(path, token_file_revoke(path, c->words[1]));
	usage(stderr);
	return 2;
}

static int
ca_command(struct ctl *c)
{
	const char *what = c->n_words > 0 ? c->words[0] : "", *path = c->ca != NULL ? c->ca : LLMSEC_SYSCONFDIR "/egress-ca.pem";

	if (c->n_words == 1 && strcmp(what, "init") == 0)
		return failed(path, ctl_ca_make(path, 0, stdout));
	if (c->n_words == 1 && strcmp(what, "rotate") == 0)
		return failed(path, ctl_ca_rotate(path, c->certgen_db, c->program_dirs, stdout));
	if (c->n_words == 1 && strcmp(what, "show") == 0)
		return failed(path, ctl_ca_show(path, stdout));
	usage(stderr);
	return 2;
}

static int
pth_scan_command(struct ctl *c)
{
	if (c->n_words != 1) {
		usage(stderr);
		return 2;
	}
	return ctl_pth_scan(c->words[0], c->json, stdout);
}

static int
audit_command(struct ctl *c)
{
	if (c->n_words == 2 && strcmp(c->words[0], "verify") == 0)
		return ctl_audit_verify(c->words[1], c->audit_key);
	usage(stderr);
	return 2;
}

static void
query_add(struct ctl *c, const char *key, const char *value)
{
	char *enc = curl_easy_escape(NULL, value, 0);

	buf_printf(&c->query, "%s%s=%s", buf_len(&c->query) > 0 ? "&" : "?", key,
	    enc != NULL ? enc : "");
	curl_free(enc);
}

enum { O_URL = 256, O_TOKEN, O_VERSION, O_CONF_DIR, O_PROGRAMS, O_QUERY, O_TTL, O_REASON, O_SCOPE, O_KEYS, O_TIME, O_IDENTITY, O_METHOD,
       O_TOKENS, O_CA, O_AUDIT_KEY, O_PROBE, O_CERTGEN, O_ROLLBACK };

static const struct option longs[] = {
	{ "config", 1, NULL, 'c' }, { "json", 0, NULL, 'j' }, { "follow", 0, NULL, 'f' },
	{ "help", 0, NULL, 'h' }, { "version", 0, NULL, O_VERSION }, { "url", 1, NULL, O_URL },
	{ "token-file", 1, NULL, O_TOKEN }, { "conf-dir", 1, NULL, O_CONF_DIR },
	{ "program-path", 1, NULL, O_PROGRAMS }, { "since", 1, NULL, O_QUERY },
	{ "event", 1, NULL, O_QUERY }, { "request-id", 1, NULL, O_QUERY }, { "ip", 1, NULL, O_QUERY },
	{ "keys", 1, NULL, O_KEYS }, { "timestamp", 1, NULL, O_TIME },
	{ "ttl", 1, NULL, O_TTL }, { "reason", 1, NULL, O_REASON }, { "scope", 1, NULL, O_SCOPE },
	{ "identity", 1, NULL, O_IDENTITY }, { "method", 1, NULL, O_METHOD }, { "tokens", 1, NULL, O_TOKENS },
	{ "ca", 1, NULL, O_CA }, { "key", 1, NULL, O_AUDIT_KEY },
	{ "probe", 1, NULL, O_PROBE }, { "certgen-db", 1, NULL, O_CERTGEN }, { "rollback", 1, NULL, O_ROLLBACK },
	{ "min-severity", 1, NULL, O_QUERY }, { "limit", 1, NULL, O_QUERY }, { "until", 1, NULL, O_QUERY },
	{ "before", 1, NULL, O_QUERY }, { "layer", 1, NULL, O_QUERY }, { "action", 1, NULL, O_QUERY }, { "target", 1, NULL, O_QUERY }, { NULL, 0, NULL, 0 }
};

/* -1: go on; else the exit code. */
static int
options_take(struct ctl *c, int argc, char **argv)
{
	char key[32];
	int o, i = 0;

	while ((o = getopt_long(argc, argv, "c:jfh", longs, &i)) != -1) {
		switch (o) {
		case 'c': c->conf_path = optarg; break;
		case 'j': c->json = true; break;
		case 'f': c->follow = true; break;
		case 'h': usage(stdout); return 0;
		case O_VERSION: printf("llmsecctl %s\n", PACKAGE_VERSION); return 0;
		case O_URL: c->url = optarg; break;
		case O_TOKEN: c->token_file = optarg; break;
		case O_CONF_DIR: c->conf_dir = optarg; break;
		case O_PROGRAMS: c->program_dirs = optarg; break;
		case O_TTL: c->ban.ttl = optarg; break;
		case O_REASON: c->ban.reason = optarg; break;
		case O_SCOPE: c->ban.scope = optarg; break;
		case O_KEYS: c->keys = optarg; break;
		case O_IDENTITY: c->identity = optarg; break;
		case O_METHOD: c->method = optarg; break;
		case O_TOKENS: c->tokens = optarg; break;
		case O_CA: c->ca = optarg; break;
		case O_PROBE: c->probe = optarg; break;
		case O_CERTGEN: c->certgen_db = optarg; break;
		case O_ROLLBACK: c->rollback = optarg; break;
		case O_AUDIT_KEY: c->audit_key = optarg; break;
		case O_TIME: c->timestamp = atol(optarg); break;
		case O_QUERY:
			snprintf(key, sizeof(key), "%s", longs[i].name);
			if (strchr(key, '-') != NULL)
				*strchr(key, '-') = '_';
			if (strcmp(key, "limit") == 0)
				c->limit = optarg;
			query_add(c, key, optarg);
			break;
		default: usage(stderr); return 2;
		}
	}
	return -1;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char	*name;
		int		(*run)(struct ctl *);
		bool		 remote, words;
	} commands[] = {
		{ "status", status_command, true, false }, { "events", events_command, true, false },
		{ "metrics", metrics_command, true, false }, { "check", check_command, false, false },
		{ "egress", egress_command, false, true }, { "token", token_command, false, true },
		{ "ca", ca_command, false, true }, { "audit", audit_command, false, true },
		{ "pth-scan", pth_scan_command, false, true },
		{ "ban", ban_command, true, true }, { "sign", sign_command, false, true },
	};
	struct ctl c = { .conf_dir = LLMSEC_SYSCONFDIR, .program_dirs = LLMSEC_PROGRAM_PATH };
	int r = options_take(&c, argc, argv);

	if (r >= 0)
		return r;
	for (size_t i = 0; optind < argc && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[optind], commands[i].name) != 0 ||
		    (optind < argc - 1 && !commands[i].words))
			continue;
		c.words = argv + optind + 1;
		c.n_words = argc - optind - 1;
		curl_global_init(CURL_GLOBAL_DEFAULT);
		r = commands[i].remote ? target_find(&c) : 0;
		if (r == 0)
			r = commands[i].run(&c);
		buf_free(&c.query);
		curl_global_cleanup();
		return r;
	}
	usage(stderr);
	return 2;
}
