/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_RULE_H
#define LLMSEC_WAF_RULE_H
/*
 * The model between the SecLang reader (seclang*.c, writes it) and the plan (plan.c, reads it): what the files
 * said, resolved - defaults applied, SecRuleUpdate* and SecRuleRemove* done, skipAfter turned into indexes -
 * but not yet optimised.  All memory belongs to the one arena of the struct waf_rules; operators and patterns
 * are freed by waf_rules_free.
 */
#include "haproxy-spoa/waf/op.h"
#include "haproxy-spoa/waf/transform.h"
#include "haproxy-spoa/waf/var.h"
#include "haproxy-spoa/waf/waf.h"

struct arena;

/* Text with %{VAR.key} in it.  n == 1 with var == WAF_V_MAX: plain text. */
struct waf_macro_part {
	enum waf_var	 var;		/* WAF_V_MAX: literal */
	struct waf_str	 text;		/* the literal, or the key in lower case ("" for scalars) */
};
struct waf_macro {
	struct waf_macro_part *part;
	size_t		 n;
	bool		 has_macro;
	struct waf_str	 raw;		/* as written */
};

enum waf_sel { WAF_SEL_ALL, WAF_SEL_KEY, WAF_SEL_REGEX };

struct waf_target {
	enum waf_var	 var;
	enum waf_sel	 sel;
	bool		 exclude;	/* !VAR or !VAR:key */
	bool		 count;		/* &VAR */
	struct waf_str	 key;		/* lower case; the pattern for REGEX; XML: the XPath as written */
	struct waf_rx	*rx;		/* REGEX */
};

enum waf_disruptive {		/* WAF_D_BLOCK is already replaced by the default action's */
	WAF_D_NONE, WAF_D_PASS, WAF_D_DENY, WAF_D_DROP, WAF_D_REDIRECT, WAF_D_ALLOW, WAF_D_ALLOW_PHASE,
	WAF_D_ALLOW_REQUEST
};

enum waf_ctl {
	WAF_CTL_AUDIT_ENGINE, WAF_CTL_AUDIT_LOG_PARTS, WAF_CTL_DEBUG_LOG_LEVEL, WAF_CTL_FORCE_REQUEST_BODY,
	WAF_CTL_REQUEST_BODY_ACCESS, WAF_CTL_REQUEST_BODY_LIMIT, WAF_CTL_REQUEST_BODY_PROCESSOR,
	WAF_CTL_RESPONSE_BODY_ACCESS, WAF_CTL_RESPONSE_BODY_LIMIT, WAF_CTL_RULE_ENGINE,
	WAF_CTL_REMOVE_BY_ID, WAF_CTL_REMOVE_BY_TAG, WAF_CTL_REMOVE_BY_MSG,
	WAF_CTL_REMOVE_TARGET_BY_ID, WAF_CTL_REMOVE_TARGET_BY_TAG, WAF_CTL_REMOVE_TARGET_BY_MSG,
	WAF_CTL_HASH_ENGINE	/* and HASH_ENFORCEMENT: accepted where Off, refused where On */
};

enum waf_act_kind { WAF_A_SETVAR, WAF_A_EXPIREVAR, WAF_A_DEPRECATEVAR, WAF_A_INITCOL, WAF_A_SETENV, WAF_A_SETSID,
	WAF_A_SETUID, WAF_A_SETRSC, WAF_A_CTL };

struct waf_act {		/* non-disruptive actions that do something, in the order written */
	enum waf_act_kind kind;
	/* setvar, expirevar, deprecatevar, initcol: the collection; else WAF_V_MAX */
	enum waf_var	 coll;
	struct waf_macro name;		/* variable name without the collection, lower case outside macros */
	char		 setop;		/* setvar: '=' '+' '-' '!' */
	struct waf_macro value;		/* expirevar: seconds; initcol: key; ctl: the value */
	/* ctl */
	enum waf_ctl	 ctl;
	int64_t		 id_from, id_to;	/* ...ById */
	struct waf_str	 pattern;	/* ...ByTag, ...ByMsg: as written */
	struct waf_rx	*rx;		/* the same, compiled (a plain string is a pattern, as in ModSecurity 2) */
	struct waf_target target;	/* REMOVE_TARGET_*: sel ALL, KEY or REGEX */
};

