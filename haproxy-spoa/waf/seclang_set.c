/* SPDX-License-Identifier: MIT */
/* Directives that set one value of struct waf_settings. */
#include "config.h"

#include <limits.h>
#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

#define KB	((int64_t)1024)
#define MB	(1024 * KB)

/* Nesting beyond this is refused whatever the file says: the reader of JSON keeps a stack of that size. */
#define JSON_DEPTH_MAX	128

/*
 * Defaults are ModSecurity's, but for two that would make a rule set that says nothing do nothing: there the
 * engine and the access to request bodies are off until switched on.
 */
void
sl_set_defaults(struct waf_settings *s)
{
	static struct waf_str mime[] = {{"text/plain", 10}, {"text/html", 9}};

	*s = (struct waf_settings){
		.engine = WAF_MODE_ON,
		.request_body_access = true,
		.request_body_limit = 128 * MB,
		.request_body_no_files_limit = 1 * MB,
		.response_body_limit = 512 * KB,
		.response_mime = mime,
		.n_response_mime = 2,
		.argument_separator = '&',
		.cookie_v0_separator = ';',
		.arguments_limit = 1000,
		.json_depth_limit = JSON_DEPTH_MAX,
		.pcre_match_limit = 100000,
		.pcre_match_limit_recursion = 100000,
		.time_limit_us = 250 * 1000,
		.upload_file_limit = 100,
		.collection_timeout = 3600,
	};
}

static void *
field(struct sl *sl, const struct sl_directive *dir)
{
	return (char *)&sl->rules->settings + dir->off;
}

static void
set_bool(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);

	(void)n;
	if (!sl_on_off(&t, field(sl, dir)))
		sl_error(sl, &t, NULL, "%s: \"%.*s\" is neither On nor Off", dir->name, SL_FMT(t));
}

static void
set_int64(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);
	int64_t v;

	(void)n;
	if (!sl_number(&t, dir->lo, dir->hi, &v)) {
		sl_error(sl, &t, NULL, "%s: \"%.*s\" is not a number from %lld to %lld", dir->name, SL_FMT(t),
		    (long long)dir->lo, (long long)dir->hi);
		return;
	}
	memcpy(field(sl, dir), &v, sizeof(v));
}

static void
set_int(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);
	int64_t v = 0;
	int i;

	(void)n;
	if (!sl_number(&t, dir->lo, dir->hi, &v))
		sl_error(sl, &t, NULL, "%s: \"%.*s\" is not a number from %lld to %lld", dir->name, SL_FMT(t),
		    (long long)dir->lo, (long long)dir->hi);
	i = (int)v;
	memcpy(field(sl, dir), &i, sizeof(i));
}

static void
set_json_depth(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);
	int64_t *depth = field(sl, dir);

	set_int64(sl, dir, arg, n);
	if (*depth <= JSON_DEPTH_MAX)
		return;
	sl_warn(sl, &t, NULL, "%s: the deepest that is read here is %d", dir->name, JSON_DEPTH_MAX);
	*depth = JSON_DEPTH_MAX;
}

static void
set_time_limit(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	int64_t *us = field(sl, dir), before = *us;

	*us = 0;
	set_int64(sl, dir, arg, n);
	*us = *us != 0 ? *us * 1000 : before;
}

static void
set_str(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct waf_str s = sl_dup(sl->a, arg->p, arg->n);

	(void)n;
	memcpy(field(sl, dir), &s, sizeof(s));
}

static void
set_path(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	const char *path = sl_path(sl, arg->p, arg->n);

	(void)n;
	memcpy(field(sl, dir), &path, sizeof(path));
}

static void
set_char(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);

	(void)n;
	if (t.n != 1)
		sl_error(sl, &t, NULL, "%s: \"%.*s\" is not one character", dir->name, SL_FMT(t));
	else
		memcpy(field(sl, dir), t.p, 1);
}

static void
set_engine(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);
	enum waf_mode mode = WAF_MODE_OFF;

	(void)n;
	if (sl_is(&t, "On"))
		mode = WAF_MODE_ON;
	else if (sl_is(&t, "DetectionOnly"))
		mode = WAF_MODE_DETECTION_ONLY;
	else if (!sl_is(&t, "Off"))
		sl_error(sl, &t, NULL, "%s: \"%.*s\" is none of On, DetectionOnly, Off", dir->name, SL_FMT(t));
	memcpy(field(sl, dir), &mode, sizeof(mode));
}

static void
set_limit_action(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);
	enum waf_limit_action a = WAF_LIMIT_REJECT;

	(void)n;
	if (sl_is(&t, "ProcessPartial"))
		a = WAF_LIMIT_PARTIAL;
	else if (!sl_is(&t, "Reject"))
		sl_error(sl, &t, NULL, "%s: \"%.*s\" is neither Reject nor ProcessPartial", dir->name, SL_FMT(t));
	memcpy(field(sl, dir), &a, sizeof(a));
}

/* The first one takes the place of the default list, the next ones add to it. */
static void
set_mime(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct waf_settings *s = &sl->rules->settings;
	struct waf_str *list = sl->mime, *slot;

	(void)dir;
	for (size_t i = 0; i < n && (slot = SL_ADD(sl->a, list, sl->n_mime)) != NULL; i++)
		*slot = sl_dup_lower(sl->a, arg[i].p, arg[i].n);
	s->response_mime = sl->mime = list;
	s->n_response_mime = list ? sl->n_mime : 0;
}

static void
clear_mime(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	(void)dir;
	(void)arg;
	(void)n;
	sl->mime = NULL;
	sl->n_mime = sl->rules->settings.n_response_mime = 0;
}

