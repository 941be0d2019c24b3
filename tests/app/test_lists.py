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


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("gone", [2, 3], ids=["all behind it", "the last row, too"])
def test_a_page_whose_rows_are_gone_leads_back(api: Api, sort: str, gone: int) -> None:
    """The cursor of the other direction begins with the row at which the page began: nothing else on its way shows it."""
    user = new_user()
    rows = six_tasks(api, user, sort)
    first = listed(api, user, sort=sort, limit=4)
    delete(api, user, rows[-gone:])
    response = api.call(user, "GET", f"/api/{user}/tasks", params={"sort": sort, "cursor": first["next_cursor"]})
    page = response.json()
    assert (page["items"], page["next_cursor"]) == ([], None)
    assert set(response.links) == {"prev"}
    assert walk(api, user, page, "previous_cursor", sort=sort) == rows[:-gone]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("gone", [4, 5], ids=["all before it", "the first row, too"])
def test_a_page_back_whose_rows_are_gone_leads_on(api: Api, sort: str, gone: int) -> None:
    user = new_user()
    rows = six_tasks(api, user, sort)
    last = listed(api, user, sort=sort, cursor=listed(api, user, sort=sort, limit=4)["next_cursor"])
    assert [row["id"] for row in last["items"]] == rows[4:]
    delete(api, user, rows[:gone])
    page = listed(api, user, sort=sort, cursor=last["previous_cursor"])
    assert (page["items"], page["previous_cursor"]) == ([], None)
    assert walk(api, user, page, "next_cursor", sort=sort) == rows[gone:]


def test_where_every_row_is_gone_pages_end_both_ways(api: Api) -> None:
    user = new_user()
    rows = six_tasks(api, user, "title")
    first = listed(api, user, sort="title", limit=3)
    delete(api, user, rows)
    page = listed(api, user, sort="title", cursor=first["next_cursor"])
    back = listed(api, user, sort="title", cursor=page["previous_cursor"])
    assert (back["items"], back["previous_cursor"]) == ([], None)
    on = listed(api, user, sort="title", cursor=back["next_cursor"])
    assert (on["items"], on["next_cursor"]) == ([], None)


def six_tasks(api: Api, user: str, sort: str) -> list[str]:
    """The ids of six tasks in the order of `sort`, which ties two of them at a time."""
    for number in range(6):
        due = [None, "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"][number // 2]
        body = {"title": f"T{number // 2}", "due_at": due, "priority": ["low", "high", "normal"][number // 2], "progress": number // 2}
        assert api.call(user, "POST", f"/api/{user}/tasks", json=body).status_code == 201
    return [row["id"] for row in listed(api, user, sort=sort)["items"]]


def delete(api: Api, user: str, rows: list[str]) -> None:
    for row in rows:
        assert api.call(user, "DELETE", f"/api/{user}/tasks/{row}").status_code == 204


def walk(api: Api, user: str, page: dict[str, Any], direction: str, **query: Any) -> list[str]:
    """The ids of the rows of all pages that follow `page` in one direction, one a page, in the order of the list."""
    rows: list[str] = []
    while page[direction] is not None:
        page = listed(api, user, limit=1, cursor=page[direction], **query)
        (row,) = page["items"]
        rows.append(row["id"])
    return rows if direction == "next_cursor" else rows[::-1]


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
