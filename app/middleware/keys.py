"""Signature algorithms, the key each of them takes, and how a public key becomes one that python-jose verifies with.

An algorithm and a key belong together by *kind* (RFC 7518, RFC 8037): ES256 takes an EC key on P-256 and nothing else. A key is
built once for each of its algorithms; nothing of a token ever chooses how a key is read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JWKError

type PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class KeyKind(NamedTuple):
    """The family of a key: `kty` and, where the family has several, the curve, in the words of a JWK."""

    kty: str
    crv: str | None = None


SECRET = KeyKind("oct")

KINDS: Mapping[str, KeyKind] = {
    "HS256": SECRET,
    "HS384": SECRET,
    "HS512": SECRET,
    "RS256": KeyKind("RSA"),
    "RS384": KeyKind("RSA"),
    "RS512": KeyKind("RSA"),
    "ES256": KeyKind("EC", "P-256"),
    "ES384": KeyKind("EC", "P-384"),
    "ES512": KeyKind("EC", "P-521"),
    "EdDSA": KeyKind("OKP", "Ed25519"),
}
"""Every algorithm that can be allowed, with the kind of key it takes."""

MIN_RSA_BITS = 2048
"""The shortest RSA key RFC 7518 permits."""

_CURVES = {"P-256": SECP256R1(), "P-384": SECP384R1(), "P-521": SECP521R1()}
_CURVE_NAMES = {curve.name: crv for crv, curve in _CURVES.items()}
_MAX_NUMBER_CHARACTERS = 2048


class Ed25519Key(Key):
    """Verifies EdDSA signatures for python-jose, which brings no key class for them."""

    def __init__(self, key: bytes, algorithm: str) -> None:
        """Take the public key in PEM, as python-jose's own key classes do."""
        loaded = load_pem_public_key(key)
        if algorithm != "EdDSA" or not isinstance(loaded, Ed25519PublicKey):
            raise JWKError(f"no Ed25519 key, or not EdDSA but {algorithm}")
        self._key = loaded

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Return whether `sig` is this key's signature of `msg`."""
        try:
            self._key.verify(sig, msg)
        except InvalidSignature:
            return False
        return True


jwk.register_key("EdDSA", Ed25519Key)


def kind_of(key: PublicKey) -> KeyKind:
    """Return the kind of a public key. Raises ValueError, saying what is wrong, for a key no algorithm takes."""
    if isinstance(key, RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise ValueError(f"is an RSA key of {key.key_size} bits; at least {MIN_RSA_BITS} are needed")
        return KeyKind("RSA")
    if isinstance(key, Ed25519PublicKey):
        return KeyKind("OKP", "Ed25519")
    curve = _CURVE_NAMES.get(key.curve.name)
    if curve is None:
        raise ValueError(f"is an EC key on {key.curve.name}; P-256, P-384 and P-521 are supported")
    return KeyKind("EC", curve)


def algorithms_for(kind: KeyKind, allowed: Iterable[str]) -> tuple[str, ...]:
    """Return those of the `allowed` algorithms that a key of this kind verifies, in their order."""
    return tuple(algorithm for algorithm in allowed if KINDS[algorithm] == kind)


def build_key(key: PublicKey | bytes, algorithm: str) -> Key:
    """Return python-jose's key for `algorithm`: from a public key, or from the bytes of a shared secret for HS*."""
    data = key if isinstance(key, bytes) else key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return jwk.construct(data, algorithm)


def load_public_key(pem: str) -> PublicKey:
    """Read a public key or a certificate in PEM; line ends may be written as a literal backslash and n.

    Raises ValueError with a text that completes "JWT_PUBLIC_KEY …".
    """
    data = pem.replace("\\n", "\n").strip().encode()
    if b"PRIVATE KEY-----" in data:
        raise ValueError("is a private key; only its public half belongs here")
    try:
        if data.startswith(b"-----BEGIN CERTIFICATE-----"):
            key = x509.load_pem_x509_certificate(data).public_key()
        else:
            key = load_pem_public_key(data)
    except Exception as error:
        raise ValueError("is no public key or certificate in PEM format") from error
    if not isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey):
        raise ValueError("is a key of an unsupported type; RSA, EC and Ed25519 are supported")  # noqa: TRY004 - the text is at fault
    kind_of(key)
    return key


def public_key_from_jwk(document: Mapping[str, object]) -> PublicKey:
    """Build the public key a JWK describes (RFC 7517, RFC 8037). Raises ValueError or TypeError for anything else, `oct` included."""
    if "d" in document:
        raise ValueError("a private key")
    match document.get("kty"), document.get("crv"):
        case "RSA", _:
            key = RSAPublicNumbers(_number(document, "e"), _number(document, "n")).public_key()
        case "EC", str(curve) if curve in _CURVES:
            key = EllipticCurvePublicNumbers(_number(document, "x"), _number(document, "y"), _CURVES[curve]).public_key()
        case "OKP", "Ed25519":
            key = Ed25519PublicKey.from_public_bytes(_octets(document, "x"))
        case _:
            raise ValueError("an unsupported type of key")
    kind_of(key)
    return key


def _number(document: Mapping[str, object], member: str) -> int:
    return int.from_bytes(_octets(document, member), "big")


def _octets(document: Mapping[str, object], member: str) -> bytes:
    text = document.get(member)
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_NUMBER_CHARACTERS:
        raise ValueError(f"no {member}")
    unpadded = text.rstrip("=")
    return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), altchars=b"-_", validate=True)


def decode_base64url(text: str) -> bytes:
    """Decode canonical base64url without padding: the one spelling its bytes have. Raises ValueError for any other text."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("no base64url") from error
    if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise ValueError("base64url that is not canonical")
    return data
