#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# log_llmsec_daemon over a pipe, as Squid runs it: what it wrote is whole, and every way to change it is found.
# shellcheck disable=SC2154,SC2016	# tap_dir of lib.sh; wait_for evaluates
set -u
: "${srcdir:?}" "${builddir:?}"
daemon=$builddir/squid-helpers/log_llmsec_daemon ctl=$builddir/control/llmsecctl
[ -x "$daemon" ] && [ -x "$ctl" ] || { echo "1..0 # SKIP log_llmsec_daemon or llmsecctl is not built"; exit 0; }
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"

base=$tap_dir/log/access
mkdir "$tap_dir/log"
verify() { out=$("$ctl" audit verify "$base" 2>&1); rc=$?; }
records() { for ((i = $1; i <= $2; i++)); do printf 'Lrecord %d of a client\n' "$i"; done; }
log() { "$daemon" "$base" 2>"$tap_dir/err"; }

{ printf 'r0\nb1\n'; records 1 500; printf 'F\n'; } | log
is "$?" 0 'ends with its input'
verify
is "$rc $out" "0 $base: 500 records in 1 segments, whole" 'what it wrote is whole'
is "$(stat -c %a "$base.key")" 600 'the key is for its owner'
{ records 501 600; printf 'R\n'; records 601 700; } | log
verify
is "$rc $out" "0 $base: 700 records in 3 segments, whole" 'a start and a rotation begin segments'

# ---- every change is found
change()	# NAME SED-SCRIPT SEGMENT
{
	cp -a "$tap_dir/log" "$tap_dir/copy"
	sed -i "$2" "$base.0000000$3.seg"
	verify
	is "$rc" 1 "found: $1"
	diag "$out"
	rm -r "$tap_dir/log"
	mv "$tap_dir/copy" "$tap_dir/log"
}
change 'a letter' '100s/client/Client/' 1
change 'a record left out' '100d' 1
change 'a record twice' '100p' 1
change 'two in another order' '100{h;d};101{G}' 1
change 'a number' '100s/^[0-9]*/7/' 1
change 'the header' '1s/ 500 / 499 /' 2
change 'the end of a segment cut off' '$d' 1
change 'the last records cut off' '$d' 3
change 'a record added' '$p' 3
cp -a "$tap_dir/log" "$tap_dir/copy"
rm "$base.00000003.seg"
verify
is "$rc" 1 'found: the last segment is gone'
rm "$base.head"
verify
is "$rc" 1 'found: the checkpoint is gone'
rm -r "$tap_dir/log"
mv "$tap_dir/copy" "$tap_dir/log"
cp -a "$tap_dir/log" "$tap_dir/copy"
sed -i '100s/client/Client/' "$base.00000001.seg"
printf 'Lx\n' | log
is "$?" 2 'the daemon does not go on behind a record that was changed'
rm -r "$tap_dir/log"
mv "$tap_dir/copy" "$tap_dir/log"

# ---- a crash
mkfifo "$tap_dir/in"
"$daemon" "$base" <"$tap_dir/in" 2>"$tap_dir/err" &
pid=$!
tap_pids+=("$pid")
exec 5>"$tap_dir/in"
records 701 800 >&5
check 'records are in the file before the daemon is told to write' wait_for 'grep -q "record 800 " "$base.00000004.seg"' 10
kill -KILL "$pid"
wait "$pid" 2>/dev/null
exec 5>&-
printf '801 0123' >>"$base.00000004.seg"
records 801 810 | log
verify
is "$rc $out" "0 $base: 810 records in 5 segments, whole" 'after kill -9 and half a line it goes on, and says so'
like "$(head -1 "$base.00000005.seg")" ' 8$' 'in the header'

# ---- the power went between the making of a segment and its first line
: >"$base.00000006.seg"
records 811 812 | log
is "$?" 0 'it goes on behind an empty segment'
verify
is "$rc $out" "0 $base: 812 records in 7 segments, whole" 'which is no gap'
: >"$base.00000005.seg"
verify
is "$rc" 1 'found: a segment emptied'
rm "$base".*.seg "$base.head"
records 1 810 | log

# ---- the next one begins before the last one ended
"$daemon" "$base" <"$tap_dir/in" 2>"$tap_dir/err" &
pid=$!
tap_pids+=("$pid")
exec 5>"$tap_dir/in"
records 811 811 >&5
wait_for 'grep -q "record 811 " "$base.00000002.seg"' 10
{ records 813 820 | log; } 5>&- &
second=$!
tap_pids+=("$second")
records 812 812 >&5
exec 5>&-
wait "$pid" "$second"
verify
is "$rc $out" "0 $base: 820 records in 3 segments, whole" 'a second daemon waits until the first has ended'

# ---- a full disk: a file may not grow beyond 256 KB
(ulimit -f 256; records 1 5000 | "$daemon" "$base" 2>"$tap_dir/err")
is "$?" 1 'a full disk: it insists, then ends, which ends Squid'
like "$(cat "$tap_dir/err")" 'trying again' 'and says why'
verify
like "$rc $out" '^0 .* whole$' 'what is written is whole'
printf 'Llast\n' | log
verify
like "$rc $out" '^0 .* whole$' 'with room it goes on'

# ---- bytes
printf 'La\001b\033c\n%s\nX\n\nL\n' "L$(head -c 200000 /dev/zero | tr '\0' x)" | log
is "$?" 0 'control bytes, a line of 200 KB, a command that is none'
verify
like "$rc $out" '^0 .* whole$' 'leave it whole'
is "$(grep -c 'a?b?c' "$base".*.seg | tail -1 | cut -d: -f2)" 1 'and harmless'
done_testing
