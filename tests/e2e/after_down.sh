#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# after_down.sh RUN_DIR SHM: what `./dev down` must not leave behind.  SHM: lines "INODE PATH", the shared
# memory that c-icap and Squid had.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

run=$1 shm=$2
is "$(pgrep -af -- "$run/" | grep -v after_down)" '' 'no process of the stack is left'
like "$shm" c-icap 'c-icap had shared memory'
is "$(while read -r inode path; do [ "$(stat -c %i "$path" 2>/dev/null)" != "$inode" ] || echo "$path"; done <<<"$shm")" '' \
	'no shared memory is left'
case $run in
/run/*)	check 'the run folder outside of the clone is gone' test ! -e "$run" ;;
*)	is "$(ls "$run/pid")" '' 'no pid file is left' ;;
esac
done_testing
