#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# llmsecctl pth-scan: one start-up file that runs code, packed in every way that gets it into a Python; and the same with one that doesn't.
set -u
: "${srcdir:?}" "${builddir:?}"
. "$srcdir/tests/e2e/lib.sh"
llmsecctl=$builddir/control/llmsecctl
command -v python3 >/dev/null || { skip 'packages' 'no python3'; done_testing; exit; }
cat >"$tap_dir/pack.py" <<'P'
import bz2, gzip, io, lzma, os, struct, sys, tarfile, zipfile
out, line = sys.argv[1], sys.argv[2].encode() + b"\n"
py = sys.argv[3].encode() + b"\n"
def put(name, data):
    with open(out + "/" + name, "wb") as f:
        f.write(data)
def wheel(names, method=zipfile.ZIP_DEFLATED, **kw):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", method, **kw) as z:
        for n, d in names:
            z.writestr(n, d)
    return b.getvalue()
def tar(names, mode="w:gz", format=tarfile.PAX_FORMAT, pax=None):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode=mode, format=format) as t:
        for n, d in names:
            i = tarfile.TarInfo(n)
            i.pax_headers = pax or {}
            if isinstance(d, tuple):
                i.type, i.linkname = d
                t.addfile(i)
            else:
                i.size = len(d)
                t.addfile(i, io.BytesIO(d))
    return b.getvalue()
