#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The egress API, from the request to what the helper decides next: lists, imports, policy, tokens.
# shellcheck disable=SC2154	# variables of lib.sh
. "${srcdir:?}/tests/control/lib.sh"
command -v jq >/dev/null || { echo '1..0 # SKIP no jq here'; exit 0; }
helper=$builddir/squid-helpers/ext_llmsec_egress_acl
[ -x "$helper" ] || { echo '1..0 # SKIP the helper is not built'; exit 0; }

mkdir "$tap_dir/egress"
policy=$tap_dir/egress.yaml
cat >"$policy" <<-T
	events: {socket: $sock, spool_dir: $spool}
	lists: {path: $tap_dir/egress/lists}
	threats: {ips: $tap_dir/sets/ips.set, required: false}
	identities: [{id: agent, kind: agent, sources: [10.1.0.0/16]}]
	rules:
	  - {id: llm, domains: [.llm.example.com, .bad.sample-lists.net], cidrs: [198.41.0.0/16]}
	  - {id: agents, domains: [hub.example.com], identities: [agent]}
	T
# Two of the files with one token each: one has its hash, one something that looks like a hash and is none.
printf 'sha256:%s\n' "$(printf %s reader-0123456789abcdef | sha256sum | cut -d' ' -f1)" >"$tap_dir/reader"
echo 'sha256:0123456789abcdefghij' >"$tap_dir/banner"
sed -i "s|^http: {|&tokens: $tap_dir/tokens, read_token_file: $tap_dir/reader, ban_token_file: $tap_dir/banner, |" "$conf"
echo "egress: {dir: $tap_dir/egress, policy: $policy}" >>"$conf"
ctl() { "$builddir/control/llmsecctl" "$@"; }
operator=$(ctl token add op operator --tokens "$tap_dir/tokens")
viewer=$(ctl token add view viewer --tokens "$tap_dir/tokens")
admin=$(cat "$tap_dir/token")
like "$operator" '^llmsec_[0-9a-f]{64}$' 'a token is shown once'
is "$(grep -c "${operator#llmsec_}" "$tap_dir/tokens")" 0 'and kept as a hash'
ctl token add op admin --tokens "$tap_dir/tokens" 2>/dev/null
is "$?" 1 'a name is given once'
llmsecd_start
check 'llmsecd starts' llmsecd_up

# api METHOD PATH [CURL...]: status; the answer in $tap_dir/answer
as=$operator
api() { curl -s -o "$tap_dir/answer" -w '%{http_code}' -X "$1" -H "Authorization: Bearer $as" "${@:3}" "$url$2"; }
answer() { jq -rc "$1" "$tap_dir/answer"; }

# ---- a token of which llmsecd has only the hash
as=reader-0123456789abcdef
is "$(api GET /api/domain-blacklist)" 200 'a token whose hash is in its file'
is "$(api POST /api/domain-blacklist -d '{"domain":"x.sample-lists.net"}')" 403 'has the role of that file'
as=$(cat "$tap_dir/reader")
is "$(api GET /api/domain-blacklist)" 401 'the hash is no token'
as=$(cat "$tap_dir/banner")
is "$(api GET /api/domain-blacklist)" 401 'nor is what was to be one'
like "$(cat "$tap_dir"/llmsecd.*.log)" 'banner: on the first line is a token.*nobody gets in' 'of which llmsecd says so'
as=$operator

# ---- a helper that goes on all the time
coproc HELPER { exec "$helper" -c "$policy" 2>"$tap_dir/helper.err"; }
tap_pids+=("$HELPER_PID")
exec {to}>&"${HELPER[1]}" {from}<&"${HELPER[0]}"
ask()	# HOST: allow or deny and why
{
	local line
	echo "0 192.0.2.1 CONNECT $1 443 -" >&"$to"
	IFS= read -r -t 20 line <&"$from"
	case $line in '0 OK '*) verdict="allow ${line##*rule=}" ;; *) verdict="deny ${line##*reason=}" ;; esac
	verdict=${verdict%% reason*}
}
verdict_is() { ask "$2"; is "$verdict" "$3" "$1"; }
# soon NAME HOST VERDICT: it is so within 200 ms, which is what the helper is asked to keep
soon()
{
	local t0 t
	t0=$(now_ms)
	until ask "$2"; [ "$verdict" = "$3" ]; do t=$(($(now_ms) - t0)); [ $t -lt 5000 ] || break; done
	t=$(($(now_ms) - t0))
	is "$verdict" "$3" "$1"
	diag "$1: $t ms after the answer"
}
soon 'a rule allows it' a.llm.example.com 'allow llm'

