#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One small file of each type, and what an attacker makes of it: DIR/TYPE.raw, .form (multipart/form-data), .json (base64 in
JSON), .gz (the body under a content coding).  DIR/bad lists the types that are archives, programs or documents; DIR/good others.
Made by the formats' own tools where Python has them, else from the signatures in the formats' specifications."""
import base64, bz2, gzip, io, json, lzma, os, pickle, random, struct, sys, tarfile, zipfile, zlib

out = sys.argv[1]
rnd = random.Random(7)
noise = bytes(rnd.randrange(256) for _ in range(1500))
text = b"A quiet line of text, to be packed.\n" * 20


def zipped(**members):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(name.replace("__s", "/").replace("__d", ".").replace("__h", "-"), data)
    return b.getvalue()


def odt():
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        z.writestr("content.xml", "<x/>")
    return b.getvalue()


def tarred():
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w") as t:
        i = tarfile.TarInfo("a.txt")
        i.size = len(text)
        t.addfile(i, io.BytesIO(text))
    return b.getvalue()


def ar(first, body):
    return b"!<arch>\n" + first.ljust(16) + b"0           0     0     100644  " + str(len(body)).encode().ljust(10) + b"`\n" + body


def cpio():
    name = b"a.txt\0"
    head = b"070701" + b"%08x" * 13 % (1, 0o100644, 0, 0, 1, 0, len(text), 0, 0, 0, 0, len(name), 0)
    return head + name + b"\0" * 3 + text + b"\0" * 600


def pe():
    return b"MZ" + b"\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + b"\0" * 44 + struct.pack("<I", 128) + b"\0" * 64 + b"PE\0\0d\x86" + noise


bad = {
    "zip": zipped(a__dtxt=text), "tar": tarred(), "gzip": gzip.compress(text), "bzip2": bz2.compress(text), "xz": lzma.compress(text),
    "lzma": lzma.compress(text, format=lzma.FORMAT_ALONE), "zlib": zlib.compress(text),
    "7z": b"7z\xbc\xaf\x27\x1c\0\4" + noise, "rar": b"Rar!\x1a\x07\1\0" + noise, "rar4": b"Rar!\x1a\x07\0" + noise,
    "zst": b"\x28\xb5\x2f\xfd\x04\x58" + noise, "lz4": b"\x04\x22\x4d\x18\x64\x40\xa7" + noise, "cab": b"MSCF\0\0\0\0" + noise,
    "ar": ar(b"x.o/", noise), "deb": ar(b"debian-binary", b"2.0\n"), "rpm": b"\xed\xab\xee\xdb\3\0" + noise,
    "iso": b"\0" * 32768 + b"\1CD001\1\0" + noise, "cpio": cpio(), "xar": b"xar!\0\x1c\0\1" + noise, "compress": b"\x1f\x9d\x90" + noise,
    "jar": zipped(META__hINF__sMANIFEST__dMF=b"Manifest-Version: 1.0\n", A__dclass=noise), "wheel": zipped(p__h1__ddist__hinfo__sWHEEL=b"x", p__dpy=b"1"),
    "elf": b"\x7fELF\2\1\1\0" + b"\0" * 8 + b"\2\0\x3e\0" + noise, "pe": pe(), "macho": b"\xcf\xfa\xed\xfe\7\0\0\1" + noise,
    "script": b"#!/bin/sh\nid\ncurl example.org\n", "batch": b"@echo off\r\ndel x\r\nstart y\r\n", "class": b"\xca\xfe\xba\xbe\0\0\0\x34" + noise,
    "wasm": b"\0asm\1\0\0\0" + noise, "dex": b"dex\n035\0" + noise, "pickle": pickle.dumps({"a": text, "b": list(range(200))}, 4),
    "lnk": b"L\0\0\0\x01\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46" + noise,
    "pdf": b"%PDF-1.7\n1 0 obj<<>>endobj\n" + noise + b"\n%%EOF\n", "docx": zipped(word__sdocument__dxml=b"<w/>"),
    "xlsx": zipped(xl__sworkbook__dxml=b"<x/>"), "odt": odt(), "ole2": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise,
    "rtf": b"{\\rtf1\\ansi A quiet line of text}",
}
good = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0" + noise, "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + noise,
    "wav": b"RIFF\x24\0\0\0WAVEfmt " + noise, "text": text, "html": b"<!doctype html><p>" + text, "noise": b"\xf1\xf2" + noise,
}


def write(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


for name, data in {**bad, **good}.items():
    write(name + ".raw", data)
    write(name + ".form", b'--XyZ\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--XyZ\r\nContent-Disposition: form-data; '
          b'name="f"; filename="cat.png"\r\nContent-Type: image/png\r\n\r\n' + data + b"\r\n--XyZ--\r\n")
    write(name + ".json", json.dumps({"note": "see below", "files": [{"name": "cat.png", "data": base64.b64encode(data).decode()}]}).encode())
    write(name + ".gz", gzip.compress(data))
write("bad", "\n".join(bad).encode())
write("good", "\n".join(good).encode())
