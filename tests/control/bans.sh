#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Bans, from llmsecctl to what a client of a real HAProxy sees.  The lines come from etc/haproxy/haproxy.cfg.
. "${srcdir:?}/tests/control/lib.sh"

command -v haproxy >/dev/null || { echo '1..0 # SKIP haproxy is not installed'; exit 0; }

run() { out=$("$@" 2>&1); rc=$?; }
edge=$(free_port) || bail_out 'no free port'
origin=$(free_port) || bail_out 'no free port'
map=$tap_dir/bans.map never=$tap_dir/never.lst cli=$tap_dir/haproxy.sock
cp "$srcdir/etc/haproxy/bans.map" "$map"
printf '# a health checker\n127.0.0.9\n127.1.0.0/16\n2001:db8:f::/48\n' >"$never"
{
	cat <<-T
	global
	    setenv LLMSEC_EDGE_N 1
	    setenv LLMSEC_BANS_MAP $map
	    setenv LLMSEC_NEVER_BAN $never
	    stats socket $cli mode 600 level admin
	defaults
	    mode http
	    timeout connect 1s
	    timeout client 30s
	    timeout server 30s
	frontend edge
	    bind 127.0.0.1:$edge
	    bind [::1]:$edge
	    unique-id-format "%[uuid]"
	T
	sed -n '/# --- bans/,/# --- end of bans/p' "$srcdir/etc/haproxy/haproxy.cfg"
	cat <<-T
	    http-request return status 403 content-type application/json string '{"error":{"code":"banned"}}' if { var(txn.banned) -m found }
	    http-request return status 200 content-type text/plain string ok unless { path /slow }
	    default_backend slow
	backend slow
	    server silent 127.0.0.1:$origin
	T
	sed -n '/^backend llmsec_bans_1/,$p' "$srcdir/etc/haproxy/haproxy.cfg"
} >"$tap_dir/haproxy.cfg"
cat >>"$conf" <<-T
bans: {never_ban: $never, haproxy_socket: $cli, haproxy_map: $map, socket: $tap_dir/bans.sock, orders: $tap_dir/orders}
	T
haproxy_start() { spawn haproxy haproxy -db -f "$tap_dir/haproxy.cfg"; haproxy=$spawned; }
# seen SOURCE: what a client from there gets
seen()
{
	case $1 in
	*:*) curl -s -o "$tap_dir/body" -w '%{http_code}' "http://[::1]:$edge/" ;;
	*) curl -s -o "$tap_dir/body" -w '%{http_code}' --interface "$1" "http://127.0.0.1:$edge/" ;;
	esac
}
# cli COMMAND: what HAProxy says to it
cli() { echo "$1" | socat - "$cli"; }
# milliseconds
ms() { echo $(($(date +%s%N) / 1000000)); }
known() { [ "$(llmsecctl ban list | grep -c " applied ")" = "$1" ]; }
post() { curl -s -o "$tap_dir/answer" -w '%{http_code}' -H "Authorization: Bearer $(cat "$tap_dir/token")" -d "$1" "$url/_cluster/blacklist"; }

haproxy_start
llmsecd_start
check 'llmsecd starts' llmsecd_up
check 'HAProxy answers' wait_for '[ "$(seen 127.0.0.2)" = 200 ]' 10
check 'and llmsecd has found it' wait_for 'llmsecctl ban list --json | jq -e ".edges[0].haproxy == \"up\""' 5

spawn follower socat -u "UNIX-CONNECT:$tap_dir/bans.sock,type=5" -
follower=$tap_dir/follower.log
check 'a follower of bans.socket gets the whole state' wait_for 'grep -q "\"end\"" "$follower"' 5
is "$(head -n 2 "$follower" | paste -sd' ')" '{"op":"begin","v":1} {"op":"end"}' 'of which there is none'

