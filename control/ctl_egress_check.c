/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/rand.h>

#include "control/ctl_check.h"
#include "control/ctl_egress.h"
#include "control/egress_shape.h"
#include "control/egress_try.h"
#include "control/squid_conf.h"
#include "lib/buf.h"
#include "lib/diag.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_policy.h"

#define PROBE_MS	10000L
#define REFUSED_BY	"egress.default-deny"

/* --- what Squid says of it -------------------------------------------------------------------- */

static int
squid_parse(const char *path, const char *program_dirs, FILE *out)
{
	char program[PATH_MAX], dirs[PATH_MAX], said[1024];
	const char *argv[] = { program, "-k", "parse", "-f", path, NULL };
	int status;

	snprintf(dirs, sizeof(dirs), "%s:/usr/sbin:/usr/local/sbin:/usr/local/squid/sbin", program_dirs);
	if (!ctl_program_find(program, dirs, "squid")) {
		fputs("note: no squid is installed here: it was not asked\n", out);
		return 0;
	}
	status = ctl_run(argv, "FATAL|unrecognized|ERROR", said, sizeof(said));
	if (status == 0)
		return 0;
	fprintf(out, "error: squid -k parse: %s\n", status < 0 ? strerror(-status) : said);
	return 1;
}

/* --- what a running one does ------------------------------------------------------------------ */

static size_t
body_take(char *p, size_t size, size_t n, void *arg)
{
	buf_add(arg, p, size * n);
	return size * n;
}

/* The answer's status, of the tunnel for https; 0: none. */
static long
ask(const char *probe, const char *url, struct buf *body, char *why)
{
	CURL *c = curl_easy_init();
	long status = 0;

	why[0] = '\0';
	if (c == NULL)
		return 0;
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROXY, probe);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, PROBE_MS);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	curl_easy_perform(c);
	curl_easy_getinfo(c, strncmp(url, "https:", 6) == 0 ? CURLINFO_HTTP_CONNECTCODE : CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(c);
	return status;
}

static int
probe_one(const char *probe, const char *scheme, FILE *out)
{
	struct buf body = { .max = 65536 };
	char url[96], why[CURL_ERROR_SIZE];
	bool tunnel = strcmp(scheme, "https") == 0;
	uint64_t n = 0;
	long status;
	int faults = 1;

	/* A name that nobody can own (RFC 2606), and that no policy has. */
	RAND_bytes((unsigned char *)&n, sizeof(n));
	snprintf(url, sizeof(url), "%s://llmsec-probe-%016" PRIx64 ".invalid/", scheme, n);
	status = ask(probe, url, &body, why);
	buf_addc(&body, '\0');
	if (status == 0)
		fprintf(out, "error: %s: %s\n", probe, why[0] != '\0' ? why : "no answer");
	else if (status != 403)
		fprintf(out, "error: %s: %s was answered %ld: it was not refused (does the policy observe?)\n", probe, url, status);
	/* The page behind a refused CONNECT isn't for curl's callers. */
	else if (!tunnel && strstr(buf_ptr(&body), "\"" REFUSED_BY "\"") == NULL)
		fprintf(out, "error: %s: %s was refused, but not by " REFUSED_BY ": %.200s\n", probe, url, buf_ptr(&body));
	else
		faults = 0;
	buf_free(&body);
	return faults;
}

/* --- what its helper's policy wants of it ----------------------------------------------------- */

/* NULL: it isn't there to be read, or broken, which is the helper's to say (--check). */
static struct egress_policy *
policy_read(const char *path, FILE *out)
{
	struct egress_policy *p = NULL;
	struct diag *d = diag_new();
	struct buf b = { 0 };

	if (path == NULL || d == NULL || egress_try_read(path, &b) < 0 || egress_policy_load(&p, path, buf_ptr(&b), buf_len(&b), d) < 0)
		fprintf(out, "note: the policy (%s) can't be read: whether its budgets are counted is not judged\n",
		    path != NULL ? path : "-c of the helper");
	buf_free(&b);
	diag_free(&d);
	return p;
}

/* Of addresses the helper sees what clients write; what a name leads to only the gate does. */
static void
gate_note(const struct egress_conf *c, FILE *out)
{
	if (*c->gate == '\0' && (*c->threats.ips != '\0' || *c->lists.path != '\0'))
		fputs("note: the policy names no gate: whether llmsec-egress-gate refuses listed addresses behind names is not known\n", out);
}

static int
shape_check(const struct squid_conf *conf, FILE *out)
{
	struct egress_policy *p = policy_read(egress_shape_policy(conf), out);
	const struct egress_conf *c = p != NULL ? egress_policy_conf(p) : NULL;
	int faults = egress_shape_check(conf, c != NULL && c->n_budgets > 0 ? c->accounts.log : NULL, out);

	if (c != NULL)
		gate_note(c, out);
	egress_policy_free(&p);
	return faults;
}

int
ctl_egress_check(const char *path, const char *program_dirs, const char *probe, FILE *out)
{
	struct squid_conf *conf;
	int faults = 0, r = squid_conf_read(&conf, path, out, &faults);

	if (r < 0) {
		fprintf(out, "error: %s: %s\n", path, strerror(-r));
		return r;
	}
	faults += shape_check(conf, out);
	faults += squid_parse(path, program_dirs, out);
	if (probe != NULL)
		faults += probe_one(probe, "http", out);
	/* Where TLS is opened a refused CONNECT is answered inside. */
	if (probe != NULL && !egress_shape_opens_tls(conf))
		faults += probe_one(probe, "https", out);
	if (faults == 0)
		fprintf(out, "%s: names, then addresses, then what is allowed; default deny is last%s\n", path,
		    probe != NULL ? ", and in force" : "");
	squid_conf_free(&conf);
	return faults;
}
