#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A banned source at the edge: refused in its dialect before anybody else is asked, on connections that are open as well,
# until the second in which the ban ends.
# shellcheck disable=SC2016	# wait_for evaluates
set -u
. "${srcdir:?}/tests/edge/lib.sh"

edge_dir "$tap_dir/edge"
edge_spoad
echo_origin
printf '127.0.0.50\n' >>"$edge_dir/etc/never-ban.lst"
edge_haproxy LLMSEC_CONN_RATE_BANNED=5
ban() { cli "set table llmsec_bans_1 key $1 data.gpt0 $2" >/dev/null; }
until_in() { echo $((($(date +%s) + $1 + 3) & -4 | 1)); }
tls() { http -k --interface "$1" "https://127.0.0.1:$edge_port$2" "${@:3}"; }

ban ::ffff:127.0.0.5 "$(until_in 600)"
kill -STOP "$spoad_pid"
from 127.0.0.5 /v1/chat/completions -d '{}' --max-time 2
is "$http_code $(jq -r '.error | .type + " " + .code' "$http_body")" '403 permission_error banned' 'refused as OpenAI does, without the agent'
at_least "$(header Retry-After)" 590 'Retry-After is what is left of the ban'
at_most "$(header Retry-After)" 604 'and no more'
is "$(header X-Request-Id | tr -d '0-9a-f' | wc -c)" 1 'it has a request id'
from 127.0.0.5 /v1/messages --max-time 2
is "$(jq -r '.type + " " + .error.type' "$http_body")" 'error permission_error' 'as Anthropic does'
from 127.0.0.5 /v1beta/models --max-time 2
is "$(jq -r '.error | "\(.code) \(.status)"' "$http_body")" '403 PERMISSION_DENIED' 'as Gemini does'
from 127.0.0.5 /api/tags --max-time 2
is "$(jq -r .error "$http_body")" 'Banned for a while.' 'as Ollama does'
tls 127.0.0.5 /v1/models --max-time 2
is "$http_code $(logged '.reason + " " + .verdict + " " + .hello')" '403 banned - -' 'over TLS: neither the request nor the hello was asked about'
kill -CONT "$spoad_pid"
for _ in {1..6}; do curl -s -k --interface 127.0.0.5 -o /dev/null "https://127.0.0.1:$edge_port/"; done
curl -s -k --interface 127.0.0.5 -o /dev/null "https://127.0.0.1:$edge_port/"
isnt $? 0 'who goes on connecting gets no TLS'
from 127.0.0.6 /v1/models
is "$http_code" 200 'its neighbour is served'

# A connection that is open while its owner is banned: the next request on it is refused.
live()	# PROTOCOL ADDRESS: two requests on one connection, a ban in between
{
	mkfifo "$tap_dir/go.$1"
	NODE_TLS_REJECT_UNAUTHORIZED=0 timeout 20 node - "$1" "$edge_port" "$2" "$tap_dir/go.$1" <<-'T' >"$tap_dir/live.$1" 2>/dev/null &
	const [, , proto, port, from, go] = process.argv, fs = require("fs")
	const done = (n, s) => { console.log(n + " " + s); if (n == 2) process.exit(0); fs.readFile(go, () => ask(2)) }
	let ask
	if (proto == "h2") {
		const net = require("net"), tls = require("tls"), h2 = require("http2")
		const c = h2.connect("https://localhost:" + port, {createConnection: () => tls.connect({
			socket: net.connect({host: "127.0.0.1", port, localAddress: from}), ALPNProtocols: ["h2"], servername: "localhost"})})
		ask = (n) => { const r = c.request({":path": "/v1/models"}); r.on("response", (h) => done(n, h[":status"])); r.resume(); r.end() }
	} else {
		const https = require("https"), agent = new https.Agent({keepAlive: true, maxSockets: 1})
		ask = (n) => https.get({host: "127.0.0.1", port, path: "/v1/models", agent, localAddress: from}, (r) => {
			r.resume(); r.on("end", () => done(n, r.statusCode + (n == 2 && !r.req.reusedSocket ? " new connection" : ""))) })
	}
	ask(1)
	T
	local client=$!
	wait_for "grep -q '^1 200' '$tap_dir/live.$1'" 10
	ban "::ffff:$2" "$(until_in 600)"
	echo >"$tap_dir/go.$1"
	wait "$client"
	is "$(paste -sd, "$tap_dir/live.$1")" '1 200,2 403' "$1: the next request of a banned client's open connection is refused"
}
live h1 127.0.0.31
live h2 127.0.0.32

ban ::ffff:127.0.0.7 "$(until_in -8)"
from 127.0.0.7 /v1/models
is "$http_code" 200 'a ban that has ended bans nobody, whoever was to lift it'
ban ::ffff:127.0.0.8 "$(until_in 1)"
from 127.0.0.8 /v1/models
is "$http_code" 403 'a ban of seconds'
check 'ends by itself' wait_for '[ "$(curl -s --interface 127.0.0.8 -o /dev/null -w "%{http_code}" "http://127.0.0.1:$edge_http_port/v1/models")" = 200 ]' 10
ban ::ffff:127.0.0.9 1
from 127.0.0.9 /v1/models
is "$http_code $(header Retry-After)" '403 ' 'a ban without an end: no Retry-After'
ban ::ffff:127.0.0.50 "$(until_in 600)"
from 127.0.0.50 /v1/models
is "$http_code" 200 'the never-ban list is stronger than the table'
tls 127.0.0.50 /v1/models
is "$http_code $(logged .hello)" '200 ok' 'over TLS, with a fingerprint'

# The agent's own ban: from the request on that earned it, in this edge's table, and the agent is asked no more.
stop "$spoad_pid"
edge_never=$edge_dir/etc/never-ban.lst edge_behaviour=', ban_times: {first: 5m}, address: {errors: {over: 5, share: 50, action: ban}}'
edge_spoad
wait_for '[ "$(curl -s -o /dev/null -w "%{http_code}" "http://127.0.0.1:$edge_http_port/v1/models")" = 200 ]' 10
scan()	# CURL-ARGUMENTS: 404s until it is refused
{
	local i
	for i in {1..15}; do
		curl -s -o /dev/null -w '%{http_code}\n' "$@"
	done | sort | uniq -c | xargs
}
like "$(scan --interface 127.0.0.60 "http://127.0.0.1:$edge_http_port/status/404")" '^[0-9]+ 403 [0-9]+ 404$' 'a scanner meets errors, then a refusal'
value=$(cli 'show table llmsec_bans_1' | sed -n 's/.*key=::ffff:127.0.0.60 .*gpt0=\([0-9]*\).*/\1/p')
is "$((${value:-0} & 3))" 1 'its ban is in the table: one vote'
at_least "$((${value:-0} - $(date +%s)))" 280 'with its end (s)'
at_most "$((${value:-0} - $(date +%s)))" 304 'which is what the agent said'
from 127.0.0.60 /v1/models
is "$http_code $(logged '.reason + " " + .verdict')" '403 banned -' 'the next request costs no agent call'
at_least "$(header Retry-After)" 270 'and is told for how long'
from 127.0.0.61 /v1/models
is "$http_code" 200 'its neighbour is served'
like "$(scan -k --interface 127.0.0.50 "https://127.0.0.1:$edge_port/status/404")" '^15 404$' 'who is never banned may meet errors'
done_testing
