#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsec-egress-gate with a real Squid: a listed address is not reached by name either, and connections that a change
# of lists or policy revokes end.  Squid and the origin live in two network namespaces, as on two machines.
# shellcheck disable=SC2016,SC2154	# wait_for evaluates its text; variables of squid_lib.sh
set -u
: "${srcdir:?}"
if [ -z "${LLMSEC_NS:-}" ]; then
	[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || { echo '1..0 # SKIP no network namespace without root'; exit 0; }
	LLMSEC_NS=1 exec unshare -n bash "$0" "$@"
fi
gate=${builddir:?}/squid-helpers/llmsec-egress-gate
ti=$builddir/ti-sync/llmsec-ti-sync
[ -x "$gate" ] || { echo '1..0 # SKIP llmsec-egress-gate is not built'; exit 0; }
ip link set lo up
unshare -n sleep 600 >/dev/null 2>&1 &
far=$!
trap 'kill $far' EXIT
far() { nsenter -t $far -n "$@"; }
for i in {1..50}; do [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ] || break; sleep 0.1; done
{ ip link add near type veth peer name far netns $far && ip address add 93.184.216.1/24 dev near && ip link set near up &&
	far ip link set lo up && far ip link set far up && for i in 34 35 40 99; do far ip address add 93.184.216.$i/24 dev far || exit 1; done; } ||
	{ echo '1..0 # SKIP no pair of namespaces'; exit 0; }
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
tap_pids+=("$far")
for c in socat nsenter ss dnsmasq; do command -v $c >/dev/null || skip_all "no $c here"; done
[ -n "$user_line" ] || skip_all 'no user of Squid'

printf '%s\n' '93.184.216.34 good.example.com' '93.184.216.35 other.example.com' >>"$tap_dir/hosts"
spawn echo nsenter -t "$far" -n socat TCP-LISTEN:7001,fork,reuseaddr EXEC:cat
printf '#!/bin/sh\nread l\nprintf "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"\n' >"$tap_dir/answer"
chmod 755 "$tap_dir/answer"
spawn answers nsenter -t "$far" -n socat TCP-LISTEN:7002,fork,reuseaddr "EXEC:$tap_dir/answer"
wait_for 'far socat -u /dev/null TCP:93.184.216.34:7001 && far socat -u /dev/null TCP:93.184.216.34:7002' 10 || bail_out 'no origin'

mkdir "$tap_dir/lists"
lists() { { printf 'llmsec-egress-lists 1\n'; printf '%s\n' "$@"; printf 'end %d\n' $(($# + 1)); } >"$tap_dir/l.new"; chmod 644 "$tap_dir/l.new"; mv "$tap_dir/l.new" "$tap_dir/lists/lists"; }
write_policy()	# DOMAINS
{
	cat >"$tap_dir/p.new" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	lists: {path: $tap_dir/lists/lists}
	gate: $tap_dir/gate.sock
	threats: {ips: $tap_dir/sets/ips.set, required: false}
	rules: [{id: good, domains: [$1], ports: [7001, 7002], cidrs: [93.184.216.0/24]}]
	T
	chmod 644 "$tap_dir/p.new"
	mv "$tap_dir/p.new" "$tap_dir/egress.yaml"
}
write_policy 'good.example.com, other.example.com'
lists '+d nobody.example.com'
for f in squid.conf llmsec-icap.conf llmsec-accel.conf llmsec-forward.conf; do template $f; done
sed -i 's/^http_port 127.0.0.1:/http_port 0.0.0.0:/' "$tap_dir/llmsec-forward.conf"
gate_start() { spawn gate "$gate" -l "$tap_dir/lists/lists" -i "$tap_dir/sets/ips.set" -s "$tap_dir/gate.sock" -u "$squid_user" -p "$proxy_port"; gate_pid=$spawned; wait_for '[ -S "$tap_dir/gate.sock" ]' 10; }
# A name that a DNS server knows, and nothing else does.
printf '%s\n' port=53 listen-address=127.0.0.1 bind-interfaces no-resolv no-hosts log-queries "log-facility=$tap_dir/dns.log" local=/com/ \
	'host-record=named.example.com,93.184.216.99' >"$tap_dir/dns.conf"
spawn dns dnsmasq -k -C "$tap_dir/dns.conf" --user=root
wait_for '[ -s "$tap_dir/dns.log" ]' 10 || bail_out 'no DNS server'
echo 'dns_nameservers 127.0.0.1' >>"$tap_dir/squid.conf"
give_to_squid
gate_start || bail_out "no gate: $(cat "$tap_dir/gate.log")"
is "$(parse)" "" 'the configuration parses without a warning'
start_squid

# ---- a listed address
get() { code "http://$1.example.com:7002/"; }
# soon NAME COMMAND EXPECTED: awaited, and how long it took
soon()
{
	local t0
	t0=$(now_ms)
	wait_for "[ \"\$($2)\" = '$3' ]" 10
	is "$($2)" "$3" "$1"
	diag "$1: after $(($(now_ms) - t0)) ms"
}
# tunnel NAME HOST: opened, in fd ${fd[NAME]}; says something through it
declare -A fd
tunnel()
{
	local f line
	exec {f}<>"/dev/tcp/127.0.0.1/$proxy_port"
	fd[$1]=$f
	printf 'CONNECT %s:7001 HTTP/1.1\r\nHost: x\r\n\r\n' "$2" >&"$f"
	while IFS= read -r -t 10 line <&"$f" && [ "$line" != $'\r' ]; do :; done
}
alive() { local line=; printf 'hello\n' >&"${fd[$1]}" 2>/dev/null; IFS= read -r -t "${2:-10}" line <&"${fd[$1]}"; echo "$line"; }
# ended NAME: reads to the end, which must come
ended() { timeout 10 cat <&"${fd[$1]}" >/dev/null 2>&1; [ $? != 124 ] && echo yes; exec {fd[$1]}>&-; }

is "$(get good) $(get other)" '200 200' 'two hosts are reached'
tunnel z good.example.com
is "$(alive z)" hello 'a tunnel'
{
	for i in {1..1024}; do echo "cut 192.0.2.1 $i"; done
	ss -Htn state established "dport = :$proxy_port" | awk '{ n = split($3, a, ":"); print "cut 127.0.0.1 " a[n] }'
} >"$tap_dir/cuts"
socat -b 65536 -u "FILE:$tap_dir/cuts" "UNIX-SENDTO:$tap_dir/gate.sock"
is "$(ended z)" yes 'the last line of a long message cuts, too'
tunnel a good.example.com
tunnel b other.example.com
is "$(alive a) $(alive b)" 'hello hello' 'so are they in tunnels'
t0=$(now_ms)
lists '+i 93.184.216.34'
until [ -n "$(ip route show table 20127 2>/dev/null)" ] || [ $(($(now_ms) - t0)) -gt 5000 ]; do :; done
diag "in the kernel $(($(now_ms) - t0)) ms after the lists changed"
soon 'one address is listed: its name is refused' 'get good' 503
like "$(body)" 'provider_unreachable' 'with the page of an address that is not reached'
is "$(ended a)" yes 'a tunnel that was open to it ends'
is "$(get other) $(alive b)" '200 hello' 'the other host is reached as before'
like "$(raw 'GET http://93.184.216.34:7002/' x)" '"code":"listed"' 'the literal is refused by the helper'
check 'others than Squid reach it' socat -u /dev/null TCP:93.184.216.34:7002
lists '+i 93.184.216.0/26' '+i 2001:db8::/32'
soon 'a network: its neighbour is refused, too' 'get other' 503
is "$(ended b)" yes 'and its tunnel ends'
is "$(far curl -s -o /dev/null -w '%{http_code}' --max-time 10 -x "http://93.184.216.1:$proxy_port" http://denied.example.com/)" 403 \
	'a client inside a listed network gets its answers'
is "$(ip route show table 20127 | wc -l) $(ip -6 route show table 20127 | grep -c 2001:db8::/32)" '1 1' 'the kernel has what the lists have'
ip rule del priority 51 && ip -6 rule del priority 51 && ip route flush table 20127
in_kernel() { echo $({ ip rule show priority 51; ip -6 rule show priority 51; ip route show table 20127; } 2>/dev/null | grep -Eo 'lookup|prohibit'); }
soon 'rules and routes that others flush come back' in_kernel 'lookup lookup prohibit'
soon 'the listed address is refused again' 'get other' 503
echo broken >"$tap_dir/lists/lists"
wait_for 'grep -q "what is in force stays" "$tap_dir/gate.log"' 10
is "$(get good)" 503 'a broken list changes nothing'
stop "$gate_pid" KILL
rm "$tap_dir/gate.sock"
is "$(get good)" 503 'without the gate what was refused stays refused'
lists "+i 93.184.216.34 $(($(date +%s) + 3))"
gate_start
soon 'started again it takes up what changed meanwhile' 'get other' 200
soon 'an entry that ends is no more' 'get good' 200

# ---- a listed name, another policy
tunnel c good.example.com
tunnel d other.example.com
is "$(alive c) $(alive d)" 'hello hello' 'two tunnels'
lists '+d good.example.com'
is "$(ended c)" yes 'a name is listed: its tunnel ends'
is "$(alive d)" hello 'no other does'
write_policy good.example.com
is "$(ended d)" yes 'a rule without the name: its tunnel ends'
lists '+d nobody.example.com'
tunnel e good.example.com
is "$(alive e)" hello 'another tunnel'
stop "$gate_pid" KILL
rm "$tap_dir/gate.sock"
lists '+d good.example.com'
wait_for 'grep -q "are revoked and go on" "$tap_dir/log/squid-cache.log"' 10
like "$(cat "$tap_dir/log/squid-cache.log")" 'revoked and go on' 'without the gate the helper says what it could not cut'
gate_start
is "$(ended e)" yes 'and cuts it when the gate is back'

# ---- what llmsec-ti-sync lists
lists '+d nobody.example.com'
write_policy 'good.example.com, named.example.com'
cat >"$tap_dir/ti.yaml" <<-T
state_dir: $tap_dir/ti
sets_dir: $tap_dir/sets
catalogue: ""
feeds: [{name: sample, file: $tap_dir/feed.txt, category: malware, confidence: 90, expiry: 0s, max_loss: 100}]
T
# feed LINE...: a run of llmsec-ti-sync, whose sets Squid's user may read
feed() { printf '%s\n' "$@" >"$tap_dir/feed.txt"; "$ti" -q -c "$tap_dir/ti.yaml" >"$tap_dir/ti.log" 2>&1; }
if [ -x "$ti" ]; then
	soon 'a name that DNS knows is reached' 'get named' 200
	tunnel n named.example.com
	tunnel g good.example.com
	is "$(alive n) $(alive g)" 'hello hello' 'two tunnels'
	check 'ti-sync lists an address' feed 93.184.216.99
	soon 'the name that leads to it is refused' 'get named' 503
	like "$(body)" 'provider_unreachable' 'by the kernel'
	like "$(cat "$tap_dir/dns.log")" 'query\[A\] named\.example\.com' 'after DNS was asked'
	is "$(ended n) $(alive g)" 'yes hello' 'its tunnel ends, no other does'
	literal() { raw "GET http://$1:7002/" x | grep -o '"code":"[a-z_]*"'; }
	soon 'the literal is refused by the helper' 'literal 93.184.216.99' '"code":"threat"'
	is "$(literal 0x5db8d863) $(literal '[::ffff:93.184.216.99]')" '"code":"threat" "code":"threat"' 'in other spellings, too'
	check 'others than Squid reach it' socat -u /dev/null TCP:93.184.216.99:7002
	echo broken >"$tap_dir/sets/ips.new"
	mv "$tap_dir/sets/ips.new" "$tap_dir/sets/ips.set"
	wait_for 'grep -q "ips.set.*what is in force stays" "$tap_dir/gate.log" && grep -q "ips.set.*previous set stays" "$tap_dir/log/squid-cache.log"' 10
	is "$(get named) $(literal 93.184.216.99)" '503 "code":"threat"' 'a broken set changes nothing'
	like "$(cat "$tap_dir/gate.log")" 'ips.set: .*what is in force stays' 'the gate says so'
	like "$(cat "$tap_dir/log/squid-cache.log")" 'threats: .*ips.set.*the previous set stays in force' 'so does the helper'
	like "$(cat "$tap_dir"/spool/*)" 'egress.threats_rejected' 'in an event, too'
	check 'another without it' feed 93.184.216.98
	soon 'it is reached again' 'get named' 200
	soon 'and as an address' 'literal 93.184.216.99' ''
	is "$(ip route show table 20127 | grep -o '93[0-9.]*')" 93.184.216.98 'the kernel has what the set has'
else
	skip 'what llmsec-ti-sync lists' 'it is not built'
fi
stop_squid
stop "$gate_pid" TERM
is $? 0 'SIGTERM'
done_testing
