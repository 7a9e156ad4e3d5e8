#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SYN and UDP floods from random sources, and what a client of a real HAProxy notices of them: nothing.
. "${srcdir:?}/tests/xdp/lib.sh"
haproxy=${HAPROXY_PROGRAM:-$(command -v haproxy)}
[ -x "$haproxy" ] || skip_all 'haproxy is not installed'
for t in curl socat jq; do command -v $t >/dev/null || skip_all "$t is not installed"; done
loadable
veth_up 0
cat >"$tap_dir/haproxy.cfg" <<-T
	global
	    maxconn 2000
	defaults
	    mode http
	    timeout connect 5s
	    timeout client 60s
	    timeout server 60s
	frontend f
	    bind 10.27.0.1:443
	    bind [2001:db8:27:0::1]:443
	    http-request return status 200 content-type text/plain string ok
	T
spawn haproxy nsenter --net="/run/netns/$ns_srv" "$haproxy" -db -f "$tap_dir/haproxy.cfg"
get() { cli curl -s -m 20 -o /dev/null -w '%{http_code}\n' "$@"; }
check 'HAProxy answers before any filter' wait_for '[ "$(get http://10.27.0.1:443/)" = 200 ]' 15

# flood_start ARGUMENTS: until flood_end, at most a minute's worth
flood_start()
{
	# Not cli: the process id must be the sender's.
	nsenter --net="/run/netns/$ns_cli" "$builddir/tests/tools/llmsec-packets" -i cli0 -m "$(mac_of 0)" -n 1200000 -r 20000 "$@" >/dev/null &
	flood=$!
	tap_pids+=("$flood")
}
flood_end() { kill "$flood" 2>/dev/null; wait "$flood" 2>/dev/null; }
# transfers N URL: how many of N new connections got 200
transfers() { for _ in $(seq "$1"); do get "$2"; done | grep -c 200; }

limits='protect: {tcp: [443], udp: [443], quic: [443]}
source: {syn: 2000}
budget: {syn: 200, udp: 200, quic: 200, ack: 200, new_sources: 200, syn_retries: 500}'
for how in cookies retries; do
	if [ $how = cookies ]; then
		srv sysctl -qw net.ipv4.tcp_syncookies=2
		conf_write "$limits"
	else
		conf_write "$limits" 'syn_cookies: off'
	fi
	xdp attach srv0 >"$tap_dir/out" 2>&1
	cat "$tap_dir/out" | sed 's/^/# /'
	if [ $how = cookies ] && [ "$(xdp --json status | jq -r .syn_cookies)" != on ]; then
		skip "$how" 'this kernel has no raw SYN cookie helpers'
		xdp detach --all >/dev/null
		continue
	fi
	reason=$([ $how = cookies ] && echo cookie-sent || echo budget-syn)
	flood_start -d 10.27.0.1 -p syn
	check "$how: the flood is over the budget" wait_for "[ \$(count $reason) -ge 2000 ]" 20
	t0=$(now_ms)
	is "$(transfers 200 http://10.27.0.1:443/)" 200 "$how: 200 of 200 transfers during a SYN flood"
	diag "in $(($(now_ms) - t0)) ms; $(count $reason) SYNs over the budget"
	# A new source, never seen before, in the middle of it
	ip -n "$ns_cli" addr add 10.27.0.77/24 dev cli0 2>/dev/null
	is "$(get --interface 10.27.0.77 http://10.27.0.1:443/)" 200 "$how: a client that was never here before gets in"
	flood_end
	ip -n "$ns_cli" addr del 10.27.0.77/24 dev cli0 2>/dev/null
	flood_start -d 2001:db8:27:0::1 -p syn
	check "$how: IPv6 flood" wait_for "[ \$(xdp --json stats | jq '.reasons[\"$reason\"].protocols.tcp6.packets // 0') -ge 2000 ]" 20
	is "$(transfers 50 'http://[2001:db8:27:0::1]:443/')" 50 "$how: 50 of 50 IPv6 transfers during it"
	flood_end

	# --- ACKs without a connection; one connection that is open all the time
	mkfifo "$tap_dir/in.$how"
	nsenter --net="/run/netns/$ns_cli" socat - TCP:10.27.0.1:443 <"$tap_dir/in.$how" >"$tap_dir/slow.$how" &
	slow=$!
	tap_pids+=("$slow")
	exec 9>"$tap_dir/in.$how"
	printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&9
	check "$how: a connection stays open" wait_for "[ \$(grep -c '200 OK' '$tap_dir/slow.$how') = 1 ]" 10
	flood_start -d 10.27.0.1 -p ack
	check "$how: ACKs without a connection are over their budget" wait_for '[ $(count budget-ack) -ge 2000 ]' 20
	for n in 2 3 4 5; do
		printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&9
		wait_for "[ \$(grep -c '200 OK' '$tap_dir/slow.$how') = $n ]" 10
	done
	is "$(grep -c '200 OK' "$tap_dir/slow.$how")" 5 "$how: the established connection is not hurt"
	is "$(transfers 50 http://10.27.0.1:443/)" 50 "$how: nor are 50 new ones"
	flood_end
	exec 9>&-
	wait "$slow" 2>/dev/null

	xdp detach --all >/dev/null
done

# --- UDP: junk to the HTTP/3 port, and a client that begins a QUIC connection
conf_write "$limits"
xdp attach srv0 >/dev/null 2>&1
spawn sink nsenter --net="/run/netns/$ns_srv" socat -u UDP4-RECV:443,bind=10.27.0.1,range=10.27.0.2/32 "OPEN:$tap_dir/got,creat,append"
check 'a UDP server is up' wait_for "srv ss -Hlun | grep -q ':443 '" 10
flood_start -d 10.27.0.1 -p udp
check 'the UDP flood is over the budget' wait_for '[ $(count budget-udp) -ge 2000 ]' 20
packets 200 -s 10.27.0.2 -d 10.27.0.1 -p initial -r 80
check 'a client begins 200 QUIC connections during it, and each first packet arrives' \
	wait_for "[ \$(stat -c %s '$tap_dir/got') = 240000 ]" 15
packets 500 -s 10.27.0.2 -d 10.27.0.1 -p udp -l 100 -r 2000
check 'its 500 further packets arrive, too' wait_for "[ \$(stat -c %s '$tap_dir/got') = 290000 ]" 15
is "$(transfers 20 http://10.27.0.1:443/)" 20 'TCP beside it: 20 of 20'
flood_end
flood_start -d 10.27.0.1 -p initial
check 'a flood of whole Initials is over its own budget' wait_for '[ $(count budget-quic) -ge 2000 ]' 20
packets 500 -s 10.27.0.2 -d 10.27.0.1 -p udp -l 100 -r 2000
check 'who was known before loses nothing' wait_for "[ \$(stat -c %s '$tap_dir/got') = 340000 ]" 15
flood_end

# --- the configured rate is the effective one
xdp detach --all >/dev/null
conf_write 'protect: {udp: [443]}' 'source: {udp: 500, burst: 100ms}'
xdp attach srv0 >/dev/null
t0=$(now_ms)
packets 20000 -s 10.27.0.2 -d 10.27.0.1 -p udp -r 5000
ms=$(($(now_ms) - t0)) pass=$(count pass)
want=$((50 + ms / 2))
diag "$pass of 20000 packets passed in $ms ms; 500/s and a burst of 50 would be $want"
at_most "$pass" $((want + want / 10 + 20)) 'a source gets no more than its rate'
at_least "$pass" $((want - want / 10 - 20)) 'and no less'
done_testing
