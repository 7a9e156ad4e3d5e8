#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsec-spoad explain as its user meets it: every case of the table that a command line can tell, texts and JSON, mistakes,
# and a document that says what the program does.
set -u
: "${srcdir:?}" "${builddir:?}"
spoad=$builddir/haproxy-spoa/llmsec-spoad
dir=$(mktemp -d "${TMPDIR:-/tmp}/llmsec-bot.XXXXXX")
trap 'rm -rf "$dir"' EXIT
n=0 failed=0
result()	# OUTPUT NAME: passes when there is no output
{
	n=$((n + 1))
	if [ -z "$1" ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; printf '%s\n' "$1" | sed 's/^/# /'; failed=1; fi
}
is() { result "$([ "$1" = "$2" ] || printf 'got:    %s\nwanted: %s\n' "$1" "$2")" "$3"; }

cat >"$dir/spoad.yaml" <<'EOF'
listen: ["unix:/nowhere"]
bot:
    resolver: {threads: 0}
    crawlers: [{agent: Googlebot, addresses: googlebot.lst}, {agent: Bingbot, addresses: googlebot.lst}, {agent: Applebot, addresses: googlebot.lst}, {agent: GPTBot, addresses: googlebot.lst}, {agent: ClaudeBot, addresses: googlebot.lst}]
EOF
echo 192.0.2.77 >"$dir/googlebot.lst"
sed -i "s#googlebot.lst#$dir/googlebot.lst#g" "$dir/spoad.yaml"

# One file a case: NAME.args has the options, NAME.want the scores, NAME.req the request with CRLF.
awk -v dir="$dir" '
	/^@ / { name = $2; body = 0; file = dir "/" name; args = ""; skip = 0; next }
	name == "" { next }
	body { printf "%s\r\n", $0 >(file ".req"); next }
	/^----$/ { body = 1; if (!skip) print args >(file ".args"); print bot, threat >(file ".want"); next }
	/^(ja4|sni|hello): / { sub(":", "", $1); args = args " --" $1 " " $2 }
	/^behave: / { sub("distinct_paths", "paths", $2); args = args " --behave " $2 }
	/^proof: true/ { args = args " --ip 192.0.2.77" }
	/^proof: false/ { args = args " --ip 192.0.2.78" }
	/^(waf|country|asn|intel|intel_site): / || /^proof: (pending|none)/ { skip = 1 }
	/^bot: / { bot = $2 }
	/^threat: / { threat = $2 }
' "$srcdir/tests/unit/bot/cases.txt"
told=0 wrong=
for args in "$dir"/*.args; do
	name=${args%.args}
	# shellcheck disable=SC2046
	got=$("$spoad" explain -c "$dir/spoad.yaml" $(cat "$args") <"$name.req" 2>&1 |
		sed -n 's/^verdict .*; bot \([0-9]*\), threat \([0-9]*\).*/\1 \2/p')
	told=$((told + 1))
	[ "$got" = "$(cat "$name.want")" ] || wrong="$wrong${name##*/}: got $got, wanted $(cat "$name.want")
"
done
result "$wrong" "every case has its scores ($told of them)"
result "$([ "$told" -ge 85 ] || echo "only $told")" 'most cases can be told on a command line'

request() { printf 'GET %s HTTP/1.1\r\nHost: app.example\r\nUser-Agent: %s\r\nAccept: */*\r\n\r\n' "$1" "$2"; }
is "$(request / curl/8 | "$spoad" explain -c "$dir/spoad.yaml")" 'request      GET / HTTP/1.1, 3 headers, body of 0 bytes
client       192.0.2.1, country ZZ, AS0
fingerprint  unknown
says it is   tool, curl (https://curl.se/docs/manpage.html#-A)
asks for     something else

bot score 30
   +30  BOT-301  an HTTP tool or library, outside the API

threat score 0
  nothing

waf          didn'\''t look
verdict      allow 200, ok; bot 30, threat 0; rules BOT-301' 'the text of a request'
is "$(request / $'x\e[31m' | "$spoad" explain -c "$dir/spoad.yaml" | grep -c $'\e')" 0 'no byte of the request reaches the terminal raw'

# JSON, read by somebody else's reader.
if command -v python3 >/dev/null; then
	is "$(request '/%22"\' $'sqlmap\xff"' | "$spoad" explain --json -c "$dir/spoad.yaml" |
		python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["target"], d["class"], d["bot"], [f["id"] for f in d["features"]])')" \
		'/%22"\ scanner 90 ['\''BOT-204'\'', '\''BOT-304'\'']' 'JSON, whatever the request is made of'
	is "$("$spoad" explain --table --json | python3 -c 'import json,sys; print(len({json.loads(l)["id"] for l in sys.stdin}))')" \
		"$(grep -c '^BOT_FEATURE(' "$srcdir/haproxy-spoa/bot/features.def")" 'the table as JSON has every feature once'
else
	n=$((n + 1)); echo "ok $n - JSON # SKIP no python3 on this machine"
fi

status() { "$@" >"$dir/out" 2>&1; echo $?; }
cp "$dir/spoad.yaml" "$dir/deny.yaml"
echo '    deny_at: {threat: 60}' >>"$dir/deny.yaml"
echo '    weights: {BOT-301: 12}' >>"$dir/deny.yaml"
request / sqlmap/1 >"$dir/bad"
is "$(status "$spoad" explain -c "$dir/deny.yaml" <"$dir/bad"): $(grep -o 'deny 403, threat-score' "$dir/out")" '1: deny 403, threat-score' 'what would be refused exits with 1'
is "$("$spoad" explain --table -c "$dir/deny.yaml" 2>&1 | grep changed)" \
	'BOT-301      12  bot    an HTTP tool or library, outside the API [changed]' 'the table shows what the configuration changed'
is "$(status "$spoad" explain -c "$dir/spoad.yaml" </dev/null)" 2 'no request: 2'
is "$(status "$spoad" explain --nonsense </dev/null)" 2 'an unknown option: 2'
is "$(status "$spoad" explain request.txt </dev/null): $(head -n 1 "$dir/out")" \
	'2: llmsec-spoad explain: the request comes on standard input, not as an argument: request.txt' 'a file as argument is told where it belongs'
is "$(status "$spoad" explain --ja4 nonsense <"$dir/bad"): $(head -n 1 "$dir/out")" \
	'2: llmsec-spoad explain: --ja4 is no JA4 (t13d1517h2_8daaf6152771_cb7bf5808d99): nonsense' 'what is no fingerprint is told'
is "$(status "$spoad" explain --ip 192.0.2.0/24 <"$dir/bad")" 2 'what is no address is told'
is "$(status "$spoad" explain --behave speed=3 </dev/null)" 2 'an unknown behaviour: 2'
echo '    weights: {BOT-301: 1, BOT-999: 2}' >>"$dir/spoad.yaml"
is "$(status "$spoad" explain -c "$dir/spoad.yaml" <"$dir/bad"): $(head -n 1 "$dir/out")" \
	"2: $dir/spoad.yaml:5:27: error: unknown key \"BOT-999\" in \"weights\" (did you mean \"BOT-109\"?)" 'an id that is none is named with its place'

# The document has the table as it is.
result "$("$spoad" explain --table 2>/dev/null | tail -n +2 | sed 's/^\([^ ]*\)  *\([0-9-]*\)  *\([a-z]*\)  *\(.*\)/| \1 | \2 | \3 | \4 |/' |
	while IFS= read -r row; do grep -qxF -e "$row" "$srcdir/docs/bot-score.md" || echo "not in docs/bot-score.md: $row"; done)" \
	'docs/bot-score.md has every row of the table'
echo "1..$n"
exit $failed
