/* SPDX-License-Identifier: MIT */
/* The egress API's contract, OpenAPI 3.0, served as it stands here.  tests/control/egress.sh asks every path. */
#include "config.h"

#include <string.h>

#include "control/httpd_private.h"

#define ERR	"\"default\":{\"description\":\"{error:{code,message,field}}\",\"content\":{\"application/json\":{\"schema\":" \
	"{\"$ref\":\"#/components/schemas/Error\"}}}}"
#define OK(text) "\"responses\":{\"200\":{\"description\":\"" text "\"}," ERR "}"
#define BODY(ref) "\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":" \
	"\"#/components/schemas/" ref "\"}}}},"
#define PAGES "\"parameters\":[{\"name\":\"limit\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":1," \
	"\"maximum\":1000,\"default\":100}},{\"name\":\"offset\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":0}}," \
	"{\"name\":\"search\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}}],"
#define LIST(path, what, ref, key) "\"" path "\":{" \
	"\"get\":{\"summary\":\"" what "\"," PAGES OK("data, total, limit, offset; newest first") "}," \
	"\"post\":{\"summary\":\"Add one; the same again is the same\"," BODY(ref) OK("added: false if it was there") "}," \
	"\"delete\":{\"summary\":\"Remove one, by ?" key "= or body\",\"parameters\":[{\"name\":\"" key "\",\"in\":\"query\"," \
	"\"schema\":{\"type\":\"string\"}}]," OK("removed") "}}," \
	"\"" path "/{id}\":{\"delete\":{\"summary\":\"Remove one by number\",\"parameters\":[{\"name\":\"id\",\"in\":\"path\"," \
	"\"required\":true,\"schema\":{\"type\":\"integer\"}}]," OK("removed") "}}"
#define IMPORT(path) "\"" path "\":{\"post\":{\"summary\":\"Import a list: text, hosts, AdBlock, RPZ, CSV or JSON, up to 256 MB, " \
	"or {url}\",\"requestBody\":{\"required\":true,\"content\":{\"text/plain\":{\"schema\":{\"type\":\"string\"}}," \
	"\"application/json\":{\"schema\":{}}}}," OK("added, duplicate, invalid, examples with line and reason") "}," \
	"\"delete\":{\"summary\":\"Take the names of such a list off again\"," OK("removed, missing, invalid, examples") "}}"

static const char document[] =
	"{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"llmsecd egress API\",\"version\":\"1\"},"
	"\"security\":[{\"bearer\":[]}],\"paths\":{"
	LIST("/api/ip-blacklist", "Destinations refused by address", "Ip", "ip") ","
	LIST("/api/domain-blacklist", "Destinations refused by name", "Domain", "domain") ","
	LIST("/api/domain-whitelist", "Destinations allowed at port 443", "Domain", "domain") ","
	IMPORT("/api/ip-blacklist/import") "," IMPORT("/api/domain-blacklist/import") ","
	"\"/api/egress/policy\":{\"get\":{\"summary\":\"The policy, or ?version=\"," OK("version, yaml") "},"
	"\"post\":{\"summary\":\"A new policy (admin); ?rollback=VERSION brings an old one back\",\"requestBody\":{\"content\":"
	"{\"application/yaml\":{\"schema\":{\"type\":\"string\"}}}}," OK("version") "}},"
	"\"/api/egress/test\":{\"post\":{\"summary\":\"What would be decided\"," BODY("Test")
	OK("decision, reason, rule, would_deny, host, port, identity") "}},"
	"\"/api/logs\":{\"get\":{\"summary\":\"Events; parameters as /api/events\"," OK("events, next") "}}"
	"},\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}},\"schemas\":{"
	"\"Error\":{\"type\":\"object\",\"properties\":{\"error\":{\"type\":\"object\",\"required\":[\"code\",\"message\",\"field\"],"
	"\"properties\":{\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"},\"field\":{\"type\":\"string\",\"nullable\":true}}}}},"
	"\"Ip\":{\"type\":\"object\",\"properties\":{\"ip\":{\"type\":\"string\"},\"cidr\":{\"type\":\"string\"},"
	"\"description\":{\"type\":\"string\",\"maxLength\":500},\"ttl_s\":{\"type\":\"integer\",\"minimum\":0}}},"
	"\"Domain\":{\"type\":\"object\",\"required\":[\"domain\"],\"properties\":{\"domain\":{\"type\":\"string\"},"
	"\"description\":{\"type\":\"string\",\"maxLength\":500},\"ttl_s\":{\"type\":\"integer\",\"minimum\":0}}},"
	"\"Test\":{\"type\":\"object\",\"required\":[\"url\"],\"properties\":{\"url\":{\"type\":\"string\"},"
	"\"identity\":{\"type\":\"string\"},\"method\":{\"type\":\"string\"}}}}}}\n";

enum MHD_Result
httpd_openapi(struct httpd *h, struct MHD_Connection *conn)
{
	struct buf b = {0};

	buf_add(&b, document, sizeof(document) - 1);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}
