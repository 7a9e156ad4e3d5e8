#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsecd and llmsecctl as whoever runs them sees them.
. "${srcdir:?}/tests/control/lib.sh"

# run COMMAND...: output and errors in $out, status in $rc
run() { out=$("$@" 2>&1); rc=$?; }
keys() { sed 's/#.*//' | grep -oE '^ *[a-z_]+:'; }
n_events() { llmsecctl events --json --limit 10000 "$@" | wc -l; }

# --- the programs themselves
for p in llmsecd llmsecctl; do
	run "$builddir/control/$p" --help
	is "$rc:${out:0:6}" 0:usage: "$p --help"
	run "$builddir/control/$p" --version
	like "$rc $out" "^0 $p [0-9]" "$p --version"
	run "$builddir/control/$p" --no-such-option
	is "$rc" 2 "$p: wrong usage"
done
run "$builddir/control/llmsecd" --check -c "$srcdir/etc/llmsec/llmsecd.yaml"
is "$rc" 0 'the shipped configuration is good'
run "$builddir/control/llmsecd" --show-defaults
is "$(keys <<<"$out")" "$(keys <"$srcdir/etc/llmsec/llmsecd.yaml")" 'it has every key'
is "$(keys <<<"$out" | tr -d ' :' | sort -u | while read -r k; do
	grep -q "^\.It Ic $k\b" "$srcdir/control/llmsecd.yaml.5" || echo "$k"
done)" '' 'and its manual too'
printf '%s\n' "$out" >"$tap_dir/defaults.yaml"
run "$builddir/control/llmsecd" --check -c "$tap_dir/defaults.yaml"
is "$rc" 0 'what --show-defaults prints is good'
printf 'log_level: info\nhttp: {listen: "0.0.0.0:9190"}\nbogus: 1\n' >"$tap_dir/bad.yaml"
run "$builddir/control/llmsecd" --check -c "$tap_dir/bad.yaml"
is "$rc" 2 'a bad one is refused'
like "$out" 'bad.yaml:2:[0-9]+.*loopback' 'with line and reason'
like "$out" 'bad.yaml:3:[0-9]+.*bogus' 'all faults in one run'
run "$builddir/control/llmsecd" -c "$tap_dir/none.yaml"
is "$rc" 2 'a missing one too'
like "$out" 'none.yaml.*No such file' 'with the reason'

# --- nobody there
for c in status events metrics 'events --follow'; do
	# shellcheck disable=SC2086
	run llmsecctl $c
	is "$rc" 1 "llmsecctl $c without llmsecd"
	like "$out" "llmsecctl: nobody answers at $url; is llmsecd running" 'says so'
done
run llmsecctl
is "$rc" 2 'llmsecctl without a command'
run llmsecctl events status
is "$rc" 2 'llmsecctl with two'

# --- events
llmsecd_start
check 'llmsecd starts' llmsecd_up
run "$builddir/control/llmsecd" -c "$conf"
is "$rc" 1 'a second one is refused'
like "$out" 'cannot listen on .*events.sock: Address already in use' 'with the reason'
check 'and does no harm to the first' llmsecctl status
run emit a.log -t a -n 50 -p 10
is "$rc" 0 'a sender'
check 'its events are stored' stored a.log
run llmsecctl status
is "$rc" 0 'llmsecctl status'
like "$out" 'health: ok' 'says that all is well'
like "$out" 'llmsec-events +control +[0-9]+ +[0-9]+ +50 +0 +20[0-9-]+T[0-9:.]+Z +test.event' 'and who sends'
run llmsecctl status --json
is "$(jq -r '.health.status + .status.components[0].name' <<<"$out")" okllmsec-events 'as JSON too'
run llmsecctl events
is "$rc $(wc -l <<<"$out")" '0 50' 'llmsecctl events'
like "$out" '20[0-9-]+T[0-9:.]+Z +control +0 monitor test.event +request=a-0' 'one line each'
is "$(n_events)" 50 'as JSON'
is "$(n_events --limit 7)" 7 '--limit'
is "$(n_events --min-severity 10)" 4 '--min-severity'
is "$(n_events --request-id a-49)" 1 '--request-id'
is "$(n_events --until 1h) $(n_events --before 11 --layer control)" '0 10' '--until and --before'
is "$(n_events --since 1h --event test.event)" 50 '--since and --event'
is "$(n_events --ip 192.0.2.1)" 0 '--ip'
run llmsecctl events --since yesterday
is "$rc" 2 'a bad --since'
like "$out" 'answered 400: since: RFC 3339' 'says what is good'
run llmsecctl events --follow --since yesterday
is "$rc" 2 'when following too'
run "$builddir/control/llmsecctl" --url "$url" --token-file /dev/null events
is "$rc" 1 'without the token'
like "$out" 'answered 401: a bearer token is required.*--token-file' 'says so'
run "$builddir/control/llmsecctl" -c "$conf" status
is "$rc" 0 'finds llmsecd by its configuration'

