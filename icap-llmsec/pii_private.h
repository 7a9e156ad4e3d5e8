/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_PII_PRIVATE_H
#define LLMSEC_ICAP_PII_PRIVATE_H
/* Between the parts of the PII finder. */
#include <stdbool.h>
#include <stdint.h>

#include "icap-llmsec/pii.h"
#include "lib/literals.h"

/* name, its rule, kind of its placeholder, group */
#define PII_TYPES(X) \
	X(email, "EMAIL", "EMAIL", EMAIL) X(card, "CARD", "CARD", CARD) X(iban, "IBAN", "IBAN", IBAN) X(bic, "BIC", "BIC", BIC) \
	X(us_ssn, "US-SSN", "SSN", US_SSN) X(vat, "VAT", "VAT", VAT) X(phone, "PHONE", "PHONE", PHONE) \
	X(passport, "PASSPORT", "PASSPORT", PASSPORT) X(licence, "LICENCE", "LICENCE", LICENCE) \
	X(birth_date, "BIRTH-DATE", "BIRTHDAY", BIRTH_DATE) X(address, "ADDRESS", "ADDRESS", ADDRESS) X(name, "NAME", "NAME", NAME) \
	X(ip, "IP", "IP", IP) X(mac, "MAC", "MAC", MAC) X(crypto, "CRYPTO", "WALLET", CRYPTO) \
	PII_ID(us_itin, "US-ITIN", X) PII_ID(us_ein, "US-EIN", X) PII_ID(us_npi, "US-NPI", X) PII_ID(us_routing, "US-ROUTING", X) \
	PII_ID(es_dni, "ES-DNI", X) PII_ID(es_nie, "ES-NIE", X) PII_ID(it_cf, "IT-CF", X) PII_ID(fr_nir, "FR-NIR", X) \
	PII_ID(de_idnr, "DE-IDNR", X) PII_ID(de_rvnr, "DE-RVNR", X) PII_ID(nl_bsn, "NL-BSN", X) PII_ID(be_rrn, "BE-RRN", X) \
	PII_ID(pl_pesel, "PL-PESEL", X) PII_ID(pl_nip, "PL-NIP", X) PII_ID(se_pnr, "SE-PNR", X) PII_ID(fi_hetu, "FI-HETU", X) \
	PII_ID(dk_cpr, "DK-CPR", X) PII_ID(no_fnr, "NO-FNR", X) PII_ID(is_kt, "IS-KT", X) PII_ID(pt_nif, "PT-NIF", X) \
	PII_ID(br_cpf, "BR-CPF", X) PII_ID(br_cnpj, "BR-CNPJ", X) PII_ID(ca_sin, "CA-SIN", X) PII_ID(au_tfn, "AU-TFN", X) \
	PII_ID(au_medicare, "AU-MEDICARE", X) PII_ID(au_abn, "AU-ABN", X) PII_ID(in_aadhaar, "IN-AADHAAR", X) PII_ID(in_pan, "IN-PAN", X) \
	PII_ID(cn_id, "CN-ID", X) PII_ID(kr_rrn, "KR-RRN", X) PII_ID(za_id, "ZA-ID", X) PII_ID(mx_curp, "MX-CURP", X) \
	PII_ID(tr_tckn, "TR-TCKN", X) PII_ID(ro_cnp, "RO-CNP", X) PII_ID(cz_rc, "CZ-RC", X) PII_ID(hr_oib, "HR-OIB", X) \
	PII_ID(bg_egn, "BG-EGN", X) PII_ID(ee_ik, "EE-IK", X) PII_ID(lv_pk, "LV-PK", X) PII_ID(gr_afm, "GR-AFM", X) \
	PII_ID(gr_amka, "GR-AMKA", X) PII_ID(il_id, "IL-ID", X) PII_ID(sg_nric, "SG-NRIC", X) PII_ID(tw_id, "TW-ID", X) \
	PII_ID(hk_id, "HK-ID", X) PII_ID(jp_my, "JP-MY-NUMBER", X) PII_ID(gb_nino, "GB-NINO", X) PII_ID(gb_nhs, "GB-NHS", X) \
	PII_ID(ch_ahv, "CH-AHV", X) PII_ID(at_svnr, "AT-SVNR", X) PII_ID(ie_pps, "IE-PPS", X) PII_ID(hu_taj, "HU-TAJ", X) \
	PII_ID(yu_jmbg, "YU-JMBG", X) PII_ID(ua_rnokpp, "UA-RNOKPP", X) PII_ID(ru_snils, "RU-SNILS", X) PII_ID(ru_inn, "RU-INN", X) \
	PII_ID(ar_cuit, "AR-CUIT", X) PII_ID(cl_rut, "CL-RUT", X) PII_ID(th_id, "TH-ID", X) PII_ID(my_nric, "MY-NRIC", X) \
	PII_ID(id_nik, "ID-NIK", X) PII_ID(pk_cnic, "PK-CNIC", X) PII_ID(ae_id, "AE-ID", X)
#define PII_ID(n, r, X)	X(n, r, "ID", NATIONAL_ID)

#define X(n, r, k, g) PII_T_##n,
enum pii_t { PII_TYPES(X) PII_T_END };
#undef X
extern const struct pii_type pii_types[PII_T_END];

