#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# HTTP/3 through the shipped configuration: HAProxy and curl of Debian 13 in a root of their own, this build's agent.
# The same engines judge, the gateway believes the signature, Alt-Svc tells clients, a flood gets 429.
# shellcheck disable=SC2016	# wait_for evaluates
set -u
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
# shellcheck source=tests/floods/edge_lib.sh
. "$srcdir/tests/floods/edge_lib.sh"
root=${LLMSEC_H3_ROOT:-$builddir/h3/trixie}
why=$(bash "$srcdir/tests/h3/root.sh" "$root") || { echo "1..0 # SKIP ${why:-tests/h3/root.sh failed}"; exit 0; }
trap 'tap_cleanup; rm -rf "$home"' EXIT
home=$(mktemp -d "$root/tmp/llmsec-h3.XXXXXX")
diag "$(chroot "$root" haproxy -v | sed -n 's/^\(HAProxy version [^ ]*\).*/\1/p'), $(chroot "$root" curl --version | sed -n '1s/ (.*//p')"

edge_dir "$home" "$root"
printf 'SecRuleEngine On\nSecRequestBodyAccess On\nInclude %s\n' "$srcdir/tests/h3/waf.conf" >"$home/waf.conf"
waf="waf: {rules: $home/waf.conf, state_dir: $home/waf, profiles: [{name: default}, {name: llm}, {name: strict}, {name: detect}]}"
edge_spoad "$waf"
spawn origin "$builddir/tests/tools/llmsec-spop" origin -s "unix:$home/origin.sock" -k "$home/edge.keys"
wait_for "[ -S '$home/origin.sock' ]" 10 || bail_out 'no origin'
edge_haproxy LLMSEC_RATE_IP=60

# h3 CURL-ARGUMENTS...: one request by HTTP/3 and nothing else; "VERSION STATUS", body and headers in $home
h3()
{
	chroot "$root" curl -sS --http3-only --max-time 10 --cacert "${home#"$root"}/ca.crt" -o "${home#"$root"}/body" \
		-D "${home#"$root"}/head" -w '%{http_version} %{http_code}' "$@" 2>"$home/err" || tail -n 1 "$home/err"
}
# logged JQ: of the last h3's line in HAProxy's log
logged()
{
	local id
	id=$(tr -d '\r' <"$home/head" | sed -n 's/^x-request-id: //ip')
	wait_for "grep -qF '\"request_id\":\"$id\"' '$tap_dir/haproxy.log'" 5
	grep -F "\"request_id\":\"$id\"" "$tap_dir/haproxy.log" | tail -n 1 | jq -r "$1"
}
post=(-H 'Content-Type: application/json' -d '{"model":"m","messages":[]}')

is "$(h3 "$edge/healthz")" '3 200' 'HTTP/3 is answered'
is "$(h3 "$edge/v1/chat/completions" "${post[@]}" -H 'X-Edge99-Threat-Score: 0' -H 'X-Edge99-JA4: q13d0000h3_000000000000_000000000000')" '3 200' \
	'a request is judged, signed and believed, with headers of ours that the client made up'
