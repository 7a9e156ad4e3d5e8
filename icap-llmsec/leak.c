/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <utf8proc.h>

#include "icap-llmsec/leak.h"
#include "icap-llmsec/norm.h"
#include "lib/base64.h"
#include "lib/edge_sign.h"
#include "lib/utf8.h"

#define PROMPT_MAX	(256u << 10)	/* letters of a system prompt that are looked at */
#define WINDOW_MIN	8		/* of winnowing: any copy of LEAK_K + 7 letters is seen */
#define HEAD_LETTERS	800		/* the beginning of a prompt, which a recital begins with */
#define QUIET		96		/* letters after a hit in which the next one is near */

/* --- the polynomial ------------------------------------------------------------------------------- */

/* Steele, Lea, Flood: SplitMix64's finaliser; spreads what the polynomial leaves in low bits. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Newton's iteration: the inverse of an odd number modulo 2^64. */
static uint64_t
inverse(uint64_t a)
{
	uint64_t x = a;

	for (int i = 0; i < 6; i++)
		x *= 2 - a * x;
	return x;
}

static void
watch_poly(struct leak_watch *w, uint64_t key)
{
	w->base = mix(key) | 1;
	w->inverse = inverse(w->base);
	w->top = 1;
	for (int i = 0; i < LEAK_K - 1; i++)
		w->top *= w->base;
}

static uint32_t
shingle_hash(uint64_t poly, uint64_t key)
{
	return (uint32_t)(mix(poly ^ key) >> 32);
}

static void
roll(const struct leak_watch *w, struct leak_roll *r, uint32_t u)
{
	uint32_t *slot = &r->ring[r->n % LEAK_K];

	r->fwd = (r->fwd - *slot * w->top) * w->base + u;
	r->rev = (r->rev - *slot) * w->inverse + u * w->top;
	*slot = u;
	r->n = r->n + 1 < UINT32_C(1) << 31 ? r->n + 1 : (r->n + 1) % LEAK_K + LEAK_K;
}

/* --- letters ---------------------------------------------------------------------------------------- */

/* Letters with accents, of full width, of mathematics. */
static bool
has_base(uint32_t c)
{
	return (c >= 0xc0 && c < 0x250) || (c >= 0x1e00 && c < 0x1f00) || (c >= 0x2100 && c < 0x2150) || (c >= 0xff21 && c < 0xff5b) ||
	    (c >= 0x1d400 && c < 0x1d800);
}

/* <c> as it is written plainly: the answer may have it in another alphabet's letters. */
static uint32_t
plain(uint32_t c)
{
	utf8proc_int32_t d[16];
	int last = 0;
	char as;

	if (has_base(c) && utf8proc_decompose_char((utf8proc_int32_t)c, d, 16, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD, &last) > 0 &&
	    d[0] < 0x80 && (d[0] | 32) >= 'a' && (d[0] | 32) <= 'z')
		return (uint32_t)d[0] | 32;
	c = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
	as = norm_lookalike(c);
	return as != '\0' ? (uint32_t)as : c;
}

/*
 * The letter that <cp> counts as, 0: none.  *weight: ideographs and syllables say as much as three letters.
 */
static uint32_t
letter(uint32_t cp, unsigned *weight)
{
	*weight = 1;
	if (cp < 0x80)
		return (cp | 32) >= 'a' && (cp | 32) <= 'z' ? cp | 32 : 0;
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_LO:
		*weight = cp >= 0x2e80 ? 3 : 1;
		return cp;
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
		return plain(cp);
	default:
		return 0;
	}
}

/* --- request ------------------------------------------------------------------------------------------ */

struct shingles {
	uint32_t *v;
	size_t	  n, max;
};

typedef void shingle_fn(void *, uint32_t);

static void
shingle_keep(void *arg, uint32_t h)
{
	struct shingles *s = arg;

	if (s->n < s->max)
		s->v[s->n++] = h;
}

static void
text_shingles(const struct leak_watch *w, struct leak_roll *r, const struct span *s, uint64_t key, shingle_fn *fn,
    void *arg)
{
	uint32_t cp, u;
	unsigned weight;
	size_t k;

	for (size_t i = 0; i < s->len; i += k) {
		k = utf8_decode(s->text + i, s->len - i, &cp, NULL);
		if (k == 0)
			break;
		if ((u = letter(cp, &weight)) == 0)
			continue;
		while (weight-- > 0) {
			roll(w, r, u);
			if (r->n >= LEAK_K)
				fn(arg, shingle_hash(r->fwd, key));
		}
	}
}

static bool
is_system(const struct span *s)
{
	return (s->role == ROLE_SYSTEM || s->role == ROLE_DEVELOPER) && s->prov != PROV_TOOL_DEFINITION;
}

