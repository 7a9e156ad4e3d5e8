/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CONF_H
#define LLMSEC_CONF_H
/*
 * Strict YAML configuration from tables.  One row per key; the same table parses, checks, prints
 * the defaults (--show-defaults) and documents itself.  Unknown key, duplicate key, wrong type,
 * out of range: an error with file:line:column in <diag>, all of them in one run.
 *
 * Values land in a struct of the caller's through offsets.  All memory comes from a struct conf_mem
 * that lives as long as the configuration; conf_mem_free() drops it whole.
 *
 *	struct c { char *listen; int workers; int64_t deadline_ms; bool strict; int mode;
 *		   struct conf_strs domains; struct route *routes; size_t n_routes; };
 *	static const struct conf_opt opts[] = {
 *		CONF_STR(struct c, listen, "unix:run/x.sock", "address", "where to listen"),
 *		...
 *		CONF_END };
 *
 * Thread rules: none shared; load in one thread, then treat the result as immutable.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct diag;
struct conf_mem;

enum conf_type {
	CONF_T_END, CONF_T_STR, CONF_T_INT, CONF_T_BOOL,
	CONF_T_DURATION,	/* int64_t milliseconds; "250ms" "5s" "10m" "2h" "7d" */
	CONF_T_SIZE,		/* int64_t bytes; "64k" "10M" "1G" (powers of 1024) */
	CONF_T_ENUM,		/* int, from a table of names */
	CONF_T_STRS,		/* struct conf_strs; a YAML sequence of scalars */
	CONF_T_MAP,		/* nested struct at the offset, described by .sub */
	CONF_T_SEQ,		/* array of structs (pointer at offset, size_t count at offset2) */
	CONF_T_AT,		/* no key: struct conf_at, where the map begins, for later complaints about it */
};

struct conf_strs {
	char	**v;
	size_t	  n;
};

struct conf_at {
	int	line, col;
};

struct conf_enum {
	const char	*name;	/* NULL ends the table */
	int		 value;
};

struct conf_opt {
	const char		*name;
	enum conf_type		 type;
	size_t			 offset, offset2;
	int64_t			 min, max;	/* numbers; strings: length */
	const char		*def;		/* as it would be written in YAML; NULL: required;
						   STRS/SEQ: NULL means empty, not required */
	const char		*unit;		/* shown in --show-defaults; "" if none */
	const char		*help;
	const struct conf_enum	*names;
	const struct conf_opt	*sub;
	size_t			 sub_size;	/* SEQ: size of one element */
	bool			 required;	/* SEQ/STRS: at least one element */
	/* Optional check after parsing this key (or one SEQ element / MAP); return NULL or a message. */
	const char		*(*check)(const void *field);
};

#define CONF_STR(S, f, d, u, h)		{ .name = #f, .type = CONF_T_STR, .offset = offsetof(S, f), .max = 65536, .def = d, .unit = u, .help = h }
#define CONF_INT(S, f, lo, hi, d, u, h)	{ .name = #f, .type = CONF_T_INT, .offset = offsetof(S, f), .min = lo, .max = hi, .def = d, .unit = u, .help = h }
#define CONF_BOOL(S, f, d, h)		{ .name = #f, .type = CONF_T_BOOL, .offset = offsetof(S, f), .def = d, .unit = "", .help = h }
#define CONF_DURATION(S, f, lo, hi, d, h) { .name = #f, .type = CONF_T_DURATION, .offset = offsetof(S, f), .min = lo, .max = hi, .def = d, .unit = "duration", .help = h }
#define CONF_SIZE(S, f, lo, hi, d, h)	{ .name = #f, .type = CONF_T_SIZE, .offset = offsetof(S, f), .min = lo, .max = hi, .def = d, .unit = "bytes", .help = h }
#define CONF_ENUM(S, f, tbl, d, h)	{ .name = #f, .type = CONF_T_ENUM, .offset = offsetof(S, f), .names = tbl, .def = d, .unit = "", .help = h }
#define CONF_STRS(S, f, h)		{ .name = #f, .type = CONF_T_STRS, .offset = offsetof(S, f), .unit = "", .help = h }
#define CONF_MAP(S, f, s, h)		{ .name = #f, .type = CONF_T_MAP, .offset = offsetof(S, f), .unit = "", .sub = s, .help = h }
#define CONF_SEQ(S, f, nf, s, ST, h)	{ .name = #f, .type = CONF_T_SEQ, .offset = offsetof(S, f), .offset2 = offsetof(S, nf), .sub = s, .sub_size = sizeof(ST), .unit = "", .help = h }
#define CONF_AT(S, f)			{ .name = "", .type = CONF_T_AT, .offset = offsetof(S, f) }
#define CONF_END			{ .name = NULL, .type = CONF_T_END }

/*
 * Parse <path> into <out> (zeroed by the caller), defaults filled in for what the file leaves out.
 * INT fields are `int`, DURATION and SIZE `int64_t`, BOOL `bool`, ENUM `int`, STR `char *`.
 * 0, -EINVAL (see <diag>), or -errno of open/read.  On error *<mem> is NULL.
 */
int	conf_load(const char *path, const struct conf_opt *, void *out, struct conf_mem **mem,
	    struct diag *);
/* The same from memory; <name> stands for the file in messages. */
int	conf_load_mem(const char *name, const char *text, size_t len, const struct conf_opt *,
	    void *out, struct conf_mem **mem, struct diag *);
void	conf_mem_free(struct conf_mem **);
/* A complete, commented YAML file with every default. */
void	conf_show_defaults(const struct conf_opt *, FILE *);
/* The body of a conf(5) page in mdoc (.It per key), from the same table. */
void	conf_show_mdoc(const struct conf_opt *, FILE *);
#endif
