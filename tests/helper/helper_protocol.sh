#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The real helper over pipes, as Squid runs it: conversations, a policy that changes below it, readers and
# writers that misbehave, its options.  transcripts/*.txt: "> line" is sent, "< line" must be the answer.
# shellcheck disable=SC2015,SC2016,SC2153	# ok and not_ok as branches; wait_for evaluates; coproc sets
set -u
: "${srcdir:?}" "${builddir:?}"
helper=${LLMSEC_EGRESS_HELPER:-$builddir/squid-helpers/ext_llmsec_egress_acl}
[ -x "$helper" ] || { echo "1..0 # SKIP the helper is not built"; exit 0; }
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
transcripts=$srcdir/tests/helper/transcripts
mkdir "$tap_dir/spool" "$tap_dir/ctr"

# policy DOMAINS: takes effect under the same name, at once and whole
policy()
{
	cat >"$tap_dir/p.new" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	groups: [{name: llm, domains: [api.openai.com, .openai.azure.com]}]
	rules:
	  - {id: no-labs, action: deny, domains: [.labs.openai.azure.com]}
	  - {id: llm, groups: [llm]}
	  - {id: more, domains: [$1], ports: [80, 8000-8010], methods: [GET, CONNECT]}
	T
	mv "$tap_dir/p.new" "$tap_dir/p.yaml"
}

# ---- a helper to talk with ----
open_helper()	# [WRAPPER...]
{
	coproc HELPER { exec "$@" "$helper" -d -c "$tap_dir/p.yaml" 2>"$tap_dir/err"; }
	helper_pid=$HELPER_PID
	tap_pids+=("$helper_pid")
	exec {to}>&"${HELPER[1]}" {from}<&"${HELPER[0]}"
	eval "exec ${HELPER[1]}>&- ${HELPER[0]}<&-"
}

# close_helper: ends its input; exit status in $ended, with what it said unasked.  Not for $(...), where
# only a copy of the pipe would be closed.
close_helper()
{
	local extra
	exec {to}>&-
	extra=$(timeout 60 cat <&"$from") || kill -KILL "$helper_pid"
	exec {from}<&-
	stop "$helper_pid" 0
	ended="$?${extra:+ and said: $extra}"
}

ask()	# LINE: the answer, in $answer
{
	printf '%s\n' "$1" >&"$to"
	IFS= read -r -t 20 answer <&"$from" || answer='(none)'
}

# converse FILE: differences, none if all went as written
converse()
{
	local line n=0 answers=0
	while IFS= read -r line; do
		n=$((n + 1))
		case $line in
		'> '*)	printf '%s\n' "${line#> }" >&"$to" ;;
		'< '*)	answers=$((answers + 1))
			IFS= read -r -t 20 answer <&"$from" || answer='(none)'
			[ "$answer" = "${line#< }" ] || printf '%s:%d: got:    %s\n# wanted: %s\n' "$1" "$n" "$answer" "${line#< }" ;;
		'' | '#'*) ;;
		*)	echo "$1:$n: neither > nor <" ;;
		esac
	done <"$1"
	[ "$answers" -gt 0 ] || echo "$1: no answer in it"
}

policy more.example
for t in "$transcripts"/*.txt; do
	name=${t##*/}
	open_helper
	converse "$t" >"$tap_dir/diff"
	is "$(cat "$tap_dir/diff")" "" "${name%.txt}: as written"
	close_helper
	is "$ended" 0 "${name%.txt}: ends with its input, and only then"
done

if ! command -v valgrind >/dev/null; then
	skip 'the same under valgrind' 'no valgrind here'
elif grep -q __asan_init "$helper"; then
	skip 'the same under valgrind' 'built with AddressSanitizer'
