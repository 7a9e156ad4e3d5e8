/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire.h"
#include "ti-sync/delta.h"

#define MAGIC	"LSDELTA1"
#define BLOCK	((size_t)64)
#define PIECE	((size_t)1 << 30)		/* of one copy or addition, at most */

/* ---- making -------------------------------------------------------------------------------------- */

struct maker {
	const uint8_t	*base, *result;
	size_t		 n_base, n_result;
	uint32_t	*slot;			/* block + 1, by its hash */
	uint64_t	 mask;
	struct buf	*out;
};

static uint64_t
block_hash(const uint8_t *p)	/* multiplication by 2^64 / phi: Knuth 6.4 */
{
	uint64_t h = 0, w;

	for (size_t i = 0; i < BLOCK; i += 8) {
		memcpy(&w, p + i, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return h;
}

/* Equal blocks (zeros, most of all) share the first one's place: no list of them is ever walked. */
static int
index_make(struct maker *m)
{
	size_t blocks = m->n_base / BLOCK, cap = 1024;

	while (cap < 2 * blocks)
		cap *= 2;
	m->slot = calloc(cap, sizeof(*m->slot));
	if (m->slot == NULL)
		return -ENOMEM;
	m->mask = cap - 1;
	for (size_t i = 0; i < blocks; i++) {
		uint32_t *s = &m->slot[block_hash(m->base + i * BLOCK) & m->mask];

		if (*s == 0)
			*s = (uint32_t)i + 1;
	}
	return 0;
}

/* Where in the base the block at result[at] is: where it was, or where its hash says.  n_base: nowhere. */
static size_t
block_find(const struct maker *m, size_t at)
{
	const uint8_t *p = m->result + at;
	uint32_t s;

	if (at + BLOCK > m->n_result)
		return m->n_base;
	if (at + BLOCK <= m->n_base && memcmp(m->base + at, p, BLOCK) == 0)
		return at;
	s = m->slot[block_hash(p) & m->mask];
	return s != 0 && memcmp(m->base + (s - 1) * BLOCK, p, BLOCK) == 0 ? (s - 1) * BLOCK : m->n_base;
}

static size_t
same_length(const struct maker *m, size_t from, size_t at)
{
	size_t n = 0, max = m->n_base - from < m->n_result - at ? m->n_base - from : m->n_result - at;

	while (n + BLOCK <= max && memcmp(m->base + from + n, m->result + at + n, BLOCK) == 0)
		n += BLOCK;
	while (n < max && m->base[from + n] == m->result[at + n])
		n++;
	return n < PIECE ? n : PIECE;
}

static void
put(struct buf *out, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_addc(out, (char)(v >> 8 * i));
}

static void
add_put(struct maker *m, size_t from, size_t to)
{
	for (size_t n; from < to; from += n) {
		n = to - from < PIECE ? to - from : PIECE;
		buf_addc(m->out, 'A');
		put(m->out, n, 4);
		buf_add(m->out, m->result + from, n);
	}
}

static void
pieces_put(struct maker *m, size_t max)
{
	size_t at = 0, added = 0;		/* result[added..at-1] is not in the base */

	while (at < m->n_result && m->out->err == 0) {
		size_t from = block_find(m, at), n = from < m->n_base ? same_length(m, from, at) : 0;

		if (n == 0) {
			if (++at - added > max)
				m->out->err = -EFBIG;
			continue;
		}
		add_put(m, added, at);
		buf_addc(m->out, 'C');
		put(m->out, from, 8);
		put(m->out, n, 4);
		at += n;
		added = at;
	}
	add_put(m, added, at);
}

int
ti_delta_make(struct buf *out, const void *base, size_t n_base, const void *result, size_t n_result, size_t max)
{
	struct maker m = {.base = base, .result = result, .n_base = n_base, .n_result = n_result, .out = out};
	int err = n_base / BLOCK < UINT32_MAX ? index_make(&m) : -EFBIG;

	if (err < 0)
		return err;
	out->max = buf_len(out) + max;
	buf_adds(out, MAGIC);
	put(out, n_base, 8);
	put(out, n_result, 8);
	pieces_put(&m, max);
	free(m.slot);
	return out->err;
}

/* ---- applying ------------------------------------------------------------------------------------ */

const char *
ti_delta_apply(void *out, size_t n_out, const void *base, size_t n_base, const void *delta, size_t n)
{
	uint8_t *o = out;
	struct wire w;
	const uint8_t *p;

	wire_init(&w, delta, n);
	p = wire_bytes(&w, 8);
	if (p == NULL || memcmp(p, MAGIC, 8) != 0)
		return "not a delta";
	if (wire_be64(&w) != n_base)
		return "a delta of another file";
	if (wire_be64(&w) != n_out)
		return "a delta to another file";
	while (n_out > 0 && w.err == 0) {
		uint8_t op = wire_u8(&w);
		uint64_t from = op == 'C' ? wire_be64(&w) : 0;
		size_t k = wire_be32(&w);

		if (op == 'C')
			p = from <= n_base && k <= n_base - from ? (const uint8_t *)base + from : NULL;
		else
			p = op == 'A' ? wire_bytes(&w, k) : NULL;
		if (p == NULL || k == 0 || k > n_out)
			return "a delta that is damaged";
		memcpy(o, p, k);
		o += k;
		n_out -= k;
	}
	return w.err != 0 || wire_left(&w) > 0 ? "a delta that is damaged" : NULL;
}
