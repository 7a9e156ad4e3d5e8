#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""matrix.py PORT DIR [TABLE]: every sample of samples.py through the service llmsec-egress, in six disguises and both directions, on one
connection.  Prints what was not as it should be, then "N refused, M passed".  TABLE: a file for all of it."""
import json, socket, sys

port, d = int(sys.argv[1]), sys.argv[2]
DISGUISES = {   # file, Content-Type, further headers, end of the URL
    "raw": ("raw", "application/octet-stream", [], ""),
    "form": ("form", "multipart/form-data; boundary=XyZ", [], ""),
    "json": ("json", "application/json", [], ""),
    "gzip": ("gz", "application/octet-stream", ["Content-Encoding: gzip"], ""),
    "name": ("raw", "application/octet-stream", ['Content-Disposition: attachment; filename="holiday.png"'], "/holiday.png"),
    "type": ("raw", "image/png", [], ""),
}


class Icap:
    def __init__(self):
        self.sock = None

    def open(self):
        self.sock = socket.create_connection(("127.0.0.1", port), 20)
        self.file = self.sock.makefile("rb")

    def head(self):
        lines = []
        while (line := self.file.readline().rstrip(b"\r\n")) != b"":
            lines.append(line.decode("latin-1"))
        return lines

    def body(self):
        out = b""
        while (n := int(self.file.readline().split(b";")[0] or b"0", 16)) > 0:
            out += self.file.read(n)
            self.file.readline()
        self.file.readline()
        return out

    def ask(self, up, url, headers, data):
        """(HTTP status of an answer that replaces the message, or 200; body)"""
        if self.sock is None:
            self.open()
        req = f"{'POST' if up else 'GET'} {url} HTTP/1.1\r\nHost: drop.test\r\n"
        mine = "".join(h + "\r\n" for h in headers) + f"Content-Length: {len(data)}\r\n\r\n"
        if up:
            heads, enc = req + mine, f"req-hdr=0, req-body={len(req + mine)}"
        else:
            resp = "HTTP/1.1 200 OK\r\n" + mine
            heads = req + "\r\n" + resp
            enc = f"req-hdr=0, res-hdr={len(req) + 2}, res-body={len(heads)}"
        self.sock.sendall((f"{'REQMOD' if up else 'RESPMOD'} icap://127.0.0.1/llmsec-egress ICAP/1.0\r\nHost: localhost\r\n"
                           f"Encapsulated: {enc}\r\n\r\n{heads}").encode() + b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n")
        icap = self.head()
        if not icap or " 200 " not in icap[0] + " ":
            self.sock = None
            return 0, b""
        enc = next(h for h in icap if h.lower().startswith("encapsulated"))
        status = 200
        if "hdr=" in enc:
            http = self.head()
            if http[0].startswith("HTTP/"):
                status = int(http[0].split()[1])
        got = self.body() if "body=" in enc and "null-body" not in enc else b""
        if any(h.lower() == "connection: close" for h in icap):
            self.sock.close()
            self.sock = None
        return status, got


icap, refused, passed = Icap(), 0, 0
table = open(sys.argv[3] if len(sys.argv) > 3 else "/dev/null", "w")
print("type".ljust(10), *((("up/" if up else "down/") + how).ljust(9) for how in DISGUISES for up in (True, False)), file=table)
for kind in "bad", "good":
    for name in open(f"{d}/{kind}").read().split():
        print(name.ljust(10), end="", file=table)
        for how, (suffix, ctype, more, tail) in DISGUISES.items():
            data = open(f"{d}/{name}.{suffix}", "rb").read()
            for up in True, False:
                status, got = icap.ask(up, "http://drop.test/v1/things" + tail, ["Content-Type: " + ctype] + more, data)
                label = f"{'up' if up else 'down'}/{name}/{how}: {status}"
                if kind == "bad":
                    ok = status == 403 and json.loads(got)["error"]["code"] == "content_not_allowed"
                    refused += ok
                else:
                    ok = status == 200 and got == data
                    passed += ok
                print(" " + ("WRONG" if not ok else "refused" if kind == "bad" else "passed").ljust(9), end="", file=table)
                if not ok:
                    print(label)
        print(file=table)
print(f"{refused} refused, {passed} passed")
