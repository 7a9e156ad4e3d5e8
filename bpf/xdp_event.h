/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_EVENT_H
#define LLMSEC_XDP_EVENT_H
/* Samples of dropped packets, for people and for llmsecd. */
#include <stdint.h>

#include "lib/cidr.h"

void	xdp_event_addr(const uint8_t addr[16], char out[CIDR_TEXT]);
#endif