# ---- a refusal of an agent is an anomaly
echo '0 10.1.0.9 CONNECT nowhere.example.com 443 -' >&"$to"
IFS= read -r -t 20 line <&"$from"
like "$line" '^0 ERR .*reason=not_allowed identity=agent' 'an agent is refused'
anomalies() { api GET '/api/events?event=egress.anomaly&limit=10000' >/dev/null; answer '.events | length'; }
check 'which llmsecd hears of' wait_for '[ "$(anomalies)" = 1 ]' 15
is "$(answer '.events[0] | [.target, .action, .severity >= 8, .detail.identity, .detail.reason]')" '["nowhere.example.com","block",true,"agent","not_allowed"]' \
	'as an anomaly'
for i in {1..1000}; do echo "0 10.1.0.9 CONNECT n$i.example.com 443 -"; done >"$tap_dir/many"
began=$SECONDS
cat "$tap_dir/many" >&"$to"
for i in {1..1000}; do IFS= read -r -t 20 line <&"$from" || break; done
is "$i ${line%% tag*}" '1000 0 ERR' 'an agent that asks for ever new names is refused each time'
# How many that may be: 200 in each second that it took, begun ones too.
most=$((200 * (SECONDS - began + 2)))
# One that is sent later than all of these: when it is there, they are.
check 'and heard of last' wait_for 'echo "0 10.1.0.9 CONNECT last.example.com 443 -" >&"$to"; IFS= read -r -t 20 line <&"$from"; anomalies >/dev/null; [ "$(answer "[.events[] | select(.target == \"last.example.com\")] | length")" -ge 1 ]' 20
told=$(answer '[.events[] | select(.target | test("^n[0-9]+[.]"))] | length')
at_most "$told" "$most" 'but fills no spool'

# ---- lists
is "$(api POST /api/domain-blacklist -d '{"domain":"EVIL.llm.example.com.","description":"seen","ttl_s":0}') $(answer .added)" '200 true' 'a domain is listed'
soon 'and refused' x.evil.llm.example.com 'deny listed'
verdict_is 'its neighbour is not' a.llm.example.com 'allow llm'
is "$(api POST /api/domain-blacklist -d '{"domain":"evil.llm.example.com"}') $(answer .added)" '200 false' 'the same again is the same'
is "$(api GET /api/domain-blacklist?search=evil) $(answer '[.total, .data[0].domain, .data[0].expires]')" '200 [1,"evil.llm.example.com",null]' 'it is on the list'
is "$(api DELETE /api/domain-blacklist?domain=evil.llm.example.com)" 200 'and taken off'
soon 'and allowed' x.evil.llm.example.com 'allow llm'
is "$(api DELETE /api/domain-blacklist?domain=evil.llm.example.com) $(answer .error.code)" '404 not_found' 'once'
is "$(api POST /api/domain-blacklist -d '{"domain":"brief.llm.example.com","ttl_s":1}')" 200 'one that ends'
soon 'is refused' brief.llm.example.com 'deny listed'
wait_for 'ask brief.llm.example.com; [ "$verdict" = "allow llm" ]' 5
verdict_is 'and ends' brief.llm.example.com 'allow llm'
is "$(api POST /api/ip-blacklist -d '{"cidr":"198.41.0.0/24"}')" 200 'a network is listed'
soon 'and refused' 198.41.0.7 'deny listed'
verdict_is 'its neighbour is not' 198.41.1.7 'allow llm'
is "$(api GET /api/ip-blacklist) $(answer '.data[0].ip')" '200 198.41.0.0/24' 'it is on its list'
is "$(api DELETE "/api/ip-blacklist/$(answer '.data[0].id')")" 200 'and taken off by number'
soon 'and allowed' 198.41.0.7 'allow llm'
is "$(api POST /api/domain-whitelist -d '{"domain":"new.example.net"}')" 200 'a domain is allowed'
soon 'at port 443' new.example.net 'allow api.whitelist'
verdict_is 'and none below it' www.new.example.net 'deny not_allowed'
is "$(api POST /api/domain-whitelist -d '{"domain":".new.example.net"}') $(answer .domain)" '200 .new.example.net' 'unless a leading dot says so'
soon 'as in the policy' www.new.example.net 'allow api.whitelist'
is "$(api POST /api/domain-whitelist -d '{"domain":"hub.example.com"}')" 200 'a host that a rule keeps for somebody'
soon 'what the rules say about it stands' x.new.example.net 'allow api.whitelist'
verdict_is 'it stays that one'"'"'s' hub.example.com 'deny identity_not_allowed'
is "$(api DELETE '/api/domain-whitelist?domain=.new.example.net')" 200 'taken off'
soon 'for those below alone' www.new.example.net 'deny not_allowed'
verdict_is 'not for the name' new.example.net 'allow api.whitelist'

