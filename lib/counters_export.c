/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/counters.h"
#include "lib/counters_private.h"
#include "lib/utf8.h"

/* --- what may go into the text --------------------------------------------------------------- */

static bool
is_word(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (!first && c >= '0' && c <= '9');
}

bool
ctr_name_ok(const char *s)
{
	if (!is_word(*s, true) && *s != ':')
		return false;
	while (is_word(*s, false) || *s == ':')
		s++;
	return *s == '\0';
}

bool
ctr_labels_ok(const char *s)
{
	if (*s == '\0')
		return true;
	if (!utf8_valid(s, strlen(s)))
		return false;
	for (;;) {
		if (!is_word(*s, true))
			return false;
		while (is_word(*s, false))
			s++;
		if (*s++ != '=' || *s++ != '"')
			return false;
		for (; *s != '"'; s++) {
			if (*s == '\\' && *++s != '\\' && *s != '"' && *s != 'n')
				return false;
			if ((unsigned char)*s < 0x20 || *s == 0x7f)
				return false;
		}
		if (*++s == '\0')
			return true;
		if (*s++ != ',')
			return false;
	}
}

static bool
slot_ok(const struct ctr_slot *s)
{
	return memchr(s->name, '\0', sizeof(s->name)) != NULL &&
	    memchr(s->labels, '\0', sizeof(s->labels)) != NULL &&
	    memchr(s->help, '\0', sizeof(s->help)) != NULL && s->kind <= COUNTER_HISTOGRAM &&
	    ctr_name_ok(s->name) && ctr_labels_ok(s->labels);
}

bool
ctr_file_ok(const struct ctr_file *f, size_t len)
{
	if (len < sizeof(*f) || memcmp(f->magic, CTR_MAGIC, sizeof(f->magic)) != 0 ||
	    f->slot_size != sizeof(struct ctr_slot) || f->n_slots > CTR_SLOTS_MAX ||
	    len != sizeof(*f) + f->n_slots * sizeof(struct ctr_slot))
		return false;
	for (size_t i = 0; i < f->n_slots; i++) {
		if (!slot_ok(&f->slot[i]))
			return false;
	}
	return true;
}

/* --- collecting ------------------------------------------------------------------------------ */

struct export {
	struct ctr_file		**file;
	size_t			  n_files;
	struct ctr_slot		**row;
	size_t			  n_rows;
};

/* A copy, not a mapping: whoever truncates the file under us must not kill llmsecd with SIGBUS. */
static struct ctr_file *
export_read(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct ctr_file *f = NULL;
	struct stat st;
	size_t len, got = 0;
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(*f) &&
	    st.st_size <= (off_t)(sizeof(*f) + CTR_SLOTS_MAX * sizeof(struct ctr_slot))) {
		len = (size_t)st.st_size;
		f = malloc(len);
		while (f != NULL && got < len && n > 0) {
			n = read(fd, (char *)f + got, len - got);
			got += n > 0 ? (size_t)n : 0;
		}
		if (f != NULL && !ctr_file_ok(f, got)) {
			free(f);
			f = NULL;
		}
	}
	close(fd);
	return f;
}

static int
export_add(struct export *e, struct ctr_file *f)
{
	struct ctr_file **files = realloc(e->file, (e->n_files + 1) * sizeof(*files));
	struct ctr_slot **rows;

	if (files == NULL) {
		free(f);
		return -ENOMEM;
	}
	e->file = files;
	e->file[e->n_files++] = f;
	if (f->n_slots == 0)
		return 0;
	rows = realloc(e->row, (e->n_rows + f->n_slots) * sizeof(*rows));
	if (rows == NULL)
		return -ENOMEM;
	e->row = rows;
	for (size_t i = 0; i < f->n_slots; i++)
		e->row[e->n_rows++] = &f->slot[i];
	return 0;
}

static int
is_ctr(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 4 && strcmp(d->d_name + n - 4, ".ctr") == 0;
}

