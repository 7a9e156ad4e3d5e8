/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/attach_private.h"
#include "icap-llmsec/extract.h"
#include "lib/utf8.h"

#define NAME_MAX_LEN	1024	/* bytes of a file's name that are read */

void
attach_begin(struct attach_run *r, const struct attach_conf *conf, const struct attach_modes *modes, struct arena *a)
{
	memset(r, 0, sizeof(*r));
	r->conf = conf;
	r->modes = modes;
	r->arena = a;
	r->private_most = DETECT_BLOCK;
	r->text_left = (size_t)conf->max_text;
	r->unpacked_left = (size_t)conf->max_unpacked;
}

void
attach_tell(struct attach_part *p, enum attach_what w)
{
	const struct attach_modes *m = p->run->modes;
	const struct attach_rule *r = attach_rule(w);
	int mode = m->what[w] < m->most ? m->what[w] : m->most;
	struct finding f = {r->id, r->category, DETECT_OFF, r->severity, p->start, p->len, 0, 0};

	if (p->in_text && w != ATTACH_EXECUTABLE && mode > DETECT_MONITOR)
		mode = DETECT_MONITOR;
	f.mode = (enum detect_mode)mode;
	if (p->told[w] || mode == DETECT_OFF || p->rc < 0)
		return;
	p->told[w] = true;
	p->run->found[w]++;
	p->blocked = p->blocked || mode == DETECT_BLOCK;
	p->rc = findings_add(p->findings, p->run->arena, &f);
}

/* --- type, size, claims -------------------------------------------------------------------------- */

static enum attach_what
class_of(const struct filetype *t)
{
	switch (t->class) {
	case FT_IMAGE: return ATTACH_IMAGE;
	case FT_AUDIO: return ATTACH_AUDIO;
	case FT_VIDEO: return ATTACH_VIDEO;
	case FT_DOCUMENT: return ATTACH_DOCUMENT;
	case FT_TEXT: return ATTACH_TEXT;
	case FT_ARCHIVE: return ATTACH_ARCHIVE;
	case FT_EXECUTABLE: return extract_knows(t) ? ATTACH_SCRIPT : ATTACH_EXECUTABLE;
	default: return ATTACH_UNKNOWN;
	}
}

static bool
listed(const struct conf_strs *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(l->v[i], name) == 0)
			return true;
	return false;
}

