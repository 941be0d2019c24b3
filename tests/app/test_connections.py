"""Connections come back from whatever happens to those who have them, and carry nothing from one user to the next."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.config import load_settings
from app.db import connections as module
from app.db import pool
from app.db.connections import Connection, Connections
from app.db.direct import DirectConnection
from app.db.session import Transaction
from generator.embedded import SUPERUSER, EmbeddedPostgres
from tests.support.database import Database, temporary_folder
from tests.support.observer import observing
from tests.support.serving import Api
from tests.support.tokens import SECRET

NAME = "connections-test"
SET_USER = "SELECT set_config('app.user_id', 'ada', true)"
USER = "SELECT current_setting('app.user_id', true)"


@asynccontextmanager
async def connections(
    dsn: str, *, kept: int = 3, most: int = 3, patience: float = 5.0, longest: float = 60.0
) -> AsyncGenerator[Connections]:
    """Connections to `dsn`, closed at the end."""

    def connect() -> Awaitable[Connection]:
        return asyncpg.connect(dsn, timeout=5, server_settings={"application_name": NAME}, connection_class=DirectConnection)

    made = Connections(connect, kept=kept, most=most, patience=patience, longest=longest)
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize("prepared", ["true", "false"])
async def test_statements_run_with_limits_and_without_what_would_cost_them_time(database: Database, prepared: str) -> None:
    dsn = {"DATABASE_URL": database.app_dsn, "PREPARED_STATEMENTS": prepared, "STATEMENT_TIMEOUT": "7", "LOCK_TIMEOUT": "3"}
    opened = await pool.Database.open(load_settings({"JWT_SECRET": SECRET, **dsn}, env_file=None))
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "jit", "client_min_messages", "timezone")
    try:
        async with opened.connection() as connection:
            found = [await connection.fetchval(f"SHOW {name}") for name in names]
    finally:
        await opened.close()
    assert found == ["7s", "3s", "7s", "off", "warning", "UTC"]


@asynccontextmanager
async def direct(database: Database) -> AsyncGenerator[tuple[DirectConnection, Callable[[str], Awaitable[str]]]]:
    """A connection that has asked for all of `things`, a table with one row, and what runs a statement on another one."""
    one: DirectConnection = await asyncpg.connect(database.superuser_dsn, connection_class=DirectConnection)
    other = await asyncpg.connect(database.superuser_dsn)
    try:
        await other.execute("CREATE TABLE things (number int); INSERT INTO things VALUES (1)")
        for _ in range(2):
            assert [dict(row) for row in await one.fetch(THINGS)] == [{"number": 1}]
        yield one, other.execute
    finally:
        await one.close()
        await other.close()


THINGS = "SELECT * FROM things"
CHANGE = "ALTER TABLE things ALTER number TYPE text"


async def test_a_statement_that_a_change_has_made_invalid_is_prepared_again(database: Database) -> None:
    async with direct(database) as (connection, elsewhere):
        await elsewhere(CHANGE)
        assert [dict(row) for row in await connection.fetch(THINGS)] == [{"number": "1"}]


async def test_a_transaction_that_meets_a_change_is_lost_and_the_next_one_is_not(database: Database) -> None:
    """Whoever runs it again gets the new rows: see app/api/writes.py."""
    async with direct(database) as (connection, elsewhere):
        await elsewhere(CHANGE)
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            async with connection.transaction():
                await connection.fetch(THINGS)
        async with connection.transaction():
            assert [dict(row) for row in await connection.fetch(THINGS)] == [{"number": "1"}]


async def test_one_statement_at_a_time_and_none_after_the_end(database: Database) -> None:
    async with direct(database) as (connection, _):
        await connection.fetch("SELECT $1::int, pg_sleep(0)", 1)
        slow = asyncio.create_task(connection.fetch("SELECT $1::int, pg_sleep(0.3)", 1))
        await asyncio.sleep(0.1)  # until it is under way
        with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress"):
            await connection.fetch(THINGS)
        assert (await slow)[0][0] == 1
        with pytest.raises(asyncpg.DataError):
            await connection.fetch("SELECT $1::int, pg_sleep(0)", "one")
        with pytest.raises(TimeoutError):
            await connection.fetch("SELECT pg_sleep(5)", timeout=0.05)
        assert len(await connection.fetch(THINGS)) == 1
        connection.terminate()
        with pytest.raises(asyncpg.InterfaceError, match="closed"):
            await connection.fetch(THINGS)


async def all_work(made: Connections, number: int) -> None:
    """Assert that so many can be had at once, each of which answers its own question in no transaction of anybody's."""

    async def one(value: int, together: asyncio.Barrier) -> None:
        async with made.lend() as connection:
            await together.wait()
            assert await connection.fetchval("SELECT $1::int", value) == value
            assert not await connection.fetchval(USER)

    together = asyncio.Barrier(number)
    async with asyncio.timeout(10):
        await asyncio.gather(*(one(value, together) for value in range(number)))


