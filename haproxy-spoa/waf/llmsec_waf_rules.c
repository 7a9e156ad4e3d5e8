/* SPDX-License-Identifier: MIT */
/* check and rules: what is in a rule set. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "haproxy-spoa/waf/llmsec_waf.h"

#define CATEGORIES_MAX	64
#define LEVELS		5		/* 0: no paranoia-level tag */

struct category {
	const char	*name;
	size_t		 n[LEVELS];
};

struct count {
	const struct cli *cli;
	struct category	 cat[CATEGORIES_MAX];
	size_t		 n_cat, level[LEVELS];
};

int
cli_check(struct cli *c)
{
	struct waf_stats s;

	waf_stats(c->waf, &s);
	printf("%s: %zu rules (%zu detect something), %zu patterns, %zu phrases: no mistakes\n", c->rules, s.rules,
	    s.detection_rules, s.regexes, s.phrases);
	return CLI_OK;
}

static struct category *
category_find(struct count *k, const char *name)
{
	size_t i = 0;

	if (name[0] == '\0')
		name = "other";
	while (i < k->n_cat && strcmp(k->cat[i].name, name) != 0)
		i++;
	if (i == CATEGORIES_MAX)
		return &k->cat[CATEGORIES_MAX - 1];
	if (i == k->n_cat)
		k->cat[k->n_cat++].name = name;
	return &k->cat[i];
}

static void
rule_count(void *arg, const struct waf_rule_info *r)
{
	struct count *k = arg;
	size_t level = r->paranoia > 0 && r->paranoia < LEVELS ? (size_t)r->paranoia : 0;

	if (!r->detection && !k->cli->all)
		return;
	category_find(k, r->category)->n[level]++;
	k->level[level]++;
}

static void
count_print(const struct count *k)
{
	size_t active = 0;

	printf("%-32s %6s %6s %6s %6s %6s\n", "category", "PL1", "PL2", "PL3", "PL4", "none");
	for (size_t i = 0; i < k->n_cat; i++)
		printf("%-32s %6zu %6zu %6zu %6zu %6zu\n", k->cat[i].name, k->cat[i].n[1], k->cat[i].n[2],
		    k->cat[i].n[3], k->cat[i].n[4], k->cat[i].n[0]);
	printf("%-32s", "active at this level");
	for (size_t l = 1; l < LEVELS; l++) {
		active += k->level[l];
		printf(" %6zu", active + k->level[0]);
	}
	printf("\n");
}

static void
count_print_json(const struct count *k)
{
	struct buf b = {0};

	buf_adds(&b, "{\"categories\":{");
	for (size_t i = 0; i < k->n_cat; i++) {
		buf_adds(&b, i > 0 ? ",\"" : "\"");
		cli_json_bytes(&b, k->cat[i].name, strlen(k->cat[i].name));
		buf_printf(&b, "\":[%zu,%zu,%zu,%zu,%zu]", k->cat[i].n[0], k->cat[i].n[1], k->cat[i].n[2],
		    k->cat[i].n[3], k->cat[i].n[4]);
	}
	buf_printf(&b, "},\"levels\":[%zu,%zu,%zu,%zu,%zu]}\n", k->level[0], k->level[1], k->level[2], k->level[3],
	    k->level[4]);
	fwrite(buf_ptr(&b), 1, buf_len(&b), stdout);
	buf_free(&b);
}

static void
rule_print(void *arg, const struct waf_rule_info *r)
{
	const struct cli *c = arg;
	struct buf b = {0};

	if (!r->detection && !c->all)
		return;
	if (c->json) {
		buf_printf(&b, "{\"id\":%" PRId64 ",\"phase\":%d,\"paranoia\":%d,\"category\":\"%s\",\"prefiltered\":%s,"
		    "\"line\":%d,\"file\":\"", r->id, r->phase, r->paranoia, r->category,
		    r->prefiltered ? "true" : "false", r->line);
		cli_json_bytes(&b, r->file, strlen(r->file));
		buf_adds(&b, "\",\"msg\":\"");
		cli_json_bytes(&b, r->msg, strlen(r->msg));
		buf_adds(&b, "\"}\n");
	} else {
		buf_printf(&b, "%" PRId64 "\tphase %d\tPL%d\t%s\t%s\t%s:%d\n", r->id, r->phase, r->paranoia,
		    r->category[0] != '\0' ? r->category : "-", r->msg, r->file, r->line);
	}
	fwrite(buf_ptr(&b), 1, buf_len(&b), stdout);
	buf_free(&b);
}

int
cli_rules(struct cli *c)
{
	struct count k = { .cli = c };

	if (c->list) {
		waf_each_rule(c->waf, rule_print, c);
		return CLI_OK;
	}
	waf_each_rule(c->waf, rule_count, &k);
	if (c->json)
		count_print_json(&k);
	else
		count_print(&k);
	return CLI_OK;
}
