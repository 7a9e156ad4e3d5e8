/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "icap-llmsec/rules_private.h"
#include "lib/diag.h"

/* An honest pattern needs far fewer steps; a hostile text costs milliseconds before it is an ERROR. */
#define RULES_MATCH_LIMIT	1000000
#define RULES_DEPTH_LIMIT	100000
#define PACKS_MAX		256
#define WEIGHT_MAX		6.0f

/* A set of literals and its number in the scan. */
struct group {
	struct conf_strs strs;
};

struct loader {
	struct rules	*rs;
	struct arena	*arena;
	struct diag	*diag;
	const char	*file;
	struct conf_at	 at;
	const char	*what, *id;
	bool		 no_memory;
};

static const struct conf_enum mode_names[] = {{"off", DETECT_OFF}, {"monitor", DETECT_MONITOR}, {"block", DETECT_BLOCK}, {NULL, 0}};

static const struct conf_opt rule_opts[] = {
	CONF_AT(struct rule_src, at),
	CONF_STR(struct rule_src, id, NULL, "", "identifier, as it appears in refusals and events"),
	CONF_STR(struct rule_src, category, NULL, "", "what it finds, dotted"),
	CONF_INT(struct rule_src, severity, 0, 10, "7", "0-10", "how bad a hit is; below 7 it only adds to the score"),
	CONF_STR(struct rule_src, weight, "\"\"", "0-6", "log-odds that a hit adds to the score; half the severity"),
	CONF_ENUM(struct rule_src, mode, mode_names, "block", "the most that the rule may do"),
	CONF_BOOL(struct rule_src, discount, "true", "weighs less where the text quotes or discusses"),
	CONF_STRS(struct rule_src, languages, "ISO 639-1 codes"),
	CONF_STRS(struct rule_src, roles, "user, tool; empty: both"),
	CONF_STR(struct rule_src, pattern, "\"\"", "PCRE2", "on normalised text: folded case, single spaces"),
	CONF_STRS(struct rule_src, phrases, "literal phrases instead of a pattern, normalised"),
	CONF_STRS(struct rule_src, require, "one of these must occur for the pattern to be tried"),
	CONF_STRS(struct rule_src, match, "examples that must match"),
	CONF_STRS(struct rule_src, no_match, "examples that must not"),
	CONF_END
};

static const struct conf_opt topic_opts[] = {
	CONF_AT(struct topic_src, at),
	CONF_STR(struct topic_src, name, NULL, "", "of the topic; TOPIC-name is the rule, topic.name the category"),
	CONF_ENUM(struct topic_src, mode, mode_names, "off", "what is done where it is met"),
	CONF_STRS(struct topic_src, languages, "ISO 639-1 codes"),
	CONF_STRS(struct topic_src, roles, "user, tool; empty: both"),
	CONF_STRS(struct topic_src, phrases, "words and phrases, normalised; whole words"),
	CONF_STRS(struct topic_src, patterns, "PCRE2, on normalised text"),
	CONF_STRS(struct topic_src, match, "examples that must match"),
	CONF_STRS(struct topic_src, no_match, "examples that must not"),
	CONF_END
};

static const struct conf_opt pack_opts[] = {
	CONF_SEQ(struct pack, rules, n_rules, rule_opts, struct rule_src, "the rules"),
	CONF_SEQ(struct pack, topics, n_topics, topic_opts, struct topic_src, "subjects that the operator doesn't want"),
	CONF_END
};

#define FAULT(l, ...) diag_error((l)->diag, (l)->file, (l)->at.line, (l)->at.col, __VA_ARGS__)

static unsigned
role_mask(struct loader *l, const struct conf_strs *roles)
{
	unsigned m = 0;

	for (size_t i = 0; i < roles->n; i++) {
		if (strcmp(roles->v[i], "user") == 0)
			m |= RULE_USER;
		else if (strcmp(roles->v[i], "tool") == 0)
			m |= RULE_TOOL;
		else
			FAULT(l, "%s %s: unknown role \"%s\" (user, tool)", l->what, l->id, roles->v[i]);
	}
	return m != 0 ? m : RULE_USER | RULE_TOOL;
}

/* "2", "2.5"; the locale has no say in it. */
static float
weight_of(struct loader *l, const char *s, float deflt)
{
	float v = 0, scale = 1;
	bool dot = false, ok = s[0] != '.';

	if (s[0] == '\0')
		return deflt;
	for (const char *p = s; *p != '\0' && ok; p++) {
		if (*p == '.' && !dot) {
			dot = true;
			continue;
		}
		ok = *p >= '0' && *p <= '9' && p - s < 6;
		scale /= dot ? 10 : 1;
		v = dot ? v + (float)(*p - '0') * scale : v * 10 + (float)(*p - '0');
	}
	if (!ok || v > WEIGHT_MAX)
		FAULT(l, "%s %s: weight must be a number from 0 to 6", l->what, l->id);
	return v;
}

