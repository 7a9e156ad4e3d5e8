/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_cli.h"
#include "bpf/xdp_count.h"
#include "bpf/xdp_run.h"
#include "lib/diag.h"

#define PCAP_MAX	(256UL << 20)

struct tester {
	const struct xdp_cli *c;
	struct xdp_load	*load;
	unsigned	 n;
	struct xdp_run	 run;
};

static const char *const kernel_actions[] = {"ABORTED", "DROP", "PASS", "TX", "REDIRECT"};

static int
frame_test(void *arg, const uint8_t *frame, size_t len)
{
	struct tester *t = arg;
	const struct xdp_reason *why;
	const char *action;
	int r = xdp_run(xdp_load_prog_fd(t->load), frame, len, 1, &t->run);

	t->n++;
	if (r == -EINVAL) {
		printf("packet %u: %zu bytes: %s\n", t->n, len, len < 14 ? "shorter than an Ethernet header: no card delivers that"
		    : "longer than what fits into a page");
		return 0;
	}
	if (r != 0)
		return r;
	why = &xdp_reasons[xdp_load_last_reason(t->load) % XR_MAX];
	action = t->run.action < 5 ? kernel_actions[t->run.action] : "?";
	if (t->c->json)
		printf("{\"packet\":%u,\"bytes\":%zu,\"verdict\":\"%s\",\"reason\":\"%s\"}\n", t->n, len, action, why->name);
	else
		printf("packet %u: %zu bytes: %s, %s: %s\n", t->n, len, action, why->name, why->help);
	return ferror(stdout) ? -EIO : 0;
}

static int
hex_test(struct tester *t, const char *text)
{
	uint8_t frame[XDP_FRAME_MAX];
	size_t len;

	if (xdp_hex_parse(text, frame, sizeof(frame), &len) == 0)
		return frame_test(t, frame, len);
	xdp_cli_error("--hex: not an even number of hex digits, or more than %d bytes", XDP_FRAME_MAX);
	return -EINVAL;
}

static int
file_read(const char *path, uint8_t **data, size_t *len)
{
	FILE *f = fopen(path, "re");
	size_t cap = 65536, got;
	int r = 0;

	*data = NULL;
	*len = 0;
	if (f == NULL)
		return -errno;
	do {
		uint8_t *v = realloc(*data, cap);

		if (v == NULL || cap > PCAP_MAX) {
			r = v == NULL ? -ENOMEM : -EFBIG;
			*data = v != NULL ? v : *data;
			break;
		}
		*data = v;
		got = fread(*data + *len, 1, cap - *len, f);
		*len += got;
		cap *= 2;
	} while (got > 0);
	if (r == 0 && ferror(f))
		r = -EIO;
	fclose(f);
	return r;
}

static int
pcap_test(struct tester *t, const char *path)
{
	uint8_t *data = NULL;
	size_t len = 0;
	int r = file_read(path, &data, &len);

	if (r != 0)
		xdp_cli_error("%s: %s", path, strerror(-r));
	else
		r = xdp_pcap_each(path, data, len, frame_test, t, t->c->diag);
	free(data);
	return r;
}

static int
bans_add(struct tester *t)
{
	struct cidr ban;
	int r = 0;

	for (size_t i = 0; i < t->c->n_bans && r == 0; i++) {
		r = cidr_parse(t->c->bans[i], &ban);
		if (r == 0)
			r = xdp_ban_add(xdp_load_maps(t->load), &ban, XO_MANUAL, XDPF_FOREVER, NULL);
		if (r != 0)
			xdp_cli_error("--ban: \"%s\": %s", t->c->bans[i], r == -EINVAL ? "not a network that can be banned" : strerror(-r));
	}
	return r;
}

/*
 * Against what is loaded (its bans, its configuration; its counters and tables of sources stay untouched), or,
 * with --config, --ban or without a filter, against an empty one with that configuration.
 */
int
xdp_cmd_test(struct xdp_cli *c)
{
	struct xdp_load_opts opts = {.cookies = xdp_cli_cookies(c, false), .bench_stride = 1};
	struct tester *t = calloc(1, sizeof(*t));
	struct xdp_maps live;
	bool have = false;
	int r;

	if (t == NULL)
		return XDP_EXIT_FAILED;
	if ((c->hex == NULL) == (c->pcap == NULL)) {
		fputs("usage: llmsec-xdp test --hex TEXT | --pcap FILE [--ban CIDR]...\n", stderr);
		free(t);
		return XDP_EXIT_USAGE;
	}
	t->c = c;
	if (c->n_bans == 0 && !c->conf_given)
		have = xdp_maps_open(&live, c->pin_dir, false) == 0;
	opts.reuse = have ? &live : NULL;
	r = xdp_load(&t->load, &c->conf, NULL, &opts, c->diag);
	if (r == 0 && !have)
		r = xdp_apply(xdp_load_maps(t->load), &c->conf, opts.cookies, c->diag);
	if (r == 0)
		r = bans_add(t);
	if (r == 0)
		r = c->hex != NULL ? hex_test(t, c->hex) : pcap_test(t, c->pcap);
	xdp_load_free(&t->load);
	if (have)
		xdp_maps_close(&live);
	free(t);
	return r == 0 ? XDP_EXIT_OK : r == -EINVAL ? XDP_EXIT_USAGE : XDP_EXIT_FAILED;
}
