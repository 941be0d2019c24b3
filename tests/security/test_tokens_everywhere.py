"""Rows J1 to J16 on the example itself: every resource's list, and every operation where a token could do harm.

tests/security/test_tokens.py takes verification apart; this asks whether each route of a generated application stands behind it.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.forgeries import Forgery, forgeries
from tests.support.issuer import Issuer, claims, hmac_signer, hs256, key, token
from tests.support.matrix import CALLS, Call
from tests.support.observer import Observer
from tests.support.resources import RESOURCES, ResourceCase
from tests.support.serving import Api, serving
from tests.support.tokens import SECRET, new_user

ROWS = ("J1", "J3", "J7", "J8", "J9", "J10", "J11", "J12")
every_resource = pytest.mark.parametrize("resource", RESOURCES, ids=str)


def ask(api: Api, resource: ResourceCase, bearer: str, user: str = "alice") -> httpx.Response:
    """The list of a resource with this token."""
    return api.client.get(resource.path(user), headers={"Authorization": f"Bearer {bearer}"})


def refused(answer: httpx.Response) -> None:
    """Assert that it is 401, in the contract's form."""
    assert answer.status_code == 401, answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert list(answer.json()) == ["detail"]


def passes_servers(forgery: Forgery) -> bool:
    """Whether a server takes the header; far longer ones than any token it refuses by itself."""
    return not forgery.name.startswith("60 KB")


@every_resource
@pytest.mark.parametrize("row", ROWS)
def test_J_forged_tokens_are_refused_by_every_list(api: Api, resource: ResourceCase, row: str) -> None:
    assert ask(api, resource, hs256(SECRET)).status_code == 200
    for forgery in filter(passes_servers, forgeries(row)):
        refused(ask(api, resource, forgery.make(SECRET)))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_J_forged_tokens_change_nothing(api: Api, observer: Observer, call: Call) -> None:
    user = new_user()
    row = call.case.create(api, user)
    body = call.body(api, user) or None
    seen: set[str] = set()
    with observer.unchanged():
        for forgery in filter(passes_servers, forgeries()):
            if forgery.row not in seen:
                seen.add(forgery.row)
                headers = {**call.headers(), "Authorization": f"Bearer {forgery.make(SECRET)}"}
                refused(api.client.request(call.method, call.path(user, row["id"]), headers=headers, json=body))
        for headers in ({}, {"Authorization": ""}, {"Authorization": "Basic YTpi"}):
            refused(api.client.request(call.method, call.path(user, row["id"]), headers={**call.headers(), **headers}, json=body))
    assert seen == set(ROWS)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_J15_a_token_in_another_place(api: Api, call: Call) -> None:
    honest = api.token_for("alice")
    path = call.path("alice")
    for query in (f"?access_token={honest}", f"?token={honest}", f"?authorization=Bearer%20{honest}"):
        refused(api.client.request(call.method, path + query))
    twice = [("Authorization", f"Bearer {honest}"), ("Authorization", f"Bearer {honest}")]
    refused(api.client.request(call.method, path, headers=twice))
    refused(api.client.request(call.method, path, headers={"Cookie": f"access_token={honest}"}))


# With an issuer


@pytest.fixture(scope="module")
def issuer() -> Generator[Issuer]:
    """Publishes one key of each family among malformed and unusable ones; the Ed25519 key does not say its algorithm."""
    malformed = ["text", None, {}, {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]
    shared = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256"}
    unusable = [shared, key("RS256", "encryption").jwk(use="enc"), key("RS256", "other family").jwk(alg="ES256")]
    usable = [key("RS256").jwk(), key("ES256").jwk(), key("EdDSA").jwk(alg=None)]
    with Issuer(keys=[*malformed, *unusable, *usable]) as running:
        yield running


@pytest.fixture(scope="module")
def issued(api: Api, issuer: Issuer) -> Generator[Api]:
    """The example, verifying with the keys of `issuer`."""
    with serving(api.database, JWT_SECRET=None, JWT_JWKS_URL=issuer.url) as running:
        yield running


@every_resource
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J5_J16_the_right_key_verifies(issued: Api, resource: ResourceCase, algorithm: str) -> None:
    assert ask(issued, resource, key(algorithm).token()).status_code == 200
    refused(ask(issued, resource, key(algorithm, "attacker").token(kid=key(algorithm).kid)))


@every_resource
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J2_hs256_signed_with_the_public_key(issued: Api, resource: ResourceCase, algorithm: str) -> None:
    victim = key(algorithm)
    for secret in (victim.pem.encode(), victim.public(Encoding.DER), b""):
        refused(ask(issued, resource, token({"alg": "HS256", "kid": victim.kid}, claims(), hmac_signer(secret))))


@every_resource
def test_J6_keys_for_something_else(issued: Api, resource: ResourceCase) -> None:
    refused(ask(issued, resource, token({"alg": "HS256", "kid": "shared"}, claims(), hmac_signer("secret-secret-secret-secret-secret"))))
    refused(ask(issued, resource, key("RS256", "encryption").token()))
    refused(ask(issued, resource, key("RS256", "other family").token()))
    refused(ask(issued, resource, key("RS256").token(alg="ES256")))


def test_J4_a_thousand_unknown_kids(issued: Api, issuer: Issuer) -> None:
    began, fetches = time.monotonic(), issuer.fetches
    paths = [resource.path("alice") for resource in RESOURCES]

    def attempt(number: int) -> int:
        headers = {"Authorization": f"Bearer {key('ES256').token(kid=f'unknown-{number}')}"}
        return issued.client.get(paths[number % len(paths)], headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(attempt, range(1000))) == {401}
    assert issuer.fetches - fetches <= 1 + (time.monotonic() - began) // 30


def test_J13_cold_and_unreachable_every_list_answers_503(api: Api) -> None:
    with Issuer() as gone:
        url = gone.url
    with serving(api.database, JWT_SECRET=None, JWT_JWKS_URL=url) as running:
        for resource in RESOURCES:
            answer = ask(running, resource, key("ES256").token())
            assert answer.status_code == 503
            assert 1 <= int(answer.headers["Retry-After"]) <= 30
            refused(ask(running, resource, "junk"))


def test_J14_a_cached_token_reaches_exp(api: Api) -> None:
    with serving(api.database, JWT_LEEWAY="0") as running:
        held = hs256(SECRET, claims(exp=time.time() + 2))
        assert {ask(running, resource, held).status_code for resource in RESOURCES} == {200}
        time.sleep(2.05)
        for resource in RESOURCES:
            refused(ask(running, resource, held))
