#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A name added to a feed is refused by a Squid that runs, one that left comes back, and nobody was restarted.
. "${srcdir:?}/tests/helper/squid_lib.sh"
ti=${builddir:?}/ti-sync/llmsec-ti-sync
[ -x "$ti" ] || skip_all 'llmsec-ti-sync is not built'

printf '127.0.0.1 bad-now.com www.bad-now.com always-fine.com\n' >>"$tap_dir/hosts"
mkdir -p "$tap_dir/sets"
echo 'nobody-asks-for.com' >"$tap_dir/feed.txt"
cat >"$tap_dir/ti.yaml" <<T
state_dir: $tap_dir/state
sets_dir: $tap_dir/sets
catalogue: ""
feeds:
  - {name: ours, file: $tap_dir/feed.txt, category: malware, confidence: 90, expiry: 0s, max_loss: 100}
T
policy ".bad-now.com, always-fine.com"
printf 'threats:\n  domains: %s\n' "$tap_dir/sets/domains.set" >>"$tap_dir/egress.yaml"
template squid.conf
template llmsec-forward.conf
template llmsec-accel.conf
template llmsec-icap.conf

start_squid

is "$(code "http://always-fine.com:$port/")" 403 'without a set that it could read, the helper refuses'
check 'first run' "$ti" -q -c "$tap_dir/ti.yaml"
chmod -R a+rX "$tap_dir/sets"
begun=$(now_ms)
wait_for "[ \$(code http://always-fine.com:$port/) = 200 ]" 10
is "$(code "http://always-fine.com:$port/")" 200 'the set is there: what a rule allows passes'
diag "after $(($(now_ms) - begun)) ms"
is "$(code "http://www.bad-now.com:$port/")" 200 'a name that no feed lists passes'

echo 'bad-now.com' >>"$tap_dir/feed.txt"
check 'a run with the name' "$ti" -q -c "$tap_dir/ti.yaml"
begun=$(now_ms)
wait_for "[ \$(code http://www.bad-now.com:$port/) = 403 ]" 10
is "$(code "http://www.bad-now.com:$port/")" 403 'now it is refused, by its parent'
diag "after $(($(now_ms) - begun)) ms"
like "$(body)" 'threat' 'and the answer says why'
is "$(code "http://always-fine.com:$port/")" 200 'the other still passes'

printf garbage >"$tap_dir/sets/domains.set.bad"
mv "$tap_dir/sets/domains.set.bad" "$tap_dir/sets/domains.set"
wait_for "grep -q 'previous set stays' '$tap_dir/log/squid-cache.log'" 10
is "$(code "http://www.bad-now.com:$port/")" 403 'a broken set leaves the one before in force'

sed -i '/bad-now/d' "$tap_dir/feed.txt"
check 'a run without the name' "$ti" -q -c "$tap_dir/ti.yaml"
wait_for "[ \$(code http://www.bad-now.com:$port/) = 200 ]" 10
is "$(code "http://www.bad-now.com:$port/")" 200 'and it passes again'
check 'Squid was never restarted' kill -0 "$squid_pid"
done_testing
