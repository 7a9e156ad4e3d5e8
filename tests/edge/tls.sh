#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# TLS of the edge: what it offers, and a new certificate in a running HAProxy.
set -u
. "${srcdir:?}/tests/edge/lib.sh"

edge_dir "$tap_dir/edge"
edge_spoad
echo_origin
edge_haproxy

shake() { openssl s_client -connect "127.0.0.1:$edge_port" -servername localhost "$@" </dev/null 2>/dev/null; }
got() { shake "$@" | sed -n 's/^ *\(New, [^,]*\), Cipher is \(.*\)/\2/p; s/^ *New, (NONE).*/none/p' | head -n 1; }
is "$(got -tls1_1 -cipher ALL:@SECLEVEL=0)" '(NONE)' 'TLS 1.1 is refused'
is "$(got -tls1_2 -cipher AES256-SHA)" '(NONE)' 'a cipher without forward secrecy too'
is "$(got -tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384)" '(NONE)' 'and DHE'
is "$(got -tls1_2 -cipher ECDHE+AESGCM:ECDHE+CHACHA20)" ECDHE-ECDSA-AES256-GCM-SHA384 'TLS 1.2 with ECDHE and AEAD: the client'"'"'s first choice'
is "$(got -tls1_2 -cipher ECDHE+CHACHA20:ECDHE+AESGCM)" ECDHE-ECDSA-CHACHA20-POLY1305 'also another one'
is "$(got -tls1_3)" TLS_AES_256_GCM_SHA384 'TLS 1.3'
shake -tls1_2 -sess_out "$tap_dir/sess" >/dev/null
unlike "$(openssl sess_id -in "$tap_dir/sess" -noout -text 2>/dev/null)" 'TLS session ticket:' 'TLS 1.2: no ticket, so no key that could decrypt what was recorded'
like "$(shake -tls1_2 -sess_in "$tap_dir/sess")" 'Reused, TLSv1.2' 'resumption works without, from the cache'

served() { shake | openssl x509 -noout -serial; }
update() { "$srcdir/etc/haproxy/update-cert.sh" "$edge_dir/edge.pem" "$edge_dir/haproxy.sock" 2>&1; }
before=$(served)
fresh() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$1" -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout "$tap_dir/k.pem" -out "$tap_dir/c.pem" 2>/dev/null; }
fresh 30
{ cat "$tap_dir/c.pem"; echo; cat "$tap_dir/k.pem"; } >"$edge_dir/edge.pem"
is "$(served)" "$before" 'a new file alone changes nothing'
# A connection that lives through the change.
exec 3> >(openssl s_client -quiet -connect "127.0.0.1:$edge_port" -servername localhost >"$tap_dir/old" 2>/dev/null)
printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' >&3
wait_for "grep -q ' 200 ' '$tap_dir/old'" 5
like "$(update)" 'served now, until' 'update-cert.sh'
is "$(served)" "$(openssl x509 -in "$tap_dir/c.pem" -noout -serial)" 'new connections get the new certificate'
isnt "$(served)" "$before" 'it is another one'
printf 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&3
check 'an old connection goes on' wait_for "[ \$(grep -c ' 200 ' '$tap_dir/old') = 2 ]" 5
exec 3>&-
now=$(served)
fresh 30
cat "$tap_dir/c.pem" >"$edge_dir/edge.pem"
isnt "$(update; echo $?)" 0 'without a key: refused'
fresh 30
openssl pkey -in "$edge_dir/key.pem" >>"$tap_dir/c.pem"
cp "$tap_dir/c.pem" "$edge_dir/edge.pem"
like "$(update)" 'the key is not' 'with another certificate'"'"'s key: refused, and said'
is "$(served)" "$now" 'and the old one is served on'
done_testing
