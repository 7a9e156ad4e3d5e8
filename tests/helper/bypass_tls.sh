#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The rows of bypass.rows, and those that only show inside TLS, at the two ports that read the ClientHello: spliced without
# a CA (llmsec-forward-splice.conf) and opened (llmsec-forward-bump.conf).  Who is refused gets the page inside TLS, by the
# port's certificate, so each row says which rule it was.  bypass.sh has plain HTTP and blind tunnels.
# shellcheck disable=SC2016,SC2154	# wait_for evaluates its text; variables of squid_lib.sh
set -u
: "${srcdir:?}"
if [ -z "${LLMSEC_NS:-}" ]; then
	[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || { echo '1..0 # SKIP no network namespace without root'; exit 0; }
	LLMSEC_NS=1 exec unshare -n bash "$0" "$@"
fi
ip link set lo up && ip address add 93.184.216.34/32 dev lo || { echo '1..0 # SKIP no addresses in a namespace'; exit 0; }
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
for c in dnsmasq openssl socat; do command -v $c >/dev/null || skip_all "no $c here"; done
[ -x "$certgen" ] || skip_all 'this squid has no security_file_certgen'
[ -x "$builddir/control/llmsecctl" ] || skip_all 'llmsecctl is not built'

pub=93.184.216.34 tls=4443 ws=7003
echo "$pub moving.good.example.com" >"$tap_dir/moving"
printf '%s\n' port=53 listen-address=127.0.0.1 bind-interfaces no-resolv no-hosts log-queries "log-facility=$tap_dir/dns.log" local=/com/ local-ttl=1 \
	"addn-hosts=$tap_dir/moving" "host-record=good.example.com,$pub" "host-record=open.example.com,$pub" \
	"host-record=evil.example.com,$pub" "host-record=ws.example.com,$pub" "address=/mixed.good.example.com/$pub" \
	'address=/mixed.good.example.com/169.254.169.254' 'host-record=imds.good.example.com,169.254.169.254' >"$tap_dir/dns.conf"
spawn dns dnsmasq -k -C "$tap_dir/dns.conf" "--pid-file=$tap_dir/dns.pid" --user=root
wait_for '[ -s "$tap_dir/dns.log" ]' 10 || bail_out 'no DNS server'
asked() { grep -c " query\[.*\] $1 from" "$tap_dir/dns.log"; }
spawn relay socat "TCP-LISTEN:$port,bind=$pub,fork,reuseaddr" "TCP:127.0.0.1:$port"
# An origin that upgrades, and then says back what it is told.
printf '#!/bin/sh\nwhile IFS= read -r l; do [ ${#l} -gt 1 ] || break; done\nprintf "HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n"\nexec cat\n' >"$tap_dir/upgrade"
chmod 755 "$tap_dir/upgrade"
spawn ws socat "TCP-LISTEN:$ws,bind=$pub,fork,reuseaddr" "EXEC:$tap_dir/upgrade"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=origin -addext \
	'subjectAltName=DNS:good.example.com,DNS:open.example.com,DNS:evil.example.com,DNS:moving.good.example.com' \
	-addext basicConstraints=critical,CA:TRUE -keyout "$tap_dir/origin.key" -out "$tap_dir/origin.crt" 2>/dev/null
cat "$tap_dir/origin.crt" "$tap_dir/origin.key" >"$tap_dir/origin.pem"
spawn tls openssl s_server -accept "$pub:$tls" -cert "$tap_dir/origin.pem" -www
wait_for "grep -q ACCEPT '$tap_dir/tls.log'" 10 || bail_out 'no TLS origin'

mkdir "$tap_dir/lists"
printf 'llmsec-egress-lists 1\n+d listed.good.example.com\nend 2\n' >"$tap_dir/lists/lists"
cat >"$tap_dir/egress.yaml" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	lists: {path: $tap_dir/lists/lists}
	rules:
	  - {id: open, domains: [open.example.com], ports: [$tls], tls: bump, methods: [GET], paths: [/, /v1/*]}
	  - {id: ws, domains: [ws.example.com], ports: [$ws], websocket: true}
	  - {id: good, domains: [.good.example.com], ports: [$port, $tls, $ws, 443]}
	T
for f in squid.conf llmsec-icap.conf llmsec-accel.conf; do template $f; done
dst_guard="include $tap_dir/private-dst.conf"
printf 'tls_outgoing_options cafile=%s\ndns_nameservers 127.0.0.1\ndns_timeout 2 seconds\nnegative_dns_ttl 1 second\npositive_dns_ttl 2 seconds\n' "$tap_dir/origin.crt" >>"$tap_dir/squid.conf"

# rows MODE: each is refused with its reason and rule, all by one curl
rows()
{
	local i=0 row host reason got
	: >"$tap_dir/curl.rows"
	while read -r row host reason; do
		i=$((i + 1))
		printf '%s\n' "url = \"https://x.example.com:$tls/\"" "connect-to = \"::$host:$tls\"" "output = \"$tap_dir/row.$1.$i\"" \
			"proxy = \"$proxy\"" insecure silent 'max-time = 20' next >>"$tap_dir/curl.rows"
	done <"$srcdir/tests/helper/bypass.rows"
	sed -i '$d' "$tap_dir/curl.rows"
	curl -K "$tap_dir/curl.rows" >/dev/null 2>&1
	i=0
	while read -r row host reason; do
		i=$((i + 1))
		got=$(sed -n 's/.*"code":"\([a-z_]*\)".*"rule_ids":\["\([a-z.-]*\)"\].*/\1 \2/p' "$tap_dir/row.$1.$i" 2>/dev/null)
		# Squid's own page of a CONNECT that it can't read is no TLS, so curl keeps nothing of it.
		like "$got" "^($(by_rule "$reason"))?$" "$1, row $row: $host: $reason"
		[ -n "$got" ] || like "$(raw "CONNECT $host:$tls" "$host")" '^HTTP/1.[01] 4' "$1, row $row: which Squid refuses by itself"
	done <"$srcdir/tests/helper/bypass.rows"
}
t() { curl -s -o "$tap_dir/body" --max-time 10 -x "$proxy" --connect-to "$2:$tls:$1:$tls" "${@:3}" "https://$2:$tls/" 2>/dev/null; echo $?; }
# What both ports do with TLS that they don't open.
tunnels()	# MODE
{
	is "$(t good.example.com good.example.com --cacert "$tap_dir/origin.crt")" 0 "$1: the client sees the origin itself"
	isnt "$(t good.example.com evil.example.com -k)" 0 "$1, rows 19, 20: another server name in an allowed tunnel is cut"
	unlike "$(timeout 10 openssl s_client -proxy "127.0.0.1:$proxy_port" -connect "good.example.com:$tls" -noservername </dev/null 2>/dev/null)" \
		'CN ?= ?origin' "$1: no server name: nothing passes"
	mark
	exec 4<>"/dev/tcp/127.0.0.1/$proxy_port"
	(trap '' PIPE; printf 'CONNECT good.example.com:%s HTTP/1.1\r\nHost: good.example.com\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example.com\r\n\r\n' "$port" >&4) 2>/dev/null
	timeout 10 cat <&4 >/dev/null
	exec 4<&-
	is "$(since origin | grep -c '^HOST')" 0 "$1, row 25: what is not TLS does not reach the other side"
}
refused=(evil.example.com dns.google listed.good.example.com metadata.google.internal localhost)

# ---- spliced, without a CA
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=refused -keyout "$tap_dir/bump.pem" -out "$tap_dir/refused.crt" 2>/dev/null
cat "$tap_dir/refused.crt" >>"$tap_dir/bump.pem"
template llmsec-forward-splice.conf llmsec-forward.conf
give_to_squid
is "$(parse)" "" 'spliced: the configuration parses without a warning'
like "$("$builddir/control/llmsecctl" egress check "$tap_dir/squid.conf")" 'default deny is last' 'spliced: its order is right'
start_squid
rows spliced
tunnels spliced
isnt "$(t open.example.com open.example.com -k)$(grep -o tls_not_opened "$tap_dir/body")" 0 'spliced: what a rule wants opened is refused'
like "$(cat "$tap_dir/body")" 'tls_not_opened' 'spliced: with its reason'
stop_squid

# ---- opened
"$builddir/control/llmsecctl" ca init --ca "$tap_dir/ca.pem" >/dev/null && mv "$tap_dir/ca.pem" "$tap_dir/bump.pem" || bail_out 'no CA'
openssl x509 -in "$tap_dir/bump.pem" -out "$tap_dir/bump.crt"
"$certgen" -c -s "$tap_dir/certs" -M 4MB >/dev/null || bail_out 'no certificate store'
template llmsec-forward-bump.conf llmsec-forward.conf
is "$(parse)" "" 'opened: the configuration parses without a warning'
start_squid
rows opened
tunnels opened
inside()	# PATH CURL-ARGUMENTS: status, code, rule of a request inside TLS that is opened
{
	local s
	s=$(curl -s -o "$tap_dir/body" --max-time 10 -w '%{http_code}' -x "$proxy" --cacert "$tap_dir/bump.crt" "${@:2}" "https://open.example.com:$tls$1")
	echo "$s $(sed -n 's/.*"code":"\([a-z_]*\)".*"rule_ids":\["\([a-z.-]*\)"\].*/\1 \2/p' "$tap_dir/body")"
}
is "$(inside /)" '200 ' 'opened: what a rule allows passes'
is "$(inside /admin)" '403 path_not_allowed open' 'opened: not another path'
is "$(inside / -X DELETE)" '403 method_not_allowed open' 'opened, row 48: nor another method'
like "$(inside / -H 'Host: evil.example.com')" '^(403 (sni_mismatch|not_allowed) egress.*|409 .*|503 .*)$' 'opened, rows 21, 22: nor another host inside'
is "$(inside '/v1/x?u=http://0xa9fea9fe/latest&v=http://100.100.100.200/')" '200 ' 'opened, row 13: an address in a parameter is a matter of the origin'
is "$(inside / -H 'Upgrade: websocket' -H 'Connection: Upgrade')" '403 websocket egress.websocket' 'opened, row 43: WebSocket'
is "$(inside / -H 'Content-Type: application/dns-message')" '403 dns_endpoint egress.dns-endpoint' 'opened, row 41: DNS over HTTPS'
is "$(inside '/v1/dns-query?dns=AAAB' -H 'Accept: application/dns-message')" '403 dns_endpoint egress.dns-endpoint' 'opened, row 41: as a GET, too'

# ---- names that move, and those that lead to two places
like "$(raw "GET http://mixed.good.example.com:$port/" mixed.good.example.com)" 'egress_private_address' 'row 14: one private address of two is enough'
is "$(code "http://moving.good.example.com:$port/")" 200 'row 14: a name that leads outside'
echo '169.254.169.254 moving.good.example.com' >"$tap_dir/moving"
kill -HUP "$(cat "$tap_dir/dns.pid")"
check 'row 14: is refused when it leads inside, by what is dialled' wait_for '[ "$(code "http://moving.good.example.com:$port/")" = 403 ]' 15
like "$(body)" egress_private_address 'row 14: with that reason'

# ---- WebSocket where a rule says so
talk() { exec 4<>"/dev/tcp/127.0.0.1/$proxy_port"; printf 'GET http://%s:%s/ HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n' "$1" "$ws" "$1" "$ws" "$2" >&4; }
talk ws.example.com websocket
while IFS= read -r -t 10 line <&4; do line=${line%$'\r'}; [ -n "$line" ] || break; [[ $line != HTTP/* ]] || status=$line; done
is "$status" 'HTTP/1.1 101 Switching Protocols' 'row 43: WebSocket passes where a rule says so'
echo hello >&4
IFS= read -r -t 10 line <&4
is "$line" hello 'row 43: in both directions'
exec 4<&- 4>&-
talk good.example.com websocket
like "$(timeout 10 cat <&4 | tr -d '\r')" '"code":"websocket"' 'row 43: and nowhere else'
exec 4<&- 4>&-

for name in "${refused[@]}"; do
	is "$(asked "$name")" 0 "row 42: in no mode did anybody ask for $name"
done
at_least "$(asked good.example.com)" 1 'but for what passed'
stop_squid
done_testing
