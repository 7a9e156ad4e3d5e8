/* SPDX-License-Identifier: MIT */
/* Words that say what stands beside them, in the languages of the countries concerned; and what comes before a name. */
#include "config.h"

#include <string.h>

#include "icap-llmsec/pii_private.h"

/* Separated by |; a * at the end allows more letters. */
static const struct { enum pii_ctx ctx; const char *words; } contexts[] = {
	{ C_ID, "national id*|national insurance|identity number|identity card|identification number|id number|id card|id no|"
	    "personal number|personal id*|citizen id|resident id|social insurance|social security|ausweis*|personalnummer|"
	    "sozialversicherung*|carte d'identit*|num\xc3\xa9ro d'identit*|documento de identidad|documento nacional|c\xc3\xa9" "dula|cedula|"
	    "documento d'identit*|carta d'identit*|bilhete de identidade|cart\xc3\xa3o de cidad*|dow\xc3\xb3" "d osobisty|dowodu|"
	    "\xd1\x83\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xbe\xd0\xb2\xd0\xb5\xd1\x80\xd0\xb5\xd0\xbd\xd0\xb8*|kimlik*|"
	    "\xe8\xba\xab\xe4\xbb\xbd\xe8\xaf\x81*|\xe8\xba\xab\xe5\x88\x86\xe8\xad\x89*|\xe8\xba\xab\xe4\xbb\xbd\xe8\xad\x89*" },
	{ C_TAX, "tax id*|tax number|tax no|taxpayer|tax file*|tax identification*|tin|tfn|steuer*|steuer-id*|impuesto*|fiscal*|"
	    "num\xc3\xa9ro fiscal*|contribuinte*|codice fiscale|belasting*|skatte*|\xd0\xb8\xd0\xbd\xd0\xbd|\xd0\x98\xd0\x9d\xd0\x9d|vergi*|podatk*" },
	{ C_SSN, "ssn|social security*|soc sec|social sec*|seguro social" },
	{ C_PHONE, "phone*|telephone*|tel|mobile*|cell|cellphone|call|call me|fax|whatsapp|sms|text me|ring me|telefon*|tel\xc3\xa9" "fono*|"
	    "t\xc3\xa9l\xc3\xa9phone*|telefono*|handy*|mobil*|rufnummer*|portable|num\xc3\xa9ro de t*|m\xc3\xb3vil*|celular*|cellulare|telem\xc3\xb3vel|"
	    "telefoon*|mobiel*|kom\xc3\xb3rk*|numer telefonu|puhelin*|puh|cep telefon*|\xd1\x82\xd0\xb5\xd0\xbb\xd0\xb5\xd1\x84\xd0\xbe\xd0\xbd*|"
	    "\xd0\xa2\xd0\xb5\xd0\xbb\xd0\xb5\xd1\x84\xd0\xbe\xd0\xbd*|\xd1\x82\xd0\xb5\xd0\xbb|\xe7\x94\xb5\xe8\xaf\x9d*|\xe6\x89\x8b\xe6\x9c\xba*|"
	    "\xe9\x9b\xbb\xe8\xa9\xb1*|\xe6\x90\xba\xe5\xb8\xaf*|\xec\xa0\x84\xed\x99\x94*|\xed\x9c\xb4\xeb\x8c\x80*|reach me|reach us|reach him|reach her|reached at|answering at|answers at|text messages|messages to|dial|my number|his number|her number|hotline*|helpline*|landline*|anrufen|appelez*|ll\xc3\xa1mame*" },
	{ C_BIRTH, "born|birth*|date of birth|dob|d.o.b*|birthday*|geboren*|geburt*|geb.*|n\xc3\xa9 le|n\xc3\xa9" "e le|naissance*|nacido*|nacida*|nacimiento*|"
	    "nacimento*|nasci*|nascimento*|nato il|nata il|nascita*|geboorte*|urodz*|data urodzenia|f\xc3\xb6" "delse*|f\xc3\xb8" "dsel*|f\xc3\xb6" "dd|f\xc3\xb8" "dt|"
	    "syntym\xc3\xa4*|do\xc4\x9fum*|\xd1\x80\xd0\xbe\xd0\xb4\xd0\xb8\xd0\xbb*|\xd1\x80\xd0\xbe\xd0\xb6\xd0\xb4\xd0\xb5\xd0\xbd*|\xe5\x87\xba\xe7\x94\x9f*|"
	    "\xe7\x94\x9f\xe5\xb9\xb4\xe6\x9c\x88*|\xe7\x94\x9f\xe6\x97\xa5*|\xec\x83\x9d\xeb\x85\x84*|naro\xc5\xbe*|narozen*|n\xc4\x83scut*" },
	{ C_PASSPORT, "passport*|reisepass*|reisepa\xc3\x9f*|passeport*|pasaporte*|passaporto*|passaporte*|paspoort*|paszport*|passi|pasaport*|pa\xc5\x9f" "aport*|"
	    "\xd0\xbf\xd0\xb0\xd1\x81\xd0\xbf\xd0\xbe\xd1\x80\xd1\x82*|\xd0\x9f\xd0\xb0\xd1\x81\xd0\xbf\xd0\xbe\xd1\x80\xd1\x82*|\xe6\x8a\xa4\xe7\x85\xa7*|\xe8\xad\xb7\xe7\x85\xa7*|"
	    "\xe6\x97\x85\xe5\x88\xb8*|\xec\x97\xac\xea\xb6\x8c*" },
	{ C_LICENCE, "driving licen*|driver licen*|driver's licen*|drivers licen*|driver\xe2\x80\x99s licen*|licence number|license number|dl number|f\xc3\xbchrerschein*|permis de conduire|"
	    "licencia de conducir|permiso de conducir|carnet de conducir|patente di guida|carta de condu*|cnh|rijbewijs*|prawo jazdy|prawa jazdy|k\xc3\xb6rkort*|"
	    "f\xc3\xb8rerkort*|k\xc3\xb8rekort*|ajokortti*|ehliyet*|\xe9\xa9\xbe\xe9\xa9\xb6\xe8\xaf\x81*|\xe5\x85\x8d\xe8\xa8\xb1\xe8\xa8\xbc*" },
	{ C_BIC, "bic|swift*|bic/swift|bank code|bic-code" },
	{ C_CRYPTO, "bitcoin*|btc|ethereum*|eth|wallet*|crypto*|usdt|erc20|erc-20|monero*|xmr|address|litecoin*|tron|trx|ripple|xrp|portefeuille*|billetera*|cartera*" },
	{ C_IP, "ip|ip address|ipv4|ipv6|ip-adress*|adresse ip|direcci\xc3\xb3n ip|indirizzo ip|host|server|client|ping|gateway|dns|subnet|firewall|proxy|from|login|connect*|ssh|remote*" },
	{ C_VERSION, "version*|ver|release*|build|firmware*|chapter|section|paragraph|oid|driver version|rfc" },
	{ C_CARD, "card*|cc|visa|mastercard|maestro|elo|rupay|troy|hipercard|cvv|cvc|carte*|carta di*|tarjeta*|cart\xc3\xa3o|cart\xc3\xb5" "es|karte*|kreditkarte*|"
	    "debitkarte*|bankkarte*|girocard|kaart*|creditcard*|betaalkaart*|bankpas|karta|karty|kort*|kreditkort*|betalkort*|kortti*|kart*|kredi kart*|"
	    "\xd0\xba\xd0\xb0\xd1\x80\xd1\x82*|\xe5\x8d\xa1\xe5\x8f\xb7*|\xe9\x93\xb6\xe8\xa1\x8c\xe5\x8d\xa1*|\xe4\xbf\xa1\xe7\x94\xa8\xe5\x8d\xa1*|\xe3\x82\xab\xe3\x83\xbc\xe3\x83\x89*|\xec\xb9\xb4\xeb\x93\x9c*|\xe0\xa4\x95\xe0\xa4\xbe\xe0\xa4\xb0\xe0\xa5\x8d\xe0\xa4\xa1*" },
	{ C_HEALTH, "nhs*|medicare*|npi|provider number|patient*|health card|health insurance|versichertennummer|krankenkasse*" },
	{ C_ES, "dni*|nie|nif|documento nacional*" }, { C_IT, "codice fiscale|c.f.*|cf" },
	{ C_FR, "nir|s\xc3\xa9" "curit\xc3\xa9 sociale|num\xc3\xa9ro de s\xc3\xa9" "cu*|insee|n\xc2\xb0 s\xc3\xa9" "cu*|carte vitale" },
	{ C_DE, "steuer-id*|steueridentifikation*|idnr|steuernummer|steuerliche*|identifikationsnummer|rentenversicherung*|versicherungsnummer|sozialversicherung*" },
	{ C_NL, "bsn*|burgerservicenummer|sofinummer" }, { C_BE, "rijksregister*|registre national|insz|niss|num\xc3\xa9ro national" },
	{ C_PL, "pesel*|nip|numer pesel" }, { C_SE, "personnummer*|samordningsnummer|personnr" },
	{ C_FI, "henkil\xc3\xb6tunnus*|hetu*|henkil\xc3\xb6tunnu*|personbeteckning" }, { C_DK, "cpr*|cpr-nummer|personnummer*" },
	{ C_NO, "f\xc3\xb8" "dselsnummer*|personnummer*|d-nummer|fnr" }, { C_IS, "kennitala*|kt" },
	{ C_PT, "nif|contribuinte*|nipc|n\xc3\xbamero fiscal" }, { C_BR, "cpf*|cnpj*" }, { C_CA, "sin|social insurance*|num\xc3\xa9ro d'assurance sociale|nas" },
	{ C_AU, "tfn|tax file*|medicare*|abn|business number" }, { C_IN, "aadhaar*|aadhar*|uidai|pan|pan card|permanent account*|\xe0\xa4\x86\xe0\xa4\xa7\xe0\xa4\xbe\xe0\xa4\xb0*" },
	{ C_CN, "\xe8\xba\xab\xe4\xbb\xbd\xe8\xaf\x81*|resident identity|resident id" },
	{ C_KR, "\xec\xa3\xbc\xeb\xaf\xbc\xeb\x93\xb1\xeb\xa1\x9d*|\xec\x99\xb8\xea\xb5\xad\xec\x9d\xb8\xeb\x93\xb1\xeb\xa1\x9d*|\xec\xa3\xbc\xeb\xaf\xbc\xeb\xb2\x88\xed\x98\xb8*|rrn|resident registration*|jumin*" },
	{ C_ZA, "rsa id|sa id|south african id*|id-nommer" }, { C_MX, "curp|rfc" },
	{ C_TR, "tc kimlik*|t.c. kimlik*|tckn|kimlik*|tc no" }, { C_RO, "cnp|cod numeric*" }, { C_CZ, "rodn\xc3\xa9 \xc4\x8d\xc3\xadslo|rodn\xc3\xa9ho*|r.\xc4\x8d.*|rodn\xc3\xa9*" },
	{ C_HR, "oib*" }, { C_BG, "egn|\xd0\x95\xd0\x93\xd0\x9d|\xd0\xb5\xd0\xb3\xd0\xbd" }, { C_EE, "isikukood*|asmens kod*" }, { C_LV, "personas kod*" },
	{ C_GR, "afm|amka|\xce\x91\xce\xa6\xce\x9c|\xce\x91\xce\x9c\xce\x9a\xce\x91" },
	{ C_IL, "teudat zehut|israeli id|\xd7\xaa\xd7\xa2\xd7\x95\xd7\x93\xd7\xaa*|\xd7\xaa.\xd7\x96*|mispar zehut" }, { C_SG, "nric|fin" },
	{ C_TW, "\xe8\xba\xab\xe5\x88\x86\xe8\xad\x89*|taiwan*" }, { C_HK, "hkid*|hong kong id*|\xe8\xba\xab\xe4\xbb\xbd\xe8\xad\x89*" },
	{ C_JP, "my number|\xe3\x83\x9e\xe3\x82\xa4\xe3\x83\x8a\xe3\x83\xb3\xe3\x83\x90\xe3\x83\xbc*|\xe5\x80\x8b\xe4\xba\xba\xe7\x95\xaa\xe5\x8f\xb7*" },
	{ C_GB, "nino|national insurance*|ni number|nhs*" }, { C_CH, "ahv*|avs|oasi" }, { C_AT, "svnr|sozialversicherungsnummer|sv-nummer" },
	{ C_IE, "pps*|ppsn" }, { C_HU, "taj*|taj-sz\xc3\xa1m*" }, { C_YU, "jmbg|emso|em\xc5\xa1o|\xd1\x98\xd0\xbc\xd0\xb1\xd0\xb3" },
	{ C_UA, "\xd1\x80\xd0\xbd\xd0\xbe\xd0\xba\xd0\xbf\xd0\xbf|\xd0\xa0\xd0\x9d\xd0\x9e\xd0\x9a\xd0\x9f\xd0\x9f|\xd1\x96\xd0\xbf\xd0\xbd|\xd0\x86\xd0\x9f\xd0\x9d|rnokpp" },
	{ C_RU, "snils|inn|\xd1\x81\xd0\xbd\xd0\xb8\xd0\xbb\xd1\x81|\xd0\xa1\xd0\x9d\xd0\x98\xd0\x9b\xd0\xa1|\xd0\xb8\xd0\xbd\xd0\xbd|\xd0\x98\xd0\x9d\xd0\x9d" },
	{ C_AR, "cuit|cuil" }, { C_CL, "rut|run" }, { C_TH, "thai id|\xe0\xb8\x9a\xe0\xb8\xb1\xe0\xb8\x95\xe0\xb8\xa3*|\xe0\xb9\x80\xe0\xb8\xa5\xe0\xb8\x82*" },
	{ C_MY, "mykad|nric|no. kp|kad pengenalan|nik|ktp|nomor induk" }, { C_PK, "cnic|nicop" },
	{ C_US, "itin|ein|employer id*|routing*|aba|npi|national provider*" },
};

