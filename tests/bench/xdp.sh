#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Nanoseconds per packet of every way through llmsec-xdp (BPF_PROG_TEST_RUN), and by turns with each of xdp-filter, the
# IP deny list of Debian's xdp-tools: its time for a packet that passes, or for one that it drops.  Asserts nothing.
#	./dev bench xdp [NAME] [--prefixes N] [--repeat N]
set -u
build=${LLMSEC_BUILD:?} src=$(cd "$(dirname "$0")/../.." && pwd)
tool=$build/bpf/llmsec-xdp
[ -x "$tool" ] || { echo 'llmsec-xdp is not built (libbpf-dev, bpftool, clang)'; exit 77; }
[ "$(id -u)" = 0 ] || { echo 'bench xdp needs root (BPF_PROG_TEST_RUN)'; exit 77; }
if [ "${XDP_BENCH_INSIDE:-}" != yes ]; then
	XDP_BENCH_INSIDE=yes exec unshare -m --propagation private bash "$0" "$@"
fi
ns=llxb$$ conf=$(mktemp)
echo 'never_ban: ""' >"$conf"
trap 'ip netns del $ns 2>/dev/null; rm -f "$conf"' EXIT
# xdp-filter with 36 banned addresses, 203.0.113.99 among them; prints the id of what it has loaded.
peer_load()
{
	command -v xdp-filter >/dev/null || return 1
	ip netns add "$ns" && ip -n "$ns" link add v0 type veth peer name v1 && ip -n "$ns" link set v0 up || return 1
	mount -t bpf bpf /sys/fs/bpf || return 1
	nsenter --net="/run/netns/$ns" xdp-filter load v0 -m skb -p allow -f ipv4,ipv6 >/dev/null 2>&1 || return 1
	for i in $(seq 64 99); do nsenter --net="/run/netns/$ns" xdp-filter ip -m src "203.0.113.$i" >/dev/null 2>&1; done
	id=$(nsenter --net="/run/netns/$ns" ip -j link show v0 | jq -r '.[0].xdp.prog.id')
	[ -n "$id" ] && [ "$id" != null ]
}
args=()
if peer_load; then
	args=(--prog-id "$id" --hex 203.0.113.99)
	echo 'way through llmsec-xdp                    ns  xdp-filter  ratio  verdict'
else
	echo 'xdp-filter (xdp-tools) is not here or cannot be loaded: no ratios'
fi
"$tool" -c "$conf" bench "${args[@]}" "$@"
uname -r
