#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A real Squid with the shipped forward configuration and the real helper: what is allowed passes, what
# is not is refused with the rule's name, and a killed helper opens nothing.
set -u
: "${srcdir:?}" "${builddir:?}"
SQUID=$(PATH=$PATH:/usr/sbin command -v squid) || { echo "1..0 # SKIP no squid here"; exit 0; }
"$SQUID" -v 2>/dev/null | grep -q enable-ssl-crtd || { echo "1..0 # SKIP this squid has no TLS"; exit 0; }
command -v curl >/dev/null || { echo "1..0 # SKIP no curl here"; exit 0; }
. "$srcdir/tests/e2e/lib.sh"
helper=${LLMSEC_EGRESS_HELPER:-$builddir/squid-helpers/ext_llmsec_egress_acl}
origin=$builddir/tests/helper/tiny_origin

# ---- a folder for Squid's user ----
chmod 755 "$tap_dir"
mkdir -p "$tap_dir/log" "$tap_dir/spool" "$tap_dir/errors" "$tap_dir/ctr"
cp "$helper" "$tap_dir/helper"
cp "$srcdir"/etc/squid/errors/ERR_* "$tap_dir/errors/"
cp "$srcdir/etc/squid/private-dst.conf" "$tap_dir/"
user_line=
if [ "$(id -u)" = 0 ]; then
	id proxy >/dev/null 2>&1 || { echo "1..0 # SKIP root, and no user named proxy"; exit 0; }
	user_line="cache_effective_user proxy"
fi

spawn origin "$origin"
wait_for "[ -s '$tap_dir/origin.log' ]" 5 || bail_out "no origin"
port=$(head -n 1 "$tap_dir/origin.log")
proxy_port=$(free_port) accel_port=$(free_port) icap_port=$(free_port)
proxy=http://127.0.0.1:$proxy_port
printf '127.0.0.1 localhost\n127.0.0.1 allowed.test denied.test later.test\n' >"$tap_dir/hosts"

policy()	# DOMAINS
{
	cat >"$tap_dir/egress.yaml.new" <<-T
	events:
	  socket: $tap_dir/no.sock
	  spool_dir: $tap_dir/spool
	counters_dir: $tap_dir/ctr
	rules:
	  - id: test-allow
	    domains: [$1]
	    ports: [$port]
	T
	mv "$tap_dir/egress.yaml.new" "$tap_dir/egress.yaml"
}
policy allowed.test

# template NAME DST_GUARD
template()
{
	sed "s|@RUN_DIR@|$tap_dir|g; s|@LOG_DIR@|$tap_dir/log|g; s|@ETC_DIR@|$tap_dir|g
		s|@ERROR_DIR@|$tap_dir/errors|g; s|@HOSTS_FILE@|$tap_dir/hosts|g; s|@USER_LINE@|$user_line|g
		s|@PROXY_PORT@|$proxy_port|g; s|@ACCEL_PORT@|$accel_port|g; s|@DST_GUARD@|$2|g
		s|@ICAP_HOST_PORT@|127.0.0.1:$icap_port|g; s|@HELPER@|$tap_dir/helper|g
		s|@EGRESS_YAML@|$tap_dir/egress.yaml|g; s|@\([A-Z]*\)_PEER@|127.0.0.1 parent $port 0 forceddomain=\1.test|g
		s|@BUMP_PEM@|$tap_dir/bump.pem|g; s|@CERTGEN@|/usr/lib/squid/security_file_certgen|g
		s|@CERTGEN_DIR@|$tap_dir/certs|g" "$srcdir/etc/squid/$1.in"
}
for f in squid.conf llmsec-icap.conf llmsec-accel.conf; do template $f "" >"$tap_dir/$f"; done
template llmsec-forward.conf "# no guard: the origin is on loopback" >"$tap_dir/llmsec-forward.conf"
[ "$(id -u)" != 0 ] || chown -R proxy: "$tap_dir"
# The service name makes shared memory segments distinct from any other Squid's.
name=llmsectest$$

# Lines a person would have to look at.
parse() { "$SQUID" -k parse -n "$name" -f "$tap_dir/squid.conf" 2>&1 | grep -E "ERROR|WARNING|FATAL|aborting"; }
is "$(parse)" "" 'the complete configuration parses without a warning'

up() { (exec 3<>"/dev/tcp/127.0.0.1/$proxy_port") 2>/dev/null; }
start_squid()
{
	"$SQUID" -N -n "$name" -f "$tap_dir/squid.conf" >"$tap_dir/squid.out" 2>&1 &
	squid_pid=$!
	tap_pids+=("$squid_pid")
	wait_for up 15 || bail_out "squid does not start: $(tail -n 5 "$tap_dir/squid.out" "$tap_dir/log/squid-cache.log")"
}
start_squid

