/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/waf/corpus.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	const char	*name;
	size_t		 n;		/* of the 200 */
} kinds[CORPUS_KINDS] = {
	[CORPUS_STATIC] = { "static GET", 40 }, [CORPUS_QUERY] = { "query GET", 30 }, [CORPUS_API] = { "api GET", 20 },
	[CORPUS_FORM] = { "form POST", 30 }, [CORPUS_JSON] = { "json", 30 }, [CORPUS_CHAT1K] = { "chat 1 KB", 20 },
	[CORPUS_CHAT16K] = { "chat 16 KB", 20 }, [CORPUS_MULTIPART] = { "multipart", 10 },
	[CORPUS_ATTACK] = { "attack", 0 },
};

static const char *const nouns[] = { "orders", "items", "users", "search", "news", "blog", "catalog", "profile",
	"billing", "reports", "images", "assets", "docs", "help", "checkout", "events" };
static const char *const values[] = { "summer shoes", "42", "true", "blue", "2026-11-25", "en-GB", "Anna M\xc3\xbcller",
	"anna@example.com", "Main Street 5", "price_asc", "I'd like to know more about your offer.", "10115",
	"+49 30 123456", "rock & roll", "a/b test", "0.75", "none", "https://example.com/landing?utm=mail" };

const char *
corpus_kind_name(enum corpus_kind k)
{
	return kinds[k].name;
}

uint32_t
corpus_rng(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return (uint32_t)((*s * 2685821657736338717ULL) >> 32);
}

#define PICK(a)	((a)[corpus_rng(rng) % N(a)])

static void
url_encode(struct buf *b, const char *p)
{
	for (; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == ' ')
			buf_addc(b, '+');
		else if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || strchr("-._~", c) != NULL)
			buf_addc(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

static void
params(struct buf *b, unsigned n, uint64_t *rng)
{
	for (unsigned i = 0; i < n; i++) {
		buf_printf(b, "%s%s%u=", i > 0 ? "&" : "", PICK(nouns), i);
		url_encode(b, PICK(values));
	}
}

/* Of a browser, or of a program. */
static void
head(struct buf *b, const char *method, const char *target, int browser, uint64_t *rng)
{
	buf_printf(b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, browser ? "www.example.com" : "api.example.com");
	if (browser) {
		buf_adds(b, "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
		    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
		    "Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\nAccept-Encoding: gzip, deflate, br\r\n"
		    "Connection: keep-alive\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n");
		buf_printf(b, "Referer: https://www.example.com/%s/\r\n", PICK(nouns));
		buf_printf(b, "Cookie: session=%08x%08x; theme=dark; consent=yes.%u\r\n", corpus_rng(rng),
		    corpus_rng(rng), corpus_rng(rng) % 9);
	} else {
		buf_printf(b, "User-Agent: example-client/2.%u\r\nAccept: application/json\r\n"
		    "Authorization: Bearer %08x%08x%08x\r\nX-Request-Id: %08x\r\n", corpus_rng(rng) % 20,
		    corpus_rng(rng), corpus_rng(rng), corpus_rng(rng), corpus_rng(rng));
	}
}

static void
body(struct buf *b, const char *type, struct buf *data)
{
	buf_printf(b, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, buf_len(data));
	buf_add(b, buf_ptr(data), buf_len(data));
	buf_free(data);
}

static void
make_get(struct buf *b, enum corpus_kind k, uint64_t *rng)
{
	struct buf t = {0};

	buf_printf(&t, "/%s/%s", PICK(nouns), PICK(nouns));
	if (k == CORPUS_STATIC)
		buf_printf(&t, "/%s.%08x.%s", PICK(nouns), corpus_rng(rng), corpus_rng(rng) % 2 ? "css" : "png");
	else if (k == CORPUS_API)
		buf_printf(&t, "/%u?limit=%u", corpus_rng(rng) % 10000, corpus_rng(rng) % 100);
	if (k == CORPUS_QUERY) {
		buf_addc(&t, '?');
		params(&t, 1 + corpus_rng(rng) % 6, rng);
	}
	buf_addc(&t, '\0');
	head(b, "GET", buf_ptr(&t), k != CORPUS_API, rng);
	buf_adds(b, "\r\n");
	buf_free(&t);
}

static void
make_form(struct buf *b, uint64_t *rng)
{
	struct buf d = {0};

	params(&d, 3 + corpus_rng(rng) % 12, rng);
	head(b, "POST", "/checkout/address", 1, rng);
	body(b, "application/x-www-form-urlencoded", &d);
}

static void
json_text(struct buf *d, const char *p, size_t n)
{
	buf_addc(d, '"');
	buf_add_json(d, p, n);
	buf_addc(d, '"');
}

static void
make_json(struct buf *b, uint64_t *rng)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH" };
	unsigned rows = 1 + corpus_rng(rng) % 25;
	struct buf d = {0};
	const char *v;

	buf_adds(&d, "{\"items\":[");
	for (unsigned i = 0; i < rows; i++) {
		buf_printf(&d, "%s{\"id\":%u,\"price\":%u.%02u,\"name\":", i > 0 ? "," : "", corpus_rng(rng) % 100000,
		    corpus_rng(rng) % 500, corpus_rng(rng) % 100);
		v = PICK(values);
		json_text(&d, v, strlen(v));
		buf_printf(&d, ",\"tags\":[\"%s\",\"%s\"]}", PICK(nouns), PICK(nouns));
	}
	buf_adds(&d, "]}");
	head(b, PICK(methods), "/v2/items/batch", 0, rng);
	body(b, "application/json", &d);
}

