#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run one piece of the edge for a .vtc, in the folder DIR, all on Unix sockets:
#	edge.sh setup DIR			keys, certificate, spoad.yaml
#	edge.sh waf DIR				then: a WAF with some rules of its own, a profile per path
#	edge.sh rule DIR LINE			add a line to them
#	edge.sh logged DIR TEXT			until the agent has said so in its log, 10 s at most
#	edge.sh reload DIR			SIGHUP to the agent
#	edge.sh spoad|origin|haproxy DIR	exec it (a `process` of varnishtest)
#	edge.sh snippet DIR			HAProxy with the snippet for an existing one
#	edge.sh h2 DIR PATH			post standard input over HTTP/2, no length told
#	edge.sh port DIR			before haproxy: TLS on a free TCP port too
#	edge.sh tls DIR CURL-ARGUMENTS...	post over TLS; prints the status and the JA4 that the origin saw
#	edge.sh wait DIR WHAT			until WHAT (up|down|serves|refuses) holds, 10 s at most
# $build and $src are the tops of the build and source trees.
set -eu
what=$1 dir=$2

curl_edge()
{
	curl -s --max-time 5 --unix-socket "$dir/http.sock" "$@"
}

edge_is()	# STATUS PATH
{
	[ "$(curl_edge -o /dev/null -w '%{http_code}' -d '{}' "http://edge$2")" = "$1" ]
}

case $what in
setup|waf|rule|logged|reload|wait|h2|port|tls) ;;
*)
	: "${build:?}" "${src:?}"
	wrap=$build/libtool\ --mode=execute ;;
esac

case $what in
reload)
	kill -HUP "$(cat "$dir/spoad.pid")" ;;
setup)
	umask 077
	mkdir -p "$dir"
	echo "k1 $(openssl rand -hex 32)" >"$dir/edge.keys"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
	cat "$dir/cert.pem" "$dir/key.pem" >"$dir/edge.pem"
	cat >"$dir/spoad.yaml" <<-T
	listen: ["unix:spoad.sock"]
	run_dir: $dir
	workers: 2
	deadline: 2s
	edge_keys: $dir/edge.keys
	counters_dir: ""
	events: {socket: "", spool_dir: ""}
	never_ban: ""
	behaviour: {state_file: "", orders: ""}
	guard:
	  routes:
	    - {path_prefix: /v1/messages, oversize: flag}
	T
	;;
waf)
	cp "${0%/*}/edge_waf.conf" "$dir/waf.conf"
	cat >>"$dir/spoad.yaml" <<-T
	waf:
	  rules: $dir/waf.conf
	  profiles:
	    - {name: llm}
	    - {name: watch, mode: detection_only}
	    - {name: away, mode: "off"}
	    - {name: picky, presets: ["wanted=picky"]}
	T
	printf '/v1/ llm\n/api/ llm\n/v1beta/ llm\n/watch/ watch\n/away/ away\n/picky/ picky\n/nosuch/ nosuch\n' >"$dir/waf-profile.map"
	;;
rule)
	printf '%s\n' "$3" >>"$dir/waf.conf" ;;
logged)
	end=$((SECONDS + 10))
	until grep -qF -- "$3" "$dir/spoad.log"; do
		[ $SECONDS -lt $end ] || { echo "not logged in 10 s: $3" >&2; exit 1; }
		sleep 0.05
	done ;;
spoad)
	echo $$ >"$dir/spoad.pid"	# whoever is between varnishtest and here dies of a signal to the group
	exec $wrap "$build/haproxy-spoa/llmsec-spoad" -c "$dir/spoad.yaml" 2>>"$dir/spoad.log" ;;
origin)
	exec $wrap "$build/tests/tools/llmsec-spop" origin -s "unix:$dir/origin.sock" -k "$dir/edge.keys" ;;
haproxy)
	export LLMSEC_RUN=$dir LLMSEC_EDGE_PEM=$dir/edge.pem LLMSEC_EDGE_BIND=$dir/tls.sock
	# An HAProxy with QUIC listens on UDP as well.
	export LLMSEC_EDGE_PORT=$((20000 + RANDOM % 12000))
	export LLMSEC_EDGE_HTTP_BIND=$dir/http.sock LLMSEC_SPOAD_SOCK=$dir/spoad.sock
	export LLMSEC_CONF=$src/etc/haproxy
	export LLMSEC_NEVER_BAN=$src/etc/llmsec/never-ban.lst
	[ ! -e "$dir/waf-profile.map" ] || export LLMSEC_WAF_PROFILES=$dir/waf-profile.map
	# PROXY v2 has no fields for a client on a Unix socket, so the fingerprint needs one on TCP.
	[ ! -e "$dir/tls.port" ] || LLMSEC_EDGE_BIND=$dir/tls.sock,127.0.0.1:$(cat "$dir/tls.port")
	export LLMSEC_ACCEL_ADDR=unix@$dir/origin.sock LLMSEC_SPOE_TIMEOUT=3s LLMSEC_HELLO_TIMEOUT=3s
	exec "${HAPROXY_PROGRAM:-haproxy}" -db -f "$src/etc/haproxy/haproxy.cfg" ;;
snippet)
	# What the snippet leaves to the site: names, addresses, the client's timeouts.
	{
		printf 'defaults\n    timeout client 1m\n    timeout connect 2s\n    timeout server 1m\n'
		sed -e "s|/etc/llmsec/haproxy|$src/etc/haproxy|" -e "s|/run/llmsec/spoad.sock|$dir/spoad.sock|" \
			-e "s|127.0.0.1:3129|unix@$dir/origin.sock|" \
			-e "/^frontend your_frontend/a\\    bind unix@$dir/http.sock" \
			"$src/etc/haproxy/snippet-existing-haproxy.cfg"
	} >"$dir/snippet.cfg"
	export LLMSEC_SPOE_TIMEOUT=3s
	exec "${HAPROXY_PROGRAM:-haproxy}" -db -f "$dir/snippet.cfg" ;;
h2)
	curl -s -k --http2 --max-time 10 --unix-socket "$dir/tls.sock" -X POST -T - -o /dev/null \
		-w '%{http_version} %{http_code}\n' "https://localhost$3" ;;
port)
	until port=$((20000 + RANDOM % 12000)) && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo "$port" >"$dir/tls.port" ;;
tls)
	shift 2
	curl -s -k --max-time 10 -d '{}' -o /dev/null -D "$dir/tls.head" -w '%{http_code} ' \
		"$@" "https://localhost:$(cat "$dir/tls.port")/v1/messages"
	tr -d '\r' <"$dir/tls.head" | sed -n 's/^x-seen-ja4: //ip' ;;
wait)
	end=$((SECONDS + 10))
	until case $3 in
		up) edge_is 200 /healthz ;;
		down) edge_is 503 /healthz ;;
		serves) edge_is 200 /v1/messages ;;
		refuses) edge_is 503 /v1/messages ;;
		esac; do
		[ $SECONDS -lt $end ] || { echo "not $3 in 10 s" >&2; exit 1; }
		sleep 0.05
	done ;;
*)
	exit 2 ;;
esac
