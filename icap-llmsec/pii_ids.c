/* SPDX-License-Identifier: MIT */
/*
 * Numbers that states give to people: by their shape, then their check digits and dates of birth.  Algorithms as the
 * issuing authorities describe them; docs/pii.md names them.  A shape with ! counts only near a word that says what it is.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "icap-llmsec/pii_private.h"

#define T	const struct pii_id_text *t
#define AT(i)	((unsigned)(t->c[i] - '0'))
#define NUM(i, n) pii_num(t->c + (i), n)

static bool yymmdd(const char *c) { return pii_date(pii_num(c, 2), pii_num(c + 2, 2), pii_num(c + 4, 2)); }
static bool ddmmyy(const char *c) { return pii_date(pii_num(c + 4, 2), pii_num(c + 2, 2), pii_num(c, 2)); }

/* United States: SSA, "Social Security number randomization"; the IRS on ITIN; ABA; CMS on NPI (Luhn with 80840 before) */
static bool us_ssn(T) { unsigned a = NUM(0, 3); return a != 0 && a != 666 && a < 900 && NUM(3, 2) != 0 && NUM(5, 4) != 0; }
static bool
us_itin(T)
{
	unsigned g = NUM(3, 2);

	return t->c[0] == '9' && ((g >= 50 && g <= 65) || (g >= 70 && g <= 88) || (g >= 90 && g <= 92) || g >= 94);
}
static bool us_ein(T) { unsigned p = NUM(0, 2); return p != 0 && p != 7 && p != 8 && p != 9 && p != 89; }
static bool us_routing(T) { unsigned p = NUM(0, 2); return (p <= 12 || (p >= 21 && p <= 32) || (p >= 61 && p <= 72) || p == 80) &&
	NUM(0, 9) != 0 && pii_sum(t->c, "371371371") % 10 == 0; }
static bool
us_npi(T)
{
	char d[16] = "80840";

	memcpy(d + 5, t->c, 10);
	return (t->c[0] == '1' || t->c[0] == '2') && pii_luhn(d, 15);
}

/* Spain: Real Decreto 1553/2005; the letter is the number modulo 23 */
static bool es_letter(unsigned n, char c) { return "TRWAGMYFPDXBNJZSQVHLCKE"[n % 23] == c; }
static bool es_dni(T) { return es_letter(NUM(0, 8), t->c[8]); }
static bool es_nie(T) { return t->c[0] >= 'X' && t->c[0] <= 'Z' && es_letter((unsigned)(t->c[0] - 'X') * 10000000 + NUM(1, 7), t->c[8]); }

/* Italy: Decreto ministeriale 23 December 1976 */
static bool
it_cf(T)
{
	static const char odd[] = "BAFHJNPRTVCESULDGIMOQKWZYX";	/* by value: A and 0 give 1 */
	unsigned sum = 0;

	if (strchr("ABCDEHLMPRST", t->c[8]) == NULL)
		return false;
	for (size_t i = 0; i < 15; i++) {
		unsigned v = t->c[i] >= 'A' ? (unsigned)(t->c[i] - 'A') : AT(i);

		sum += i & 1 ? v : (unsigned)(odd[v] - 'A');
	}
	return sum % 26 == (unsigned)(t->c[15] - 'A');
}

/* France: INSEE; the key is 97 less the number modulo 97; Corsica's 2A and 2B count as 19 and 18 */
static bool
fr_nir(T)
{
	char d[16];
	unsigned m = NUM(3, 2);

	if (strchr("123478", t->c[0]) == NULL || !(m <= 12 || (m >= 20 && m <= 42) || m >= 50) || m == 0)
		return false;
	memcpy(d, t->c, 15);
	if (d[6] == 'A' || d[6] == 'B') {
		d[6] = d[6] == 'A' ? '9' : '8';
		d[5] = '1';
	}
	for (size_t i = 0; i < 15; i++)
		if (!pii_digit(d[i]))
			return false;
	return 97 - pii_mod(d, 13, 97) == pii_num(d + 13, 2);
}

