#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""content_origin.py PORT DIR: an origin that answers as asked.  GET /NAME sends DIR/NAME; /HOW/NAME sends it in one of the ways below.
POST and PUT answer with the number of bytes that came, and say so on standard error."""
import gzip, http.server, os, subprocess, sys

CODING = {"lie": "gzip", "gz": "gzip", "gz2": "gzip", "list": "gzip, gzip", "br": "br", "zstd": "zstd"}


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read_body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        out = b""
        while (n := int(self.rfile.readline().split(b";")[0], 16)) > 0:
            out += self.rfile.read(n)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def do_GET(self):
        how, _, name = self.path.partition("?")[0][1:].partition("/")
        if not name:
            return super().do_GET() if self.command == "GET" else super().do_HEAD()
        data = open(name, "rb").read()
        if how in ("gz", "gz2", "list", "te"):
            data = gzip.compress(data)
        if how in ("gz2", "list"):
            data = gzip.compress(data)
        if how == "br":
            data = subprocess.run(["brotli", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
        if how == "close":              # ended by the end of the connection
            self.protocol_version = "HTTP/1.0"
            self.close_connection = True
        if how == "nothing":
            self.send_response(304)
            self.send_header("ETag", '"x"')
            self.end_headers()
            return
        self.send_response(206 if how == "range" else 200)
        self.send_header("Content-Type", "image/png" if how == "as" else "text/plain")
        if how == "range":              # that nobody asked for
            data = data[:-1]
            self.send_header("Content-Range", f"bytes 0-{len(data) - 1}/{len(data) + 1}")
        if how in CODING:
            self.send_header("Content-Encoding", CODING[how])
        if how in ("chunked", "te"):
            self.send_header("Transfer-Encoding", "chunked" if how == "chunked" else "gzip, chunked")
            data = b"".join(b"%x;x=y\r\n" % len(data[i:i + 9]) + data[i:i + 9] + b"\r\n" for i in range(0, len(data), 9)) + b"0\r\n\r\n"
        elif how != "close":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET

    def do_POST(self):
        print("BODY", self.path, file=sys.stderr, flush=True)
        n = str(len(self.read_body())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(n)))
        self.end_headers()
        self.wfile.write(n)

    do_PUT = do_PATCH = do_POST


os.chdir(sys.argv[2])
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
