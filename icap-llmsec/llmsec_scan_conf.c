/* SPDX-License-Identifier: MIT */
/*
 * The configuration of llmsec-scan where nobody named one.  A site's icap.yaml if it has one; else the settings as shipped
 * with the rules and the model that came with this program, so that it judges from a build folder, too.
 */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "icap-llmsec/llmsec_scan.h"
#include "lib/buf.h"

#define SITE	LLMSEC_SYSCONFDIR "/icap.yaml"

static bool
has_rules(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/model/prompt.model", dir) < (int)sizeof(path) && access(path, R_OK) == 0 &&
	    snprintf(path, sizeof(path), "%s/rules", dir) < (int)sizeof(path) && access(path, R_OK) == 0;
}

/* Where rules and model are: installed; beside this program, wherever it was moved to; in the source tree around its build folder. */
static const char *
data_dir(char *dir, size_t size)
{
	static const char *const beside[] = {"../share/llmsec", "../../etc/llmsec", "../../../etc/llmsec"};
	char exe[PATH_MAX], *at;
	ssize_t n;

	if (has_rules(LLMSEC_DATADIR))
		return LLMSEC_DATADIR;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return NULL;
	exe[n] = '\0';
	at = dirname(exe);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		char path[PATH_MAX], *real;

		if (snprintf(path, sizeof(path), "%s/%s", at, beside[i]) >= (int)sizeof(path) || (real = realpath(path, NULL)) == NULL)
			continue;
		n = snprintf(dir, size, "%s", real);
		free(real);
		if (n < (ssize_t)size && has_rules(dir))
			return dir;
	}
	return NULL;
}

static void
add_path(struct buf *b, const char *key, const char *dir, const char *name)
{
	buf_printf(b, "  %s: '", key);
	for (; *dir != '\0'; dir++)
		buf_adds(b, *dir == '\'' ? "''" : (char[]){*dir, '\0'});
	buf_printf(b, "%s'\n", name);
}

int
scan_conf_find(char *path, size_t size, FILE *say)
{
	struct buf b = {0};
	char room[PATH_MAX];
	const char *dir;
	int fd = -1, rc;

	if (access(SITE, F_OK) == 0 || errno != ENOENT || (dir = data_dir(room, sizeof(room))) == NULL) {
		snprintf(path, size, "%s", SITE);
		return 0;
	}
	fprintf(say, "llmsec-scan: no %s: judging with the settings as shipped, and the rules and model of %s\n", SITE, dir);
	buf_adds(&b, "require_edge: false\nedge_keys: \"\"\ntx_keys: \"\"\npii:\n  unmask: false\ninjection:\n");
	add_path(&b, "pack", dir, "/rules");
	add_path(&b, "model", dir, "/model/prompt.model");
	rc = b.err;
	if (rc == 0 && (fd = memfd_create("icap.yaml", MFD_CLOEXEC)) < 0)
		rc = -errno;
	if (rc == 0 && write(fd, buf_ptr(&b), buf_len(&b)) != (ssize_t)buf_len(&b))
		rc = -EIO;
	buf_free(&b);
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	snprintf(path, size, "/proc/self/fd/%d", fd);	/* open until the program ends */
	return 0;
}
