# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A network namespace for each side, a veth pair between, and a bpf file system of the test's own.
#
# The script runs itself again in a private mount namespace, so that nothing of it shows outside; the names
# carry the process id, and everything goes with the script.  Skips, with the reason, where that can't be.
: "${srcdir:?}" "${builddir:?}"
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
[ "$(id -u)" = 0 ] || skip_all 'needs root, for network namespaces and XDP'
[ -x "$builddir/bpf/llmsec-xdp" ] || skip_all 'llmsec-xdp is not built'
if [ "${XDP_TEST_INSIDE:-}" != "$0" ]; then
	unshare -m true 2>/dev/null || skip_all 'no private mount namespace here'
	XDP_TEST_INSIDE=$0 exec unshare -m --propagation private bash "$0" "$@"
fi
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
bpffs=$tap_dir/bpf
mkdir "$bpffs"
mount -t bpf bpf "$bpffs" 2>"$tap_dir/err" || skip_all "no bpf file system here: $(head -n 1 "$tap_dir/err")"
pin=$bpffs/llmsec conf=$tap_dir/xdp.yaml
ns_srv=llx$$s ns_cli=llx$$c
xdp_cleanup()
{
	kill "${tap_pids[@]}" 2>/dev/null
	ip netns del "$ns_srv" 2>/dev/null
	ip netns del "$ns_cli" 2>/dev/null
	umount -l "$bpffs" 2>/dev/null
	tap_cleanup
}
trap xdp_cleanup EXIT
ip netns add "$ns_srv" 2>"$tap_dir/err" || skip_all "no network namespaces here: $(head -n 1 "$tap_dir/err")"
ip netns add "$ns_cli"
# Not `ip netns exec`: that has a mount namespace of its own, where the pins can't be seen.
srv() { nsenter --net="/run/netns/$ns_srv" "$@"; }
cli() { nsenter --net="/run/netns/$ns_cli" "$@"; }

# veth_up N: srvN <-> cliN, 10.27.N.1/16 and 2001:db8:27:N::1, .2 the client.
veth_up()
{
	ip -n "$ns_srv" link add "srv$1" type veth peer name "cli$1" netns "$ns_cli" || skip_all 'no veth here'
	ip -n "$ns_srv" addr add "10.27.$1.1/24" dev "srv$1"
	ip -n "$ns_srv" addr add "2001:db8:27:$1::1/64" dev "srv$1" nodad
	ip -n "$ns_cli" addr add "10.27.$1.2/24" dev "cli$1"
	ip -n "$ns_cli" addr add "2001:db8:27:$1::2/64" dev "cli$1" nodad
	ip -n "$ns_srv" link set "srv$1" up
	ip -n "$ns_cli" link set "cli$1" up
	ip -n "$ns_srv" route replace default via "10.27.$1.2" 2>/dev/null
	ip -n "$ns_srv" -6 route replace default via "2001:db8:27:$1::2" 2>/dev/null
	# XDP_TX in native mode needs NAPI on the peer, which GRO turns on.
	cli ethtool -K "cli$1" gro on >/dev/null 2>&1
	wait_for "ip -n $ns_srv link show srv$1 | grep -q LOWER_UP" 5
}
ip -n "$ns_srv" link set lo up
ip -n "$ns_cli" link set lo up

xdp() { srv "$builddir/bpf/llmsec-xdp" -c "$conf" --pin-dir "$pin" "$@"; }
# conf_write [YAML LINES]: on top of defaults that need no file of this machine
conf_write() { { echo 'never_ban: ""'; printf '%s\n' "$@"; } >"$conf"; }
# sysfs shows another namespace's interfaces
mac_of() { ip -n "$ns_srv" -j link show "srv$1" | jq -r '.[0].address'; }
# packets N ARGUMENTS...: N packets from cliX (default 0) to the server
packets()
{
	local n=$1 i=${veth:-0}
	shift
	cli "$builddir/tests/tools/llmsec-packets" -i "cli$i" -m "$(mac_of "$i")" -n "$n" "$@" >/dev/null
}
# count REASON: packets so far
count() { xdp --json stats | jq ".reasons[\"$1\"].packets"; }
# counted REASON FROM: since then
counted() { echo $(($(count "$1") - $2)); }
# loadable: may a program be loaded at all?  One that may and isn't is a fault.
loadable()
{
	conf_write
	xdp test --hex "$(printf '0%.0s' {1..120})" >"$tap_dir/out" 2>&1 && return
	! grep -q 'not permitted' "$tap_dir/out" || skip_all "no XDP program may be loaded here: $(tail -n 1 "$tap_dir/out")"
	bail_out "the program is not loaded: $(tail -n 1 "$tap_dir/out")"
}
