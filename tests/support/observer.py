"""What the database holds and does, seen by its superuser past row-level security: the judge of every attack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import asyncpg

from tests.support.database import ON_CITUS, Database


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

    @contextmanager
    def unchanged(self) -> Generator[None]:
        """Assert that the block changes no row of any user: no row is written by a transaction that begins in it, none is gone."""
        ((first,),) = self.fetch("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        before = self._numbers(first)
        yield
        after = self._numbers(first)
        assert after == before, f"rows changed: (rows, written) were {before}, are {after}"

    def _numbers(self, first: int) -> dict[str, tuple[int, int]]:
        """How many rows each table has, and how many of them transaction `first` or a later one has written.

        The nodes of a cluster count their transactions each for itself; there it is the sum of the rows' versions.
        """
        written = dict.fromkeys(self._tables, f"count(*) FILTER (WHERE xmin::text::bigint >= {first})")
        if ON_CITUS:
            written = {table: "sum(version)" if table != "idempotency_keys_" else "0" for table in self._tables}
        counts = (f"SELECT '{table}', count(*), {written[table]} FROM \"{table}\"" for table in self._tables)
        return {table: (rows, written) for table, rows, written in self.fetch(" UNION ALL ".join(counts))}

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
