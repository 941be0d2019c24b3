"""The connections to PostgreSQL: opened when they are needed, kept, and given out to one user of them at a time.

asyncpg has a pool, too. It spends a task, two timers and a proxy on each loan, which is as much time as the statement itself takes; here a
loan is a number and a list. What asyncpg's pool is careful about holds here as well: a connection comes back from a cancelled statement
only when the server has ended it, a broken one is never given out again, and nobody waits longer than was said. For how long a statement
may run is looked at once a second for all of them, where asyncpg sets a timer for each.
"""

import asyncio
from asyncio import timeout
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, cast

import asyncpg

type Connection = asyncpg.Connection[asyncpg.Record]

SETTLE_TIMEOUT = 5.0
"""Seconds for a connection to come to rest after something went wrong on it; then it is cut."""

CLOSE_TIMEOUT = 5.0
"""Seconds for the loans to come back when all is closed; then their connections are cut."""

LOOK = 1.0
"""Seconds between two looks at what is lent."""

UNUSED = 300.0
"""Seconds in which nobody needed an additional connection before it is closed."""


class Connections:
    """At most `most` connections at once, `kept` of which stay open when nobody needs them."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], *, kept: int, most: int, patience: float, longest: float) -> None:
        """`connect` opens one; whoever waits longer than `patience` seconds for a free one gets a TimeoutError.

        A connection is cut when its user has begun nothing on it for more than `longest` seconds: the last statement had no answer.
        """
        self._connect = connect
        self._kept = kept
        self._most = most
        self._patience = patience
        self._longest = longest
        self._free = most  # places that nobody has; while somebody waits for one, there is none
        self._waiting: dict[asyncio.Future[None], None] = {}  # in their order
        self._idle: list[Connection] = []  # the last one that came back is the first to go out, so that the others can be seen to be unused
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._least_idle = 0
        self._closed = False
        self._begun: dict[tuple[Connection, int], float] = {}  # what is lent, with the number of its statement: when that was first seen
        self._timer = asyncio.get_running_loop().call_later(UNUSED, self._close_unused)
        self._look = asyncio.get_running_loop().call_later(LOOK, self._cut_stuck)

    def lend(self) -> "Loan":
        """A connection for the length of an `async with` block."""
        return Loan(self)

    async def fetch(self, sql: str, arguments: Iterable[Any]) -> list[asyncpg.Record]:
        """The rows of one statement on a connection of its own: a loan, in fewer steps."""
        connection = await self.take()
        try:
            rows = await connection.fetch(sql, *arguments)
        except BaseException as error:
            self.give_back(connection, error)
            raise
        self.give_back(connection, None)
        return rows

    async def take(self) -> Connection:
        """A connection that has to be given back with `give_back`; `lend` is the safe way."""
        if self._closed:
            raise asyncpg.InterfaceError("the connections are closed")
        if self._free:
            self._free -= 1
        else:
            await self._wait(self._patience)
        while self._idle:
            connection = self._idle.pop()
            self._least_idle = min(self._least_idle, len(self._idle))
            if not connection.is_closed():
                return connection
            self._open.discard(connection)
        try:
            connection = await self._connect()
        except BaseException:  # also where the request is cancelled meanwhile: its place would be lost for good
            self._leave()
            raise
        self._open.add(connection)
        return connection

    def give_back(self, connection: Connection, error: BaseException | None) -> None:
        """Take a connection back from a block that ended with `error`.

        Where it may be busy still, or in a transaction, it is brought to rest in the background before the next one gets it. An error of
        PostgreSQL's is none of these cases: with it the statement has ended.
        """
        if connection.is_closed():
            self._put(connection)
        elif connection.is_in_transaction() or not (error is None or isinstance(error, asyncpg.PostgresError)):
            self._in_background(self._settle(connection))
        else:
            self._put(connection)

    async def close(self) -> None:
        """Close every connection; those that do not come back in time are cut."""
        self._closed = True
        self._timer.cancel()
        self._look.cancel()
        with suppress(TimeoutError):
            async with timeout(CLOSE_TIMEOUT):
                for _ in range(self._most - self._free):
                    await self._wait(CLOSE_TIMEOUT)
                await asyncio.gather(*(connection.close() for connection in self._idle), return_exceptions=True)
        for connection in self._open:
            connection.terminate()
        self._open.clear()
        self._idle.clear()

    async def _settle(self, connection: Connection) -> None:
        """Roll back and reset; asyncpg first waits until a statement that was cut short has been cancelled on the server."""
        try:
            await connection.reset(timeout=SETTLE_TIMEOUT)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # TimeoutError is an OSError
            connection.terminate()
        finally:
            self._put(connection)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _put(self, connection: Connection) -> None:
        if connection.is_closed():
            self._open.discard(connection)
        else:
            self._idle.append(connection)
        self._leave()

    async def _wait(self, seconds: float) -> None:
        """Wait for a place, which goes from whoever leaves it to the one that has waited longest; TimeoutError when none comes in time."""
        place = asyncio.get_running_loop().create_future()
        self._waiting[place] = None
        try:
            async with timeout(seconds):
                await place
        except BaseException:  # also where the request is cancelled
            self._waiting.pop(place, None)
            if place.done() and not place.cancelled():  # it came at that very moment
                self._leave()
            raise

    def _leave(self) -> None:
        """Hand a place over, or leave it free."""
        while self._waiting:
            place = next(iter(self._waiting))
            del self._waiting[place]
            if not place.done():  # its request was not cancelled meanwhile
                place.set_result(None)
                return
        self._free += 1

    def _close_unused(self) -> None:
        """Close what nobody needed since the last time, down to the number that is kept."""
        for _ in range(min(self._least_idle, len(self._open) - self._kept)):
            connection = self._idle.pop(0)
            self._open.discard(connection)
            self._in_background(connection.close(timeout=CLOSE_TIMEOUT))
        self._least_idle = len(self._idle)
        self._timer = asyncio.get_running_loop().call_later(UNUSED, self._close_unused)

    def _cut_stuck(self) -> None:
        """Cut what has had no answer for too long. Its user gets an asyncpg.PostgresConnectionError."""
        now = asyncio.get_running_loop().time()
        lent = [(connection, _statements_of(connection)) for connection in self._open.difference(self._idle)]
        self._begun = {one: self._begun.get(one, now) for one in lent}
        for (connection, _), since in self._begun.items():
            if now - since > self._longest:
                connection.terminate()
        self._look = asyncio.get_running_loop().call_later(LOOK, self._cut_stuck)


def _statements_of(connection: Connection) -> int:
    """How many statements a connection has begun. asyncpg's pool reads it there, too."""
    return cast("Any", connection)._protocol.queries_count  # noqa: SLF001  # there is no public count


class Loan:
    """One connection for the length of a block."""

    __slots__ = ("_connection", "_connections")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __aenter__(self) -> Connection:
        """TimeoutError when none is free in time; whatever `connect` raises."""
        self._connection = await self._connections.take()
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Give it back, at rest."""
        self._connections.give_back(self._connection, error)
