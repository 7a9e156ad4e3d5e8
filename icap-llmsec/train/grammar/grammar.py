#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Synthetic rows for the trainer, out of templates (*.spin, *.gram beside this file).

	grammar.py [--seed N] [--rows N] [--heldout] [--stat] [FILE...] >rows.jsonl

Deterministic: the same seed, rows and files give the same bytes.  --heldout prints rows of the templates, carriers and
disguises that are kept back (one in seven by hash), which training never sees.  README.md tells how to write more.
"""
import argparse
import glob
import json
import os
import random
import sys
from collections import Counter

from disguise import DISGUISES, noise, obeyless
from templates import Book, kept_back

SHARE = 0.5                     # of the rows, how many are attacks
# How an attack or a harmless text is dressed: shares of the rows that may be dressed so.
PLAIN, LEAD, TAIL, DISGUISE, NOISE = 0.52, 0.13, 0.07, 0.14, 0.14
CARRIED = 0.45                  # of the rows for the data head, how many lie in a carrier
RATE = 0.2                      # chance of a template of weight 1 in a turn; weights up to 5 tell
DRY = 12                        # times that a template may repeat itself before it is left alone
SHORT_TEXT = 120
SHORT = 400                     # characters: longer texts aren't disguised or joined


class Maker:
    def __init__(self, book, seed, heldout):
        self.book, self.seed, self.heldout = book, seed, heldout
        self.seen = set()
        self.plain = {}                 # (label, lang): templates that others are joined with
        for t in book.templates:
            if t.head != 'data' and t.label == 0:
                self.plain.setdefault(t.lang, []).append(t)
        self.carriers = [c for c in book.carriers if kept_back(c.key) == heldout] or book.carriers
        self.disguises = [d for d in DISGUISES if kept_back(d[0]) == heldout] or DISGUISES

    def row(self, t, turn):
        """One row of template t, None if that text was made before, False if it is for the other side."""
        rnd = random.Random('%s/%d/%d' % (t.key, self.seed, turn))
        text, carrier = t.make(rnd), 'none'
        dress = rnd.random()
        lang = t.lang
        if t.family.startswith('whole-'):
            pass                # a text that is nothing else: inside another it would mean something else
        elif t.head == 'data' and rnd.random() < CARRIED or t.head == 'both' and rnd.random() < CARRIED / 2:
            text, carrier = self.carry(t, text, rnd)
        elif t.head == 'data':
            pass
        elif len(text) < SHORT and dress > PLAIN:
            text, carrier = self.dress(t, text, dress - PLAIN, rnd)
        text = text.strip()
        if not text or text in self.seen:
            return None
        # two templates may say the same: short texts are parted by what they say as well
        if len(text) < SHORT_TEXT and kept_back(''.join(c for c in text.lower() if c.isalnum())) != self.heldout:
            return False
        self.seen.add(text)
        head = t.head
        if carrier.startswith('c-'):
            head = 'data'
        return {'text': text, 'label': t.label, 'head': head, 'family': t.family, 'lang': lang, 'carrier': carrier,
                'source': 'synthetic/' + t.file}

    def dress(self, t, text, dress, rnd):
        if dress < LEAD and t.label and t.lang in self.plain:
            return self.neighbour(t, rnd) + rnd.choice((' ', '\n', '\n\n', '. ', '\n---\n')) + text, 'lead-in'
        dress -= LEAD
        if 0 <= dress < TAIL and t.label and t.lang in self.plain:
            return text + rnd.choice((' ', '\n', '\n\n')) + self.neighbour(t, rnd), 'tail'
        dress -= TAIL
        if 0 <= dress < DISGUISE and (t.label or rnd.random() < 0.4):
            name, latin, fn = rnd.choice(self.disguises)
            if not latin or text.isascii():
                return obeyless(fn(text, rnd), t.label), 'd-' + name
        return noise(text, rnd), 'noise'

    def neighbour(self, t, rnd):
        pool = [n for n in self.plain[t.lang] if kept_back(n.key) == self.heldout] or self.plain[t.lang]
        return rnd.choice(pool).make(rnd)[:300]

    def carry(self, t, text, rnd):
        """The text inside a mail, a page, a record; a harmless one as well, so that carriers tell nothing."""
        c = rnd.choice(self.carriers)
        return c.make(rnd, text), c.family


def rows(book, seed, total, heldout, share=SHARE):
    maker = Maker(book, seed, heldout)
    pools = [[], []]
    for t in book.templates:
        if kept_back(t.key) == heldout:
            pools[t.label].append(t)
    for label in (0, 1):
        # families take turns, and templates within them: a family with many templates is no more frequent than its
        # square root says
        want, made, turn, dry = int(total * (share if label else 1 - share)), 0, 0, {}
        families = Counter((t.family, t.lang) for t in pools[label])
        order = sorted(pools[label], key=lambda t: t.key)
        while made < want and sum(n > DRY for n in dry.values()) < len(order):
            for t in order:
                if dry.get(t.key, 0) > DRY:
                    continue
                rnd = random.Random('turn/%s/%d/%d' % (t.key, seed, turn))
                if rnd.random() > RATE * t.weight / families[(t.family, t.lang)] ** 0.35:
                    continue
                row = maker.row(t, turn)
                if not row:
                    dry[t.key] = dry.get(t.key, 0) + (1 if row is None else 0.1)
                    continue
                yield row
                made += 1
                if made >= want:
                    break
            turn += 1
            if turn > 20000:
                break


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--rows', type=int, default=60000, help='how many at most (60000)')
    p.add_argument('--share', type=float, default=SHARE, help='of them, how many are attacks (0.5)')
    p.add_argument('--heldout', action='store_true', help='the templates, carriers and disguises kept back')
    p.add_argument('--stat', action='store_true', help='counts by family and language, no rows')
    p.add_argument('--out', help='a file instead of standard output')
    p.add_argument('files', nargs='*')
    a = p.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    files = a.files or sorted(glob.glob(os.path.join(here, '*.spin')) + glob.glob(os.path.join(here, '*.gram')))
    book = Book()
    for f in files:
        book.read(f)
    book.check()
    out = open(a.out, 'w', encoding='utf-8') if a.out else sys.stdout
    counts = Counter()
    for row in rows(book, a.seed, a.rows, a.heldout, a.share):
        if a.stat:
            counts['label %d' % row['label']] += 1
            counts['lang ' + row['lang']] += 1
            counts['family %s %d' % (row['family'], row['label'])] += 1
            counts['carrier ' + row['carrier']] += 1
        else:
            out.write(json.dumps(row, ensure_ascii=False) + '\n')
    for name, n in sorted(counts.items()):
        print('%7d %s' % (n, name))


if __name__ == '__main__':
    sys.stdout.reconfigure(encoding='utf-8')
    main()
