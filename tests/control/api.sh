#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The contract of /api/ and what llmsecd answers are the same, both ways: every path, method, status and body of the document
# is asked for, and everything that was answered is in the document.  And who changed what is told.
# shellcheck disable=SC2154,SC2016	# variables of lib.sh; wait_for evaluates
. "${srcdir:?}/tests/control/lib.sh"
command -v jq >/dev/null || { echo '1..0 # SKIP no jq here'; exit 0; }

mkdir "$tap_dir/egress"
policy=$tap_dir/egress.yaml
cat >"$policy" <<-T
	lists: {path: $tap_dir/egress/lists}
	identities: [{id: agent, kind: agent, sources: [10.1.0.0/16]}]
	rules: [{id: llm, domains: [.llm.example.com]}]
	T
printf '# keys\nnode-1 %s\n' "$(printf 'k%.0s' {1..64})" >"$tap_dir/keys"
sed -i "s|^http: {|&tokens: $tap_dir/tokens, |" "$conf"
echo "egress: {dir: $tap_dir/egress, policy: $policy}" >>"$conf"
ctl() { "$builddir/control/llmsecctl" "$@"; }
operator=$(ctl token add op operator --tokens "$tap_dir/tokens")
viewer=$(ctl token add view viewer --tokens "$tap_dir/tokens")
admin=$(ctl token add boss admin --tokens "$tap_dir/tokens")
llmsecd_start
check 'llmsecd starts' llmsecd_up
is "$(curl -s -o "$tap_dir/openapi" -w '%{http_code}' "$url/api/openapi.json")" 200 'the contract is served'
is "$(jq -r .openapi "$tap_dir/openapi")" 3.0.3 'as OpenAPI'

# ask METHOD TEMPLATE PATH [CURL...]: the status.  All of it is noted, for the comparison at the end.
as=$operator n=0
ask()
{
	n=$((n + 1))
	local to=$tap_dir/body.$n code
	code=$(curl -s -o "$to" -w '%{http_code}' --max-time 20 -X "$1" ${as:+-H "Authorization: Bearer $as"} "${@:4}" "$url$3")
	[ -e "$to" ] || : >"$to"
	answer_file=$to status=$code
	echo "${1,,} $2 $code $to" >>"$tap_dir/asked"
}
answer() { jq -rc "$1" "$answer_file"; }
# asks NAME WANTED METHOD TEMPLATE PATH [CURL...]: WANTED is the status and, of an error, its code and field
asks()
{
	ask "${@:3}"
	if [ "$status" = 200 ]; then is 200 "$2" "$1"; return; fi
	is "$status$(jq -r 'if type == "object" and has("error") then " \(.error.code) \(.error.field)" else "" end' "$answer_file" 2>"$tap_dir/jq.err")" "$2" "$1"
}

