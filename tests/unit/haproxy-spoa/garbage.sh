#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Garbage for the agent: ten million frames through its code in this process, then a million over a socket
# to a live one, whose memory must not grow and which must still answer.  Under a sanitizer, which is slower and
# finds leaks its own way, a part of it.  LLMSEC_GARBAGE and LLMSEC_GARBAGE_SOCKET set other numbers.
set -u
: "${srcdir:?}" "${builddir:?}"
if grep -q -e __asan_init -e __tsan_init -e __ubsan "$builddir/haproxy-spoa/llmsec-spoad"; then
	sanitized=1
	inside=${LLMSEC_GARBAGE:-500000} over=${LLMSEC_GARBAGE_SOCKET:-100000}
else
	sanitized=
	inside=${LLMSEC_GARBAGE:-10000000} over=${LLMSEC_GARBAGE_SOCKET:-1000000}
fi
spop=$builddir/tests/tools/llmsec-spop
dir=$(mktemp -d) pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
n=0 bad=0

result()	# STATUS NAME OUTPUT
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
	printf '%s\n' "$3" | sed 's/^/# /'
}

out=$("$spop" garbage "$inside" 2>&1)
result $? "$inside frames of garbage through the state machine and the judge" "$out"
out=$("$spop" garbage -S 4711 $((inside / 10)) 2>&1)
result $? "$((inside / 10)) more with another seed" "$out"

cat >"$dir/spoad.yaml" <<-T
listen: ["unix:spoad.sock"]
run_dir: $dir
workers: 2
deadline: 5s
edge_keys: ""
counters_dir: $dir
events: {socket: "", spool_dir: ""}
behaviour: {mode: "off"}
T
"$builddir/haproxy-spoa/llmsec-spoad" -c "$dir/spoad.yaml" 2>"$dir/log" &
pid=$!
end=$((SECONDS + 10))
until "$spop" health -s "unix:$dir/spoad.sock" >/dev/null 2>&1 || [ $SECONDS -ge $end ]; do
	sleep 0.05
done
# A sanitizer's quarantine grows by design; its own leak report at exit stands in for the memory watch.
watch=${sanitized:+0}
watch=${watch:-$pid}
out=$("$spop" garbage -s "unix:$dir/spoad.sock" -P "$watch" "$over" 2>&1)
result $? "$over frames of garbage over a socket" "$out"
out=$("$spop" counters "$dir" | grep -e frames_total -e protocol_errors_total -e 'requests_total{')
[ "$(printf '%s\n' "$out" | sed -n 's/^llmsec_spoad_frames_total //p')" -ge $((over / 8)) ]
result $? "of which the agent decoded an eighth at least" "$out"
out=$("$spop" request -s "unix:$dir/spoad.sock" 2>&1)
result $? "the agent judges as before" "$(printf '%s\n' "$out" | head -3)"
out=$("$spop" request -s "unix:$dir/spoad.sock" -n 1000 2>&1)
result $? "1000 pipelined requests are all answered" "$(printf '%s\n' "$out" | head -1)"
kill -HUP "$pid"
out=$("$spop" request -s "unix:$dir/spoad.sock" 2>&1)
result $? "a reload loses nothing" "$(printf '%s\n' "$out" | head -1)"
kill "$pid"
wait "$pid"
result $? "SIGTERM ends it cleanly" "$(tail -3 "$dir/log")"
pid=
[ ! -e "$dir/spoad.sock" ]
result $? "and takes its socket with it" ""
echo "1..$n"
exit $bad
