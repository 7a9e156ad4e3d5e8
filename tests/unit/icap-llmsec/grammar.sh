#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The generator of training rows: the same bytes for the same seed, half of each label, every family and language there,
# no row twice, nothing that is kept back among what is trained on.
set -uo pipefail
: "${srcdir:=$(cd "$(dirname "$0")/../../.." && pwd)}"
g=$srcdir/icap-llmsec/train/grammar
# shellcheck source=tests/unit/icap-llmsec/rows_lib.sh
. "$srcdir/tests/unit/icap-llmsec/rows_lib.sh"
echo 1..8
python3 "$g/grammar.py" --seed 7 --rows 16000 --out "$dir/a" && python3 "$g/grammar.py" --seed 7 --rows 16000 >"$dir/b" &&
	python3 "$g/grammar.py" --seed 7 --rows 3000 --heldout >"$dir/h" && python3 "$g/grammar.py" --seed 8 --rows 500 >"$dir/c"
python3 "$g/grammar.py" --seed 7 --rows 16000 --share 0.42 --out "$dir/more" "$g"/more/*.gram "$g/carriers.gram"
cat >"$dir/look.py" <<'P'
import collections, json, glob, re, sys
rows = [json.loads(l) for l in open(sys.argv[2], encoding='utf-8')]
what = sys.argv[1]
if what == 'labels':
    ones = sum(r['label'] for r in rows)
    assert float(sys.argv[3]) - 0.05 < ones / len(rows) < float(sys.argv[3]) + 0.05, ones
elif what == 'all':
    have = {(r['family'], r['label']) for r in rows}
    langs = {0: set(), 1: set()}
    for r in rows:
        langs[r['label']].add(r['lang'])
    for f in glob.glob(sys.argv[3] + '/*.gram') + glob.glob(sys.argv[3] + '/*.spin'):
        for line in open(f, encoding='utf-8'):
            m = re.match(r'= (\S+) ([01]) (?:direct|data|both)', line)
            assert not m or (m[1], int(m[2])) in have, line
    least = int(sys.argv[4])
    assert len(langs[0]) >= least and len(langs[1]) >= least, langs
elif what == 'once':
    again = [t for t, c in collections.Counter(r['text'] for r in rows).items() if c > 1]
    assert not again, again[:3]
elif what == 'apart':
    mine = {r['text'] for r in rows}
    both = [r['text'] for r in map(json.loads, open(sys.argv[3], encoding='utf-8')) if r['text'] in mine]
    assert not both, both[:5]
P
check 'the same seed gives the same bytes' cmp "$dir/a" "$dir/b"
check 'another seed gives others' eval '! cmp -s <(head -c 4000 "$dir/a") <(head -c 4000 "$dir/c")'
check 'half of the rows are attacks' python3 "$dir/look.py" labels "$dir/a" 0.5
check 'every family is there, and 24 languages of each label' python3 "$dir/look.py" all "$dir/a" "$g" 24
check 'no row is there twice' python3 "$dir/look.py" once "$dir/a"
check 'what is kept back is not trained on' python3 "$dir/look.py" apart "$dir/h" "$dir/a"
check 'of the office and its intruders, 42 in 100 are attacks' python3 "$dir/look.py" labels "$dir/more" 0.42
check 'and every family of theirs is there, in 16 languages of each label' python3 "$dir/look.py" all "$dir/more" "$g/more" 16
exit 0
