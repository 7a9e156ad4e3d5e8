/* SPDX-License-Identifier: MIT */
/* llmsec-scan --label and --forget: what a person does with the shadow log. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "icap-llmsec/llmsec_scan.h"
#include "icap-llmsec/shadow.h"
#include "lib/file_write.h"

#define SHOWN	2000		/* bytes of a text on the screen */

/* ---- labels -------------------------------------------------------------------------------------- */

/* Attacks on models are fond of attacking terminals, too: what isn't printable is shown, not sent. */
static void
show_text(FILE *f, const char *s)
{
	size_t n = 0;

	for (; *s != '\0' && n < SHOWN; s++, n++) {
		unsigned char c = (unsigned char)*s;

		if ((c < 0x20 && c != '\n') || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else if (c == 0xc2 && (unsigned char)s[1] < 0xa0)	/* C1 controls */
			fputs("\\x", f);
		else if (c == 0xe2 && ((unsigned char)s[1] == 0x80 || (unsigned char)s[1] == 0x81) && (unsigned char)s[2] >= 0x8b)
			fputs("\\u", f);	/* zero width, directions */
		else
			fputc(c, f);
	}
	if (*s != '\0')
		fprintf(f, "... (%zu bytes more)", strlen(s));
	fputc('\n', f);
}

static void
show(FILE *f, json_t *row)
{
	const json_t *rules = json_object_get(row, "rules");

	fprintf(f, "\n---- %s  score %.3f  %s", json_string_value(json_object_get(row, "role")) ?: "user",
	    json_number_value(json_object_get(row, "score")), json_string_value(json_object_get(row, "action")) ?: "");
	for (size_t i = 0; i < json_array_size(rules); i++)
		fprintf(f, " %s", json_string_value(json_array_get(rules, i)) ?: "");
	fputc('\n', f);
	show_text(f, json_string_value(json_object_get(row, "text")));
}

/* 0 or 1: the label; -1: skip; -2: the end. */
static int
ask(FILE *in, FILE *out)
{
	char *line = NULL;
	size_t cap = 0;
	int label = -3;

	while (label == -3) {
		fputs("harmless or attack? [h/a, s: skip, q: quit] ", out);
		fflush(out);
		if (getline(&line, &cap, in) < 0)
			label = -2;
		else if (line[0] == 'h' || line[0] == '0')
			label = 0;
		else if (line[0] == 'a' || line[0] == '1')
			label = 1;
		else if (line[0] == 's' || line[0] == '\n')
			label = -1;
		else if (line[0] == 'q')
			label = -2;
	}
	free(line);
	return label;
}

/* Rows of <f>, each given to <fn>, which takes no reference; it returns 0 to go on.  A line that is no row is passed over. */
static int
each_row(FILE *f, int (*fn)(void *, json_t *), void *arg)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &cap, f)) >= 0) {
		json_t *row = json_loadb(line, (size_t)n, 0, NULL);

		if (json_is_string(json_object_get(row, "text")))
			rc = fn(arg, row);
		json_decref(row);
	}
	free(line);
	return rc != 0 ? rc : ferror(f) ? -EIO : 0;
}

struct labelling {
	json_t	*seen;		/* texts that have a label, as keys */
	FILE	*out, *in, *screen;
	size_t	 labels;
};

static int
remember(void *v, json_t *row)
{
	struct labelling *l = v;

	return json_object_set_new(l->seen, json_string_value(json_object_get(row, "text")), json_true()) == 0 ? 0 : -ENOMEM;
}

static int
label_row(void *v, json_t *row)
{
	struct labelling *l = v;
	int label;

	if (!json_is_null(json_object_get(row, "label")) || json_object_get(l->seen, json_string_value(json_object_get(row, "text"))) != NULL)
		return 0;
	show(l->screen, row);
	label = ask(l->in, l->screen);
	if (label == -2)
		return 1;
	if (label == -1)
		return 0;
	json_object_set_new(row, "label", json_integer(label));
	if (json_dumpf(row, l->out, JSON_COMPACT) != 0 || fputc('\n', l->out) == EOF || fflush(l->out) != 0)
		return -errno;
	l->labels++;
	return remember(l, row);
}

static int
open_labels(struct labelling *l, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	l->out = fdopen(fd, "a+");
	if (l->out == NULL) {
		close(fd);
		return -ENOMEM;
	}
	l->seen = json_object();
	rewind(l->out);
	return l->seen != NULL ? each_row(l->out, remember, l) : -ENOMEM;
}

