#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Spoofed headers, false addresses, fingerprints that contradict the User-Agent, true and false Googlebots: a table of
# requests with their scores and reasons (spoof.txt), end to end through HAProxy, on an edge of its own.
# shellcheck disable=SC2016,SC2034,SC2154	# wait_for evaluates; by name, out of the table; variables of the libraries
set -u
: "${srcdir:?}" "${builddir:?}"
# shellcheck source=tests/edge/lib.sh
. "$srcdir/tests/edge/lib.sh"

chrome_ua='Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'
page='text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'
declare -a CHROME FIREFOX GOOGLEBOT GPTBOT SDK
CHROME=(-H 'sec-ch-ua: "Chromium";v="156", "Google Chrome";v="156", "Not:A-Brand";v="8"' -H 'sec-ch-ua-mobile: ?0'
	-H 'sec-ch-ua-platform: "Windows"' -H 'upgrade-insecure-requests: 1' -A "$chrome_ua" -H "accept: $page"
	-H 'sec-fetch-site: none' -H 'sec-fetch-mode: navigate' -H 'sec-fetch-user: ?1' -H 'sec-fetch-dest: document'
	-H 'accept-encoding: gzip, deflate, br, zstd' -H 'accept-language: en-US,en;q=0.9')
FIREFOX=(-A 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0' -H 'accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
	-H 'accept-language: en-US,en;q=0.5' -H 'accept-encoding: gzip, deflate, br, zstd' -H 'upgrade-insecure-requests: 1'
	-H 'sec-fetch-dest: document' -H 'sec-fetch-mode: navigate' -H 'sec-fetch-site: none' -H 'sec-fetch-user: ?1')
GOOGLEBOT=(-A 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' -H 'accept: text/html,*/*;q=0.8'
	-H 'accept-encoding: gzip, deflate, br')
GPTBOT=(-A 'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)' -H 'accept: */*')
SDK=(-A 'OpenAI/Python 1.51.0' -H 'accept: application/json' -H 'authorization: Bearer sk-test' -H 'accept-encoding: gzip')

edge_dir "$tap_dir/edge"
mkdir "$edge_dir/lists"
echo 127.0.0.30 >"$edge_dir/lists/googlebot.lst"
printf '127.0.0.40\n' >"$edge_dir/trusted.lst"
bot="resolver: {threads: 0}, crawlers: [{agent: Googlebot, addresses: $edge_dir/lists/googlebot.lst}]"
edge_spoad "waf: {rules: \"\"}
bot: {$bot}"
# Answers with what it was told, whatever the path.
cat >"$edge_dir/origin.cfg" <<T
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend origin
    bind unix@$edge_dir/origin.sock mode 666
    http-request return status 200 content-type application/json lf-string '{"threat":"%[req.hdr(x-edge99-threat-score)]","bot":"%[req.hdr(x-edge99-bot-score)]","ip":"%[req.hdr(x-edge99-client-ip)]","ja4":"%[req.hdr(x-edge99-ja4)]","names":"%[req.hdr_names]"}'
T
spawn origin "$haproxy" -db -f "$edge_dir/origin.cfg"
wait_for "[ -S '$edge_dir/origin.sock' ]" 20 || bail_out "no origin: $(cat "$tap_dir/origin.log")"
edge_haproxy LLMSEC_TRUSTED_PROXIES="$edge_dir/trusted.lst"

# ask SCHEME ADDRESS ARGUMENTS: the answer in $http_body, status in $http_code
ask()
{
	local base=https://localhost:$edge_port path=${3##* } args word
	[ "$1" = https ] || base=http://localhost:$edge_http_port
	eval "args=(${3% *})"
	local list=()
	for word in ${args[@]+"${args[@]}"}; do
		case $word in
		CHROME|FIREFOX|GOOGLEBOT|GPTBOT|SDK) local -n set=$word; list+=("${set[@]}") ;;
		*) list+=("$word") ;;
		esac
	done
	http --cacert "$edge_dir/ca.crt" --interface "$2" --connect-to "localhost:$edge_port:127.0.0.1:$edge_port" \
		--connect-to "localhost:$edge_http_port:127.0.0.1:$edge_http_port" "${list[@]}" "$base$path"
}

n=0
while IFS=';' read -r name address scheme status bot threat features client args; do
	case $name in '' | '#'*) continue ;; esac
	read -r name <<<"$name"
	read -r features <<<"$features"
	read -r address scheme status bot threat client <<<"$address $scheme $status $bot $threat $client"
	# BOT-313 says that a proof is still being looked up.
	wait_for 'ask "$scheme" "$address" "${args# }"; [[ $(logged .rules) != *BOT-313* ]]' 15
	n=$((n + 1))
	is "$http_code bot $(jq -r '"\(.bot) threat \(.threat) client \(.ip)"' "$http_body") $(logged .rules | tr ',' ' ')" \
		"$status bot $bot threat $threat client $client $features" "$name"
	unlike "$(jq -r .names "$http_body")" '[_]|llmsec|forwarded|real-ip|client-ip.*client-ip' "$name: and the gateway hears of it from nobody else"
done <"$(dirname "${BASH_SOURCE[0]}")/spoof.txt"
at_least "$n" 25 'the table is there'

# Scores only inform until the operator says otherwise.
stop "$spoad_pid"
rm -f "$edge_dir/spoad.sock"
edge_spoad "waf: {rules: \"\"}
bot: {deny_at: {bot: 0, threat: 80}, $bot}"
# The first one of an address is still being looked up.
wait_for 'ask https 127.0.0.31 "GOOGLEBOT /"; [ "$http_code" = 403 ]' 15
is "$http_code $(logged .reason)" '403 threat-score' 'deny_at: the false Googlebot is refused'
like "$(cat "$http_body")" 'BOT-315' 'and told by which rule'
ask https 127.0.0.30 'GOOGLEBOT /'
is "$http_code" 200 'the true one is served'
done_testing