/*
 * Countries and their people.  They name no number, but behind one of them "ID number" means that country's and no other's.
 */
static const struct { enum pii_ctx ctx; const char *words; } nations[] = {
	{ C_ES, "spanish|spain|espa\xc3\xb1" "a|espa\xc3\xb1ol*" }, { C_IT, "italian|italy|italia*" }, { C_FR, "french|france|fran\xc3\xa7" "ais*" },
	{ C_DE, "german|germany|deutsch*" }, { C_NL, "dutch|netherlands|nederland*" }, { C_BE, "belgian|belgium|belgi*|belgique" },
	{ C_PL, "polish|poland|polsk*" }, { C_SE, "swedish|sweden|svensk*|sverige" }, { C_FI, "finnish|finland|suom*" },
	{ C_DK, "danish|denmark|dansk*|danmark" }, { C_NO, "norwegian|norway|norsk*|norge" }, { C_IS, "iceland*|\xc3\xadslen*|\xc3\xadsland*" },
	{ C_PT, "portugal|portugu*" }, { C_BR, "brazil*|brasil*" }, { C_CA, "canadian|canada" }, { C_AU, "australia*" }, { C_IN, "indian|india" },
	{ C_CN, "chinese|china|\xe4\xb8\xad\xe5\x9b\xbd*" }, { C_KR, "korea*|\xed\x95\x9c\xea\xb5\xad*|\xeb\x8c\x80\xed\x95\x9c\xeb\xaf\xbc\xea\xb5\xad*" },
	{ C_ZA, "south africa*|suid-afrika*" }, { C_MX, "mexic*|m\xc3\xa9xico" }, { C_TR, "turkish|turkey|t\xc3\xbcrk*" },
	{ C_RO, "romania*|rom\xc3\xa2n*" }, { C_CZ, "czech*|slovak*|\xc4\x8d" "esk*|slovensk*" }, { C_HR, "croatia*|hrvat*" },
	{ C_BG, "bulgaria*|\xd0\xb1\xd1\x8a\xd0\xbb\xd0\xb3\xd0\xb0\xd1\x80*" }, { C_EE, "estonia*|lithuania*|eesti|lietuv*" }, { C_LV, "latvia*|latvij*" },
	{ C_GR, "greek|greece|\xce\xb5\xce\xbb\xce\xbb*|\xce\x95\xce\x9b\xce\x9b*" }, { C_IL, "israel*|\xd7\x99\xd7\xa9\xd7\xa8\xd7\x90\xd7\x9c*" },
	{ C_SG, "singapore*" }, { C_TW, "taiwan*|\xe5\x8f\xb0\xe7\x81\xa3*|\xe8\x87\xba\xe7\x81\xa3*" }, { C_HK, "hong kong*|\xe9\xa6\x99\xe6\xb8\xaf*" },
	{ C_JP, "japan*|\xe6\x97\xa5\xe6\x9c\xac*" }, { C_GB, "british|britain|united kingdom|uk" }, { C_CH, "swiss|switzerland|schweiz*|suisse|svizzer*" },
	{ C_AT, "austria*|\xc3\xb6sterreich*" }, { C_IE, "irish|ireland" }, { C_HU, "hungar*|magyar*" },
	{ C_YU, "serbia*|bosnia*|montenegr*|slovenia*|macedonia*|srpsk*|srbij*|\xd1\x81\xd1\x80\xd0\xb1*" },
	{ C_UA, "ukrain*|\xd1\x83\xd0\xba\xd1\x80\xd0\xb0\xd1\x97\xd0\xbd*" },
	{ C_RU, "russia*|\xd1\x80\xd0\xbe\xd1\x81\xd1\x81*|\xd0\xa0\xd0\xbe\xd1\x81\xd1\x81*" }, { C_AR, "argentin*" }, { C_CL, "chile*" },
	{ C_TH, "thai*|\xe0\xb9\x84\xe0\xb8\x97\xe0\xb8\xa2*" }, { C_MY, "malaysia*|indonesia*" }, { C_PK, "pakistan*" },
	{ C_US, "american|united states|u.s.|usa" }, { C_SSN, "american|united states|u.s.|usa" },
};

