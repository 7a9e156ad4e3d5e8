/* SPDX-License-Identifier: MIT */
/*
 * Where "ignoreallpreviousinstructions" has its blanks: the longest known word at each place whose rest divides,
 * too.  The words are those that requests to a model's instructions are made of; a text of other words stays whole.
 */
#include "config.h"

#include <string.h>

#include "icap-llmsec/skeleton.h"


/* Sorted. */
static const char *const words[] = {
	"a", "about", "above", "act", "all", "an", "and", "any", "are", "as", "assistant", "at", "be", "been", "before", "below",
	"bypass", "can", "code", "commands", "config", "constraints", "content", "conversation", "credentials", "data", "delete", "developer",
	"directions", "directives", "disable", "disclose", "display", "disregard", "do", "dump", "earlier", "every", "everything", "exact",
	"execute", "file", "files", "filter", "filters", "first", "follow", "following", "for", "forget", "former", "from", "full", "given",
	"guidelines", "have", "hello", "hidden", "how", "i", "ignore", "in", "initial", "input", "instead", "instruction", "instructions",
	"internal", "into", "is", "it", "its", "jailbreak", "key", "keys", "leak", "limits", "list", "make", "me", "message", "messages",
	"mode", "model", "must", "my", "new", "no", "not", "now", "obey", "of", "on", "only", "or", "original", "other", "our", "out", "output",
	"override", "password", "passwords", "policies", "policy", "pretend", "previous", "print", "prior", "prompt", "prompts", "protocols",
	"rather", "read", "repeat", "reply", "respond", "response", "restrictions", "reveal", "role", "rules", "run", "safeguards", "safety",
	"say", "secret", "secrets", "security", "send", "set", "show", "start", "stop", "system", "tell", "text", "that", "the", "their",
	"them", "these", "this", "those", "to", "token", "tokens", "under", "unrestricted", "user", "verbatim", "was", "were", "what", "with",
	"without", "word", "words", "write", "you", "your",
};

#define WORDS	(sizeof(words) / sizeof(*words))

/* Of words[lo..hi-1], which are alike in their first <k> letters: the first that has none below <c> there. */
static size_t
lower(size_t lo, size_t hi, size_t k, unsigned char c)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((unsigned char)words[mid][k] < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint16_t
lengths_at(const struct letter *v, size_t n)
{
	size_t lo = 0, hi = WORDS;
	uint16_t lengths = 0;

	for (size_t k = 0; k < n && k < WORD_MAX && ascii_letter(v[k].c); k++) {
		lo = lower(lo, hi, k, (unsigned char)v[k].c);
		hi = lower(lo, hi, k, (unsigned char)(v[k].c + 1));
		if (lo == hi)
			break;
		if (words[lo][k + 1] == '\0')	/* the shortest comes first */
			lengths |= (uint16_t)(1u << (k + 1));
	}
	return lengths;
}

void
skeleton_lengths(const struct letter *v, size_t n, uint16_t *lengths)
{
	for (size_t i = 0; i < n; i++)
		lengths[i] = lengths_at(v + i, n - i);
}

size_t
skeleton_first_word(const uint16_t *lengths, size_t n)
{
	size_t look = n < SKELETON_LOOK ? n : SKELETON_LOOK;
	uint64_t divides = (uint64_t)1 << look, fits = 0;	/* bit i: v[i..look-1] does; at the far end, what isn't seen counts as well */

	for (size_t i = look; i-- > 0;) {
		fits = divides >> i & lengths[i];
		if (fits != 0 || (look < n && look - i < WORD_MAX))
			divides |= (uint64_t)1 << i;
	}
	return fits != 0 ? 63 - (size_t)__builtin_clzll(fits) : n;
}