enum waf_rule_flag {
	WAF_R_CAPTURE = 1, WAF_R_MULTIMATCH = 2, WAF_R_LOG = 4, WAF_R_AUDITLOG = 8,
	WAF_R_SANITISE_MATCHED = 32,	/* sanitiseMatched/Arg...: the value is never written out */
	WAF_R_UNCONDITIONAL = 64,	/* SecAction */
};

struct waf_rule {
	int64_t		 id;		/* 0 for the later rules of a chain and for markers */
	int		 phase;		/* 1..5; of the chain's first rule */
	const char	*file;
	int		 line;
	const char	*marker;	/* SecMarker or a rule's id as skipAfter target; then nothing else counts */

	struct waf_target *target;
	size_t		 n_target;
	enum waf_op_id	 op_id;
	bool		 op_negated;
	struct waf_op	*op;		/* NULL for SecAction */
	struct waf_macro op_arg;
	const enum waf_tfn *tfn;	/* effective chain, t:none already applied */
	size_t		 n_tfn;
	const struct waf_xmlns *xmlns;
	size_t		 n_xmlns;

	unsigned	 flags;		/* enum waf_rule_flag */
	enum waf_disruptive disruptive;	/* of the chain's first rule */
	int		 status;	/* 0: not said (403) */
	struct waf_macro redirect;
	struct waf_act	*act;
	size_t		 n_act;
	int		 skip;		/* rules to skip in this phase after a match */
	const char	*skip_after;	/* NULL: none */

	struct waf_macro msg, logdata;
	struct waf_macro *tag;		/* tags may contain macros */
	size_t		 n_tag;
	const char	*ver, *rev;
	int		 severity;	/* -1 none */
	int		 maturity, accuracy;
	int		 paranoia;	/* from the tag paranoia-level/N; 0 none */

	struct waf_rule	*chained;	/* next rule of the chain */
	size_t		 skip_to;	/* index in phase[].rule where skip/skipAfter continues; SIZE_MAX none */
};

enum waf_limit_action { WAF_LIMIT_REJECT, WAF_LIMIT_PARTIAL };

struct waf_settings {
	enum waf_mode	 engine;	/* SecRuleEngine; never WAF_MODE_RULES */
	bool		 request_body_access, response_body_access;
	int64_t		 request_body_limit, request_body_no_files_limit, response_body_limit;	/* bytes */
	enum waf_limit_action request_body_limit_action, response_body_limit_action;
	struct waf_str	*response_mime;	/* SecResponseBodyMimeType, lower case */
	size_t		 n_response_mime;
	char		 argument_separator;	/* '&' */
	char		 cookie_v0_separator;	/* ';' */
	int		 cookie_format;		/* 0 or 1 */
	int64_t		 arguments_limit;	/* SecArgumentsLimit, 1000 */
	int64_t		 json_depth_limit;	/* SecRequestBodyJsonDepthLimit, 10000 in ModSecurity; we cap at 128 */
	int64_t		 pcre_match_limit, pcre_match_limit_recursion;
	int64_t		 time_limit_us;		/* of one request in all phases; directive SecLLMSecTimeLimit
						   (milliseconds, ours; default 250) */
	int64_t		 upload_file_limit;
	int64_t		 collection_timeout;	/* seconds */
	struct waf_str	 component_signature, web_app_id, sensor_id;
	struct waf_unimap *unimap;
	const char	*data_dir;		/* SecDataDir */
	bool		 xml_external_entity;	/* SecXmlExternalEntity: accepted Off, refused On */
};

struct waf_phase {
	struct waf_rule	**rule;		/* chain heads, SecActions and markers, in order */
	size_t		 n;
};

struct waf_rules {
	struct arena	*arena;
	struct waf_settings settings;
	struct waf_phase phase[6];	/* [1]..[5] */
	struct waf_rule	**all;		/* every rule, chained ones and markers too: owns their op */
	size_t		 n_all;
	struct waf_rx	**rx;		/* every pattern of selectors and ctl, once each: targets and actions share them */
	size_t		 n_rx;
	const char	*const *files;	/* that were read, data files included: for reload by change */
	size_t		 n_files;
};

/* NULL with text in <diag>; nothing half-loaded is returned. */
struct waf_rules *waf_rules_load(const char *path, struct diag *);
struct waf_rules *waf_rules_load_mem(const char *name, const char *dir, const char *text, size_t len, struct diag *);
void		 waf_rules_free(struct waf_rules **);
#endif
