/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_XDP_REF_PARSE_H
#define LLMSEC_TEST_XDP_REF_PARSE_H
/*
 * A second opinion on frames, written from the RFCs and from nothing of bpf/: by byte offsets, with no packet
 * structs.  Answers the name of the reason a filter that bans and protects nothing must give.
 */
#include <stddef.h>
#include <stdint.h>

const char *ref_parse(const uint8_t *frame, size_t len);
#endif