int
scan_label(const char *labels, char **files, FILE *in, FILE *screen)
{
	struct labelling l = {.in = in, .screen = screen};
	int rc = open_labels(&l, labels);

	if (rc < 0)
		fprintf(screen, "llmsec-scan: %s: %s\n", labels, strerror(-rc));
	for (; rc == 0 && *files != NULL; files++) {
		FILE *f = fopen(*files, "re");

		rc = f != NULL ? each_row(f, label_row, &l) : -errno;
		if (rc < 0)
			fprintf(screen, "llmsec-scan: %s: %s\n", *files, strerror(-rc));
		if (f != NULL)
			fclose(f);
	}
	fprintf(screen, "\n%zu labelled\n", l.labels);
	if (l.out != NULL && fclose(l.out) != 0 && rc >= 0)
		rc = -EIO;
	json_decref(l.seen);
	return rc < 0 ? rc : 0;
}

/* ---- erasure ------------------------------------------------------------------------------------- */

static bool
member_is(json_t *row, const char *name, const char *what)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s != NULL && strcmp(s, what) == 0;
}

/* Ids are a request's with the number of a text. */
static bool
is_of(json_t *row, const char *who)
{
	const char *id = json_string_value(json_object_get(row, "id"));
	size_t n = strlen(who);

	return member_is(row, "actor", who) || member_is(row, "conversation", who) || (id != NULL && strncmp(id, who, n) == 0 && (id[n] == '-' || id[n] == '\0'));
}

/*
 * The others' lines, byte for byte; a line that can't be read might be anybody's and goes, too.  A last line without an end may be
 * one that is being written: unless <all>, it stays for the next call.
 */
static int
copy_others(FILE *f, const char *who, FILE *out, bool all, size_t *gone)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &cap, f)) >= 0) {
		json_t *row;

		if (!all && line[n - 1] != '\n') {
			rc = fseeko(f, -(off_t)n, SEEK_CUR) < 0 ? -errno : 0;
			break;
		}
		row = json_loadb(line, (size_t)n, 0, NULL);
		if (row == NULL || is_of(row, who))
			++*gone;
		else if (fwrite(line, 1, (size_t)n, out) != (size_t)n)
			rc = -EIO;
		json_decref(row);
	}
	free(line);
	rc = rc < 0 ? rc : ferror(f) ? -EIO : 0;
	clearerr(f);		/* what is appended from now on is read by the next call */
	return rc;
}

/*
 * Most of the file without, what came meanwhile with the lock that its writer takes for every line (shadow_write.c): nothing is appended
 * any more to what another file takes the place of.  The lock ends when <f> is closed.
 */
static int
copy_file(FILE *f, const char *who, FILE *out, size_t *gone)
{
	int rc = copy_others(f, who, out, false, gone);

	if (rc == 0 && (fflush(out) != 0 || fsync(fileno(out)) < 0))
		rc = -errno;
	while (rc == 0 && flock(fileno(f), LOCK_EX) < 0)
		rc = errno == EINTR ? 0 : -errno;
	if (rc == 0)
		rc = copy_others(f, who, out, true, gone);
	if (rc == 0 && (fflush(out) != 0 || fsync(fileno(out)) < 0))
		rc = -errno;
	return rc;
}

static int
forget_in(const char *path, const char *who, size_t *gone)
{
	char tmp[4096];
	FILE *f = fopen(path, "re"), *out = NULL;
	struct stat st;
	int rc = f == NULL ? -errno : 0, fd = -1;
	size_t before = *gone;

	if (rc == 0 && (size_t)snprintf(tmp, sizeof(tmp), "%s" SHADOW_FORGET "XXXXXX", path) >= sizeof(tmp))
		rc = -ENAMETOOLONG;
	if (rc == 0 && (fd = mkostemp(tmp, O_CLOEXEC)) < 0)	/* 0600 */
		rc = -errno;
	if (fd >= 0 && (out = fdopen(fd, "w")) == NULL)
		rc = -ENOMEM;
	if (rc == 0 && fstat(fileno(f), &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)	/* the service removes it one day */
		rc = -errno;
	if (rc == 0)
		rc = copy_file(f, who, out, gone);
	if (rc == 0 && *gone > before && rename(tmp, path) < 0)
		rc = -errno;
	if (fd >= 0 && (rc < 0 || *gone == before))
		unlink(tmp);
	if (out != NULL)
		fclose(out);
	else if (fd >= 0)
		close(fd);
	if (f != NULL)
		fclose(f);
	return rc < 0 ? rc : *gone > before ? file_parent_sync(path) : 0;
}

int
scan_forget(const char *who, char **files, FILE *screen)
{
	size_t gone = 0;
	int rc = 0;

	for (; *files != NULL; files++) {
		int one = forget_in(*files, who, &gone);

		if (one < 0)
			fprintf(screen, "llmsec-scan: %s: %s\n", *files, strerror(-one));
		rc = one < 0 ? one : rc;
	}
	fprintf(screen, "%zu lines removed\n", gone);
	return rc;
}
