#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# log_llmsec_daemon over a pipe, as Squid runs it: what it wrote is whole, and every way to change it is found.
# shellcheck disable=SC2154,SC2016,SC2034	# tap_dir of lib.sh; wait_for evaluates
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

# A file system that is full takes seconds to give up on: it does that beside the rest.
mkdir "$tap_dir/small"
small=
if unshare -rm mount -t tmpfs none "$tap_dir/small" 2>"$tap_dir/small.err"; then
	unshare -rm bash -c 'mount -t tmpfs -o size=1m none "$1" && cd "$1" || exit
		yes Lfills the disk | head -n 40000 | "$2" "$1/access" 2>"$3"; echo "full $?"
		"$4" audit verify "$1/access"; echo "verify $?"' - \
		"$tap_dir/small" "$daemon" "$tap_dir/small.err" "$ctl" >"$tap_dir/small.out" 2>&1 &
	small=$!
	tap_pids+=("$small")
fi

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
rm "$base.00000002.seg"
verify
is "$rc" 1 'found: a segment in the middle is gone'
rm -r "$tap_dir/log"
cp -a "$tap_dir/copy" "$tap_dir/log"
mv "$base.00000001.seg" "$tap_dir/first"
mv "$base.00000002.seg" "$base.00000001.seg"
mv "$tap_dir/first" "$base.00000002.seg"
verify
is "$rc" 1 'found: two segments in each other'"'"'s place'
# Any byte: every 97th of a segment, its header and the ends of its lines among them.
rm -r "$tap_dir/log"
cp -a "$tap_dir/copy" "$tap_dir/log"
size=$(stat -c %s "$base.00000002.seg") tried=0 unseen=
for ((at = 0; at < size; at += 97)); do
	was=$(dd if="$base.00000002.seg" bs=1 skip="$at" count=1 2>/dev/null | od -An -tu1)
	printf "\\x$(printf %02x $((was ^ 1)))" | dd of="$base.00000002.seg" bs=1 seek="$at" conv=notrunc 2>/dev/null
	verify
	[ "$rc" = 1 ] || unseen+=" $at"
	tried=$((tried + 1))
	cp -a "$tap_dir/copy/access.00000002.seg" "$base.00000002.seg"
