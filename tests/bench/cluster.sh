#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How long a ban takes to the other edges: three HAProxies and three llmsecds on loopback, mutual TLS between them.
#	./dev bench cluster [SAMPLES]
srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
builddir=${LLMSEC_BUILD:-$srcdir/build}
make -s -C "$builddir" control/llmsecd control/llmsecctl tests/tools/llmsec-ban-lag >/dev/null || exit 1
# shellcheck source=tests/cluster/lib.sh
. "$srcdir/tests/cluster/lib.sh"
samples=${1:-300}

# row WHAT: of milliseconds on standard input
row()
{
	sort -n | awk -v what="$1" '{ v[NR] = $1 } function p(q) { return v[int((NR - 1) * q + 0.5) + 1] }
		END { printf "%-72s n=%-4d p50 %7.1f  p99 %7.1f  max %7.1f ms\n", what, NR, p(.5), p(.99), v[NR] }'
}

echo "three edges: $(haproxy -v | head -n 1 | cut -d ' ' -f 3), load $(cut -d ' ' -f 1-3 /proc/loadavg)"
edges_make
if ! wait_for edges_up 30 || ! wait_for peers_up 30; then
	echo 'the edges did not come up' >&2
	exit 1
fi

# An edge's own evidence: its HAProxy writes its table, peers carry it.  A client of another edge sees 403.
lag=$builddir/tests/tools/llmsec-ban-lag
"$lag" "$tap_dir/1/haproxy.sock" llmsec_bans_1 "${http_port[2]}" "$samples" >"$tap_dir/lag" || exit 1
sed -n 's/^ban //p' "$tap_dir/lag" | row 'HAProxy of edge 1 bans: a client of edge 2 is refused (peers only)'
sed -n 's/^unban //p' "$tap_dir/lag" | row 'HAProxy of edge 1 unbans: a client of edge 2 is served'

# An operator's: API call on edge 1, with its disk and those of the others, until another edge's HAProxy has it.
for ((i = 0; i < samples; i++)); do
	post 1 "{\"ip\":\"127.1.$((i / 250)).$((i % 250 + 1))\",\"scope\":\"cluster\"}"
done >"$tap_dir/answers"
jq -r '.edges[0] | select(.state == "applied") | .ms' "$tap_dir/answers" | row 'POST /_cluster/blacklist on edge 1: its own HAProxy has it'
jq -r '.edges[1:][] | select(.state == "applied") | .ms' "$tap_dir/answers" |
	row 'the same: HAProxy and llmsecd of edges 2 and 3 have it, acknowledged'
for ((i = 0; i < samples; i++)); do
	post 2 "{\"ip\":\"127.1.$((i / 250)).$((i % 250 + 1))\"}" DELETE
done | jq -r '.edges[1:][] | select(.state == "applied") | .ms' | row 'DELETE on edge 2: unbanned on edges 1 and 3, acknowledged'

awk 'BEGIN { for (i = 0; i < 10000; i++) print "10." int(i / 65536) "." int(i / 256) % 256 "." i % 256 }' >"$tap_dir/many"
for ((i = 0; i < 5; i++)); do
	t0=$(now_ms)
	ctl 1 ban add - --reason feed <"$tap_dir/many" >"$tap_dir/out"
	echo $(($(now_ms) - t0))
	ctl 1 ban del - <"$tap_dir/many" >"$tap_dir/out"
done | row 'llmsecctl ban add: 10,000 on one edge, HAProxy included'
for ((i = 0; i < 5; i++)); do
	ctl 1 ban add - --scope cluster --reason feed <"$tap_dir/many" | jq -r '.edges[1:][] | .ms // 99999'
	ctl 1 ban del - <"$tap_dir/many" >"$tap_dir/out"
done | row '10,000 on all three, acknowledged'

stop "${haproxy_pid[3]}" KILL
post 1 '{"ip":"127.0.0.1","scope":"cluster"}' >"$tap_dir/out"
t0=$(now_ms)
haproxy_start 3
wait_for '[ "$(seen 3 127.0.0.1)" = 403 ]' 10
echo "$(($(now_ms) - t0)) ms after its start a HAProxy that was killed refuses what was banned meanwhile (its start included)"
