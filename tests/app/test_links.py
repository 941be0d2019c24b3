"""Many-to-many links: PUT and DELETE of a pair, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.resources import random_id
from tests.support.serving import Api
from tests.support.tokens import new_user


@dataclass(frozen=True, slots=True)
class Pair:
    """A task and a tag of one user."""

    api: Api
    user: str
    task: dict[str, Any]
    tag: dict[str, Any]

    def send(self, method: str, task: str | None = None, tag: str | None = None, **options: Any) -> httpx.Response:
        path = f"/api/{self.user}/tasks/{task or self.task['id']}/tags/{tag or self.tag['id']}"
        return self.api.call(self.user, method, path, **options)

    def links(self) -> list[dict[str, Any]]:
        return self.api.call(self.user, "GET", f"/api/{self.user}/task-tags", params={"task_id": self.task["id"]}).json()["items"]


@pytest.fixture
def pair(api: Api) -> Pair:
    user = new_user()
    task = api.call(user, "POST", f"/api/{user}/tasks", json={"title": "t"}).json()
    return Pair(api, user, task, api.call(user, "POST", f"/api/{user}/tags", json={"name": "urgent"}).json())


def test_linking_is_repeatable(pair: Pair) -> None:
    answers = [pair.send("PUT") for _ in range(3)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 3
    (link,) = pair.links()
    assert (link["tag_id"], link["version"], link["added_by"]) == (pair.tag["id"], 1, None)
    path = f"/api/{pair.user}/tasks/{pair.task['id']}"
    assert pair.api.call(pair.user, "GET", path, params={"expand": "tags"}).json()["tags"] == [pair.tag]


def test_unlinking_is_repeatable(pair: Pair) -> None:
    pair.send("PUT")
    assert [pair.send("DELETE").status_code for _ in range(3)] == [204] * 3
    assert pair.links() == []
    assert pair.send("PUT").status_code == 204
    assert len(pair.links()) == 1


def test_a_link_with_more_than_its_ends_is_kept(pair: Pair) -> None:
    body = {"task_id": pair.task["id"], "tag_id": pair.tag["id"], "added_by": "me"}
    created = pair.api.call(pair.user, "POST", f"/api/{pair.user}/task-tags", json=body).json()
    assert pair.send("PUT").status_code == 204
    assert pair.links() == [created]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_either_end_may_be_missing(pair: Pair, method: str) -> None:
    answers = [
        pair.send(method, tag=random_id()),
        pair.send(method, task=random_id()),
        pair.send(method, task=random_id(), tag=random_id()),
        pair.send(method, task=pair.tag["id"], tag=pair.task["id"]),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, '{"detail":"Task or Tag not found."}')}
    assert pair.links() == []
    assert pair.send(method, tag="urgent").status_code == 422
    assert pair.send(method, params={"expand": "tags"}).status_code == 422


def test_other_methods_are_not_allowed(pair: Pair) -> None:
    for method in ("GET", "POST", "PATCH"):
        answer = pair.send(method)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, PUT")


def test_a_race_of_the_same_pair_makes_one_link(pair: Pair) -> None:
    with ThreadPoolExecutor(16) as threads:
        statuses = [answer.status_code for answer in threads.map(pair.send, ["PUT"] * 48)]
    assert statuses == [204] * 48
    assert len(pair.links()) == 1
    with ThreadPoolExecutor(16) as threads:
        statuses = [answer.status_code for answer in threads.map(pair.send, ["DELETE", "PUT"] * 24)]
    assert statuses == [204] * 48
    assert len(pair.links()) <= 1


def test_a_race_with_the_end_of_an_end(pair: Pair) -> None:
    """Each answer is 204 or 404, and no link is left of a tag that is gone."""
    path = f"/api/{pair.user}/tags/{pair.tag['id']}"

    def act(number: int) -> int:
        if number == 10:
            return pair.api.call(pair.user, "DELETE", path, headers={"If-Match": "*"}).status_code
        return pair.send("PUT").status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(act, range(24)))
    assert statuses[10] == 204
    assert set(statuses) <= {204, 404}
    assert pair.send("PUT").status_code == 404
    assert pair.links() == []


def test_both_are_documented(pair: Pair) -> None:
    operations = pair.api.client.get("/openapi.json").json()["paths"]["/api/{user_id}/tasks/{task_id}/tags/{tag_id}"]
    assert {method: operation["operationId"] for method, operation in operations.items()} == {
        "put": "link_task_tag",
        "delete": "unlink_task_tag",
    }
    assert all({"204", "404"} <= operation["responses"].keys() for operation in operations.values())
