#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsecctl pth-scan against Python itself: thousands of files in every spelling are handed to site.addsitedir(); what it executes, or takes into
# sys.path from where anybody may write, pth-scan must have found.
set -u
: "${srcdir:?}" "${builddir:?}"
. "$srcdir/tests/e2e/lib.sh"
llmsecctl=$builddir/control/llmsecctl
command -v python3 >/dev/null || { skip 'the same judgement as site.py' 'no python3'; done_testing; exit; }

# make DIR: the files, one a folder, all of which leave DIR/../ran/N behind if their code runs.
cat >"$tap_dir/make.py" <<'P'
import itertools, os, random, sys
out, ran = sys.argv[1], sys.argv[2]
n = 0
def put(name, data, **modules):
    global n
    d = "%s/%05d" % (out, n)
    os.mkdir(d)
    mark = "%s/%05d" % (ran, n)
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    for f, t in [(name, data)] + [(k.replace("__dot__", ".").replace("__dir__", "/"), v.encode()) for k, v in modules.items()]:
        os.makedirs(os.path.dirname(d + "/" + f), exist_ok=True)
        with open(d + "/" + f, "wb") as o:
            o.write(t.replace(b"MARK", mark.encode()))
    n += 1
DO = "open('MARK','w')"
leads = ["", " ", "\t", ";", "\ufeff", "\ufeff\ufeff", "\xa0", "\u3000", "\u200b", "\x0c", "\x0b", "\x00", "#", "#\r", "#\n", "#\x0c", "#\x0b", "#\x1c", "#\x1d", "#\x1e",
    "#\x1f", "#\x85", "#\u2028", "#\u2029", "x\x85", "x\r\n", "\r\n\r\n", "lib\n\ufeff", "\\\n", "'''\n", "#\x00\n", "\x1a", "\x1a\n", "#" + "a" * 70000 + "\n"]
gaps = [" ", "\t", "  ", "\x0c", "\xa0", "\u3000", "\\\n", " \\\n", "\x1f", "\t\x0c"]
codes = ["sys;" + DO, "os,sys;" + DO, "sys\x0c;" + DO, "sys #\n", "sys;exec(\"" + DO + "\")", "sys; " + DO.replace("open", "\uff4fpen"), "sys as s, os as o;" + DO]
for lead, gap, code in itertools.product(leads, gaps, codes):
    put("x.pth", lead + "import" + gap + code + "\n")
for enc in ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "latin-1", "cp037"]:
    for code in ["import sys;" + DO, "# x\nimport sys;" + DO, "\xe9\nimport sys;" + DO]:
        put("x.pth", code.encode(enc).replace("MARK".encode(enc), b"MARK"))
for name in ["x.pth", "X.PTH", ".x.pth", "x.pth ", "x.pth.", "x.PtH", "x.pth.bak", "a b.pth", "\u00e9.pth", "x.py.pth", ".pth", "x.pth.txt"]:
    put(name, "import sys;" + DO)
# modules, with the attack in what is imported
body = "import os\ndef go(): " + DO + "\n"
for pth, files in [("import p", {"p__dot__py": body + "go()\n"}), ("import p; p.go()", {"p__dot__py": body}), ("import p.q", {"p__dir____init____dot__py": "", "p__dir__q__dot__py": body + "go()"}),
        ("from p import q", {"p__dir____init____dot__py": "from .q import go\ngo()\n", "p__dir__q__dot__py": body}), ("import p; p.install()", {"p__dot__py": "def install(): " + DO}),
        ("sub\nimport p", {"sub__dir__p__dot__py": body + "go()"}), ("sub/./x/..\nimport p", {"sub__dir__p__dot__py": body + "go()", "sub__dir__x__dir__y": ""}),
        ("import sys; sys.modules.setdefault('q', None) or __import__('p')", {"p__dot__py": body + "go()"}), ("from p import *", {"p__dot__py": "class A:\n " + DO}),
        ("from p import x", {"p__dot__py": "def __getattr__(n):\n " + DO}), ("import p", {"p__dir____init____dot__py": "import p.q", "p__dir__q__dot__py": "@print\ndef f(a=" + DO + "): pass"}),
        ("import p", {"p__dot__py": "# coding: utf-7\n# +AAo-" + DO}), ("import p", {"p__dot__py": "# coding: raw_unicode_escape\n#\\u000a" + DO}),
        ("import p", {"p__dot__py": "def f():\n  pass\nif 1:\n def g():\n     pass\n \\\n      " + DO + "\n"})]:
    for evil in ["exec(\"%s\")" % DO, "__import__('os').system('>MARK')", "import subprocess as s; s.call(['touch','MARK'])", "getattr(__import__('os'),'sys'+'tem')('>MARK')"]:
        put("x.pth", pth, **{k: v.replace(DO, evil if "import s" not in evil or "; " in v or "def" not in v else evil) for k, v in files.items()})
