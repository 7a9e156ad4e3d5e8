/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "control/squid_conf.h"
#include "lib/arena.h"
#include "lib/buf.h"

#define DEPTH_MAX	16	/* as Squid's */
#define AT_ONCE		8192	/* BUFSIZ: Squid takes the rest of a longer line for another one */
#define LINE_MAX_N	((size_t)1 << 20)
#define LINES_MAX	((size_t)1 << 20)
#define SPACE		" \t\n\r"	/* w_space */

struct squid_conf {
	struct arena		*arena;
	struct squid_line	*v;
	size_t			 n, room;
	FILE			*out;
	int			 faults;
};

static void __attribute__((format(printf, 4, 5)))
fault(struct squid_conf *c, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(c->out, "error: %s:%d: ", file, line);
	vfprintf(c->out, fmt, ap);
	fputc('\n', c->out);
	va_end(ap);
	c->faults++;
}

/* --- words ------------------------------------------------------------------------------------ */

static void
words_take(struct squid_conf *c, const char *file, int line, bool conditional, char *text)
{
	struct squid_line *l;
	size_t n = 0;

	if (c->n == c->room) {
		size_t room = c->room > 0 ? 2 * c->room : 256;
		struct squid_line *v = room <= LINES_MAX ? realloc(c->v, room * sizeof(*v)) : NULL;

		if (v == NULL) {
			fault(c, file, line, "too many lines");
			return;
		}
		c->v = v;
		c->room = room;
	}
	l = &c->v[c->n];
	*l = (struct squid_line){ .file = arena_strndup(c->arena, file, strlen(file)), .line = line, .conditional = conditional };
	text = arena_strndup(c->arena, text, strlen(text));
	/* Every second byte begins a word at most. */
	l->word = text != NULL ? arena_calloc(c->arena, strlen(text) / 2 + 2, sizeof(*l->word)) : NULL;
	if (l->word == NULL || l->file == NULL) {
		fault(c, file, line, "no memory");
		return;
	}
	for (char *save = NULL, *w = strtok_r(text, SPACE, &save); w != NULL; w = strtok_r(NULL, SPACE, &save)) {
		/* Behind the directive a number sign at the beginning of a word ends the line. */
		if (n > 0 && w[0] == '#')
			break;
		l->word[n++] = w;
	}
	l->n = n;
	c->n += n > 0;
}

/*
 * One file name of an include line, as strwordtok() cuts them: double quotes hold white space, inside them a backslash takes the
 * next byte as it is.  NULL: no more.
 */
static char *
include_word(char **rest)
{
	char *p = *rest, *d, *word;
	bool quoted = false;

	while (isspace((unsigned char)*p))
		p++;
	if (*p == '\0')
		return NULL;
	for (word = d = p; *p != '\0'; p++) {
		if (*p == '\\' && quoted && p[1] != '\0')
			*d++ = *++p;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && isspace((unsigned char)*p))
			break;
		else
			*d++ = *p;
	}
	*rest = *p != '\0' ? p + 1 : p;
	*d = '\0';
	return word;
}

/* --- files ------------------------------------------------------------------------------------ */

struct reading {
	struct squid_conf	*c;
	const char		*file;
	int			 line, depth;
	int			 ifs;		/* open ones of this file */
	bool			 conditional;	/* the include itself was */
};

static int file_read(struct squid_conf *, const char *path, int depth, bool conditional);

static void
include_take(struct reading *r, char *files)
{
	for (char *w; (w = include_word(&files)) != NULL; ) {
		glob_t g = {0};
		int rc = w[0] != '!' && w[0] != '|' ? glob(w, 0, NULL, &g) : -1;

		if (rc == -1)
			fault(r->c, r->file, r->line, "include %s: what a program prints can't be judged", w);
		else if (strstr(w, "${") != NULL)
			fault(r->c, r->file, r->line, "include %s: a macro can't be judged", w);
		else if (rc != 0)
			fault(r->c, r->file, r->line, "include %s: no such file, and Squid doesn't start", w);
		for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++) {
			int e = file_read(r->c, g.gl_pathv[i], r->depth + 1, r->conditional || r->ifs > 0);

			if (e < 0)
				fault(r->c, r->file, r->line, "include %s: %s", g.gl_pathv[i], strerror(-e));
		}
		if (rc == 0)
			globfree(&g);
	}
}