def ar(files):
    o = b"!<arch>\n"
    for n, d in files:
        o += ("%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (n, 0, 0, 0, "100644", len(d))).encode() + d + b"\n" * (len(d) % 2)
    return o
P = [("x.pth", line)]
meta = [("x-1.dist-info/METADATA", b"Name: x\n"), ("x-1.dist-info/WHEEL", b"Wheel-Version: 1.0\n")]
put("plain-1-py3-none-any.whl", wheel(P + meta))                                     # and no RECORD
put("stored-1-py3-none-any.whl", wheel(P + meta, zipfile.ZIP_STORED))
put("bzip2-1-py3-none-any.whl", wheel(P + meta, zipfile.ZIP_BZIP2))
put("lzma-1-py3-none-any.whl", wheel(P + meta, zipfile.ZIP_LZMA))
put("data-1-py3-none-any.whl", wheel([("x-1.data/purelib/x.pth", line)] + meta))
put("dataroot-1-py3-none-any.whl", wheel([("x-1.data/data/lib/python3.11/site-packages/x.pth", line)] + meta))
put("case-1-py3-none-any.whl", wheel([("X.PtH", line)] + meta))
put("dots-1-py3-none-any.whl", wheel([("./a/.././x.pth", line)] + meta))
put("twice-1-py3-none-any.whl", wheel([("x.pth", b"lib\n")] + P + meta))
put("twice2-1-py3-none-any.whl", wheel(P + [("x.pth", b"lib\n")] + meta))
put("backslash-1-py3-none-any.whl", wheel([("a\\x.pth", line)] + meta))
put("site-1-py3-none-any.whl", wheel([("sitecustomize.py", py)] + meta))
put("user-1-py3-none-any.whl", wheel([("usercustomize/__init__.py", py)] + meta))
put("platlib-1-py3-none-any.whl", wheel([("x-1.data/platlib/usercustomize.py", py)] + meta))
put("module-1-py3-none-any.whl", wheel([("x.pth", b"import x\n"), ("x.py", py)] + meta))
put("module2-1-py3-none-any.whl", wheel([("x/core.py", py), ("x/__init__.py", b"from . import core\n"), ("x.pth", b"import x\n")] + meta))
put("egg-1-py3.11.egg", wheel(P + [("EGG-INFO/PKG-INFO", b"")]))
put("sdist-1.0.tar.gz", tar([("sdist-1.0/setup.py", b""), ("sdist-1.0/x.pth", line)]))
put("sdist-2.0.tar.xz", tar([("sdist-2.0/src/x.pth", line)], "w:xz"))
put("sdist-3.0.tar.bz2", tar([("sdist-3.0/x.pth", line)], "w:bz2"))
put("sdist-4.0.tar", tar([("sdist-4.0/x.pth", line)], "w"))
put("long-1.0.tar.gz", tar([("long-1.0/" + "d/" * 120 + "x.pth", line)], format=tarfile.GNU_FORMAT))
put("paxlong-1.0.tar.gz", tar([("long-1.0/" + "d/" * 120 + "x.pth", line)]))
put("paxname-1.0.tar.gz", tar([("harmless.txt", line)], pax={"path": "x.pth"}))
put("nested-1.0.zip", wheel([("a.bin", tar([("b.bin", wheel(P))]))]))
put("zipsdist-1.0.zip", wheel([("zipsdist-1.0/x.pth", line)]))
put("conda-1-0.tar.bz2", tar([("lib/python3.11/site-packages/x.pth", line), ("info/index.json", b"{}")], "w:bz2"))
put("x.deb", ar([("debian-binary", b"2.0\n"), ("control.tar.xz", tar([("./control", b"")], "w:xz")),
    ("data.tar.xz", tar([("./usr/lib/python3/dist-packages/x.pth", line)], "w:xz"))]))
put("x.pth.gz", gzip.compress(line))
put("x.pth.bz2", bz2.compress(line))
put("x.pth.xz", lzma.compress(line))
if len(sys.argv) > 4:                      # never clean, whatever the line says
    put("hard-1.0.tar.gz", tar([("hard-1.0/a.txt", line), ("hard-1.0/x.pth", (tarfile.LNKTYPE, "hard-1.0/a.txt"))]))
    put("hardmod-1.0.tar.gz", tar([("x.pth", b"import x\n"), ("a.txt", py), ("x.py", (tarfile.LNKTYPE, "a.txt"))]))
    cpio = b""
    for n, d, ino in [("x.pth", b"", 7), ("a.txt", line, 7), ("TRAILER!!!", b"", 0)]:   # newc: the last of the links has the contents, as in an rpm
        h = b"070701" + b"".join(b"%08x" % v for v in (ino, 0o100644, 0, 0, 2 if ino else 1, 0, len(d), 0, 0, 0, 0, len(n) + 1, 0)) + n.encode() + b"\0"
        cpio += h + b"\0" * (-len(h) % 4) + d + b"\0" * (-len(d) % 4)
    put("links.cpio", cpio)
    put("soft-1.0.tar.gz", tar([("soft-1.0/a.txt", line), ("soft-1.0/x.pth", (tarfile.SYMTYPE, "a.txt"))]))
    put("softmod-1-py3-none-any.whl", tar([("x.pth", b"import x\n"), ("x.py", (tarfile.SYMTYPE, "a.txt"))]))
    put("big-1-py3-none-any.whl", wheel([("x.pth", b"#" * 2000000 + b"\n" + line)] + meta))
    put("bigmod-1-py3-none-any.whl", wheel([("x.pth", b"import x\n"), ("x.py", b"#" * 2000000 + b"\n" + py)] + meta))
    put("native-1-py3-none-any.whl", wheel([("x.pth", b"import x\n"), ("x.abi3.so", b"\177ELF")] + meta))
    put("pyc-1-py3-none-any.whl", wheel([("sitecustomize.pyc", b"\247\r\r\n" + b"\0" * 12)] + meta))
    put("cache-1-py3-none-any.whl", wheel([("sitecustomize.py", b""), ("__pycache__/sitecustomize.cpython-311.pyc", b"\247\r\r\n\1" + b"\0" * 12)] + meta))
    put("front-1-py3-none-any.whl", b"#!/bin/sh\n" + wheel(P + meta))
    put("cut-1-py3-none-any.whl", wheel(P + meta)[:-30])
P
mkdir "$tap_dir/evil" "$tap_dir/fine"
python3 "$tap_dir/pack.py" "$tap_dir/evil" 'import os; os.system("id")' 'import os; os.system("id")' hard 2>/dev/null
python3 "$tap_dir/pack.py" "$tap_dir/fine" 'import sys, os' 'import sys' 2>/dev/null
if command -v zstd >/dev/null; then	# conda's format: zstd in a zip that isn't packed
	for kind in evil fine; do
		python3 - "$tap_dir" "$kind" <<'P'
import io, subprocess, sys, tarfile, zipfile
line = b"import os; os.system('id')\n" if sys.argv[2] == "evil" else b"import sys\n"
b = io.BytesIO()
with tarfile.open(fileobj=b, mode="w") as t:
    i = tarfile.TarInfo("lib/python3.11/site-packages/x.pth")
    i.size = len(line)
    t.addfile(i, io.BytesIO(line))
z = subprocess.run(["zstd", "-qc"], input=b.getvalue(), stdout=subprocess.PIPE, check=True).stdout
with zipfile.ZipFile(sys.argv[1] + "/" + sys.argv[2] + "/x-1.conda", "w") as f:
    f.writestr("metadata.json", "{}")
    f.writestr("pkg-x-1.tar.zst", z)
P
	done
else
	skip "conda's packages" 'no zstd'
fi
for f in "$tap_dir"/evil/*; do
	out=$(timeout 30 "$llmsecctl" pth-scan "$f" 2>&1)
	is "$?" 1 "${f##*/}: found"
done
for f in "$tap_dir"/fine/*; do
	out=$(timeout 30 "$llmsecctl" pth-scan "$f" 2>&1)
	like "$? $out" '^0 [12] start-up files, none does anything unknown$' "${f##*/}: harmless"
done
done_testing
