# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A llmsecd of the test's own in $tap_dir.  Wants $srcdir and $builddir, as make check sets them.
# shellcheck source=tests/e2e/lib.sh
. "${srcdir:?}/tests/e2e/lib.sh"
: "${builddir:?}"
# What a script uses of these is its own affair.
# shellcheck disable=SC2034
events=$builddir/tests/tools/llmsec-events sock=$tap_dir/events.sock spool=$tap_dir/spool db=$tap_dir/db/events.db
port=$(free_port) || bail_out 'no free port'
url=http://127.0.0.1:$port conf=$tap_dir/llmsecd.yaml
mkdir -p "$spool" "$tap_dir/db" "$tap_dir/counters"
echo 0123456789abcdef0123456789abcdef >"$tap_dir/token"
cat >"$conf" <<T
run_dir: $tap_dir
counters_dir: $tap_dir/counters
events: {socket: $sock, spool_dir: $spool}
database: {path: $db}
http: {listen: "127.0.0.1:$port", token_file: $tap_dir/token}
T
starts=0

llmsecctl() { "$builddir/control/llmsecctl" --url "$url" --token-file "$tap_dir/token" "$@"; }

# llmsecd_start: its pid in $daemon, its log in $tap_dir/llmsecd.N.log.
llmsecd_start()
{
	starts=$((starts + 1))
	spawn "llmsecd.$starts" "$builddir/control/llmsecd" -c "$conf"
	# shellcheck disable=SC2034
	daemon=$spawned
}

llmsecd_up() { wait_for 'llmsecctl status' 15; }

# emit LOG ARGUMENTS...: run a sender to its end.
emit()
{
	local log=$1
	shift
	"$events" emit -s "$sock" -d "$spool" -w 15 "$@" "$tap_dir/$log"
}

# stored LOG...: everything those senders were promised is in the database, once, before long.
stored()
{
	local logs=("${@/#/$tap_dir/}")
	wait_for '"$events" verify "$db" "${logs[@]}"' 30
	local rc=$?
	"$events" verify "$db" "${logs[@]}"
	return $rc
}

no_spools() { [ -z "$(ls "$spool")" ]; }
