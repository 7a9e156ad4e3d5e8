#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Limits of sources, keys, fingerprints and path classes: 429 in the client's dialect for who is over one, 200 for the
# neighbour, and not a word to the agent.
# shellcheck disable=SC2016	# wait_for evaluates
set -u
. "${srcdir:?}/tests/edge/lib.sh"

edge_dir "$tap_dir/edge"
edge_spoad
echo_origin
again() { stop "$edge_pid"; edge_haproxy "$@"; }

edge_haproxy LLMSEC_RATE_IP=20
is "$(times 25 127.0.0.2 /v1/models)" '200*20 429*5' 'requests of a source: as many as allowed, then 429'
is "$(times 5 127.0.0.3 /v1/models)" '200*5' 'its neighbour is served'
from 127.0.0.2 /v1/chat/completions -d '{}'
is "$http_code $(header Retry-After) $(header Content-Type)" '429 10 application/json' '429, Retry-After, JSON'
is "$(jq -r '.error | .type + " " + .code' "$http_body")" 'rate_limit_error rate_limited' 'as the SDK of OpenAI expects it'
is "$(logged '.reason + " " + .verdict')" 'rate-ip -' 'the log names the limit; the agent was not asked'
from 127.0.0.2 /v1/messages -d '{}'
is "$http_code $(jq -r '.type + " " + .error.type' "$http_body")" '429 error rate_limit_error' 'of Anthropic'
from 127.0.0.2 /v1beta/models/g:generateContent -d '{}'
is "$http_code $(jq -r .error.status "$http_body")" '429 RESOURCE_EXHAUSTED' 'of Gemini'
from 127.0.0.2 /api/chat -d '{}'
is "$http_code $(jq -r .error "$http_body")" '429 Too many requests.' 'of Ollama'
urls=()
for i in {1..22}; do urls+=(-o /dev/null "https://127.0.0.1:$edge_port/v1/models"); done
is "$(curl -s -k --http2 --interface 127.0.0.9 -w '%{http_version} %{http_code}\n' "${urls[@]}" | uniq -c | xargs)" '20 2 200 2 2 429' 'over HTTP/2 as well'
kill -STOP "$spoad_pid"
from 127.0.0.2 /v1/models --max-time 2
kill -CONT "$spoad_pid"
is "$http_code" 429 'a frozen agent is not waited for'
at_most "$http_time" 1 'not even a little (s)'

printf '127.0.0.4 3\n127.0.2.0/24 2\n' >"$edge_dir/factor.map"
again LLMSEC_RATE_IP=5 LLMSEC_LIMIT_FACTORS="$edge_dir/factor.map"
is "$(times 20 127.0.0.4 /v1/models), $(times 15 127.0.2.9 /v1/models), $(times 7 127.0.0.5 /v1/models)" '200*15 429*5, 200*10 429*5, 200*5 429*2' \
	'limit-factor.map multiplies: of an address, of a network, of nobody else'
cli "add map $edge_dir/factor.map 127.0.0.6 100" >/dev/null
is "$(times 20 127.0.0.6 /v1/models)" '200*20' 'also one that was added to the running HAProxy'

again LLMSEC_RATE_KEY=6
key=sk-very-secret-$$
is "$(times 4 127.0.0.7 /v1/models -H "Authorization: Bearer $key") $(times 4 127.0.0.8 /v1/models -H "Authorization:  bearer  $key")" '200*4 200*2 429*2' \
	'a key counts wherever it is used, however its header is spelled'
is "$(times 4 127.0.0.7 /v1/models -H 'Authorization: Bearer another')" '200*4' 'another key of the same address is served'
is "$(times 7 127.0.0.9 /v1/messages -H 'x-api-key: other' -H "Authorization: $RANDOM")" '200*6 429*1' 'on the routes of Anthropic x-api-key is the key'
tables=$(cli 'show table llmsec_clients')
digest=$(printf %s "$key" | sha256sum | tr a-f A-F | cut -c1-32)
like "$tables" "key=/$digest " 'the table has the digest'
unlike "$tables$(cli 'show table llmsec_sources')$(cat "$tap_dir/haproxy.log")" "$key" 'the key itself is in no table and no log'

