"""Whatever arrives in place of a token is refused as one: never accepted, never an error of the server."""

from __future__ import annotations

import asyncio
import json
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.middleware.tokens import InvalidToken, TokenVerifier
from tests.support import guarded
from tests.support.guarded import SECRET
from tests.support.issuer import base64url, claims, hmac_signer, hs256, key, token

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def hs256_verifier() -> TokenVerifier:
    return TokenVerifier(guarded.settings(JWT_SECRET=SECRET))


def verifier_for(algorithm: str) -> TokenVerifier:
    return TokenVerifier(guarded.settings(JWT_PUBLIC_KEY=key(algorithm).pem))


@cache
def honest_token(algorithm: str) -> str:
    payload = {"sub": "alice", "exp": 99_999_999_999}
    return hs256(SECRET, payload) if algorithm == "HS256" else key(algorithm).token(payload)


def refuse(verifier: TokenVerifier, text: str) -> None:
    with pytest.raises(InvalidToken):
        asyncio.run(verifier.verify(text))


def accepted_or_refused(verifier: TokenVerifier, text: str) -> str | None:
    """The subject, or None; any other exception fails the test."""
    try:
        return asyncio.run(verifier.verify(text))
    except InvalidToken:
        return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.text(max_size=300) | st.text(alphabet=LETTERS + ".", max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1"))
)
def test_random_text(text: str) -> None:
    refuse(hs256_verifier(), text)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_random_bytes_in_the_right_form(header: bytes, payload: bytes, signature: bytes) -> None:
    refuse(hs256_verifier(), f"{base64url(header)}.{base64url(payload)}.{base64url(signature)}")


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_one_letter_of_a_token_changed(algorithm: str, data: st.DataObject) -> None:
    """Any other text is no token: the signature covers two parts, and the third has one spelling."""
    honest = honest_token(algorithm)
    verifier = hs256_verifier() if algorithm == "HS256" else verifier_for(algorithm)
    assert asyncio.run(verifier.verify(honest)) == "alice"
    place = data.draw(st.integers(0, len(honest) - 1))
    change = data.draw(st.sampled_from(["replace", "delete", "insert", "double", "cut"]))
    letter = data.draw(st.sampled_from(LETTERS + ".= \n"))
    changed = {
        "replace": honest[:place] + letter + honest[place + 1 :],
        "delete": honest[:place] + honest[place + 1 :],
        "insert": honest[:place] + letter + honest[place:],
        "double": honest[:place] + honest[place] + honest[place:],
        "cut": honest[:place],
    }[change]
    if changed != honest:
        refuse(verifier, changed)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["alg", "typ", "kid", "crit", "zip", "jwk", "jku", "x5u", "x5c", "cty", "b64"]) | st.text(max_size=5), JSON
    )
)
def test_any_header_with_the_right_signature(header: dict[str, object]) -> None:
    """Nothing but HS256 with a harmless header passes, and nothing at all fails in another way."""
    forged = token(json.dumps(header).encode(), claims(), hmac_signer(SECRET))
    assert accepted_or_refused(hs256_verifier(), forged) is None
    merged = {"alg": "HS256", **{name: value for name, value in header.items() if name != "alg"}}
    subject = accepted_or_refused(hs256_verifier(), token(json.dumps(merged).encode(), claims(), hmac_signer(SECRET)))
    if {"crit", "zip", "jwk", "jku", "x5u", "x5c"} & set(header):
        assert subject is None


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "iat", "aud", "iss", "jti", "at_hash"]), JSON))
def test_any_claims_with_the_right_signature(payload: dict[str, object]) -> None:
    subject = accepted_or_refused(hs256_verifier(), token({"alg": "HS256"}, json.dumps(payload).encode(), hmac_signer(SECRET)))
    assert subject is None or (subject == payload["sub"] and isinstance(payload["exp"], int | float))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=300))
def test_any_subject(subject: str) -> None:
    """A subject is given back as it is, or refused."""
    seen = accepted_or_refused(hs256_verifier(), hs256(SECRET, claims(subject)))
    assert seen in {None, subject}
    if subject.isascii() and subject.isprintable() and "/" not in subject and 0 < len(subject) <= 255:
        assert seen == subject
