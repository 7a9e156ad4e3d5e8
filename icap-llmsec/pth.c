/* SPDX-License-Identifier: MIT */
/*
 * How site.py reads a .pth: CPython Lib/site.py, addpackage(), 2.7 to 3.14.  Lines end at \n, \r, \r\n; since 3.13 (and in its
 * fallback before) at everything that str.splitlines() knows.  A line that begins with "#" is skipped, one that begins with
 * "import " or "import\t" goes to exec(), all else is a path relative to the file's directory.  A byte order mark is skipped.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/filetype.h"
#include "icap-llmsec/pth_private.h"
#include "icap-llmsec/pth_python.h"
#include "lib/arena.h"
#include "lib/utf8.h"

#define PATH_LONG	4096		/* Linux' PATH_MAX: nothing longer can be opened there */
#define PTH_TEXT_MAX	(1 << 20)	/* of a file of paths: no real one has 10 KB */
#define WANT_BYTES	(4 << 20)	/* of code whose imports are still to be looked at */

static const struct { const char *id, *name; } layers[PTH_LAYERS] = {
	[PTH_START] = {"LLMSEC-PTH-START", "start"}, [PTH_EXEC] = {"LLMSEC-PTH-EXEC", "exec"},
	[PTH_PROCESS] = {"LLMSEC-PTH-PROCESS", "process"}, [PTH_PERSIST] = {"LLMSEC-PTH-PERSIST", "persist"},
	[PTH_CREDENTIAL] = {"LLMSEC-PTH-CREDENTIAL", "credential"}, [PTH_BLOB] = {"LLMSEC-PTH-BLOB", "blob"},
	[PTH_PATH] = {"LLMSEC-PTH-PATH", "path"}, [PTH_HIDDEN] = {"LLMSEC-PTH-HIDDEN", "hidden"},
	[PTH_LIMIT] = {"LLMSEC-PTH-LIMIT", "limit"}, [PTH_UNREADABLE] = {"LLMSEC-PTH-UNREADABLE", "unreadable"},
};

const char *
pth_rule_id(enum pth_layer l)
{
	return (unsigned)l < PTH_LAYERS ? layers[l].id : "LLMSEC-PTH-LIMIT";
}

const char *
pth_layer_name(enum pth_layer l)
{
	return (unsigned)l < PTH_LAYERS ? layers[l].name : "limit";
}

void
pth_found(const struct pth_at *at, enum pth_layer layer, const char *why)
{
	struct pth_report *r = at->r;

	for (size_t i = r->n; i-- > 0 && r->v[i].line == at->line && r->v[i].file == at->file;)
		if (r->v[i].layer == layer)
			return;
	if (at->file == NULL)
		r->nomem = true;
	if (r->n == PTH_FINDINGS) {	/* what can't be judged doesn't crowd out what can */
		size_t i = 0;

		r->more++;
		while (i < r->n && (r->v[i].layer < PTH_LIMIT || r->v[i].layer <= layer))
			i++;
		if (i < r->n)
			r->v[i] = (struct pth_finding){layer, at->line, at->file != NULL ? at->file : "", why};
		return;
	}
	r->v[r->n++] = (struct pth_finding){layer, at->line, at->file != NULL ? at->file : "", why};
}

/* --- names ----------------------------------------------------------------------------------------------- */

static size_t
last_component(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] != '/' && path[len - 1] != '\\')
		len--;
	return len;
}

/* Windows forgets dots and spaces at the end of a name, and a stream's name behind a colon. */
static size_t
trimmed(const char *path)
{
	size_t at = last_component(path, strlen(path)), len = at + strcspn(path + at, ":");

	while (len > at && (path[len - 1] == '.' || path[len - 1] == ' '))
		len--;
	return len;
}

static bool
is_word(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(s, word, n) == 0;
}

/* Is this the directory of an installation, or near enough to the root of an archive to become one? */
bool
pth_leads_to_site(const char *path, size_t len)
{
	static const char *const homes[] = {"site-packages", "dist-packages", "src", "lib", "purelib", "platlib", "data"};
	size_t depth = 0, at;

	while (len > 0 && (path[len - 1] == '/' || path[len - 1] == '\\'))
		len--;
	if (len == 0)
		return true;
	at = last_component(path, len);
	if (len - at >= 6 && strncasecmp(path + at, "python", 6) == 0)
		return true;
	for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++)
		if (is_word(path + at, len - at, homes[i]))
			return true;
	for (size_t i = 0; i < len; i++)
		depth += (path[i] == '/' || path[i] == '\\') && i > 0 && path[i - 1] != '.';
	return depth == 0;
}

