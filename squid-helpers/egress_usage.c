/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_usage.h"

struct cell {
	time_t		start;	/* of the window that <used> belongs to */
	uint64_t	used;
};

struct egress_usage {
	const struct egress_conf *conf;
	size_t			 columns;	/* nobody in particular, then each identity */
	struct cell		 cells[];
};

struct egress_usage *
egress_usage_new(const struct egress_conf *conf)
{
	size_t columns = conf->n_identities + 1;
	struct egress_usage *u = calloc(1, sizeof(*u) + conf->n_budgets * columns * sizeof(u->cells[0]));

	if (u == NULL)
		return NULL;
	u->conf = conf;
	u->columns = columns;
	return u;
}

void
egress_usage_free(struct egress_usage **up)
{
	free(*up);
	*up = NULL;
}

const struct egress_conf *
egress_usage_conf(const struct egress_usage *u)
{
	return u->conf;
}

static time_t
window(const struct egress_conf_budget *b)
{
	return b->per == EGRESS_PER_HOUR ? 3600 : 86400;
}

static const struct cell *
cell_of(const struct egress_usage *u, size_t budget, int who)
{
	size_t column = u->conf->budgets[budget].share ? 0 : (size_t)(who + 1);

	return &u->cells[budget * u->columns + column];
}

uint64_t
egress_usage_used(const struct egress_usage *u, size_t budget, int who, time_t now, time_t *until)
{
	const struct cell *c = cell_of(u, budget, who);
	time_t w = window(&u->conf->budgets[budget]), start = now - now % w;

	if (until != NULL)
		*until = start + w;
	/* A clock that was put back must not make a budget new: egress_usage_settle. */
	return c->start >= start ? c->used : 0;
}

int
egress_usage_over(const struct egress_usage *u, uint64_t mask, int who, time_t now)
{
	for (; mask != 0; mask &= mask - 1) {
		int i = __builtin_ctzll(mask);

		if (egress_usage_used(u, (size_t)i, who, now, NULL) >= (uint64_t)u->conf->budgets[i].bytes)
			return i;
	}
	return -1;
}

size_t
egress_usage_over_count(const struct egress_usage *u, time_t now)
{
	size_t n = 0;

	for (size_t b = 0; b < u->conf->n_budgets; b++)
		for (size_t w = 0; w < (u->conf->budgets[b].share ? 1 : u->columns); w++)
			n += egress_usage_used(u, b, (int)w - 1, now, NULL) >= (uint64_t)u->conf->budgets[b].bytes;
	return n;
}

/* --- counting --------------------------------------------------------------------------------- */

/* -1: nobody in particular; -2: an identity that this policy does not have. */
static int
identity_find(const struct egress_usage *u, const char *id)
{
	if (strcmp(id, "-") == 0)
		return -1;
	for (size_t i = 0; i < u->conf->n_identities; i++)
		if (strcmp(u->conf->identities[i].id, id) == 0)
			return (int)i;
	return -2;
}

static int
budget_find(const struct egress_usage *u, const char *id, size_t n)
{
	for (size_t i = 0; i < u->conf->n_budgets; i++)
		if (strncmp(u->conf->budgets[i].id, id, n) == 0 && u->conf->budgets[i].id[n] == '\0')
			return (int)i;
	return -1;
}

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* A window that has not come was counted by a clock that was ahead: it is that of <now>, and what is used stays so. */
static void
cell_settle(struct cell *c, const struct egress_conf_budget *b, time_t now)
{
	time_t start = now - now % window(b);

	if (c->start > start)
		c->start = start;
}

void
egress_usage_settle(struct egress_usage *u, time_t now)
{
	for (size_t b = 0; b < u->conf->n_budgets; b++)
		for (size_t w = 0; w < u->columns; w++)
			cell_settle(&u->cells[b * u->columns + w], &u->conf->budgets[b], now);
}

static bool
cell_add(struct cell *c, const struct egress_conf_budget *b, uint64_t bytes, time_t t, time_t now)
{
	time_t start = t - t % window(b);
	bool was;

	cell_settle(c, b, now);
	/* Of a window that is over: late news of no consequence. */
	if (start < c->start)
		return false;
	if (start > c->start)
		*c = (struct cell){ start, 0 };
	was = c->used >= (uint64_t)b->bytes;
	c->used = sum(c->used, bytes);
	return !was && c->used >= (uint64_t)b->bytes;
}

bool
egress_usage_add(struct egress_usage *u, const char *identity, const char *budgets, uint64_t up, uint64_t down, time_t t,
    time_t now)
{
	int who = identity_find(u, identity);
	uint64_t seen = 0;	/* Squid may join the answers to two questions about one request */
	bool over = false;

	while (who > -2 && *budgets != '\0') {
		size_t n = strcspn(budgets, ",");
		int i = budget_find(u, budgets, n);

		if (i >= 0 && !(seen & (uint64_t)1 << i)) {
			const struct egress_conf_budget *b = &u->conf->budgets[i];
			uint64_t bytes = b->direction == EGRESS_UP ? up : b->direction == EGRESS_DOWN ? down : sum(up, down);
			size_t at = (size_t)(cell_of(u, (size_t)i, who) - u->cells);

			seen |= (uint64_t)1 << i;
			over |= cell_add(&u->cells[at], b, bytes, t, now);
		}
		budgets += n + (budgets[n] == ',');
	}
	return over;
}

/* --- as text ---------------------------------------------------------------------------------- */

void
egress_usage_write(const struct egress_usage *u, struct buf *out)
{
	for (size_t b = 0; b < u->conf->n_budgets; b++)
		for (size_t w = 0; w < u->columns; w++) {
			const struct cell *c = &u->cells[b * u->columns + w];

			if (c->used > 0)
				buf_printf(out, "%s %s %lld %" PRIu64 "\n", u->conf->budgets[b].id,
				    w == 0 ? "-" : u->conf->identities[w - 1].id, (long long)c->start, c->used);
		}
}

bool
egress_usage_read_line(struct egress_usage *u, const char *line)
{
	char budget[66], identity[66], more;
	long long start;
	uint64_t used;
	int b, who;

	if (sscanf(line, "%65s %65s %lld %" SCNu64 "%c", budget, identity, &start, &used, &more) != 4 || start < 0)
		return false;
	b = budget_find(u, budget, strlen(budget));
	who = identity_find(u, identity);
	if (b >= 0 && who > -2)
		u->cells[(size_t)(cell_of(u, (size_t)b, who) - u->cells)] = (struct cell){ (time_t)start, used };
	return true;
}
