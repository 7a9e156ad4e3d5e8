/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/op_private.h"
#include "lib/diag.h"

#define DATA_FILE_MAX	((size_t)64 << 20)

static int
never_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str value, bool want,
    struct waf_op_result *r)
{
	(void)op; (void)s; (void)arg; (void)value; (void)want; (void)r;
	return 0;
}

static int
always_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str value, bool want,
    struct waf_op_result *r)
{
	(void)op; (void)s; (void)arg; (void)value; (void)want; (void)r;
	return 1;
}

static int
lookup_init(struct waf_op *op, const struct op_ctx *ctx)
{
	diag_warn(ctx->diag, ctx->file, ctx->line, 0, "@%s is accepted but never matches: the engine makes no "
	    "look-ups while a request waits", waf_op_name(op->id));
	return 0;
}

static const struct op_class op_class_always = { .eval = always_eval },
    op_class_never = { .eval = never_eval },
    op_class_lookup = { .init = lookup_init, .eval = never_eval, .macro_free = true },
    op_class_fuzzy = { .why = "needs ssdeep, which this engine does not link" },
    op_class_inspect = { .why = "would start a program while a request waits" },
    op_class_rsub = { .why = "would rewrite a body that the proxy has already sent on" },
    op_class_schema = { .why = "needs files that the request names: no validation against DTD or schema" };

static const struct {
	const char	*name;
	const struct op_class *class;
} op_table[WAF_O_MAX] = {
#define OP(name, cl)	[WAF_O_##name] = { #name, &op_class_##cl }
	OP(beginsWith, begins), OP(contains, contains), OP(containsWord, contains_word), OP(detectSQLi, sqli),
	OP(detectXSS, xss), OP(endsWith, ends), OP(eq, eq), OP(fuzzyHash, fuzzy), OP(ge, ge), OP(geoLookup, lookup),
	OP(gt, gt), OP(inspectFile, inspect), OP(ipMatch, ip), OP(ipMatchFromFile, ip_file), OP(le, le), OP(lt, lt),
	OP(noMatch, never), OP(pm, pm), OP(pmFromFile, pm_file), OP(rbl, lookup), OP(rsub, rsub), OP(rx, rx),
	OP(rxGlobal, rx_global), OP(streq, streq), OP(strmatch, strmatch), OP(unconditionalMatch, always),
	OP(validateByteRange, bytes), OP(validateDTD, schema), OP(validateSchema, schema),
	OP(validateUrlEncoding, url), OP(validateUtf8Encoding, utf8), OP(verifyCC, cc), OP(verifyCPF, cpf),
	OP(verifySSN, ssn), OP(within, within),
#undef OP
};

const char *
waf_op_name(enum waf_op_id id)
{
	return id < WAF_O_MAX ? op_table[id].name : "?";
}

static bool
same_name(const char *name, const char *s, size_t n)
{
	return strlen(name) == n && strncasecmp(name, s, n) == 0;
}

enum waf_op_id
waf_op_find(const char *s, size_t n)
{
	if (same_name("pmf", s, n))
		return WAF_O_pmFromFile;
	if (same_name("ipMatchF", s, n))
		return WAF_O_ipMatchFromFile;
	for (int i = 0; i < WAF_O_MAX; i++)
		if (same_name(op_table[i].name, s, n))
			return (enum waf_op_id)i;
	return WAF_O_MAX;
}

void
op_error(const struct op_ctx *ctx, const struct waf_op *op, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(ctx->diag, ctx->file, ctx->line, 0, "@%s: %s", waf_op_name(op->id), text);
}

static int
op_prepare(struct waf_op *op, const struct op_ctx *ctx)
{
	if (op->class->eval == NULL) {
		op_error(ctx, op, "not supported: it %s", op->class->why);
		return -ENOTSUP;
	}
	if (op->has_macro && op->class->macro_free) {
		diag_warn(ctx->diag, ctx->file, ctx->line, 0, "@%s takes no macros: its argument is used as written",
		    waf_op_name(op->id));
		op->has_macro = false;
	}
	if (op->has_macro && (op->id == WAF_O_rx || op->id == WAF_O_rxGlobal))
		diag_warn(ctx->diag, ctx->file, ctx->line, 0, "@%s with a macro compiles its pattern for every value: "
		    "slow", waf_op_name(op->id));
	return op->has_macro || op->class->init == NULL ? 0 : op->class->init(op, ctx);
}

struct waf_op *
waf_op_new(enum waf_op_id id, struct waf_str arg, bool has_macro, const char *dir, struct diag *diag,
    const char *file, int line)
{
	struct op_ctx ctx = { dir, diag, file, line };
	struct waf_op *op = calloc(1, sizeof(*op));
	char *copy = malloc(arg.n + 1);

	if (op == NULL || copy == NULL) {
		diag_error(diag, file, line, 0, "out of memory");
		free(op);
		free(copy);
		return NULL;
	}
	if (arg.n != 0)
		memcpy(copy, arg.p, arg.n);
	copy[arg.n] = '\0';
	*op = (struct waf_op){ .id = id, .has_macro = has_macro, .arg = { copy, arg.n },
	    .class = op_table[id].class };
	if (op_prepare(op, &ctx) != 0)
		waf_op_free(&op);
	return op;
}

void
waf_op_free(struct waf_op **opp)
{
	struct waf_op *op = *opp;

	*opp = NULL;
	if (op == NULL)
		return;
	if (op->class->free != NULL && !op->has_macro)
		op->class->free(op);
	free((char *)op->arg.p);
	free(op);
}

enum waf_op_id
waf_op_which(const struct waf_op *op)
{
	return op->id;
}

int
waf_op_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str value,
    bool want_captures, struct waf_op_result *r)
{
	if (value.p == NULL)
		value.p = "";
	r->n_captures = 0;
	r->matched = (struct waf_str){ value.p, 0 };
	if (!op->has_macro)
		arg = op->arg;
	else if (arg.p == NULL)
		arg.p = "";
	return op->class->eval(op, s, arg, value, want_captures, r);
}

void
op_matched(struct waf_op_result *r, struct waf_str value, size_t from, size_t to, bool capture)
{
	r->matched = (struct waf_str){ value.p + from, to - from };
	if (capture) {
		r->capture[0] = r->matched;
		r->n_captures = 1;
	}
}

static FILE *
data_file_open(const struct op_ctx *ctx, const struct waf_op *op)
{
	char path[4096];

	if (op->arg.p[0] == '/' || ctx->dir == NULL)
		return fopen(op->arg.p, "re");
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", ctx->dir, op->arg.p) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return fopen(path, "re");
}

char *
op_read_file(const struct op_ctx *ctx, const struct waf_op *op, size_t *len)
{
	size_t cap = 16384, n = 0, k;
	char *buf = NULL, *more;
	FILE *f = data_file_open(ctx, op);

	if (f == NULL) {
		op_error(ctx, op, "%s: %s", op->arg.p, strerror(errno));
		return NULL;
	}
	do {
		cap *= 2;
		more = cap <= DATA_FILE_MAX ? realloc(buf, cap) : NULL;
		if (more == NULL) {
			op_error(ctx, op, "%s: too large", op->arg.p);
			goto fail;
		}
		buf = more;
		k = fread(buf + n, 1, cap - n - 1, f);
		n += k;
	} while (k != 0);
	if (ferror(f)) {
		op_error(ctx, op, "%s: %s", op->arg.p, strerror(errno));
		goto fail;
	}
	fclose(f);
	buf[n] = '\0';
	*len = n;
	return buf;
fail:
	fclose(f);
	free(buf);
	return NULL;
}
