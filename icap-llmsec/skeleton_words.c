/* SPDX-License-Identifier: MIT */
/*
 * Where "ignoreallpreviousinstructions" has its blanks: the longest known word at each place whose rest divides,
 * too.  The words are those that requests to a model's instructions are made of; a text of other words stays whole.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/skeleton.h"

#define WORD_MAX	14
#define LOOK		48	/* letters that must divide for a blank to be set: some words ahead */

/* Sorted. */
static const char *const words[] = {
	"a", "about", "above", "act", "all", "an", "and", "any", "are", "as", "assistant", "at", "be", "been", "before", "below",
	"bypass", "can", "code", "commands", "config", "constraints", "content", "conversation", "credentials", "data", "delete", "developer",
	"directions", "directives", "disable", "disclose", "disregard", "display", "do", "dump", "earlier", "every", "everything", "exact",
	"execute", "file", "files", "filter", "filters", "first", "follow", "following", "for", "forget", "former", "from", "full", "given",
	"guidelines", "have", "hello", "hidden", "how", "i", "ignore", "in", "initial", "input", "instruction", "instructions", "instead",
	"internal", "into", "is", "it", "its", "jailbreak", "key", "keys", "leak", "limits", "list", "make", "me", "message", "messages",
	"mode", "model", "must", "my", "new", "no", "not", "now", "obey", "of", "on", "only", "or", "original", "other", "our", "out", "output",
	"override", "password", "passwords", "policy", "policies", "pretend", "previous", "print", "prior", "prompt", "prompts", "protocols",
	"rather", "read", "repeat", "reply", "respond", "response", "restrictions", "reveal", "role", "rules", "run", "safeguards", "safety",
	"say", "secret", "secrets", "security", "send", "set", "show", "start", "stop", "system", "tell", "text", "that", "the", "their",
	"them", "these", "this", "those", "to", "token", "tokens", "under", "unrestricted", "user", "verbatim", "was", "were", "what", "with",
	"without", "word", "words", "write", "you", "your",
};

static int
cmp(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

static bool
known(const struct letter *v, size_t n)
{
	char w[WORD_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		if (v[i].c < 'a' || v[i].c > 'z')
			return false;
		w[i] = (char)v[i].c;
	}
	w[n] = '\0';
	return bsearch(w, words, sizeof(words) / sizeof(*words), sizeof(*words), cmp) != NULL;
}

size_t
skeleton_first_word(const struct letter *v, size_t n)
{
	size_t look = n < LOOK ? n : LOOK, first = 0;
	bool divides[LOOK + 1] = {false};	/* v[i..look-1] does; at the far end, what isn't seen counts as well */

	divides[look] = true;
	for (size_t i = look; i-- > 0;) {
		size_t most = look - i < WORD_MAX ? look - i : WORD_MAX;

		if (look < n && look - i < WORD_MAX)
			divides[i] = true;
		for (size_t k = most; k > 0; k--)
			if (divides[i + k] && known(v + i, k)) {
				divides[i] = true;
				if (i == 0)
					first = k;
				break;
			}
	}
	return first > 0 ? first : n;
}
