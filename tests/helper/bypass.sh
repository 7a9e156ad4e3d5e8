#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ways around an egress proxy, tried on a real Squid with the shipped files and a DNS server of the test's own, whose
# log proves that a refused name is never asked for.  The origin has a public address; both live in a network
# namespace.  Rows: docs/egress.md, "Ways around".
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

pub=93.184.216.34
{
	printf '%s\n' port=53 listen-address=127.0.0.1 bind-interfaces no-resolv no-hosts log-queries \
		"log-facility=$tap_dir/dns.log" local=/test/
	while read -r name address; do echo "host-record=$name,$address"; done <<-T
	good.example.com $pub
	sub.good.example.com $pub
	listed.good.example.com $pub
	open.example.com $pub
	evil.example.com $pub
	10.evil.example.com $pub
	imds.good.example.com 169.254.169.254
	ecs.good.example.com 169.254.170.2
	ali.good.example.com 100.100.100.200
	azure.good.example.com 168.63.129.16
	p10.good.example.com 10.1.1.1
	p172.good.example.com 172.16.1.1
	p192.good.example.com 192.168.1.1
	lo.good.example.com 127.0.0.1
	back.good.example.com $pub
	zero.good.example.com 0.0.0.0
	bench.good.example.com 198.18.0.1
	mcast.good.example.com 224.0.0.1
	ula.good.example.com fc00::1
	imds6.good.example.com fd00:ec2::254
	ll6.good.example.com fe80::1
	lo6.good.example.com ::1
	nat64.good.example.com 64:ff9b::a9fe:a9fe
	T
} >"$tap_dir/dns.conf"
dns_start() { spawn dns dnsmasq -k -C "$tap_dir/dns.conf" "--pid-file=$tap_dir/dns.pid" --user=root; }
dns_start
wait_for '[ -s "$tap_dir/dns.log" ]' 10 || bail_out 'no DNS server'
spawn relay socat "TCP-LISTEN:$port,bind=$pub,fork,reuseaddr" "TCP:127.0.0.1:$port"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=origin -addext \
	'subjectAltName=DNS:good.example.com,DNS:open.example.com,DNS:evil.example.com' -addext basicConstraints=critical,CA:TRUE \
	-keyout "$tap_dir/origin.key" -out "$tap_dir/origin.crt" 2>/dev/null
cat "$tap_dir/origin.crt" "$tap_dir/origin.key" >"$tap_dir/origin.pem"
"$builddir/control/llmsecctl" ca init --ca "$tap_dir/bump.pem" >/dev/null || bail_out 'no CA'
openssl x509 -in "$tap_dir/bump.pem" -out "$tap_dir/bump.crt"
"$certgen" -c -s "$tap_dir/certs" -M 4MB >/dev/null || bail_out 'no certificate store'
tls=4443
spawn tls openssl s_server -accept "$pub:$tls" -cert "$tap_dir/origin.pem" -www
wait_for "grep -q ACCEPT '$tap_dir/tls.log'" 10 || bail_out 'no TLS origin'

