#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A hundred feeds of a server that misbehaves in every way: each outcome and reason is as documented, what a feed
# had stays when it fails, and the exit status tells.
. "${srcdir:?}/tests/ti-sync/lib.sh"
start_server

# ---- content ----
for i in $(seq 1 60); do names 30 "good$i" >"$www/good$i.txt"; done
names 30 gz | gzip >"$www/a.gz"
{ names 15 once | gzip; names 30 twice | gzip; } >"$www/members.gz"
names 30 xz | xz >"$www/a.xz"
names 30 zst | zstd -q >"$www/a.zst"
names 30 zip >"$tap_dir/z1.txt"; names 30 zap >"$tap_dir/z2.txt"
(cd "$tap_dir" && zip -q "$www/a.zip" z1.txt z2.txt)
names 30 bz | bzip2 >"$www/a.bz2"
names 3000 cutgz | gzip >"$tap_dir/whole.gz"
head -c 4000 "$tap_dir/whole.gz" >"$www/cut.gz"
yes bomb-name.com | head -c 20000000 | gzip >"$www/bomb.gz"
names 3000 big >"$www/big.txt"
echo '<!DOCTYPE html><html><body>Log in</body></html>' >"$www/page.txt"
printf '\xef\xbb\xbf<!-- error --><html></html>' >"$www/page2.txt"
printf '\xff\xfea\0.\0c\0o\0m\0\n\0' >"$www/utf16.txt"
printf '# nothing\n! here\n' >"$www/remarks.txt"
echo '{"host": "bad.com", ' >"$www/bad.json"
: >"$www/empty.txt"
printf '\xfd7zXZ\0garbage' >"$www/garbage.xz"
head -c 3000 /dev/urandom | tr -d '\n' >"$www/noise.bin"
names 30 sum >"$www/sum.txt"
(cd "$www" && sha256sum sum.txt >sum.txt.sha256 && echo "$(printf x | sha256sum | cut -d' ' -f1)  sum.txt" >wrong.sha256)
names 30 sig >"$www/sig.txt"
openssl genpkey -algorithm ed25519 -out "$tap_dir/ed.pem" 2>/dev/null
openssl pkeyutl -sign -inkey "$tap_dir/ed.pem" -rawin -in "$www/sig.txt" -out "$www/sig.txt.sig"
names 31 sig >"$www/forged.txt"
cp "$www/sig.txt.sig" "$www/forged.txt.sig"
key=$(openssl pkey -in "$tap_dir/ed.pem" -pubout -outform DER | tail -c 32 | base64)
names 1000 shrink >"$www/shrink.txt"
names 1000 half >"$www/half.txt"
names 30 auth >"$www/auth.txt"; echo 'X-Key: secret' >"$tap_dir/auth"
for f in a b c d e f g h i j k l; do names 30 "x$f" >"$www/x$f.txt"; done

# ---- feeds: name, path, more, expected outcome, expected reason ----
conf_begin
expect=()
want() { expect+=("$1|$2|${3:-}"); }
add() { feed "$1" "$2" "$3"; want "$1" "$4" "${5:-}"; }
for i in $(seq 1 60); do add "good$i" "good$i.txt" '' updated; done
add gz a.gz '' updated; add members members.gz '' updated; add xz a.xz '' updated; add zst a.zst '' updated
add zip a.zip '' updated; add bz2 a.bz2 '' updated
add flaky flaky/xa.txt '' updated
add no-etag plain/xb.txt '' updated
add sha256 sum.txt "sha256: $(sha256sum <"$www/sum.txt" | cut -d' ' -f1)" updated
add sha256-url sum.txt "sha256_url: \"http://127.0.0.1:$port/sum.txt.sha256\"" updated
add signed sig.txt "public_key: \"$key\"" updated
add auth auth/auth.txt "auth_header_file: $tap_dir/auth" updated
add auth-away "away/127.0.0.1/$port/auth.txt" "auth_header_file: $tap_dir/auth" unreachable 'not followed'
add shrink shrink.txt '' updated; add half half.txt 'max_loss: 60' updated
add truncated cut/xc.txt '' unreachable 'transfer closed|end of response'
add truncated-gz cut.gz '' refused "can't unpack"
add slow slow/xd.txt '' unreachable 'timed out'
add page page.txt '' refused 'HTML'
add page2 page2.txt '' refused 'HTML'
add utf16 utf16.txt '' refused 'UTF-16'
add remarks remarks.txt '' refused '0 entries'
add to-private "away/127.0.0.2/$port/xe.txt" '' unreachable 'private'
add to-here "away/127.0.0.1/$port/xe.txt" '' updated
add to-port "away/127.0.0.1/$tls_port/xe.txt" '' unreachable 'private'
add to-metadata away/169.254.169.254/80/latest '' unreachable 'private'
add loop loop '' unreachable 'redirects'
add bomb bomb.gz 'max_unpacked: 1M' refused 'more than 1048576 bytes when unpacked'
add too-big big.txt 'max_bytes: 10k' unreachable 'more than 10240 bytes'
add too-many big.txt 'max_entries: 100' refused 'max_entries'
add too-few xf.txt 'min_entries: 50' refused 'fewer than 50'
add not-found nothing.txt '' unreachable 'status 404'
add server-error status/500/xg.txt '' unreachable 'status 500'
add forbidden auth/xh.txt '' unreachable 'status 401'
add bad-json bad.json 'format: json' refused 'not JSON'
add empty empty.txt '' refused '0 entries'
add garbage garbage.xz '' refused "can't unpack"
add noise noise.bin '' refused '0 entries'
add wrong-sum sum.txt "sha256_url: \"http://127.0.0.1:$port/wrong.sha256\"" refused 'SHA-256'
add forged forged.txt "public_key: \"$key\"" refused "signature doesn't fit"
add no-signature xi.txt "public_key: \"$key\"" unreachable 'status 404'
cat >>"$conf" <<T
  - {name: private, url: "http://127.0.0.1:$port/xj.txt", allow_http: true, refresh: 0s}
  - {name: bad-tls, url: "https://127.0.0.1:$tls_port/xk.txt", allow_private: true, refresh: 0s}
  - {name: good-tls, url: "https://127.0.0.1:$tls_port/xk.txt", ca_file: $tap_dir/tls.crt, allow_private: true, refresh: 0s}
  - {name: refused, url: "http://127.0.0.1:1/x.txt", allow_http: true, allow_private: true, refresh: 0s}
  - {name: no-host, url: "https://no-such-host.invalid/x.txt", refresh: 0s}
  - {name: local-file, file: $www/xl.txt}
