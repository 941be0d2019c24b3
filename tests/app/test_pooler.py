"""Row D9: through pgbouncer in transaction mode, with PREPARED_STATEMENTS off. `make test-pgbouncer` runs everything that way."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.given import GIVEN
from tests.support.pooler import ABSENT, PROGRAM, pooling
from tests.support.resources import RESOURCES, case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason=ABSENT),
    pytest.mark.skipif(GIVEN is not None, reason="the pooler is one for servers that the tests start"),
]


@contextmanager
def pooled(server: EmbeddedPostgres, lock_timeout: str) -> Generator[Api]:
    """The example: many connections to a pooler, which has two to PostgreSQL."""
    with new_database(server) as database, pooling(server, size=2) as pooler:
        dsn = pooler.dsn(database.name)
        with serving(
            database, DATABASE_URL=dsn, PREPARED_STATEMENTS="false", LOCK_TIMEOUT=lock_timeout, STATEMENT_TIMEOUT="60", POOL_TIMEOUT="60"
        ) as api:
            yield api


def test_D9_many_users_at_once_share_two_connections(postgres: EmbeddedPostgres) -> None:
    """Each request of 12 users at a time creates, changes, lists and deletes; every answer has its own user's rows alone."""
    with pooled(postgres, "60") as api, ThreadPoolExecutor(12) as threads:
        list(threads.map(use, [api] * 24, range(24)))


def use(api: Api, number: int) -> None:
    user = new_user()
    for resource in RESOURCES:
        row = resource.create(api, user)
        items = api.call(user, "GET", resource.path(user)).json()["items"]
        assert {item["user_id"] for item in items} == {user}
        assert row["id"] in {item["id"] for item in items}
    path = case("Task").item(user, case("Task").create(api, user, title=f"number {number}")["id"])
    changed = api.call(user, "PATCH", path, json={"notes": str(number)})
    assert (changed.status_code, changed.json().get("notes")) == (200, str(number))
    kept = [api.call(user, "POST", case("Tag").path(user), json={"name": "x"}, headers={"Idempotency-Key": user}) for _ in range(2)]
    assert [answer.status_code for answer in kept] == [201, 201], kept[0].text
    assert kept[0].json() == kept[1].json()
    assert api.call(user, "DELETE", path).status_code == 204
    assert api.call(user, "GET", path).status_code == 404


def test_D9_the_timeouts_hold(postgres: EmbeddedPostgres) -> None:
    """The pooler takes no timeouts at the beginning of a connection; they are set for each transaction."""
    user = new_user()
    with pooled(postgres, "0.3") as api, ThreadPoolExecutor(1) as thread:
        path = case("Tag").item(user, case("Tag").create(api, user)["id"])
        holder = thread.submit(api.database.execute, "BEGIN; LOCK TABLE tags; SELECT pg_sleep(1.5); COMMIT")
        answers: list[httpx.Response] = []
        while not holder.done():
            answers.append(api.call(user, "GET", path))
        holder.result()
        assert 504 in {answer.status_code for answer in answers}
        assert api.call(user, "GET", path).status_code == 200
