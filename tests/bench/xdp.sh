#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Nanoseconds per packet of every way through llmsec-xdp (BPF_PROG_TEST_RUN), and in the same run of xdp-filter, the
# IP deny list of Debian's xdp-tools, whose figures are 1.0.  Asserts nothing.
#	./dev bench xdp [--prefixes N] [--repeat N]
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
# peer ADDRESS: xdp-filter's ns for a packet from there; it has 36 banned addresses, 203.0.113.99 among them.
peer_load()
{
	command -v xdp-filter >/dev/null && command -v bpftool >/dev/null || return 1
	ip netns add "$ns" && ip -n "$ns" link add v0 type veth peer name v1 && ip -n "$ns" link set v0 up || return 1
	mount -t bpf bpf /sys/fs/bpf || return 1
	nsenter --net="/run/netns/$ns" xdp-filter load v0 -m skb -p allow -f ipv4,ipv6 >/dev/null 2>&1 || return 1
	for i in $(seq 64 99); do nsenter --net="/run/netns/$ns" xdp-filter ip -m src "203.0.113.$i" >/dev/null 2>&1; done
	id=$(nsenter --net="/run/netns/$ns" ip -j link show v0 | jq -r '.[0].xdp.prog.id')
	[ -n "$id" ] && [ "$id" != null ]
}
peer() { "$tool" -c "$conf" --json bench --prog-id "$id" --hex "$1"  | jq .ns; }
pass= drop=
if peer_load; then
	pass=$(peer 203.0.113.7) drop=$(peer 203.0.113.99)
	printf '%-36s %5s ns   1.00\n%-36s %5s ns   1.00\n' 'xdp-filter: pass' "$pass" 'xdp-filter: drop' "$drop"
else
	echo 'xdp-filter (xdp-tools) is not here or cannot be loaded: no ratios'
fi
"$tool" -c "$conf" --json bench "$@" | jq -r '[.path, .ns, .reason] | @tsv' |
	awk -F'\t' -v pass="$pass" -v drop="$drop" '{
		base = $3 ~ /^(ban|budget)/ ? drop : pass
		printf "%-36s %5d ns %6s %8.1f Mpps  %s\n", $1, $2, (base > 0 ? sprintf("%.2f", $2 / base) : "-"), 1000 / $2, $3 }'
[ -z "$pass" ] || {
	now=$(peer 203.0.113.7) then=$(peer 203.0.113.99)
	printf 'xdp-filter once more: pass %s ns, drop %s ns (what the machine did meanwhile)\n' "$now" "$then"
}
uname -r