again LLMSEC_RATE_EMBED=5 LLMSEC_RATE_OTHER=8 LLMSEC_RATE_GENERATE=9
is "$(times 6 127.0.0.2 /v1/embeddings), $(times 10 127.0.0.2 /v1/chat/completions), $(times 9 127.0.0.2 /wp-login.php)" \
	'200*5 429*1, 200*9 429*1, 200*8 429*1' 'each class of paths has its own limit'

again LLMSEC_RATE_ERR=5
is "$(times 7 127.0.0.2 /status/404), $(times 2 127.0.0.2 /v1/models), $(times 2 127.0.0.3 /v1/models)" '404*5 429*2, 429*2, 200*2' \
	'errors of a source, the origin'"'"'s among them'
is "$(times 3 127.0.0.5 /v1/models -X TRACE), $(times 3 127.0.0.5 /status/401), $(times 1 127.0.0.5 /v1/models)" '403*3, 401*2 429*1, 429*1' 'and our own refusals'
from 127.0.0.5 /v1/models
is "$(logged .reason)" errors 'the log says why'

again LLMSEC_CONCURRENT_IP=2
h2() { http --interface "$1" -k --http2 "https://127.0.0.1:$edge_port/v1/models"; }
curl -s -k --http2 -Z --max-time 100 --interface 127.0.0.2 "https://127.0.0.1:$edge_port/slow" "https://127.0.0.1:$edge_port/v1/slow" >/dev/null 2>&1 &
slow=$!
check 'two slow requests run on one connection' wait_for 'cli "show table llmsec_sources" | grep -q "key=/127.0.0.2 .*conn_cur=2"' 30
h2 127.0.0.2
is "$http_code $(header Retry-After) $(logged .reason)" '429 2 concurrent-ip' 'a third at the same time is too many'
h2 127.0.0.3
is "$http_code" 200 'not for a neighbour'
kill "$slow"
wait "$slow" 2>/dev/null
check 'nor once one of them has ended' wait_for 'h2 127.0.0.2; [ "$http_code" = 200 ]' 30

again LLMSEC_RATE_BYTES=100000
head -c 60000 /dev/zero >"$tap_dir/60k"
is "$(times 3 127.0.0.2 /v1/files --data-binary "@$tap_dir/60k"), $(times 1 127.0.0.3 /v1/models)" '200*2 429*1, 200*1' 'bytes that a source sends'

again LLMSEC_RATE_JA4=4
tls() { for i in $(seq "$1"); do curl -s -k --interface "$2" "${@:3}" -o /dev/null -w '%{http_code} ' "https://127.0.0.1:$edge_port/v1/models"; done; }
is "$(tls 3 127.0.0.2)$(tls 3 127.0.0.3)" '200 200 200 200 429 429 ' 'requests of one JA4, from two addresses'
is "$(tls 1 127.0.0.3 --tls-max 1.2)" '200 ' 'another JA4 is served'

# Connections: closed before TLS, so there is nothing to read.  Those that wait must outlive a slow machine.
sed -i -e 's/inspect-delay 5s/inspect-delay 2m/' -e 's/timeout client 30s/timeout client 2m/' "$edge_dir/etc/haproxy/haproxy.cfg"
again LLMSEC_CONN_IP=3
for i in 1 2 3; do exec {fd[i]}<>"/dev/tcp/127.0.0.1/$edge_port"; done
check 'three connections wait' wait_for 'cli "show table llmsec_conns" | grep -q "conn_cur=3"' 30
curl -s -k --max-time 5 -o /dev/null "https://127.0.0.1:$edge_port/v1/models"
isnt "$?" 0 'a fourth of the same source is closed'
is "$(tls 1 127.0.0.3)" '200 ' 'a neighbour gets in'
for i in 1 2 3; do exec {fd[i]}>&-; done
check 'and so does the first once it has let go' wait_for "[ \"\$(curl -s -k -o /dev/null -w '%{http_code}' https://127.0.0.1:$edge_port/v1/models)\" = 200 ]" 30
again LLMSEC_CONN_RATE_IP=3
is "$(tls 4 127.0.0.2)" '200 200 200 000 ' 'connections of a source in ten seconds'

# An application that asks fast from one address stays below what is shipped.
again
is "$(times 900 127.0.0.2 /v1/chat/completions -d '{}')" '200*900' 'the limits as shipped: 900 requests in a row from one address'
done_testing
