#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real Squid with the shipped accelerator configuration between an ICAP service and an origin that write
# down what they get.  Each setting is tested by what it does.
# shellcheck disable=SC2154	# variables of squid_lib.sh
set -u
: "${srcdir:?}"
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"

policy allowed.test
for f in squid.conf llmsec-icap.conf llmsec-accel.conf llmsec-forward.conf; do template $f; done
icap_up()
{
	spawn icap "$builddir/tests/helper/tiny_icap" "$icap_port"
	icap_pid=$spawned
	wait_for "grep -q ready '$tap_dir/icap.log'" 10 || bail_out 'no ICAP service'
}
icap() { since icap | grep "$@"; }
chat=/v1/chat/completions
icap_up
start_squid
check 'a request passes' wait_for "[ \$(accel $chat -d '{}') = 200 ]" 10
is "$(body)" 'origin OPENAI.test' 'through the inspection service to the origin'

# ---- routes ----
while read -r path host opts; do
	# shellcheck disable=SC2086	# words
	accel "$path" $opts >/dev/null
	like "$(body)" "^origin $host.test" "$path $opts goes to $host"
done <<-T
	/v1/chat/completions OPENAI
	/v1/responses?x=1 OPENAI
	/v1/models OPENAI
	/v1/models ANTHROPIC -Hanthropic-version:2023-06-01
	/v1/messages ANTHROPIC
	/v1/messages/count_tokens ANTHROPIC
	/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse GEMINI
	/v1/models/gemini-2.0-flash:generateContent GEMINI
	/openai/deployments/d/chat/completions?api-version=1 AZURE
	/api/chat OLLAMA
T
is "$(accel /etc/passwd)" 404 'an unknown path has no provider'
like "$(body)" '"code":"unknown_route"' 'and the answer says so'
is "$(accel /v1/messages -H 'Host: denied.test')" 200 'a Host header of the client'
is "$(body)" 'origin ANTHROPIC.test' 'does not decide where a request goes'
# curl gives the proxy's answer to CONNECT in http_connect
like "$(curl -s -o /dev/null -w '%{http_connect}' -p -x "http://127.0.0.1:$accel_port" "http://denied.test:$port/")" '^40[345]$' 'CONNECT is no way out here'

# ---- headers ----
mark
is "$(accel /v1/messages -d '{}' -H 'Authorization: Bearer k' -H 'x-api-key: k' \
	-H 'X-Edge99-Threat-Score: 1' -H 'X-Edge99-Bot-Score: 1' -H 'X-Edge99-JA3: 1' -H 'X-Edge99-JA4: 1' \
	-H 'X-Edge99-Country: 1' -H 'X-Edge99-Client-IP: 1' -H 'X-Edge99-Request-Id: 1' -H 'X-LLMSec-Tx: 1' \
	-H 'X-Edge99-Signature: 1' -H 'X-Forwarded-For: 1' -H 'Accept-Encoding: gzip')" 200 'a request with every header of ours'
wait_for "since origin | grep -q '^BODY'" 5
like "$(since origin)" '< Authorization: Bearer k' 'reaches the provider with its Authorization'
is "$(since origin | grep -ciE '^< (X-Edge99|X-LLMSec|X-Forwarded|Via|Surrogate|Cache-Control|Accept-Encoding)')" 0 \
	'and without any header of the house'
is "$(icap -c '^REQMOD H X-Edge99-')" 8 'which the inspection service saw, all of them'
is "$(icap -c '^RESPMOD H X-Edge99-')" 8 'for the answer, too'
like "$(icap '^REQMOD I')" 'Preview: 0' 'requests are announced by their headers alone'
like "$(icap '^RESPMOD I')" 'Preview: 0' 'and so are answers'
like "$(icap '^REQMOD I')" 'X-Client-IP: 127.0.0.1' 'the service knows the client'
unlike "$(icap '^REQMOD I')" 'X-LLMSec-Tx' 'a request brings no sealed header of its own'
like "$(icap '^RESPMOD I')" 'X-LLMSec-Tx: sealed' 'what REQMOD sealed comes back in RESPMOD'
unlike "$(cat "$tap_dir/log/squid-access.log")" 'Bearer|api-version=|alt=sse' 'the access log has no secret and no query'
is_json 'and is JSON, line by line' .status "$tap_dir/log/squid-access.log"

# ---- bodies ----
mark
is "$(accel /v1/files/bytes/5000000 -H 'Expect:')" 200 'an answer of 5 MB'
is "$(wc -c <"$tap_dir/body")" 5000000 'arrives whole'
head -c 5000000 /dev/zero >"$tap_dir/big"
is "$(accel /v1/files -H 'Expect:' --data-binary "@$tap_dir/big")" 200 'a request of 5 MB'
wait_for "since origin | grep -q '^BODY 5'" 10
like "$(since origin)" 'BODY 5000000' 'arrives whole'
# Nobody but Squid can say 100 Continue: the origin hears of the request when its body is there.
read -r first total < <(curl -s -o /dev/null --max-time 20 --expect100-timeout 9 -w '%{http_code} %{time_total}\n' \
	-H 'Expect: 100-continue' --data-binary "@$tap_dir/big" "http://127.0.0.1:$accel_port/v1/files")
is "$first" 200 'a client that waits for 100 Continue'
at_most "$total" 4 'does not wait long'
read -r first total < <(curl -sN -o "$tap_dir/body" --max-time 20 -w '%{time_starttransfer} %{time_total}\n' \
	"http://127.0.0.1:$accel_port/v1/files/events/4/400")
at_least "$total" 1.1 'a stream of four events takes its time'
at_most "$first" 0.6 'and its first event does not wait for the others'
is "$(grep -c '^data: ' "$tap_dir/body")" 4 'nor is one lost'

# ---- the service is away ----
stop "$icap_pid" KILL
mark
refused=0
for i in {1..25}; do
	[ "$(accel $chat -d '{}')" != 500 ] || refused=$((refused + 1))
done
is "$refused" 25 'without the inspection service every request is refused'
like "$(body)" '"code":"inspection_unavailable"' 'and the answer says why'
is "$(accel /v1/models)" 500 'those without a body, too'
is "$(since origin | grep -c HOST)" 0 'none reached the origin'
icap_up
start=$(now_ms)
wait_for "[ \$(accel $chat -d '{}') = 200 ]" 30
# Counting failures would have suspended the service for minutes by now.
at_most $(($(now_ms) - start)) 2000 'it is used again as soon as it is back'
stop_squid
done_testing