static enum pth_kind
customize_kind(const char *path, size_t len)
{
	size_t at = last_component(path, len), stem = at;
	enum pth_kind k = PTH_NONE;

	if (is_word(path + at, len - at, "__init__.py") && at > 1) {	/* a package of that name */
		len = at - 1;
		at = stem = last_component(path, len);
		k = PTH_CUSTOMIZE;
	}
	while (stem < len && path[stem] != '.')
		stem++;
	if (!is_word(path + at, stem - at, "sitecustomize") && !is_word(path + at, stem - at, "usercustomize"))
		return PTH_NONE;
	if (is_word(path + stem, len - stem, ".py"))
		k = PTH_CUSTOMIZE;
	else if (len - stem >= 3 && (is_word(path + len - 3, 3, ".so") || is_word(path + len - 4, 4, ".pyc") || is_word(path + len - 4, 4, ".pyd")))
		k = PTH_OPAQUE;
	if (k == PTH_OPAQUE && at >= 12 && strncasecmp(path + at - 12, "__pycache__", 11) == 0)
		return pth_leads_to_site(path, at - 12) ? PTH_CACHE : PTH_NONE;
	return pth_leads_to_site(path, at) ? k : PTH_NONE;
}

enum pth_kind
pth_kind(const char *path)
{
	size_t full = strlen(path), len = trimmed(path);

	/* A colon is a letter like others where there are no streams. */
	if (full >= 4 && strncasecmp(path + full - 4, ".pth", 4) == 0)
		return PTH_FILE;
	if (len >= 4 && strncasecmp(path + len - 4, ".pth", 4) == 0)
		return PTH_FILE;
	return customize_kind(path, len);
}

/* --- paths ----------------------------------------------------------------------------------------------- */

/*
 * Normalised: small letters, one slash between components, "." and ".." resolved.  *up: how far above its start it went.
 * False: it has no room in <cap>, 0 included.
 */
static bool
normalise(char *out, size_t cap, const char *p, size_t len, unsigned *up)
{
	size_t n = 0, i = 0;

	*up = 0;
	while (i < len) {
		size_t k = 0;

		while (i < len && (p[i] == '/' || p[i] == '\\'))
			i++;
		while (i + k < len && p[i + k] != '/' && p[i + k] != '\\')
			k++;
		if (k == 2 && p[i] == '.' && p[i + 1] == '.') {
			if (n == 0)
				++*up;
			while (n > 0 && out[--n] != '/')
				;
		} else if (k > 0 && !(k == 1 && p[i] == '.')) {
			if (n + k + 1 >= cap)
				return false;
			out[n++] = '/';
			for (size_t j = 0; j < k; j++)
				out[n++] = p[i + j] >= 'A' && p[i + j] <= 'Z' ? (char)(p[i + j] + 32) : p[i + j];
		}
		i += k;
	}
	out[n] = '\0';
	return true;
}

static bool
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

const char *
pth_writable(const char *p, size_t len)
{
	static const char *const dirs[] = {"/tmp", "/var/tmp", "/usr/tmp", "/dev/shm", "/dev/fd", "/dev/mqueue", "/proc", "/run/user",
	    "/run/lock", "/run/shm", "/var/lock", "/var/run/user", "/var/run/lock", "/private/tmp", "/private/var/tmp", "/var/folders",
	    "/private/var/folders", "/var/crash", "/var/spool/samba", "/windows/temp", "/temp", "/users/public", "/programdata",
	    "/data/local/tmp"};
	char norm[PATH_LONG];
	const char *q = norm;
	bool rooted = len > 0 && (p[0] == '/' || p[0] == '\\');
	unsigned up;

	if (len >= 2 && p[0] == '\\' && p[1] == '\\' && !(len > 3 && (p[2] == '?' || p[2] == '.')))
		return "a directory on another host";
	if (len >= 5 && strncasecmp(p, "file:", 5) == 0)
		p += 5, len -= 5, rooted = true;
	if (!normalise(norm, sizeof(norm), p, len, &up))
		return "a path longer than is looked at";
	if (below(q, "/?") || below(q, "/."))
		q += 2;
	if (q[0] == '/' && q[1] >= 'a' && q[1] <= 'z' && q[2] == ':')
		q += 3, rooted = true;
	if (strstr(q, "/appdata/local/temp") != NULL || strstr(q, "%temp%") != NULL || strstr(q, "%tmp%") != NULL || strstr(q, "$tmpdir") != NULL)
		return "a temporary directory";
	if (!rooted && up == 0)
		return NULL;	/* within the directory that it stands in */
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (below(q, dirs[i]))
			return "a directory that anybody may write";
	return NULL;
}

