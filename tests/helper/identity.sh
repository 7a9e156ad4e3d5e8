#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Who asks, through a real Squid: labels of a trusted hop, also inside tunnels that are opened here, and users of the
# proxy; and paths, which servers read in more ways than one.
# shellcheck disable=SC2154	# variables of squid_lib.sh
set -u
: "${srcdir:?}"
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
command -v openssl >/dev/null || skip_all 'no openssl here'
[ -x "$certgen" ] || skip_all 'this squid has no security_file_certgen'
basic_auth=$(dirname "$certgen")/basic_fake_auth

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=origin \
	-addext subjectAltName=DNS:allowed.test,DNS:denied.test -addext basicConstraints=critical,CA:TRUE \
	-keyout "$tap_dir/origin.key" -out "$tap_dir/origin.crt" 2>/dev/null
cat "$tap_dir/origin.crt" "$tap_dir/origin.key" >"$tap_dir/origin.pem"
"$builddir/control/llmsecctl" ca init --ca "$tap_dir/bump.pem" >/dev/null
openssl x509 -in "$tap_dir/bump.pem" -out "$tap_dir/bump.crt"
"$certgen" -c -s "$tap_dir/certs" -M 4MB >/dev/null || bail_out 'no certificate store'
tls_port=$(free_port)
spawn tls openssl s_server -accept "127.0.0.1:$tls_port" -cert "$tap_dir/origin.pem" -www
wait_for "grep -q ACCEPT '$tap_dir/tls.log'" 10 || bail_out "no TLS origin: $(cat "$tap_dir/tls.log")"

cat >"$tap_dir/egress.yaml" <<T
events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
counters_dir: $tap_dir/ctr
trusted_hops: [127.0.0.1]
identities:
  - {id: a, labels: [wl-a]}
  - {id: b, labels: [wl-b]}
  - {id: ann, users: [ann]}
  - {id: robot, certificates: [robot.workloads.test]}
