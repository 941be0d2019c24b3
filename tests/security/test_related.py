"""Rows I1 to I3 and I7 of the acceptance catalogue for what reads or writes more than one resource: expansions, nested lists and links."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from generator.ir import Reference
from generator.plan.relations import relations_of
from tests.support.matrix import AGGREGATES, EXPANSIONS, LINKS, NESTED, AggregateCall, Filter, LinkCall, NestedList, filters_through
from tests.support.observer import Observer
from tests.support.plain import spelled
from tests.support.resources import RESOURCES, SCHEMA, ResourceCase, case, random_id
from tests.support.serving import Api
from tests.support.tokens import new_user

VOLATILE = {"date", "x-request-id", "content-length"}


def shape(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """What an attacker can tell two answers apart by."""
    return answer.status_code, answer.text, {name: value for name, value in answer.headers.items() if name not in VOLATILE}


def web(api: Api, user: str) -> dict[str, dict[str, Any]]:
    """Rows of every resource that refer to each other, by resource."""
    project = case("Project").create(api, user)
    parent = case("Task").create(api, user, project_id=project["id"])
    task = case("Task").create(api, user, project_id=project["id"], parent_id=parent["id"])
    tag = case("Tag").create(api, user)
    link = case("TaskTag").create(api, user, task_id=task["id"], tag_id=tag["id"])
    case("TaskTag").create(api, user, task_id=parent["id"], tag_id=tag["id"])
    comment = case("Comment").create(api, user, task_id=task["id"])
    case("Comment").create(api, user, task_id=parent["id"])
    subtask = case("Task").create(api, user, parent_id=task["id"])
    case("Comment").create(api, user, task_id=subtask["id"])
    return {"Project": project, "Task": task, "Tag": tag, "TaskTag": link, "Comment": comment}


def rows_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every row of an answer, at every level."""
    if isinstance(value, list):
        for item in value:
            yield from rows_in(item)
    elif isinstance(value, dict):
        if "user_id" in value:
            yield value
        for item in value.values():
            yield from rows_in(item)


# Aggregates


@pytest.mark.parametrize("call", AGGREGATES, ids=str)
def test_I3_no_aggregate_counts_another_users_row(api: Api, observer: Observer, call: AggregateCall) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = web(api, ada), web(api, mallory)
    one, path = call.case, call.path(mallory)
    with observer.unchanged():
        total = api.call(mallory, "GET", one.path(mallory), params={"count": "exact"}).json()["total"]
        counted = api.call(mallory, "GET", path, params={"count": "true"})
        mine = api.call(mallory, "GET", path, params={"count": "true", "id": own[one.resource.name]["id"]})
        foreign = api.call(mallory, "GET", path, params={"count": "true", "max": "created_at", "id": theirs[one.resource.name]["id"]})
        absent = api.call(mallory, "GET", path, params={"count": "true", "max": "created_at", "id": random_id()})
        refused = api.call(mallory, "GET", call.path(ada), params={"count": "true"})
        nobody = api.client.get(path)
    assert counted.json() == {"items": [{"count": total}]}
    assert mine.json() == {"items": [{"count": 1}]}
    assert shape(foreign) == shape(absent)
    assert foreign.json() == {"items": [{"count": 0, "max_created_at": None}]}
    assert (refused.status_code, nobody.status_code) == (403, 401)


# Expansions


@pytest.mark.parametrize(("one", "expand"), EXPANSIONS, ids=[f"{one}.{expand}" for one, expand in EXPANSIONS])
def test_I3_no_expansion_holds_another_users_row(api: Api, observer: Observer, one: ResourceCase, expand: str) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = web(api, ada), web(api, mallory)
    with observer.unchanged():
        answer = api.call(mallory, "GET", one.item(mallory, own[one.resource.name]["id"]), params={"expand": expand})
        listed = api.call(mallory, "GET", one.path(mallory), params={"expand": expand, "limit": "100"})
        foreign = api.call(mallory, "GET", one.item(mallory, theirs[one.resource.name]["id"]), params={"expand": expand})
        absent = api.call(mallory, "GET", one.item(mallory, random_id()), params={"expand": expand})
        filtered = api.call(mallory, "GET", one.path(mallory), params={"expand": expand, "id": theirs[one.resource.name]["id"]})
    for found in (answer, listed):
        assert len(list(rows_in(found.json()))) > expand.count(".") + 1  # something was expanded
        assert {row["user_id"] for row in rows_in(found.json())} == {mallory}
        assert not {row["id"] for row in theirs.values()} & set(json.dumps(found.json()).split('"'))
    assert shape(foreign) == shape(absent)
    assert foreign.status_code == 404
    assert filtered.json()["items"] == []


