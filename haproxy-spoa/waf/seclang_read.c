/* SPDX-License-Identifier: MIT */
/*
 * Files into logical lines.  A backslash at the end of a line joins the next one to it, in comments too (as
 * Apache reads them); every byte of the result knows its line and column.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "haproxy-spoa/waf/seclang_private.h"

#define SL_FILE_MAX	((off_t)16 << 20)
#define SL_DEPTH_MAX	16

void *
sl_grow(struct arena *a, void *vec, size_t n, size_t size)
{
	void *p;

	if (n != 0 && (n & (n - 1)) != 0)	/* room is always the next power of two */
		return memset((char *)vec + n * size, 0, size), vec;
	p = arena_calloc(a, n ? 2 * n : 1, size);
	if (p != NULL && n != 0)
		memcpy(p, vec, n * size);
	return p;
}

struct sl_text
sl_text(const struct sl_word *w)
{
	return (struct sl_text){w->p, w->n, w, w->p};
}

struct sl_text
sl_sub(const struct sl_text *t, const char *p, size_t n)
{
	struct sl_text sub = {p, n, t->w, t->at};

	if (p >= t->w->p && p <= t->w->p + t->w->n)
		sub.at = p;
	return sub;
}

/* Walks over the escapes once more: only a message wants to know, so nothing is kept for it. */
static size_t
raw_offset(const struct sl_word *w, const char *p)
{
	const char *s = buf_ptr(&w->ln->text);
	size_t n = buf_len(&w->ln->text), i = w->raw;

	for (const char *q = w->p; q < p && i < n; q++) {
		if (s[i] == '\\' && i + 1 < n && (s[i + 1] == '\\' || (w->quote && s[i + 1] == w->quote)))
			i++;
		i++;
	}
	return i;
}

void
sl_where(const struct sl_text *t, const char *p, int *line, int *col)
{
	const struct sl_line *ln = t->w->ln;
	const struct sl_seg *s = ln->seg;
	size_t off;

	if (p == NULL || p < t->w->p || p > t->w->p + t->w->n)
		p = t->at;
	off = raw_offset(t->w, p);
	for (size_t i = 1; i < ln->n_seg && ln->seg[i].off <= off; i++)
		s = &ln->seg[i];
	*line = s->line;
	*col = s->col + (int)(off - s->off);
}

int
sl_line_of(const struct sl_word *w)
{
	return w->ln->seg[0].line;
}

static void
note(struct sl *sl, bool error, const struct sl_text *t, const char *p, const char *fmt, va_list ap)
{
	char text[1024];
	int line, col;

	vsnprintf(text, sizeof(text), fmt, ap);
	sl_where(t, p, &line, &col);
	(error ? diag_error : diag_warn)(sl->diag, t->w->ln->file, line, col, "%s", text);
	sl->failed |= error;
}

void
sl_error(struct sl *sl, const struct sl_text *t, const char *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(sl, true, t, p, fmt, ap);
	va_end(ap);
}

void
sl_warn(struct sl *sl, const struct sl_text *t, const char *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(sl, false, t, p, fmt, ap);
	va_end(ap);
}

static void
file_error(struct sl *sl, const char *name, int line, const char *text)
{
	diag_error(sl->diag, name, line, line ? 1 : 0, "%s", text);
	sl->failed = true;
}

static bool
line_segment(struct sl_line *ln, int line, int col)
{
	size_t cap;
	void *p;

	if (ln->n_seg == ln->cap_seg) {
		cap = ln->cap_seg ? 2 * ln->cap_seg : 16;
		if ((p = realloc(ln->seg, cap * sizeof(*ln->seg))) == NULL)
			return false;
		ln->seg = p;
		ln->cap_seg = cap;
	}
	ln->seg[ln->n_seg++] = (struct sl_seg){buf_len(&ln->text), line, col};
	return true;
}

static bool
is_comment(const char *p, size_t n)
{
	while (n != 0 && sl_is_blank(*p)) {
		p++;
		n--;
	}
	return n != 0 && *p == '#';
}

/*
 * One logical line into <ln>, from <p> on.  Returns where the next one starts; *line counts physical lines.
 * A rule behind a comment that ends in a backslash belongs to the comment: legal, and hardly meant.
 */
static const char *
next_line(struct sl *sl, struct sl_line *ln, const char *p, const char *end, int *line)
{
	bool more = true, comment = false;
	const char *nl;
	size_t n;

	ln->n_seg = 0;
	buf_clear(&ln->text);
	for (bool first = true; more && p < end; first = false) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((nl ? nl : end) - p);
		if (n != 0 && p[n - 1] == '\r')
			n--;
		more = n != 0 && p[n - 1] == '\\';
		n -= more;
		if (first)
			comment = is_comment(p, n);
		else if (comment && n != 0 && !is_comment(p, n))
			diag_warn(sl->diag, ln->file, *line, 1, "the comment above ends in a backslash: this "
			    "line is part of it");
		if (!line_segment(ln, *line, 1) || buf_add(&ln->text, p, n) != 0) {
			file_error(sl, ln->file, *line, "out of memory");
			return end;
		}
		(*line)++;
		p = nl ? nl + 1 : end;
	}
	if (comment)
		buf_clear(&ln->text);
	return p;
}

