#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Bans on real interfaces, native and generic: exact counts, expiry, allow, dry-run, replacement under traffic, kill -9.
. "${srcdir:?}/tests/xdp/lib.sh"
loadable
veth_up 0
veth_up 1
run() { out=$("$@" 2>&1); rc=$?; }
conf_write

run xdp status
is "$rc" 3 'status without a filter has its own exit code'
run xdp attach nonesuch0
is "$rc" 1 'an interface that is not there'
like "$out" 'nonesuch0: error: no such interface' 'and what it says'
xdp detach --all >/dev/null

for mode in native generic; do
	run xdp attach srv0 srv1 --mode $mode
	is "$rc" 0 "$mode: attached to two interfaces"
	like "$out" "srv1: attached, $mode mode" "$mode: and says so"

	# --- exact counts
	a=$(count ban)
	run xdp ban 203.0.113.7 198.51.100.0/24 2001:db8:bad::/48
	is "$rc" 0 "$mode: ban an address and networks"
	packets 5000 -s 203.0.113.7 -d 10.27.0.1
	packets 3000 -s 198.51.100.77 -d 10.27.0.1 -p syn
	packets 2000 -s 2001:db8:bad:1::7 -d 2001:db8:27:0::1
	veth=1 packets 1000 -s 203.0.113.7 -d 10.27.1.1 -p icmp
	check "$mode: all of 11000 packets" wait_for "[ \$(counted ban $a) -ge 11000 ]" 10
	is "$(counted ban "$a")" 11000 "$mode: and not one more"
	p=$(count unprotected)
	packets 2000 -s 203.0.113.8 -d 10.27.0.1
	check "$mode: the neighbour passes" wait_for "[ \$(counted unprotected $p) -ge 2000 ]" 10
	is "$(counted ban "$a")" 11000 "$mode: and isn't counted as banned"
	like "$(xdp list 203.0.113.7)" '^203.0.113.7 +manual +for ever +6000 hits' "$mode: list has the hits"

	# --- allow beats ban
	run xdp allow add 198.51.100.77
	a=$(count ban) w=$(count allow)
	packets 500 -s 198.51.100.77 -d 10.27.0.1
	packets 500 -s 198.51.100.78 -d 10.27.0.1
	check "$mode: allow beats the ban of its network" wait_for "[ \$(counted allow $w) = 500 ] && [ \$(counted ban $a) = 500 ]" 10
	run xdp ban 198.51.100.77
	is "$rc" 1 "$mode: who is on the allow list is not banned"
	xdp allow del 198.51.100.77

	# --- unban, ports
	run xdp unban 203.0.113.7
	a=$(count ban) p=$(count unprotected)
	packets 500 -s 203.0.113.7 -d 10.27.0.1
	check "$mode: unban" wait_for "[ \$(counted unprotected $p) -ge 500 ]" 10
	is "$(counted ban "$a")" 0 "$mode: no drop after it"
	xdp ban 203.0.113.7 --port 443 --proto udp
	a=$(count ban-port) p=$(count unprotected)
	packets 300 -s 203.0.113.7 -d 10.27.0.1 -P 443
	packets 200 -s 203.0.113.7 -d 10.27.0.1 -P 444
	packets 100 -s 203.0.113.7 -d 10.27.0.1 -P 443 -p syn
	check "$mode: a ban from one UDP port" wait_for "[ \$(counted ban-port $a) = 300 ] && [ \$(counted unprotected $p) -ge 300 ]" 10

	# --- a longer ban that has expired doesn't hide a shorter one that counts
	xdp ban 198.51.100.9 --ttl 1
	check "$mode: the /32 expires" wait_for '! xdp list 198.51.100.9' 5
	a=$(count ban)
	packets 100 -s 198.51.100.9 -d 10.27.0.1
	check "$mode: its /24 still bans" wait_for "[ \$(counted ban $a) = 100 ]" 10

	# --- dry-run
	xdp dry-run on >/dev/null
	a=$(count ban) rx=$(srv cat /proc/net/snmp | awk '/^Udp:/ && $2 ~ /[0-9]/ {print $2 + $3}')
	packets 400 -s 198.51.100.9 -d 10.27.0.1
	check "$mode: dry-run counts" wait_for "[ \$(counted ban $a) = 400 ]" 10
	check "$mode: and passes" wait_for "[ \$(srv cat /proc/net/snmp | awk '/^Udp:/ && \$2 ~ /[0-9]/ {print \$2 + \$3}') -ge $((rx + 400)) ]" 10
	xdp dry-run off >/dev/null

	# --- panic, lockdown
	xdp panic on >/dev/null
	a=$(count panic)
	packets 100 -s 198.51.100.9 -d 10.27.0.1
	check "$mode: panic passes everything" wait_for "[ \$(counted panic $a) -ge 100 ]" 10
	xdp panic off >/dev/null
	xdp lockdown on >/dev/null
	a=$(count lockdown)
	packets 100 -s 203.0.113.99 -d 10.27.0.1
	check "$mode: lockdown drops who isn't allowed" wait_for "[ \$(counted lockdown $a) -ge 100 ]" 10
	xdp lockdown off >/dev/null

	# --- the program is replaced under traffic: nothing leaks
	a=$(count ban)
	packets 60000 -s 198.51.100.9 -d 10.27.0.1 -r 20000 &
	sender=$!
	for _ in 1 2 3 4 5; do xdp attach srv0 srv1 --mode $mode >"$tap_dir/out" 2>&1; done
	like "$(cat "$tap_dir/out")" "srv0: replaced, $mode mode" "$mode: attach again replaces the program"
	wait $sender
	check "$mode: all of 60000 packets were dropped across five replacements" wait_for "[ \$(counted ban $a) -ge 60000 ]" 15
	is "$(counted ban "$a")" 60000 "$mode: exactly"
	check "$mode: the bans are all there" xdp list 198.51.100.0/24

	run xdp detach srv1
	is "$rc" 0 "$mode: detach one"
	run xdp detach srv1
	is "$rc" 1 "$mode: twice is an error"
	run xdp detach --all
	is "$rc" 0 "$mode: detach all"
	is "$(srv ip link show srv0 | grep -c xdp)" 0 "$mode: nothing is left on the interface"
	[ ! -e "$pin" ]
	is $? 0 "$mode: nor in the bpf file system"
