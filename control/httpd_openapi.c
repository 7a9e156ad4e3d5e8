/* SPDX-License-Identifier: MIT */
/*
 * The contract of everything below /api/, OpenAPI 3.0 (https://spec.openapis.org/oas/v3.0.3), made from one table.
 * tests/control/api.sh holds it against what is answered, both ways: paths, methods, statuses and bodies.
 */
#include "config.h"

#include <string.h>

#include "control/httpd_private.h"

#define PARAM(in, name, need, schema) "{\"name\":\"" name "\",\"in\":\"" in "\"" need ",\"schema\":{" schema "}}"
#define QUERY(name, schema) PARAM("query", name, "", schema)
#define TEXT		"\"type\":\"string\""
#define COUNT		"\"type\":\"integer\",\"minimum\":0"
#define PAGES		QUERY("limit", "\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100") "," \
			QUERY("offset", COUNT) "," QUERY("search", TEXT)
#define ID		PARAM("path", "id", ",\"required\":true", "\"type\":\"integer\",\"minimum\":1")
#define NET		QUERY("ip", TEXT) "," QUERY("cidr", TEXT)
#define NAME		QUERY("domain", TEXT)
#define EVENTS		QUERY("since", TEXT) "," QUERY("after", COUNT) "," \
			QUERY("limit", "\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":100") "," \
			QUERY("min_severity", "\"type\":\"integer\",\"minimum\":0,\"maximum\":10") "," QUERY("event", TEXT) "," \
			QUERY("request_id", TEXT) "," QUERY("ip", TEXT) "," QUERY("until", TEXT) "," \
			QUERY("before", "\"type\":\"integer\",\"minimum\":1") "," QUERY("layer", TEXT) "," QUERY("action", TEXT) "," \
			QUERY("from_node", TEXT) "," QUERY("key", TEXT) "," QUERY("user", TEXT) "," QUERY("target", TEXT)

/* What of every operation of the egress API may come back, whoever asks and whatever the body. */
#define ANY		"400 401 413 429 500 503"

static const struct operation {
	const char	*path, *method, *role, *summary;
	const char	*params;	/* NULL: none */
	const char	*body;		/* a schema, or a media type for any text; NULL: none */
	bool		 body_needed;
	const char	*schema;	/* of 200: a schema, or a media type */
	const char	*statuses;	/* others than 200 */
} operations[] = {
	{ "/api/ip-blacklist", "get", "viewer", "Destinations refused by address, newest first", PAGES, NULL, false, "Networks", ANY },
	{ "/api/ip-blacklist", "post", "operator", "Add one; the same again is the same, with the new description and end", NULL, "Network", true,
	    "NetworkAdded", ANY " 403" },
	{ "/api/ip-blacklist", "delete", "operator", "Remove one, by parameter or body", NET, "Network", false, "Removed", ANY " 403 404" },
	{ "/api/ip-blacklist/{id}", "delete", "operator", "Remove one by number", ID, NULL, false, "Removed", ANY " 403 404" },
	{ "/api/ip-blacklist/import", "post", "operator", "Import a list: text, hosts, AdBlock, RPZ, CSV or JSON, up to 256 MB; or {url}. Not with a node's signature",
	    NULL, "text/plain", true, "Imported", ANY " 403 502" },
	{ "/api/ip-blacklist/import", "delete", "operator", "Take what such a list imported off again; what a person entered stays", NULL,
	    "text/plain", true, "TakenOff", ANY " 403 502" },
	{ "/api/domain-blacklist", "get", "viewer", "Destinations refused by name, newest first", PAGES, NULL, false, "Domains", ANY },
	{ "/api/domain-blacklist", "post", "operator", "Add one, and all below it; the same again is the same, with the new description and end", NULL, "Domain", true,
	    "DomainAdded", ANY " 403" },
	{ "/api/domain-blacklist", "delete", "operator", "Remove one, by parameter or body", NAME, "Domain", false, "Removed", ANY " 403 404" },
	{ "/api/domain-blacklist/{id}", "delete", "operator", "Remove one by number", ID, NULL, false, "Removed", ANY " 403 404" },
	{ "/api/domain-blacklist/import", "post", "operator", "Import a list: text, hosts, AdBlock, RPZ, CSV or JSON, up to 256 MB; or {url}. Not with a node's signature",
	    NULL, "text/plain", true, "Imported", ANY " 403 502" },
	{ "/api/domain-blacklist/import", "delete", "operator", "Take what such a list imported off again; what a person entered stays", NULL,
	    "text/plain", true, "TakenOff", ANY " 403 502" },
	{ "/api/domain-whitelist", "get", "viewer", "Destinations allowed at port 443, newest first", PAGES, NULL, false, "Domains", ANY },
	{ "/api/domain-whitelist", "post", "operator", "Add one; the same again is the same, with the new description and end", NULL, "Domain", true,
	    "DomainAdded", ANY " 403" },
	{ "/api/domain-whitelist", "delete", "operator", "Remove one, by parameter or body", NAME, "Domain", false, "Removed", ANY " 403 404" },
	{ "/api/domain-whitelist/{id}", "delete", "operator", "Remove one by number", ID, NULL, false, "Removed", ANY " 403 404" },
	{ "/api/egress/policy", "get", "viewer", "The policy in force, or a version of it", QUERY("version", "\"type\":\"integer\",\"minimum\":1"), NULL, false,
	    "Policy", ANY " 404" },
	{ "/api/egress/policy", "post", "admin", "A new policy; with rollback, without a body, an old one once more",
	    QUERY("rollback", "\"type\":\"integer\",\"minimum\":1") "," QUERY("description", TEXT), "application/yaml", false, "Version",
	    ANY " 403 404" },
	{ "/api/egress/policy/versions", "get", "viewer", "The versions that there are, newest first", NULL, NULL, false, "Versions", "401 413 429 500 503" },
	{ "/api/egress/test", "post", "viewer", "What would be decided", NULL, "Test", true, "Decision", ANY },
	{ "/api/logs", "get", "viewer", "Events", EVENTS, NULL, false, "Events", "400 401 403 413 503" },
	{ "/api/events", "get", "viewer", "Events", EVENTS, NULL, false, "Events", "400 401 403 413 503" },
	{ "/api/events/follow", "get", "viewer", "Events as they come, server-sent", EVENTS, NULL, false, "text/event-stream", "400 401 403 503" },
	{ "/api/status", "get", "viewer", "The components that send events", NULL, NULL, false, "Status", "401 403 500" },
	{ "/api/openapi.json", "get", NULL, "This", NULL, NULL, false, "Document", "" },
};