done
check "bits are turned in more than fifty places ($tried)" test "$tried" -gt 50
is "$unseen" '' 'found: each'
verify
is "$rc" 0 'and without them it is whole'
rm "$base.00000003.seg"
verify
is "$rc" 1 'found: the last segment is gone'
rm "$base.head"
verify
is "$rc" 1 'found: the checkpoint is gone'
rm -r "$tap_dir/log"
mv "$tap_dir/copy" "$tap_dir/log"
cp -a "$tap_dir/log" "$tap_dir/copy"
sed -i '50s/client/Client/' "$base.00000003.seg"
printf 'Lx\n' | log
is "$?" 2 'the daemon does not go on behind a record that was changed'
like "$(cat "$tap_dir/err")" 'segment 3, line 50' 'and says which'
rm -r "$tap_dir/log"
cp -a "$tap_dir/copy" "$tap_dir/log"
rm "$base.00000003.seg"
printf 'Lx\n' | log
is "$?" 2 'nor where the last segment was taken away'
rm -r "$tap_dir/log"
cp -a "$tap_dir/copy" "$tap_dir/log"
rm "$base.head"
printf 'Lx\n' | log
is "$?" 2 'nor without a checkpoint'
rm -r "$tap_dir/log"
cp -a "$tap_dir/copy" "$tap_dir/log"
sed -i '100s/client/Client/' "$base.00000001.seg"
printf 'Lx\n' | log
rc=$?
is "$rc" 0 'of older segments it reads nothing: a start does not take longer with each'
verify
is "$rc" 1 'llmsecctl audit verify reads them all'
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
like "$(head -1 "$base.00000005.seg")" ' 8 [0-9a-f]{64}$' 'in the header'

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
mkdir -p "$tap_dir/spool" "$tap_dir/counters"
echo "{counters_dir: $tap_dir/counters, events: {spool_dir: $tap_dir/spool, socket: ''}}" >"$tap_dir/egress.yaml"
kept=$(cat "$base".*.seg | grep -cE 'record [0-9]+ of a client$')
(ulimit -f 256; records 1 5000 | LLMSEC_AUDIT_WAIT=2 LLMSEC_EGRESS_CONF=$tap_dir/egress.yaml "$daemon" "$base" 2>"$tap_dir/err")
is "$?" 1 'a full disk: it insists, then ends, which ends Squid'
is "$(grep -c 'trying again' "$tap_dir/err")" 2 'after as many seconds as it is told'
like "$(cat "$tap_dir/err")" 'trying again' 'and says why'
verify
like "$rc $out" '^0 .* whole$' 'what is written is whole'
# What a client asked for and no record says is counted, by a file that needs no room.
before=$(cat "$base".*.seg | grep -cE 'record [0-9]+ of a client$')
left=$(sed -n 's/.*ending.*: \([0-9]*\) lines are not written$/\1/p' "$tap_dir/err")
is "$((before - kept + left)) $((10#$(cat "$base.lost")))" "5000 $left" 'how many lines are not written it says, and keeps'
like "$(cat "$tap_dir/spool"/*.spool)" "\"event\":\"audit.stopped\".*\"lines\":$left[,}]" 'in the event, too'
printf 'Llast\n' | log
is "$?" 0 'with room it goes on'
verify
is "$rc ${out##*, }" "0 whole; $left lines were lost where it says so" 'and the trail says what it lacks'
printf 'Llast\n' | log
verify
is "$rc ${out##*, }" "0 whole; $left lines were lost where it says so" 'once'
# One that can't even begin keeps the number, and adds what was served until then.
printf '%020d\n' 7 >"$base.lost"
mv "$base.head" "$base.head.away"
records 1 5 | log
is "$? $((10#$(cat "$base.lost")))" '2 12' 'what is served before it can not begin is counted'
mv "$base.head.away" "$base.head"
echo much >"$base.lost"
printf 'Llast\n' | log
is "$? $(cat "$base.lost")" '2 much' 'a count that is none keeps it from starting'
rm "$base.lost"

# ---- a trail that is written and rotated as fast as it goes, and killed while it is
rm "$base".*.seg "$base.head"
{ for ((i = 1; i <= 6000; i++)); do printf 'Lload %d\n' "$i"; ((i % 500)) || printf 'R\n'; done; } >"$tap_dir/load"
log <"$tap_dir/load"
verify
is "$rc $out" "0 $base: 6000 records in 13 segments, whole" 'rotated twelve times under load'
cat "$base".*.seg | grep -o 'load [0-9]*$' | awk '$2 != NR { exit 1 }'
is "$?" 0 'and no line is lost or out of order'
rm "$base".*.seg "$base.head"
awk 'NR % 2004 == 0 || $0 != "R"' "$tap_dir/load" >"$tap_dir/load2"
# Each round is killed when it has written something; the part of a second that passes until then differs.
for ((round = 1; round <= 4; round++)); do
	last=$(cat "$base".*.seg 2>/dev/null | wc -l)
	"$daemon" "$base" <"$tap_dir/in" 2>"$tap_dir/err" &
	pid=$!
	tap_pids+=("$pid")
	{ for ((k = 0; k < 20; k++)); do cat "$tap_dir/load2" || break; done; } >"$tap_dir/in" 2>"$tap_dir/cat.err" &
	feeder=$!
	wait_for '[ "$(cat "$base".*.seg | wc -l)" -gt $((last + 1500 * round)) ]' 10
	kill -KILL "$pid"
	wait "$pid" "$feeder" 2>/dev/null