@contextmanager
def crossing(observer: Observer, own: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> Generator[None]:
    """Every foreign key dropped, and references that cross from one user to the other in both directions."""
    references = [(table, field) for table in theirs for field in case(table).resource.fields if isinstance(field.type, Reference)]
    dropped = [(case(table).resource.plural, field.type.constraint) for table, field in references if isinstance(field.type, Reference)]
    definitions = {
        name: observer.fetch("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", name)[0][0] for _, name in dropped
    }
    try:
        for table, name in dropped:
            observer.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
        for table, field in references:
            assert isinstance(field.type, Reference)
            for row, target in ((own[table], theirs), (theirs[table], own)):
                leads_to = target[field.type.target]["id"]
                observer.execute(f"UPDATE \"{case(table).resource.plural}\" SET {field.column} = '{leads_to}' WHERE id = '{row['id']}'")
        yield
    finally:
        for rows in (own, theirs):
            for table in rows:
                observer.execute(f"DELETE FROM \"{case(table).resource.plural}\" WHERE user_id = '{rows[table]['user_id']}'")
        for table, name in dropped:
            observer.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definitions[name]}')


@pytest.mark.parametrize(("one", "expand"), EXPANSIONS, ids=[f"{one}.{expand}" for one, expand in EXPANSIONS])
def test_I3_not_even_a_reference_that_leads_to_another_user_shows_a_row(
    api: Api, observer: Observer, one: ResourceCase, expand: str
) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = web(api, ada), web(api, mallory)
    with crossing(observer, own, theirs):
        answer = api.call(mallory, "GET", one.item(mallory, own[one.resource.name]["id"]), params={"expand": expand})
    assert answer.status_code == 200
    assert {row["user_id"] for row in rows_in(answer.json())} == {mallory}


# Filters through references


THROUGH = [found for one in RESOURCES for found in filters_through(SCHEMA, one)]


@pytest.mark.parametrize("found", THROUGH, ids=str)
def test_I3_no_filter_asks_of_another_users_row(api: Api, observer: Observer, found: Filter) -> None:
    """A row behind a reference that is another user's is none: whatever is asked of it, it has no value, which `__ne` keeps."""
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = web(api, ada), web(api, mallory)
    end = next(one.end for one in relations_of(SCHEMA)[found.case.resource.name].through if one.name == found.column)
    column = found.column.removeprefix(f"{end.field.name}__")
    value = spelled(theirs[end.target.name][column]) if found.operator != "isnull" else "false"
    with crossing(observer, own, theirs):
        for path in (found.case.path(mallory), f"{found.case.path(mallory)}/aggregate"):
            query = {"id": own[found.case.resource.name]["id"], found.parameter: value}
            answer = api.call(mallory, "GET", path, params=query | ({"count": "true"} if path.endswith("aggregate") else {}))
            assert answer.status_code == 200, answer.text
            many = answer.json()["items"][0]["count"] if path.endswith("aggregate") else len(answer.json()["items"])
            assert many == (1 if found.operator == "ne" else 0)


# Nested lists


@pytest.mark.parametrize("nested", NESTED, ids=str)
def test_I1_a_nested_list_of_another_users_path_is_the_constant_403(api: Api, observer: Observer, nested: NestedList) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    parent = web(api, ada)[nested.parent.resource.name]["id"]
    with observer.unchanged():
        answers = [api.call(mallory, "GET", nested.path(victim, row)) for victim in (ada, new_user()) for row in (parent, random_id(), "x")]
    assert {answer.status_code for answer in answers} == {403}
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert api.client.get(nested.path(ada, parent)).status_code == 401


