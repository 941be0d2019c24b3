"""What happens when a guard of token verification is taken away: each mutation must turn its tests red.

A mutation is applied to a copy of the project; `red` names the tests of tests/security that must fail there, each of them.
Where two guards overlap on purpose, a mutation takes away both.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Edit(NamedTuple):
    """Replace `snippet`, which occurs once in `file`, by `replacement`."""

    file: str
    snippet: str
    replacement: str


class Mutation(NamedTuple):
    """A guard taken away."""

    guard: str
    edits: tuple[Edit, ...]
    red: tuple[str, ...]

    def __str__(self) -> str:
        return self.guard

    def apply(self, root: Path) -> None:
        """Change the project at `root`. Raises AssertionError for a snippet that does not occur exactly once."""
        for file, snippet, replacement in self.edits:
            path = root / file
            text = path.read_text(encoding="utf-8")
            assert text.count(snippet) == 1, f"{file} has {text.count(snippet)} times: {snippet}"
            path.write_text(text.replace(snippet, replacement), encoding="utf-8")


AUTH = "app/middleware/auth.py"
TOKENS = "app/middleware/tokens.py"
JWKS = "app/middleware/jwks.py"
KEYS = "app/middleware/keys.py"


def _mutation(guard: str, *edits: tuple[str, str, str], red: tuple[str, ...]) -> Mutation:
    return Mutation(guard, tuple(Edit(*edit) for edit in edits), red)


_ALLOW_LIST = "if not isinstance(algorithm, str) or algorithm not in algorithms:"
_DER_AS_SECRET = (
    'return (build_key(__import__("base64").b64decode("".join(settings.jwt_public_key.splitlines()[1:-1])), algorithm) for _ in "1")'
)
_OCT_ACCEPTED = """\
    if entry.get("kty") == "oct":
        yield kid, "HS256", build_key(__import__("base64").urlsafe_b64decode(str(entry["k"]) + "=="), "HS256")
    key = _public_key(entry)
