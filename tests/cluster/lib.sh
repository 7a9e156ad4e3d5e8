# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What a script uses of this is its own affair.
# shellcheck disable=SC2034
# Three edges on loopback: a HAProxy and a llmsecd each, with the shipped llmsec-peers.cfg and the ban lines of the
# shipped haproxy.cfg.  Wants $srcdir and $builddir, as make check sets them.
# shellcheck source=tests/e2e/lib.sh
. "${srcdir:?}/tests/e2e/lib.sh"
: "${builddir:?}"
declare -A http_port peer_port nodes_port ctl_port haproxy_pid llmsecd_pid starts

haproxy_1=${LLMSEC_HAPROXY_1:-${HAPROXY_PROGRAM:-haproxy}}
haproxy_2=${LLMSEC_HAPROXY_2:-${HAPROXY_PROGRAM:-haproxy}}
haproxy_3=${LLMSEC_HAPROXY_3:-${HAPROXY_PROGRAM:-haproxy}}

# ca NAME: a certificate authority.
ca()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$tap_dir/$1.key" \
		-out "$tap_dir/$1.crt" -subj "/O=llmsec test/CN=$1" -addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign 2>/dev/null
}

# certificate CA NAME: $tap_dir/NAME.pem, as docs/cluster.md makes one for an edge.
certificate()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$tap_dir/$2.key" \
		-subj "/O=llmsec test/CN=$2" -out "$tap_dir/$2.csr" 2>/dev/null
	printf 'subjectAltName=DNS:%s,DNS:llmsec-peer\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n' \
		"$2" >"$tap_dir/ext"
	openssl x509 -req -in "$tap_dir/$2.csr" -CA "$tap_dir/$1.crt" -CAkey "$tap_dir/$1.key" -CAcreateserial -days 2 \
		-extfile "$tap_dir/ext" -out "$tap_dir/$2.crt" 2>/dev/null
	cat "$tap_dir/$2.crt" "$tap_dir/$2.key" >"$tap_dir/$2.pem"
}

# edge_files N
edge_files()
{
	local n=$1 d=$tap_dir/$1 o
	mkdir -p "$d/spool" "$d/db" "$d/counters"
	cp "$srcdir/etc/haproxy/bans.map" "$d/bans.map"
	printf '127.0.0.9\n' >"$d/never.lst"
	{
		cat <<-T
		global
		    setenv LLMSEC_BANS_MAP $d/bans.map
		    setenv LLMSEC_NEVER_BAN $d/never.lst
		    stats socket $d/haproxy.sock mode 600 level admin
		defaults
		    mode http
		    timeout connect 1s
		    timeout client 30s
		    timeout server 30s
		frontend edge
		    bind 127.0.0.1:${http_port[$n]}
		T
		sed -n '/# --- bans/,/# --- end of bans/p' "$srcdir/etc/haproxy/haproxy.cfg"
		cat <<-T
		    http-request return status 403 if { var(txn.banned) -m found }
		    http-request return status 200 content-type text/plain string ok
		T
		sed -n '/^backend llmsec_bans_1/,$p' "$srcdir/etc/haproxy/haproxy.cfg"
	} >"$d/haproxy.cfg"
	cat >"$d/llmsecd.yaml" <<-T
	node: edge$n
	run_dir: $d
	counters_dir: $d/counters
	events: {socket: $d/events.sock, spool_dir: $d/spool}
	database: {path: $d/db/events.db}
	http: {listen: "127.0.0.1:${ctl_port[$n]}", token_file: $tap_dir/token}
	bans:
	  never_ban: $d/never.lst
	  haproxy_socket: $d/haproxy.sock
	  haproxy_table: llmsec_bans_$n
	  haproxy_map: $d/bans.map
	  orders: $d/orders
	cluster:
	  keys: $d/keys
	  ca_file: $tap_dir/edges.crt
	  cert_file: $tap_dir/edge$n.pem
	  nodes:
	T
	for o in 1 2 3; do
		[ "$o" = "$n" ] || echo "    - {name: edge$o, url: \"https://127.0.0.1:${nodes_port[$o]}\", table: llmsec_bans_$o}"
	done >>"$d/llmsecd.yaml"
	keys_write "$n" "k1 $key1"
}

# keys_write N LINE...
keys_write()
{
	local n=$1
	shift
	(umask 077; printf '%s\n' "$@" >"$tap_dir/$n/keys.new"; mv "$tap_dir/$n/keys.new" "$tap_dir/$n/keys")
}

