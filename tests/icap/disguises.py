#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""disguises.py DIR: a private key and archives of it, as attackers dress them, and a harmless text; DIR/x.zip must be there."""
import base64, gzip, io, json, os, sys, tarfile

out = sys.argv[1]
key = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.b64encode(os.urandom(900)).decode() + "\n-----END OPENSSH PRIVATE KEY-----\n"


def put(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def tar(mode):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode=mode) as t:
        i = tarfile.TarInfo("id_ed25519")
        i.size = len(key)
        t.addfile(i, io.BytesIO(key.encode()))
    return b.getvalue()


tgz, zipped = tar("w:gz"), open(os.path.join(out, "x.zip"), "rb").read()
text = json.dumps({"x": base64.b64encode(tgz).decode()})
quiet = b"a quiet line\n" * 200
put("k.tar", tar("w"))
put("k.tgz", tgz)
put("pem", key)
put("b64.json", text)
put("hex.json", json.dumps({"x": tgz.hex()}))
put("b64-40k.json", json.dumps({"x": base64.b64encode(tgz + os.urandom(40000)).decode()}))
put("utf16.json", text.encode("utf-16"))
put("utf16le.json", text.encode("utf-16-le"))
put("utf32.json", text.encode("utf-32"))
put("bom.json", b"\xef\xbb\xbf" + text.encode())
put("latin.json", json.dumps({"x": zipped.decode("latin-1")}))
put("percent.form", "f=" + "".join("%%%02x" % b for b in zipped))
put("nested.form", b"--A\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\n" + tgz + b"\r\n--B--\r\n\r\n--A--\r\n")
put("preamble.form", b"x\r\n--A\r\nContent-Type: text/plain\r\n\r\n" + tgz + b"\r\n--A--\r\n")
put("pem.gz", gzip.compress(key.encode()))
put("pad.txt", "a quiet line\n" * 90000 + key)
put("quiet.txt", quiet)
put("quiet.gz", gzip.compress(quiet))
put("escaped.json", json.dumps({"x": key}).replace("P", "\\u0050"))
put("pem64.json", json.dumps({"x": base64.b64encode(key.encode()).decode()}))
put("pemhex.json", json.dumps({"x": key.encode().hex()}))
