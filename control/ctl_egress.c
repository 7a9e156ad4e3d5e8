/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "control/ctl_egress.h"

/* --- suggest --------------------------------------------------------------------------------- */

struct seen {
	const char	*host, *identity;
	int		 port;
	json_int_t	 count;
};

static int
seen_cmp(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int r = strcmp(x->identity, y->identity);

	if (r == 0)
		r = strcmp(x->host, y->host);
	return r != 0 ? r : x->port - y->port;
}

/* Only what a rule can open: not addresses, metadata services or tricks. */
static bool
openable(const char *reason)
{
	static const char *const words[] = { "not_allowed", "port_not_allowed", "identity_not_allowed" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (reason != NULL && strcmp(reason, words[i]) == 0)
			return true;
	return false;
}

static size_t
seen_collect(json_t *events, struct seen *v)
{
	size_t i, n = 0;
	json_t *e;

	json_array_foreach(events, i, e) {
		json_t *d = json_object_get(e, "detail");
		const char *host = json_string_value(json_object_get(e, "target")), *id;

		if (host == NULL || !openable(json_string_value(json_object_get(d, "reason"))))
			continue;
		id = json_string_value(json_object_get(d, "identity"));
		v[n++] = (struct seen){ host, id != NULL ? id : "", (int)json_integer_value(json_object_get(d, "port")),
		    json_integer_value(json_object_get(d, "count")) };
	}
	return n;
}

int
ctl_egress_suggest(const char *json, FILE *out)
{
	json_t *root = json_loads(json, 0, NULL), *events = json_object_get(root, "events");
	struct seen *v = calloc(json_array_size(events) + 1, sizeof(*v));
	size_t n = v != NULL && json_is_array(events) ? seen_collect(events, v) : 0;
	int r = v != NULL && json_is_array(events) ? 0 : -1, rule = 0;

	if (n > 0)
		qsort(v, n, sizeof(*v), seen_cmp);
	fputs("# What was seen while the policy observed.  Read each line before it becomes a rule.\nrules:", out);
	if (n == 0)
		fputs(" []\n", out);
	for (size_t i = 0; i < n; ) {
		json_int_t count = 0;
		size_t k = i;

		for (; k < n && seen_cmp(&v[i], &v[k]) == 0; k++)
			count += v[k].count;
		fprintf(out, "%s  - {id: seen-%d, domains: [%s], ports: [%d]%s%s%s}\t# %" JSON_INTEGER_FORMAT " times\n",
		    i == 0 ? "\n" : "", ++rule, v[i].host, v[i].port, v[i].identity[0] != '\0' ? ", identities: [" : "",
		    v[i].identity, v[i].identity[0] != '\0' ? "]" : "", count);
		i = k;
	}
	free(v);
	json_decref(root);
	return r;
}

/* --- check ----------------------------------------------------------------------------------- */

enum { DEPTH_MAX = 8, LINE = 8192 };

struct check {
	FILE	*out;
	int	 faults;
	bool	 manager, helper, address, allow, last_denies, early_allow, bad_allow, helper_type, cached, startup;
	bool	 user_early;
	char	 port[128];
};

static void
fault(struct check *c, const char *text)
{
	fprintf(c->out, "error: %s\n", text);
	c->faults++;
}

static bool
has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = line; (p = strstr(p, word)) != NULL; p += n)
		if ((p == line || p[-1] == ' ' || p[-1] == '\t') && (p[n] == '\0' || p[n] == ' ' || p[n] == '\t'))
			return true;
	return false;
}

/* Only lines that speak of the forward port, or of everybody. */
static void
access_line(struct check *c, const char *line)
{
	bool allow = has_word(line, "allow"), ours = has_word(line, "llmsec_proxy");

	c->last_denies = !allow && (has_word(line, "all"));
	if (has_word(line, "llmsec_accel"))
		return;
	if (ours && !allow && has_word(line, "llmsec_manager"))
		c->manager = true;
	if (ours && !allow && has_word(line, "!llmsec_egress"))
		c->helper = !c->allow;
	if (ours && !allow && has_word(line, "llmsec_private_dst"))
		c->address = c->helper && !c->allow;
	if (!allow)
		return;
	c->early_allow |= !c->helper;
	c->bad_allow |= !ours;
	c->allow = true;
}

static void
squid_line(struct check *c, const char *line)
{
	if (strncmp(line, "http_access ", 12) == 0)
		access_line(c, line);
	if (strncmp(line, "external_acl_type llmsec_egress ", 32) != 0)
		return;
	c->helper_type = true;
	c->cached = !has_word(line, "ttl=0") || !has_word(line, "negative_ttl=0");
	c->startup = !has_word(line, "children-startup=0");
}

