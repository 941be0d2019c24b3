"""Full-text search over HTTP: `q` finds words, the last one as it is typed, ranks what it finds, and goes with the rest of a list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.matrix import SEARCHES
from tests.support.resources import ResourceCase
from tests.support.serving import Api
from tests.support.tokens import new_user

HOSTILE = [
    "!",
    "&",
    "|",
    "<->",
    ":*",
    "a:*",
    "a:b",
    "!a",
    "a & | b",
    "((((",
    "a <-> b",
    "a <999999> b",
    "'",
    "''",
    "'a",
    '"a',
    '"',
    "\\",
    "\\'",
    "a\\",
    "'; DROP TABLE tasks; --",
    "$search$",
    "%",
    "_",
    "%s",
    "{}",
    ":name",
    "*",
    " ",
    "",
    "\t\n",
    "\u200b",
    "\u202e",
    "\u3000",
    "\u0301",
    "🙂",
    "\U0001f468\u200d\U0001f469",
    "ﷺ",
    "a" * 200,
    "'" * 200,
    "!" * 200,
    "a " * 100,
    "\U0010ffff" * 200,
    "\x01\x1f\x7f",
]


TITLES = (
    "Book the van",
    "Return the library book",
    "Pack the books",
    "Ring the bookbinder about example.com/van-hire",
    "Ünïcode Straße 42",
    "100% done_already",
)


class World:
    """A user with tasks of these titles, the last one the newest, and somebody else with a task of all their words."""

    def __init__(self, api: Api, *titles: str) -> None:
        self.api, self.user, self.other = api, new_user(), new_user()
        for title in titles:
            self.post(self.user, title=title)
        self.post(self.other, title=" ".join(("Somebody", *titles))[:200])

    def post(self, user: str, **body: Any) -> dict[str, Any]:
        answer = self.api.call(user, "POST", f"/api/{user}/tasks", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, path: str = "tasks", status: int = 200, **query: Any) -> dict[str, Any]:
        answer = self.api.call(self.user, "GET", f"/api/{self.user}/{path}", params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    def titles(self, q: str, **query: Any) -> list[str]:
        """The titles that `q` finds, in their order."""
        return [row["title"] for row in self.get(q=q, **query)["items"]]


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    return World(api, *TITLES)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("van", ["Ring the bookbinder about example.com/van-hire", "Book the van"]),
        ("VAN the", ["Ring the bookbinder about example.com/van-hire", "Book the van"]),
        ("book", ["Ring the bookbinder about example.com/van-hire", "Pack the books", "Return the library book", "Book the van"]),
        ("book the", ["Return the library book", "Book the van"]),
        ("the book", ["Ring the bookbinder about example.com/van-hire", "Pack the books", "Return the library book", "Book the van"]),
        ("books", ["Pack the books"]),
        ("ook", []),
        ("example.com", ["Ring the bookbinder about example.com/van-hire"]),
        ("example hir", ["Ring the bookbinder about example.com/van-hire"]),
        ("ÜNÏ", ["Ünïcode Straße 42"]),
        ("straße 4", ["Ünïcode Straße 42"]),
        ("4 straße", []),
        ("42 straße", ["Ünïcode Straße 42"]),
        ("done", ["100% done_already"]),
        ("alr", ["100% done_already"]),
        ("%", []),
        ("_", []),
        ("1__", ["100% done_already"]),
        ("b%k", []),
        ("van -book", ["Ring the bookbinder about example.com/van-hire", "Book the van"]),
        ("", []),
        (" , ", []),
    ],
)
def test_words_are_found(world: World, q: str, found: list[str]) -> None:
    assert sorted(world.titles(q)) == sorted(found)
    assert world.titles(q, sort="-created_at") == [title for title in reversed(TITLES) if title in found]
    assert world.get(q=q, count="exact")["total"] == len(found)
    assert world.get(q=q, count="estimated")["total"] == len(found)
    assert world.get("tasks/aggregate", q=q, count="true")["items"] == [{"count": len(found)}]


def test_what_fits_best_comes_first(api: Api) -> None:
    world = World(api, "Boat, boat and boat again", "A boat", "A boat on a very long way to somewhere else", "Another boat", "No ship")
    assert world.titles("boat") == [
        "Boat, boat and boat again",
        "Another boat",
        "A boat on a very long way to somewhere else",
        "A boat",
    ]  # those that are equal the newest first
    assert world.titles("boat", sort="created_at")[0] == "Boat, boat and boat again"
    assert world.titles("boat", sort="-created_at")[0] == "Another boat"


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_in_the_order_of_relevance_lead_on_and_back(api: Api, limit: int) -> None:
    world = World(api, *(" ".join(["tea"] * (1 + number % 4) + ["cup"] * (number % 3)) for number in range(11)), "nothing")
    everything = [row["id"] for row in world.get(q="te", limit=100)["items"]]
    assert len(everything) == 11
    seen: list[str] = []
    page = world.get(q="te", limit=limit)
    while True:
        assert all(set(row) >= {"id", "title"} and not any("relevance" in name for name in row) for row in page["items"])
        seen += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        page = world.get(q="te", limit=limit, cursor=page["next_cursor"])
    assert seen == everything
    back = [row["id"] for row in page["items"]]
    while page["previous_cursor"] is not None:
        page = world.get(q="te", limit=limit, cursor=page["previous_cursor"])
        back = [row["id"] for row in page["items"]] + back
    assert back == everything
    assert [row["id"] for row in world.get(q="te", limit=4, offset=3)["items"]] == everything[3:7]


def test_a_cursor_is_bound_to_what_is_searched(api: Api) -> None:
    world = World(api, "one two", "one two three", "one")
    cursor = world.get(q="one", limit=1)["next_cursor"]
    world.get(q="one", limit=1, cursor=cursor, fields="id")
    for query in ({"q": "on"}, {"q": "one "}, {}, {"q": "one", "sort": "-created_at"}, {"q": "one", "priority": "low"}):
        world.get(status=422, limit=1, cursor=cursor, **query)
    plain = world.get(limit=1)["next_cursor"]
    world.get(status=422, limit=1, cursor=plain, q="one")
    chosen = world.get(q="one", sort="-created_at", limit=1)["next_cursor"]
    world.get(status=422, q="one", limit=1, cursor=chosen)


def test_with_filters_fields_and_expansions(api: Api) -> None:
    world = World(api, "Paint the door")
    project = api.call(world.user, "POST", f"/api/{world.user}/projects", json={"name": "House"}).json()["id"]
    row = world.post(world.user, title="Paint the wall", priority="high", project_id=project)
    world.post(world.user, title="Wash the wall", priority="high", project_id=project)
    assert world.titles("paint", priority="high") == ["Paint the wall"]
    assert world.titles("paint", project__name="House") == ["Paint the wall"]
    assert world.get(q="paint wall", fields="title,id")["items"] == [{"title": "Paint the wall", "id": row["id"]}]
    (found,) = world.get(q="paint w", expand="project,project.tasks", fields="id,project.name")["items"]
    assert found["project"]["name"] == "House"
    assert [one["title"] for one in world.get(f"projects/{project}/tasks", q="paint")["items"]] == ["Paint the wall"]
    assert world.get(f"projects/{project}/tasks", q="door")["items"] == []
    assert world.get("tasks/aggregate", q="wall", group_by="priority", count="true")["items"] == [{"priority": "high", "count": 2}]


def test_what_is_changed_is_found_anew(api: Api) -> None:
    world = World(api)
    row = world.post(world.user, title="Old words")
    api.call(world.user, "PATCH", f"/api/{world.user}/tasks/{row['id']}", json={"title": "New words"})
    assert (world.titles("old"), world.titles("new")) == ([], ["New words"])
    api.call(world.user, "DELETE", f"/api/{world.user}/tasks/{row['id']}")
    assert world.titles("new") == []


def test_what_was_only_tried_is_not_found(api: Api) -> None:
    world = World(api)
    answer = api.call(world.user, "POST", f"/api/{world.user}/tasks", json={"title": "Undone"}, headers={"Prefer": "tx=rollback"})
    assert answer.status_code == 201
    assert world.titles("undone") == []


@pytest.mark.parametrize("q", HOSTILE)
@pytest.mark.parametrize("case", SEARCHES, ids=str)
def test_nothing_breaks_a_search(api: Api, case: ResourceCase, q: str) -> None:
    user = new_user()
    for query in ({}, {"sort": "id"}, {"count": "exact"}):
        answer = api.call(user, "GET", case.path(user), params={"q": q, **query})
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"] == []
    assert api.call(user, "GET", f"{case.path(user)}/aggregate", params={"q": q, "count": "true"}).json() == {"items": [{"count": 0}]}


@pytest.mark.parametrize(
    "title", ["a" * 200, "\U0010ffff" * 200, "'quoted' \\ \\' ''", "$search$ :name %s", "\u3000\u3000", "a\u3000b", "\x7f\x01"]
)
def test_nothing_breaks_what_is_searched(api: Api, title: str) -> None:
    world = World(api)
    world.post(world.user, title=title)
    answer = api.call(world.user, "GET", f"/api/{world.user}/tasks", params={"q": title[:200]})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "query", ["q=" + "a" * 201, "q=" + "a" * 10_000, "q=%00", "q=a%00b", "q=%ff", "q=%ed%a0%80", "q=a&q=b", "Q=a", "q__in=a", "query=a"]
)
def test_what_is_no_search_is_refused(api: Api, query: str) -> None:
    user = new_user()
    answer = api.call(user, "GET", f"/api/{user}/tasks?{query}")
    assert answer.status_code == 422, answer.text
    assert len(answer.content) < 8_000


def test_where_nothing_is_searchable_there_is_no_q(api: Api) -> None:
    user = new_user()
    for path in ("tags", "tags/aggregate", "task-tags"):
        answer = api.call(user, "GET", f"/api/{user}/{path}", params={"q": "a", "count": "exact" if "agg" not in path else "true"})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", "q"]


def test_long_texts_and_long_words(api: Api) -> None:
    """Whatever a text holds, its row can be written, and its words of an ordinary length are found."""
    world = World(api)
    task = world.post(world.user, title="A task")["id"]
    bodies = [
        "needle " + "x" * 9_000,
        "x" * 254 + " needle",
        "x" * 2_040 + " needle " + "\U0010ffff" * 3_000,
        " ".join(chr(0x4E00 + number) for number in range(4_990)) + " needle",
        "needle," * 1_400,
        "{" + '"needle":"' + "y," * 4_900 + '"}',
    ]
    for body in bodies:
        answer = api.call(world.user, "POST", f"/api/{world.user}/comments", json={"task_id": task, "body": body})
        assert answer.status_code == 201, answer.text
    assert world.get("comments", q="need", count="exact")["total"] == len(bodies)
    assert world.get("comments", q="x" * 200, count="exact")["total"] == 1  # of 254 characters; the others are too long for a word
    assert world.get(f"tasks/{task}/comments", q="needle", sort="id", limit=100)["items"][0]["body"] == bodies[0]


def test_openapi_says_what_is_searched(api: Api) -> None:
    paths = api.client.get("/openapi.json").json()["paths"]
    for path in ("/api/{user_id}/tasks", "/api/{user_id}/tasks/aggregate", "/api/{user_id}/projects/{project_id}/tasks"):
        (parameter,) = [one for one in paths[path]["get"]["parameters"] if one["name"] == "q"]
        assert "`title`" in parameter["description"] or "`title`" in parameter["schema"]["description"]
        assert "200" in str(parameter["schema"])
        assert not parameter["required"]
    assert not [one for one in paths["/api/{user_id}/tags"]["get"]["parameters"] if one["name"] == "q"]