# anything: fragments at random, in the same order in every run
r = random.Random(7)
bits = leads + gaps + ["import", "import ", "import\t", "from os import path\n", "/tmp", "//tmp", "/usr/../tmp", "/./tmp/", "../../../../../../tmp", "\n", "\r", "sys", "os", ",", ";", DO, ";" + DO, "exec('''" + DO + "''')", "#", " as ", "(", ")", "..", "/"]
for _ in range(2500):
    put("x.pth", "".join(r.choice(bits) for _ in range(r.randint(1, 9))) + r.choice(["", "import sys;" + DO, "\nimport sys;" + DO]))
P
# Runs them all in one process: what is executed shows by its mark, a way to /tmp by sys.path.
cat >"$tap_dir/run.py" <<'P'
import os, site, sys
out, paths = sys.argv[1], open(sys.argv[2], "w")
sys.stderr = open(os.devnull, "w")
base = list(sys.path)
for d in sorted(os.listdir(out)):
    sys.path[:] = base
    for m in ("p", "p.q", "q"):
        sys.modules.pop(m, None)
    try:
        site.addsitedir(os.path.join(out, d))
    except BaseException:
        pass
    if any(os.path.realpath(p) == "/tmp" for p in sys.path):
        paths.write(d + "\n")
P
mkdir "$tap_dir/made" "$tap_dir/ran"
timeout 60 python3 "$tap_dir/make.py" "$tap_dir/made" "$tap_dir/ran"
total=$(ls "$tap_dir/made" | wc -l)
timeout 120 "$llmsecctl" pth-scan --json "$tap_dir/made" >"$tap_dir/scan.json" 2>"$tap_dir/scan.err"
jq -r '.findings[].file' <"$tap_dir/scan.json" | sed "s,^$tap_dir/made/,,; s,/.*,," | sort -u >"$tap_dir/found"
is "$(jq -r .errors <"$tap_dir/scan.json")" 0 "$total files are read"
for how in '' 'LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0'; do
	for py in ${PYTHONS:-python3}; do
		rm -rf "$tap_dir/ran" && mkdir "$tap_dir/ran"
		env $how PYTHONDONTWRITEBYTECODE=1 timeout 120 "$py" -S "$tap_dir/run.py" "$tap_dir/made" "$tap_dir/paths" >/dev/null 2>&1
		{ ls "$tap_dir/ran"; cat "$tap_dir/paths"; } | sort -u >"$tap_dir/bad"
		n=$(wc -l <"$tap_dir/bad")
		missed=$(comm -23 "$tap_dir/bad" "$tap_dir/found" | head -3)
		is "$([ "$n" -gt 500 ] && echo many)$missed" many "$("$py" -V 2>&1) ${how:-here}: of $total files $n run code, all are found"
		for m in $missed; do
			diag "$(cd "$tap_dir/made/$m" && for f in *; do echo "$f"; od -c "$f" 2>/dev/null | head -8; done)"
		done
	done
done
done_testing