# ---- what is refused, and how
while read -r path body field; do
	is "$(api POST "$path" -d "$body") $(answer '[.error.code, .error.field]')" "400 [\"invalid\",$field]" "refused: $path $body"
done <<'T'
/api/domain-blacklist {} "domain"
/api/domain-blacklist {"domain":"com"} "domain"
/api/domain-blacklist {"domain":"co.uk"} "domain"
/api/domain-blacklist {"domain":"a\nb.example.com"} "domain"
/api/domain-blacklist {"domain":"1.2.3.4"} "domain"
/api/domain-blacklist {"domain":"a.example.com","ttl_s":-1} "ttl_s"
/api/domain-blacklist {"domain":"a.example.com","ttl_s":"x"} "ttl_s"
/api/domain-blacklist [1] "body"
/api/domain-blacklist {"domain":"a.example.com","description":5} "description"
/api/domain-whitelist {"domain":".com"} "domain"
/api/domain-whitelist {"domain":"metadata.google.internal"} "domain"
/api/ip-blacklist {"ip":"host"} "ip"
/api/ip-blacklist {"ip":"0.0.0.0/0"} "ip"
/api/ip-blacklist {"ip":"10.0.0.1%eth0"} "ip"
/api/egress/test {} "url"
T
as=$viewer
is "$(api GET /api/ip-blacklist)" 200 'a viewer reads'
is "$(api POST /api/ip-blacklist -d '{"ip":"198.41.0.9"}') $(answer .error.code)" '403 forbidden' 'and changes nothing'
as=wrong-0123456789abcdef0123
is "$(api GET /api/ip-blacklist) $(answer '.error | keys | join(",")')" '401 code,field,message' 'nobody gets in with another token'
as=$operator
is "$(api POST /api/egress/policy --data-binary "@$policy") $(answer .error.code)" '403 forbidden' 'an operator does not change the policy'

