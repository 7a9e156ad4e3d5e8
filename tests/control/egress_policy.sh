#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Versions of the egress policy: what is in force is what stands in the file, whoever wrote it, and nothing of it is lost.
# shellcheck disable=SC2154	# variables of lib.sh
. "${srcdir:?}/tests/control/lib.sh"
command -v jq >/dev/null || { echo '1..0 # SKIP no jq here'; exit 0; }

mkdir "$tap_dir/egress"
policy=$tap_dir/egress.yaml
rule() { printf 'rules:\n  - {id: %s, domains: [%s.example.com]}\n' "$1" "$1"; }
rule first >"$policy"
chmod 640 "$policy"
echo "egress: {dir: $tap_dir/egress, policy: $policy}" >>"$conf"
llmsecd_start
check 'llmsecd starts' llmsecd_up
api() { curl -s -o "$tap_dir/answer" -w '%{http_code}' -X "$1" -H "Authorization: Bearer $(cat "$tap_dir/token")" "${@:3}" "$url$2"; }
answer() { jq -rc "$1" "$tap_dir/answer"; }
push() { rule "$1" >"$tap_dir/in"; api POST "/api/egress/policy$2" --data-binary "@$tap_dir/in"; }
shown() { api GET /api/egress/policy >/dev/null; answer "$1"; }

# ---- what was there before anybody pushed
is "$(api GET /api/egress/policy) $(answer '[.version, .description, (.yaml | contains("first"))]')" '200 [1,"found at start",true]' 'what llmsecd finds is version 1'
is "$(push second '?description=ticket%2012') $(answer '[.version, .changed]')" '200 [2,true]' 'the first push is version 2'
is "$(shown '[.version, .description, .yaml]' | sed 's/\\n//g')" '[2,"ticket 12","rules:  - {id: second, domains: [second.example.com]}"]' 'and in force'
is "$(cat "$policy")" "$(rule second)" 'as the file says'
wait_for 'llmsecctl --json events --event admin.policy | grep -q version' 10
is "$(llmsecctl --json events --event admin.policy | jq -c '.detail | [.by, .change, .version]')" "$(shown '[.by, "set", 2]')" 'who did it is told'
is "$(stat -c %a "$policy")" 640 'which is as readable as it was'
is "$(push second '') $(answer '[.version, .changed]')" '200 [2,false]' 'the same again is the same'
is "$(api POST '/api/egress/policy?rollback=1') $(answer '[.version, .changed]') $(shown .description)" '200 [3,true] rollback to 1' 'what was there comes back'
is "$(cat "$policy")" "$(rule first)" 'whole'

# ---- somebody edits the file
rule hand >"$policy"
is "$(shown '[.version, .added, .description, (.yaml | contains("hand"))]')" '[0,null,"edited by hand",true]' 'a text edited by hand is shown at once'
is "$(push third '') $(answer .version)" '200 5' 'a push keeps it first'
is "$(api GET '/api/egress/policy?version=4') $(answer '[.version, .description, (.yaml | contains("hand"))]')" '200 [4,"edited by hand",true]' 'as a version'
printf 'rules: [{id: x, domains: [.com]}]\n' >"$policy"
like "$(shown .error)" "$(basename "$policy"):1:.*top-level" 'that a text edited by hand is broken is shown, too'
rm "$policy"
is "$(api GET /api/egress/policy) $(answer '[.version, .yaml, .error]')" '200 [0,"","there is no policy file: everything is refused"]' 'and that it is gone'
is "$(api POST '/api/egress/policy?rollback=5') $(answer .changed)" '200 true' 'a version brings it back'
is "$(cat "$policy")" "$(rule third)" 'whole'
is "$(api GET /api/egress/policy/versions) $(answer '[.total, [.data[] | .version], .data[-1].description, .data[0].bytes]')" "200 [6,[6,5,4,3,2,1],\"found at start\",$(stat -c %s "$policy")]" 'all versions'

# ---- numbers, and what nobody means
for bad in 1abc abc 0 -1 '' 1e3 99999999999999999999; do
	is "$(api POST "/api/egress/policy?rollback=$bad") $(answer .error.field)" '400 rollback' "no rollback to '$bad'"
	is "$(api GET "/api/egress/policy?version=$bad") $(answer .error.field)" '400 version' "no version '$bad'"
