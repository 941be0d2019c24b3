"""Distributes the tables of a database over a Citus cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import asyncpg

from generator.migrations import distribution
from generator.migrations.distribution import Plan, Progress, Step
from generator.migrations.runner import MigrationError, Target, explained, without_lock

type Connection = asyncpg.Connection[asyncpg.Record]

ATTEMPTS, PAUSE = 30, 0.5
"""How often what is to be brief is tried, and seconds in between, in which those go on who waited for it."""

LATE = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
"""What ends a brief transaction that others stood in the way of."""

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
        await _run(connection, [(one,) for one in distribution.preparation(target.app_role, role_is_set=role_is_set)], tell)

    _connected(target, work)


def convert(target: Target, plan: Plan, tell: Callable[[str], None]) -> None:
    """Distribute what is not distributed yet."""

    async def work(connection: Connection) -> None:
        distributed = frozenset(row[0] for row in await connection.fetch(distribution.DISTRIBUTED))
        rows = await connection.fetch(distribution.LINKS, list(plan.tables))
        links = {str(row["conname"]): bool(row["convalidated"]) for row in rows}
        await connection.execute(distribution.PATIENT)
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


async def _execute(connection: Connection, step: Step) -> None:
    """Run a step; a brief transaction that was too late is undone and tried again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for statement in step:  # one at a time: Citus sends a node the whole text of which a statement is a part
                await connection.execute(statement)
        except LATE:
            if len(step) == 1 or attempt == ATTEMPTS:
                raise
            await connection.execute("ROLLBACK")
            await asyncio.sleep(PAUSE)
        else:
            return


async def _run(connection: Connection, steps: Iterable[Step], tell: Callable[[str], None]) -> None:
    for step in steps:
        told = step[-2:][0]  # without what makes it brief
        tell(told)
        try:
            await _execute(connection, step)
        except asyncpg.InsufficientPrivilegeError as problem:
            raise MigrationError(
                f"this role may not do that: {problem}", f"run this as a superuser, then the command again:\n{';\n'.join(step)};"
            ) from problem
        except asyncpg.IntegrityConstraintViolationError as problem:
            found = "\n".join([str(problem), *([problem.detail] if problem.detail else [])])
            raise MigrationError(
                f"rows are in the way: {found}", "change those rows, then run it again: it goes on where it stopped", is_data=True
            ) from problem
        except LATE as problem:
            raise without_lock() from problem
        except asyncpg.PostgresError as problem:
            raise MigrationError(f"the database refuses: {problem}", f"{AGAIN} ({told})") from problem