/* What a word near a number says about it; bits of a 64-bit mask. */
enum pii_ctx {
	C_ID, C_TAX, C_SSN, C_PHONE, C_BIRTH, C_PASSPORT, C_LICENCE, C_BIC, C_CRYPTO, C_IP, C_VERSION, C_HEALTH, C_CARD,
	C_ES, C_IT, C_FR, C_DE, C_NL, C_BE, C_PL, C_SE, C_FI, C_DK, C_NO, C_IS, C_PT, C_BR, C_CA, C_AU, C_IN, C_CN, C_KR, C_ZA,
	C_MX, C_TR, C_RO, C_CZ, C_HR, C_BG, C_EE, C_LV, C_GR, C_IL, C_SG, C_TW, C_HK, C_JP, C_GB, C_CH, C_AT, C_IE, C_HU, C_YU,
	C_UA, C_RU, C_AR, C_CL, C_TH, C_MY, C_PK, C_US, C_END
};
#define CTX(c)	(UINT64_C(1) << (c))
#define CTX_COUNTRIES	((UINT64_C(1) << C_END) - CTX(C_ES))
_Static_assert(C_END < 64, "a bit each");

#define PII_ROWS	1024		/* of the hash of shapes, a power of two */

#define PII_BEGINS	16384		/* bits, a power of two */

struct pii_row {			/* a shape of an identifier */
	uint64_t shape;
	const struct pii_id *id;
	bool	 needs_ctx;
};

struct pii {
	struct pii_conf	 conf;
	enum detect_mode mode[PII_GROUPS];
	struct literals	*words;		/* contexts, and what introduces a name */
	struct pii_row	 row[PII_ROWS];	/* open addressing; id NULL: free */
	uint64_t	 begins[PII_BEGINS / 64];	/* hashes of what shapes begin with, whole groups: a filter */
};

struct pii_scan {
	const struct pii *pii;
	const char	*p;
	size_t		 len;
	struct arena	*arena;
	uint64_t	*near;		/* per 32 bytes: contexts that end there */
	uint64_t	*said;		/* likewise: countries, by their names or their numbers' */
	struct pii_hit	*v;
	size_t		 n, cap;
	bool		 oom;
};

/* An identifier's letters and digits without what separates them, letters in upper case. */
struct pii_id_text { const char *c; size_t n; bool lower; };	/* <lower>: some were not */

struct pii_id {
	enum pii_t	 type;
	uint64_t	 ctx;
	bool		 (*check)(const struct pii_id_text *);
	const char	*shapes;	/* "D3-D2-D4 D9!": D digits, L letters, _ a blank, ! only near a word */
	unsigned	 flags;
};
/* No check digit; believed only near its own name. */
enum { PII_ID_WEAK = 1, PII_ID_NAMED = 2 };

static inline bool
pii_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
pii_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* --- pii_find.c */
void	pii_add(struct pii_scan *, enum pii_t, size_t start, size_t len, float confidence);
bool	pii_near(const struct pii_scan *, uint64_t ctx, size_t start, size_t end);
uint64_t pii_around(const struct pii_scan *, const uint64_t *marks, size_t start, size_t end);	/* all near it */
/* Is what stands before and after p[start..end) no part of it? */
bool	pii_alone(const struct pii_scan *, size_t start, size_t end);
/* --- pii.c: end of the address with this @, 0: none, and of the card number that begins here; linear in what they look at */
size_t	pii_email_at(const char *, size_t len, size_t from, size_t at, size_t *start);
size_t	pii_card_at(const char *, size_t len, size_t start, bool said);	/* said: a word says that it is a card */
/* --- pii_words.c */
int	pii_words_load(struct literals *);
bool	pii_word_hit(void *scan, const struct literals_hit *);
/* --- pii_ids.c */
int	pii_ids_load(struct pii *);
size_t	pii_ids_at(struct pii_scan *, size_t start);	/* end of the one found, 0: none */
/* --- the others: at a token's start; the end of what was found, 0: nothing */
size_t	pii_iban_at(struct pii_scan *, size_t start, size_t end);
size_t	pii_vat_at(struct pii_scan *, size_t start, size_t end);
size_t	pii_phone_at(struct pii_scan *, size_t start);
size_t	pii_ip_at(struct pii_scan *, size_t start, size_t end);
size_t	pii_mac_at(struct pii_scan *, size_t start, size_t end);
size_t	pii_wallet_at(struct pii_scan *, size_t start, size_t end);
size_t	pii_paper_at(struct pii_scan *, size_t start, size_t end);	/* passports, licences */
size_t	pii_date_at(struct pii_scan *, size_t start);
size_t	pii_address_at(struct pii_scan *, size_t start, size_t end);
void	pii_name_after(struct pii_scan *, size_t start, size_t end, unsigned flags);
void	pii_bic_after(struct pii_scan *, size_t end);
/* --- pii_check.c: digits in ASCII */
bool	pii_luhn(const char *, size_t n);
bool	pii_mod11_10(const char *, size_t n);		/* ISO/IEC 7064, MOD 11,10; check digit last */
bool	pii_verhoeff(const char *, size_t n);
unsigned pii_sum(const char *, const char *weights);	/* weights: '0'..'9', 'A' 10, ... */
unsigned pii_mod(const char *, size_t n, unsigned m);
bool	pii_date(unsigned y, unsigned m, unsigned d);	/* y % 100 or whole */
unsigned pii_num(const char *, size_t n);
#endif