is "$(logged '.verdict + " " + .client')" 'allow 127.0.0.1' 'and its log line says so'
unlike "$(logged .ja4)" '^q13d0000' 'the JA4 that the client wrote into a header is not taken'
unlike "$(cat "$home/head")" '[Xx]-[Ee]dge99' 'no header of the house comes back'
is "$(h3 "$edge/v1/chat/completions" -H 'Content-Type: application/json' -d '{"model":"m","prompt":"attack-marker"}')" '3 403' 'an attack in the body is refused by the WAF'
like "$(cat "$home/body")" '"rule_ids":\["[^]]*990001' 'in JSON, with the rule'
is "$(logged .verdict)" deny 'and logged'
is "$(h3 "$edge/v1/x?q=attack-marker")" '3 403' 'so is one in the query'
head -c 70000 /dev/zero | tr '\0' a >"$home/big"
is "$(h3 "$edge/v1/embeddings" -H 'Content-Type: text/plain' --data-binary "@${home#"$root"}/big")" '3 413' \
	'a body that does not fit the buffer is refused where no route allows it, as over TCP'
is "$(h3 -X TRACE "$edge/v1/models")" '3 403' 'TRACE is nobody'"'"'s'
like "$(curl -s -o /dev/null -D - --cacert "$home/ca.crt" "$edge/v1/models" | tr -d '\r')" "[Aa]lt-[Ss]vc: *h3=\":$edge_port\"" \
	'HTTP/2 clients are told of it (Alt-Svc)'
unlike "$(curl -s -o /dev/null -D - "http://127.0.0.1:$edge_http_port/v1/models")" '[Aa]lt-[Ss]vc' 'plain HTTP is not'

stop "$spoad_pid"
is "$(h3 "$edge/v1/chat/completions" "${post[@]}")" '3 503' 'without an agent requests are refused'
rm -f "$home/spoad.sock"
edge_spoad "$waf"
wait_for '[ "$(h3 "$edge/healthz")" = "3 200" ]' 10
is "$(h3 "$edge/v1/chat/completions" "${post[@]}")" '3 200' 'and served again with one'

# Fingerprints of this Debian's clients, whose hellos have a post-quantum key share and take two QUIC packets: what
# llmsec-ja4 makes of the captured bytes is what JA4's definition gives for tshark's fields, and what the edge saw.
ja4=$builddir/haproxy-spoa/tls/llmsec-ja4
dir=$tap_dir
# shellcheck source=tests/unit/tls/ja4_lib.sh
. "$srcdir/tests/unit/tls/ja4_lib.sh"
capture()	# FILTER COMMAND...
{
	tshark -q -i lo -f "$1" -w "$dir/c.pcap" >/dev/null 2>"$dir/tshark.err" &
	local pid=$! i
	wait_for "grep -q 'Capturing on' '$dir/tshark.err'" 10
	for ((i = 0; i < 100; i++)); do
		"${@:2}" >/dev/null
		! "$ja4" --pcap "$dir/c.pcap" 2>/dev/null | grep -q '^[tq]1' || break
		read -r -t 0.2 <> <(:)
	done
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
if ! command -v tshark >/dev/null; then
	skip 'fingerprints of captured hellos' 'no tshark here'
else
	capture "udp port $edge_port" h3 "$edge/healthz"
	got=$("$ja4" --pcap "$dir/c.pcap" | head -n 1 | cut -d' ' -f1)
	dissect c 'tls.handshake.type==1 && quic'
	like "$got" '^q13d[0-9]{4}h3_' 'the hello in QUIC Initials is read'
	is "$got" "$(expected_ja4 c q)" 'its JA4 is what the definition gives'
	tcp() { chroot "$root" curl -sS --max-time 10 --cacert "${home#"$root"}/ca.crt" -o /dev/null -D "${home#"$root"}/head" "$edge/v1/models"; }
	capture "tcp port $edge_port" tcp
	got=$("$ja4" --pcap "$dir/c.pcap" | head -n 1 | cut -d' ' -f1)
	dissect c
	is "$got" "$(expected_ja4 c t)" 'the JA4 of a post-quantum hello over TCP is what the definition gives'
	is "$(logged .ja4)" "$got" 'and what the edge logged and signed'
fi

# A flood from one address over many streams; another address of loopback is served meanwhile.
if ! grep -q LLMSEC_RATE_IP "$srcdir/etc/haproxy/haproxy.cfg"; then
	skip 'a flood gets 429' 'this configuration has no rate limits yet'
else
	chroot "$root" curl -sS --http3-only --parallel --parallel-max 50 --max-time 20 --interface 127.0.0.7 --connect-to "::127.0.0.1:" \
		--cacert "${home#"$root"}/ca.crt" -o /dev/null -w '%{http_code}\n' "$edge/v1/models?n=[1-400]" >"$home/flood" 2>"$home/err" &
	flood=$!
	is "$(h3 --interface 127.0.0.8 --connect-to '::127.0.0.1:' "$edge/v1/models")" '3 200' 'during a flood another address is served'
	wait "$flood"
	at_least "$(grep -c 429 "$home/flood")" 200 'of 400 requests that one address sent most got 429'
	is "$(h3 --interface 127.0.0.7 --connect-to '::127.0.0.1:' "$edge/v1/models")" '3 429' 'it gets 429'
	like "$(cat "$home/head")" '[Rr]etry-[Aa]fter: [0-9]+' 'with Retry-After'
	check 'and JSON' jq -e '.error.code' "$home/body"
fi
check 'HAProxy is the one that was started' kill -0 "$edge_pid"
done_testing
