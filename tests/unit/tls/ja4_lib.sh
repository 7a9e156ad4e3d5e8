# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154	# $dir is the caller's
# JA4 computed without us: tshark's fields, sort(1) and sha256sum(1).
#	dissect NAME FILTER	$dir/NAME.pcap, the first packet that FILTER takes -> $dir/NAME.fields
#	field NAME FIELD	one of them
#	expected_ja4 NAME [t|q]	what JA4's definition gives for them
#	digest			of standard input, as in JA4
fields=(tls.handshake.ciphersuite tls.handshake.extension.type tls.handshake.sig_hash_alg
	tls.handshake.extensions.supported_version tls.handshake.version tls.handshake.extensions_alpn_str tls.handshake.ja3)
dissect()
{
	tshark -r "$dir/$1.pcap" -Y "${2:-tls.handshake.type==1}" -T fields -E occurrence=a -E aggregator=, "${fields[@]/#/-e}" \
		>"$dir/$1.fields" 2>/dev/null
}
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
	printf '%s%s%s%02d%02d%s_%s_%s\n' "${2:-t}" "$v" "$(grep -qx 0000 <<<"$e" && echo d || echo i)" "$(tr ',' '\n' <<<"$c" | grep -c .)" \
		"$(grep -c . <<<"$e")" "$alpn" "$(digest <<<"$c" | cat)" \
		"$({ grep -vxE '0000|0010' <<<"$e" | sort | join_by_comma; [ -z "$s" ] || echo "_$s"; } | tr -d '\n' | digest)"
}
