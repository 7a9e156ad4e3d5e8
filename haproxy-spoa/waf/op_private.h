/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_OP_PRIVATE_H
#define LLMSEC_WAF_OP_PRIVATE_H
/*
 * What the op_*.c files share.  op.c owns the table of operators and struct waf_op; each other file implements
 * a family of them as struct op_class: init fills op->u from op->arg, eval reads it, free drops it.
 */
#include "haproxy-spoa/waf/op.h"

struct op_phrases;
struct op_ipset;

/* Where an operator stands, for messages and data files. */
struct op_ctx {
	const char	*dir;
	struct diag	*diag;
	const char	*file;
	int		 line;
};

struct op_bytes {		/* a set of byte values */
	uint64_t	 w[4];
};

struct waf_op {
	enum waf_op_id	 id;
	bool		 has_macro;
	struct waf_str	 arg;		/* own copy, NUL-terminated */
	const struct op_class *class;
	union {
		struct waf_rx	*rx;
		struct op_phrases *phrases;
		struct op_ipset	*ipset;
		struct op_bytes	 bytes;
		int64_t		 number;
	} u;
};

/* <arg>: the argument to use, op->arg or its expansion. */
typedef int op_eval_fn(const struct waf_op *, struct waf_op_scratch *, struct waf_str arg, struct waf_str value,
    bool want_captures, struct waf_op_result *);

struct op_class {
	/* 0 or -errno with text in ctx->diag.  NULL: nothing to prepare.  Not called for an argument with
	   macros unless <macro_free>: the operator takes no macros, the argument is what is written. */
	int		(*init)(struct waf_op *, const struct op_ctx *);
	op_eval_fn	*eval;		/* NULL: refused, <why> says the reason */
	void		(*free)(struct waf_op *);
	const char	*why;
	bool		 macro_free;
};

extern const struct op_class op_class_rx, op_class_rx_global, op_class_pm, op_class_pm_file, op_class_ip,
    op_class_ip_file, op_class_bytes, op_class_url, op_class_utf8, op_class_cc, op_class_cpf, op_class_ssn,
    op_class_sqli, op_class_xss, op_class_begins, op_class_ends, op_class_contains, op_class_contains_word,
    op_class_streq, op_class_strmatch, op_class_within, op_class_eq, op_class_ge, op_class_gt, op_class_le,
    op_class_lt;

/* r->matched and, where wanted, capture 0: value.p[from..to-1]. */
void		 op_matched(struct waf_op_result *, struct waf_str value, size_t from, size_t to, bool capture);
void		 op_error(const struct op_ctx *, const struct waf_op *, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
/* A data file, its name looked for in ctx->dir if relative.  Malloc'd, NUL-terminated; NULL with a message. */
char		*op_read_file(const struct op_ctx *, const struct waf_op *, size_t *len);

/*
 * One phrase of @pm, @strmatch or a phrase file out of *in: |hh hh| are bytes in hexadecimal, \: \; \\ \" the
 * character itself; what is not well-formed stands for itself.  <spaced>: blanks end the phrase.  Writes to
 * <buf>, which has room for in->n.  Length; 0: no more.
 */
size_t		 op_phrase_next(struct waf_str *in, char *buf, bool spaced);

/* Thread scratch, for op_rx.c and whoever keeps a result in it. */
char		*op_scratch_fingerprint(struct waf_op_scratch *);	/* 8 bytes */
/* Short texts in which @detectSQLi found nothing, whichever request they came with. */
#define OP_MEMO_TEXTS	512
struct op_memo {
	unsigned char	 n;		/* 0: free */
	char		 text[63];
};
struct op_memo	*op_scratch_memo(struct waf_op_scratch *);

/*
 * Search value from <start>.  1, 0, -E2BIG, -ETIME, -ENOMEM; *n pairs of *ov are valid: a group that did not
 * take part has SIZE_MAX.
 */
int		 op_rx_exec(const struct waf_rx *, struct waf_op_scratch *, struct waf_str value, size_t start,
		    const size_t **ov, int *n);
/* Compile for one evaluation: interpreted, no messages.  NULL: not a pattern. */
struct waf_rx	*op_rx_once(struct waf_str pattern);
/* Class functions of every operator whose argument is a pattern. */
int		 op_rx_init(struct waf_op *, const struct op_ctx *);
void		 op_rx_drop(struct waf_op *);

/* Index of <needle> in <hay> at or after <from>; SIZE_MAX: not there.  The empty needle is at <from>. */
size_t		 op_find(struct waf_str hay, struct waf_str needle, size_t from);
#endif
