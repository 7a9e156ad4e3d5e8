#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Answers through the shipped HAProxy configuration: the Core Rule Set's data leakage rules (95x) on the routes that ask for
# it, nothing on the others, streams never held up, closed where the agent is gone.  The origin is another HAProxy.
set -uo pipefail
srcdir=$(cd "${srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
builddir=$(cd "${builddir:-$srcdir/build}" && pwd) || exit 1
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
# shellcheck source=tests/waf/lib.sh
. "$srcdir/tests/waf/lib.sh"
haproxy=${HAPROXY_PROGRAM:-$(PATH=$PATH:/usr/sbin command -v haproxy)}
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
[ -x "$haproxy" ] || skip_all 'no haproxy'
crs_find || skip_all "no Core Rule Set in $crs_rules"

export HAPROXY_PROGRAM=$haproxy src=$srcdir build=$builddir
d=$tap_dir/e edge=$srcdir/tests/vtc/edge.sh
bash "$edge" setup "$d"
cat >"$d/waf.conf" <<T
SecRuleEngine On
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
Include $crs_setup
Include $crs_rules/*.conf
SecRule RESPONSE_HEADERS:X-Secret "@rx ." "id:1001,phase:3,deny,status:502,log,severity:ERROR,t:none"
T
cat >>"$d/spoad.yaml" <<T
waf:
  rules: $d/waf.conf
  profiles:
    - {name: llm}
    - {name: watch, mode: detection_only}
    - {name: lax, outbound_threshold: 99}
T
printf '/leaky/watch/ watch\n/leaky/lax/ lax\n/leaky/nosuch/ nosuch\n' >"$d/waf-profile.map"
printf '/leaky/\n/v1/messages\n' >"$d/answers.lst"
leak='ORA-01756: quoted string not properly terminated'
head -c 40000 /dev/zero | tr '\0' x >"$d/big"
echo "$leak" >>"$d/big"
cat >"$d/origin.cfg" <<T
global
    tune.bufsize 131072
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 2s
frontend origin
    bind unix@$d/origin.sock
    http-request return status 200 content-type text/event-stream string "data: $leak" if { path_end /stream }
    http-request return status 200 content-type text/html string "fine" if { path_end /fine }
    http-request return status 200 content-type text/plain file $d/big if { path_end /big }
    http-request return status 200 content-type text/html string "fine" hdr X-Secret 1 if { path_end /secret }
    http-request return status 200 content-type text/html lf-string "enc=%[req.hdr(accept-encoding)]." if { path_end /enc }
    http-request return status 200 content-type text/html string "<b>$leak</b>"
T
start() { bash "$edge" "$1" "$d" >"$d/$1.log" 2>&1 & tap_pids+=($!); }
"$haproxy" -db -f "$d/origin.cfg" >"$d/origin.log" 2>&1 &
tap_pids+=($!)
bash "$edge" spoad "$d" &
spoad=$!
tap_pids+=("$spoad")
export LLMSEC_WAF_ANSWERS=$d/answers.lst
start haproxy
bash "$edge" wait "$d" up || { tail -n 3 "$d"/*.log >&2; exit 1; }
get() { curl -s --max-time 10 --unix-socket "$d/http.sock" -D "$d/head" -o "$d/body" -w '%{http_code}' "http://edge$1" "${@:2}"; }

plan 26
is "$(get /leaky/fine)" 200 'an answer without findings'
is "$(cat "$d/body")" fine 'as it was'
is "$(get /leaky/sql)" 403 'a database error in the answer'
like "$(cat "$d/body")" '"message":"The answer was refused by policy.","type":"permission_error","param":null,"code":"response_refused"' 'in the SDK dialect'
like "$(cat "$d/body")" '"request_id":"[0-9a-f]{32}","rule_ids":\["951[0-9]*"' 'with request id and rule ids'
unlike "$(cat "$d/body")" 'ORA-' 'and nothing of the leak'
like "$(tr -d '\r' <"$d/head")" 'application/json' 'as JSON'
is "$(get /v1/messages/x -d '{}')" 403 'an Anthropic route'
like "$(cat "$d/body")" '^\{"type":"error","error":\{"type":"permission_error","message":"The answer was refused by policy."' 'in its dialect'
is "$(get /other/sql)" 200 'a route that does not ask'
like "$(cat "$d/body")" 'ORA-' 'gets the answer as it is'
is "$(get /leaky/stream)" 200 'a stream'
like "$(cat "$d/body")" 'ORA-' 'passes: its events are the gateway matter'
is "$(get /leaky/secret)" 502 'a response header that a rule refuses, with a status of its own'
like "$(cat "$d/body")" '"code":"response_refused".*"rule_ids":\["1001"\]' 'and says so'
is "$(get /leaky/watch/sql)" 200 'a profile that only watches'
is "$(get /leaky/lax/sql)" 200 'a profile with a threshold of its own'
is "$(get /leaky/big)" 200 'beyond 32 KB nothing is inspected'
is "$(wc -c <"$d/body")" "$(wc -c <"$d/big")" 'and nothing lost'
get /leaky/enc -H 'Accept-Encoding: gzip' >/dev/null
is "$(cat "$d/body")" 'enc=.' 'no compression is asked for where answers are read'
get /other/enc -H 'Accept-Encoding: gzip' >/dev/null
is "$(cat "$d/body")" 'enc=gzip.' 'elsewhere it is'
is "$(get '/leaky/sql?q=1+union+select+1--' )" 403 'a refused request stays refused'
like "$(cat "$d/body")" '"code":"request_refused"' 'as a request'
kill "$spoad"; wait "$spoad" 2>/dev/null
is "$(get /leaky/fine)" 503 'without an agent nothing passes'
bash "$edge" spoad "$d" &
tap_pids+=($!)
bash "$edge" wait "$d" up
is "$(get /leaky/fine)" 200 'with it again'
is "$(get /leaky/sql -X HEAD -I)" 200 'HEAD has no body to leak'
done_testing
