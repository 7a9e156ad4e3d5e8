#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the edge's signals cost: the agent's CPU time for a request (all engines, no WAF), the memory of a million sources, the latency
# that HAProxy and agent add against the same HAProxy without them, and each route of a TLS fingerprint.
# Run by `./dev bench edge [SECONDS]`; SECONDS (3) is for each measurement of each side.
# shellcheck disable=SC2034,SC2154	# variables of the libraries, and by name
set -u
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
# shellcheck source=tests/floods/edge_lib.sh
. "$srcdir/tests/floods/edge_lib.sh"
seconds=${1:-3}
flood=$builddir/tests/floods/llmsec-flood
load=$builddir/tests/bench/edge_load
bail_out() { echo "bench: $*" >&2; exit 1; }
agent='waf: {rules: ""}'
limits=(LLMSEC_RATE_IP=100000000 LLMSEC_RATE_IP_CUT=100000000 LLMSEC_RATE_KEY=100000000 LLMSEC_RATE_OTHER=100000000
	LLMSEC_RATE_ERR=100000000 LLMSEC_RATE_BYTES=1000000000000 LLMSEC_CONN_RATE_IP=1000000 LLMSEC_LOG=/dev/null)

cpu_ns() { awk '{ s += $1 } END { printf "%.0f", s }' /proc/"$1"/task/*/schedstat; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
json() { jq -r "$2" <<<"$1"; }

printf '%d CPUs, %s, load average %s\n\n' "$(nproc)" "$("$haproxy" -v | sed -n 's/^HAProxy version \([^ ]*\).*/HAProxy \1/p')" "$(cut -d' ' -f1 /proc/loadavg)"
edge_dir "$tap_dir/edge"
edge_origin

# ---- the agent alone ----
edge_spoad "$agent"
few=$("$load" -s "unix:$edge_dir/spoad.sock" -P "$spoad_pid" -n 200000 -d 1000) || bail_out "$few"
printf 'llmsec-spoad, CPU for a request, sockets and all: median %s us (p10 %s, p90 %s; target 15)\n' \
	"$(json "$few" .median)" "$(json "$few" .p10)" "$(json "$few" .p90)"
many=$("$load" -s "unix:$edge_dir/spoad.sock" -P "$spoad_pid" -n 1100000 -d 1000000) || bail_out "$many"
printf 'a million sources: it grew by %.0f MB to %.0f MB (target 160); median %s us for a request then\n\n' \
	"$(json "$many" '(.rss_after - .rss_before) / 1024')" "$(json "$many" '.rss_after / 1024')" "$(json "$many" .median)"
stop "$spoad_pid"
rm -f "$edge_dir/spoad.sock"
edge_spoad "$agent"

# ---- latency that is added ----
edge_haproxy "${limits[@]}"
with_port=$edge_http_port with_pid=$edge_pid
sed -i.shipped 's/^    filter spoe engine llmsec\(-lists\)\? /    # &/; /set-var(txn.refuse) int(503)/d; /filter spoe engine llmsec-tcp/d; /send-spoe-group/d' "$edge_dir/etc/haproxy/haproxy.cfg"
edge_haproxy "${limits[@]}" LLMSEC_EDGE_HOP="unix@$edge_dir/hop2.sock"
without_port=$edge_http_port
mv "$edge_dir/etc/haproxy/haproxy.cfg.shipped" "$edge_dir/etc/haproxy/haproxy.cfg"

pace() { "$flood" -n -a 127.0.0.21 -p "$1" -c 64 -t "$seconds" -r "$2" pace; }
echo 'requests at a fixed rate through HAProxy to an origin, plain HTTP; latency in ms, medians of three turns'
printf '%8s %10s %10s %9s %9s %9s %6s %12s %12s\n' rate 'w/o agent' 'with' 'p50 w/o' 'p50 with' added ratio 'HAProxy us' 'agent us'
for rate in 1000 2000 5000 10000 20000; do
	for side in without with; do : >"$tap_dir/$side.p50"; : >"$tap_dir/$side.rate"; done
	h=$(cpu_ns "$with_pid") s=$(cpu_ns "$spoad_pid") n=0
	for turn in 1 2 3; do
		for side in without with; do
			port=${side}_port
			r=$(pace "${!port}" $rate)
			[ "$(json "$r" '.status | keys | join(",")')" = 200 ] || bail_out "not all were served: $r"
			json "$r" .p50 >>"$tap_dir/$side.p50"
			json "$r" ".status[\"200\"] / $seconds" >>"$tap_dir/$side.rate"
			[ $side = without ] || n=$((n + $(json "$r" '.status["200"]')))
		done
	done
	with=$(median <"$tap_dir/with.rate") without=$(median <"$tap_dir/without.rate")
	awk -v rate="$rate" -v a="$without" -v b="$with" -v p="$(median <"$tap_dir/without.p50")" \
		-v q="$(median <"$tap_dir/with.p50")" -v h="$(($(cpu_ns "$with_pid") - h))" -v s="$(($(cpu_ns "$spoad_pid") - s))" -v n="$n" \
		'BEGIN { printf "%8d %10.0f %10.0f %9.3f %9.3f %+9.3f %6.2f %12.1f %12.1f\n", rate, a, b, p, q, q - p, q / p, h / n / 1000, s / n / 1000 }'
	if ! tap_number_le "$(awk -v r="$rate" 'BEGIN { print r * 0.98 }')" "$with"; then
		echo "         more than this machine, which is client and origin as well, can do: latency is a queue here"
		break
	fi
done
echo 'target: +0.25 ms at 20,000 requests/s'
stop "$with_pid"
stop "$edge_pid"

# ---- routes of a fingerprint ----
# route NAME SED NAME=VALUE...: connections with one request each, TLS
route()
{
	local name=$1 h s r n
	sed "$2" "$srcdir/etc/haproxy/haproxy.cfg" >"$edge_dir/etc/haproxy/haproxy.cfg"
	edge_haproxy "${limits[@]}" "${@:3}"
	"$flood" -a 127.0.0.22 -p "$edge_port" -t 0.5 connect >/dev/null
	h=$(cpu_ns "$edge_pid") s=$(cpu_ns "$spoad_pid")
	r=$("$flood" -a 127.0.0.22 -p "$edge_port" -t "$seconds" connect)
	n=$(json "$r" '.status["200"] // 0')
	[ "$n" -gt 0 ] || bail_out "$name: $r"
	printf '%-58s %7.0f %8.1f\n' "$name" "$(jq -n "($(cpu_ns "$edge_pid") - $h) / $n / 1000")" "$(jq -n "($(cpu_ns "$spoad_pid") - $s) / $n / 1000")"
	stop "$edge_pid"
}
routes()
{
	route 'no TCP front, no fingerprint' 's/filter spoe engine llmsec-lists/filter spoe engine llmsec/' LLMSEC_FINGERPRINT=lists
	route "no TCP front, HAProxy's lists (before 3.1: JA3 only)" '' LLMSEC_FINGERPRINT=lists
	route 'TCP front, agent not asked' '/send-spoe-group/d; /filter spoe engine llmsec-tcp/d'
	route 'TCP front, JA4 by unique-id' ''
	[ -z "$edge_root" ] || route 'TCP front, JA4 by PROXY TLV' '' LLMSEC_FINGERPRINT=tlv
}
printf '\nCPU in us for a TLS connection with one request, of HAProxy and of the agent\n'
printf '%-58s %7s %8s\n' "$("$haproxy" -v | sed -n 's/^HAProxy version \([^ ]*\).*/HAProxy \1/p')" HAProxy agent
routes
root=$builddir/h3/trixie
if [ "$(id -u)" = 0 ] && [ -x "$root/usr/sbin/haproxy" ]; then
	home=$(mktemp -d "$root/tmp/llmsec-bench.XXXXXX")
	trap 'tap_cleanup; rm -rf "$home"' EXIT
	stop "$spoad_pid"
	edge_dir "$home" "$root"
	edge_origin
	edge_spoad "$agent"
	printf '%-58s\n' "$(chroot "$root" haproxy -v | sed -n 's/^HAProxy version \([^ ]*\).*/HAProxy \1/p')"
	routes
else
	echo 'no Debian 13 root below the build folder (tests/h3/root.sh): its HAProxy is not measured'
fi
