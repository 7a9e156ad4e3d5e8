#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Three edges: what one bans, the others refuse; what isn't an edge's word, none of them believes.
. "${srcdir:?}/tests/cluster/lib.sh"

for p in "$haproxy_1" "$haproxy_2" "$haproxy_3" socat openssl; do
	command -v "$p" >/dev/null || { echo "1..0 # SKIP $p is not installed"; exit 0; }
done

cat >"$tap_dir/bad.yaml" <<'T'
cluster:
  nodes:
    - {name: edge2, url: "https://192.0.2.2:10242/x"}
T
out=$("$builddir/control/llmsecd" --check -c "$tap_dir/bad.yaml" 2>&1)
like "$? $out" '^2 .*bad.yaml:3:[0-9]+: error: "url": https' 'a faulty configuration names the line'
sed -i 's|/x"|"|' "$tap_dir/bad.yaml"
out=$("$builddir/control/llmsecd" --check -c "$tap_dir/bad.yaml" 2>&1)
like "$? $out" '^2 .*cluster.nodes needs cluster.keys and this edge.s own name' 'and what is missing'

edges_make
check 'three edges are up' wait_for edges_up 20
check 'the HAProxies have their peers' wait_for peers_up 30
is "$(seen_all 127.0.0.2)" '200 200 200' 'a client is served by all'

# --- an operator bans everywhere
# acked N BODY [METHOD]: the answer in $answer, once every edge says it has it: on a busy machine one may be late, and the
# same again is the same.
acked() { wait_for "answer=\$(post $1 '$2' ${3:-POST}); [ \"\$(jq -r '[.edges[].state] | unique | join(\" \")' <<<\"\$answer\")\" = applied ]" 20; }
acked 1 '{"ip":"127.0.0.2","ttl_s":600,"reason":"scanner","scope":"cluster"}'
is "$(seen_all 127.0.0.2)" '403 403 403' 'a cluster ban: refused by all when the answer is there'
is "$(jq -r '[.edges[] | .edge, .state] | join(" ")' <<<"$answer")" 'edge1 applied edge2 applied edge3 applied' 'each edge acknowledged it'
is "$(jq '[.edges[] | select(.ms > 0)] | length' <<<"$answer")" 3 'and after how many ms'
is "$(seen_all 127.0.0.3)" '200 200 200' 'its neighbour is served'
is "$(ctl 3 ban list --json | jq -c '.bans[] | [.cidr, .votes, .in_force, .by[0].edge, .by[0].by, .reason]')" \
	'["127.0.0.2",2,true,"edge1","operator","scanner"]' 'another edge lists who did it and why'
again=$(post 1 '{"ip":"127.0.0.2","ttl_s":600,"reason":"scanner","scope":"cluster"}')
is "$(jq .banned <<<"$again") $(ctl 2 ban list | grep -c until)" '1 1' 'the same again is the same'
acked 3 '{"ip":"127.0.0.2"}' DELETE
is "$(jq -r '[.edges[] | .state] | join(" ")' <<<"$answer")" 'applied applied applied' 'unbanned on another edge'
is "$(seen_all 127.0.0.2)" '200 200 200' 'it is served by all'
is "$(ctl 1 ban list | grep -c until; ctl 2 ban list | grep -c until)" $'0\n0' 'and in no list'
like "$(cat "$tap_dir/2/orders")" ' lift ip 127.0.0.2$' 'every agent is told to forget it'

acked 3 '{"key":"0123456789abcdef"}' DELETE
is "$(tail -qn 1 "$tap_dir"/[123]/orders | cut -d ' ' -f 2- | sort -u)" 'lift key 0123456789abcdef' 'of a key, too'

# --- networks, which peers cannot carry
acked 1 '{"cidr":"127.9.0.0/16","scope":"cluster"}'
is "$(seen_all 127.9.1.1)" '403 403 403' 'a network'
acked 2 '{"cidr":"127.9.0.0/16"}' DELETE
is "$(seen_all 127.9.1.1)" '200 200 200' 'and back'
is "$(post 1 '{"ip":"127.0.0.9","scope":"cluster"}' | jq -r '.error | test("never-ban")')" true 'who is never banned is not'

