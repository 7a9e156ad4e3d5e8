#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Streams end with their end while the inspection service stands still for moments, as on a busy machine: Squid
# takes an answer for one cut short when its last piece comes late and the client is behind (docs/decisions/0021).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

edge=$(stack .edge_url) ca=$(stack .ca_file) key=$(stack .client_key)
load=$(stack .build_dir)/tests/tools/llmsec-load
group=$(cat "$(stack .run_dir)/pid/icap.pid")

# Until the file goes.
stutter()
{
	while [ -e "$tap_dir/stutter" ]; do
		kill -STOP -- "-$group"
		read -r -t 0.003 <> <(:) || true
		kill -CONT -- "-$group"
		read -r -t 0.003 <> <(:) || true
	done
}

check 'Squid reads ahead' grep -q '^read_ahead_gap 16 MB' "$(stack .run_dir)/etc/llmsec-icap.conf"
: >"$tap_dir/stutter"
stutter &
stutterer=$!
trap 'rm -f "$tap_dir/stutter"; kill -CONT -- "-$group" 2>/dev/null || true; tap_cleanup' EXIT

sizes='50000 120000 200000 300000'
for n in $sizes; do
	timeout 240 "$load" big --url "$edge" --cacert "$ca" --key "$key" --json --size "$n" -n 20 --timeout 60 >"$tap_dir/$n.json" 2>"$tap_dir/$n.err" &
	pids[n]=$!
done
for n in $sizes; do
	rc=0
	wait "${pids[n]}" || rc=$?
	is "$rc $(jq -c '[.done, .errors]' "$tap_dir/$n.json")" '0 [100,0]' "100 transfers of $n bytes, streamed and not" ||
		diag "$(jq -r '.first_error // empty' "$tap_dir/$n.json") $(cat "$tap_dir/$n.err")"
done
rm -f "$tap_dir/stutter"
wait "$stutterer" || true
done_testing