static int
squid_file(struct check *c, const char *path, int depth)
{
	FILE *f = depth < DEPTH_MAX ? fopen(path, "re") : NULL;
	char line[LINE], word[4096];

	if (f == NULL) {
		fprintf(c->out, "error: %s: %s\n", path, depth < DEPTH_MAX ? strerror(errno) : "included too deep");
		return errno != 0 ? -errno : -ELOOP;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (sscanf(line, "include %4095s", word) == 1) {
			if (squid_file(c, word, depth + 1) < 0)
				c->faults++;
		} else {
			squid_line(c, line);
		}
	}
	fclose(f);
	return 0;
}

int
ctl_egress_check(const char *path, FILE *out)
{
	struct check c = { .out = out };
	int r = squid_file(&c, path, 0);

	if (r < 0)
		return r;
	if (!c.helper_type)
		fault(&c, "no external_acl_type llmsec_egress");
	if (c.cached)
		fault(&c, "llmsec_egress: answers are kept (ttl=0 negative_ttl=0): a change counts late");
	if (c.startup)
		fault(&c, "llmsec_egress: children-startup=0, or Squid ends when helpers die");
	if (!c.manager)
		fault(&c, "the cache manager is open: http_access deny llmsec_proxy llmsec_manager");
	if (!c.helper)
		fault(&c, "nobody asks the helper: http_access deny llmsec_proxy !llmsec_egress before every allow");
	if (!c.address)
		fault(&c, "no guard of addresses behind the helper and before every allow: private-dst.conf");
	if (c.early_allow)
		fault(&c, "an http_access allow stands before the helper");
	if (c.bad_allow)
		fault(&c, "an http_access allow is not bound to the forward port: an open relay");
	if (!c.last_denies)
		fault(&c, "the last http_access line is not deny all");
	if (c.faults == 0)
		fprintf(out, "%s: names, then addresses, then what is allowed; default deny is last\n", path);
	return c.faults;
}

/* --- the CA of bumped connections ------------------------------------------------------------- */

static bool
extend(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* Ten years; may sign hosts' certificates, not other CAs (pathlen 0). */
static X509 *
ca_certificate(EVP_PKEY *key)
{
	static const unsigned char org[] = "llmsec", cn[] = "llmsec egress inspection CA";
	X509 *x = X509_new();
	X509_NAME *name = x != NULL ? X509_get_subject_name(x) : NULL;
	uint64_t serial;

	if (name != NULL && RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 && X509_set_version(x, 2) &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -300) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 3650L * 86400) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, org, -1, -1, 0) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, cn, -1, -1, 0) && X509_set_issuer_name(x, name) &&
	    X509_set_pubkey(x, key) && extend(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    extend(x, NID_key_usage, "critical,keyCertSign,cRLSign") && extend(x, NID_subject_key_identifier, "hash") &&
	    X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

int
ctl_ca_make(const char *path, int replace, FILE *out)
{
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	char tmp[4100];
	FILE *f = NULL;
	int fd, r = -EIO;

	if (!replace && access(path, F_OK) == 0)
		return -EEXIST;
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "w");
	/* RSA: Squid 5 makes hosts' keys of the CA's kind, and some clients know no other. */
	key = EVP_RSA_gen(3072);
	if (key != NULL)
		x = ca_certificate(key);
	if (f != NULL && x != NULL && PEM_write_X509(f, x) && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) &&
	    fflush(f) == 0 && fsync(fd) == 0)
		r = rename(tmp, path) < 0 ? -errno : 0;
	if (f != NULL)
		fclose(f);
	if (r < 0)
		unlink(tmp);
	X509_free(x);
	EVP_PKEY_free(key);
	return r == 0 ? ctl_ca_show(path, out) : r;
}

int
ctl_ca_show(const char *path, FILE *out)
{
	FILE *f = fopen(path, "re");
	X509 *x = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	BIO *b;

	if (f == NULL)
		return -errno;
	fclose(f);
	if (x == NULL)
		return -EBADMSG;
	X509_digest(x, EVP_sha256(), md, &n);
	fputs("# SHA-256 ", out);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "%s%02X", i > 0 ? ":" : "", md[i]);
	fputs("\n# until ", out);
	fflush(out);
	b = BIO_new_fp(out, BIO_NOCLOSE);
	if (b != NULL)
		ASN1_TIME_print(b, X509_get0_notAfter(x));
	BIO_free(b);
	fputc('\n', out);
	PEM_write_X509(out, x);
	X509_free(x);
	return 0;
}