# --- following
followers() { llmsecctl metrics | grep -qx "llmsec_control_followers $1"; }
spawn follow "$builddir/control/llmsecctl" --url "$url" --token-file "$tap_dir/token" events --follow --json
follow=$spawned
check 'a follower' wait_for 'followers 1' 10
emit b.log -t b -n 20 -r 100 >"$tap_dir/b.out"
followed() { grep -c request_id "$tap_dir/follow.log"; }
check 'sees what comes' wait_for '[ "$(followed)" = 20 ]' 10
stop "$daemon" KILL
llmsecd_start
emit c.log -t c -n 20 -r 100 >"$tap_dir/c.out"
check 'and goes on when llmsecd is back' wait_for '[ "$(followed)" = 40 ]' 15
like "$(cat "$tap_dir/follow.log")" 'lost, trying again' 'which it says'
is "$(grep -o '"request_id":"[^"]*"' "$tap_dir/follow.log" | sort | uniq -d)" '' 'nothing twice'
stop "$follow" TERM

# --- metrics
"$events" counters "$tap_dir/counters"
if [ -x "$builddir/squid-helpers/ext_llmsec_egress_acl" ]; then
	cp "$srcdir/etc/llmsec/egress-providers.yaml" "$tap_dir/"
	sed "s|/run/llmsec|$tap_dir|; s|/var/lib/llmsec|$tap_dir|; s|/etc/llmsec|$tap_dir|; s|/usr/share/llmsec|$tap_dir|" "$srcdir/etc/llmsec/egress.yaml" >"$tap_dir/egress.yaml"
	"$builddir/squid-helpers/ext_llmsec_egress_acl" -c "$tap_dir/egress.yaml" </dev/null >"$tap_dir/egress.log" 2>&1
	diag "$(cat "$tap_dir/egress.log")"
	ls "$tap_dir"/counters/*egress*.ctr >/dev/null 2>&1
	is $? 0 "counters of the egress helper"
fi
if [ -x "$builddir/haproxy-spoa/llmsec-spoad" ]; then
	cat >"$tap_dir/spoad.yaml" <<-T
	listen: ["unix:spoad.sock"]
	run_dir: $tap_dir
	edge_keys: ""
	counters_dir: $tap_dir/counters
	events: {socket: "", spool_dir: ""}
	T
	spawn spoad "$builddir/haproxy-spoa/llmsec-spoad" -c "$tap_dir/spoad.yaml"
	check 'counters of llmsec-spoad' wait_for 'ls "$tap_dir"/counters/*spoad*.ctr && [ -S "$tap_dir/spoad.sock" ]' 10
	stop "$spawned"
	check 'are exported' wait_for 'llmsecctl metrics | grep -q ^llmsec_spoad_' 5
fi
http "$url/metrics"
is "$http_code" 200 'GET /metrics'
is "$(header content-type)" 'text/plain; version=0.0.4; charset=utf-8' 'has its type'
run "$events" promcheck <"$http_body"
is "$rc" 0 "passes the strict parser: $out"
is "$(grep -c '^llmsec_test_awkward_total{' "$http_body")" 2 'series of two files are added up'
like "$(cat "$http_body")" 'llmsec_test_awkward_total\{path="C:\\\\x",quote="\\"",line="a\\nb"\} 12' 'with their labels escaped'
if command -v promtool >/dev/null; then
	run promtool check metrics <"$http_body"
	is "$rc" 0 'promtool passes it'
	[ -z "$out" ] || diag "$out"
else
	skip 'promtool passes it' 'promtool is not installed'
fi
run llmsecctl metrics
is "$rc" 0 'llmsecctl metrics'
run "$events" promcheck <<<"$out"
is "$rc" 0 'prints the same'

# --- check
mkdir "$tap_dir/etc"
cp "$conf" "$tap_dir/etc"
run llmsecctl check --conf-dir "$tap_dir/etc" --program-path "$builddir/control"
is "$rc" 0 'llmsecctl check'
like "$out" 'etc/llmsecd.yaml: OK' 'names what is good'
like "$out" 'etc/spoad.yaml: skipped, llmsec-spoad is not installed' 'and what it skips'
cp "$tap_dir/bad.yaml" "$tap_dir/etc/llmsecd.yaml"
run llmsecctl check --conf-dir "$tap_dir/etc" --program-path "$builddir/control"
is "$rc" 1 'a fault'
like "$out" 'etc/llmsecd.yaml:2:[0-9]+' 'with its line'

# --- trouble
mv "$tap_dir/db" "$tap_dir/away"
check 'llmsecd sees that its database is gone' wait_for '! llmsecctl status' 15
run llmsecctl status
is "$rc" 1 'status fails'
like "$out" 'health: failing' 'and says so'
like "$out" 'NOT WRITABLE: .+' 'with a reason'
http "$url/healthz"
is "$http_code" 503 '/healthz says 503'
"$events" emit -s "$sock" -d "$spool" -t d -n 30 "$tap_dir/d.log" >"$tap_dir/d.out"
mv "$tap_dir/away" "$tap_dir/db"
check 'it recovers' llmsecd_up
check 'and stores what came meanwhile' stored a.log b.log c.log d.log
stop "$daemon" TERM
is $? 0 'ends in order'
head -c 100000 /dev/urandom >"$db"
rm -f "$db-wal" "$db-shm"
llmsecd_start
check 'starts on a damaged database' llmsecd_up
is "$(find "$tap_dir/db" -name 'events.db.corrupt-*' | wc -l)" 1 'which it keeps aside'
emit e.log -t e -n 10 >"$tap_dir/e.out"
check 'and stores on' stored e.log

# --- reload
echo fedcba9876543210fedcba9876543210 >"$tap_dir/token"
kill -HUP "$daemon"
check 'SIGHUP: a new token' llmsecd_up
cp "$tap_dir/bad.yaml" "$conf"
kill -HUP "$daemon"
check 'SIGHUP with a bad configuration' wait_for 'grep -q "keeping the old" "$tap_dir/llmsecd.$starts.log"' 5
check 'changes nothing' llmsecd_up
stop "$daemon" TERM
is $? 0 'SIGTERM'
check 'takes its socket with it' [ ! -e "$sock" ]
done_testing
