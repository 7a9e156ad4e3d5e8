#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The first session of the README, run as it is written but for addresses and paths, says what it says there
# but for ids and times.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sed -n '/^## First session/,/^## /{/^```console/,/^```$/p}' "$srcdir/README.md" | sed '/^```/d' >"$tap_dir/session"
at_least "$(grep -c '^\$ ' "$tap_dir/session")" 4 'the README has a session'
here() { sed "s|https://localhost:18443|$(stack .edge_url)|g; s|http://127.0.0.1:18128|$(stack .proxy_url)|g
	s|http://127.0.0.1:18099|$(stack .control_url)|g; s|build/run/|$(stack .run_dir)/|g; s|build/control/|$(stack .build_dir)/control/|g"; }
plain() { sed -E 's/[0-9a-f]{32}/ID/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g'; }

# Of a list of events, which other tests fill too, only the newest line is ours; it may take a moment.
newest() { case $1 in *' events '*) tail -n 1 ;; *) cat ;; esac; }
says() { eval "$1" </dev/null 2>&1 | newest "$1" | plain; }

command=
: >"$tap_dir/wanted"
while IFS= read -r line || [ -n "$command" ]; do
	case $line in
	'$ '* | '')
		if [ -s "$tap_dir/wanted" ]; then
			wanted=$(plain <"$tap_dir/wanted")
			wait_for '[ "$(says "$command")" = "$wanted" ]' 5
			is "$(says "$command")" "$wanted" "${command:0:70}"
		elif [ -n "$command" ]; then
			eval "$command"
		fi
		: >"$tap_dir/wanted"
		command=$(here <<<"${line#\$ }") ;;
	*)	printf '%s\n' "$line" >>"$tap_dir/wanted" ;;
	esac
	[ -n "$line" ] || break
done <"$tap_dir/session"
done_testing
