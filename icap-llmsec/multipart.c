/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "icap-llmsec/multipart.h"

#define HEADERS_MAX	8192	/* bytes of one part's headers */
#define LINES_MAX	32

static bool
starts(const char *s, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && strncasecmp(s, with, k) == 0;
}

bool
multipart_is(const char *ct)
{
	return ct != NULL && strncasecmp(ct, "multipart/", 10) == 0;
}

static bool
is_token(char c)	/* RFC 9110 5.6.2 */
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/*
 * The next parameter of a header's value: ; key=value, the value in quotes or not.  Bytes used, 0: the end, or no parameter.  A backslash in
 * quotes is kept, as browsers send names of Windows' files.
 */
static size_t
param_next(const char *s, size_t n, const char **key, size_t *nk, const char **val, size_t *nv)
{
	size_t i = 0;

	while (i < n && (s[i] == ';' || s[i] == ' ' || s[i] == '\t'))
		i++;
	*key = s + i;
	while (i < n && is_token(s[i]))
		i++;
	*nk = (size_t)(s + i - *key);
	if (*nk == 0 || i == n || s[i] != '=')
		return 0;
	i++;
	if (i < n && s[i] == '"') {
		*val = s + ++i;
		while (i < n && s[i] != '"')
			i += s[i] == '\\' && i + 1 < n ? 2 : 1;
		if (i >= n)
			return 0;
		*nv = (size_t)(s + i - *val);
		return i + 1;
	}
	*val = s + i;
	while (i < n && s[i] != ';' && s[i] != ' ' && s[i] != '\t')
		i++;
	*nv = (size_t)(s + i - *val);
	return i;
}

/* All that follows the value proper must be parameters; fn's keys may each come once. */
static bool
params_read(const char *s, size_t n, const char *const *keys, size_t n_keys, const char **val, size_t *len)
{
	const char *k, *v;
	size_t nk, nv, used;

	while (n > 0) {
		if ((used = param_next(s, n, &k, &nk, &v, &nv)) == 0) {
			for (; n > 0 && (*s == ';' || *s == ' ' || *s == '\t'); s++, n--)
				;
			return n == 0;
		}
		for (size_t i = 0; i < n_keys; i++)
			if (strlen(keys[i]) == nk && strncasecmp(keys[i], k, nk) == 0) {
				if (val[i] != NULL)
					return false;
				val[i] = v;
				len[i] = nv;
			}
		s += used;
		n -= used;
	}
	return true;
}

