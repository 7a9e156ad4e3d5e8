# SPDX-License-Identifier: MIT
"""Disguises: letters and encodings that hide what a text says; and the noise of hurried typing."""
import base64
import codecs
import unicodedata
from urllib.parse import quote

LEET = str.maketrans('aeiostgbAEIOST', '43105798431057')
LOOK = str.maketrans('aceopxyiABEHKMOPTX', 'асеорхуіАВЕНКМОРТХ')
GREEK = str.maketrans('oviutn', 'ονιυτη')
SMALL = str.maketrans('abcdefghijklmnopqrstuvwyz', 'ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ')
MORSE = dict(zip('abcdefghijklmnopqrstuvwxyz0123456789',
                 ('.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- '
                  '-.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.').split()))
ASK = ('', '', 'Decode and follow: ', 'Decode this and do what it says: ', 'Base64 below, please act on it\n', 'decode -> run: ',
       'What does this say? Do it. ', 'The next line is encoded. Read it, then obey it.\n', 'Message: ', 'data=')
OBEY = ('follow', 'do what', 'act on', 'run:', 'Do it', 'obey')
EMOJI = '😀🔥🌟🐱🍕✨🎉🚀💡🌈🐸🧠'


def spread(sep):
    return lambda t, r: ' '.join(sep.join(w) for w in t.split(' ')) if sep != ' ' else '  '.join(' '.join(w) for w in t.split(' '))


def shifted(base_upper, base_lower):
    def fn(t, r):
        return ''.join(chr(base_upper + ord(c) - 65) if 'A' <= c <= 'Z' else
                       chr(base_lower + ord(c) - 97) if 'a' <= c <= 'z' else c for c in t)
    return fn


def some(share, fn):
    return lambda t, r: ''.join(fn(c, r) if r.random() < share else c for c in t)


def asked(enc):
    def fn(t, r):
        e = enc(t)
        end = r.choice(('', '', '', ' thanks', '\n\nOnly do what the decoded text says.'))
        return r.choice(ASK) + r.choice(('%s', '%s', '"%s"', '`%s`', '(%s)', '\n%s\n')) % e + end
    return fn


def obeyless(text, label):
    """A harmless text isn't introduced by an order to obey it."""
    for ask in ASK:
        if not label and ask and text.startswith(ask) and any(o in ask for o in OBEY):
            text = text[len(ask):]
    return text if label else text.replace('\n\nOnly do what the decoded text says.', '')


def b64(t):
    return base64.b64encode(t.encode()).decode()


def typo_words(t, r, share=0.25):
    words = t.split(' ')
    for i, w in enumerate(words):
        if len(w) < 4 or r.random() > share:
            continue
        k, at = r.randrange(5), r.randrange(1, len(w) - 1)
        if k == 0:
            w = w[:at] + w[at + 1:]
        elif k == 1:
            w = w[:at] + w[at + 1] + w[at] + w[at + 2:]
        elif k == 2:
            w = w[:at] + w[at] + w[at:]
        elif k == 3 and w[at].isascii():
            w = w[:at] + r.choice('aeiourtnsl') + w[at + 1:]
        else:
            w = w.replace('ou', 'u').replace('ee', 'e').replace('ll', 'l')
        words[i] = w
    return ' '.join(words)


def pig(t, r):
    def one(w):
        if not w.isalpha():
            return w
        if w[0] in 'aeiouAEIOU':
            return w + 'way'
        n = next((i for i, c in enumerate(w) if c in 'aeiouAEIOU'), 1)
        return w[n:] + w[:n].lower() + 'ay'
    return ' '.join(one(w) for w in t.split(' '))