#define PROP(name, type) "\"" name "\":{\"type\":\"" type "\"}"
#define PROP0(name, type) "\"" name "\":{\"type\":\"" type "\",\"nullable\":true}"
#define OBJECT(required, props) "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" required "],\"properties\":{" props "}}"
#define WHAT		"\"description\":{\"type\":\"string\",\"maxLength\":500},\"ttl_s\":{\"type\":\"integer\",\"minimum\":0," \
			"\"maximum\":315360000}"
#define ENTRIES(key)	OBJECT("\"data\",\"total\",\"limit\",\"offset\"", "\"data\":{\"type\":\"array\",\"items\":" \
			OBJECT("\"id\",\"" key "\",\"description\",\"imported\",\"added\",\"expires\"", PROP("id", "integer") "," \
			PROP(key, "string") "," PROP("description", "string") "," PROP("imported", "boolean") "," PROP("added", "string") "," \
			PROP0("expires", "string")) "}," PROP("total", "integer") "," PROP("limit", "integer") "," PROP("offset", "integer"))
#define EXAMPLES	"\"examples\":{\"type\":\"array\",\"items\":" OBJECT("\"line\",\"reason\",\"text\"", PROP("line", "integer") "," \
			PROP("reason", "string") "," PROP("text", "string")) "}"
#define V_KEYS	"\"version\",\"added\",\"by\",\"description\""
#define V_PROPS		PROP("version", "integer") "," PROP0("added", "string") "," PROP("by", "string") "," PROP("description", "string")