code() { curl -s -o "$tap_dir/body" --max-time 10 -w '%{http_code}' -x "$proxy" "$@"; }
body() { cat "$tap_dir/body"; }
# raw REQUEST-LINE HOST: bytes that curl would tidy up
raw()
{
	exec 4<>"/dev/tcp/127.0.0.1/$proxy_port" || return 1
	printf '%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" "$2" >&4
	timeout 10 cat <&4
	exec 4<&- 4>&-
}

# ---- verdicts ----
is "$(code "http://allowed.test:$port/x")" 200 'plain HTTP to an allowed host passes'
is "$(body)" "origin allowed.test:$port" 'and reaches the origin'
is "$(code --proxytunnel "http://allowed.test:$port/x")" 200 'CONNECT to an allowed host passes'
is "$(code "http://denied.test:$port/x")" 403 'plain HTTP to another host is refused'
like "$(body)" '"rule_ids":\["egress.default-deny"\]' 'the answer names the rule'
like "$(body)" '"code":"not_allowed"' 'and the reason'
like "$(body)" 'denied.test' 'and the host'
if command -v jq >/dev/null; then
	check 'and is JSON' jq -e .error.message "$tap_dir/body"
else
	skip 'and is JSON' 'no jq'
fi
like "$(raw "CONNECT denied.test:$port" denied.test)" '^HTTP/1.1 403' 'CONNECT to another host is refused'
like "$(raw "CONNECT allowed.test:1" allowed.test)" 'port_not_allowed' 'so is another port of an allowed host'
like "$(raw "GET http://allowed.test:1/" allowed.test:1)" 'test-allow' 'which names the rule that is too narrow'
for ip in 127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 '[::1]' '[::ffff:127.0.0.1]'; do
	like "$(raw "GET http://$ip:$port/" "$ip")" '^HTTP/1.1 4.*(ip_literal|invalid_url)' "address $ip is refused"
	like "$(raw "CONNECT $ip:$port" "$ip")" '^HTTP/1.1 4.*(ip_literal|invalid_url|invalid_request)' "CONNECT $ip too"
done
like "$(raw "GET http://169.254.169.254/latest/" 169.254.169.254)" '"code":"metadata"' 'the metadata service has its own reason'
like "$(raw "GET http://ALLOWED.test.:$port/" "allowed.test")" '^HTTP/1.1 200' 'case and a trailing dot do not matter'
unlike "$(raw "GET http://allowed.test@denied.test:$port/" "allowed.test")" '^HTTP/1.1 200' 'a name in the user part opens nothing'
unlike "$(raw "GET http://denied.test:$port/" "allowed.test:$port")" '^HTTP/1.1 200' 'nor does a name in the Host header'
unlike "$(raw "GET http://allowed.test:$port/" "allowed.test")" '(Via|X-Cache|Squid|squid)' 'the answer does not tell about Squid'
like "$(raw "GET http://127.0.0.1:$proxy_port/squid-internal-mgr/info" x)" '^HTTP/1.1 403' 'the cache manager is closed'

# ---- the policy file changes ----
policy "allowed.test, later.test"
wait_for "[ \$(code http://later.test:$port/) = 200 ]" 5 && ok 'a new policy is in force without touching Squid' ||
	not_ok 'a new policy is in force without touching Squid'
echo 'rules: [{id: "?"}]' >"$tap_dir/egress.yaml"
wait_for "grep -q 'stays in force' '$tap_dir/log/squid-cache.log'" 5 && ok 'a broken one is reported' || not_ok 'a broken one is reported'
is "$(code "http://later.test:$port/")" 200 'and the last good one stays in force'
is "$(code "http://denied.test:$port/")" 403 'in both directions'
policy allowed.test

# ---- helpers die under load ----
children() { pgrep -P "$squid_pid" -f "$tap_dir/egress.yaml"; }
hammer()	# HOST: status codes until $tap_dir/stop exists
{
	until [ -e "$tap_dir/stop" ]; do
		curl -s -o /dev/null --max-time 10 -w '%{http_code}\n' -x "$proxy" "http://$1:$port/[1-40]"
	done
}
for i in 1 2; do
	hammer denied.test >"$tap_dir/denied.$i" & tap_pids+=($!)
	hammer allowed.test >"$tap_dir/allowed.$i" & tap_pids+=($!)
done
hammers=("${tap_pids[@]: -4}")
killed=0
for round in 1 2 3; do
	before=$(wc -l <"$tap_dir/denied.1")
	for pid in $(children); do
		kill -9 "$pid" && killed=$((killed + 1))
	done
	wait_for "[ -n \"\$(children)\" ] && [ \$(wc -l <'$tap_dir/denied.1') -gt $((before + 40)) ]" 10 ||
		diag "round $round: no helper or no answers"
