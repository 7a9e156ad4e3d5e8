/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/diag.h"

#define DIAG_MAX	50

struct diag {
	char	*msg[DIAG_MAX];
	int	 n;
	int	 first_error;		/* index into msg, -1: none kept */
	int	 errors, warnings;	/* counted, also those that found no room */
};

struct diag *
diag_new(void)
{
	struct diag *d = calloc(1, sizeof(*d));

	if (d != NULL)
		d->first_error = -1;
	return d;
}

void
diag_free(struct diag **dp)
{
	struct diag *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	for (int i = 0; i < d->n; i++)
		free(d->msg[i]);
	free(d);
}

/* A file may hold any byte; a message is one line of printable text. */
static void
diag_flatten(char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}

static char *
diag_format(const char *kind, const char *file, int line, int col, const char *fmt, va_list ap)
{
	struct buf b = {0};
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (file != NULL && *file != '\0')
		buf_printf(&b, "%s:", file);
	if (line > 0)
		buf_printf(&b, "%d:", line);
	if (line > 0 && col > 0)
		buf_printf(&b, "%d:", col);
	buf_printf(&b, "%s%s: %s", buf_len(&b) ? " " : "", kind, text);
	buf_addc(&b, '\0');
	if (b.err) {
		buf_free(&b);
		return NULL;
	}
	diag_flatten(b.data);
	return b.data;
}

static bool
diag_add(struct diag *d, const char *kind, const char *file, int line, int col, const char *fmt,
    va_list ap)
{
	char *m;

	if (d->n == DIAG_MAX || (m = diag_format(kind, file, line, col, fmt, ap)) == NULL)
		return false;
	d->msg[d->n++] = m;
	return true;
}

void
diag_error(struct diag *d, const char *file, int line, int col, const char *fmt, ...)
{
	va_list ap;

	if (d == NULL)
		return;
	va_start(ap, fmt);
	if (diag_add(d, "error", file, line, col, fmt, ap) && d->first_error < 0)
		d->first_error = d->n - 1;
	va_end(ap);
	d->errors++;
}

void
diag_warn(struct diag *d, const char *file, int line, int col, const char *fmt, ...)
{
	va_list ap;

	if (d == NULL)
		return;
	va_start(ap, fmt);
	diag_add(d, "warning", file, line, col, fmt, ap);
	va_end(ap);
	d->warnings++;
}

int
diag_errors(const struct diag *d)
{
	return d->errors;
}

int
diag_warnings(const struct diag *d)
{
	return d->warnings;
}

void
diag_print(const struct diag *d, FILE *f)
{
	int more = d->errors + d->warnings - d->n;

	for (int i = 0; i < d->n; i++)
		fprintf(f, "%s\n", d->msg[i]);
	if (more > 0)
		fprintf(f, "... and %d more\n", more);
}

const char *
diag_first(const struct diag *d)
{
	return d->first_error >= 0 ? d->msg[d->first_error] : "";
}
