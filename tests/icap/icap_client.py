# SPDX-License-Identifier: MIT
"""One connection to the service llmsec-egress, for matrix.py, places.py and wrappings.py."""
import socket


class Icap:
    def __init__(self, port):
        self.port, self.sock = port, None

    def open(self):
        self.sock = socket.create_connection(("127.0.0.1", self.port), 20)
        self.file = self.sock.makefile("rb")

    def head(self):
        lines = []
        while (line := self.file.readline().rstrip(b"\r\n")) != b"":
            lines.append(line.decode("latin-1"))
        return lines

    def body(self):
        """What came, also where the connection ended before it."""
        out = b""
        while (line := self.file.readline()) != b"":
            n = int(line.split(b";")[0], 16)
            out += self.file.read(n)
            if self.file.readline() == b"" or n == 0:
                return out
        self.sock.close()
        self.sock = None
        return out

    def ask(self, up, url, headers, data, host="drop.test"):
        """(HTTP status of an answer that replaces the message, or 200; body)"""
        if self.sock is None:
            self.open()
        req = f"{'POST' if up else 'GET'} {url} HTTP/1.1\r\nHost: {host}\r\n"
        mine = "".join(h + "\r\n" for h in headers) + f"Content-Length: {len(data)}\r\n\r\n"
        if up:
            heads, enc = req + mine, f"req-hdr=0, req-body={len(req + mine)}"
        else:
            resp = "HTTP/1.1 200 OK\r\n" + mine
            heads = req + "\r\n" + resp
            enc = f"req-hdr=0, res-hdr={len(req) + 2}, res-body={len(heads)}"
        self.sock.sendall((f"{'REQMOD' if up else 'RESPMOD'} icap://127.0.0.1/llmsec-egress ICAP/1.0\r\nHost: localhost\r\n"
                           f"Encapsulated: {enc}\r\n\r\n{heads}").encode() + (b"%x\r\n" % len(data) + data + b"\r\n" if data else b"") + b"0\r\n\r\n")
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
        if self.sock is not None and any(h.lower() == "connection: close" for h in icap):
            self.sock.close()
            self.sock = None
        return status, got
