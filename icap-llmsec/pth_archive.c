/* SPDX-License-Identifier: MIT */
/* Start-up files in archives, by libarchive from memory.  The outermost must be readable; see icap-llmsec/pth.h. */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/filetype.h"
#include "icap-llmsec/pth_private.h"
#include "icap-llmsec/zip_check.h"
#include "lib/arena.h"
#include "lib/buf.h"

struct walk {
	struct pth_report *r;
	struct arena	*a;
	struct pth_limits lim;		/* no zeros left */
	size_t		 len;		/* of the outermost */
	size_t		 unpacked;
	unsigned	 entries;
	bool		 stop;
};

static void	walk_archive(struct walk *, const char *file, const void *, size_t, unsigned depth);
static void	check_imports(struct walk *, const struct pth_want *until, const char *file, const void *, size_t);

static void
limit(struct walk *w, const char *file, const char *why)
{
	struct pth_at at = {.r = w->r, .a = w->a, .file = file};

	pth_found(&at, PTH_LIMIT, why);
}

static void
unreadable(struct walk *w, const char *file, const char *why)
{
	struct pth_at at = {.r = w->r, .a = w->a, .file = file};

	pth_found(&at, PTH_UNREADABLE, why);
}

static bool
spend(struct walk *w, const char *file, size_t n)
{
	w->unpacked = n > SIZE_MAX - w->unpacked ? SIZE_MAX : w->unpacked + n;
	if (w->unpacked <= w->lim.unpacked && (w->unpacked <= (size_t)1 << 20 || w->unpacked / w->lim.ratio <= w->len))
		return true;
	if (!w->stop)
		limit(w, file, "unpacks to more than is looked at");
	w->stop = true;
	return false;
}

static const char *
entry_name(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	return name != NULL ? name : archive_entry_pathname_utf8(e);
}

/* Is it worth looking into? (what Python or an installer could unpack) */
static bool
is_container(const void *p, size_t n)
{
	const struct filetype *t = filetype_of(p, n);

	return t->class == FT_ARCHIVE || strcmp(t->name, "wheel") == 0 || strcmp(t->name, "deb") == 0 || strcmp(t->name, "rpm") == 0;
}

/* The entry's data, all of it or (unless <all>) only what tells its type.  False: it could not be read. */
static bool
read_entry(struct walk *w, struct archive *a, const char *file, struct buf *out, bool all)
{
	const void *block;
	size_t n;
	la_int64_t off;
	int rc;

	while ((rc = archive_read_data_block(a, &block, &n, &off)) == ARCHIVE_OK) {
		if (!spend(w, file, n) || buf_add(out, block, n) < 0)
			return false;
		if (!all && buf_len(out) >= 512 && !is_container(buf_ptr(out), buf_len(out)))
			return true;
	}
	if (out->err != 0)
		w->r->nomem = true;
	return rc == ARCHIVE_EOF;
}

/* Something else's contents under this name: in a tar by its name, in a cpio (and rpm) with those of the last of them. */
static bool
is_link(struct archive_entry *e)
{
	return (archive_entry_filetype(e) != AE_IFREG && archive_entry_filetype(e) != 0) || archive_entry_hardlink(e) != NULL ||
	    archive_entry_hardlink_utf8(e) != NULL || (archive_entry_nlink(e) > 1 && archive_entry_size_is_set(e) && archive_entry_size(e) == 0);
}

static void
see_entry(struct walk *w, struct archive *a, struct archive_entry *e, const char *file, unsigned depth)
{
	const char *name = entry_name(e), *inner;
	enum pth_kind kind = name != NULL ? pth_kind(name) : PTH_NONE;
	struct buf data = {0};

	if (archive_entry_filetype(e) != AE_IFREG && archive_entry_filetype(e) != 0 && kind == PTH_NONE)
		return;
	if (name == NULL) {
		limit(w, file, "has an entry without a readable name");
		return;
	}
	inner = arena_printf(w->a, "%s!%s", file, name);
	if (inner == NULL) {
		w->r->nomem = true;
		return;
	}
	if (kind != PTH_NONE && is_link(e)) {
		if (archive_entry_filetype(e) != AE_IFDIR)	/* what it leads to cannot be seen */
			limit(w, inner, "a link in the place of a file");
		return;
	}
	if (!read_entry(w, a, inner, &data, kind != PTH_NONE)) {
		if (!w->stop && kind != PTH_NONE)
			limit(w, inner, "cannot be unpacked");
		else if (!w->stop)	/* it may be an archive */
			unreadable(w, inner, "cannot be unpacked");
	} else if (kind != PTH_NONE)
		pth_check(kind, inner, buf_ptr(&data), buf_len(&data), w->a, w->r);
	else if (is_container(buf_ptr(&data), buf_len(&data)))
		walk_archive(w, inner, buf_ptr(&data), buf_len(&data), depth + 1);
	buf_free(&data);
}