/* Before a name; <titles> need one word behind them, <fields> the whole line. */
enum { N_SAYS = 1, N_FIELD = 2, N_CJK = 4 };
static const struct { unsigned flags; const char *words; } intros[] = {
	{ N_SAYS, "my name is |my full name is |i am called |dear mr |dear mr. |dear mrs |dear mrs. |dear ms |dear ms. |dear dr |dear dr. |mr. |mrs. |"
	    "patient name: |customer name: |ich hei\xc3\x9f" "e |mein name ist |sehr geehrter herr |sehr geehrte frau |je m'appelle |je m\xe2\x80\x99" "appelle |"
	    "mon nom est |monsieur |madame |me llamo |mi nombre es |estimado sr. |estimada sra. |sr. |sra. |mi chiamo |il mio nome \xc3\xa8 |sig. |"
	    "meu nome \xc3\xa9 |me chamo |chamo-me |mijn naam is |ik heet |nazywam si\xc4\x99 |mam na imi\xc4\x99 |jag heter |mitt namn \xc3\xa4r |jeg heter |mit navn er |"
	    "mitt navn er |nimeni on |benim ad\xc4\xb1m |ad\xc4\xb1m |m\xc4\x83 numesc |jmenuji se |\xd0\xbc\xd0\xb5\xd0\xbd\xd1\x8f \xd0\xb7\xd0\xbe\xd0\xb2\xd1\x83\xd1\x82 |"
	    "\xd0\x9c\xd0\xb5\xd0\xbd\xd1\x8f \xd0\xb7\xd0\xbe\xd0\xb2\xd1\x83\xd1\x82 |\xce\xbc\xce\xb5 \xce\xbb\xce\xad\xce\xbd\xce\xb5 " },
	{ N_FIELD, "name:|full name:|nombre:|nom:|nome:|nome e cognome:|naam:|namn:|navn:|imi\xc4\x99 i nazwisko:" },
	{ N_CJK, "\xe6\x88\x91\xe5\x8f\xab|\xe6\x88\x91\xe7\x9a\x84\xe5\x90\x8d\xe5\xad\x97\xe6\x98\xaf|\xe5\xa7\x93\xe5\x90\x8d\xef\xbc\x9a|\xe6\xb0\x8f\xe5\x90\x8d\xef\xbc\x9a" },
};