# --- one address
t0=$(ms)
run llmsecctl ban add 127.0.0.2 --reason 'too many requests' --ttl 1h
got=$(seen 127.0.0.2)
t=$(($(ms) - t0))
is "$rc $got" '0 403' 'llmsecctl ban add: the client is refused'
diag "from llmsecctl to the refusal, both processes included: $t ms"
is "$(jq -r '.banned, .edges[0].state' <<<"$out" | paste -sd' ')" '1 applied' 'the answer says that this edge has it'
is "$(jq -r .error.code "$tap_dir/body")" banned 'the client reads JSON'
is "$(seen 127.0.0.3)" 200 'its neighbour is served'
like "$(llmsecctl ban list)" '^127.0.0.2 +edge +until 20[-0-9]+T[0-9:.]+Z applied +1 [^ ]+ operator too many requests' 'ban list'
llmsecctl ban add 127.0.0.2 >"$tap_dir/out"
is "$(llmsecctl ban list | wc -l)" 1 'the same again is the same'
run llmsecctl ban del 127.0.0.2
is "$rc $(seen 127.0.0.2) $(llmsecctl ban list | wc -l)" '0 200 0' 'ban del'
check 'the follower hears of it' wait_for 'tail -n 1 "$follower" | grep -qx "{\"op\":\"del\",\"cidr\":\"127.0.0.2\"}"' 5
is "$(jq -c 'select(.op == "add" and .ttl_s > 3590) | [.cidr, .reason]' "$follower" | head -n 1)" '["127.0.0.2","too many requests"]' 'and before of the ban'
like "$(cat "$tap_dir/orders")" '^[0-9]{13} lift ip 127.0.0.2$' 'llmsec-spoad is told to forget it'
run llmsecctl ban del key=0123456789abcdef ja4=t13d1516h2_8daaf6152771_b0da82dd1658@127.0.0.2
like "$rc $(tail -n 2 "$tap_dir/orders" | cut -d ' ' -f 2- | paste -sd,)" '^0 lift key 0123456789abcdef,lift ja4 t13d1516h2_8daaf6152771_b0da82dd1658@127.0.0.2$' 'and a key and a fingerprint'
for bad in key=0123 'key=0123456789abcde;' ja4= 'ja4=a b' ja4=x@host; do
	run llmsecctl ban del "$bad"
	is "$rc" 2 "refused: $bad"
done
run llmsecctl ban add key=0123456789abcdef
is "$rc" 2 'a key is nothing that HAProxy could ban'
check 'what was done is an event' wait_for '[ "$(llmsecctl events --json --event ban.lift | jq -r .target)" = 127.0.0.2 ]' 5

# --- expiry, networks, IPv6
llmsecctl ban add 127.0.0.2 --ttl 2 >"$tap_dir/out"
t0=$(ms)
is "$(seen 127.0.0.2)" 403 'a ban of two seconds'
check 'ends' wait_for '[ "$(seen 127.0.0.2)" = 200 ]' 5
t=$(($(ms) - t0))
[ "$t" -ge 1500 ] && [ "$t" -le 3000 ]
is $? 0 "to the second: $t ms"
check 'which the follower hears, too' wait_for 'tail -n 1 "$follower" | grep -qx "{\"op\":\"expire\",\"cidr\":\"127.0.0.2\"}"' 5
llmsecctl ban add 127.9.0.0/16 ::1 --scope cluster >"$tap_dir/out"
is "$(seen 127.9.1.1) $(seen ::1) $(seen 127.8.1.1)" '403 403 200' 'a network and IPv6'
llmsecctl ban add 127.9.0.0/16 --scope edge >"$tap_dir/out"
is "$(cli "show map $map" | grep -c 127.9)" 1 'the map has it once'
llmsecctl ban del 127.9.0.0/16 ::1 >"$tap_dir/out"
is "$(seen 127.9.1.1) $(seen ::1)" '200 200' 'and both back'

# --- what is refused
run llmsecctl ban add 127.0.0.9
is "$rc" 1 'who is never banned'
like "$out" 'answered 409: .*127.0.0.9 may not be banned: 127.0.0.9 is on the never-ban list' 'is named'
is "$(post '{"cidr":"127.0.0.0/8"}')" 409 'nor a network around it'
cli 'set table llmsec_bans_1 key ::ffff:127.0.0.9 data.gpt0 1' >"$tap_dir/out"
is "$(seen 127.0.0.9)" 200 'nor does HAProxy refuse it, whoever wrote its table'
for bad in '{' '[]x' '{"ip":"host"}' '{"ip":"127.0.0.0/24"}' '{}' '{"ip":"127.0.0.2","cidr":"127.0.0.2"}' '[7]' \
	'{"ip":"127.0.0.2","ttl_s":0}' '{"ip":"127.0.0.2","ttl_s":"9"}' '{"ip":"127.0.0.2","scope":"all"}' \
	'{"ip":"127.0.0.2","until":1}'; do
	is "$(post "$bad"):$(jq -r '.error | type' "$tap_dir/answer")" 400:string "refused: $bad"
done
is "$(curl -s -o "$tap_dir/answer" -w '%{http_code}' -d '{"ip":"127.0.0.2"}' "$url/_cluster/blacklist")" 401 'without the token'
is "$(curl -s -o "$tap_dir/answer" -w '%{http_code}' "$url/_cluster/blacklist")" 401 'reading too'
is "$(llmsecctl ban list | wc -l)" 0 'none of it banned anybody'

