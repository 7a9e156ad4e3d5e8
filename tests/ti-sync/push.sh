#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is published reaches the llmsecd of another node by its API: what came, what went, and all of it after the node
# was away.  The node is a real llmsecd; its helper's lists are what is looked at.
# shellcheck disable=SC2154	# variables of lib.sh
. "${srcdir:?}/tests/control/lib.sh"
ti=${builddir:?}/ti-sync/llmsec-ti-sync
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
[ -x "$ti" ] || skip_all 'llmsec-ti-sync is not built'
[ -x "$builddir/control/llmsecd" ] || skip_all 'llmsecd is not built'
command -v jq >/dev/null || skip_all 'no jq here'

mkdir "$tap_dir/egress"
printf 'rules: []\n' >"$tap_dir/egress.yaml"
sed -i "s|^http: {|&tokens: $tap_dir/tokens, |" "$conf"
echo "egress: {dir: $tap_dir/egress, policy: $tap_dir/egress.yaml}" >>"$conf"
"$builddir/control/llmsecctl" token add push operator --tokens "$tap_dir/tokens" >"$tap_dir/push.token"
"$builddir/control/llmsecctl" token add look viewer --tokens "$tap_dir/tokens" >"$tap_dir/look.token"

node=$url limits=
ti_conf()	# [TOKEN]: the configuration of the node with the feed
{
	cat >"$tap_dir/ti.yaml" <<-T
	state_dir: $tap_dir/state
	sets_dir: $tap_dir/sets
	catalogue: ""
	allow: [fine.shared-host.net]
	fetch: {retries: 2, backoff: 20ms, timeout: 10s, connect_timeout: 4s}
	feeds:
	  - {name: one, file: $tap_dir/one.txt, expiry: 0s, max_loss: 100}
	push:
	  - {name: b, url: "$node"$limits, token_file: "$tap_dir/${1:-push}.token", allow_http: true}
	T
}
names() { seq -f "$2-%.0f.com" 1 "$1"; }
run() { "$ti" -c "$tap_dir/ti.yaml" --report "$tap_dir/report" >"$tap_dir/run.log" 2>&1; rc=$?; }
pushed() { jq -rc '.push[0] | [.outcome, .added, .duplicate, .removed, .left_out]' "$tap_dir/report"; }
on_node()	# domain|ip [SEARCH]: how many the node lists
{
	curl -s -H "Authorization: Bearer $(cat "$tap_dir/look.token")" "$url/api/$1-blacklist?limit=1&search=${2-}" | jq .total
}

{ names 300 one; printf '8.8.4.0/24\n2a00:1450:4001::/48\nshared-host.net\n'; } >"$tap_dir/one.txt"
ti_conf
run
is "$rc" 1 'a node that is away: the run says so by its status'
is "$(jq -c '[.published, .push[0].outcome]' "$tap_dir/report")" '[true,"unreachable"]' 'and publishes here all the same'

llmsecd_start
check 'the node is there' llmsecd_up
run
is "$rc $(pushed)" '0 ["done",302,0,0,1]' 'it gets all of it, though nothing is new'
is "$(jq .published "$tap_dir/report")" false 'and nothing was published again'
is "$(on_node domain) $(on_node ip)" '300 2' 'and lists names and networks'
is "$(on_node domain shared-host)" 0 'but not the name that covers one of the allow list'
run
is "$rc $(pushed)" '0 ["same",0,0,0,0]' 'again: nothing is sent'

sed -i -e '/^one-1[0-9].com/d' -e '/^8.8.4/d' "$tap_dir/one.txt"
echo new-name.com >>"$tap_dir/one.txt"
run
is "$rc $(pushed)" '0 ["done",1,0,11,1]' 'what came and what went'
is "$(on_node domain) $(on_node ip)" '291 1' 'is what the node lists'
is "$(on_node domain one-17.com)$(on_node domain one-171.com)" 01 'and nothing else went'

# Away for three runs.
stop "$daemon"
for i in 1 2 3; do
	sed -i "/^one-2$i.com/d" "$tap_dir/one.txt"
	echo "away-$i.com" >>"$tap_dir/one.txt"
	run
	is "$rc $(jq -r '.push[0].outcome' "$tap_dir/report")" '1 unreachable' "the node is away, run $i"