async def backends(dsn: str, condition: str = "true") -> int:
    """How many server processes there are for these connections."""
    observer = await asyncpg.connect(dsn)
    try:
        count = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{NAME}' AND {condition}"
        return int(await observer.fetchval(count))
    finally:
        await observer.close()


async def comes(condition: Callable[[], Awaitable[bool]], within: float = 5.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - it is the database that is waited for
            await asyncio.sleep(0.02)


def test_no_more_than_the_most_are_lent_and_waiting_has_an_end(database: Database) -> None:
    async def run() -> None:
        async with connections(database.app_dsn, most=2, patience=0.2) as made:
            async with made.lend(), made.lend():
                with pytest.raises(TimeoutError):
                    await made.take()
            await all_work(made, 2)
            assert await backends(database.superuser_dsn) == 2

    asyncio.run(run())


def test_a_cancelled_statement_is_over_before_the_next_user_gets_the_connection(database: Database) -> None:
    async def run() -> None:
        async with connections(database.app_dsn, most=1) as made:
            for _ in range(20):
                task = asyncio.create_task(slow(made))
                await comes(lambda: busy(database))
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                await all_work(made, 1)
            assert await backends(database.superuser_dsn) == 1

    async def slow(made: Connections) -> None:
        async with made.lend() as connection, connection.transaction():
            await connection.execute(SET_USER)
            await connection.execute("SELECT pg_sleep(30)")

    async def busy(database: Database) -> bool:
        return await backends(database.superuser_dsn, "query LIKE '%pg_sleep(30)%' AND state = 'active'") == 1

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_cancellations_at_any_moment_lose_no_connection(database: Database, seed: int) -> None:
    chance = random.Random(seed)

    async def user(made: Connections, number: int) -> None:
        if number % 2:
            assert (await made.fetch("SELECT $1::int", [number]))[0][0] == number
            return
        async with made.lend() as connection, connection.transaction():
            await connection.execute(SET_USER)
            assert await connection.fetchval("SELECT $1::int", number) == number

    async def run() -> None:
        async with connections(database.app_dsn, kept=2, most=4) as made:
            tasks: list[asyncio.Task[None]] = []
            for number in range(400):
                tasks.append(asyncio.create_task(user(made, number)))
                await asyncio.sleep(chance.random() * 0.002)
                chance.choice(tasks[-8:]).cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(end) for end in ends} <= {type(None), asyncio.CancelledError}
            assert sum(end is None for end in ends) > 20, "nobody came through: this shows nothing"
            await all_work(made, 4)
            assert await backends(database.superuser_dsn) == 4

    asyncio.run(run())


@pytest.mark.parametrize("comes_first", [True, False])
def test_a_place_passes_over_who_leaves_the_queue_in_the_step_in_which_it_comes(database: Database, *, comes_first: bool) -> None:
    async def run() -> None:
        async with connections(database.app_dsn, most=1) as made:
            connection = await made.take()
            leaving, staying = (asyncio.create_task(made.take()) for _ in range(2))
            await asyncio.sleep(0)
            steps = [lambda: made.give_back(connection, None), leaving.cancel]
            for step in steps if comes_first else reversed(steps):
                step()
            async with asyncio.timeout(5):
                made.give_back(await staying, None)
            assert leaving.cancelled()
            await all_work(made, 1)

    asyncio.run(run())


def test_an_open_transaction_is_rolled_back(database: Database) -> None:
    async def run() -> None:
        async with connections(database.app_dsn, most=1) as made:
            async with made.lend() as connection:
                await connection.execute(f"BEGIN; {SET_USER}")
            await all_work(made, 1)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await failing(made)
            await all_work(made, 1)

    async def failing(made: Connections) -> None:
        async with made.lend() as connection:
            await connection.execute("BEGIN")
            await connection.execute("SELECT 1 / 0")

    asyncio.run(run())


def test_an_error_of_a_statement_costs_nothing_else(database: Database) -> None:
    async def run() -> None:
        async with connections(database.app_dsn, most=1) as made:
            async with made.lend() as connection:
                before = connection.get_server_pid()
            with pytest.raises(asyncpg.DivisionByZeroError):
                async with made.lend() as connection:
                    await connection.execute("SELECT 1 / 0")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await made.fetch("SELECT 1 / $1::int", [0])
            async with made.lend() as connection:
                assert connection.get_server_pid() == before

    asyncio.run(run())


def test_killed_connections_are_replaced(database: Database) -> None:
    async def run() -> None:
        async with connections(database.app_dsn) as made:
            await all_work(made, 3)
            database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{NAME}'")
            await asyncio.sleep(0.1)
            await all_work(made, 3)
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
                await killed(made)
            await all_work(made, 3)

    async def killed(made: Connections) -> None:
        async with made.lend() as connection:
            database.execute(f"SELECT pg_terminate_backend({connection.get_server_pid()})")
            await connection.fetchval("SELECT 1")

    asyncio.run(run())