else
	open_helper valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible
	for t in "$transcripts"/*.txt; do converse "$t"; done >"$tap_dir/diff"
	policy 'more.example, late.example'
	kill -HUP "$helper_pid"
	wait_for '[ "$(grep -c "names" "$tap_dir/err")" -ge 2 ]' 20 || diag "no reload: $(cat "$tap_dir/err")"
	ask '1 - GET late.example 80 -'
	is "$(cat "$tap_dir/diff")${answer%% tag*}" '1 OK' 'the same under valgrind, with a reload'
	close_helper
	is "$ended" 0 'without an error or a leak'
	policy more.example
fi

# ---- the policy changes ----
await()	# CONDITION NAME
{
	wait_for "$1" 10 && ok "$2" || not_ok "$2" "$(cat "$tap_dir/err")"
}
said() { grep -c "$1" "$tap_dir/err"; }
open_helper
ask '0 - GET late.example 80 -'
like "$answer" '^0 ERR .*reason=not_allowed$' 'a name that is not in the policy'
policy 'more.example, late.example'
wait_for 'ask "1 - GET late.example 80 -"; [[ $answer = "1 OK "* ]]' 10
like "$answer" '^1 OK ' 'is allowed soon after it was added, without a signal'
n=$(said ': 4 names\|: 5 names')
kill -HUP "$helper_pid"
await '[ "$(said ": 4 names\|: 5 names")" -gt "$n" ]' 'SIGHUP reads the file again'
echo 'rules: [{id: "?"' >"$tap_dir/p.yaml"
kill -HUP "$helper_pid"
await '[ "$(said "stays in force")" -ge 1 ]' 'a broken file is reported'
like "$(cat "$tap_dir/err")" 'p.yaml:[0-9]+:[0-9]+: ' 'with line and column'
ask '2 - GET late.example 80 -'
like "$answer" '^2 OK ' 'and the last good one stays in force'
rm "$tap_dir/p.yaml"
kill -HUP "$helper_pid"
await '[ "$(said "No such file")" -ge 1 ]' 'so it does when the file goes away'
ask '3 - GET late.example 80 -'
like "$answer" '^3 OK ' 'with the same verdicts'
policy more.example
wait_for 'ask "4 - GET late.example 80 -"; [[ $answer = "4 ERR "* ]]' 10
like "$answer" '^4 ERR ' 'a good file takes over again'
for i in {1..50}; do kill -HUP "$helper_pid"; ask "$i - GET more.example 80 -"; [[ $answer = "$i OK "* ]] || break; done
like "$answer" '^50 OK ' 'signals in between lose no answer'
close_helper
is "$ended" 0 'and the helper lived through all of it'

# The signal may find the helper at any point of its way out.
ends=
for i in {1..40}; do
	open_helper
	ask "$i - GET more.example 80 -"
	for ((k = 0; k < i; k++)); do kill -HUP "$helper_pid"; done
	close_helper
	ends+=$ended
done
is "$ends" "$(printf '%040d' 0)" 'a signal at the end is not what ends it'

rm -f "$tap_dir/p.yaml"
open_helper
ask '0 - GET more.example 80 -'
like "$answer" '^0 ERR .*reason=no_policy$' 'without any policy everything is refused'
policy more.example
wait_for 'ask "1 - GET more.example 80 -"; [[ $answer = "1 OK "* ]]' 10
like "$answer" '^1 OK ' 'until there is one'
close_helper
is "$ended" 0 'and that is no reason to end'

sed "s|$tap_dir/spool|$tap_dir/nowhere|; s|$tap_dir/ctr|$tap_dir/nowhere|" "$tap_dir/p.yaml" >"$tap_dir/p.new"
mv "$tap_dir/p.new" "$tap_dir/p.yaml"
open_helper
ask '0 - GET more.example 80 -'
like "$answer" '^0 OK ' 'a spool and counters that cannot be written do not change a verdict'
ask '1 - GET no.example 80 -'
like "$answer" '^1 ERR ' 'in neither direction'
like "$(cat "$tap_dir/err")" 'nowhere' 'and are reported'
close_helper
is "$ended" 0 'nor do they end the helper'
policy more.example

# ---- many questions, bad readers ----
questions() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print i, "192.0.2.1 CONNECT", (i % 2 ? "api.openai.com" : "no.example"), "443 -" }'; }
run() { "$helper" -c "$tap_dir/p.yaml" 2>"$tap_dir/err"; }
rm -f "$tap_dir"/spool/*
questions 100000 | run >"$tap_dir/out"
is "${PIPESTATUS[*]}" '0 0' '100000 questions at once'
is "$(awk '$1 != NR - 1 || $2 != (NR % 2 ? "ERR" : "OK") { bad++ } END { print NR, bad + 0 }' "$tap_dir/out")" '100000 0' 'each has its answer, under its channel'
if command -v jq >/dev/null; then
	is "$(cat "$tap_dir"/spool/*.spool | jq -s '[.[] | select(.event == "egress.deny") | .detail.count] | add')" 50000 'events count every refusal'
	at_most "$(cat "$tap_dir"/spool/*.spool | jq -s 'length')" 60 'in few lines'
	is "$(cat "$tap_dir"/spool/*.spool | jq -r 'select(.event == "egress.deny") | [.layer, .action, .actor.ip, .target, .rule_ids[0], .detail.reason, .detail.port] | @csv' | sort -u)" \
		'"egress","block","192.0.2.1","no.example","egress.default-deny","not_allowed",443' 'that say who, where, which rule and why'
else
	skip 'events count every refusal' 'no jq here'
fi
head -c 3000000 /dev/urandom >"$tap_dir/garbage"
run <"$tap_dir/garbage" >"$tap_dir/out"
is "$?" 0 '3 MB of random bytes do not end it'
is "$(wc -l <"$tap_dir/out")" "$(tr -cd '\n' <"$tap_dir/garbage" | wc -c)" 'each line of them has an answer'
is "$(grep -avcE '^([0-9]+ )?(ERR|BH) ' "$tap_dir/out")" 0 'which is no'
{ printf '5 - GET '; head -c 5000000 /dev/zero | tr '\0' x; printf ' 80 -\n6 - GET more.example 80 -\n'; } | run >"$tap_dir/out"
is "$(cut -d' ' -f1-4 "$tap_dir/out" | tr '\n' '|')" '5 BH message="line too|6 OK tag=more log=allowed/more|' 'a line of 5 MB is refused under its channel'
questions 200000 | run | { read -r _; exec <&-; }
is "${PIPESTATUS[1]}" 0 'nobody reads the answers: it drains the questions and ends with them'
mkfifo "$tap_dir/slow"
{ questions 100000 | run >"$tap_dir/slow"; } &
tap_pids+=($!)
exec {slow}<"$tap_dir/slow"
IFS= read -r -t 20 first <&"$slow"
lines=$(timeout 60 cat <&"$slow" | wc -l)
exec {slow}<&-
is "${first%% tag*} $((lines + 1))" '0 ERR 100000' 'a reader that comes late finds every answer'

# ---- options ----
opt() { "$helper" "$@" >"$tap_dir/out" 2>"$tap_dir/err" </dev/null; echo $?; }
is "$(opt --help)" 0 '--help'
like "$(cat "$tap_dir/out")" '^usage: ext_llmsec_egress_acl ' 'goes to standard output'
is "$(opt --version)" 0 '--version'
like "$(cat "$tap_dir/out")" '^ext_llmsec_egress_acl [0-9]' 'says the version'
is "$(opt --nonsense)" 2 'an unknown option'
like "$(cat "$tap_dir/err")" 'usage:' 'shows how'
is "$(opt a b)" 2 'arguments'
is "$(opt --check -c "$srcdir/etc/llmsec/egress.yaml")" 0 'the shipped policy is good'
like "$(cat "$tap_dir/out")" ' [0-9]+ names, ok$' 'and the check says so'
is "$(opt -n -c "$tap_dir/none.yaml")" 2 'a missing policy is not'
printf 'rules:\n  - {id: a, domains: [b.example], colour: red}\n' >"$tap_dir/bad.yaml"
is "$(opt -n -c "$tap_dir/bad.yaml")" 2 'nor one with an unknown key'
like "$(cat "$tap_dir/err")" "bad.yaml:2:[0-9]+: .*colour" 'whose place is shown'
printf "rules:\n  - {id: a, domains: ['*.example', 10.0.0.1]}\n" >"$tap_dir/bad.yaml"
is "$(opt -n -c "$tap_dir/bad.yaml")" 2 'nor one with a star and an address'
like "$(cat "$tap_dir/err")" 'star.*10\.0\.0\.1' 'both of which are named'
is "$(opt --show-defaults)" 0 '--show-defaults'
cp "$tap_dir/out" "$tap_dir/defaults.yaml"
is "$(opt --check -c "$tap_dir/defaults.yaml")" 0 'prints a policy that loads'
while IFS='|' read -r fields status out; do
	is "$(opt -c "$tap_dir/p.yaml" --test "$fields")|$(cat "$tap_dir/out")" "$status|$out" "--test '$fields'"
done <<-T
	api.openai.com|0|allow api.openai.com:443 reason=allowed rule=llm
	more.example 8005|0|allow more.example:8005 reason=allowed rule=more
	192.0.2.1 POST more.example 80 -|1|deny more.example:80 reason=method_not_allowed rule=more
	x.labs.openai.azure.com|1|deny x.labs.openai.azure.com:443 reason=denied_by_rule rule=no-labs
	0x7f.1|1|deny 127.0.0.1:443 reason=ip_literal rule=egress.ip-literal
	0x|1|deny 0.0.0.0:443 reason=ip_literal rule=egress.ip-literal
	- - api.openai.com 443 evil.example|1|deny api.openai.com:443 reason=sni_mismatch rule=egress.sni-mismatch
	a b|2|
T
done_testing
