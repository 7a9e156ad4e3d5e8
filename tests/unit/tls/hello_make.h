/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_HELLO_MAKE_H
#define LLMSEC_TEST_HELLO_MAKE_H
/* ClientHellos for tests, written the long way round: a recipe of lists, nothing shared with the parser. */
#include <stddef.h>
#include <stdint.h>

struct hello_recipe {
	char		 transport;		/* 't' 'q' 'd' */
	unsigned	 version;
	const uint16_t	*ciphers;		/* 0 ends */
	const uint16_t	*exts;			/* 0xffff ends; bodies of known types from below */
	const char	*sni;
	const char	*alpn[4];		/* NULL ends */
	size_t		 alpn_len;		/* of alpn[0], 0: strlen */
	const uint16_t	*groups, *sigalgs, *versions;	/* 0 ends */
	const uint8_t	*points;		/* point formats: 0xff ends */
	size_t		 padding;		/* bytes in extension 21 */
};

/* The handshake message; its length. */
size_t	hello_make(uint8_t *out, size_t size, const struct hello_recipe *);
/* TLS records of <chunk> bytes around it. */
size_t	hello_records(uint8_t *out, const uint8_t *msg, size_t len, size_t chunk);
/* DTLS records, one fragment of <chunk> bytes each, the last one first when <reverse>. */
size_t	hello_dtls_records(uint8_t *out, const uint8_t *msg, size_t len, size_t chunk, int reverse);

/* The Chrome hello of FoxIO's description of JA4 (its ja4 and ja4_r are published there). */
extern const struct hello_recipe hello_chrome;
#define HELLO_CHROME_JA4	"t13d1516h2_8daaf6152771_e5627efa2ab1"
#define HELLO_CHROME_JA4_R	"t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_" \
	"0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601"
#endif
