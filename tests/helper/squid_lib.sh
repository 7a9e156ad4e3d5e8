# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154	# variables are for and from the sourcing script
# What the tests with a real Squid share: a folder for Squid's user, the shipped templates filled in, and
# Squid as its service runs it, with a master process that starts the worker again.  Skips, and says
# why, where that can't be done.
: "${srcdir:?}" "${builddir:?}"
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
SQUID=$(PATH=$PATH:/usr/sbin:/usr/local/squid/sbin command -v squid) || skip_all 'no squid here'
squid_built=$("$SQUID" -v 2>/dev/null)
[[ $squid_built == *enable-ssl-crtd* ]] || skip_all 'this squid has no TLS'
[[ $squid_built == *enable-icap-client* ]] || skip_all 'this squid has no ICAP'
for c in curl pgrep; do
	command -v $c >/dev/null || skip_all "no $c here"
done
user_line=
if [ "$(id -u)" = 0 ]; then
	squid_user=$(sed -n "s/.*--with-default-user=\([a-z0-9_-]*\).*/\1/p" <<<"$squid_built")
	id "${squid_user:=proxy}" >/dev/null 2>&1 || skip_all "root, and no user named $squid_user"
	user_line="cache_effective_user $squid_user"
fi
# shellcheck source=tests/e2e/lib.sh
. "$srcdir/tests/e2e/lib.sh"
for certgen in /usr/lib/squid /usr/lib64/squid /usr/libexec/squid /usr/local/squid/libexec; do
	certgen=$certgen/security_file_certgen
	[ ! -x "$certgen" ] || break
done

chmod 755 "$tap_dir"
mkdir -p "$tap_dir/log" "$tap_dir/spool" "$tap_dir/errors" "$tap_dir/ctr"
cp "${LLMSEC_EGRESS_HELPER:-$builddir/squid-helpers/ext_llmsec_egress_acl}" "$tap_dir/helper"
cp "$builddir/squid-helpers/log_llmsec_daemon" "$tap_dir/log_daemon"
cp "$srcdir"/etc/squid/errors/ERR_* "$tap_dir/errors/"
cp "$srcdir/etc/squid/private-dst.conf" "$tap_dir/"
printf '127.0.0.1 localhost\n127.0.0.1 allowed.test denied.test later.test\n' >"$tap_dir/hosts"

spawn origin "$builddir/tests/helper/tiny_origin"
wait_for "[ -s '$tap_dir/origin.log' ]" 10 || bail_out 'no origin'
port=$(head -n 1 "$tap_dir/origin.log")
proxy_port=$(free_port) accel_port=$(free_port) icap_port=$(free_port) mtls_port=$(free_port)
proxy=http://127.0.0.1:$proxy_port
# The service name makes shared memory segments distinct from any other Squid's.
squid_name=llmsectest$$
dst_guard='# no guard: the origin is on loopback'

# policy DOMAINS [PORTS]
policy()
{
	cat >"$tap_dir/egress.yaml.new" <<-T
	events:
	  socket: $tap_dir/no.sock
	  spool_dir: $tap_dir/spool
	counters_dir: $tap_dir/ctr
	rules:
	  - id: test-allow
	    domains: [$1]
	    ports: [${2:-$port}]
	T
	mv "$tap_dir/egress.yaml.new" "$tap_dir/egress.yaml"
}

