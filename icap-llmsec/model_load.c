/* SPDX-License-Identifier: MIT */
/* Open a model file: nothing in it is believed before its digest is right, and no offset afterwards either. */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "icap-llmsec/model_private.h"
#include "lib/diag.h"

#define WORDS_SIZE	((size_t)FEATURE_TABLE * MODEL_HEADS)
#define CONCEPTS_SIZE	((size_t)FEATURE_CONCEPT_TABLE * MODEL_HEADS)

static size_t
file_size(size_t n_states)
{
	size_t n = MODEL_HEADER + WORDS_SIZE + CONCEPTS_SIZE + n_states * sizeof(struct concept_node) + n_states;

	return ((n + 7) & ~(size_t)7) + MODEL_DIGEST;
}

static void
header_to_host(struct model_header *h)
{
	h->version = le32toh(h->version);
	h->feature_version = le32toh(h->feature_version);
	h->size = le64toh(h->size);
	h->n_states = le32toh(h->n_states);
	h->n_concepts = le32toh(h->n_concepts);
	for (float *f = h->scale; f < &h->documents[MODEL_HEADS - 1][MODEL_LEVELS]; f++) {
		uint32_t u;

		memcpy(&u, f, sizeof(u));
		u = le32toh(u);
		memcpy(f, &u, sizeof(u));
	}
	for (int i = 0; i < MODEL_HEADS; i++)
		h->windows[i] = le32toh(h->windows[i]);
}

static const char *
header_check(const struct model_header *h, size_t len)
{
	if (memcmp(h->magic, MODEL_MAGIC, sizeof(h->magic)) != 0)
		return "not a model file";
	if (h->version != MODEL_VERSION)
		return "of another version";
	if (h->feature_version != FEATURE_VERSION)
		return "made for another version of the features";
	if (h->n_states == 0 || h->n_states > MODEL_STATES_MAX || h->n_concepts > CONCEPTS_MAX)
		return "header out of range";
	if (h->size != len || file_size(h->n_states) != len)
		return "truncated, or of the wrong size";
	for (const float *f = h->scale; f < &h->documents[MODEL_HEADS - 1][MODEL_LEVELS]; f++)
		if (!isfinite(*f))
			return "header out of range";
	if (memchr(h->about, '\0', sizeof(h->about)) == NULL)
		return "header out of range";
	for (unsigned i = 0; i <= CONCEPTS_MAX; i++)
		if (memchr(h->concept[i], '\0', MODEL_NAME) == NULL)
			return "header out of range";
	return NULL;
}

static const char *
model_open(struct model *m, const uint8_t *p, size_t len)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	const char *why;

	if (len < MODEL_HEADER + MODEL_DIGEST)
		return "truncated, or not a model file";
	memcpy(&m->h, p, sizeof(m->h));
	header_to_host(&m->h);
	if ((why = header_check(&m->h, len)) != NULL)
		return why;
	if (EVP_Digest(p, len - MODEL_DIGEST, md, &n, EVP_sha256(), NULL) != 1 || n != MODEL_DIGEST)
		return "SHA-256 isn't available";
	if (memcmp(md, p + len - MODEL_DIGEST, MODEL_DIGEST) != 0)
		return "damaged: its SHA-256 is wrong";
	for (int i = 0; i < 4; i++)
		snprintf(m->id + 2 * i, 3, "%02x", md[i]);
	p += MODEL_HEADER;
	m->word = (const int8_t (*)[MODEL_HEADS])p;
	p += WORDS_SIZE;
	m->concept = (const int8_t (*)[MODEL_HEADS])p;
	p += CONCEPTS_SIZE;
	m->trie.node = (const struct concept_node *)p;
	m->trie.value = p + m->h.n_states * sizeof(struct concept_node);
	m->trie.n = m->h.n_states;
	return NULL;
}

int
model_load_mem(struct model **out, const char *name, const void *p, size_t len, struct diag *diag)
{
	struct model *m = calloc(1, sizeof(*m));
	const char *why;

	*out = NULL;
	if (m == NULL)
		return -ENOMEM;
	if ((why = model_open(m, p, len)) != NULL) {
		diag_error(diag, name, 0, 0, "model: %s", why);
		free(m);
		return -EINVAL;
	}
	*out = m;
	return 0;
}

int
model_load(struct model **out, const char *path, struct diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	void *map = MAP_FAILED;
	struct stat st = { 0 };

	*out = NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (st.st_size > 0 && (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc < 0) {
		diag_error(diag, path, 0, 0, "%s", strerror(-rc));
		return rc;
	}
	if ((rc = model_load_mem(out, path, map == MAP_FAILED ? NULL : map, (size_t)st.st_size, diag)) < 0) {
		if (map != MAP_FAILED)
			munmap(map, (size_t)st.st_size);
		return rc;
	}
	(*out)->mapped = map;
	(*out)->mapped_size = (size_t)st.st_size;
	return 0;
}

void
model_free(struct model **m)
{
	if (*m == NULL)
		return;
	if ((*m)->mapped != NULL)
		munmap((*m)->mapped, (*m)->mapped_size);
	free(*m);
	*m = NULL;
}
