#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Three capabilities are enough, two are not; after that an unprivileged user changes the bans.
. "${srcdir:?}/tests/xdp/lib.sh"
command -v setpriv >/dev/null || skip_all 'setpriv is not installed'
loadable
veth_up 0
conf_write
chmod 755 "$tap_dir"
cp "$builddir/bpf/llmsec-xdp" "$tap_dir/llmsec-xdp" 2>/dev/null
file "$tap_dir/llmsec-xdp" 2>/dev/null | grep -q script && cp "$builddir/bpf/.libs/llmsec-xdp" "$tap_dir/llmsec-xdp" 2>/dev/null
chmod 755 "$tap_dir/llmsec-xdp"
mkdir "$pin" && chown 65534:65534 "$pin"
run() { out=$("$@" 2>&1); rc=$?; }
# as CAPABILITIES COMMAND...: nobody with those
as()
{
	local caps=$1
	shift
	srv setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "-all$caps" --ambient-caps "-all$caps" \
		--bounding-set "-all$caps" "$tap_dir/llmsec-xdp" -c "$conf" --pin-dir "$pin" "$@"
}
diag "unprivileged_bpf_disabled is $(cat /proc/sys/kernel/unprivileged_bpf_disabled)"
run as '' attach srv0
is "$rc" 1 'without capabilities: refused'
like "$out" 'needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON' 'and says which'
run as ',+bpf,+net_admin' attach srv0
is "$rc" 1 'without CAP_PERFMON: refused'
like "$out" 'CAP_PERFMON' 'and says so'
run as ',+bpf,+net_admin,+perfmon' attach srv0
is "$rc" 0 'CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON: attached' || diag "$out"
run as '' ban 203.0.113.7
is "$rc" 0 'its owner bans without any capability' || diag "$out"
a=$(count ban)
packets 1000 -s 203.0.113.7 -d 10.27.0.1
check 'and the kernel drops' wait_for "[ \$(counted ban $a) = 1000 ]" 10
run as '' status
is "$rc" 0 'status' || diag "$out"
run as '' panic on
is "$rc" 0 'the panic switch, too'
is "$(xdp --json status | jq -r .panic)" on 'it is on'
run srv setpriv --reuid 65533 --regid 65533 --clear-groups --inh-caps -all --ambient-caps -all --bounding-set -all \
	"$tap_dir/llmsec-xdp" -c "$conf" --pin-dir "$pin" ban 203.0.113.8
is "$rc" 1 'another user may not'

# --- what it costs in memory that can't be paged out
mem=0
for map in "$pin"/maps/*; do
	m=$(bpftool -j map show pinned "$map" 2>/dev/null | jq '.bytes_memlock') || break
	mem=$((mem + m))
done
if [ "$mem" -gt 0 ]; then
	diag "maps: $mem bytes"
	at_most "$mem" $((64 << 20)) 'at most 64 MB by default'
else
	skip 'memory of the maps' 'bpftool is not installed'
fi
done_testing
