"""D3: the connection to the database breaks during COMMIT. The client is told that the outcome is not known, and a retry makes one row."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.support.database import ON_CITUS, Database, temporary_folder
from tests.support.serving import Api, serving
from tests.support.tokens import new_user
from tests.support.way import Way, close, received

KEY = {"Idempotency-Key": "one"}
COMMIT = b"COMMIT;\0"


class Breaker(Way):
    """A way to PostgreSQL that breaks at the next COMMIT once it is armed: before the server sees it, or after it is done."""

    armed: str | None = None

    def pass_requests(self, client: socket.socket, server: socket.socket) -> None:
        while data := received(client):
            if self.armed and COMMIT in data:
                when, self.armed = self.armed, None
                close(client)
                if when == "after":
                    server.sendall(data)
                break
            server.sendall(data)
        close(server, socket.SHUT_WR)


@contextmanager
def broken_way(database: Database) -> Generator[tuple[Breaker, Api]]:
    """The example on `database`, by a way that can be broken."""
    with temporary_folder() as folder:
        breaker = Breaker(database.server, folder)
        breaker.open()
        try:
            with serving(database, DATABASE_URL=breaker.dsn(database.app_dsn)) as api:
                yield breaker, api
        finally:
            breaker.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_D3_a_retry_after_a_broken_commit_makes_one_row(database: Database, when: str) -> None:
    user = new_user()
    path = f"/api/{user}/tasks"
    with broken_way(database) as (breaker, api):
        assert api.call(user, "POST", path, json={"title": "first"}).status_code == 201
        breaker.armed = when
        lost = api.call(user, "POST", path, json={"title": "Book the van"}, headers=KEY)
        assert breaker.armed is None
        assert lost.status_code == 503
        assert lost.headers["Retry-After"] == "1"
        assert "may be there or not" in lost.json()["detail"]
        again = api.call(user, "POST", path, json={"title": "Book the van"}, headers=KEY)
        assert again.status_code == 201
        assert again.headers.get("Idempotency-Replayed") == ("true" if when == "after" else None)
        items = api.call(user, "GET", path).json()["items"]
        assert [item["title"] for item in items] == ["Book the van", "first"]
        assert items[0] == again.json()


@pytest.mark.skipif(ON_CITUS, reason="Citus does not pass SET CONSTRAINTS on, and Rowsmith makes no constraint that waits")
def test_a_dry_run_checks_what_waits_for_the_commit(database: Database) -> None:
    database.execute("ALTER TABLE tags ADD CONSTRAINT late_uses UNIQUE (user_id, weight) DEFERRABLE INITIALLY DEFERRED")
    user = new_user()
    with serving(database) as api:
        for dry in ({"Prefer": "tx=rollback"}, {}):
            answer = api.call(user, "POST", f"/api/{user}/tags", json={"name": "one", "weight": 2.5}, headers=dry)
            assert answer.status_code == 201
        for dry in ({"Prefer": "tx=rollback"}, KEY, {}):
            answer = api.call(user, "POST", f"/api/{user}/tags", json={"name": "two", "weight": 2.5}, headers=dry)
            assert answer.status_code == 409
