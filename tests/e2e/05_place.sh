#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The services run as another user, who need not be able to read the clone (it may lie below /root): all
# that they are started with is in the run folder.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

run=$(stack .run_dir)
for f in "$run"/pid/*.pid; do
	name=$(basename "$f" .pid)
	is "$(readlink "/proc/$(cat "$f")/cwd")" "$(realpath "$run")" "$name: works in the run folder"
done
# Every absolute path in a configuration that ./dev wrote is of the run folder or of the system.
is "$(sed "s|$run||g" "$run"/etc/*.yaml "$run"/etc/*.conf | grep -v '^ *#' | grep -F "$(cd "$srcdir" && pwd)/")" '' \
	'no configuration names a file of the clone'
unlike "$(cat "$run"/log/icap.log)" 'broken or missing' 'the inspection service read its configuration'
done_testing
