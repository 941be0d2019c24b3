"""Batches over HTTP: all of it is done, or nothing, and what failed says where it stands."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import temporary_folder
from tests.support.generated import serving_project, write_core, write_generated, write_specs
from tests.support.observer import Observer
from tests.support.resources import case, random_id
from tests.support.serving import Api
from tests.support.tokens import new_user

TASKS = case("Task")


def send(api: Api, user: str, body: Any, of_user: str | None = None, **headers: str) -> httpx.Response:
    return api.call(user, "POST", f"{TASKS.path(of_user or user)}/batch", json=body, headers=headers)


def titles(api: Api, user: str) -> list[str]:
    return sorted(row["title"] for row in api.call(user, "GET", TASKS.path(user)).json()["items"])


def test_all_parts_are_done_and_answered_in_order(api: Api) -> None:
    user = new_user()
    first, second, third = (TASKS.create(api, user, title=title) for title in ("one", "two", "three"))
    body = {
        "create": [{"title": "four", "priority": "high"}, {"title": "five"}],
        "update": [{"id": first["id"], "title": "first"}, {"id": second["id"], "version": 1, "notes": "x"}],
        "delete": [third["id"]],
    }
    answer = send(api, user, body)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert list(done) == ["create", "update", "delete"]
    assert [(row["title"], row["priority"], row["version"]) for row in done["create"]] == [("four", "high", 1), ("five", "normal", 1)]
    assert [(row["id"], row["title"], row["notes"], row["version"]) for row in done["update"]] == [
        (first["id"], "first", None, 2),
        (second["id"], "two", "x", 2),
    ]
    assert done["delete"] == [third["id"]]
    assert titles(api, user) == ["first", "five", "four", "two"]
    for row in (*done["create"], *done["update"]):
        assert api.call(user, "GET", TASKS.item(user, row["id"])).json() == row
    assert send(api, user, {}).json() == {"create": [], "update": [], "delete": []}


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"update": [{"id": "OWN", "title": "x"}, {"id": "NONE", "title": "y"}]}, 404, "update[1]: Task not found."),
        ({"delete": ["OWN", "OWN"]}, 404, "delete[1]: Task not found."),
        ({"update": [{"id": "OWN", "version": 7, "title": "x"}]}, 412, "update[0]: "),
        ({"delete": [{"id": "OWN", "version": 7}]}, 412, "delete[0]: "),
        ({"create": [{"title": "x"}, {"title": "y", "project_id": "NONE"}]}, 422, ["body", "create", 1, "project_id"]),
        ({"create": [{"title": "x"}, {"title": ""}]}, 422, ["body", "create", 1, "title"]),
        ({"create": [{"title": "x"}], "update": [{"id": "OWN", "completed": True}]}, 422, ["body", "update", 0]),
        ({"update": [{"title": "x"}]}, 422, ["body", "update", 0, "id"]),
        ({"update": [{"id": "OWN", "slug": "x"}]}, 422, ["body", "update", 0, "slug"]),
        ({"delete": ["x"]}, 422, ["body", "delete", 0, "uuid"]),
        ({"create": [{"title": "x"}], "replace": []}, 422, ["body", "replace"]),
        ({"create": [{"title": "x"}] * 60, "delete": ["NONE"] * 41}, 422, ["body"]),
        ({"create": [{"title": "x"}] * 101}, 422, ["body", "create"]),
        ([], 422, ["body"]),
    ],
    ids=str,
)
def test_one_failure_undoes_all(api: Api, observer: Observer, body: Any, status: int, where: str | list[object]) -> None:
    user = new_user()
    own = TASKS.create(api, user, title="own")["id"]
    for part in body.values() if isinstance(body, dict) else ():
        for number, element in enumerate(part):
            for name in ("OWN", "NONE"):
                value = own if name == "OWN" else random_id()
                if element == name:
                    part[number] = value
                elif isinstance(element, dict):
                    element.update({key: value for key, given in element.items() if given == name})
    with observer.unchanged():
        answer = send(api, user, body)
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    if isinstance(where, str):
        assert detail.startswith(where)
    else:
        assert detail[0]["loc"] == where


def test_a_field_that_an_element_may_not_have_is_called_what_it_is(api: Api) -> None:
    row = TASKS.create(api, user := new_user())["id"]
    body = {"create": [{"titel": "x", "version": 2}], "update": [{"id": row, "slug": "x", "progres": 1}], "delete": [{"id": row, "of": 1}]}
    found = {tuple(one["loc"][1:]): one["msg"] for one in send(api, user, body).json()["detail"] if one["type"] == "extra_forbidden"}
    assert found == {
        ("create", 0, "titel"): "Unknown field; did you mean `title`?",
        ("create", 0, "version"): "This field cannot be set here.",
        ("update", 0, "slug"): "This field cannot be set here.",
        ("update", 0, "progres"): "Unknown field; did you mean `progress`?",
        ("delete", 0, "Target", "of"): "Unknown field.",
    }


@pytest.mark.parametrize("part", ["update", "delete"])
def test_I3_another_users_ids_get_what_random_ones_get_and_nothing_is_done(api: Api, observer: Observer, part: str) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = TASKS.create(api, ada), TASKS.create(api, mallory)
    project = case("Project").create(api, ada)["id"]
    with observer.unchanged():
        answers = [
            send(api, mallory, {"create": [{"title": "x"}], part: [{"id": own["id"], "version": 1}, {"id": row, "version": 1}]})
            for row in (theirs["id"], random_id())
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text == answers[1].text
        foreign, absent = (send(api, mallory, {"create": [{"title": "x", "project_id": row}]}) for row in (project, random_id()))
        assert foreign.status_code == absent.status_code == 422
        assert foreign.text == absent.text
        assert send(api, mallory, {"create": [{"title": "x"}]}, of_user=ada).status_code == 403
        assert api.client.post(f"{TASKS.path(ada)}/batch", json={}).status_code == 401


def test_a_repeated_batch_is_done_once_and_a_dry_run_not_at_all(api: Api) -> None:
    user = new_user()
    body = {"create": [{"title": "one"}, {"title": "two"}]}
    assert len(send(api, user, body, Prefer="tx=rollback").json()["create"]) == 2
    assert titles(api, user) == []
    first, second = (send(api, user, body, **{"Idempotency-Key": "a"}) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert titles(api, user) == ["one", "two"]
    short = send(api, user, body, Prefer="return=minimal")
    assert (short.status_code, short.content, short.headers["Preference-Applied"]) == (204, b"", "return=minimal")
    assert len(titles(api, user)) == 4


def test_an_empty_batch_minds_its_headers(api: Api) -> None:
    user = new_user()
    assert send(api, user, {}, **{"Idempotency-Key": "x" * 256}).status_code == 422
    assert send(api, user, {}, Prefer="handling=strict, hurry").status_code == 400
    assert send(api, user, {}, **{"Idempotency-Key": "x"}).status_code == 200


SPEC = """
resource: Item
fields:
  name: {type: string, unique: true}
