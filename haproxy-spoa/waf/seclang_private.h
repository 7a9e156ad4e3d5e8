/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_SECLANG_PRIVATE_H
#define LLMSEC_WAF_SECLANG_PRIVATE_H
/*
 * Inside of the SecLang reader.  One struct sl reads one rule set:
 *
 *	seclang_read.c	 files and Includes -> logical lines -> words, with the way back to line and column
 *	seclang_dir.c	 a line's first word -> the table of directives
 *	seclang_set.c	 directives that set a value of struct waf_settings
 *	seclang_ignore.c directives of others that mean nothing here
 *	seclang_rule.c	 SecRule, SecAction, SecMarker, SecDefaultAction; chains, inheritance
 *	seclang_target.c, seclang_action.c, seclang_ctl.c, seclang_macro.c	the parts of a rule
 *	seclang_update.c SecRuleRemove*, SecRuleUpdate*
 *	seclang_link.c	 phases, markers, where a skip ends
 *
 * A mistake is noted (sl_error) and reading goes on, so that one run names them all; sl->failed says at the
 * end that there was one.
 */
#include <sys/types.h>

#include "haproxy-spoa/waf/rule.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/diag.h"

/* A line with its continuations joined.  <seg>: from which offset on the bytes stand in which line. */
struct sl_seg {
	size_t		 off;
	int		 line, col;
};
struct sl_line {
	struct buf	 text;
	struct sl_seg	*seg;
	size_t		 n_seg, cap_seg;
	const char	*file;
};

/* One argument, quotes and escapes removed.  Lives until its directive is done. */
struct sl_word {
	const char	*p;
	size_t		 n;
	const struct sl_line *ln;
	size_t		 raw;		/* where its first byte stands in the line */
	char		 quote;		/* " or ', 0 */
};

/* A piece of a word.  Where unquoting moved it out of the word, <at> is the place in the word to name. */
struct sl_text {
	const char	*p;
	size_t		 n;
	const struct sl_word *w;
	const char	*at;
};

struct sl_file {
	const char	*name, *dir;	/* dir: of relative Includes and data files; NULL: read no files */
	dev_t		 dev;
	ino_t		 ino;
	int		 depth;
	struct sl_file *up;	/* that included it */
	struct arena	*tmp;		/* reset after each directive */
};

enum sl_ctx {			/* where a list of actions stands */
	SL_CTX_RULE = 1, SL_CTX_CHAINED = 2, SL_CTX_DEFAULT = 4, SL_CTX_UPDATE = 8
};

#define SL_UNSET	(-1)
#define SL_D_BLOCK	1000	/* beside enum waf_disruptive: whatever the default action says */

/* A list of actions as written, before defaults.  SL_UNSET or NULL: not said. */
struct sl_aset {
	unsigned	 ctx;		/* one of enum sl_ctx */
	int64_t		 id;
	int		 phase, disruptive, status, log, auditlog, severity, maturity, accuracy;
	unsigned	 flags;		/* enum waf_rule_flag */
	bool		 chain, tfn_none;
	int		 skip;
	const char	*skip_after, *ver, *rev;
	struct waf_macro redirect, msg, logdata;
	struct waf_macro *tag;
	size_t		 n_tag;
	enum waf_tfn	*tfn;
	size_t		 n_tfn;
	struct waf_act	*act;
	size_t		 n_act;
	struct waf_xmlns *xmlns;
	size_t		 n_xmlns;
};

struct sl_id {
	int64_t		 id;
	struct waf_rule	*rule;
};

struct sl_pattern {		/* selectors repeat: one compiled pattern per text */
	struct waf_str	 text;
	bool		 caseless;
	struct waf_rx	*rx;
};

struct sl {
	struct waf_rules *rules;
	struct arena	*a;		/* rules->arena */
	struct diag	*diag;
	struct sl_file	*file;		/* being read */
	bool		 failed;

	struct sl_aset	*def[6];	/* SecDefaultAction of each phase; NULL: none */
	struct waf_rule	**head;		/* rules, actions, markers in the order of the files; no chained ones */
	size_t		 n_head;
	struct waf_rule	*open_head, *open;	/* a chain that wants another rule: its first, its latest */
	struct sl_id	*id;		/* sorted */
	size_t		 n_id;
	struct sl_pattern *pattern;
	size_t		 n_pattern;
	struct waf_str	*mime;		/* SecResponseBodyMimeType so far */
	size_t		 n_mime;
	unsigned char	*warned;	/* one byte per row of sl_ignored */
};

/* One row of the table of directives. */
struct sl_directive {
	const char	*name;
	int		 min, max;	/* arguments; max -1: any number */
	void		(*fn)(struct sl *, const struct sl_directive *, const struct sl_word *, size_t n);
	size_t		 off;		/* of the field in struct waf_settings */
	int64_t		 lo, hi;
	const char	*why;		/* ignored or refused: what does that job here */
};
#define SL_MAX_WORDS	256

/* Appends one zeroed element to an array in the arena; NULL, and the array as it was, when memory is out. */
#define SL_ADD(a, vec, n) __extension__ ({ \
	void *sl_vec = sl_grow((a), (vec), (n), sizeof(*(vec))); \
	sl_vec != NULL ? ((vec) = sl_vec, &(vec)[(n)++]) : NULL; })
