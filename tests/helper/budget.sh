#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Budgets of bytes on a real Squid with etc/squid/llmsec-budget.conf: counted when a request has ended, refused with the next.
# shellcheck disable=SC2016,SC2154	# wait_for evaluates its text; variables of squid_lib.sh
set -u
: "${srcdir:?}"
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
command -v socat >/dev/null || skip_all 'no socat here'
printf '127.0.0.1 up.test tunnel.test shared.test\n' >>"$tap_dir/hosts"
spawn sink socat -u TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr "SYSTEM:cat >/dev/null"
sink_pid=$spawned
wait_for '[ -n "$(ss -Htlnp 2>/dev/null | grep "pid=$sink_pid,")" ]' 10 || bail_out 'no sink'
sink=$(ss -Htlnp | grep "pid=$sink_pid," | awk '{ n = split($4, a, ":"); print a[n] }')
accounts="{log: $tap_dir/log/llmsec-bytes.log, state: $tap_dir/ctr/bytes.state}"
write_policy()	# ACCOUNTS
{
	cat >"$tap_dir/p.new" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	trusted_hops: [127.0.0.1]
	identities: [{id: agent, kind: agent, labels: [agent]}, {id: batch, labels: [batch]}]
	accounts: $1
	budgets:
	  - {id: paid-day, rules: [paid], direction: down, bytes: 300k}
	  - {id: up-day, rules: [uploads], identities: [agent, batch], direction: up, bytes: 200k, share: true}
	rules:
	  - {id: paid, domains: [allowed.test], ports: [$port]}
	  - {id: uploads, domains: [up.test, tunnel.test], ports: [$port, $sink]}
	  - {id: free, domains: [later.test], ports: [$port]}
	T
	chmod 644 "$tap_dir/p.new"
	mv "$tap_dir/p.new" "$tap_dir/egress.yaml"
}
write_policy "$accounts"
for f in squid.conf llmsec-icap.conf llmsec-accel.conf llmsec-forward.conf llmsec-budget.conf; do template $f; done
cat "$tap_dir/llmsec-budget.conf" >>"$tap_dir/llmsec-forward.conf"
is "$(parse)" "" 'the configuration parses without a warning'
start_squid

agent=(-H 'X-LLMSec-Workload: agent') batch=(-H 'X-LLMSec-Workload: batch')
get() { code -D "$tap_dir/head" "${@:3}" "http://$1:$port/bytes/$2"; }
reason() { body | grep -o '"code":"[a-z_]*"' | cut -d'"' -f4; }
soon() { wait_for "[ \"\$($2)\" = '$3' ]" 10; is "$(eval "$2")" "$3" "$1"; }

