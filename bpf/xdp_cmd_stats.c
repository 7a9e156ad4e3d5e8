/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bpf/xdp_cli.h"
#include "bpf/xdp_count.h"

static void
protos_json(const struct xdp_totals *t, int reason)
{
	bool first = true;

	fputs(",\"protocols\":{", stdout);
	for (int p = 0; p < XP_MAX; p++) {
		const struct xdpf_stat *s = &t->v[reason][p];

		if (s->packets == 0)
			continue;
		printf("%s\"%s\":{\"packets\":%llu,\"bytes\":%llu}", first ? "" : ",", xdp_proto_names[p], s->packets, s->bytes);
		first = false;
	}
	fputs("}}", stdout);
}

/* Every reason is there, also those that never happened: a dashboard wants zeros. */
static void
totals_json(const struct xdp_totals *t, bool dry)
{
	struct xdpf_stat s;

	printf("{\"dry_run\":%s,\"reasons\":{", dry ? "true" : "false");
	for (int i = 0; i < XR_MAX; i++) {
		xdp_totals_reason(t, i, &s);
		printf("%s\"%s\":{\"action\":\"%s\",\"packets\":%llu,\"bytes\":%llu", i ? "," : "", xdp_reasons[i].name,
		    xdp_action_name(xdp_reasons[i].action), s.packets, s.bytes);
		protos_json(t, i);
	}
	puts("}}");
}

static void
row(const struct xdp_totals *t, int reason, double per_s)
{
	struct xdpf_stat s;
	const char *unit = per_s > 0 ? "/s" : "";
	double scale = per_s > 0 ? per_s : 1;

	xdp_totals_reason(t, reason, &s);
	if (s.packets == 0)
		return;
	printf("%-7s %-15s %14.0f packets%s %16.0f bytes%s ", xdp_action_name(xdp_reasons[reason].action),
	    xdp_reasons[reason].name, (double) s.packets / scale, unit, (double) s.bytes / scale, unit);
	for (int p = 0; p < XP_MAX; p++)
		if (t->v[reason][p].packets != 0)
			printf(" %s %.0f", xdp_proto_names[p], (double) t->v[reason][p].packets / scale);
	putchar('\n');
}

static void
totals_text(const struct xdp_totals *t, bool dry, double per_s)
{
	uint64_t n = 0;
	struct xdpf_stat s;

	if (dry)
		puts("dry-run: what is called drop here was passed");
	for (int i = 0; i < XR_MAX; i++) {
		row(t, i, per_s);
		xdp_totals_reason(t, i, &s);
		n += s.packets;
	}
	if (n == 0)
		puts("no packet");
}

static void
subtract(const struct xdp_totals *now, const struct xdp_totals *before, struct xdp_totals *d)
{
	for (int i = 0; i < XR_MAX; i++)
		for (int p = 0; p < XP_MAX; p++) {
			d->v[i][p].packets = now->v[i][p].packets - before->v[i][p].packets;
			d->v[i][p].bytes = now->v[i][p].bytes - before->v[i][p].bytes;
		}
}

/* Until a signal, or --count times. */
static int
watch(const struct xdp_cli *c, const struct xdp_maps *m, struct xdp_totals *before)
{
	struct timespec pause = {.tv_sec = c->watch};
	struct xdp_totals now, diff;
	struct xdpf_conf k;
	uint64_t t0 = xdp_now_ns(), t1;
	int r;

	for (int n = 0; !c->count || n < c->repeat; n++) {
		nanosleep(&pause, NULL);
		r = xdp_totals_read(m, &now);
		if (r == 0)
			r = xdp_maps_conf_get(m, &k);
		if (r != 0)
			return r;
		t1 = xdp_now_ns();
		subtract(&now, before, &diff);
		if (c->json)
			totals_json(&now, (k.flags & XF_DRY_RUN) != 0);
		else {
			if (n > 0)
				putchar('\n');
			totals_text(&diff, (k.flags & XF_DRY_RUN) != 0, (double) (t1 - t0) / 1e9);
		}
		if (fflush(stdout) != 0)
			return -EPIPE;
		*before = now;
		t0 = t1;
	}
	return 0;
}

int
xdp_cmd_stats(struct xdp_cli *c)
{
	struct xdp_totals t;
	struct xdpf_conf k;
	struct xdp_maps m;
	int r = xdp_cli_open(c, &m, true);

	if (r != 0)
		return r;
	r = xdp_totals_read(&m, &t);
	if (r == 0)
		r = xdp_maps_conf_get(&m, &k);
	if (r == 0 && c->watch > 0)
		r = watch(c, &m, &t);
	else if (r == 0 && c->json)
		totals_json(&t, (k.flags & XF_DRY_RUN) != 0);
	else if (r == 0)
		totals_text(&t, (k.flags & XF_DRY_RUN) != 0, 0);
	xdp_maps_close(&m);
	if (r != 0)
		xdp_cli_error("stats: %s", strerror(-r));
	return r != 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}
