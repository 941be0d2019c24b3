"""Distributes the tables of a database over a Citus cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import asyncpg

from generator.migrations import distribution
from generator.migrations.distribution import Plan, Progress
from generator.migrations.runner import MigrationError, Target, explained

type Connection = asyncpg.Connection[asyncpg.Record]

LOCK_TIMEOUT, ATTEMPTS, PAUSE = "500ms", 60, 0.5
"""How long a change of a table waits for its locks, how often it is tried, and seconds in between.

It gives up before PostgreSQL looks for deadlocks (deadlock_timeout, a second), and might break off a request that is in one.
"""

AGAIN = "mend that, then run it again: it goes on where it stopped"


def problems(target: Target, plan: Plan) -> list[tuple[str, str]]:
    """What stands in the way: `cluster` or `table`, and a sentence. MigrationError where there is no Citus."""

    async def ask(connection: Connection) -> list[tuple[str, str]]:
        if await connection.fetchval(distribution.EXTENSION) is None:
            raise MigrationError(
                "the database has no extension `citus`: its tables cannot be distributed",
                "install Citus on every node and run CREATE EXTENSION citus; docs/scaling.md says when that pays, and what comes before it",
            )
        rows = await connection.fetch(distribution.problems_sql(plan.tables))
        return [(row["about"], row["problem"]) for row in rows]

    return _connected(target, ask)


def prepare(target: Target, tell: Callable[[str], None]) -> None:
    """Let the application tell the user to every node; it needs no Citus yet."""

    async def work(connection: Connection) -> None:
        role_is_set = await connection.fetchval(distribution.ROLE_IS_SET, target.app_role)
        await _run(connection, distribution.preparation(target.app_role, role_is_set=role_is_set), tell)

    _connected(target, work)


def convert(target: Target, plan: Plan, tell: Callable[[str], None]) -> None:
    """Distribute what is not distributed yet."""

    async def work(connection: Connection) -> None:
        distributed = frozenset(row[0] for row in await connection.fetch(distribution.DISTRIBUTED))
        rows = await connection.fetch(distribution.LINKS, list(plan.tables))
        links = {str(row["conname"]): bool(row["convalidated"]) for row in rows}
        await _run(connection, distribution.conversion(plan, Progress(distributed, links)), tell)

    _connected(target, work)


def _connected[T](target: Target, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
    async def connected() -> T:
        connection = await asyncpg.connect(target.owner_dsn, timeout=10)
        try:
            return await work(connection)
        finally:
            await connection.close()

    with explained():
        return asyncio.run(connected())


async def _patiently(connection: Connection, statement: str) -> None:
    """Run a statement. One that changes a table waits a moment only for its lock, so that nobody queues behind it, and is tried again."""
    if not statement.startswith("ALTER TABLE"):
        await connection.execute(statement)
        return
    await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await connection.execute(statement)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(PAUSE)
        else:
            break
    await connection.execute("RESET lock_timeout")


async def _run(connection: Connection, statements: Iterable[str], tell: Callable[[str], None]) -> None:
    for statement in statements:
        tell(statement)
        try:
            await _patiently(connection, statement)
        except asyncpg.InsufficientPrivilegeError as problem:
            raise MigrationError(
                f"this role may not do that: {problem}", f"run this as a superuser, then the command again:\n{statement};"
            ) from problem
        except asyncpg.IntegrityConstraintViolationError as problem:
            told = "\n".join([str(problem), *([problem.detail] if problem.detail else [])])
            raise MigrationError(
                f"rows are in the way: {told}", "change those rows, then run it again: it goes on where it stopped", is_data=True
            ) from problem
        except asyncpg.PostgresError as problem:
            raise MigrationError(f"the database refuses: {problem}", f"{AGAIN} ({statement})") from problem
