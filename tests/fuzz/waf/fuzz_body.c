/* SPDX-License-Identifier: MIT */
/*
 * Request bodies.  The first byte says how: bits 0-1 the processor, 2 cut, 3 few arguments, 4 little memory,
 * 5 the first line is the Content-Type.
 */
#include "config.h"

#include <string.h>

#include "lib/json.h"
#include "tests/fuzz/waf/vars_check.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
json_ignore(void *arg, const struct json_value *v)
{
	(void)arg;
	(void)v;
	return 0;
}

/* REQBODY_ERROR is what the scanner says, unless a limit came first. */
static void
json_check(const struct waf_vars *vars, struct waf_str body, bool cut)
{
	bool error = *waf_vars_get(vars, WAF_V_REQBODY_ERROR).p == '1';

	if (vars->error == WAF_E_NONE && !cut && body.n > 0)
		MUST(error == (json_scan_all(body.p, body.n, 0, NULL, json_ignore, NULL, NULL, NULL) != 0));
}

/* Parts don't overlap: together they are no longer than the body. */
static void
multipart_check(const struct waf_vars *vars, struct waf_str body)
{
	static const enum waf_var lists[] = { WAF_V_ARGS_POST, WAF_V_FILES_TMP_CONTENT };
	size_t sum = 0;

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < vars->list[lists[l]].n; i++)
			sum += vars->list[lists[l]].v[i].value.n;
	MUST(sum <= body.n);
}

static void
xml_check(struct waf_vars *vars)
{
	static const char *const paths[] = { "/*", "//@*", "//*", "//a[@b]" };
	struct waf_list out = { NULL, 0, 0 };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		MUST(waf_vars_xpath(vars, paths[i], NULL, 0, &out) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "URLENCODED", "JSON", "MULTIPART", "XML" };
	struct waf_settings set = { .request_body_access = true, .arguments_limit = 1000,
	    .upload_file_limit = 100, .request_body_limit_action = WAF_LIMIT_PARTIAL };
	struct waf_header header = { WAF_STR("Content-Type"), WAF_STR("multipart/form-data; boundary=b") };
	struct waf_request req = { .method = WAF_STR("POST"), .uri = WAF_STR("/?q=1"),
	    .protocol = WAF_STR("HTTP/1.1"), .headers = &header, .n_headers = 1 };
	struct arena *arena;
	struct waf_vars vars;
	const char *name, *nl;
	unsigned how;

	if (n == 0 || n > 65536)
		return 0;
	how = data[0];
	name = names[how & 3];
	req.body = (struct waf_str){ (const char *)data + 1, n - 1 };
	req.body_cut = (how & 4) != 0;
	set.arguments_limit = how & 8 ? 3 : 1000;
	if ((how & 32) && (nl = memchr(req.body.p, '\n', req.body.n)) != NULL) {
		header.value = (struct waf_str){ req.body.p, (size_t)(nl - req.body.p) };
		req.body = waf_str_from(req.body, header.value.n + 1);
	}
	arena = arena_new(how & 16 ? 2000 : 0);
	MUST(arena != NULL);
	waf_vars_init(&vars, arena);
	waf_vars_request_headers(&vars, &set, &req);
	waf_vars_set(&vars, WAF_V_REQBODY_PROCESSOR, (struct waf_str){ name, strlen(name) });
	waf_vars_request_body(&vars, &set, &req, false);
	if ((how & 3) == 1)
		json_check(&vars, req.body, req.body_cut);
	else if ((how & 3) == 2)
		multipart_check(&vars, req.body);
	else if ((how & 3) == 3)
		xml_check(&vars);
	vars_check(&vars, arena);
	waf_vars_release(&vars);
	arena_free(&arena);
	return 0;
}
