/* SPDX-License-Identifier: MIT */
/* Words of a SecLang line, quoted as Apache's configuration files quote, and what words are tested for. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/seclang_private.h"

bool
sl_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

void
sl_trim(struct sl_text *t)
{
	while (t->n != 0 && sl_is_blank(*t->p)) {
		t->p++;
		t->n--;
	}
	while (t->n != 0 && sl_is_blank(t->p[t->n - 1]))
		t->n--;
}

bool
sl_str_is(struct waf_str s, const char *name)
{
	return strlen(name) == s.n && strncasecmp(s.p, name, s.n) == 0;
}

bool
sl_is(const struct sl_text *t, const char *name)
{
	return sl_str_is((struct waf_str){t->p, t->n}, name);
}

bool
sl_number(const struct sl_text *t, int64_t lo, int64_t hi, int64_t *out)
{
	int64_t v = 0;

	if (t->n == 0 || t->n > 18)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		if (t->p[i] < '0' || t->p[i] > '9')
			return false;
		v = v * 10 + (t->p[i] - '0');
	}
	*out = v;
	return v >= lo && v <= hi;
}

bool
sl_on_off(const struct sl_text *t, bool *out)
{
	*out = sl_is(t, "On");
	return *out || sl_is(t, "Off");
}

struct waf_str
sl_dup(struct arena *a, const char *p, size_t n)
{
	struct waf_str s = {arena_strndup(a, p, n), n};

	if (s.p == NULL)
		return (struct waf_str){"", 0};
	return s;
}

struct waf_str
sl_dup_lower(struct arena *a, const char *p, size_t n)
{
	char *s = arena_strndup(a, p, n);

	if (s == NULL)
		return (struct waf_str){"", 0};
	for (size_t i = 0; i < n; i++) {
		if (s[i] >= 'A' && s[i] <= 'Z')
			s[i] = (char)(s[i] - 'A' + 'a');
	}
	return (struct waf_str){s, n};
}

/* Apache: a backslash protects another backslash and the quote that is open, and stands for itself else. */
static size_t
word_end(const char *s, size_t n, size_t i, char quote)
{
	while (i < n && (quote ? s[i] != quote : !sl_is_blank(s[i]))) {
		if (quote && s[i] == '\\' && i + 1 < n && (s[i + 1] == quote || s[i + 1] == '\\'))
			i++;
		i++;
	}
	return i;
}

static void
word_unescape(struct sl_word *w, struct arena *tmp, const char *s, size_t n)
{
	char *d = arena_alloc(tmp, n + 1);
	size_t k = 0;

	w->p = d != NULL ? d : "";
	w->n = 0;
	if (d == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n && (s[i + 1] == '\\' || (w->quote && s[i + 1] == w->quote)))
			i++;
		d[k++] = s[i];
	}
	d[k] = '\0';
	w->n = k;
}

int
sl_next_word(struct sl *sl, const struct sl_line *ln, size_t *pos, struct sl_word *w)
{
	const char *s = buf_ptr(&ln->text);
	size_t n = buf_len(&ln->text), i = *pos, end;
	struct sl_text t;

	while (i < n && sl_is_blank(s[i]))
		i++;
	if (i == n)
		return 0;
	*w = (struct sl_word){.ln = ln, .quote = s[i] == '"' || s[i] == '\'' ? s[i] : 0};
	i += w->quote != 0;
	w->raw = i;
	end = word_end(s, n, i, w->quote);
	word_unescape(w, sl->file->tmp, s + i, end - i);
	t = sl_text(w);
	if (w->quote && end == n) {
		sl_error(sl, &t, NULL, "the quote that opens here is never closed");
		return -1;
	}
	*pos = end + (w->quote != 0);
	if (w->quote && *pos < n && !sl_is_blank(s[*pos])) {
		sl_error(sl, &t, w->p + w->n, "a quote ends here but text follows: write \\%c inside of quotes",
		    w->quote);
		return -1;
	}
	return 1;
}