/* FILE CODEPAGE; without a page ModSecurity 2 takes the one of SecUnicodeCodePage, 20127 as a rule. */
static void
set_unicode_map(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct waf_unimap **map = &sl->rules->settings.unimap;
	struct sl_text t = sl_text(&arg[0]), page;
	int64_t codepage = 20127;
	const char *path;

	if (n > 1) {
		page = sl_text(&arg[1]);
		if (!sl_number(&page, 1, 65535, &codepage))
			sl_error(sl, &page, NULL, "%s: \"%.*s\" is not a code page", dir->name, SL_FMT(page));
	}
	if (sl->file->dir == NULL) {
		sl_error(sl, &t, NULL, "%s: no files may be read from here", dir->name);
		return;
	}
	waf_unimap_free(map);
	path = sl_path(sl, t.p, t.n);
	sl_note_file(sl, path);
	if (waf_unimap_load(map, path, (int)codepage, sl->diag) != 0)
		sl_error(sl, &t, NULL, "%s: cannot load %s", dir->name, path);
}

/* What is safe when Off and would open a hole, or promise what isn't there, when On. */
static void
only_off(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(arg);
	bool on = true;

	(void)n;
	if (!sl_on_off(&t, &on))
		sl_error(sl, &t, NULL, "%s: \"%.*s\" is neither On nor Off", dir->name, SL_FMT(t));
	else if (on)
		sl_error(sl, &t, NULL, "%s: only Off: %s", dir->name, dir->why);
}

#define S(f)	offsetof(struct waf_settings, f)

const struct sl_directive sl_settings[] = {
	{"SecRuleEngine", 1, 1, set_engine, S(engine), 0, 0, NULL},
	{"SecRequestBodyAccess", 1, 1, set_bool, S(request_body_access), 0, 0, NULL},
	{"SecResponseBodyAccess", 1, 1, set_bool, S(response_body_access), 0, 0, NULL},
	{"SecRequestBodyLimit", 1, 1, set_int64, S(request_body_limit), 0, 1024 * MB, NULL},
	{"SecRequestBodyNoFilesLimit", 1, 1, set_int64, S(request_body_no_files_limit), 0, 1024 * MB, NULL},
	{"SecResponseBodyLimit", 1, 1, set_int64, S(response_body_limit), 0, 1024 * MB, NULL},
	{"SecRequestBodyLimitAction", 1, 1, set_limit_action, S(request_body_limit_action), 0, 0, NULL},
	{"SecResponseBodyLimitAction", 1, 1, set_limit_action, S(response_body_limit_action), 0, 0, NULL},
	{"SecResponseBodyMimeType", 1, -1, set_mime, 0, 0, 0, NULL},
	{"SecResponseBodyMimeTypesClear", 0, 0, clear_mime, 0, 0, 0, NULL},
	{"SecArgumentSeparator", 1, 1, set_char, S(argument_separator), 0, 0, NULL},
	{"SecCookieFormat", 1, 1, set_int, S(cookie_format), 0, 1, NULL},
	{"SecCookieV0Separator", 1, 1, set_char, S(cookie_v0_separator), 0, 0, NULL},
	{"SecArgumentsLimit", 1, 1, set_int64, S(arguments_limit), 1, 100000, NULL},
	{"SecRequestBodyJsonDepthLimit", 1, 1, set_json_depth, S(json_depth_limit), 1, 1000000, NULL},
	{"SecPcreMatchLimit", 1, 1, set_int64, S(pcre_match_limit), 1, INT_MAX, NULL},
	{"SecPcreMatchLimitRecursion", 1, 1, set_int64, S(pcre_match_limit_recursion), 1, INT_MAX, NULL},
	{"SecLLMSecTimeLimit", 1, 1, set_time_limit, S(time_limit_us), 1, 60000, NULL},
	{"SecUploadFileLimit", 1, 1, set_int64, S(upload_file_limit), 1, 100000, NULL},
	{"SecCollectionTimeout", 1, 1, set_int64, S(collection_timeout), 1, 100000000, NULL},
	{"SecComponentSignature", 1, 1, set_str, S(component_signature), 0, 0, NULL},
	{"SecWebAppId", 1, 1, set_str, S(web_app_id), 0, 0, NULL},
	{"SecSensorId", 1, 1, set_str, S(sensor_id), 0, 0, NULL},
	{"SecDataDir", 1, 1, set_path, S(data_dir), 0, 0, NULL},
	{"SecUnicodeMapFile", 1, 2, set_unicode_map, 0, 0, 0, NULL},
	{"SecXmlExternalEntity", 1, 1, only_off, 0, 0, 0, "an external entity reads files and networks for the "
	    "client"},
	{"SecHashEngine", 1, 1, only_off, 0, 0, 0, "answers pass through unchanged, no link is ever signed"},
	{"SecEncryptionEngine", 1, 1, only_off, 0, 0, 0, "answers pass through unchanged, no link is ever signed"},
	{"SecContentInjection", 1, 1, only_off, 0, 0, 0, "answers pass through unchanged"},
	{"SecStreamInBodyInspection", 1, 1, only_off, 0, 0, 0, "bodies are judged whole and never rewritten"},
	{"SecStreamOutBodyInspection", 1, 1, only_off, 0, 0, 0, "bodies are judged whole and never rewritten"},
	{"SecParseXmlIntoArgs", 1, 1, only_off, 0, 0, 0, "XML is reached by XML:/* and XML://@*"},
	{0}};
