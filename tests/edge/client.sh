#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Who is the client?  The connection's address, unless a trusted proxy says otherwise in X-Forwarded-For, or a listed
# balancer in a PROXY header; and nobody who isn't listed is believed.
set -u
. "${srcdir:?}/tests/edge/lib.sh"

edge_dir "$tap_dir/edge"
edge_spoad
echo_origin
printf '127.0.0.10\n127.0.1.0/24\n198.51.100.0/24\n2001:db8:99::/48\n' >"$edge_dir/trusted.lst"
printf '127.0.0.20\n' >"$edge_dir/proxy.lst"
edge_haproxy LLMSEC_TRUSTED_PROXIES="$edge_dir/trusted.lst" LLMSEC_PROXY_SOURCES="$edge_dir/proxy.lst" LLMSEC_RATE_IP=30

# client ADDRESS [X-FORWARDED-FOR...]: what the gateway is told, and by the log
client()
{
	local a=$1 x args=()
	shift
	for x in "$@"; do args+=(-H "X-Forwarded-For: $x"); done
	from "$a" /v1/models "${args[@]}"
	printf '%s %s' "$(cat "$http_body")" "$(logged .client)"
}
case_is() { local want=$1 name=$2; shift 2; is "$(client "$@")" "client=$want xff= $want" "$name"; }

case_is 127.0.0.9 'nobody in between' 127.0.0.9
case_is 127.0.0.9 'a stranger'"'"'s X-Forwarded-For is not believed' 127.0.0.9 192.0.2.1
case_is 127.0.0.9 'nor does naming a trusted proxy help' 127.0.0.9 '192.0.2.1, 127.0.0.10'
case_is 127.0.0.10 'a trusted proxy for itself' 127.0.0.10
case_is 192.0.2.1 'a trusted proxy for a client' 127.0.0.10 192.0.2.1
case_is 192.0.2.1 'of a trusted network' 127.0.1.77 192.0.2.1
case_is 192.0.2.1 'what the client put in front of it is not believed' 127.0.0.10 '127.0.0.1, 203.0.113.5, 192.0.2.1'
case_is 192.0.2.1 'in a header of its own neither' 127.0.0.10 203.0.113.5 192.0.2.1
case_is 192.0.2.1 'two trusted hops' 127.0.0.10 '203.0.113.5, 192.0.2.1, 198.51.100.7'
case_is 192.0.2.1 'three' 127.0.0.10 '203.0.113.5, 192.0.2.1, 198.51.100.7, 127.0.1.1'
case_is 198.51.100.7 'more hops than are followed: a trusted one is the client' 127.0.0.10 '192.0.2.1, 198.51.100.7, 127.0.1.1, 127.0.1.2, 127.0.1.3'
case_is 198.51.100.7 'nobody but proxies' 127.0.0.10 198.51.100.7
case_is 127.0.0.10 'no address: the proxy is the client' 127.0.0.10 'unknown'
case_is 198.51.100.7 'no address behind a proxy: that proxy is' 127.0.0.10 'unknown, 198.51.100.7'
case_is 192.0.2.1 'with a port, as some write' 127.0.0.10 192.0.2.1:4711
case_is 2001:db8::7 'IPv6' 127.0.0.10 '203.0.113.5, 2001:db8::7'
case_is 2001:db8::7 'behind an IPv6 proxy' 127.0.0.10 '2001:db8::7, 2001:db8:99::1'
from 127.0.0.9 /v1/models -H 'Forwarded: for=192.0.2.1' -H 'X-Real-IP: 192.0.2.1' -H 'X_Real_IP: 192.0.2.1' -H 'X-Edge99-Client-IP: 192.0.2.1' -H 'X_Forwarded_For: 192.0.2.1'
is "$(cat "$http_body")" 'client=127.0.0.9 xff=' 'no other header names the client, and none of them is passed on'

