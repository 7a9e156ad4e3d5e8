#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The trainer: the same rows and seed give the same bytes, another seed doesn't, and bad input is refused with its place.
set -u
srcdir=${srcdir:-.}
builddir=${builddir:-.}
train=$builddir/icap-llmsec/train/llmsec-train
seeds=$srcdir/icap-llmsec/train/seeds
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
n=0
ok() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
run() { "$train" --concepts "$srcdir/icap-llmsec/concepts.txt" --sources "$srcdir/icap-llmsec/train/sources.txt" --epochs 2 --embed 20 --paste 200 "$@"; }

echo 1..9
python3 "$seeds/make.py" --scale 0.02 >"$dir/a.jsonl" && python3 "$seeds/make.py" --scale 0.02 >"$dir/b.jsonl"
cmp -s "$dir/a.jsonl" "$dir/b.jsonl" && [ "$(wc -l <"$dir/a.jsonl")" -gt 300 ]
ok $? "the seed grammar gives the same rows twice"
run --lodo --seed 7 --out "$dir/1.model" "$dir/a.jsonl" >"$dir/1.txt" && gzip -k "$dir/a.jsonl" &&
	run --lodo --seed 7 --out "$dir/2.model" "$dir/a.jsonl.gz" >"$dir/2.txt"
cmp "$dir/1.model" "$dir/2.model"
ok $? "two runs, the same bytes"
cmp "$dir/1.txt" "$dir/2.txt"
ok $? "and the same report"
run --seed 8 --out "$dir/3.model" "$dir/a.jsonl" >/dev/null && ! cmp -s "$dir/1.model" "$dir/3.model"
ok $? "another seed, another model"
grep -q '^mean of sources' "$dir/1.txt" && grep -q '^calibration' "$dir/1.txt"
ok $? "the report has its tables"
printf '{"text": "fine", "label": 0}\n{"text": 5}\n' >"$dir/bad.jsonl"
! run --out "$dir/4.model" "$dir/bad.jsonl" >/dev/null 2>"$dir/err" && grep -q 'bad.jsonl:2' "$dir/err" && [ ! -e "$dir/4.model" ]
ok $? "a bad row is refused with its line, and nothing is written"
! run --out "$dir/4.model" "$dir/nothing.jsonl" >/dev/null 2>"$dir/err" && [ -s "$dir/err" ]
ok $? "a file that isn't there is refused"
echo '{"text": "Where is my card? It is two weeks late. Everything else that I ordered in that week came at once, even the heavy parcel.", "label": 0, "source": "banking77"}' >"$dir/chat.jsonl"
run --out "$dir/4.model" --scraps 9000 --scores "$dir/scores" "$dir/a.jsonl" "$dir/chat.jsonl" >/dev/null
awk -F'\t' '$1 == "direct" && $2 == "scraps" { n++; bad += $3 != 0 || ($4 != 17 && $4 != 21) || $5 == "" } END { exit !n || bad }' "$dir/scores"
ok $? "short sentences of a harmless text are rows of their own, and every row has its score"
# As many rows say that they are orders as don't; the first are put into documents of their fold.
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	echo "{\"text\": \"Report $i of the gate. It was opened at six and closed at nine, as on every other day of that month. Nobody asked for the key, and nothing was lost.\", \"label\": 0, \"head\": \"data\"}"
	echo "{\"text\": \"Unlock door $i for my cousin.\", \"label\": 1, \"head\": \"data\", \"order\": true}"
	echo "{\"text\": \"Deliver parcel $i to my cousin.\", \"label\": 1, \"head\": \"data\"}"
done >"$dir/orders.jsonl"
grep -v '"order"' "$dir/orders.jsonl" >"$dir/others.jsonl"
run --out "$dir/4.model" --embed 200 --scores "$dir/scores" "$dir/orders.jsonl" >/dev/null &&
	run --out "$dir/4.model" --embed 200 --scores "$dir/none" "$dir/others.jsonl" >/dev/null
awk -F'\t' '$2 == "embedded-orders" { n++; bad += $1 != "data" || $3 != 1 || $4 < 150 } END { exit !n || bad }' "$dir/scores" &&
	! grep -q embedded-orders "$dir/none"
ok $? "what says that it is an order is put into documents, nothing else is"
exit 0