# ---- as a client of the contract
for l in ip domain white; do
	case $l in
	ip) p=/api/ip-blacklist key=ip value=198.51.100.0/24 bad='10.0.0.1/8' ;;
	domain) p=/api/domain-blacklist key=domain value=evil.sample-lists.net bad=com ;;
	white) p=/api/domain-whitelist key=domain value=good.sample-lists.net bad=co.uk ;;
	esac
	asks "$p: added" 200 POST "$p" "$p" -d "{\"$key\":\"$value\",\"description\":\"d\",\"ttl_s\":3600}"
	is "$(answer "[.$key, .added]")" "[\"$value\",true]" 'and says so'
	asks 'the same again' 200 POST "$p" "$p" -d "{\"$key\":\"$value\"}"
	is "$(answer .added)" false 'is the same'
	asks 'listed' 200 GET "$p" "$p?limit=10&offset=0&search=${value%%.*}"
	is "$(answer "[.total, .data[0].$key, .data[0].description, .data[0].expires, .data[0].imported]")" "[1,\"$value\",\"\",null,false]" 'without the end it had'
	id=$(answer '.data[0].id')
	is "$(curl -s -I -o "$tap_dir/any" -w '%{http_code}' -H "Authorization: Bearer $as" "$url$p")" 200 'HEAD'
	asks 'removed by number' 200 DELETE "$p/{id}" "$p/$id"
	asks 'once' "404 not_found $key" DELETE "$p/{id}" "$p/$id"
	asks 'no number' "400 invalid id" DELETE "$p/{id}" "$p/7x"
	ask POST "$p" "$p" -d "{\"$key\":\"$value\"}"
	asks 'removed by parameter' 200 DELETE "$p" "$p?$key=$value"
	ask POST "$p" "$p" -d "{\"$key\":\"$value\"}"
	asks 'removed by body' 200 DELETE "$p" "$p" -d "{\"$key\":\"$value\"}"
	asks 'once' "404 not_found $key" DELETE "$p" "$p?$key=$value"
	asks 'nothing said' "400 invalid $key" DELETE "$p" "$p"
	asks "not $bad" "400 invalid $key" POST "$p" "$p" -d "{\"$key\":\"$bad\"}"
	asks 'no JSON' '400 invalid body' POST "$p" "$p" -d '{'
	asks 'a typing mistake is no entry for ever' '400 invalid body' POST "$p" "$p" -d "{\"$key\":\"$value\",\"ttl\":60}"
	asks 'limit=10x' '400 invalid limit' GET "$p" "$p?limit=10x"
	asks 'offset=-1' '400 invalid offset' GET "$p" "$p?offset=-1"
	head -c 1100000 /dev/zero | tr '\0' ' ' >"$tap_dir/big"
	asks 'too large' '413 too_large body' POST "$p" "$p" --data-binary "@$tap_dir/big" -H 'Expect:'
	asks 'too large' '413 too_large body' DELETE "$p" "$p" --data-binary "@$tap_dir/big" -H 'Expect:'
	as=$viewer
	asks 'a viewer changes nothing' '403 forbidden null' POST "$p" "$p" -d "{\"$key\":\"$value\"}"
	asks 'and removes nothing' '403 forbidden null' DELETE "$p" "$p?$key=$value"
	asks 'by number neither' '403 forbidden null' DELETE "$p/{id}" "$p/1"
	as=
	asks 'nobody reads' '401 unauthorized null' GET "$p" "$p"
	as=$operator
done
p=/api/ip-blacklist
asks 'cidr is ip' 200 POST $p $p -d '{"cidr":"198.51.100.0/24"}'
asks 'both is a mistake' '400 invalid cidr' POST $p $p -d '{"ip":"198.51.100.1","cidr":"198.51.100.0/24"}'
asks 'removed by ?cidr=' 200 DELETE $p "$p?cidr=198.51.100.0/24"

# ---- imports
p=/api/domain-blacklist/import
# brings NAME LIST ADDED INVALID LINE
brings()
{
	printf '%b' "$2" >"$tap_dir/in"
	ask POST $p $p --data-binary "@$tap_dir/in"
	is "$status $(answer '[.added, .invalid, ([.examples[].line] | sort)]')" "200 [$3,$4,[$5]]" "$1"
}
brings 'text' 'a1.sample-lists.net\n# x\nnot a name!\na2.sample-lists.net\n' 2 1 3
brings 'hosts' '127.0.0.1 localhost\n0.0.0.0 b1.sample-lists.net b2.sample-lists.net\n' 2 1 1
brings 'AdBlock' '[Adblock Plus 2.0]\n||c1.sample-lists.net^\n||c2.sample-lists.net^\n' 2 0 ''
brings 'CSV' 'domain,why\nd1.sample-lists.net,x\nbad name,y\nd2.sample-lists.net,z\n' 2 1 3
brings 'RPZ' '$TTL 60\n@ SOA a. b. 1 2 3 4 5\ne1.sample-lists.net CNAME .\n' 1 0 ''
brings 'JSON' '["f1.sample-lists.net",\n"bad name",\n"f2.sample-lists.net"]' 2 1 2
asks 'a page is no list' '400 unreadable body' POST $p $p -d '<html>no</html>'
asks 'a URL of the house' '502 fetch url' POST $p $p -d '{"url":"https://127.0.0.1:1/x"}'
asks 'a URL without TLS' '400 invalid url' POST $p $p -d '{"url":"http://user:pw@list.example.com/secret?key=1"}'
asks 'taken off' 200 DELETE $p $p -d 'a1.sample-lists.net'
is "$(answer '[.removed, .missing, .invalid]')" '[1,0,0]' 'one'
asks 'taken off by a URL of the house' '502 fetch url' DELETE $p $p -d '{"url":"https://127.0.0.1:1/x"}'
asks 'what is no list' '400 unreadable body' DELETE $p $p -d '<html>no</html>'
# 256 MB and a byte, which takes no room: zeros to the end of a sparse file
truncate -s $((256 * 1024 * 1024 + 1)) "$tap_dir/sparse"
asks 'over 256 MB' '413 too_large body' POST $p $p -T "$tap_dir/sparse" -H 'Expect:'
rm "$tap_dir/sparse"
p=/api/ip-blacklist/import
asks 'networks' 200 POST $p $p -d '198.41.9.7'
asks 'taken off' 200 DELETE $p $p -d '198.41.9.7'
is "$(answer .removed)" 1 'one'
as=$viewer
for p in /api/ip-blacklist/import /api/domain-blacklist/import; do
	asks 'no import by a viewer' '403 forbidden null' POST $p $p -d x
	asks 'nor the other way' '403 forbidden null' DELETE $p $p -d x
