/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/bot/bot.h"

static const struct {
	char		 digest[13];
	enum bot_tls	 by;
	const char	*client;
} clients[] = {
#define BOT_JA4(digest, by, client) {digest, TLS_BY_##by, client},
#include "haproxy-spoa/bot/ja4_clients.def"
#undef BOT_JA4
};

static bool
two_digits(const char *p, unsigned *v)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*v = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
	return true;
}

/* "t13d1516h2_8daaf6152771_02713d6af862"; an old version has letters ("s3"), which is 0 here. */
void
bot_ja4_read(struct bot_ja4 *j, const char *ja4)
{
	memset(j, 0, sizeof(*j));
	j->client = "";
	if (strlen(ja4) != 36 || ja4[10] != '_' || ja4[23] != '_' || !two_digits(ja4 + 4, &j->ciphers) ||
	    !two_digits(ja4 + 6, &j->extensions))
		return;
	j->known = true;
	j->quic = ja4[0] == 'q';
	j->sni = ja4[3] == 'd';
	if (!two_digits(ja4 + 1, &j->version))
		j->version = 0;
	memcpy(j->alpn, ja4 + 8, 2);
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (memcmp(clients[i].digest, ja4 + 11, 12) == 0) {
			j->by = clients[i].by;
			j->client = clients[i].client;
		}
}