static int32_t
table_find(const struct leak_watch *w, uint32_t h)
{
	for (uint32_t i = h & w->mask; w->table[i].index != 0; i = (i + 1) & w->mask)
		if (w->table[i].hash == h)
			return w->table[i].index - 1;
	return -1;
}

static void
table_put(struct leak_watch *w, uint32_t h, size_t index)
{
	uint32_t i = h & w->mask;

	while (w->table[i].index != 0)
		i = (i + 1) & w->mask;
	w->table[i] = (struct leak_slot){ h, (uint16_t)(index + 1) };
}

static int
table_new(struct leak_watch *w)
{
	uint32_t n = 16;

	while (n < w->sketch->n * 2)
		n *= 2;
	w->table = calloc(n, sizeof(*w->table));
	if (w->table == NULL)
		return -ENOMEM;
	w->mask = n - 1;
	for (size_t i = 0; i < w->sketch->n; i++)
		if (table_find(w, w->sketch->shingle[i]) < 0)
			table_put(w, w->sketch->shingle[i], i);
	return 0;
}

/* The rightmost minimum of each window of <w> shingles, once each (Schleimer et al., section 3). */
static void
winnow(struct resp_sketch *sk, const uint32_t *v, size_t n, size_t w)
{
	size_t min = 0;

	for (size_t i = 0; i < n && sk->n < SKETCH_SHINGLES; i++) {
		bool fresh = i == 0 || v[i] <= v[min];

		if (fresh)
			min = i;
		else if (i - min >= w) {
			min = i - w + 1;
			for (size_t k = min + 1; k <= i; k++)
				if (v[k] <= v[min])
					min = k;
			fresh = true;
		}
		if (i + 1 < w || (i + 1 > w && !fresh))
			continue;
		sk->shingle[sk->n++] = v[min];
	}
}

static void
shingle_strike(void *arg, uint32_t h)
{
	struct leak_watch *w = arg;
	int32_t i = table_find(w, h);

	if (i >= 0)
		w->hit[i / 64] |= UINT64_C(1) << i % 64;
}

/* What users and tools brought is no secret. */
static int
sketch_strike(struct resp_sketch *sk, const struct spans *ss)
{
	struct leak_watch w;
	size_t n = 0, before = sk->n;
	int e = leak_watch_init(&w, sk);

	for (size_t i = 0; e == 0 && i < ss->n; i++) {
		const struct span *s = &ss->v[i];
		struct leak_roll r = { 0 };

		if (s->prov == PROV_LABEL || (s->opaque && s->msg < 0))	/* an application files its prompt there, too */
			continue;
		if (s->role == ROLE_USER || s->role == ROLE_TOOL || s->prov == PROV_TOOL_DEFINITION ||
		    s->prov == PROV_FILE)
			text_shingles(&w, &r, s, sk->key, shingle_strike, &w);
	}
	for (size_t i = 0; e == 0 && i < before; i++) {
		int32_t at = table_find(&w, sk->shingle[i]);

		if (at == (int32_t)i && (w.hit[i / 64] >> i % 64 & 1) == 0)
			sk->shingle[n++] = sk->shingle[i];
	}
	leak_watch_clear(&w);
	sk->units = before > 0 ? (uint32_t)((uint64_t)sk->units * n / before) : 0;
	sk->n = (uint32_t)n;
	return e;
}

int
leak_sketch(struct resp_sketch *sk, const struct spans *ss, struct arena *a)
{
	struct shingles all = { 0 };
	struct leak_watch w = { 0 };
	struct leak_roll r = { 0 };
	size_t window;

	sk->n = sk->units = 0;
	for (size_t i = 0; i < ss->n; i++)
		if (is_system(&ss->v[i]))
			all.max += 3 * ss->v[i].len;
	all.max = all.max < PROMPT_MAX ? all.max : PROMPT_MAX;
	if (all.max < LEAK_MIN)
		return 0;
	all.v = arena_alloc(a, all.max * sizeof(*all.v));
	if (all.v == NULL)
		return -ENOMEM;
	watch_poly(&w, sk->key);
	for (size_t i = 0; i < ss->n; i++)
		if (is_system(&ss->v[i]))
			text_shingles(&w, &r, &ss->v[i], sk->key, shingle_keep, &all);
	if (all.n + LEAK_K - 1 < LEAK_MIN)
		return 0;
	sk->units = (uint32_t)all.n + LEAK_K - 1;
	/* of random shingles a window of w keeps 2 in w + 1 */
	window = 2 * all.n / (SKETCH_SHINGLES * 9 / 10);
	winnow(sk, all.v, all.n, window > WINDOW_MIN ? window : WINDOW_MIN);
	return sketch_strike(sk, ss);
}

