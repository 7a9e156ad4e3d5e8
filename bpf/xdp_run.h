/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_RUN_H
#define LLMSEC_XDP_RUN_H
/* Packets through a program without a network: BPF_PROG_TEST_RUN.  And where packets come from. */
#include <stddef.h>
#include <stdint.h>

struct diag;

#define XDP_FRAME_MAX	3520		/* what the kernel takes in one page */

struct xdp_run {
	uint32_t	 action;	/* XDP_PASS ... */
	uint32_t	 ns;		/* per packet, with repeat */
	uint8_t		 out[XDP_FRAME_MAX + 512];
	uint32_t	 out_len;
};

/* -EINVAL: shorter than an Ethernet header, or too long. */
int	xdp_run(int prog_fd, const uint8_t *frame, size_t len, unsigned repeat, struct xdp_run *);

/* Hex digits, white space between; 0 or -EINVAL. */
int	xdp_hex_parse(const char *text, uint8_t *frame, size_t max, size_t *len);
/*
 * A capture as tcpdump writes it (pcap, either byte order, Ethernet; not pcapng).  <fn> gets each frame; a
 * return that is not 0 stops.  <data> is not changed.
 */
int	xdp_pcap_each(const char *path, const uint8_t *data, size_t len,
	    int (*fn)(void *arg, const uint8_t *frame, size_t len), void *arg, struct diag *);
#endif