# One connection, many clients: each request has its own.
two() { curl -s -k --interface 127.0.0.10 "$@" "$url" -H 'X-Forwarded-For: 192.0.2.11' --next -s -k --interface 127.0.0.10 "$@" "$url" -H 'X-Forwarded-For: 192.0.2.12' --next -s -k --interface 127.0.0.10 "$@" "$url"; }
url=http://127.0.0.1:$edge_http_port/v1/models
is "$(two | sed 's/xff=/ /g')" 'client=192.0.2.11  client=192.0.2.12  client=127.0.0.10  ' 'requests of three clients on one connection'
url=https://127.0.0.1:$edge_port/v1/models
is "$(two --http2 | sed 's/xff=/ /g')" 'client=192.0.2.11  client=192.0.2.12  client=127.0.0.10  ' 'on one of HTTP/2'

# Limits and bans look at the client, not at the proxy.
is "$(times 32 127.0.0.10 /v1/models -H 'X-Forwarded-For: 192.0.2.21') $(times 3 127.0.0.10 /v1/models -H 'X-Forwarded-For: 192.0.2.22')" \
	'200*30 429*2 200*3' 'a client over its limit is none of its proxy'"'"'s'
cli "set table llmsec_bans_1 key ::ffff:192.0.2.23 data.gpt0 1" >/dev/null
from 127.0.0.10 /v1/models -H 'X-Forwarded-For: 192.0.2.23'
is "$http_code" 403 'a banned client behind a proxy is refused'
from 127.0.0.10 /v1/models -H 'X-Forwarded-For: 192.0.2.24'
is "$http_code" 200 'its neighbour is not'
from 127.0.0.9 /v1/models -H 'X-Forwarded-For: 192.0.2.23'
is "$http_code" 200 'and nobody can borrow its name'

# PROXY: version 1 as text, version 2 as bytes, from 127.0.0.20 alone.
v2='\x0d\x0a\x0d\x0a\x00\x0d\x0aQUIT\x0a\x21\x11\x00\x0c\xc0\x00\x02\x32\x7f\x00\x00\x01\x12\x67\x01\xbb'
proxy() { printf '%bGET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b\r\n' "$2" "${3:-}" | timeout 10 socat -t 5 - "TCP:127.0.0.1:$edge_http_port,bind=$1,shut-none" 2>/dev/null | tail -n 1; }
is "$(proxy 127.0.0.20 'PROXY TCP4 192.0.2.50 127.0.0.1 4711 443\r\n')" 'client=192.0.2.50 xff=' 'PROXY version 1'
is "$(proxy 127.0.0.20 "$v2")" 'client=192.0.2.50 xff=' 'PROXY version 2'
is "$(proxy 127.0.0.20 'PROXY TCP4 192.0.2.50 127.0.0.1 4711 443\r\n' 'X-Forwarded-For: 192.0.2.51\r\n')" 'client=192.0.2.50 xff=' 'the client behind it is a stranger like any other'
is "$(proxy 127.0.0.20 'PROXY TCP4 198.51.100.9 127.0.0.1 4711 443\r\n' 'X-Forwarded-For: 192.0.2.52\r\n')" 'client=192.0.2.52 xff=' 'unless it is a trusted proxy'
is "$(proxy 127.0.0.20 '')" '' 'a listed balancer without the header is closed'
unlike "$(proxy 127.0.0.9 'PROXY TCP4 192.0.2.50 127.0.0.1 4711 443\r\n')" 'client=' 'a stranger with the header gets nothing'
tls() { curl -s -k --max-time 10 --interface "$1" "${@:2}" "https://127.0.0.1:$edge_port/v1/models"; }
is "$(tls 127.0.0.20 --haproxy-protocol)" 'client=127.0.0.20 xff=' 'on the TLS port: with the header'
is "$(tls 127.0.0.20)" '' 'without'
is "$(tls 127.0.0.9 --haproxy-protocol)" '' 'a stranger with it'
is "$(tls 127.0.0.9)" 'client=127.0.0.9 xff=' 'without'
done_testing