static void
read_lines(struct sl *sl, const char *text, size_t len)
{
	struct sl_line ln = {.file = sl->file->name};
	const char *p = text, *end = text + len;
	int line = 1;

	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)	/* an editor's byte order mark */
		p += 3;
	while (p < end) {
		p = next_line(sl, &ln, p, end, &line);
		if (ln.n_seg == 0 || buf_len(&ln.text) == 0)
			continue;
		if (memchr(buf_ptr(&ln.text), '\0', buf_len(&ln.text)) != NULL) {
			file_error(sl, ln.file, ln.seg[0].line, "a NUL byte: this is not a text file");
			break;
		}
		sl_run_line(sl, &ln);
		arena_reset(sl->file->tmp);
	}
	free(ln.seg);
	buf_free(&ln.text);
}

/* Push <f>, read, pop.  A chain may not cross the end of a file. */
static void
read_as(struct sl *sl, struct sl_file *f, const char *text, size_t len)
{
	f->name = sl_dup(sl->a, f->name, strlen(f->name)).p;
	if ((f->tmp = arena_new(0)) == NULL) {
		file_error(sl, f->name, 0, "out of memory");
		return;
	}
	f->up = sl->file;
	sl->file = f;
	read_lines(sl, text, len);
	sl_chain_end(sl);
	sl->file = f->up;
	arena_free(&f->tmp);
}

void
sl_read_mem(struct sl *sl, const char *name, const char *dir, const char *text, size_t len)
{
	struct sl_file f = {.name = name, .dir = dir};

	read_as(sl, &f, text, len);
}

static const char *
dir_of(struct sl *sl, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	return sl_dup(sl->a, path, slash == path ? 1 : (size_t)(slash - path)).p;
}

static char *
slurp(int fd, size_t want, size_t *len)
{
	char *text = malloc(want + 1);
	ssize_t r;

	*len = 0;
	while (text != NULL && *len < want && (r = read(fd, text + *len, want - *len)) != 0) {
		if (r > 0)
			*len += (size_t)r;
		else if (errno != EINTR) {
			free(text);
			return NULL;
		}
	}
	return text;
}

/* NULL, or why <path> can't be read. */
static const char *
read_path(struct sl *sl, const char *path)
{
	struct sl_file f = {.name = path, .dir = dir_of(sl, path)};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *why = NULL;
	char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		why = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		why = "it is a folder: write FOLDER/*.conf";
	else if (!S_ISREG(st.st_mode) || st.st_size > SL_FILE_MAX)
		why = "not a regular file of at most 16 MiB";
	else if ((text = slurp(fd, (size_t)st.st_size, &len)) == NULL)
		why = strerror(errno);
	for (const struct sl_file *up = sl->file; why == NULL && up != NULL; up = up->up) {
		if (up->ino == st.st_ino && up->dev == st.st_dev && up->ino != 0)
			why = "it includes itself";
	}
	if (fd >= 0)
		close(fd);
	if (why == NULL) {
		f.dev = st.st_dev;
		f.ino = st.st_ino;
		f.depth = sl->file ? sl->file->depth + 1 : 0;
		sl_note_file(sl, path);
		read_as(sl, &f, text, len);
	}
	free(text);
	return why;
}

void
sl_read_main(struct sl *sl, const char *path)
{
	const char *why = read_path(sl, path);

	if (why != NULL)
		file_error(sl, path, 0, why);
}

const char *
sl_path(struct sl *sl, const char *p, size_t n)
{
	const char *dir = sl->file->dir;

	if (dir == NULL || *dir == '\0' || strcmp(dir, ".") == 0 || (n != 0 && *p == '/'))
		return sl_dup(sl->a, p, n).p;
	p = arena_printf(sl->a, "%s/%.*s", dir, (int)n, p);
	return p ? p : "";
}

void
sl_note_file(struct sl *sl, const char *path)
{
	const char **list = (const char **)(uintptr_t)sl->rules->files, **slot;
	size_t n = sl->rules->n_files;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], path) == 0)
			return;
	}
	if ((slot = SL_ADD(sl->a, list, n)) != NULL)
		*slot = sl_dup(sl->a, path, strlen(path)).p;
	sl->rules->files = list;
	sl->rules->n_files = list ? n : 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A folder that isn't there matches nothing; one that can't be read is no answer. */
static int
glob_failed(const char *path, int err)
{
	(void)path;
	return err != ENOENT && err != ENOTDIR;
}

/* Names sorted by bytes: the order of rules must not hang on somebody's locale. */
static void
include_glob(struct sl *sl, const struct sl_text *t, const char *path, bool optional)
{
	glob_t g = {0};
	const char *why;
	int rc = glob(path, GLOB_NOSORT, glob_failed, &g);

	if (rc != 0 && rc != GLOB_NOMATCH)
		sl_error(sl, t, NULL, "Include %s: cannot read the folder", path);
	else if ((rc == GLOB_NOMATCH || g.gl_pathc == 0) && !optional)
		sl_error(sl, t, NULL, "Include %s: no such file (IncludeOptional allows that)", path);
	if (rc == 0)
		qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_name);
	for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++) {
		why = read_path(sl, g.gl_pathv[i]);
		if (why != NULL)
			sl_error(sl, t, NULL, "Include %s: %s", g.gl_pathv[i], why);
	}
	globfree(&g);
}

void
sl_dir_include(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);

	(void)n;
	if (sl->file->dir == NULL)
		sl_error(sl, &t, NULL, "%s: no files may be read from here", dir->name);
	else if (sl->file->depth + 1 >= SL_DEPTH_MAX)
		sl_error(sl, &t, NULL, "%s: more than %d files deep", dir->name, SL_DEPTH_MAX);
	else
		include_glob(sl, &t, sl_path(sl, arg->p, arg->n), dir->off != 0);
}
