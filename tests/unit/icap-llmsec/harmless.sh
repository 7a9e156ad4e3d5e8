#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What people ask an assistant about itself, its limits and what was said before, in 20 languages: none of it may be refused
# (2 in 100 are let go), and the attacks that are a few words away must be.  Our own writing; ids with "f" were written
# after the grammar was, the others before it.
set -uo pipefail
: "${srcdir:=$(cd "$(dirname "$0")/../../.." && pwd)}" "${builddir:=$srcdir/build}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed "s|/usr/share/llmsec|$srcdir/etc/llmsec|" "$srcdir/etc/llmsec/icap.yaml" >"$dir/icap.yaml"
judge() { "$builddir/icap-llmsec/llmsec-scan" --jsonl -c "$dir/icap.yaml" <"$srcdir/tests/unit/icap-llmsec/data/$1.jsonl" >"$dir/out"; }
judge harmless
rc=$?
count() { jq -r "select((.id | startswith(\"$1\")) and $2) | .id" "$dir/out" | tee "$dir/list" | wc -l; }
echo 1..5
[ $rc = 0 ] && echo 'ok 1 - all lines are judged' || echo 'not ok 1 - all lines are judged'
benign=$(count benign true)
alarms=$(count benign '.action == "block"')
sed 's/^/# refused: /' "$dir/list"
[ "$benign" -ge 481 ] && [ $((alarms * 100)) -le $((benign * 2)) ] && echo "ok 2 - $alarms of $benign harmless turns are refused" ||
	echo "not ok 2 - $alarms of $benign harmless turns are refused"
attacks=$(count attack true)
missed=$(count attack '.action != "block"')
sed 's/^/# passes: /' "$dir/list"
[ "$attacks" -ge 60 ] && [ "$missed" -le 2 ] && echo "ok 3 - $((attacks - missed)) of $attacks attacks beside them are refused" ||
	echo "not ok 3 - $((attacks - missed)) of $attacks attacks beside them are refused"
# Who asks about an attack quotes it; who attacks does, too.  And orders about the form of an answer, written before the
# rule that lets them pass (VAGUE in detect_prompt.c).
judge questions
benign=$(count benign true)
alarms=$(count benign '.action == "block"')
sed 's/^/# refused: /' "$dir/list"
[ "$benign" -ge 98 ] && [ "$alarms" = 0 ] && echo "ok 4 - none of $benign questions about a quotation and orders about an answer is refused" ||
	echo "not ok 4 - $alarms of $benign questions about a quotation and orders about an answer are refused"
attacks=$(count attack true)
missed=$(count attack '.action != "block"')
sed 's/^/# passes: /' "$dir/list"
[ "$attacks" -ge 20 ] && [ "$missed" = 0 ] && echo "ok 5 - each of $attacks attacks with quotations is" ||
	echo "not ok 5 - $missed of $attacks attacks with quotations pass"
exit 0