bool
multipart_begin(struct multipart *m, const char *ct, const void *body, size_t len)
{
	static const char *const keys[] = {"boundary"};
	const char *semi, *b = NULL;
	size_t n = 0;

	memset(m, 0, sizeof(*m));
	m->error = "its Content-Type has no usable boundary";
	if (!multipart_is(ct) || (semi = strchr(ct, ';')) == NULL || !params_read(semi, strlen(semi), keys, 1, &b, &n))
		return false;
	if (b == NULL || n == 0 || n > MULTIPART_BOUNDARY || b[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++)	/* RFC 2046's bchars; curl and browsers stay inside them */
		if (!(is_token(b[i]) || strchr("(),/:=? ", b[i]) != NULL))
			return false;
	m->form = starts(ct + 10, strlen(ct + 10), "form-data");
	memcpy(m->mark, "\r\n--", 4);
	memcpy(m->mark + 4, b, n);
	m->mark_len = n + 4;
	m->at = body;
	m->end = m->at + len;
	/* No preamble, for readers differ in what they take for one; but the line break of an empty one, which servers send before ranges. */
	if (len >= n + 4 && memcmp(m->at, m->mark, n + 4) == 0)
		m->at += 2, len -= 2;
	if (len < n + 2 || memcmp(m->at, m->mark + 2, n + 2) != 0) {
		m->error = "it does not begin with its boundary";
		return false;
	}
	m->at += n + 2;
	m->error = NULL;
	return true;
}

static int
fail(struct multipart *m, const char *why)
{
	m->error = why;
	return -1;
}

static bool
disposition(struct multipart *m, const char *v, size_t n, struct multipart_part *p)
{
	static const char *const keys[] = {"name", "filename", "filename*"};
	const char *semi = memchr(v, ';', n), *val[3] = {NULL, NULL, NULL};
	size_t len[3] = {0, 0, 0};

	if (p->name != NULL || p->filename != NULL)
		return false;	/* twice */
	if (semi != NULL && !params_read(semi, n - (size_t)(semi - v), keys, 3, val, len))
		return false;
	p->name = val[0];
	p->name_len = len[0];
	p->filename = val[2] != NULL && val[1] == NULL ? val[2] : val[1];
	p->filename_len = val[2] != NULL && val[1] == NULL ? len[2] : len[1];
	return !m->form || (starts(v, n, "form-data") && p->name != NULL);
}

static bool
header(struct multipart *m, const char *s, size_t n, struct multipart_part *p)
{
	const char *colon = memchr(s, ':', n), *v;
	size_t k, nv;

	if (colon == NULL || colon == s || memchr(s, '\0', n) != NULL || memchr(s, '\n', n) != NULL || memchr(s, '\r', n) != NULL)
		return false;
	k = (size_t)(colon - s);
	for (size_t i = 0; i < k; i++)	/* also no folded line, no blank before the colon */
		if (!is_token(s[i]))
			return false;
	v = colon + 1;
	nv = n - k - 1;
	while (nv > 0 && (*v == ' ' || *v == '\t'))
		v++, nv--;
	while (nv > 0 && (v[nv - 1] == ' ' || v[nv - 1] == '\t'))
		nv--;
	if (k == 19 && starts(s, k, "Content-Disposition"))
		return disposition(m, v, nv, p);
	if (k == 12 && starts(s, k, "Content-Type")) {
		if (p->type != NULL || starts(v, nv, "multipart/") || starts(v, nv, "message/external-body"))
			return false;
		p->type = v;
		p->type_len = nv;
	}
	if (k == 25 && starts(s, k, "Content-Transfer-Encoding"))	/* RFC 7578 4.7: nobody sends others */
		return (nv == 6 && starts(v, nv, "binary")) || (nv == 4 && (starts(v, nv, "8bit") || starts(v, nv, "7bit")));
	return true;
}

/* Header lines, up to the empty one. */
static bool
headers(struct multipart *m, struct multipart_part *p)
{
	for (unsigned i = 0; i < LINES_MAX; i++) {
		size_t left = (size_t)(m->end - m->at);
		const char *eol = memmem(m->at, left < HEADERS_MAX ? left : HEADERS_MAX, "\r\n", 2), *line = m->at;

		if (eol == NULL)
			return false;
		m->at = eol + 2;
		if (eol == line)
			return true;
		if (!header(m, line, (size_t)(eol - line), p))
			return false;
	}
	return false;
}

int
multipart_next(struct multipart *m, struct multipart_part *p)
{
	size_t left = (size_t)(m->end - m->at);
	const char *next;

	memset(p, 0, sizeof(*p));
	if (m->error != NULL)
		return -1;
	if (left >= 2 && memcmp(m->at, "--", 2) == 0)	/* no epilogue, for there is no use of one */
		return left == 2 || (left == 4 && memcmp(m->at, "--\r\n", 4) == 0) ? 0 : fail(m, "there is something behind its end");
	if (left < 2 || memcmp(m->at, "\r\n", 2) != 0)
		return fail(m, "a boundary's line is damaged");
	m->at += 2;
	if (!headers(m, p))
		return fail(m, "headers of a part are damaged");
	if (m->form && p->name == NULL)
		return fail(m, "a part has no name");
	p->data = m->at;
	/* Data may be empty: then the boundary's line break is that of the headers' end. */
	next = memmem(m->at - 2, (size_t)(m->end - m->at) + 2, m->mark, m->mark_len);
	if (next == NULL)
		return fail(m, "it ends too early");
	p->len = next >= m->at ? (size_t)(next - m->at) : 0;
	m->at = next + m->mark_len;
	return 1;
}
