#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The chained trail of the stack's Squid: what passed and what did not is in it, nothing secret is, and a daemon that was
# killed leaves a chain that goes on.
# shellcheck disable=SC2016	# wait_for evaluates
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

edge=$(stack .edge_url) ca=$(stack .ca_file) key=$(stack .client_key) proxy=$(stack .proxy_url) run=$(stack .run_dir)
base=$run/audit/access ctl=$(stack .build_dir)/control/llmsecctl
mark=audit-marker-$$
in_trail() { cat "$base".*.seg | grep -F -c -- "$1"; }
verify() { "$ctl" audit verify "$base"; }
# That is what Squid calls any log daemon.
daemon() { pgrep -f "^\\(logfile-daemon\\) $base" | head -n 1; }
post()
{
	curl -s -o /dev/null --max-time 10 -w '%{http_code}' --cacert "$ca" "$edge/v1/chat/completions?secret=$mark-query" \
		-H "Authorization: Bearer $key" -H "Cookie: c=$mark-cookie" -H 'Content-Type: application/json' \
		-d "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello $mark-prompt\"}]}"
}
# The name is all that makes this request another one than the last.
refused() { curl -s -o /dev/null --max-time 10 -w '%{http_code}' -x "$proxy" "http://$1.$mark.example/?q=$mark-query"; }

before=$(in_trail '/v1/chat/completions')
is "$(post)" 200 'a prompt passes'
is "$(refused one)" 403 'a name that no rule allows is refused'
check 'what passed is in the trail' wait_for '[ "$(in_trail /v1/chat/completions)" -gt "$before" ]' 10
check 'what was refused is in the trail' wait_for '[ "$(in_trail "one.$mark.example")" = 1 ]' 10
like "$(cat "$base".*.seg | grep -F "one.$mark.example")" '"rule":"egress.default-deny".*"egress":"not_allowed' 'with rule and reason'
check 'the chain is whole' wait_for verify 10

pid=$(daemon)
like "$pid" '^[0-9]+$' 'the daemon runs'
segments=$(ls "$base".*.seg | wc -l)
kill -KILL "$pid"
check 'the daemon killed: Squid serves again with another one' \
	wait_for '[ "$(refused "two")" = 403 ] && [ -n "$(daemon)" ] && [ "$(daemon)" != "$pid" ]' 20
check 'the trail goes on' wait_for '[ "$(in_trail "two.$mark.example")" -ge 1 ]' 10
at_least "$(ls "$base".*.seg | wc -l)" $((segments + 1)) 'in a segment of its own'
check 'and the chain over all of them is whole' wait_for verify 10

for secret in "$mark-prompt" "$mark-query" "$mark-cookie" "$key"; do
	is "$(in_trail "$secret")" 0 "not in it: ${secret#"$mark"-}"
done
is "$(stat -c %a "$base.key")" 600 'its key is for its owner'
done_testing
