"""Rows I1 to I5 of the acceptance catalogue for deleted rows: nobody sees, finds, refers to or restores another user's."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import or_
from sqlmodel import col, select

from app.db.statements import OWNER, UnownedStatementError, owned
from app.models.project import Project
from app.models.task import Task
from generator.ir import Operation, Reference
from tests.support.matrix import FILTERS, RESTORES, Filter
from tests.support.observer import Observer
from tests.support.resources import RESOURCES, ResourceCase, case, random_id
from tests.support.serving import Api
from tests.support.tokens import new_user

VOLATILE = {"date", "x-request-id", "content-length"}
TRASH = {"deleted_at__isnull": "false"}


def shape(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """What an attacker can tell two answers apart by."""
    return answer.status_code, answer.text, {name: value for name, value in answer.headers.items() if name not in VOLATILE}


def deleted(api: Api, user: str, one: ResourceCase) -> dict[str, Any]:
    """A row that its user has deleted."""
    row = one.create(api, user, **one.body(api, user, optional=True))
    assert api.call(user, "DELETE", one.item(user, row["id"]), headers={"If-Match": "*"}).status_code == 204
    return row


def restore(api: Api, as_user: str, of_user: str, one: ResourceCase, row_id: str, **headers: str) -> httpx.Response:
    return api.call(as_user, "POST", f"{one.item(of_user, row_id)}/restore", headers={"If-Match": "*", **headers})


def test_a_statement_says_whether_it_means_deleted_rows() -> None:
    own = select(Project).where(col(Project.user_id) == OWNER)
    with pytest.raises(UnownedStatementError, match=r"add `\.where\(projects\.deleted_at\.is_\(None\)\)`"):
        owned(own)
    with pytest.raises(UnownedStatementError):
        owned(own.where(or_(col(Project.deleted_at).is_(None), col(Project.name) == "x")))
    with pytest.raises(UnownedStatementError):
        owned(select(Task).where(col(Task.user_id) == OWNER, col(Task.project_id).in_(own.with_only_columns(col(Project.id)))))
    owned(own.where(col(Project.deleted_at).is_(None)))
    owned(own.where(col(Project.deleted_at).is_not(None)))
    owned(own, deleted_too=True)


@pytest.mark.parametrize("one", RESTORES, ids=str)
def test_I1_nobody_restores_a_row_at_another_users_path(api: Api, observer: Observer, one: ResourceCase) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    row = deleted(api, ada, one)
    with observer.unchanged():
        answer, other = restore(api, mallory, ada, one, row["id"]), restore(api, mallory, new_user(), one, row["id"])
        anonymous = api.client.post(f"{one.item(ada, row['id'])}/restore")
    assert shape(answer) == shape(other)
    assert (answer.status_code, anonymous.status_code) == (403, 401)
    assert restore(api, ada, ada, one, row["id"]).status_code == 200


@pytest.mark.parametrize("one", RESTORES, ids=str)
def test_I2_another_users_deleted_row_is_as_absent_as_a_random_one(api: Api, observer: Observer, one: ResourceCase) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    row = deleted(api, ada, one)
    with observer.unchanged():
        for headers in ({}, {"If-Match": '"1"'}, {"If-Match": '"2"'}, {"Idempotency-Key": "a"}, {"Prefer": "tx=rollback"}):
            foreign = api.call(mallory, "POST", f"{one.item(mallory, row['id'])}/restore", headers=headers)
            absent = api.call(mallory, "POST", f"{one.item(mallory, random_id())}/restore", headers=headers)
            assert shape(foreign) == shape(absent)
            assert row["id"] not in foreign.text


@pytest.mark.parametrize("one", RESTORES, ids=str)
def test_I2_a_deleted_row_of_ones_own_is_absent_for_every_other_request(api: Api, observer: Observer, one: ResourceCase) -> None:
    ada = new_user("ada")
    row = deleted(api, ada, one)
    requests = [("GET", None), ("DELETE", None)]
    requests += [("PATCH", one.change())] if one.has(Operation.UPDATE) else []
    with observer.unchanged():
        for method, body in requests:
            options = {} if body is None else {"json": body}
            answers = [
                api.call(ada, method, one.item(ada, identifier), headers={"If-Match": version}, **options)
                for identifier in (row["id"], random_id())
                for version in ("*", '"1"', '"2"')
            ]
            assert {answer.status_code for answer in answers} == {404}
            assert len({str(shape(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("one", RESTORES, ids=str)
def test_I3_deleted_rows_are_in_no_list_and_in_that_of_deleted_rows_only_ones_own(api: Api, one: ResourceCase) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = deleted(api, ada, one), deleted(api, mallory, one)
    kept = one.create(api, mallory)
    for query, found in (({}, [kept["id"]]), ({"deleted_at__isnull": "true"}, [kept["id"]]), (TRASH, [own["id"]])):
        answer = api.call(mallory, "GET", one.path(mallory), params={**query, "count": "exact"}).json()
        assert ([row["id"] for row in answer["items"]], answer["total"]) == (found, 1), query
        for identifier in (theirs["id"], own["id"], kept["id"]):
            items = api.call(mallory, "GET", one.path(mallory), params={**query, "id__in": identifier}).json()["items"]
            assert [row["id"] for row in items] == [known for known in found if known == identifier]
        counted = api.call(mallory, "GET", f"{one.path(mallory)}/aggregate", params={**query, "count": "true"}).json()
        assert counted["items"] == [{"count": 1}]


@pytest.mark.parametrize("found", [one for one in FILTERS if one.case in RESTORES], ids=str)
def test_I3_no_filter_finds_a_deleted_row(api: Api, found: Filter) -> None:
    ada = new_user("ada")
    value = deleted(api, ada, found.case)[found.column]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    for given in ("true", "false") if found.operator == "isnull" else (text,):
        answer = api.call(ada, "GET", found.case.path(ada), params={found.parameter: given})
        assert answer.json()["items"] == [], answer.text


REFERENCES = [
    (one, field.column, case(field.type.target))
    for one in RESOURCES
    for field in one.references()
    if isinstance(field.type, Reference) and case(field.type.target) in RESTORES and one.has(Operation.CREATE)
]


@pytest.mark.parametrize(("one", "column", "target"), REFERENCES, ids=str)
def test_I4_a_reference_to_a_deleted_row_is_one_to_nothing(
    api: Api, observer: Observer, one: ResourceCase, column: str, target: ResourceCase
) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    body = one.body(api, mallory)
    ids = [deleted(api, ada, target)["id"], deleted(api, mallory, target)["id"], random_id()]
    with observer.unchanged():
        answers = [api.call(mallory, "POST", one.path(mallory), json={**body, column: identifier}) for identifier in ids]
    assert {answer.status_code for answer in answers} == {422}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["detail"][0]["loc"] == ["body", column]


@pytest.mark.parametrize("one", [one for one in RESTORES if one.resource.unique], ids=str)
def test_I5_restore_collides_with_values_of_its_own_user_only(api: Api, one: ResourceCase) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    columns = one.resource.unique[0].columns
    row = deleted(api, mallory, one)
    values = {column: row[column] for column in columns}
    one.create(api, ada, **values)
    assert restore(api, mallory, mallory, one, row["id"]).status_code == 200
    assert api.call(mallory, "DELETE", one.item(mallory, row["id"]), headers={"If-Match": "*"}).status_code == 204
    one.create(api, mallory, **values)
    assert restore(api, mallory, mallory, one, row["id"]).status_code == 409
