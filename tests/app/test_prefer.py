"""Prefer (RFC 7240): short answers, and dry runs that leave nothing behind."""

from __future__ import annotations

import httpx
import pytest

from tests.support.resources import RESOURCES, ResourceCase
from tests.support.serving import Api
from tests.support.tokens import new_user


def prefer(api: Api, user: str, method: str, path: str, preference: str, body: object | None = None, **headers: str) -> httpx.Response:
    return api.call(user, method, path, json=body, headers={"Prefer": preference, **headers})


def rows(api: Api, user: str, case: ResourceCase) -> object:
    return api.call(user, "GET", case.path(user)).json()["items"]


@pytest.mark.parametrize("case", RESOURCES, ids=str)
def test_a_dry_run_of_a_create_answers_as_the_create_and_stores_nothing(api: Api, case: ResourceCase) -> None:
    user = new_user()
    body = case.body(api, user)
    before = rows(api, user, case)
    answer = prefer(api, user, "POST", case.path(user), "tx=rollback", body)
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "tx=rollback"
    assert {name: answer.json()[name] for name in body} == body
    assert rows(api, user, case) == before
    assert api.call(user, "GET", answer.headers["Location"]).status_code == 404


def test_dry_runs_of_changes_leave_the_row_as_it_is(api: Api) -> None:
    user = new_user()
    row = api.call(user, "POST", f"/api/{user}/tasks", json={"title": "One"}).json()
    path = f"/api/{user}/tasks/{row['id']}"
    patched = prefer(api, user, "PATCH", path, "tx=rollback", {"title": "Two"})
    assert (patched.status_code, patched.json()["title"], patched.json()["version"]) == (200, "Two", 2)
    assert prefer(api, user, "PUT", path, "tx=rollback", {"title": "Three"}).json()["title"] == "Three"
    assert prefer(api, user, "DELETE", path, "tx=rollback").status_code == 204
    assert api.call(user, "GET", path).json() == row


def test_a_dry_run_refuses_what_the_write_refuses(api: Api) -> None:
    user = new_user()
    tags = f"/api/{user}/tags"
    api.call(user, "POST", tags, json={"name": "house"})
    assert prefer(api, user, "POST", tags, "tx=rollback", {"name": "house"}).status_code == 409
    assert prefer(api, user, "POST", tags, "tx=rollback", {"name": ""}).status_code == 422
    assert prefer(api, user, "DELETE", f"/api/{user}/tasks/00000000-0000-0000-0000-000000000000", "tx=rollback").status_code == 404
    row = api.call(user, "POST", f"/api/{user}/tasks", json={"title": "t"}).json()
    stale = {"If-Match": '"7"'}
    assert prefer(api, user, "PATCH", f"/api/{user}/tasks/{row['id']}", "tx=rollback", {"title": "x"}, **stale).status_code == 412


def test_a_dry_run_keeps_no_idempotency_key(api: Api) -> None:
    user = new_user()
    key = {"Idempotency-Key": "a"}
    assert prefer(api, user, "POST", f"/api/{user}/tasks", "tx=rollback", {"title": "t"}, **key).status_code == 201
    real = api.call(user, "POST", f"/api/{user}/tasks", json={"title": "other"}, headers=key)
    assert real.status_code == 201
    assert "Idempotency-Replayed" not in real.headers


def test_a_minimal_answer_has_no_row(api: Api) -> None:
    user = new_user()
    made = prefer(api, user, "POST", f"/api/{user}/tasks", "return=minimal", {"title": "t"})
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["ETag"] == '"1"'
    assert made.headers["Preference-Applied"] == "return=minimal"
    path = made.headers["Location"]
    for method, body, version in (("PATCH", {"title": "u"}, 2), ("PUT", {"title": "v"}, 3)):
        answer = prefer(api, user, method, path, "return=minimal", body)
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (204, b"", f'"{version}"')
    assert api.call(user, "GET", path).json()["title"] == "v"


@pytest.mark.parametrize(
    "preference", ["return=representation", "tx=commit", "handling=lenient", "wait=10, respond-async", "", ",,;", "return", "return=all"]
)
def test_other_preferences_change_nothing(api: Api, preference: str) -> None:
    user = new_user()
    answer = prefer(api, user, "POST", f"/api/{user}/tasks", preference, {"title": "t"})
    assert answer.status_code == 201
    assert answer.json()["title"] == "t"
    assert "Preference-Applied" not in answer.headers


def test_strict_handling_names_what_is_not_known(api: Api) -> None:
    user = new_user()
    answer = prefer(api, user, "POST", f"/api/{user}/tasks", "handling=strict, wait=10, tx=maybe", {"title": "t"})
    assert answer.status_code == 400
    assert "wait=10, tx=maybe" in answer.json()["detail"]
    assert api.call(user, "GET", f"/api/{user}/tasks").json()["items"] == []
    assert prefer(api, user, "POST", f"/api/{user}/tasks", "handling=strict, return=minimal", {"title": "t"}).status_code == 201


def test_preferences_in_several_headers_count_together(api: Api) -> None:
    user = new_user()
    headers = [*api.headers(user).items(), ("Prefer", "return=minimal"), ("Prefer", 'TX="rollback"; x=1')]
    answer = api.client.post(f"/api/{user}/tasks", json={"title": "t"}, headers=headers)
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Preference-Applied"] == "return=minimal, tx=rollback"
    assert api.call(user, "GET", f"/api/{user}/tasks").json()["items"] == []


def test_lists_do_not_care(api: Api) -> None:
    user = new_user()
    assert prefer(api, user, "GET", f"/api/{user}/tasks", "tx=rollback, return=minimal").json()["items"] == []


def test_a_dry_run_of_a_link(api: Api) -> None:
    user = new_user()
    task = api.call(user, "POST", f"/api/{user}/tasks", json={"title": "t"}).json()["id"]
    tag = api.call(user, "POST", f"/api/{user}/tags", json={"name": "n"}).json()["id"]
    path = f"/api/{user}/tasks/{task}/tags/{tag}"
    assert prefer(api, user, "PUT", path, "tx=rollback").status_code == 204
    assert api.call(user, "GET", f"/api/{user}/tasks/{task}?expand=tags").json()["tags"] == []


def test_openapi_has_the_headers_where_they_are_taken(api: Api) -> None:
    paths = api.client.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            names = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
            if path.startswith("/api/"):
                assert ("Prefer" in names) == (method != "get"), (path, method)
                assert ("Idempotency-Key" in names) == (method == "post"), (path, method)
