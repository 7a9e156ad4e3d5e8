/* SPDX-License-Identifier: MIT */
/* The tests' YAML: both formats' keys, told apart by their names. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "lib/arena.h"
#include "tests/waf/ftw.h"

struct node {
	yaml_document_t	*doc;
	yaml_node_t	*n;		/* NULL: absent */
};

static struct node
node_get(struct node map, const char *key)
{
	struct node none = {map.doc, NULL};

	if (map.n == NULL || map.n->type != YAML_MAPPING_NODE)
		return none;
	for (yaml_node_pair_t *p = map.n->data.mapping.pairs.start; p < map.n->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(map.doc, p->key);

		if (k->type == YAML_SCALAR_NODE && strcmp((char *)k->data.scalar.value, key) == 0)
			return (struct node){map.doc, yaml_document_get_node(map.doc, p->value)};
	}
	return none;
}

static size_t
node_count(struct node seq)
{
	if (seq.n == NULL || seq.n->type != YAML_SEQUENCE_NODE)
		return 0;
	return (size_t)(seq.n->data.sequence.items.top - seq.n->data.sequence.items.start);
}

static struct node
node_at(struct node seq, size_t i)
{
	return (struct node){seq.doc, yaml_document_get_node(seq.doc, seq.n->data.sequence.items.start[i])};
}

/* The scalar, copied; {NULL, 0} if there is none. */
static struct waf_str
node_str(struct node s, struct arena *a)
{
	if (s.n == NULL || s.n->type != YAML_SCALAR_NODE)
		return (struct waf_str){NULL, 0};
	return (struct waf_str){arena_strndup(a, (char *)s.n->data.scalar.value, s.n->data.scalar.length),
	    s.n->data.scalar.length};
}

static struct waf_str
str_or(struct node map, const char *key, struct arena *a, const char *otherwise)
{
	struct waf_str s = node_str(node_get(map, key), a);

	return s.p != NULL ? s : (struct waf_str){otherwise, strlen(otherwise)};
}

static bool
node_is(struct node s, const char *word)
{
	return s.n != NULL && s.n->type == YAML_SCALAR_NODE && strcasecmp((char *)s.n->data.scalar.value, word) == 0;
}

/* A string, or a list of lines, which CRLFs join. */
static struct waf_str
data_read(struct node d, struct arena *a)
{
	struct waf_str line;
	struct buf b = {0};

	if (node_count(d) == 0)
		return node_str(d, a);
	for (size_t i = 0; i < node_count(d); i++) {
		line = node_str(node_at(d, i), a);
		if (i > 0)
			buf_adds(&b, "\r\n");
		buf_add(&b, line.p, line.n);
	}
	line = (struct waf_str){arena_strndup(a, buf_ptr(&b), buf_len(&b)), buf_len(&b)};
	buf_free(&b);
	return line;
}

/* As in a dictionary, the last value of a name counts, at the place of the first. */
static void
header_set(struct ftw_input *in, struct waf_str name, struct waf_str value)
{
	size_t i = 0;

	while (i < in->n_headers &&
	    (in->headers[i].name.n != name.n || memcmp(in->headers[i].name.p, name.p, name.n) != 0))
		i++;
	in->headers[i] = (struct waf_header){name, value};
	if (i == in->n_headers)
		in->n_headers++;
}

static void
headers_read(struct ftw_input *in, struct node map, struct node ordered, struct arena *a)
{
	size_t n = node_count(ordered), pairs = 0;

	if (map.n != NULL && map.n->type == YAML_MAPPING_NODE)
		pairs = (size_t)(map.n->data.mapping.pairs.top - map.n->data.mapping.pairs.start);
	in->headers = arena_calloc(a, n + pairs + 3, sizeof(*in->headers));
	for (size_t i = 0; i < pairs; i++) {
		yaml_node_pair_t *p = map.n->data.mapping.pairs.start + i;
		struct waf_str value = node_str((struct node){map.doc, yaml_document_get_node(map.doc, p->value)}, a);

		header_set(in, node_str((struct node){map.doc, yaml_document_get_node(map.doc, p->key)}, a),
		    value.p != NULL ? value : WAF_STR(""));
	}
	for (size_t i = 0; i < n; i++)
		in->headers[in->n_headers++] = (struct waf_header){ str_or(node_at(ordered, i), "name", a, ""),
		    str_or(node_at(ordered, i), "value", a, "") };
}

static void
input_read(struct ftw_input *in, struct node n, bool v4, struct arena *a)
{
	struct waf_str encoded = node_str(node_get(n, "encoded_request"), a);

	in->v4 = v4;
	in->method = str_or(n, "method", a, "GET");
	in->uri = str_or(n, "uri", a, "/");
	in->version = str_or(n, "version", a, "HTTP/1.1");
	in->data = data_read(node_get(n, "data"), a);
	if (node_get(n, "encoded_data").n != NULL)
		in->data = ftw_base64_decode(a, node_str(node_get(n, "encoded_data"), a));
	in->raw = node_str(node_get(n, "raw_request"), a);
	if (encoded.n > 0)
		in->raw = ftw_base64_decode(a, encoded);
	in->no_magic = node_is(node_get(n, "stop_magic"), "true") ||
	    node_is(node_get(n, "autocomplete_headers"), "false");
	headers_read(in, node_get(n, "headers"), node_get(n, "ordered_headers"), a);
	if (v4) {
		in->data = ftw_template(a, in->data);
		in->uri = ftw_template(a, in->uri);
	}
}

