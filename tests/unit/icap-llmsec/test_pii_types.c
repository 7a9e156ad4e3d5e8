/* SPDX-License-Identifier: MIT */
/*
 * All types: published examples, each with a near miss; then a mixed corpus, made here with a fixed seed - numbers whose check
 * digits are computed independently, in sentences of ten languages, among what is no personal data.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/pii.h"
#include "lib/arena.h"

static struct pii *pii;
static struct arena *arena;
static uint64_t seed = 11;

static unsigned
rnd(unsigned n)			/* xorshift64*, Vigna 2016 */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)(seed * UINT64_C(2685821657736338717) >> 33) % n;
}

static int
setup(void **state)
{
	struct pii_conf c;

	memset(&c, 0, sizeof(c));
	c.all = DETECT_MASK;
	for (int g = 0; g < PII_GROUPS; g++)
		c.mode[g] = -1;
	arena = arena_new(0);
	return arena == NULL ? -1 : pii_new(&pii, &c);
}

static int
teardown(void **state)
{
	pii_free(&pii);
	arena_free(&arena);
	return 0;
}

static size_t
find(const char *text, struct pii_hit **v)
{
	size_t n;

	arena_reset(arena);
	assert_int_equal(pii_find(pii, text, strlen(text), arena, v, &n), 0);
	return n;
}

struct row { const char *type, *text, *value; };	/* value NULL: nothing is found */

static void
check(const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pii_hit *v;
		size_t k = find(t[i].text, &v);

		if (t[i].value == NULL ? k != 0 : k != 1 || strcmp(v[0].type, t[i].type) != 0 || v[0].len != strlen(t[i].value) ||
		    memcmp(t[i].text + v[0].start, t[i].value, v[0].len) != 0)
			fail_msg("\"%s\": %zu, %s %.*s", t[i].text, k, k > 0 ? v[0].type : "", k > 0 ? (int)v[0].len : 0, k > 0 ? t[i].text + v[0].start : "");
	}
}

static void
test_national(void **state)
{
	static const struct row t[] = {
		{ "es_dni", "DNI 12345678Z", "12345678Z" }, { NULL, "DNI 12345678A", NULL }, { "es_nie", "X1234567L", "X1234567L" },
		{ "it_cf", "RSSMRA85T10A562S", "RSSMRA85T10A562S" }, { NULL, "RSSMRA85T10A562T", NULL },
		{ "fr_nir", "NIR 2 55 08 14 168 025 38", "2 55 08 14 168 025 38" }, { NULL, "2 55 08 14 168 025 39", NULL },
		{ "de_idnr", "Steuer-ID 86095742719", "86095742719" }, { NULL, "Steuer-ID 86095742718", NULL }, { NULL, "order 86095742719", NULL },
		{ "nl_bsn", "mijn BSN is 111222333", "111222333" }, { NULL, "BSN 111222334", NULL }, { NULL, "ticket 111222333", NULL },
		{ "be_rrn", "85.07.30-033.28", "85.07.30-033.28" }, { "pl_pesel", "PESEL: 44051401359", "44051401359" }, { NULL, "PESEL: 44051401358", NULL },
		{ "se_pnr", "811218-9876", "811218-9876" }, { NULL, "811218-9877", NULL }, { "fi_hetu", "131052-308T", "131052-308T" },
		{ "br_cpf", "CPF 111.444.777-35", "111.444.777-35" }, { NULL, "111.444.777-36", NULL }, { "br_cnpj", "11.222.333/0001-81", "11.222.333/0001-81" },
		{ "ca_sin", "my SIN: 046 454 286", "046 454 286" }, { "au_tfn", "tax file number 123 456 782", "123 456 782" },
		{ "mx_curp", "HEGG560427MVZRRL04", "HEGG560427MVZRRL04" }, { NULL, "HEGG560427MVZRRL05", NULL }, { "tr_tckn", "TC kimlik no 10000000146", "10000000146" },
		{ "ro_cnp", "CNP 1800101221144", "1800101221144" }, { "hr_oib", "OIB: 69435151530", "69435151530" }, { "bg_egn", "EGN 7523169263", "7523169263" },
		{ "ee_ik", "isikukood 37605030299", "37605030299" }, { "lv_pk", "161175-19997", "161175-19997" }, { "sg_nric", "S1234567D", "S1234567D" },
		{ NULL, "S1234567E", NULL }, { "hk_id", "A123456(3)", "A123456(3)" }, { "jp_my", "My Number 123456789018", "123456789018" },
		{ "gb_nhs", "NHS number 943 476 5919", "943 476 5919" }, { "gb_nino", "AB123456C", "AB123456C" }, { NULL, "GB123456C", NULL },
		{ "ch_ahv", "756.9217.0769.85", "756.9217.0769.85" }, { "at_svnr", "SVNR 1237 010180", "1237 010180" }, { "ie_pps", "PPS 1234567T", "1234567T" },
		{ "ru_snils", "112-233-445 95", "112-233-445 95" }, { "cl_rut", "12.345.678-5", "12.345.678-5" }, { "is_kt", "kennitala 120174-3399", "120174-3399" },
		{ "cn_id", "11010519491231002X", "11010519491231002X" }, { NULL, "110105194912310021", NULL }, { "za_id", "South African ID 8001015009087", "8001015009087" },
		{ "us_ssn", "SSN 219-09-1234", "219-09-1234" }, { NULL, "000-12-3456", NULL }, { "in_aadhaar", "Aadhaar 2341 2341 2346", "2341 2341 2346" },
	};

	check(t, sizeof(t) / sizeof(t[0]));
}

