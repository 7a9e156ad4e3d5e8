#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The runner of the Core Rule Set's tests is right itself: the requests it builds, byte for byte, in both formats;
# what it calls passed and what failed.  The firewall here is a shell script.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
ftw=$builddir/tests/waf/ftw
here=$srcdir/tests/waf/selftest

# a record as ftw --dump writes it
rec() { local text; printf -v text '%b' "$2"; printf 'REQ %s %d 0\n%s' "$1" "${#text}" "$text"; }

plan 9
"$ftw" --dump "$tap_dir/v33" "$here/v33.yaml"
{
	LC_ALL=C
	rec 1-form 'POST / HTTP/1.0\r\nUser-Agent: x\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\na=b+c&d=e%27'
	rec 1-encoded 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=%20b c'
	rec 1-lines 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\na\r\nb'
	printf 'REQ 1-bytes 29 0\nGET /\0\377 HTTP/1.1\r\nHost: a\r\n\r\n'
	rec 1-error 'GET / \r\n\r\n'
} >"$tap_dir/v33.want"
if cmp "$tap_dir/v33" "$tap_dir/v33.want"; then ok 'requests of 3.3'; else not_ok 'requests of 3.3' "$(od -c "$tap_dir/v33" | head -n 60)"; fi

"$ftw" --dump "$tap_dir/v4" "$here/v4.yaml"
{
	rec 4-1 'POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\nHost: localhost\r\nUser-Agent: x\r\n\r\n'
	rec 4-2 'POST /?a=xyxyxy HTTP/1.1\r\nConnection: close\r\nContent-Length: 9\r\nContent-Type: multipart/form-data; boundary=b\r\nHost: localhost\r\n\r\n--b\r\n11\r\n'
	rec 4-3 'POST /reflect HTTP/1.1\r\nConnection: close\r\nContent-Length: 63\r\nContent-Type: application/json\r\nHost: localhost\r\n\r\n{"status": 418, "headers": {"X-A": "b"}, "encodedBody": "aGk="}'
	rec 4-3 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'
} >"$tap_dir/v4.want"
if cmp "$tap_dir/v4" "$tap_dir/v4.want"; then ok 'requests of v4'; else not_ok 'requests of v4' "$(od -c "$tap_dir/v4" | head -n 60)"; fi

# A firewall: answers every record with the ids in $1, status 400 where there is a NUL; keeps what it got.
cat >"$tap_dir/wall" <<'W'
#!/usr/bin/env bash
LC_ALL=C
while IFS=' ' read -r req id n m; do
	[ "$req" = REQ ] || exit 3
	head -c $((n + m)) >"$2"
	status=200
	if [ "$(tr -d '\000' <"$2" | wc -c)" != $((n + m)) ]; then status=400; fi
	echo "$id $status $1 [id%20%22$1%22]"
done
W
chmod +x "$tap_dir/wall"
# ftw reads one answer before it writes the next record, so head never takes too much
run() { "$ftw" "$@" >"$tap_dir/out" 2>&1; }

run "$here/v33.yaml" "$here/v4.yaml" -- "$tap_dir/wall" 1 "$tap_dir/got"; rc=$?
is $rc 0 'all pass with a firewall that does as they want'
like "$(cat "$tap_dir/out")" '8 of 8 tests pass' 'and are counted'
run "$here/v33.yaml" "$here/v4.yaml" -- "$tap_dir/wall" 2 "$tap_dir/got"; rc=$?
is $rc 1 'a firewall that does not fails'
is "$(grep -c FAILS "$tap_dir/out")" 6 'six tests'
grep FAILS "$tap_dir/out" | sed 's/^# \([^ ]*\) .*/\1 known/' >"$tap_dir/known"
run --overrides "$tap_dir/known" "$here/v33.yaml" "$here/v4.yaml" -- "$tap_dir/wall" 2 "$tap_dir/got"; rc=$?
is $rc 0 'known failures are allowed'
run --overrides "$tap_dir/known" "$here/v33.yaml" "$here/v4.yaml" -- "$tap_dir/wall" 1 "$tap_dir/got"; rc=$?
is $rc 1 'but have to fail'
run "$here/v33.yaml" -- /bin/false; rc=$?
is $rc 1 'a firewall that dies fails'
done_testing
