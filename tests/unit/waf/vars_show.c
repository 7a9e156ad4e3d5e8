/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "tests/unit/waf/vars_show.h"

void
vars_test_init(struct vars_test *t)
{
	memset(t, 0, sizeof(*t));
	t->arena = arena_new(0);
	if (t->arena == NULL)
		abort();
	waf_vars_init(&t->vars, t->arena);
	t->set = (struct waf_settings){ .request_body_access = true, .request_body_limit = 13107200,
	    .request_body_no_files_limit = 131072, .response_body_limit = 524288, .argument_separator = '&',
	    .cookie_v0_separator = ';', .arguments_limit = 1000, .json_depth_limit = 512,
	    .upload_file_limit = 100 };
	t->req = (struct waf_request){ .method = WAF_STR("GET"), .uri = WAF_STR("/"),
	    .protocol = WAF_STR("HTTP/1.1"), .headers = t->header };
}

void
vars_test_free(struct vars_test *t)
{
	waf_vars_release(&t->vars);
	arena_free(&t->arena);
}

void
vars_test_header(struct vars_test *t, const char *name, const char *value)
{
	t->header[t->req.n_headers++] = (struct waf_header){ { name, strlen(name) }, { value, strlen(value) } };
}

void
vars_test_body(struct vars_test *t, const char *type, const char *processor, const char *body, size_t len)
{
	if (type != NULL)
		vars_test_header(t, "Content-Type", type);
	t->req.body = (struct waf_str){ body, len };
	waf_vars_request_headers(&t->vars, &t->set, &t->req);
	if (processor != NULL)
		waf_vars_set(&t->vars, WAF_V_REQBODY_PROCESSOR,
		    (struct waf_str){ processor, strlen(processor) });
	waf_vars_request_body(&t->vars, &t->set, &t->req, false);
}

struct text {
	char	*p, *end;
};

static void
show_bytes(struct text *t, struct waf_str s)
{
	for (size_t i = 0; i < s.n && t->end - t->p > 8; i++) {
		if (s.p[i] >= 0x20 && s.p[i] <= 0x7e)
			*t->p++ = s.p[i];
		else
			t->p += sprintf(t->p, "\\x%02x", (unsigned char)s.p[i]);
	}
	*t->p = '\0';
}

const char *
vars_show_list(const struct waf_list *list, bool collection)
{
	static char out[4][65536];
	static unsigned turn;
	char *start = out[turn++ % 4];
	struct text t = { start, start + sizeof(out[0]) };

	*start = '\0';
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			show_bytes(&t, WAF_STR("|"));
		if (collection) {
			show_bytes(&t, list->v[i].key);
			show_bytes(&t, WAF_STR("="));
		}
		show_bytes(&t, list->v[i].value);
	}
	return start;
}

const char *
vars_show(const struct waf_vars *vars, enum waf_var var)
{
	return vars_show_list(&vars->list[var], waf_var_is_collection(var));
}