/* Many countries' checks fit the same digits: the words around them choose, and what they name and fails is nothing else. */
static void
test_countries(void **state)
{
	static const struct row t[] = {
		{ NULL, "TC kimlik no 10000000147", NULL }, { NULL, "South African ID number 8001015009088", NULL },
		{ "za_id", "South African ID number 8001015009087", "8001015009087" }, { "za_id", "ID number 8001015009087", "8001015009087" },
		{ "pl_pesel", "ID number 44051401359", "44051401359" }, { "pl_pesel", "my Polish ID number is 44051401359", "44051401359" },
		{ NULL, "my Croatian ID number is 44051401359", NULL }, { "pl_pesel", "run the ID number 44051401359", "44051401359" },
		{ "de_idnr", "tax id 86095742719", "86095742719" }, { "de_idnr", "German tax id 86095742719", "86095742719" },
		{ "hr_oib", "Croatian tax number 86095742719", "86095742719" }, { "hr_oib", "OIB 86095742719, tax number", "86095742719" },
		{ NULL, "in Germany 86095742719 people", NULL }, { "dk_cpr", "Danish ID number 211062-5629", "211062-5629" },
		{ NULL, "Korean order 210130-3456780", NULL }, { NULL, "ID number 210130-3456780", NULL }, { "kr_rrn", "RRN 210130-3456780", "210130-3456780" },
		{ "kr_rrn", "\xec\xa3\xbc\xeb\xaf\xbc\xeb\x93\xb1\xeb\xa1\x9d\xeb\xb2\x88\xed\x98\xb8 210130-3456780", "210130-3456780" },
		{ "kr_rrn", "\xec\xa3\xbc\xeb\xaf\xbc\xeb\x93\xb1\xeb\xa1\x9d\xeb\xb2\x88\xed\x98\xb8 2101303456780", "2101303456780" },
		{ NULL, "RRN 211330-3456780", NULL }, { NULL, "RRN 210130-9456780", NULL },
	};

	check(t, sizeof(t) / sizeof(t[0]));
}