done
like "$(cat "$tap_dir/run.log")" 'node b: unreachable: .*next run' 'the log says so'
sed -i '/^away-1.com/d' "$tap_dir/one.txt"
llmsecd_start
check 'it comes back' llmsecd_up
run
is "$rc $(pushed)" '0 ["done",2,0,3,1]' 'and catches up: only the difference is sent'
is "$(on_node domain away) $(on_node domain one-2)" '2 108' 'its list is what is published'

# It lost everything, and nobody knows.
curl -s -X DELETE -H "Authorization: Bearer $(cat "$tap_dir/push.token")" "$url/api/domain-blacklist?domain=one-5.com" >/dev/null
"$ti" -q -c "$tap_dir/ti.yaml" push
is "$? $(on_node domain one-5.com)" '0 0' 'push sends only what it does not know to be there'
"$ti" -f -c "$tap_dir/ti.yaml" push >"$tap_dir/run.log" 2>&1
is "$? $(on_node domain one-5.com)" '0 1' 'with --force everything again'
like "$(cat "$tap_dir/run.log")" 'node b: 1 added, 290 were there, 0 removed' 'and says what was missing'

# Refused: it is said, and made up for.
echo refused-at-first.com >>"$tap_dir/one.txt"
ti_conf look
run
like "$rc $(pushed) $(jq -r '.push[0].why' "$tap_dir/report")" '^1 \["refused",0,0,0,1\] HTTP status 403' 'a token that may not: refused'
ti_conf
run
is "$rc $(pushed)" '0 ["done",1,0,0,1]' 'the right one: made up for'

# Killed while it sends: the next run ends where it should.
names 3000 more >>"$tap_dir/one.txt"
"$ti" -q -c "$tap_dir/ti.yaml" 2>/dev/null &
ti_pid=$!
wait_for "[ -e '$tap_dir/state/push.b.domains' ] && grep -q more-3000 '$tap_dir/state/push.b.domains'" 10
kill -9 $ti_pid 2>/dev/null
wait $ti_pid 2>/dev/null
run
is "$rc $(on_node domain more-)" '0 3000' 'killed in the middle: the next run completes it'
check 'the node was never restarted for that' kill -0 "$daemon"

# Many that went: one list, and no cap.
names 25000 many >>"$tap_dir/one.txt"
run
is "$rc $(on_node domain many-)" '0 25000' '25,000 more'
sed -i '/^many-/d' "$tap_dir/one.txt"
run
is "$rc $(pushed) $(on_node domain many-)" '0 ["done",0,0,25000,1] 0' 'and gone again by one run'
is "$(on_node domain one-)" 287 'and nothing else went'

# An llmsecd from before it took such lists: one by one, so many in a run, and the next run goes on from there.
if command -v haproxy >/dev/null; then
	front=$(free_port)
	cat >"$tap_dir/front.cfg" <<-T
	defaults
	    mode http
	    timeout connect 5s
	    timeout client 20s
	    timeout server 20s
	frontend front
	    bind 127.0.0.1:$front
	    http-request return status 405 if METH_DELETE { path_end /import }
	    default_backend node
	backend node
	    server node ${url#http://}
	T
	spawn front haproxy -db -f "$tap_dir/front.cfg"
	node=http://127.0.0.1:$front limits=', max_removals: 120'
	ti_conf
	check 'an older llmsecd' wait_for "[ \"\$(curl -s -o /dev/null -w '%{http_code}' '$node/api/openapi.json')\" = 200 ]" 10
	sed -i '/^more-[12]..[.]com$/d' "$tap_dir/one.txt"
	run
	is "$rc $(pushed)" '1 ["unreachable",0,0,120,1]' 'it gets as many as a run may remove'
	like "$(jq -r '.push[0].why' "$tap_dir/report")" '^120 are removed, one by one; the rest' 'which is said'
	is "$(on_node domain more-)" 2880 'it has the rest still'
	run
	is "$rc $(pushed) $(on_node domain more-)" '0 ["done",0,0,80,1] 2800' 'which the next run removes, and no more'
	node=$url limits=
	ti_conf
else
	skip 'an older llmsecd' 'no haproxy here'
fi
printf '%s\n' b.com a.com garbage >"$tap_dir/state/push.b.domains.sent"
echo last.com >>"$tap_dir/one.txt"
run
is "$rc $(on_node domain last.com)" '0 1' 'a state that makes no sense is nothing to stumble over'
done_testing
