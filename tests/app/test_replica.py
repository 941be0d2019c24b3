"""DATABASE_REPLICA_URL: reads may be stale, but never to the client that has written. The replica is a real one, and held back."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.config import load_settings
from app.db.positions import LIFETIME, UNKNOWN, Positions
from app.middleware.consistency import COOKIE, NAME
from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres
from tests.support.database import ON_CITUS, Database, new_database, temporary_folder
from tests.support.replica import copy_server, follow, held_back
from tests.support.resources import case
from tests.support.serving import Api, serving
from tests.support.tokens import SECRET, new_user

pytestmark = pytest.mark.skipif(ON_CITUS, reason="a copy of the coordinator has no rows of its own")

TASK = case("Task")


@pytest.fixture(scope="module")
def copied(postgres: EmbeddedPostgres) -> Generator[tuple[EmbeddedPostgres, Path]]:
    with temporary_folder() as folder:
        copy_server(postgres, folder / "data")
        with EmbeddedPostgres.start(folder / "data", durable=False) as server:
            yield server, folder


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes of the application on one database, which read from its replica."""

    first: Api
    second: Api
    primary: EmbeddedPostgres
    replica: EmbeddedPostgres

    def create(self, user: str) -> tuple[str, str]:
        """The path of a new task, and the token of the answer."""
        answer = self.first.client.post(TASK.path(user), headers=self.first.headers(user), json={"title": "a"})
        self.first.client.cookies.clear()
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"], answer.headers[NAME]

    def get(self, user: str, path: str, token: str | None = None, api: Api | None = None) -> httpx.Response:
        return (api or self.first).call(user, "GET", path, headers={NAME: token} if token else {})


@pytest.fixture(scope="module")
def pair(postgres: EmbeddedPostgres, copied: tuple[EmbeddedPostgres, Path]) -> Generator[Pair]:
    replica, _ = copied
    with new_database(postgres) as database:
        follow(postgres, replica)
        url = replica.dsn(APP_ROLE, database.name)
        with serving(database, DATABASE_REPLICA_URL=url) as first, serving(database, DATABASE_REPLICA_URL=url) as second:
            pair = Pair(first, second, postgres, replica)
            _wait_until_read_from(pair)
            yield pair


def _wait_until_read_from(pair: Pair) -> None:
    """Reads go to the replica only when its role has been checked."""
    user = new_user()
    with held_back(pair.primary, pair.replica):
        path, _ = pair.create(user)
        for api in (pair.first, pair.second):
            deadline = time.monotonic() + 60
            while pair.get(user, path, api=api).status_code != 404:
                assert time.monotonic() < deadline, "nothing is read from the replica"
                time.sleep(0.1)


def test_a_read_may_be_stale_but_not_to_who_has_written(pair: Pair) -> None:
    user = new_user()
    with held_back(pair.primary, pair.replica):
        path, token = pair.create(user)
        for api in (pair.first, pair.second):
            assert pair.get(user, path, api=api).status_code == 404
            assert pair.get(user, path, token, api).json()["title"] == "a"
            assert pair.get(user, TASK.path(user), api=api).json()["items"] == []
            assert len(pair.get(user, f"{TASK.path(user)}?count=exact", token, api).json()["items"]) == 1
            assert pair.get(user, f"{TASK.path(user)}/aggregate?count=true", token, api).json()["items"] == [{"count": 1}]
    follow(pair.primary, pair.replica)
    assert pair.get(user, path).status_code == 200


def test_what_the_replica_has_is_read_there_with_a_token_too(pair: Pair) -> None:
    user = new_user()
    path, token = pair.create(user)
    with held_back(pair.primary, pair.replica):
        other, _ = pair.create(user)
        assert pair.get(user, path, token).status_code == 200
        assert pair.get(user, other, token).status_code == 404


