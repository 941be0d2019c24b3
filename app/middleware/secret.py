"""What makes a text unfit as the shared secret of HS256: a key, whose public half others hold, or something that can be guessed."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterator

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from jose import jwk
from jose.exceptions import JWKError

_PLACEHOLDERS = (
    *("changeme", "changethis", "replaceme", "replacethis", "placeholder", "yoursecret", "yourjwt", "yourkey", "your256bit"),
    *("supersecret", "topsecret", "mysecret", "jwtsecret", "secretkey", "verysecret", "insecure", "donotuse", "example"),
    *("0123456789", "1234567890", "abcdefghij", "qwertyuiop", "password", "passphrase", "correcthorse"),
)
_MIN_DISTINCT = 8
_DER_LOADERS: tuple[Callable[[bytes], object], ...] = (
    serialization.load_der_public_key,
    lambda der: serialization.load_der_private_key(der, password=None),
    x509.load_der_x509_certificate,
)


def is_placeholder(secret: str) -> bool:
    """Return whether the secret is text from a template, repeats itself, or hardly varies. Random text is never taken for one."""
    letters = re.sub(r"[^a-z0-9]", "", secret.lower())
    repeats = secret in (secret + secret)[1:-1]
    return repeats or len(set(secret)) < _MIN_DISTINCT or any(word in letters for word in _PLACEHOLDERS)


def is_key_material(secret: str) -> bool:
    """Return whether the text is a key or certificate: PEM, SSH, JWK or DER, as it stands, in base64 or in hexadecimal.

    python-jose refuses some of these as an HMAC key and lets DER through, which is what an attacker who holds the public key needs.
    """
    return any(_is_key(data) for data in _readings(secret))


def _readings(text: str) -> Iterator[bytes]:
    """The bytes the text may stand for."""
    yield text.replace("\\n", "\n").encode(errors="surrogateescape")
    yield text.encode("latin-1", errors="ignore")
    compact = "".join(text.split()).rstrip("=")
    with contextlib.suppress(ValueError):
        yield base64.b64decode(compact.replace("-", "+").replace("_", "/") + "=" * (-len(compact) % 4), validate=True)
    with contextlib.suppress(ValueError):
        yield bytes.fromhex(compact)


def _is_key(data: bytes) -> bool:
    return b"-----BEGIN" in data or (b"{" in data and b'"kty"' in data) or _is_refused_by_jose(data) or _is_der(data)


def _is_refused_by_jose(data: bytes) -> bool:
    try:
        jwk.construct(data, "HS256")
    except JWKError:
        return True
    return False


def _is_der(data: bytes) -> bool:
    for load in _DER_LOADERS:
        try:
            load(data)
        except TypeError:  # an encrypted private key
            return True
        except Exception:  # noqa: BLE001, S112 - parsers fail in many ways; each says that this is no key of that form
            continue
        return True
    return False