/*
 * Not all that libarchive knows: mtree reads files of this machine that it names, and some filters start programs.
 */
static struct archive *
open_archive(const void *data, size_t len)
{
	struct archive *a = archive_read_new();

	if (a == NULL)
		return NULL;
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_compress(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_lzip(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_rpm(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_7zip(a);
	archive_read_support_format_ar(a);
	archive_read_support_format_cab(a);
	archive_read_support_format_cpio(a);
	archive_read_support_format_iso9660(a);
	archive_read_support_format_lha(a);
	archive_read_support_format_rar(a);
	archive_read_support_format_rar5(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_xar(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, data, len) == ARCHIVE_OK)
		return a;
	archive_read_free(a);
	return NULL;
}

/* "x.pth.gz" unpacks to one nameless entry; its name is the file's without the last extension. */
static void
name_raw(struct walk *w, struct archive *a, struct archive_entry *e, const char *file)
{
	const char *name = strrchr(file, '!'), *slash;
	char *copy, *dot;

	if (archive_format(a) != ARCHIVE_FORMAT_RAW)
		return;
	name = name != NULL ? name + 1 : file;
	slash = strrchr(name, '/');
	copy = arena_strndup(w->a, slash != NULL ? slash + 1 : name, strlen(slash != NULL ? slash + 1 : name));
	dot = copy != NULL ? strrchr(copy, '.') : NULL;
	if (dot != NULL && dot != copy) {
		*dot = '\0';
		archive_entry_set_pathname(e, copy);
	}
}

/* Skipping costs what reading does, except in a zip, where a skipped entry isn't unpacked. */
static bool
afford(struct walk *w, struct archive *a, struct archive_entry *e, const char *file)
{
	if (++w->entries > w->lim.entries) {
		limit(w, file, "has more entries than are looked at");
		w->stop = true;
		return false;
	}
	if ((archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP || !archive_entry_size_is_set(e) || archive_entry_size(e) < 0)
		return true;
	if ((uint64_t)archive_entry_size(e) > w->lim.unpacked)
		return spend(w, file, SIZE_MAX);
	return true;
}

/*
 * Is it, inside a package, surely an archive?  Others are met there that libarchive cannot read and nobody unpacks: static libraries of
 * Windows ("ar"), pictures of disks, whatever begins with the two bytes of a rare packer.
 */
static bool
is_certain(const void *data, size_t len)
{
	static const char *const kinds[] = {"zip", "wheel", "jar", "tar", "gzip", "bzip2", "xz", "7z", "zstd", "rar", "cab", "deb", "rpm"};
	const struct filetype *t = filetype_of(data, len);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(t->name, kinds[i]) == 0)
			return true;
	return false;
}

static bool
has_word(const unsigned char *p, size_t len, const char *word)
{
	size_t k = strlen(word);

	for (size_t i = 0; i + k <= len; i++)
		if ((p[i] | 32) == ((unsigned char)*word | 32) && strncasecmp((const char *)p + i, word, k) == 0)
			return true;
	return false;
}

/* Names of what Python reads at its start, or pip installs from, as a zip has them in the clear. */
static bool
names_python(const void *data, size_t len)
{
	static const char *const words[] = {".pth", "sitecustomize", "usercustomize", ".dist-info", "setup.py", "pyproject.toml"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has_word(data, len, words[i]))
			return true;
	return false;
}

/* <package>: what Python takes from a folder, or runs, by that name. */
static bool
named_zip(const char *file, bool package)
{
	static const char *const ends[] = {".zip", ".whl", ".egg", ".pyz"};
	const char *dot = strrchr(file, '.');

	for (size_t i = package; dot != NULL && i < sizeof(ends) / sizeof(*ends); i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return true;
	return false;
}

/* Nobody opens an archive in a package by itself, and test suites have broken ones; but what Python would take for a package counts. */
static void
doubt(struct walk *w, const char *file, const void *data, size_t len, unsigned depth, const char *why)
{
	if (depth == 0 || named_zip(file, true) || names_python(data, len))
		limit(w, file, why);
	else
		unreadable(w, file, why);
}

/*
 * Do all readers see the same files in it?  pip asks zipfile.is_zipfile() before it goes by the name, and that finds a zip behind
 * anything.  A zip as the last thing in a tar, or stored in a gzip or xz, is no trick: what follows it (padding, a checksum) says so, and both are
 * looked into.  Of a stored one that blocks have cut up, readers see the directory, and no more.
 */
static bool
is_one_thing(struct walk *w, const char *file, const void *data, size_t len, unsigned depth)
{
	size_t n, k;
	const void *zip = zip_behind(data, len, &n), *dir;

	if (!zip_is_plain(data, len)) {
		doubt(w, file, data, len, depth, "a zip that two readers may take for different files");
		return false;
	}
	if (zip == NULL || !is_container(data, len))
		return true;
	if (!named_zip(file, false) && (const char *)zip + n != (const char *)data + len) {
		if (memcmp(zip, "PK", 2) == 0) {
			walk_archive(w, file, zip, n, depth);
			return true;
		}
		if ((dir = zip_directory(zip, n, &k)) != NULL && !names_python(dir, k))
			return true;
	}
	doubt(w, file, data, len, depth, "one archive for some readers and another for others");
	return false;
}

static void
walk_archive(struct walk *w, const char *file, const void *data, size_t len, unsigned depth)
{
	struct archive *a;
	struct archive_entry *e;
	const struct pth_want *until = w->r->wants;
	la_int64_t before = 0, now;
	int rc = ARCHIVE_FATAL;

	if (depth >= w->lim.depth) {
		limit(w, file, "archives within archives, deeper than is looked at");
		return;
	}
	if (!is_one_thing(w, file, data, len, depth))
		return;
	a = open_archive(data, len);
	while (a != NULL && !w->stop && !w->r->nomem && ((rc = archive_read_next_header(a, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN)) {
		if (archive_format(a) == ARCHIVE_FORMAT_RAW && archive_filter_count(a) < 2)
			break;		/* not packed at all: no archive */
		name_raw(w, a, e, file);
		if (!afford(w, a, e, file))
			break;
		see_entry(w, a, e, file, depth);
		now = archive_filter_bytes(a, 0);	/* what was skipped counts too */
		if (archive_filter_count(a) > 1 && now > before && !spend(w, file, (size_t)(now - before) / 2))
			break;
		before = now;
	}
	if (rc != ARCHIVE_EOF && !w->stop && !w->r->nomem && (depth == 0 || is_certain(data, len)))
		doubt(w, file, data, len, depth, "cannot be unpacked");
	archive_read_free(a);
	if (w->r->wants != until)
		check_imports(w, until, file, data, len);
}

/* --- what start-up files import ---------------------------------------------------------------------------- */

/*
 * A second pass, only where a start-up file imports what isn't Python's own: the names of all modules, and the source of them.  An sdist's setup.py
 * may install a file anywhere, so where there is none near the root any other of that name is taken, and where there are many all are.
 */
#define KEEP_BYTES	((size_t)32 << 20)
#define LOOKS		(50 * 1000 * 1000)

struct kept {
	const char	*name, *file;	/* in the archive; in findings */
	const char	*key;		/* "b" of a/b.py, a/b/__init__.py, a/b.cpython-311.so */
	size_t		 n_key, n_stem;	/* <n_stem>: up to the dot that ends b, or the slash behind it */
	struct buf	 data;
	const char	*why;
};

struct shelf {
	struct walk	*w;
	const char	*file;
	const void	*data;
	size_t		 len;
	struct kept	*v;
	size_t		 n, cap, bytes;
	bool		 filled;
	size_t		 cursor, looks;
	bool		 anywhere;	/* none is near the root */
};

static bool
has_end(const char *name, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && memcmp(name + n - k, end, k) == 0;
}

/* What a file may be imported as; false: nothing. */
static bool
module_name(struct kept *k)
{
	size_t n = strlen(k->name), at, dot;

	if (!has_end(k->name, n, ".py") && !has_end(k->name, n, ".pyc") && !has_end(k->name, n, ".so") && !has_end(k->name, n, ".pyd"))
		return false;
	for (at = n; at > 0 && k->name[at - 1] != '/'; at--)
		;
	dot = at + strcspn(k->name + at, ".");
	if (dot - at == 8 && memcmp(k->name + at, "__init__", 8) == 0 && at > 1) {
		dot = at - 1;
		for (at = dot; at > 0 && k->name[at - 1] != '/'; at--)
			;
	}
	k->key = k->name + at;
	k->n_key = dot - at;
	k->n_stem = dot;
	return k->n_key > 0;
}

static bool
in_pycache(const struct kept *k)
{
	size_t dir = (size_t)(k->key - k->name);

	return dir >= 12 && memcmp(k->key - 12, "__pycache__/", 12) == 0;
}

/* Python takes bytecode without a look at the source where it says so (PEP 552: an unchecked hash), or where time and size agree. */
static const char *
bytecode_why(const struct kept *k)
{
	if (!in_pycache(k))
		return "a module of a start-up file, and no source";
	return pth_is_unchecked(buf_ptr(&k->data), buf_len(&k->data)) ? "bytecode that Python runs without a look at the source" : NULL;
}

static void
keep(struct shelf *s, struct archive *a, struct archive_entry *e)
{
	struct kept k = {.name = entry_name(e)}, *room;
	size_t n = k.name != NULL ? strlen(k.name) : 0;
	bool source = has_end(k.name != NULL ? k.name : "", n, ".py");

	if (k.name == NULL || archive_entry_filetype(e) == AE_IFDIR)
		return;
	k.file = arena_printf(s->w->a, "%s!%s", s->file, k.name);
	k.name = k.file != NULL ? k.file + strlen(k.file) - n : NULL;
	if (k.name == NULL) {
		s->w->r->nomem = true;
		return;
	}
	if (!module_name(&k))
		return;
	if (is_link(e))
		k.why = "a link in the place of a module";
	else if (!source && !has_end(k.name, n, ".pyc"))
		k.why = "a module of a start-up file, and no source";
	else if (s->bytes > KEEP_BYTES)
		k.why = "more modules than are looked at";
	else if (!read_entry(s->w, a, k.file, &k.data, source))
		k.why = "cannot be unpacked";
	else if (!source && (k.why = bytecode_why(&k)) == NULL) {
		buf_free(&k.data);
		return;
	}
	if (k.why != NULL)
		buf_free(&k.data);
	s->bytes += buf_len(&k.data);
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 256;
		room = realloc(s->v, s->cap * sizeof(*s->v));
		if (room == NULL) {
			buf_free(&k.data);
			s->w->r->nomem = true;
			return;
		}
		s->v = room;
	}
	s->v[s->n++] = k;
}

static int
key_cmp(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	int c = memcmp(x->key, y->key, x->n_key < y->n_key ? x->n_key : y->n_key);

	return c != 0 ? c : (x->n_key > y->n_key) - (x->n_key < y->n_key);
}

/* With limits of its own, of the same size: what has passed once isn't refused for being read again. */
static void
fill(struct shelf *s)
{
	size_t unpacked = s->w->unpacked;
	unsigned entries = s->w->entries;
	struct archive *a = open_archive(s->data, s->len);
	struct archive_entry *e;
	la_int64_t before = 0, now;
	int rc;

	s->filled = true;
	s->w->unpacked = s->w->entries = 0;
	while (a != NULL && !s->w->stop && !s->w->r->nomem && ((rc = archive_read_next_header(a, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN)) {
		name_raw(s->w, a, e, s->file);
		if (!afford(s->w, a, e, s->file))
			break;
		keep(s, a, e);
		now = archive_filter_bytes(a, 0);
		if (archive_filter_count(a) > 1 && now > before && !spend(s->w, s->file, (size_t)(now - before) / 2))
			break;
		before = now;
	}
	archive_read_free(a);
	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), key_cmp);
	s->w->entries = entries;
	s->w->unpacked = unpacked;
}

/* Is it <rel> ("a/b.py", "a/b/__init__.py", "a/b" for what is compiled) in some directory?  Its length in *dir. */
static bool
is_module(const struct kept *k, const char *rel, size_t n, size_t *dir)
{
	bool source = has_end(rel, n, ".py");
	size_t len = source ? strlen(k->name) : k->n_stem, cache = in_pycache(k) ? 12 : 0, tail = k->n_key;

	if (source != has_end(k->name, strlen(k->name), ".py") || len < n)
		return false;
	if (cache > 0) {	/* a/__pycache__/b.cpython-311.pyc */
		if (len < n + cache || memcmp(k->name + len - tail, rel + n - tail, tail) != 0 ||
		    memcmp(k->name + len - n - cache, rel, n - tail) != 0)
			return false;
		*dir = len - n - cache;
	} else {
		if (memcmp(k->name + len - n, rel, n) != 0)
			return false;
		*dir = len - n;
	}
	return *dir == 0 || k->name[*dir - 1] == '/';
}

static bool
get_module(void *arg, const char *from, const char *rel, unsigned n, struct pth_module *m)
{
	struct shelf *s = arg;
	struct kept key = {.name = rel};
	size_t len = strlen(rel), dir;

	(void)from;
	if (!s->filled)
		fill(s);
	key.n_key = len - 3 * has_end(rel, len, ".py");
	if (has_end(rel, len, "/__init__.py"))
		key.n_key = len - 12;
	for (key.key = rel + key.n_key; key.key > rel && key.key[-1] != '/'; key.key--)
		;
	key.n_key -= (size_t)(key.key - rel);
	if (n == 0) {
		size_t lo = 0, hi = s->n;

		while (lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (key_cmp(&s->v[mid], &key) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		s->cursor = lo;
		s->anywhere = true;
		for (; lo < s->n && s->anywhere && key_cmp(&s->v[lo], &key) == 0 && s->looks++ < LOOKS; lo++)
			s->anywhere = !(is_module(&s->v[lo], rel, len, &dir) && pth_leads_to_site(s->v[lo].name, dir));
	}
	for (; s->cursor < s->n && key_cmp(&s->v[s->cursor], &key) == 0; s->cursor++) {
		const struct kept *k = &s->v[s->cursor];

		if (!is_module(k, rel, len, &dir) || (!s->anywhere && !pth_leads_to_site(k->name, dir)))
			continue;
		*m = (struct pth_module){k->file, buf_ptr(&k->data), buf_len(&k->data), k->why};
		if (s->looks++ >= LOOKS)
			m->why = "more modules of one name than are looked at";
		s->cursor = s->looks > LOOKS ? s->n : s->cursor + 1;
		return true;
	}
	return false;
}

static void
check_imports(struct walk *w, const struct pth_want *until, const char *file, const void *data, size_t len)
{
	struct shelf s = {.w = w, .file = file, .data = data, .len = len};
	struct pth_source src = {get_module, &s};
	size_t outside = w->r->outside;

	if (!w->stop && !w->r->nomem)
		pth_check_imports(w->r, until, &src, w->a);
	w->r->wants = (struct pth_want *)(uintptr_t)until;
	if (w->r->outside > outside)
		unreadable(w, file, "a start-up file imports a module that is not in the package");
	for (size_t i = 0; i < s.n; i++)
		buf_free(&s.v[i].data);
	free(s.v);
}

void
pth_check_archive(const char *file, const void *data, size_t len, const struct pth_limits *lim, struct arena *a,
    struct pth_report *r)
{
	struct walk w = {.r = r, .a = a, .len = len};
	const char *name = arena_strndup(a, file, strlen(file));

	if (lim != NULL)
		w.lim = *lim;
	w.lim.unpacked = w.lim.unpacked > 0 ? w.lim.unpacked : (size_t)256 << 20;
	w.lim.ratio = w.lim.ratio > 0 ? w.lim.ratio : 200;
	w.lim.entries = w.lim.entries > 0 ? w.lim.entries : 100000;
	w.lim.depth = w.lim.depth > 0 ? w.lim.depth : 4;
	if (name == NULL) {
		r->nomem = true;
		return;
	}
	walk_archive(&w, name, data, len, 0);
	r->unpacked += w.unpacked < w.lim.unpacked ? w.unpacked : w.lim.unpacked;
}
