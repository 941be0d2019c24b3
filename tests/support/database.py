"""Databases for tests, on one embedded PostgreSQL a test process."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncpg
import pytest
from sqlmodel import SQLModel

from generator import embedded
from generator.embedded import APP_ROLE, OWNER_ROLE, SUPERUSER, EmbeddedError, EmbeddedPostgres
from generator.embedded_files import Account, account_for, programs_for
from tests.support import cluster
from tests.support.cluster import workers
from tests.support.given import GIVEN
from tests.support.pooler import AS_ON_CITUS, in_between

PROGRAMS = os.environ.get("ROWSMITH_TEST_POSTGRES") or None
"""The folder with the programs of another PostgreSQL to run the tests on, such as /usr/lib/postgresql/15/bin; see `make test-postgres`."""
IS_OTHER = PROGRAMS is not None or GIVEN is not None
"""Whether the tests run on another PostgreSQL than the embedded one."""
ON_CITUS = AS_ON_CITUS and IS_OTHER
"""Whether there is a cluster, over which the example's tables are distributed; see `make test-citus`."""
TEMPLATE = "rowsmith_template_"
"""How the names of databases begin that others are copied from."""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """One database. `app_dsn` is the application's role, `owner_dsn` owns the tables, `superuser_dsn` may do anything."""

    name: str
    app_dsn: str
    owner_dsn: str
    superuser_dsn: str
    server: EmbeddedPostgres

    def execute(self, sql: str) -> str:
        """Run `sql` as the superuser, past row-level security; the rows of the last statement, one a line, columns split by `|`."""
        return self.server.execute(self.name, sql)


class OpenDatabase:
    """A database on one open connection of the superuser, for what asks it again and again; made by `opened`."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], runner: asyncio.Runner) -> None:
        self._connection = connection
        self._runner = runner

    def execute(self, sql: str) -> str:
        """Run one statement as `Database.execute` does."""
        rows = self._runner.run(self._connection.fetch(sql))
        return "\n".join("|".join("" if value is None else str(value) for value in row.values()) for row in rows)

    def empty(self) -> None:
        """Drop everything that is in it."""
        for statement in (
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public AUTHORIZATION pg_database_owner",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        ):
            self.execute(statement)


@contextmanager
def opened(database: Database) -> Generator[OpenDatabase]:
    """Keep a connection to a database open."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database.superuser_dsn, statement_cache_size=0))  # tables change between statements
        try:
            yield OpenDatabase(connection, runner)
        finally:
            runner.run(connection.close())


def held[Answer](database: Database, request: Callable[[], Answer], *statements: str) -> Answer:
    """The answer to a request that is sent while a transaction with `statements` is open, and that has to wait for its end."""
    with opened(database) as other, ThreadPoolExecutor(1) as pool:
        for statement in ("BEGIN", *statements):
            other.execute(statement)
        answer = pool.submit(request)
        while not _somebody_waits(database, other):
            assert not answer.done(), "the request did not wait"
            time.sleep(0.02)  # between two looks at the locks; LOCK_TIMEOUT ends a request that is never seen to wait
        other.execute("COMMIT")
        return answer.result()


def _somebody_waits(database: Database, other: OpenDatabase) -> bool:
    """Whether a transaction waits for that of `other`; on a cluster, whose nodes lock for others, for any on one of them."""
    if not ON_CITUS:
        return other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))") != "0"
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return any(node.execute(database.name, waiting) != "0" for node in cluster.nodes(database.server))


