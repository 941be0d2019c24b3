"""Tokens that an application which verifies HS256 with one secret must refuse, each under its row of the acceptance catalogue.

Wherever the row is about something other than the signature, the signature is right: only the guard in question can refuse the token.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.support.issuer import base64url, claims, hmac_signer, hs256, key, token

ATTACKER = "http://127.0.0.1:9/keys.json"


class Forgery(NamedTuple):
    """One token to refuse. `make` takes the application's secret; the token names the user "alice"."""

    row: str
    name: str
    make: Callable[[str], str]

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def signed(header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes) -> Callable[[str], str]:
    """A token with exactly this header and payload and the right signature."""
    return lambda secret: token(header, payload, hmac_signer(secret))


def _header(**members: Any) -> Callable[[str], str]:
    return lambda secret: hs256(secret, **members)


def _claims(**members: Any) -> Callable[[str], str]:
    """An honest token but for these claims; None drops one."""
    return lambda secret: hs256(secret, {name: value for name, value in claims(**members).items() if value is not None})


def _soon(claim: str) -> Callable[[str], str]:
    """An honest token but for a claim that lies a minute from when it is made."""

    def make(secret: str) -> str:
        return _claims(**{claim: int(time.time()) + 60})(secret)

    return make


def _raw_claim(member: str) -> Callable[[str], str]:
    """A payload whose last member is given as JSON text."""
    honest = json.dumps({name: value for name, value in claims().items() if f'"{name}"' not in member})
    return signed({"alg": "HS256"}, f"{honest[:-1]}, {member}}}".encode())


def _unsigned(algorithm: Any, signature: str) -> Callable[[str], str]:
    def make(_: str) -> str:
        parts = [{"typ": "JWT", "alg": algorithm}, claims()]
        return ".".join([*(base64url(json.dumps(part).encode()) for part in parts), signature])

    return make


def _j1() -> dict[str, Callable[[str], str]]:
    spellings: dict[str, Any] = {
        **{name: name for name in ("none", "None", "NONE", "nOnE", "none ", "HS256 ", "hs256", "HS999", "dir", "A128KW")},
        "empty": "",
        "null": None,
        "list": ["HS256"],
        "nested": [["HS256"]],
        "integer": 256,
        "true": True,
        "object": {"HS256": 1},
    }
    return {
        **{f"alg {name}, signed": _header(alg=value) for name, value in spellings.items()},
        **{f"alg {name}, empty signature": _unsigned(value, "") for name, value in spellings.items()},
        **{f"alg {name}, some signature": _unsigned(value, "AAAA") for name, value in spellings.items()},
        "alg absent": signed({"typ": "JWT"}, claims()),
        "no third part": lambda _: _unsigned("none", "")("").rstrip("."),
        "HS512, which is not allowed": lambda secret: token({"alg": "HS512"}, claims(), hmac_signer(secret, "HS512")),
        "RS256 with a key of the attacker": lambda _: key("RS256", "attacker").token(),
    }


def _j3() -> dict[str, Callable[[str], str]]:
    own = key("RS256", "attacker")
    members: dict[str, Any] = {"jwk": own.jwk(), "jku": ATTACKER, "x5u": ATTACKER, "x5c": ["MIIB"], "jwk null": None, "jku empty": ""}
    kids = {
        "path": "../../../../dev/null",
        "absolute path": "/dev/null",
        "file": "file:///dev/null",
        "url": ATTACKER,
        "sql": "x' UNION SELECT 'secret'--",
        "quote": '"',
        "command": "key|/usr/bin/id",
        "space": "a b",
        "newline": "a\nb",
        "nul": "a\0b",
        "oversize": "k" * 256,
        "list": ["a"],
        "integer": 5,
        "null": None,
        "empty": "",
        "object": {"a": 1},
        "not ASCII": "schl\u00fcssel",
    }
    return {
        **{f"{name} header, right signature": _header(**{name.split()[0]: value}) for name, value in members.items()},
        **{
            f"{name} header, the attacker's signature": lambda _, n=name, v=value: own.token(**{n.split()[0]: v})
            for name, value in members.items()
        },
        **{f"kid as {name}, right signature": _header(kid=value) for name, value in kids.items()},
        **{
            f"kid as {name}, empty key": lambda _, v=value: token({"alg": "HS256", "kid": v}, claims(), hmac_signer(""))
            for name, value in kids.items()
        },
        "kid of SQL, its own secret": lambda _: token(
            {"alg": "HS256", "kid": "x' UNION SELECT 'secret'--"}, claims(), hmac_signer("secret")
        ),
    }


