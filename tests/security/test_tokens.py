"""Rows J1 to J16 of the acceptance catalogue, over real HTTP, with a real issuer where there is one."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from app.middleware import jwks, tokens
from tests.support.forgeries import BAD_SUBJECTS, Forgery, forgeries, signed, sized_token
from tests.support.guarded import SECRET, Guarded, guarded
from tests.support.issuer import Issuer, IssuerKey, base64url, claims, hmac_signer, hs256, key, token

ASYMMETRIC = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")


@pytest.fixture(scope="module")
def api() -> Iterator[Guarded]:
    """HS256 with one secret."""
    with guarded() as running:
        yield running


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer with one key of each family, for tests that change nothing about it."""
    with Issuer(keys=[key(name).jwk() for name in ("RS256", "ES256", "EdDSA")]) as running:
        yield running


@pytest.fixture(scope="module")
def jwks_api(issuer: Issuer) -> Iterator[Guarded]:
    """The keys of `issuer`."""
    with guarded(JWT_JWKS_URL=issuer.url) as running:
        yield running


def refused(api: Guarded, forged: str | bytes | None, user: str = "alice") -> None:
    """Assert that a token gets 401 in the form of the contract, and no further than that."""
    reached = api.reached
    answer = api.get(forged, user)
    assert answer.status_code == 401, answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert list(answer.json()) == ["detail"]
    assert api.reached == reached