done

# --- expiry to the second
xdp attach srv0 >/dev/null
xdp ban 192.0.2.1 --ttl 2
t0=$(date +%s%N) a=$(count ban)
packets 10 -s 192.0.2.1 -d 10.27.0.1
check 'a ban of two seconds' wait_for "[ \$(counted ban $a) = 10 ]" 1
gone() { local b p; b=$(count unprotected); packets 1 -s 192.0.2.1 -d 10.27.0.1; [ "$(count unprotected)" -gt "$b" ]; }
check 'ends in the kernel, with nobody to take it out' wait_for gone 5
ms=$((($(date +%s%N) - t0) / 1000000))
diag "after $ms ms"
[ "$ms" -ge 1900 ] && [ "$ms" -le 3500 ]
is $? 0 'to the second'
is "$(xdp list | grep -c 192.0.2.1)" 0 'list is about bans in force'
like "$(xdp expire)" '^1 expired' 'expire takes it out of the table'

# --- the loader killed while it stays: follow has no part in the filter
spawn follow nsenter --net="/run/netns/$ns_srv" "$builddir/bpf/llmsec-xdp" -c "$conf" --pin-dir "$pin" follow
xdp ban 192.0.2.2
kill -9 "$spawned" && wait "$spawned" 2>/dev/null
a=$(count ban)
packets 1000 -s 192.0.2.2 -d 10.27.0.1
check 'after kill -9 of what was running the filter is on' wait_for "[ \$(counted ban $a) = 1000 ]" 10

# --- a full table says so and pushes nobody out
xdp detach --all >/dev/null
conf_write 'max_bans4: 1024'
xdp attach srv0 >/dev/null
run xdp ban $(for i in $(seq 0 1023); do echo "100.64.$((i / 256)).$((i % 256))"; done)
is "$rc" 0 '1024 bans fill the table'
run xdp ban 192.0.2.3
is "$rc" 1 'the next is refused'
like "$out" 'the table is full .max_bans4' 'and says why'
like "$(xdp status)" 'a ban table is full' 'status says so, too'
check 'the first one is still there' xdp list 100.64.0.0
like "$(xdp flush)" '^1024 bans lifted' 'flush'
printf '%s\n' '# a feed' '192.0.2.0/25' '2001:db8::/32 ; comment' 'nonsense' '192.0.2.7,more,columns' >"$tap_dir/feed"
run xdp import "$tap_dir/feed"
like "$out" '3 networks: 3 new, 0 gone; 0 on the allow list, 1 lines skipped' 'import'
like "$out" 'feed:4: warning: "nonsense"' 'says which line it skipped'
printf '192.0.2.0/25\n198.51.100.1\n' >"$tap_dir/feed"
like "$(xdp import "$tap_dir/feed")" '2 networks: 1 new, 2 gone' 'a new list takes the place of the old'
seq 1 2000 | awk '{ printf "100.65.%d.%d\n", $1 / 256, $1 % 256 }' >"$tap_dir/feed"
run xdp import "$tap_dir/feed"
is "$rc" 1 'a list that does not fit is refused whole'
check 'and the old one stays' xdp list 198.51.100.1
conf_write 'max_bans4: 2048'
run xdp attach srv0
like "$out" 'max_bans4: 2048 is not in force: the table in use has room for 1024' 'another size does not take the bans away, and says so'
check 'the bans are still there' xdp list 198.51.100.1
done_testing