/* --- answer ----------------------------------------------------------------------------------------- */

int
leak_watch_init(struct leak_watch *w, const struct resp_sketch *sk)
{
	memset(w, 0, sizeof(*w));
	if (sk == NULL || (sk->n == 0 && sk->canary[0] == '\0'))
		return 0;
	w->sketch = sk;
	watch_poly(w, sk->key);
	return table_new(w);
}

void
leak_watch_clear(struct leak_watch *w)
{
	free(w->table);
	memset(w, 0, sizeof(*w));
}

/* Letters that one kept shingle stands for. */
static uint32_t
watch_gap(const struct leak_watch *w)
{
	return w->sketch->n > 0 ? w->sketch->units / w->sketch->n : 0;
}

static uint32_t
watch_head(const struct leak_watch *w)
{
	uint32_t gap = watch_gap(w), n = gap > 0 ? HEAD_LETTERS / gap : 0;

	n = n > 6 ? n : 6;
	return n < w->sketch->n ? n : w->sketch->n;
}

/* What a shingle covers: itself, and those that begin in it, for a copy in other order has no shingle over the ends of its pieces. */
static void
watch_cover(struct leak_watch *w, uint32_t i)
{
	uint32_t gap = watch_gap(w), end = i + (gap > 0 && gap < LEAK_K ? LEAK_K / gap : 1);

	for (; i < end && i < w->sketch->n; i++)
		if ((w->over[i / 64] >> i % 64 & 1) == 0) {
			w->over[i / 64] |= UINT64_C(1) << i % 64;
			w->covered++;
		}
}

static bool
watch_hit(struct leak_watch *w, uint32_t h)
{
	int32_t i = table_find(w, h);

	if (i < 0)
		return false;
	if ((w->hit[i / 64] >> i % 64 & 1) == 0) {
		w->hit[i / 64] |= UINT64_C(1) << i % 64;
		w->hits++;
		watch_cover(w, (uint32_t)i);
		w->head_hits += (uint32_t)i < watch_head(w);
	}
	return true;
}

/* Are the last letters the canary, as it stands or backwards? */
static bool
roll_canary(const struct leak_roll *r, const char *canary)
{
	bool fwd = true, rev = true;

	for (unsigned k = 0; k < CANARY_LEN && (fwd || rev); k++) {
		uint32_t u = r->ring[(r->n - 1 - k) % LEAK_K];

		fwd = fwd && u == (uint32_t)canary[CANARY_LEN - 1 - k];
		rev = rev && u == (uint32_t)canary[k];
	}
	return fwd || rev;
}

static void
read_letter(struct leak_watch *w, struct leak_reader *rd, int reading, uint32_t u)
{
	struct leak_roll *r = &rd->roll[reading];
	uint64_t key = w->sketch->key;

	roll(w, r, u);
	if (r->n >= CANARY_LEN && w->sketch->canary[0] != '\0' && roll_canary(r, w->sketch->canary))
		w->canary = true;
	if (r->n < LEAK_K || w->sketch->n == 0)
		return;
	if (watch_hit(w, shingle_hash(r->fwd, key)) ||
	    (reading == LEAK_PLAIN && watch_hit(w, shingle_hash(r->rev, key))))
		rd->quiet = 0;
}

static uint32_t
rot13(uint32_t u)
{
	return u >= 'a' && u <= 'z' ? 'a' + (u - 'a' + 13) % 26 : u;
}

static void
read_cp(struct leak_watch *w, struct leak_reader *rd, int reading, uint32_t cp)
{
	unsigned weight;
	uint32_t u = letter(cp, &weight);

	if (u == 0)
		return;
	while (weight-- > 0) {
		if (reading == LEAK_PLAIN) {
			rd->quiet += rd->quiet < QUIET;
			read_letter(w, rd, LEAK_ROT13, rot13(u));
		}
		read_letter(w, rd, reading, u);
	}
}

/* One byte of UTF-8 that may come in pieces. */
static void
read_byte(struct leak_watch *w, struct leak_reader *rd, int reading, uint8_t part[4], uint8_t *n, uint8_t c)
{
	uint32_t cp;
	bool bad;
	size_t k;

	if (c < 0x80) {
		*n = 0;
		read_cp(w, rd, reading, c);
		return;
	}
	if (*n == 4 || (c & 0xc0) == 0xc0)
		*n = 0;
	part[(*n)++] = c;
	k = utf8_decode((const char *)part, *n, &cp, &bad);
	if (k == 0)
		return;
	*n = 0;
	if (!bad)
		read_cp(w, rd, reading, cp);
}