# --- evidence of single edges
ctl 1 ban add 127.0.0.4 --reason 'many errors' >"$tap_dir/out"
is "$(seen_all 127.0.0.4)" '403 200 200' 'one edge bans for itself'
check 'the others note its vote' wait_for '[ "$(ctl 3 ban list | grep -c "noted.*1 edge1 operator many errors")" = 1 ]' 5
ctl 2 ban add 127.0.0.4 --reason 'scans paths' >"$tap_dir/out"
check 'two votes of three: the third refuses, too' wait_for '[ "$(seen_all 127.0.0.4)" = "403 403 403" ]' 5
check 'and lists both' wait_for '[ "$(ctl 3 ban list --json | jq -r ".bans[] | [.votes, .in_force, (.by | map(.edge) | sort | join(\"+\"))] | join(\" \")")" = "2 true edge1+edge2" ]' 5
ctl 1 ban del 127.0.0.4 --scope edge >"$tap_dir/out"
check 'one vote is taken back: enough for its own edge only' wait_for '[ "$(seen_all 127.0.0.4)" = "200 403 200" ]' 5
ctl 3 ban del 127.0.0.4 >"$tap_dir/out"
check 'an operator unbans what another edge banned by itself' wait_for '[ "$(seen_all 127.0.0.4)" = "200 200 200" ]' 5

# --- how fast
for i in {1..100}; do
	post 1 "{\"ip\":\"127.1.0.$i\",\"scope\":\"cluster\"}"
done | jq -r '.edges[1:][] | select(.state == "applied") | .ms' >"$tap_dir/ms"
at_least "$(wc -l <"$tap_dir/ms")" 150 'a hundred bans, most acknowledged by the other two at once'
check 'all arrive' wait_for '[ "$(cli 2 "show table llmsec_bans_1" | grep -c "127[.]1[.]0[.].* gpt0=[1-9]") $(cli 3 "show table llmsec_bans_1" | grep -c "127[.]1[.]0[.].* gpt0=[1-9]")" = "100 100" ]' 10
diag "ms from the API call to another edge's HAProxy having it, acknowledged: p50 $(percentile 50 <"$tap_dir/ms") p99 $(percentile 99 <"$tap_dir/ms")"
at_most "$(percentile 99 <"$tap_dir/ms")" 3000 'within a generous limit'

"$builddir/tests/tools/llmsec-ban-lag" "$tap_dir/1/haproxy.sock" llmsec_bans_1 "${http_port[2]}" 100 >"$tap_dir/lag"
is "$? $(wc -l <"$tap_dir/lag")" '0 200' 'a hundred bans and unbans that one HAProxy makes by itself reach the clients of another'
diag "ms: p50 $(sed -n 's/^ban //p' "$tap_dir/lag" | percentile 50) p99 $(sed -n 's/^ban //p' "$tap_dir/lag" | percentile 99)"

# --- many
awk 'BEGIN { for (i = 0; i < 10000; i++) print "10." int(i / 65536) "." int(i / 256) % 256 "." i % 256 }' >"$tap_dir/many"
t0=$(now_ms)
ctl 1 ban add - --scope cluster --reason feed <"$tap_dir/many" >"$tap_dir/out"
diag "10,000 bans imported in $(($(now_ms) - t0)) ms: $(jq -c '[.edges[] | {(.edge): .ms}] | add' "$tap_dir/out")"
used() { cli "$1" 'show table llmsec_bans_1 data.gpt0 gt 0' | grep -c ' key=::ffff:10[.]'; }
check 'every HAProxy has them' wait_for '[ "$(used 1) $(used 2) $(used 3)" = "10000 10000 10000" ]' 20
check 'and every list' wait_for '[ "$(ctl 2 ban list | grep -c feed) $(ctl 3 ban list | grep -c feed)" = "10000 10000" ]' 20

# --- an edge dies
acked 3 '{"ip":"127.0.0.5","scope":"cluster"}'
is "$(seen_all 127.0.0.5)" '403 403 403' 'edge 3 bans'
stop "${haproxy_pid[3]}" KILL
stop "${llmsecd_pid[3]}" KILL
is "$(seen 1 127.0.0.3) $(seen 2 127.0.0.3) $(seen 1 127.0.0.5)" '200 200 403' 'and dies: the others serve and refuse as before'
t0=$(now_ms)
answer=$(post 1 '{"ip":"127.0.0.6","scope":"cluster"}')
diag "answered after $(($(now_ms) - t0)) ms"
is "$(jq -r '[.edges[] | .edge, .state] | join(" ")' <<<"$answer")" 'edge1 applied edge2 applied edge3 down' 'the answer names it'
is "$(seen 1 127.0.0.6) $(seen 2 127.0.0.6)" '403 403' 'and the others have the ban'
like "$(ctl 1 ban list | tail -n 1)" '^edge edge3: it is away: ' 'ban list names it, too'
post 1 '{"ip":"127.0.0.5"}' DELETE >"$tap_dir/out"
is "$(seen 1 127.0.0.5) $(seen 2 127.0.0.5)" '200 200' 'what it banned can be unbanned'
t0=$(now_ms)
haproxy_start 3
llmsecd_start 3
check 'it comes back' wait_for '[ "$(seen 3 127.0.0.3)" = 200 ]' 15
check 'and has the bans' wait_for '[ "$(seen 3 127.0.0.6) $(seen 3 127.1.0.7)" = "403 403" ]' 15
diag "$(($(now_ms) - t0)) ms after it was started"
check 'what was unbanned meanwhile is unbanned there' wait_for '[ "$(seen_all 127.0.0.5)" = "200 200 200" ]' 20
check 'all are up again' wait_for edges_up 20