static void
make_chat(struct buf *b, size_t size, uint64_t *rng)
{
	struct buf d = {0}, t = {0};
	int code = corpus_rng(rng) % 2 == 0;
	size_t turn = size > 4096 ? 1800 : size;

	buf_adds(&d, "{\"model\":\"gpt-4o-mini\",\"temperature\":0.7,\"stream\":true,\"messages\":[{\"role\":\"system\","
	    "\"content\":\"You are a helpful assistant. Answer briefly.\"}");
	for (unsigned i = 0; buf_len(&d) + 200 < size && d.err == 0; i++) {
		buf_clear(&t);
		corpus_text(&t, turn < size - buf_len(&d) ? turn : size - buf_len(&d), code, rng);
		buf_printf(&d, ",{\"role\":\"%s\",\"content\":", i % 2 == 0 ? "user" : "assistant");
		json_text(&d, buf_ptr(&t), buf_len(&t));
		buf_addc(&d, '}');
	}
	buf_adds(&d, "]}");
	buf_free(&t);
	head(b, "POST", "/v1/chat/completions", 0, rng);
	body(b, "application/json", &d);
}

static void
make_multipart(struct buf *b, uint64_t *rng)
{
	size_t size = 2000 + corpus_rng(rng) % 16000;
	char boundary[40], type[80];
	struct buf d = {0};

	snprintf(boundary, sizeof(boundary), "----form%08x%08x", corpus_rng(rng), corpus_rng(rng));
	for (unsigned i = 0; i < 3; i++)
		buf_printf(&d, "--%s\r\nContent-Disposition: form-data; name=\"%s%u\"\r\n\r\n%s\r\n", boundary,
		    PICK(nouns), i, PICK(values));
	buf_printf(&d, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s.txt\"\r\n"
	    "Content-Type: text/plain\r\n\r\n", boundary, PICK(nouns));
	corpus_text(&d, size, 0, rng);
	buf_printf(&d, "\r\n--%s--\r\n", boundary);
	snprintf(type, sizeof(type), "multipart/form-data; boundary=%s", boundary);
	head(b, "POST", "/docs/upload", 1, rng);
	body(b, type, &d);
}

static void
make(struct buf *b, enum corpus_kind k, uint64_t *rng)
{
	switch (k) {
	case CORPUS_FORM: make_form(b, rng); break;
	case CORPUS_JSON: make_json(b, rng); break;
	case CORPUS_CHAT1K: make_chat(b, 1024, rng); break;
	case CORPUS_CHAT16K: make_chat(b, 16000, rng); break;
	case CORPUS_MULTIPART: make_multipart(b, rng); break;
	default: make_get(b, k, rng); break;
	}
}

static struct corpus_request *
request_add(struct corpus *c, enum corpus_kind k, const char *id)
{
	struct corpus_request *r;

	if ((c->n & (c->n - 1)) == 0) {		/* full at every power of two */
		r = realloc(c->req, (c->n > 0 ? 2 * c->n : 1) * sizeof(*r));
		if (r == NULL)
			return NULL;
		c->req = r;
	}
	r = &c->req[c->n++];
	memset(r, 0, sizeof(*r));
	r->kind = k;
	snprintf(r->id, sizeof(r->id), "%s", id);
	return r;
}

int
corpus_benign(struct corpus *c, uint64_t seed)
{
	uint64_t rng = seed * 0x9e3779b97f4a7c15ULL | 1;
	struct corpus_request *r;
	char id[64];

	for (int k = 0; k < CORPUS_KINDS; k++) {
		for (size_t i = 0; i < kinds[k].n; i++) {
			snprintf(id, sizeof(id), "%s/%zu", kinds[k].name, i);
			for (char *p = id; *p != '\0'; p++)
				*p = *p == ' ' ? '-' : *p;
			r = request_add(c, (enum corpus_kind)k, id);
			if (r == NULL)
				return -ENOMEM;
			make(&r->bytes, (enum corpus_kind)k, &rng);
		}
	}
	return 0;
}

int
corpus_load(struct corpus *c, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct corpus_request *r;
	char head_line[512], id[64], *room;
	size_t n, m;
	int e = 0;

	if (f == NULL)
		return -errno;
	while (e == 0 && fgets(head_line, sizeof(head_line), f) != NULL) {
		if (sscanf(head_line, "REQ %63s %zu %zu", id, &n, &m) != 3 || m != 0 || n > 1 << 26) {
			e = -EPROTO;
			break;
		}
		r = request_add(c, CORPUS_ATTACK, id);
		room = r != NULL ? buf_room(&r->bytes, n + 1) : NULL;
		if (room == NULL || fread(room, 1, n, f) != n)
			e = -EIO;
		else
			buf_wrote(&r->bytes, n);
	}
	fclose(f);
	return e;
}

void
corpus_free(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++)
		buf_free(&c->req[i].bytes);
	free(c->req);
	memset(c, 0, sizeof(*c));
}