# haproxy_start N [PEM [CFG]]: versions may differ, LLMSEC_HAPROXY_N is the program of edge N.
haproxy_start()
{
	local n=$1 pem=${2:-$tap_dir/edge$1.pem} cfg=${3:-$tap_dir/$1/haproxy.cfg} program=haproxy_$1
	starts[$n]=$((${starts[$n]:-0} + 1))
	spawn "haproxy.$n.${starts[$n]}" env LLMSEC_EDGE_N="$n" LLMSEC_PEER_1="127.0.0.1:${peer_port[1]}" \
		LLMSEC_PEER_2="127.0.0.1:${peer_port[2]}" LLMSEC_PEER_3="127.0.0.1:${peer_port[3]}" \
		LLMSEC_NODES_BIND="127.0.0.1:${nodes_port[$n]}" LLMSEC_CONTROL_ADDR="127.0.0.1:${ctl_port[$n]}" \
		LLMSEC_PEER_PEM="$pem" LLMSEC_PEER_CA="${LLMSEC_TEST_CA:-$tap_dir/edges.crt}" \
		"${!program}" -db -f "$srcdir/etc/haproxy/llmsec-peers.cfg" -f "$cfg"
	haproxy_pid[$n]=$spawned
}

# llmsecd_start N
llmsecd_start()
{
	starts[$1]=$((${starts[$1]:-0} + 1))
	spawn "llmsecd.$1.${starts[$1]}" "$builddir/control/llmsecd" -c "$tap_dir/$1/llmsecd.yaml"
	llmsecd_pid[$1]=$spawned
}

# edges_make: all three, running.
edges_make()
{
	local n
	echo 0123456789abcdef0123456789abcdef >"$tap_dir/token"
	key1=$(openssl rand -hex 32)
	ca edges
	for n in 1 2 3; do
		http_port[$n]=$(free_port) peer_port[$n]=$(free_port) nodes_port[$n]=$(free_port) ctl_port[$n]=$(free_port)
	done
	for n in 1 2 3; do
		certificate edges "edge$n"
		edge_files "$n"
		haproxy_start "$n"
		llmsecd_start "$n"
	done
}

# ctl N ARGUMENTS...: llmsecctl on edge N
ctl()
{
	local n=$1
	shift
	"$builddir/control/llmsecctl" --url "http://127.0.0.1:${ctl_port[$n]}" --token-file "$tap_dir/token" "$@"
}

# cli N COMMAND: what HAProxy N says to it
cli() { echo "$2" | socat -t 5 - "$tap_dir/$1/haproxy.sock"; }
# seen N SOURCE: what a client from there gets of edge N
seen() { curl -s -o /dev/null -m 5 -w '%{http_code}' --interface "$2" "http://127.0.0.1:${http_port[$1]}/"; }
# seen_all SOURCE: of all three
seen_all() { echo "$(seen 1 "$1") $(seen 2 "$1") $(seen 3 "$1")"; }
# metric N SERIES
metric() { ctl "$1" metrics | awk -v m="$2" '$1 == m { print $2 }'; }
# states N: "edge1 applied edge2 down ..." as edge N sees it
states() { ctl "$1" ban list --json | jq -r '[.edges[] | .edge, .state] | join(" ")'; }
edges_up() { [ "$(states 1) $(states 2) $(states 3)" = "edge1 applied edge2 applied edge3 applied edge2 applied edge1 applied edge3 applied edge3 applied edge1 applied edge2 applied" ]; }
# peers_up: each HAProxy has the other two.
peers_up() { peer_count 1 && peer_count 2 && peer_count 3 && peers_carry; }
peer_count() { [ "$(cli "$1" 'show peers' | grep -c 'last_status=ESTA')" = 2 ]; }
# Two peers that call each other at once drop a connection and make another: what counts is that each brings what it has.
peers_carry()
{
	local n o
	for n in 1 2 3; do
		cli $n "set table llmsec_bans_$n key ::ffff:127.77.0.$n data.gpt0 0" >/dev/null
	done
	for n in 1 2 3; do
		for o in 1 2 3; do
			cli $o "show table llmsec_bans_$n" | grep -q "key=::ffff:127.77.0.$n " || return 1
		done
	done
}
# post N BODY [METHOD]: the answer
post() { curl -s -m 20 -X "${3:-POST}" -H "Authorization: Bearer $(cat "$tap_dir/token")" -d "$2" "http://127.0.0.1:${ctl_port[$1]}/_cluster/blacklist"; }
# percentile P: of numbers on standard input
percentile() { sort -n | awk -v p="$1" '{ v[NR] = $1 } END { i = int((NR - 1) * p / 100 + 0.5) + 1; print v[i] }'; }
