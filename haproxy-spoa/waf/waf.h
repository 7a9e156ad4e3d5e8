/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_H
#define LLMSEC_WAF_H
/*
 * The WAF engine: loads SecLang (the rule language of ModSecurity, in which the OWASP Core Rule Set is
 * written), compiles it into a plan once, and judges HTTP transactions with it.  Semantics are those of
 * ModSecurity 2.9, by its reference manual; docs/waf-differences.md lists where we or libmodsecurity differ.
 * It knows nothing of SPOP: plain buffers in, a verdict out.
 *
 *	struct waf *w; struct waf_thread *th;
 *	waf_load(&w, "/etc/llmsec/waf/main.conf", &opt, diag);	once; immutable afterwards
 *	th = waf_thread_new();					one per worker thread
 *	tx = waf_tx_new(w, th, profile, &req);
 *	waf_tx_request(tx);					phases 1 and 2
 *	waf_tx_response(tx, &rsp);				phases 3 and 4, optional
 *	waf_tx_end(tx) -> const struct waf_verdict *		phase 5; verdict valid until the next waf_tx_new(th)
 *
 * Threads: a struct waf is shared by any number of threads and never written after loading; a struct
 * waf_thread and its transaction belong to one thread at a time.  All memory of a transaction comes from the
 * thread's arena and is dropped by the next waf_tx_new; nothing on this path locks or opens a file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;
struct waf;
struct waf_thread;
struct waf_tx;

/* Bytes, borrowed, not NUL-terminated unless said so. */
struct waf_str {
	const char	*p;
	size_t		 n;
};
#define WAF_STR(s)	((struct waf_str){(s), sizeof(s) - 1})

struct waf_options {
	const char	*state_dir;	/* LMDB environment of persistent collections; NULL: they start empty
					   in every transaction */
	bool		 no_prefilter;	/* evaluate every rule in full: for proofs and differential tests */
	bool		 explain;	/* transactions keep what each match looked at, see waf_match.value */
};

/*
 * Load a main configuration and all that it includes.  0, or -errno with every mistake in <diag> as
 * file:line; *out is NULL then.  An unknown directive, operator, variable, action or transformation, a
 * pattern that does not compile, a missing file: each is an error, nothing is dropped silently.
 */
int		 waf_load(struct waf **out, const char *path, const struct waf_options *, struct diag *);
/* The same from memory; relative Includes and data files are looked for in <dir>. */
int		 waf_load_mem(struct waf **out, const char *name, const char *dir, const char *text, size_t len,
		    const struct waf_options *, struct diag *);
void		 waf_free(struct waf **);
/*
 * Drop what has expired from the store of persistent collections, if there is one: <all> of it, or one slice of it,
 * for calling every few seconds.  <now>: seconds since 1970.  Number dropped or -errno.  Only from the thread that loads.
 */
int64_t		 waf_sweep(struct waf *, int64_t now, bool all);

struct waf_thread *waf_thread_new(void);	/* NULL: out of memory */
void		 waf_thread_free(struct waf_thread **);

enum waf_mode { WAF_MODE_RULES, WAF_MODE_ON, WAF_MODE_DETECTION_ONLY, WAF_MODE_OFF };

/* A TX variable set before phase 1 and then pinned: setvar on it is ignored, so that a route's choice
   stands over crs-setup.conf (tx.detection_paranoia_level, tx.inbound_anomaly_score_threshold...). */
struct waf_preset {
	const char	*key, *value;	/* key in lower case, without "tx." */
};

/* What one route wants; immutable, outlives its transactions. */
struct waf_profile {
	const char	*name;
	enum waf_mode	 mode;		/* RULES: what SecRuleEngine says */
	const struct waf_preset *presets;
	size_t		 n_presets;
};

struct waf_header {
	struct waf_str	 name, value;
};

struct waf_request {
	struct waf_str	 method;
	struct waf_str	 uri;		/* request target as sent, query included */
	struct waf_str	 protocol;	/* "HTTP/1.1" */
	struct waf_str	 line;		/* whole request line as sent; n == 0: put together from the three */
	const struct waf_header *headers;
	size_t		 n_headers;
	struct waf_str	 body;
	bool		 body_cut;	/* more was sent than <body> holds */
	struct waf_str	 client_ip, server_ip;	/* text */
	int		 client_port, server_port;
	struct waf_str	 unique_id;
	int64_t		 now_us;	/* wall clock, microseconds since 1970; a parameter, so tests can set it */
	uint64_t	 deadline_us;	/* CLOCK_MONOTONIC microseconds; 0: only the rule set's own time limit */
};

struct waf_response {
	int		 status;
	struct waf_str	 protocol;
	const struct waf_header *headers;
	size_t		 n_headers;
	struct waf_str	 body;
};

enum waf_action {
	WAF_PASS,
	WAF_DENY,	/* refuse with .status */
	WAF_DROP,	/* close the connection; HAProxy: silent-drop or 403 */
	WAF_REDIRECT,	/* .status (302) to .redirect */
	WAF_ALLOW,	/* the rules said stop looking, it is fine */
	WAF_ERROR,	/* could not be judged: .error says which limit */
};