"""

MUTATIONS: tuple[Mutation, ...] = (
    # The header of the request
    _mutation(
        "one Authorization header",
        (AUTH, "if len(values) != 1:", "if not values:"),
        red=("test_J15_two_authorization_headers",),
    ),
    _mutation(
        "the scheme is Bearer",
        (AUTH, 'if scheme.lower() != b"bearer" or not token:', "if not token:"),
        red=("test_J15_other_forms_of_the_header",),
    ),
    _mutation(
        "the subject is the user in the path",
        (AUTH, "if user_id != subject:", "if not subject:"),
        red=("test_I1_another_users_path_is_one_constant_403", "test_I6_users_that_look_alike_are_two", "test_I6_percent_encoding"),
    ),
    _mutation(
        "the comparison is exact in case",
        (AUTH, "if user_id != subject:", "if user_id.casefold() != subject.casefold():"),
        red=("test_I6_users_that_look_alike_are_two",),
    ),
    _mutation(
        "the comparison is exact in normal form",
        (AUTH, "if user_id != subject:", "import unicodedata as u\n    if u.normalize('NFC', user_id) != u.normalize('NFC', subject):"),
        red=("test_I6_users_that_look_alike_are_two",),
    ),
    _mutation(
        "the comparison is exact at the ends",
        (AUTH, "if user_id != subject:", r"if user_id.strip(' \0') != subject.strip(' \0'):"),
        red=("test_I6_users_that_look_alike_are_two", "test_I6_percent_encoding"),
    ),
    # The form of the token
    _mutation(
        "the size is bounded",
        (TOKENS, "if len(token) > MAX_TOKEN_BYTES:", "if len(token) > 1_000_000:"),
        red=("test_J8_deep_and_long_tokens", "test_J8_a_token_of_exactly_8_KiB_is_accepted"),
    ),
    _mutation(
        "base64url has one spelling",
        (KEYS, 'if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode():', "if not text:"),
        red=("test_J7_altered_tokens",),
    ),
    _mutation(
        "a header is not nested deeply",
        (TOKENS, "> _MAX_BRACKETS:", "> 1_000_000:"),
        red=("test_J8_deep_and_long_tokens",),
    ),
    _mutation(
        "no name occurs twice",
        (TOKENS, "if len(members) != len(pairs):", "if len(members) > len(pairs):"),
        red=("test_J7_altered_tokens",),
    ),
    _mutation(
        "no header names a key or changes the rules",
        (TOKENS, "if not _FORBIDDEN_HEADERS.isdisjoint(header):", "if _FORBIDDEN_HEADERS == header:"),
        red=("test_J3_headers_that_name_a_key", "test_J3_no_outbound_fetch", "test_J12_unusual_headers"),
    ),
    *(
        _mutation(
            f"no {name} header",
            (TOKENS, f'"{name}"', '"another"'),
            red=("test_J12_unusual_headers" if name in {"crit", "zip"} else "test_J3_headers_that_name_a_key",),
        )
        for name in ("crit", "zip", "jwk", "jku", "x5u", "x5c")
    ),
    _mutation(
        "the type is that of an access token",
        (TOKENS, "if not isinstance(kind, str) or kind.lower() not in _TYPES:", "if kind == 0:"),
        red=("test_J12_unusual_headers",),
    ),
    _mutation(
        "a kid is a short text",
        (TOKENS, 'if "kid" in header and not', 'if "kid" in header and 0 and not'),
        red=("test_J3_headers_that_name_a_key",),
    ),
    _mutation(
        "a kid is no path, URL or query",
        (TOKENS, "if kid is not None and _PLAIN_KID.fullmatch(kid) is None:", "if kid == 0:"),
        red=("test_J3_headers_that_name_a_key",),
    ),
    _mutation(
        "any exception is 401",
        (TOKENS, "except Exception as error:", "except ZeroDivisionError as error:"),
        red=("test_J7_altered_tokens", "test_J9_times", "test_random_bytes_in_the_right_form", "test_any_claims_with_the_right_signature"),
    ),
    # The signature
    _mutation(
        "the signature is verified",
        (TOKENS, '"verify_at_hash": False,', '"verify_at_hash": False, "verify_signature": False,'),
        red=("test_J7_altered_tokens", "test_J7_altered_tokens_of_an_issuer", "test_J3_no_outbound_fetch"),
    ),
    _mutation(
        "only allowed algorithms",
        (TOKENS, _ALLOW_LIST, "if algorithm == 0:"),
        (
            TOKENS,
            "return Candidates(self._keys.get(algorithm, ()), math.inf)",
            "return Candidates(next(iter(self._keys.values())), math.inf)",
        ),
        (TOKENS, "algorithms=[header.algorithm],", "algorithms=None,"),
        red=("test_J1_alg_none_in_any_spelling", "test_J1_alg_none_with_a_public_key"),
    ),
    _mutation(
        "a public key is no secret",
        (
            TOKENS,
            "self._algorithms = frozenset(settings.jwt_algorithms)",
            'self._algorithms = frozenset({*settings.jwt_algorithms, "HS256"})',
        ),
        (TOKENS, "for algorithm in settings.jwt_algorithms}", 'for algorithm in {*settings.jwt_algorithms, "HS256"}}'),
        (TOKENS, "return (build_key(secret.encode(), algorithm) for secret in settings.jwt_secret)", _DER_AS_SECRET),
        red=("test_J2_hs256_signed_with_the_public_key",),
    ),
    _mutation(
        "Ed25519 signatures are verified",
        (KEYS, "except InvalidSignature:\n            return False", "except InvalidSignature:\n            return True"),
        red=("test_J7_altered_tokens_of_an_issuer", "test_J16_eddsa_with_a_jwk_without_alg", "test_one_letter_of_a_token_changed"),
    ),
    # The claims
    _mutation(
        "a token expires",
        (TOKENS, '"require_exp": True,', ""),
        (TOKENS, '_numeric_date(claims, "exp") + leeway', '(_numeric_date(claims, "exp") if "exp" in claims else math.inf) + leeway'),
        red=("test_J9_times",),
    ),
    _mutation(
        "an expired token is refused",
        (TOKENS, '"leeway": self._leeway,', '"leeway": 10**12,'),
        (TOKENS, "if now >= deadline:", "if now < 0:"),
        red=("test_J9_times", "test_J9_without_leeway", "test_J14_a_cached_token_reaches_exp"),
    ),
    _mutation(
        "a fraction of a second counts",
        (TOKENS, "if now >= deadline:", "if now < 0:"),
        red=("test_J9_without_leeway",),
    ),
    _mutation(
        "true is no number",
        (TOKENS, "if isinstance(value, bool) or not isinstance(value, int | float)", "if not isinstance(value, int | float)"),
        red=("test_J9_times",),
    ),
    _mutation(
        "text is no number",
        (TOKENS, "value = claims.get(name)\n", "value = float(claims[name])\n"),
        red=("test_J9_times",),
    ),
    _mutation("iat lies in the past", (TOKENS, '("nbf", "iat")', '("nbf",)'), red=("test_J9_times", "test_J9_without_leeway")),
    _mutation(
        "nbf lies in the past",
        (TOKENS, '("nbf", "iat")', '("iat",)'),
        (TOKENS, '"verify_aud"', '"verify_nbf": False, "verify_aud"'),
        red=("test_J9_times", "test_J9_without_leeway"),
    ),
    _mutation(
        "the leeway counts for iat and nbf",
        (TOKENS, "_numeric_date(claims, name) - leeway > now", "_numeric_date(claims, name) > now"),
        red=("test_J9_the_leeway_applies_to_exp_nbf_and_iat",),
    ),
    _mutation("the issuer is the right one", (TOKENS, "issuer=self._issuer,", "issuer=None,"), red=("test_J10_a_wrong_issuer",)),
    _mutation(
        "an issuer is named",
        (TOKENS, "issuer=self._issuer,", "issuer=None,"),
        (TOKENS, '"require_iss": self._issuer is not None,', ""),
        red=("test_J10_a_wrong_issuer", "test_J10_missing"),
    ),
    _mutation("an audience is named", (TOKENS, '"require_aud": self._audience is not None,', ""), red=("test_J10_missing",)),
    _mutation(
        "the audience is the right one",
        (TOKENS, '"require_aud": self._audience is not None,', ""),
        (TOKENS, '"verify_aud": self._audience is not None,', '"verify_aud": False,'),
        red=("test_J10_a_wrong_audience", "test_J10_missing"),
    ),
    _mutation(
        "a token for someone else",
        (TOKENS, 'if self._audience is None and "aud" in claims:', "if claims is None:"),
        red=("test_J10_an_audience_where_none_is_expected",),
    ),
    _mutation(
        "a subject is short and not empty",
        (TOKENS, "if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:", "if not isinstance(subject, str):"),
        red=("test_J11_subjects",),
    ),
    _mutation(
        "a subject is text",
        (TOKENS, "if not isinstance(subject, str) or not 0 < len(subject)", "subject = str(subject)\n    if not 0 < len(subject)"),
        red=("test_J11_another_claim_names_the_user",),
    ),
    _mutation("no slash in a subject", (TOKENS, 'character == "/" or ', ""), red=("test_J11_subjects",)),
    _mutation("no control character in a subject", (TOKENS, '{"Cc", "Cs"}', '{"Cs"}'), red=("test_J11_subjects",)),
    _mutation("no lone surrogate in a subject", (TOKENS, '{"Cc", "Cs"}', '{"Cc"}'), red=("test_J11_subjects",)),
    _mutation(
        "the configured claim names the user",
        (TOKENS, "_read_subject(claims, self._user_claim)", '_read_subject(claims, "sub")'),
        red=("test_J11_another_claim_names_the_user",),
    ),
    # The verified tokens
    _mutation(
        "the cache forgets at exp",
        (TOKENS, "if verified is not None and time.time() < verified.deadline:", "if verified is not None:"),
        red=("test_J14_a_cached_token_reaches_exp", "test_J14_the_leeway_counts_in_the_cache_as_well"),
    ),
    _mutation(
        "the cache forgets when the key is due",
        (TOKENS, "min(_check_times(claims, now, self._leeway), now + candidates.valid_for)", "_check_times(claims, now, self._leeway)"),
        red=("test_J13_a_removed_key_dies_within_the_ttl",),
    ),
    _mutation(
        "the cache is bounded",
        (TOKENS, "if len(self._verified) >= MAX_CACHED_TOKENS:", "if len(self._verified) < 0:"),
        red=("test_J14_the_cache_is_bounded",),
    ),
    _mutation(
        "the cache holds what was verified",
        (
            TOKENS,
            "try:\n            verified = await",
            'self._remember(token, _Verified("alice", 1e12))\n        try:\n            verified = await',
        ),
        red=("test_J14_a_refused_token_is_not_cached",),
    ),
    # The key set
    _mutation(
        "a cooldown between two fetches",
        (JWKS, "if self._fetching is None and self._until_next_fetch() <= 0:", "if self._fetching is None:"),
        red=("test_J4_a_thousand_unknown_kids_cause_one_fetch", "test_J13_a_fetch_takes_three_seconds_at_most"),
    ),
    _mutation(
        "an unknown kid is looked up",
        (JWKS, "if not keys and self._fetched_at > -math.inf:", "if keys is None:"),
        red=("test_J13_a_new_kid_is_accepted_at_the_first_try", "test_J4_unknown_kids_are_asked_for_again_after_the_cooldown"),
    ),
    _mutation(
        "a key set is fetched anew",
        (JWKS, "if self._age() >= self._ttl:", "if self._fetched_at < 0:"),
        red=("test_J13_a_removed_key_dies_within_the_ttl",),
    ),
    _mutation(
        "stale keys answer when the issuer is down",
        (JWKS, "            self._failing = True\n", "            self._failing, self._fetched_at = True, -math.inf\n"),
        red=("test_J13_warm_the_stale_keys_answer", "test_J13_stale_keys_end"),
    ),
    _mutation(
        "stale keys answer for a while only",
        (JWKS, "return self._age() < self._max_stale", "return self._fetched_at > 0"),
        red=("test_J13_stale_keys_end",),
    ),
    _mutation(
        "without keys the answer is 503",
        (JWKS, "if not self._usable():\n            raise", "if self._usable() is None:\n            raise"),
        red=("test_J13_cold_the_answer_is_503", "test_J13_stale_keys_end"),
    ),
    _mutation(
        "a fetch ends in time",
        (JWKS, "asyncio.timeout(self._timeout)", "asyncio.timeout(60)"),
        red=("test_J13_a_fetch_takes_three_seconds_at_most",),
    ),
    _mutation(
        "stale keys answer at once",
        (JWKS, "wait=not (self._failing and self._usable())", "wait=True"),
        red=("test_J13_a_hanging_issuer_delays_few_requests",),
    ),
    *(
        _mutation(guard, (JWKS, snippet, replacement), red=("test_J13_cold_the_answer_is_503",))
        for guard, snippet, replacement in (
            ("a key set is not huge", "if len(document) > MAX_BYTES:", "if len(document) > 10**9:"),
            ("no redirect is followed", "follow_redirects=False", "follow_redirects=True"),
            ("only status 200 has keys", "if response.status_code != 200:", "if response.status_code < 200:"),
            ("no compressed key set", 'if response.headers.get("Content-Encoding", "identity") != "identity":', "if response is None:"),
        )
    ),
    _mutation(
        "keys are for signatures",
        (JWKS, 'or use not in (None, "sig")', ""),
        red=("test_J6_a_key_for_something_else_does_not_verify",),
    ),
    _mutation(
        "keys may verify",
        (JWKS, 'isinstance(operations, list) and "verify" in operations', "True"),
        red=("test_J6_a_key_for_something_else_does_not_verify",),
    ),
    _mutation(
        "keys say their algorithm",
        (JWKS, "if declared is None or declared == algorithm:", "if algorithm:"),
        red=("test_J6_a_key_for_something_else_does_not_verify",),
    ),
    _mutation(
        "keys need not say their algorithm",
        (JWKS, "if declared is None or declared == algorithm:", "if declared == algorithm:"),
        red=("test_J16_eddsa_with_a_jwk_without_alg",),
    ),
    _mutation(
        "a kid of a key is text",
        (JWKS, "if not (kid is None or isinstance(kid, str)) or use", "if use"),
        red=("test_J5_the_right_key_of_a_mixed_set_verifies",),
    ),
    _mutation(
        "a malformed key hides no other",
        (JWKS, "except Exception as error:  # noqa: BLE001 - one", "except ZeroDivisionError as error:  # noqa: BLE001 - one"),
        red=("test_J5_the_right_key_of_a_mixed_set_verifies",),
    ),
    _mutation(
        "few keys are tried",
        (JWKS, "if len(table[name, algorithm]) < MAX_CANDIDATES:", "if table is not None:"),
        red=("test_J6_a_token_without_kid_is_tried_with_a_few_keys_only",),
    ),
    _mutation(
        "a kid chooses its key",
        (
            JWKS,
            "keys = self._keys.get((kid, algorithm), ())\n        if not keys",
            "keys = self._keys.get((None, algorithm), ())\n        if not keys",
        ),
        red=("test_J4_a_thousand_unknown_kids_cause_one_fetch",),
    ),
    _mutation(
        "no shared secret from a key set",
        (JWKS, "    key = _public_key(entry)\n", _OCT_ACCEPTED),
        (
            TOKENS,
            "self._algorithms = frozenset(settings.jwt_algorithms)",
            'self._algorithms = frozenset({*settings.jwt_algorithms, "HS256"})',
        ),
        red=("test_J6_oct_keys_of_a_key_set_are_never_used",),
    ),
    _mutation(
        "no private keys", (KEYS, 'if "d" in document:', "if document is None:"), red=("test_J6_a_key_for_something_else_does_not_verify",)
    ),
    _mutation("no short keys", (KEYS, "MIN_RSA_BITS = 2048", "MIN_RSA_BITS = 512"), red=("test_J6_a_short_rsa_key_does_not_verify",)),
    _mutation(
        "an algorithm has its curve",
        (KEYS, "if KINDS[algorithm] == kind)", "if KINDS[algorithm].kty == kind.kty)"),
        red=("test_J6_a_key_on_another_curve_does_not_verify",),
    ),
    _mutation(
        "a new key set replaces the old one",
        (
            JWKS,
            "self._keys = read_key_set(document, self._algorithms)",
            "self._keys = self._keys or read_key_set(document, self._algorithms)",
        ),
        red=("test_J13_a_removed_key_dies_within_the_ttl", "test_J13_a_new_kid_is_accepted_at_the_first_try"),
    ),
)
