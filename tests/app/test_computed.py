"""Computed fields over HTTP: what the database computes is answered, and nobody can write it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import temporary_folder
from tests.support.generated import serving_project, write_core, write_generated, write_specs
from tests.support.serving import Api
from tests.support.tokens import new_user

ITEM = """
resource: Item
fields:
  order: {type: integer, default: 1}
  price: {type: decimal, precision: 10, scale: 2, default: "0.00"}
  factor: {type: float, nullable: true}
  code: {type: string, max_length: 200, default: A}
  state: {type: enum, values: [open, Shut], default: open}
  shelf: {type: ref, to: Shelf, nullable: true, inverse: items, expand: true}
  total: {type: decimal, precision: 9, scale: 1, computed: 'price * "order"', stored: true, sort: true, filter: true}
  twice: {type: integer, computed: '"order" * 2'}
  scaled: {type: decimal, precision: 20, scale: 3, nullable: true, computed: price * factor / "order"}
  key: {type: string, computed: lower(code), stored: true, unique: true}
  shown: {type: text, computed: upper(state)}
  dear: {type: boolean, nullable: true, computed: price > factor}
hooks: [before_create, after_create, before_update]
""".replace('computed: price * factor / "order"', "computed: 'price * factor / \"order\"'")
SHELF = """
resource: Shelf
fields:
  order: {type: integer, default: 7}
  twice: {type: integer, computed: '"order" * 3'}
"""

HOOKS = """
from typing import Any

from app.db.session import Transaction
from app.models import Item


async def before_create(session: Transaction, row: Item) -> None:
    if row.code == "ask":
        row.code = f"twice is {row.twice}"


async def after_create(session: Transaction, row: Item) -> None:
    assert row.total is not None
    if row.code == "tell":
        raise ValueError(f"{row.total} {row.twice} {row.scaled} {row.shown} {row.dear}")


async def before_update(session: Transaction, row: Item, changes: dict[str, Any]) -> None:
    if changes.get("code") == "ask":
        changes["code"] = f"{row.total} {row.twice} {row.scaled} {row.shown} {row.dear}"