/* A scalar or a list of them, as numbers; returns how many. */
static size_t
ids_read(struct node n, int64_t *out)
{
	size_t k = node_count(n);

	if (n.n != NULL && n.n->type == YAML_SCALAR_NODE) {
		out[0] = strtoll((char *)n.n->data.scalar.value, NULL, 10);
		return 1;
	}
	for (size_t i = 0; i < k && i < FTW_LIST_MAX; i++)
		ids_read(node_at(n, i), &out[i]);
	return k < FTW_LIST_MAX ? k : FTW_LIST_MAX;
}

static void
patterns_read(struct node n, struct arena *a, const char **out, size_t *count)
{
	struct waf_str s = node_str(n, a);

	if (s.p != NULL && *count < FTW_LIST_MAX)
		out[(*count)++] = s.p;
	for (size_t i = 0; i < node_count(n); i++)
		patterns_read(node_at(n, i), a, out, count);
}

static void
expect_read(struct ftw_expect *e, struct node out, struct arena *a)
{
	struct node log = node_get(out, "log");
	int64_t status[FTW_LIST_MAX];

	patterns_read(node_get(out, "log_contains"), a, e->log, &e->n_log);
	patterns_read(node_get(out, "no_log_contains"), a, e->no_log, &e->n_no_log);
	patterns_read(node_get(log, "match_regex"), a, e->log, &e->n_log);
	patterns_read(node_get(log, "no_match_regex"), a, e->no_log, &e->n_no_log);
	e->n_ids = ids_read(node_get(log, "expect_ids"), e->ids);
	e->n_no_ids = ids_read(node_get(log, "no_expect_ids"), e->no_ids);
	e->n_status = ids_read(node_get(out, "status"), status);
	for (size_t i = 0; i < e->n_status; i++)
		e->status[i] = (int)status[i];
	e->error = node_is(node_get(out, "expect_error"), "true");
	e->isolated = node_is(node_get(out, "isolated"), "true");
	e->response = node_str(node_get(out, "response_contains"), a).p;
}

static void
test_read(struct ftw_test *t, struct node n, const char *prefix, bool v4, struct arena *a)
{
	struct node stages = node_get(n, "stages");
	struct waf_str title = node_str(node_get(n, "test_title"), a), id = node_str(node_get(n, "test_id"), a);

	t->id = title.p != NULL ? title.p : arena_printf(a, "%s-%s", prefix, id.p != NULL ? id.p : "?");
	t->n_stages = node_count(stages);
	t->stage = arena_calloc(a, t->n_stages, sizeof(*t->stage));
	for (size_t i = 0; i < t->n_stages; i++) {
		struct node s = node_at(stages, i), inner = node_get(s, "stage");

		if (inner.n != NULL)
			s = inner;
		input_read(&t->stage[i].input, node_get(s, "input"), v4, a);
		expect_read(&t->stage[i].expect, node_get(s, "output"), a);
		t->stage[i].request = ftw_request(a, &t->stage[i].input);
		ftw_origin(a, &t->stage[i]);
	}
}

static const char *
file_stem(struct arena *a, const char *path)
{
	const char *base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;

	return arena_strndup(a, base, strcspn(base, "."));
}

/* v4 numbers its tests under a rule_id; 3.3 gives each a title. */
static void
document_read(struct ftw_file *f, yaml_document_t *doc, const char *path)
{
	struct node root = {doc, yaml_document_get_root_node(doc)}, tests = node_get(root, "tests");
	struct waf_str rule = node_str(node_get(root, "rule_id"), f->arena);
	bool v4;

	f->enabled = !node_is(node_get(node_get(root, "meta"), "enabled"), "false");
	f->n_tests = node_count(tests);
	f->test = arena_calloc(f->arena, f->n_tests, sizeof(*f->test));
	v4 = rule.p != NULL || (f->n_tests > 0 && node_get(node_at(tests, 0), "test_title").n == NULL);
	for (size_t i = 0; i < f->n_tests; i++)
		test_read(&f->test[i], node_at(tests, i), rule.p != NULL ? rule.p : file_stem(f->arena, path), v4,
		    f->arena);
}

int
ftw_file_load(struct ftw_file *f, const char *path, char *why, size_t size)
{
	yaml_document_t doc;
	yaml_parser_t parser;
	FILE *in = fopen(path, "rb");
	int r = 0;

	memset(f, 0, sizeof(*f));
	if (in == NULL || yaml_parser_initialize(&parser) == 0) {
		snprintf(why, size, "%s", strerror(errno));
		return -errno;
	}
	f->arena = arena_new(0);
	yaml_parser_set_input_file(&parser, in);
	if (f->arena == NULL || yaml_parser_load(&parser, &doc) == 0) {
		snprintf(why, size, "line %zu: %s", parser.problem_mark.line + 1,
		    parser.problem != NULL ? parser.problem : "?");
		r = -EINVAL;
	} else {
		document_read(f, &doc, path);
		yaml_document_delete(&doc);
		r = arena_failed(f->arena) ? -ENOMEM : 0;
	}
	yaml_parser_delete(&parser);
	fclose(in);
	return r;
}

void
ftw_file_free(struct ftw_file *f)
{
	arena_free(&f->arena);
}
