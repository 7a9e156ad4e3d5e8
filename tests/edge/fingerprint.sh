#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The ways of a fingerprint to the gateway: what X-Edge99-JA4 and -JA3 say is what llmsec-ja4 makes of the bytes that the
# client sent, by each route that this HAProxy has.  And all headers of the house are there, none is the client's.
set -u
. "${srcdir:?}/tests/edge/lib.sh"
command -v node >/dev/null || { echo '1..0 # SKIP no node for tests/e2e/hello_proxy.mjs'; exit 0; }

edge_dir "$tap_dir/edge"
edge_spoad
echo_origin
version=$("$haproxy" -v | sed -n 's/^HAProxy version \([0-9]*\.[0-9]*\).*/\1/p')
diag "HAProxy $version"
newer() { [ "$(printf '%s\n' "$1" "$version" | sort -V | head -n 1)" = "$1" ]; }

relay()	# a relay before the edge, that keeps the hello
{
	[ -z "${relay_pid:-}" ] || stop "$relay_pid"
	port=$(free_port)
	spawn relay node "$srcdir/tests/e2e/hello_proxy.mjs" "$port" "$edge_port" whole "$tap_dir/hello"
	relay_pid=$spawned
	wait_for "(exec 3<>/dev/tcp/127.0.0.1/$port)" 10 || bail_out "no relay: $(cat "$tap_dir/relay.log")"
}
sent() { printf 't %s\n' "$(xxd -p "$tap_dir/hello" | tr -d '\n')" | "$builddir/haproxy-spoa/tls/llmsec-ja4" | awk '{ print $1, $3 }'; }
# same NAME CURL-ARGUMENTS...: two requests on one connection
same()
{
	local name=$1 got want
	shift
	got=$(curl -s -k --max-time 10 "$@" "https://localhost:$port/headers" --next -s -k --max-time 10 "$@" "https://localhost:$port/v1/headers" | jq -r '.ja4 + " " + .ja3')
	want=$(sent)
	[ "$half" = no ] || want=" ${want#* }"
	is "$got" "$want
$want" "$route: $name"
}

for route in unique-id tlv lists; do
	half=no
	if [ "$route" = tlv ] && ! newer 3.0; then skip "$route" 'set-proxy-v2-tlv-fmt is of HAProxy 3.0'; continue; fi
	if [ "$route" = lists ] && ! newer 3.1; then half=yes; fi
	[ -z "${edge_pid:-}" ] || stop "$edge_pid"
	edge_haproxy LLMSEC_FINGERPRINT=$route
	relay
	same 'HTTP/2' --http2
	same 'TLS 1.2' --http1.1 --tls-max 1.2
	same 'TLS 1.3, few ciphers' --http1.1 --tls13-ciphers TLS_CHACHA20_POLY1305_SHA256 --curves X25519:prime256v1
	same 'a made-up fingerprint in a header' --http2 -H 'X-Edge99-JA4: t13d1516h2_8daaf6152771_e5627efa2ab1' -H 'X_Edge99_JA3: cd08e31494f9531f560d64c695473da9'
	from 127.0.0.2 /headers -H 'X-Edge99-JA4: t13d1516h2_8daaf6152771_e5627efa2ab1' -H 'x_edge99_ja3: cd08e31494f9531f560d64c695473da9'
	is "$(jq -r '.ja4 + .ja3' "$http_body") $(logged .hello)" ' -' "$route: without TLS there is none"
done

# HTTP/3: no TCP front can see into QUIC, so HAProxy's lists it is, beside whatever route TLS takes.  (--curves: HAProxy
# 3.0.11 loses half of the connections whose hello fills two packets, as a post-quantum one does.)
h3=${LLMSEC_H3_CURL:-curl}
if ! "$haproxy" -vv | grep -q ' +QUIC '; then
	skip 'HTTP/3' 'this HAProxy has no QUIC'
elif ! "$h3" --version | grep -q HTTP3; then
	skip 'HTTP/3' 'this curl has no HTTP/3 (LLMSEC_H3_CURL names another)'
else
	stop "$edge_pid"
	edge_haproxy
	got=$("$h3" -s -k --http3-only --curves X25519 "https://localhost:$edge_port/headers" --next -s -k --http3-only --curves X25519 "https://localhost:$edge_port/headers" |
		jq -r '.ja4 + " " + .ja3' | sed -E 's/[0-9a-f]{12,}/H/g; s/^q13d[0-9]{4}/q13dN/' | paste -sd,)
	want=' H'
	! newer 3.1 || want='q13dNh3_H_H H'
	is "$got" "$want,$want" 'HTTP/3: JA4 (before HAProxy 3.1 JA3 alone), of both requests of a connection'
fi

# The contract between edge and gateway, header by header; each is sent by the client too, in both spellings.
stop "$edge_pid"
edge_haproxy
args=()
for h in Threat-Score Bot-Score JA3 JA4 Country Client-IP Request-Id Signature Made-Up; do args+=(-H "X-Edge99-$h: forged" -H "x_edge99_${h//-/_}: forged" -H "X-Edge99_$h: forged"); done
http -k --interface 127.0.0.2 "${args[@]}" -H 'X-LLMSec-Tx: forged' -H 'X_LLMSec_Key_Id: forged' "https://127.0.0.1:$edge_port/headers"
unlike "$(cat "$http_body")" 'forged' 'nothing that the client wrote under our name arrives'
is "$(jq -r .names "$http_body" | tr , '\n' | grep -icE '^x[-_](edge99|llmsec)')" 8 'eight headers of ours do'
is "$(jq -r .names "$http_body" | tr , '\n' | grep -icE '^x_|llmsec|made')" 0 'and none in another spelling'
j() { jq -r "$1" "$http_body"; }
is "$(j '[.threat, .bot] | map(tonumber | . >= 0 and . <= 100) | all')" true 'scores from 0 to 100'
like "$(j .ja4)" '^t1[23][di][0-9]{4}.._[0-9a-f]{12}_[0-9a-f]{12}$' 'JA4'
like "$(j .ja3)" '^[0-9a-f]{32}$' 'JA3'
like "$(j .country)" '^[A-Z]{2}$' 'country'
is "$(j .ip)" 127.0.0.2 'client'
is "$(j .id)" "$(header X-Request-Id)" 'request id, which is the client'"'"'s receipt too'
like "$(j .signature)" '^v1;kid=k1;ts=[0-9]{10};mac=[0-9a-f]{64}$' 'signature'
unlike "$(cat "$http_headers")" '[Xx][-_]([Ee]dge99|[Ll][Ll][Mm][Ss]ec)' 'none goes back to the client'
done_testing
