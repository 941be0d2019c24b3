"""PUT of a natural key over HTTP: the row that has it is created or replaced, whoever else is at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import ON_CITUS, held, new_database, temporary_folder
from tests.support.generated import serving_project, write_core, write_generated, write_specs
from tests.support.resources import case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

PROJECTS = case("Project")


def put(api: Api, user: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return api.call(user, "PUT", PROJECTS.path(user), json=body, headers=headers)


def test_the_first_creates_and_the_next_replaces(api: Api) -> None:
    user = new_user()
    first = put(api, user, {"name": "House", "summary": "Move", "budget": "3.00"})
    assert (first.status_code, first.headers["ETag"]) == (201, '"1"')
    assert first.headers["Location"] == PROJECTS.item(user, first.json()["id"])
    again = put(api, user, {"name": "House", "status": "done"})
    assert (again.status_code, again.headers["ETag"]) == (200, '"2"')
    kept = {name: first.json()[name] for name in ("id", "created_at", "name")}
    assert {**again.json(), **kept} == again.json()
    assert (again.json()["summary"], again.json()["budget"], again.json()["status"]) == (None, None, "done")
    assert api.call(user, "GET", PROJECTS.path(user)).json()["items"] == [again.json()]


def test_what_is_wrong_with_a_body_is_said_as_of_a_create(api: Api) -> None:
    user = new_user()
    for body, location in (
        ({}, ["body", "name"]),
        ({"name": "x", "budget": -1}, ["body", "budget"]),
        ({"name": "x", "id": 1}, ["body", "id"]),
    ):
        answer = put(api, user, body)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, location)


def test_preconditions(api: Api) -> None:
    user = new_user()
    assert put(api, user, {"name": "House"}, **{"If-Match": "*"}).status_code == 412
    assert put(api, user, {"name": "House"}, **{"If-Match": '"1"'}).status_code == 412
    assert api.call(user, "GET", PROJECTS.path(user)).json()["items"] == []
    assert put(api, user, {"name": "House"}, **{"If-None-Match": "*"}).status_code == 201
    assert put(api, user, {"name": "House"}, **{"If-None-Match": "*"}).status_code == 412
    assert put(api, user, {"name": "House"}, **{"If-Match": '"7"'}).status_code == 412
    assert put(api, user, {"name": "House"}, **{"If-Match": '"1"'}).json()["version"] == 2
    assert put(api, user, {"name": "House"}, **{"If-Match": "*"}).json()["version"] == 3


def test_a_dry_run_and_a_short_answer(api: Api) -> None:
    user = new_user()
    assert put(api, user, {"name": "House"}, Prefer="tx=rollback").status_code == 201
    assert api.call(user, "GET", PROJECTS.path(user)).json()["items"] == []
    short = put(api, user, {"name": "House"}, Prefer="return=minimal")
    assert (short.status_code, short.content, short.headers["ETag"]) == (201, b"", '"1"')
    short = put(api, user, {"name": "House"}, Prefer="return=minimal")
    assert (short.status_code, short.content, short.headers["ETag"]) == (204, b"", '"2"')
    assert put(api, user, {"name": "House", "status": "done"}, Prefer="tx=rollback").json()["version"] == 3
    assert api.call(user, "GET", PROJECTS.path(user)).json()["items"][0]["version"] == 2


def test_I3_another_users_row_with_the_key_is_not_there(api: Api) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs = put(api, ada, {"name": "House", "summary": "Secret"}).json()
    assert api.call(mallory, "PUT", PROJECTS.path(ada), json={"name": "House"}).status_code == 403
    assert api.client.put(PROJECTS.path(ada), json={"name": "House"}).status_code == 401
    assert put(api, mallory, {"name": "House"}, **{"If-Match": "*"}).status_code == 412
    own = put(api, mallory, {"name": "House"})
    assert own.status_code == 201
    assert own.json()["id"] != theirs["id"]
    assert api.call(ada, "GET", PROJECTS.item(ada, theirs["id"])).json() == theirs


def test_one_that_waits_for_another_that_makes_the_row_replaces_it(api: Api) -> None:
    user = new_user()
    columns = "user_id, id, created_at, updated_at, version, name, status, summary"
    insert = f"INSERT INTO projects ({columns}) VALUES ('{user}', gen_random_uuid(), now(), now(), 1, 'House', 'planned', 'theirs')"
    answer = held(api.database, lambda: put(api, user, {"name": "House", "summary": "mine"}), insert)
    assert (answer.status_code, answer.json()["version"], answer.json()["summary"]) == (200, 2, "mine")


def test_a_race_of_fifty_makes_one_row(postgres: EmbeddedPostgres) -> None:
    """On two processes, with deletes in between."""
    # The first connections of a cluster are slow.
    patient = partial(serving, POOL_TIMEOUT="60", LOCK_TIMEOUT="60", STATEMENT_TIMEOUT="60") if ON_CITUS else serving
    with new_database(postgres) as shared, patient(shared) as one, patient(shared) as two:
        for deleting in (False, True):
            user, start = new_user(), Barrier(50)

            def send(number: int, user: str = user, start: Barrier = start, deleting: bool = deleting) -> int:
                api = (one, two)[number % 2]
                start.wait()
                answer = put(api, user, {"name": "House", "summary": str(number)})
                if deleting and number % 5 == 0 and answer.status_code in {200, 201}:
                    api.call(user, "DELETE", PROJECTS.item(user, answer.json()["id"]))
                return answer.status_code

            with ThreadPoolExecutor(50) as pool:
                found = Counter(pool.map(send, range(50)))
            if deleting:
                assert found.keys() <= {200, 201, 503}
            else:
                assert found == {201: 1, 200: 49}
                (row,) = one.call(user, "GET", PROJECTS.path(user)).json()["items"]
                assert row["version"] == 50


ITEM = """
resource: Item
fields:
  order: {type: integer, nullable: true}
  shelf: {type: string, nullable: true, write: once}
  label: {type: string, unique: true, nullable: true}
  note: {type: string, default: none}
  made_by: {type: string, default: me, write: once}
