/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/conf_private.h"

/* --- YAML ---------------------------------------------------------------------------------- */

/* Would a plain scalar of this text be read as something else? */
static bool
needs_quotes(const char *s)
{
	size_t n = strlen(s);

	return n == 0 || strchr(" -?:,[]{}#&*!|>'\"%@`", s[0]) != NULL || s[n - 1] == ' ' ||
	    s[n - 1] == ':' || strstr(s, ": ") != NULL || strstr(s, " #") != NULL ||
	    strpbrk(s, "\t\n") != NULL;
}

static void
show_scalar(const struct conf_opt *o, FILE *f)
{
	const char *s = o->def;

	/* A number may start with '-'; a default that is quoted already is YAML. */
	if (o->type != CONF_T_STR || s[0] == '"' || s[0] == '\'' || !needs_quotes(s)) {
		fputs(s, f);
		return;
	}
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputs(*s == '\n' ? "\\n" : *s == '\t' ? "\\t" : (char[2]){ *s, '\0' }, f);
	}
	fputc('"', f);
}

static void
show_range(const struct conf_opt *o, FILE *f)
{
	char a[40], b[40];

	if (o->names != NULL) {
		for (const struct conf_enum *e = o->names; e->name != NULL; e++)
			fprintf(f, "%s%s", e == o->names ? "" : ", ", e->name);
	} else if (o->type == CONF_T_BOOL) {
		fputs("true or false", f);
	} else if ((o->type == CONF_T_INT || o->type == CONF_T_DURATION || o->type == CONF_T_SIZE) &&
	    (o->min != 0 || o->max != 0)) {
		conf_value_format(a, sizeof(a), o->type, o->min);
		conf_value_format(b, sizeof(b), o->type, o->max);
		fprintf(f, "%s to %s%s%s", a, b, o->type == CONF_T_INT && o->unit && *o->unit ? " " : "",
		    o->type == CONF_T_INT && o->unit ? o->unit : "");
	} else {
		fputs(o->unit && *o->unit ? o->unit : conf_type_name(o->type), f);
	}
}

static bool
is_required(const struct conf_opt *o)
{
	if (o->type == CONF_T_STRS || o->type == CONF_T_SEQ)
		return o->required && o->def == NULL;
	return o->type != CONF_T_MAP && o->def == NULL;
}

static void	show_opts(const struct conf_opt *, FILE *, int indent, const char *lead, bool active);

static void
show_opt(const struct conf_opt *o, FILE *f, int indent, const char *lead, bool active)
{
	bool live = active && !is_required(o);
	const char *mark = live ? "" : "#";

	fprintf(f, "%*s# %s", indent, "", o->help ? o->help : o->name);
	if (o->type != CONF_T_MAP) {
		fputs(" (", f);
		show_range(o, f);
		fputs(is_required(o) ? "; required)" : ")", f);
	}
	fprintf(f, "\n%s%*s%s%s:", mark, indent, "", lead, o->name);
	if (o->type == CONF_T_MAP) {
		fputc('\n', f);
		show_opts(o->sub, f, indent + 2, "", active);
		return;
	}
	if (o->def != NULL) {
		fputc(' ', f);
		show_scalar(o, f);
	} else if (live && (o->type == CONF_T_STRS || o->type == CONF_T_SEQ)) {
		fputs(" []", f);
	}
	fputc('\n', f);
	if (o->type == CONF_T_SEQ)	/* what one element looks like */
		show_opts(o->sub, f, indent + 2, "  ", false);
}

static void
show_opts(const struct conf_opt *o, FILE *f, int indent, const char *lead, bool active)
{
	bool first = true;

	for (; o->name != NULL; o++) {
		if (o->type == CONF_T_AT)
			continue;
		/* In a list of maps the first key carries the dash. */
		show_opt(o, f, indent, *lead && first ? "- " : lead, active);
		first = false;
	}
}

void
conf_show_defaults(const struct conf_opt *opts, FILE *f)
{
	show_opts(opts, f, 0, "", true);
}

/* --- mdoc ---------------------------------------------------------------------------------- */

/* Text that roff takes literally, also at the start of a line and inside a quoted argument. */
static void
mdoc_text(const char *s, FILE *f)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '"')
			fputs("\\(dq", f);
		else
			fputc(*s == '\n' ? ' ' : *s, f);
	}
}

static void
mdoc_opt(const struct conf_opt *o, FILE *f)
{
	size_t n;

	fprintf(f, ".It Cm %s : Ar \"%s\"\n", o->name, conf_type_name(o->type));
	if (o->help != NULL && *o->help != '\0') {
		mdoc_text(o->help, f);
		n = strlen(o->help);
		fputs(strchr(".?!", o->help[n - 1]) ? "\n" : ".\n", f);
	}
	if (o->type != CONF_T_MAP && o->type != CONF_T_SEQ) {
		fputs("Value: ", f);
		show_range(o, f);
		fputs(".\n", f);
	}
	if (is_required(o)) {
		fputs("Required.\n", f);
	} else if (o->def != NULL) {
		fputs("Default:\n.Ql \"", f);
		mdoc_text(o->def, f);
		fputs("\" .\n", f);
	}
	if (o->sub != NULL)
		conf_show_mdoc(o->sub, f);
}

void
conf_show_mdoc(const struct conf_opt *opts, FILE *f)
{
	fputs(".Bl -tag -width Ds\n", f);
	for (; opts->name != NULL; opts++)
		if (opts->type != CONF_T_AT)
			mdoc_opt(opts, f);
	fputs(".El\n", f);
}
