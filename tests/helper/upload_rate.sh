#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Rates of uploads by identity and rule: etc/squid/llmsec-upload.conf on a real Squid marks connections to servers, and the nftables rules
# that stand in it hold them back, in plain HTTP and in tunnels.  A rate shows as the time that so many bytes take at least.
# shellcheck disable=SC2016,SC2154	# wait_for evaluates its text; variables of squid_lib.sh
set -u
: "${srcdir:?}"
if [ -z "${LLMSEC_NS:-}" ]; then
	[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || { echo '1..0 # SKIP no network namespace without root'; exit 0; }
	LLMSEC_NS=1 exec unshare -n bash "$0" "$@"
fi
for c in nft socat; do command -v $c >/dev/null || { echo "1..0 # SKIP no $c here"; exit 0; }; done
nft add table inet probe 2>/dev/null || { echo '1..0 # SKIP no nftables in this kernel'; exit 0; }
nft delete table inet probe
ip link set lo up
unshare -n sleep 600 >/dev/null 2>&1 &
far=$!
trap 'kill $far' EXIT
far() { nsenter -t $far -n "$@"; }
for i in {1..50}; do [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ] || break; sleep 0.1; done
{ ip link add near type veth peer name far netns $far && ip address add 93.184.216.1/24 dev near && ip link set near up &&
	far ip link set lo up && far ip link set far up && far ip address add 93.184.216.34/24 dev far; } ||
	{ echo '1..0 # SKIP no pair of namespaces'; exit 0; }
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
tap_pids+=("$far")
printf '127.0.0.1 localhost\n93.184.216.34 allowed.test later.test\n' >"$tap_dir/hosts"
spawn far_origin nsenter -t "$far" -n "$builddir/tests/helper/tiny_origin"
wait_for '[ -s "$tap_dir/far_origin.log" ]' 10 || bail_out 'no origin'
spawn relay nsenter -t "$far" -n socat "TCP-LISTEN:7008,bind=93.184.216.34,fork,reuseaddr" "TCP:127.0.0.1:$(head -n 1 "$tap_dir/far_origin.log")"
wait_for 'far socat -u /dev/null TCP:93.184.216.34:7008' 10 || bail_out 'no relay'
cat >"$tap_dir/egress.yaml" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	trusted_hops: [127.0.0.1]
	identities: [{id: agent, kind: agent, labels: [agent]}]
	rules:
	  - {id: llm-providers, domains: [allowed.test], ports: [7008]}
	  - {id: rest, domains: [later.test], ports: [7008]}
T
for f in squid.conf llmsec-icap.conf llmsec-accel.conf llmsec-forward.conf; do template $f; done
cat "$srcdir/etc/squid/llmsec-upload.conf" >>"$tap_dir/llmsec-forward.conf"
is "$(parse)" "" 'the configuration parses without a warning'
# The rules of the example, with a rate that a test can wait for.
sed -n '/^#	table /,/^#	}$/s/^#	//p' "$srcdir/etc/squid/llmsec-upload.conf" | sed 's/rate over 1 mbytes/rate over 128 kbytes/; s/burst 512/burst 128/; s/ drop/ counter drop/' >"$tap_dir/rules.nft"
check 'nftables takes the rules that stand in it' nft -f "$tap_dir/rules.nft"
start_squid
head -c 524288 /dev/zero >"$tap_dir/small"
head -c 8388608 /dev/zero >"$tap_dir/large"
as_agent=(-H 'X-LLMSec-Workload: agent')
# put HOST FILE CURL-ARGUMENTS...: status and seconds
put() { curl -s -o /dev/null --max-time 40 -w '%{http_code} %{time_total}' -H Expect: -x "$proxy" --data-binary "@$tap_dir/$2" "${@:3}" "http://$1:7008/"; }
read -r status took < <(put later.test small "${as_agent[@]}")
is "$status" 200 'an upload that is limited passes whole'
# 128 KB are in the bucket; what is dropped is sent again, so it takes longer still.
at_least "$took" 2 'at the rate of who asks'
read -r status took < <(put later.test small --proxy-header 'X-LLMSec-Workload: agent' -p)
is "$status" 200 'in a tunnel, too'
at_least "$took" 2 'at that rate'
# At that rate it would be 64 s, more than curl waits.
is "$(put later.test large | cut -d' ' -f1)" 200 'who is nobody in particular is not limited'
is "$(put allowed.test large "${as_agent[@]}" | cut -d' ' -f1)" 200 'the agent has another rate where another rule allows it'
read -r status took < <(put later.test small "${as_agent[@]}")
at_least "$took" 2 'a connection to the server that others used before is marked anew'
like "$(nft list ruleset | grep 0x00007101)" 'counter packets [1-9]' 'the kernel counted what it dropped'
stop_squid
done_testing
