#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsecd and its senders are killed -9, again and again, under load.  Whatever event_emit took is in the
# database exactly once in the end, and no spool is left.
. "${srcdir:?}/tests/control/lib.sh"

llmsecd_start
check 'llmsecd starts' llmsecd_up

# A spool is rotated when the daemon has caught up with it: on a busy machine it does so with a slower sender.
for rate in 2000 1000 500 250; do
	out=$(emit rotate.$rate.log -t rotate$rate -n 6000 -r $rate -p 1500)
	rc=$?
	diag "$out"
	[ "$rc" = 0 ] && [ "${out##*spools }" -lt 2 ] || break
done
is $rc 0 'a sender of 10 MB'
at_least "${out##*spools }" 2 'its spool is rotated under load'
like "$out" 'pending 0 ' 'all is acknowledged'
check 'and stored once' stored $(cd "$tap_dir" && ls rotate.*.log)
check 'no spool is left' wait_for no_spools 10

sent=0
sender_start()
{
	sent=$((sent + 1))
	spawn "sender.$sent" "$events" emit -s "$sock" -d "$spool" -t "s$sent" -n 1000000 -r 1500 -p 400 -j 2 \
		-w 60 "$tap_dir/kill.$sent.log"
	senders+=("$spawned")
}
# sender_kill: the one that is there longest goes without a word, another comes.
sender_kill()
{
	stop "${senders[0]}" KILL
	senders=("${senders[@]:1}")
	sender_start
}
promised() { cat "$tap_dir"/kill.*.log 2>/dev/null | wc -l; }
# more N: until so many more events were taken.
more()
{
	local goal=$(($(promised) + $1))
	wait_for "[ \$(promised) -ge $goal ]" 30
}

senders=()
for _ in 1 2 3; do sender_start; done
for round in 1 2 3 4 5 6; do
	check "round $round: senders work" more 1500
	stop "$daemon" KILL
	check "round $round: they go on without llmsecd" more 1500
	[ $((round % 2)) = 1 ] || sender_kill
	llmsecd_start
	[ $((round % 2)) = 0 ] || { more 300; sender_kill; }
done
check 'llmsecd is back' llmsecd_up
# Not dead, but deaf: the senders' socket buffers fill, and they must neither wait nor lose anything.
kill -STOP "$daemon"
check 'they go on while llmsecd is stopped' more 4000
kill -CONT "$daemon"
check 'llmsecd goes on too' llmsecd_up
check 'and senders work' more 1500
stop "${senders[0]}" TERM
is $? 0 'a sender ends in order'
like "$(cat "$tap_dir/sender.$((sent - 2)).log")" 'failed 0 pending 0' 'with everything acknowledged'
stop "${senders[1]}" KILL
stop "${senders[2]}" KILL

# What the killed ones left in their spools is read first.
check 'no spool is left' wait_for no_spools 60
# shellcheck disable=SC2046
check "$(promised) events promised by $sent senders are stored, none twice" stored $(cd "$tap_dir" && ls kill.*.log)
stop "$daemon" TERM
is $? 0 'llmsecd ends in order'
# shellcheck disable=SC2046
check 'nothing was lost at the end' stored $(cd "$tap_dir" && ls rotate.*.log kill.*.log)
diag "$("$events" verify "$db" "$tap_dir"/rotate.*.log "$tap_dir"/kill.*.log)"
done_testing
