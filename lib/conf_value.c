/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_private.h"

struct conf_unit {
	const char	*name;
	int64_t		 factor;
};

/* Largest first: that is the order in which formatting tries them. */
static const struct conf_unit duration_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 },
};
static const struct conf_unit size_units[] = {
	{ "G", 1 << 30 }, { "M", 1 << 20 }, { "k", 1 << 10 }, { "", 1 }, { NULL, 0 },
};

const char *
conf_type_name(enum conf_type t)
{
	static const char *const names[] = {
		[CONF_T_STR] = "string", [CONF_T_INT] = "integer", [CONF_T_BOOL] = "boolean",
		[CONF_T_DURATION] = "duration", [CONF_T_SIZE] = "size", [CONF_T_ENUM] = "word",
		[CONF_T_STRS] = "list of strings", [CONF_T_MAP] = "map", [CONF_T_SEQ] = "list of maps",
	};

	return (unsigned)t < sizeof(names) / sizeof(names[0]) && names[t] ? names[t] : "?";
}

static bool
value_int(const char *s, int64_t *v)
{
	const char *p = s + (*s == '-');
	char *end;

	/* strtoll's white space, '+' and leading zeros (octal to some readers) are not for us. */
	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] != '\0'))
		return false;
	errno = 0;
	*v = strtoll(s, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool
value_unit(const char *s, const struct conf_unit *u, int64_t *v)
{
	int64_t n = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *p - '0', &n))
			return false;
	}
	if (p == s)
		return false;
	if (*p == '\0' && n == 0) {	/* zero is zero in any unit */
		*v = 0;
		return true;
	}
	for (; u->name != NULL; u++) {
		if (strcmp(p, u->name) == 0)
			return !__builtin_mul_overflow(n, u->factor, v);
	}
	return false;
}

/* "64K" and "10m" are as clear as "64k" and "10M". */
static bool
value_size(const char *s, int64_t *v)
{
	char t[32];
	size_t n = strlen(s);

	if (n == 0 || n >= sizeof(t))
		return false;
	memcpy(t, s, n + 1);
	if (t[n - 1] == 'K')
		t[n - 1] = 'k';
	else if (t[n - 1] == 'm' || t[n - 1] == 'g')
		t[n - 1] = (char)(t[n - 1] - 'a' + 'A');
	return value_unit(t, size_units, v);
}

static bool
value_bool(const char *s, int64_t *v)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(s, words[i]) == 0) {
			*v = i & 1;
			return true;
		}
	}
	return false;
}

static int
value_enum(const struct conf_opt *opt, const char *s, int64_t *v, char why[CONF_REASON])
{
	size_t n;

	n = (size_t)snprintf(why, CONF_REASON, "must be one of");
	for (const struct conf_enum *e = opt->names; e->name != NULL; e++) {
		if (strcmp(s, e->name) == 0) {
			*v = e->value;
			return 0;
		}
		if (n < CONF_REASON)
			n += (size_t)snprintf(why + n, CONF_REASON - n, "%s %s", e == opt->names ? "" : ",",
			    e->name);
	}
	return -EINVAL;
}

void
conf_value_format(char *out, size_t n, enum conf_type t, int64_t v)
{
	const struct conf_unit *u = t == CONF_T_DURATION ? duration_units : size_units;

	if ((t != CONF_T_DURATION && t != CONF_T_SIZE) || v <= 0) {
		snprintf(out, n, "%" PRId64, v);
		return;
	}
	while (v % u->factor != 0)
		u++;
	snprintf(out, n, "%" PRId64 "%s", v / u->factor, u->name);
}

static int
value_range(const struct conf_opt *opt, int64_t v, char why[CONF_REASON])
{
	int64_t lo = opt->min, hi = opt->max;
	char a[40], b[40];

	if (lo == 0 && hi == 0) {	/* a row without limits: those of the field's type */
		lo = opt->type == CONF_T_INT ? INT_MIN : 0;
		hi = opt->type == CONF_T_INT ? INT_MAX : INT64_MAX;
	}
	if (v >= lo && v <= hi)
		return 0;
	conf_value_format(a, sizeof(a), opt->type, lo);
	conf_value_format(b, sizeof(b), opt->type, hi);
	snprintf(why, CONF_REASON, "out of range: must be %s to %s", a, b);
	return -EINVAL;
}

int
conf_value_parse(const struct conf_opt *opt, const char *s, int64_t *v, char why[CONF_REASON])
{
	static const char *const want[] = {
		[CONF_T_INT] = "must be an integer",
		[CONF_T_BOOL] = "must be true or false",
		[CONF_T_DURATION] = "must be a duration such as 250ms, 5s, 10m, 2h or 7d",
		[CONF_T_SIZE] = "must be a size such as 512, 64k, 10M or 1G",
	};
	bool ok = false;

	*v = 0;
	switch (opt->type) {
	case CONF_T_ENUM:
		return value_enum(opt, s, v, why);
	case CONF_T_BOOL:
		ok = value_bool(s, v);
		break;
	case CONF_T_INT:
		ok = value_int(s, v);
		break;
	case CONF_T_DURATION:
		ok = value_unit(s, duration_units, v);
		break;
	case CONF_T_SIZE:
		ok = value_size(s, v);
		break;
	default:
		snprintf(why, CONF_REASON, "must be a %s", conf_type_name(opt->type));
		return -EINVAL;
	}
	if (!ok) {
		snprintf(why, CONF_REASON, "%s", want[opt->type]);
		return -EINVAL;
	}
	return opt->type == CONF_T_BOOL ? 0 : value_range(opt, *v, why);
}

unsigned
conf_edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned row[65], diag, up;

	if (n > 64 || m > 64 || (n > m ? n - m : m - n) > 2)
		return 3;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		diag = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			up = row[j];
			row[j] = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < row[j])
				row[j] = up + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diag = up;
		}
	}
	return row[m] > 2 ? 3 : row[m];
}