done 2>"$tap_dir/jobs.err"
printf 'Llast\n' | log
is "$?" 0 'killed four times in the middle of writing: it goes on'
verify
like "$rc $out" "^0 $base: [0-9]+ records in [0-9]+ segments, whole$" 'and the trail is whole'
diag "$out"

# ---- a disk that is full for a while: what waits is written, what does not fit is counted.  A file that may not grow
# is the same to a writer, and needs no file system of its own.
rm "$base".*.seg "$base.head"
(
	ulimit -S -f 64
	LLMSEC_AUDIT_WAIT=120 LLMSEC_AUDIT_QUEUE=200000 LLMSEC_EGRESS_CONF=$tap_dir/egress.yaml exec "$daemon" "$base" <"$tap_dir/in" 2>"$tap_dir/err"
) &
pid=$!
tap_pids+=("$pid")
exec 5>"$tap_dir/in"
seq -f 'Lmore %.0f of a client' 20000 >"$tap_dir/more"
records 1 3000 >&5
check 'a full disk: it waits' wait_for 'grep -q "trying again" "$tap_dir/err"' 10
timeout 60 cat "$tap_dir/more" >&5
is "$?" 0 'and reads on meanwhile'
prlimit --pid "$pid" --fsize=unlimited
check 'with room it says how many lines are missing' wait_for 'grep -q "lines lost" "$tap_dir/err"' 10
printf 'Lbehind\n' >&5
exec 5>&-
wait "$pid"
is "$?" 0 'and goes on'
verify
lost=$(sed -n 's/.* \([0-9]*\) lines lost:.*/\1/p' "$tap_dir/err" | awk '{ n += $1 } END { print n }')
like "$rc $out" "^0 .* whole; $lost lines were lost where it says so$" 'which llmsecctl says, too'
have=$(cat "$base".*.seg | grep -cE '(record|more) [0-9]+ of a client$|behind$')
is "$((have + lost))" 23001 'every line is a record or counted as lost'
is "$(cat "$base".*.seg | tail -n 1 | cut -d ' ' -f 3-)" behind 'what came after the gap is behind it'
like "$(cat "$tap_dir/spool"/*.spool)" '"event":"audit.lost".*"severity":8.*"lines":[0-9]+' 'it is an event'
rm "$base".*.seg "$base.head"

# ---- the file system that is full
case $small in
'') skip 'a full file system' 'no tmpfs of its own here' ;;
*)
	wait "$small"
	like "$(cat "$tap_dir/small.out")" 'full 1.*whole.*verify 0' 'a full file system: it ends, and what is written is whole'
	like "$(cat "$tap_dir/small.err")" 'No space left on device; trying again' 'and says why' ;;
esac

LLMSEC_AUDIT_WAIT=0 log </dev/null
is "$? $(tail -n 1 "$tap_dir/err" | grep -c 'LLMSEC_AUDIT_WAIT: a number from 1 to 3600')" '2 1' 'which is a number'

# ---- bytes
printf 'La\001b\033c\n%s\nX\n\nL\n' "L$(head -c 200000 /dev/zero | tr '\0' x)" | log
is "$?" 0 'control bytes, a line of 200 KB, a command that is none'
verify
like "$rc $out" '^0 .* whole$' 'leave it whole'
is "$(grep -c 'a?b?c' "$base".*.seg | tail -1 | cut -d: -f2)" 1 'and harmless'
printf 'L%s\nLnext\n!\nL!lost 5 lines\n' "$(head -c 65535 /dev/zero | tr '\0' x)Lforged of a long line" | log
verify
like "$rc $out" '^0 .* whole$' 'a line that is too long'
is "$(cat "$base".*.seg | grep -c 'forged')" 0 'is cut, and its end is no record of its own'
is "$(cat "$base".*.seg | grep -c '?lost 5 lines$')" 1 'no client writes of lost lines'
done_testing
