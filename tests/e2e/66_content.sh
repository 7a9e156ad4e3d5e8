#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the forward ports carry, in plain HTTP and in TLS that is opened: files by type, secrets, and what happens when the
# service that looks at them sleeps or is gone.  The origin is this test's own, under the names of two providers.
# shellcheck disable=SC2016	# wait_for evaluates its text
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

run=$(stack .run_dir) opaque=$(stack .proxy_url) proxy=$(stack .bump_url) ca=$(stack .bump_ca_file) control=$(stack .control_url)
token=$(cat "$(stack .control_token_file)")
cd "$tap_dir" || exit 1
mkdir www
head -c 3000000 /dev/urandom | sed 's/PK/pk/g' | cat <(printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR') - >www/picture.png
python3 - <<'P'
import zipfile
with zipfile.ZipFile("www/a.zip", "w") as z:
    z.writestr("a.txt", "text " * 1000)
open("www/holiday.png", "wb").write(open("www/a.zip", "rb").read())
open("www/tool", "wb").write(b"\x7fELF\2\1\1\0" + b"\0" * 8 + b"\2\0\x3e\0" + bytes(range(256)) * 40)
open("www/answer.json", "w").write('{"ok": true}')
P
cat >origin.py <<'P'
# Files of a folder; POST answers with the body it got and says its digest.  Line per request: METHOD PATH SHA256.
import hashlib, http.server, os, ssl, sys, threading
log = open(sys.argv[4], "a", buffering=1)
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, data):
        log.write(f"{self.command} {self.path} {self.headers.get('Authorization')}\n")
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        self.answer(open(os.path.join(sys.argv[5], os.path.basename(self.path)), "rb").read())
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))
    def log_message(self, *a):
        pass
plain = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), H)
tls = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain(sys.argv[3])
tls.socket = c.wrap_socket(tls.socket, server_side=True)
threading.Thread(target=plain.serve_forever, daemon=True).start()
tls.serve_forever()
P
plain=$(free_port) tls=$(free_port)
while [ "$tls" = "$plain" ]; do tls=$(free_port); done
spawn origin python3 origin.py "$plain" "$tls" "$run/tls/provider.pem" "$tap_dir/seen" www

cp -p "$run/etc/egress.yaml" policy
restore()
{
	local p
	kill -CONT "$(cat "$run/pid/icap.sup")" 2>/dev/null
	for p in $(pgrep -g "$(cat "$run/pid/icap.pid")"); do kill -CONT "$p" 2>/dev/null; done
	cp -p "$tap_dir/policy" "$run/etc/egress.yaml"
	tap_cleanup
}
trap restore EXIT
cat >>"$run/etc/egress.yaml" <<-T
	  - {id: e2e-plain, domains: [api.openai.com, api.anthropic.com], ports: [$plain]}
	  - {id: e2e-bump, domains: [api.openai.com, api.anthropic.com], ports: [$tls], tls: bump}
T
mine=api.openai.com stars=api.anthropic.com
# q ARGUMENTS: $http, $rc, body in got
q() { http=$(curl -s -m 20 -o got -D head -w '%{http_code}' -x "$proxy" --cacert "$ca" "$@"); rc=$?; }
ready() { q "http://$mine:$plain/answer.json"; [ "$http" = 200 ] && q "https://$mine:$tls/answer.json" && [ "$http" = 200 ]; }
wait_for ready 15 || bail_out "the forward port does not reach the origin: $http $rc $(cat got)"
code() { echo "$http $(field .error.code got)"; }
key=ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5
openai=sk-proj-Zq4mNv7rT2xKc9LwPb3HsYd8JfGu5AeQaB3dE5gH7jK9mN1pQ3
printf '{"note":"use %s now"}' "$key" >secret.json
printf '{"note":"use %s now"}' "$(printf '*%.0s' {1..40})" >starred.json

