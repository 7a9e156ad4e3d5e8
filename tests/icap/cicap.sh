# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2119,SC2120,SC2153,SC2154
# A private c-icap with the shipped configuration and the built module; sourced after tests/e2e/lib.sh.
#	cicap_setup			files below $tap_dir, $port
#	cicap_yaml [LINES]		a new $tap_dir/icap.yaml
#	cicap_start NAME [WRAPPER...]	until it answers OPTIONS; pid in $cicap
#	cicap_reload			as an administrator does it; returns when new children serve
#	icapc ARGUMENTS			one llmsec-icapc; then val NAME, header files $tap_dir/head and body
client=$builddir/tests/tools/llmsec-icapc
cicap_users=

cicap_setup()
{
	local u
	chmod 755 "$tap_dir"
	mkdir -p "$tap_dir/log" "$tap_dir/spool" "$tap_dir/counters"
	for k in edge tx other; do
		echo "$k-1 $(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')" >"$tap_dir/$k.keys"
		chmod 600 "$tap_dir/$k.keys"
	done
	cp "$builddir/icap-llmsec/.libs/srv_llmsec.so" "$srcdir/etc/llmsec/rules/injection.yaml" "$tap_dir/"
	if [ "$(id -u)" = 0 ]; then
		for u in proxy nobody; do
			id "$u" >/dev/null 2>&1 && break
		done
		cicap_user=$u
		cicap_users="User $u\\nGroup $(id -gn "$u")"
	fi
	port=$(free_port)
	cicap_yaml
	cicap_conf
}

# cicap_conf [SED]: the shipped template, filled in.
cicap_conf()
{
	sed -e "s|@ICAP_PORT@|$port|; s|@RUN_DIR@|$tap_dir|g; s|@USER_LINE@|$cicap_users|" \
		-e "s|@MODULE@|$tap_dir/srv_llmsec.so|; s|@ICAP_YAML@|$tap_dir/icap.yaml|" -e "${1:-}" \
		"$srcdir/etc/c-icap/llmsec-c-icap.conf.in" >"$tap_dir/c-icap.conf"
}

cicap_yaml()
{
	cat >"$tap_dir/icap.yaml.new" <<-T
	run_dir: $tap_dir
	counters_dir: $tap_dir/counters
	events: {socket: $tap_dir/no.sock, spool_dir: $tap_dir/spool}
	edge_keys: $tap_dir/edge.keys
	tx_keys: $tap_dir/tx.keys
	injection: {pack: $tap_dir/injection.yaml, model: ''}
	${1:-}
	T
	mv "$tap_dir/icap.yaml.new" "$tap_dir/icap.yaml"
}

cicap_start()
{
	local name=$1
	shift
	[ "$(id -u)" != 0 ] || chown -R "$cicap_user:" "$tap_dir"
	spawn "$name" "$@" "$CICAP" -N -f "$tap_dir/c-icap.conf"
	cicap=$spawned
	wait_for cicap_serves 30 ||
		bail_out "c-icap does not start: $(tail -n 5 "$tap_dir/$name.log" "$tap_dir"/log/*)"
}

# Whether anybody judges, on a connection of its own.
cicap_serves()
{
	"$client" -s "127.0.0.1:$port" -t 5000 -k "$tap_dir/edge.keys" -m GET -u /v1/models REQMOD | grep -q icap=200
}

cicap_children() { pgrep -P "${1:-$cicap}"; }

cicap_reload()
{
	local old try
	old=$(cicap_children | sort)
	for try in 1 2 3 4 5 6; do	# c-icap ignores the command while it buries children of the last one
		printf reconfigure >"$tap_dir/c-icap.ctl"
		wait_for "[ -z \"\$(comm -12 <(echo '$old') <(cicap_children | sort))\" ] && cicap_serves" 4 && return
	done
	return 1
}

icapc()
{
	out=$("$client" -s "127.0.0.1:$port" -t "${icapc_limit:-20000}" -O "$tap_dir/head" -o "$tap_dir/body" "$@" 2>&1)
}

# As the edge sends it on.
ask() { icapc -k "$tap_dir/edge.keys" -q "$rid" -H 'Content-Type: application/json' "$@" REQMOD; }

# val NAME: of the (first) transaction's line.
val() { [[ $out =~ (^|[[:space:]])"$1"=([^[:space:]]*) ]] && echo "${BASH_REMATCH[2]}"; }

# icap_header NAME: out of the two heads of the last transaction.
icap_header()
{
	http_headers=$tap_dir/head header "$1"
}

# metric 'NAME{LABELS}': its value now; 0 where there is none.
metric()
{
	"$client" -s "127.0.0.1:$port" -C "$tap_dir/counters" OPTIONS |
		awk -v m="$1" '$1 == m { v = $2 } END { print v + 0 }'
}
