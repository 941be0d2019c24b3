"""What the database holds and does, seen by its superuser past row-level security: the judge of every attack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from tests.support.database import Database

type Dump = Mapping[str, Sequence[str]]
"""Every row of every table as text, by table, in the order of the primary key."""


class Observer:
    """A connection of its own to one database. Use `observing`."""

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._runner = runner
        self._connection = connection
        self._tables = [row[0] for row in self.fetch("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]

    def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of one statement."""
        return self._runner.run(self._connection.fetch(sql, *arguments))

    def execute(self, sql: str) -> None:
        """Run one or more statements."""
        self._runner.run(self._connection.execute(sql))

    def dump(self) -> Dump:
        """Everything that is stored."""
        return {
            table: [row[0] for row in self.fetch(f'SELECT row_to_json(t)::text FROM "{table}" AS t ORDER BY 1')] for table in self._tables
        }

    @contextmanager
    def unchanged(self) -> Generator[None]:
        """Assert that the block changes no row of any user."""
        before = self.dump()
        yield
        after = self.dump()
        for table, rows in before.items():
            assert after[table] == rows, f"rows of {table} changed"

    def assert_idle(self, within: float = 2.0) -> None:
        """Assert that no connection of the application is busy or inside a transaction, or will not be soon."""
        deadline = time.monotonic() + within
        while busy := self.fetch(
            "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowsmith'"
            " AND state <> 'idle'"
        ):
            assert time.monotonic() < deadline, f"a connection was not given back: {busy}"
            time.sleep(0.02)


@contextmanager
def observing(database: Database) -> Generator[Observer]:
    """An observer of `database` until the block ends."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database.superuser_dsn))
        try:
            yield Observer(runner, connection)
        finally:
            runner.run(connection.close())
