"""`expand`: related rows inside rows, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.serving import Api
from tests.support.tokens import new_user


@dataclass(frozen=True, slots=True)
class World:
    """One user's rows."""

    api: Api
    user: str

    def post(self, collection: str, **body: Any) -> dict[str, Any]:
        answer = self.api.call(self.user, "POST", f"/api/{self.user}/{collection}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        answer = self.api.call(self.user, "GET", f"/api/{self.user}/{path}", params=query)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def world(api: Api) -> World:
    return World(api, new_user())


def test_a_reference_becomes_the_row_that_it_leads_to(world: World) -> None:
    project = world.post("projects", name="House")
    inside, outside = world.post("tasks", title="in", project_id=project["id"]), world.post("tasks", title="out")
    rows = world.get("tasks", expand="project", sort="created_at")["items"]
    assert rows == [inside | {"project": project}, outside | {"project": None}]
    assert world.get(f"tasks/{inside['id']}", expand="project") == inside | {"project": project}
    assert world.get(f"tasks/{outside['id']}", expand="project") == outside | {"project": None}
    assert world.get(f"tasks/{inside['id']}") == inside


def test_two_levels(world: World) -> None:
    project = world.post("projects", name="House")
    parent = world.post("tasks", title="parent", project_id=project["id"])
    child = world.post("tasks", title="child", parent_id=parent["id"])
    row = world.get(f"tasks/{child['id']}", expand="project,parent.project")
    assert row == child | {"project": None, "parent": parent | {"project": project}}
    assert world.get("tasks", expand="parent.project,parent", id=child["id"])["items"] == [
        child | {"parent": parent | {"project": project}}
    ]


def test_an_inverse_holds_the_newest_rows(world: World) -> None:
    full, empty = world.post("projects", name="Full"), world.post("projects", name="Empty")
    tasks = [world.post("tasks", title=f"T{number}", project_id=full["id"]) for number in range(23)]
    world.post("comments", task_id=tasks[-1]["id"], body="Hello")
    rows = world.get("projects", expand="tasks", sort="name")["items"]
    assert rows == [empty | {"tasks": []}, full | {"tasks": tasks[:-21:-1]}]
    deep = world.get(f"projects/{full['id']}", expand="tasks.comments")["tasks"]
    assert [len(task["comments"]) for task in deep] == [1] + [0] * 19


def test_the_other_end_of_a_link(world: World) -> None:
    task, bare = world.post("tasks", title="tagged"), world.post("tasks", title="bare")
    first, second = world.post("tags", name="first"), world.post("tags", name="second")
    for tag in (second, first):
        world.post("task-tags", task_id=task["id"], tag_id=tag["id"])
    assert world.get("tasks", expand="tags", sort="created_at")["items"] == [task | {"tags": [second, first]}, bare | {"tags": []}]
    assert world.get(f"tags/{first['id']}", expand="tasks")["tasks"] == [task]


def test_json_decimals_and_dates_look_as_in_their_own_answers(world: World) -> None:
    project = world.post("projects", name="House", budget="1200.50", starts_on="2026-01-02")
    task = world.post("tasks", title="t", project_id=project["id"], checklist={"a": [1, None]}, due_at="2026-01-02T03:04:05.000006Z")
    assert world.get(f"projects/{project['id']}", expand="tasks") == project | {"tasks": [task]}
    assert world.get(f"tasks/{task['id']}", expand="project")["project"] == project


def test_fields_choose_at_each_level(world: World) -> None:
    project = world.post("projects", name="House")
    task = world.post("tasks", title="t", project_id=project["id"])
    one = f"tasks/{task['id']}"
    assert world.get(one, fields="title", expand="project") == {"title": "t", "project": project}
    assert world.get(one, fields="title,project.name", expand="project") == {"title": "t", "project": {"name": "House"}}
    row = world.get("projects", fields="name,tasks.title,tasks.comments.body", expand="tasks.comments")["items"][0]
    assert row == {"name": "House", "tasks": [{"title": "t", "comments": []}]}
    bare = world.post("tasks", title="bare")
    assert world.get(f"tasks/{bare['id']}", fields="project.name", expand="project") == {"project": None}


def test_the_etag_is_the_rows_own(world: World) -> None:
    project = world.post("projects", name="House")
    task = world.post("tasks", title="t", project_id=project["id"])
    path = f"/api/{world.user}/tasks/{task['id']}"
    answer = world.api.call(world.user, "GET", path, params={"expand": "project"})
    assert answer.headers["ETag"] == '"1"'
    again = world.api.call(world.user, "GET", path, params={"expand": "project"}, headers={"If-None-Match": '"1"'})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("expand", "said"),
    [
        ("projct", "did you mean `project`?"),
        ("", "Unknown expansion"),
        ("project,", "Unknown expansion"),
        ("project,project", "more than once"),
        ("parent.project,parent.project", "more than once"),
        ("parent.parent.project", "At most 2 levels"),
        ("project.task", "did you mean `project.tasks`?"),
        ("title", "Unknown expansion"),
        ("project_id", "did you mean `project`?"),
        ("user_id", "Unknown expansion"),
        ("project;drop", "Unknown expansion"),
        ("__class__", "Unknown expansion"),
        (
            "project,parent,comments,subtasks,tags,parent.project,parent.parent,parent.tags,tags.tasks,project.tasks,comments.task",
            "At most 10",
        ),
    ],
)
@pytest.mark.parametrize("path", ["", "/00000000-0000-7000-8000-000000000000"])
def test_what_cannot_be_expanded_is_refused(world: World, path: str, expand: str, said: str) -> None:
    (problem,) = world.get(f"tasks{path}", 422, expand=expand)["detail"]
    assert problem["loc"] == ["query", "expand"]
    assert said in problem["msg"]


@pytest.mark.parametrize(
    "fields", ["project.nam", "parent.title", "title.x", "project.name,project.name", "project.tasks", ".", "project."]
)
def test_fields_of_what_is_not_there_are_refused(world: World, fields: str) -> None:
    (problem,) = world.get("tasks", 422, expand="project", fields=fields)["detail"]
    assert problem["loc"] == ["query", "fields"]


def test_it_is_no_parameter_of_writes_and_documented_for_reads(world: World) -> None:
    answer = world.api.call(world.user, "POST", f"/api/{world.user}/tasks?expand=project", json={"title": "t"})
    assert answer.status_code == 422
    paths = world.api.client.get("/openapi.json").json()["paths"]
    for path in ("/api/{user_id}/tasks", "/api/{user_id}/tasks/{task_id}"):
        (parameter,) = [one for one in paths[path]["get"]["parameters"] if one["name"] == "expand"]
        assert all(f"`{name}`" in parameter["description"] for name in ("project", "parent", "subtasks", "comments", "tags"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"fields": "project.name"}, "Unknown field. Fields of related rows need `expand`."),
        ({"fields": "project.name", "expand": "parent"}, "Unknown field. Fields of related rows need `expand`."),
        ({"fields": "titel", "expand": "parent"}, "Unknown field; did you mean `title`?"),
    ],
    ids=str,
)
def test_a_field_of_a_row_that_is_not_expanded_needs_that(world: World, query: dict[str, str], message: str) -> None:
    (problem,) = world.get("tasks", 422, **query)["detail"]
    assert (problem["loc"], problem["msg"]) == (["query", "fields"], message)
