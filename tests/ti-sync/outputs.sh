#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every output is loaded by the tool it is for, and says what the sets say.
. "${srcdir:?}/tests/ti-sync/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
out=$tap_dir/out
mkdir "$out"
conf_begin 'allow: [fine.both-net.com, 9.9.9.9]' 'outputs:' \
	"$(for t in domains addresses squid haproxy-acl haproxy-map dnsmasq rpz hosts nftables; do
		echo "  - {type: $t, path: $out/$t}"; done)" \
	"  - {type: domains, path: $out/sure, min_confidence: 80}" "  - {type: domains, path: $out/ads, categories: [ads]}"
cat >>"$conf" <<T
  - {name: one, file: $www/one.txt, category: malware, confidence: 90}
  - {name: two, file: $www/two.txt, category: ads, confidence: 40}
T
{ names 500 mal; printf 'both-net.com\n_dmarc.odd-net.com\nxn--bcher-kva.com\n9.9.9.0/24\n8.8.0.0/16\n2a00:1450::/32\n8.8.8.8\n2a00:5::1\n'; } >"$www/one.txt"
{ names 500 adv; printf 'ads.both-net.com\nboth-net.com\n8.8.9.0/24\n'; } >"$www/two.txt"
run
is "$rc" 0 'run'

loads() { if command -v "${3:-$2}" >/dev/null; then check "$1" "${@:2}"; else skip "$1" "no $2 here"; fi; }
cat >"$tap_dir/squid.conf" <<T
acl fine dstdomain "$out/squid.except"
acl bad dstdomain "$out/squid"
http_access allow fine
http_access deny bad
http_port 127.0.0.1:3128
T
if command -v squid >/dev/null; then
	said=$(squid -k parse -f "$tap_dir/squid.conf" 2>&1)
	unlike "$said" 'ERROR|FATAL|WARNING.*(subdomain|dstdomain)' 'squid -k parse: no complaint'
else
	skip 'squid -k parse' 'no squid here'
fi
cat >"$tap_dir/haproxy.cfg" <<T
defaults
    mode http
    timeout client 1s
    timeout connect 1s
    timeout server 1s
frontend f
    bind 127.0.0.1:1
    http-request set-var(txn.host) req.hdr(host),field(1,:),lower
    http-request set-var(txn.dot) str(.),concat(,txn.host)
    http-request deny if { var(txn.dot) -m end -f $out/haproxy-acl }
    http-request set-var(txn.cat) var(txn.dot),map_end($out/haproxy-map)
T
if command -v haproxy >/dev/null; then check 'haproxy -c' haproxy -c -f "$tap_dir/haproxy.cfg"; else skip 'haproxy -c' 'no haproxy here'; fi
if command -v dnsmasq >/dev/null; then
	check 'dnsmasq --test' dnsmasq --test -C "$out/dnsmasq"
else skip 'dnsmasq --test' 'no dnsmasq here'; fi
if command -v named-checkzone >/dev/null; then
	check 'named-checkzone' named-checkzone -k ignore rpz.llmsec "$out/rpz"
else skip 'named-checkzone' 'no named-checkzone here'; fi
if ! command -v nft >/dev/null; then skip 'nft -c' 'no nft here'
elif ! unshare -rn true 2>/dev/null; then skip 'nft -c' 'no user namespace here'
else check 'nft -c' unshare -rn nft -c -f "$out/nftables"; fi
check 'hosts has an address on each line' awk '!/^#/ && $1 != "0.0.0.0" { exit 1 }' "$out/hosts"

text() { grep -v '^#' "$out/$1"; }
is "$(text domains | wc -l)" 1003 'every name is there, but what both-net.com covers'
is "$(text domains.except)" fine.both-net.com 'the allowed one stands beside'
is "$(text addresses | tr '\n' ' ')" '8.8.0.0/16 9.9.9.0/24 2a00:5::1 2a00:1450::/32 ' 'networks without what they cover'
is "$(text addresses.except)" 9.9.9.9 'and their exception'
is "$(text sure | grep -c adv)" 0 'min_confidence leaves out what is less sure'
is "$(text ads | wc -l)" 501 'categories: only those'
like "$(cat "$out/rpz")" '16.0.0.8.8.rpz-ip CNAME \.' 'the zone has networks'
like "$(cat "$out/haproxy-map")" '\.both-net\.com malware,ads' 'the map has categories'
bad=''
while read -r n; do "$ti" set "$tap_dir/sets/domains.set" "www.$n" >/dev/null || bad+="$n "; done < <(text domains | head -n 50)
is "$bad" '' 'the set has what the text has'
check 'a child has what its parent is listed for' grep -q 'malware ads' <("$ti" set "$tap_dir/sets/domains.set" ads.both-net.com)
"$ti" set "$tap_dir/sets/domains.set" fine.both-net.com >/dev/null
is $? 1 'the exception is one in the set, too'
"$ti" set "$tap_dir/sets/ips.set" 9.9.9.9 >/dev/null
is $? 1 'as among the addresses'
check 'whose neighbour is listed' "$ti" set "$tap_dir/sets/ips.set" 9.9.9.8
# The zone is a feed again: what was written comes back.
cp "$out/rpz" "$www/back.txt"
sed '/^feeds:/,$d' "$conf" | sed "s|$tap_dir/state|$tap_dir/state2|; s|$tap_dir/sets|$tap_dir/sets2|; s|$out/|$out/2-|" >"$tap_dir/two.yaml"
printf 'feeds:\n  - {name: back, file: %s, format: rpz}\n' "$www/back.txt" >>"$tap_dir/two.yaml"
"$ti" -q -c "$tap_dir/two.yaml" || true
is "$(text 2-domains)" "$(text domains)" 'a zone that is read as a feed lists the same'
done_testing
