#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real Squid with the shipped forward configuration and the real helper: what is allowed passes, what
# is not is refused with the rule's name, and a killed helper opens nothing.
# shellcheck disable=SC2016,SC2154	# wait_for evaluates its text; variables of squid_lib.sh
set -u
: "${srcdir:?}"
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"

policy allowed.test
for f in squid.conf llmsec-icap.conf llmsec-accel.conf llmsec-forward.conf; do template $f; done
give_to_squid
is "$(parse)" "" 'the complete configuration parses without a warning'
start_squid

# ---- verdicts ----
is "$(code "http://allowed.test:$port/x")" 200 'plain HTTP to an allowed host passes'
is "$(body)" "origin allowed.test:$port" 'and reaches the origin'
is "$(code --proxytunnel "http://allowed.test:$port/x")" 200 'CONNECT to an allowed host passes'
is "$(code "http://denied.test:$port/x")" 403 'plain HTTP to another host is refused'
like "$(body)" '"rule_ids":\["egress.default-deny"\]' 'the answer names the rule'
like "$(body)" '"code":"not_allowed"' 'and the reason'
like "$(body)" 'denied.test' 'and the host'
is_json 'and is JSON' .error.message "$tap_dir/body"
like "$(raw "CONNECT denied.test:$port" denied.test)" '^HTTP/1.1 403' 'CONNECT to another host is refused'
like "$(raw "CONNECT allowed.test:1" allowed.test)" 'port_not_allowed' 'so is another port of an allowed host'
like "$(raw "GET http://allowed.test:1/" allowed.test:1)" 'test-allow' 'which names the rule that is too narrow'
for ip in 127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 '[::1]' '[::ffff:127.0.0.1]'; do
	like "$(raw "GET http://$ip:$port/" "$ip")" '^HTTP/1.1 4.*(ip_literal|invalid_url)' "address $ip is refused"
	like "$(raw "CONNECT $ip:$port" "$ip")" '^HTTP/1.1 4.*(ip_literal|invalid_url|invalid_request)' "CONNECT $ip too"
done
like "$(raw "GET http://169.254.169.254/latest/" 169.254.169.254)" '"code":"metadata"' 'the metadata service has its own reason'
like "$(raw "GET http://ALLOWED.test.:$port/" "allowed.test")" '^HTTP/1.1 200' 'case and a trailing dot do not matter'
unlike "$(raw "GET http://allowed.test@denied.test:$port/" "allowed.test")" '^HTTP/1.1 200' 'a name in the user part opens nothing'
unlike "$(raw "GET http://denied.test:$port/" "allowed.test:$port")" '^HTTP/1.1 200' 'nor does a name in the Host header'
unlike "$(raw "GET http://allowed.test:$port/" "allowed.test")" '(Via|X-Cache|Squid|squid)' 'the answer does not tell about Squid'
unlike "$(raw "GET http://allowed.test:0/" allowed.test)$(raw "CONNECT allowed.test:0" allowed.test)" 'HTTP/1.1 200' 'a port that the helper cannot read opens nothing'
like "$(raw "GET http://127.0.0.1:$proxy_port/squid-internal-mgr/info" x)" '^HTTP/1.1 403' 'the cache manager is closed'

# ---- the policy file changes ----
policy "allowed.test, later.test"
check 'a new policy is in force without touching Squid' wait_for "[ \$(code http://later.test:$port/) = 200 ]" 10
echo 'rules: [{id: "?"}]' >"$tap_dir/egress.yaml"
check 'a broken one is reported' wait_for "grep -q 'stays in force' '$tap_dir/log/squid-cache.log'" 10
is "$(code "http://later.test:$port/")" 200 'and the last good one stays in force'
is "$(code "http://denied.test:$port/")" 403 'in both directions'
policy allowed.test

# ---- helpers die under load ----
# Squid up to 5.7 at least has a fault of its own here: between the end of a helper and the next round of
# its event loop it may write to the helper's closed pipe, which ends the worker ("assertion failed:
# Write.cc").  Its master starts it again.  Then connections break, which refuses, too: what is tested is
# that nothing passes and that the service returns by itself.
children() { pgrep -f "^\\(helper\\) -c $tap_dir/egress.yaml"; }
hammer()	# HOST: status codes until $tap_dir/stop exists
{
	until [ -e "$tap_dir/stop" ]; do
		curl -s -o /dev/null --max-time 10 -w '%{http_code}\n' -x "$proxy" "http://$1:$port/[1-40]"
	done
}
back()	# NAME
{
	local start
	start=$(now_ms)
	wait_for "[ \$(code http://allowed.test:$port/) = 200 ]" 20
	is $? 0 "$1"
	diag "after $(($(now_ms) - start)) ms"
}
mark
hammers=()
for i in 1 2; do
	hammer denied.test >"$tap_dir/denied.$i" & hammers+=($!)
	hammer allowed.test >"$tap_dir/allowed.$i" & hammers+=($!)