/* --- lines ----------------------------------------------------------------------------------------------- */

/* White space, invisible characters and controls: what a reader doesn't see (Unicode 15: White_Space, Default_Ignorable). */
static bool
is_unseen(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x1680 ||
	    c == 0x17b4 || c == 0x17b5 || (c >= 0x180b && c <= 0x180f) || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	    (c >= 0x205f && c <= 0x206f) || c == 0x2800 || c == 0x3000 || c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
	    c == 0xffa0 || (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Bytes of unseen characters (and, with <semi>, semicolons) at the front. */
static size_t
unseen_run(const char *p, size_t len, bool semi)
{
	size_t at = 0;
	uint32_t c;

	while (at < len) {
		size_t n = utf8_decode(p + at, len - at, &c, NULL);

		if (n == 0 || !(is_unseen(c) || (semi && c == ';')))
			break;
		at += n;
	}
	return at;
}

size_t
pth_path_trim(const char *p, size_t len)
{
	while (len > 0) {
		size_t n = 1;
		uint32_t c;

		while (n < len && n < 4 && ((unsigned char)p[len - n] & 0xc0) == 0x80)
			n++;
		if (utf8_decode(p + len - n, n, &c, NULL) != n || !is_unseen(c))
			break;
		len -= n;
	}
	return len;
}

/* Does code stand here, or what wants to be taken for it? */
static bool
is_statement(const struct pth_at *at, const char *p, size_t len)
{
	size_t lead = unseen_run(p, len, true), kw, gap;

	p += lead, len -= lead;
	if (len > 7 && strncasecmp(p, "import", 6) == 0)
		kw = 6;
	else if (len > 5 && strncasecmp(p, "from", 4) == 0 && memmem(p, len, "import", 6) != NULL)
		kw = 4;
	else
		return false;
	gap = unseen_run(p + kw, len - kw, false);
	if (gap == 0)
		return false;
	if (lead > 0 || (p[kw] != ' ' && p[kw] != '\t') || strncmp(p, kw == 6 ? "import" : "from", kw) != 0)
		pth_found(at, PTH_HIDDEN, "an import behind characters that are not seen");
	return true;
}

static void
check_path(const struct pth_at *at, const char *p, size_t len)
{
	size_t lead = unseen_run(p, len, false);
	const char *why;

	p += lead, len -= lead;
	len = pth_path_trim(p, len);
	if (len == 0)
		return;
	if (memmem(p, len, "exec(", 5) != NULL || memmem(p, len, "eval(", 5) != NULL || memmem(p, len, "__import__", 10) != NULL ||
	    memmem(p, len, "import ", 7) != NULL)
		pth_found(at, PTH_HIDDEN, "code in the place of a path");
	why = pth_writable(p, len);
	if (why != NULL)
		pth_found(at, PTH_PATH, why);
}

static void
add_want(const struct pth_at *at, const char *p, size_t len)
{
	struct pth_want *w;

	at->r->want_bytes += len + sizeof(*w);
	if (at->r->want_bytes > WANT_BYTES) {
		pth_found(at, PTH_LIMIT, "imports more than is looked at");
		return;
	}
	w = arena_alloc(at->a, sizeof(*w));
	p = arena_strndup(at->a, p, len);
	if (w == NULL || p == NULL) {
		at->r->nomem = true;
		return;
	}
	*w = (struct pth_want){at->r->wants, at->file, at->line, p, len};
	at->r->wants = w;
}

static void
check_line(const struct pth_at *at, const char *p, size_t len)
{
	if (is_statement(at, p, len)) {
		if (!pth_code_is_known(p, len)) {
			pth_found(at, PTH_START, "a line that runs code at every start of Python");
			pth_code_layers(at, p, len);
		} else
			add_want(at, p, len);
	} else if (len > 0 && p[0] != '#')
		check_path(at, p, len);
}

/* The bytes of a line end that only str.splitlines() knows (\v \f FS GS RS NEL LS PS), 0: none here. */
static size_t
odd_line_end(const char *p, size_t len)
{
	unsigned char c = (unsigned char)*p;

	if (c == 0x0b || c == 0x0c || (c >= 0x1c && c <= 0x1e) || c == 0)
		return 1;
	if (len >= 2 && c == 0xc2 && (unsigned char)p[1] == 0x85)
		return 2;
	if (len >= 3 && c == 0xe2 && (unsigned char)p[1] == 0x80 && ((unsigned char)p[2] == 0xa8 || (unsigned char)p[2] == 0xa9))
		return 3;
	return 0;
}

static void
check_pieces(const struct pth_at *at, const char *p, size_t len)
{
	size_t start = 0, i = 0, k;

	check_line(at, p, len);
	while (i < len) {
		if ((k = odd_line_end(p + i, len - i)) == 0) {
			i++;
			continue;
		}
		pth_found(at, PTH_HIDDEN, "a line end that is not seen");
		if (start > 0)
			check_line(at, p + start, i - start);
		start = i += k;
	}
	if (start > 0)
		check_line(at, p + start, len - start);
}

static bool
is_printable(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return false;
	return true;
}

/*
 * What carries a name in .pth but is a model of PyTorch (a zip, or pickles): most of it is noise, so only lines count that
 * site.py would execute or take for such a directory.
 */
static void
check_binary(struct pth_at *at, const char *p, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		size_t n = i - start;
		const char *why;

		if (i < len && p[i] != '\n' && p[i] != '\r' && odd_line_end(p + i, len - i) == 0)
			continue;
		at->line++;
		if (n > 7 && memcmp(p + start, "import", 6) == 0 && (p[start + 6] == ' ' || p[start + 6] == '\t'))
			check_line(at, p + start, n);
		else if (n > 3 && strchr("/\\.", p[start]) != NULL && is_printable(p + start, n) &&
		    (why = pth_writable(p + start, n)) != NULL)
			pth_found(at, PTH_PATH, why);
		start = i + 1;
	}
}

static void
check_text(struct pth_at *at, const char *p, size_t len)
{
	size_t start = 0;

	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3, len -= 3;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && p[i] != '\n' && p[i] != '\r')
			continue;
		at->line++;
		check_pieces(at, p + start, i - start);
		if (i + 1 < len && p[i] == '\r' && p[i + 1] == '\n')
			i++;
		start = i + 1;
	}
}

