#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The TCP front: a client's JA4 in the edge's log is what llmsec-ja4 makes of the very bytes it sent, however it cut
# them; the signature over it satisfies the gateway; and without an agent TLS still answers, with a refusal.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

edge=$(stack .edge_url) edge_http=$(stack .edge_http_url) ca=$(stack .ca_file)
key=sk-llmsec-edge-$$	# its own: what other tests did with theirs counts against a key (docs/behaviour.md)
run=$(stack .run_dir) ja4=$(stack .build_dir)/haproxy-spoa/tls/llmsec-ja4
here=$(dirname "${BASH_SOURCE[0]}")
body='{"model":"gpt-4o-mini","messages":[{"role":"user","content":"who is knocking"}]}'
head=(-H "Authorization: Bearer $key" -H 'Content-Type: application/json')

logged() { wait_for "grep -qF '\"request_id\":\"$1\"' '$run/log/haproxy.log'" 5; grep -hF "\"request_id\":\"$1\"" "$run/log/haproxy.log" | tail -n 1 | jq -r "$2"; }
sent() { printf 't %s\n' "$(xxd -p "$tap_dir/hello" | tr -d '\n')" | "$ja4" | cut -d' ' -f1; }

# relay MODE: from here on, clients that ask $via go through it
relay()
{
	[ -z "${relay_pid:-}" ] || stop "$relay_pid"
	port=$(free_port)
	via=https://localhost:$port
	spawn relay node "$here/hello_proxy.mjs" "$port" "${edge##*:}" "$1" "$tap_dir/hello"
	relay_pid=$spawned
	wait_for "(exec 3<>/dev/tcp/127.0.0.1/$port)" 10 || bail_out "no relay: $(cat "$tap_dir/relay.log")"
}

# same NAME: the last http's request has the JA4 of the bytes that the relay saw
same()
{
	local want
	want=$(sent)
	is "$http_code" 200 "$1: served, so the gateway believed the signature"
	like "$want" '^t1[23]d[0-9]{4}.._[0-9a-f]{12}_[0-9a-f]{12}$' "$1: llmsec-ja4 reads the hello"
	is "$(logged "$(header X-Request-Id)" '.ja4 + " " + .hello')" "$want ok" "$1: the edge saw the same JA4"
}

for mode in whole records segments; do
	relay $mode
	http --cacert "$ca" "$via/v1/chat/completions" "${head[@]}" -H 'X-Edge99-JA4: t13d0000h2_000000000000_000000000000' -d "$body"
	same "curl h2, hello $mode, with a JA4 of its own making in a header"
	http --http1.1 --tls-max 1.2 --cacert "$ca" "$via/v1/chat/completions" "${head[@]}" -d "$body"
	same "curl TLS 1.2, hello $mode"
done
relay whole
is "$(curl -s -o /dev/null -w '%{http_version}' --cacert "$ca" "$via/healthz")" 2 'HTTP/2 is still negotiated'

printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
	"$key" "${#body}" "$body" | timeout 20 openssl s_client -quiet -connect "localhost:$port" -servername localhost -CAfile "$ca" >"$tap_dir/openssl.out" 2>/dev/null
sed '/^\r$/q' "$tap_dir/openssl.out" >"$http_headers"
http_code=$(awk 'NR == 1 { print $2 + 0 }' "$http_headers")
same 'openssl s_client'

NODE_EXTRA_CA_CERTS=$ca timeout 20 node -e '
const r = require("https").request(process.argv[1] + "/v1/chat/completions", {method: "POST", headers: {
	authorization: "Bearer " + process.argv[2], "content-type": "application/json"}}, (a) => {
	console.log("HTTP/1.1 " + a.statusCode + "\r\nX-Request-Id: " + a.headers["x-request-id"] + "\r\n\r"); a.resume() })
r.end(process.argv[3])' "$via" "$key" "$body" >"$http_headers"
http_code=$(awk 'NR == 1 { print $2 + 0 }' "$http_headers")
same node

