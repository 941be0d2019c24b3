"""C1, C3 and C5: requests that meet at one row. One of them wins, the others are told, and nothing comes back or is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import held, new_database
from tests.support.resources import ResourceCase, case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

ROUNDS = 20
TASKS, PROJECTS, COMMENTS, TAGS = case("Task"), case("Project"), case("Comment"), case("Tag")

type Send = Callable[[], httpx.Response]


@pytest.fixture(scope="module")
def workers(postgres: EmbeddedPostgres) -> Generator[tuple[Api, Api]]:
    """Two processes of the example on one database, each with connections enough for all who race."""
    with new_database(postgres) as shared, serving(shared) as one, serving(shared) as two:
        yield one, two


def race(requests: Sequence[Send]) -> list[httpx.Response]:
    """Send all `requests` at once; their answers, in the same order."""
    start = Barrier(len(requests))

    def send(request: Send) -> httpx.Response:
        start.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(send, requests))
    assert all(answer.status_code < 500 for answer in answers), [answer.text for answer in answers]
    return answers


def statuses(answers: Sequence[httpx.Response]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def sender(api: Api, user: str, method: str, path: str, body: object = None, **headers: str) -> Send:
    """A request that is not sent yet."""
    return lambda: api.call(user, method, path, json=body, headers=headers)


@pytest.mark.parametrize("resource", [TASKS, TAGS], ids=str)  # one changes in a transaction with hooks, one in a single statement
def test_C1_of_twenty_changes_on_one_version_one_is_done(workers: tuple[Api, Api], resource: ResourceCase) -> None:
    one, user = workers[0], new_user()
    row = resource.create(one, user)
    path, field = resource.item(user, row["id"]), "title" if resource is TASKS else "name"
    answers = race([sender(workers[n % 2], user, "PATCH", path, {field: f"change {n}"}, **{"If-Match": '"1"'}) for n in range(20)])
    assert statuses(answers) == {200: 1, 412: 19}
    (winner,) = (answer for answer in answers if answer.status_code == 200)
    assert one.call(user, "GET", path).json() == winner.json()
    assert winner.json()["version"] == 2


@pytest.mark.parametrize("resource", [TASKS, TAGS], ids=str)
def test_C1_a_change_waits_for_the_one_that_is_under_way(workers: tuple[Api, Api], resource: ResourceCase) -> None:
    one, user = workers[0], new_user()
    row = resource.create(one, user)
    path, field = resource.item(user, row["id"]), "title" if resource is TASKS else "name"
    change = f"UPDATE {resource.resource.plural} SET version = version + 1 WHERE user_id = '{user}' AND id = '{row['id']}'"
    answer = held(one.database, sender(one, user, "PATCH", path, {field: "too late"}, **{"If-Match": '"1"'}), change)
    assert answer.status_code == 412
    kept = one.call(user, "GET", path).json()
    assert (kept["version"], kept[field]) == (2, row[field])


def test_C3_of_fifty_rows_with_one_unique_value_one_is_made(workers: tuple[Api, Api]) -> None:
    user = new_user()
    answers = race([sender(workers[n % 2], user, "POST", TAGS.path(user), {"name": "urgent", "weight": n % 10}) for n in range(50)])
    assert statuses(answers) == {201: 1, 409: 49}
    (winner,) = (answer for answer in answers if answer.status_code == 201)
    assert workers[0].call(user, "GET", TAGS.path(user)).json()["items"] == [winner.json()]
    assert {answer.json()["detail"] for answer in answers if answer.status_code == 409} == {"Another row has the same `name`."}


def test_C5_a_deleted_row_does_not_come_back(workers: tuple[Api, Api]) -> None:
    one, two, user = *workers, new_user()
    for number in range(ROUNDS):
        path = TASKS.item(user, TASKS.create(one, user)["id"])
        requests = [sender(two, user, "DELETE", path), *(sender(one, user, "PATCH", path, {"title": f"{number} {n}"}) for n in range(3))]
        requests.append(sender(two, user, "PUT", path, {"title": "replaced"}))
        deleted, *changes = race(requests)
        assert deleted.status_code == 204
        assert set(statuses(changes)) <= {200, 404}
        assert one.call(user, "GET", path).status_code == 404
    assert one.call(user, "GET", TASKS.path(user)).json()["items"] == []


def test_C5_a_row_is_not_made_below_one_that_goes(workers: tuple[Api, Api]) -> None:
    """Comments go with their task: after the race none is left, whoever came first."""
    one, two, user = *workers, new_user()
    for _ in range(ROUNDS):
        task = TASKS.create(one, user)["id"]
        requests = [sender(two, user, "DELETE", TASKS.item(user, task))]
        requests += [sender(one, user, "POST", COMMENTS.path(user), {"task_id": task, "body": "Done?"}) for _ in range(3)]
        deleted, *made = race(requests)
        assert deleted.status_code == 204
        for answer in made:
            assert answer.status_code in {201, 422}
            if answer.status_code == 422:
                assert answer.json()["detail"][0]["loc"] == ["body", "task_id"]
    assert one.call(user, "GET", COMMENTS.path(user)).json()["items"] == []


def test_C5_a_reference_is_not_left_to_a_row_that_goes(workers: tuple[Api, Api]) -> None:
    """A task outlives its project: after the race it names none."""
    one, two, user = *workers, new_user()
    for _ in range(ROUNDS):
        project = PROJECTS.create(one, user)["id"]
        requests = [sender(two, user, "DELETE", PROJECTS.item(user, project))]
        requests += [sender(one, user, "POST", TASKS.path(user), {"title": "Pack", "project_id": project}) for _ in range(3)]
        deleted, *made = race(requests)
        assert deleted.status_code == 204
        assert set(statuses(made)) <= {201, 422}
        for answer in made:
            if answer.status_code == 201:
                assert one.call(user, "GET", answer.headers["Location"]).json()["project_id"] is None


def test_C5_a_link_is_not_left_to_a_row_that_goes(workers: tuple[Api, Api]) -> None:
    one, two, user = *workers, new_user()
    task = TASKS.create(one, user)["id"]
    for _ in range(ROUNDS):
        tag = TAGS.create(one, user)["id"]
        deleted, linked = race(
            [
                sender(two, user, "DELETE", TAGS.item(user, tag), **{"If-Match": "*"}),
                sender(one, user, "PUT", f"{TASKS.item(user, task)}/tags/{tag}"),
            ]
        )
        assert deleted.status_code == 204
        assert linked.status_code in {204, 404}
    assert one.call(user, "GET", f"{TASKS.item(user, task)}?expand=tags").json()["tags"] == []
