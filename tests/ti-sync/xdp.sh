#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An address added to a feed is dropped in the kernel after one run, nothing restarted: on_change imports ips.set.
# shellcheck disable=SC2016,SC2154
. "${srcdir:?}/tests/xdp/lib.sh"
ti=$builddir/ti-sync/llmsec-ti-sync
[ -x "$ti" ] || skip_all 'llmsec-ti-sync is not built'
loadable
veth_up 0
conf_write
check 'the filter is attached' xdp attach srv0
printf '8.8.4.0/24\n' >"$tap_dir/feed.txt"
cat >"$tap_dir/changed" <<T
#!/bin/sh
exec nsenter --net=/run/netns/$ns_srv $builddir/bpf/llmsec-xdp -c $conf --pin-dir $pin import $tap_dir/sets/ips.set
T
chmod 755 "$tap_dir/changed"
cat >"$tap_dir/ti.yaml" <<T
state_dir: $tap_dir/state
sets_dir: $tap_dir/sets
catalogue: ""
allow: [8.8.4.4]
on_change: [$tap_dir/changed]
feeds:
  - {name: ours, file: $tap_dir/feed.txt, category: attacks, expiry: 0s, max_loss: 100}
T
check 'first run' "$ti" -c "$tap_dir/ti.yaml"
a=$(count ban)
packets 100 -s 8.8.4.77 -d 10.27.0.1
check 'a listed network is dropped' wait_for "[ \$(counted ban $a) = 100 ]" 10
p=$(count unprotected)
packets 100 -s 8.8.4.4 -d 10.27.0.1
packets 100 -s 9.9.9.9 -d 10.27.0.1
check 'an exception in it passes, and who is not listed' wait_for "[ \$(counted unprotected $p) -ge 200 ]" 10
is "$(counted ban "$a")" 100 'and neither is counted as banned'
printf '9.9.9.9\n2a00:1450:4001::/48\n' >>"$tap_dir/feed.txt"
check 'a run with one address more' "$ti" -c "$tap_dir/ti.yaml"
a=$(count ban)
packets 100 -s 9.9.9.9 -d 10.27.0.1
packets 100 -s 2a00:1450:4001::7 -d 2001:db8:27:0::1
check 'now it is dropped, IPv6 too' wait_for "[ \$(counted ban $a) = 200 ]" 10
sed -i '/9.9.9.9/d' "$tap_dir/feed.txt"
check 'a run without it' "$ti" -c "$tap_dir/ti.yaml"
p=$(count unprotected)
packets 100 -s 9.9.9.9 -d 10.27.0.1
check 'and it passes again' wait_for "[ \$(counted unprotected $p) -ge 100 ]" 10
done_testing
