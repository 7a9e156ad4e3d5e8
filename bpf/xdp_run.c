/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/xdp_run.h"
#include "lib/diag.h"

int
xdp_run(int prog_fd, const uint8_t *frame, size_t len, unsigned repeat, struct xdp_run *r)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = (uint32_t) len, .data_out = r->out,
	    .data_size_out = sizeof(r->out), .repeat = (int) repeat);

	if (len < 14 || len > XDP_FRAME_MAX)
		return -EINVAL;
	if (bpf_prog_test_run_opts(prog_fd, &o) < 0)
		return -errno;
	r->action = o.retval;
	r->ns = o.duration;
	r->out_len = o.data_size_out;
	return 0;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char) tolower((unsigned char) c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
xdp_hex_parse(const char *text, uint8_t *frame, size_t max, size_t *len)
{
	int hi = -1, d;

	*len = 0;
	for (; *text != '\0'; text++) {
		if (isspace((unsigned char) *text) || *text == ':')
			continue;
		d = digit(*text);
		if (d < 0 || *len == max)
			return -EINVAL;
		if (hi < 0)
			hi = d;
		else {
			frame[(*len)++] = (uint8_t) (hi << 4 | d);
			hi = -1;
		}
	}
	return hi >= 0 ? -EINVAL : 0;
}

static uint32_t
word(const uint8_t *p, bool swapped)
{
	return swapped ? (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3]
	    : (uint32_t) p[3] << 24 | (uint32_t) p[2] << 16 | (uint32_t) p[1] << 8 | p[0];
}

int
xdp_pcap_each(const char *path, const uint8_t *data, size_t len, int (*fn)(void *arg, const uint8_t *frame, size_t len),
    void *arg, struct diag *d)
{
	uint32_t magic = len >= 24 ? word(data, false) : 0, n;
	bool swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
	int r = 0;

	if (!swapped && magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) {
		diag_error(d, path, 0, 0, "is no pcap file (pcapng: editcap -F pcap IN OUT)");
		return -EINVAL;
	}
	if ((word(data + 20, swapped) & 0xffff) != 1) {
		diag_error(d, path, 0, 0, "its link type is %u, not 1 (Ethernet)", word(data + 20, swapped) & 0xffff);
		return -EINVAL;
	}
	for (size_t at = 24; r == 0 && at < len; at += 16 + n) {
		n = len - at >= 16 ? word(data + at + 8, swapped) : 0;
		if (len - at < 16 || n > len - at - 16) {
			diag_error(d, path, 0, 0, "ends within a packet");
			return -EINVAL;
		}
		r = fn(arg, data + at + 16, n);
	}
	return r;
}