def rows(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test for each forgery of these rows."""
    return pytest.mark.parametrize("forgery", forgeries(*names), ids=lambda forgery: forgery.name)


# What is accepted: without this, refusing everything would pass.


def test_honest_tokens_are_accepted(api: Guarded) -> None:
    reached = api.reached
    headers: list[dict[str, Any]] = [{}, {"typ": "at+jwt"}, {"kid": "main-2025"}, {"cty": "JWT"}]
    for header in headers:
        assert api.status(hs256(SECRET, **header)) == 200, header
    assert api.status(token({"alg": "HS256"}, claims(), hmac_signer(SECRET))) == 200
    assert api.get(hs256(SECRET)).json() == {"user": "alice"}
    assert api.reached == reached + 6


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_each_algorithm_verifies_with_a_public_key(algorithm: str) -> None:
    with guarded(JWT_PUBLIC_KEY=key(algorithm).pem, JWT_ALGORITHMS=algorithm) as api:
        assert api.status(key(algorithm).token()) == 200
        refused(api, key(algorithm, "attacker").token())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_says_which_algorithm_it_takes(algorithm: str) -> None:
    with guarded(JWT_PUBLIC_KEY=key(algorithm).pem.replace("\n", "\\n")) as api:
        assert api.status(key(algorithm).token()) == 200


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_longer_hashes_verify_where_they_are_allowed(algorithm: str) -> None:
    with guarded(JWT_ALGORITHMS=algorithm) as api:
        assert api.status(token({"alg": algorithm}, claims(), hmac_signer(SECRET, algorithm))) == 200
        refused(api, hs256(SECRET))


# J1


@rows("J1")
def test_J1_alg_none_in_any_spelling(api: Guarded, forgery: Forgery) -> None:
    refused(api, forgery.make(SECRET))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J1_alg_none_with_a_public_key(jwks_api: Guarded, algorithm: str) -> None:
    honest = key(algorithm).token()
    with guarded(JWT_PUBLIC_KEY=key(algorithm).pem) as api:
        assert api.status(honest) == 200
        for alg in ("none", "None", "NONE", "nOnE", "", None, [algorithm], 0):
            for app in (api, jwks_api):
                header = {"typ": "JWT", "kid": key(algorithm).kid, "alg": alg}
                refused(app, token(header, claims(), key(algorithm).sign))
                refused(app, f"{base64url(json.dumps(header).encode())}.{honest.split('.')[1]}.")


# J2


def confusions(victim: IssuerKey) -> dict[str, bytes]:
    """What an attacker who holds the public key could use as the secret of HS256."""
    pem, der, document = victim.pem, victim.public(Encoding.DER), json.dumps(victim.jwk())
    compact = json.dumps(victim.jwk(), separators=(",", ":"))
    return {
        "PEM": pem.encode(),
        "PEM without its last line end": pem.rstrip().encode(),
        "PEM on one line": pem.replace("\n", "\\n").encode(),
        "DER": der,
        "DER in base64": base64.b64encode(der),
        "JWK": document.encode(),
        "compact JWK": compact.encode(),
        "empty": b"",
    }


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J2_hs256_signed_with_the_public_key(jwks_api: Guarded, algorithm: str) -> None:
    victim = key(algorithm)
    with guarded(JWT_PUBLIC_KEY=victim.pem) as api:
        assert api.status(victim.token()) == 200
        assert jwks_api.status(victim.token()) == 200
        for secret in confusions(victim).values():
            for alg in ("HS256", algorithm):
                forged = token({"alg": alg, "typ": "JWT", "kid": victim.kid}, claims(), hmac_signer(secret))
                refused(api, forged)
                refused(jwks_api, forged)


# J3


@rows("J3")
def test_J3_headers_that_name_a_key(api: Guarded, forgery: Forgery) -> None:
    refused(api, forgery.make(SECRET))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J3_no_outbound_fetch(jwks_api: Guarded, issuer: Issuer, algorithm: str) -> None:
    assert jwks_api.status(key(algorithm).token()) == 200
    attacker = IssuerKey(algorithm, key(algorithm).kid, key(algorithm, "attacker").private)
    fetches = issuer.fetches
    with Issuer(keys=[attacker.jwk()]) as outside:
        places: list[dict[str, Any]] = [{"jwk": attacker.jwk()}, {"jku": outside.url}, {"x5u": outside.url}, {"x5c": ["MIIB"]}]
        for members in [{}, *places, *({**place, "kid": None} for place in places)]:
            refused(jwks_api, attacker.token(**members))
        for place in places:
            refused(jwks_api, key(algorithm).token(**place))
        kids: list[Any] = [outside.url, "../../../../dev/null", "x' UNION SELECT 'a'--", 5, [attacker.kid], {}, None]
        for kid in kids:
            refused(jwks_api, attacker.token(kid=kid))
        assert outside.fetches == 0
    assert issuer.fetches <= fetches + 1  # an unknown kid may be looked up where the settings say, and nowhere else
    assert set(issuer.paths) == {"/jwks.json"}


# J4


def test_J4_a_thousand_unknown_kids_cause_one_fetch() -> None:
    with Issuer(keys=[key("ES256").jwk()]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        assert api.status(key("ES256").token()) == 200
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(api.status, (key("ES256").token(kid=f"unknown-{number}") for number in range(1000)))) == {401}
        assert own.fetches == 1
        assert api.status(key("ES256").token(claims(jti="another"))) == 200


def test_J4_many_at_once_share_the_first_fetch() -> None:
    with Issuer(keys=[key("ES256").jwk()]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(api.status, (key("ES256").token(claims(jti=str(number))) for number in range(64)))) == {200}
        assert own.fetches == 1


def test_J4_the_cooldown_is_30_seconds() -> None:
    assert (jwks.TTL, jwks.COOLDOWN, jwks.MAX_STALE, jwks.TIMEOUT, jwks.MAX_BYTES) == (600, 30, 3600, 3, 262_144)


def test_J4_unknown_kids_are_asked_for_again_after_the_cooldown() -> None:
    with Issuer(keys=[key("ES256").jwk()]) as own, guarded({"cooldown": 0.5}, JWT_JWKS_URL=own.url) as api:
        ended = time.monotonic() + 1.6
        while time.monotonic() < ended:
            refused(api, key("ES256").token(kid=f"unknown-{time.monotonic()}"))
        assert 2 <= own.fetches <= 5


# J5

MALFORMED: tuple[Any, ...] = (
    *("text", 5, None, [], {}, {"kty": "RSA"}, {"kty": None}, {"kty": ["RSA"]}, {"kty": "EC", "crv": "P-256"}),
    *(
        {"kty": "RSA", "n": "!!!", "e": "AQAB"},
        {"kty": "RSA", "n": 5, "e": 3},
        {"kty": "RSA", "n": "", "e": ""},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    ),
    *({"kty": "RSA", "n": "A" * 100_000, "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
    *({"kty": "EC", "crv": ["P-256"], "x": "AA", "y": "AA"}, {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
    *(
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": base64url(bytes(32))},
        {"kty": "OKP", "crv": {}, "x": ""},
    ),
    *({"kty": "oct", "k": base64url(SECRET.encode()), "kid": "es256-oct", "alg": "HS256"}, {"kty": "new", "crv": "new"}),
)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J5_the_right_key_of_a_mixed_set_verifies(algorithm: str) -> None:
    good = key(algorithm)
    others = [key(name).jwk() for name in ("RS256", "ES256", "EdDSA", "ES384") if name != algorithm]
    strange = [
        {**good.jwk(), **members} for members in ({"use": ["sig"]}, {"use": {}}, {"kid": [good.kid]}, {"key_ops": {}}, {"alg": [algorithm]})
    ]
    with Issuer(keys=[*MALFORMED, *others, *strange, good.jwk()]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        assert api.status(good.token()) == 200
        assert api.status(good.token(kid=None)) == 200
        refused(api, key(algorithm, "attacker").token(kid=good.kid))
        refused(api, key(algorithm, "attacker").token(kid=None))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J5_two_families_under_one_kid(algorithm: str) -> None:
    with Issuer(keys=[key(name).jwk(kid="same") for name in ("ES256", "RS256", "EdDSA")]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        assert api.status(key(algorithm).token(kid="same")) == 200
        refused(api, key(algorithm, "attacker").token(kid="same"))


# J6


def test_J6_oct_keys_of_a_key_set_are_never_used() -> None:
    published = {"kty": "oct", "kid": "shared", "alg": "HS256", "use": "sig", "k": base64url(SECRET.encode())}
    with Issuer(keys=[published, key("ES256").jwk()]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        assert api.status(key("ES256").token()) == 200
        refused(api, hs256(SECRET, kid="shared"))
        refused(api, hs256(SECRET))
        refused(api, token({"alg": "ES256", "kid": "shared"}, claims(), hmac_signer(SECRET)))


UNFIT: dict[str, dict[str, Any]] = {
    "use enc": {"use": "enc"},
    "use other": {"use": "other"},
    "key_ops encrypt": {"key_ops": ["encrypt"]},
    "key_ops none": {"key_ops": []},
    "alg of another family": {"alg": "EdDSA"},
    "alg of another hash": {"alg": "RS512"},
    "alg of encryption": {"alg": "RSA-OAEP"},
    "alg unknown": {"alg": "none"},
    "alg empty": {"alg": ""},
    "alg of HMAC": {"alg": "HS256"},
    "kty EC": {"kty": "EC"},
    "kty oct": {"kty": "oct"},
    "kty OKP": {"kty": "OKP"},
    "kty absent": {"kty": None},
    "private": {"d": "AQAB"},
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=list(UNFIT))
def test_J6_a_key_for_something_else_does_not_verify(unfit: dict[str, Any]) -> None:
    published = [key("RS256").jwk(**unfit), key("ES256").jwk(key_ops=["verify"])]
    with Issuer(keys=published) as own, guarded(JWT_JWKS_URL=own.url, JWT_ALGORITHMS="RS256,RS512,ES256,EdDSA") as api:
        refused(api, key("RS256").token())
        refused(api, key("RS256").token(kid=None))
        assert api.status(key("ES256").token()) == 200


def test_J6_a_key_on_another_curve_does_not_verify() -> None:
    """python-jose itself verifies ES256 with a key on P-384."""
    other = key("ES384")
    short = IssuerKey("ES256", other.kid, other.private)
    with Issuer(keys=[other.jwk(alg=None)]) as own, guarded(JWT_JWKS_URL=own.url, JWT_ALGORITHMS="ES256,ES384") as api:
        assert api.status(other.token()) == 200
        refused(api, short.token())


def test_J6_a_short_rsa_key_does_not_verify() -> None:
    short = IssuerKey("RS256", "short", rsa.generate_private_key(65537, 1024))
    with Issuer(keys=[short.jwk(), key("RS256").jwk()]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        assert api.status(key("RS256").token()) == 200
        refused(api, short.token())


def test_J6_a_token_without_kid_is_tried_with_a_few_keys_only() -> None:
    many = [key("ES256", f"number-{number}") for number in range(10)]
    with Issuer(keys=[one.jwk() for one in many]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        assert [api.status(one.token()) for one in many] == [200] * 10
        assert [api.status(one.token(kid=None)) for one in many] == [200] * 8 + [401] * 2


def test_J6_a_token_says_another_algorithm_than_its_key(jwks_api: Guarded) -> None:
    for algorithm, other in (("RS256", "ES256"), ("ES256", "EdDSA"), ("EdDSA", "RS256")):
        refused(jwks_api, key(algorithm).token(alg=other))


# J7


@rows("J7")
def test_J7_altered_tokens(api: Guarded, forgery: Forgery) -> None:
    refused(api, forgery.make(SECRET))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_J7_altered_tokens_of_an_issuer(jwks_api: Guarded, algorithm: str) -> None:
    honest = key(algorithm).token()
    assert jwks_api.status(honest) == 200
    header, payload, signature = honest.split(".")
    other = base64url(json.dumps(claims(name="Mallory")).encode())
    size = len(base64.urlsafe_b64decode(signature + "=="))
    for forged in (
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload}.{base64url(bytes(size))}",
        f"{header}.{payload}.{base64url(bytes(size - 1) + b'\1')}",
        f"{header}.{payload}.{base64url(b'\xff' * size)}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{payload}.{signature}AAAA",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.{base64url(b'0' + bytes(size))}",
    ):
        refused(jwks_api, forged)


def test_J7_bytes_that_are_no_text(api: Guarded) -> None:
    for junk in (b"\xff", b"\xc3\xa4.\xc3\xa4.\xc3\xa4", bytes(range(0x80, 0x100)), hs256(SECRET).encode() + b"\xa0"):
        refused(api, junk)


# J8


@rows("J8")
def test_J8_deep_and_long_tokens(api: Guarded, forgery: Forgery) -> None:
    answer = api.get(forgery.make(SECRET))
    # Servers refuse header lines far beyond any token's size before the application sees them.
    assert answer.status_code == 401 or (answer.status_code in {400, 431} and forgery.name.startswith("60 KB")), answer.text


def test_J8_a_token_of_exactly_8_KiB_is_accepted(api: Guarded) -> None:
    assert api.status(sized_token(SECRET, 8192)) == 200
    refused(api, sized_token(SECRET, 8193))


def test_J8_a_deep_payload_is_no_error_of_the_server(api: Guarded) -> None:
    payload = b'{"sub":"alice","exp":99999999999,"x":%s}' % (b"[" * 2800 + b"]" * 2800)
    assert api.status(signed({"alg": "HS256"}, payload)(SECRET)) in {200, 401}
    assert api.status(signed({"alg": "HS256"}, b"[" * 5900)(SECRET)) == 401


# J9


@rows("J9")
def test_J9_times(api: Guarded, forgery: Forgery) -> None:
    refused(api, forgery.make(SECRET))


def test_J9_the_leeway_applies_to_exp_nbf_and_iat(api: Guarded) -> None:
    now = time.time()
    for members in (
        {"exp": now - 20},
        {"nbf": now + 20},
        {"iat": now + 20},
        {"nbf": now - 5, "iat": now - 5},
        {"exp": now + 0.5},
        {"exp": int(now) + 60},
    ):
        assert api.status(hs256(SECRET, claims(**members))) == 200, members


def test_J9_without_leeway() -> None:
    with guarded(JWT_LEEWAY="0") as api:
        now = time.time()
        assert api.status(hs256(SECRET, claims(nbf=now - 1, iat=now - 1))) == 200
        for members in ({"nbf": now + 10}, {"iat": now + 10}):
            refused(api, hs256(SECRET, claims(**members)))
        for _ in range(5):
            while not 0.02 < time.time() % 1 < 0.5:  # so that both moments are within one second
                time.sleep(0.01)
            refused(api, hs256(SECRET, claims(exp=time.time() - 0.01)))


def test_J9_an_expired_token_is_called_so(api: Guarded) -> None:
    answer = api.get(hs256(SECRET, claims(exp=time.time() - 3600)))
    assert "expired" in answer.json()["detail"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


# J10


@pytest.fixture(scope="module")
def named_api() -> Iterator[Guarded]:
    """An application with a name, for tokens of one issuer."""
    with guarded(JWT_ISSUER="https://issuer.example", JWT_AUDIENCE="tasks") as running:
        yield running


@pytest.mark.parametrize("audience", ["tasks", ["tasks"], ["others", "tasks"]], ids=str)
def test_J10_the_right_audience(named_api: Guarded, audience: object) -> None:
    assert named_api.status(hs256(SECRET, claims(iss="https://issuer.example", aud=audience))) == 200


@pytest.mark.parametrize(
    "audience", ["others", "", "Tasks", "tasks ", "task", None, 5, True, [], ["others"], [["tasks"]], ["tasks", 5], {"tasks": 1}], ids=str
)
def test_J10_a_wrong_audience(named_api: Guarded, audience: object) -> None:
    refused(named_api, hs256(SECRET, claims(iss="https://issuer.example", aud=audience)))


@pytest.mark.parametrize(
    "named",
    ["https://issuer.example/", "https://ISSUER.example", "", None, 5, True, ["https://issuer.example"], {"https://issuer.example": 1}],
    ids=str,
)
def test_J10_a_wrong_issuer(named_api: Guarded, named: object) -> None:
    refused(named_api, hs256(SECRET, claims(aud="tasks", iss=named)))


def test_J10_missing(named_api: Guarded) -> None:
    refused(named_api, hs256(SECRET, claims(iss="https://issuer.example")))
    refused(named_api, hs256(SECRET, claims(aud="tasks")))
    refused(named_api, hs256(SECRET))


@rows("J10")
def test_J10_an_audience_where_none_is_expected(api: Guarded, forgery: Forgery) -> None:
    refused(api, forgery.make(SECRET))


# J11


@rows("J11")
def test_J11_subjects(api: Guarded, forgery: Forgery) -> None:
    refused(api, forgery.make(SECRET))


@pytest.mark.parametrize(
    "subject", ["a" * 255, "user@example.com", "auth0|5f7c", "a b", "\u00fc", "\U0001f600" * 255, "..", "%2F", "a\\b", "\u202e"]
)
def test_J11_subjects_that_are_fine(api: Guarded, subject: str) -> None:
    answer = api.get(hs256(SECRET, claims(subject)), subject)
    if subject == "..":  # a client may resolve such a path segment itself
        assert answer.status_code in {200, 404}
    else:
        assert (answer.status_code, answer.json()) == (200, {"user": subject})


def test_J11_another_claim_names_the_user() -> None:
    with guarded(JWT_USER_CLAIM="https://example.com/uid") as api:
        assert api.status(hs256(SECRET, claims("someone", **{"https://example.com/uid": "alice"}))) == 200
        assert api.status(hs256(SECRET, {"exp": time.time() + 60, "https://example.com/uid": "alice"})) == 200
        assert api.status(hs256(SECRET, claims("alice", **{"https://example.com/uid": "bob"}))) == 403
        refused(api, hs256(SECRET, claims("alice")))
        for value in (*BAD_SUBJECTS.values(), None):
            refused(api, hs256(SECRET, claims("alice", **{"https://example.com/uid": value})))


# J12


@rows("J12")
def test_J12_unusual_headers(api: Guarded, forgery: Forgery) -> None:
    refused(api, forgery.make(SECRET))


# J13

QUICK = {"ttl": 0.6, "cooldown": 0.2, "timeout": 0.5}


def wait_for(status: int, ask: Callable[[], int], seconds: float) -> float:
    """Ask until the answer has this status; return after how many seconds it had."""
    began = time.monotonic()
    while (seen := ask()) != status:
        assert time.monotonic() - began < seconds, f"still {seen} after {seconds} seconds"
        time.sleep(0.02)
    return time.monotonic() - began


def test_J13_a_new_kid_is_accepted_at_the_first_try() -> None:
    old, new = key("ES256", "old"), key("ES256", "new")
    with Issuer(keys=[old.jwk()]) as own, guarded({"cooldown": 0.2}, JWT_JWKS_URL=own.url) as api:
        assert api.status(old.token()) == 200
        refused(api, new.token())
        own.keys = [old.jwk(), new.jwk()]
        time.sleep(0.25)
        assert api.status(new.token()) == 200
        assert api.status(old.token(claims(jti="b"))) == 200


def test_J13_a_removed_key_dies_within_the_ttl() -> None:
    old, new = key("ES256", "old"), key("ES256", "new")
    with Issuer(keys=[old.jwk(), new.jwk()]) as own, guarded({"ttl": 1.0, "cooldown": 0.1}, JWT_JWKS_URL=own.url) as api:
        held = old.token()
        assert api.status(held) == 200
        own.keys = [new.jwk()]
        # Both a token that was seen before and a fresh one; asking keeps no key alive.
        wait_for(401, lambda: api.status(held), 1.5)
        wait_for(401, lambda: api.status(old.token(claims(jti=str(time.monotonic())))), 0.5)
        assert api.status(new.token()) == 200


FAILURES = ("down", "hang", "trickle", "huge", "redirect", "error", "compressed", "not JSON", "no list", "deep")


def break_down(own: Issuer, failure: str) -> None:
    """Let the issuer fail in this way from now on."""
    bodies = {"not JSON": b"<html>", "no list": b'{"keys": {}}', "deep": b"[" * 200_000}
    if failure == "down":
        own.stop()
    elif failure in bodies:
        own.mode, own.body = "text", bodies[failure]
    else:
        own.mode = failure


@pytest.mark.parametrize("failure", FAILURES)
def test_J13_warm_the_stale_keys_answer(failure: str) -> None:
    with Issuer(keys=[key("ES256").jwk()]) as own, guarded(QUICK, JWT_JWKS_URL=own.url) as api:
        held = key("ES256").token()
        assert api.status(held) == 200
        break_down(own, failure)
        time.sleep(0.8)
        for number in range(3):
            assert api.status(held) == 200
            assert api.status(key("ES256").token(claims(jti=str(number)))) == 200
            refused(api, key("ES256").token(kid="unknown"))
            refused(api, key("ES256", "attacker").token(kid=key("ES256").kid))
            time.sleep(0.25)
        assert "/elsewhere.json" not in own.paths


@pytest.mark.parametrize("failure", FAILURES)
def test_J13_cold_the_answer_is_503(failure: str) -> None:
    with Issuer(keys=[key("ES256").jwk()]) as own, guarded({"timeout": 0.5, "cooldown": 0.3}, JWT_JWKS_URL=own.url) as api:
        break_down(own, failure)
        answer = api.get(key("ES256").token())
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "issuer" in answer.json()["detail"]
        assert api.reached == 0
        assert "/elsewhere.json" not in own.paths
        refused(api, "junk")
        own.mode = "ok"
        if failure == "down":
            own.start()
        wait_for(200, lambda: api.status(key("ES256").token()), 5)


@pytest.mark.parametrize("failure", ["hang", "trickle"])
def test_J13_a_fetch_takes_three_seconds_at_most(failure: str) -> None:
    with Issuer(keys=[key("ES256").jwk()], mode=failure) as own, guarded(JWT_JWKS_URL=own.url) as api:
        began = time.monotonic()
        answer = api.get(key("ES256").token())
        assert answer.status_code == 503
        assert 2.5 < time.monotonic() - began < 4
        assert 25 <= int(answer.headers["Retry-After"]) <= 30
        assert api.status(key("ES256").token()) == 503
        assert time.monotonic() - began < 4.5, "a second request within the cooldown waited again"


def test_J13_a_hanging_issuer_delays_few_requests() -> None:
    with Issuer(keys=[key("ES256").jwk()]) as own, guarded({"ttl": 0.2, "cooldown": 0.2, "timeout": 1.0}, JWT_JWKS_URL=own.url) as api:
        assert api.status(key("ES256").token()) == 200
        own.mode = "hang"
        time.sleep(0.3)
        assert api.status(key("ES256").token(claims(jti="0"))) == 200  # waits for the issuer in vain
        for number in range(1, 20):
            began = time.monotonic()
            assert api.status(key("ES256").token(claims(jti=str(number)))) == 200
            assert time.monotonic() - began < 0.5
            time.sleep(0.05)


def test_J13_stale_keys_end() -> None:
    with Issuer(keys=[key("ES256").jwk()]) as own, guarded({**QUICK, "max_stale": 1.5}, JWT_JWKS_URL=own.url) as api:
        assert api.status(key("ES256").token()) == 200
        own.stop()
        time.sleep(0.8)
        assert api.status(key("ES256").token(claims(jti="1"))) == 200
        assert wait_for(503, lambda: api.status(key("ES256").token(claims(jti="2"))), 3) > 0
        own.start()
        wait_for(200, lambda: api.status(key("ES256").token(claims(jti="2"))), 3)


def test_J13_two_secrets_during_a_rotation() -> None:
    new, old = SECRET, SECRET[::-1]
    with guarded(JWT_SECRET=f"{new}, {old}") as api:
        assert api.status(hs256(new)) == 200
        assert api.status(hs256(old)) == 200
        refused(api, hs256(f"{new}, {old}"))
        refused(api, hs256(new.swapcase()))
    with guarded(JWT_SECRET=new) as api:
        refused(api, hs256(old))


# J14


def test_J14_a_cached_token_reaches_exp() -> None:
    with guarded(JWT_LEEWAY="0") as api:
        held = hs256(SECRET, claims(exp=time.time() + 1.2))
        for _ in range(5):
            assert api.status(held) == 200
        time.sleep(1.25)
        refused(api, held)
        assert "expired" in api.get(held).json()["detail"]


def test_J14_the_leeway_counts_in_the_cache_as_well() -> None:
    with guarded(JWT_LEEWAY="1") as api:
        held = hs256(SECRET, claims(exp=time.time() + 0.3))
        assert api.status(held) == 200
        time.sleep(0.6)
        assert api.status(held) == 200
        time.sleep(0.8)
        refused(api, held)


def test_J14_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_CACHED_TOKENS", 3)
    with guarded() as api:
        verifier: tokens.TokenVerifier = api.application.state.tokens
        held = [hs256(SECRET, claims(jti=str(number))) for number in range(5)]
        for one in held:
            assert api.status(one) == 200
        assert [verifier.cached(one) for one in held] == [None, None, "alice", "alice", "alice"]
        assert [api.status(one) for one in held] == [200] * 5


def test_J14_a_refused_token_is_not_cached(api: Guarded) -> None:
    verifier: tokens.TokenVerifier = api.application.state.tokens
    for forgery in forgeries("J1", "J7", "J9"):
        forged = forgery.make(SECRET)
        if forged.isprintable():
            api.get(forged)
            assert verifier.cached(forged) is None


# J15


def test_J15_two_authorization_headers(api: Guarded) -> None:
    honest = ("Authorization", f"Bearer {hs256(SECRET)}")
    for others in ([honest], [("authorization", "Bearer x")], [("Authorization", "Basic YTpi")], [("AUTHORIZATION", "")]):
        for headers in ([honest, *others], [*others, honest]):
            answer = api.get(None, headers=headers)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert api.get(None, headers=[("Authorization", f"{honest[1]}, {honest[1]}")]).status_code == 401


def test_J15_a_token_in_another_place(api: Guarded) -> None:
    honest = hs256(SECRET)
    for name in ("access_token", "token", "authorization", "Authorization", "bearer", "jwt"):
        assert api.get(None, query=f"?{name}={honest}").status_code == 401
        assert api.get(None, query=f"?{name}=Bearer%20{honest}").status_code == 401
        assert api.get(None, headers=[("Cookie", f"{name}={honest}")]).status_code == 401
    assert api.get(None, headers=[("X-Authorization", f"Bearer {honest}")]).status_code == 401
    assert api.get(None, headers=[("Proxy-Authorization", f"Bearer {honest}")]).status_code == 401


def test_J15_other_forms_of_the_header(api: Guarded) -> None:
    honest = hs256(SECRET)
    for value in (
        honest,
        f"Token {honest}",
        f"Basic {honest}",
        f"Bearer{honest}",
        f"Bearer={honest}",
        "Bearer",
        "",
    ):
        answer = api.get(None, headers=[("Authorization", value)])
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), value
    for scheme in ("bearer", "BEARER", "bEaReR"):
        assert api.get(None, headers=[("authorization", f"{scheme} {honest}")]).status_code == 200
    assert api.get(None).status_code == 401


# J16


@pytest.mark.parametrize("members", [{"alg": None}, {"alg": None, "use": None}, {"use": None}, {}], ids=str)
def test_J16_eddsa_with_a_jwk_without_alg(members: dict[str, Any]) -> None:
    with Issuer(keys=[key("EdDSA").jwk(**members)]) as own, guarded(JWT_JWKS_URL=own.url) as api:
        assert api.status(key("EdDSA").token()) == 200
        assert api.status(key("EdDSA").token(kid=None)) == 200
        refused(api, key("EdDSA", "attacker").token(kid=key("EdDSA").kid))


# What every answer has in common


def test_reasons_stay_inside(api: Guarded) -> None:
    """A client learns that its token is refused, not which check refused it; an expired one may be called so."""
    details = {api.get(forgery.make(SECRET)).json()["detail"] for forgery in forgeries("J1", "J3", "J7", "J10", "J11", "J12")}
    assert details == {tokens.InvalidToken.detail}


def test_S1_tokens_and_claims_stay_out_of_the_log(api: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    marker = "claim-5f1b"
    with caplog.at_level(logging.DEBUG, logger="app"):
        for forged in (
            hs256(SECRET, claims(f"{marker}\r\nFAKE")),
            hs256(SECRET, claims(nbf=marker)),
            hs256(SECRET, claims(), alg=marker),
            hs256(SECRET, claims(), kid=f"{marker} '"),
            hs256(SECRET, claims(), crit=[marker]),
            f"{marker}.{marker}.{marker}",
        ):
            refused(api, forged)
            assert forged not in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert len(ours) >= 6
    assert not any(marker in message or "\r" in message or "\n" in message for message in ours)
