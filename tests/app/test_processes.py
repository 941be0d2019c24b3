"""Processes and hosts keep nothing that another one needs: a client may talk to another one with each request."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import make_url

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.resources import case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

TAG = case("Tag")


@pytest.fixture(scope="module")
def pair(postgres: EmbeddedPostgres) -> Generator[tuple[Api, Api]]:
    """Two processes on one database, each with its own name for it, as on two hosts."""
    with new_database(postgres) as database:
        elsewhere = make_url(database.app_dsn).update_query_dict({"application_name": "elsewhere"}).render_as_string(hide_password=False)
        with serving(database) as first, serving(database, DATABASE_URL=elsewhere) as second:
            yield first, second


def test_a_list_is_paged_through_whoever_answers(pair: tuple[Api, Api]) -> None:
    user = new_user()
    made = [TAG.create(api, user)["id"] for api in (*pair, *pair, pair[0])]
    found: list[str] = []
    query = {"limit": "1", "sort": "created_at"}
    for api in itertools.cycle(pair):
        page = api.call(user, "GET", TAG.path(user), params=query).json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == made


def test_a_retry_elsewhere_gives_the_same_answer(pair: tuple[Api, Api]) -> None:
    user = new_user()
    answers = [api.call(user, "POST", TAG.path(user), json={"name": "a"}, headers={"Idempotency-Key": "k"}) for api in pair]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_twenty_at_once_on_two_processes_make_one_row(pair: tuple[Api, Api]) -> None:
    user = new_user()

    def post(number: int) -> tuple[int, str]:
        answer = pair[number % 2].call(user, "POST", TAG.path(user), json={"name": "a"}, headers={"Idempotency-Key": "k"})
        return answer.status_code, answer.json().get("id", "")

    with ThreadPoolExecutor(20) as threads:
        answers = set(threads.map(post, range(20)))
    rows = pair[0].call(user, "GET", TAG.path(user)).json()["items"]
    assert len(rows) == 1
    assert {answer for answer in answers if answer[0] != 409} == {(201, rows[0]["id"])}


def test_a_version_is_known_everywhere(pair: tuple[Api, Api]) -> None:
    user = new_user()
    path = TAG.item(user, TAG.create(pair[0], user)["id"])
    changed = pair[1].call(user, "PATCH", path, json={"weight": 2}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert pair[0].call(user, "PATCH", path, json={"weight": 3}, headers={"If-Match": '"1"'}).status_code == 412
    assert pair[0].call(user, "GET", path, headers={"If-None-Match": '"2"'}).status_code == 304
