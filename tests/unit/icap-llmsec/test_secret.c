/* SPDX-License-Identifier: MIT */
/*
 * Secrets of every kind are made when the test runs, from the table's own forms: nothing that looks like a key lies in the tree.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/secret_private.h"
#include "lib/arena.h"

static struct secret *sec;
static struct arena *arena;
static uint64_t seed = 7;

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
	struct secret_conf c;

	memset(&c, 0, sizeof(c));
	c.all = DETECT_MASK;
	for (int g = 0; g < SECRET_GROUPS; g++)
		c.mode[g] = -1;
	arena = arena_new(0);
	return arena == NULL ? -1 : secret_new(&sec, &c);
}

static int
teardown(void **state)
{
	secret_free(&sec);
	arena_free(&arena);
	return 0;
}

static size_t
find(const char *text, struct secret_hit **v)
{
	size_t n;

	arena_reset(arena);
	assert_int_equal(secret_find(sec, text, strlen(text), arena, v, &n), 0);
	return n;
}

static char
one_of(char k)
{
	static const char all[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	switch (k) {
	case 'd': return all[rnd(10)];
	case 'h': return all[rnd(16)];
	case 'H': return all[rnd(16)];
	case 'l': return all[rnd(36)];
	case 'u': return all[(rnd(36) + 36) % 62 < 10 ? rnd(10) : 36 + rnd(26)];
	case 'A': return all[36 + rnd(26)];
	case 'c': return rnd(5) == 0 ? (char)('2' + rnd(6)) : all[36 + rnd(26)];
	case 's': return ' ';
	case 'q': return '"';
	default: return all[rnd(62)];
	}
}

/* One text of the form; the same language as the table's. */
static size_t
make(char *out, const char *form)
{
	size_t n = 0;

	while (*form != '\0') {
		unsigned count = 0;
		char k;

		if (*form == '>') {
			form++;
			continue;
		}
		if (*form != '{') {
			out[n++] = *form++;
			continue;
		}
		k = form[1];
		count = (unsigned)strtoul(form + 2, NULL, 10);
		form = strchr(form, '}') + 1;
		while (count-- > 0)
			out[n++] = one_of(k);
	}
	out[n] = '\0';
	return n;
}

static void
example(char *out, size_t i, size_t *at, size_t *len)
{
	const struct secret_row *r = &secret_rows[i];
	size_t n = strcspn(r->literals, " ");
	const char *form = r->form, *mid = !(r->flags & S_NAMED) || r->literals[n - 1] == '=' ? "" : strcmp(r->name, "bearer") == 0 ||
	    strcmp(r->name, "basic_auth") == 0 ? " " : strcmp(r->name, "odbc") == 0 ? "=" : strcmp(r->name, "npmrc") == 0 ? "=" : "_key: ";
	char body[4096];
	size_t from;

	from = (size_t)sprintf(out, "set it to ");
	if (form[0] == '<') {
		char before[64] = "";

		snprintf(before, sizeof(before), "%.*s", (int)(strchr(form, '}') - form), form + 1);
		form = strchr(form, '}') + 1;
		from += make(out + from, before);
	}
	from += (size_t)sprintf(out + from, "%.*s%s", (int)n, r->literals, mid);
	for (char *c = out; *c != '\0'; c++)
		*c = *c == '~' ? ' ' : *c;
	*at = r->flags & S_NAMED ? from : from - n;
	*len = make(body, form) + from - *at;
	sprintf(out + from, "%s and restart\n", body);
}

/* Two examples of each kind: at least 95 in 100 are found, nearly all of them whole. */
static void
test_kinds(void **state)
{
	size_t found = 0, total = 0, kinds = 0;

	for (size_t i = 0; i < secret_n_rows; i++) {
		bool got = false;

		if (strchr("@-", secret_rows[i].form[0]) != NULL || strchr(secret_rows[i].form, '>') != NULL || secret_rows[i].literals[0] == '\0')
			continue;		/* they have tests of their own */
		for (int k = 0; k < 4; k++) {
			char text[8192];
			size_t at, len, n, j;
			struct secret_hit *v;

			example(text, i, &at, &len);
			n = find(text, &v);
			for (j = 0; j < n && !(v[j].start <= at && v[j].start + v[j].len >= at + len); j++)
				;
			found += j < n;
			got = got || j < n;
			total++;
		}
		if (!got)
			print_message("never found: %s\n", secret_rows[i].name);
		kinds += got;
	}
	print_message("%zu kinds, %zu of %zu examples\n", kinds, found, total);
	assert_true(kinds >= 200);
	assert_true(found * 100 >= total * 95);
}

