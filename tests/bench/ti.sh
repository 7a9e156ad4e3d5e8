#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Threat intelligence at size: a generated feed of N names with messy syntax (fixed seed), end to end through
# llmsec-ti-sync; then lookups in its set beside a plain hash of strings and squidGuard's database.
#	./dev bench ti [N...]		231000 and 3000000 by default; 10000000 wants 1 GB of memory and 1.5 GB of disk
set -uo pipefail
srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
builddir=${LLMSEC_BUILD:-$srcdir/build}
make -s -C "$builddir" tests/bench/ti_make tests/bench/bench_set ti-sync/llmsec-ti-sync >/dev/null || exit 1
dir=$(mktemp -d "${TMPDIR:-/tmp}/llmsec-ti.XXXXXX")
trap 'rm -rf "$dir"' EXIT
field() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" "$dir/report"; }
seconds() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'; }

printf 'CPU: %s; %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(cut -d ' ' -f 1-3 /proc/loadavg) load"
[ $# -gt 0 ] || set -- 231000 3000000
for n in "$@"; do
	echo "== $n names"
	rm -rf "$dir"/state "$dir"/sets
	"$builddir/tests/bench/ti_make" "$n" >"$dir/feed"
	cat >"$dir/ti.yaml" <<-T
	state_dir: $dir/state
	sets_dir: $dir/sets
	catalogue: ""
	feeds:
	  - {name: bench, file: $dir/feed, max_bytes: 4G, max_entries: 100000000, max_loss: 100}
	T
	for what in first again changed; do
		[ $what != changed ] || sed -i '1d; $a added-at-the-end.com' "$dir/feed"
		t=$EPOCHREALTIME
		"$builddir/ti-sync/llmsec-ti-sync" -q -c "$dir/ti.yaml" --report "$dir/report" || exit 1
		printf '%-8s %6s s wall, %6s s of CPU, %4d MB at most\n' $what "$(seconds "$t" "$EPOCHREALTIME")" "$(field cpu_seconds)" \
			$(($(field peak_rss_kib) / 1024))
	done
	"$builddir/ti-sync/llmsec-ti-sync" set "$dir/sets/domains.set"
	du -k "$dir/state/ti.db" | awk '{ printf "database %d MB\n", $1 / 1024 }'
	"$builddir/tests/bench/bench_set" "$n"
	command -v squidGuard >/dev/null || { echo 'squidGuard: not here'; continue; }
	mkdir -p "$dir/sg/bad"
	"$builddir/tests/bench/ti_make" "$n" clean | sort -u >"$dir/sg/bad/domains"
	printf 'dbhome %s\nlogdir %s\ndest bad { domainlist bad/domains }\nacl { default { pass !bad all redirect http://127.0.0.1/ } }\n' \
		"$dir/sg" "$dir/sg" >"$dir/sg/conf"
	t=$EPOCHREALTIME
	timeout 900 squidGuard -c "$dir/sg/conf" -C all >/dev/null 2>&1 || { echo 'squidGuard: no database within 15 minutes'; continue; }
	printf 'squidGuard: database built in %s s, %d MB' "$(seconds "$t" "$EPOCHREALTIME")" \
		$(($(stat -c %s "$dir/sg/bad/domains.db") / 1048576))
	for what in hit miss; do
		if [ $what = hit ]; then shuf -n 200000 --random-source=<(yes) "$dir/sg/bad/domains"
		else seq -f 'www.nobody-lists-%.0f.com' 200000; fi | sed 's|.*|http://&/ 192.0.2.1/- - GET|' >"$dir/sg/asked"
		t=$EPOCHREALTIME
		squidGuard -c "$dir/sg/conf" <"$dir/sg/asked" >"$dir/sg/answers" 2>/dev/null
		awk -v a="$t" -v b="$EPOCHREALTIME" -v w=$what 'BEGIN { printf ", %s %.0f ns (with its line protocol)", w, (b - a) * 1e9 / 200000 }'
	done
	echo
	rm -rf "$dir/sg"
done
