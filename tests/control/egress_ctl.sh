#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsecctl for the egress: what was seen while observing becomes rules that allow just that, another CA leaves no certificate of the
# old one behind, and squid.conf is judged as Squid reads it.
# shellcheck disable=SC2154	# variables of lib.sh
. "${srcdir:?}/tests/control/lib.sh"
helper=$builddir/squid-helpers/ext_llmsec_egress_acl
[ -x "$helper" ] || { echo '1..0 # SKIP the helper is not built'; exit 0; }
llmsecd_start
check 'llmsecd starts' llmsecd_up

# ---- observe, suggest, enforce
policy()	# MODE
{
	cat <<-T
	mode: $1
	events: {socket: $sock, spool_dir: $spool}
	identities: [{id: agent, kind: agent, sources: [10.1.0.0/16]}]
	rules:
	  - {id: api, domains: [api.example.com], ports: [80], methods: [GET], paths: [/v1/a]}
	  - {id: never, action: deny, domains: [bad.example.com]}
	T
}
policy observe >"$tap_dir/observe.yaml"
seen=('192.0.2.1 CONNECT new.example.net 443 -' '10.1.0.5 GET other.example.org 80 - http /x' '192.0.2.1 GET api.example.com 80 - http /v1/b?q=secret'
	'192.0.2.1 POST api.example.com 80 - http /v1/a' '192.0.2.1 GET api.example.com 80 - http /v1/c' '192.0.2.1 PUT api.example.com 80 - http /v1/a')
never=('192.0.2.1 CONNECT 169.254.169.254 80 -' '192.0.2.1 GET api.example.com 80 - http /v1/%252e%252e/x' '192.0.2.1 CONNECT bad.example.com 443 -')
coproc HELPER { exec "$helper" -c "$tap_dir/observe.yaml" 2>"$tap_dir/helper.err"; }
tap_pids+=("$HELPER_PID")
exec {to}>&"${HELPER[1]}" {from}<&"${HELPER[0]}"
for line in "${seen[@]}" "${never[@]}"; do
	echo "0 $line" >&"$to"
	IFS= read -r -t 20 answer <&"$from"
	[[ $answer = '0 OK '* ]] || diag "not observed: $line: $answer"
done
observed() { [ "$(llmsecctl --json events --event egress.would_deny | wc -l)" -ge 9 ]; }
wait_for observed 20
check 'nothing is refused, all is told' observed
llmsecctl egress suggest >"$tap_dir/all"
is "$?" 0 'rules are suggested'
llmsecctl egress suggest --limit 2 >"$tap_dir/paged"
is "$(diff "$tap_dir/all" "$tap_dir/paged")" '' 'the same, two events at once'
is "$(grep -c '^  - ' "$tap_dir/all")" 4 'a rule for each host, for methods, and for paths'
like "$(cat "$tap_dir/all")" 'methods: \[POST, PUT\]' 'methods'
like "$(cat "$tap_dir/all")" 'methods: \[GET\], paths: \["/v1/b", "/v1/c"\]' 'paths'
like "$(cat "$tap_dir/all")" 'other.example.org\], ports: \[80\], identities: \[agent\]' 'identities'
like "$(cat "$tap_dir/all")" '# api.example.com:80 GET: a path that no rule can allow' 'what no rule can allow is said'
unlike "$(cat "$tap_dir/all")" 'secret|169\.254|bad\.example' 'and neither queries nor what must not be opened'
{ policy enforce; grep '^  ' "$tap_dir/all"; } >"$tap_dir/enforce.yaml"
check 'they are a policy with the ones there are' "$helper" --check -c "$tap_dir/enforce.yaml"
wrong=
for line in "${seen[@]}"; do [[ $(echo "0 $line" | "$helper" -c "$tap_dir/enforce.yaml" 2>/dev/null) = '0 OK '* ]] || wrong+=" [$line]"; done
for line in "${never[@]}" '192.0.2.1 GET other.example.org 80 - http /x' '192.0.2.1 GET api.example.com 80 - http /v1/d' \
    '192.0.2.1 DELETE api.example.com 80 - http /v1/a' '192.0.2.1 CONNECT new.example.net 80 -'; do
	[[ $(echo "0 $line" | "$helper" -c "$tap_dir/enforce.yaml" 2>/dev/null) = '0 ERR '* ]] || wrong+=" [$line]"
done
is "$wrong" '' 'which allows what was seen, and nothing else'
exec {to}>&-
stop "$daemon" TERM

# ---- another CA
ctl() { "$builddir/control/llmsecctl" "$@"; }
ctl ca rotate --ca "$tap_dir/ca.pem" >/dev/null 2>&1
is "$? $(ls "$tap_dir/ca.pem" 2>/dev/null)" '1 ' 'rotate makes no CA where there was none'
ctl ca init --ca "$tap_dir/ca.pem" >/dev/null
certgen=$(ls /usr/lib/squid/security_file_certgen /usr/lib64/squid/security_file_certgen 2>/dev/null | head -1)
if [ -z "$certgen" ]; then
	skip 'no security_file_certgen here'