/* Germany: 139b AO (one digit of the first ten twice or three times); VKVV for the pension insurance */
static bool
de_idnr(T)
{
	unsigned count[10] = { 0 }, twice = 0, more = 0;

	for (size_t i = 0; i < 10; i++)
		count[AT(i)]++;
	for (size_t i = 0; i < 10; i++) {
		twice += count[i] == 2;
		more += count[i] == 3;
		if (count[i] > 3)
			return false;
	}
	return t->c[0] != '0' && twice + more == 1 && pii_mod11_10(t->c, 11);
}
static bool
de_rvnr(T)
{
	static const char w[] = "212571212121";
	unsigned l = (unsigned)(t->c[8] - 'A') + 1, sum = 0, v;
	char d[13];

	memcpy(d, t->c, 8);
	d[8] = (char)('0' + l / 10);
	d[9] = (char)('0' + l % 10);
	memcpy(d + 10, t->c + 9, 2);
	for (size_t i = 0; i < 12; i++) {
		v = (unsigned)(d[i] - '0') * (unsigned)(w[i] - '0');
		sum += v / 10 + v % 10;
	}
	return pii_date(0, NUM(4, 2), NUM(2, 2)) && sum % 10 == AT(11);
}

/* The Netherlands: the eleven test; Belgium: Rijksregister, 97 less the number, from 2000 on with a 2 before it */
static bool nl_bsn(T) { return NUM(0, 9) >= 1000000 && (pii_sum(t->c, "98765432") + 10 * AT(8)) % 11 == 0; }
static bool
be_rrn(T)
{
	char d[11] = "2";

	memcpy(d + 1, t->c, 9);
	return NUM(2, 2) <= 12 && NUM(4, 2) <= 31 && (97 - pii_mod(t->c, 9, 97) == NUM(9, 2) || 97 - pii_mod(d, 10, 97) == NUM(9, 2));
}

/* Poland: ustawa o ewidencji ludnosci; NIP */
static bool pl_pesel(T) { return pii_date(NUM(0, 2), NUM(2, 2) % 20, NUM(4, 2)) && (pii_sum(t->c, "1379137913") + AT(10)) % 10 == 0; }
static bool pl_nip(T) { return pii_sum(t->c, "657234567") % 11 == AT(9) && t->c[0] != '0'; }

/* Sweden: Skatteverket SKV 704 (a day plus 60 for samordningsnummer); Finland, Denmark, Norway, Iceland */
static bool
se_pnr(T)
{
	const char *c = t->n == 12 ? t->c + 2 : t->c;

	return (t->n == 10 || pii_num(t->c, 2) == 19 || pii_num(t->c, 2) == 20) &&
	    pii_date(0, pii_num(c + 2, 2), pii_num(c + 4, 2) % 60) && pii_luhn(c, 10);
}
static bool
fi_hetu(T)
{
	const char *c = t->c + (t->n == 11 ? 7 : 6);	/* the century may be a letter */

	for (int i = 0; i < 3; i++)
		if (!pii_digit(c[i]))
			return false;
	return ddmmyy(t->c) && (t->n == 10 || strchr("ABCDEFUVWXY", t->c[6]) != NULL) && pii_num(c, 3) >= 2 &&
	    "0123456789ABCDEFHJKLMNPRSTUVWXY"[(NUM(0, 6) * 1000 % 31 + pii_num(c, 3)) % 31] == c[3];
}
static bool dk_cpr(T) { return ddmmyy(t->c); }
static bool
no_fnr(T)
{
	return pii_date(0, NUM(2, 2) % 40, NUM(0, 2) % 40) && (pii_sum(t->c, "376189452") + AT(9)) % 11 == 0 &&
	    (pii_sum(t->c, "5432765432") + AT(10)) % 11 == 0;
}
static bool is_kt(T) { return ddmmyy(t->c) && (t->c[9] == '9' || t->c[9] == '0') && (pii_sum(t->c, "32765432") + AT(8)) % 11 == 0; }