# ---- down
is "$(get allowed.test 200000 "${agent[@]}")" 200 'what is within the budget passes'
is "$(get allowed.test 200000 "${agent[@]}")" 200 'so does what goes beyond it while something is left'
soon 'then nothing does' 'get allowed.test 1 "${agent[@]}"' 403
is "$(reason)" over_budget 'with its reason'
like "$(body)" '"rule_ids":\["paid"\]' 'its rule'
like "$(body)" 'budget paid-day until 20..-..-..T00:00:00Z' 'the budget, and when it is new'
like "$(grep -i '^Retry-After: ' "$tap_dir/head" | tr -d '\r')" '^[Rr]etry-[Aa]fter: [1-9][0-9]*$' 'and as a header'
is_json 'and is JSON' .error.message "$tap_dir/body"
unlike "$(get later.test 1 "${agent[@]}"; cat "$tap_dir/head")" 'Retry-After' 'nobody else is told to wait'
is "$(get later.test 200000 "${agent[@]}")" 200 'what another rule allows has no such budget'
is "$(get allowed.test 1000 "${batch[@]}") $(get allowed.test 1000)" '200 200' 'other identities, and who is none, have their own'
wait_for 'grep -q budget_used "$tap_dir"/spool/*' 10
like "$(cat "$tap_dir"/spool/*)" '"event":"egress.budget_used".*"target":"paid-day".*"identity":"agent"' 'a budget that is used up is an event'
like "$(cat "$tap_dir"/spool/*)" '"reason":"over_budget"' 'so is what is refused'
is "$(grep -c budget_used <<<"$(cat "$tap_dir"/spool/*)")" 1 'the former once'

# ---- up, in a tunnel, for two together
is "$(code "${agent[@]}" -d "$(head -c 120000 /dev/zero | tr '\0' x)" "http://up.test:$port/")" 200 'an upload'
wait_for 'grep -q " up-day 12" "$tap_dir/log/llmsec-bytes.log"' 10
like "$(grep up-day "$tap_dir/log/llmsec-bytes.log")" '^[0-9]+ agent up-day 12[0-9]{4} ' 'Squid says how much went up'
head -c 150000 /dev/zero | socat -t 5 - "PROXY:127.0.0.1:tunnel.test:$sink,proxyport=$proxy_port" 2>/dev/null
is "$(grep -c tunnel "$tap_dir/log/llmsec-bytes.log")" 0 'who is no identity has none of this budget'
exec 4<>"/dev/tcp/127.0.0.1/$proxy_port"
printf 'CONNECT tunnel.test:%s HTTP/1.1\r\nHost: x\r\nX-LLMSec-Workload: batch\r\n\r\n' "$sink" >&4
while IFS= read -r -t 10 line <&4 && [ "$line" != $'\r' ]; do :; done
head -c 150000 /dev/zero >&4
exec 4>&-
soon 'what another identity sends in a tunnel counts when it ends' 'code "${agent[@]}" -d x http://up.test:$port/' 403
is "$(reason)" over_budget 'for both, as they share it'

# ---- the helper dies, Squid rotates
children() { pgrep -f "^\\(helper\\) -c $tap_dir/egress.yaml"; }
wait_for 'grep -q "paid-day agent" "$tap_dir/ctr/bytes.state"' 10
old=$(children)
kill -KILL $old
wait_for '[ -n "$(children)" ] && [ "$(children)" != "$old" ] || { get later.test 1 >/dev/null; false; }' 10
is "$(get allowed.test 1 "${agent[@]}") $(get allowed.test 1 "${batch[@]}")" '403 200' 'a helper that was killed has forgotten nothing'
mv "$tap_dir/log/llmsec-bytes.log" "$tap_dir/log/llmsec-bytes.log.0"
"$SQUID" -n "$squid_name" -f "$tap_dir/squid.conf" -k rotate
wait_for '[ -e "$tap_dir/log/llmsec-bytes.log" ]' 10
is "$(get allowed.test 400000 "${batch[@]}")" 200 'after a rotation'
soon 'counts go on in the new file' 'get allowed.test 1 "${batch[@]}"' 403
is "$(get allowed.test 1)" 200 'and others are as they were'
wait_for '[ "$(awk "/^paid-day batch/ { print \$4 }" "$tap_dir/ctr/bytes.state")" -gt 400000 ]' 10
"$tap_dir/helper" -c "$tap_dir/egress.yaml" --test "127.0.0.1 GET allowed.test $port - http / allowed.test batch" >"$tap_dir/test.out"
like "$(cat "$tap_dir/test.out")" '^deny .*reason=over_budget rule=paid' 'the helper says so when asked without Squid'

# ---- what is not known is refused
write_policy "{log: $tap_dir/log/none.log, state: $tap_dir/ctr/none.state}"
soon 'a log that is not there: what has a budget is refused' 'get allowed.test 1' 403
is "$(reason)" no_accounts 'with its reason'
is "$(get later.test 1)" 200 'and nothing else'
write_policy "$accounts"
soon 'it passes again when there is one' 'get allowed.test 1' 200
is "$(get allowed.test 1 "${agent[@]}")" 403 'with what was used before'
stop_squid
done_testing