# template NAME [AS]: a file of etc/squid with every variable filled in
template()
{
	sed "s|@RUN_DIR@|$tap_dir|g; s|@LOG_DIR@|$tap_dir/log|g; s|@ETC_DIR@|$tap_dir|g
		s|@ERROR_DIR@|$tap_dir/errors|g; s|@HOSTS_FILE@|$tap_dir/hosts|g; s|@USER_LINE@|$user_line|g
		s|@PROXY_PORT@|$proxy_port|g; s|@ACCEL_PORT@|$accel_port|g; s|@DST_GUARD@|$dst_guard|g
		s|@ICAP_HOST_PORT@|127.0.0.1:$icap_port|g; s|@HELPER@|$tap_dir/helper|g
		s|@EGRESS_YAML@|$tap_dir/egress.yaml|g; s|@\([A-Z]*\)_PEER@|127.0.0.1 parent $port 0 forceddomain=\1.test|g
		s|@AUDIT_DAEMON@|$tap_dir/log_daemon|g; s|@AUDIT_BASE@|$tap_dir/log/audit|g
		s|@MTLS_LISTEN@|127.0.0.1:$mtls_port|g; s|@MTLS_PEM@|$tap_dir/proxy.pem|g; s|@CLIENTS_CA@|$tap_dir/clients.crt|g
		s|@BUMP_PEM@|$tap_dir/bump.pem|g; s|@CERTGEN@|$certgen|g
		s|@CERTGEN_DIR@|$tap_dir/certs|g" "$srcdir/etc/squid/$1.in" >"$tap_dir/${2:-$1}"
	! grep -n '@[A-Z_]*@' "$tap_dir/${2:-$1}" || bail_out "$1: a variable has no value"
}

# squid.conf includes it; a test that wants the trail calls `template llmsec-audit.conf`.
: >"$tap_dir/llmsec-audit.conf"

give_to_squid() { [ "$(id -u)" != 0 ] || chown -R "$squid_user:" "$tap_dir"; }

# Lines of Squid's own check that a person would have to look at.
parse()
{
	"$SQUID" -k parse -n "$squid_name" -f "$tap_dir/squid.conf" 2>&1 | grep -E "ERROR|WARNING|FATAL|aborting"
}

up() { (exec 3<>"/dev/tcp/127.0.0.1/$proxy_port" 4<>"/dev/tcp/127.0.0.1/$accel_port") 2>/dev/null; }

start_squid()
{
	give_to_squid
	"$SQUID" --foreground -n "$squid_name" -f "$tap_dir/squid.conf" >"$tap_dir/squid.out" 2>&1 &
	squid_pid=$!
	tap_pids+=("$squid_pid")
	wait_for up 20 || bail_out "squid does not start: $(tail -n 5 "$tap_dir/squid.out" "$tap_dir/log/squid-cache.log")"
}

stop_squid() { stop "$squid_pid"; }

# code CURL-ARGUMENTS: status of a request through the forward port; body prints what came
code() { curl -s -o "$tap_dir/body" --max-time 10 -w '%{http_code}' -x "$proxy" "$@"; }
accel() { curl -s -o "$tap_dir/body" --max-time 20 -w '%{http_code}' "http://127.0.0.1:$accel_port$1" "${@:2}"; }
body() { cat "$tap_dir/body"; }

# raw REQUEST-LINE HOST: bytes that curl would tidy up
raw()
{
	exec 4<>"/dev/tcp/127.0.0.1/$proxy_port" || return 1
	printf '%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" "$2" >&4
	timeout 10 cat <&4
	exec 4<&- 4>&-
}

# mark: what origin and ICAP service print from now on is what `since origin`, `since icap` shows
mark()
{
	origin_mark=$(wc -c <"$tap_dir/origin.log")
	[ ! -e "$tap_dir/icap.log" ] || icap_mark=$(wc -c <"$tap_dir/icap.log")
}
since()
{
	local at=${1}_mark
	tail -c "+$((${!at} + 1))" "$tap_dir/$1.log"
}

# is_json NAME FILTER FILE
is_json()
{
	if command -v jq >/dev/null; then check "$1" jq -e "$2" "$3"; else skip "$1" 'no jq here'; fi
}

# by_rule REASON|REASON...: each with the built-in rule that says so, as a regular expression; Squid's own have none
by_rule()
{
	local r out=
	for r in ${1//|/ }; do
		case $r in
		invalid_*) r+=' ' ;;
		not_allowed) r+=' egress\.default-deny' ;;
		listed) r+=' egress\.api-list' ;;
		*) r+=" egress\.${r//_/-}" ;;
		esac
		out+=${out:+|}$r
	done
	echo "$out"
}