# --- who may
printf 'read-0123456789abcdef\n' >"$tap_dir/read"
printf 'ban-0123456789abcdef\n' >"$tap_dir/ban"
sed -i "s|token_file: $tap_dir/token|&, read_token_file: $tap_dir/read, ban_token_file: $tap_dir/ban|" "$conf"
kill -HUP "$daemon"
check 'a token that may read' wait_for 'llmsecctl --token-file "$tap_dir/read" ban list' 5
run llmsecctl --token-file "$tap_dir/read" ban add 127.0.0.2
is "$rc $(llmsecctl ban list | wc -l)" '1 0' 'may not ban'
like "$out" 'answered 403: this token may only read' 'and is told so'
run llmsecctl --token-file "$tap_dir/ban" ban add 127.0.0.2
is "$rc" 0 'one that may ban'
run llmsecctl --token-file "$tap_dir/ban" ban del 127.0.0.2
is "$rc" 0 'may unban'

# --- many networks: the map is exchanged as a whole
for i in {1..200}; do echo "10.$i.0.0/16"; done | llmsecctl ban add - 127.9.0.0/16 >"$tap_dir/out"
is "$(jq -r '.edges[0].state' "$tap_dir/out") $(cli "show map $map" | grep -c '/16')" 'applied 201' 'two hundred networks'
is "$(seen 127.9.1.1)" 403 'of which each counts'
for i in {1..200}; do echo "10.$i.0.0/16"; done | llmsecctl ban del - 127.9.0.0/16 >"$tap_dir/out"
is "$(cli "show map $map" | grep -c '/16') $(seen 127.9.1.1)" '0 200' 'and none'

# --- live connections: an origin that thinks for long
spawn origin socat "TCP-LISTEN:$origin,bind=127.0.0.1,fork,reuseaddr" /dev/null,ignoreeof
check 'an origin' wait_for '(exec 6<>"/dev/tcp/127.0.0.1/$origin")' 5
exec 5<>"/dev/tcp/127.0.0.1/$edge"
printf 'GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&5
check 'a request that is under way' wait_for 'cli "show sess" | grep -q "proto=tcpv4.*fe=edge.*be=slow srv=silent"' 5
t0=$(ms)
llmsecctl ban add 127.0.0.1 >"$tap_dir/out"
timeout 5 cat <&5 >"$tap_dir/cut"
is $? 0 "is cut by a ban, after $(($(ms) - t0)) ms"
exec 5>&-
llmsecctl ban del 127.0.0.1 >"$tap_dir/out"

# --- restarts
llmsecctl ban add 127.0.0.4 127.9.0.0/16 >"$tap_dir/out"
stop "$daemon" KILL
is "$(seen 127.0.0.4)" 403 'HAProxy bans on without llmsecd'
llmsecd_start
check 'a killed llmsecd comes back' llmsecd_up
is "$(llmsecctl ban list | grep -c until)" 2 'with its bans'
check 'and finds HAProxy' wait_for 'known 2' 5
stop "$haproxy" KILL
t0=$(ms)
run llmsecctl ban add 127.0.0.5
is "$rc $(jq -r '.edges[0].state' <<<"$out")" '0 pending' 'HAProxy is away: the ban waits'
diag "llmsecctl did not: $(($(ms) - t0)) ms"
llmsecctl ban del 127.0.0.4 >"$tap_dir/out"
haproxy_start
check 'HAProxy is back' wait_for '[ "$(seen 127.0.0.3)" = 200 ]' 10
t0=$(ms)
check 'and has the bans' wait_for '[ "$(seen 127.0.0.5) $(seen 127.9.0.1) $(seen 127.0.0.4)" = "403 403 200" ]' 5
diag "after $(($(ms) - t0)) ms"

# --- many
awk 'BEGIN { for (i = 0; i < 10000; i++) print "10." int(i / 65536) "." int(i / 256) % 256 "." i % 256 }' >"$tap_dir/many"
t0=$(ms)
llmsecctl ban add - --reason feed <"$tap_dir/many" >"$tap_dir/out"
check '10,000 at once' wait_for 'known 10002' 10
diag "10,000 imported in $(($(ms) - t0)) ms"
is "$(cli 'show table llmsec_bans_1' | grep -cE "gpt0=[1-9]")" 10001 'HAProxy has them all'
llmsecctl ban del - <"$tap_dir/many" >"$tap_dir/out"
is "$(llmsecctl ban list | wc -l)" 2 'and lost them again'

# --- the never-ban list is read again
echo 127.0.0.5 >>"$never"
kill -HUP "$daemon"
check 'SIGHUP: who must not be banned any more is not' wait_for '[ "$(seen 127.0.0.5)" = 200 ]' 5
echo nonsense >>"$never"
kill -HUP "$daemon"
check 'a broken list' wait_for 'grep -q "never.lst:6: not an address" "$tap_dir/llmsecd.$starts.log"' 5
is "$(post '{"ip":"127.0.0.5"}')" 409 'leaves the old one in force'
stop "$daemon" TERM
is $? 0 'SIGTERM'
done_testing