/* Modulo 11 where 10 and 11 count as 0: Portugal, Brazil */
static bool mod11_zero(unsigned sum, unsigned check) { unsigned r = 11 - sum % 11; return (r >= 10 ? 0 : r) == check; }
static bool pt_nif(T) { return strchr("1235689", t->c[0]) != NULL && mod11_zero(pii_sum(t->c, "98765432"), AT(8)); }
static bool same(T) { return strspn(t->c, (const char[]){ t->c[0], 0 }) >= t->n; }
static bool br_cpf(T) { return !same(t) && mod11_zero(pii_sum(t->c, "A98765432"), AT(9)) && mod11_zero(pii_sum(t->c, "BA98765432"), AT(10)); }
static bool
br_cnpj(T)
{
	return !same(t) && mod11_zero(pii_sum(t->c, "543298765432"), AT(12)) && mod11_zero(pii_sum(t->c, "6543298765432"), AT(13));
}

/* Canada, Australia (ATO, Services Australia, ABR), India (UIDAI, Income Tax Department) */
static bool ca_sin(T) { return NUM(0, 9) != 0 && t->c[0] != '8' && pii_luhn(t->c, 9); }
static bool au_tfn(T) { return NUM(0, 8) != 0 && pii_sum(t->c, "14375869A") % 11 == 0; }
static bool au_medicare(T) { return t->c[0] >= '2' && t->c[0] <= '6' && pii_sum(t->c, "13791379") % 10 == AT(8); }
static bool au_abn(T) { return t->c[0] != '0' && (pii_sum(t->c, "A13579BDFHJ") + 89 - 10) % 89 == 0; }
static bool in_aadhaar(T) { return t->c[0] >= '2' && pii_verhoeff(t->c, 12); }
static bool in_pan(T) { return strchr("ABCFGHLJPTK", t->c[3]) != NULL && NUM(5, 4) != 0; }

/* China: GB 11643, ISO/IEC 7064 MOD 11-2; Korea; Taiwan; Hong Kong; Japan; Singapore */
static bool
cn_id(T)
{
	for (size_t i = 0; i < 17; i++)
		if (!pii_digit(t->c[i]))
			return false;
	return pii_date(NUM(6, 4), NUM(10, 2), NUM(12, 2)) && t->c[0] != '0' &&
	    "10X98765432"[pii_sum(t->c, "79A584216379A5842") % 11] == t->c[17];
}
static bool kr_rrn(T) { return yymmdd(t->c) && t->c[6] != '0' && (11 - pii_sum(t->c, "234567892345") % 11) % 10 == AT(12); }
/* Since October 2020 six of the last digits are random (Ministry of the Interior and Safety, 2019-12-17): no check digit. */
static bool kr_rrn_2020(T) { return yymmdd(t->c) && t->c[6] >= '1' && t->c[6] <= '8'; }
static bool
tw_id(T)
{
	static const unsigned char v[] = { 10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33 };
	unsigned l = v[t->c[0] - 'A'];

	return strchr("1289", t->c[1]) != NULL && (l / 10 + l % 10 * 9 + pii_sum(t->c + 1, "87654321") + AT(9)) % 10 == 0;
}
static bool
hk_id(T)
{
	size_t letters = t->n - 7;
	unsigned sum = letters == 1 ? 36 * 9 : (unsigned)(t->c[0] - 'A' + 10) * 9, check;

	for (size_t i = 0; i + 1 < 7; i++)
		if (!pii_digit(t->c[letters + i]))
			return false;
	sum += (unsigned)(t->c[letters - 1] - 'A' + 10) * 8 + pii_sum(t->c + letters, "765432");
	check = (11 - sum % 11) % 11;
	return t->c[t->n - 1] == (check == 10 ? 'A' : (char)('0' + check));
}
static bool jp_my(T) { unsigned r = pii_sum(t->c, "65432765432") % 11; return !same(t) && (r <= 1 ? 0 : 11 - r) == AT(11); }
static bool
sg_nric(T)
{
	unsigned s = pii_sum(t->c + 1, "2765432");

	switch (t->c[0]) {
	case 'S': case 'T': return "JZIHGFEDCBA"[(s + (t->c[0] == 'T' ? 4 : 0)) % 11] == t->c[8];
	case 'F': case 'G': return "XWUTRQPNMLK"[(s + (t->c[0] == 'G' ? 4 : 0)) % 11] == t->c[8];
	case 'M': return "XWUTRQPNJLK"[(s + 3) % 11] == t->c[8];
	default: return false;
	}
}

