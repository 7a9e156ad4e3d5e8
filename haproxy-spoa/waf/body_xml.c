/* SPDX-License-Identifier: MIT */
/*
 * XML: libxml2 reads, as SAX events, so that what nearly all rules want - the text of the document, the values
 * of its attributes - costs no tree.  Nothing is fetched and no entity is ever expanded: declarations are not
 * kept, so there is nothing to expand.  A document that declares entities or names an external DTD is refused
 * (REQBODY_ERROR), since the application might do what we don't; what it declares is shown to the rules first.
 */
#include "config.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "haproxy-spoa/waf/body_xml.h"
#include "lib/arena.h"

#define DEPTH_MAX	256
#define TAG_ATTRS_MAX	512	/* libxml2 compares each attribute of an element with each */
#define NAMESPACES_MAX	512	/* in scope at a time: looked up one by one */

struct reader {
	struct waf_vars	*vars;
	const struct waf_settings *set;
	struct waf_xml	*xml;
	xmlParserCtxt	*ctxt;
	size_t		 depth;
	size_t		 namespaces;	/* in scope */
	uint16_t	 declared[DEPTH_MAX];	/* of them by each open element */
	bool		 refused;
};

void
waf_xml_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, xmlInitParser);
}

static void
error_ignore(void *arg, waf_xml_error *error)
{
	(void)arg;
	(void)error;
}

void
waf_xml_quiet(struct waf_xml_quiet *q)
{
	q->fn = xmlStructuredError;
	q->arg = xmlStructuredErrorContext;
	xmlSetStructuredErrorFunc(NULL, error_ignore);	/* of this thread only */
}

void
waf_xml_loud(const struct waf_xml_quiet *q)
{
	xmlSetStructuredErrorFunc(q->arg, q->fn);
}

static void
stop(struct reader *r, enum waf_error error, const char *text)
{
	r->refused = true;
	waf_vars_fail(r->vars, error);
	waf_vars_body_error(r->vars, text);
	xmlStopParser(r->ctxt);
}

/* Goes on, so that the rules see more, up to a reference to what was not kept. */
static void
refuse(struct reader *r, const char *text)
{
	r->refused = true;
	waf_vars_body_error(r->vars, text);
}

static bool
text_room(struct reader *r, size_t n)
{
	struct waf_xml *x = r->xml;
	size_t cap = x->cap ? x->cap : 256;
	char *p;

	if (n <= x->cap - x->len)
		return true;
	while (n > cap - x->len)
		cap *= 2;
	p = arena_alloc(r->vars->arena, cap);
	if (p == NULL) {
		stop(r, WAF_E_MEMORY, "XML: out of memory");
		return false;
	}
	if (x->len > 0)
		memcpy(p, x->text, x->len);
	x->text = p;
	x->cap = cap;
	return true;
}

static void
on_text(void *arg, const xmlChar *s, int len)
{
	struct reader *r = arg;

	if (len <= 0 || !text_room(r, (size_t)len))
		return;
	memcpy(r->xml->text + r->xml->len, s, (size_t)len);
	r->xml->len += (size_t)len;
}

/*
 * libxml2, told not to replace entities, writes a '&' in an attribute's value as "&#38;" and leaves references
 * to entities as they are.
 */
static void
value_add(struct reader *r, const xmlChar *s, size_t n)
{
	struct waf_vars *vars = r->vars;
	const char *p = (const char *)s, *end = p + n, *amp;
	char *copy, *o;

	if (r->set->arguments_limit > 0 && r->xml->attrs.n >= (uint64_t)r->set->arguments_limit) {
		stop(r, WAF_E_ARGS, "XML: too many attributes");
		return;
	}
	o = copy = arena_alloc(vars->arena, n);
	if (copy == NULL) {
		stop(r, WAF_E_MEMORY, "XML: out of memory");
		return;
	}
	while (p < end && (amp = memmem(p, (size_t)(end - p), "&#38;", 5)) != NULL) {
		o = waf_str_put(o, (struct waf_str){ p, (size_t)(amp - p) + 1 });
		p = amp + 5;
	}
	o = waf_str_put(o, (struct waf_str){ p, (size_t)(end - p) });
	waf_list_add(vars, &r->xml->attrs, WAF_STR(""), (struct waf_str){ copy, (size_t)(o - copy) });
}

static void
declared_add(struct reader *r, const xmlChar *s)
{
	if (s != NULL)
		value_add(r, s, (size_t)xmlStrlen(s));
}

/* Attributes that a DTD gives by default come last and are left out: they were shown when declared. */
static void
on_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
    const xmlChar **ns, int n_attrs, int n_defaulted, const xmlChar **attrs)
{
	struct reader *r = arg;

	(void)name;
	(void)prefix;
	(void)uri;
	(void)ns;
	r->xml->root = true;
	if (r->depth == DEPTH_MAX) {
		stop(r, WAF_E_DEPTH, "XML: nested too deeply");
		return;
	}
	r->declared[r->depth++] = (uint16_t)n_ns;
	r->namespaces += (size_t)n_ns;
	if (n_ns > NAMESPACES_MAX || r->namespaces > NAMESPACES_MAX) {
		stop(r, WAF_E_ARGS, "XML: too many namespaces");
		return;
	}
	for (int i = 0; i < n_attrs - n_defaulted && !r->ctxt->disableSAX; i++, attrs += 5)
		value_add(r, attrs[3], (size_t)(attrs[4] - attrs[3]));
}

