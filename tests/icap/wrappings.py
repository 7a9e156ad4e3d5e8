#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wrappings.py PORT DIR: archives, a program and a document of samples.py in disguises beyond matrix.py's, both directions, through the service
llmsec-egress; and a picture and a text in the same, which must pass byte for byte.  Prints what was not as it should be, then "N refused, M passed"."""
import base64, gzip, json, sys, urllib.parse, zlib
from icap_client import Icap

port, d = int(sys.argv[1]), sys.argv[2]
BIN, JSON = "application/octet-stream", "application/json"


def raw(name):
    return open(f"{d}/{name}.raw", "rb").read()


def brotli(data):
    """RFC 7932: one uncompressed meta-block of at most 64 KB, and the empty last one."""
    head = (len(data) - 1) << 4 | 1 << 20
    return head.to_bytes(3, "little") + data + b"\3"


def b64(data):
    return base64.b64encode(data).decode()


def every(s, n):
    return [s[i:i + n] for i in range(0, len(s), n)]


def js(x):
    return json.dumps(x).encode()


def part(data, boundary=b"XyZ", head=b'Content-Disposition: form-data; name="f"; filename="f.txt"\r\n', nl=b"\r\n", end=b"--\r\n", before=b"", pad=b""):
    return before + b"--" + boundary + pad + nl + head.replace(b"\r\n", nl) + nl + data + nl + b"--" + boundary + end


FORM = "multipart/form-data; boundary="
NAMED = b'Content-Disposition: form-data; name="f"\r\n'
ZIP = raw("zip")
# name: data -> (body, Content-Type, Content-Encoding)
CODED = {
    "deflate": lambda x: (zlib.compress(x), BIN, "deflate"),
    "raw deflate": lambda x: (zlib.compress(x)[2:-4], BIN, "deflate"),
    "br": lambda x: (brotli(x), BIN, "br"),
    "x-gzip": lambda x: (gzip.compress(x), BIN, "x-gzip"),
    "GZIP": lambda x: (gzip.compress(x), BIN, "GZIP"),
    "gzip of members": lambda x: (gzip.compress(x[:7]) + gzip.compress(x[7:]), BIN, "gzip"),
}
TEXT = {
    "hex": lambda x: (js({"x": x.hex()}), JSON, None),
    "HEX": lambda x: (js({"x": x.hex().upper()}), JSON, None),
    "0x": lambda x: (js({"x": "0x" + x.hex()}), JSON, None),
    "\\x": lambda x: (js({"x": "".join("\\x%02x" % c for c in x)}), JSON, None),
    "data:": lambda x: (js({"x": "data:image/png;base64," + b64(x)}), JSON, None),
    "DATA:": lambda x: (js({"x": "DATA:text/plain;charset=utf-8;BASE64," + b64(x)}), JSON, None),
    "data: percent": lambda x: (js({"x": "data:application/x," + urllib.parse.quote_from_bytes(x)}), JSON, None),
    "html": lambda x: (b'<html><a href="data:;base64,' + b64(x).encode() + b'">x</a></html>', "text/html", None),
    "css": lambda x: (b"a { background: url('data:image/gif;base64," + b64(x).encode() + b"') }", "text/css", None),
    "64 a string": lambda x: (js({"x": every(b64(x), 64)}), JSON, None),
    "76 a line": lambda x: (js({"x": "\n".join(every(b64(x), 76))}), JSON, None),
    "spaces": lambda x: (js({"x": " ".join(every(b64(x), 4))}), JSON, None),
    "tabs": lambda x: ("\t".join(every(b64(x), 16)).encode(), "text/plain", None),
    "url-safe": lambda x: (js({"x": base64.urlsafe_b64encode(x).decode().rstrip("=")}), JSON, None),
    "\\u": lambda x: (js({"x": b64(x)}).replace(b"A", b"\\u0041"), JSON, None),
    "all \\u": lambda x: (b'{"x":"' + "".join("\\u%04x" % ord(c) for c in b64(x)).encode() + b'"}', JSON, None),
    "behind text": lambda x: (js({"x": "here it is: " + b64(x) + " end"}), JSON, None),
    "as a key": lambda x: (js({b64(x): 1}), JSON, None),
    "in gzip": lambda x: (gzip.compress(js({"x": b64(x)})), JSON, "gzip"),
    "utf-16": lambda x: (json.dumps({"x": b64(x)}).encode("utf-16"), JSON, None),
    "ndjson": lambda x: (b'{"a":1}\n' + js({"x": b64(x)}) + b"\n", "application/x-ndjson", None),
    "sse": lambda x: (b"data: " + js({"x": b64(x)}) + b"\n\n", "text/event-stream", None),
    "xml": lambda x: (b"<a><b>" + b64(x).encode() + b"</b></a>", "application/xml", None),
    "yaml": lambda x: (b"a: !!binary |\n" + b"".join(b"  " + s.encode() + b"\n" for s in every(b64(x), 60)), "application/yaml", None),
    "mail": lambda x: (b"Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + "\r\n".join(every(b64(x), 76)).encode() + b"\r\n", "message/rfc822", None),
    "pem": lambda x: (b"-----BEGIN DATA-----\n" + "\n".join(every(b64(x), 64)).encode() + b"\n-----END DATA-----\n", "text/plain", None),
    "twice": lambda x: (js({"x": b64(b64(x).encode())}), JSON, None),
    "json in json": lambda x: (js({"x": json.dumps({"y": json.dumps({"z": b64(x)})})}), JSON, None),
    "behind a word": lambda x: (b"hello\n" + b64(x).encode(), "text/plain", None),
    "behind a list": lambda x: (b"a\nbb\nccc\ndddd\n" + "\n".join(every(b64(x), 64)).encode(), "text/plain", None),
    "hex behind a word": lambda x: (b"hello\n" + x.hex().encode(), "text/plain", None),
    "8 a string": lambda x: (js({"x": every(b64(x), 8)}), JSON, None),
    "2 a string": lambda x: (js({"x": every(b64(x), 2)}), JSON, None),
    "pretty": lambda x: (json.dumps({"x": every(b64(x), 20)}, indent=4).encode(), JSON, None),
    "urlencoded": lambda x: (b"a=1&f=" + urllib.parse.quote(b64(x), safe="").encode(), "application/x-www-form-urlencoded", None),
}
FORMS = {
    "odd boundary": lambda x: (part(x, b"a b'()+_,-./:=?c"), FORM + "\"a b'()+_,-./:=?c\"", None),
    "boundary of 70": lambda x: (part(x, b"b" * 70), FORM + "b" * 70, None),
    "more parameters": lambda x: (part(x), "multipart/form-data; charset=utf-8; boundary=XyZ; x=y", None),
    "BOUNDARY": lambda x: (part(x), "Multipart/Form-Data; BOUNDARY=XyZ", None),
    "related": lambda x: (part(x), 'multipart/related; boundary="XyZ"', None),
    "filename*": lambda x: (part(x, head=b"Content-Disposition: form-data; name=f; filename*=UTF-8''%e2%82%ac.txt; filename=\"a\\\"b.png\"\r\n"), FORM + "XyZ", None),
    "second part": lambda x: (part(b"a", end=b"\r\n") + part(x)[5 + 2:], FORM + "XyZ", None),
    "said to be text": lambda x: (part(x), "text/plain", None),
    "in gzip": lambda x: (gzip.compress(part(x)), FORM + "XyZ", "gzip"),
    "json in it": lambda x: (part(js({"x": b64(x)}), head=NAMED + b"Content-Type: application/json\r\n"), FORM + "XyZ", None),
}
# only for what is refused: the disguise itself is an archive, or a form that readers may take apart in two ways (multipart.c)
HARD = {
    "mixed, nested": lambda x: (part(part(part(x, b"in2"), b"in", b"Content-Type: multipart/mixed; boundary=in2\r\n"),
        head=b"Content-Type: multipart/mixed; boundary=in\r\n"), "multipart/mixed; boundary=XyZ", None),
    "nested twice": lambda x: (part(part(part(x, b"in2"), b"in", b"Content-Type: multipart/mixed; boundary=in2\r\n"),
        head=NAMED + b"Content-Type: multipart/mixed; boundary=in\r\n"), FORM + "XyZ", None),
    "nested": lambda x: (part(part(x, b"in"), head=NAMED + b"Content-Type: multipart/mixed; boundary=in\r\n"), FORM + "XyZ", None),
    "base64": lambda x: (part("\r\n".join(every(b64(x), 76)).encode(), head=NAMED + b"Content-Transfer-Encoding: base64\r\n"), FORM + "XyZ", None),
    "no headers": lambda x: (part(x, head=b""), FORM + "XyZ", None),
    "padded": lambda x: (part(x, pad=b" \t"), FORM + "XyZ", None),
    "cut": lambda x: (part(x)[:-10], FORM + "XyZ", None),
    "no last boundary": lambda x: (part(x, end=b""), FORM + "XyZ", None),
    "preamble": lambda x: (part(x, before=b"not a part\r\n"), FORM + "XyZ", None),
    "gzip of gzip": lambda x: (gzip.compress(gzip.compress(x)), BIN, "gzip"),
    "gzip, gzip": lambda x: (gzip.compress(gzip.compress(x)), BIN, "gzip, gzip"),
    "zstd": lambda x: (x, BIN, "zstd"),
    "no such coding": lambda x: (x, BIN, "x-none"),
    "two boundaries": lambda x: (part(x), "multipart/form-data; boundary=other; boundary=XyZ", None),
    "LF only": lambda x: (part(x, nl=b"\n"), FORM + "XyZ", None),
}
POLYGLOTS = {
    "png+zip": raw("png") + ZIP,
    "png+text+zip": raw("png") + b"x" * 5000 + ZIP,
    "pdf+zip": b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n" + ZIP,
    "html+zip": b"<!DOCTYPE html><html><body>hello</body></html>\n<!--" + ZIP,
    "gif+zip": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;" + ZIP,
    "jpeg+zip": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9" + ZIP,
    "text+zip": b"plain text\n" * 7000 + ZIP,
    "shell+zip": b"#!/bin/sh\nexit\n" + ZIP,
    "zip+text": ZIP + b"\nand more\n" * 10,
}

icap, refused, passed = Icap(port), 0, 0


def ask(up, body, ctype, coding):
    return icap.ask(up, "http://drop.test/v1/things", ["Content-Type: " + ctype] + (["Content-Encoding: " + coding] if coding else []), body)


for up in True, False:
    for kind, table in ("coded", CODED), ("text", TEXT), ("form", FORMS), ("hard", HARD):
        for how, f in table.items():
            for name in "zip", "7z", "elf", "pdf", "tar":
                body = f(raw(name))
                status, got = ask(up, *body)
                if status >= 400 or len(got) < len(body[0]):  # what was let go already is cut
                    refused += 1
                else:
                    print(f"{'up' if up else 'down'}/{kind}/{how}/{name}: {status}")
            for name in ("png", "text") if kind != "hard" else ():
                body = f(raw(name))
                status, got = ask(up, *body)
                if status == 200 and got == body[0]:
                    passed += 1
                else:
                    print(f"{'up' if up else 'down'}/{kind}/{how}/{name}: {status}")
    for how, body in POLYGLOTS.items():
        status, got = ask(up, body, "image/png", None)
        if status >= 400 or len(got) < len(body):
            refused += 1
        else:
            print(f"{'up' if up else 'down'}/{how}: {status}")
print(f"{refused} refused, {passed} passed")
