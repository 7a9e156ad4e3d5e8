/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control/ctltime.h"

static int64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
ctltime_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t
ctltime_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* Exactly <n> digits at *p, moved behind them; -1 if they are something else. */
static int
digits(const char **p, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static bool
literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* ".123456" -> 123; more digits than milliseconds are read and dropped. */
static int
fraction(const char **p)
{
	int ms = 0, scale = 100;

	if (!literal(p, '.'))
		return 0;
	if (!isdigit((unsigned char)**p))
		return -1;
	for (; isdigit((unsigned char)**p); (*p)++) {
		ms += (**p - '0') * scale;
		scale /= 10;
	}
	return ms;
}

/* "Z" or "+hh:mm": minutes east of Greenwich. */
static int
zone(const char **p, int *minutes)
{
	int sign, h, m;

	*minutes = 0;
	if (literal(p, 'Z') || literal(p, 'z'))
		return 0;
	if (**p != '+' && **p != '-')
		return -EINVAL;
	sign = **p == '-' ? -1 : 1;
	(*p)++;
	h = digits(p, 2);
	if (!literal(p, ':'))
		return -EINVAL;
	m = digits(p, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return -EINVAL;
	*minutes = sign * (h * 60 + m);
	return 0;
}

int
ctltime_parse_rfc3339(const char *s, int64_t *ms)
{
	struct tm tm = {0};
	int year, frac, off;
	time_t t;

	year = digits(&s, 4);
	tm.tm_mon = literal(&s, '-') ? digits(&s, 2) - 1 : -1;
	tm.tm_mday = literal(&s, '-') ? digits(&s, 2) : -1;
	if (year < 1970 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31)
		return -EINVAL;
	if (!literal(&s, 'T') && !literal(&s, 't') && !literal(&s, ' '))
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_hour = digits(&s, 2);
	tm.tm_min = literal(&s, ':') ? digits(&s, 2) : -1;
	tm.tm_sec = literal(&s, ':') ? digits(&s, 2) : -1;
	if (tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
	    tm.tm_sec < 0 || tm.tm_sec > 60)
		return -EINVAL;
	frac = fraction(&s);
	if (frac < 0 || zone(&s, &off) < 0 || *s != '\0')
		return -EINVAL;
	t = timegm(&tm);
	*ms = ((int64_t)t - (int64_t)off * 60) * 1000 + frac;
	return 0;
}

/* Milliseconds of a unit letter, 0 if there is no such unit. */
static int64_t
unit_ms(const char *s)
{
	static const struct { const char *name; int64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(s, units[i].name) == 0)
			return units[i].ms;
	return 0;
}

int
ctltime_parse_since(const char *s, int64_t now_ms, int64_t *ms)
{
	const char *p = s;
	int64_t v = 0, unit;
	int frac;

	for (; isdigit((unsigned char)*p); p++) {
		if (p - s >= 12)
			return -EINVAL;
		v = v * 10 + (*p - '0');
	}
	if (p == s)
		return -EINVAL;
	if (*p == '-')
		return ctltime_parse_rfc3339(s, ms);
	if (*p == '.' || *p == '\0') {
		frac = fraction(&p);
		if (frac < 0 || *p != '\0')
			return -EINVAL;
		*ms = v * 1000 + frac;
		return 0;
	}
	unit = unit_ms(p);
	if (unit == 0)
		return -EINVAL;
	*ms = now_ms - v * unit;
	return 0;
}

void
ctltime_format(char out[32], int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char day[24];

	if (ms < 0 || gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099) {
		snprintf(out, 32, "-");
		return;
	}
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 32, "%s.%03dZ", day, (int)(ms % 1000));
}
