#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The official SDKs through the whole chain.  Each is a script of its own that prints TAP; here their
# results become one list.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sdk=$(stack .build_dir)/sdk
# Modules are looked up from where a script lies, so the scripts go to where npm put the packages.
mkdir -p "$sdk"
cp "$here"/sdk/*.mjs "$here"/sdk/package*.json "$sdk/"
[ -d "$sdk/node_modules" ] || (cd "$sdk" && npm ci --no-audit --no-fund --loglevel=error) >&2 || bail_out 'npm ci failed'
NODE_EXTRA_CA_CERTS=$(stack .ca_file)
export NODE_EXTRA_CA_CERTS

for name in openai anthropic gemini; do
	rc=0 n=0
	timeout 240 "${NODE:-node}" "$sdk/$name.mjs" >"$tap_dir/$name.tap" || rc=$?
	while IFS= read -r line; do
		case $line in
		'ok '*)		n=$((n + 1)); ok "${line#*- }" ;;
		'not ok '*)	n=$((n + 1)); not_ok "${line#*- }" || rc=0 ;;
		'#'*)		printf '%s\n' "$line" ;;
		esac
	done <"$tap_dir/$name.tap"
	is "$rc, $(sed -n 's/^1\.\.//p' "$tap_dir/$name.tap")" "0, $n" "$name: the script came to its end"
done
done_testing
