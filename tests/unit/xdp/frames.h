/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_XDP_FRAMES_H
#define LLMSEC_TEST_XDP_FRAMES_H
/* Frames that nobody wrote by hand: near-valid ones of every kind, from a seed. */
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX	256

struct frame_rng { uint64_t s; };

uint32_t frame_rand(struct frame_rng *);
/* One frame of 14 to FRAME_MAX bytes. */
size_t	 frame_random(struct frame_rng *, uint8_t out[FRAME_MAX]);
/* What the program's parser says natively, as the name of the reason (bans and limits left out). */
const char *native_parse(const uint8_t *, size_t len);
#endif
