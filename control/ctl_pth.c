/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/ctl_pth.h"
#include "icap-llmsec/pth.h"
#include "lib/arena.h"
#include "lib/buf.h"

#define FILE_MAX	((off_t)1 << 30)

struct scan {
	FILE		*out;
	bool		 json;
	struct arena	*arena;
	size_t		 files, findings, errors, outside;
	/* where the start-up file at hand has its modules from, and the one of them that was read last */
	const char	*lines;
	size_t		 n_lines;
	struct buf	 module;
	unsigned	 next_root;
};

/* Names come from whoever made the package: nothing in them is for the terminal. */
static void
put_clean(FILE *f, const char *t)
{
	for (; *t != '\0'; t++)
		putc((unsigned char)*t < 0x20 || *t == 0x7f ? '?' : *t, f);
}

static void
say(struct scan *s, const struct pth_finding *f)
{
	struct buf b = {0};

	s->findings++;
	if (!s->json) {
		put_clean(s->out, f->file);
		if (f->line > 0)
			fprintf(s->out, ":%u", f->line);
		fprintf(s->out, ": %s: %s\n", pth_rule_id(f->layer), f->why);
		return;
	}
	buf_printf(&b, "%s\n{\"file\":\"", s->findings > 1 ? "," : "");
	buf_add_json(&b, f->file, strlen(f->file));
	buf_printf(&b, "\",\"line\":%u,\"layer\":\"%s\",\"rule_id\":\"%s\",\"why\":\"%s\"}", f->line, pth_layer_name(f->layer),
	    pth_rule_id(f->layer), f->why);
	fwrite(buf_ptr(&b), 1, buf_len(&b), s->out);
	buf_free(&b);
}

static void
cannot(struct scan *s, const char *path, int err)
{
	s->errors++;
	fputs("llmsecctl: ", stderr);
	put_clean(stderr, path);
	fprintf(stderr, ": %s\n", strerror(err));
}

/* What no text tells: a directory that exists and that anybody may write, or a link that leads to one. */
static const char *
directory_is_open(const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	if (S_ISDIR(st.st_mode) && (st.st_mode & S_IWOTH) != 0)
		return "a directory that anybody may write";
	return realpath(path, real) != NULL ? pth_writable(real, strlen(real)) : NULL;
}

static void
check_directories(struct scan *s, const char *file, const char *p, size_t len)
{
	const char *slash = strrchr(file, '/');
	int n_dir = slash != NULL ? (int)(slash - file) : 1;
	unsigned line = 0;
	size_t len_path;

	for (size_t at = 0, n; at < len; at += n + 1) {
		char path[PATH_MAX];
		const char *q = p + at;

		for (n = 0; at + n < len && q[n] != '\n' && q[n] != '\r'; n++)
			;
		line += at == 0 || p[at - 1] == '\n' || (p[at - 1] == '\r' && *q != '\n');
		len_path = pth_path_trim(q, n);
		if (len_path == 0 || len_path > 1024 || *q == '#' || memchr(q, '\0', len_path) != NULL || pth_writable(q, len_path) != NULL)
			continue;
		if (snprintf(path, sizeof(path), "%.*s/%.*s", *q == '/' ? 0 : n_dir, slash != NULL ? file : ".", (int)len_path, q) < (int)sizeof(path)) {
			struct pth_finding f = {PTH_PATH, line, file, directory_is_open(path)};

			if (f.why != NULL)
				say(s, &f);
		}
	}
}

static bool
ends(const char *path, const char *tail)
{
	size_t n = strlen(path), k = strlen(tail);

	return n >= k && strcasecmp(path + n - k, tail) == 0;
}

/* --- what start-up files import ---------------------------------------------------------------------------- */

#define ROOTS	64		/* directories where modules are looked for */

