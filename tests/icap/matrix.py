#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""matrix.py PORT DIR [TABLE]: every sample of samples.py through the service llmsec-egress, in six disguises and both directions, on one
connection.  Prints what was not as it should be, then "N refused, M passed".  TABLE: a file for all of it."""
import json, sys
from icap_client import Icap

port, d = int(sys.argv[1]), sys.argv[2]
DISGUISES = {   # file, Content-Type, further headers, end of the URL
    "raw": ("raw", "application/octet-stream", [], ""),
    "form": ("form", "multipart/form-data; boundary=XyZ", [], ""),
    "json": ("json", "application/json", [], ""),
    "gzip": ("gz", "application/octet-stream", ["Content-Encoding: gzip"], ""),
    "name": ("raw", "application/octet-stream", ['Content-Disposition: attachment; filename="holiday.png"'], "/holiday.png"),
    "type": ("raw", "image/png", [], ""),
}


icap, refused, passed = Icap(port), 0, 0
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
