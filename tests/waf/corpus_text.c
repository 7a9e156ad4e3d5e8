/* SPDX-License-Identifier: MIT */
/* What people write to a model: prose of a small vocabulary, and the code that they paste into it. */
#include "config.h"

#include <string.h>

#include "tests/waf/corpus.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const words[] = {
	"the", "a", "of", "to", "and", "in", "is", "for", "on", "with", "that", "this", "it", "as", "be", "are", "from",
	"by", "at", "an", "we", "you", "our", "their", "can", "will", "should", "would", "have", "has", "had", "not",
	"report", "customer", "invoice", "table", "order", "meeting", "summary", "draft", "letter", "garden", "recipe",
	"river", "train", "station", "weather", "morning", "evening", "winter", "summer", "holiday", "budget", "quarter",
	"revenue", "server", "database", "query", "select", "update", "function", "variable", "class", "object", "script",
	"page", "document", "window", "image", "file", "folder", "system", "process", "network", "user", "account",
	"password", "group", "where", "union", "having", "between", "like", "drop", "insert", "delete", "create", "join",
	"please", "explain", "translate", "rewrite", "improve", "shorten", "compare", "list", "describe", "write",
	"understand", "example", "question", "answer", "result", "problem", "reason", "idea", "project", "team", "city",
	"country", "language", "history", "science", "music", "water", "light", "energy", "health", "school", "family",
	"don't", "it's", "they're", "O'Brien's", "e-mail", "follow-up", "well-known", "24-hour", "3.5", "2026", "1,250", "80%",
	"caf\xc3\xa9", "na\xc3\xafve", ("\xe2\x82\xac" "40"), "Z\xc3\xbcrich", "\xe2\x80\x9cquoted\xe2\x80\x9d",
};

static const char *const snippets[] = {
	("SELECT c.name, SUM(o.total) AS total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.created_at >= "
	"'2026-01-01' GROUP BY c.name HAVING SUM(o.total) > 1000 ORDER BY total DESC LIMIT 10;"),
	"UPDATE accounts SET status = 'closed' WHERE last_login < NOW() - INTERVAL '90 days'; -- nightly job",
	"<div class=\"card\"><h2>Offers</h2><a href=\"/shop?id=7&ref=mail\" onclick=\"track(this)\">see all</a></div>",
	"<script src=\"/static/app.js\"></script>\n<img src=\"logo.png\" alt=\"Logo\">\n<style>body { margin: 0 }</style>",
	"for f in $(ls *.log); do cat \"$f\" | grep -i error >> /tmp/errors.txt; done; rm -rf ./old && echo done",
	"curl -s https://example.com/api/v1/items | jq '.[] | .name' | sort | uniq -c | head -n 20",
	"def total(rows):\n    return sum(r['amount'] for r in rows if r.get('paid'))\n\nprint(total(load('a.csv')))",
	"import os, sys\nwith open(os.path.join('/etc', 'hosts')) as f:\n    for line in f:\n        sys.stdout.write(line)",
	"function greet(name) {\n  document.getElementById('out').innerHTML = `Hello ${name}`;\n  return name || 'you';\n}",
	"$user = $_POST['user'] ?? ''; echo htmlspecialchars($user); // prints the name",
	"if (p == NULL || n > sizeof(buf)) { fprintf(stderr, \"%s\\n\", strerror(errno)); goto out; }",
	"{\"name\": \"web\", \"ports\": [80, 443], \"env\": {\"PATH\": \"/usr/bin:/bin\"}}",
	"docker run --rm -v \"$PWD:/src\" -w /src alpine sh -c 'apk add make && make test'",
	"1. Open C:\\Users\\me\\Documents\n2. Right-click -> Properties\n3. chmod 644 on ~/.ssh/config",
};

/* One sentence. */
static void
sentence(struct buf *b, uint64_t *rng)
{
	static const char *const ends[] = { ". ", ". ", ". ", "? ", "! ", ": ", ".\n", ".\n\n" };
	unsigned n = 5 + corpus_rng(rng) % 14;
	size_t start = b->len;

	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_adds(b, corpus_rng(rng) % 12 == 0 ? ", " : " ");
		buf_adds(b, words[corpus_rng(rng) % N(words)]);
	}
	if (b->err == 0 && b->data[start] >= 'a' && b->data[start] <= 'z')
		b->data[start] = (char)(b->data[start] - 32);
	buf_adds(b, ends[corpus_rng(rng) % N(ends)]);
}

void
corpus_text(struct buf *b, size_t n, int code, uint64_t *rng)
{
	size_t start = buf_len(b);

	while (buf_len(b) - start < n && b->err == 0) {
		if (code && corpus_rng(rng) % 6 == 0) {
			buf_adds(b, "\n```\n");
			buf_adds(b, snippets[corpus_rng(rng) % N(snippets)]);
			buf_adds(b, "\n```\n");
		} else {
			sentence(b, rng);
		}
	}
}