else
	"$certgen" -c -s "$tap_dir/certs" -M 4MB >/dev/null
	chmod 750 "$tap_dir/certs"
	# host HOST: its certificate, as Squid asks for it; signed by the CA in $tap_dir/ca.pem, says openssl
	host()
	{
		local body
		body=$(echo "host=$1"; cat "$tap_dir/ca.pem")
		printf 'new_certificate %d %s\n\001' "${#body}" "$body" | "$certgen" -s "$tap_dir/certs" -M 4MB 2>/dev/null | sed '1s/^OK [0-9]* //; /END CERT/q' >"$tap_dir/host.pem"
		openssl verify -CAfile "$tap_dir/ca.pem" "$tap_dir/host.pem" 2>&1 | tail -n 1
	}
	like "$(host a.example.com)" ': OK$' 'a certificate by the CA'
	ctl ca rotate --ca "$tap_dir/ca.pem" >"$tap_dir/said"
	like "$(cat "$tap_dir/said")" 'security_file_certgen -c -s DIR' 'rotate says what is still to be done'
	unlike "$(host a.example.com)" ': OK$' 'since certgen goes on with the old CA'
	ctl ca rotate --ca "$tap_dir/ca.pem" --certgen-db "$tap_dir/nothing" >/dev/null 2>&1
	is "$?" 1 'no store, no rotation'
	before=$(cat "$tap_dir/ca.pem")
	ctl ca rotate --ca "$tap_dir/ca.pem" --certgen-db "$tap_dir" >/dev/null 2>&1
	is "$? $(ls -d "$tap_dir/certs")" "1 $tap_dir/certs" 'nor with a folder that is none'
	is "$(cat "$tap_dir/ca.pem")" "$before" 'and the CA stays'
	ctl ca rotate --ca "$tap_dir/ca.pem" --certgen-db "$tap_dir/certs" --program-path "${certgen%/*}" >"$tap_dir/said"
	is "$?" 0 'with its store'
	like "$(host a.example.com)" ': OK$' 'there is a certificate by the new CA'
	is "$(stat -c %a "$tap_dir/certs") $(ls -d "$tap_dir"/certs.old-* | wc -l)" '750 1' 'in a store as the old one, which is kept aside'
fi

# ---- squid.conf
if ! squid=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v squid); then
	skip 'no squid here'
else
	cat >"$tap_dir/squid.conf" <<-T
	http_port 127.0.0.1:$(free_port) name=llmsec_proxy
	pid_filename $tap_dir/squid.pid
	cache_log $tap_dir/cache.log
	access_log none
	external_acl_type llmsec_egress ttl=0 negative_ttl=0 children-startup=0 %>a %>rm %>rd %>rP %ssl::>sni $helper -c $tap_dir/enforce.yaml
	acl llmsec_proxy myportname llmsec_proxy
	acl llmsec_egress external llmsec_egress
	http_access deny llmsec_proxy manager
	http_access deny llmsec_proxy !llmsec_egress
	include $srcdir/etc/squid/private-dst.conf
	http_access allow llmsec_proxy
	http_access deny all
	T
	sed -i '/^deny_info/d' "$tap_dir/squid.conf"
	sed '/^deny_info/d' "$srcdir/etc/squid/private-dst.conf" >"$tap_dir/private-dst.conf"
	sed -i "s|^include .*|include $tap_dir/private-dst.conf|" "$tap_dir/squid.conf"
	check_conf() { ctl egress check "$1" --program-path "${squid%/*}"; }
	like "$(check_conf "$tap_dir/squid.conf")" 'default deny is last' 'a good one'
	isnt "$(check_conf "$tap_dir/squid.conf" | grep -c 'names no gate')" 1 'without lists of addresses no gate is missed'
	{ echo 'threats: {ips: /nowhere/ips.set}'; cat "$tap_dir/enforce.yaml"; } >"$tap_dir/threats.yaml"
	sed 's|enforce.yaml|threats.yaml|' "$tap_dir/squid.conf" >"$tap_dir/threats.conf"
	like "$(check_conf "$tap_dir/threats.conf")" 'note: the policy names no gate' 'with them that is said'
	{ cat "$tap_dir/squid.conf"; echo 'no_such_directive yes'; } >"$tap_dir/broken.conf"
	like "$(check_conf "$tap_dir/broken.conf")" 'squid -k parse: .*no_such_directive' 'what Squid says of it'
	like "$(ctl egress check "$tap_dir/squid.conf" --probe "http://127.0.0.1:$(free_port)")" 'error: http://127.0.0.1' 'a probe of nothing fails'
fi
done_testing
