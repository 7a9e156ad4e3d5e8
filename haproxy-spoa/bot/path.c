/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/bot/bot.h"

#define WORD_MIN	20
#define WORD_MAX	64		/* of a longer word the first bytes do */

/* round(64 * n * log2(n)) */
static const uint16_t nlog2n[WORD_MAX + 1] = {
	0, 0, 128, 304, 512, 743, 993, 1258, 1536, 1826, 2126, 2435, 2753, 3079, 3411, 3751, 4096, 4447, 4804, 5165, 5532,
	5903, 6279, 6659, 7043, 7430, 7822, 8216, 8615, 9016, 9421, 9829, 10240, 10654, 11070, 11490, 11912, 12336, 12763,
	13192, 13624, 14058, 14495, 14933, 15374, 15817, 16261, 16708, 17157, 17608, 18060, 18515, 18971, 19429, 19889,
	20350, 20814, 21278, 21745, 22213, 22682, 23154, 23626, 24100, 24576,
};

enum byte_class { DIGIT = 1, LOWER = 2, UPPER = 4, OTHER = 8 };

static enum byte_class
class_of(unsigned char c)
{
	return c >= '0' && c <= '9' ? DIGIT : c >= 'a' && c <= 'z' ? LOWER : c >= 'A' && c <= 'Z' ? UPPER : OTHER;
}

/*
 * Two signs together.  Shannon's entropy, log2(n) - (sum of c log2 c)/n, is 75 % and more of log2(n), which is what n
 * different bytes have; run-together words of people can have that as well.  And the kind of byte changes in every fifth
 * place, which theirs don't.  Hexadecimal words are no sign of anything: digests name files.
 */
static bool
word_random(const char *p, size_t n)
{
	unsigned char count[256] = {0};
	unsigned classes = 0, changes = 0;
	unsigned long sum = 0;
	bool beyond_hex = false;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		count[c]++;
		classes |= class_of(c);
		changes += i > 0 && class_of(c) != class_of((unsigned char)p[i - 1]);
		beyond_hex |= (c | 32) > 'f' && (c | 32) <= 'z';
	}
	if ((classes & DIGIT) == 0 || (classes & OTHER) != 0 || !beyond_hex || changes * 5 < n)
		return false;
	for (size_t i = 0; i < 256; i++)
		sum += nlog2n[count[i]];
	return sum * 4 <= nlog2n[n];
}

bool
bot_path_random(struct span path)
{
	size_t start = 0;

	for (size_t i = 0; i <= path.n; i++) {
		if (i < path.n && path.p[i] != '/' && path.p[i] != '-' && path.p[i] != '_' && path.p[i] != '.')
			continue;
		if (i - start >= WORD_MIN && word_random(path.p + start, i - start < WORD_MAX ? i - start : WORD_MAX))
			return true;
		start = i + 1;
	}
	return false;
}
