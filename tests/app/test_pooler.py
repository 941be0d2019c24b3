"""Row D9: through pgbouncer in transaction mode, with PREPARED_STATEMENTS off. `make test-pgbouncer` runs everything that way."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.pooler import ABSENT, PROGRAM, pooling
from tests.support.resources import RESOURCES, case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=ABSENT)


@pytest.fixture(scope="module")
def pooled(postgres: EmbeddedPostgres) -> Generator[Api]:
    """The example: many connections to a pooler, which has two to PostgreSQL."""
    with new_database(postgres) as database, pooling(postgres, size=2) as pooler:
        dsn = pooler.dsn(database.name)
        with serving(database, DATABASE_URL=dsn, PREPARED_STATEMENTS="false", STATEMENT_TIMEOUT="2", LOCK_TIMEOUT="0.3") as api:
            yield api


def test_D9_many_users_at_once_share_two_connections(pooled: Api) -> None:
    """Each request of 12 users at a time creates, changes, lists and deletes; every answer has its own user's rows alone."""

    def work(number: int) -> None:
        user = new_user()
        for resource in RESOURCES:
            row = resource.create(pooled, user)
            items = pooled.call(user, "GET", resource.path(user)).json()["items"]
            assert {item["user_id"] for item in items} == {user}
            assert row["id"] in {item["id"] for item in items}
        path = case("Task").item(user, case("Task").create(pooled, user, title=f"number {number}")["id"])
        changed = pooled.call(user, "PATCH", path, json={"notes": str(number)})
        assert (changed.status_code, changed.json()["notes"]) == (200, str(number))
        kept = [pooled.call(user, "POST", case("Tag").path(user), json={"name": "x"}, headers={"Idempotency-Key": user}) for _ in range(2)]
        assert [answer.json()["id"] for answer in kept] == [kept[0].json()["id"]] * 2
        assert pooled.call(user, "DELETE", path).status_code == 204
        assert pooled.call(user, "GET", path).status_code == 404

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(work, range(24)))


def test_D9_the_timeouts_hold(pooled: Api) -> None:
    """The pooler takes no timeouts at the beginning of a connection; they are set for each transaction."""
    user = new_user()
    tag = case("Tag").create(pooled, user)
    with ThreadPoolExecutor(1) as thread:
        locked = "BEGIN; LOCK TABLE tags; SELECT pg_sleep(1.5); COMMIT"
        holder = thread.submit(pooled.database.execute, locked)
        answers: list[httpx.Response] = []
        while not holder.done():
            answers.append(pooled.call(user, "GET", case("Tag").item(user, tag["id"])))
        holder.result()
    assert 504 in {answer.status_code for answer in answers}
    assert pooled.call(user, "GET", case("Tag").item(user, tag["id"])).json() == tag
