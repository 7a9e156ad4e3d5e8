/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "icap-llmsec/train/train.h"

static int
by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

/* What 127 stands for: all but the few largest weights fit. */
static float
quantum(const float *w, size_t n)
{
	float *v = malloc(n * sizeof(*v)), q = 0;
	size_t k = 0;

	if (v == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		if (w[i] != 0)
			v[k++] = fabsf(w[i]);
	qsort(v, k, sizeof(*v), by_size);
	if (k > 0)
		q = v[k - 1 - k / 10000];
	free(v);
	return q > 0 ? q / 127 : 1;
}

static int8_t
quantised(float w, float q)
{
	float x = w / q;

	return (int8_t)lrintf(x > 127 ? 127 : x < -127 ? -127 : x);
}

static void
to_file_order(struct model_header *h)
{
	for (int i = 0; i < MODEL_HEADS; i++)
		h->windows[i] = htole32(h->windows[i]);
	for (float *f = h->scale; f < &h->documents[MODEL_HEADS - 1][MODEL_LEVELS]; f++) {
		uint32_t u;

		memcpy(&u, f, sizeof(u));
		u = htole32(u);
		memcpy(f, &u, sizeof(u));
	}
}

static size_t
fill(uint8_t *p, const struct concepts *c, const struct weights w[MODEL_HEADS], const float q[], const float qc[])
{
	size_t at = MODEL_HEADER;

	for (size_t i = 0; i < FEATURE_TABLE; i++)
		for (int h = 0; h < MODEL_HEADS; h++)
			p[at++] = (uint8_t)quantised(w[h].w[i], q[h]);
	for (size_t i = 0; i < FEATURE_CONCEPT_TABLE; i++)
		for (int h = 0; h < MODEL_HEADS; h++)
			p[at++] = (uint8_t)quantised(w[h].c[i], qc[h]);
	memcpy(p + at, c->trie.node, c->trie.n * sizeof(*c->trie.node));
	at += c->trie.n * sizeof(*c->trie.node);
	memcpy(p + at, c->trie.value, c->trie.n);
	return (at + c->trie.n + 7) & ~(size_t)7;
}

/* <h> comes with what it says of training and calibration; the rest is filled in here. */
int
model_write(const char *path, const struct concepts *c, const struct weights w[MODEL_HEADS], struct model_header *h)
{
	size_t cap = MODEL_HEADER + 2u * (FEATURE_TABLE + FEATURE_CONCEPT_TABLE) + 9 * c->trie.n + 64, n;
	uint8_t *p = calloc(1, cap);
	unsigned md_len = 0;
	char tmp[4096];
	FILE *f = NULL;
	int rc = -ENOMEM;

	if (p == NULL)
		return rc;
	memcpy(h->magic, MODEL_MAGIC, sizeof(h->magic));
	for (int i = 0; i < MODEL_HEADS; i++) {
		h->scale[i] = quantum(w[i].w, FEATURE_TABLE);
		h->concept_scale[i] = quantum(w[i].c, FEATURE_CONCEPT_TABLE);
		h->bias[i] = w[i].bias;
	}
	n = fill(p, c, w, h->scale, h->concept_scale);
	h->version = htole32(MODEL_VERSION);
	h->feature_version = htole32(FEATURE_VERSION);
	h->n_states = htole32((uint32_t)c->trie.n);
	h->n_concepts = htole32(c->n);
	h->size = htole64(n + MODEL_DIGEST);
	for (unsigned i = 1; i <= c->n; i++)
		snprintf(h->concept[i], MODEL_NAME, "%s", c->name[i]);
	to_file_order(h);
	memcpy(p, h, sizeof(*h));
	if (EVP_Digest(p, n, p + n, &md_len, EVP_sha256(), NULL) != 1)
		goto out;
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	if ((f = fopen(tmp, "wb")) == NULL || fwrite(p, 1, n + MODEL_DIGEST, f) != n + MODEL_DIGEST)
		rc = -errno;
	else
		rc = 0;
	if (f != NULL && fclose(f) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(tmp, path) < 0)
		rc = -errno;
out:
	free(p);
	return rc;
}