http "$edge_http/v1/chat/completions" "${head[@]}" -H 'X-Edge99-JA4: t13d0000h2_000000000000_000000000000' -d "$body"
is "$http_code $(logged "$(header X-Request-Id)" .hello)" '200 -' 'no TLS, no fingerprint, served'
unlike "$(logged "$(header X-Request-Id)" .ja4)" '^t' 'and what the client says about itself is not taken for one'

# Another address of loopback: the hop doesn't hide it.
http --interface 127.0.0.9 --cacert "$ca" "https://127.0.0.1:${edge##*:}/v1/chat/completions" "${head[@]}" -d "$body"
is "$http_code $(logged "$(header X-Request-Id)" .client)" '200 127.0.0.9' 'the client is the client, not the hop'

# What a stranger says about where it comes from is neither believed nor passed on.
http --interface 127.0.0.9 --cacert "$ca" "https://127.0.0.1:${edge##*:}/v1/chat/completions" "${head[@]}" -H 'X-Forwarded-For: 192.0.2.1' -H 'Forwarded: for=192.0.2.1' -d "$body"
is "$http_code $(logged "$(header X-Request-Id)" .client)" '200 127.0.0.9' 'X-Forwarded-For of a stranger is not its address'
unlike "$(curl -s "$(stack .provider_http_url)/_mock/requests?n=1" | jq -r '.. | .headers? // empty' | tr 'A-Z' 'a-z')" '192\.0\.2\.1' 'and does not reach the provider'

# From llmsecd's API to the refusal: before the agent, in the words of the SDK, and for how long.
control=$(stack .control_url) token=$(cat "$run/etc/control.token")
ban() { curl -s -o "$tap_dir/ban" -w '%{http_code}' -X "$1" "$control/_cluster/blacklist" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "$2"; }
like "$(ban POST '{"ip":"127.0.0.77","ttl_s":120,"reason":"e2e"}')" '^20[0-9]$' 'a ban by the API'
banned=(--interface 127.0.0.77 --cacert "$ca" "https://127.0.0.1:${edge##*:}/v1/chat/completions" "${head[@]}" -d "$body")
check 'reaches the edge' wait_for '[ "$(curl -s -o /dev/null -w "%{http_code}" "${banned[@]}")" = 403 ]' 10
http --interface 127.0.0.77 --cacert "$ca" "https://127.0.0.1:${edge##*:}/v1/messages" "${head[@]}" -d "$body"
is "$http_code $(logged "$(header X-Request-Id)" '.reason + " " + .verdict + " " + .hello')" '403 banned - -' 'and is enforced without the agent'
is "$(jq -r '.type + " " + .error.type' "$http_body")" 'error permission_error' 'in the words of the SDK'
at_most "$(header Retry-After)" 125 'with the time that is left (s)'
at_least "$(header Retry-After)" 60 'of what was ordered (s)'
like "$(ban DELETE '{"ip":"127.0.0.77"}')" '^20[0-9]$' 'lifted'
check 'served again' wait_for '[ "$(curl -s -o /dev/null -w "%{http_code}" "${banned[@]}")" = 200 ]' 10

t0=$(now_ms)
is "$(printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | timeout 10 socat - "TCP:127.0.0.1:${edge##*:}" 2>/dev/null)" '' 'what is no TLS gets nothing'
at_most $(($(now_ms) - t0)) 3000 'and is not waited for (ms)'

# Frozen: the worst agent, whose socket still takes everything.
kill -STOP "$(cat "$run/pid/spoad.pid")"
http --max-time 10 --cacert "$ca" "$edge/v1/chat/completions" "${head[@]}" -d "$body"
kill -CONT "$(cat "$run/pid/spoad.pid")"
is "$http_code" 503 'frozen agent: TLS answers, the request is refused'
at_most "$http_time" 1 'within a second, handshake and all (s)'
like "$(cat "$http_body")" '"code":"gateway_unavailable"' 'as an SDK expects it'
check 'served again once it is back' wait_for "[ \"\$(curl -s -o /dev/null -w '%{http_code}' --cacert $ca $edge/healthz)\" = 200 ]" 10
done_testing