done
as=$operator

# ---- the policy, what would be decided, events
p=/api/egress/policy
asks 'not by an operator' '403 forbidden null' POST $p $p --data-binary "@$policy"
as=$admin
asks 'the policy' 200 POST $p $p --data-binary "@$policy"
version=$(answer .version)
asks 'and another' 200 POST $p "$p?description=second" --data-binary 'rules: [{id: x, domains: [x.example.com]}]'
asks 'a broken one' '400 invalid_policy yaml' POST $p $p --data-binary 'rules: [{id: x, domains: [.com]}]'
asks 'back to none that was' '404 not_found rollback' POST $p "$p?rollback=999"
asks 'back to what was' 200 POST $p "$p?rollback=$version" -d ''
asks 'either a policy or a version' '400 invalid rollback' POST $p "$p?rollback=$version" --data-binary "@$policy"
asks 'read' 200 GET $p $p
asks 'the versions' 200 GET $p/versions $p/versions
asks 'an old one' 200 GET $p "$p?version=$version"
asks 'none that was' '404 not_found version' GET $p "$p?version=999"
asks 'no version' '400 invalid version' GET $p "$p?version=newest"
asks 'too large' '413 too_large body' POST $p $p --data-binary "@$tap_dir/big" -H 'Expect:'
is "$(curl -s -H "Authorization: Bearer $as" "$url/api/egress/policy/versions/1" | jq -c .error.code)" '"not_found"' 'not any page below'
p=/api/egress/test
as=$viewer
asks 'what would be decided' 200 POST $p $p -d '{"url":"https://a.llm.example.com/v1","identity":"agent","method":"GET"}'
asks 'of nothing' '400 invalid url' POST $p $p -d '{}'
asks 'an identity is a text' '400 invalid identity' POST $p $p -d '{"url":"a.example.com","identity":5}'
asks 'a method, too' '400 invalid method' POST $p $p -d '{"url":"a.example.com","method":[]}'
asks 'too large' '413 too_large body' POST $p $p --data-binary "@$tap_dir/big" -H 'Expect:'
mv "$policy" "$policy.away"
asks 'without a policy' '503 policy null' POST $p $p -d '{"url":"a.example.com"}'
mv "$policy.away" "$policy"
for p in /api/logs /api/events; do
	asks 'events' 200 GET $p "$p?limit=5&since=1h"
	asks 'those before' 200 GET $p "$p?before=3&until=2030-01-01T00:00:00Z&layer=control&action=monitor&from_node=x&key=k&user=u&target=t"
	asks 'before none' '400 invalid before' GET $p "$p?before=0"
	asks 'not so many' '400 invalid limit' GET $p "$p?limit=99999999"
	asks 'a parameter that there is not' '400 invalid null' GET $p "$p?sort=1"
done
asks 'the components' 200 GET /api/status /api/status
asks 'following, not since yesterday' '400 invalid since' GET /api/events/follow '/api/events/follow?since=yesterday'
asks 'the contract' 200 GET /api/openapi.json /api/openapi.json

# ---- nodes.  The headers are looked at before the body is.
ask GET /api/ip-blacklist /api/ip-blacklist -H 'X-LLMSec-Key-Id: none' -H "X-LLMSec-Timestamp: $(date +%s)" \
	-H "X-LLMSec-Nonce: 0123456789abcdef0123456789abcdef" -H "X-LLMSec-Signature: $(printf '0%.0s' {1..64})"
is "$status $(answer '[.error.code, (.error | keys | join(","))]')" '401 ["node-unknown-key","code,field,message"]' 'a node that nobody knows'

