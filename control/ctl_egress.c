/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "control/ctl_check.h"
#include "control/ctl_egress.h"

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

/* --- another CA ------------------------------------------------------------------------------- */

/* What `security_file_certgen -c` makes (Squid 5, src/security/cert_generators/file/certificate_db.cc). */
static const char *const store_parts[] = { "", "/certs", "/index.txt", "/size" };

static bool
store_is(const char *dir)
{
	char path[4200];
	struct stat st;

	for (size_t i = 0; i < sizeof(store_parts) / sizeof(store_parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, store_parts[i]);
		if (lstat(path, &st) < 0 || (i < 2 ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)))
			return false;
	}
	return true;
}

/* An empty store beside <dir>, with its owner.  0 or -errno, said to <out>. */
static int
store_make(const char *dir, const char *fresh, const char *program_dirs, FILE *out)
{
	char program[PATH_MAX], dirs[PATH_MAX], path[4200], said[512];
	const char *argv[] = { program, "-c", "-s", fresh, "-M", "4MB", NULL };
	struct stat st;
	int r;

	snprintf(dirs, sizeof(dirs), "%s:/usr/lib/squid:/usr/lib64/squid:/usr/libexec/squid:/usr/local/libexec", program_dirs);
	if (!ctl_program_find(program, dirs, "security_file_certgen")) {
		fputs("# security_file_certgen is not found: --program-path\n", out);
		return -ENOENT;
	}
	r = ctl_run(argv, "FATAL|rror", said, sizeof(said));
	if (r != 0 || !store_is(fresh)) {
		fprintf(out, "# %s: %s\n", program, r < 0 ? strerror(-r) : said);
		return r < 0 ? r : -EIO;
	}
	for (size_t i = 0; i < sizeof(store_parts) / sizeof(store_parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, store_parts[i]);
		if (lstat(path, &st) < 0)
			return -errno;
		snprintf(path, sizeof(path), "%s%s", fresh, store_parts[i]);
		if (lchown(path, st.st_uid, st.st_gid) < 0 || chmod(path, st.st_mode & 07777) < 0)
			return -errno;
	}
	return 0;
}

/* Of a store that was not taken into use: only what certgen made. */
static void
store_drop(const char *dir)
{
	char path[4200];

	for (size_t i = sizeof(store_parts) / sizeof(store_parts[0]); i-- > 0; ) {
		snprintf(path, sizeof(path), "%s%s", dir, store_parts[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
}

static int
rotate_with_store(const char *path, const char *dir, const char *program_dirs, FILE *out)
{
	char fresh[4100], old[4100], when[32];
	time_t now = time(NULL);
	struct tm tm;
	int r;

	if (!store_is(dir)) {
		fprintf(out, "# %s: no store of security_file_certgen\n", dir);
		return -ENOTDIR;
	}
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	if (snprintf(fresh, sizeof(fresh), "%s.new", dir) >= (int)sizeof(fresh) ||
	    snprintf(old, sizeof(old), "%s.old-%s", dir, when) >= (int)sizeof(old))
		return -ENAMETOOLONG;
	r = access(old, F_OK) == 0 || access(fresh, F_OK) == 0 ? -EEXIST : store_make(dir, fresh, program_dirs, out);
	if (r == 0 && rename(dir, old) < 0)
		r = -errno;
	if (r == 0 && rename(fresh, dir) < 0) {
		r = -errno;
		rename(old, dir);
	}
	if (r < 0) {
		if (r != -EEXIST)
			store_drop(fresh);
		return r;
	}
	r = ctl_ca_make(path, 1, out);
	if (r < 0) {
		store_drop(dir);
		rename(old, dir);
		return r;
	}
	fprintf(out, "# certificates by the old CA: %s, to be removed\n"
	    "# Squid signs with the old one until it is started anew; if it ran meanwhile, rotate again while it is stopped.\n", old);
	return 0;
}

int
ctl_ca_rotate(const char *path, const char *certgen_db, const char *program_dirs, FILE *out)
{
	struct stat st;
	int r;

	/* What isn't there is to be made by `ca init`, by somebody who means it. */
	if (stat(path, &st) < 0)
		return -errno;
	if (certgen_db != NULL)
		return rotate_with_store(path, certgen_db, program_dirs, out);
	r = ctl_ca_make(path, 1, out);
	if (r == 0)
		fputs("# Not in force yet.  security_file_certgen keeps certificates by the old CA and goes on to hand them out.  Stop Squid, run\n"
		    "#\tmv DIR DIR.old && security_file_certgen -c -s DIR -M 4MB && chown -R --reference=DIR.old DIR\n"
		    "# with the DIR of sslcrtd_program's -s, and start it.  `ca rotate --certgen-db DIR`, while it is stopped, does both.\n", out);
	return r;
}