static void
expect_form(const char *type, const char *form)
{
	char text[8192], body[4096];
	struct secret_hit *v;
	size_t n, j;

	make(body, form);
	snprintf(text, sizeof(text), "Why does this fail: %s\nthanks", body);
	n = find(text, &v);
	for (j = 0; type != NULL && j < n && strcmp(v[j].type, type) != 0; j++)
		;
	if (type != NULL ? j == n : n != 0)
		fail_msg("%s, %zu hits, first %s: %s", type != NULL ? type : "none", n, n > 0 ? v[0].type : "-", text);
}

/* As they stand, with the signs that the forms above have for themselves. */
static void
test_around(void **state)
{
	static const struct { const char *text, *secret; } t[] = {
		{ "<password>zX8kPq2vTw9</password>", "zX8kPq2vTw9" }, { "<password>zX8kPq2vTw9<b>", NULL },
		{ "> -----BEGIN RSA PRIVATE KEY-----\n> MIIEpAIBAAKCAQEA7zX8kPq2vTw9a4Yd6Rf1Gh3Jk5Lm7Np9Qr2St4Uv6Wx8\n> -----END RSA PRIVATE KEY-----\n> Bye",
		    "-----BEGIN RSA PRIVATE KEY-----\n> MIIEpAIBAAKCAQEA7zX8kPq2vTw9a4Yd6Rf1Gh3Jk5Lm7Np9Qr2St4Uv6Wx8\n> -----END RSA PRIVATE KEY-----" },
		{ "{\"k\": \"-----BEGIN RSA PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA7zX8kPq2vTw9a4Yd6Rf1Gh3Jk5Lm7Np9Qr2\", \"x\": 1}",
		    "-----BEGIN RSA PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA7zX8kPq2vTw9a4Yd6Rf1Gh3Jk5Lm7Np9Qr2" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct secret_hit *v;
		size_t n = find(t[i].text, &v);

		if (t[i].secret == NULL ? n != 0 : n != 1 || v[0].len != strlen(t[i].secret) || memcmp(t[i].text + v[0].start, t[i].secret, v[0].len) != 0)
			fail_msg("%zu hits in %s", n, t[i].text);
	}
}

/* Kinds written a second time, as their providers document them; beside each what is near it and none. */
static void
test_examples(void **state)
{
	static const struct { const char *type, *yes, *no; } t[] = {
		{ "sentry_org", "sntrys_{B100}_{B43}", "sntrys_{B20}_{B43}" },
		/* what stands around a key: escapes of URLs and JSON, emphasis, other languages, elements, a mail's and a program's lines */
		{ "github_pat", "a=%22ghp_{n36}%22", "a=22ghp_{n36}" }, { "github_pat", "[\\u0022ghp_{n36}\\u0022]", "u0022ghp_{n36}" },
		{ "github_pat", "__ghp_{n36}__ and", "my_ghp_{n36}" }, { "github_pat", "\\x3dghp_{n36}", "x3dghp_{n36}" },
		{ "github_pat", "_ghp_{n36}_", "ghp_{n36}_{n4}" },
		{ "password", "Das Passwort lautet w{l5}9Q{n4}", "Das Passwort lautet vergesslich" }, { "password", "mot de passe : w{l5}9Q{n4}", "mot de passe oubli\xc3\xa9" },
		{ "password", "\xe5\xaf\x86\xe7\xa0\x81\xef\xbc\x9aw{l5}9Q{n4}", "\xe5\xaf\x86\xe7\xa0\x81\xe5\xad\x97\xe6\xae\xb5" },
		{ "private_key", "-----BEGIN RSA PRIVATE KEY-----\n| {B64}\n| {B64}\n| -----END RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\n| (the key goes here)" },
		{ "private_key", "\"-----BEGIN PRIVATE KEY-----\\n\"\n  \"{B64}\\n\"\n  \"{B64}\\n\"\n  \"-----END PRIVATE KEY-----\\n\";", "\"-----BEGIN PRIVATE KEY-----\\n\" + body" },
		{ "gitlab_versioned", "glpat-{b40}.01.{l9}", "glpat-{b40}.01.{l4}" },
		{ "gitlab_versioned", "glrt-t1_{b30}.01.{l9}", "glrt-t1" },
		{ "gitlab_routable", "glpat-{b30}.{l9}", "glpat-{b12}.{l9}" },
		{ "gitlab_registration", "GR1348941{b20}", "GR1348941" },
		{ "neon", "napi_{l64}", "napi_{l8}" },
		{ "adafruit_io", "aio_{n28}", "aio_{n12}" },
		{ "telegram_bot_alone", "{d10}:AA{n33}", "{d5}:AA{n33}" },
		{ "telegram_bot_alone", "{d8}:AA{n33}", "{d10}:AB{n33}" },
		{ "mailchimp_alone", "{h32}-us14", "{h31}-us14" },
		{ "twitter_bearer_alone", "AAAAAAAAAAAAAAAAAAAAAM{n8}%2B{n10}%2F{n12}%3D{n50}", "AAAAAAAAAAAAAAAAAAAAAM{n80}" },
		{ "wireguard", "PrivateKey = {B42}A=", "PublicKey = {B42}A=" },
		{ "netrc", "machine api.foo.test login ann password w{l5}9Q{n4}", "machine api.foo.test login ann password secret" },
		{ "curl_user", "curl -u admin:w{l5}9Q{n4} https://x.test/", "docker run -u app:w{l5}9Q{n4} x" },
		{ "curl_user", "curl -s --user \"admin:w{l5}9Q{n4}\" x", "curl -u user:password x" },
		{ "sshpass", "sshpass -p 'w{l5}9Q{n4}' ssh x", "sshpass -p $PASSWORD ssh x" },
		{ "password_option", "mysqladmin --password w{l5}9Q{n4} x", "mysqladmin --password PASSWORD x" },
		{ "sql_password", "CREATE USER a IDENTIFIED BY 'w{l5}9Q{n4}';", "CREATE USER a IDENTIFIED BY 'secret';" },
		{ "pgpass", "db.test:5432:main:ann:w{l5}9Q{n4}", "db.test:5432:main:ann" },
		{ "auth_header", "Authorization: Token {h40}", "Authorization: Token <token>" },
		{ "anthropic", "sk-ant-api03-{b93}AA", "sk-ant-api03-{b9}" },
		{ "anthropic", "sk-ant-ort01-{b93}AA", "sk-ant-{l6}" },
		{ "openai_project", "sk-svcacct-{b74}T3BlbkFJ{b74}", "sk-svcacct-{l9}" },
		{ "google_auth_key", "AQ.Ab{b48}", "AQ.Ab{b9}" },
		{ "xai", "xai-token-{n80}", "xai-token-{n8}" },
		{ "together_v1", "tgp_v1_{b43}", "tgp_v1_{b9}" },
		{ "openai_session", "sess-{n40}", "sess-{n12}" },
		{ "cursor", "crsr_{h64}", "crsr_{h40}" },
		{ "firecrawl", "fc-{h32}", "fc-{h8}" },
		{ "helicone", "sk-helicone-{l7}-{l7}-{l7}-{l7}", "sk-helicone-{l7}" },
		{ "llamacloud", "llx-{n48}", "llx-{n4}" },
		{ "e2b", "e2b_{h40}", "e2b_{h8}" },
		{ "zhipu", "ZHIPU_API_KEY={h32}.{n16}", "zhipu {h32}" },
		{ "deepgram", "DEEPGRAM_API_KEY={h40}", "deepgram {h40}" },
		{ "ollama", "OLLAMA_API_KEY={h32}.{b24}", "ollama run {h12}" },
		{ "azure_sas", "https://x.test/c?sv=2024-11-04&sig={n43}%3D", "https://x.test/c?sig={n8}" },
		{ "azure_client_secret_alone", "{n3}8Q~{n34}", "{n3}8Q~{n8}" },
		{ "azure_ai", "{n52}JQQJ99{n26}", "{n10}JQQJ99{n26}" },
		{ "azure_devops_pat", "{n76}AZDO{n4}", "{n20}AZDO{n4}" },
		{ "terraform_cloud", "{n14}.atlasv1.{b67}", "{n4}.atlasv1.{b67}" },
		{ "newrelic_licence", "{h36}NRAL", "{h12}NRAL" },
		{ "cloudflare_user", "cfut_{n40}", "cfut_{n8}" },
		{ "vercel_blob", "vercel_blob_rw_{n16}_{n30}", "vercel_blob_rw_{n4}" },
		{ "vercel_token", "vcp_{n56}", "vcp_{n8}" },
		{ "aiven", "AVNS_{b19}", "AVNS_{b8}" },
		{ "mongodb_atlas", "mdb_sa_sk_{b40}", "mdb_sa_sk_{b9}" },
		{ "backblaze", "B2_APPLICATION_KEY=K001{B27}", "B2_APPLICATION_KEY=K001" },
		{ "infisical", "st.{h24}.{h32}.{h32}", "st.{h24}.{h32}" },
		{ "bitwarden", "0.{h8}-{h4}-{h4}-{h4}-{h12}.{n30}:{B22}==", "0.{h8}-{h4}-{h4}-{h4}-{h12}" },
		{ "bitbucket_access", "ATCTT3xFfGN0{b170}={H8}", "ATCTT3xFfGN0" },
		{ "packagist", "packagist_uut_{n68}", "packagist_uut_{n8}" },
		{ "harness", "pat.{b22}.{n24}.{n20}", "pat.{b22}.{n24}" },
		{ "socket_dev", "sktsec_{n40}_api", "sktsec_{n9}" },
		{ "jenkins", "JENKINS_API_TOKEN=11{h32}", "jenkins 11{h32}" },
		{ "paddle", "pdl_live_apikey_{l26}_{n22}_{n3}", "pdl_live_apikey_{l6}" },
		{ "shopify_app", "shptka_{h32}", "shptka_{h8}" },
		{ "binance", "BINANCE_SECRET={n64}", "binance {n64}" },
		{ "eth_private_key", "PRIVATE_KEY=0x{h64}", "tx 0x{h64}" },
		{ "bip32_private", "xprv{n107}", "xpub{n107}" },
		{ "slack_workflow", "https://hooks.slack.com/workflows/T{u9}/A{u10}/{d18}/{n24}", "https://hooks.slack.com/workflows/T{u9}" },
		{ "feishu_webhook", "https://open.feishu.cn/open-apis/bot/v2/hook/{h8}-{h4}-{h4}-{h4}-{h12}", "https://open.feishu.cn/open-apis/bot/v2/hook/" },
		{ "mailersend", "mlsn.{h64}", "mlsn.{h8}" },
		{ "klaviyo", "pk_{h34}", "pk_{h8}" },
		{ "clickup", "pk_{d8}_{u32}", "pk_{d8}_{u3}" },
		{ "telnyx", "KEY{u32}_{n22}", "KEY{u32}" },
		{ "onesignal", "os_v2_app_{l103}", "os_v2_app_{l10}" },
		{ "twitch", "oauth:{l30}", "oauth:{l8}" },
		{ "trello", "ATTA{h72}", "ATTA{h8}" },
		{ "asana_v2", "2/{d16}/{d16}:{h32}", "2/{d16}/{d16}" },
		{ "dbt_cloud", "dbtc_{b44}", "dbtc_{b8}" },
		{ "postman_collection", "PMAT-{u26}", "PMAT-{u8}" },
		{ "statsig", "secret-{n43}", "secret-{h40}" },
		{ "splunk_hec", "SPLUNK_TOKEN={h8}-{h4}-{h4}-{h4}-{h12}", "splunk {h8}-{h4}-{h4}-{h4}-{h12}" },
		{ "private_key_base64", "client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt{n200}", "certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0t{n200}" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		expect_form(t[i].type, t[i].yes);
		expect_form(NULL, t[i].no);
	}
}

/* The number of a bot is in base64: letters at random are none. */
static void
test_discord(void **state)
{
	expect_form("discord_bot_alone", "MTIzNDU2Nzg5MDEyMzQ1Njc4.{n6}.{n38}");
	expect_form("discord_bot_alone", "\"OTk4NzY1NDMyMTA5ODc2NTQz.{n6}.{n27}\"");
	expect_form(NULL, "MTIzNDU2Nzg5MDEyMzQ1Njc4.{n6}.{n12}");
	expect_form(NULL, "MTIzNDU2abcdEyMzQ1Njc4.{n6}.{n38}");
	expect_form(NULL, "org.example.{l6}.service.{l6}.x");
}

/* One character less, or letters before it, and it is no key. */
static void
test_near_misses(void **state)
{
	size_t wrong = 0;

	for (size_t i = 0; i < secret_n_rows; i++) {
		const struct secret_row *r = &secret_rows[i];
		size_t lit = strcspn(r->literals, " ");
		char text[64];
		struct secret_hit *v;

		if (r->form[0] != '{')
			continue;
		snprintf(text, sizeof(text), "x %.*sab1 y", (int)lit, r->literals);
		wrong += find(text, &v);
	}
	assert_int_equal(wrong, 0);
}

static void
expect(const char *text, const char *type)
{
	struct secret_hit *v;
	size_t n = find(text, &v);

	if (type == NULL ? n != 0 : n != 1 || strcmp(v[0].type, type) != 0)
		fail_msg("\"%s\": %zu, %s", text, n, n > 0 ? v[0].type : "");
}

static void
test_urls_and_passwords(void **state)
{
	expect("postgres://app:h7Kq2vTz9w@db.internal:5432/main", "database_url");
	expect("https://ann:Zk83hfQ2w@host.example/x", "basic_auth_url");
	expect("my password is Tr4vel-Kite99", "password");
	expect("password: \"Tr4vel-Kite99\"", "password");
	expect("DB_PASSWORD=uK8#mqz2Lw", "password");
	expect("postgres://user:password@localhost/db", NULL);
	expect("https://user@host.example/x:y@z", NULL);
	expect("password = getPassword(user1)", NULL);
	expect("password: ${DB_PASSWORD1}", NULL);
	expect("password = os.environ[\"DB_PASS\"]", NULL);
	expect("password: <your-Password1>", NULL);
	expect("password is required and must have 8 characters", NULL);
}

static void
test_private_keys(void **state)
{
	char text[4096], body[512];
	struct secret_hit *v;
	size_t n;

	make(body, "{B64}\n{B64}\n{B64}\n");
	sprintf(text, "key:\n-----BEGIN %s PRIVATE KEY-----\n%s-----END %s PRIVATE KEY-----\nend", "OPENSSH", body, "OPENSSH");
	n = find(text, &v);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].type, "private_key");
	assert_int_equal(v[0].start + v[0].len, strlen(text) - 4);
	sprintf(text, "-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n", body);
	assert_int_equal(find(text, &v), 0);
	expect("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", NULL);
}

