#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Streams through the whole chain, seen by llmsec-load: every event the provider numbered must arrive, once,
# in order and without a stall.  How fast is printed for people; a busy machine must not fail a test.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

edge=$(stack .edge_url) provider=$(stack .provider_url) ca=$(stack .ca_file) key=$(stack .client_key)
load=$(stack .build_dir)/tests/tools/llmsec-load
out=$tap_dir/load.json

# streams NAME WANTED ARGUMENTS...: WANTED streams, none with a flaw.
streams()
{
	local name=$1 wanted=$2
	shift 2
	timeout 240 "$load" stream --url "$edge" --cacert "$ca" --key "$key" -n "$wanted" --json "$@" >"$out" 2>"$tap_dir/load.err"
	is "$? $(jq -c '[.done, .errors, .lost, .duplicated, .reordered, .stalls]' "$out")" "0 [$wanted,0,0,0,0,0]" "$name" ||
		diag "$(jq -r '.first_error // empty' "$out") $(cat "$tap_dir/load.err")"
	at_least "$(jq .events "$out")" "$((wanted * tokens))" "$name: all tokens"
}

# One after the other: what the chain adds.
tokens=10
streams '50 streams, alternating with 50 direct ones' 50 --baseline "$provider" -c 1 -w 5 --tokens $tokens --interval-ms 20 --stall-ms 5000
diag "$(jq -r '"median time to first event: \(.ttfe_ms.median) ms, direct \(.baseline.ttfe_ms.median) ms, added \(.compare.median_difference.ttfe_ms) ms (target 5)
median gap: \(.gap_ms.median) ms, direct \(.baseline.gap_ms.median) ms, difference \(.compare.median_difference.gap_ms) ms (target 1)
median lag behind the provider: \(.lag_ms.median) ms, p99 \(.lag_ms.p99) ms"' "$out")"
is "$(jq -c '.baseline | [.done, .errors, .lost]' "$out")" '[50,0,0]' 'the direct ones are whole too'

tokens=50
streams '100 streams at the same time' 200 -c 100 -w 0 --tokens $tokens --interval-ms 40 --stall-ms 5000
diag "$(jq -r '"first event: median \(.ttfe_ms.median) ms, p99 \(.ttfe_ms.p99) ms; gap: p99 \(.gap_ms.p99) ms, max \(.gap_ms.max) ms; lag: p99 \(.lag_ms.p99) ms"' "$out")"
streams '100 streams at the same time over HTTP/2' 100 -c 100 -w 0 --tokens $tokens --interval-ms 40 --stall-ms 5000 --http2

tokens=30
for d in anthropic gemini ollama; do
	streams "30 streams of $d" 30 -c 30 -w 0 --dialect $d --tokens $tokens --interval-ms 20 --stall-ms 5000
done
streams 'events cut into single writes of 7 bytes' 10 -c 10 -w 0 --tokens $tokens --interval-ms 10 --stall-ms 5000 --mock split=7,utf8=1
streams 'a provider that thinks before its first token' 5 -c 5 -w 0 --tokens $tokens --interval-ms 5 --mock lead_ms=2500

# A stream that ends without its end must be seen as such by the client.
timeout 60 "$load" stream --url "$edge" --cacert "$ca" --key "$key" -n 3 -c 3 -w 0 --tokens 20 --interval-ms 5 --mock break=10,torn=1 --json >"$out"
is "$? $(jq -c '[.done, (.errors + .lost > 0)]' "$out")" '1 [3,true]' 'a torn stream is not passed off as whole'
done_testing