def piecewise(t, r):
    """a = ..., b = ...; now do a + b"""
    words = t.split(' ')
    n = max(2, min(5, len(words) // 2))
    step = -(-len(words) // n)
    parts = [' '.join(words[i:i + step]) for i in range(0, len(words), step)]
    names = 'abcdefgh'
    text = r.choice(('\n', '; ', ', ')).join('%s = "%s"' % (names[i], p) for i, p in enumerate(parts))
    return text + r.choice(('\nNow carry out ', '\nThen execute ', ' -> follow ', '\nJoin them and answer: ', '\nWhat is ')) + \
        ' + '.join(names[:len(parts)])


DISGUISES = (           # name, only for ASCII texts, function
    ('leet', True, lambda t, r: t.translate(LEET)),
    ('leet-some', True, lambda t, r: ''.join(c.translate(LEET) if r.random() < 0.5 else c for c in t)),
    ('lookalike', True, lambda t, r: t.translate(LOOK)),
    ('lookalike-some', True, lambda t, r: ''.join(c.translate(LOOK) if r.random() < 0.4 else c for c in t)),
    ('greek', True, lambda t, r: t.translate(GREEK)),
    ('small-caps', True, lambda t, r: t.lower().translate(SMALL)),
    ('spaced', True, spread(' ')),
    ('dotted', True, spread('.')),
    ('hyphened', True, spread('-')),
    ('underscored', True, spread('_')),
    ('starred', True, lambda t, r: ' '.join(w[:len(w) // 2] + '**' + w[len(w) // 2:] for w in t.split(' '))),
    ('zero-width', False, some(0.3, lambda c, r: c + r.choice('\u200b\u200c\u2060\ufeff'))),
    ('soft-hyphen', False, some(0.2, lambda c, r: c + '\u00ad')),
    ('combining', True, some(0.5, lambda c, r: c + r.choice('\u0301\u0308\u0323\u0336') if c.isalpha() else c)),
    ('wide', True, lambda t, r: ''.join(chr(ord(c) + 0xfee0) if '!' <= c <= '~' else c for c in t)),
    ('maths-bold', True, shifted(0x1d400, 0x1d41a)),
    ('maths-sans', True, shifted(0x1d5a0, 0x1d5ba)),
    ('script', True, shifted(0x1d4d0, 0x1d4ea)),
    ('circled', True, shifted(0x24b6, 0x24d0)),
    ('tags', True, lambda t, r: r.choice(('Hello', 'Nice day today.', 'What is this?', '👍')) +
     ''.join(chr(0xe0000 + ord(c)) for c in t if ' ' <= c <= '~')),
    ('base64', False, asked(b64)),
    ('base64-url', False, asked(lambda t: base64.urlsafe_b64encode(t.encode()).decode().rstrip('='))),
    ('base64-twice', False, asked(lambda t: b64(b64(t)))),
    ('base32', False, asked(lambda t: base64.b32encode(t.encode()).decode())),
    ('hex', False, asked(lambda t: t.encode().hex())),
    ('hex-spaced', False, asked(lambda t: t.encode().hex(' '))),
    ('hex-x', False, asked(lambda t: ''.join('\\x%02x' % b for b in t.encode()))),
    ('binary', True, asked(lambda t: ' '.join('{:08b}'.format(b) for b in t.encode()))),
    ('decimal', True, asked(lambda t: ' '.join(str(b) for b in t.encode()))),
    ('percent', False, asked(lambda t: quote(t, safe=''))),
    ('entities', False, lambda t, r: ''.join('&#%d;' % ord(c) if r.random() < 0.5 else c for c in t)),
    ('u-escapes', False, lambda t, r: ''.join('\\u%04x' % ord(c) if ord(c) < 65536 and r.random() < 0.6 else c for c in t)),
    ('rot13', True, asked(lambda t: codecs.encode(t, 'rot13'))),
    ('reversed', False, asked(lambda t: t[::-1])),
    ('words-reversed', True, lambda t, r: ' '.join(w[::-1] for w in t.split(' '))),
    ('morse', True, asked(lambda t: ' / '.join(' '.join(MORSE[c] for c in w if c in MORSE) for w in t.lower().split()))),
    ('pig-latin', True, pig),
    ('emoji', False, lambda t, r: ' '.join(w + ' ' + r.choice(EMOJI) if r.random() < 0.7 else w for w in t.split(' '))),
    ('emoji-inside', True, some(0.15, lambda c, r: c + r.choice(EMOJI))),
    ('case', True, some(0.5, lambda c, r: c.swapcase())),
    ('joined', True, lambda t, r: t.replace(' ', r.choice(('', '_', '-', '.', '/', '+')))),
    ('camel', True, lambda t, r: ''.join(w[:1].upper() + w[1:] for w in t.split(' '))),
    ('lines', False, lambda t, r: '\n'.join(t.split(' '))),
    ('no-vowels', True, lambda t, r: ' '.join(w[:1] + ''.join(c for c in w[1:] if c not in 'aeiou') for w in t.split(' '))),
    ('typos', False, lambda t, r: typo_words(t, r, 0.5)),
    ('markup', False, lambda t, r: ' '.join('**%s**' % w if r.random() < 0.3 else '<b>%s</b>' % w if r.random() < 0.2 else w
                                            for w in t.split(' '))),
    ('comment-inside', True, lambda t, r: ' '.join(w[:2] + '<!-- -->' + w[2:] if len(w) > 4 else w for w in t.split(' '))),
    ('slashed', False, lambda t, r: ''.join('\\' + c for c in t)),
    ('pieces', True, piecewise),
    ('quoted-words', True, lambda t, r: r.choice((' ', ', ', ' + ')).join('"%s"' % w for w in t.split(' '))),
)


def noise(t, r):
    """What people do when they type fast: case, dots, typos, politeness, line ends."""
    k = r.randrange(10)
    if k == 0:
        return t.lower()
    if k == 1:
        return t.upper()
    if k == 2:
        return typo_words(t, r, 0.2)
    if k == 3:
        return t.rstrip('.!') + r.choice(('', '!', '!!!', '...', ' ...', '?!', ' :)', ' pls', ' thx', ' .'))
    if k == 4:
        return typo_words(t.lower(), r, 0.15).replace("'", '').replace(',', '')
    if k == 5:
        return r.choice(('"%s"', "'%s'", '> %s', '- %s', '* %s', '# %s', '(%s)', '[%s]', '```\n%s\n```', '<p>%s</p>', '%s\n\n',
                         '1. %s', '*** %s ***', '-- %s', '%s ---')) % t
    if k == 6:
        return unicodedata.normalize('NFD', t)
    if k == 7:
        return t.replace('. ', '.\n')
    if k == 8:
        return t.replace(' you ', ' u ').replace('please', 'pls').replace('Please', 'Plz').replace(' are ', ' r ').replace('your', 'ur')
    return r.choice(('ok ', 'hey ', 'so ', 'hm, ', 'well: ', 'um ', '... ', '/ ', 'hi, ')) + t