static void
test_others(void **state)
{
	static const struct row t[] = {
		{ "iban", "DE89 3704 0044 0532 0130 00.", "DE89 3704 0044 0532 0130 00" }, { "iban", "gb82west12345698765432", "gb82west12345698765432" },
		{ NULL, "DE88370400440532013000", NULL }, { "phone", "+49 30 901820", "+49 30 901820" }, { "phone", "call (202) 555-0143!", "(202) 555-0143" },
		{ "phone", "T\xc3\xa9l. 06 12 34 56 78", "06 12 34 56 78" }, { NULL, "+12 34 56 and +3.14159", NULL },
		{ "crypto", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed" },
		{ NULL, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", NULL }, { "crypto", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa" },
		{ NULL, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", NULL }, { "crypto", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4" },
		{ NULL, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", NULL }, { "mac", "00:1a:2b:3c:4d:5e", "00:1a:2b:3c:4d:5e" },
		{ "ip", "from 192.168.12.34", "192.168.12.34" }, { NULL, "version 10.12.13.4", NULL }, { "ip", "2001:db8::8a2e:370:7334", "2001:db8::8a2e:370:7334" },
		{ NULL, "12:34:56 std::a::b 127.0.0.1", NULL }, { "birth_date", "born on March 12, 1985", "March 12, 1985" },
		{ "birth_date", "geboren am 3. M\xc3\xa4rz 1985", "3. M\xc3\xa4rz 1985" }, { NULL, "released on 2024-03-12", NULL },
		{ "address", "at 221B Baker Street, London", "221B Baker Street" }, { "address", "Hauptstra\xc3\x9f" "e 12, Berlin", "Hauptstra\xc3\x9f" "e 12" },
		{ "address", "12 rue de la Paix", "12 rue de la Paix" }, { "address", "Via Roma 3", "Via Roma 3" }, { "name", "My name is Ann Smith.", "Ann Smith" },
		{ "name", "Ich hei\xc3\x9f" "e J\xc3\xbcrgen M\xc3\xbcller", "J\xc3\xbcrgen M\xc3\xbcller" }, { NULL, "my name is not important", NULL },
		{ "vat", "DE136695976", "DE136695976" }, { "bic", "SWIFT code DEUTDEFF500", "DEUTDEFF500" }, { "passport", "passport no. C01X00T47", "C01X00T47" },
		{ "licence", "driving licence MORGA657054SM9IJ", "MORGA657054SM9IJ" }, { "email", "<ann@example.org>", "ann@example.org" },
		{ "card", "4111 1111 1111 1111", "4111 1111 1111 1111" },
		{ "card", "the limit of card 501864667909?", "501864667909" }, { NULL, "the limit of order 501864667909?", NULL },
		{ NULL, "the limit of card 501864667908?", NULL }, { "card", "2200 1529 7362 1843", "2200 1529 7362 1843" }, { "card", "RuPay 8172 6354 9018 2738", "8172 6354 9018 2738" },
		{ NULL, "part 8172 6354 9018 2738", NULL },
		{ NULL, "SIM card, IMEI 503569380356432", NULL },
		{ "phone", "Fax: 345-899-3560x4587", "345-899-3560x4587" }, { "phone", "(898)666-3621 ext. 13, please", "(898)666-3621 ext. 13" },
		{ "phone", "345-899-3560 extra", "345-899-3560" }, { "phone", "call 082 490 1693-Office", "082 490 1693" },
		{ NULL, "* call.c (f): Call it.\n\n2022-03-01  Fix the call", NULL }, { NULL, "Date: Thu Apr 20 11:51:01 2006 -0700\n\n    Call shutdown", NULL },
		{ NULL, "Telephone Corporation 2006-2007", NULL }, { NULL, "call on 24.12.2025 or 12/24/2025", NULL }, { NULL, "the portable -t 197001010000.00", NULL },
		{ NULL, "call release 1.5 (2012-06-17)", NULL }, { NULL, "call c++1998/103650.cc", NULL },
		{ NULL, "array([+1.12345679+1.12345679j]), +35236450.6", NULL }, { NULL, "checks for every call: $] > 5.009002", NULL },
		{ NULL, "HN\t+1406-08713\tAmerica/Tegucigalpa and +364947-0845057", NULL }, { "phone", "Telefon +4930-12345", "+4930-12345" },
		{ "phone", "Registrant Phone: +1.5125550100", "+1.5125550100" }, { "phone", "+1.512.555.0100", "+1.512.555.0100" },
		{ "phone", "call 0170-2006-207", "0170-2006-207" }, { "phone", "Tel.:030 123456", "030 123456" }, { "phone", "call 2022-5550", "2022-5550" },
		{ "phone", "They're not answering at 71-33-52-22", "71-33-52-22" }, { NULL, "part 345-899-3560xABC", NULL },
	};

	check(t, sizeof(t) / sizeof(t[0]));
}

/* --- the corpus */

static char
digits(char *out, size_t n, bool zero)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (char)('0' + (i == 0 && !zero ? 1 + rnd(9) : rnd(10)));
	out[n] = '\0';
	return out[0];
}

static void
make_card(char *o)
{
	unsigned sum = 0;

	digits(o, 15, true);
	o[0] = '4';
	for (int i = 14; i >= 0; i--) {
		unsigned d = (unsigned)(o[i] - '0') * (i % 2 == 0 ? 2 : 1);

		sum += d / 10 + d % 10;
	}
	sprintf(o + 15, "%u", (10 - sum % 10) % 10);
}

static void
make_iban(char *o)
{
	char b[20], all[32];
	unsigned r = 0;

	digits(b, 18, true);
	snprintf(all, sizeof(all), "%s131400", b);	/* DE00 */
	for (char *c = all; *c != '\0'; c++)
		r = (r * 10 + (unsigned)(*c - '0')) % 97;
	sprintf(o, "DE%02u%s", 98 - r, b);
}

static void
make_ssn(char *o)
{
	sprintf(o, "%03u-%02u-%04u", 1 + rnd(665), 1 + rnd(99), 1 + rnd(9999));
}

static void
make_dni(char *o)
{
	unsigned n = 10000000 + rnd(89999999);

	sprintf(o, "%u%c", n, "TRWAGMYFPDXBNJZSQVHLCKE"[n % 23]);
}

static void
make_cpf(char *o)
{
	char d[12];

	digits(d, 9, false);
	for (int k = 9; k < 11; k++) {
		unsigned s = 0;

		for (int i = 0; i < k; i++)
			s += (unsigned)(d[i] - '0') * (unsigned)(k + 1 - i);
		d[k] = (char)('0' + s * 10 % 11 % 10);
	}
	sprintf(o, "%.3s.%.3s.%.3s-%.2s", d, d + 3, d + 6, d + 9);
}

static void
make_pnr(char *o)
{
	char d[16];
	unsigned sum = 0;

	sprintf(d, "%02u%02u%02u%03u", rnd(100), 1 + rnd(12), 1 + rnd(28), rnd(1000));
	for (int i = 0; i < 9; i++) {
		unsigned v = (unsigned)(d[i] - '0') * (i % 2 == 0 ? 2 : 1);

		sum += v / 10 + v % 10;
	}
	sprintf(o, "%.6s-%.3s%u", d, d + 6, (10 - sum % 10) % 10);
}

static void
make_email(char *o)
{
	sprintf(o, "%c%c.user%u@mail%u.example.org", 'a' + (int)rnd(26), 'a' + (int)rnd(26), rnd(1000), rnd(90));
}

static void
make_phone(char *o)
{
	static const char *const cc[] = { "+49 30", "+33 6", "+44 20", "+34 91", "+81 3", "+55 11" };

	sprintf(o, "%s %u %u", cc[rnd(6)], 100 + rnd(900), 1000 + rnd(9000));
}

static void
make_ip(char *o)
{
	sprintf(o, "%u.%u.%u.%u", 11 + rnd(200), 10 + rnd(240), rnd(256), 1 + rnd(254));
}

static void
make_mac(char *o)
{
	sprintf(o, "%02x:%02x:%02x:%02x:%02x:%02x", rnd(200) + 16, rnd(256), rnd(256), rnd(256), rnd(256), rnd(200) + 16);
}

static const struct { const char *type, *word; void (*make)(char *); } makers[] = {
	{ "card", "card", make_card }, { "iban", "IBAN", make_iban }, { "us_ssn", "SSN", make_ssn }, { "es_dni", "DNI", make_dni }, { "br_cpf", "CPF", make_cpf },
	{ "se_pnr", "personnummer", make_pnr }, { "email", "e-mail", make_email }, { "phone", "phone", make_phone }, { "ip", "IP", make_ip }, { "mac", "MAC", make_mac },
};

static const char *const carriers[] = {
	"Please update my %s: %s, thanks.", "Mein(e) %s lautet %s und gilt ab sofort.", "Mon %s est le %s depuis hier.", "Mi %s es %s, gracias.",
	"Il mio %s \xc3\xa8 %s, grazie.", "Meu %s \xc3\xa9 %s, obrigado.", "Mijn %s is %s, alvast bedankt.", "M\xc3\xb3j %s to %s.", "\xd0\x9c\xd0\xbe\xd0\xb9 %s: %s.",
	"\xe6\x88\x91\xe7\x9a\x84%s\xe6\x98\xaf %s \xe3\x80\x82",
};

static void
benign(char *o)
{
	char d[32];

	switch (rnd(12)) {
	case 0: digits(d, 10, false); sprintf(o, "Order number %s was shipped.", d); break;
	case 1: digits(d, 12, false); sprintf(o, "invoice %s over 1,299.00 EUR", d); break;
	case 2: sprintf(o, "built 17%08u%03u ms since the epoch", rnd(100000000), rnd(1000)); break;
	case 3: sprintf(o, "upgrade from %u.%u.%u to %u.%u.%u-rc%u", rnd(9), rnd(40), rnd(99), rnd(9), rnd(40), rnd(99), rnd(9)); break;
	case 4: sprintf(o, "commit %08x%08x%08x%08x%08x", rnd(1u << 31), rnd(1u << 31), rnd(1u << 31), rnd(1u << 31), rnd(1u << 31)); break;
	case 5: sprintf(o, "%08x-%04x-4%03x-a%03x-%04x%08x", rnd(1u << 31), rnd(65536), rnd(4096), rnd(4096), rnd(65536), rnd(1u << 31)); break;
	case 6: sprintf(o, "at %u.%06u, -%u.%06u on 2024-%02u-%02u", rnd(90), rnd(1000000), rnd(180), rnd(1000000), 1 + rnd(12), 1 + rnd(28)); break;
	case 7: sprintf(o, "ISBN 978-3-16-%06u-%u", rnd(1000000), rnd(10)); break;
	case 8: sprintf(o, "for (int i = 0; i < %u; i++) a[i] = 0x%08x;", rnd(100000), rnd(1u << 31)); break;
	case 9: sprintf(o, "at 12:%02u:%02u took %u.%03u ms, %u rows", rnd(60), rnd(60), rnd(99), rnd(1000), rnd(1u << 30)); break;
	case 10: digits(d, 9, false); sprintf(o, "tracking code %s, room %u", d, rnd(999)); break;
	default: digits(d, 11, false); sprintf(o, "The population grew to %s in case %u/%u.", d, rnd(99), 2000 + rnd(25)); break;
	}
}

static void
test_corpus(void **state)
{
	unsigned tp = 0, fp = 0, fn = 0;
	double precision, recall;

	for (unsigned i = 0; i < 4000; i++) {
		unsigned m = rnd(sizeof(makers) / sizeof(makers[0])), k = 0;
		char text[512], value[128] = "";
		struct pii_hit *v;
		size_t n;

		if (i % 2 == 0) {
			makers[m].make(value);
			snprintf(text, sizeof(text), carriers[rnd(10)], makers[m].word, value);
		} else
			benign(text);
		n = find(text, &v);
		for (size_t j = 0; j < n; j++) {
			bool hit = value[0] != '\0' && v[j].len == strlen(value) && memcmp(text + v[j].start, value, v[j].len) == 0 &&
			    strcmp(v[j].type, makers[m].type) == 0;

			if (!hit && fp < 12)
				print_message("wrong: %s: %s\n", v[j].type, text);
			k += hit;
			fp += !hit;
		}
		tp += k > 0;
		fn += value[0] != '\0' && k == 0;
	}
	precision = (double)tp / (tp + fp);
	recall = (double)tp / (tp + fn);
	print_message("precision %.4f, recall %.4f, F1 %.4f\n", precision, recall, 2 * precision * recall / (precision + recall));
	assert_true(precision >= 0.97);
	assert_true(2 * precision * recall / (precision + recall) >= 0.90);
}

static void
test_hostile(void **state)
{
	static const char *const unit[] = { "1", "@", "1 2 3 4-", "a1@b2.", "tel 12-34 ", "DE89 3704 0044 ", "0x5a", "1.2.3.4.", "Calle 1 ", "12:ab:", "Mr. A", "a@", "1 ", "4 ", "1@", "12 ", "+1 (", "Via Aa Bb 1 ", ("\xf0\x9f\x98\x80" "1") };
	static char text[2 << 20];
	struct pii_hit *v;
	size_t n;

	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		for (size_t size = sizeof(text) / 2; size <= sizeof(text); size *= 2) {
			for (size_t k = 0, u = strlen(unit[i]); k < size; k++)
				text[k] = unit[i][k % u];
			arena_reset(arena);
			assert_int_equal(pii_find(pii, text, size, arena, &v, &n), 0);
		}
}

static void
test_kinds(void **state)
{
	for (size_t i = 0; pii_type_at(i) != NULL; i++) {
		assert_true(strlen(pii_type_at(i)->kind) <= 8);		/* what a placeholder holds */
		assert_string_equal(pii_kind(pii_type_at(i)->category), pii_type_at(i)->kind);
	}
	assert_string_equal(pii_kind("secret.jwt"), "SECRET");
	assert_string_equal(pii_kind("pii.other"), "DATA");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_national), cmocka_unit_test(test_countries), cmocka_unit_test(test_others), cmocka_unit_test(test_corpus), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