static bool
is_model(const char *p, size_t len)
{
	return len > 512 && (memcmp(p, "PK\3\4", 4) == 0 || (p[0] == (char)0x80 && p[1] >= 2 && p[1] <= 5)) && memchr(p, 0, 512) != NULL;
}

static void
check_pth(struct pth_at *at, const char *p, size_t len)
{
	if (strcmp(filetype_of(p, len)->name, "utf16") == 0)
		pth_found(at, PTH_HIDDEN, "in an encoding that Python does not expect");
	if (is_model(p, len))
		check_binary(at, p, len);
	else if (len > PTH_TEXT_MAX)
		pth_found(at, PTH_LIMIT, "larger than any file of paths");
	else
		check_text(at, p, len);
}

/* PEP 552: the word behind the magic number is 1 for a hash that nobody compares, 3 for one that is, 0 for time and size of the source. */
bool
pth_is_unchecked(const void *data, size_t len)
{
	return len < 16 || (((const unsigned char *)data)[4] & 3) == 1;
}

void
pth_check(enum pth_kind kind, const char *file, const void *data, size_t len, struct arena *a, struct pth_report *r)
{
	struct pth_at at = {.r = r, .a = a, .file = arena_strndup(a, file, strlen(file))};

	r->files += kind != PTH_NONE && kind != PTH_CACHE;
	if (kind == PTH_CACHE) {
		if (pth_is_unchecked(data, len))
			pth_found(&at, PTH_LIMIT, "bytecode that Python runs without a look at the source");
	} else if (kind == PTH_OPAQUE)
		pth_found(&at, PTH_LIMIT, "runs at every start of Python, and is no source");
	else if (kind == PTH_FILE && len > 0)
		check_pth(&at, data, len);
	else if (kind == PTH_CUSTOMIZE && len > PTH_TEXT_MAX)
		pth_found(&at, PTH_LIMIT, "larger than is looked at");
	else if (kind == PTH_CUSTOMIZE && py_is_recoded(data, len))
		pth_found(&at, PTH_HIDDEN, "code in a coding that hides it");
	else if (kind == PTH_CUSTOMIZE && len > 0 && !pth_code_is_known(data, len)) {
		pth_found(&at, PTH_START, "code that runs at every start of Python");
		pth_code_layers(&at, data, len);
	} else if (kind == PTH_CUSTOMIZE && len > 0)
		add_want(&at, data, len);
}
