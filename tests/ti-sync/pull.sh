#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A node without feeds has the sets of one with feeds: signed, never older than what it had, whole or not at all.
. "${srcdir:?}/tests/ti-sync/lib.sh"
start_server
openssl genpkey -algorithm ed25519 -out "$tap_dir/key.pem" 2>/dev/null
openssl genpkey -algorithm ed25519 -out "$tap_dir/other.pem" 2>/dev/null
public() { openssl pkey -in "$1" -pubout -outform DER | tail -c 32 | base64; }
names 5000 one >"$tap_dir/one.txt"
conf_begin "sign_key: $tap_dir/key.pem"
sed -i "s|^sets_dir:.*|sets_dir: $www|" "$conf"
echo "  - {name: one, file: $tap_dir/one.txt, expiry: 0s, max_loss: 100}" >>"$conf"
run
is "$rc" 0 'the node with the feed publishes'
check 'and signs' grep -q '^sig ' "$www/manifest"

# node NAME KEY [CA]: a node that pulls
node()
{
	cat >"$tap_dir/$1.yaml" <<-T
	state_dir: $tap_dir/$1
	sets_dir: $tap_dir/$1-sets
	catalogue: ""
	fetch: {retries: 0, timeout: 5s}
	upstream: {url: "https://127.0.0.1:$tls_port", public_key: "$2", ca_file: "$tap_dir/tls.crt"}
	T
}
pull() { "$ti" -c "$tap_dir/$1.yaml" pull >"$tap_dir/pull.log" 2>&1; rc=$?; }
has() { "$ti" set "$tap_dir/$1-sets/domains.set" "$2" >/dev/null 2>&1; }
node b "$(public "$tap_dir/key.pem")"
node c "$(public "$tap_dir/other.pem")"
pull b
is "$rc" 0 'pull'
check 'the other node has its names' has b www.one-200.com
check 'byte for byte' cmp "$www/domains.set" "$tap_dir/b-sets/domains.set"
pull b
like "$rc $(cat "$tap_dir/pull.log")" '^0 .*nothing new' 'again: nothing new'
pull c
like "$rc $(cat "$tap_dir/pull.log")" "^3 .*signature doesn't fit" 'another key: refused'
[ ! -e "$tap_dir/c-sets/domains.set" ]; is $? 0 'and nothing is published'

cp "$www/manifest" "$tap_dir/old"; cp "$www/domains.set" "$tap_dir/old.set"
for i in 1 2 3; do echo "later-$i.com" >>"$tap_dir/one.txt"; run; done
pull b
is "$rc" 0 'three runs later'
check 'it has caught up' has b later-3.com
like "$(cat "$tap_dir/pull.log")" 'published here; [0-9]{2,4} bytes fetched' 'by the differences, not by the whole'
check 'byte for byte, too' cmp "$www/domains.set" "$tap_dir/b-sets/domains.set"
cp "$www/manifest" "$tap_dir/new"; cp "$www/domains.set" "$tap_dir/new.set"
cp "$tap_dir/old" "$www/manifest"; cp "$tap_dir/old.set" "$www/domains.set"
pull b
like "$rc $(cat "$tap_dir/pull.log")" '^3 .*older' 'an old manifest played back: refused'
check 'what it had stays' has b later-3.com
sed 's/^run .*/run 99/' "$tap_dir/new" >"$www/manifest"
pull b
is "$rc" 3 'a manifest that was changed: refused'
cp "$tap_dir/new" "$www/manifest"
rm "$tap_dir/b-sets/domains.set"
pull b
like "$rc $(cat "$tap_dir/pull.log")" '^3 .*not what the manifest says' 'a set that is not the one signed: refused'
cp "$tap_dir/new.set" "$www/domains.set"
pull b
is "$rc" 0 'the right one is taken'
check 'and there' has b later-3.com

# ---- deltas
more() { echo "$1.com" >>"$tap_dir/one.txt"; run; }
delta() { sed -n 's/^delta domains.set \(.\{16\}\)[^ ]* \(.\{16\}\).*/domains.set.\1.\2.delta/p' "$www/manifest" | tail -n 1; }
same() { cmp "$www/domains.set" "$tap_dir/b-sets/domains.set"; }
more corrupt
printf X | dd of="$www/$(delta)" bs=1 seek=40 conv=notrunc 2>/dev/null
pull b
like "$rc $(cat "$tap_dir/pull.log")" '^0 .*delta: not what the manifest says; the whole is fetched' 'a delta that was changed: not believed'
check 'the whole came instead' same
more gone
rm "$www/$(delta)"
pull b
like "$rc $(cat "$tap_dir/pull.log")" '^0 .*delta: not there; the whole is fetched' 'a delta that is not there: the whole'
check 'it is right' same
more base
cp "$tap_dir/old.set" "$tap_dir/b-sets/domains.set"
printf X | dd of="$tap_dir/b-sets/domains.set" bs=1 seek=3000 conv=notrunc 2>/dev/null
pull b
is "$rc" 0 'the set here is one that no delta begins with'
like "$(cat "$tap_dir/pull.log")" 'published here; [0-9]{5,} bytes' 'the whole is fetched'
check 'it is right' same
cp "$www/manifest" "$tap_dir/before"
for i in $(seq 10); do more "many-$i"; done
at_least 8 "$(find "$www" -name 'domains.set.*.delta' | wc -l)" 'no more than eight deltas stay'
is "$(find "$www" -name '.*.before' -o -name '*.new' | wc -l)" 0 'and nothing else'
pull b
like "$rc $(cat "$tap_dir/pull.log")" '^0 .*published here; [0-9]{5,} bytes' 'ten versions behind: the whole'
check 'it is right' same
cp "$www/manifest" "$tap_dir/new"; cp "$tap_dir/before" "$www/manifest"
pull b
like "$rc $(cat "$tap_dir/pull.log")" '^3 .*older' 'an old manifest with its deltas: refused'
check 'what it had stays' has b many-10.com
sed 's/^\(delta .*\) [0-9a-f]*$/\1 0000000000000000000000000000000000000000000000000000000000000000/' "$tap_dir/new" >"$www/manifest"
pull b
like "$rc $(cat "$tap_dir/pull.log")" "^3 .*signature doesn't fit" 'deltas of the manifest are signed, too'
cp "$tap_dir/new" "$www/manifest"

stop "$spawned"
pull b
is "$rc" 1 'nobody there: 1'
check 'what it had stays' has b later-3.com
done_testing
