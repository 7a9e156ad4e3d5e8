#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One run of llmsec-ti-sync, and everybody knows: a name added to a feed is refused by a Squid that runs, an address of it
# counts against its requests in a llmsec-spoad that runs, and its packets are dropped by the XDP program.  The next run,
# without them, takes all of it back.  Nothing is restarted or told to reload.
# shellcheck disable=SC2154	# variables of the libraries
# shellcheck source=tests/xdp/lib.sh
. "${srcdir:?}/tests/xdp/lib.sh"
ti=${builddir:?}/ti-sync/llmsec-ti-sync spoad=$builddir/haproxy-spoa/llmsec-spoad spop=$builddir/tests/tools/llmsec-spop
for p in "$ti" "$spoad" "$spop"; do [ -x "$p" ] || skip_all "$p is not built"; done
loadable
# The library of Squid's tests makes a folder of its own.
xdp_dir=$tap_dir
trap 'rm -rf "$xdp_dir"; xdp_cleanup' EXIT
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
trap 'xdp_cleanup; rm -rf "$xdp_dir"' EXIT
sets=$tap_dir/sets
mkdir -p "$sets" "$tap_dir/spoad"

# ---- the feed: nothing of interest yet
printf 'nobody-asks-for.com\n8.8.4.0/24\n' >"$tap_dir/feed.txt"
cat >"$tap_dir/changed" <<T
#!/bin/sh
exec nsenter --net=/run/netns/$ns_srv $builddir/bpf/llmsec-xdp -c $conf --pin-dir $pin import $sets/ips.set
T
chmod 755 "$tap_dir/changed"
cat >"$tap_dir/ti.yaml" <<T
state_dir: $tap_dir/state
sets_dir: $sets
catalogue: ""
on_change: [$tap_dir/changed]
feeds:
  - {name: ours, file: $tap_dir/feed.txt, category: malware, confidence: 90, expiry: 0s, max_loss: 100}
T

# ---- XDP, in a network namespace
veth_up 0
conf_write
check 'the filter is attached' xdp attach srv0
check 'a first run' "$ti" -q -c "$tap_dir/ti.yaml"
chmod -R a+rX "$sets"

# ---- Squid
printf '127.0.0.1 bad-now.com www.bad-now.com always-fine.com\n' >>"$tap_dir/hosts"
policy '.bad-now.com, always-fine.com'
printf 'threats:\n  domains: %s\n' "$sets/domains.set" >>"$tap_dir/egress.yaml"
for t in squid.conf llmsec-forward.conf llmsec-accel.conf llmsec-icap.conf; do template $t; done
start_squid

# ---- spoad
openssl rand -hex 32 | sed 's/^/k1 /' >"$tap_dir/spoad/edge.keys"
chmod 600 "$tap_dir/spoad/edge.keys"
cat >"$tap_dir/spoad/spoad.yaml" <<T
listen: ["unix:spoad.sock"]
run_dir: $tap_dir/spoad
workers: 1
edge_keys: $tap_dir/spoad/edge.keys
counters_dir: ""
events: {socket: "", spool_dir: ""}
never_ban: ""
behaviour: {state_file: "", orders: ""}
bot: {resolver: {threads: 0}, ti_sets: [$sets/ips.set]}
T
chown -R 0:0 "$tap_dir/spoad"
spawn spoad "$spoad" -f -c "$tap_dir/spoad/spoad.yaml"
spoad_pid=$spawned
wait_for "$spop health -s unix:$tap_dir/spoad/spoad.sock" 10 || bail_out "no spoad: $(tail -n 3 "$tap_dir/spoad.log")"
threat()	# ADDRESS: what spoad thinks of a request from it
{
	"$spop" request -s "unix:$tap_dir/spoad/spoad.sock" -a "$1" | sed -n 's/^threat_score=//p'
}
dropped()	# ADDRESS: how many of 50 packets of it are
{
	local a
	a=$(count ban)
	packets 50 -s "$1" -d 10.27.0.1
	counted ban "$a"
}

# ---- before
wait_for "[ \$(code http://www.bad-now.com:$port/) = 200 ]" 10
is "$(code "http://www.bad-now.com:$port/")" 200 'Squid lets the name pass'
before=$(threat 9.9.9.9)
like "$before" '^[0-9]+$' 'spoad judges a request'
is "$(dropped 9.9.9.9)" 0 'the kernel lets its packets pass'

# ---- one run
printf 'bad-now.com\n9.9.9.9\n' >>"$tap_dir/feed.txt"
check 'one run, with a name and an address more' "$ti" -q -c "$tap_dir/ti.yaml"
begun=$(now_ms)
wait_for "[ \$(threat 9.9.9.9) -ge $((before + 50)) ]" 10
at_least "$(threat 9.9.9.9)" $((before + 50)) 'spoad counts the address against its requests'
diag "spoad: $(($(now_ms) - begun)) ms after the run"
is "$(threat 9.9.9.8)" "$before" 'and not its neighbour'
wait_for "[ \$(code http://www.bad-now.com:$port/) = 403 ]" 10
is "$(code "http://www.bad-now.com:$port/")" 403 'Squid refuses the name'
diag "Squid: $(($(now_ms) - begun)) ms after the run"
like "$(body)" 'threat' 'and says why'
is "$(code "http://always-fine.com:$port/")" 200 'and not another'
is "$(dropped 9.9.9.9)" 50 'the kernel drops its packets'
is "$(dropped 9.9.9.8)" 0 'and not its neighbour'"'s"

# ---- and back
sed -i -e '/bad-now/d' -e '/9.9.9.9/d' "$tap_dir/feed.txt"
check 'a run without them' "$ti" -q -c "$tap_dir/ti.yaml"
wait_for "[ \$(code http://www.bad-now.com:$port/) = 200 ] && [ \$(threat 9.9.9.9) = $before ]" 15
is "$(code "http://www.bad-now.com:$port/") $(threat 9.9.9.9) $(dropped 9.9.9.9)" "200 $before 0" 'all three let them pass again'
check 'nobody was restarted' kill -0 "$squid_pid" "$spoad_pid"
is "$(grep -ci reconfig "$tap_dir/log/squid-cache.log")" 0 'nor told to reload'
done_testing
