"""Lists below a row: the same as the filtered list, as long as the row is there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.resources import random_id
from tests.support.serving import Api
from tests.support.tokens import new_user


class World:
    """A user with two projects of seven tasks each, and one task in none."""

    def __init__(self, api: Api) -> None:
        self.api, self.user = api, new_user()
        self.one, self.other = (self.post("projects", name=name)["id"] for name in ("one", "other"))
        for number in range(7):
            for project in (self.one, self.other):
                self.post("tasks", title=f"T{number}", project_id=project, priority=("low", "high")[number % 2])
        self.post("tasks", title="T1")

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.api.call(self.user, "POST", f"/api/{self.user}/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
        answer = self.api.call(self.user, "GET", f"/api/{self.user}/{path}", params=query)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    return World(api)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sort": "-priority,title"},
        {"title__in": "T1,T2", "sort": "title"},
        {"priority": "high", "count": "exact"},
        {"limit": "3", "offset": "2", "count": "estimated"},
        {"fields": "title,id", "expand": "project"},
        {"title": "none", "count": "exact"},
    ],
)
def test_it_is_the_filtered_list(world: World, query: dict[str, Any]) -> None:
    nested = world.get(f"projects/{world.one}/tasks", **query)
    listed = world.get("tasks", project_id=world.one, **query)
    assert nested["items"] == listed["items"]
    assert nested.get("total") == listed.get("total")
    assert (nested["next_cursor"] is None) == (listed["next_cursor"] is None)


def test_pages(world: World) -> None:
    everything = world.get(f"projects/{world.one}/tasks", sort="priority,-title")["items"]
    assert len(everything) == 7
    found: list[dict[str, Any]] = []
    page = world.get(f"projects/{world.one}/tasks", sort="priority,-title", limit=3)
    found += page["items"]
    while page["next_cursor"]:
        page = world.get(f"projects/{world.one}/tasks", sort="priority,-title", limit=3, cursor=page["next_cursor"])
        found += page["items"]
    assert found == everything
    back = world.get(f"projects/{world.one}/tasks", sort="priority,-title", limit=3, cursor=page["previous_cursor"])
    assert back["items"] == everything[3:6]


def test_the_link_header_leads_on(world: World) -> None:
    first = world.api.call(world.user, "GET", f"/api/{world.user}/projects/{world.one}/tasks", params={"limit": 4})
    second = world.api.client.request("GET", first.url.join(first.links["next"]["url"]), headers=world.api.headers(world.user))
    assert [row["project_id"] for row in first.json()["items"] + second.json()["items"]] == [world.one] * 7


def test_a_cursor_is_the_parents_own(world: World) -> None:
    cursor = world.get(f"projects/{world.one}/tasks", limit=3)["next_cursor"]
    for path, query in ((f"projects/{world.other}/tasks", {}), ("tasks", {"project_id": world.one}), ("tasks", {})):
        (problem,) = world.get(path, 422, limit=3, cursor=cursor, **query)["detail"]
        assert problem["loc"] == ["query", "cursor"]
    of_list = world.get("tasks", project_id=world.one, limit=3)["next_cursor"]
    world.get(f"projects/{world.one}/tasks", 422, limit=3, cursor=of_list)


def test_a_filter_on_the_reference_cannot_lead_out_of_the_parent(world: World) -> None:
    assert world.get(f"projects/{world.one}/tasks", project_id=world.other)["items"] == []
    assert world.get(f"projects/{world.one}/tasks", project_id__isnull="true")["items"] == []
    assert len(world.get(f"projects/{world.one}/tasks", project_id=world.one)["items"]) == 7


def test_below_a_row_of_the_same_resource(world: World) -> None:
    parent = world.post("tasks", title="parent")
    child = world.post("tasks", title="child", parent_id=parent["id"])
    assert world.get(f"tasks/{parent['id']}/subtasks")["items"] == [child]
    assert world.get(f"tasks/{child['id']}/subtasks") == {"items": [], "next_cursor": None, "previous_cursor": None}


def test_a_parent_that_is_not_there(world: World) -> None:
    assert world.get(f"projects/{random_id()}/tasks", 404) == {"detail": "Project not found."}
    assert world.get(f"projects/{random_id()}/tasks", 404, count="exact", limit=1) == {"detail": "Project not found."}
    world.get("projects/one/tasks", 422)
    world.get(f"projects/{random_id()}/tasks", 422, sort="titel")  # what is wrong with the request comes first
    task = world.get("tasks", limit=1)["items"][0]["id"]
    world.get(f"projects/{task}/tasks", 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_can_only_be_read(world: World, method: str) -> None:
    answer = world.api.call(world.user, method, f"/api/{world.user}/projects/{world.one}/tasks", json={})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_it_is_documented(world: World) -> None:
    paths = world.api.client.get("/openapi.json").json()["paths"]
    nested = paths["/api/{user_id}/projects/{project_id}/tasks"]["get"]
    assert nested["operationId"] == "list_tasks_of_project"
    names = [parameter["name"] for parameter in nested["parameters"] if parameter["in"] == "query"]
    assert names == [one["name"] for one in paths["/api/{user_id}/tasks"]["get"]["parameters"] if one["in"] == "query"]
    assert "404" in nested["responses"]