static int
export_collect(struct export *e, const char *dir)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n, err = 0;
	struct dirent **list = NULL;
	struct ctr_file *f;

	if (dirfd < 0)
		return -errno;
	n = scandir(dir, &list, is_ctr, alphasort);
	if (n < 0)
		err = -errno;
	for (int i = 0; i < n; i++) {
		f = err == 0 ? export_read(dirfd, list[i]->d_name) : NULL;
		if (f != NULL)
			err = export_add(e, f);
		free(list[i]);
	}
	free(list);
	close(dirfd);
	return err;
}

/* --- writing --------------------------------------------------------------------------------- */

static int
row_cmp(const void *va, const void *vb)
{
	const struct ctr_slot *a = *(struct ctr_slot *const *)va, *b = *(struct ctr_slot *const *)vb;
	int c = strcmp(a->name, b->name);

	if (c == 0)
		c = (a->kind > b->kind) - (a->kind < b->kind);
	return c ? c : strcmp(a->labels, b->labels);
}

static void
write_head(const struct ctr_slot *s, FILE *f)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };

	fprintf(f, "# HELP %s ", s->name);
	for (const char *p = s->help; *p != '\0'; p++) {
		if (*p == '\\' || *p == '\n')
			fputs(*p == '\n' ? "\\n" : "\\\\", f);
		else
			fputc(*p, f);
	}
	fprintf(f, "\n# TYPE %s %s\n", s->name, kinds[s->kind]);
}

static void
write_histogram(const struct ctr_slot *s, FILE *f)
{
	const char *comma = s->labels[0] ? "," : "";
	const char *open = s->labels[0] ? "{" : "", *shut = s->labels[0] ? "}" : "";
	uint64_t n = 0;

	for (unsigned b = 0; b < CTR_BUCKETS; b++) {
		n += s->value[1 + b];
		fprintf(f, "%s_bucket{%s%sle=\"%.9g\"} %" PRIu64 "\n", s->name, s->labels, comma,
		    (double)(1ULL << (CTR_BUCKET_MIN + b)) / 1e6, n);
	}
	n += s->value[1 + CTR_BUCKETS];
	fprintf(f, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", s->name, s->labels, comma, n);
	fprintf(f, "%s_sum%s%s%s %.6f\n", s->name, open, s->labels, shut, (double)s->value[0] / 1e6);
	fprintf(f, "%s_count%s%s%s %" PRIu64 "\n", s->name, open, s->labels, shut, n);
}

static void
write_row(const struct ctr_slot *s, FILE *f)
{
	if (s->kind == COUNTER_HISTOGRAM) {
		write_histogram(s, f);
		return;
	}
	fprintf(f, "%s%s%s%s ", s->name, s->labels[0] ? "{" : "", s->labels, s->labels[0] ? "}" : "");
	if (s->kind == COUNTER_GAUGE)
		fprintf(f, "%" PRId64 "\n", (int64_t)s->value[0]);
	else
		fprintf(f, "%" PRIu64 "\n", (uint64_t)s->value[0]);
}

/*
 * Rows of one name must stand together and a series must be there once, or Prometheus drops the whole
 * scrape: files are merged by sorting, equal series added up, a name of two kinds keeps the first.
 */
static void
export_write(struct export *e, FILE *f)
{
	struct ctr_slot *last = NULL, *head = NULL;

	qsort(e->row, e->n_rows, sizeof(*e->row), row_cmp);
	for (size_t i = 0; i < e->n_rows; i++) {
		struct ctr_slot *s = e->row[i];

		if (last != NULL && row_cmp(&last, &s) == 0) {
			for (size_t v = 0; v < 2 + CTR_BUCKETS; v++)
				last->value[v] += s->value[v];
			continue;
		}
		if (last != NULL)
			write_row(last, f);
		last = NULL;
		if (head == NULL || strcmp(head->name, s->name) != 0)
			write_head(head = s, f);
		else if (head->kind != s->kind)
			continue;
		last = s;
	}
	if (last != NULL)
		write_row(last, f);
}

int
counters_export(const char *dir, FILE *f)
{
	struct export e = {0};
	int err = export_collect(&e, dir);

	if (err == 0 && e.n_rows > 0)
		export_write(&e, f);
	for (size_t i = 0; i < e.n_files; i++)
		free(e.file[i]);
	free(e.file);
	free(e.row);
	return err;
}
