/* SPDX-License-Identifier: MIT */
/* A line of the shadow log: what the trainer reads, and nothing that names a person or opens a door. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/mask.h"
#include "icap-llmsec/pii.h"
#include "icap-llmsec/secret.h"
#include "icap-llmsec/shadow_private.h"
#include "lib/base64.h"
#include "lib/diag.h"
#include "lib/event.h"
#include "lib/utf8.h"

#define ENCODED_MIN	200	/* letters of base64 in a row: whatever is in there, no finder looked into it */
#define ENCODED_LINE	48	/* in lines of at least so many (RFC 2045: 76, RFC 7468: 64) */

int
shadow_masker(struct detectors **out)
{
	struct pii_conf pii = {.all = DETECT_MASK, .output = DETECT_OFF};
	struct secret_conf secrets = {.all = DETECT_MASK, .output = DETECT_OFF};
	struct detect_conf c = {.pii = &pii, .secrets = &secrets};
	struct diag *d = diag_new();
	int rc;

	for (size_t i = 0; i < PII_GROUPS; i++)
		pii.mode[i] = DETECT_MASK;
	for (size_t i = 0; i < SECRET_GROUPS; i++)
		secrets.mode[i] = DETECT_MASK;
	*out = NULL;
	if (d == NULL)
		return -ENOMEM;
	rc = detectors_load(out, &c, d);
	diag_free(&d);
	return rc;
}

/* A line's end, as it is or as JSON in a text writes it; its bytes, 0: none. */
static size_t
line_end(const char *p, size_t n)
{
	if (p[0] == '\n' || p[0] == '\r')
		return 1;
	return n > 1 && p[0] == '\\' && (p[1] == 'n' || p[1] == 'r') ? 2 : 0;
}

/* Length of the encoded run at <p>, lines of base64 as mail wraps them included; 0: none that matters. */
static size_t
encoded(const char *p, size_t n)
{
	size_t i, k, letters = 0, line = 0, begin = 0;

	for (i = 0; i < n; i += k) {
		k = line_end(p + i, n - i);
		if (k > 0) {
			if (line < ENCODED_LINE && (line > 0 || i == 0))
				break;
			line = 0;
			begin = i + k;
			continue;
		}
		if (base64_value[(unsigned char)p[i]] >= 0 || p[i] == '=')
			k = 1;
		else if (p[i] == '\\' && n - i > 1 && p[i + 1] == '/')
			k = 2;
		else
			break;
		letters++;
		line++;
	}
	if (i < n && line_end(p + i, n - i) == 0 && line < ENCODED_LINE && begin > 0) {	/* a word of the next line */
		letters -= line;
		i = begin;
	}
	return letters >= ENCODED_MIN ? i : 0;
}

/* A text that ends in the middle loses its end, because half of a number is found by nobody. */
static size_t
usable(const char *text, size_t n, bool cut)
{
	return cut ? utf8_floor(text, n > SHADOW_EDGE ? n - SHADOW_EDGE : 0) : n;
}

/* Files may hold any bytes, and readers of JSON take no zeros. */
static char *
clean_copy(const struct shadow_slot *x, struct arena *a, size_t *n)
{
	char *t = arena_alloc(a, 3 * x->len + 1);

	if (t == NULL)
		return NULL;
	*n = utf8_repair(t, x->text, x->len);
	for (size_t i = 0; i < *n; i++)
		if (t[i] == '\0')
			t[i] = ' ';
	return t;
}

/* What is encoded goes as a whole, whatever finders make of its letters; of findings that overlap, each. */
static int
add_text(struct buf *b, const struct detectors *masker, const struct shadow_slot *x, struct arena *a)
{
	struct findings f = {NULL, 0};
	struct mask_vault *vault = mask_vault_new();
	size_t at = 0, k = 0, n, end;
	const char *text = clean_copy(x, a, &n), *token;
	int rc = vault != NULL && text != NULL ? detect_output(masker, text, n, a, &f) : -ENOMEM;

	end = text != NULL ? usable(text, n, x->cut) : 0;
	for (size_t i = 0, run; rc == 0 && i < end; at = i) {
		const struct finding *h = NULL;

		for (run = 0; i < end && run == 0; i++) {
			while (k < f.n && f.v[k].start + f.v[k].len <= i)
				k++;
			h = k < f.n && f.v[k].start <= i ? &f.v[k] : NULL;
			if ((i == at || base64_value[(unsigned char)text[i - 1]] < 0) && base64_value[(unsigned char)text[i]] >= 0)
				run = encoded(text + i, end - i);
			if (h != NULL || run > 0)
				break;
		}
		buf_add_json(b, text + at, i - at);
		if (run > 0) {
			buf_adds(b, "[ENCODED]");
			i += run;
		} else if (h != NULL) {
			token = mask_token(vault, pii_kind(h->category), text + h->start, h->len);
			if (token == NULL)
				rc = -ENOMEM;
			else
				buf_adds(b, token);
			i = h->start + h->len;
		}
	}
	mask_vault_free(&vault);
	return rc;
}

static const char *
role_name(const struct shadow_slot *x)
{
	return x->prov == PROV_FILE ? "file" : x->prov == PROV_TOOL_RESULT ? "tool" : span_role_name(x->role);
}

/* Whose text it is: the key's digest, or, without a key, the address's; so that all of one client's can be found and removed. */
static void
add_actor(struct buf *b, const struct shadow_slot *x, const void *key, size_t key_len)
{
	char digest[17] = "";

	if (x->key[0] == '\0' && x->ip[0] != '\0' && key != NULL)
		event_digest(digest, key, key_len, x->ip, strlen(x->ip));
	buf_printf(b, "\"actor\":\"%s\",", x->key[0] != '\0' ? x->key : digest);
}

int
shadow_line(const struct detectors *masker, const struct shadow_slot *x, const void *key, size_t key_len, struct arena *a, struct buf *b)
{
	static const char *const why[] = {"finding", "near", "sample"}, *const action[] = {"pass", "monitor", "mask", "block"};
	struct tm tm;
	char at[32];
	int rc;

	gmtime_r(&x->at.tv_sec, &tm);
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_adds(b, "{\"id\":\"");
	buf_add_json(b, x->request_id, strlen(x->request_id));
	buf_printf(b, "-%zu\",\"ts\":\"%s\",", x->span, at);
	add_actor(b, x, key, key_len);
	if (x->conversation != 0)
		buf_printf(b, "\"conversation\":\"%016llx\",", (unsigned long long)x->conversation);
	buf_printf(b, "\"source\":\"shadow\",\"head\":\"%s\",\"role\":\"%s\",\"text\":\"", x->v.data ? "data" : "direct", role_name(x));
	rc = add_text(b, masker, x, a);
	buf_printf(b, "\",\"score\":%.4f,\"direct\":%.4f,\"data\":%.4f,\"rules\":[", (double)x->v.score.score, (double)x->v.score.direct,
	    (double)x->v.score.data);
	for (unsigned i = 0; i < x->v.n_rules; i++)
		buf_printf(b, "%s\"%s\"", i > 0 ? "," : "", x->v.rule[i]);
	buf_printf(b, "],\"action\":\"%s\",\"why\":\"%s\",\"label\":null}\n", action[x->v.most], why[x->why]);
	return rc < 0 ? rc : b->err;
}