/* Why a transaction ended in WAF_ERROR; each is a counter of llmsec-spoad. */
enum waf_error {
	WAF_E_NONE, WAF_E_MEMORY, WAF_E_TIME, WAF_E_REGEX_LIMIT, WAF_E_ARGS, WAF_E_DEPTH, WAF_E_BODY_LIMIT,
	WAF_E_STORE, WAF_E_MAX
};
const char	*waf_error_name(enum waf_error);

struct waf_match {		/* one rule that matched, in order */
	int64_t		 id;		/* of the chain's first rule */
	int		 phase, severity;	/* 0 EMERGENCY .. 7 DEBUG; -1 none */
	const char	*file;
	int		 line;
	const char	*msg, *logdata, *ver;	/* macros expanded, NUL-terminated; "" if none.  logdata may hold
					   request bytes: see waf_log_line */
	size_t		 msg_len, logdata_len;
	const char	*const *tags;	/* expanded */
	size_t		 n_tags;
	struct waf_str	 var_name;	/* "ARGS:q", "REQUEST_HEADERS:User-Agent"; empty where neither .log nor
					   options.explain asks for it */
	struct waf_str	 value;		/* only with options.explain; after transformations */
	const char	*tfns;		/* only with options.explain: "urlDecodeUni,lowercase"; "" none */
	bool		 log, auditlog, disruptive;
	bool		 detection;	/* as waf_rule_info.detection */
};

enum waf_category {		/* of the Core Rule Set's attack scores */
	WAF_C_SQLI, WAF_C_XSS, WAF_C_RFI, WAF_C_LFI, WAF_C_RCE, WAF_C_PHP, WAF_C_HTTP, WAF_C_SESSION, WAF_C_MAX
};

struct waf_verdict {
	enum waf_action	 action;
	enum waf_error	 error;		/* with WAF_ERROR, and with detection_only where a limit would have been one */
	int		 status;	/* of a refusal; 200 otherwise */
	const char	*redirect;
	int64_t		 rule_id;	/* that decided; 0 none */
	int		 phase;		/* in which it was decided */
	bool		 detection_only;	/* it would have been refused: action is WAF_PASS */
	int		 inbound_score, outbound_score;
	int		 category_score[WAF_C_MAX];
	const struct waf_match *matches;
	size_t		 n_matches;	/* of all matches, nolog included: look at .log */
	size_t		 n_matches_lost;	/* over the limit of 512 */
};

/* NULL: out of memory.  The request's bytes are borrowed until the next waf_tx_new, the struct is not. */
struct waf_tx	*waf_tx_new(const struct waf *, struct waf_thread *, const struct waf_profile *,
		    const struct waf_request *);
/* Each returns the verdict so far; a decision (not WAF_PASS) ends the phases, phase 5 still runs in waf_tx_end. */
const struct waf_verdict *waf_tx_request(struct waf_tx *);
/*
 * In place of waf_tx_request, where the response comes to somebody who has nothing of the request's transaction: phase 1
 * runs, because it sets up what the response rules ask for, but says nothing: its findings and refusals were the
 * request's.  An `allow` counts.  Collections are not stored, phase 5 doesn't run.
 */
const struct waf_verdict *waf_tx_prepare(struct waf_tx *);
const struct waf_verdict *waf_tx_response(struct waf_tx *, const struct waf_response *);
const struct waf_verdict *waf_tx_end(struct waf_tx *);

/*
 * The proof that the prefilters are sound: every operator call that a literal or byte-class gate saved in this
 * transaction is made after all.  Returns how many would have matched - anything but 0 is a bug - and the ids of
 * the first <max>.  After waf_tx_end, before the next waf_tx_new.
 */
size_t		 waf_tx_verify(struct waf_tx *, int64_t *ids, size_t max);

/*
 * One match as ModSecurity's error log writes it: ModSecurity: Warning. ... [file "..."] [line "..."] [id "..."]
 * [rev ""] [msg "..."] [data "..."] [severity "..."] [ver "..."] [tag "..."]... [hostname] [uri] [unique_id].
 * Bytes outside 0x20..0x7e and the quote come as \xHH.  <data_max> bytes of logdata at most (SIZE_MAX: all); 0 leaves it out.
 * No newline at the end.  Returns what snprintf would.
 */
size_t		 waf_log_line(char *, size_t, const struct waf_tx *, const struct waf_match *, size_t data_max);

/* Counts for `llmsec-waf rules` and the README. */
struct waf_stats {
	size_t		 rules, detection_rules, chains, regexes, phrases, prefiltered;	/* prefiltered: rules that
					   run only when a literal was seen */
	size_t		 by_phase[6], by_paranoia[5];
	size_t		 heap_bytes;	/* estimate of what the rule set holds */
};
void		 waf_stats(const struct waf *, struct waf_stats *);
/* Every rule in order: id, phase, paranoia level (0 none), first attack-* tag or "", msg, file, line. */
struct waf_rule_info {
	int64_t		 id;
	int		 phase, paranoia;
	const char	*category, *msg, *file;
	int		 line;
	bool		 detection;	/* it logs, has a severity, an attack-* tag or refuses, and looks at more
					   than TX or names an attack: a finding, not the arithmetic about findings */
	bool		 prefiltered;
};
void		 waf_each_rule(const struct waf *, void (*fn)(void *, const struct waf_rule_info *), void *);
#endif
