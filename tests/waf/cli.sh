#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsec-waf as a person and as a program use it: exit codes, JSON, explanations, the co-process with any bytes.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
waf=$builddir/haproxy-spoa/waf/llmsec-waf
cat >"$tap_dir/main.conf" <<'C'
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimitAction ProcessPartial
SecRule ARGS "@contains evil" "id:100,phase:2,deny,status:403,log,t:urlDecodeUni,t:lowercase,msg:'Evil \"words\"',logdata:'%{MATCHED_VAR}',severity:CRITICAL,tag:'attack-test',tag:'paranoia-level/1'"
SecRule TX:llmsec_profile "@streq llm" "id:101,phase:1,pass,log,msg:'profile'"
SecRule TX:level "@eq 2" "id:102,phase:1,pass,nolog"
SecRule RESPONSE_STATUS "@eq 500" "id:103,phase:3,pass,log,msg:'upstream'"
C
printf 'SecRuleEngine On\nSecRule ARGS "@rx (" "id:1,phase:2,deny"\nSecNonsense x\n' >"$tap_dir/bad.conf"
req() { printf 'GET /?q=%s HTTP/1.1\r\nHost: a\r\n\r\n' "$1"; }
w() { "$waf" "$@" >"$tap_dir/out" 2>"$tap_dir/err"; }

plan 34
w check --rules "$tap_dir/main.conf"; is $? 0 'check: good rules'
w check --rules "$tap_dir/bad.conf"; is $? 1 'check: bad rules'
like "$(cat "$tap_dir/err")" 'bad.conf:2' 'the first mistake'
like "$(cat "$tap_dir/err")" 'bad.conf:3' 'and the second'
w check --rules "$tap_dir/none.conf"; is $? 1 'check: no such file'
w check; is $? 2 'no rules named'
w frobnicate --rules "$tap_dir/main.conf"; is $? 2 'no such command'
w run --exec --rules "$tap_dir/main.conf" file; is $? 2 'no files for a co-process'
w --help; is $? 0 'help'
like "$(cat "$tap_dir/out")" 'usage: llmsec-waf' 'and its text'

req good | w run --rules "$tap_dir/main.conf"; is $? 0 'run: good'
is "$(jq -r '.action' "$tap_dir/out")" pass 'action'
req '%45VIL%00%0a' | w run --rules "$tap_dir/main.conf"; is $? 1 'run: refused'
is "$(jq -c '[.action, .status, .rule, .phase, .rules[0].id, .rules[0].variable, .rules[0].msg, .rules[0].severity]' "$tap_dir/out")" \
	'["deny",403,100,2,100,"ARGS:q","Evil \"words\"","CRITICAL"]' 'and says why'
unlike "$(cat "$tap_dir/out")" 'EVIL' 'but shows no value'
req evil | w run --mode detection --rules "$tap_dir/main.conf"; is $? 1 'detection only: findings'
is "$(jq -c '[.action, .status, .detection_only]' "$tap_dir/out")" '["pass",200,true]' 'but passed'
req evil | w run --mode off --rules "$tap_dir/main.conf"; is $? 0 'off'
req good | w run --profile llm --rules "$tap_dir/main.conf"
is "$(jq -c '[.rules[].id]' "$tap_dir/out")" '[101]' 'profile'
req good | w run --all --set level=2 --rules "$tap_dir/main.conf"
is "$(jq -c '[.rules[].id]' "$tap_dir/out")" '[102]' 'a variable; rules that do not log'
req good >"$tap_dir/1"; printf 'POST / HTTP/1.0\nContent-Type: application/x-www-form-urlencoded\n\nq=evil' >"$tap_dir/2"
w run --rules "$tap_dir/main.conf" "$tap_dir/1" "$tap_dir/2"; is $? 1 'two files'
is "$(jq -c '[.action, .http]' "$tap_dir/out" | tr '\n' ' ')" '["pass",[]] ["deny",["bare-lf"]] ' 'a body to the end of its file'
req '%45VIL%00' | w explain --rules "$tap_dir/main.conf"
like "$(cat "$tap_dir/out")" 'ARGS:q after urlDecodeUni,lowercase: "evil\\x00"' 'explain'
w rules --rules "$tap_dir/main.conf"; is $? 0 'rules'
like "$(cat "$tap_dir/out")" 'attack-test' 'by category'
w rules --list --json --rules "$tap_dir/main.conf"
is "$(jq -r 'select(.id == 100) | .paranoia' "$tap_dir/out")" 1 'listed'