#define ID_NAME	0x10000u
#define ID_MORE	0x20000u
#define ID_NATION 0x40000u

static int
load_list(struct literals *l, const char *w, uint32_t id)
{
	int rc = 0;

	while (rc == 0 && *w != '\0') {
		size_t n = strcspn(w, "|"), k = n > 0 && w[n - 1] == '*' ? n - 1 : n;

		rc = literals_add(l, w, k, id | (k < n ? ID_MORE : 0));
		w += n + (w[n] == '|');
	}
	return rc;
}

int
pii_words_load(struct literals *l)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(contexts) / sizeof(contexts[0]); i++)
		rc = load_list(l, contexts[i].words, contexts[i].ctx);
	for (size_t i = 0; rc == 0 && i < sizeof(nations) / sizeof(nations[0]); i++)
		rc = load_list(l, nations[i].words, ID_NATION | nations[i].ctx);
	for (size_t i = 0; rc == 0 && i < sizeof(intros) / sizeof(intros[0]); i++)
		rc = load_list(l, intros[i].words, ID_NAME | intros[i].flags);
	return rc == 0 ? literals_build(l) : rc;
}

/* Letters of Latin, Greek and Cyrillic beyond ASCII; other scripts need no space between words. */
static bool
letter(const struct pii_scan *s, size_t i)
{
	unsigned char c = (unsigned char)s->p[i];

	return pii_alnum(c) || (c >= 0xc3 && c <= 0xd4);
}

