#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the egress helper costs.  First without Squid: decisions by the engine and through the program's pipes, memory,
# a reload.  Then through Squid with the shipped forward port: without any list, with the helper and N denied names,
# with N names in Squid's own dstdomain, in turns in the same run; then a change of the list under load.
# Run by `./dev bench egress [SECONDS [N]]`; SECONDS (3) is for each measurement of each side, N (231000) names.
# shellcheck disable=SC2016,SC2034,SC2154	# variables of the libraries, and by name
set -u
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
seconds=${1:-3} n=${2:-231000} turns=5
bench=$builddir/tests/bench/egress_bench helper=$builddir/squid-helpers/ext_llmsec_egress_acl
bail_out() { echo "bench: $*" >&2; exit 1; }
for c in wrk haproxy; do command -v $c >/dev/null || bail_out "no $c here"; done
rss() { awk '/VmRSS/ { printf "%.1f MB", $2 / 1024 }' "/proc/$1/status"; }
# CPU that Squid and its worker have used so far
cpu_ns() { for p in "$1" $(pgrep -P "$1"); do cat /proc/"$p"/task/*/schedstat; done | awk '{ s += $1 } END { printf "%.0f", s }'; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf '%d CPUs, %s, load average %s\n' "$(nproc)" "$("$SQUID" -v | head -n 1)" "$(cut -d' ' -f1-3 /proc/loadavg)"

# ---- without Squid
world()	# DIR NAMES
{
	mkdir -p "$1"
	printf 'lists: {path: %s/lists}\nrules: [{id: bench, domains: [.bench.example.com], ports: [1-65535]}]\n' "$1" >"$1/egress.yaml"
	"$bench" make "$1" "$2" || bail_out 'no lists'
}
for k in "$n" 3000000; do
	printf '\n== helper alone, %d denied names (targets: 2 million decisions/s, reload 100 ms, memory %s MB)\n' "$k" \
		"$([ "$k" = 3000000 ] && echo 60 || echo 20)"
	world "$tap_dir/alone" "$k"
	"$bench" engine "$tap_dir/alone" "$k" || bail_out 'the engine'
	"$bench" pipe "$tap_dir/alone" "$k" "$helper" 2>"$tap_dir/helper.err" || bail_out "$(tail -n 3 "$tap_dir/helper.err")"
	rm -rf "$tap_dir/alone"
done

# ---- through Squid
printf '\n== Squid, plain HTTP, 32 connections, answers of 100 bytes, no cache\n'
world "$tap_dir/lists" "$n"
"$bench" names "$n" >"$tap_dir/dstdomain"
port=$(free_port)
cat >"$tap_dir/origin.cfg" <<-T
	global
	    nbthread 1
	defaults
	    mode http
	    timeout client 1m
	    timeout server 1m
	    timeout connect 5s
	frontend f
	    bind 127.0.0.1:$port
	    http-request return status 200 content-type text/plain string "$(head -c 100 /dev/zero | tr '\0' x)"
	T
spawn haproxy haproxy -db -f "$tap_dir/origin.cfg"
cat >"$tap_dir/egress.yaml" <<-T
	lists: {path: $tap_dir/lists/lists}
	rules: [{id: bench, domains: [allowed.test], ports: [$port]}]
	T
printf '%s\n' 'wrk.method = "GET"' "wrk.path = \"http://allowed.test:$port/\"" "wrk.headers[\"Host\"] = \"allowed.test:$port\"" >"$tap_dir/ask.lua"

# One Squid for each side: the shipped files, but for who decides.  Its port is $port_SIDE, its pid $pid_SIDE.
side()	# NAME SED-SCRIPT
{
	local dir=$tap_dir/side.$1
	mkdir -p "$dir/log"
	proxy_port=$(free_port) accel_port=$(free_port)
	for f in squid.conf llmsec-icap.conf llmsec-accel.conf llmsec-forward.conf; do template $f; done
	sed -i "s|$tap_dir/log|$dir/log|; s|$tap_dir/squid.pid|$dir/squid.pid|; s|^coredump_dir .*|coredump_dir $dir|; s|include $tap_dir|include $dir|" "$tap_dir/squid.conf"
	sed -i "$2" "$tap_dir/llmsec-forward.conf"
	: >"$tap_dir/llmsec-audit.conf"
	mv "$tap_dir"/squid.conf "$tap_dir"/llmsec-*.conf "$dir/"
	give_to_squid
	squid_name=llmsec$1$$
	"$SQUID" --foreground -n "$squid_name" -f "$dir/squid.conf" >"$dir/out" 2>&1 &
	tap_pids+=($!)
	wait_for up 30 || bail_out "squid ($1): $(grep -hE "FATAL|ERROR" "$dir/out" "$dir"/log/*)"
	printf -v "port_$1" '%s' "$proxy_port"
	printf -v "name_$1" '%s' "$squid_name"
	wait_for "[ \$(curl -s -o '$tap_dir/body' -w '%{http_code}' -x http://127.0.0.1:$proxy_port http://allowed.test:$port/) = 200 ]" 10 || bail_out "$1: $(cat "$tap_dir/body")"
}
worker() { pgrep -f "^\\(squid-1\\) --kid squid-1 .*-n ${!1} "; }
no_helper='/^external_acl_type/d; /^acl llmsec_egress/d; /^deny_info/d; /llmsec_egress$/d'
side none "$no_helper"
side helper ''
side dstdomain "$no_helper; s|^acl llmsec_proxy .*|&\nacl listed dstdomain -n \"$tap_dir/dstdomain\"\nhttp_access deny listed|"

load() { local p=port_$1; wrk -t1 -c"${3:-32}" -d"$2" -s "$tap_dir/ask.lua" --latency "http://127.0.0.1:${!p}/" >"$tap_dir/wrk.$1" 2>&1; }
rate() { awk '/^Requests\/sec/ { print $2 }' "$tap_dir/wrk.$1"; }
bad() { awk '/Socket errors/ { gsub(/[^0-9 ]/, ""); s += $1 + $2 + $3 + $4 } /Non-2xx/ { s += $NF } END { print s + 0 }' "$tap_dir/wrk.$1"; }
for side in none helper dstdomain; do load $side 1; : >"$tap_dir/rate.$side"; done
for ((t = 0; t < turns; t++)); do
	for side in none helper dstdomain; do
		before=$(cpu_ns "$(cat "$tap_dir/side.$side/squid.pid")")
		load $side "$seconds"
		cpu_ns "$(cat "$tap_dir/side.$side/squid.pid")" | awk -v b="$before" -v n="$(awk '/requests in/ { print $1 }' "$tap_dir/wrk.$side")" \
			'{ print ($1 - b) / n / 1000 }' >>"$tap_dir/cpu.$side"
		[ "$(bad $side)" = 0 ] || bail_out "$side: $(cat "$tap_dir/wrk.$side")"
		rate $side >>"$tap_dir/rate.$side"
	done
	paste "$tap_dir"/rate.{none,helper,dstdomain} | tail -n 1 | awk '{ printf "%.0f %.0f %.0f\n", $1, $2, $3; print $2 / $1 >>"'"$tap_dir"'/ratio.helper"; print $3 / $1 >>"'"$tap_dir"'/ratio.dstdomain" }' >>"$tap_dir/turns"
done
printf 'requests/s, medians of %d turns of %s s: no list %.0f, helper %.0f, dstdomain %.0f\n' $turns "$seconds" \
	"$(median <"$tap_dir/rate.none")" "$(median <"$tap_dir/rate.helper")" "$(median <"$tap_dir/rate.dstdomain")"
printf 'of what Squid does without a list: with the helper %.2f (target 0.85), with dstdomain %.2f (medians of the ratio of each turn)\n' \
	"$(median <"$tap_dir/ratio.helper")" "$(median <"$tap_dir/ratio.dstdomain")"
a=$(median <"$tap_dir/cpu.none") b=$(median <"$tap_dir/cpu.helper") c=$(median <"$tap_dir/cpu.dstdomain")
awk -v a="$a" -v b="$b" -v c="$c" 'BEGIN { printf "CPU of Squid for a request: no list %.0f us, helper %.0f us, dstdomain %.0f us; ratios %.2f and %.2f: what a machine with a core for each process gets\n", a, b, c, a / b, a / c }'
helper_pid=$(pgrep -f "^\\(helper\\) -c $tap_dir/egress.yaml" | head -n 1)
printf 'memory: helper %s (target 20 MB); Squid without a list %s, with the helper %s, with dstdomain %s\n' "$(rss "$helper_pid")" \
	"$(rss "$(cat "$tap_dir/side.none/squid.pid")")" "$(rss "$(cat "$tap_dir/side.helper/squid.pid")")" "$(rss "$(cat "$tap_dir/side.dstdomain/squid.pid")")"

# ---- a change under load
printf '\n== a change of the list while 8 connections ask\n'
load helper "$seconds" 8 &
loader=$!
for i in {1..10}; do
	printf 'llmsec-egress-lists 1\ndomains domains.1.set\n+d x%d.example.net\nend 3\n' "$i" >"$tap_dir/lists/lists.new"
	chmod 644 "$tap_dir/lists/lists.new"
	mv "$tap_dir/lists/lists.new" "$tap_dir/lists/lists"
	sleep "$(awk "BEGIN { print $seconds / 12 }")"
done
wait "$loader"
longest() { awk '/Latency +[0-9]/ { print $4 }' "$tap_dir/wrk.$1"; }
printf 'helper, 10 changes: %s failed, longest wait for an answer %s (target 100 ms)\n' "$(bad helper)" "$(longest helper)"
load dstdomain $((seconds + 6)) 8 &
loader=$!
sleep 0.5
"$SQUID" -n "$name_dstdomain" -f "$tap_dir/side.dstdomain/squid.conf" -k reconfigure
wait "$loader"
printf 'dstdomain, squid -k reconfigure once: %s failed, longest wait for an answer %s\n' "$(bad dstdomain)" "$(longest dstdomain)"

# ---- a listed address: until connect(2) of Squid's user is refused
gate_world='
	d=$1; shift
	ip link set lo up && ip link add near type veth peer name far && ip address add 93.184.216.1/24 dev near &&
		ip link set near up && ip link set far up || exit 1
	"$builddir/squid-helpers/llmsec-egress-gate" -l "$d/lists" -s "$d/sock" -u "$1" 2>"$d/gate.err" & gate=$!
	"$builddir/tests/bench/gate_bench" changes "$d" 200 "$(id -u "$1")"
	kill $gate'
if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	printf '\n== a change of the addresses, until the kernel refuses (target 200 ms)\n'
	for k in 0 "$n"; do
		dir=$tap_dir/gate.$k
		world "$dir" "$n"
		[ "$k" = 0 ] || "$builddir/tests/bench/gate_bench" make "$dir" "$k"
		chown -R "$squid_user" "$dir"
		printf '%d denied names, %d denied addresses: ' "$n" "$k"
		export builddir
		unshare -n bash -c "$gate_world" gate "$dir" "$squid_user" || bail_out "the gate: $(tail -n 3 "$dir/gate.err")"
	done
fi