# --- who isn't an edge
path='/_cluster/blacklist?node=edge1'
body='[{"ip":"127.0.0.7","scope":"cluster","ttl_s":60}]'
# ask CURL-ARGUMENTS...: edge 2, with the headers in $tap_dir/headers; status and code
ask()
{
	curl -s -m 10 -o "$tap_dir/answer" -w '%{http_code}' -H @"$tap_dir/headers" "$@"
	jq -r '" " + (.code // "-")' "$tap_dir/answer" 2>/dev/null
}
sign() { "$builddir/control/llmsecctl" sign "$@" >"$tap_dir/headers"; }
url2=http://127.0.0.1:${ctl_port[2]}
sign --keys "$tap_dir/1/keys" POST "$path" <<<"$body"
is "$(ask -d "$body"$'\n' "$url2$path")" '200 -' 'a signed request is taken'
is "$(seen 2 127.0.0.7)" 200 'as one vote that weighs two in its list; in its HAProxy it stands only by a peer'
is "$(ask -d "$body"$'\n' "$url2$path")" '401 node-replayed' 'not a second time'
sign --keys "$tap_dir/1/keys" POST "$path" <<<"$body"
is "$(ask -d "${body/0.7/0.8}"$'\n' "$url2$path")" '401 node-forged' 'not with another body'
is "$(ask -d "$body"$'\n' "$url2/_cluster/blacklist?node=edge3")" '401 node-forged' 'nor another path'
is "$(ask -X DELETE -d "$body"$'\n' "$url2$path")" '401 node-forged' 'nor another method'
is "$(ask -d "$body"$'\n' "$url2$path")" '200 -' 'and as it was signed it is still good'
sign --keys "$tap_dir/1/keys" --timestamp "$(($(date +%s) - 301))" POST "$path" <<<"$body"
is "$(ask -d "$body"$'\n' "$url2$path")" '401 node-stale' 'not when it is old'
sign --keys "$tap_dir/1/keys" --timestamp "$(($(date +%s) + 330))" POST "$path" <<<"$body"
is "$(ask -d "$body"$'\n' "$url2$path")" '401 node-stale' 'nor from the future'
printf 'k1 %s\n' "$(openssl rand -hex 32)" >"$tap_dir/other.keys"
printf 'k9 %s\n' "$(openssl rand -hex 32)" >"$tap_dir/unknown.keys"
chmod 600 "$tap_dir"/*.keys
sign --keys "$tap_dir/other.keys" POST "$path" <<<"$body"
is "$(ask -d "$body"$'\n' "$url2$path")" '401 node-forged' 'not with another key of the same name'
sign --keys "$tap_dir/unknown.keys" POST "$path" <<<"$body"
is "$(ask -d "$body"$'\n' "$url2$path")" '401 node-unknown-key' 'nor with one nobody knows'
sed -i 's/^X-LLMSec-Nonce: .*/X-LLMSec-Nonce: 1/' "$tap_dir/headers"
is "$(ask -d "$body"$'\n' "$url2$path")" '401 node-malformed' 'nor with half a signature'
: >"$tap_dir/headers"
is "$(ask -d "$body" "$url2$path")" '401 -' 'nor without'
is "$(ask -H "Authorization: Bearer $(cat "$tap_dir/token")" -d "$body" "$url2$path")" '403 -' 'a token is no edge'
sign --keys "$tap_dir/1/keys" POST '/_cluster/blacklist?node=edge7' <<<"$body"
is "$(ask -d "$body"$'\n' "$url2/_cluster/blacklist?node=edge7")" '403 -' 'nor is who stands in no configuration'
sign --keys "$tap_dir/1/keys" GET /api/events </dev/null
is "$(ask "$url2/api/events")" '403 -' 'an edge may not read events'
is "$(metric 2 'llmsec_control_node_requests_total{verdict="forged"}') $(metric 2 'llmsec_control_node_requests_total{verdict="replayed"}')" '4 1' 'forged and replayed ones are counted'
check 'and an event' wait_for 'ctl 2 events --json --event node.refused | grep -q "\"verdict\":\"replayed\""' 5
post 2 '{"ip":"127.0.0.7"}' DELETE >"$tap_dir/out"

