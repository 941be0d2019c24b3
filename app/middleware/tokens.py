"""Verification of access tokens: JWTs (RFC 7519) that the configured key signed, in force, for this API.

python-jose checks the signature; everything it leaves open is checked here, and whatever goes wrong means that the token is
refused. The order matters: nothing of a token is parsed before its size and characters are known, and no key is chosen before
its header is known to ask for nothing unusual.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from jose import jwt
from jose.backends.base import Key
from jose.exceptions import ExpiredSignatureError, JOSEError

from app.config import Settings
from app.middleware.jwks import Candidates, JwksCache, KeysUnavailable
from app.middleware.keys import KINDS, SECRET, algorithms_for, build_key, decode_base64url, kind_of, load_public_key

MAX_TOKEN_BYTES = 8192
MAX_SUBJECT_LENGTH = 255
MAX_CACHED_TOKENS = 10_000

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_FORBIDDEN_HEADERS = frozenset({"crit", "zip", "jwk", "jku", "x5u", "x5c"})
_TYPES = frozenset({"jwt", "at+jwt"})
_MAX_KID_LENGTH = 255
_MAX_BRACKETS = 32
"""More than an honest header has; a bound of its nesting that needs no parser."""
_PLAIN_KID = re.compile(r"(?!/)(?!.*\.\.)(?!.*//)[A-Za-z0-9._~:/+=@-]+")
"""An id that could be no path, URL or query."""

logger = logging.getLogger(__name__)


class InvalidToken(Exception):  # noqa: N818 - the usual name of this state (RFC 6750)
    """The token must not be trusted. `str()` is the reason, for the log; `detail` is what the client may know."""

    detail = "The access token is not valid. Sign in again to get a new one."


class ExpiredToken(InvalidToken):
    """The token was valid once."""

    detail = "The access token has expired. Sign in again to get a new one."


class _Header(NamedTuple):
    algorithm: str
    kid: str | None


class _Verified(NamedTuple):
    subject: str
    deadline: float
    """Until when the token is in force, in seconds since 1970."""


class FixedKeys:
    """The keys of JWT_SECRET or JWT_PUBLIC_KEY: known from the start, without ids."""

    def __init__(self, settings: Settings) -> None:
        self._keys = {algorithm: tuple(_fixed_keys(settings, algorithm)) for algorithm in settings.jwt_algorithms}

    async def find(self, kid: str | None, algorithm: str) -> Candidates:
        """Return the keys for an algorithm. The kid chooses nothing here; one that looks like a place or a query is refused."""
        if kid is not None and _PLAIN_KID.fullmatch(kid) is None:
            raise InvalidToken("the kid is no plain identifier")
        return Candidates(self._keys.get(algorithm, ()), math.inf)

    async def close(self) -> None:
        """Nothing to close."""


def _fixed_keys(settings: Settings, algorithm: str) -> Iterable[Key]:
    if KINDS[algorithm] == SECRET:
        return (build_key(secret.encode(), algorithm) for secret in settings.jwt_secret)
    key = load_public_key(settings.jwt_public_key or "")
    return (build_key(key, name) for name in algorithms_for(kind_of(key), [algorithm]))


class TokenVerifier:
    """Verifies tokens as the settings say. Belongs to one event loop; `close()` it there.

    `jwks` replaces the key set of JWT_JWKS_URL by one with other times.
    """

    def __init__(self, settings: Settings, jwks: JwksCache | None = None) -> None:
        self._algorithms = frozenset(settings.jwt_algorithms)
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer
        self._user_claim = settings.jwt_user_claim
        self._leeway = settings.jwt_leeway
        self._keys: FixedKeys | JwksCache
        if settings.jwt_jwks_url is not None:
            self._keys = jwks or JwksCache(settings.jwt_jwks_url, settings.jwt_algorithms)
        else:
            self._keys = FixedKeys(settings)
        self._options = {
            "leeway": self._leeway,
            "require_exp": True,
            f"require_{self._user_claim}": True,
            "require_iss": self._issuer is not None,
            "require_aud": self._audience is not None,
            "verify_aud": self._audience is not None,  # a token for someone else is refused below
            "verify_at_hash": False,  # binds an id token to an access token, which is not at hand
        }
        self._verified: dict[str, _Verified] = {}
        self._warned_about_audience = False

    def cached(self, token: str) -> str | None:
        """Return the subject of a token that was verified before and is still in force; else None."""
        verified = self._verified.get(token)
        if verified is not None and time.time() < verified.deadline:
            return verified.subject
        return None

    async def verify(self, token: str) -> str:
        """Return the token's subject: 1 to 255 characters, none a control character or `/`.

        Raises InvalidToken for a token that is not to be trusted, for whatever reason, and KeysUnavailable when the issuer's keys
        cannot be had.
        """
        subject = self.cached(token)
        if subject is not None:
            return subject
        self._verified.pop(token, None)
        try:
            verified = await self._verify(token)
        except (InvalidToken, KeysUnavailable):
            raise
        except ExpiredSignatureError as error:
            raise ExpiredToken("it has expired") from error
        except JOSEError as error:
            raise InvalidToken(str(error)) from error
        except Exception as error:  # python-jose lets JWKError's kin, TypeError, OverflowError and RecursionError through
            raise InvalidToken(type(error).__name__) from error
        self._remember(token, verified)
        return verified.subject

    async def close(self) -> None:
        """Release the connection to the issuer, if there is one."""
        await self._keys.close()

    async def _verify(self, token: str) -> _Verified:
        header = _read_header(token, self._algorithms)
        candidates = await self._keys.find(header.kid, header.algorithm)
        if not candidates.keys:
            raise InvalidToken("no key has this kid and fits the algorithm")
        claims = jwt.decode(
            token,
            cast("Iterable[str]", candidates.keys),  # python-jose takes its own Key objects, which its type stubs do not say
            algorithms=[header.algorithm],
            options=self._options,
            audience=self._audience,
            issuer=self._issuer,
        )
        now = time.time()
        self._check_audience(claims)
        deadline = min(_check_times(claims, now, self._leeway), now + candidates.valid_for)
        return _Verified(_read_subject(claims, self._user_claim), deadline)

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        """A token that names its audience is for that audience alone (RFC 7519, 4.1.3)."""
        if self._audience is None and "aud" in claims:
            if not self._warned_about_audience:
                self._warned_about_audience = True
                logger.warning("Tokens of the issuer name an audience (aud) and are refused: set JWT_AUDIENCE to this API's name in them")
            raise InvalidToken("it names an audience, and JWT_AUDIENCE is not set")

    def _remember(self, token: str, verified: _Verified) -> None:
        if len(self._verified) >= MAX_CACHED_TOKENS:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = verified


def _read_header(token: str, algorithms: frozenset[str]) -> _Header:
    """Return what the header says about the key, after the checks that need no key."""
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken("it is too long")
    if _FORM.fullmatch(token) is None:
        raise InvalidToken("it is not three parts of base64url")
    first, second, third = token.split(".")
    opening = decode_base64url(first)
    if opening.count(b"[") + opening.count(b"{") > _MAX_BRACKETS:
        raise InvalidToken("its header is nested too deeply")
    header = _read_object(opening)
    _read_object(decode_base64url(second))
    decode_base64url(third)
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        raise InvalidToken("its header has a member that is not accepted")
    kind, algorithm, kid = header.get("typ", "JWT"), header.get("alg"), header.get("kid")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise InvalidToken("its type is not accepted")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken("its algorithm is not allowed")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= _MAX_KID_LENGTH and kid.isprintable()):
        raise InvalidToken("its kid is no identifier")
    return _Header(algorithm, kid)


def _read_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object in which no name occurs twice, at any level."""
    value: object = json.loads(data, object_pairs_hook=_unique_members)
    if not isinstance(value, dict):
        raise InvalidToken("a part of it is no JSON object")
    return cast("dict[str, Any]", value)


def _unique_members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidToken("a name occurs twice in it")
    return members


def _check_times(claims: Mapping[str, Any], now: float, leeway: float) -> float:
    """Return the moment at which the token expires, the leeway included; both times are seconds since 1970 (NumericDate)."""
    deadline = _numeric_date(claims, "exp") + leeway
    if now >= deadline:
        raise ExpiredToken("it has expired")
    for name in ("nbf", "iat"):
        if name in claims and _numeric_date(claims, name) - leeway > now:
            raise InvalidToken(f"its {name} is in the future")
    return deadline


def _numeric_date(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidToken(f"its {name} is no number")
    return value


def _read_subject(claims: Mapping[str, Any], claim: str) -> str:
    subject = claims.get(claim)
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
        raise InvalidToken(f"its {claim} is no text of 1 to {MAX_SUBJECT_LENGTH} characters")
    if any(character == "/" or unicodedata.category(character) in {"Cc", "Cs"} for character in subject):
        raise InvalidToken(f"its {claim} contains a character that is not accepted")
    return subject