# The co-process: NULs and newlines in the request, a response, an empty request; one answer each, in order.
record() { local n m; n=$(stat -c %s "$2"); m=$(stat -c %s "$3"); printf 'REQ %s %d %d\n' "$1" "$n" "$m"; cat "$2" "$3"; }
: >"$tap_dir/empty"
printf 'GET /?q=evil&x=\0\n\nREQ HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n' >"$tap_dir/nul"
printf 'HTTP/1.1 500 No\r\n\r\n' >"$tap_dir/500"
{
	record a "$tap_dir/1" "$tap_dir/empty"
	record b "$tap_dir/nul" "$tap_dir/empty"
	record c "$tap_dir/1" "$tap_dir/500"
	record d "$tap_dir/empty" "$tap_dir/empty"
	req evil >"$tap_dir/3"
	record e "$tap_dir/3" "$tap_dir/empty"
} | w run --exec --rules "$tap_dir/main.conf"
is $? 0 'the co-process ends with its input'
is "$(cut -d ' ' -f 1-3 "$tap_dir/out" | tr '\n' ',')" 'a 200 -,b 403 100,c 200 103,d 400 -,e 403 100,' 'its answers'
like "$(tail -n 1 "$tap_dir/out" | cut -d ' ' -f 4)" '%5Bid%20%22100%22%5D|\[id%20%22100%22\]|\[id%20"100"\]' 'its log lines'
rc=
# Whatever a record holds, the next one is read: no HTTP, a chunk that lies, more than we judge.
printf '\0\0\n\377' >"$tap_dir/junk"
printf 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nq=evil' >"$tap_dir/lie"
{
	record no-http "$tap_dir/junk" "$tap_dir/junk"
	record 1-2-3 "$tap_dir/lie" "$tap_dir/500"
	printf 'REQ huge 67108865 1\n'; head -c 67108866 /dev/zero
	record last "$tap_dir/3" "$tap_dir/empty"
} | w run --exec --rules "$tap_dir/main.conf"
is $? 0 'records of any kind'
is "$(cut -d ' ' -f 1-3 "$tap_dir/out" | tr '\n' ',')" 'no-http 400 -,1-2-3 408 103,huge 413 -,last 403 100,' 'and the answer to each'
for bad in 'REQ a 1' 'REQ a -1 0' 'REQ a 1 0 ' 'REQ  1 0' 'req a 0 0' 'REQ a 99999999999999999999999 0' "REQ $(printf '%0300d' 0) 0 0"; do
	printf '%s\n' "$bad" | w run --exec --rules "$tap_dir/main.conf"
	rc+=" $?"
done
is "$rc" ' 2 2 2 2 2 2 2' 'what is no record ends it'
# Answers come as they are made, not when the input ends.
mkfifo "$tap_dir/in"
"$waf" run --exec --rules "$tap_dir/main.conf" <"$tap_dir/in" >"$tap_dir/out" 2>/dev/null &
exec 7>"$tap_dir/in"
record now "$tap_dir/3" "$tap_dir/empty" >&7
for ((i = 0; i < 200; i++)); do [ -s "$tap_dir/out" ] && break; read -r -t 0.05 <> <(:); done
like "$(cat "$tap_dir/out")" '^now 403 100 ' 'answers are flushed'
exec 7>&-
wait $!
printf 'REQ a 100 0\nshort' | w run --exec --rules "$tap_dir/main.conf"; is $? 2 'a record cut short'
done_testing
