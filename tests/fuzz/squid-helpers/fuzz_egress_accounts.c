/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "squid-helpers/egress_accounts.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_usage.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char text[] = "accounts: {log: l, state: s}\nidentities: [{id: a, sources: [10.1.0.0/16]}]\n"
    "budgets: [{id: d, bytes: 1k}, {id: h, per: hour, direction: up, bytes: 1, share: true}]\n";

/* What is written can be read, and says the same. */
static void
round_trip(const struct egress_usage *u)
{
	struct egress_usage *again = egress_usage_new(egress_usage_conf(u));
	struct buf b = { 0 }, c = { 0 };
	char *save = NULL, *copy;

	egress_usage_write(u, &b);
	copy = strndup(buf_ptr(&b), buf_len(&b));
	if (again == NULL || copy == NULL)
		abort();
	for (char *l = strtok_r(copy, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		if (!egress_usage_read_line(again, l))
			abort();
	egress_usage_write(again, &c);
	if (buf_len(&b) != buf_len(&c) || memcmp(buf_ptr(&b), buf_ptr(&c), buf_len(&b)) != 0)
		abort();
	egress_usage_free(&again);
	free(copy);
	buf_free(&b);
	buf_free(&c);
}

/* The bytes as Squid's log, and its lines as a state. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct egress_policy *p;
	struct egress_accounts a;
	char *copy = malloc(n + 1), *save = NULL, name[] = "log";
	bool over = false;

	if (p == NULL) {
		struct diag *d = diag_new();

		log_init("fuzz", LOG_DEST_STDERR, LOG_CRIT);
		egress_policy_load(&p, "fuzz", text, sizeof(text) - 1, d);
		diag_free(&d);
	}
	egress_accounts_init(&a);
	a.usage = p != NULL ? egress_usage_new(egress_policy_conf(p)) : NULL;
	a.log = name;
	if (copy == NULL || a.usage == NULL)
		abort();
	memcpy(copy, data, n);
	copy[n] = '\0';
	if (egress_accounts_lines(&a, copy, n, 1800000000, &over) > n)
		abort();
	if (over && egress_usage_over_count(a.usage, 1800000000) + egress_usage_over_count(a.usage, 0) == 0)
		abort();
	round_trip(a.usage);
	memcpy(copy, data, n);
	for (char *l = strtok_r(copy, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		egress_usage_read_line(a.usage, l);
	egress_usage_over(a.usage, 3, 0, 1800000000);
	egress_usage_free(&a.usage);
	free(copy);
	return 0;
}