/* South Africa, Mexico (RENAPO), Turkey, Romania, the Czech Republic and Slovakia, Croatia, Bulgaria */
static bool za_id(T) { return yymmdd(t->c) && t->c[10] <= '1' && pii_luhn(t->c, 13); }
static bool
mx_curp(T)
{
	unsigned sum = 0;

	if (!yymmdd(t->c + 4) || strchr("HMX", t->c[10]) == NULL || !pii_digit(t->c[17]))
		return false;
	for (unsigned i = 0; i < 17; i++) {
		unsigned v = pii_digit(t->c[i]) ? AT(i) : (unsigned)(t->c[i] - 'A' + 10) + (t->c[i] > 'N');	/* N-tilde between */

		sum += v * (18 - i);
	}
	return (10 - sum % 10) % 10 == AT(17);
}
static bool
tr_tckn(T)
{
	unsigned odd = AT(0) + AT(2) + AT(4) + AT(6) + AT(8), even = AT(1) + AT(3) + AT(5) + AT(7);

	return t->c[0] != '0' && (odd * 7 + 100 - even) % 10 == AT(9) && (odd + even + AT(9)) % 10 == AT(10);
}
static bool
ro_cnp(T)
{
	unsigned r = pii_sum(t->c, "279146358279") % 11;

	return t->c[0] != '0' && yymmdd(t->c + 1) && (r == 10 ? 1 : r) == AT(12);
}
static bool cz_rc(T) { unsigned m = NUM(2, 2) % 50; return pii_date(0, m > 20 ? m - 20 : m, NUM(4, 2)) && pii_mod(t->c, 10, 11) == 0; }
static bool mod11_10(T) { return pii_mod11_10(t->c, 11); }
static bool bg_egn(T) { return pii_date(0, NUM(2, 2) % 20, NUM(4, 2)) && pii_sum(t->c, "2485A9736") % 11 % 10 == AT(9); }

/* Estonia and Lithuania, Latvia, Greece, Israel */
static bool
ee_ik(T)
{
	unsigned r = pii_sum(t->c, "1234567891") % 11;

	if (r == 10)
		r = pii_sum(t->c, "3456789123") % 11;
	return t->c[0] >= '1' && t->c[0] <= '8' && yymmdd(t->c + 1) && r % 10 == AT(10);
}
static bool
lv_pk(T)
{
	return (t->c[0] == '3' && t->c[1] == '2') || (ddmmyy(t->c) && (1101 - pii_sum(t->c, "16379A5842")) % 11 % 10 == AT(10));
}
static bool
gr_afm(T)
{
	unsigned s = 0;

	for (unsigned i = 0; i < 8; i++)
		s += AT(i) << (8 - i);
	return NUM(0, 9) != 0 && s % 11 % 10 == AT(8);
}
static bool gr_amka(T) { return ddmmyy(t->c) && pii_luhn(t->c, 11); }
static bool il_id(T) { return NUM(0, 9) != 0 && pii_luhn(t->c, 9); }

