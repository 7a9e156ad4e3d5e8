/* SPDX-License-Identifier: MIT */
/*
 * Addresses of files that the provider, or a gateway behind us, fetches by itself.  Nothing is resolved here: what a name points to
 * tomorrow is not known today.  Refused is what cannot be anything but inside, in all the spellings that readers of URLs take (WHATWG URL, 3.5:
 * hosts that end in a number are IPv4 addresses, parts may be octal or hexadecimal or missing), and what two readers may read in two ways.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <utf8proc.h>

#include "icap-llmsec/attach.h"
#include "lib/cidr.h"
#include "lib/utf8.h"

#define HOST_MAX	253	/* RFC 1035, 2.3.4, without the root's dot */

/* Not for the public: RFC 6890's table and its successors at IANA (special-purpose address registries), and NAT64 and 6to4, which hold an IPv4 address. */
static const char *const inside_nets[] = {
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "::/127", "::/96", "64:ff9b::/96",
	"64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
};
/* Names that mean something inside: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal, and what resolvers of clouds answer. */
static const char *const inside_names[] = {"localhost", "local", "internal", "home.arpa", "lan", "localdomain", "intranet", "corp", "home", "private"};

static bool
is_scheme_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* Length of the scheme, 0: none. */
static size_t
scheme_len(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && i < 32 && is_scheme_char(s[i]))
		i++;
	return i > 1 && i < n && s[i] == ':' && ((s[0] | 0x20) >= 'a' && (s[0] | 0x20) <= 'z') ? i : 0;
}

bool
attach_is_url(const char *s, size_t n)
{
	return scheme_len(s, n) > 0;
}

static bool
scheme_allowed(const struct conf_strs *l, const char *s, size_t n)
{
	for (size_t i = 0; i < l->n; i++)
		if (strlen(l->v[i]) == n && strncasecmp(l->v[i], s, n) == 0)
			return true;
	return l->n == 0 && n == 5 && strncasecmp(s, "https", 5) == 0;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* The host as a reader of URLs takes it: percent undone, NFKC, lower case, no dot at the end.  False: it can't be one. */
static bool
host_read(char out[HOST_MAX + 1], const char *s, size_t n)
{
	char raw[HOST_MAX + 1];
	utf8proc_int32_t cp[4 * HOST_MAX];
	utf8proc_ssize_t k;
	size_t m = 0, o = 0;

	for (size_t i = 0; i < n; i++) {
		bool pct = s[i] == '%' && i + 2 < n && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0;

		if (m == HOST_MAX || (s[i] == '%' && !pct))
			return false;
		raw[m++] = pct ? (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])) : s[i];
		i += pct ? 2 : 0;
	}
	k = utf8proc_decompose((const utf8proc_uint8_t *)raw, (utf8proc_ssize_t)m, cp, 4 * HOST_MAX,
	    UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
	if (k <= 0 || k > 4 * HOST_MAX)
		return false;
	for (utf8proc_ssize_t i = 0; i < k; i++) {
		uint32_t c = cp[i] == 0x3002 ? '.' : (uint32_t)cp[i];	/* UTS #46 maps the ideographic full stop */

		if (c <= ' ' || c == 0x7f || o + 4 > HOST_MAX)
			return false;
		o += utf8_encode(out + o, c);
	}
	while (o > 0 && out[o - 1] == '.')
		o--;
	out[o] = '\0';
	return o > 0;
}

static bool
is_inside(const struct cidr *c)
{
	struct cidr net;

	for (size_t i = 0; i < sizeof(inside_nets) / sizeof(*inside_nets); i++)
		if (cidr_parse(inside_nets[i], &net) == 0 && cidr_covers(&net, c))
			return true;
	return false;
}

static bool
ends_in(const char *host, const char *name)
{
	size_t n = strlen(host), k = strlen(name);

	return n >= k && strcmp(host + n - k, name) == 0 && (n == k || host[n - k - 1] == '.');
}

/* Of a name, an address in brackets, or a number in any of inet_aton()'s spellings. */
static enum remote_verdict
host_judge(const char *host)
{
	struct cidr c;
	struct in_addr v4;
	char text[INET_ADDRSTRLEN];
	size_t n = strlen(host);

	if (host[0] == '[') {
		char v6[INET6_ADDRSTRLEN];

		if (host[n - 1] != ']' || n - 2 >= sizeof(v6))
			return REMOTE_ODD;
		memcpy(v6, host + 1, n - 2);
		v6[n - 2] = '\0';
		return cidr_parse(v6, &c) < 0 ? REMOTE_ODD : is_inside(&c) ? REMOTE_PRIVATE : REMOTE_OK;
	}
	if (inet_aton(host, &v4) != 0) {
		inet_ntop(AF_INET, &v4, text, sizeof(text));
		return cidr_parse(text, &c) < 0 || is_inside(&c) ? REMOTE_PRIVATE : REMOTE_OK;
	}
	for (size_t i = 0; i < sizeof(inside_names) / sizeof(*inside_names); i++)
		if (ends_in(host, inside_names[i]))
			return REMOTE_PRIVATE;
	if (strchr(host, '.') == NULL)
		return REMOTE_PRIVATE;
	return strpbrk(host, "/\\@:?#[]<>^|`{}\"%") != NULL ? REMOTE_ODD : REMOTE_OK;
}

static bool
host_listed(const struct conf_strs *l, const char *host)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i][0] == '.' ? ends_in(host, l->v[i] + 1) : strcasecmp(l->v[i], host) == 0)
			return true;
	return false;
}

/* A bucket's name is no host: gs://bucket/object, s3://bucket/key. */
static bool
is_bucket(const char *url, size_t scheme)
{
	return (scheme == 2 && (strncasecmp(url, "gs", 2) == 0 || strncasecmp(url, "s3", 2) == 0));
}

enum remote_verdict
attach_remote(const struct attach_conf *conf, const char *url, size_t n)
{
	size_t s = scheme_len(url, n), end, port;
	char host[HOST_MAX + 1];
	enum remote_verdict v;

	if (s == 0 || !scheme_allowed(&conf->remote_schemes, url, s))
		return REMOTE_SCHEME;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)url[i] <= ' ' || url[i] == '\\' || url[i] == 0x7f)
			return REMOTE_ODD;
	if (n < s + 4 || memcmp(url + s, "://", 3) != 0)
		return REMOTE_ODD;
	url += s + 3;
	n -= s + 3;
	if (is_bucket(url - s - 3, s))
		return conf->remote_hosts.n == 0 ? REMOTE_OK : REMOTE_HOST;
	for (end = 0; end < n && url[end] != '/' && url[end] != '?' && url[end] != '#'; end++)
		if (url[end] == '@')	/* a user's name: for show */
			return REMOTE_ODD;
	for (port = end; port > 0 && url[port - 1] >= '0' && url[port - 1] <= '9'; port--)
		;
	if (port > 0 && url[port - 1] == ':')
		end = port - 1;
	if (!host_read(host, url, end))
		return REMOTE_ODD;
	v = host_judge(host);
	if (v == REMOTE_PRIVATE && conf->remote_private)
		v = REMOTE_OK;
	if (v == REMOTE_OK && conf->remote_hosts.n > 0 && !host_listed(&conf->remote_hosts, host))
		v = REMOTE_HOST;
	return v;
}