# ---- imports
import() { api POST "/api/$1/import" --data-binary "@$tap_dir/in"; }
printf '# list\ntext1.sample-lists.net\nnot a name!\ntext2.sample-lists.net\ntext1.sample-lists.net\n' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer '[.added,.duplicate,.invalid,.examples[0].line]')" '200 [2,1,1,3]' 'text, with the line of what is wrong'
is "$(import domain-blacklist) $(answer '[.added,.duplicate]')" '200 [0,3]' 'again: all are there'
printf '["json1.sample-lists.net","json2.sample-lists.net"]' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer .added)" '200 2' 'a JSON array'
printf '0.0.0.0 hosts1.sample-lists.net # note\n127.0.0.1 hosts2.sample-lists.net\n' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer .added)" '200 2' 'hosts'
printf '[Adblock Plus 2.0]\n! x\n||ads1.sample-lists.net^\n||ads2.sample-lists.net^$third-party\n' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer '.added >= 1')" '200 true' 'AdBlock'
printf '$TTL 60\n@ SOA a. b. 1 2 3 4 5\nrpz1.sample-lists.net CNAME .\n*.rpz1.sample-lists.net CNAME .\n' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer .added)" '200 1' 'RPZ'
printf 'domain,why\ncsv1.sample-lists.net,x\ncsv2.sample-lists.net,y\n' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer .added)" '200 2' 'CSV'
printf '198.41.9.0/24\n198.41.10.1\nx\n' >"$tap_dir/in"
is "$(import ip-blacklist) $(answer '[.added,.invalid]')" '200 [2,1]' 'networks'
soon 'which are refused' 198.41.9.9 'deny listed'

# ---- and the same taken off again
unimport() { api DELETE "/api/$1/import" --data-binary "@$tap_dir/in"; }
printf 'text1.sample-lists.net\nnever-there.sample-lists.net\nnot a name!\nJSON1.sample-lists.net.\ntext1.sample-lists.net\n' >"$tap_dir/in"
is "$(unimport domain-blacklist) $(answer '[.removed,.missing,.invalid,.examples[0].line]')" '200 [2,1,1,3]' 'a list taken off'
is "$(unimport domain-blacklist) $(answer '[.removed,.missing]')" '200 [0,3]' 'again: nothing is there'
is "$(import domain-blacklist) $(answer .added)" '200 3' 'and put back'
printf 'never-there.sample-lists.net\n' >"$tap_dir/in"
is "$(unimport domain-blacklist) $(answer .removed)" '200 1' 'but for one'
is "$(api POST /api/domain-blacklist -d '{"domain":"by-hand.sample-lists.net","description":"mine"}')" 200 'a name by hand'
printf 'by-hand.sample-lists.net\n' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer .duplicate)" '200 1' 'which a list has too'
is "$(unimport domain-blacklist) $(answer '[.removed,.missing]')" '200 [0,1]' 'stays when the list drops it'
is "$(api DELETE /api/domain-blacklist?domain=by-hand.sample-lists.net)" 200 'until a person takes it off'
printf '198.41.9.0/24\n' >"$tap_dir/in"
is "$(unimport ip-blacklist) $(answer .removed)" '200 1' 'a network'
soon 'is free again' 198.41.9.9 'allow llm'
as=$viewer
is "$(unimport ip-blacklist)" 403 'not by a viewer'
as=$operator
is "$(api GET /api/ip-blacklist/import) $(answer .error.code)" '405 method_not_allowed' 'nothing to read there'
printf '<html>no</html>' >"$tap_dir/in"
is "$(import domain-blacklist) $(answer .error.code)" '400 unreadable' 'a page is no list'
for bad in http://198.41.0.1/x https://127.0.0.1/x https://169.254.169.254/latest 'https://[::1]/' file:///etc/passwd; do
	like "$(api POST /api/domain-blacklist/import -d "{\"url\":\"$bad\"}")" '^(400|502)$' "nothing is fetched from $bad"
done

# ---- 231,000
awk 'BEGIN { for (i = 0; i < 231000; i++) print "n" i ".bad.sample-lists.net" }' >"$tap_dir/in"
t0=$(now_ms)
is "$(import domain-blacklist) $(answer .added)" '200 231000' '231,000 names'
diag "imported in $(($(now_ms) - t0)) ms"
soon 'are refused' n230999.bad.sample-lists.net 'deny listed'
is "$(grep -c . "$tap_dir/egress/lists")" "$(sed -n 's/^end //p' "$tap_dir/egress/lists" | awk '{print $1 + 1}')" 'they are in a set, not in the text'
is "$(api POST /api/domain-blacklist -d '{"domain":"one.llm.example.com"}')" 200 'one more'
soon 'counts as soon with so many' one.llm.example.com 'deny listed'
is "$(api DELETE /api/domain-blacklist?domain=n17.bad.sample-lists.net)" 200 'one less'
soon 'too' n17.bad.sample-lists.net 'allow llm'
verdict_is 'and no other' n18.bad.sample-lists.net 'deny listed'
diag "the helper's memory: $(awk '/VmRSS/ { print $2 }' "/proc/$HELPER_PID/status") kB"

