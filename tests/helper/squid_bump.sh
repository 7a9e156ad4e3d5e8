#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The forward port that reads the TLS ClientHello: a server name other than the one in CONNECT gets nowhere,
# and who is let through sees the origin's own certificate.
# shellcheck disable=SC2154	# variables of squid_lib.sh
set -u
: "${srcdir:?}"
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
command -v openssl >/dev/null || { echo "1..0 # SKIP no openssl here"; exit 0; }
[ -x "$certgen" ] || { echo "1..0 # SKIP this squid has no security_file_certgen"; exit 0; }

cert()	# NAME CN SAN
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$2" \
		-addext "subjectAltName=$3" -addext basicConstraints=critical,CA:TRUE \
		-keyout "$tap_dir/$1.key" -out "$tap_dir/$1.crt" 2>/dev/null
	cat "$tap_dir/$1.crt" "$tap_dir/$1.key" >"$tap_dir/$1.pem"
}
cert origin 'the origin itself' 'DNS:allowed.test,DNS:denied.test,DNS:later.test'
cert bump 'the proxy' 'DNS:proxy.test'
"$certgen" -c -s "$tap_dir/certs" -M 4MB >/dev/null || bail_out 'no certificate store'

tls_port=$(free_port)
spawn tls openssl s_server -accept "127.0.0.1:$tls_port" -cert "$tap_dir/origin.pem" -www
wait_for "grep -q ACCEPT '$tap_dir/tls.log'" 10 || bail_out "no TLS origin: $(cat "$tap_dir/tls.log")"
policy allowed.test "$tls_port"
for f in squid.conf llmsec-icap.conf llmsec-accel.conf; do template $f; done
template llmsec-forward-bump.conf llmsec-forward.conf
give_to_squid
is "$(parse)" "" 'the configuration parses without a warning'
start_squid

# tls HOST SERVER-NAME CURL-ARGUMENTS: CONNECT to HOST, then TLS for SERVER-NAME; curl's exit status
tls()
{
	curl -s -o "$tap_dir/body" --max-time 10 -x "$proxy" --connect-to "$2:$tls_port:$1:$tls_port" \
		"${@:3}" "https://$2:$tls_port/" 2>"$tap_dir/curl.err"
	echo $?
}
is "$(tls allowed.test allowed.test --cacert "$tap_dir/origin.crt")" 0 'the name of CONNECT as server name passes'
like "$(body)" 's_server' 'and reaches the origin, whose certificate the client saw'
: >"$tap_dir/body"
isnt "$(tls allowed.test denied.test -k)" 0 'another server name behind an allowed CONNECT is cut'
unlike "$(body)" 's_server' 'and does not reach the origin'
wait_for "grep -q sni_mismatch '$tap_dir'/spool/*" 5
like "$(cat "$tap_dir"/spool/*)" '"reason":"sni_mismatch"' 'that is an event'
: >"$tap_dir/body"
tls denied.test allowed.test -k >/dev/null
unlike "$(body)" 's_server' 'an allowed server name behind another CONNECT does not reach the origin'
like "$(body)" '"code":"not_allowed"' 'the client, if it trusts the proxy, reads why'
isnt "$(tls denied.test allowed.test --cacert "$tap_dir/origin.crt")" 0 'and if it does not, it is cut off'
: >"$tap_dir/body"
isnt "$(tls 127.0.0.1 allowed.test --cacert "$tap_dir/origin.crt")" 0 'nor does one behind an address'
unlike "$(timeout 10 openssl s_client -proxy "127.0.0.1:$proxy_port" -connect "allowed.test:$tls_port" -noservername \
	</dev/null 2>/dev/null)" 'the origin itself' 'nothing passes without a server name'
wait_for "grep -q no_sni '$tap_dir'/spool/*" 5
like "$(cat "$tap_dir"/spool/*)" '"reason":"no_sni"' 'which is an event of its own'
like "$(grep CONNECT "$tap_dir/log/squid-access.log")" 'egress.default-deny' 'the access log has the rule of what was refused'
like "$(grep CONNECT "$tap_dir/log/squid-access.log")" '"sni":"allowed.test"' 'and the server name of what passed'
stop_squid
done_testing