def test_a_browser_needs_to_do_nothing(pair: Pair) -> None:
    user = new_user()
    with held_back(pair.primary, pair.replica), httpx.Client(base_url=pair.first.url, headers=pair.first.headers(user)) as browser:
        created = browser.post(TASK.path(user), json={"title": "a"})
        cookie = created.headers["Set-Cookie"]
        assert f"Max-Age={LIFETIME}; HttpOnly; SameSite=Lax" in cookie
        assert browser.get(created.headers["Location"]).status_code == 200
        changed = browser.patch(created.headers["Location"], json={"title": "b"})
        assert browser.get(created.headers["Location"]).json() == changed.json()
        assert browser.delete(created.headers["Location"]).status_code == 204
        assert browser.get(created.headers["Location"]).status_code == 404
        assert COOKIE in browser.cookies


def test_a_token_that_is_none_of_ours_costs_a_read_of_the_primary_and_nothing_else(pair: Pair) -> None:
    user = new_user()
    with held_back(pair.primary, pair.replica):
        path, token = pair.create(user)
        for forged in ("x", token[:-1], token[:30] + "A" + token[31:], "1" * 5000):
            assert pair.get(user, path, forged).status_code == 200


def test_another_user_sees_nothing_more_with_it(pair: Pair) -> None:
    ada, mallory = new_user(), new_user()
    path, token = pair.create(ada)
    follow(pair.primary, pair.replica)
    stolen = path.replace(ada, mallory)
    for given in (None, token):
        assert pair.get(mallory, path, given).status_code == 403
        assert pair.get(mallory, stolen, given).status_code == 404
        assert pair.get(mallory, TASK.path(mallory), given).json()["items"] == []


def test_a_refused_write_gives_no_token(pair: Pair) -> None:
    user = new_user()
    assert NAME not in pair.first.call(user, "POST", TASK.path(user), json={}).headers
    assert NAME not in pair.first.call(user, "POST", TASK.path("somebody-else"), json={"title": "a"}).headers


def test_without_a_replica_there_are_no_tokens(api: Api) -> None:
    user = new_user()
    answer = api.call(user, "POST", TASK.path(user), json={"title": "a"})
    assert (answer.status_code, NAME in answer.headers, "Set-Cookie" in answer.headers) == (201, False, False)


def test_a_token_has_its_time_and_follows_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    def positions(secret: str) -> Positions:
        return Positions(load_settings({"DATABASE_URL": "postgresql://h/d", "JWT_SECRET": secret}, env_file=None))

    new = SECRET[::-1]
    token = positions(SECRET).token(42)
    assert positions(f"{new},{SECRET}").read(token.encode()) == 42
    assert positions(new).read(token.encode()) == UNKNOWN
    assert positions(SECRET).token(42) != token  # nothing can be learnt from it
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + LIFETIME + 1)
    assert positions(SECRET).read(token.encode()) is None


def test_the_primary_answers_while_the_replica_does_not(database: Database, copied: tuple[EmbeddedPostgres, Path]) -> None:
    user = new_user()
    nowhere = f"postgresql://{APP_ROLE}@127.0.0.1:1/{database.name}"
    with serving(database, DATABASE_REPLICA_URL=nowhere) as api:
        row = TASK.create(api, user)
        api.client.cookies.clear()
        assert api.call(user, "GET", TASK.item(user, row["id"])).json() == row, api.log.read_text()
    replica, _ = copied
    follow(database.server, replica)
    with serving(database, DATABASE_REPLICA_URL=replica.dsn(APP_ROLE, database.name)) as api:
        for _ in range(10):
            replica.execute("postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{APP_ROLE}'")
            assert api.call(user, "GET", TASK.item(user, row["id"])).json() == row, api.log.read_text()


def test_the_role_of_the_replica_is_checked(database: Database, copied: tuple[EmbeddedPostgres, Path]) -> None:
    replica, _ = copied
    follow(database.server, replica)
    url = replica.dsn(OWNER_ROLE, database.name)

    def serve() -> str:
        with serving(database, until="/healthz", DATABASE_REPLICA_URL=url, ENVIRONMENT="production", SHUTDOWN_DELAY="0") as api:
            api.process.wait(60)
            return api.log.read_text()

    try:
        said = serve()
    except AssertionError as ended:  # before it was ready
        said = str(ended)
    assert "DATABASE_REPLICA_URL lets users read each other's rows" in said
