#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Killed at random moments, 60 times (TI_KILLS=200 for more): the database and both sets are always valid, the next run
# completes, and then the manifest for nodes that pull is that of the sets.
. "${srcdir:?}/tests/ti-sync/lib.sh"
rounds=${TI_KILLS:-60}
openssl genpkey -algorithm ed25519 -out "$tap_dir/key.pem" 2>/dev/null
conf_begin "sign_key: $tap_dir/key.pem" 'outputs:' "  - {type: domains, path: $tap_dir/out.txt}"
for f in a b c; do echo "  - {name: $f, file: $www/$f.txt, expiry: 0s, max_loss: 100}" >>"$conf"; done
for f in a b c; do names 3000 $f >"$www/$f.txt"; done
run
is "$rc" 0 'first run'

manifest_fits()
{
	(cd "$tap_dir/sets" && sed -n 's/^\([a-z]*.set\) [0-9]* \([0-9a-f]*\)$/\2  \1/p' manifest | sha256sum -c --status) &&
		[ -z "$(find "$tap_dir/sets" -name '*.new' -o -name '.*.before')" ]
}

bad='' killed=0
took=$(now_ms); run --rebuild; took=$(($(now_ms) - took + 5))
for i in $(seq 1 "$rounds"); do
	f=$(printf 'abc' | cut -c$((i % 3 + 1)))
	{ names $((2000 + RANDOM % 2000)) $f; echo "round-$i.com"; } >"$www/$f.txt.new" && mv "$www/$f.txt.new" "$www/$f.txt"
	"$ti" -q -c "$conf" 2>/dev/null &
	pid=$!
	read -r -t "$(awk -v m=$((RANDOM * took / 32768)) 'BEGIN { printf "%.3f", m / 1000 }')" <> <(:)
	kill -9 $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
	for s in domains ips; do
		"$ti" set "$tap_dir/sets/$s.set" >/dev/null 2>"$tap_dir/err" || bad+="round $i: $(cat "$tap_dir/err")"$'\n'
	done
	"$ti" -c "$conf" stats >/dev/null 2>"$tap_dir/err" || bad+="round $i: $(cat "$tap_dir/err")"$'\n'
	if [ $((i % 20)) = 0 ]; then
		run
		[ "$rc" = 0 ] || bad+="round $i: the next run ended with $rc: $(tail -n 1 "$tap_dir/run.log")"$'\n'
		manifest_fits || bad+="round $i: the manifest is not that of the sets"$'\n'
		listed "round-$i.com" || bad+="round $i: its name is not listed after the next run"$'\n'
	fi
done
is "$bad" '' "$rounds rounds: sets and database valid, the next run completes"
at_least "$killed" $((rounds / 3)) 'runs that were killed'
run
is "$(sort "$www/a.txt" "$www/b.txt" "$www/c.txt")" "$(grep -v '^#' "$tap_dir/out.txt" | sort)" 'in the end exactly what the feeds list is published'
if command -v sqlite3 >/dev/null; then
	is "$(sqlite3 "$tap_dir/state/ti.db" 'PRAGMA integrity_check')" ok 'the database is whole'
else
	skip 'the database is whole' 'no sqlite3 here'
fi
done_testing