def test_they_come_back_with_a_restarted_server() -> None:
    async def run(start: Callable[[], EmbeddedPostgres]) -> None:
        server = start()
        try:
            async with connections(server.dsn(SUPERUSER)) as made:
                await all_work(made, 3)
                server.stop()
                await asyncio.sleep(0.1)  # until the client's end knows
                for _ in range(5):
                    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
                        await made.take()
                server = start()
                await all_work(made, 3)
        finally:
            server.stop()

    with temporary_folder() as folder:
        asyncio.run(run(lambda: EmbeddedPostgres.start(folder / "data", durable=False)))


@pytest.mark.parametrize("way", ["alone", "in a transaction"])
def test_a_server_that_does_not_answer_any_more_is_left(database: Database, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """The server ends what takes too long by itself. One that is cut off, or stands still, cannot: it costs one request, in time."""
    monkeypatch.setattr(module, "LOOK", 0.05)
    monkeypatch.setattr(pool, "CONNECT_TIMEOUT", 1.5)
    settings = {"DATABASE_URL": database.app_dsn, "STATEMENT_TIMEOUT": "0.25", "POOL_SIZE": "1", "MAX_OVERFLOW": "0", "JWT_SECRET": SECRET}

    async def run() -> None:
        opened = await pool.Database.open(load_settings(settings, env_file=None))
        ((stuck,),) = await opened.fetch("SELECT pg_backend_pid()", ())
        os.kill(stuck, signal.SIGSTOP)
        try:
            start = time.monotonic()
            with pytest.raises(asyncpg.PostgresConnectionError):
                async with asyncio.timeout(5):
                    await (opened.fetch("SELECT $1::int", [1]) if way == "alone" else in_transaction(opened))
            assert 1.75 <= time.monotonic() - start < 4
            ((other,),) = await opened.fetch("SELECT pg_backend_pid()", ())
            assert other != stuck
        finally:
            os.kill(stuck, signal.SIGCONT)
            await opened.close()

    async def in_transaction(opened: pool.Database) -> None:
        async with opened.connection() as connection, connection.transaction():
            raise AssertionError("it has begun")

    asyncio.run(run())


def test_a_transaction_may_take_longer_than_any_of_its_statements(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)

    async def run() -> None:
        async with connections(database.app_dsn, most=1, longest=0.5) as made, made.lend() as connection, connection.transaction():
            for _ in range(5):
                await connection.execute("SELECT pg_sleep(0.25)")

    asyncio.run(run())


def test_what_nobody_needs_is_closed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNUSED", 0.2)

    async def run() -> None:
        async with connections(database.app_dsn, kept=1, most=4) as made:
            await all_work(made, 4)

            async def one_left() -> bool:
                return await backends(database.superuser_dsn) == 1

            await comes(one_left)
            await asyncio.sleep(0.5)
            assert await one_left()
            await all_work(made, 4)

    asyncio.run(run())


def test_closing_cuts_what_does_not_come_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.2)

    async def run() -> None:
        async with connections(database.app_dsn) as made:
            await all_work(made, 2)
            connection = await made.take()
            await made.close()
            with pytest.raises(asyncpg.InterfaceError):
                await connection.fetchval("SELECT 1")
            with pytest.raises(asyncpg.InterfaceError):
                await made.take()

            async def none_left() -> bool:
                return await backends(database.superuser_dsn) == 0

            await comes(none_left)

    asyncio.run(run())


def test_a_transaction_that_is_over_reaches_nobodys_rows(database: Database) -> None:
    """What a hook keeps beyond its request would speak on another user's connection."""

    async def run() -> None:
        async with connections(database.app_dsn, most=1) as made:
            async with made.lend() as connection:
                kept = Transaction(connection, "ada")
                kept.end()
            async with made.lend() as other, other.transaction():
                await other.execute("SELECT set_config('app.user_id', 'bob', true)")
                with pytest.raises(RuntimeError, match="over"):
                    await kept.lock("anything")

    asyncio.run(run())


def test_d10_a_thousand_clients_that_leave_take_no_connection_with_them(own_api: Api, database: Database) -> None:
    path = "/api/ada/tasks"
    create = own_api.client.build_request("POST", path, json={"title": "Gone"}, headers=own_api.headers("ada"))
    read = own_api.client.build_request("GET", path, headers=own_api.headers("ada"))
    host, port = create.url.host, create.url.port

    async def leave(number: int) -> None:
        request = (create, read)[number % 2]
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        _, writer = await asyncio.open_connection(host, port)
        writer.write(f"{request.method} {path} HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        await writer.drain()
        await asyncio.sleep(number % 7 * 0.001)
        writer.transport.abort()

    async def all_leave() -> None:
        for first in range(0, 1000, 50):
            await asyncio.gather(*(leave(number) for number in range(first, first + 50)))

    asyncio.run(all_leave())
    with observing(database) as observer:
        observer.assert_idle(within=5)
        deadline = time.monotonic() + 10
        ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rowsmith' AND datname = current_database()"
        while observer.fetch(ours)[0][0] > 15:
            assert time.monotonic() < deadline, "more than POOL_SIZE and MAX_OVERFLOW stay open"
            time.sleep(0.1)
    assert [own_api.call("ada", "GET", path).status_code for _ in range(40)] == [200] * 40