# ---- everything else below /api/
is "$(curl -s "$url/api/nothing" | jq -c '.error | [.code, .field]')" '["not_found",null]' 'a page that there is not'
while read -r path; do
	real=${path/\{id\}/999999}
	methods=$(jq -r --arg p "$path" '.paths[$p] | keys | map(ascii_upcase) | sort | join(" ")' "$tap_dir/openapi")
	for m in GET POST DELETE PUT; do
		# One that follows doesn't end by itself.
		[ "$path $m" != '/api/events/follow GET' ] || continue
		as=$admin
		answer_file=$tap_dir/any
		code=$(curl -s -D "$tap_dir/head" -o "$answer_file" -w '%{http_code}' -X $m -H "Authorization: Bearer $as" "$url$real")
		case " $methods " in *" $m "*) want=other ;; *) want=405 ;; esac
		got=other allow=
		if [ "$code" = 405 ]; then
			got=405
			allow=$(sed -n 's/^Allow: \(.*\)\r$/\1/Ip' "$tap_dir/head")
			allow=${allow//HEAD, /} allow=${allow//, HEAD/}
			for a in ${allow//,/}; do [[ " $methods " == *" $a "* ]] || allow+=' which is not so'; done
			[ "$(wc -w <<<"$allow")" = "$(wc -w <<<"$methods")" ] && [ "$(answer .error.code)" = method_not_allowed ] || allow=
		elif [ "$code" = 404 ] && [ "$(answer .error.message)" = 'no such page' ]; then
			got='no such page'
		fi
		if [ "$got" != "$want" ] || [ "$want$allow" = 405 ]; then
			not_ok "$m $path" "is $got, allows $allow; the document: $methods"
		fi
	done
done < <(jq -r '.paths | keys[]' "$tap_dir/openapi")
ok 'every method of the document is there, and no other is, and 405 says which'
code=$(tr -c '[:print:]' '\n' <"$builddir/control/llmsecd" | grep -E '^/api/[a-z/.-]+$' | sort -u | paste -sd' ')
is "$(jq -r '.paths | keys[] | select(contains("{") | not)' "$tap_dir/openapi" | sort -u | paste -sd' ')" "$code" 'the program knows no other path'

# ---- who did it
told() { llmsecctl events --json --limit 1000 --event "$1" | jq -c "$2"; }
check 'an import is an event with name, role and counts' wait_for '[ -n "$(told admin.import "select(.target == \"ip-blacklist\" and .actor.ip == \"127.0.0.1\" and .detail == {by: \"op\", role: \"operator\", list: \"ip-blacklist\", change: \"import\", added: 1, duplicate: 0, invalid: 0})")" ]' 10
check 'an entry' wait_for '[ -n "$(told admin.list "select(.target == \"198.51.100.0/24\" and .detail == {by: \"op\", role: \"operator\", list: \"ip-blacklist\", change: \"add\", ttl_s: 3600})")" ]' 10
check 'removed by its number, which nobody remembers' wait_for '[ -n "$(told admin.list "select(.target == \"good.sample-lists.net\" and .detail.change == \"remove\")")" ]' 10
check 'a policy' wait_for '[ -n "$(told admin.policy "select(.detail.by == \"boss\" and .detail.change == \"set\" and .detail.version > 0)")" ]' 10
check 'and back' wait_for '[ -n "$(told admin.policy "select(.detail.change == \"rollback\")")" ]' 10
check 'who may not' wait_for '[ -n "$(told admin.refused "select(.detail.by == \"view\" and .action == \"block\")")" ]' 10
# One whose refusals never stop hides nobody else's: both are told of within the second that the first may tell once.
refused_as() { for ((i = 0; i < $2; i++)); do printf 'url = %s/api/egress/policy\noutput = /dev/null\nrequest = PUT\n' "$url"; done | curl -s -K - -H "Authorization: Bearer $1" -w '%{http_code}\n' | sort | uniq -c | xargs; }
is "$(refused_as "$viewer" 40) $(refused_as "$operator" 1)" '40 403 1 403' 'two that may not, one of them often'
check 'the other is told of' wait_for '[ -n "$(told admin.refused "select(.detail.by == \"op\" and .target == \"/api/egress/policy\")")" ]' 10
check 'and how many of the first are not' wait_for 'refused_as "$viewer" 1 >/dev/null; [ -n "$(told admin.refused "select(.detail.by == \"view\" and .detail.more >= 1)")" ]' 10
like "$(cat "$tap_dir/llmsecd.1.log")" 'admin.import: ip-blacklist from 127.0.0.1: .*"by":"op".*"added":1' 'the log has it, too'
secrets=0
for s in "$operator" "$viewer" "$admin" "$(cat "$tap_dir/token")" 'secret?key' user:pw; do
	secrets=$((secrets + $(cat "$tap_dir"/llmsecd.*.log <(llmsecctl events --json --limit 10000) | grep -cF -- "$s")))
done
is "$secrets" 0 'no token and nothing of a URL but its host is anywhere'

# ---- one who floods keeps nobody else out
for ((i = 0; i < 400; i++)); do echo "url = $url/api/egress/policy?version=0"; echo "output = /dev/null"; done >"$tap_dir/flood"
# until it is told to wait: how many that takes depends on how fast this machine asks
flooded() { curl -s -K "$tap_dir/flood" -H "Authorization: Bearer $viewer" -w '%{http_code}\n' --parallel --parallel-max 30 | grep -qx 429; }
check 'who asks too often is told to wait' wait_for flooded 20
as=$operator
asks 'others are not' 200 GET /api/ip-blacklist /api/ip-blacklist

# ---- without lists
stop "$daemon" TERM
sed -i '/^egress:/d' "$conf"
llmsecd_start
check 'llmsecd without egress.dir' llmsecd_up
for p in /api/ip-blacklist /api/domain-blacklist /api/domain-whitelist /api/egress/policy; do
	asks "$p: not here" '503 unavailable null' GET $p $p
done

# ---- all that was answered is in the document, in the shape that it says
cat >"$tap_dir/check.jq" <<'J'
def deref($d): if type == "object" and has("$ref") then (.["$ref"] | ltrimstr("#/components/schemas/")) as $n | $d.components.schemas[$n] else . end;
# What of value . doesn't fit schema $s0.
def misfit($s0; $d; $at):
	($s0 | deref($d)) as $s | . as $v | ($v | type) as $t |
	if $t == "null" then (if $s.nullable then empty else "\($at): null" end)
	elif $s.type == "integer" then (if $t == "number" and $v == ($v | floor) then empty else "\($at): no integer" end)
	elif $s.type != $t then "\($at): \($t), not \($s.type)"
	elif $t == "array" then range($v | length) as $i | $v[$i] | misfit($s.items; $d; "\($at)[\($i)]")
	elif $t == "object" then
		(($s.required // [])[] | select(. as $k | $v | has($k) | not) | "\($at): lacks \(.)"),
		($v | keys[] | select($s.additionalProperties == false and (. as $k | $s.properties | has($k) | not)) | "\($at): also has \(.)"),
		($v | to_entries[] | .key as $k | select($s.properties[$k]? != null) | .value | misfit($s.properties[$k]; $d; "\($at).\($k)"))
	elif $s.enum and ($s.enum | index([$v]) == null) then "\($at): \($v) is none of \($s.enum)"
	else empty end;
$doc[0] as $d | . as $a | ($d.paths[$a.p][$a.m].responses[$a.s] // null) as $r |
if $r == null then "\($a.m) \($a.p): \($a.s) is not in the document"
elif $r.content["application/json"] == null then empty
elif $a.b == "" then empty
else ($a.b | try fromjson catch "no JSON") | misfit($r.content["application/json"].schema; $d; "\($a.m) \($a.p) \($a.s)") end
J
while read -r m p s to; do printf '%s\0%s\0%s\0%s\0' "$m" "$p" "$s" "$(<"$to")"; done <"$tap_dir/asked" |
	jq -Rsc 'split("\u0000") | . as $a | range(0; length - 1; 4) | {m: $a[.], p: $a[. + 1], s: $a[. + 2], b: $a[. + 3]}' >"$tap_dir/asked.json"
is "$(jq -r --slurpfile doc "$tap_dir/openapi" -f "$tap_dir/check.jq" "$tap_dir/asked.json" | sort -u | head -n 20)" '' 'every answer was as the document says'
diag "$(wc -l <"$tap_dir/asked") answers"
# What the document says was answered, but for what takes a broken disk, two requests at once, or a follower too many.
cut -d ' ' -f 1-3 "$tap_dir/asked" | sort -u >"$tap_dir/seen"
jq -r '.paths | to_entries[] | .key as $p | .value | to_entries[] | .key as $m | .value.responses | keys[] | "\($m) \($p) \(.)"' "$tap_dir/openapi" |
	grep -vE ' (401|429|500|503)$|\{id\} (400|413)$|^get .* 413$|/(logs|events|status|follow) 403$|^get /api/events/follow 200$|ip-blacklist/import (400|413|502)$|delete .*import 413$' |
	sort -u | comm -23 - "$tap_dir/seen" >"$tap_dir/unseen"
is "$(cat "$tap_dir/unseen")" '' 'and the document promises no answer that there is not'
done_testing