/* The <n>-th directory that Python has in sys.path when it gets to the end of this file; false: no more. */
static bool
root(const struct scan *s, const char *from, unsigned n, char *out, size_t cap)
{
	const char *slash = strrchr(from, '/');
	int n_dir = slash != NULL ? (int)(slash - from) : 1;
	size_t k, len;

	if (n == 0)
		return snprintf(out, cap, "%.*s", n_dir, slash != NULL ? from : ".") < (int)cap;
	for (size_t at = 0; at < s->n_lines && n < ROOTS; at += k + 1) {
		const char *q = s->lines + at;

		for (k = 0; at + k < s->n_lines && q[k] != '\n' && q[k] != '\r'; k++)
			;
		len = pth_path_trim(q, k);
		if (len == 0 || *q == '#' || len > 1024 || memchr(q, '\0', len) != NULL ||
		    (len > 6 && memcmp(q, "import", 6) == 0 && (q[6] == ' ' || q[6] == '\t')))
			continue;
		if (--n == 0)
			return snprintf(out, cap, "%.*s/%.*s", *q == '/' ? 0 : n_dir, slash != NULL ? from : ".", (int)len, q) < (int)cap;
	}
	return false;
}

static bool
read_module(struct scan *s, const char *path, size_t most)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = 0;
	char *room;

	buf_clear(&s->module);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		while (buf_len(&s->module) < most && (room = buf_room(&s->module, 65536)) != NULL && (n = read(fd, room, 65536)) > 0)
			buf_wrote(&s->module, (size_t)n);
	else
		n = -1;
	close(fd);
	return n >= 0;
}

/* Bytecode of an unchecked hash (PEP 552) runs whatever the source says. */
static bool
is_unchecked(struct scan *s, const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) || !read_module(s, path, 16))
		return true;
	return pth_is_unchecked(buf_ptr(&s->module), buf_len(&s->module));
}

/* A file in <dir> that Python takes for module <stem> and that is no source. */
static const char *
compiled(struct scan *s, const char *dir, const char *stem, bool cache, const char **why)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	const char *file = NULL;
	size_t n = strlen(stem);

	while (d != NULL && file == NULL && (e = readdir(d)) != NULL) {
		const char *tail = e->d_name + n;

		if (strncmp(e->d_name, stem, n) != 0 || *tail != '.')
			continue;
		*why = cache ? "bytecode that Python runs without a look at the source" : "a module of a start-up file, and no source";
		if (cache ? ends(tail, ".pyc") && is_unchecked(s, dir, e->d_name) : ends(tail, ".so") || ends(tail, ".pyd") || strcmp(tail, ".pyc") == 0)
			file = arena_printf(s->arena, "%s/%s", dir, e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return file;
}

static bool
find_compiled(struct scan *s, const char *base, struct pth_module *m)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(base, '/'), *stem = slash + 1;
	const char *file = NULL;

	for (int i = 0; i < 4 && file == NULL; i++) {	/* beside, in the cache; the same of a package */
		const char *const in = i % 2 == 0 ? "" : "/__pycache__";

		if (snprintf(dir, sizeof(dir), "%.*s%s", i < 2 ? (int)(slash - base) : (int)strlen(base), base, in) < (int)sizeof(dir))
			file = compiled(s, dir, i < 2 ? stem : "__init__", i % 2 == 1, &m->why);
	}
	m->file = file;
	return file != NULL;
}

static bool
get_module(void *arg, const char *from, const char *rel, unsigned n, struct pth_module *m)
{
	struct scan *s = arg;
	char path[PATH_MAX], dir[PATH_MAX];
	bool source = ends(rel, ".py");

	/* One file a directory: numbers that were given are not asked for again. */
	for (unsigned i = n == 0 ? 0 : s->next_root; root(s, from, i, dir, sizeof(dir)); i++) {
		s->next_root = i + 1;
		*m = (struct pth_module){0};
		if (snprintf(path, sizeof(path), "%s/%s", dir, rel) >= (int)sizeof(path))
			continue;
		if (!source) {
			if (find_compiled(s, path, m))
				return true;
		} else if (read_module(s, path, PTH_MODULE_BYTES)) {
			m->file = arena_strndup(s->arena, path, strlen(path));
			m->data = buf_ptr(&s->module);
			m->len = buf_len(&s->module);
			return m->file != NULL;
		}
	}
	return false;
}