/* The United Kingdom (HMRC NIM39110; NHS data dictionary), Switzerland, Austria, Ireland, Hungary, former Yugoslavia */
static bool
gb_nino(T)
{
	static const char *const not[] = { "BG", "GB", "NK", "KN", "TN", "NT", "ZZ" };

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (memcmp(not[i], t->c, 2) == 0)
			return false;
	return strchr("DFIQUV", t->c[0]) == NULL && strchr("DFIQUVO", t->c[1]) == NULL && t->c[8] >= 'A' && t->c[8] <= 'D';
}
static bool gb_nhs(T) { unsigned r = 11 - pii_sum(t->c, "A98765432") % 11; return !same(t) && (r == 11 ? 0 : r) == AT(9); }
static bool ch_ahv(T) { return memcmp(t->c, "756", 3) == 0 && (pii_sum(t->c, "131313131313") + AT(12)) % 10 == 0; }
static bool at_svnr(T) { return t->c[0] != '0' && NUM(4, 2) <= 31 && NUM(6, 2) <= 15 && pii_sum(t->c, "3790584216") % 11 == AT(3); }
static bool
ie_pps(T)
{
	unsigned s = pii_sum(t->c, "8765432");

	if (t->n == 9)
		s += t->c[8] == 'W' ? 0 : (unsigned)(t->c[8] - 'A' + 1) * 9;
	return "WABCDEFGHIJKLMNOPQRSTUV"[s % 23] == t->c[7];
}
static bool hu_taj(T) { return NUM(0, 9) != 0 && pii_sum(t->c, "37373737") % 10 == AT(8); }
static bool yu_jmbg(T) { return pii_date(0, NUM(2, 2), NUM(0, 2)) && mod11_zero(pii_sum(t->c, "765432765432"), AT(12)); }

/* Ukraine, Russia (Pension Fund; Federal Tax Service), Argentina, Chile, Thailand, Malaysia, Indonesia, Pakistan, Emirates */
static bool ua_rnokpp(T) { return (pii_sum(t->c + 1, "57946A57") + 99 - AT(0)) % 11 % 10 == AT(9); }
static bool
ru_snils(T)
{
	unsigned r = pii_sum(t->c, "987654321") % 101;

	return NUM(0, 8) > 1001 && (r == 100 ? 0 : r) == NUM(9, 2);
}
static bool ru_inn(T) { return pii_sum(t->c, "724A359468") % 11 % 10 == AT(10) && pii_sum(t->c, "3724A359468") % 11 % 10 == AT(11); }
static bool
ar_cuit(T)
{
	unsigned r = 11 - pii_sum(t->c, "5432765432") % 11;

	return strchr("23", t->c[0]) != NULL && (r == 11 ? 0 : r == 10 ? 9 : r) == AT(10);
}
static bool
cl_rut(T)
{
	unsigned s = 0;

	for (size_t i = 0; i + 1 < t->n; i++)
		s += AT(t->n - 2 - i) * (unsigned)(2 + i % 6);
	s = 11 - s % 11;
	return t->c[t->n - 1] == (s == 11 ? '0' : s == 10 ? 'K' : (char)('0' + s));
}
static bool th_id(T) { return t->c[0] != '0' && (11 - pii_sum(t->c, "DCBA98765432") % 11) % 10 == AT(12); }
static bool my_nric(T) { return yymmdd(t->c); }
static bool id_nik(T) { return pii_date(0, NUM(8, 2), NUM(6, 2) % 40); }
static bool pk_cnic(T) { return t->c[0] >= '1' && t->c[0] <= '7'; }
static bool ae_id(T) { return memcmp(t->c, "784", 3) == 0 && pii_luhn(t->c, 15); }

