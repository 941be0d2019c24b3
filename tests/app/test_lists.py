"""Paging both ways, totals and chosen fields, over HTTP."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlmodel import select

from app.api.listing import Listing
from app.db.statements import UnownedStatementError
from app.models.task import Task, TaskRead
from app.routes.tasks import LIST_ROWS, ROW_COLUMNS
from tests.support.serving import Api
from tests.support.tokens import new_user

SORTS = ("title", "-title", "due_at", "-due_at", "-priority,due_at", "priority,-due_at,title", "-created_at", "id", "-progress")


@pytest.fixture(scope="module")
def owner(api: Api) -> str:
    """A user with 23 tasks, many of them alike in the fields that are sorted by."""
    user = new_user()
    for number, due, priority in zip(
        range(23), itertools.cycle([None, "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"]), itertools.cycle("lhn")
    ):
        body = {
            "title": f"T{number % 7}",
            "due_at": due,
            "priority": {"l": "low", "h": "high", "n": "normal"}[priority],
            "progress": number % 3,
        }
        assert api.call(user, "POST", f"/api/{user}/tasks", json=body).status_code == 201
    return user


def listed(api: Api, user: str, **query: Any) -> dict[str, Any]:
    response = api.call(user, "GET", f"/api/{user}/tasks", params=query)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 4, 22])
def test_pages_lead_back_the_way_they_came(api: Api, owner: str, sort: str, limit: int) -> None:
    everything = [row["id"] for row in listed(api, owner, sort=sort, limit=100)["items"]]
    assert len(everything) == 23
    forward: list[list[str]] = []
    page = listed(api, owner, sort=sort, limit=limit)
    assert page["previous_cursor"] is None
    while True:
        forward.append([row["id"] for row in page["items"]])
        if page["next_cursor"] is None:
            break
        page = listed(api, owner, sort=sort, limit=limit, cursor=page["next_cursor"])
    assert [row for rows in forward for row in rows] == everything
    backward = [forward[-1]]
    while page["previous_cursor"] is not None:
        page = listed(api, owner, sort=sort, limit=limit, cursor=page["previous_cursor"])
        backward.insert(0, [row["id"] for row in page["items"]])
        assert page["next_cursor"] is not None
    assert [row for rows in backward for row in rows] == everything


def test_the_link_header_leads_both_ways(api: Api, owner: str) -> None:
    first = api.call(owner, "GET", f"/api/{owner}/tasks", params={"limit": 5, "title__startswith": "T"})
    second = api.client.request("GET", first.url.join(first.links["next"]["url"]), headers=api.headers(owner))
    assert set(second.links) == {"next", "prev"}
    back = api.client.request("GET", second.url.join(second.links["prev"]["url"]), headers=api.headers(owner))
    assert back.json()["items"] == first.json()["items"]


@pytest.mark.parametrize(("query", "total"), [({}, 23), ({"title": "T1"}, 4), ({"due_at__isnull": "true"}, 8), ({"title": "none"}, 0)])
@pytest.mark.parametrize("count", ["exact", "estimated"])
def test_totals(api: Api, owner: str, query: dict[str, str], total: int, count: str) -> None:
    page = listed(api, owner, count=count, limit=2, **query)
    assert page["total"] == total
    assert "total" not in listed(api, owner, limit=2, **query)
    if page["next_cursor"]:
        assert listed(api, owner, count=count, limit=2, cursor=page["next_cursor"], **query)["total"] == total


@pytest.mark.usefixtures("owner")  # somebody else has rows
def test_totals_are_the_users_own(api: Api) -> None:
    somebody = new_user()
    for count in ("exact", "estimated"):
        assert listed(api, somebody, count=count)["total"] == 0


def test_chosen_fields(api: Api, owner: str) -> None:
    page = listed(api, owner, fields="title,id", limit=3, sort="-due_at")
    assert [list(row) for row in page["items"]] == [["title", "id"]] * 3
    assert page["next_cursor"]  # although the sort key is not answered
    row = page["items"][0]
    one = api.call(owner, "GET", f"/api/{owner}/tasks/{row['id']}", params={"fields": "title"})
    assert one.json() == {"title": row["title"]}
    assert one.headers["etag"]


@pytest.mark.parametrize("exact", [True, False])
def test_totals_carry_the_owner_predicate(exact: bool) -> None:
    total = LIST_ROWS._compile_count((("title", None),), exact)
    assert "tasks.user_id = $1" in total.sql
    unowned = Listing(Task, TaskRead, select(Task).with_only_columns(*ROW_COLUMNS), sort={})
    with pytest.raises(UnownedStatementError, match="tasks"):
        unowned._compile_count((), exact)


@pytest.mark.parametrize("fields", ["", "titel", "title,title", "title,", "user_id;drop", "title,metadata"])
def test_unknown_fields_are_refused(api: Api, owner: str, fields: str) -> None:
    for path in ("", "/00000000-0000-0000-0000-000000000000"):
        response = api.call(owner, "GET", f"/api/{owner}/tasks{path}", params={"fields": fields})
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["query", "fields"]


@pytest.mark.parametrize("count", ["", "all", "EXACT", "true"])
def test_other_counts_are_refused(api: Api, owner: str, count: str) -> None:
    assert api.call(owner, "GET", f"/api/{owner}/tasks", params={"count": count}).status_code == 422
