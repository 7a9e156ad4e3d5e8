#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Requests that two readers may read in two ways, as bytes at a real Squid's forward port with the shipped files: each is refused,
# or reaches the allowed origin as one request for the allowed host, whatever it said; nothing reaches the other origin, and
# DNS is never asked for that one.  bypass_wire.rows has the requests, bypass_inside.rows those that are written into opened TLS.
# shellcheck disable=SC2016,SC2154	# wait_for evaluates its text; variables of squid_lib.sh
set -u
: "${srcdir:?}"
if [ -z "${LLMSEC_NS:-}" ]; then
	[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || { echo '1..0 # SKIP no network namespace without root'; exit 0; }
	LLMSEC_NS=1 exec unshare -n bash "$0" "$@"
fi
ip link set lo up && ip address add 93.184.216.34/32 dev lo && ip address add 93.184.216.35/32 dev lo ||
	{ echo '1..0 # SKIP no addresses in a namespace'; exit 0; }
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
for c in dnsmasq socat openssl; do command -v $c >/dev/null || skip_all "no $c here"; done
[ -x "$certgen" ] || skip_all 'this squid has no security_file_certgen'

good=93.184.216.34 evil=93.184.216.35 p=7005
printf '%s\n' port=53 listen-address=127.0.0.1 bind-interfaces no-resolv no-hosts log-queries "log-facility=$tap_dir/dns.log" \
	"address=/good.example.com/$good" "address=/example.com/$evil" "address=/com/$evil" "address=/#/$evil" >"$tap_dir/dns.conf"
spawn dns dnsmasq -k -C "$tap_dir/dns.conf" --user=root
dns=$spawned
wait_for '[ -s "$tap_dir/dns.log" ]' 10 || bail_out 'no DNS server'
# An origin that keeps every byte it is sent, and answers one request after the other, as the heads that it reads frame them.
cat >"$tap_dir/keep" <<'T'
#!/bin/bash
exec 3>>"$1"
line() { IFS= read -r -t 5 l || exit 0; printf '%s\n' "$l" >&3; l=${l%$'\r'}; }
while :; do
	n=0 chunked=
	while line; [ -n "$l" ]; do
		case ${l,,} in content-length:*) n=${l#*:} ;; transfer-encoding:*chunked*) chunked=1 ;; esac
	done
	[ -z "$chunked" ] || { while line; [ "$l" != 0 ]; do :; done; line; }
	[ -n "$chunked" ] || dd bs=1 count="$((n))" status=none >&3
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n'
done
T
chmod 755 "$tap_dir/keep"
: >"$tap_dir/wire.good"
: >"$tap_dir/wire.evil"
for port in $p 80 443 21; do
	spawn "good$port" socat "TCP-LISTEN:$port,bind=$good,fork,reuseaddr" "EXEC:$tap_dir/keep $tap_dir/wire.good"
	spawn "evil$port" socat "TCP-LISTEN:$port,bind=$evil,fork,reuseaddr" "EXEC:$tap_dir/keep $tap_dir/wire.evil"
done
cat >"$tap_dir/egress.yaml" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	rules: [{id: good, domains: [.good.example.com], ports: [$p, 80, 443]}]
T
for f in squid.conf llmsec-icap.conf llmsec-accel.conf; do template $f; done
dst_guard="include $tap_dir/private-dst.conf"
template llmsec-forward.conf
printf 'dns_nameservers 127.0.0.1\ndns_timeout 2 seconds\n' >>"$tap_dir/squid.conf"
start_squid

# send BYTES: what comes back, until Squid closes, which it does unless it waits for more of a request
send()
{
	exec 4<>"/dev/tcp/127.0.0.1/$proxy_port" || return 1
	(trap '' PIPE; printf '%b' "$1" >&4) 2>/dev/null
	timeout 5 cat <&4 2>/dev/null | tr -d '\0'
	exec 4<&- 4>&-
}
lines() { wc -l <"$1"; }
G=http://good.example.com:$p E=http://evil.example.com:$p
is "$(send "GET $G/ HTTP/1.1\r\nHost: good.example.com:$p\r\nConnection: close\r\n\r\n" | head -n 1 | cut -d' ' -f2)" 200 'a request as it should be passes'
wait_for '[ -s "$tap_dir/wire.good" ]' 5
n=0
while IFS=$'\t' read -r what expected bytes; do
	case $what in ''|'#'*) continue ;; esac
	n=$((n + 1))
	bytes=${bytes//@G@/$G} bytes=${bytes//@E@/$E} bytes=${bytes//@P@/$p} bytes=${bytes//@CLOSE@/'Connection: close\r\n\r\n'}
	before=$(lines "$tap_dir/wire.good") evil_before=$(lines "$tap_dir/wire.evil") dns_before=$(lines "$tap_dir/dns.log")
	got=$(send "$bytes" | grep -a -o '^HTTP/1.[01] [0-9]*' | cut -d' ' -f2 | tr '\n' ' ')
	like "${got:-none }" "^($expected) " "$what"
	is "$(tail -n +$((evil_before + 1)) "$tap_dir/wire.evil")" '' "$what: nothing reaches the other origin"
	is "$(tail -n +$((dns_before + 1)) "$tap_dir/dns.log" | grep -c 'query.*evil')" 0 "$what: nobody asks DNS for it"
	# Wherever it says so: as a second request, a Host, or what is left of a body; but for one header that Squid made a line of.
	is "$(tail -n +$((before + 1)) "$tap_dir/wire.good" | grep -a -i evil | grep -a -v '^X-A: b Host:')" '' "$what: and the allowed one reads nothing of it"
done <"$srcdir/tests/helper/bypass_wire.rows"
at_least $n 95 'requests'
stop_squid

# ---- inside TLS that is opened here: the bytes that a workload writes there
"$builddir/control/llmsecctl" ca init --ca "$tap_dir/bump.pem" >/dev/null || bail_out 'no CA'
openssl x509 -in "$tap_dir/bump.pem" -out "$tap_dir/bump.crt"
"$certgen" -c -s "$tap_dir/certs" -M 4MB >/dev/null || bail_out 'no certificate store'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=origin -addext 'subjectAltName=DNS:open.example.com' \
	-addext basicConstraints=critical,CA:TRUE -keyout "$tap_dir/origin.key" -out "$tap_dir/origin.crt" 2>/dev/null
cat "$tap_dir/origin.crt" "$tap_dir/origin.key" >"$tap_dir/origin.pem"
t=7006
: >"$tap_dir/wire.open"
spawn opened socat "OPENSSL-LISTEN:$t,bind=$good,fork,reuseaddr,verify=0,cert=$tap_dir/origin.pem" "EXEC:$tap_dir/keep $tap_dir/wire.open"
cat >>"$tap_dir/egress.yaml" <<-T
	  - {id: open, domains: [open.example.com], ports: [$t], tls: bump, methods: [GET, POST], paths: [/v1/*]}
	T
sed -i 's/^rules: \[\(.*\)\]$/rules:\n  - \1/' "$tap_dir/egress.yaml"
sed -i "s|^address=/good.example.com/.*|&\naddress=/open.example.com/$good|" "$tap_dir/dns.conf"
stop "$dns" TERM
spawn dns dnsmasq -k -C "$tap_dir/dns.conf" --user=root
printf 'tls_outgoing_options cafile=%s\n' "$tap_dir/origin.crt" >>"$tap_dir/squid.conf"
template llmsec-forward-bump.conf llmsec-forward.conf
start_squid
inside()	# BYTES: what comes back
{
	{ printf '%b' "$1"; sleep 1; } | timeout 10 openssl s_client -quiet -verify_quiet -proxy "127.0.0.1:$proxy_port" -connect "open.example.com:$t" \
		-servername open.example.com -CAfile "$tap_dir/bump.crt" 2>/dev/null | tr -d '\0'
}
is "$(inside "GET /v1/x HTTP/1.1\r\nHost: open.example.com:$t\r\nConnection: close\r\n\r\n" | head -n 1 | cut -d' ' -f2)" 200 'inside: a request as it should be passes'
while IFS=$'\t' read -r what expected bytes; do
	case $what in ''|'#'*) continue ;; esac
	bytes=${bytes//@H@/Host: open.example.com:$t} bytes=${bytes//@P@/$t} bytes=${bytes//@CLOSE@/'Connection: close\r\n\r\n'}
	before=$(lines "$tap_dir/wire.open") evil_before=$(lines "$tap_dir/wire.evil") dns_before=$(lines "$tap_dir/dns.log")
	inside "$bytes" >"$tap_dir/got"
	got=$(grep -a -o '^HTTP/1.[01] [0-9]*' "$tap_dir/got" | cut -d' ' -f2 | tr '\n' ' ')
	like "${got:-none }" "^($expected) " "inside: $what"
	is "$(tail -n +$((evil_before + 1)) "$tap_dir/wire.evil")$(tail -n +$((dns_before + 1)) "$tap_dir/dns.log" | grep 'query.*evil')" '' \
		"inside: $what: neither the other origin nor DNS hears of it"
	# What is outside of /v1/ is "admin" here, whatever asks for it.
	is "$(tail -n +$((before + 1)) "$tap_dir/wire.open" | grep -a -i -E 'evil|admin')" '' "inside: $what: the origin reads nothing that no rule allows"
done <"$srcdir/tests/helper/bypass_inside.rows"
stop_squid
done_testing