static void
on_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reader *r = arg;

	(void)name;
	(void)prefix;
	(void)uri;
	if (r->depth > 0)
		r->namespaces -= r->declared[--r->depth];
}

static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	struct reader *r = arg;

	(void)name;
	if (public_id == NULL && system_id == NULL)
		return;
	declared_add(r, public_id);
	declared_add(r, system_id);
	refuse(r, "XML: external DTD refused");
}

static void
on_entity(void *arg, const xmlChar *name, int type, const xmlChar *public_id, const xmlChar *system_id,
    xmlChar *content)
{
	struct reader *r = arg;

	(void)name;
	(void)type;
	declared_add(r, public_id);
	declared_add(r, system_id);
	declared_add(r, content);
	refuse(r, "XML: entity declaration refused");
}

static void
on_unparsed_entity(void *arg, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id,
    const xmlChar *notation)
{
	(void)notation;
	on_entity(arg, name, 0, public_id, system_id, NULL);
}

static void
on_attribute_decl(void *arg, const xmlChar *element, const xmlChar *name, int type, int def,
    const xmlChar *value, xmlEnumeration *tree)
{
	(void)element;
	(void)name;
	(void)type;
	(void)def;
	declared_add(arg, value);
	xmlFreeEnumeration(tree);
}

/* The first complaint that makes the document ill-formed. */
static void
on_error(void *arg, waf_xml_error *error)
{
	struct reader *r = arg;
	const char *text;
	int n;

	if (error == NULL || error->level < XML_ERR_FATAL || r->refused ||
	    *waf_vars_get(r->vars, WAF_V_REQBODY_ERROR).p == '1')
		return;
	n = error->message != NULL ? (int)strcspn(error->message, "\n") : 0;
	text = arena_printf(r->vars->arena, "XML: line %d: %.*s", error->line, n < 200 ? n : 200,
	    error->message != NULL ? error->message : "");
	waf_vars_body_error(r->vars, text != NULL ? text : "XML: not well-formed");
}

static const xmlSAXHandler handler = {
	.initialized = XML_SAX2_MAGIC, .characters = on_text, .ignorableWhitespace = on_text,
	.cdataBlock = on_text, .startElementNs = on_start, .endElementNs = on_end, .internalSubset = on_doctype,
	.entityDecl = on_entity, .unparsedEntityDecl = on_unparsed_entity, .attributeDecl = on_attribute_decl,
	.serror = on_error,
};

/*
 * Does any tag have too many attributes?  Found before libxml2, whose work grows with the square.  Only tags
 * count quotes, and a tag inside a comment or CDATA counts as one; NULs are passed over for UTF-16.
 */
static bool
tags_sane(struct waf_str s)
{
	size_t n = 0;
	bool tag = false;
	char quote = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '<') {		/* not allowed in values either */
			tag = true;
			quote = 0;
			n = 0;
		} else if (tag && quote == 0 && (c == '"' || c == '\'')) {
			quote = c;
			if (++n > TAG_ATTRS_MAX)
				return false;
		} else if (tag && c == quote)
			quote = 0;
		else if (c == '>' && quote == 0)
			tag = false;
	}
	return true;
}

static void
document_read(struct reader *r, const struct waf_body *body)
{
	xmlSAXHandler sax = handler;
	xmlParserCtxt *ctxt = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL);

	if (ctxt == NULL) {
		waf_vars_fail(r->vars, WAF_E_MEMORY);
		return;
	}
	r->ctxt = ctxt;
	xmlCtxtUseOptions(ctxt, XML_PARSE_NONET);
	xmlParseChunk(ctxt, body->bytes.p, (int)body->bytes.n, !body->cut);
	if (!ctxt->wellFormed && !r->refused && *waf_vars_get(r->vars, WAF_V_REQBODY_ERROR).p == '0')
		waf_vars_body_error(r->vars, "XML: not well-formed");
	r->xml->sound = ctxt->wellFormed && !r->refused && !body->cut;
	if (ctxt->myDoc != NULL)
		xmlFreeDoc(ctxt->myDoc);
	xmlFreeParserCtxt(ctxt);
}

void
waf_body_xml(struct waf_vars *vars, const struct waf_settings *set, const struct waf_body *body)
{
	struct reader r = { .vars = vars, .set = set };
	struct waf_xml_quiet quiet;

	waf_xml_free(&vars->xml);
	vars->xml = r.xml = arena_calloc(vars->arena, 1, sizeof(*r.xml));
	if (r.xml == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return;
	}
	r.xml->bytes = body->bytes;
	if (body->bytes.n > INT_MAX) {
		waf_vars_fail(vars, WAF_E_BODY_LIMIT);
		return;
	}
	if (!tags_sane(body->bytes)) {
		waf_vars_fail(vars, WAF_E_ARGS);
		waf_vars_body_error(vars, "XML: too many attributes");
		return;
	}
	waf_xml_init();
	waf_xml_quiet(&quiet);
	document_read(&r, body);
	waf_xml_loud(&quiet);
}
