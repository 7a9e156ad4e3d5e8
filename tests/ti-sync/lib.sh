# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What the tests of llmsec-ti-sync share: a server that misbehaves, feeds, and the program.
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
ti=$builddir/ti-sync/llmsec-ti-sync
[ -x "$ti" ] || skip_all 'llmsec-ti-sync is not built'
command -v jq >/dev/null || skip_all 'no jq here'
conf=$tap_dir/ti.yaml
www=$tap_dir/www
mkdir -p "$www"

# names N PREFIX: N names
names() { seq -f "$2-%.0f.com" 1 "$1"; }

start_server()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$tap_dir/tls.key" \
		-out "$tap_dir/tls.crt" -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
	spawn server "$builddir/tests/ti-sync/ti_server" "$www" "$tap_dir/tls.crt" "$tap_dir/tls.key"
	wait_for "[ -s '$tap_dir/server.log' ]" 10 || bail_out 'no server'
	read -r port tls_port <"$tap_dir/server.log"
}

# conf_begin [LINES]: a configuration without feeds
conf_begin()
{
	cat >"$conf" <<-T
	state_dir: $tap_dir/state
	sets_dir: $tap_dir/sets
	catalogue: ""
	fetch: {parallel: 20, retries: 1, backoff: 20ms, timeout: 4s, connect_timeout: 4s}
	T
	[ $# = 0 ] || printf '%s\n' "$@" >>"$conf"
	echo 'feeds:' >>"$conf"
}

# feed NAME PATH [MORE]: a feed of the server's
feed() { echo "  - {name: $1, url: \"http://127.0.0.1:$port/$2\", allow_http: true, allow_private: true, refresh: 0s${3:+, $3}}" >>"$conf"; }

# run [ARGUMENTS]: one run; $rc, its report in $tap_dir/report
run()
{
	"$ti" -c "$conf" --report "$tap_dir/report" "$@" >"$tap_dir/run.log" 2>&1
	rc=$?
}
outcome() { jq -r --arg n "$1" '.feeds[] | select(.name == $n) | .outcome' "$tap_dir/report"; }
listed() { "$ti" -c "$conf" why "$1" >/dev/null 2>&1; }
