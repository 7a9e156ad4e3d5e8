/* SPDX-License-Identifier: MIT */
/* The section `waf` of spoad.yaml. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "haproxy-spoa/eng_waf.h"
#include "lib/diag.h"

static const struct conf_enum mode_names[] = {
	{"rules", WAF_MODE_RULES}, {"on", WAF_MODE_ON}, {"detection_only", WAF_MODE_DETECTION_ONLY},
	{"off", WAF_MODE_OFF}, {NULL, 0}
};
static const struct conf_enum profile_mode_names[] = {
	{"inherit", WAF_MODE_INHERIT}, {"rules", WAF_MODE_RULES}, {"on", WAF_MODE_ON},
	{"detection_only", WAF_MODE_DETECTION_ONLY}, {"off", WAF_MODE_OFF}, {NULL, 0}
};
static const struct conf_enum on_error_names[] = {
	{"deny", WAF_ON_ERROR_DENY}, {"allow", WAF_ON_ERROR_ALLOW}, {NULL, 0}
};

#define PROFILE	struct waf_profile_conf

static const struct conf_opt profile_opts[] = {
	CONF_STR(PROFILE, name, NULL, "name", "what HAProxy's argument waf_profile says; TX:llmsec_profile in rules"),
	CONF_ENUM(PROFILE, mode, profile_mode_names, "inherit",
	    "on, detection_only, off, rules (as SecRuleEngine says), inherit (as waf.mode says)"),
	CONF_INT(PROFILE, paranoia_level, 0, 4, "0", "level", "of the Core Rule Set; 0: as crs-setup.conf says"),
	CONF_INT(PROFILE, detection_paranoia_level, 0, 4, "0", "level",
	    "rules up to here run, those over paranoia_level without counting; 0: as paranoia_level"),
	CONF_INT(PROFILE, inbound_threshold, 0, 100000, "0", "score",
	    "refuse requests from this anomaly score on; 0: as crs-setup.conf says"),
	CONF_INT(PROFILE, outbound_threshold, 0, 100000, "0", "score", "the same for responses"),
	CONF_STRS(PROFILE, presets, "more variables of TX, \"name=value\", which rules cannot change"),
	CONF_END
};

const struct conf_opt waf_conf_opts[] = {
	CONF_STR(struct waf_conf, rules, "", "path", "main file of the rules (SecLang); \"\": no WAF"),
	CONF_STR(struct waf_conf, state_dir, "", "path",
	    "collections that outlive a request (IP, SESSION, ...); \"\": they don't"),
	CONF_ENUM(struct waf_conf, mode, mode_names, "rules",
	    "on, detection_only, off, rules (as SecRuleEngine says); where the profile doesn't say"),
	CONF_ENUM(struct waf_conf, on_error, on_error_names, "deny",
	    "a request that could not be judged (a limit was hit): deny answers 503, allow lets it pass"),
	CONF_INT(struct waf_conf, event_score, 0, 100000, "5", "score",
	    "tell llmsecd of passed requests with this inbound anomaly score or more; 0: don't"),
	CONF_STR(struct waf_conf, default_profile, "default", "name", "where HAProxy names none"),
	CONF_SEQ(struct waf_conf, profiles, n_profiles, profile_opts, PROFILE,
	    "what routes want; \"default\" exists without being listed"),
	CONF_END
};

static bool
name_is_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && strchr("_-.", s[i]) == NULL)
			return false;
	return n > 0;
}

static void
profile_check(const struct waf_profile_conf *p, const char *path, struct diag *d)
{
	const char *eq;

	if (!name_is_plain(p->name, strlen(p->name)))
		diag_error(d, path, 0, 0, "waf.profiles: \"%s\" is no name: letters, digits, _ - .", p->name);
	if (p->detection_paranoia_level != 0 && p->detection_paranoia_level < p->paranoia_level)
		diag_error(d, path, 0, 0, "waf.profiles: %s: detection_paranoia_level is below paranoia_level", p->name);
	for (size_t i = 0; i < p->presets.n; i++) {
		eq = strchr(p->presets.v[i], '=');
		if (eq == NULL || !name_is_plain(p->presets.v[i], (size_t)(eq - p->presets.v[i])))
			diag_error(d, path, 0, 0, "waf.profiles: %s: preset \"%s\" is not name=value", p->name,
			    p->presets.v[i]);
	}
}

void
waf_conf_check(const struct waf_conf *c, const char *path, struct diag *d)
{
	bool known = strcmp(c->default_profile, "default") == 0;

	for (size_t i = 0; i < c->n_profiles; i++) {
		profile_check(&c->profiles[i], path, d);
		known |= strcmp(c->profiles[i].name, c->default_profile) == 0;
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->profiles[i].name, c->profiles[k].name) == 0)
				diag_error(d, path, 0, 0, "waf.profiles: \"%s\" is there twice", c->profiles[i].name);
	}
	if (!known)
		diag_error(d, path, 0, 0, "waf.default_profile: there is no profile \"%s\"", c->default_profile);
}
