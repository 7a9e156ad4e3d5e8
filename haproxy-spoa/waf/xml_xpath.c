/* SPDX-License-Identifier: MIT */
/* Targets XML:xpath.  The two that rule sets use are answered from what the reader kept. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "haproxy-spoa/waf/body_xml.h"
#include "lib/arena.h"

#define OPERATIONS_MAX	1000000		/* of one XPath, as libxml2 counts */
#define CONTENT_MAX	((size_t)4 << 20)	/* nested nodes repeat their text */

void
waf_xml_free(struct waf_xml **xp)
{
	struct waf_xml *x = *xp;

	*xp = NULL;
	if (x != NULL && x->doc != NULL)
		xmlFreeDoc(x->doc);
}

static xmlXPathContext *
context_new(xmlDoc *doc, const struct waf_xmlns *ns, size_t n_ns)
{
	xmlXPathContext *c = xmlXPathNewContext(doc);

	if (c == NULL)
		return NULL;
	c->opLimit = OPERATIONS_MAX;
	for (size_t i = 0; i < n_ns; i++)
		if (xmlXPathRegisterNs(c, BAD_CAST ns[i].prefix, BAD_CAST ns[i].href) != 0) {
			xmlXPathFreeContext(c);
			return NULL;
		}
	return c;
}

int
waf_xpath_check(const char *xpath, const struct waf_xmlns *ns, size_t n_ns)
{
	xmlXPathContext *c;
	xmlXPathCompExpr *e = NULL;
	struct waf_xml_quiet quiet;
	int rc;

	waf_xml_init();
	waf_xml_quiet(&quiet);
	c = context_new(NULL, ns, n_ns);
	if (c != NULL)
		e = xmlXPathCtxtCompile(c, BAD_CAST xpath);
	rc = c == NULL ? -ENOMEM : e == NULL ? -EINVAL : 0;
	xmlXPathFreeCompExpr(e);
	xmlXPathFreeContext(c);
	waf_xml_loud(&quiet);
	return rc;
}

/* <left> bytes may still be handed out for this XPath. */
static bool
content_add(struct waf_vars *vars, struct waf_list *out, struct waf_str key, xmlChar *content, size_t *left)
{
	struct waf_str s = { (const char *)content, content != NULL ? (size_t)xmlStrlen(content) : 0 };
	bool ok = content != NULL && s.n <= *left;

	if (ok) {
		*left -= s.n;
		ok = waf_list_add(vars, out, key, waf_vars_dup(vars, s));
	} else
		waf_vars_fail(vars, content == NULL ? WAF_E_MEMORY : WAF_E_ARGS);
	xmlFree(content);
	return ok;
}

static void
result_add(struct waf_vars *vars, struct waf_list *out, struct waf_str key, xmlXPathObject *result)
{
	size_t left = CONTENT_MAX;

	if (result->type != XPATH_NODESET) {
		content_add(vars, out, key, xmlXPathCastToString(result), &left);
		return;
	}
	for (int i = 0; result->nodesetval != NULL && i < result->nodesetval->nodeNr; i++)
		if (!content_add(vars, out, key, xmlXPathCastNodeToString(result->nodesetval->nodeTab[i]), &left))
			return;
}

static bool
tree_make(struct waf_vars *vars, struct waf_xml *x)
{
	if (x->doc == NULL)
		x->doc = xmlReadMemory(x->bytes.p, (int)x->bytes.n, "body", NULL, XML_PARSE_NONET);
	if (x->doc == NULL)
		waf_vars_fail(vars, WAF_E_MEMORY);
	return x->doc != NULL;
}

static int
tree_search(struct waf_vars *vars, const char *xpath, const struct waf_xmlns *ns, size_t n_ns,
    struct waf_list *out)
{
	struct waf_str key = { xpath, strlen(xpath) };
	xmlXPathContext *c;
	xmlXPathCompExpr *e;
	xmlXPathObject *result;
	int rc = 0;

	if (!tree_make(vars, vars->xml))
		return 0;
	c = context_new(vars->xml->doc, ns, n_ns);
	e = c != NULL ? xmlXPathCtxtCompile(c, BAD_CAST xpath) : NULL;
	result = e != NULL ? xmlXPathCompiledEval(e, c) : NULL;
	if (c == NULL)
		waf_vars_fail(vars, WAF_E_MEMORY);
	else if (e == NULL)
		rc = -EINVAL;
	else if (result != NULL)
		result_add(vars, out, key, result);
	else if (c->lastError.code == XML_XPATH_EXPRESSION_OK + XPATH_OP_LIMIT_EXCEEDED)
		waf_vars_fail(vars, WAF_E_TIME);
	xmlXPathFreeObject(result);
	xmlXPathFreeCompExpr(e);
	xmlXPathFreeContext(c);
	return rc;
}

int
waf_vars_xpath(struct waf_vars *vars, const char *xpath, const struct waf_xmlns *ns, size_t n_ns,
    struct waf_list *out)
{
	struct waf_xml *x = vars->xml;
	struct waf_str key = { xpath, strlen(xpath) };
	struct waf_xml_quiet quiet;
	int rc;

	if (x == NULL)
		return 0;
	if (strcmp(xpath, "/*") == 0) {
		if (x->root)
			waf_list_add(vars, out, key, (struct waf_str){ x->len > 0 ? x->text : "", x->len });
		return 0;
	}
	if (strcmp(xpath, "//@*") == 0) {
		for (size_t i = 0; i < x->attrs.n; i++)
			waf_list_add(vars, out, key, x->attrs.v[i].value);
		return 0;
	}
	if (!x->sound)
		return 0;
	waf_xml_quiet(&quiet);
	rc = tree_search(vars, xpath, ns, n_ns, out);
	waf_xml_loud(&quiet);
	return rc;
}
