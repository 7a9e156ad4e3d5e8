#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Profile egress behind a real Squid with etc/squid/llmsec-content.conf.in: what only Squid's buffers show.
set -u
: "${srcdir:?}"
. "$srcdir/tests/icap/content_lib.sh"
SQUID=$(PATH=$PATH:/usr/sbin command -v squid) || skip_all 'no squid here'
content_needs curl
cicap_yaml "content:
  upload: {archive: block, executable: block}
  download: {archive: block, executable: block}
  rules: [{name: packages, hosts: [127.0.0.2], download: {archive: allow, executable: allow}}]"
mkdir "$tap_dir/www" "$tap_dir/squid"
cicap_start cicap
cd "$tap_dir" || exit 1
python3 - <<'P'
import base64, os, zipfile
def wheel(path, pth):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("p-1.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        z.writestr("p.pth", pth)
        z.writestr("p/data.bin", os.urandom(3000000))
wheel("www/good.whl", "import _hook\n")
wheel("www/evil.whl", "import os;os.system('id')\n")
open("www/big.png", "wb").write(b"\x89PNG\r\n\x1a\n" + b"\1\2\3" * 3000000)
with zipfile.ZipFile("www/x.zip", "w") as z:
    z.writestr("a.txt", "text")
open("www/far.txt", "wb").write(b"text " * 400000 + b'"' + base64.b64encode(open("www/x.zip", "rb").read()) + b'"')
P
origin=$(free_port)
spawn origin python3 "$srcdir/tests/icap/content_origin.py" "$origin" www
proxy=$(free_port)
cat >squid.conf <<C
http_port 127.0.0.1:$proxy name=llmsec_proxy
acl llmsec_proxy myportname llmsec_proxy
icap_enable on
icap_preview_enable on
icap_persistent_connections on
force_request_body_continuation allow all
$(sed "s|@ICAP_HOST_PORT@|127.0.0.1:$port|" "$srcdir/etc/squid/llmsec-content.conf.in")
http_access allow all
cache deny all
pid_filename $tap_dir/squid/pid
cache_log $tap_dir/squid/cache.log
access_log none
shutdown_lifetime 0 seconds
visible_hostname test
C
[ "$(id -u)" != 0 ] || chown -R proxy: squid
spawn squid "$SQUID" -N -n "llmseccontent$$" -f "$tap_dir/squid.conf"
wait_for "curl -s -o /dev/null http://127.0.0.1:$origin/" 20 || bail_out 'no origin'
wait_for "curl -s -o /dev/null -x http://127.0.0.1:$proxy http://127.0.0.1:$origin/" 20 || bail_out 'no squid'

# q ARGUMENTS: status in $http, exit status of curl in $rc, body in got
q() { http=$(curl -s -m 20 -o got -w '%{http_code}' -x "http://127.0.0.1:$proxy" "$@"); rc=$?; }
q "http://127.0.0.1:$origin/big.png"
check '9 MB down, byte for byte' cmp got www/big.png
q --data-binary @www/big.png "http://127.0.0.1:$origin/"
is "$http $(cat got)" '200 9000008' 'and up'
q "http://127.0.0.1:$origin/x.zip"
is "$http $(field .error.code got)" '403 content_not_allowed' 'an archive down: an error in JSON'
q -F a=b -F f=@www/x.zip "http://127.0.0.1:$origin/"
is "$http $(field .error.code got)" '403 content_not_allowed' 'and up, in a form'
q "http://127.0.0.1:$origin/far.txt"
isnt "$rc" 0 'a file encoded far inside a text: cut'
q "http://127.0.0.2:$origin/good.whl"
check '3 MB wheel that is opened first: byte for byte' cmp got www/good.whl
q "http://127.0.0.2:$origin/evil.whl"
isnt "$rc" 0 'one that runs code at start-up: cut'
at_most "$(wc -c <got)" 400 'almost nothing of it has come'

# ---- predecessors' bypasses 28 to 40: archives, disguises, what hides a secret.  Nothing of what is refused reaches the origin.
python3 "$srcdir/tests/icap/disguises.py" www
base=http://127.0.0.1:$origin
refused() { is "$http $rc $(field .error.code got)" "$1 0 $2" "$3"; }
# up FILE "STATUS CODE" NAME [CURL-ARGUMENTS]; $path: of the URL
path=/
up() { q --data-binary "@www/$1" "${@:4}" "$base$path"; refused "${2%% *}" "${2#* }" "$3"; }
files='403 content_not_allowed' secret='403 secret_leaves' coding='415 content_not_allowed' parts='400 content_not_allowed'
: >origin.log
up x.zip "$files" '28: .zip up'
path='/x.zip?x=1'
up k.tgz "$files" '28: .tar.gz up, with a query'
path=/
up k.tar "$files" '29: a tar up, as octet-stream' -H 'Content-Type: application/octet-stream'
up x.zip "$files" '30: an archive as a picture' -H 'Content-Type: image/png'
up b64.json "$files" '31: base64 of a tar.gz in JSON' -H 'Content-Type: application/json'
up hex.json "$files" '31: hex of it' -H 'Content-Type: application/json'
up b64-40k.json "$files" '31: base64 of 40 KB' -H 'Content-Type: application/json'
up pem.gz "$secret" '32: a key under gzip' -H 'Content-Encoding: gzip'
path=/a.png
up pem "$secret" '34: a key to a URL that ends in .png'
path='/a?x=.jpg'
up x.zip "$files" '34: an archive to one that ends in .jpg in its query'
path=/
up pad.txt "$secret" '35: a key behind a megabyte'
up k.tgz "$files" '36: chunked' -H 'Transfer-Encoding: chunked'
up pad.txt "$secret" '36: a key, chunked' -H 'Transfer-Encoding: chunked'
github=ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5
for h in Authorization X-Trace X-Api-Version Referer User-Agent; do
	q -H "$h: Bearer $github" "$base/quiet.txt"
	refused 403 secret_leaves "37: a key in $h"
done
q -H 'Cookie: a=b' -H "Cookie: k=$github" "$base/quiet.txt"
refused 403 secret_leaves '37: and in a second Cookie'
q "$base/quiet.txt"
is "$http" 200 '38: a clean request'
q -H "X-Note: $github" "$base/quiet.txt"
refused 403 secret_leaves '38: does not vouch for the next one of that URL'
long=aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7kL9mN1pQ3rS5tU7vW9xY1zA3bC5dE7fG9hJ1kL3mN5pQ7rS9tU
for k in "sk-ant-api03-${long:0:90}" "sk-proj-${long:0:60}" "github_pat_${long:0:22}_${long:22:59}" "hf_$(tr -d 0-9 <<<"$long" | head -c 34)"; do
	printf '{"k":"%s"}' "$k" >www/k.json
	up k.json "$secret" "39: ${k:0:11}..." -H 'Content-Type: application/json'
done
up pem "$secret" '39: an OpenSSH private key'
up escaped.json "$secret" '40: in JSON escapes' -H 'Content-Type: application/json'
up pem64.json "$secret" '40: in base64' -H 'Content-Type: application/json'
up pemhex.json "$secret" '40: in hex' -H 'Content-Type: application/json'

# ---- a part of the matrix of content.sh
mkdir www/s
python3 "$srcdir/tests/icap/samples.py" www/s
n=0 through=''
# cell NAME CURL-ARGUMENTS
cell() { q "${@:2}"; n=$((n + 1)); [ "$http" = 403 ] || through+=" $1:$http"; }
bytes='Content-Type: application/octet-stream'
for t in zip 7z tar elf jar; do
	cell up/$t/raw --data-binary "@www/s/$t.raw" -H "$bytes" "$base/"
	cell up/$t/form --data-binary "@www/s/$t.form" -H 'Content-Type: multipart/form-data; boundary=XyZ' "$base/"
	cell up/$t/json --data-binary "@www/s/$t.json" -H 'Content-Type: application/json' "$base/"
	cell up/$t/gzip --data-binary "@www/s/$t.gz" -H "$bytes" -H 'Content-Encoding: gzip' "$base/"
	cell up/$t/name --data-binary "@www/s/$t.raw" -H "$bytes" -H 'Content-Disposition: attachment; filename="holiday.png"' "$base/holiday.png"
	cell up/$t/type --data-binary "@www/s/$t.raw" -H 'Content-Type: image/png' "$base/"
	cell down/$t/raw "$base/plain/s/$t.raw"
	cell down/$t/form "$base/plain/s/$t.form"
	cell down/$t/json "$base/plain/s/$t.json"
	cell down/$t/gzip "$base/gz/s/$t.raw"
	cell down/$t/name "$base/plain/s/$t.raw?as=holiday.png"
	cell down/$t/type "$base/as/s/$t.raw"
done
is "$n $through" '60 ' 'five types, six disguises, both directions: all refused'

# ---- and our own
for f in utf16 utf16le utf32 bom latin; do
	up $f.json "$files" "$f" -H 'Content-Type: application/json'
done
up percent.form "$files" 'percent escapes' -H 'Content-Type: application/x-www-form-urlencoded'
up nested.form "$parts" 'multipart in multipart, which no client sends' -H 'Content-Type: multipart/mixed; boundary=A'
up nested.form "$parts" 'unsaid' -H 'Content-Type: text/plain'
for t in 'boundary=Z' 'boundary=A; boundary=Z' 'Boundary*=A' 'boundary="A' 'charset=utf-8'; do
	up nested.form "$parts" "multipart with $t" -H "Content-Type: multipart/mixed; $t"
done
up preamble.form "$parts" 'a preamble' -H 'Content-Type: multipart/mixed; boundary=A'
up preamble.form "$parts" 'two types' -H 'Content-Type: text/plain' -H 'Content-Type: multipart/mixed; boundary=A'
up quiet.gz "$coding" 'gzip, gzip' -H 'Content-Encoding: gzip, gzip'
up quiet.gz "$coding" 'zstd' -H 'Content-Encoding: zstd'
up quiet.txt "$coding" 'a coding that is none' -H 'Content-Encoding: gzip'
up quiet.txt "$parts" 'a piece of a file' -X PUT -H 'Content-Range: bytes 5-2604/9000'
up quiet.txt "$parts" 'the first of several' -X PUT -H 'Content-Range: bytes 0-2599/9000'
up quiet.txt "$parts" 'a piece in the way of others' -H 'Upload-Offset: 5'
up quiet.txt "$parts" 'a chunk of an image for a registry' -X PATCH -H 'Content-Range: 5-2604'
up quiet.txt "$parts" 'a piece in the second of two headers' -X PATCH -H 'Content-Range: bytes 0-2599/2600' -H 'Content-Range: bytes 5-2604/9000'
path='/k?uploadId=a&partNumber=2'
up quiet.txt "$parts" 'the second part in a bucket' -X PUT
path='/k?partNumber=1&uploadId=a'
up x.zip "$files" 'an archive in the first part' -X PUT
path="/k?x=$(printf '%03000d' 0)&uploadId=a&partNumber=3"
up quiet.txt "$parts" 'a part behind a long query' -X PUT
path=/
is "$(grep -c ^BODY origin.log)" 0 'none of it reached the origin'
q -X PUT --data-binary @www/quiet.txt -H 'Content-Range: bytes 0-2599/2600' "$base/"
is "$http $(cat got)" '200 2600' 'all of a file in one range passes'
q -X PATCH --data-binary @www/quiet.txt -H 'Content-Range: 0-2599' "$base/"
is "$http $(cat got)" '200 2600' 'all of an image for a registry'
q -X PUT --data-binary @www/quiet.txt "$base/k?partNumber=1&uploadId=a"
is "$http $(cat got)" '200 2600' 'the first part in a bucket'
q --data-binary @www/quiet.gz -H 'Content-Encoding: gzip' "$base/"
is "$http $(cat got)" "200 $(stat -c %s www/quiet.gz)" 'and clean text under gzip'

# down HOW/FILE "STATUS CODE" [CURL-ARGUMENTS]: content_origin.py knows how
down() { q "${@:3}" "$base/$1"; refused "${2%% *}" "${2#* }" "down: $1"; }
for f in k.tar k.tgz x.zip; do
	down "$f" "$files"
	down "as/$f" "$files"
	down "as/$f?x=.png" "$files"
done
coded=(chunked close gz gz2 range)
! command -v brotli >/dev/null || coded+=(br)
for how in "${coded[@]}"; do
	down "$how/x.zip" "$files" -H 'Accept-Encoding: gzip, br'
done
for how in lie list zstd; do
	down $how/x.zip "$coding"
done
q "$base/te/x.zip"
unlike "$(head -c 2 got | od -An -tx1)" '50 4b|1f 8b' 'down: under a transfer coding nothing of it comes'
for how in chunked close gz as; do
	q --compressed "$base/$how/quiet.txt"
	check "down: $how, clean text passes" cmp got www/quiet.txt
done
q -I "$base/as/x.zip"
is "$http $rc" '200 0' 'HEAD has no body to look at'
q -H 'If-None-Match: "x"' "$base/nothing/x.zip"
is "$http $rc" '304 0' 'nor has 304'
done_testing
