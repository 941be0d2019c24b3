"""The user in the path is the token's subject, byte for byte, or the answer is one constant 403 (rows I1 and I6)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import httpx
import pytest

from tests.support.guarded import SECRET, Guarded, guarded
from tests.support.issuer import claims, hs256


@pytest.fixture(scope="module")
def api() -> Iterator[Guarded]:
    with guarded() as running:
        yield running


def as_user(subject: str) -> str:
    return hs256(SECRET, claims(subject))


def raw(api: Guarded, path: str, subject: str) -> httpx.Response:
    """Ask for a path as it stands, whatever its percent-encoding."""
    url = httpx.URL(api.client.base_url, raw_path=path.encode())
    return api.client.send(httpx.Request("GET", url, headers={"Authorization": f"Bearer {as_user(subject)}"}))


def test_I1_another_users_path_is_one_constant_403(api: Guarded) -> None:
    reached = api.reached
    answers = [api.get(as_user("alice"), user) for user in ("bob", "nobody-at-all", "alic", "alicee", "*", "alice bob", "0", "me")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(403, answers[0].content)}
    assert {tuple(answer.headers) for answer in answers} == {tuple(answers[0].headers)}
    assert list(answers[0].json()) == ["detail"]
    assert api.reached == reached


def test_I1_401_comes_before_403(api: Guarded) -> None:
    assert api.status("junk", "bob") == 401
    assert api.status(None, "bob") == 401


LOOK_ALIKES = {
    "case": ("Alice", "alice"),
    "case of a letter with two forms": ("stra\u00dfe", "strasse"),
    "dotless i": ("\u0131d", "id"),
    "composed and decomposed": (unicodedata.normalize("NFC", "Zo\u00eb"), unicodedata.normalize("NFD", "Zo\u00eb")),
    "compatibility form": ("\ufb01ne", "fine"),
    "full width": ("\uff41lice", "alice"),
    "homoglyph": ("\u0430lice", "alice"),
    "space at the end": ("alice ", "alice"),
    "space at the start": (" alice", "alice"),
    "no-break space": ("a\u00a0b", "a b"),
    "plus for a space": ("a+b", "a b"),
    "zero-width": ("al\u200bice", "alice"),
    "soft hyphen": ("al\u00adice", "alice"),
    "percent sign": ("a%20b", "a b"),
    "dot at the end": ("alice.", "alice"),
    "leading zero": ("007", "7"),
}


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKES.values(), ids=list(LOOK_ALIKES))
def test_I6_users_that_look_alike_are_two(api: Guarded, one: str, other: str) -> None:
    for subject, user in ((one, other), (other, one)):
        assert api.status(as_user(subject), user) == 403
        answer = api.get(as_user(subject), subject)
        assert (answer.status_code, answer.json()) == (200, {"user": subject})


@pytest.mark.parametrize(
    ("path", "subject", "status"),
    [
        ("/api/%61lice/notes", "alice", 200),  # another spelling of the same bytes
        ("/api/alice%00/notes", "alice", 403),
        ("/api/%00/notes", "alice", 403),
        ("/api/alice%2f/notes", "alice", 404),
        ("/api/alice%2Fnotes/notes", "alice", 404),
        ("/api/bob%2f..%2falice/notes", "alice", 404),
        ("/api/alice%252fnotes/notes", "alice", 403),
        ("/api/alice%ff/notes", "alice", 403),
        ("/api/%C3%A4/notes", "\u00e4", 200),
        ("/api/a%CC%88/notes", "\u00e4", 403),
        ("/api/alice%20/notes", "alice", 403),
        ("/api/alice;v=1/notes", "alice", 403),
        ("/api//notes", "alice", 404),
        ("/api/bob/notes?user_id=alice", "alice", 403),
    ],
)
def test_I6_percent_encoding(api: Guarded, path: str, subject: str, status: int) -> None:
    answer = raw(api, path, subject)
    assert answer.status_code == status, answer.text


def test_the_documentation_knows_the_scheme(api: Guarded) -> None:
    document = api.client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["bearerAuth"]["type"] == "http"
    assert document["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"
    operation = document["paths"]["/api/{user_id}/notes"]["get"]
    assert operation["security"] == [{"bearerAuth": []}]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["user_id"]