seq -f 'n%.0f.bad.sample-lists.net' 1000 31000 >"$tap_dir/in"
t0=$(now_ms)
is "$(unimport domain-blacklist) $(answer '[.removed,.missing]')" '200 [30001,0]' '30,001 names taken off at once'
diag "removed in $(($(now_ms) - t0)) ms"
soon 'are allowed what they were' n1000.bad.sample-lists.net 'allow llm'
verdict_is 'the one above stays' n31001.bad.sample-lists.net 'deny listed'
is "$(import domain-blacklist) $(answer .added)" '200 30001' 'and put back'
soon 'are refused again' n31000.bad.sample-lists.net 'deny listed'

# ---- killed and back
stop "$daemon" KILL
verdict_is 'without llmsecd the lists stay in force' n18.bad.sample-lists.net 'deny listed'
llmsecd_start
check 'llmsecd is back' llmsecd_up
is "$(api GET '/api/domain-blacklist?limit=1&search=sample-lists') $(answer .total)" "200 $((231000 + 10 - 1))" 'with its lists'

# ---- the policy
as=$admin
is "$(api POST /api/egress/test -d '{"url":"https://a.llm.example.com/v1","identity":"agent"}') $(answer '[.decision,.rule]')" '200 ["allow","llm"]' 'what would be decided'
is "$(api POST /api/egress/test -d '{"url":"hub.example.com","identity":"agent"}') $(answer '[.decision,.rule]')" '200 ["splice","agents"]' 'for an identity'
is "$(api POST /api/egress/test -d '{"url":"hub.example.com","identity":"198.41.0.1"}') $(answer '[.decision,.reason]')" '200 ["deny","identity_not_allowed"]' 'and for somebody else'
is "$(llmsecctl egress test http://0xa9fea9fe/ | jq -r .reason)" metadata 'llmsecctl asks, too'
ti=$builddir/ti-sync/llmsec-ti-sync
if [ -x "$ti" ]; then
	decided() { llmsecctl egress test http://198.41.0.66/ | jq -rc '[.decision,.reason,.rule]'; }
	isnt "$(decided)" '["deny","threat","egress.threat-intel"]' 'an address that nobody lists'
	echo 198.41.0.66 >"$tap_dir/feed.txt"
	printf 'state_dir: %s/ti\nsets_dir: %s/sets\ncatalogue: ""\nfeeds: [{name: f, file: %s/feed.txt, category: malware, confidence: 90, expiry: 0s}]\n' \
		"$tap_dir" "$tap_dir" "$tap_dir" >"$tap_dir/ti.yaml"
	check 'llmsec-ti-sync lists it' "$ti" -q -c "$tap_dir/ti.yaml"
	is "$(decided)" '["deny","threat","egress.threat-intel"]' 'which llmsecctl egress test knows'
else
	skip 'addresses of llmsec-ti-sync' 'it is not built'
fi
sed 's/hub.example.com/hub2.example.com/' "$policy" >"$tap_dir/p2"
cat >>"$tap_dir/p2" <<-T
	accounts: {log: $tap_dir/bytes.log, state: $tap_dir/bytes.state}
	budgets: [{id: hub-day, rules: [agents], bytes: 1k}, {id: llm-day, rules: [llm], bytes: 1k}]
T
printf 'llmsec-egress-accounts 1\nlog 1 0\nhub-day agent %d 1000\nllm-day - %d 2000\nend\n' "$(date +%s)" "$(date +%s)" >"$tap_dir/bytes.state"
is "$(api POST /api/egress/policy --data-binary "@$policy") $(answer .version)" '200 1' 'the policy gets a version'
is "$(api POST /api/egress/policy --data-binary "@$tap_dir/p2") $(answer .version)" '200 2' 'and another'
is "$(api POST /api/egress/test -d '{"url":"hub2.example.com","identity":"agent"}') $(answer .rule)" '200 agents' 'which is in force'
is "$(answer '[.budgets[] | .id, .used, .bytes]')" '["hub-day",1000,1024]' 'with what is used of its budget'
is "$(api POST /api/egress/test -d '{"url":"a.llm.example.com"}') $(answer '[.decision, .reason, .budgets[0].used]')" '200 ["deny","over_budget",2000]' 'or that it is used up'
echo 'rules: [{id: x, domains: [.com]}]' >"$tap_dir/p3"
is "$(api POST /api/egress/policy --data-binary "@$tap_dir/p3") $(answer .error.code)" '400 invalid_policy' 'a bad one is refused'
like "$(answer .error.message)" 'com.*top-level' 'with the reason'
is "$(api POST '/api/egress/policy?rollback=1') $(api POST /api/egress/test -d '{"url":"hub.example.com","identity":"agent"}') $(answer .rule)" '200 200 agents' 'and back'
is "$(api GET '/api/egress/policy?version=2') $(answer '.yaml | contains("hub2")')" '200 true' 'old versions can be read'
is "$(api GET '/api/logs?limit=5') $(answer '.events | type')" '200 array' 'logs'

# ---- the contract
is "$(curl -s -o "$tap_dir/openapi" -w '%{http_code}' "$url/api/openapi.json")" 200 'the contract is served'
is "$(jq -r .openapi "$tap_dir/openapi")" 3.0.3 'as OpenAPI'
missing=
while read -r method path; do
	[ "$(api "${method^^}" "${path/\{id\}/999999}" -d '')" != 405 ] || missing+=" $method $path"
	[ "$(answer '.error.message // ""')" != 'no such page' ] || missing+=" $method $path"
done < <(jq -r '.paths | to_entries[] | select(.key != "/api/events/follow") | .key as $p | .value | keys[] | . + " " + $p' "$tap_dir/openapi")
# events/follow never ends: tests/control/api.sh has it
is "$missing" '' 'every operation in it is there'
ctl token revoke op --tokens "$tap_dir/tokens"
as=$operator
is "$(api GET /api/ip-blacklist)" 401 'a revoked token is none'
as=$admin
# how many that takes depends on how fast this machine asks
for k in {1..200}; do printf 'url = %s/api/ip-blacklist?limit=1\noutput = /dev/null\n' "$url"; done >"$tap_dir/flood"
flooded() { curl -s -K "$tap_dir/flood" -H "Authorization: Bearer $as" -w '%{http_code}\n' --parallel --parallel-max 30 2>>"$tap_dir/curl.err" | grep -qx 429; }
check 'who asks too often is told to wait' wait_for flooded 20
exec {to}>&-
stop "$daemon" TERM
is $? 0 'SIGTERM'

# ---- without llmsecd: suggestions, CA, squid.conf
ctl ca init --ca "$tap_dir/ca.pem" >"$tap_dir/ca.out"
is "$? $(stat -c %a "$tap_dir/ca.pem")" '0 600' 'a CA'
ctl ca init --ca "$tap_dir/ca.pem" >/dev/null 2>&1
is "$?" 1 'is not made twice'
ctl ca show --ca "$tap_dir/ca.pem" >"$tap_dir/ca.show"
like "$(openssl x509 -noout -text -in "$tap_dir/ca.pem")" 'CA:TRUE, pathlen:0' 'and may sign hosts only'
is "$(grep -c 'PRIVATE KEY' "$tap_dir/ca.show")" 0 'its key is not shown'
ctl ca rotate --ca "$tap_dir/ca.pem" >"$tap_dir/ca.new"
isnt "$(head -1 "$tap_dir/ca.new")" "$(head -1 "$tap_dir/ca.show")" 'and another'
done_testing