unique:
  - fields: [order, shelf]
upsert: [shelf, order]
hooks: [before_create, before_update]
"""
SLOT = """
resource: Slot
fields:
  date: date?
  note: string?
unique:
  - {fields: [date], nulls: equal}
upsert: [date]
concurrency: required
"""
HOOKS = """
from typing import Any

from app.db.session import Transaction
from app.models import Item


async def before_create(session: Transaction, row: Item) -> None:
    row.note = f"{row.note} created"


async def before_update(session: Transaction, row: Item, changes: dict[str, Any]) -> None:
    changes["note"] = f"{changes['note']} updated from {row.note}"
"""


@pytest.fixture(scope="module")
def shop(postgres: EmbeddedPostgres) -> Generator[Api]:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"item": ITEM, "slot": SLOT})
        write_generated(root)
        (root / "app/extensions/item.py").write_text(HOOKS)
        with serving_project(postgres, root) as api:
            yield api


def test_hooks_run_and_what_is_set_once_stays(shop: Api) -> None:
    user = new_user()
    path = f"/api/{user}/items"
    first = shop.call(user, "PUT", path, json={"order": 1, "shelf": "a", "note": "x", "made_by": "ada"})
    assert (first.status_code, first.json()["note"], first.json()["made_by"]) == (201, "x created", "ada")
    again = shop.call(user, "PUT", path, json={"order": 1, "shelf": "a", "made_by": "bob"})
    assert (again.status_code, again.json()["note"], again.json()["made_by"]) == (200, "none updated from x created", "ada")
    assert shop.call(user, "PUT", path, json={"order": 2, "shelf": "a"}).status_code == 201


def test_another_unique_value_in_the_way_is_a_conflict(shop: Api) -> None:
    user = new_user()
    path = f"/api/{user}/items"
    assert shop.call(user, "PUT", path, json={"order": 1, "shelf": "a", "label": "x"}).status_code == 201
    answer = shop.call(user, "PUT", path, json={"order": 2, "shelf": "a", "label": "x"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "Another row has the same `label`.")


def test_null_is_a_key_where_nulls_are_equal(shop: Api) -> None:
    user = new_user()
    answer = shop.call(user, "PUT", f"/api/{user}/items", json={"order": 1})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "shelf"])
    path = f"/api/{user}/slots"
    assert shop.call(user, "PUT", path, json={}).status_code == 201
    assert shop.call(user, "PUT", path, json={"date": "2026-02-28"}).status_code == 201
    assert shop.call(user, "PUT", path, json={"note": "x"}).status_code == 428
    again = shop.call(user, "PUT", path, json={"note": "x"}, headers={"If-Match": '"1"'})
    assert (again.status_code, again.json()["note"], again.json()["version"]) == (200, "x", 2)


def test_openapi_has_both_answers(api: Api) -> None:
    operation = api.client.get("/openapi.json").json()["paths"]["/api/{user_id}/projects"]["put"]
    assert operation["operationId"] == "upsert_project"
    for status in ("200", "201"):
        assert operation["responses"][status]["content"]["application/json"]["schema"]["$ref"].endswith("/ProjectRead")
    assert {"409", "412", "422"} <= operation["responses"].keys()
