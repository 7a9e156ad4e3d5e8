#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rows for training out of templates (*.spin beside this file): JSON lines on standard output.

	spin.py [--seed N] [--per N] [--heldout] [FILE...]

Deterministic.  A file is
	$name: text			a slot, used as $name
	= family label head lang	label 0 or 1; head direct, data or both; then a template a line
{a|b|} is a choice, nested at will; \\n a line break.  Every seventh template (by its hash) is kept back for --heldout.
"""
import argparse
import glob
import hashlib
import json
import os
import random
import sys


def spin(text, slots, rnd, depth=0):
    out, i = [], 0
    while i < len(text):
        c = text[i]
        if c == '{':
            alts, level, start, j = [], 1, i + 1, i + 1
            while level:
                if text[j] == '\\':
                    j += 2
                    continue
                if text[j] == '{':
                    level += 1
                elif text[j] == '}':
                    level -= 1
                if (text[j] == '|' and level == 1) or level == 0:
                    alts.append(text[start:j])
                    start = j + 1
                j += 1
            out.append(spin(rnd.choice(alts), slots, rnd, depth))
            i = j
        elif c == '$' and i + 1 < len(text) and text[i + 1].isalpha():
            j = i + 1
            while j < len(text) and (text[j].isalnum() or text[j] == '_'):
                j += 1
            if text[i + 1:j] not in slots:
                sys.exit('unknown slot $' + text[i + 1:j])
            if depth > 12:
                sys.exit('slots in a circle: $' + text[i + 1:j])
            out.append(spin(slots[text[i + 1:j]], slots, rnd, depth + 1))
            i = j
        elif c == '\\' and i + 1 < len(text):
            out.append({'n': '\n', 't': '\t'}.get(text[i + 1], text[i + 1]))
            i += 2
        else:
            out.append(c)
            i += 1
    return ''.join(out)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--per', type=int, default=12, help='rows of each template')
    p.add_argument('--heldout', action='store_true')
    p.add_argument('files', nargs='*')
    a = p.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    slots, templates, head = {}, [], None
    for f in a.files or sorted(glob.glob(os.path.join(here, '*.spin'))):
        for line in open(f, encoding='utf-8'):
            line = line.rstrip('\n')
            if not line or line.startswith('#'):
                continue
            if line[0] == '$' and ': ' in line.split(' ')[0] + ' ':
                name, text = line[1:].split(': ', 1)
                slots[name] = text
            elif line.startswith('= '):
                head = line[2:].split()
                if len(head) != 4:
                    sys.exit('%s: %s' % (f, line))
            else:
                templates.append((head, line))
    seen = set()
    for (family, label, head, lang), t in templates:
        h = hashlib.sha256((family + t).encode()).digest()
        if (h[0] % 7 == 0) != a.heldout:
            continue
        rnd = random.Random(h + bytes(str(a.seed), 'ascii'))
        for _ in range(a.per):
            text = spin(t, slots, rnd)
            if text in seen:
                continue
            seen.add(text)
            print(json.dumps({'text': text, 'label': int(label), 'head': head, 'family': family, 'lang': lang, 'carrier': 'none',
                              'source': 'grammar'}, ensure_ascii=False))


if __name__ == '__main__':
    main()