for kind in plain bumped; do
	base=http://$mine:$plain star=http://$stars:$plain
	[ $kind = plain ] || base=https://$mine:$tls star=https://$stars:$tls
	q "$base/picture.png"
	check "$kind: 3 MB down, byte for byte" cmp got www/picture.png
	q "$base/up" --data-binary @www/picture.png -H 'Content-Type: image/png'
	check "$kind: and up" cmp got www/picture.png
	q "$base/up" --data-binary @www/answer.json -H 'Content-Type: application/json' -H 'Expect: 100-continue'
	check "$kind: and JSON" cmp got www/answer.json
	for f in a.zip holiday.png tool; do
		q "$base/$f"
		is "$(code)" '403 content_not_allowed' "$kind: $f down is refused"
		: >seen
		q "$base/up" --data-binary "@www/$f" -H 'Content-Type: image/png'
		is "$(code)" '403 content_not_allowed' "$kind: and up"
		is "$(cat seen)" '' 'and none of it reached the origin'
	done
	like "$(cat head)" '[Cc]ontent-[Tt]ype: application/json' "$kind: the refusal is JSON"
	like "$(field '.error.rule_ids[0]' got)" '^LLMSEC-CONTENT-' 'and names its rule'
	q "$base/up" -F note=x -F "f=@www/a.zip;type=text/plain"
	is "$(code)" '403 content_not_allowed' "$kind: in a form"
	jq -Rsc '{data: .}' <<<"$(base64 -w0 www/a.zip)" >in.json
	q "$base/up" --data-binary @in.json -H 'Content-Type: application/json'
	is "$(code)" '403 content_not_allowed' "$kind: in base64 in JSON"

	: >seen
	q "$base/up" --data-binary @secret.json -H 'Content-Type: application/json'
	is "$(code)" '403 secret_leaves' "$kind: a key in a body is refused"
	q "$base/answer.json" -H "X-Note: $key"
	is "$(code)" '403 secret_leaves' "$kind: and in a header"
	q "$base/answer.json" -H "Authorization: Bearer $key"
	is "$(code)" '403 secret_leaves' "$kind: and somebody else's in the credential header"
	q "$base/answer.json?k=$key"
	is "$(code)" '403 secret_leaves' "$kind: and in a query"
	q "$star/answer.json" -H "x-api-key: $openai"
	is "$(code)" '403 secret_leaves' "$kind: one provider's key to another"
	is "$(cat seen)" '' 'and the origin saw none of it'
	q "$base/answer.json" -H "Authorization: Bearer $openai"
	is "$http $(cat seen)" "200 GET /answer.json Bearer $openai" "$kind: a provider's own key reaches it"
	q "$star/up" --data-binary @secret.json -H 'Content-Type: application/json'
	check "$kind: where the policy says mask, stars arrive" cmp got starred.json
done

q -x "$opaque" "http://$mine:$plain/a.zip"
is "$(code)" '403 content_not_allowed' 'the port that opens no TLS looks at plain HTTP just the same'
q -x "$opaque" "https://$mine:$tls/answer.json"
is "$rc $http $(grep -o 'HTTP/1.1 403' head)" '56 000 HTTP/1.1 403' 'it makes no tunnel to what a rule wants opened'

told() { curl -s -H "Authorization: Bearer $token" "$control/api/events?event=$1&limit=1000" >told.json; }
for e in egress.content egress.secret; do
	check "$e: the event arrives at llmsecd" wait_for "told $e; jq -e '[.events[] | select(.target == \"$mine\" and .action == \"block\")] | length > 3' told.json" 10
	unlike "$(cat told.json)" "$key|$openai" 'without the key'
done
told egress.secret
isnt "$(jq -r '[.events[] | select(.target == "'$stars'" and .action == "mask")] | length' told.json)" 0 'masking is an event'

# ---- the service
master=$(cat "$run/pid/icap.pid") sup=$(cat "$run/pid/icap.sup")
icap_signal() { local p; for p in $(pgrep -g "$master"); do kill "-$1" "$p"; done; }
: >seen
icap_signal STOP
for url in "http://$mine:$plain" "https://$mine:$tls"; do
	q -m 2 "$url/answer.json"
	isnt "$http $(cat got 2>/dev/null)" "200 $(cat www/answer.json)" "asleep: nothing passes (${url%%:*})"
done
is "$(cat seen)" '' 'and nothing reached the origin'
icap_signal CONT
check 'awake: it passes' wait_for ready 15
kill -STOP "$sup"
icap_signal KILL
: >seen
for url in "http://$mine:$plain" "https://$mine:$tls"; do
	q "$url/answer.json"
	is "$(code)" '500 inspection_unavailable' "gone: refused, in JSON (${url%%:*})"
	q "$url/up" --data-binary @secret.json
	is "$(code)" '500 inspection_unavailable' 'and a body'
done
is "$(cat seen)" '' 'and nothing reached the origin'
kill -CONT "$sup"
check 'back: it passes' wait_for ready 30
done_testing
