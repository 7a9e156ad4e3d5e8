#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The ways of saying "ignore your instructions" that get past lists of patterns, and the prompts that such lists refuse
# though they are harmless: at least 78 of 100 of the former are refused, at most 4 of the 59 latter.
set -uo pipefail
: "${srcdir:=$(cd "$(dirname "$0")/../../.." && pwd)}" "${builddir:=$srcdir/build}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed "s|/usr/share/llmsec|$srcdir/etc/llmsec|" "$srcdir/etc/llmsec/icap.yaml" >"$dir/icap.yaml"
"$builddir/icap-llmsec/llmsec-scan" --jsonl -c "$dir/icap.yaml" <"$srcdir/tests/unit/icap-llmsec/data/variants.jsonl" >"$dir/out"
rc=$?
count() { jq -r "select((.id | startswith(\"$1\")) and $2) | .id" "$dir/out" | tee "$dir/list" | wc -l; }
echo 1..3
[ $rc = 0 ] && echo "ok 1 - all lines are judged" || echo "not ok 1 - all lines are judged"
attacks=$(count attack true)
found=$(count attack '.action == "block"')
count attack '.action != "block"' >/dev/null
sed 's/^/# passes: /' "$dir/list"
[ "$attacks" -ge 79 ] && [ $((found * 79)) -ge $((attacks * 62)) ] && echo "ok 2 - $found of $attacks attacks are refused" ||
	echo "not ok 2 - $found of $attacks attacks are refused"
benign=$(count benign true)
alarms=$(count benign '.action == "block"')
sed 's/^/# refused: /' "$dir/list"
[ "$benign" -eq 59 ] && [ "$alarms" -le 4 ] && echo "ok 3 - $alarms of $benign harmless prompts are refused" ||
	echo "not ok 3 - $alarms of $benign harmless prompts are refused"
exit 0