/* Does <text> begin with that word? */
static bool
is_statement(const char *text, const char *word)
{
	size_t n = strlen(word);

	return strncmp(text, word, n) == 0 && (text[n] == '\0' || isspace((unsigned char)text[n]));
}

/* A whole line, its continuations joined. */
static void
line_take(struct reading *r, char *text)
{
	size_t n = strlen(text);

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	if (is_statement(text, "if"))
		r->ifs++;
	else if (is_statement(text, "endif"))
		r->ifs -= r->ifs > 0;
	else if (is_statement(text, "else"))
		;
	else if (n >= 9 && strncmp(text, "include", 7) == 0 && isspace((unsigned char)text[7]))
		include_take(r, text + 8);
	else
		words_take(r->c, r->file, r->line, r->conditional || r->ifs > 0, text);
}

/* One line of the file, as fgets() gave it. */
static void
piece_take(struct reading *r, char *piece, size_t got, struct buf *whole)
{
	char *p = piece;
	size_t n;

	if (memchr(piece, '\n', got) == NULL && got >= AT_ONCE - 1)
		fault(r->c, r->file, r->line, "more than %d bytes: Squid takes what is behind them for another line", AT_ONCE - 2);
	p[strcspn(p, "\n")] = '\0';
	p[strcspn(p, "\r")] = '\0';
	while (isspace((unsigned char)*p))
		p++;
	/* Comments and empty lines do not end a continued one. */
	if (*p == '#' || *p == '\0')
		return;
	n = strlen(p);
	buf_add(whole, p, n);
	if (p[n - 1] == '\\') {
		whole->len--;
		return;
	}
	buf_addc(whole, '\0');
	if (whole->err == 0)
		line_take(r, whole->data);
	else
		fault(r->c, r->file, r->line, "too long");
	buf_clear(whole);
}

static int
file_read(struct squid_conf *c, const char *path, int depth, bool conditional)
{
	struct reading r = { .c = c, .file = path, .depth = depth, .conditional = conditional };
	struct buf whole = { .max = LINE_MAX_N };
	char piece[AT_ONCE];
	FILE *f;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	while (fgets(piece, sizeof(piece), f) != NULL) {
		r.line++;
		piece_take(&r, piece, strlen(piece), &whole);
	}
	if (ferror(f))
		fault(c, path, r.line, "%s", strerror(errno));
	if (buf_len(&whole) > 0)
		fault(c, path, r.line, "the file ends where a line is continued: Squid leaves it out");
	if (r.ifs > 0)
		fault(c, path, r.line, "if without endif");
	buf_free(&whole);
	fclose(f);
	return 0;
}

int
squid_conf_read(struct squid_conf **out, const char *path, FILE *say, int *faults)
{
	struct squid_conf *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	*out = NULL;
	if (c != NULL && (c->arena = arena_new(0)) != NULL) {
		c->out = say;
		r = file_read(c, path, 0, false);
		*faults += c->faults;
	}
	if (r < 0)
		squid_conf_free(&c);
	*out = c;
	return r;
}

void
squid_conf_free(struct squid_conf **cp)
{
	struct squid_conf *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	arena_free(&c->arena);
	free(c->v);
	free(c);
}

size_t
squid_conf_lines(const struct squid_conf *c)
{
	return c->n;
}

const struct squid_line *
squid_conf_line(const struct squid_conf *c, size_t i)
{
	return &c->v[i];
}

const struct squid_line *
squid_conf_next(const struct squid_conf *c, const char *directive, size_t *at)
{
	for (; *at < c->n; ++*at)
		if (strcmp(c->v[*at].word[0], directive) == 0)
			return &c->v[(*at)++];
	return NULL;
}
