/* SPDX-License-Identifier: MIT */
/* Any bytes as an event: what is taken keeps the promises of evline.h, and shows without control bytes. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ban_event.h"
#include "control/ban_list.h"
#include "control/ctl_show.h"
#include "control/evline.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int condition)
{
	if (!condition)
		abort();
}

static void
shown(const char *line, size_t len)
{
	char *json = malloc(len + 1), *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	need(json != NULL && f != NULL);
	memcpy(json, line, len);
	json[len] = '\0';
	ctl_show_event(json, f);
	need(fclose(f) == 0 && n > 0 && text[n - 1] == '\n');
	for (size_t i = 0; i + 1 < n; i++)
		need((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
	free(text);
	free(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *why = NULL;
	struct evline ev;
	struct ban b;

	if (evline_parse(&ev, (const char *)p, n, &why) < 0) {
		need(why != NULL && *why != '\0');
		return 0;
	}
	need(why == NULL && ev.doc != NULL && n <= EVLINE_MAX);
	need(ev.id != NULL && strlen(ev.id) >= 1 && strlen(ev.id) <= 128);
	need(ev.node != NULL && ev.layer != NULL && ev.event != NULL && ev.action != NULL);
	need(ev.severity >= 0 && ev.severity <= 10 && ev.score >= -1 && ev.score <= 100 && ev.ttl_s >= 0);
	shown((const char *)p, n);
	if (ban_of_event(&ev, &b))
		need(b.expires_ms > b.added_ms && b.edge == 0 && b.scope == BAN_EDGE && strlen(b.reason) < BAN_REASON);
	evline_clear(&ev);
	return 0;
}