concurrency: required
operations: [list, update, delete, create, batch]
hooks: [after_create, after_commit]
"""
HOOKS = """
from app.db.session import Change, Transaction
from app.models import Item

seen: list[str] = []


async def after_create(session: Transaction, row: Item) -> None:
    if row.name == "bad":
        raise ValueError(row.name)


async def after_commit(change: Change[Item]) -> None:
    seen.append(f"{change.operation} {(change.after or change.before).name}")
"""
SETUP = """
from fastapi import FastAPI


def setup(app: FastAPI) -> None:
    from app.extensions.item import seen

    @app.get("/seen")
    async def read() -> list[str]:
        return seen
"""


@pytest.fixture(scope="module")
def shop(postgres: EmbeddedPostgres) -> Generator[Api]:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"item": SPEC})
        write_generated(root)
        (root / "app/extensions/item.py").write_text(HOOKS)
        (root / "app/extensions/__init__.py").write_text(SETUP)
        with serving_project(postgres, root) as api:
            yield api


def test_hooks_run_for_each_and_after_the_commit(shop: Api) -> None:
    user = new_user()
    path = f"/api/{user}/items/batch"
    rows = shop.call(user, "POST", path, json={"create": [{"name": "a"}, {"name": "b"}]}).json()["create"]
    assert shop.call(user, "POST", path, json={"create": [{"name": "c"}, {"name": "a"}]}).status_code == 409
    assert shop.call(user, "POST", path, json={"create": [{"name": "d"}, {"name": "bad"}]}).status_code == 500
    for element in ({"id": rows[0]["id"], "name": "x"}, {"id": rows[0]["id"], "name": "x", "version": None}):
        answer = shop.call(user, "POST", path, json={"update": [element]})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "update", 0, "version"])
    assert shop.call(user, "POST", path, json={"delete": [rows[0]["id"]]}).status_code == 422
    last = {"update": [{"id": rows[0]["id"], "version": 1, "name": "x"}], "delete": [{"id": rows[1]["id"], "version": 1}]}
    assert shop.call(user, "POST", path, json=last).status_code == 200
    assert shop.client.get("/seen").json() == ["create a", "create b", "update x", "delete b"]