#define ID(n, ctx, shapes) { PII_T_##n, ctx, n, shapes, 0 }
#define WEAK(n, ctx, shapes) { PII_T_##n, ctx, n, shapes, PII_ID_WEAK }
#define B(c) CTX(c)
static const struct pii_id ids[] = {
	ID(us_ssn, B(C_SSN), "D3-D2-D4 D3_D2_D4! D9!"), ID(us_itin, B(C_US), "D3-D2-D4 D9!"), WEAK(us_ein, B(C_US), "D2-D7!"),
	ID(us_routing, B(C_US), "D9!"), ID(us_npi, B(C_US) | B(C_HEALTH), "D10!"),
	ID(es_dni, B(C_ES), "D8L1 D8-L1 D2.D3.D3-L1"), ID(es_nie, B(C_ES), "L1D7L1 L1-D7-L1"),
	ID(it_cf, B(C_IT), "L6D2L1D2L1D3L1 L6_D2L1D2_L1D3L1 L3_L3_D2L1D2_L1D3L1"),
	ID(fr_nir, B(C_FR), "D15 D13_D2 D1_D2_D2_D2_D3_D3_D2 D1_D2_D2_D2L1_D3_D3_D2 D1_D2_D2_D1L1_D3_D3_D2 D6L1D8"),
	ID(de_idnr, B(C_DE) | B(C_TAX), "D11! D2_D3_D3_D3!"), ID(de_rvnr, B(C_DE), "D8L1D3 D2_D6_L1_D3"),
	ID(nl_bsn, B(C_NL), "D9! D4.D2.D3! D3_D3_D3!"), ID(be_rrn, B(C_BE), "D2.D2.D2-D3.D2 D11!"),
	ID(pl_pesel, B(C_PL), "D11!"), ID(pl_nip, B(C_PL) | B(C_TAX), "D10! D3-D3-D2-D2! D3-D2-D2-D3!"),
	ID(se_pnr, B(C_SE), "D6-D4 D6+D4 D8-D4 D10! D12!"), ID(fi_hetu, B(C_FI), "D6-D3L1 D6+D3L1 D6L1D3L1 D6L1D4 D6-D4!"),
	WEAK(dk_cpr, B(C_DK), "D6-D4! D10!"), ID(no_fnr, B(C_NO), "D11! D6_D5"), ID(is_kt, B(C_IS), "D6-D4 D10!"),
	ID(pt_nif, B(C_PT), "D9! D3_D3_D3!"), ID(br_cpf, B(C_BR), "D3.D3.D3-D2 D11! D9-D2"),
	ID(br_cnpj, B(C_BR), "D2.D3.D3/D4-D2 D14!"), ID(ca_sin, B(C_CA), "D9! D3-D3-D3! D3_D3_D3!"),
	ID(au_tfn, B(C_AU) | B(C_TAX), "D9! D3_D3_D3!"), ID(au_medicare, B(C_AU) | B(C_HEALTH), "D10! D11! D4_D5_D1! D4-D5-D1!"),
	ID(au_abn, B(C_AU), "D11! D2_D3_D3_D3!"), ID(in_aadhaar, B(C_IN), "D12! D4_D4_D4! D4-D4-D4!"), WEAK(in_pan, B(C_IN), "L5D4L1!"),
	ID(cn_id, B(C_CN), "D18 D17L1"), ID(kr_rrn, B(C_KR), "D6-D7 D13!"),
	{ PII_T_kr_rrn, B(C_KR), kr_rrn_2020, "D6-D7! D13!", PII_ID_WEAK | PII_ID_NAMED }, ID(za_id, B(C_ZA), "D13! D6_D4_D3! D6_D4_D2_D1!"),
	ID(mx_curp, B(C_MX), "L4D6L6D2 L4D6L7D1"), ID(tr_tckn, B(C_TR), "D11!"), ID(ro_cnp, B(C_RO), "D13!"),
	ID(cz_rc, B(C_CZ), "D6/D4 D10!"), { PII_T_hr_oib, B(C_HR), mod11_10, "D11!", 0 }, ID(bg_egn, B(C_BG), "D10!"),
	ID(ee_ik, B(C_EE), "D11!"), ID(lv_pk, B(C_LV), "D6-D5 D11!"), ID(gr_afm, B(C_GR), "D9!"), ID(gr_amka, B(C_GR), "D11!"),
	ID(il_id, B(C_IL), "D9! D8-D1!"), ID(sg_nric, B(C_SG), "L1D7L1"), ID(tw_id, B(C_TW), "L1D9!"),
	ID(hk_id, B(C_HK), "L1D6(D1 L2D6(D1 L1D6(L1 L1D7! L2D7!"), ID(jp_my, B(C_JP), "D12! D4_D4_D4! D4-D4-D4!"),
	ID(gb_nino, B(C_GB), "L2D6L1 L2_D2_D2_D2_L1 L2-D2-D2-D2-L1 L2_D6_L1"), ID(gb_nhs, B(C_GB) | B(C_HEALTH), "D10! D3_D3_D4! D3-D3-D4!"),
	ID(ch_ahv, B(C_CH), "D3.D4.D4.D2 D13"), ID(at_svnr, B(C_AT), "D10! D4_D6! D4-D6!"), ID(ie_pps, B(C_IE), "D7L1! D7L2!"),
	ID(hu_taj, B(C_HU), "D9! D3_D3_D3! D3-D3-D3!"), ID(yu_jmbg, B(C_YU), "D13!"), ID(ua_rnokpp, B(C_UA) | B(C_TAX), "D10!"),
	ID(ru_snils, B(C_RU), "D3-D3-D3_D2 D3-D3-D3-D2 D11!"), ID(ru_inn, B(C_RU), "D12!"), ID(ar_cuit, B(C_AR), "D2-D8-D1 D11!"),
	ID(cl_rut, B(C_CL), "D2.D3.D3-D1 D1.D3.D3-D1 D2.D3.D3-L1 D1.D3.D3-L1 D8-D1! D7-D1! D8-L1! D7-L1!"),
	ID(th_id, B(C_TH), "D1-D4-D5-D2-D1 D1_D4_D5_D2_D1 D13!"), WEAK(my_nric, B(C_MY), "D6-D2-D4! D12!"), WEAK(id_nik, B(C_MY), "D16!"),
	WEAK(pk_cnic, B(C_PK), "D5-D7-D1!"), ID(ae_id, 0, "D3-D4-D7-D1"),
};
#undef ID
#undef WEAK
#undef B

