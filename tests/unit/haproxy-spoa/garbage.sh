#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Garbage for the agent: through its code in this process, then over a socket to a live one, whose memory
# must not grow and which must still answer.  The full size (10 million inside, 200000 over a socket):
#	LLMSEC_GARBAGE=10000000 LLMSEC_GARBAGE_SOCKET=200000 make check TESTS=tests/unit/haproxy-spoa/garbage.sh
set -u
: "${srcdir:?}" "${builddir:?}"
inside=${LLMSEC_GARBAGE:-200000} over=${LLMSEC_GARBAGE_SOCKET:-20000}
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
out=$("$spop" garbage -S 4711 "$inside" 2>&1)
result $? "$inside more with another seed" "$out"

cat >"$dir/spoad.yaml" <<-T
listen: ["unix:spoad.sock"]
run_dir: $dir
workers: 2
deadline: 5s
edge_keys: ""
counters_dir: ""
events: {socket: "", spool_dir: ""}
T
"$builddir/haproxy-spoa/llmsec-spoad" -c "$dir/spoad.yaml" 2>"$dir/log" &
pid=$!
end=$((SECONDS + 10))
until "$spop" health -s "unix:$dir/spoad.sock" >/dev/null 2>&1 || [ $SECONDS -ge $end ]; do
	sleep 0.05
done
watch=$pid
# A sanitizer's quarantine grows by design; its own leak report at exit stands in for the memory watch.
grep -q __asan_init "$builddir/haproxy-spoa/llmsec-spoad" && watch=0
out=$("$spop" garbage -s "unix:$dir/spoad.sock" -P "$watch" "$over" 2>&1)
result $? "$over frames of garbage over a socket" "$out"
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