@pytest.mark.parametrize("nested", NESTED, ids=str)
def test_I2_below_another_users_row_is_as_absent_as_below_a_random_one(api: Api, observer: Observer, nested: NestedList) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = web(api, ada), web(api, mallory)
    parent = theirs[nested.parent.resource.name]["id"]
    with observer.unchanged():
        for query in ({}, {"limit": "1"}, {"count": "exact"}, {"count": "estimated"}, {"offset": "1"}, {"fields": "id"}):
            foreign = api.call(mallory, "GET", nested.path(mallory, parent), params=query)
            absent = api.call(mallory, "GET", nested.path(mallory, random_id()), params=query)
            assert foreign.status_code == 404
            assert shape(foreign) == shape(absent)
        mine = api.call(mallory, "GET", nested.path(mallory, own[nested.parent.resource.name]["id"]), params={"count": "exact"})
    assert {row["user_id"] for row in mine.json()["items"]} <= {mallory}
    assert mine.json()["total"] == len(mine.json()["items"])


@pytest.mark.parametrize("nested", NESTED, ids=str)
def test_I7_a_cursor_of_a_nested_list_is_its_users_and_its_parents_own(api: Api, observer: Observer, nested: NestedList) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    cursors: dict[str, tuple[str, str]] = {}
    for user in (ada, mallory):
        parents = [nested.parent.create(api, user)["id"] for _ in range(2)]
        for parent in parents:
            for _ in range(3):
                nested.case.create(api, user, **{nested.field.column: parent})
        page = api.call(user, "GET", nested.path(user, parents[0]), params={"limit": "1"}).json()
        cursors[user] = (parents[0], page["next_cursor"])
        with observer.unchanged():
            follow = {"limit": "1", "cursor": page["next_cursor"]}
            assert api.call(user, "GET", nested.path(user, parents[0]), params=follow).status_code == 200
            assert api.call(user, "GET", nested.path(user, parents[1]), params=follow).status_code == 422
            assert api.call(user, "GET", nested.case.path(user), params=follow).status_code == 422
            filtered = follow | {nested.field.column: parents[0]}
            assert api.call(user, "GET", nested.case.path(user), params=filtered).status_code == 422
    for user, other in ((ada, mallory), (mallory, ada)):
        for parent in (cursors[user][0], cursors[other][0]):
            answer = api.call(user, "GET", nested.path(user, parent), params={"limit": "1", "cursor": cursors[other][1]})
            assert answer.status_code == 422


# Links


@pytest.mark.parametrize("call", LINKS, ids=str)
def test_I1_a_link_on_another_users_path_is_the_constant_403(api: Api, observer: Observer, call: LinkCall) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs = web(api, ada)
    (_, one), (_, other) = call.ends
    pair = theirs[one.resource.name]["id"], theirs[other.resource.name]["id"]
    with observer.unchanged():
        answers = [call_link(api, mallory, call, user, *ids) for user in (ada, new_user()) for ids in (pair, (random_id(), random_id()))]
        assert api.client.request(call.method, call.path(ada, *pair)).status_code == 401
    assert {answer.status_code for answer in answers} == {403}
    assert len({str(shape(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("call", LINKS, ids=str)
def test_I2_a_foreign_end_of_a_link_is_as_absent_as_a_random_one(api: Api, observer: Observer, call: LinkCall) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    theirs, own = web(api, ada), web(api, mallory)
    (_, one), (_, other) = call.ends
    first, second = one.resource.name, other.resource.name
    pairs = [
        (theirs[first]["id"], theirs[second]["id"]),  # which are linked, for ada
        (theirs[first]["id"], own[second]["id"]),
        (own[first]["id"], theirs[second]["id"]),
        (random_id(), random_id()),
        (own[first]["id"], random_id()),
        (random_id(), own[second]["id"]),
    ]
    with observer.unchanged():
        answers = [call_link(api, mallory, call, mallory, *pair) for pair in pairs]
    assert {answer.status_code for answer in answers} == {404}
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert call_link(api, mallory, call, mallory, own[first]["id"], own[second]["id"]).status_code == 204


def call_link(api: Api, caller: str, call: LinkCall, user: str, one: str, other: str) -> httpx.Response:
    return api.call(caller, call.method, call.path(user, one, other))