rules:
  - {id: no-admin, action: deny, domains: [denied.test], paths: [/admin/*]}
  - {id: no-delete, action: deny, domains: [denied.test], methods: [DELETE]}
  - {id: rest, domains: [denied.test], ports: [$port, $tls_port], tls: bump}
  - {id: a-chat, identities: [a], domains: [allowed.test], ports: [$port, $tls_port], paths: [/v1/chat/*], tls: bump}
  - {id: b-admin, identities: [b], domains: [allowed.test], ports: [$port, $tls_port], paths: [/v1/admin/*], tls: bump}
  - {id: robots, identities: [robot], domains: [later.test], ports: [$port, $tls_port]}
  - {id: anns, identities: [ann], domains: [later.test], ports: [$port]}
T
for f in squid.conf llmsec-icap.conf llmsec-accel.conf; do template $f; done
template llmsec-forward-bump.conf llmsec-forward.conf
printf 'tls_outgoing_options cafile=%s\n' "$tap_dir/origin.crt" >>"$tap_dir/squid.conf"
start_squid

# tls URL CURL-ARGUMENTS, http URL CURL-ARGUMENTS: the status, and the reason of a refusal
reason() { local c; c=$(sed -n 's/.*"code":"\([a-z_]*\)".*/\1/p' "$tap_dir/body" | head -n 1); echo "$1${c:+ $c}"; }
tls() { reason "$(code --path-as-is --cacert "$tap_dir/bump.crt" "${@:2}" "https://$1")"; }
http() { reason "$(code --path-as-is "${@:2}" "http://$1")"; }
label() { hop=(--proxy-header "X-LLMSec-Workload: $1"); }

chat=allowed.test:$tls_port/v1/chat/x admin=allowed.test:$tls_port/v1/admin/x
label wl-a
is "$(tls "$chat" "${hop[@]}")" 200 "a label on CONNECT is the workload's inside the tunnel, too"
is "$(tls "$admin" "${hop[@]}")" '403 path_not_allowed' 'and opens no more than that'
is "$(tls "$admin" "${hop[@]}" -H 'X-LLMSec-Workload: wl-b')" '403 path_not_allowed' \
	"another label that the workload itself writes inside is not believed"
is "$(tls "$chat" -H 'X-LLMSec-Workload: wl-a')" '403 identity_not_allowed' 'nor is one where CONNECT had none'
label wl-x
is "$(tls "$chat" "${hop[@]}" -H 'X-LLMSec-Workload: wl-a')" '403 identity_not_allowed' 'nor where it was nobody known'
# inside REQUEST-LINE HOST: the status line that comes back when the workload writes this into a tunnel that is opened here
inside()
{
	printf '%s HTTP/1.1\r\nHost: %s\r\nX-LLMSec-Workload: wl-b\r\nConnection: close\r\n\r\n' "$1" "$2" >"$tap_dir/inside"
	timeout 10 openssl s_client -quiet -verify_quiet -proxy "127.0.0.1:$proxy_port" -connect "denied.test:$tls_port" \
		-servername denied.test -CAfile "$tap_dir/bump.crt" <"$tap_dir/inside" >"$tap_dir/body" 2>"$tap_dir/inside.err"
	reason "$(sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$tap_dir/body" | head -n 1)"
}
like "$(inside 'GET /x' "denied.test:$tls_port")" '^200' 'what the workload writes inside a tunnel reaches the origin'
is "$(inside "CONNECT denied.test:$tls_port" "denied.test:$tls_port")" '403 nested_tunnel' 'but no tunnel begins there'
mark
is "$(inside "GET http://denied.test:$port/x" "denied.test:$port")" '403 nested_tunnel' 'nor is another scheme spoken'
is "$(since origin)" '' 'and no origin sees it'
is "$(http "allowed.test:$port/v1/chat/x" -H 'X-LLMSec-Workload: wl-a')" 200 'in plain HTTP the hop writes the label'
is "$(http "allowed.test:$port/v1/admin/x" -H 'X-LLMSec-Workload: wl-a')" '403 path_not_allowed' 'which opens its own rule'
for path in '/v1%2fchat/x' '/v1/chat/%3f/../../admin/x' '/v1/chat/%3F%2f..%2f..%2fadmin' '/v1/chat/..%2fadmin' '/v1/chat/%252e%252e/admin'; do
	mark
	is "$(http "allowed.test:$port$path" -H 'X-LLMSec-Workload: wl-a')" '403 path_not_allowed' "$path is no path below /v1/chat/"
	is "$(since origin)" '' 'and the origin sees nothing of it'
	label wl-a
	is "$(tls "allowed.test:$tls_port$path" "${hop[@]}")" '403 path_not_allowed' 'nor inside a tunnel'
done
for path in /admin/x //admin/x /x/../admin/x /./admin/x '/%61dmin/x' '/%2561dmin/x' '/admin;x/y' '/Admin/x'; do
	is "$(http "denied.test:$port$path")" '403 denied_by_rule' "$path may be read as below /admin/"
	is "$(tls "denied.test:$tls_port$path")" '403 denied_by_rule' 'inside a tunnel, too'
done
is "$(tls "denied.test:$tls_port/administrator?x=/admin/")" 200 'what no server reads so passes'
is "$(http "denied.test:$port/x" -X delete)" '403 denied_by_rule' 'a method in other letters fits the rule that refuses it'
stop_squid

# ---- certificates, at a port that is spoken to inside TLS
# authority FILE; certificate FILE AUTHORITY NAME
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE \
		-keyout "$tap_dir/$1.key" -out "$tap_dir/$1.crt" 2>/dev/null
}
certificate()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/O=x/CN=$3" -keyout "$tap_dir/$1.key" -out "$tap_dir/$1.csr" 2>/dev/null
	openssl x509 -req -in "$tap_dir/$1.csr" -CA "$tap_dir/$2.crt" -CAkey "$tap_dir/$2.key" -CAcreateserial -days 2 \
		-extfile <(echo subjectAltName=IP:127.0.0.1) -out "$tap_dir/$1.crt" 2>/dev/null
	cat "$tap_dir/$1.crt" "$tap_dir/$1.key" >"$tap_dir/$1.pem"
}
authority clients
authority others
certificate proxy clients proxy.test
certificate robot clients robot.workloads.test
certificate stray clients 'stray robot.workloads.test'
certificate forged others robot.workloads.test
template llmsec-forward.conf
template llmsec-forward-mtls.conf
echo "include $tap_dir/llmsec-forward-mtls.conf" >>"$tap_dir/llmsec-forward.conf"
start_squid
# by CLIENT URL: through the port inside TLS, with the client's certificate; 000 and no answer where TLS fails
by()
{
	local with=(--cert "$tap_dir/$1.pem")
	[ "$1" != - ] || with=()
	: >"$tap_dir/body"
	reason "$(curl -s -o "$tap_dir/body" --max-time 10 -w '%{http_code}' -x "https://127.0.0.1:$mtls_port" --proxy-cacert "$tap_dir/clients.crt" \
		"${with[@]/#--cert/--proxy-cert}" "${@:3}" "$2")"
}
is "$(by robot "http://later.test:$port/")" 200 'a client with a certificate is who its common name says'
is "$(by robot "https://later.test:$tls_port/" -k)" 200 'in tunnels, too'
is "$(by robot "http://allowed.test:$port/v1/chat/x")" '403 identity_not_allowed' 'and nobody else'
is "$(by stray "http://later.test:$port/")" '403 identity_not_allowed' 'another name, be it with a space in it, is another client'
is "$(by robot "http://nowhere.test:$port/")" '403 not_allowed' 'default deny holds on that port'
is "$(by forged "http://later.test:$port/")" '000' 'the same name by another authority is not let in'
is "$(by - "http://later.test:$port/")" '000' 'nor is a client without a certificate'
is "$(http "later.test:$port/")" '403 identity_not_allowed' 'at the open port nobody has one'
dst_guard="include $tap_dir/private-dst.conf" template llmsec-forward.conf guarded.conf
printf '%s\n' "include $tap_dir/llmsec-forward-mtls.conf" 'http_access deny all' >>"$tap_dir/guarded.conf"
like "$("$builddir/control/llmsecctl" egress check "$tap_dir/guarded.conf" --program-path /nowhere 2>&1)" 'default deny is last' 'llmsecctl egress check knows that port'
stop_squid
template llmsec-forward-bump.conf llmsec-forward.conf

if [ -x "$basic_auth" ]; then
	{
		printf 'auth_param basic program %s\nauth_param basic realm egress\n' "$basic_auth"
		printf 'acl authenticated proxy_auth REQUIRED\nhttp_access deny !authenticated\n'
		cat "$tap_dir/squid.conf"
	} >"$tap_dir/squid.conf.new"
	mv "$tap_dir/squid.conf.new" "$tap_dir/squid.conf"
	start_squid
	is "$(http "later.test:$port/")" '407 access_denied' 'a proxy that asks for a user'
	is "$(http "later.test:$port/" -U ann:x)" 200 'is told who it is, and so is the policy'
	is "$(http "later.test:$port/" -U bob:x)" '403 identity_not_allowed' 'to others the rule does not apply'
	stop_squid
else
	skip 'users of the proxy' 'this squid has no basic_fake_auth'
fi
done_testing