void		*sl_grow(struct arena *, void *vec, size_t n, size_t size);

/* seclang_read.c */
struct sl_text	 sl_text(const struct sl_word *);
struct sl_text	 sl_sub(const struct sl_text *, const char *p, size_t n);
void		 sl_where(const struct sl_text *, const char *p, int *line, int *col);
/* <p>: the byte to name, NULL or outside of <t>: its start. */
void		 sl_error(struct sl *, const struct sl_text *t, const char *p, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));
void		 sl_warn(struct sl *, const struct sl_text *t, const char *p, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));
int		 sl_line_of(const struct sl_word *);
void		 sl_read_main(struct sl *, const char *path);
void		 sl_read_mem(struct sl *, const char *name, const char *dir, const char *text, size_t len);
/* Path as the file being read means it, in the arena. */
const char	*sl_path(struct sl *, const char *p, size_t n);
void		 sl_note_file(struct sl *, const char *path);
void		 sl_dir_include(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);

/* seclang_word.c */
/* The next word of the line from *pos on. 1, 0 at the end, -1 after an error was noted. */
int		 sl_next_word(struct sl *, const struct sl_line *, size_t *pos, struct sl_word *);
bool		 sl_is_blank(char);
void		 sl_trim(struct sl_text *);
bool		 sl_is(const struct sl_text *, const char *);	/* equal, in any case */
bool		 sl_str_is(struct waf_str, const char *);
bool		 sl_number(const struct sl_text *, int64_t lo, int64_t hi, int64_t *);
bool		 sl_on_off(const struct sl_text *, bool *);
struct waf_str	 sl_dup(struct arena *, const char *, size_t);
struct waf_str	 sl_dup_lower(struct arena *, const char *, size_t);
#define SL_FMT(t)	(int)((t).n > 120 ? 120 : (t).n), (t).p	/* for %.*s */

/* seclang_dir.c */
void		 sl_run_line(struct sl *, const struct sl_line *);

/* seclang_set.c, seclang_ignore.c */
extern const struct sl_directive sl_settings[], sl_ignored[];
void		 sl_set_defaults(struct waf_settings *);

/* seclang_rule.c */
void		 sl_dir_rule(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);
void		 sl_dir_action(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);
void		 sl_dir_marker(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);
void		 sl_dir_default(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);
/* Lay <set> over what the rule has: single values replace, lists grow. */
void		 sl_apply(struct sl *, struct waf_rule *, const struct sl_aset *);
/* At the end of a file: a chain must be complete. */
void		 sl_chain_end(struct sl *);

/* seclang_macro.c */
enum sl_macro_flag {
	SL_M_LOWER = 1,		/* literals in lower case: names of variables */
	SL_M_PATTERN = 2,	/* "%{" that is no macro is text: regular expressions have it */
};
bool		 sl_macro(struct sl *, const struct sl_text *, unsigned flags, struct waf_macro *);

/* seclang_target.c */
enum sl_target_flag { SL_T_PLAIN = 1 };	/* no ! and no & */
bool		 sl_targets(struct sl *, const struct sl_text *, unsigned flags, struct waf_target **, size_t *n);
struct waf_rx	*sl_pattern(struct sl *, const struct sl_text *, bool caseless);

/* seclang_split.c */
void		 sl_actions(struct sl *, const struct sl_word *, struct sl_aset *);

/* seclang_action.c */
struct sl_action;
typedef void	 sl_action_fn(struct sl *, struct sl_aset *, const struct sl_action *);

#define SL_NOT_SHOWN	16		/* in a chained rule it can stand, but nobody will see it */
enum { A_NONE, A_OPT, A_NEED };	/* a value after the colon */
struct sl_action_def {
	const char	*name;
	int		 arg;
	unsigned	 not_in;	/* enum sl_ctx: where it can't stand; SL_NOT_SHOWN */
	sl_action_fn	*fn;
	int		 data;
	size_t		 off;		/* of the field in struct sl_aset */
	const char	*why;		/* refused or without effect: because */
};
struct sl_action {
	struct sl_text	 name, value;	/* value.p NULL: no colon */
	const struct sl_action_def *def;
};
void		 sl_aset_init(struct sl_aset *, unsigned ctx);
void		 sl_action_run(struct sl *, struct sl_aset *, struct sl_action *);

/* seclang_ctl.c */
void		 sl_ctl(struct sl *, struct sl_aset *, const struct sl_text *value);
/* "17" or "17-23" */
bool		 sl_id_range(const struct sl_text *, int64_t *from, int64_t *to);

/* seclang_var.c: actions on collections */
sl_action_fn	 sl_act_setvar, sl_act_on_var, sl_act_initcol, sl_act_setenv, sl_act_value;

/* seclang_update.c */
enum sl_by { SL_BY_ID, SL_BY_TAG, SL_BY_MSG };	/* in sl_directive.off */
void		 sl_dir_remove(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);
void		 sl_dir_update_target(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);
void		 sl_dir_update_action(struct sl *, const struct sl_directive *, const struct sl_word *, size_t);

/* seclang_link.c */
struct waf_rule	*sl_id_find(const struct sl *, int64_t);
bool		 sl_id_add(struct sl *, int64_t, struct waf_rule *);
void		 sl_id_drop(struct sl *, int64_t);
void		 sl_link(struct sl *);
#endif