done
start=$(now_ms)
wait_for "[ \$(code http://allowed.test:$port/) = 200 ]" 5
at_most $(($(now_ms) - start)) 2000 'what is allowed passes again within two seconds'
touch "$tap_dir/stop"
wait "${hammers[@]}"
at_least "$killed" 3 'helpers were killed'
check 'Squid lived through it' kill -0 "$squid_pid"
is "$(cat "$tap_dir"/denied.? | sort -u | tr '\n' ' ')" '403 ' 'every refused request was refused while helpers died'
at_least "$(cat "$tap_dir"/denied.? | wc -l)" 100 'that were many'
is "$(sort -u "$tap_dir"/allowed.? | grep -vc '^\(200\|403\)$')" 0 'an allowed request was answered or refused, never lost'
is "$(grep -c 'HOST denied' "$tap_dir/origin.log")" 0 'nothing refused ever reached the origin'
if [ -n "$(ls "$tap_dir/spool")" ]; then
	like "$(cat "$tap_dir"/spool/*)" 'egress.deny' 'refusals are events'
else
	not_ok 'refusals are events' 'the spool is empty'
fi

# ---- names that lead home ----
stop "$squid_pid"
template llmsec-forward.conf "include $tap_dir/private-dst.conf" >"$tap_dir/llmsec-forward.conf"
is "$(parse)" "" 'the guard against private destinations parses'
start_squid
is "$(code "http://allowed.test:$port/")" 403 'an allowed name that leads to loopback is refused'
like "$(body)" 'egress_private_address' 'with its own reason'

# ---- the accelerator port ----
accel() { curl -s -o "$tap_dir/body" --max-time 10 -w '%{http_code}' "http://127.0.0.1:$accel_port$1" "${@:2}"; }
is "$(accel /v1/chat/completions -d '{}')" 500 'without the inspection service an LLM route is refused'
like "$(body)" '"code":"inspection_unavailable"' 'and the answer says why'
is "$(accel /etc/passwd)" 404 'an unknown path has no provider'
like "$(body)" '"code":"unknown_route"' 'and says so'
stop "$squid_pid"

sed -i 's/^icap_enable on/icap_enable off/' "$tap_dir/llmsec-icap.conf"
start_squid
while read -r path host opts; do
	# shellcheck disable=SC2086	# words
	accel "$path" $opts >/dev/null
	like "$(body)" "^origin $host.test" "$path $opts goes to $host"
done <<-T
	/v1/chat/completions OPENAI
	/v1/responses?x=1 OPENAI
	/v1/models OPENAI
	/v1/models ANTHROPIC -Hanthropic-version:2023-06-01
	/v1/messages ANTHROPIC
	/v1/messages/count_tokens ANTHROPIC
	/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse GEMINI
	/v1/models/gemini-2.0-flash:generateContent GEMINI
	/openai/deployments/d/chat/completions?api-version=1 AZURE
	/api/chat OLLAMA
T
: >"$tap_dir/origin.log"
is "$(accel /v1/messages -d '{}' -H 'Authorization: Bearer k' -H 'x-api-key: k' -H 'Host: denied.test' \
	-H 'X-Edge99-Threat-Score: 1' -H 'X-Edge99-Bot-Score: 1' -H 'X-Edge99-JA3: 1' -H 'X-Edge99-JA4: 1' \
	-H 'X-Edge99-Country: 1' -H 'X-Edge99-Client-IP: 1' -H 'X-Edge99-Request-Id: 1' -H 'X-LLMSec-Tx: 1' \
	-H 'X-Edge99-Signature: 1' -H 'X-Forwarded-For: 1')" 200 'a request with every header of ours'
wait_for "grep -q '^< Authorization' '$tap_dir/origin.log'" 2 && ok 'reaches the provider with its Authorization' ||
	not_ok 'reaches the provider with its Authorization'
is "$(grep -ciE '^< (X-Edge99|X-LLMSec|X-Forwarded|Via|Surrogate|Cache-Control|Accept-Encoding)' "$tap_dir/origin.log")" 0 \
	'and without any header of the house'
unlike "$(cat "$tap_dir/log/squid-access.log")" 'Bearer|api-version=|alt=sse' 'the access log has no secret and no query'
if command -v jq >/dev/null; then
	check 'and is JSON, line by line' jq -e .status "$tap_dir/log/squid-access.log"
else
	skip 'and is JSON, line by line' 'no jq'
fi
stop "$squid_pid"
done_testing