/* What a name's ending claims.  Only those that stand for a class; an unknown one claims nothing. */
static const struct { const char *ext, *mime; } endings[] = {
	{"pdf", "application/pdf"}, {"doc", "application/msword"}, {"docx", "application/msword"}, {"xls", "application/msword"},
	{"xlsx", "application/msword"}, {"ppt", "application/msword"}, {"pptx", "application/msword"}, {"odt", "application/msword"},
	{"rtf", "application/rtf"}, {"epub", "application/epub+zip"},
	{"png", "image/png"}, {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"}, {"webp", "image/webp"}, {"bmp", "image/bmp"},
	{"svg", "image/svg+xml"}, {"heic", "image/heif"}, {"tif", "image/tiff"}, {"tiff", "image/tiff"}, {"ico", "image/vnd.microsoft.icon"},
	{"mp3", "audio/mpeg"}, {"wav", "audio/wav"}, {"ogg", "audio/ogg"}, {"flac", "audio/flac"}, {"m4a", "audio/mp4"}, {"aac", "audio/aac"},
	{"mp4", "video/mp4"}, {"mov", "video/mp4"}, {"webm", "video/webm"}, {"avi", "video/x-msvideo"},
	{"txt", "text/plain"}, {"md", "text/plain"}, {"csv", "text/csv"}, {"tsv", "text/plain"}, {"json", "application/json"},
	{"jsonl", "application/json"}, {"html", "text/html"}, {"htm", "text/html"}, {"xml", "application/xml"}, {"yaml", "text/plain"}, {"yml", "text/plain"},
};

static enum attach_what
claim_class(const char *m, size_t n)
{
	static const struct { const char *begins; enum attach_what w; } t[] = {
		{"image/", ATTACH_IMAGE}, {"audio/", ATTACH_AUDIO}, {"video/", ATTACH_AUDIO}, {"text/", ATTACH_TEXT}, {"application/json", ATTACH_TEXT},
		{"application/pdf", ATTACH_DOCUMENT}, {"application/msword", ATTACH_DOCUMENT}, {"application/rtf", ATTACH_DOCUMENT},
		{"application/vnd.openxml", ATTACH_DOCUMENT}, {"application/vnd.oasis", ATTACH_DOCUMENT}, {"application/vnd.ms-", ATTACH_DOCUMENT},
		{"application/epub", ATTACH_DOCUMENT},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (n >= strlen(t[i].begins) && strncasecmp(m, t[i].begins, strlen(t[i].begins)) == 0)
			return t[i].w;
	return ATTACH_N;	/* claims nothing that we know */
}

/* A claim of a document, picture, sound or text must be true; filetype_agrees() lets any application/ be any other. */
static bool
claim_holds(const struct filetype *t, const char *mime, size_t n)
{
	enum attach_what is = class_of(t), said = claim_class(mime, n);

	if (is == ATTACH_VIDEO)
		is = ATTACH_AUDIO;	/* one container for both */
	if (is == ATTACH_SCRIPT)
		is = ATTACH_TEXT;
	if (strcmp(t->name, "svg") == 0)
		return said == ATTACH_IMAGE || said == ATTACH_TEXT || filetype_agrees(t, mime, n);
	if (said == ATTACH_DOCUMENT || (said == ATTACH_TEXT && is != ATTACH_TEXT))
		return is == said;
	return filetype_agrees(t, mime, n);
}

/* OpenAI's input_audio has a format, not a media type. */
static bool
format_holds(const struct filetype *t, const char *s, size_t n)
{
	return t->class == FT_AUDIO || t->class == FT_VIDEO || (strlen(t->name) == n && strncasecmp(t->name, s, n) == 0);
}

static bool
claims_hold(const struct attach_file *f, const struct filetype *t)
{
	const char *dot = f->name_len > 0 ? memrchr(f->name, '.', f->name_len) : NULL;
	size_t n;

	if (f->declared_len > 0 && !(memchr(f->declared, '/', f->declared_len) != NULL ? claim_holds(t, f->declared, f->declared_len) :
	    format_holds(t, f->declared, f->declared_len)))
		return false;
	if (dot == NULL)
		return true;
	n = (size_t)(f->name + f->name_len - ++dot);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (strlen(endings[i].ext) == n && strncasecmp(endings[i].ext, dot, n) == 0)
			return claim_holds(t, endings[i].mime, strlen(endings[i].mime));
	return true;
}

/* --- text ------------------------------------------------------------------------------------------ */

static void
put_text(struct attach_part *p, const char *s, size_t n)
{
	if (n == 0)
		return;
	buf_add(&p->text, s, n);
	buf_addc(&p->text, '\n');
	if (p->text.err == -EFBIG) {
		attach_tell(p, ATTACH_LIMIT);
		p->text.err = 0;
	} else if (p->text.err < 0 && p->rc == 0)
		p->rc = p->text.err;
}

static void
read_text(struct attach_part *p, const struct attach_file *f)
{
	struct attach_run *r = p->run;
	struct extract_limits lim = {.text = p->text.max - buf_len(&p->text), .unpacked = r->unpacked_left};
	struct extracted x;
	int rc;

	if (lim.text <= 1 || lim.unpacked == 0) {	/* 0 would be the default */
		attach_tell(p, ATTACH_LIMIT);
		return;
	}
	lim.text--;	/* for the line break */
	rc = extract_text(f->data, f->len, &lim, r->arena, &x);
	if (rc < 0) {
		p->rc = rc;
		return;
	}
	r->unpacked_left -= x.unpacked < r->unpacked_left ? x.unpacked : r->unpacked_left;
	if (x.recoded && p->media != NULL)
		p->media->plain = NULL;
	put_text(p, x.text, x.len);
	if (x.code == EXTRACT_LIMIT)
		attach_tell(p, ATTACH_LIMIT);
	else if (x.code == EXTRACT_UNREADABLE)
		attach_tell(p, x.pictures ? ATTACH_PICTURES : ATTACH_UNREADABLE);
}

/*
 * Words that stand in binary data as they are: comments of pictures, titles of songs.  A run is 16 bytes of printable UTF-8 with a blank or some
 * characters outside ASCII among them, for not all scripts have blanks; ten megabytes of random bytes have a few.
 */
#define WORDS_MIN	16
#define WIDE_MIN	5

/* Bytes of a printable character, 0: none.  *wide: how many of them were not ASCII. */
static size_t
word_char(const char *s, size_t n, unsigned *wide)
{
	bool bad = false;
	uint32_t c;
	size_t k = utf8_decode(s, n, &c, &bad);

	if (k == 0 || bad || c < 0x20 || (c >= 0x7f && c < 0xa0))
		return 0;
	*wide += c >= 0x80;
	return k;
}

void
attach_words(struct attach_part *p, const char *s, size_t n)
{
	size_t from = 0, i = 0, k;
	unsigned wide = 0;

	while (i <= n && !p->blocked && p->rc == 0) {
		if (i < n && (k = word_char(s + i, n - i, &wide)) > 0) {
			i += k;
			continue;
		}
		if (i - from >= WORDS_MIN && (wide >= WIDE_MIN || memchr(s + from, ' ', i - from) != NULL))
			put_text(p, s + from, i - from);
		from = ++i;
		wide = 0;
	}
}

static void
look_inside(struct attach_part *p, const struct attach_file *f, const struct filetype *t, enum attach_what class, unsigned depth)
{
	switch (class) {
	case ATTACH_ARCHIVE:
		attach_archive(p, f, t, depth);
		break;
	case ATTACH_EXECUTABLE:
	case ATTACH_UNKNOWN:	/* the finding of its class has been told */
		if (p->run->conf->embedded_text)
			attach_words(p, f->data, f->len);
		break;
	case ATTACH_IMAGE:
	case ATTACH_AUDIO:
	case ATTACH_VIDEO:
		if (extract_knows(t))
			read_text(p, f);
		else if (p->run->conf->embedded_text)
			attach_words(p, f->data, f->len);
		break;
	default:
		read_text(p, f);
	}
}

/* Of UTF-16 and other encodings the placeholders would have to be in it, too. */
static void
note_media(struct span_media *m, const struct attach_file *f, const struct filetype *t, enum attach_what class)
{
	m->kind = t->name;
	m->scene = class == ATTACH_IMAGE || class == ATTACH_AUDIO || class == ATTACH_VIDEO;
	if (m->head < SIZE_MAX && (class == ATTACH_TEXT || class == ATTACH_SCRIPT) && strcmp(t->name, "utf16") != 0) {
		m->plain = f->data;
		m->plain_len = f->len;
	}
}

void
attach_file(struct attach_part *p, const struct attach_file *f, unsigned depth)
{
	const struct attach_conf *c = p->run->conf;
	const struct filetype *t = filetype_of(f->data, f->len);
	enum attach_what class = class_of(t);

	if (depth == 0) {
		p->run->seen[class]++;
		p->class = class;
	}
	attach_tell(p, class);		/* pass: tells nothing */
	if ((c->types.n > 0 && !listed(&c->types, t->name)) || listed(&c->deny_types, t->name))
		attach_tell(p, ATTACH_TYPE);
	if (f->len > (size_t)c->max[class])
		attach_tell(p, ATTACH_SIZE);
	if (f->len > 0 && !claims_hold(f, t))
		attach_tell(p, ATTACH_MISMATCH);
	if (depth == 0 && p->media != NULL)
		note_media(p->media, f, t, class);
	if ((p->look == LOOK_ALL || (p->look == LOOK_TEXTS && p->media != NULL && p->media->plain != NULL)) && !p->blocked && p->rc == 0)
		look_inside(p, f, t, class, depth);
}

/* --- the part -------------------------------------------------------------------------------------- */

static void
trim(const char **s, size_t *n)
{
	while (*n > 0 && ((unsigned char)**s <= ' '))
		++*s, --*n;
	while (*n > 0 && ((unsigned char)(*s)[*n - 1] <= ' '))
		--*n;
}

/* What should have been base64 and isn't may be anything: a lenient reader skips what we stumbled over, a model reads it as it is. */
static void
unreadable(struct attach_part *p, const char *s, size_t n)
{
	attach_tell(p, ATTACH_UNREADABLE);
	if (p->look == LOOK_ALL && !p->blocked)
		put_text(p, s, n);
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static size_t
percent_decode(char *out, const char *s, size_t n)
{
	size_t o = 0;

	for (size_t i = 0; i < n; i++)
		if (s[i] == '%' && i + 2 < n && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			out[o++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		} else
			out[o++] = s[i];
	return o;
}

static void
encoded(struct attach_part *p, struct attach_file *f, const char *s, size_t n, bool base64)
{
	char *out = arena_alloc(p->run->arena, base64 ? n / 4 * 3 + 6 : n + 1);
	ptrdiff_t got;

	if (out == NULL) {
		p->rc = -ENOMEM;
		return;
	}
	got = base64 ? attach_base64(out, s, n) : (ptrdiff_t)percent_decode(out, s, n);
	if (got < 0) {
		p->run->seen[ATTACH_UNKNOWN]++;
		unreadable(p, s, n);
		return;
	}
	f->data = out;
	f->len = (size_t)got;
	p->media->head = base64 ? (size_t)(s - p->media->value) : SIZE_MAX;
	attach_file(p, f, 0);
}

static void
remote(struct attach_part *p, const char *s, size_t n)
{
	p->run->remote++;
	attach_tell(p, attach_remote(p->run->conf, s, n) == REMOTE_OK ? ATTACH_REMOTE : ATTACH_ADDRESS);
	if (p->look == LOOK_ALL && !p->blocked)
		put_text(p, s, n);	/* a secret in a query string, for one */
}

static void
value(struct attach_part *p, const struct span_media *m)
{
	struct attach_file f = {.declared = m->type, .declared_len = m->type_len, .name = m->name, .name_len = m->name_len};
	const char *s = m->value;
	size_t n = m->len;
	struct data_url u;

	if (m->bytes) {
		f.data = s;
		f.len = n;
		p->media->head = SIZE_MAX;	/* an answer to an upload says nothing that could be restored */
		attach_file(p, &f, 0);
		return;
	}
	trim(&s, &n);
	if (data_url_parse(s, n, &u)) {
		if (u.mime_len > 0) {
			f.declared = u.mime;
			f.declared_len = u.mime_len;
		}
		encoded(p, &f, u.data, u.len, u.base64);
	} else if (attach_is_url(s, n))
		remote(p, s, n);
	else if (n > 0)
		encoded(p, &f, s, n, true);
}

int
attach_judge(struct attach_run *r, struct span *s, enum attach_look look, struct findings *fs)
{
	struct attach_part p = {.run = r, .findings = fs, .look = r->text_left > 0 ? look : LOOK_TYPE, .media = s->media};
	struct span_media *m = s->media;

	s->text = "";
	s->len = 0;
	if (r->modes->most == DETECT_OFF)
		return 0;
	p.text.max = r->text_left;
	if (++r->n > (unsigned)r->conf->max_count) {
		attach_tell(&p, ATTACH_COUNT);
		if (p.blocked || p.rc < 0)
			return p.rc;
	}
	if (look == LOOK_ALL && m->name_len > 0)
		put_text(&p, m->name, m->name_len < NAME_MAX_LEN ? m->name_len : NAME_MAX_LEN);
	m->text_at = buf_len(&p.text);
	value(&p, m);
	if (r->text_left == 0 && (look == LOOK_ALL || (look == LOOK_TEXTS && m->plain != NULL)))
		attach_tell(&p, ATTACH_LIMIT);	/* it would have been read */
	if (p.rc == 0 && !p.blocked && buf_len(&p.text) > 0) {
		s->len = buf_len(&p.text);
		s->text = arena_memdup(r->arena, buf_ptr(&p.text), s->len);
		r->text_left -= s->len < r->text_left ? s->len : r->text_left;
		p.rc = s->text == NULL ? -ENOMEM : 0;
	}
	buf_free(&p.text);
	return p.rc;
}