static struct rule *
rule_new(struct loader *l)
{
	struct rules *rs = l->rs;
	struct rule *v;

	if (rs->n_rules == rs->cap) {
		v = realloc(rs->rules, (rs->cap ? 2 * rs->cap : 64) * sizeof(*v));
		if (v == NULL) {
			l->no_memory = true;
			return NULL;
		}
		rs->rules = v;
		rs->cap = rs->cap ? 2 * rs->cap : 64;
	}
	v = &rs->rules[rs->n_rules++];
	memset(v, 0, sizeof(*v));
	v->file = l->file;
	v->at = l->at;
	v->id = l->id;
	v->pattern = "";
	return v;
}

static bool
strs_equal(const struct conf_strs *a, const struct conf_strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

/* The number of a set of literals; rules that need the same share it. */
static void
rule_group(struct loader *l, struct rule *r, const struct conf_strs *s)
{
	struct rules *rs = l->rs;
	struct group *v;
	size_t i;

	for (i = 0; i < rs->n_groups && !strs_equal(&rs->groups[i].strs, s); i++)
		;
	r->group[r->n_groups++] = (uint32_t)i;
	if (i < rs->n_groups)
		return;
	v = realloc(rs->groups, (i + 1) * sizeof(*v));
	if (v == NULL) {
		l->no_memory = true;
		return;
	}
	rs->groups = v;
	rs->groups[rs->n_groups++].strs = *s;
	for (size_t k = 0; k < s->n; k++)
		if (literals_add(rs->lit, s->v[k], strlen(s->v[k]), (uint32_t)i) < 0)
			FAULT(l, "%s %s: empty literal", l->what, l->id);
}

static void
rule_pattern(struct loader *l, struct rule *r, const struct conf_strs *require)
{
	struct need need;
	PCRE2_SIZE at;
	int err;

	rules_need(&need, r->pattern, l->arena);
	r->reach = need.max_len < RULE_REACH ? need.max_len : RULE_REACH;
	if (require != NULL && require->n > 0)
		rule_group(l, r, require);
	for (unsigned i = 0; i < need.n && r->n_groups < RULE_GROUPS; i++)
		rule_group(l, r, &need.group[i]);
	if (r->n_groups == 0)
		diag_warn(l->diag, l->file, l->at.line, l->at.col,
		    "%s %s: no literal is in each match: it is tried on every text", l->what, l->id);
	r->code = pcre2_compile((PCRE2_SPTR)r->pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
	    &err, &at, NULL);
	if (r->code == NULL) {
		PCRE2_UCHAR why[128];

		pcre2_get_error_message(err, why, sizeof(why));
		FAULT(l, "%s %s: pattern, offset %zu: %s", l->what, l->id, (size_t)at, (char *)why);
		return;
	}
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);	/* without JIT it interprets: slower, not wrong */
}

static void
load_rule(struct loader *l, struct rule_src *s)
{
	struct rule *r;

	l->at = s->at;
	l->what = "rule";
	l->id = s->id;
	r = rule_new(l);
	if (r == NULL)
		return;
	if ((s->pattern[0] != '\0') == (s->phrases.n > 0))
		FAULT(l, "rule %s: give either a pattern or phrases", s->id);
	if (s->match.n == 0)
		FAULT(l, "rule %s: at least one example under match", s->id);
	r->category = s->category;
	r->pattern = s->pattern;
	r->phrases = s->phrases;
	r->severity = s->severity;
	r->mode = (enum detect_mode)s->mode;
	r->weight = weight_of(l, s->weight, (float)s->severity / 2);
	r->discount = s->discount;
	r->match = &s->match;
	r->no_match = &s->no_match;
	r->role_mask = role_mask(l, &s->roles);
	if (s->phrases.n > 0)
		rule_group(l, r, &s->phrases);
	if (s->pattern[0] != '\0')
		rule_pattern(l, r, &s->require);
}

