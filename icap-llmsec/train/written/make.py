#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rows for the trainer, out of texts that were written one by one (*.txt beside this file).

	make.py [--seed N] [--stat] [FILE...] >rows.jsonl

Where the grammars make many texts of few ideas, here each line is an idea of its own: README.md tells the format.  A text of
a user is a row as it is, and some again with noise, in a disguise or beside another text.  An order of a paper is put into
several papers; a piece, which only looks like an order, into as many.  Deterministic: the same seed and files, the same bytes.
"""
import argparse
import glob
import json
import os
import random
import re
import sys
import zlib
from collections import Counter, defaultdict

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'grammar'))
from disguise import DISGUISES, noise, obeyless     # noqa: E402
from templates import Book, kept_back               # noqa: E402

GROUPS = 4              # what is left out together: orders are only put into papers of their own group
PAPERS = 4              # papers that an order is put into; and one carrier of the grammar
PIECES = 2              # papers that a piece is put into
NOISY, DISGUISED, BESIDE = 0.3, 0.15, 0.3     # shares of the texts of users that come again so
SHORT = 400             # characters: longer texts aren't disguised
OF_PAPERS = ('order-', 'paper-', 'piece-')


def unescape(line):
    """The text of a line.  What is JSON as it stands keeps its own escapes."""
    if line[:1] in '{[':
        try:
            json.loads(line)
            return line
        except ValueError:
            pass
    return line.replace('\\\\', '\0').replace('\\n', '\n').replace('\\t', '\t').replace('\0', '\\')


def read(path):
    """(family, label, head, lang, text) of each line."""
    head = None
    for no, line in enumerate(open(path, encoding='utf-8'), 1):
        line = line.rstrip('\n')
        if not line.strip() or line.startswith('#'):
            continue
        if line.startswith('= '):
            head = line[2:].split()
            if len(head) != 4 or head[1] not in '01' or head[2] not in ('direct', 'data', 'both'):
                sys.exit('%s:%d: = family label head lang' % (path, no))
        elif head is None:
            sys.exit('%s:%d: a text before any "= family"' % (path, no))
        else:
            yield head[0], int(head[1]), head[2], head[3], unescape(line)


def group(text):
    return zlib.crc32(text.encode()) % GROUPS


def is_json(paper):
    return paper.lstrip()[:1] in '{[' and '"' in paper


def ends(paper):
    """Where another sentence could stand: behind a sentence, a line; in JSON at the end of a value that says something."""
    if is_json(paper):
        values = [m.end() - 1 for m in re.finditer(r':\s*"(?:[^"\\]|\\.)*"', paper)]
        return [i for i in values if ' ' in paper[paper.rindex(':', 0, i):i][2:]] or values or [None]
    at = [i + 1 for i in range(len(paper) - 1) if paper[i] in '.!?。！？' and paper[i + 1] in ' \n']
    at += [i for i in range(len(paper)) if paper[i] == '\n']
    return at or [len(paper)]


def spliced(paper, text, rnd):
    """The paper with the text in it, None if it has no place for one."""
    if '$HERE' in paper:
        at = rnd.choice([i for i in range(len(paper)) if paper.startswith('$HERE', i)])
        before, after = (p.replace('$HERE', '') for p in (paper[:at], paper[at + 5:]))
    else:
        at = rnd.choice(ends(paper))
        if at is None:
            return None
        before, after = paper[:at], paper[at:]
    json_paper = is_json(paper)
    if json_paper:
        text = text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n').replace('\t', '\\t')
    gap = '' if not before or before[-1] in ' \n"\'>(' else ' ' if json_paper else rnd.choice((' ', ' ', '\n'))
    return before + gap + text + ('' if not after or not after[0].isalnum() else ' ') + after


class Maker:
    def __init__(self, seed):
        self.seed, self.seen = seed, set()
        self.users = defaultdict(list)          # harmless texts of users, by language and group
        self.papers = defaultdict(list)
        self.book = Book()
        self.book.read(os.path.join(HERE, '..', 'grammar', 'carriers.gram'))
        self.disguises = [d for d in DISGUISES if not kept_back(d[0])]

    def row(self, text, label, head, family, lang, file, carrier='none', weight=1.0):
        text = text.replace('$HERE', '').strip()
        if not text or (text, head) in self.seen:
            return
        self.seen.add((text, head))
        yield {'text': text, 'label': label, 'head': head, 'family': family, 'lang': lang, 'carrier': carrier, 'weight': weight,
               'source': 'written/' + file}

    def user(self, t, file, rnd):
        family, label, head, lang, text = t
        yield from self.row(text, label, head, family, lang, file)
        if rnd.random() < NOISY and len(text) < SHORT * 2:
            yield from self.row(noise(text, rnd), label, head, family, lang, file, 'noise', 0.5)
        if rnd.random() < DISGUISED * (1 if label else 0.4) and len(text) < SHORT:
            name, latin, fn = rnd.choice(self.disguises)
            if not latin or text.isascii():
                yield from self.row(obeyless(fn(text, rnd), label), label, head, family, lang, file, 'd-' + name, 0.5)
        others = self.users[lang, group(family)]
        if label and rnd.random() < BESIDE and others:
            other = rnd.choice(others)[:600]
            both = (other, text) if rnd.random() < 0.6 else (text, other)
            yield from self.row(rnd.choice((' ', '\n', '\n\n')).join(both), label, head, family, lang, file, 'beside', 0.5)

    def of_paper(self, t, file, rnd):
        family, label, head, lang, text = t
        mine, kind = 'written-%d' % group(text), family.split('-')[0]
        head = head if label else 'both'        # users paste such papers, too
        for row in self.row(text, label, head, mine, lang, file if label else file + '-' + kind):
            yield dict(row, order=True) if kind == 'order' else row
        if kind == 'paper':
            return
        papers = self.papers[lang, group(text)] or self.papers['en', group(text)]
        for paper in rnd.sample(papers, min(len(papers), PAPERS if label else PIECES)):
            yield from self.row(spliced(paper, text, rnd) or '', label, head, mine, lang, file if label else file + '-' + kind, 'paper', 0.5)
        if label and self.book.carriers:
            c = rnd.choice(self.book.carriers)
            yield from self.row(c.make(rnd, text), label, head, mine, lang, file, c.family, 0.5)

    def rows(self, files):
        texts = [(os.path.basename(f).split('.')[0], t) for f in files for t in read(f)]
        for _, t in texts:
            if t[0].startswith('paper-'):
                self.papers[t[3], group(t[4])].append(t[4])
            elif t[1] == 0 and t[2] != 'data':
                self.users[t[3], group(t[0])].append(t[4])
        for file, t in texts:
            rnd = random.Random('%s/%d' % (t[4], self.seed))
            yield from (self.of_paper if t[0].startswith(OF_PAPERS) else self.user)(t, file, rnd)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--stat', action='store_true', help='counts by source, label and language, no rows')
    p.add_argument('files', nargs='*')
    a = p.parse_args()
    counts = Counter()
    for row in Maker(a.seed).rows(a.files or sorted(glob.glob(os.path.join(HERE, '*.txt')))):
        if not a.stat:
            print(json.dumps(row, ensure_ascii=False))
        counts['%s %s %d' % (row['source'], row['head'], row['label'])] += 1
        counts['lang ' + row['lang']] += 1
    for name, n in sorted(counts.items()):
        if a.stat:
            print('%7d %s' % (n, name))


if __name__ == '__main__':
    sys.stdout.reconfigure(encoding='utf-8')
    main()
