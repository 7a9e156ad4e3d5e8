# SPDX-License-Identifier: MIT
"""Templates: read, parsed once, made into text by a random generator.

{a|b|} is a choice, $slot another text, $=slot one that stays the same within the row, \\n \\t and \\{ \\| \\$ as usual.
"""
import hashlib
import os
import sys

# *.spin has no weights of its own
SPIN_WEIGHT = {'en.spin': 1.2, 'data.spin': 3.0, 'lang.spin': 0.7}
HEADS = ('direct', 'data', 'both')


def kept_back(key):
    """One in seven, for --heldout."""
    return hashlib.sha256(key.encode()).digest()[0] % 7 == 0


def word(rnd):
    return ''.join(rnd.choice('bcdfgklmnprstvz') + rnd.choice('aeiou') for _ in range(rnd.randint(2, 3)))


BUILTIN = {
    'rword': word,
    'rWord': lambda r: word(r).capitalize(),
    'rWORD': lambda r: word(r).upper(),
    'rnum': lambda r: str(r.randint(2, 9999)),
    'rdig': lambda r: str(r.randint(2, 20)),
    'rhex': lambda r: '%08x' % r.getrandbits(32),
    'rcode': lambda r: ''.join(r.choice('ABCDEFGHJKLMNPQRSTUVWXYZ23456789') for _ in range(6)),
    'rdate': lambda r: '20%02d-%02d-%02d' % (r.randint(18, 27), r.randint(1, 12), r.randint(1, 28)),
    'rtime': lambda r: '%02d:%02d' % (r.randint(0, 23), r.randint(0, 59)),
    'rip': lambda r: '10.%d.%d.%d' % (r.randint(0, 255), r.randint(0, 255), r.randint(1, 254)),
    'rsym': lambda r: ''.join(r.choice('"\'`}])>/-=*#;%|~') for _ in range(r.randint(1, 5))),
    'rrep': lambda r: r.choice(('=', '-', '#', '*', '~', '_', '\n', '/', 'A', 'a ', '.', '!', '<', '}')) * r.randint(4, 40),
}


class Choice:
    def __init__(self, alts):
        self.alts = alts


class Slot:
    def __init__(self, name, bound):
        self.name, self.bound = name, bound


def parse(text, where):
    """Text into a list of str, Choice and Slot."""
    stack, cur, lit, i = [], [], [], 0

    def flush():
        if lit:
            cur.append(''.join(lit))
            lit.clear()
    alts = None
    while i < len(text):
        c = text[i]
        if c == '\\' and i + 1 < len(text):
            lit.append({'n': '\n', 't': '\t'}.get(text[i + 1], text[i + 1]))
            i += 2
            continue
        if c == '{':
            flush()
            stack.append((cur, alts))
            cur, alts = [], []
        elif c == '|' and alts is not None:
            flush()
            alts.append(cur)
            cur = []
        elif c == '}' and alts is not None:
            flush()
            alts.append(cur)
            done = Choice(alts)
            cur, alts = stack.pop()
            cur.append(done)
        elif c == '$' and i + 1 < len(text) and (text[i + 1].isascii() and text[i + 1].isalpha() or text[i + 1] == '='):
            flush()
            bound = text[i + 1] == '='
            i += 1 + bound
            j = i
            while j < len(text) and text[j].isascii() and (text[j].isalnum() or text[j] == '_'):
                j += 1
            cur.append(Slot(text[i:j], bound))
            i = j
            continue
        else:
            lit.append(c)
        i += 1
    flush()
    if stack:
        sys.exit('%s: a { without }: %.60s' % (where, text))
    return cur


class Template:
    def __init__(self, book, file, family, label, head, lang, text, weight):
        self.book, self.file, self.family, self.label, self.head, self.lang = book, file, family, label, head, lang
        self.key, self.weight = family + text, weight
        self.where = '%s: %.50s' % (file, text)
        self.tree = parse(text, file)
        self.scope = lang

    def make(self, rnd, text=None):
        out = []
        self._walk(self.tree, rnd, {}, out, text, 0)
        return ''.join(out)

    def _walk(self, tree, rnd, bound, out, text, depth):
        if depth > 40:
            sys.exit(self.where + ': slots in a circle')
        for n in tree:
            if isinstance(n, str):
                out.append(n)
            elif isinstance(n, Choice):
                self._walk(rnd.choice(n.alts), rnd, bound, out, text, depth + 1)
            elif n.name == 'HERE':
                out.append(text or '')
            elif n.bound and n.name in bound:
                out.append(bound[n.name])
            else:
                mine = []
                s = self.book.slot(n.name, self.file, self.scope)
                if s is None:
                    mine.append(BUILTIN[n.name](rnd))
                else:
                    self._walk(s, rnd, bound, mine, text, depth + 1)
                made = ''.join(mine)
                if n.bound:
                    bound[n.name] = made
                out.append(made)

    def slots(self, tree):
        for n in tree:
            if isinstance(n, Choice):
                for a in n.alts:
                    yield from self.slots(a)
            elif isinstance(n, Slot):
                yield n.name


class Book:
    """All templates.  A slot belongs to its file, and there to the language of the last '@ lang' line, if any."""

    def __init__(self):
        self.templates, self.carriers, self.defs, self.keys = [], [], {}, set()

    def slot(self, name, file, lang):
        for key in ((file, lang, name), (file, None, name), ('common', None, name)):
            if key in self.defs:
                return self.defs[key]
        return None

    def read(self, path):
        file, lang, head, weight = os.path.basename(path).split('.')[0], None, None, 1.0
        for no, line in enumerate(open(path, encoding='utf-8'), 1):
            line = line.rstrip('\n')
            where = '%s:%d' % (path, no)
            if not line or line.startswith('#'):
                continue
            if line.startswith('@ '):
                lang = line[2:].strip()
            elif line[0] == '$' and ': ' in line and line[1:line.index(': ')].replace('_', '').isalnum():
                name, text = line[1:].split(': ', 1)
                self.defs[('common' if path.endswith('.spin') else file, lang, name)] = \
                    parse('{' + text + '}', where)         # a | outside of braces parts the slot's texts
            elif line.startswith('= '):
                head = line[2:].split()
                weight = float(head.pop()) if head[-1].replace('.', '').isdigit() and len(head) > 3 else \
                    SPIN_WEIGHT.get(os.path.basename(path), 1.0)
                if len(head) == 3:
                    head.append(lang or 'en')
                if len(head) != 4 or head[1] not in '01' or head[2] not in HEADS + ('carrier',):
                    sys.exit(where + ': = family label head [lang]')
            elif head is None:
                sys.exit(where + ': a template before any "= family"')
            else:
                t = Template(self, file if not path.endswith('.spin') else 'common', head[0], int(head[1]), head[2],
                             head[3], line, weight)
                if t.key in self.keys:
                    sys.exit(where + ': this template was there before')
                self.keys.add(t.key)
                (self.carriers if head[2] == 'carrier' else self.templates).append(t)

    def check(self):
        for t in self.templates + self.carriers:
            todo, done = [t.tree], set()
            while todo:
                for name in t.slots(todo.pop()):
                    if name in done or name == 'HERE':
                        continue
                    done.add(name)
                    s = self.slot(name, t.file, t.lang)
                    if s is None and name not in BUILTIN:
                        sys.exit('%s: unknown slot $%s' % (t.where, name))
                    if s is not None:
                        todo.append(s)
