/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <endian.h>

#include "icap-llmsec/concept.h"
#include "icap-llmsec/feature.h"
#include "lib/utf8.h"

/* Does a word go on at text[i]? */
static bool
word_goes_on(const char *text, size_t len, size_t i)
{
	uint32_t c;

	return i < len && utf8_take(text + i, len - i, &c, NULL) > 0 && feature_is_letter(c);
}

unsigned
concept_find(const struct concept_trie *t, const char *text, size_t len, size_t at, size_t *end)
{
	size_t s = 0, next;
	unsigned found = CONCEPT_NONE;

	for (size_t i = at; i < len; i++) {
		next = le32toh((uint32_t)t->node[s].base) + (size_t)(unsigned char)text[i];
		if (next >= t->n || next == 0 || le32toh((uint32_t)t->node[next].check) != s)
			break;
		s = next;
		if (t->value[s] == 0 || (!(t->value[s] & CONCEPT_STEM) && word_goes_on(text, len, i + 1)))
			continue;
		found = t->value[s] & CONCEPTS_MAX;
		*end = i + 1;
	}
	return found;
}