done
tap_pids+=("${hammers[@]}")
killed=0
kill_helpers()
{
	local pid
	for pid in $(children); do
		kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
	done
}
for round in 1 2 3; do
	wait_for '[ -n "$(children)" ]' 10
	kill_helpers
	back "killed under load, round $round: what is allowed passes again"
done
# The master gives up on a worker that ends five times in quick succession: three is as far as its fault is driven here.
crashes() { grep -c 'assertion failed: Write.cc' "$tap_dir/log/squid-cache.log"; }
end=$(($(now_ms) + 1000))
while [ "$(now_ms)" -lt "$end" ] && [ "$(crashes)" -lt 3 ]; do kill_helpers; done
back 'so it does when helpers were killed for a whole second, before they could answer'
wait_for "[ \$(cat '$tap_dir'/denied.? | wc -l) -ge 100 ]" 20
touch "$tap_dir/stop"
wait "${hammers[@]}"
at_least "$killed" 4 'helpers were killed'
check 'Squid is there' kill -0 "$squid_pid"
crashes=$(crashes)
[ "$crashes" = 0 ] || diag "Squid's own fault ended its worker $crashes times"
is "$(grep -c 'FATAL' "$tap_dir/log/squid-cache.log")" 0 'it never gave up because of helpers'
allowed_codes='403'
[ "$crashes" = 0 ] || allowed_codes='403|000'
is "$(cat "$tap_dir"/denied.? | grep -vcE "^($allowed_codes)$")" 0 'what is not allowed was refused all the time'
at_least "$(cat "$tap_dir"/denied.? | grep -c 403)" 100 'which was tried often'
is "$(cat "$tap_dir"/allowed.? | grep -vcE "^(200|$allowed_codes)$")" 0 'what is allowed was answered or refused, never left hanging'
is "$(since origin | grep -c 'HOST denied')" 0 'nothing refused ever reached the origin'
like "$(cat "$tap_dir"/spool/* 2>/dev/null)" 'egress.deny' 'refusals are events'

# ---- names that lead home ----
stop_squid
dst_guard="include $tap_dir/private-dst.conf"
template llmsec-forward.conf
is "$(parse)" "" 'the guard against private destinations parses'
start_squid
is "$(code "http://allowed.test:$port/")" 403 'an allowed name that leads to loopback is refused'
like "$(body)" 'egress_private_address' 'with its own reason'
stop_squid

# ---- more questions than the queue takes ----
dst_guard='# no guard: the origin is on loopback'
template llmsec-forward.conf
template llmsec-audit.conf
sed -i "s/^#\(include .*llmsec-audit.conf\)/\1/" "$tap_dir/squid.conf"
is "$(parse)" "" 'with the audit trail it parses without a warning'
sed -i 's/concurrency=100 queue-size=4000/concurrency=2 queue-size=3/' "$tap_dir/llmsec-forward.conf"
start_squid
is "$(code "http://allowed.test:$port/audited")" 200 'a small queue serves'
is "$(code "http://denied.test:$port/audited")" 403 'and refuses'
kill -STOP $(children)
for i in {1..12}; do curl -s -o /dev/null --max-time 20 -w '%{http_code}\n' -x "$proxy" "http://allowed.test:$port/$i" >>"$tap_dir/overrun" & tap_pids+=($!); done
wait_for '[ "$(grep -c 403 "$tap_dir/overrun")" -ge 5 ]' 15
at_least "$(grep -c 403 "$tap_dir/overrun")" 5 'a helper that does not answer: what its queue does not take is refused at once'
is "$(grep -c 200 "$tap_dir/overrun")" 0 'and nothing passes'
kill -CONT $(children)
check 'it answers again, and what waited is served' wait_for '[ "$(wc -l <"$tap_dir/overrun")" = 12 ] && grep -q 200 "$tap_dir/overrun"' 15
is "$(code "http://allowed.test:$port/")" 200 'as is what comes next'
stop_squid

# ---- the audit trail ----
ctl=$builddir/control/llmsecctl
if [ -x "$ctl" ]; then
	verified=$("$ctl" audit verify "$tap_dir/log/audit" 2>&1)
	is "$?" 0 "the audit trail of all that is whole: $verified"
	is "$(cat "$tap_dir"/log/audit.*.seg | grep -c '/audited"')" 2 'and has what passed and what did not'
	sed -i '0,/denied.test/s//harmless.test/' "$tap_dir/log/audit.00000001.seg"
	"$ctl" audit verify "$tap_dir/log/audit" >/dev/null 2>&1
	is "$?" 1 'a host name that somebody changed in it is found'
else
	skip 'the audit trail' 'llmsecctl is not built'
fi
done_testing