@contextmanager
def temporary_folder() -> Generator[Path]:
    """A new folder with a short path that other users may enter, as PostgreSQL's own user has to when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="rowsmith-test-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_server() -> Generator[EmbeddedPostgres]:
    """A PostgreSQL for this test process, without the safety of data that only costs time here.

    Where ROWSMITH_TEST_SERVER has the folder of one that runs already, that one; where a cluster is given, its coordinator.
    """
    if folder := os.environ.get("ROWSMITH_TEST_SERVER"):
        yield _attached(Path(folder))
        return
    if GIVEN is not None:
        with cluster.given_cluster(GIVEN) as server:
            yield server
        return
    with (
        temporary_folder() as folder,
        _other_programs(),
        EmbeddedPostgres.start(folder / "data", durable=False) as server,
        workers(server) if ON_CITUS else nullcontext(),
        in_between(server),
    ):
        yield server


@contextmanager
def _other_programs() -> Generator[None]:
    """Start the PostgreSQL of ROWSMITH_TEST_POSTGRES, where that is set; the built-in locales came with version 17."""
    if PROGRAMS is None:
        yield
        return
    folder = Path(PROGRAMS)

    def _programs(_account: Account) -> Path:
        return folder

    assert (folder / "initdb").exists(), f"ROWSMITH_TEST_POSTGRES: there is no initdb in {folder}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "programs_for", _programs)
        patch.setattr(embedded, "INITDB", ("--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", f"--username={SUPERUSER}"))
        if ON_CITUS:
            patch.setattr(embedded, "SETTINGS", {**embedded.SETTINGS, **cluster.SETTINGS})
        yield


def _attached(data_dir: Path) -> EmbeddedPostgres:
    """A server that another process has started, to run statements on and never to stop."""
    server = EmbeddedPostgres.__new__(EmbeddedPostgres)
    account = account_for(data_dir)
    server.data_dir, server.socket_dir, server._programs = data_dir, data_dir, Path(PROGRAMS) if PROGRAMS else programs_for(account)
    return server


@contextmanager
def new_database(server: EmbeddedPostgres, *, tables: bool = True) -> Generator[Database]:
    """A database of its own, with the example's tables unless `tables` is False; dropped at the end."""
    name = f"rowsmith_test_{os.getpid()}_{next(_numbers)}"
    nodes = cluster.nodes(server) if tables else [server]
    if tables:
        template = _template(server)
        for node in nodes:
            node.execute("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {OWNER_ROLE}')
            node.execute("postgres", f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC; GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE}')
    else:
        server.create_database(name)
    try:
        yield Database(name, server.dsn(APP_ROLE, name), server.dsn(OWNER_ROLE, name), server.dsn(SUPERUSER, name), server)
    finally:
        for node in nodes:
            drop(node, name)


def drop(node: EmbeddedPostgres, name: str) -> None:
    """Drop a database with its connections; the daemon of Citus may come back to it for a while."""
    deadline = time.monotonic() + (10 if ON_CITUS else 0)
    while True:
        try:
            node.execute("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')
        except EmbeddedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)  # until it has ended
        else:
            return


def _template(server: EmbeddedPostgres) -> str:
    """A database with the example's tables, made once for each state of the code that makes them; each test's database is a copy."""
    from app.db.schema import create_schema  # noqa: PLC0415 - servers without tables need no application

    name = f"{TEMPLATE}{_digest()}"
    if ON_CITUS:
        with cluster.alone():
            return _template_on_cluster(server, name)
    if not _exists(server, name):
        unfinished = f"{name}_{os.getpid()}"  # where this fails, the next test tries again
        server.execute("postgres", f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)')
        server.create_database(unfinished)
        asyncio.run(create_schema(server.dsn(OWNER_ROLE, unfinished), APP_ROLE))
        try:
            server.execute("postgres", f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
        except EmbeddedError:
            assert _exists(server, name)  # another process was faster
            server.execute("postgres", f'DROP DATABASE "{unfinished}"')
    return name


def _template_on_cluster(server: EmbeddedPostgres, name: str) -> str:
    """The same, on each node. It takes no connections: those of Citus would stay. Those of other states of the code are dropped."""
    from app.db.schema import create_schema  # noqa: PLC0415 - as above

    if _exists(server, name):
        return name
    unfinished = f"{name}_{os.getpid()}"
    for node in cluster.nodes(server):
        for older in node.execute("postgres", f"SELECT datname FROM pg_database WHERE starts_with(datname, '{TEMPLATE}')").splitlines():
            node.execute("postgres", f'DROP DATABASE "{older}" WITH (FORCE)')
        node.create_database(unfinished)
    cluster.join(server, unfinished)
    asyncio.run(create_schema(server.dsn(OWNER_ROLE, unfinished), APP_ROLE))
    cluster.distribute(server, unfinished, [table.name for table in SQLModel.metadata.sorted_tables])
    closed = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{unfinished}'"
    for node in reversed(cluster.nodes(server)):
        node.execute(
            "postgres", f'ALTER DATABASE "{unfinished}" ALLOW_CONNECTIONS false; {closed}; ALTER DATABASE "{unfinished}" RENAME TO "{name}"'
        )
    return name


def _exists(server: EmbeddedPostgres, name: str) -> bool:
    return bool(server.execute("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


@cache
def _digest() -> str:
    """Of the application's files that say what its tables are."""
    import app  # noqa: PLC0415

    digest = hashlib.sha256()
    for path in sorted(path for folder in ("db", "models") for path in Path(app.__path__[0], folder).glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