/* Hashes, identifiers, versions, code and what documents write in place of secrets. */
static void
test_benign(void **state)
{
	static const char *const t[] = {
		"commit 3f786850e387550fdab836ed7e6dc881de23001b", "uuid 550e8400-e29b-41d4-a716-446655440000",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "integrity: sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
		"AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"api_key = \"your-api-key-here-1234567890\"", "token = csrf_token_generator.next_value2()", "export TOKEN=<token>", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"const secretAccessKeyProvider2 = createSecretAccessKeyProvider2();", "x-api-key: 00000000000000000000000000000000", "the task-force and risk-averse desk-top",
		"access_token: process.env.ACCESS_TOKEN_V2_PRODUCTION", "password: ********", "Authorization: Bearer <token>", "token_count=18446744073709551615",
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		expect(t[i], NULL);
}

static void
test_hostile(void **state)
{
	static const char *const unit[] = { "sk-", "password=", "eyJ.", "-----BEGIN PRIVATE KEY-----\n", "token: ", "https://a:", "AKIA", "api_key=\"", "sntrys_a_", "machine a login ", "curl -u a:",
	    ".MTIzND.", "1:AA", "AAAAAAAAAAAAAAAAAAAA", "0123456789abcdef-us", "&sig=", "xAZDO" };
	static char text[2 << 20];
	struct secret_hit *v;
	size_t n;

	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		for (size_t size = sizeof(text) / 2; size <= sizeof(text); size *= 2) {
			for (size_t k = 0, u = strlen(unit[i]); k < size; k++)
				text[k] = unit[i][k % u];
			arena_reset(arena);
			assert_int_equal(secret_find(sec, text, size, arena, &v, &n), 0);
		}
}

static void
test_names(void **state)
{
	size_t n = 0;

	for (const struct secret_kind *k; (k = secret_kind_at(sec, n)) != NULL; n++) {
		assert_memory_equal(k->category, "secret.", 7);
		assert_memory_equal(k->rule_id, "LLMSEC-SECRET-", 14);
	}
	assert_true(n >= 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_examples), cmocka_unit_test(test_around), cmocka_unit_test(test_discord), cmocka_unit_test(test_near_misses), cmocka_unit_test(test_urls_and_passwords),
		cmocka_unit_test(test_private_keys), cmocka_unit_test(test_benign), cmocka_unit_test(test_hostile), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