# --- TLS between them
curl -s -m 5 --cacert "$tap_dir/edges.crt" --connect-to "llmsec-peer:1:127.0.0.1:${nodes_port[2]}" -o /dev/null "https://llmsec-peer:1/_cluster/blacklist"
isnt $? 0 'a node request without a certificate ends in the handshake'
curl -s -m 5 --cacert "$tap_dir/edges.crt" --cert "$tap_dir/edge1.pem" --connect-to "llmsec-peer:1:127.0.0.1:${nodes_port[2]}" -o /dev/null \
	-w '%{http_code}' -H "Authorization: Bearer $(cat "$tap_dir/token")" "https://llmsec-peer:1/_cluster/blacklist" >"$tap_dir/out"
is "$(cat "$tap_dir/out")" 401 'with one it needs a signature: tokens do not pass'
like "$(timeout 5 openssl s_client -connect "127.0.0.1:${peer_port[1]}" -CAfile "$tap_dir/edges.crt" </dev/null 2>&1 >/dev/null; timeout 5 openssl s_client -connect "127.0.0.1:${peer_port[1]}" -tls1_2 </dev/null 2>&1)" \
	'alert (handshake failure|certificate required)' 'a peer without a certificate is refused'
# A rogue HAProxy in the place of edge 3, with a certificate that another CA signed.
ca rogues
certificate rogues rogue
stop "${haproxy_pid[3]}" TERM
stop "${llmsecd_pid[3]}" TERM
LLMSEC_TEST_CA=$tap_dir/edges.crt haproxy_start 3 "$tap_dir/rogue.pem"
check 'a rogue in the place of edge 3' wait_for '[ "$(seen 3 127.0.0.3)" = 200 ]' 15
cli 3 'set table llmsec_bans_3 key ::ffff:127.0.0.8 data.gpt0 2' >"$tap_dir/out"
check 'calls the others' wait_for '[ "$(cli 3 "show peers" | grep -c "new_conn=[1-9]")" = 2 ]' 15
is "$(seen 3 127.0.0.8) $(seen 1 127.0.0.8) $(seen 2 127.0.0.8)" '403 200 200' 'bans for itself only'
is "$(cli 3 'show peers' | grep -c last_status=ESTA)" 0 'and is nobody'"'"'s peer'
stop "${haproxy_pid[3]}" TERM
haproxy_start 3
llmsecd_start 3
check 'the real one is back' wait_for edges_up 20
check 'with its peers' wait_for peers_up 30

# --- the keys rotate: one file at a time, while bans go on
key2=$(openssl rand -hex 32)
refused() { local n s=0; for n in 1 2 3; do s=$((s + $(metric $n llmsec_control_node_push_failed_total) + $(metric $n 'llmsec_control_node_requests_total{verdict="unknown-key"}'))); done; echo $s; }
before=$(refused)
(
	i=0
	until [ -e "$tap_dir/rotated" ]; do
		i=$((i % 250 + 1))
		post $((i % 3 + 1)) "{\"ip\":\"127.2.0.$i\",\"scope\":\"cluster\"}" | jq -r '.edges[] | .state'
	done >"$tap_dir/states"
) &
tap_pids+=("$!")
traffic=$!
rotate()
{
	local n
	for n in 1 2 3; do
		keys_write "$n" "$@"
		kill -HUP "${llmsecd_pid[$n]}"
		wait_for '[ "$(grep -c "configuration reloaded" "$tap_dir/llmsecd.$n.${starts[$n]}.log")" = "$step" ]' 10
	done
}
step=1 rotate "k1 $key1" "k2 $key2"
check 'step 1: the new key verifies everywhere' [ $? = 0 ]
step=2 rotate "k2 $key2" "k1 $key1"
check 'step 2: it signs everywhere' [ $? = 0 ]
step=3 rotate "k2 $key2"
check 'step 3: the old one is gone' [ $? = 0 ]
: >"$tap_dir/rotated"
wait "$traffic"
unlike "$(sort -u "$tap_dir/states" | paste -sd' ')" down "every ban meanwhile was acknowledged by every edge ($(wc -l <"$tap_dir/states") acknowledgements)"
is "$(($(refused) - before))" 0 'no request of an edge was refused'
printf 'k1 %s\n' "$key1" >"$tap_dir/other.keys"
sign --keys "$tap_dir/other.keys" POST "$path" <<<"$body"
is "$(ask -d "$body"$'\n' "$url2$path")" '401 node-unknown-key' 'the old key is worth nothing'
for n in 1 2 3; do
	stop "${llmsecd_pid[$n]}" TERM
	is $? 0 "llmsecd $n ends well"
done
done_testing