done
is "$(api POST '/api/egress/policy?rollback=77') $(answer .error.code)" '404 not_found' 'no such version'
is "$(push x '?rollback=1') $(answer .error.field)" '400 rollback' 'a rollback and a policy at once'
while read -r text; do
	printf '%b' "$text" >"$tap_dir/in"
	is "$(api POST /api/egress/policy --data-binary "@$tap_dir/in") $(answer .error.code)" '400 invalid_policy' "refused: '$text'"
	like "$(answer .error.message)" 'everything would be refused' 'because of what it would do'
done <<'T'

\n
# a comment\n
{}\n
---\n
node: rules\n
groups: [{name: rules, domains: [rules.example.com]}]\n
T
is "$(shown .version)" 6 'nothing of that came into force'
printf 'rules: []\n' >"$tap_dir/in"
is "$(api POST /api/egress/policy --data-binary "@$tap_dir/in") $(answer .changed)" '200 true' 'who says "rules: []" means it'
printf 'mode: observe\n' >"$tap_dir/in"
is "$(api POST /api/egress/policy --data-binary "@$tap_dir/in") $(answer .changed)" '200 true' 'an observing policy needs no rules'

# ---- llmsecctl
before=$(shown .version)
is "$(llmsecctl egress policy --rollback 1 | jq -c '[.version, .changed]')" "[$((before + 1)),true]" 'llmsecctl brings a version back, too'
is "$(shown .description)" 'rollback to 1' 'and says whence'
is "$(llmsecctl egress policy --rollback "$before" | jq .changed)" true 'and forth'
like "$(llmsecctl egress policy --rollback 77 2>&1)" '404: .*no such version' 'one that is not there is refused'
llmsecctl egress policy --rollback 77 >/dev/null 2>&1
is $? 1 'with an exit code'
llmsecctl egress policy --rollback '1&x=2' >/dev/null 2>&1
is $? 2 'so is what is no number'
like "$(llmsecctl egress policy "$policy" --rollback 1 2>&1)" 'either a policy or a version' 'and both at once'

# ---- many at once
for i in {1..24}; do
	rule "many$i" >"$tap_dir/many.$i"
	printf 'url = "%s"\nrequest = POST\nheader = "Authorization: Bearer %s"\ndata-binary = "@%s"\noutput = "%s"\nwrite-out = "%%{http_code}\\n"\nnext\n' \
	    "$url/api/egress/policy" "$(cat "$tap_dir/token")" "$tap_dir/many.$i" "$tap_dir/got.$i"
done | sed '$d' >"$tap_dir/many.curl"
curl -s --parallel --parallel-max 24 --parallel-immediate -K "$tap_dir/many.curl" 2>"$tap_dir/curl.err" | sort | uniq -c >"$tap_dir/codes"
is "$(xargs <"$tap_dir/codes")" '24 200' '24 pushes at once are all answered'
is "$(cat "$tap_dir"/got.* | jq -s '[.[].version] | unique | length')" 24 'each with a version of its own'
wrong=
for i in {1..24}; do
	v=$(jq .version "$tap_dir/got.$i")
	api GET "/api/egress/policy?version=$v" >/dev/null
	[ "$(answer .yaml)" = "$(rule "many$i")" ] || wrong+=" $i:$v"
done
is "$wrong" '' 'which has what that push brought'
last=$(shown .version)
is "$last" "$(cat "$tap_dir"/got.* | jq -s '[.[].version] | max')" 'the last one is in force'
is "$(cat "$policy")" "$(shown .yaml)" 'and in the file'
is "$(find "$tap_dir" -name 'egress.yaml*' | wc -l)" 1 'nothing is left beside it'

# ---- while llmsecd was away
stop "$daemon" TERM
is $? 0 'SIGTERM'
rule away >"$policy"
llmsecd_start
check 'llmsecd is back' llmsecd_up
is "$(shown '[.version, .description]')" "[$((last + 1)),\"found at start\"]" 'what was edited while it was away has a version'
stop "$daemon" TERM
llmsecd_start
check 'llmsecd starts again' llmsecd_up
is "$(shown '[.version, .description]')" "[$((last + 1)),\"found at start\"]" 'and keeps it'
stop "$daemon" TERM
done_testing