mkdir "$tap_dir/lists"
lists() { { printf 'llmsec-egress-lists 1\n'; printf '%s\n' "$@"; printf 'end %d\n' $(($# + 1)); } >"$tap_dir/l.new"; chmod 644 "$tap_dir/l.new"; mv "$tap_dir/l.new" "$tap_dir/lists/lists"; }
lists '+d listed.good.example.com'
cat >"$tap_dir/egress.yaml" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	lists: {path: $tap_dir/lists/lists}
	rules:
	  - {id: open, domains: [open.example.com], ports: [$tls], tls: bump, methods: [GET], paths: [/, /v1/*]}
	  - {id: good, domains: [.good.example.com], ports: [$port, $tls, 80, 443]}
	T
for f in squid.conf llmsec-icap.conf llmsec-accel.conf; do template $f; done
dst_guard="include $tap_dir/private-dst.conf"
template llmsec-forward.conf
printf 'tls_outgoing_options cafile=%s\ndns_nameservers 127.0.0.1\ndns_retransmit_interval 1 seconds\ndns_timeout 2 seconds\n' "$tap_dir/origin.crt" >>"$tap_dir/squid.conf"
check_conf() { "$builddir/control/llmsecctl" egress check "$@"; }
like "$(check_conf "$tap_dir/squid.conf")" 'default deny is last' 'llmsecctl egress check: the order is right'
sed '/http_access deny llmsec_proxy !llmsec_egress/d' "$tap_dir/llmsec-forward.conf" >"$tap_dir/broken.conf"
like "$(check_conf "$tap_dir/broken.conf")" 'nobody asks the helper' 'and it says when it is not'
{ echo 'http_access allow all'; cat "$tap_dir/squid.conf"; } >"$tap_dir/broken.conf"
like "$(check_conf "$tap_dir/broken.conf")" 'stands before the helper.*open relay' 'and when everybody may'
give_to_squid
is "$(parse)" "" 'the configuration parses without a warning'
start_squid
like "$(check_conf "$tap_dir/squid.conf" --probe "$proxy")" 'default deny is last, and in force' 'and that it is in force'

# ---- plain HTTP and CONNECT: refused, why, for each way to write it
declare -A why
verdict()	# METHOD TARGET HOST-HEADER [rule]: status and code, and the rule
{
	local answer
	answer=$(raw "$1 $2" "$3" | tr -d '\r')
	why[status]=$(head -n 1 <<<"$answer" | cut -d' ' -f2)
	why[code]=$(grep -o '"code":"[a-z_]*"' <<<"$answer" | head -n 1 | cut -d'"' -f4)
	why[rule]=$(grep -o '"rule_ids":\["[a-z.-]*"' <<<"$answer" | head -n 1 | cut -d'"' -f4)
	echo "${why[status]} ${why[code]}${4:+ ${why[rule]}}"
}
asked() { grep -c " query\[.*\] $1 from" "$tap_dir/dns.log"; }

while read -r row host reason; do
	like "$(verdict GET "http://$host:$port/" "$host" rule)" "^4[0-9][0-9] ($(by_rule "$reason"))$" "row $row: http://$host/ is refused: $reason, with its rule"
	like "$(verdict CONNECT "$host:$port" "$host" rule)" "^4[0-9][0-9] ($(by_rule "$reason|invalid_request"))$" "row $row: CONNECT $host too"
done <"$srcdir/tests/helper/bypass.rows"
while read -r name; do
	like "$(verdict GET "http://$name.good.example.com/" "$name.good.example.com")" '^403 egress_private_address$' "rows 9-11: a name that leads to $name is refused"
	like "$(verdict CONNECT "$name.good.example.com:443" "$name.good.example.com")" '^(403 egress_private_address|200 )$' "CONNECT too"
done <<'T'
imds
ecs
ali
azure
p10
p172
p192
lo
zero
bench
mcast
ula
imds6
ll6
lo6
nat64
T
is "$(verdict GET "http://good.example.com:$port/" "good.example.com:$port")" '200 ' 'a good name passes'
is "$(verdict GET "http://SUB.Good.Example.com.:$port/" x)" '200 ' 'row 16: in any case, with a dot at its end'
like "$(verdict GET "http://x@169.254.169.254/" x)" '^4.. (metadata|userinfo|invalid_url)$' 'row 5: a user part hides nothing'
mark
like "$(verdict GET "http://good.example.com:$port/" evil.example.com)" '^(200|403|409)' 'row 23: another Host header'
is "$(since origin | grep -c 'HOST evil')" 0 'does not reach the origin'
like "$(verdict CONNECT good.example.com:22 good.example.com)" '^403 port_not_allowed$' 'row 26: another port'
like "$(verdict GET "http://good.example.com:6379/" good.example.com)" '^403 port_not_allowed$' 'row 27: over HTTP too'
like "$(verdict GET ftp://good.example.com/ good.example.com)" '^4.. ' 'row 46: ftp'
like "$(verdict GET gopher://good.example.com/ good.example.com)" '^[45].. ' 'row 46: gopher'
is "$(code -H 'Upgrade: websocket' -H 'Connection: Upgrade' "http://good.example.com:$port/") $(body | grep -o '"code":"[a-z]*"')" '403 "code":"websocket"' 'row 43: WebSocket'
is "$(code -H 'Content-Type: application/dns-message' -d x "http://good.example.com:$port/") $(body | grep -o '"code":"[a-z_]*"')" '403 "code":"dns_endpoint"' 'row 41: DNS over HTTPS at an allowed host'
is "$(code -X DELETE "http://good.example.com:$port/")" 200 'row 48: DELETE is no crime'
like "$(verdict GET "http://127.0.0.1:$proxy_port/squid-internal-mgr/info" x)" '^403 ' 'row 49: the cache manager is closed'
like "$(verdict GET "http://good.example.com:$port/squid-internal-mgr/info" x)" '^403 ' 'row 49: under any name'

is "$(grep -c 'query\[PTR\]' "$tap_dir/dns.log")" 0 'row 15: nobody asked what name an address has'
mark
exec 4<>"/dev/tcp/127.0.0.1/$proxy_port"
# Squid may have closed after the first line already.
(trap '' PIPE; printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' >&4) 2>/dev/null
unlike "$(timeout 10 cat <&4 | head -n 1)" ' 200' 'row 44: HTTP/2 at the proxy is refused'
exec 4<&-
unlike "$(raw "CONNECT-UDP good.example.com:$tls" good.example.com)" '^HTTP/1.1 200' 'row 45: no UDP through a tunnel'
like "$(verdict GET "http://evil.example.com:$port/.well-known/masque/udp/good.example.com/443/" evil.example.com)" '^403 not_allowed$' 'row 45: nor by MASQUE'
is "$(since origin | grep -c '^HOST')" 0 'nothing of that reached the origin'

# ---- row 42: what was refused was not resolved
for name in evil.example.com 10.evil.example.com c2vjcmv0.evil.example.com listed.good.example.com a.listed.good.example.com dns.google localhost xn--gd-5ja.example.com metadata.google.internal; do
	is "$(asked "$name")" 0 "row 42: nobody asked the DNS server for $name"
done
at_least "$(asked good.example.com)" 1 'which was asked for what passed'

# ---- tunnels, with the port that reads the ClientHello.  Who is refused there gets 200 and the page inside TLS.
stop_squid
template llmsec-forward-bump.conf llmsec-forward.conf
is "$(parse)" "" 'the other forward port parses without a warning'
start_squid
t() { curl -s -o "$tap_dir/body" --max-time 10 -x "$proxy" --connect-to "$2:$tls:$1:$tls" "${@:3}" "https://$2:$tls${path:-/}" 2>/dev/null; echo $?; }
: >"$tap_dir/body"
is "$(t good.example.com good.example.com --cacert "$tap_dir/origin.crt")" 0 'spliced: the client sees the origin itself'
isnt "$(t good.example.com evil.example.com -k)" 0 'row 19: another server name in an allowed tunnel is cut'
unlike "$(timeout 10 openssl s_client -proxy "127.0.0.1:$proxy_port" -connect "good.example.com:$tls" -noservername </dev/null 2>/dev/null)" \
	'CN ?= ?origin' 'no server name: nothing passes'
mark
exec 4<>"/dev/tcp/127.0.0.1/$proxy_port"
(trap '' PIPE; printf 'CONNECT good.example.com:%s HTTP/1.1\r\nHost: good.example.com\r\n\r\nSSH-2.0-OpenSSH_9.2\r\n' "$port" >&4) 2>/dev/null
timeout 10 cat <&4 >"$tap_dir/ssh"
exec 4<&-
is "$(since origin | grep -c SSH)" 0 'row 25: what is not TLS does not reach the other side'

# ---- looked into
bumped() { local s; s=$(curl -s -o "$tap_dir/body" --max-time 10 -w '%{http_code}' -x "$proxy" --cacert "$tap_dir/bump.crt" "${@:2}" "https://open.example.com:$tls$1"); echo "$s $(grep -o '"code":"[a-z_]*"' "$tap_dir/body" | cut -d'"' -f4)"; }
is "$(bumped /)" '200 ' 'bumped: a path that a rule allows'
is "$(bumped /admin)" '403 path_not_allowed' 'bumped: another path'
is "$(bumped /v1/%2e%2e/admin)" '403 path_not_allowed' 'bumped: a path that can be read in two ways'
is "$(bumped / -X POST -d x)" '403 method_not_allowed' 'bumped: another method'
like "$(bumped / -H 'Host: evil.example.com')" '^(403|409|503) ' 'rows 20-22: another host inside is refused'
is "$(asked evil.example.com)" 0 'and not resolved'

is "$(timeout 10 openssl s_client -proxy "127.0.0.1:$proxy_port" -connect "open.example.com:$tls" -servername open.example.com -alpn h2 </dev/null 2>/dev/null | grep -c 'ALPN protocol: h2')" 0 \
	'row 44: nor is it inside a tunnel that is opened'

# ---- lists, helper, DNS
lists '+d listed.good.example.com' '+d good.example.com'
wait_for '[ "$(code "http://good.example.com:$port/")" = 403 ]' 5
is "$(code "http://good.example.com:$port/")" 403 'a name that is listed now is refused, Squid untouched'
lists '+d listed.good.example.com'
wait_for '[ "$(code "http://good.example.com:$port/")" = 200 ]' 5
is "$(code "http://good.example.com:$port/")" 200 'and passes when it is not'
echo broken >"$tap_dir/lists/lists"
sleep_free=$(code "http://listed.good.example.com:$port/")
is "$sleep_free" 403 'a broken list leaves the one before in force'
kill -KILL "$(cat "$tap_dir/dns.pid")"
like "$(code "http://fresh.good.example.com:$port/")" '^(403|502|503)$' 'without DNS nothing passes'
dns_start
check 'it passes again when DNS is back' wait_for '[ "$(code "http://back.good.example.com:$port/")" = 200 ]' 30
stop_squid

# ---- row 50: what can't be read opens nothing
mv "$tap_dir/egress.yaml" "$tap_dir/egress.yaml.away"
start_squid
is "$(code "http://good.example.com:$port/") $(body | grep -o '"code":"[a-z_]*"')" '403 "code":"no_policy"' 'row 50: without a policy nothing passes'
echo 'rules: [{id: "?"}]' >"$tap_dir/egress.yaml"
check 'a broken one is read and reported' wait_for 'grep -q "everything is refused" "$tap_dir/log/squid-cache.log"' 10
is "$(code "http://good.example.com:$port/")" 403 'and opens nothing'
rm "$tap_dir/lists/lists"
mv "$tap_dir/egress.yaml.away" "$tap_dir/egress.yaml"
check 'llmsecd never wrote its lists: that is said' wait_for 'grep -q "lists: No such file.*none are in force" "$tap_dir/log/squid-cache.log"' 10
is "$(code "http://good.example.com:$port/") $(body | grep -o '"code":"[a-z_]*"')" '403 "code":"no_policy"' 'and nothing passes'
lists '+d listed.good.example.com'
check 'with a policy it passes' wait_for '[ "$(code "http://good.example.com:$port/")" = 200 ]' 15
stop_squid
echo 'http_access allow all of them' >>"$tap_dir/llmsec-forward.conf"
timeout 20 "$SQUID" --foreground -n "$squid_name" -f "$tap_dir/squid.conf" >"$tap_dir/squid.out" 2>&1
isnt "$?" 0 'row 50: a squid.conf with a mistake does not start'
check 'and nobody listens' eval '! up'
done_testing