static bool
word_begins(const struct pii_scan *s, size_t i)
{
	unsigned char c;

	if (i == 0 || !letter(s, i))
		return true;
	c = (unsigned char)s->p[i - 1];
	return !pii_alnum(c) && !(c >= 0x80 && i > 1 && (unsigned char)s->p[i - 2] >= 0xc3 && (unsigned char)s->p[i - 2] <= 0xd4);
}

/* "sin", "run", "inn", "pan" are words, too; as names of numbers they are written in capitals. */
static bool
clear(const struct pii_scan *s, const struct literals_hit *h)
{
	return h->end - h->start > 4 || s->p[h->start] < 'a' || s->p[h->start] > 'z';
}

bool
pii_word_hit(void *arg, const struct literals_hit *h)
{
	struct pii_scan *s = arg;

	if (!word_begins(s, h->start))
		return true;
	if (h->id & ID_NAME) {
		if (s->pii->mode[PII_NAME] != DETECT_OFF)
			pii_name_after(s, h->start, h->end, h->id & 7);
		return true;
	}
	if (!(h->id & ID_MORE) && h->end < s->len && letter(s, h->end) && !pii_digit(s->p[h->end]) && letter(s, h->end - 1))
		return true;
	if (!(h->id & ID_NATION))
		s->near[(h->end - 1) / 32] |= CTX(h->id & 63);
	if ((h->id & ID_NATION) || clear(s, h))
		s->said[(h->end - 1) / 32] |= CTX(h->id & 63);
	if ((h->id & 63) == C_BIC)
		pii_bic_after(s, h->end);
	return true;
}