/* FNV-1a, 64 bits, over the characters of a shape. */
static uint64_t
mix(uint64_t h, unsigned c)
{
	return (h ^ c) * UINT64_C(1099511628211);
}
#define SHAPE_START	UINT64_C(14695981039346656037)

static void
begin_add(struct pii *pii, uint64_t h)
{
	h = (h ^ h >> 32) % PII_BEGINS;
	pii->begins[h / 64] |= UINT64_C(1) << h % 64;
}

/* May a shape begin like this?  False for nearly all that don't: a run of groups is not read to its end at each of them. */
static bool
begins(const struct pii *pii, uint64_t h)
{
	h = (h ^ h >> 32) % PII_BEGINS;
	return pii->begins[h / 64] >> h % 64 & 1;
}

int
pii_ids_load(struct pii *pii)
{
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint64_t h = SHAPE_START;

		for (const char *s = ids[i].shapes; ; s++) {
			size_t k;

			if (pii_digit(*s) && pii_digit(s[1])) {		/* lengths of two digits are one character */
				h = mix(h, (unsigned)('0' + pii_num(s, 2)));
				begin_add(pii, h);
				s++;
				continue;
			}
			if (*s != ' ' && *s != '\0' && *s != '!') {
				h = mix(h, (unsigned char)*s);
				if (pii_digit(*s))
					begin_add(pii, h);
				continue;
			}
			for (k = h % PII_ROWS; pii->row[k].id != NULL; k = (k + 1) % PII_ROWS)
				;
			pii->row[k] = (struct pii_row){ h, &ids[i], *s == '!' };
			h = SHAPE_START;
			s += *s == '!';
			if (*s == '\0')
				break;
		}
	}
	return 0;
}

/* How far before it a word of <ctx> stands, in steps of 32 bytes; 3: further, or behind it. */
static unsigned
steps_back(const struct pii_scan *s, uint64_t ctx, size_t start)
{
	for (unsigned d = 0; d < 3 && d <= start / 32; d++)
		if (s->near[start / 32 - d] & ctx)
			return d;
	return 3;
}

/*
 * How sure the words around a number make that it is this one, 0: they don't.  Its own name says most, the nearer the more; then a
 * country's name with a general word ("Norwegian identity number"); a general word alone means any country's, unless another's
 * name stands there.
 */
