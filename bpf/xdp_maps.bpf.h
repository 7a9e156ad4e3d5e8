/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_MAPS_BPF_H
#define LLMSEC_XDP_MAPS_BPF_H
/*
 * The maps, with their default sizes; the loader sets the sizes of its configuration.  Names are short:
 * the kernel keeps 15 characters.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "xdp_shared.h"

#define XDPF_ARRAY(name_, type_, val, n, flags) \
	struct { \
		__uint(type, type_); \
		__uint(max_entries, n); \
		__uint(map_flags, flags); \
		__type(key, __u32); \
		__type(value, val); \
	} name_ SEC(".maps")

/*
 * Variables, so that the kernel puts their addresses into the program and nothing is looked up.  The filter is
 * all there is in .bss, whose map it is; the loader pins both like any other map.
 */
struct xdpf_conf xf_conf SEC(".data.conf") = {};
struct xdpf_filter xf_filter;

XDPF_ARRAY(xf_cpu, BPF_MAP_TYPE_PERCPU_ARRAY, struct xdpf_cpu, 1, 0);
struct xdpf_shared { __u64 tat, pad[7]; };		/* a cache line each */
XDPF_ARRAY(xf_budget, BPF_MAP_TYPE_ARRAY, struct xdpf_shared, XB_MAX, 0);
struct xdpf_retry { __u16 slot[XDPF_RETRY_SLOTS]; };
XDPF_ARRAY(xf_retry, BPF_MAP_TYPE_ARRAY, struct xdpf_retry, 1, 0);

#define XDPF_TABLE(name_, type_, k, val, n, flags) \
	struct { \
		__uint(type, type_); \
		__uint(max_entries, n); \
		__uint(map_flags, flags); \
		__type(key, k); \
		__type(value, val); \
	} name_ SEC(".maps")

XDPF_TABLE(xf_ban4, BPF_MAP_TYPE_HASH, struct xdpf_key4, struct xdpf_ban, 1 << 20, BPF_F_NO_PREALLOC);
XDPF_ARRAY(xf_quick4, BPF_MAP_TYPE_ARRAY, struct xdpf_quick, 1, BPF_F_MMAPABLE);
XDPF_TABLE(xf_ban6, BPF_MAP_TYPE_HASH, struct xdpf_key6, struct xdpf_ban, 1 << 18, BPF_F_NO_PREALLOC);
XDPF_TABLE(xf_allow, BPF_MAP_TYPE_LPM_TRIE, struct xdpf_lpm, __u32, 65536, BPF_F_NO_PREALLOC);
XDPF_TABLE(xf_protect, BPF_MAP_TYPE_LPM_TRIE, struct xdpf_lpm, __u32, 1024, BPF_F_NO_PREALLOC);
XDPF_ARRAY(xf_tags, BPF_MAP_TYPE_ARRAY, struct xdpf_tags, (1 << 16) / XDPF_WAYS, 0);
XDPF_ARRAY(xf_src, BPF_MAP_TYPE_ARRAY, struct xdpf_src, 1 << 16, 0);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, XDPF_EVENT_BYTES);
} xf_events SEC(".maps");

/* The maps that exist once are always found; the verifier wants to see the question asked. */
#define XDPF_ONE(map)	({ __u32 zero_ = 0; bpf_map_lookup_elem(&(map), &zero_); })
#endif
