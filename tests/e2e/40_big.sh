#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Large requests and answers: the provider's digest of what it got and the client's of what came back
# must be those of what was sent.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

edge=$(stack .edge_url) ca=$(stack .ca_file) key=$(stack .client_key)
load=$(stack .build_dir)/tests/tools/llmsec-load
auth=(--cacert "$ca" -H "Authorization: Bearer $key")
ten=10485760

# big NAME ARGUMENTS...: upload, download, both; streamed and not.
big()
{
	local name=$1
	shift
	timeout 300 "$load" big --url "$edge" --cacert "$ca" --key "$key" --json "$@" >"$tap_dir/big.json" 2>"$tap_dir/big.err"
	is "$? $(jq -c '[.done > 0, .errors]' "$tap_dir/big.json")" '0 [true,0]' "$name" ||
		diag "$(jq -r '.first_error // empty' "$tap_dir/big.json") $(cat "$tap_dir/big.err")"
}

for d in openai anthropic gemini ollama; do
	big "10 MB of $d, up and down, streamed and not" --dialect $d --size $ten --timeout 60
	diag "$d: slowest of five transfers $(jq .latency_ms.max "$tap_dir/big.json") ms"
done

# Squid's buffer is 64 KB, the service's window 56 KB, HAProxy's 64 KB: around each of them.
for n in 1000 4095 4096 4097 57343 57344 57345 61440 65535 65536 65537 70000 131072 262144; do
	big "$n bytes" --size $n --timeout 20
done
big '10 MB that the provider sends in chunks' --size $ten --mock chunked=1 --timeout 60
big '1 MB over HTTP/2' --size 1048576 --http2 --timeout 60

# digest_of JQ: of the texts in http_body, which is JSON or SSE.
digest_of()
{
	sed -n 's/^data: //; /^[{]/p' "$http_body" | tr -d '\r' | jq -j "$1 // empty" | sha256sum | cut -d' ' -f1
}

chat() { http --compressed "${auth[@]}" "$edge/v1/chat/completions" -H 'Content-Type: application/json' "$@"; }
for coding in gzip deflate br; do
	# Answers are decoded to be judged; the mock repeats itself, and 10 MB out of 2 KB of brotli are refused as a bomb.
	size=$ten
	[ $coding != br ] || size=3145728
	chat -H "X-Mock: size=$size,utf8=1,$coding=1" -d '{"model":"m","messages":[{"role":"user","content":"Hello"}]}'
	is "$http_code $(digest_of '.choices[0].message.content')" "200 $(header X-Mock-Text-Sha256)" "$((size >> 20)) MB that the provider compressed with $coding"
	chat -H "X-Mock: size=1048576,utf8=1,interval_ms=0,$coding=1" -d '{"model":"m","stream":true,"messages":[{"role":"user","content":"Hello"}]}'
	is "$http_code $(digest_of '.choices[0].delta.content')" "200 $(header X-Mock-Text-Sha256)" "1 MB streamed and compressed with $coding"
done

# A request of unknown length.
{
	printf '{"model":"m","messages":[{"role":"user","content":"'
	head -c $ten /dev/zero | tr '\0' 'x'
	printf '"}]}'
} >"$tap_dir/request.json"
chat -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary "@$tap_dir/request.json"
is "$http_code $(header X-Mock-Body-Sha256)" "200 $(sha256sum <"$tap_dir/request.json" | cut -d' ' -f1)" '10 MB sent in chunks'
chat --data-binary "@$tap_dir/request.json"
is "$http_code" 200 '10 MB after 100 Continue'

# Noise that says what it is; noise alone is refused, because nobody can tell what it is.
head -c $ten /dev/urandom >"$tap_dir/file.bin"
http "${auth[@]}" "$edge/v1/files" -F purpose=user_data -F "file=@$tap_dir/file.bin"
is "$http_code $(jq -c .error.rule_ids "$http_body")" '403 ["LLMSEC-FILE-UNKNOWN"]' 'a file of 10 MB of no known type is refused'
{
	printf 'RIFF\000\000\240\000WAVEfmt \020\000\000\000\001\000\001\000\200\273\000\000\000\167\001\000\002\000\020\000data\000\000\240\000'
	cat "$tap_dir/file.bin"
} >"$tap_dir/file.wav"
sum=$(sha256sum <"$tap_dir/file.wav" | cut -d' ' -f1)
http "${auth[@]}" "$edge/v1/files" -F purpose=user_data -F "file=@$tap_dir/file.wav"
is "$http_code $(field .x_sha256 "$http_body")" "200 $sum" 'a file of 10 MB uploaded'
http "${auth[@]}" "$edge/v1/files/$(field .id "$http_body")/content"
is "$http_code $(sha256sum <"$http_body" | cut -d' ' -f1)" "200 $sum" 'and downloaded'
done_testing
