#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Core Rule Set's regression suite over HTTP: a real HAProxy in front of llmsec-spoad, rule ids out of a response header.
# What HAProxy itself makes of a request before anybody sees it is listed, with its reason, in overrides-3.3-haproxy.txt.
set -uo pipefail
srcdir=${srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
# shellcheck source=tests/waf/lib.sh
. "$srcdir/tests/waf/lib.sh"
haproxy=${HAPROXY_PROGRAM:-$(PATH=$PATH:/usr/sbin command -v haproxy)}
skip() { echo "1..0 # SKIP $1"; exit 0; }
[ -x "$haproxy" ] || skip 'no haproxy'
crs_find || skip "no Core Rule Set in $crs_rules"
crs_tests || skip "$why"

dir=$(mktemp -d "${TMPDIR:-/tmp}/llmsec-crs.XXXXXX")
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait "${pids[@]}" 2>/dev/null; rm -rf "$dir"' EXIT
mkdir -p "$waf_dir" "$dir/spool" "$dir/counters"
crs_main "$dir/suite.conf" "${crs_suite_tx[@]}"
echo "k1 $(openssl rand -hex 32)" >"$dir/edge.keys"
chmod 600 "$dir/edge.keys"
cat >"$dir/spoad.yaml" <<T
listen: ["unix:$dir/spoad.sock"]
workers: 2
edge_keys: $dir/edge.keys
run_dir: $dir
counters_dir: $dir/counters
events: {socket: $dir/none.sock, spool_dir: $dir/spool}
deadline: 2s
guard: {oversize: flag}
waf: {rules: $dir/suite.conf}
behaviour: {mode: "off"}
T
port=$((20000 + RANDOM % 12000))
cat >"$dir/haproxy.cfg" <<T
global
    tune.bufsize 131072
    tune.maxrewrite 4096
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 2s
    timeout http-request 2s
frontend f
    bind 127.0.0.1:$port
    option http-buffer-request
    unique-id-format "%[uuid]"
    filter spoe engine llmsec config $dir/spoe.conf
    http-after-response set-header X-WAF-Rules "%[var(txn.llmsec.waf_rules)]"
    http-request return status 503 if { var(txn.llmsec.error) -m found }
    http-request return status 503 if !{ var(txn.llmsec.action) -m str allow deny }
    # The rules only watch, so that all of them are seen; the status is that of a threshold of 5.
    http-request return status 403 if { var(txn.llmsec.waf_score) -m int ge 5 }
    http-request return status 200 content-type text/plain string "ok"
backend llmsec_spoad
    mode tcp
    timeout connect 1s
    timeout server 1m
    server spoad unix@$dir/spoad.sock
T
LLMSEC_SPOE_TIMEOUT=2s
export LLMSEC_SPOE_TIMEOUT
sed '/dontlog-normal/d; s/ unless { path .*}//' "$srcdir/etc/haproxy/llmsec-spoe.conf" >"$dir/spoe.conf"
"$builddir/haproxy-spoa/llmsec-spoad" -c "$dir/spoad.yaml" >"$dir/spoad.log" 2>&1 &
pids+=($!)
for ((i = 0; i < 200; i++)); do [ -S "$dir/spoad.sock" ] && break; read -r -t 0.05 <> <(:); done
"$haproxy" -db -f "$dir/haproxy.cfg" >"$dir/haproxy.log" 2>&1 &
pids+=($!)
for ((i = 0; i < 200; i++)); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; read -r -t 0.05 <> <(:); done
"$builddir/tests/waf/ftw" --overrides "$srcdir/tests/waf/overrides-3.3-haproxy.txt" "$@" --http "127.0.0.1:$port" --header X-WAF-Rules "$crs_tests"
rc=$?
[ $rc = 0 ] || tail -n 5 "$dir/spoad.log" "$dir/haproxy.log" >&2
exit $rc
