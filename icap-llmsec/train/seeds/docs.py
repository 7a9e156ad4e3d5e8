#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Documents and code of the machine it runs on, as benign rows for llmsec-train: manual pages, headers, Python and Perl
modules, README files.  Only text that Debian may distribute; none of it is kept but as weights.

usage: docs.py [--half 0|1] [--files N] [--root DIR] > rows.jsonl

The same files give the same rows.  --half takes only that half of the files (by a hash of the path), so that the
other one can measure.  --root: where packages lie that were unpacked but not installed, beside those of the machine.
"""
import argparse
import glob
import gzip
import hashlib
import html
import json
import re
import sys

KINDS = [
    ("docs-man", ["/usr/share/man/man[1578]/*.gz", "/usr/share/man/man3/*.gz"], 900),
    ("docs-code", ["/usr/include/**/*.h"], 600),
    ("docs-code", ["/usr/lib/python3*/**/*.py"], 900),
    ("docs-code", ["/usr/share/perl/**/*.p[ml]", "/usr/share/perl5/**/*.p[ml]"], 400),
    ("docs-code", ["/usr/share/**/*.js", "/usr/share/**/*.sh", "/usr/lib/node_modules/**/*.js"], 300),
    ("docs-text", ["/usr/share/doc/*/README*", "/usr/share/doc/*/NEWS*", "/usr/share/doc/*/*.txt*", "/usr/share/doc/*/copyright"], 1200),
    ("docs-text", ["/usr/share/doc/**/*.md", "/usr/lib/node_modules/**/*.md", "/usr/share/**/*.md"], 500),
    ("docs-text", ["/usr/share/doc/**/*.html"], 300),
    # what to click, press, open and never do, in 40 languages: orders to people
    ("docs-help", ["/usr/share/help/*/gnome-help/*.page"], 1500),
]
MACRO = re.compile(r"^\.\S+ ?", re.M)
PAGE = re.compile(r"<(info|ui:.*?)[ >].*?</\1>|<!--.*?-->|<[^>]*>", re.S)
ESCAPE = re.compile(r"\\(f[A-Z]|f\(..|&|\^|\||s[+-]?\d|\*\(..|c)")


def digest(text):
    return int(hashlib.md5(text.encode("utf-8", "surrogateescape")).hexdigest()[:12], 16)


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        text = f.read(400000).decode("utf-8", "replace")
    if "/man/" in path:
        text = re.sub(r'^[.\']\\".*$', "", text, flags=re.M)
        text = ESCAPE.sub("", MACRO.sub("", text)).replace("\\-", "-").replace('\\e', "\\")
    if path.endswith(".page"):
        text = re.sub(r"\s*\n\s*", "\n", html.unescape(PAGE.sub("", text)))
    return text


def pieces(path, text):
    """One long piece and two short ones, at places that the path decides."""
    h = digest(path + "#")
    for k, size in enumerate((300 + h % 700, 1000 + h // 7 % 2500, 2500 + h // 11 % 13500)):
        room = len(text) - size
        if room < 0 and k == 2:
            continue
        at = h // (13 + k) % (room + 1) if room > 0 else 0
        piece = text[at:at + size].strip()
        if len(piece) > 150:
            yield piece


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--half", type=int, choices=(0, 1))
    p.add_argument("--files", type=float, default=1.0, help="share of the files of each kind")
    p.add_argument("--root", action="append", default=[], help="of unpacked packages")
    a = p.parse_args()
    seen = set()
    for source, patterns, most in KINDS:
        # by the name that it has when installed, wherever it lies
        paths = {f[len(r):]: f for g in patterns for r in a.root + [""] for f in glob.glob(r + g, recursive=True)}
        names = sorted(paths, key=lambda f: (digest(f), f))
        if a.half is not None:
            names = [f for f in names if digest(f) // 16 % 2 == a.half]
        n = 0
        for path in names:
            if n >= most * a.files:
                break
            try:
                text = read(paths[path])
            except (OSError, EOFError):
                continue
            for piece in pieces(path, text):
                if piece in seen:
                    continue
                seen.add(piece)
                json.dump({"text": piece, "label": 0, "source": source, "head": "data" if source == "docs-help" else "both",
                           "family": "file " + path, "lang": "en"}, sys.stdout, ensure_ascii=False)
                sys.stdout.write("\n")
            n += 1


if __name__ == "__main__":
    main()