static float
sure_of(const struct pii_scan *s, const struct pii_row *r, bool lower, size_t start, size_t end)
{
	const struct pii_id *id = r->id;
	uint64_t near = pii_around(s, s->near, start, end), said = pii_around(s, s->said, start, end) & CTX_COUNTRIES;
	bool kind = (near & id->ctx & ~CTX_COUNTRIES) != 0, general = kind || (near & (CTX(C_ID) | CTX(C_TAX))) != 0;
	bool must = r->needs_ctx || lower, other = said != 0 && (said & id->ctx) == 0;
	float c;

	if (near & id->ctx & CTX_COUNTRIES)
		c = 0.985f - 0.005f * (float)steps_back(s, id->ctx & CTX_COUNTRIES, start);
	else if ((id->flags & PII_ID_NAMED) || (must && (other || !general)))
		return 0;
	else if (general && (said & id->ctx) != 0)
		c = 0.96f;
	else if (kind)
		c = 0.95f;
	else
		c = must ? 0.80f : general && !other ? 0.94f : 0.90f;
	return id->flags & PII_ID_WEAK ? c - 0.1f : c;
}

/* The best of the identifiers that have this shape. */
static bool
judge(struct pii_scan *s, uint64_t shape, const struct pii_id_text *t, size_t start, size_t end)
{
	const struct pii_id *best = NULL;
	float sure = 0, c;

	for (size_t k = shape % PII_ROWS; s->pii->row[k].id != NULL; k = (k + 1) % PII_ROWS) {
		const struct pii_row *r = &s->pii->row[k];

		if (r->shape != shape || s->pii->mode[pii_types[r->id->type].group] == DETECT_OFF || !r->id->check(t))
			continue;
		c = sure_of(s, r, t->lower, start, end);
		if (c > sure) {
			sure = c;
			best = r->id;
		}
	}
	if (best != NULL)
		pii_add(s, best->type, start, end - start, sure);
	return best != NULL;
}

static bool
id_sep(char c)
{
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '+' || c == '(';
}

static bool
ends_here(const struct pii_scan *s, size_t end, bool digits)
{
	if (end < s->len && (pii_alnum((unsigned char)s->p[end]) || s->p[end] == '_'))
		return false;
	return !(digits && end + 1 < s->len && strchr("-./,:+", s->p[end]) != NULL && pii_digit(s->p[end + 1]));
}

/*
 * Letters and digits from <start>, with single separators between: after each group that ends as a number may end, the
 * shape so far is looked up.  The longest that passes counts; letters in lower case count only near a word that says
 * what it is, being more often hexadecimal and names of variables.
 */
size_t
pii_ids_at(struct pii_scan *s, size_t start)
{
	const char *p = s->p;
	char c[24];
	struct pii_id_text t = { c, 0, false };
	uint64_t h = SHAPE_START, shape[16];
	size_t i = start, n_at[16], end[16], n = 0;

	for (int g = 0; g < 16 && i < s->len; g++) {
		bool d = pii_digit(p[i]);
		size_t from = i;

		while (i < s->len && t.n < sizeof(c) - 1 && pii_alnum((unsigned char)p[i]) && pii_digit(p[i]) == d) {
			t.lower = t.lower || p[i] >= 'a';
			c[t.n++] = p[i] >= 'a' ? (char)(p[i] - 32) : p[i];
			i++;
		}
		if (i == from)
			break;
		h = mix(mix(h, d ? 'D' : 'L'), (unsigned)('0' + (i - from)));
		if (!begins(s->pii, h))
			break;
		if (i == s->len || !pii_alnum((unsigned char)p[i])) {
			bool paren = from > 0 && p[from - 1] == '(' && g > 0;

			if (paren ? i < s->len && p[i] == ')' : ends_here(s, i, d)) {
				shape[n] = h;
				n_at[n] = t.n;
				end[n++] = paren ? i + 1 : i;
			}
			if (i + 1 >= s->len || !id_sep(p[i]) || !pii_alnum((unsigned char)p[i + 1]))
				break;
			h = mix(h, p[i] == ' ' ? '_' : (unsigned char)p[i]);
			i++;
		}
	}
	while (n-- > 0) {
		t.n = n_at[n];
		c[t.n] = '\0';
		if (judge(s, shape[n], &t, start, end[n]))
			return end[n];
	}
	return 0;
}