/* <name> in letters, digits, "-" and "_": it becomes part of an id. */
static bool
topic_names(struct loader *l, struct topic_src *s, char **id, char **category)
{
	char id_buf[96], cat_buf[96];

	if (s->name[0] == '\0' || strlen(s->name) > 64 || s->name[strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0') {
		FAULT(l, "topic \"%.80s\": a name has lower-case letters, digits, - and _, at most 64", s->name);
		return false;
	}
	snprintf(id_buf, sizeof(id_buf), "TOPIC-%s", s->name);
	snprintf(cat_buf, sizeof(cat_buf), "topic.%s", s->name);
	*id = arena_strndup(l->rs->names, id_buf, strlen(id_buf));
	*category = arena_strndup(l->rs->names, cat_buf, strlen(cat_buf));
	l->no_memory |= *id == NULL || *category == NULL;
	return !l->no_memory;
}

/* A topic is a rule for its phrases and one for each pattern; they share the id.  It is no sign of an attack: no weight. */
static void
load_topic(struct loader *l, struct topic_src *s)
{
	char *id, *category;

	l->at = s->at;
	l->what = "topic";
	l->id = s->name;
	if (s->phrases.n == 0 && s->patterns.n == 0)
		FAULT(l, "topic %s: give phrases or patterns", s->name);
	if (!topic_names(l, s, &id, &category))
		return;
	for (size_t i = 0; i < s->patterns.n + (s->phrases.n > 0); i++) {
		struct rule *r = rule_new(l);

		if (r == NULL)
			break;
		r->id = id;
		r->category = category;
		r->severity = 7;
		r->mode = (enum detect_mode)s->mode;
		r->words = true;
		r->role_mask = role_mask(l, &s->roles);
		r->match = &s->match;
		r->no_match = &s->no_match;
		if (i < s->patterns.n) {
			r->pattern = s->patterns.v[i];
			rule_pattern(l, r, NULL);
		} else {
			r->phrases = s->phrases;
			rule_group(l, r, &s->phrases);
		}
	}
}

static bool
rule_example(const struct rules *rs, const char *id, const char *text, struct arena *a)
{
	struct norm t;
	struct rule_hit *h;
	size_t n;

	arena_reset(a);
	if (norm_text(&t, text, strlen(text), a) < 0 ||
	    rules_match(rs, RULE_USER | RULE_TOOL, RULES_OFF_TOO, &t, a, &h, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(h[i].id, id) == 0 && h[i].factor >= RULE_FACTOR_TALK)
			return true;
	return false;
}

static void
rules_prove(struct loader *l)
{
	const struct rules *rs = l->rs;
	struct arena *a = arena_new(0);

	for (size_t i = 0; a != NULL && i < rs->n_rules; i++) {
		const struct rule *r = &rs->rules[i];
		const char *what = r->words ? "topic" : "rule";

		if (i > 0 && rs->rules[i - 1].id == r->id)
			continue;	/* of one topic */
		for (size_t k = 0; k < r->match->n; k++)
			if (!rule_example(rs, r->id, r->match->v[k], a))
				diag_error(l->diag, r->file, r->at.line, r->at.col, "%s %s: example %zu must match and does not", what,
				    r->id, k + 1);
		for (size_t k = 0; k < r->no_match->n; k++)
			if (rule_example(rs, r->id, r->no_match->v[k], a))
				diag_error(l->diag, r->file, r->at.line, r->at.col,
				    "%s %s: counter-example %zu must not match and does", what, r->id, k + 1);
		for (size_t k = 0; k < i; k++)
			if (rs->rules[k].id != r->id && strcmp(rs->rules[k].id, r->id) == 0) {
				diag_error(l->diag, r->file, r->at.line, r->at.col, "%s %s: id used twice", what, r->id);
				break;
			}
	}
	l->no_memory |= a == NULL;
	arena_free(&a);
}

static void
load_packs(struct loader *l)
{
	for (size_t i = 0; i < l->rs->n_packs; i++) {
		struct pack *p = &l->rs->packs[i];

		l->file = p->name;
		for (size_t k = 0; k < p->n_rules; k++)
			load_rule(l, &p->rules[k]);
		for (size_t k = 0; k < p->n_topics; k++)
			load_topic(l, &p->topics[k]);
	}
}

static struct rules *
rules_new(void)
{
	struct rules *rs = calloc(1, sizeof(*rs));

	if (rs == NULL)
		return NULL;
	rs->lit = literals_new(false);
	rs->limits = pcre2_match_context_create(NULL);
	rs->packs = calloc(PACKS_MAX, sizeof(*rs->packs));
	rs->names = arena_new(0);
	if (rs->names == NULL || rs->lit == NULL || rs->limits == NULL || rs->packs == NULL)
		rules_free(&rs);
	if (rs != NULL) {
		pcre2_set_match_limit(rs->limits, RULES_MATCH_LIMIT);
		pcre2_set_depth_limit(rs->limits, RULES_DEPTH_LIMIT);
	}
	return rs;
}

/* The packs are read, or <rc> says why not: compile and prove them. */
static int
rules_finish(struct rules **out, struct rules *rs, int rc, int errors, struct diag *d)
{
	struct loader l = {.rs = rs, .diag = d, .arena = arena_new(0)};

	if (rc == 0 && l.arena == NULL)
		rc = -ENOMEM;
	if (rc == 0) {
		load_packs(&l);
		rs->talk = rules_talk_new();
		l.no_memory |= rs->talk == NULL || literals_build(rs->lit) < 0;
		if (diag_errors(d) == errors && !l.no_memory)
			rules_prove(&l);
		rc = l.no_memory ? -ENOMEM : diag_errors(d) > errors ? -EINVAL : 0;
	}
	free(rs->groups);	/* their text was the arena's */
	rs->groups = NULL;
	arena_free(&l.arena);
	if (rc < 0)
		rules_free(&rs);
	*out = rs;
	return rc;
}

static int
read_file(struct rules *rs, const char *path, struct diag *d)
{
	struct pack *p = &rs->packs[rs->n_packs];

	if (rs->n_packs == PACKS_MAX) {
		diag_error(d, path, 0, 0, "more than %d rule files", PACKS_MAX);
		return -EINVAL;
	}
	p->name = strdup(path);
	if (p->name == NULL)
		return -ENOMEM;
	rs->n_packs++;
	return conf_load(path, pack_opts, p, &p->mem, d);
}

static int
is_yaml(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0;
}

/* All *.yaml of a directory, by name. */
static int
read_dir(struct rules *rs, const char *path, struct diag *d)
{
	struct dirent **v;
	int n = scandir(path, &v, is_yaml, alphasort), rc = 0, one;
	char *name;

	if (n < 0) {
		rc = -errno;
		diag_error(d, path, 0, 0, "%s", strerror(errno));
		return rc;
	}
	if (n == 0) {
		diag_error(d, path, 0, 0, "no *.yaml in this directory");
		rc = -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		one = asprintf(&name, "%s/%s", path, v[i]->d_name) < 0 ? -ENOMEM : 0;
		if (one == 0) {
			one = read_file(rs, name, d);
			free(name);
		}
		rc = rc == 0 ? one : rc;
		free(v[i]);
	}
	free(v);
	return rc;
}

int
rules_load_all(struct rules **out, const char *const *path, size_t n, struct diag *d)
{
	struct rules *rs = rules_new();
	int errors = diag_errors(d), rc = 0, one;
	struct stat st;

	*out = NULL;
	if (rs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (path[i] == NULL || path[i][0] == '\0')
			continue;
		one = stat(path[i], &st) == 0 && S_ISDIR(st.st_mode) ? read_dir(rs, path[i], d) : read_file(rs, path[i], d);
		rc = rc == 0 ? one : rc;
	}
	if (rs->n_packs == 0 && rc == 0) {
		rules_free(&rs);
		return 0;
	}
	return rules_finish(out, rs, rc, errors, d);
}

int
rules_load(struct rules **out, const char *path, struct diag *d)
{
	return rules_load_all(out, &path, 1, d);
}

int
rules_load_mem(struct rules **out, const char *name, const char *text, size_t len, struct diag *d)
{
	struct rules *rs = rules_new();
	int errors = diag_errors(d), rc = -ENOMEM;
	struct pack *p;

	*out = NULL;
	if (rs == NULL)
		return -ENOMEM;
	p = &rs->packs[rs->n_packs++];
	p->name = strdup(name);
	if (p->name != NULL)
		rc = conf_load_mem(name, text, len, pack_opts, p, &p->mem, d);
	return rules_finish(out, rs, rc, errors, d);
}

void
rules_free(struct rules **rp)
{
	struct rules *rs = *rp;

	*rp = NULL;
	if (rs == NULL)
		return;
	for (size_t i = 0; i < rs->n_rules; i++)
		pcre2_code_free(rs->rules[i].code);
	for (size_t i = 0; i < rs->n_packs; i++) {
		conf_mem_free(&rs->packs[i].mem);
		free(rs->packs[i].name);
	}
	free(rs->packs);
	free(rs->rules);
	free(rs->groups);
	literals_free(&rs->lit);
	literals_free(&rs->talk);
	arena_free(&rs->names);
	pcre2_match_context_free(rs->limits);
	free(rs);
}
