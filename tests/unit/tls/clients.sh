#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Hellos of real clients (OpenSSL, GnuTLS, curl), caught by a listener that never answers: llmsec-ja4 against tshark's JA3
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

# One run of tshark a client: all fields, tab-separated, into $dir/NAME.fields.
fields=(tls.handshake.ciphersuite tls.handshake.extension.type tls.handshake.sig_hash_alg
	tls.handshake.extensions.supported_version tls.handshake.version tls.handshake.extensions_alpn_str tls.handshake.ja3)
dissect() { tshark -r "$dir/$1.pcap" -Y tls.handshake.type==1 -T fields -E occurrence=a -E aggregator=, "${fields[@]/#/-e}" >"$dir/$1.fields" 2>/dev/null; }
field()
{
	local i
	for i in "${!fields[@]}"; do
		[ "${fields[i]}" != "$2" ] || head -n 1 "$dir/$1.fields" | cut -f $((i + 1))
	done
}
# decimal or 0x list -> one 4-digit hex a line, GREASE left out
hex4() { tr ',' '\n' | while read -r v; do [ -z "$v" ] || printf '%04x\n' "$((v))"; done | grep -vE '^(.a)\1$' || true; }
digest() { local s; s=$(cat); [ -n "$s" ] && printf %s "$s" | sha256sum | cut -c1-12 || echo 000000000000; }
join_by_comma() { paste -sd, -; }

expected_ja4()
{
	local c e s v alpn first
	c=$(field "$1" tls.handshake.ciphersuite | hex4 | sort | join_by_comma)
	e=$(field "$1" tls.handshake.extension.type | hex4)
	s=$(field "$1" tls.handshake.sig_hash_alg | hex4 | join_by_comma)
	v=$(field "$1" tls.handshake.extensions.supported_version | hex4 | sort | tail -n 1)
	[ -n "$v" ] || v=$(field "$1" tls.handshake.version | hex4 | tail -n 1)
	case $v in 0304) v=13 ;; 0303) v=12 ;; 0302) v=11 ;; 0301) v=10 ;; *) v=00 ;; esac
	alpn=$(field "$1" tls.handshake.extensions_alpn_str)
	first=${alpn%%,*}
	[ -n "$first" ] && alpn=${first:0:1}${first: -1} || alpn=00
	printf 't%s%s%02d%02d%s_%s_%s\n' "$v" "$(grep -qx 0000 <<<"$e" && echo d || echo i)" "$(tr ',' '\n' <<<"$c" | grep -c .)" \
		"$(grep -c . <<<"$e")" "$alpn" "$(digest <<<"$c" | cat)" \
		"$({ grep -vxE '0000|0010' <<<"$e" | sort | join_by_comma; [ -z "$s" ] || echo "_$s"; } | tr -d '\n' | digest)"
}

clients=("openssl13 openssl s_client -connect 127.0.0.1:PORT -servername a.example -alpn h2,http/1.1"
	"openssl12 openssl s_client -connect 127.0.0.1:PORT -noservername -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"
	"openssl_curves openssl s_client -connect 127.0.0.1:PORT -servername b.example -groups X25519:P-384 -sigalgs RSA+SHA256:ECDSA+SHA384"
	"curl curl -sk --max-time 5 https://localhost:PORT/"
	"curl11 curl -sk --http1.1 --tls-max 1.2 --max-time 5 https://127.0.0.1:PORT/"
	"gnutls gnutls-cli --insecure -p PORT localhost"
	"gnutls12 gnutls-cli --insecure --priority NORMAL:-VERS-TLS1.3 --alpn h2 -p PORT 127.0.0.1")
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
