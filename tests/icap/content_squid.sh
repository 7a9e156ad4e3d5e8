#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Profile egress behind a real Squid with etc/squid/llmsec-content.conf.in: what only Squid's buffers show.
set -u
: "${srcdir:?}" "${builddir:?}"
CICAP=$(PATH=$PATH:/usr/sbin command -v c-icap) || { echo "1..0 # SKIP no c-icap here"; exit 0; }
SQUID=$(PATH=$PATH:/usr/sbin command -v squid) || { echo "1..0 # SKIP no squid here"; exit 0; }
for tool in jq curl python3; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP no $tool here"; exit 0; }
done
if grep -aq -e __asan_init -e __tsan_init -e __ubsan_handle "$builddir/icap-llmsec/.libs/srv_llmsec.so"; then
	echo "1..0 # SKIP sanitized: the engine's unit tests and fuzz targets cover it"
	exit 0
fi
. "$srcdir/tests/e2e/lib.sh"
. "$srcdir/tests/icap/cicap.sh"
cicap_setup
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
cat >origin.py <<'P'
import http.server, os, sys
class H(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        n = str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(n)))
        self.end_headers()
        self.wfile.write(n)
os.chdir(sys.argv[2])
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), H).serve_forever()
P
origin=$(free_port)
spawn origin python3 origin.py "$origin" www
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
done_testing
