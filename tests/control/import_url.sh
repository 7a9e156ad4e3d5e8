#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A list imported by its URL.  Addresses of the house are refused, so the feed has a public one, in a network namespace, with
# a certificate that only this test's CA bundle knows: fetched where it may be, and nowhere else, redirects included.
# shellcheck disable=SC2154	# variables of lib.sh
set -u
: "${srcdir:?}"
if [ -z "${LLMSEC_NS:-}" ]; then
	[ "$(id -u)" = 0 ] && unshare -nm true 2>/dev/null || { echo '1..0 # SKIP no namespaces without root'; exit 0; }
	LLMSEC_NS=1 exec unshare -nm bash "$0" "$@"
fi
ip link set lo up && ip address add 93.184.216.34/32 dev lo || { echo '1..0 # SKIP no addresses in a namespace'; exit 0; }
# shellcheck source=tests/control/lib.sh
. "$srcdir/tests/control/lib.sh"
for c in jq openssl; do command -v $c >/dev/null || { echo "1..0 # SKIP no $c here"; exit 0; }; done
printf '127.0.0.1 localhost inside.example.com\n93.184.216.34 feed.example.com other.example.com\n' >"$tap_dir/hosts"
mount --bind "$tap_dir/hosts" /etc/hosts || { echo '1..0 # SKIP no hosts file of its own'; exit 0; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=feed -addext basicConstraints=critical,CA:TRUE \
	-addext subjectAltName=DNS:feed.example.com,DNS:inside.example.com -keyout "$tap_dir/feed.key" -out "$tap_dir/feed.crt" 2>/dev/null
# libcurl has the system's bundle, where nothing else is said
mount --bind "$tap_dir/feed.crt" /etc/ssl/certs/ca-certificates.crt || { echo '1..0 # SKIP no CA bundle here'; exit 0; }
mkdir "$tap_dir/www"
printf '0.0.0.0 url1.sample-lists.net\n0.0.0.0 url2.sample-lists.net # why\n0.0.0.0 not_a_name!\n' >"$tap_dir/www/hosts.txt"
# s_server -HTTP sends a file as it lies there: with its own head.
for f in hosts.txt; do
	{ printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n'; cat "$tap_dir/www/$f"; } >"$tap_dir/www/$f.http"
done
printf 'HTTP/1.0 302 Found\r\nLocation: https://inside.example.com:8443/hosts.txt.http\r\n\r\n' >"$tap_dir/www/home"
printf 'HTTP/1.0 302 Found\r\nLocation: https://feed.example.com:8443/hosts.txt.http\r\n\r\n' >"$tap_dir/www/further"
printf 'HTTP/1.0 404 Not Found\r\n\r\n' >"$tap_dir/www/nothing"
cd "$tap_dir/www" || exit 1
spawn feed openssl s_server -accept 8443 -cert "$tap_dir/feed.crt" -key "$tap_dir/feed.key" -HTTP
cd / || exit 1
wait_for 'grep -q ACCEPT "$tap_dir/feed.log"' 10 || bail_out "no feed: $(cat "$tap_dir/feed.log")"

mkdir "$tap_dir/egress"
printf 'lists: {path: %s/egress/lists}\nrules: []\n' "$tap_dir" >"$tap_dir/egress.yaml"
echo "egress: {dir: $tap_dir/egress, policy: $tap_dir/egress.yaml}" >>"$conf"
llmsecd_start
check 'llmsecd starts' llmsecd_up
fetch() { curl -s -o "$tap_dir/answer" -w '%{http_code}' -H "Authorization: Bearer $(cat "$tap_dir/token")" -d "{\"url\":\"$1\"}" "$url/api/domain-blacklist/import"; }
answer() { jq -rc "$1" "$tap_dir/answer"; }
feed_asked() { grep -c '^FILE:' "$tap_dir/feed.log"; }

is "$(fetch https://feed.example.com:8443/hosts.txt.http) $(answer '[.added, .duplicate, .invalid]')" '200 [2,0,1]' 'a feed at a public address'
is "$(grep -c url1.sample-lists.net "$tap_dir/egress/lists")" 1 'which is in the lists'
is "$(fetch https://feed.example.com:8443/further) $(answer '[.added, .duplicate]')" '200 [0,2]' 'a redirect to a public address'
asked=$(feed_asked)
is "$(fetch https://feed.example.com:8443/home) $(answer .error.code)" '502 fetch' 'not one that leads home'
like "$(answer .error.message)" 'private' 'with the reason'
is "$(feed_asked)" $((asked + 1)) 'where nobody was asked'
is "$(fetch https://inside.example.com:8443/hosts.txt.http) $(answer .error.code)" '502 fetch' 'nor a name that leads home'
is "$(feed_asked)" $((asked + 1)) 'nobody there was asked either'
is "$(fetch https://other.example.com:8443/hosts.txt.http) $(answer .error.code)" '502 fetch' 'nor a certificate of another name'
is "$(fetch https://feed.example.com:8443/nothing) $(answer .error.code)" '502 fetch' 'what is not there'
stop "$daemon" TERM
done_testing
