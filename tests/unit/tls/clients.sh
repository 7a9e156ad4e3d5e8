#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Hellos of real clients (OpenSSL, GnuTLS, NSS, curl, Chromium), caught by a listener that never answers: llmsec-ja4 against tshark's JA3
# and against JA4 put together from tshark's fields with sort(1) and sha256sum(1).
set -u
ja4=${builddir:-.}/haproxy-spoa/tls/llmsec-ja4
dir=$(mktemp -d "${TMPDIR:-/tmp}/llmsec-tls.XXXXXX")
trap 'rm -rf "$dir"' EXIT
n=0 failed=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); failed=1; echo "not ok $n - $1"; printf '%s\n' "${2:-}" | sed 's/^/# /'; }
is() { if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got:    $1
wanted: $2"; fi; }

# catch NAME COMMAND...: PORT in the command is the listener's; its first bytes become $dir/NAME.bin
catch()
{
	local name=$1 port i listener
	shift
	port=$((20000 + RANDOM % 20000))
	socat -u "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr" "OPEN:$dir/$name.bin,creat,trunc" 2>"$dir/socat.err" &
	listener=$!
	for ((i = 0; i < 100; i++)); do
		grep -q ":$(printf %04X "$port") .* 0A " /proc/net/tcp && break
		read -r -t 0.05 <> <(:)
	done
	"${@//PORT/$port}" </dev/null >/dev/null 2>&1 &
	local client=$!
	for ((i = 0; i < 100; i++)); do
		[ "$("$ja4" < <(line "$name") 2>/dev/null | cut -c1-5)" != short ] && [ -s "$dir/$name.bin" ] && break
		read -r -t 0.05 <> <(:)
	done
	kill "$client" "$listener" 2>/dev/null
	wait "$client" "$listener" 2>/dev/null
	[ -s "$dir/$name.bin" ]
}
line() { printf 't %s\n' "$(xxd -p "$dir/$1.bin" 2>/dev/null | tr -d '\n')"; }

# The same bytes as one TCP segment in a capture, for tshark.
to_pcap() { xxd -g1 -c16 "$dir/$1.bin" | sed 's/^0*\([0-9a-f]\{4\}[0-9a-f]*\): /\1 /; s/  .*//' | text2pcap -q -T 50000,443 - "$dir/$1.pcap" 2>/dev/null; }

# shellcheck source-path=SCRIPTDIR source=ja4_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/ja4_lib.sh"

# The caught hello again, in TLS records of SIZE bytes: one line for llmsec-ja4.
in_records()
{
	local hex chunk
	hex=$(xxd -p "$dir/$1.bin" | tr -d '\n')
	hex=${hex:10}
	printf 't '
	while [ -n "$hex" ]; do
		chunk=${hex:0:$((2 * $2))}
		hex=${hex:$((2 * $2))}
		printf '160301%04x%s' $((${#chunk} / 2)) "$chunk"
	done
	echo
}

chromium=$(command -v chromium-headless-shell || command -v chromium || echo chromium)
clients=("openssl13 openssl s_client -connect 127.0.0.1:PORT -servername a.example -alpn h2,http/1.1"
	"openssl12 openssl s_client -connect 127.0.0.1:PORT -noservername -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"
	"openssl_curves openssl s_client -connect 127.0.0.1:PORT -servername b.example -groups X25519:P-384 -sigalgs RSA+SHA256:ECDSA+SHA384"
	"curl curl -sk --max-time 5 https://localhost:PORT/"
	"curl11 curl -sk --http1.1 --tls-max 1.2 --max-time 5 https://127.0.0.1:PORT/"
	"gnutls gnutls-cli --insecure -p PORT localhost"
	"gnutls12 gnutls-cli --insecure --priority NORMAL:-VERS-TLS1.3 --alpn h2 -p PORT 127.0.0.1"
	"nss tstclnt -D -o -h 127.0.0.1 -p PORT"
	"nss_sni tstclnt -D -o -h 127.0.0.1 -a a.example -V tls1.2:tls1.2 -p PORT"
	"chromium $chromium --headless --no-sandbox --disable-gpu --user-data-dir=$dir/chromium --dump-dom https://localhost:PORT/")
have_tshark=
command -v tshark >/dev/null && command -v text2pcap >/dev/null && have_tshark=1
for spec in "${clients[@]}"; do
	# shellcheck disable=SC2086
	set -- $spec
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		n=$((n + 1)); echo "ok $n - $name # SKIP no $1 on this machine"
		continue
	fi
	if ! catch "$name" "$@"; then
		not_ok "$name: a hello arrives" "$(cat "$dir/socat.err")"
		continue
	fi
	got=$("$ja4" < <(line "$name"))
	if [ -z "$have_tshark" ]; then
		n=$((n + 1)); echo "ok $n - $name: against tshark # SKIP no tshark on this machine"
	else
		to_pcap "$name"
		dissect "$name"
		is "$(cut -d' ' -f3 <<<"$got")" "$(field "$name" tls.handshake.ja3)" "$name: JA3 is tshark's"
		is "$(cut -d' ' -f1 <<<"$got")" "$(expected_ja4 "$name")" "$name: JA4 is what its definition gives for tshark's fields"
		is "$("$ja4" --pcap "$dir/$name.pcap")" "$got" "$name: the same from the capture"
	fi
	is "$(in_records "$name" 50 | "$ja4")" "$got" "$name: the same in records of 50 bytes"
	is "$(in_records "$name" 3 | "$ja4")" "$got" "$name: and of 3"
	is "$(in_records "$name" 50 | rev | cut -c3- | rev | "$ja4")" 'short - -' "$name: without its last byte it is short"
	is "$(cut -d' ' -f1 <<<"$got")" "$(awk -F_ '{ print $1 }' <<<"$(cut -d' ' -f2 <<<"$got")")_$(cut -d' ' -f2 <<<"$got" | cut -d_ -f2 | digest)_$(cut -d' ' -f2 <<<"$got" | cut -d_ -f3- | tr -d '\n' | digest)" \
		"$name: ja4 is the digest of ja4_r"
done
is "$(printf 't 16\nq 0100\nt 0200000100\n' | "$ja4"; echo $?)" 'short - -
short - -
not-hello - -
1' 'what is no hello is named, and the exit status says so'
is "$(printf 'z 00\n' | "$ja4" 2>&1; echo $?)" "-:1: error: expected \"t HEX\", \"q HEX\" or \"d HEX\"
2" 'a wrong line is an error with its number'
echo "1..$n"
exit $failed
