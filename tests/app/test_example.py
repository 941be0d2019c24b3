"""The example, resource by resource: what every user does with every resource."""

from __future__ import annotations

import pytest

from generator.ir import Operation
from tests.support.resources import RESOURCES, ResourceCase, random_id, with_operation
from tests.support.serving import Api
from tests.support.tokens import new_user


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
@pytest.mark.parametrize("optional", [False, True], ids=["required fields", "all fields"])
def test_a_created_row_is_answered_found_and_listed_as_sent(api: Api, resource: ResourceCase, optional: bool) -> None:
    user = new_user()
    body = resource.body(api, user, optional=optional)
    created = api.call(user, "POST", resource.path(user), json=body)
    assert created.status_code == 201, created.text
    row = created.json()
    readable = {field.column for field in resource.resource.fields if field.readable}
    assert {name: row[name] for name in body if name in readable} == {name: body[name] for name in body if name in readable}
    built_in = {"id", "user_id", "created_at", "updated_at", "version"} | ({"deleted_at"} if resource.resource.soft_delete else set[str]())
    assert set(row) == readable | built_in
    assert created.headers["Location"] == resource.item(user, row["id"])
    found = api.call(user, "GET", created.headers["Location"])
    assert (found.status_code, found.json(), found.headers["ETag"]) == (200, row, created.headers["ETag"])
    listed = api.call(user, "GET", resource.path(user))
    assert row in listed.json()["items"]


@pytest.mark.parametrize("resource", with_operation(Operation.UPDATE), ids=str)
def test_a_change_changes_what_it_names_and_raises_the_version(api: Api, resource: ResourceCase) -> None:
    user = new_user()
    row = resource.create(api, user)
    change = resource.change()
    answer = api.call(user, "PATCH", resource.item(user, row["id"]), json=change, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert {name: after[name] for name in change} == change
    assert after["version"] == row["version"] + 1
    assert after["updated_at"] > row["updated_at"]
    untouched = row.keys() - change.keys() - {"version", "updated_at"}
    assert {name: after[name] for name in untouched} == {name: row[name] for name in untouched}
    assert api.call(user, "GET", resource.item(user, row["id"])).json() == after


@pytest.mark.parametrize("resource", with_operation(Operation.DELETE), ids=str)
def test_a_deleted_row_is_gone_and_a_random_one_never_was(api: Api, resource: ResourceCase) -> None:
    user = new_user()
    row = resource.create(api, user)
    path = resource.item(user, row["id"])
    assert api.call(user, "DELETE", path, headers={"If-Match": '"1"'}).status_code == 204
    gone = api.call(user, "GET", path)
    never = api.call(user, "GET", resource.item(user, random_id()))
    assert gone.status_code == never.status_code == 404
    assert gone.json() == never.json()