static const char schemas[] =
	"\"Error\":" OBJECT("\"error\"", "\"error\":" OBJECT("\"code\",\"message\",\"field\"", PROP("code", "string") ","
	    PROP("message", "string") "," PROP0("field", "string"))) ","
	"\"Network\":" OBJECT("", PROP("ip", "string") "," PROP("cidr", "string") "," WHAT) ","
	"\"Domain\":" OBJECT("", PROP("domain", "string") "," WHAT) ","
	"\"NetworkAdded\":" OBJECT("\"ip\",\"added\"", PROP("ip", "string") "," PROP("added", "boolean")) ","
	"\"DomainAdded\":" OBJECT("\"domain\",\"added\"", PROP("domain", "string") "," PROP("added", "boolean")) ","
	"\"Networks\":" ENTRIES("ip") ",\"Domains\":" ENTRIES("domain") ","
	"\"Removed\":" OBJECT("\"removed\"", PROP("removed", "boolean")) ","
	"\"Imported\":" OBJECT("\"added\",\"duplicate\",\"invalid\",\"examples\"", PROP("added", "integer") ","
	    PROP("duplicate", "integer") "," PROP("invalid", "integer") "," EXAMPLES) ","
	"\"TakenOff\":" OBJECT("\"removed\",\"missing\",\"invalid\",\"examples\"", PROP("removed", "integer") ","
	    PROP("missing", "integer") "," PROP("invalid", "integer") "," EXAMPLES) ","
	"\"Policy\":" OBJECT(V_KEYS ",\"yaml\"", V_PROPS "," PROP("error", "string") "," PROP("yaml", "string")) ","
	"\"Version\":" OBJECT("\"version\",\"changed\"", PROP("version", "integer") "," PROP("changed", "boolean")) ","
	"\"Versions\":" OBJECT("\"data\",\"total\"", "\"data\":{\"type\":\"array\",\"items\":" OBJECT(V_KEYS ",\"bytes\"",
	    V_PROPS "," PROP("bytes", "integer")) "}," PROP("total", "integer")) ","
	"\"Test\":" OBJECT("\"url\"", PROP("url", "string") "," PROP("identity", "string") "," PROP("method", "string")) ","
	"\"Decision\":" OBJECT("\"decision\",\"reason\",\"rule\",\"would_deny\",\"host\",\"port\",\"identity\",\"budgets\"",
	    "\"decision\":{\"type\":\"string\",\"enum\":[\"allow\",\"deny\",\"bump\",\"splice\"]}," PROP("reason", "string") ","
	    PROP("rule", "string") "," PROP("would_deny", "boolean") "," PROP("host", "string") "," PROP("port", "integer") ","
	    PROP("identity", "string") ",\"budgets\":{\"type\":\"array\",\"items\":" OBJECT("\"id\",\"used\",\"bytes\",\"until\"",
	    PROP("id", "string") "," PROP("used", "integer") "," PROP("bytes", "integer") "," PROP("until", "integer")) "}") ","
	"\"Events\":" OBJECT("\"events\",\"first\",\"next\"", "\"events\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
	    PROP("first", "integer") "," PROP("next", "integer")) ","
	"\"Status\":{\"type\":\"object\"},\"Document\":{\"type\":\"object\"}";

static bool
is_media_type(const char *schema)
{
	return strchr(schema, '/') != NULL;
}

static void
content_add(struct buf *b, const char *schema)
{
	if (is_media_type(schema))
		buf_printf(b, "\"content\":{\"%s\":{\"schema\":{" TEXT "}}}", schema);
	else
		buf_printf(b, "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}", schema);
}

static void
operation_add(struct buf *b, const struct operation *o)
{
	buf_printf(b, "\"%s\":{\"summary\":\"%s%s%s%s\",", o->method, o->summary, o->role != NULL ? " (" : "",
	    o->role != NULL ? o->role : "", o->role != NULL ? ")" : "");
	if (o->role == NULL)
		buf_adds(b, "\"security\":[],");
	if (o->params != NULL)
		buf_printf(b, "\"parameters\":[%s],", o->params);
	if (o->body != NULL) {
		buf_printf(b, "\"requestBody\":{\"required\":%s,", o->body_needed ? "true" : "false");
		content_add(b, o->body);
		buf_adds(b, "},");
	}
	buf_adds(b, "\"responses\":{\"200\":{\"description\":\"ok\",");
	content_add(b, o->schema);
	buf_addc(b, '}');
	for (const char *s = o->statuses; *s != '\0'; s += s[3] == ' ' ? 4 : 3) {
		buf_printf(b, ",\"%.3s\":{\"description\":\"refused\",", s);
		content_add(b, "Error");
		buf_addc(b, '}');
	}
	buf_adds(b, "}}");
}

enum MHD_Result
httpd_openapi(struct httpd *h, struct MHD_Connection *conn)
{
	const char *path = "";
	struct buf b = {0};

	buf_adds(&b, "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"llmsecd\",\"version\":\"" PACKAGE_VERSION "\"},"
	    "\"security\":[{\"bearer\":[]}],\"paths\":{");
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		bool other = strcmp(path, operations[i].path) != 0;

		if (other)
			buf_printf(&b, "%s\n\"%s\":{", i > 0 ? "}," : "", operations[i].path);
		else
			buf_addc(&b, ',');
		operation_add(&b, &operations[i]);
		path = operations[i].path;
	}
	buf_printf(&b, "}},\n\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}},"
	    "\"schemas\":{%s}}}\n", schemas);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}
