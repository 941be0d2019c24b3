"""A token issuer for tests: keys of every kind, tokens as honest or as forged as wanted, and a server that publishes a key set."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
type Signer = Callable[[bytes], bytes]

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_CURVES: dict[str, tuple[type[ec.EllipticCurve], str]] = {
    "ES256": (ec.SECP256R1, "P-256"),
    "ES384": (ec.SECP384R1, "P-384"),
    "ES512": (ec.SECP521R1, "P-521"),
}


def base64url(data: bytes) -> str:
    """Encode as canonical base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(subject: Any = "alice", /, **others: Any) -> dict[str, Any]:
    """The claims of an honest token that expires in ten minutes; `others` are set as well."""
    return {"sub": subject, "exp": time.time() + 600, **others}


def token(header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes, sign: Signer) -> str:
    """A token of this header and payload, each an object or the bytes to send as they stand."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signing_input = ".".join(base64url(part) for part in parts)
    return f"{signing_input}.{base64url(sign(signing_input.encode()))}"


def hmac_signer(secret: str | bytes, algorithm: str = "HS256") -> Signer:
    """Sign with a shared secret."""
    key = secret.encode() if isinstance(secret, str) else secret
    return lambda data: hmac.digest(key, data, f"sha{algorithm[2:]}")


def hs256(secret: str, payload: Mapping[str, Any] | None = None, **header: Any) -> str:
    """An HS256 token; `header` adds to its header or replaces members of it."""
    return token({"alg": "HS256", "typ": "JWT", **header}, claims() if payload is None else payload, hmac_signer(secret))


@dataclass
class IssuerKey:
    """A private key with the algorithm it signs for."""

    algorithm: str
    kid: str
    private: PrivateKey

    def sign(self, data: bytes) -> bytes:
        """The raw signature of a JWS."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        digest = _HASHES[self.algorithm[2:]]()
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), digest)
        size = (self.private.key_size + 7) // 8
        return b"".join(number.to_bytes(size) for number in decode_dss_signature(self.private.sign(data, ec.ECDSA(digest))))

    def token(self, payload: Mapping[str, Any] | None = None, **header: Any) -> str:
        """A token with this key's kid and algorithm; `header` adds members or replaces them, None drops one."""
        members = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **header}
        present = {name: value for name, value in members.items() if value is not None}
        return token(present, claims() if payload is None else payload, self.sign)

    def public(self, encoding: Encoding) -> bytes:
        """The public key, in PEM or DER."""
        return self.private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> str:
        return self.public(Encoding.PEM).decode()

    def jwk(self, **others: Any) -> dict[str, Any]:
        """The public key as a JWK with kid, alg and use; `others` adds members or replaces them, None drops one."""
        members = {"kid": self.kid, "alg": self.algorithm, "use": "sig", **self._numbers(), **others}
        return {name: value for name, value in members.items() if value is not None}

    def _numbers(self) -> dict[str, object]:
        public = self.private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes_raw())}
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return {"kty": "RSA", "n": base64url(numbers.n.to_bytes(public.key_size // 8)), "e": base64url(numbers.e.to_bytes(3))}
        size = (public.key_size + 7) // 8
        point = public.public_numbers()
        curve = next(name for _, name in _CURVES.values() if _CURVES_BY_NAME[name] == public.curve.name)
        return {"kty": "EC", "crv": curve, "x": base64url(point.x.to_bytes(size)), "y": base64url(point.y.to_bytes(size))}


_CURVES_BY_NAME = {name: curve().name for curve, name in _CURVES.values()}


@cache
def key(algorithm: str, kid: str | None = None) -> IssuerKey:
    """The key of this algorithm and kid: the same one for the whole run."""
    private: PrivateKey
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    elif algorithm.startswith("RS"):
        private = rsa.generate_private_key(65537, 2048)
    else:
        private = ec.generate_private_key(_CURVES[algorithm][0]())
    return IssuerKey(algorithm, kid or f"{algorithm.lower()}-{hashlib.sha256(algorithm.encode()).hexdigest()[:8]}", private)


@dataclass
class Issuer:
    """A server that publishes a key set at `url`, and misbehaves on demand. Use it as a context manager."""

    keys: list[Any] = field(default_factory=list[Any])
    mode: str = "ok"
    """ok, hang, trickle, huge, redirect, error, compressed, or `text` for `body`."""
    body: bytes = b""
    paths: list[str] = field(default_factory=list[str])
    """The path of every request, in order."""
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    @property
    def fetches(self) -> int:
        return len(self.paths)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; on the same port again after `stop()`."""
        issuer = self
        self._stopping.clear()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.paths.append(self.path)
                issuer.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method it replaces
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on, and give up requests that hang."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request as `mode` says."""
        document = json.dumps({"keys": self.keys}).encode()
        try:
            match self.mode:
                case "hang":
                    self._stopping.wait(30)
                case "trickle":
                    self._head(request, 200, {"Content-Length": str(len(document))})
                    for byte in document:
                        if self._stopping.wait(0.2):
                            return
                        request.wfile.write(bytes([byte]))
                case "redirect":
                    self._head(request, 302, {"Location": "/elsewhere.json"} if request.path != "/elsewhere.json" else {})
                    request.wfile.write(document)
                case "error":
                    self._head(request, 500, {})
                    request.wfile.write(document)
                case "huge":
                    self._send(request, document[:-1] + b" " * (300 * 1024) + document[-1:], {})
                case "compressed":
                    self._send(request, document, {"Content-Encoding": "gzip"})
                case "text":
                    self._send(request, self.body, {})
                case _:
                    self._send(request, document, {})
        except OSError:  # the client has gone
            pass

    def _send(self, request: BaseHTTPRequestHandler, body: bytes, headers: dict[str, str]) -> None:
        self._head(request, 200, {"Content-Length": str(len(body)), **headers})
        request.wfile.write(body)

    @staticmethod
    def _head(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
