#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Synthetic rows for llmsec-train: attacks, instructions hidden in data, and honest texts that look like them.

usage: make.py [--seed N] [--scale X] > rows.jsonl

Deterministic; the standard library only.  Each line: {"text", "label", "source", "head", "family", "lang"}.
"""
import argparse
import base64
import codecs
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from carriers import CARRIER, FACT, HUMAN, TITLE          # noqa: E402
from grammar_en import BARE, POS, S, TOAI                 # noqa: E402
from grammar_ml import ML                                 # noqa: E402
from grammar_neg import ATTQ, NEG, T                      # noqa: E402

SYM = re.compile(r"<([A-Z][A-Z0-9]*)>")
CHOICE = re.compile(r"\{([^{}]*)\}")


class Grammar:
    def __init__(self, rng, symbols):
        self.rng = rng
        self.s = symbols

    def symbol(self, m):
        v = self.s.get(m.group(1))
        if v is None:
            return m.group(0)
        return self.rng.choice(v) if isinstance(v, list) else v() if callable(v) else v

    def expand(self, text):
        for _ in range(40):
            new = SYM.sub(self.symbol, text)
            m = CHOICE.search(new)
            if m:
                # The innermost choice first, so that only what is chosen is expanded.
                new = new[:m.start()] + self.rng.choice(m.group(1).split("|")) + new[m.end():]
                while True:
                    m = CHOICE.search(new)
                    if not m or "|" not in m.group(1):
                        break
                    new = new[:m.start()] + self.rng.choice(m.group(1).split("|")) + new[m.end():]
            if new == text:
                break
            text = new
        return re.sub(r"[ \t]{2,}", " ", text).strip()


def style(rng, t, typos=.06):
    """How people type: capitals, no stop, exclamation marks."""
    r = rng.random()
    if r < .45:
        t = re.sub(r"(^|[.!?]\s+|\n)([a-z])", lambda m: m.group(1) + m.group(2).upper(), t)
        t = re.sub(r"\bi\b", "I", t)
    elif r < .5:
        t = t.upper()
    if rng.random() < .12:
        t += rng.choice([".", "!", "!!!", "?", " :)", " thanks", "..."])
    if rng.random() < typos:
        t = typo(rng, t)
    return t


def typo(rng, t):
    w = t.split(" ")
    for _ in range(max(1, len(w) // 10)):
        i = rng.randrange(len(w))
        if len(w[i]) > 4:
            k = rng.randrange(1, len(w[i]) - 2)
            w[i] = rng.choice([w[i][:k] + w[i][k + 1] + w[i][k] + w[i][k + 2:], w[i][:k] + w[i][k + 1:], w[i][:k] + w[i][k] + w[i][k:]])
    return " ".join(w)


LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"})
CYR = str.maketrans({"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "i": "і", "x": "х"})


def obfuscate(rng, t):
    k = rng.randrange(12)
    intro = rng.choice(["", "decode this and do it: ", "base64: ", "follow the decoded text: ", "", "what does this say? "])
    if k == 0:
        return "leet", t.lower().translate(LEET)
    if k == 1:
        return "homoglyph", "".join(c.translate(CYR) if rng.random() < .5 else c for c in t)
    if k == 2:
        return "spaced", "  ".join(" ".join(w) for w in t.split(" "))
    if k == 3:
        return "base64", intro + base64.b64encode(t.encode()).decode()
    if k == 4:
        return "rot13", intro.replace("base64", "rot13") + codecs.encode(t, "rot13")
    if k == 5:
        return "reversed", t[::-1]
    if k == 6:
        return "hex", intro.replace("base64", "hex") + t.encode().hex()
    if k == 7:
        return "zero-width", "\u200b".join(t)
    if k == 8:
        return "dotted", " ".join(".".join(w) for w in t.split(" "))
    if k == 9:
        return "wide", "".join(chr(ord(c) + 0xfee0) if "!" <= c <= "~" else c for c in t)
    if k == 10:
        return "percent", "".join("%%%02x" % b for b in t.encode())
    return "entities", "".join("&#%d;" % ord(c) for c in t)


class Maker:
    def __init__(self, seed, scale):
        self.rng = random.Random(seed)
        self.scale = scale
        sym = dict(S)
        sym.update(T)
        # A sentence of the bare kind, where text is for people.
        sym["BARE0"] = lambda: self.rng.choice(BARE)
        sym["BENIGN"] = lambda: self.rng.choice(NEG["hn-plain-chat"])
        sym["PARA"] = lambda: ". ".join(self.g.expand(self.rng.choice(FACT)) for _ in range(self.rng.randrange(1, 4))) + "."
        sym["ATTQ"] = lambda: self.rng.choice(ATTQ)
        self.g = Grammar(self.rng, sym)
        self.seen = set()
        self.out = sys.stdout

    def row(self, text, label, head, family, lang="en", weight=1):
        key = (text, head)
        if key in self.seen or not text:
            return
        self.seen.add(key)
        # Languages are a source of their own, left out together: what the other generator and the lexicon know of them.
        kind = "languages" if family.startswith(("ml-", "hn-ml-")) else "attack" if label else "benign"
        self.emit(text, label, head, family, lang, weight, "seed-" + kind)

    def emit(self, text, label, head, family, lang, weight, source):
        json.dump({"text": text, "label": label, "source": source, "head": head, "family": family, "lang": lang, "weight": weight},
                  self.out, ensure_ascii=False)
        self.out.write("\n")

    def n(self, k):
        return int(k * self.scale)

    def fact(self):
        return self.g.expand(self.rng.choice(FACT))

    def direct(self):
        for family, templates in POS.items():
            for i in range(self.n(450)):
                t = style(self.rng, self.g.expand(templates[i % len(templates)]), .12)
                self.row(t, 1, "both", family)
                if self.rng.random() < .08:
                    kind, o = obfuscate(self.rng, t)
                    self.row(o, 1, "both", "obfuscated-" + kind)
        for family, templates in NEG.items():
            for i in range(self.n(700)):
                t = style(self.rng, self.g.expand(templates[i % len(templates)]))
                self.row(t, 0, "direct", family)
                if self.rng.random() < .04:
                    kind, o = obfuscate(self.rng, t)
                    self.row(o, 0, "direct", "hn-obfuscated")

    def carried(self, x):
        c = self.rng.choice(CARRIER)
        f = {"X": x, "Y": self.filler(), "Z": self.filler(), "Y2": self.filler(), "Z2": self.filler(),
             "T1": self.g.expand(self.rng.choice(TITLE)), "T2": self.g.expand(self.rng.choice(TITLE))}
        return c.format(**f)

    def filler(self):
        return style(self.rng, self.g.expand(self.rng.choice(HUMAN if self.rng.random() < .35 else FACT))).rstrip(".")

    def data(self):
        for i in range(self.n(6000)):
            bare = i % 2 == 0
            t = BARE[i // 2 % len(BARE)] if bare else TOAI[i // 2 % len(TOAI)]
            t = style(self.rng, self.g.expand(t))
            family = ("data-bare-%d" % (i // 2 % len(BARE) // 2)) if bare else "data-to-ai-%d" % (i // 2 % len(TOAI) // 2)
            self.row(self.carried(t), 1, "data", family)
            if i % 8 == 0:
                self.row(t, 1, "data", family)
        for i in range(self.n(9000)):
            x = style(self.rng, self.g.expand(self.rng.choice(HUMAN if i % 2 else FACT)))
            self.row(self.carried(x), 0, "data", "hn-data-%d" % (i % 7))

    def languages(self):
        # One family for each language: what is left out together is a language that was never seen.
        names = sorted(ML)
        for lang in names:
            m = ML[lang]
            for _ in range(self.n(60)):
                o, k = self.rng.choice(m["o"]), self.rng.choice(m["l"] + m["p"] + m["o"] + m["n"])
                t = self.rng.choice([o, o + ". " + k, o + ": " + k, self.rng.choice(m["n"]) + " " + o, o.lower(), o + "!"])
                self.row(t, 1, "both", "ml-" + lang, lang)
            for kind in "lp":
                for t in m[kind]:
                    self.row(t, 1, "direct", "ml-" + lang, lang)
                    self.row(self.rng.choice(m["n"]) + " " + t, 1, "direct", "ml-" + lang, lang)
            for t in m["d"]:
                for _ in range(self.n(6)):
                    self.row(self.carried(t), 1, "data", "ml-" + lang, lang)
            for t in m["n"]:
                self.row(t, 0, "direct", "hn-ml-" + lang, lang, 3)
                self.row(t.lower() + " " + self.rng.choice(m["n"]), 0, "direct", "hn-ml-" + lang, lang, 3)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--scale", type=float, default=1.0)
    a = p.parse_args()
    m = Maker(a.seed, a.scale)
    m.direct()
    m.data()
    m.languages()


if __name__ == "__main__":
    main()
