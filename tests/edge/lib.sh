# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154	# variables for and of who sources this
# For tests of etc/haproxy on the installed HAProxy ($HAPROXY_PROGRAM): an edge with a live agent, and an origin that
# says what it was sent.  Clients are addresses of loopback.
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
# shellcheck source=tests/floods/edge_lib.sh
. "$srcdir/tests/floods/edge_lib.sh"

[ -n "$haproxy" ] || { echo '1..0 # SKIP haproxy is not installed'; exit 0; }
[ "$(uname)" = Linux ] || { echo '1..0 # SKIP all of 127.0.0.0/8 is needed'; exit 0; }

# Answers with the headers of interest, or as the path says: /slow not before somebody loses patience, /status/404 with that.
echo_origin()
{
	cat >"$edge_dir/origin.cfg" <<-T
	global
	    maxconn 1000
	defaults
	    mode http
	    timeout connect 1s
	    timeout client 2m
	    timeout server 2m
	    timeout queue 10s
	    timeout tarpit 2m
	frontend origin
	    bind unix@$edge_dir/origin.sock mode 666
	    http-request tarpit deny_status 500 if { path_end /slow }
	    http-request return status 404 content-type text/plain string 404 if { path_end /status/404 }
	    http-request return status 401 content-type text/plain string 401 if { path_end /status/401 }
	    http-request return status 200 content-type application/json lf-string "{\"threat\":\"%[req.hdr(x-edge99-threat-score)]\",\"bot\":\"%[req.hdr(x-edge99-bot-score)]\",\"ja3\":\"%[req.hdr(x-edge99-ja3)]\",\"ja4\":\"%[req.hdr(x-edge99-ja4)]\",\"country\":\"%[req.hdr(x-edge99-country)]\",\"ip\":\"%[req.hdr(x-edge99-client-ip)]\",\"id\":\"%[req.hdr(x-edge99-request-id)]\",\"signature\":\"%[req.hdr(x-edge99-signature)]\",\"names\":\"%[req.hdr_names]\"}" if { path_end /headers }
	    http-request return status 200 content-type text/plain lf-string "client=%[req.hdr(x-edge99-client-ip)] xff=%[req.hdr(x-forwarded-for)]%[req.hdr(forwarded)]%[req.hdr(x-real-ip)]"
	T
	spawn origin "$haproxy" -db -f "$edge_dir/origin.cfg"
	wait_for "[ -S '$edge_dir/origin.sock' ]" 20 || bail_out "no origin: $(cat "$tap_dir/origin.log")"
}

# from ADDRESS PATH [CURL-ARGUMENTS...]: a request over plain HTTP; status in $http_code
from()
{
	local a=$1 path=$2
	shift 2
	http --interface "$a" "$@" "http://127.0.0.1:$edge_http_port$path" || true
}

# times N ADDRESS PATH [...]: that often over one connection; the statuses, counted: "200*3 429*2"
times()
{
	local n=$1 a=$2 path=$3 i args=()
	shift 3
	for ((i = 0; i < n; i++)); do args+=(-o /dev/null "http://127.0.0.1:$edge_http_port$path"); done
	curl -s --max-time 20 --interface "$a" "$@" -w '%{http_code}\n' "${args[@]}" | uniq -c | awk '{ printf "%s%s*%s", s, $2, $1; s = " " }'
}

cli() { printf '%s\n' "$1" | socat -t 5 - "UNIX:$edge_dir/haproxy.sock"; }
# logged FIELD: of the last request's line
logged()
{
	local id
	id=$(header X-Request-Id)
	wait_for "grep -qF '\"request_id\":\"$id\"' '$tap_dir/haproxy.log'" 5
	grep -F "\"request_id\":\"$id\"" "$tap_dir/haproxy.log" | tail -n 1 | jq -r "$1"
}