/* Quanta begin anew at every character outside the alphabet: lines of MIME are multiples of four. */
static void
read_b64(struct leak_watch *w, struct leak_reader *rd, uint8_t c)
{
	static const uint8_t shift[4] = { 0, 0, 4, 2 };
	int v = base64_value[c];

	if (v < 0) {
		rd->b64_n = 0;
		return;
	}
	rd->b64 = rd->b64 << 6 | (uint32_t)v;
	rd->b64_n = (uint8_t)((rd->b64_n + 1) % 4);
	if (rd->b64_n != 1)	/* after the 2nd, 3rd, 4th character a byte is complete, 4, 2, 0 bits over */
		read_byte(w, rd, LEAK_BASE64, rd->b64_part, &rd->b64_part_len,
		    (uint8_t)(rd->b64 >> shift[rd->b64_n]));
}

static void
read_hex(struct leak_watch *w, struct leak_reader *rd, uint8_t c)
{
	uint8_t l = c | 32;
	int v = c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;

	if (v < 0) {
		rd->hex_n = 0;
		return;
	}
	rd->hex = rd->hex << 4 | (uint32_t)v;
	rd->hex_n ^= 1;
	if (rd->hex_n == 0)
		read_byte(w, rd, LEAK_HEX, rd->hex_part, &rd->hex_part_len, (uint8_t)rd->hex);
}

/* Code points as HTML and lists have them, in decimals or in eight bits. */
static void
read_number(struct leak_watch *w, struct leak_reader *rd, uint8_t c)
{
	if (c >= '0' && c <= '9') {
		rd->number = rd->number < 0x110000 ? rd->number * 10 + c - '0' : rd->number;
		rd->bits = c <= '1' && rd->digits < 8 ? rd->bits << 1 | (uint32_t)(c - '0') : 0;
		rd->digits += rd->digits < 9;
		return;
	}
	if (rd->digits > 1)
		read_cp(w, rd, LEAK_NUMBERS, rd->digits == 8 ? rd->bits : rd->number);
	rd->number = rd->bits = 0;
	rd->digits = 0;
}

void
leak_read(struct leak_watch *w, struct leak_reader *rd, const char *p, size_t len)
{
	if (w->sketch == NULL)
		return;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)p[i];

		read_byte(w, rd, LEAK_PLAIN, rd->part, &rd->part_len, c);
		read_b64(w, rd, c);
		read_hex(w, rd, c);
		read_number(w, rd, c);
	}
}

enum leak_level
leak_level(const struct leak_watch *w)
{
	uint32_t n, head;
	uint64_t covered;

	if (w->sketch == NULL || w->sketch->n < 3)
		return LEAK_NONE;
	n = w->sketch->n;
	head = watch_head(w);
	covered = (uint64_t)w->covered * w->sketch->units / n;
	if (w->sketch->units < 200 ? w->hits * 4 >= n * 3 :
	    (covered >= 200 && w->covered * 10 >= n * 6) || ((uint64_t)head * w->sketch->units / n >= 200 && w->head_hits * 4 >= head * 3))
		return LEAK_STRONG;
	if (w->sketch->units < 200 ? w->hits >= 3 && w->hits * 2 >= n : w->hits >= 4 && covered >= 120)
		return LEAK_PARTIAL;
	return LEAK_NONE;
}

bool
leak_hot(const struct leak_watch *w, const struct leak_reader *rd)
{
	return w->sketch != NULL && w->hits >= 2 && rd->quiet < QUIET;
}

/* --- canary ------------------------------------------------------------------------------------------- */

int
canary_make(char out[CANARY_LEN + 1], const struct keyring *kr, const char *tenant, int64_t period)
{
	static const char label[] = "llmsec canary v1";
	uint8_t msg[128], md[32];
	unsigned int n = sizeof(md);
	size_t klen, tl = strlen(tenant);
	const uint8_t *k = kr != NULL ? keyring_key(kr, NULL, &klen) : NULL;

	out[0] = '\0';
	if (k == NULL)
		return -ENOKEY;
	tl = tl < sizeof(msg) - sizeof(label) - 8 ? tl : sizeof(msg) - sizeof(label) - 8;
	memcpy(msg, label, sizeof(label));
	for (int i = 0; i < 8; i++)
		msg[sizeof(label) + i] = (uint8_t)((uint64_t)period >> (56 - 8 * i));
	memcpy(msg + sizeof(label) + 8, tenant, tl);
	if (HMAC(EVP_sha256(), k, (int)klen, msg, sizeof(label) + 8 + tl, md, &n) == NULL)
		return -EIO;
	for (int i = 0; i < CANARY_LEN; i++)	/* 256 mod 26: a bias without consequence */
		out[i] = (char)('a' + md[i] % 26);
	out[CANARY_LEN] = '\0';
	return 0;
}
