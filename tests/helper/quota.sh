#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# etc/squid/llmsec-quota.conf on a real Squid: rate and size of answers go by the identity and the rule that the helper
# names.  A rate shows as the time that so many bytes take at least; a busy machine only makes it longer.
# shellcheck disable=SC2154	# variables of squid_lib.sh
set -u
: "${srcdir:?}"
# shellcheck source=tests/helper/squid_lib.sh
. "$srcdir/tests/helper/squid_lib.sh"
cat >"$tap_dir/egress.yaml" <<-T
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	counters_dir: $tap_dir/ctr
	trusted_hops: [127.0.0.1]
	identities: [{id: agent, kind: agent, labels: [agent]}]
	rules:
	  - {id: llm-providers, domains: [allowed.test], ports: [$port]}
	  - {id: rest, domains: [later.test], ports: [$port]}
T
for f in squid.conf llmsec-icap.conf llmsec-accel.conf llmsec-forward.conf; do template $f; done
# The shipped file with a small size and rates that a test can wait for: 64 KB/s, and 16 MB/s to the models.
sed 's/64 MB/512 KB/; s|1048576/4194304|16777216/16777216|' "$srcdir/etc/squid/llmsec-quota.conf" >>"$tap_dir/llmsec-forward.conf"
is "$(parse)" "" 'the configuration parses without a warning'
start_squid

as_agent=(-H 'X-LLMSec-Workload: agent')
# fetch HOST BYTES CURL-ARGUMENTS...: status, bytes and seconds
fetch() { curl -s -o /dev/null --max-time 60 -w '%{http_code} %{size_download} %{time_total}' -x "$proxy" "${@:3}" "http://$1:$port/bytes/$2"; }

# 64 KB are in the bucket; the other 192 KB come at 64 KB/s.
read -r status bytes took < <(fetch later.test 262144 "${as_agent[@]}")
is "$status $bytes" '200 262144' 'an answer that is limited comes whole'
at_least "$took" 2 'an agent gets 64 KB/s, seconds for 256 KB'
# At 64 KB/s this would be 128 s, more than curl waits.
is "$(fetch later.test 8388608 | cut -d' ' -f1,2)" '200 8388608' 'who is nobody in particular is not limited'
is "$(fetch allowed.test 8388608 "${as_agent[@]}" | cut -d' ' -f1,2)" '200 8388608' 'the agent has another rate where another rule allows it'
is "$(fetch later.test 600000 "${as_agent[@]}" | cut -d' ' -f1)" 403 'an answer that is too large for it is refused'
is "$(fetch later.test 600000 | cut -d' ' -f1,2)" '200 600000' 'and for nobody else'
stop_squid
done_testing
