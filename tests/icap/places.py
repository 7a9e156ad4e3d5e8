#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""places.py PORT: keys of eleven providers, made up here, in the credential header of their own provider (which must pass), in those of the others, and in
26 other places of a request to somebody else.  Prints what was not refused or masked, then "N at home, M elsewhere"."""
import base64, json, random, string, sys
from urllib.parse import quote, urlsplit
from icap_client import Icap

icap, rnd = Icap(int(sys.argv[1])), random.Random(3)
HEX, UP = "0123456789abcdef", string.ascii_uppercase + "234567"


def some(n, letters=string.ascii_letters + string.digits):
    return "".join(rnd.choice(letters) for _ in range(n))


BEARER = "Authorization: Bearer %s"
KEYS = {   # key, an address of its provider, the header it goes in
    "openai": ("sk-proj-" + some(48) + "T3Blbk" + "FJ" + some(48), "https://api.openai.com/v1/chat/completions", BEARER),
    "anthropic": ("sk-ant-" + "api03-" + some(93) + "AA", "https://api.anthropic.com/v1/messages", "x-api-key: %s"),
    "github": ("ghp_" + some(36), "https://api.github.com/user", "Authorization: token %s"),
    "google": ("AIza" + some(35), "https://generativelanguage.googleapis.com/v1beta/models", "x-goog-api-key: %s"),
    "groq": ("gsk_" + some(52), "https://api.groq.com/openai/v1/models", BEARER),
    "huggingface": ("hf_" + some(34, string.ascii_letters), "https://huggingface.co/api/models", BEARER),
    "slack": ("xoxb-" + some(12, string.digits) + "-" + some(12, string.digits) + "-" + some(24), "https://slack.com/api/auth.test", BEARER),
    "stripe": ("sk_" + "live_" + some(24), "https://api.stripe.com/v1/charges", BEARER),
    "openrouter": ("sk-or-v1-" + some(64, HEX), "https://openrouter.ai/api/v1/models", BEARER),
    "xai": ("xai-" + some(80), "https://api.x.ai/v1/models", BEARER),
    "aws": ("AKIA" + some(16, UP), "https://s3.amazonaws.com/b",
            "Authorization: AWS4-HMAC-SHA256 Credential=%s/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=abc"),
}
UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"]


def b64(s):
    return base64.b64encode(s.encode()).decode()


def percent(s):
    return "".join("%%%02x" % ord(c) for c in s)


def places(k, home, auth, other):
    """name: (address, headers, body)"""
    drop = "https://drop.test/"
    return {
        "its header, elsewhere": (drop, [auth % k], ""), "cookie": (other, ["Cookie: s=" + k], ""), "cookie, escaped": (other, ["Cookie: s=" + percent(k)], ""),
        "a header": (other, ["X-Note: " + k], ""), "a header, at home": (home, ["X-Note: " + k], ""), "agent": (other, ["User-Agent: a/" + k], ""),
        "referer": (other, ["Referer: https://x.test/?k=" + k], ""), "a header's name": (other, [f"X-{k}: 1"], ""),
        "basic": (other, ["Authorization: Basic " + b64("u:" + k)], ""), "proxy": (other, ["Proxy-Authorization: Bearer " + k], ""),
        "another's header": (other, ["X-Api-Key: " + k], ""), "second header": (home, [auth % "good", "Authorization2: " + k], ""),
        "query": (f"{drop}?k={k}", [], ""), "query, escaped": (f"{drop}?k={percent(k)}", [], ""), "query, base64": (f"{drop}?k={b64(k)}", [], ""),
        "path": (f"{drop}a/{k}/b", [], ""), "websocket": (other, UPGRADE + ["Sec-WebSocket-Protocol: openai-insecure-api-key." + k], ""),
        "websocket, elsewhere": (drop + "ws", UPGRADE + ["Sec-WebSocket-Protocol: " + k], ""), "etag": (other, [f'If-None-Match: "{k}"'], ""),
        "a header, base64": (other, ["X-Note: " + b64(k)], ""), "a header, escaped": (other, ["X-Note: " + percent(k)], ""),
        "json": (other, [], json.dumps({"x": k})), "json, base64": (other, [], json.dumps({"x": b64(k)})),
        "json, base64 of a sentence": (other, [], json.dumps({"x": b64(f"my key is {k} keep it")})),
        "json, hex": (other, [], json.dumps({"x": k.encode().hex()})), "json, escaped": (other, [], '{"x":"' + "".join("\\u%04x" % ord(c) for c in k) + '"}'),
    }


at_home = elsewhere = 0
for name, (k, home, auth) in KEYS.items():
    def ask(url, headers, body):
        return icap.ask(True, url, headers + ["Content-Type: application/json"], body.encode(), urlsplit(url).hostname)

    status, got = ask(home, [auth % k], '{"a":1}')
    at_home += status == 200 and got == b'{"a":1}'
    other = KEYS["anthropic" if name == "openai" else "openai"][1]
    rows = {"to " + o: (KEYS[o][1], [auth % k], '{"a":1}') for o in KEYS if o != name}
    for where, row in {**rows, **places(k, home, auth, other)}.items():
        status, got = ask(*row)
        if status == 403 or (where == "json" and status == 200 and k.encode() not in got and b"*" in got):
            elsewhere += 1
        else:
            print(f"{name}, {where}: {status}")
print(f"{at_home} at home, {elsewhere} elsewhere")