T
want private unreachable private; want bad-tls unreachable 'certificate'; want good-tls updated
want refused unreachable 'connect'; want no-host unreachable 'resolve'; want local-file updated
at_least "$(grep -c -- '- {name' "$conf")" 100 'feeds'
check 'the configuration is fine' "$ti" -c "$conf" --check

verify()	# WHAT: every expected outcome
{
	local e name outcome reason bad=''
	local -A got why
	while IFS=$'\t' read -r name outcome reason; do
		got[$name]=$outcome why[$name]=$reason
	done < <(jq -r '.feeds[] | [.name, .outcome, .why // ""] | @tsv' "$tap_dir/report")
	for e in "${expect[@]}"; do
		IFS='|' read -r name outcome reason <<<"$e"
		[ "${got[$name]}" = "$outcome" ] || bad+="$name: ${got[$name]} (${why[$name]}), not $outcome"$'\n'
		[[ ${why[$name]} =~ ${e#*|*|} ]] || bad+="$name: \"${why[$name]}\" has no \"$reason\""$'\n'
	done
	is "$bad" '' "$1"
}

run
is "$rc" 1 'some feeds fail: exit status 1'
verify 'first run: every outcome and reason'
is "$(jq .published "$tap_dir/report")" true 'the good ones are published'
check 'an entry of the first' listed good1-1.com
check 'of the last in a zip' listed zap-30.com
check 'of the second member of a gzip' listed twice-30.com
ok=1
for n in cutgz-1 bomb-name big-1 sum-31 sig-31 xc-1; do ! listed $n.com || { ok=0; diag "$n"; }; done
is "$ok" 1 'nothing of a refused or broken feed is listed'
like "$(cat "$tap_dir/run.log")" 'feed bomb: refused' 'the log says which and why'

# ---- second run: nothing changed but what shrank ----
names 10 shrink >"$www/shrink.txt"
names 500 half >"$www/half.txt"
for i in "${!expect[@]}"; do expect[i]=${expect[i]/|updated|/|unchanged|}; done
for i in "${!expect[@]}"; do
	case ${expect[i]} in
	shrink*) expect[i]='shrink|refused|gone' ;;
	half*) expect[i]='half|updated|' ;;
	esac
done
run
is "$rc" 1 'again'
verify 'second run: 304 is unchanged, one per cent is refused, half is within max_loss'
check 'what shrank keeps its entries' listed shrink-500.com
check 'an entry that is gone stays for its expiry' listed half-900.com
run --accept-loss run shrink
is "$rc:$(outcome shrink)" 0:updated '--accept-loss believes it'

# ---- third run: one that was fine is not ----
echo nonsense >"$www/good1.txt"
run run good1
is "$rc:$(outcome good1)" 1:refused 'a feed that turns bad is refused'
check 'and keeps what it had' listed good1-1.com
like "$("$ti" -c "$conf" stats)" 'good1 .*0 entries' 'stats has the trouble'
names 31 good1 >"$www/good1.txt"
run run good1
is "$rc:$(outcome good1)" 0:updated 'and comes back'
check 'with what is new' listed good1-31.com
like "$("$ti" -c "$conf" diff 2>/dev/null)" '\+ good1-31.com good1' 'diff shows it'

# ---- two at once ----
exec 8>"$tap_dir/state/lock"
flock 8
run
is "$rc" 4 'another run is at it: exit status 4'
exec 8>&-
done_testing