"""


@pytest.fixture(scope="module")
def api(postgres: EmbeddedPostgres) -> Generator[Api]:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {"item": ITEM, "shelf": SHELF})
        write_generated(root)
        (root / "app/extensions/item.py").write_text(HOOKS)
        with serving_project(postgres, root) as running:
            yield running


def create(api: Api, user: str, **body: Any) -> dict[str, Any]:
    answer = api.call(user, "POST", f"/api/{user}/items", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_values_follow_what_they_are_computed_from(api: Api) -> None:
    user = new_user()
    row = create(api, user, order=3, price="1.15", factor=0.1, code="Ab")
    computed = ("total", "twice", "scaled", "key", "shown", "dear")
    assert [row[name] for name in computed] == ["3.5", 6, "0.038", "ab", "OPEN", True]
    path = f"/api/{user}/items/{row['id']}"
    assert api.call(user, "GET", path).json() == row
    changed = api.call(user, "PATCH", path, json={"order": -1, "factor": None, "state": "Shut"}).json()
    assert [changed[name] for name in computed] == ["-1.2", -2, None, "ab", "SHUT", None]
    replaced = api.call(user, "PUT", path, json={}).json()
    assert [replaced[name] for name in computed] == ["0.0", 2, None, "a", "OPEN", None]


@pytest.mark.parametrize("name", ["total", "twice", "key", "dear"])
def test_no_body_holds_them(api: Api, name: str) -> None:
    user = new_user()
    path = f"/api/{user}/items/{create(api, user)['id']}"
    for method, where in (("POST", f"/api/{user}/items"), ("PUT", path), ("PATCH", path)):
        answer = api.call(user, method, where, json={name: None})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", name]), method


@pytest.mark.parametrize(
    ("body", "name"),
    [({"order": 2**30}, "twice"), ({"order": 10**6, "price": "1000.00"}, "total"), ({"order": -(2**31), "price": "0.00"}, "twice")],
)
def test_a_value_that_does_not_fit_is_refused_before_it_can_be_read(api: Api, body: dict[str, Any], name: str) -> None:
    user = new_user()
    row = create(api, user)
    for method, path in (("POST", f"/api/{user}/items"), *((one, f"/api/{user}/items/{row['id']}") for one in ("PUT", "PATCH"))):
        answer = api.call(user, method, path, json=body)
        assert answer.status_code == 422, answer.text
        if (name, method) == ("total", "PATCH"):  # the database computes a stored one before it looks at the rules
            assert answer.json()["detail"] == "A value is outside what the database can store."
        else:
            assert answer.json()["detail"][0]["msg"] == f"The value of `{name}` that this gives is out of range."
    assert api.call(user, "GET", f"/api/{user}/items/{row['id']}").json() == row


def test_stored_ones_are_filtered_sorted_and_unique(api: Api) -> None:
    user = new_user()
    for number in range(5):
        create(api, user, order=number, price="2.00", code=f"C{number}")
    path = f"/api/{user}/items"
    page = api.call(user, "GET", f"{path}?sort=-total&limit=2").json()
    rest = api.call(user, "GET", path, params={"sort": "-total", "limit": "2", "cursor": page["next_cursor"]}).json()
    assert [row["total"] for row in (*page["items"], *rest["items"])] == ["8.0", "6.0", "4.0", "2.0"]
    assert [row["order"] for row in api.call(user, "GET", f"{path}?total__gte=6").json()["items"]] == [4, 3]
    taken = api.call(user, "POST", path, json={"code": "c3"})
    assert (taken.status_code, taken.json()["detail"]) == (409, "Another row has the same `key`.")
    assert api.call(user, "GET", f"{path}?sort=twice").status_code == 422
    assert api.call(user, "GET", f"{path}?twice=2").status_code == 422


def test_they_are_picked_and_expanded(api: Api) -> None:
    """A field of the same name in another table is another one."""
    user = new_user()
    shelf = api.call(user, "POST", f"/api/{user}/shelves", json={}).json()
    row = create(api, user, order=5, shelf_id=shelf["id"])
    picked = api.call(user, "GET", f"/api/{user}/items/{row['id']}?expand=shelf&fields=twice,shelf.twice,dear").json()
    assert picked == {"twice": 10, "dear": None, "shelf": {"twice": 21}}
    listed = api.call(user, "GET", f"/api/{user}/shelves?expand=items&fields=items.twice,items.total").json()
    assert listed["items"] == [{"items": [{"twice": 10, "total": "0.0"}]}]
    nested = api.call(user, "GET", f"/api/{user}/shelves/{shelf['id']}/items?fields=twice").json()
    assert nested["items"] == [{"twice": 10}]


def test_hooks_see_them_as_clients_do(api: Api) -> None:
    user = new_user()
    asked = create(api, user, order=4, code="ask")
    assert asked["code"] == "twice is 8"
    row = create(api, user, order=3, price="1.15", factor=0.1)
    answer = api.call(user, "PATCH", f"/api/{user}/items/{row['id']}", json={"code": "ask"})
    assert answer.json()["code"] == f"{row['total']} {row['twice']} {row['scaled']} {row['shown']} {row['dear']}"


def test_openapi_says_that_they_are_only_read(api: Api) -> None:
    schemas = api.client.get("/openapi.json").json()["components"]["schemas"]
    computed = {"total", "twice", "scaled", "key", "shown", "dear"}
    assert computed <= set(schemas["ItemRead"]["required"])
    for name in ("ItemCreate", "ItemReplace", "ItemUpdate"):
        assert not computed & set(schemas[name]["properties"])
    assert schemas["ItemRead"]["properties"]["dear"]["anyOf"] == [{"type": "boolean"}, {"type": "null"}]
