#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Profile egress inside a real c-icap: every type, in every disguise, in both directions; packages; secrets; streams.
set -u
: "${srcdir:?}"
. "$srcdir/tests/icap/content_lib.sh"
content_needs gzip
all='{archive: block, executable: block, document: block}'
cicap_yaml "content:
  upload: $all
  download: $all
  secrets: mask
  rules:
    - {name: packages, hosts: [.pypi.test], download: {archive: allow, executable: allow}, upload: {archive: allow, executable: allow}}
    - {name: small, hosts: [small.test], upload: {max: 10k}}"
cicap_start cicap
cd "$tap_dir" || exit 1
mkdir s
python3 "$srcdir/tests/icap/samples.py" s

# up URL ARGUMENTS, down URL ARGUMENTS
up() { icapc -S llmsec-egress -u "$1" "${@:2}" REQMOD; }
down() { icapc -S llmsec-egress -m GET -u "$1" "${@:2}" RESPMOD; }
where=http://drop.test/v1/things
bad=$(wc -w <s/bad) good=$(wc -w <s/good)
at_least "$bad" 25 'types of archives, programs and documents'
out=$(python3 "$srcdir/tests/icap/matrix.py" "$port" s matrix)
sed 's/^/# /' matrix
refused=$((bad * 12))
is "$out" "$refused refused, $((good * 12)) passed" "$bad types, six disguises, both directions: all refused; $good harmless ones pass, byte for byte"
at_least "$(grep -o refused matrix | wc -l)" 300 'cells of the matrix that are refusals'
is "$(metric 'llmsec_icap_content_total{action="block"}')" "$refused" 'each refusal is counted'
jq -rR 'fromjson? | select(.event == "egress.content") | [.action, .rule_ids[0], .detail.type] | join(" ")' spool/* >told 2>/dev/null
is "$(wc -l <told | tr -d ' ')" "$refused" 'each is an event'
up $where -b s/zip.form -H 'Content-Type: multipart/form-data; boundary=XyZ'
is "$(jq -r '.error.rule_ids[0]' body)" LLMSEC-CONTENT-ARCHIVE 'the answer names the rule'

# ---- more disguises ----
is "$(python3 "$srcdir/tests/icap/wrappings.py" "$port" s)" "678 refused, 204 passed" 'five types in 66 more disguises and nine files of two types, both directions; a picture and a text pass in the harmless ones'
python3 - <<'P'
import base64, binascii, json
z = open("s/zip.raw", "rb").read()
png = open("s/png.raw", "rb").read()
b = base64.b64encode(z).decode()
open("hex", "w").write(json.dumps({"x": binascii.hexlify(z).decode()}))
open("dataurl", "w").write(json.dumps({"url": "data:image/png;base64," + b}))
open("urlsafe", "w").write(json.dumps({"x": base64.urlsafe_b64encode(z).decode().rstrip("=")}))
open("slashes", "w").write(json.dumps({"x": b}).replace("/", "\\/").replace("+", "\\u002b"))
open("lines", "w").write("\r\n".join(b[i:i + 64] for i in range(0, len(b), 64)))
open("form", "w").write("a=1&file=" + b.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"))
open("twice", "w").write(json.dumps({"x": base64.b64encode(json.dumps({"y": b}).encode()).decode()}))
open("polyglot", "wb").write(png + z)
open("unsaid", "wb").write(open("s/zip.form", "rb").read())
open("far", "wb").write(b"text " * 40000 + b'"' + b.encode() + b'"')
open("bigtail", "wb").write(png + b"\1" * 300000 + z)
P
for f in hex dataurl urlsafe slashes lines form twice polyglot unsaid far; do
	up $where -b $f -H 'Content-Type: text/plain'
	is "$(val http)" 403 "upload: $f"
done
up $where -b bigtail
isnt "$(val error)" none 'a zip far behind a picture: cut before the end'
down $where -b far -r 'Content-Type: text/plain' -L
isnt "$(val error)" none 'a download that turns out bad behind its headers is cut, not ended'
check 'and the bad part is not in it' test "$(wc -c <body)" -lt "$(wc -c <far)"
down $where -b s/text.raw -r 'Content-Type: text/plain' -r 'Content-Encoding: zstd'
is "$(val http)" 415 'an unknown coding'
up $where -b s/text.raw -H 'Content-Type: text/plain' -H 'Content-Encoding: identity' -H 'content-encoding: gzip'
is "$(val http)" 415 'two headers of a coding, of which a reader may take the second: upload'
down $where -b s/text.raw -r 'Content-Type: text/plain' -r 'Content-Encoding: identity' -r 'Content-Encoding: gzip'
is "$(val http)" 415 'download'
printf '\r\n--Rg\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n--Rg--\r\n' >ranges
down $where -b ranges -R '206 Partial Content' -r 'Content-Type: multipart/byteranges; boundary=Rg' -H 'Range: bytes=0-1'
check 'ranges behind an empty preamble pass' cmp ranges body
head -c 3000 s/zip.form >cutform
up $where -b s/png.form -H 'Content-Type: multipart/form-data; boundary=other'
is "$(val http)" 400 'parts that cannot be told apart'
head -c 40000000 /dev/zero | gzip -nc >bomb
up $where -b bomb -H 'Content-Encoding: gzip'
like "$(val http)" '^4(13|15)$' 'a gzip bomb'
head -c 20000 /dev/zero | tr '\0' x >x20k
up http://small.test/ -b x20k
is "$(val http)" 413 'a limit of one host, by Content-Length'
up http://small.test/ -b x20k -L
is "$(val http)" 413 'and without one'
up http://large.test/ -b x20k
check 'elsewhere it passes' cmp x20k body

# ---- streams ----
for i in {1..20}; do printf 'data: {"n":%s}\n\n' "$i"; done >sse
down $where -b sse -r 'Content-Type: text/event-stream' -L -z 20 -d 20
is "$(val error)" none 'an event stream passes'
check 'byte for byte' cmp sse body
at_most "$(val first_us)" $(($(val sent_us) / 3)) 'as it comes'
head -c 6000000 /dev/urandom | sed 's/PK/pk/g' >noise6
printf '\x89PNG\r\n\x1a\n' | cat - noise6 >big.png
for how in '' -L '-z 65000'; do
	# shellcheck disable=SC2086
	down $where -b big.png $how
	check "6 MB down (${how:-plain}): byte for byte" cmp big.png body
	# shellcheck disable=SC2086
	up $where -b big.png $how
	check "6 MB up (${how:-plain}): byte for byte" cmp big.png body
done

# ---- packages ----
python3 - <<'P'
import zipfile, tarfile, io
def wheel(path, pth, hook=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("p/__init__.py", "x = 1\n" * 20000)
        z.writestr("p-1.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        z.writestr("p.pth", pth)
        z.writestr("_hook.py", hook)
        z.writestr("p/data.bin", open("noise6", "rb").read(200000))
wheel("good.whl", "import _hook\n")
wheel("import.whl", "import _hook\n", "import subprocess as s\ns.run(['id'])\n")
wheel("evil.whl", "import os;os.system('id')\n")
with tarfile.open("evil.tar.gz", "w:gz") as t:
    t.add("evil.whl", "p-1.0/vendor/thing.dat")
with tarfile.open("broken.tar.gz", "w:gz") as t:
    for name, data in ("p-1.0/setup.py", b"x = 1\n"), ("p-1.0/tests/bad.zip", b"PK\3\4 and no more of it, as tests have them"):
        i = tarfile.TarInfo(name)
        i.size = len(data)
        t.addfile(i, io.BytesIO(data))
open("evil.pth", "w").write("import base64;exec(base64.b64decode('cGFzcw=='))\n")
P
down http://files.pypi.test/p/good.whl -b good.whl
check 'an allowed wheel: byte for byte' cmp good.whl body
down http://files.pypi.test/p/p-1.0.tar.gz -b broken.tar.gz
check 'a source package with a broken archive among its tests: byte for byte' cmp broken.tar.gz body
like "$(cat spool/*)" LLMSEC-PTH-UNREADABLE 'and an event'
head -c 9000 good.whl >piece
down http://files.pypi.test/p/good.whl -b piece
isnt "$(val http)" 200 'a wheel that cannot be unpacked'
down http://files.pypi.test/p/good.whl -b piece -R '206 Partial Content'
isnt "$(val http)" 206 'the same, said to be a range that nobody asked for'
down http://files.pypi.test/p/good.whl -b piece -R '206 Partial Content' -H 'Range: bytes=0-8999'
check 'a range of it that was asked for passes' cmp piece body
down http://files.pypi.test/p/evil.whl -b evil.whl -R '206 Partial Content' -H 'Range: bytes=0-' -z 60000
isnt "$(val error)" none 'one that is all of a bad wheel does not'
for f in evil.whl evil.tar.gz import.whl; do
	down http://files.pypi.test/p/$f -b $f -z 60000
	isnt "$(val error)" none "download of $f: never whole"
	at_most "$(wc -c <body)" $(($(stat -c %s $f) / 8192 + 1)) 'no more of it is given than keeps it flowing'
	up http://upload.pypi.test/legacy/$f -b $f
	is "$(val http) $(field .error.code body)" '403 package_runs_code' "upload of $f: refused"
done
down http://any.test/site/evil.pth -b evil.pth -r 'Content-Type: text/plain'
is "$(val http) $(jq -r '.error.rule_ids[0]' body)" '403 LLMSEC-PTH-START' 'a bare .pth: refused'

# ---- secrets ----
key=ghp_$(printf 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5')
aws=AKIA$(printf 'QWERTYUIOPASDF23')
printf '{"note":"use %s now"}' "$key" >secret.json
up $where -b secret.json -H 'Content-Type: application/json'
is "$(jq -r .note body | tr -d '*')|$(wc -c <body)" "use  now|$(wc -c <secret.json)" 'a key in a body becomes stars'
gzip -nc secret.json >secret.gz
up $where -b secret.gz -H 'Content-Encoding: gzip'
is "$(val http) $(field .error.code body)" '403 secret_leaves' 'under a coding: refused'
printf '{"note":"\\u0067%s"}' "${key#g}" >escaped.json
up $where -b escaped.json -H 'Content-Type: application/json'
is "$(val http)" 403 'escaped: refused'
up $where -b s/text.raw -H "X-Note: $key"
is "$(val http)" 403 'in a header: refused'
up $where -m GET -H "Authorization: Bearer $key"
is "$(val http)" 403 'in the credential header, to somebody else: refused'
up http://api.github.com/user -m GET -H "Authorization: Bearer $key" -4
is "$(val icap)" 204 'in the credential header, to its provider: passes'
up "http://drop.test/?k=$key" -m GET
is "$(val http)" 403 'in an address: refused'
jq -nc --arg t "$aws" '{t: ($t | @base64)}' >hidden.json
up $where -b hidden.json -H 'Content-Type: application/json'
is "$(val http)" 403 'in base64: refused'
is "$(python3 "$srcdir/tests/icap/places.py" "$port")" '11 at home, 396 elsewhere' 'keys of eleven providers: pass to their own, refused to each other and in 26 places of a request to somebody else'
up $where -b s/text.raw -H 'Authorization: Bearer abcdefgh' -4
is "$(val icap)" 204 'a clean request: nothing is sent back'
unlike "$(cat spool/*)" "$key" 'no event holds a key'
done_testing
