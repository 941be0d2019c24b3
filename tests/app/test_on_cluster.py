"""`rowsmith db distribute` on a real Citus, with an application that goes on meanwhile; see `make test-citus`."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from app.db.guards import PURGE, PURGES
from app.db.schema import create_schema
from generator.embedded import APP_ROLE, OWNER_ROLE, SUPERUSER, EmbeddedPostgres
from tests.support import cluster
from tests.support.command import Folder
from tests.support.database import ON_CITUS, Database, drop, opened
from tests.support.resources import case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

pytestmark = pytest.mark.skipif(not ON_CITUS, reason="there is no cluster: make test-citus DATABASE_URL=… (or POSTGRES=/…/bin)")

ROOT = Path(__file__).resolve().parents[2]

PLACED = "SELECT count(DISTINCT table_name), count(DISTINCT (nodename, nodeport)) FROM citus_shards"


def everywhere(coordinator: EmbeddedPostgres) -> str:
    """What PLACED answers when all six tables are distributed over all workers."""
    return f"6|{min(cluster.SHARDS, len(cluster.nodes(coordinator)) - 1)}"


FOLDERS = """
CREATE TABLE folders (user_id text NOT NULL, id uuid NOT NULL DEFAULT gen_random_uuid(), deleted_at timestamptz, days int, parent_id uuid,
                      PRIMARY KEY (user_id, id));
ALTER TABLE folders ADD CONSTRAINT fk_folders_parent FOREIGN KEY (user_id, parent_id) REFERENCES folders (user_id, id)
"""
CIRCLES = """
INSERT INTO folders (user_id, id, deleted_at, days)
  SELECT 'user ' || number, id::uuid, now() - make_interval(days => age), 1
  FROM generate_series(1, 20) AS number, (VALUES ('00000000-0000-0000-0000-000000000001', 40), ('00000000-0000-0000-0000-000000000002', 40),
    ('00000000-0000-0000-0000-000000000003', 5), ('00000000-0000-0000-0000-000000000004', NULL)) AS rows (id, age)
"""


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Generator[Database]:
    """The example's tables on the coordinator of a cluster, which has none of them yet."""
    name = f"rowsmith_plain_{os.getpid()}"
    for node in cluster.nodes(postgres):
        node.create_database(name)
    cluster.join(postgres, name)
    asyncio.run(create_schema(postgres.dsn(OWNER_ROLE, name), APP_ROLE))
    yield Database(name, postgres.dsn(APP_ROLE, name), postgres.dsn(OWNER_ROLE, name), postgres.dsn(SUPERUSER, name), postgres)
    for node in cluster.nodes(postgres):
        drop(node, name)


class Client(threading.Thread):
    """One user, who makes projects with tasks, changes them and reads them again, until told to stop."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self.api, self.user = api, new_user()
        self.statuses: Counter[int] = Counter()
        self.tasks: dict[str, str] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            project = self.send("POST", case("Project").path(self.user), name=f"Project {len(self.tasks)}")
            task = self.send("POST", case("Task").path(self.user), title="first", project_id=project["id"])
            changed = self.send("PATCH", case("Task").item(self.user, task["id"]), title="second")
            self.tasks[task["id"]] = changed["title"]

    def send(self, method: str, path: str, **body: object) -> dict[str, str]:
        answer = self.api.call(self.user, method, path, json=body)
        self.statuses[answer.status_code] += 1
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, str] = answer.json()
        return found

    def stored(self) -> dict[str, str]:
        """What the API has of the tasks."""
        found: dict[str, str] = {}
        path: str | None = f"{case('Task').path(self.user)}?limit=100"
        while path:
            page = self.api.call(self.user, "GET", path).json()
            found |= {item["id"]: item["title"] for item in page["items"]}
            path = f"{case('Task').path(self.user)}?limit=100&cursor={page['next_cursor']}" if page["next_cursor"] else None
        return found


def test_tables_are_distributed_while_clients_write(
    postgres: EmbeddedPostgres, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATABASE_URL", database.app_dsn)
    monkeypatch.setenv("MIGRATION_DATABASE_URL", database.superuser_dsn)
    folder = Folder(ROOT, capsys)
    prepared = folder.rowsmith("db", "distribute", "--prepare", "--apply")
    assert prepared.code == 0, prepared.err
    references = "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1"
    before = database.execute(references)
    with serving(database) as api:
        clients = [Client(api) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            done = folder.rowsmith("db", "distribute", "--apply")
        finally:
            for client in clients:
                client.over.set()
            for client in clients:
                client.join()
        assert done.code == 0, done.err
        for client in clients:
            assert client.statuses.keys() == {200, 201}
            assert client.tasks
            assert client.stored() == client.tasks
    assert database.execute(references) == before
    assert database.execute(PLACED) == everywhere(postgres)


def test_the_printed_sql_converts_too(postgres: EmbeddedPostgres, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("DATABASE_URL", database.app_dsn)
        printed = Folder(ROOT, capsys).rowsmith("db", "distribute")
    assert printed.code == 0, printed.err
    database.execute(printed.out)
    assert database.execute(PLACED) == everywhere(postgres)


def test_old_rows_go_owner_by_owner(postgres: EmbeddedPostgres, database: Database) -> None:
    """Also those that refer to each other; rows that are young, or not deleted, stay. The application's role calls for all users."""
    database.execute(FOLDERS)
    for statement in PURGES[PURGE]("folders", ["folders.parent_id"], APP_ROLE):
        database.execute(statement)
    cluster.distribute(postgres, database.name, ["folders", "idempotency_keys_"])
    database.execute(CIRCLES)
    one, other = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2))
    database.execute(f"UPDATE folders SET parent_id = '{other}' WHERE id = '{one}'")
    database.execute(f"UPDATE folders SET parent_id = '{one}' WHERE id = '{other}'")
    database.execute(
        "INSERT INTO idempotency_keys_ (user_id, route, key, fingerprint, status, body, headers, created_at)"
        " SELECT 'user ' || number, 'r', 'k', '', 200, '', '', now() - make_interval(hours => number) FROM generate_series(1, 50) AS number"
    )
    with opened(database) as superuser:
        superuser.execute(f"SET ROLE {APP_ROLE}")
        assert int(superuser.execute("SELECT purge_folders(3, 30)")) in range(3, 6)  # it ends when it is enough
        while superuser.execute("SELECT purge_folders(1000, 30)") != "0":
            pass
        assert superuser.execute("SELECT purge_idempotency_keys_(1000)") == "27"
    assert database.execute("SELECT count(*), count(deleted_at) FROM folders") == "40|20"
