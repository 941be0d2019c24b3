"""If-Match and If-None-Match on writes, as RFC 9110 says: lists, `*`, weak ETags, and both at once."""

from __future__ import annotations

import pytest

from generator.ir import Operation
from tests.support.resources import ResourceCase, case, random_id, with_operation
from tests.support.serving import Api
from tests.support.tokens import new_user

REPLACED = with_operation(Operation.REPLACE)


@pytest.mark.parametrize("resource", REPLACED, ids=str)
def test_a_put_that_asks_for_no_row_changes_none(api: Api, resource: ResourceCase) -> None:
    user = new_user()
    row = resource.create(api, user)
    body = resource.body(api, user)
    headers = {"If-None-Match": "*", "If-Match": "*"}
    answer = api.call(user, "PUT", resource.item(user, row["id"]), json=body, headers=headers)
    assert answer.status_code == 412
    assert answer.headers["ETag"] == '"1"'
    assert api.call(user, "GET", resource.item(user, row["id"])).json() == row
    absent = api.call(user, "PUT", resource.item(user, random_id()), json=body, headers=headers)
    assert absent.status_code == 404


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("*", 412),
        ('"2"', 412),
        ('W/"2"', 412),
        ('"1","2"', 412),
        ('"1" , W/"2"', 412),
        ('"1"', 200),
        ('"1", W/"3"', 200),
        ('"two", "é"', 200),
        ("2", 200),
        ('w/"2"', 200),
        ("", 200),
    ],
)
def test_if_none_match_on_put_compares_weakly(api: Api, header: str, status: int) -> None:
    assert _replaced(api, "If-None-Match", header) == status


@pytest.mark.parametrize(
    ("header", "status"),
    [("*", 200), ('"2"', 200), ('"1", "2"', 200), ('"1"', 412), ('W/"2"', 412), ('"1", W/"2"', 412), ("2", 412), ("", 412)],
)
def test_if_match_on_put_compares_strongly(api: Api, header: str, status: int) -> None:
    assert _replaced(api, "If-Match", header) == status


def _replaced(api: Api, name: str, header: str) -> int:
    """What a PUT on a row at version 2 is answered."""
    user, projects = new_user(), case("Project")
    path = projects.item(user, projects.create(api, user)["id"])
    before = api.call(user, "PATCH", path, json={"name": "Second"})
    assert before.headers["ETag"] == '"2"'
    headers = {name: header.encode()}
    answer = api.call(user, "PUT", path, json={"name": "Third"}, headers=headers)  # pyright: ignore[reportArgumentType]  # bytes, too
    after = api.call(user, "GET", path).json()
    assert after == (answer.json() if answer.status_code == 200 else before.json())
    return answer.status_code


def test_both_headers_hold_together(api: Api) -> None:
    user, projects = new_user(), case("Project")
    path = projects.item(user, projects.create(api, user)["id"])

    def put(if_match: str, if_none_match: str) -> int:
        headers = {"If-Match": if_match, "If-None-Match": if_none_match}
        return api.call(user, "PUT", path, json={"name": "Next"}, headers=headers).status_code

    assert put('"7"', '"8"') == 412
    assert put('"1"', '"1"') == 412
    assert put('"1"', '"8"') == 200
    assert put("*", '"2"') == 412
    assert put("*", '"1"') == 200
