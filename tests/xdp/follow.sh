#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A ban posted to llmsecd shows in the kernel; one that ends, is lifted or was missed meanwhile, too.
. "${srcdir:?}/tests/xdp/lib.sh"
[ -x "$builddir/control/llmsecd" ] || skip_all 'llmsecd is not built'
for t in curl jq; do command -v $t >/dev/null || skip_all "$t is not installed"; done
loadable
veth_up 0
port=$(free_port) || bail_out 'no free port'
mkdir -p "$tap_dir/spool" "$tap_dir/db" "$tap_dir/counters"
echo 0123456789abcdef0123456789abcdef >"$tap_dir/token"
printf '127.0.0.9\n198.18.0.0/24\n' >"$tap_dir/never.lst"
cat >"$tap_dir/llmsecd.yaml" <<-T
	run_dir: $tap_dir
	counters_dir: $tap_dir/counters
	events: {socket: $tap_dir/events.sock, spool_dir: $tap_dir/spool}
	database: {path: $tap_dir/db/events.db}
	http: {listen: "127.0.0.1:$port", token_file: $tap_dir/token}
	bans: {never_ban: $tap_dir/never.lst, haproxy_socket: "", socket: $tap_dir/bans.sock}
	T
cat >"$conf" <<-T
	never_ban: $tap_dir/never.lst
	allow: [198.18.5.0/24]
	follow: {socket: $tap_dir/bans.sock, spool_dir: $tap_dir/spool, events_socket: $tap_dir/events.sock}
	T
llmsecd_start()
{
	spawn llmsecd "$builddir/control/llmsecd" -c "$tap_dir/llmsecd.yaml"
	llmsecd=$spawned
}
llmsecd_up()
{
	wait_for '[ "$(curl -s -o /dev/null -w "%{http_code}" "http://127.0.0.1:$port/healthz")" != 000 ]' 20
}
post() { curl -s -o "$tap_dir/answer" -w '%{http_code}' -H "Authorization: Bearer $(cat "$tap_dir/token")" "$@" "http://127.0.0.1:$port/_cluster/blacklist"; }
banned() { xdp list --origin cluster "$@" >/dev/null; }

llmsecd_start
check 'llmsecd starts' llmsecd_up
xdp attach srv0 >/dev/null
spawn follow "$builddir/bpf/llmsec-xdp" -c "$conf" --pin-dir "$pin" follow
follow=$spawned
check 'follow connects' wait_for 'grep -q connected "$tap_dir/follow.log"' 10

t0=$(now_ms)
is "$(post -d '{"ip":"203.0.113.7","ttl_s":3600,"reason":"test"}')" 200 'POST /_cluster/blacklist'
check 'the kernel has it' wait_for 'banned 203.0.113.7' 5
diag "$(($(now_ms) - t0)) ms from the POST, its processes and polling included"
a=$(count ban)
packets 1000 -s 203.0.113.7 -d 10.27.0.1
check 'and drops' wait_for "[ \$(counted ban $a) = 1000 ]" 10

post -d '{"ip":"203.0.113.8","ttl_s":2,"reason":"short"}' >/dev/null
check 'a ban of two seconds' wait_for 'banned 203.0.113.8' 5
t0=$(now_ms)
check 'ends' wait_for '! banned 203.0.113.8' 5
diag "$(($(now_ms) - t0)) ms later"
entries() { xdp --json status | jq '.bans.ipv4'; }
check 'and its entry is taken out' wait_for '[ "$(entries)" = 1 ]' 5

# --- the allow list beats llmsecd
post -d '{"ip":"198.18.5.1","ttl_s":3600,"reason":"allowed here only"}' >/dev/null
check 'what is on the allow list is not banned, and the log says so' wait_for 'grep -q "198.18.5.1, which is not done" "$tap_dir/follow.log"' 5
check 'the kernel does not have it' eval '! banned 198.18.5.1'

# --- an operator's ban is not llmsecd's to lift
xdp ban 203.0.113.7
is "$(post -X DELETE -d '{"ip":"203.0.113.7"}')" 200 'DELETE'
check 'lifts the cluster ban' wait_for '! banned 203.0.113.7' 5
check 'and leaves the manual one' xdp list --origin manual 203.0.113.7

# --- llmsecd away: bans stay; what changed meanwhile is told when it is back
post -d '{"ip":"203.0.113.10","ttl_s":3600,"reason":"x"}' >/dev/null
check 'one more' wait_for 'banned 203.0.113.10' 5
kill -9 "$llmsecd" && wait "$llmsecd" 2>/dev/null
check 'llmsecd is killed: follow notices' wait_for 'grep -q "bans stay until they expire" "$tap_dir/follow.log"' 10
check 'the ban stays' banned 203.0.113.10
xdp unban 203.0.113.10 --origin cluster
xdp ban 203.0.113.11 >/dev/null
llmsecd_start
check 'llmsecd is back' llmsecd_up
check 'what it has is in the kernel again' wait_for 'banned 203.0.113.10' 15

# --- follow away: the same
kill "$follow" && wait "$follow" 2>/dev/null
post -X DELETE -d '{"ip":"203.0.113.10"}' >/dev/null
post -d '{"ip":"203.0.113.12","ttl_s":3600,"reason":"x"}' >/dev/null
spawn follow2 "$builddir/bpf/llmsec-xdp" -c "$conf" --pin-dir "$pin" follow
check 'follow comes back: what was lifted is gone' wait_for '! banned 203.0.113.10' 10
check 'what was added is there' wait_for 'banned 203.0.113.12' 5
check 'manual bans are untouched' xdp list --origin manual 203.0.113.11

# --- samples of drops are events
packets 20 -s 203.0.113.12 -d 10.27.0.1
events() { curl -s -H "Authorization: Bearer $(cat "$tap_dir/token")" "http://127.0.0.1:$port/api/events?event=kernel.drop" | grep -c 203.0.113.12; }
check 'a sample of the drops is an event' wait_for '[ "$(events)" -ge 1 ]' 10
done_testing