static void
check_bytes(struct scan *s, enum pth_kind kind, const char *path, const char *p, size_t len)
{
	struct pth_report *r = arena_calloc(s->arena, 1, sizeof(*r));

	if (r == NULL) {
		cannot(s, path, ENOMEM);
		return;
	}
	if (kind != PTH_NONE) {
		struct pth_source src = {get_module, s};

		pth_check(kind, path, p, len, s->arena, r);
		s->lines = p;
		s->n_lines = kind == PTH_FILE && len < 1 << 20 ? len : 0;
		pth_check_imports(r, NULL, &src, s->arena);
		s->outside += r->outside;
	} else
		pth_check_archive(path, p, len, NULL, s->arena, r);
	for (size_t i = 0; i < r->n; i++)
		say(s, &r->v[i]);
	if (kind == PTH_FILE && len < 1 << 20)
		check_directories(s, path, p, len);
	s->files += r->files;
	if (r->nomem)
		cannot(s, path, ENOMEM);
	arena_reset(s->arena);
}

static void
check_file(struct scan *s, enum pth_kind kind, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	void *m;

	if (fd < 0 || fstat(fd, &st) < 0)
		cannot(s, path, errno);
	else if (!S_ISREG(st.st_mode))
		cannot(s, path, EINVAL);
	else if (st.st_size > FILE_MAX)
		cannot(s, path, EFBIG);
	else if (st.st_size == 0)
		s->files++;
	else if ((m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		cannot(s, path, errno);
	else {
		check_bytes(s, kind, path, m, (size_t)st.st_size);
		munmap(m, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
}

static void
see(struct scan *s, const FTSENT *e, size_t root)
{
	const char *inner = e->fts_path + root;
	enum pth_kind kind;

	if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
		cannot(s, e->fts_path, e->fts_errno);
		return;
	}
	if (e->fts_info != FTS_F && e->fts_info != FTS_SL && e->fts_info != FTS_SLNONE)
		return;
	kind = pth_kind(e->fts_level == 0 ? e->fts_name : inner[0] == '/' ? inner + 1 : inner);
	if (kind != PTH_NONE || e->fts_level == 0 || (e->fts_info == FTS_F && (ends(e->fts_name, ".whl") || ends(e->fts_name, ".egg"))))
		check_file(s, kind, e->fts_path);
}

static int
scan_tree(struct scan *s, const char *path)
{
	char *const argv[] = {(char *)(uintptr_t)path, NULL};	/* fts_open(3) writes to none of them */
	FTS *t = fts_open(argv, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *e;

	if (t == NULL)
		return -errno;
	while (errno = 0, (e = fts_read(t)) != NULL)
		see(s, e, strlen(path));
	if (errno != 0)
		cannot(s, path, errno);		/* it broke off */
	fts_close(t);
	return 0;
}

int
ctl_pth_scan(const char *path, bool json, FILE *out)
{
	struct scan s = {.out = out, .json = json, .arena = arena_new((size_t)1 << 30)};
	int r;

	if (s.arena == NULL)
		return 2;
	if (json)
		fputs("{\"findings\":[", out);
	r = scan_tree(&s, path);
	if (r < 0)
		cannot(&s, path, -r);
	if (json)
		fprintf(out, "],\"files\":%zu,\"outside\":%zu,\"errors\":%zu}\n", s.files, s.outside, s.errors);
	else if (s.findings == 0 && s.errors == 0) {
		fprintf(out, "%zu start-up files, none does anything unknown\n", s.files);
		if (s.outside > 0)
			fprintf(out, "%zu modules that they import are not there\n", s.outside);
	}
	buf_free(&s.module);
	arena_free(&s.arena);
	return s.findings > 0 ? 1 : s.errors > 0 ? 2 : 0;
}
