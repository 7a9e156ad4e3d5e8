# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154	# variables for and of who sources this
# An edge of a test's own: llmsec-spoad, HAProxy with the configuration as shipped, and an origin behind them.
# Source tests/e2e/lib.sh first; $srcdir and $builddir are the tops of the two trees.
#	edge_dir DIR [ROOT]	where it lives; ROOT: another Debian's root, in which HAProxy runs (DIR is below it)
#	edge_spoad [YAML]	starts the agent with YAML (text) added to its configuration; $edge_behaviour (", key: ...") and
#				$edge_never (file) go into their places
#	edge_origin		an origin that is faster than any edge (an HAProxy that answers by itself)
#	edge_haproxy [NAME=VALUE...]	the edge; sets $edge_port (TLS, TCP and QUIC), $edge_http_port, $edge_pid
#	rss PID			resident memory in kB
haproxy=${HAPROXY_PROGRAM:-$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v haproxy)}

edge_dir()
{
	edge_dir=$1 edge_root=${2:-} edge_in=${1#"${2:-}"}
	mkdir -p "$edge_dir/etc" "$edge_dir/spool" "$edge_dir/waf"
	cp -R "$srcdir/etc/haproxy" "$srcdir/etc/llmsec/never-ban.lst" "$edge_dir/etc/"
	# The tests' clients have addresses of loopback: those must be bannable here.
	sed -i '/^[^#]/d' "$edge_dir/etc/never-ban.lst"
	(
		umask 077
		echo "k1 $(openssl rand -hex 32)" >"$edge_dir/edge.keys"
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
			-addext subjectAltName=DNS:localhost -keyout "$edge_dir/key.pem" -out "$edge_dir/ca.crt" 2>/dev/null
		cat "$edge_dir/ca.crt" "$edge_dir/key.pem" >"$edge_dir/edge.pem"
	)
}

edge_spoad()
{
	cat >"$edge_dir/spoad.yaml" <<-T
	listen: ["unix:$edge_dir/spoad.sock"]
	run_dir: $edge_dir
	workers: 2
	deadline: 2s
	edge_keys: $edge_dir/edge.keys
	counters_dir: ""
	events: {socket: "", spool_dir: ""}
	never_ban: "${edge_never:-}"
	behaviour: {state_file: "", orders: ""${edge_behaviour:-}}
	${1:-}
	T
	spawn spoad "$builddir/haproxy-spoa/llmsec-spoad" -c "$edge_dir/spoad.yaml"
	spoad_pid=$spawned
	wait_for "[ -S '$edge_dir/spoad.sock' ]" 20 || bail_out "no agent: $(cat "$tap_dir/spoad.log")"
}

edge_origin()
{
	cat >"$edge_dir/origin.cfg" <<-T
	global
	    maxconn 4000
	defaults
	    mode http
	    timeout connect 2s
	    timeout client 1m
	    timeout server 1m
	frontend origin
	    bind unix@$edge_dir/origin.sock mode 666
	    http-request return status 200 content-type application/json string '{"ok":true}'
	T
	spawn origin "$haproxy" -db -f "$edge_dir/origin.cfg"
	wait_for "[ -S '$edge_dir/origin.sock' ]" 20 || bail_out "no origin: $(cat "$tap_dir/origin.log")"
}

edge_haproxy()
{
	local i run=()
	edge_port=$(free_port) edge_http_port=$(free_port)
	[ -z "$edge_root" ] || run=(chroot "$edge_root")
	spawn haproxy env LLMSEC_RUN="$edge_in" LLMSEC_EDGE_ADDR=127.0.0.1 LLMSEC_EDGE_PORT="$edge_port" \
		LLMSEC_EDGE_HTTP_PORT="$edge_http_port" LLMSEC_EDGE_PEM="$edge_in/edge.pem" LLMSEC_SPOAD_SOCK="$edge_in/spoad.sock" \
		LLMSEC_CONF="$edge_in/etc/haproxy" LLMSEC_NEVER_BAN="$edge_in/etc/never-ban.lst" LLMSEC_ACCEL_ADDR="unix@$edge_in/origin.sock" \
		LLMSEC_SPOE_TIMEOUT=3s LLMSEC_HELLO_TIMEOUT=3s "$@" \
		"${run[@]}" "$([ -n "$edge_root" ] && echo haproxy || echo "$haproxy")" -db -f "$edge_in/etc/haproxy/haproxy.cfg"
	edge_pid=$spawned
	edge=https://localhost:$edge_port
	for ((i = 0; i < 400; i++)); do
		[ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 --cacert "$edge_dir/ca.crt" "$edge/healthz")" != 200 ] || return 0
		kill -0 "$edge_pid" 2>/dev/null || break
		read -r -t 0.05 <> <(:)
	done
	bail_out "HAProxy does not come up: $(tail -n 20 "$tap_dir/haproxy.log")"
}

rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"; }