def _altered(change: Callable[[str, str, str], str]) -> Callable[[str], str]:
    return lambda secret: change(*hs256(secret).split("."))


def _last_letter_respelled(header: str, payload: str, signature: str) -> str:
    """The same bytes in another spelling: 32 bytes leave two bits of the last letter unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return f"{header}.{payload}.{signature[:-1]}{alphabet[alphabet.index(signature[-1]) ^ 1]}"


def _j7() -> dict[str, Callable[[str], str]]:
    other = base64url(json.dumps(claims("bob")).encode())
    return {
        "tampered payload": _altered(lambda h, p, s: f"{h}.{other}.{s}"),
        "tampered header": _altered(lambda h, p, s: f"{base64url(b'{"alg":"HS256"}')}.{p}.{s}"),
        "another secret": lambda _: hs256("another secret, long enough to be one: 8f1c"),
        "empty secret": lambda _: hs256(""),
        "empty signature": _altered(lambda h, p, s: f"{h}.{p}."),
        "zero signature": _altered(lambda h, p, s: f"{h}.{p}.{base64url(bytes(32))}"),
        "short signature": _altered(lambda h, p, s: f"{h}.{p}.{s[:-4]}"),
        "long signature": _altered(lambda h, p, s: f"{h}.{p}.{s}AAAA"),
        "padded": _altered(lambda h, p, s: f"{h}.{p}.{s}="),
        "another spelling of the signature": _altered(_last_letter_respelled),
        "junk in the signature": _altered(lambda h, p, s: f"{h}.{p}.{s[:9]}!{s[9:]}"),
        "junk in the payload": _altered(lambda h, p, s: f"{h}.{p}*.{s}"),
        "white space inside": _altered(lambda h, p, s: f"{h}. {p}.{s}"),
        "tab inside": _altered(lambda h, p, s: f"{h}.{p}\t.{s}"),
        "standard base64": _standard_base64,
        "two parts": _altered(lambda h, p, s: f"{h}.{s}"),
        "four parts": _altered(lambda h, p, s: f"{h}.{p}.{s}.{s}"),
        "five parts": _altered(lambda h, p, s: f"{h}..{p}.{s}.{s}"),
        "dots": lambda _: "..",
        "empty header": _altered(lambda h, p, s: f".{p}.{s}"),
        "header twice alg": signed(b'{"alg":"HS256","alg":"HS256"}', claims()),
        "header twice alg, none first": signed(b'{"alg":"none","alg":"HS256"}', claims()),
        "header twice kid": signed(b'{"alg":"HS256","kid":"a","kid":"b"}', claims()),
        "header twice in a nested object": signed(b'{"alg":"HS256","x":{"a":1,"a":2}}', claims()),
        "header with a name escaped twice": signed(b'{"alg":"HS256","\\u0061lg":"HS256"}', claims()),
        "claim twice": signed({"alg": "HS256"}, b'{"sub":"bob","sub":"alice","exp":99999999999}'),
        "header list": signed(b'["HS256"]', claims()),
        "header number": signed(b"5", claims()),
        "header not JSON": signed(b"alg=HS256", claims()),
        "header not UTF-8": signed(b'{"alg":"HS256","x":"\xff"}', claims()),
        "payload list": signed({"alg": "HS256"}, b'["alice"]'),
        "payload null": signed({"alg": "HS256"}, b"null"),
        "payload not JSON": signed({"alg": "HS256"}, b"sub=alice"),
        "payload not UTF-8": signed({"alg": "HS256"}, b'{"sub":"alice","exp":99999999999,"x":"\xff"}'),
    }


def _standard_base64(secret: str) -> str:
    """A token with `+` or `/` where base64url has `-` and `_`; the signature is over what is sent."""
    payload = base64url(json.dumps({**claims(), "x": "\u00fb\u00ff\u00fe???>>>~~~"}, ensure_ascii=False).encode())
    signing_input = f"{base64url(b'{"alg":"HS256"}')}.{payload.replace('-', '+').replace('_', '/')}"
    assert "+" in signing_input or "/" in signing_input
    return f"{signing_input}.{base64url(hmac_signer(secret)(signing_input.encode()))}"


def _deep(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return f'{{"alg":"HS256","x":{opening * depth}1{closing * depth}}}'.encode()


def _j8() -> dict[str, Callable[[str], str]]:
    return {
        "header 20,000 deep": signed(_deep(20_000), claims()),
        "header 2,500 deep": signed(_deep(2_500), {"sub": "alice", "exp": 99999999999}),
        "header of objects 500 deep": signed(_deep(500, '{"a":', "}"), claims()),
        "header 20,000 deep, unclosed": lambda _: f"{base64url(b'[' * 20_000)}.e30.AAAA",
        "header 5,000 deep, unclosed": lambda _: f"{base64url(b'[' * 5_000)}.e30.AAAA",
        "payload 20,000 deep": lambda _: f"{base64url(b'{"alg":"HS256"}')}.{base64url(b'[' * 20_000)}.AAAA",
        "over 8 KiB": _claims(x="y" * 8192),
        "just over 8 KiB": lambda secret: sized_token(secret, 8193),
        "60 KB of dots": lambda _: "." * 60_000,
        "60 KB of letters": lambda _: f"{'A' * 30_000}.{'A' * 30_000}.AA",
    }


def sized_token(secret: str, size: int) -> str:
    """A valid token of exactly this many characters."""
    for header in ({"alg": "HS256"}, {"alg": "HS256", "typ": "JWT"}, {"alg": "HS256", "kid": "a"}, {"alg": "HS256", "kid": "ab"}):
        fixed = len(token(header, {"sub": "alice", "exp": 99999999999, "x": ""}, hmac_signer(secret)))
        for more in range((size - fixed) * 3 // 4 - 3, (size - fixed) * 3 // 4 + 4):
            made = token(header, {"sub": "alice", "exp": 99999999999, "x": "y" * more}, hmac_signer(secret))
            if len(made) == size:
                return made
    raise AssertionError(f"no token has {size} characters")


def _j9() -> dict[str, Callable[[str], str]]:
    now = time.time()
    no_number: dict[str, str] = {
        "null": "null",
        "list": "[99999999999]",
        "object": "{}",
        "true": "true",
        "string": '"99999999999"',
        "empty string": '""',
        "infinite": "1e999",
        "Infinity": "Infinity",
        "NaN": "NaN",
        "400 digits": "9" * 400,
        "5,000 digits": "9" * 5000,
    }
    return {
        "exp absent": _claims(exp=None),
        **{f"{claim} {name}": _raw_claim(f'"{claim}": {value}') for claim in ("exp", "nbf", "iat") for name, value in no_number.items()},
        "exp past": _claims(exp=now - 3600),
        "exp past the leeway": _claims(exp=now - 31),
        "exp zero": _claims(exp=0),
        "exp negative": _claims(exp=-1),
        "exp minus infinite": _raw_claim('"exp": -1e999'),
        "nbf future": _claims(nbf=now + 3600),
        "nbf beyond the leeway": _soon("nbf"),
        "iat future": _claims(iat=now + 3600),
        "iat beyond the leeway": _soon("iat"),
    }


def _j10() -> dict[str, Callable[[str], str]]:
    return {"aud of someone else": _claims(aud="someone-else"), "aud list of someone else": _claims(aud=["someone-else"])}


BAD_SUBJECTS: dict[str, Any] = {
    "empty": "",
    "integer": 5,
    "zero": 0,
    "true": True,
    "list": ["alice"],
    "object": {"alice": 1},
    "number": 1.5,
    "NUL": "alice\0",
    "newline": "alice\n",
    "delete": "alice\x7f",
    "C1 control": "alice\x85",
    "slash": "alice/bob",
    "oversize": "a" * 256,
    "much oversize": "a" * 5000,
    "lone surrogate": "alice\ud800",
}


def _j11() -> dict[str, Callable[[str], str]]:
    return {
        "sub missing": signed({"alg": "HS256"}, {"exp": 99999999999}),
        "sub null": signed({"alg": "HS256"}, {"exp": 99999999999, "sub": None}),
        **{f"sub {name}": _claims(sub=value) for name, value in BAD_SUBJECTS.items()},
    }


def _j12() -> dict[str, Callable[[str], str]]:
    return {
        **{f"crit {value}": _header(crit=value) for value in ([], ["exp"], ["b64"], None, "exp", {})},
        **{f"zip {value}": _header(zip=value) for value in ("DEF", "", None)},
        **{
            f"typ {value}": _header(typ=value)
            for value in ("JWE", "JOSE", "jose+json", "id+jwt", "logout+jwt", "", None, 5, ["JWT"], " JWT")
        },
        "b64 false with crit": _header(b64=False, crit=["b64"]),
    }


_ROWS = {"J1": _j1, "J3": _j3, "J7": _j7, "J8": _j8, "J9": _j9, "J10": _j10, "J11": _j11, "J12": _j12}


def forgeries(*rows: str) -> list[Forgery]:
    """The forgeries of these rows, or of all."""
    return [Forgery(row, name, make) for row, build in _ROWS.items() if not rows or row in rows for name, make in build().items()]
