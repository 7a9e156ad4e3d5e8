/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_FORMAT_PRIVATE_H
#define LLMSEC_TI_FORMAT_PRIVATE_H
/* What the files of the parsers share. */
#include <stdbool.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "ti-sync/format.h"

#define LINE_MAX_BYTES	65536u

struct ti_parser {
	struct ti_format_opts	 opts;
	enum ti_format		 format;
	struct ti_collect	*c;
	struct buf		 head;		/* until the format is known; then the line begun */
	bool			 skip;		/* the rest of a line that is too long */
	int			 err;
	char			 why[160];
	/* tables */
	int			 column;	/* from 0; -1: not known yet */
	char			 delimiter;	/* 0: not known yet */
	/* zones */
	char			 origin[256];
	/* JSON */
	struct json_scan	*scan;
	const char		*piece;		/* being scanned, from byte <piece_at> of the whole; lines counted up to <counted> */
	uint64_t		 piece_at, counted;
	char			 type[32], value[1024];
	bool			 has_value, off;
};

/* A line without its end. */
typedef void (*ti_line_fn)(struct ti_parser *, const char *p, size_t n);

void	ti_line_list(struct ti_parser *, const char *, size_t);
void	ti_line_hosts(struct ti_parser *, const char *, size_t);
void	ti_line_adblock(struct ti_parser *, const char *, size_t);
void	ti_line_dnsmasq(struct ti_parser *, const char *, size_t);
void	ti_line_rpz(struct ti_parser *, const char *, size_t);
void	ti_line_bind(struct ti_parser *, const char *, size_t);
void	ti_line_table(struct ti_parser *, const char *, size_t);

int	ti_json_start(struct ti_parser *);
int	ti_json_feed(struct ti_parser *, const void *, size_t);
int	ti_json_end(struct ti_parser *);

/* Blanks, tabs and CR taken off both ends. */
void	ti_trim(const char **p, size_t *n);
/* The next field between blanks; false: there is none. */
bool	ti_field(const char **p, size_t *n, const char **field, size_t *len);
bool	ti_starts(const char *p, size_t n, const char *with);
bool	ti_is(const char *p, size_t n, const char *word);	/* ASCII case ignored */
#endif
