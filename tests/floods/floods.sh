#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Floods and slow clients from one address of loopback against the shipped configuration with small limits: the flooder
# gets 429 or is closed, another address is served as before, and memory stays where it was.
# How much slower the well-behaved client became is printed for each; only a multiple that no noise explains fails.
# shellcheck disable=SC2154	# variables of the libraries
set -u
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
# shellcheck source=tests/floods/edge_lib.sh
. "$srcdir/tests/floods/edge_lib.sh"
flood=$builddir/tests/floods/llmsec-flood
[ -x "$haproxy" ] || { echo '1..0 # SKIP no haproxy'; exit 0; }
seconds=${LLMSEC_FLOOD_SECONDS:-3}
# LLMSEC_H3_ROOT: that Debian's HAProxy instead of this one's.
root=${LLMSEC_H3_ROOT:-}
home=$(mktemp -d "${root:-$tap_dir}/${root:+tmp/}llmsec-floods.XXXXXX")
trap 'tap_cleanup; rm -rf "$home"' EXIT
edge_dir "$home" "$root"
edge_origin
edge_spoad 'waf: {rules: ""}'
# The probe asks 100 times a second: it stays below.
edge_haproxy LLMSEC_RATE_IP=2000 LLMSEC_RATE_IP_CUT=8000 LLMSEC_CONN_IP=60 LLMSEC_CONN_RATE_IP=300 LLMSEC_RATE_ERR=100000 LLMSEC_RATE_OTHER=100000
well=127.0.0.9

probe() { "$flood" -a "$well" -p "$edge_port" -t "$1" -i 10 probe; }
n_status() { jq -r --arg s "$2" '.status[$s] // 0' <<<"$1"; }

# Long enough to be over the limits on a slow machine.
pace=$("$flood" -a 127.0.0.30 -p "$edge_port" -t 1 keepalive | jq .sent)
[ "$pace" -ge $((3500 / seconds)) ] || seconds=$((3500 / (pace + 1) + 1))
[ "$seconds" -le 15 ] || seconds=15
memory_haproxy=$(rss "$edge_pid") memory_spoad=$(rss "$spoad_pid")

# under ATTACK ADDRESS FLOOD-ARGUMENTS...: $bad and $good are what the two clients saw
under()
{
	local name=$1 from=$2 calm
	shift 2
	calm=$(probe 2)
	"$flood" -a "$from" -t "$seconds" "$@" >"$tap_dir/bad" 2>"$tap_dir/bad.err" &
	local pid=$!
	good=$(probe "$seconds")
	wait "$pid"
	bad=$(<"$tap_dir/bad")
	is "$(jq -r '.status | keys | join(",")' <<<"$good")" 200 "$name: the well-behaved client is served, every time"
	diag "$name: $(jq -c 'del(.p50, .p99)' <<<"$bad")"
	diag "$name: well-behaved p50 $(jq .p50 <<<"$calm") -> $(jq .p50 <<<"$good") ms, p99 $(jq .p99 <<<"$calm") -> $(jq .p99 <<<"$good") ms:" \
		"$(jq -n --argjson a "$good" --argjson b "$calm" '$a.p99 / $b.p99 * 100 | round / 100') times"
	at_most "$(jq .p99 <<<"$good")" "$(jq '.p99 * 20 + 100' <<<"$calm")" "$name: and not much later (p99, ms)"
	at_most $(($(rss "$edge_pid") - memory_haproxy)) 60000 "$name: HAProxy has grown by (kB)"
	at_most $(($(rss "$spoad_pid") - memory_spoad)) 60000 "$name: llmsec-spoad has grown by (kB)"
}

under 'keep-alive flood' 127.0.0.11 -p "$edge_port" -c 20 keepalive
at_least "$(n_status "$bad" 429)" 500 'keep-alive flood: it gets 429'
at_most "$(n_status "$bad" 200)" 2200 'keep-alive flood: after what is allowed'
# (Who has sent more than LLMSEC_RATE_IP_CUT gets no answer at all: a new address, a little over the limit.)
for ((i = 0; i < 12; i++)); do
	"$flood" -a 127.0.0.10 -p "$edge_port" -t 0.5 -c 2 keepalive >"$tap_dir/bad"
	[ "$(n_status "$(<"$tap_dir/bad")" 429)" = 0 ] || break	# slow machines take several rounds
done
http --cacert "$edge_dir/ca.crt" --interface 127.0.0.10 --connect-to "localhost:$edge_port:127.0.0.1:$edge_port" "$edge/v1/messages" -d '{}'
is "$http_code" 429 'keep-alive flood: so does its next request'
like "$(header Retry-After)" '^[0-9]+$' 'keep-alive flood: with Retry-After'
is "$(jq -r .type "$http_body")" error 'keep-alive flood: and JSON as that SDK expects it'

under 'plain HTTP flood' 127.0.0.12 -p "$edge_http_port" -n -c 20 keepalive
at_least "$(n_status "$bad" 429)" 500 'plain HTTP flood: it gets 429'
under 'HTTP/2 flood' 127.0.0.13 -p "$edge_port" h2
at_least "$(n_status "$bad" 429)" 500 'HTTP/2 flood: it gets 429'
at_most "$(n_status "$bad" 200)" 2200 'HTTP/2 flood: after what is allowed'
under 'connection flood' 127.0.0.14 -p "$edge_port" connect
at_least "$(jq .refused <<<"$bad")" 10 'connection flood: it is refused connections'
under 'HTTP/2 rapid reset' 127.0.0.15 -p "$edge_port" reset
at_least "$(jq .sent <<<"$bad")" 2000 'HTTP/2 rapid reset: it tried'
under 'HTTP/2 SETTINGS and PING' 127.0.0.16 -p "$edge_port" settings
under 'slowloris' 127.0.0.17 -p "$edge_port" -c 200 -i 200 slowloris
at_most "$(jq .opened <<<"$bad")" 61 'slowloris: connections of one address are bounded'
under 'slow body' 127.0.0.18 -p "$edge_port" -c 200 -i 200 slowbody
at_most "$(jq .opened <<<"$bad")" 61 'slow body: so they are here'
check 'after: the well-behaved client is served' test "$(n_status "$(probe 1)" 200)" -gt 0
check 'after: it is the same HAProxy' kill -0 "$edge_pid"
check 'after: and the same agent' kill -0 "$spoad_pid"
done_testing
