"""One transaction for everything that a request does: what a dry run and an idempotent request need."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

import asyncpg
from asyncpg import exceptions as pg
from fastapi import HTTPException
from starlette.requests import Request

from app.db.pool import Database

if TYPE_CHECKING:
    from app.db.session import Transaction

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    OSError,
)
"""What a commit raises when nobody can tell whether it took place."""

UNKNOWN = (
    "The connection to the database was lost while the change was stored: it may be there or not."
    " Send the request again; with its Idempotency-Key it is carried out once."
)

_SCOPE_KEY = "app.unit"


class Unit:
    """A transaction that begins when the request first needs the database, and that every session of the request joins.

    It is committed at the end of its `async with` block, and rolled back by any exception. What `defer` was given runs after the commit.
    """

    __slots__ = ("_database", "_deferred", "_prepare", "_stack", "_transaction")

    def __init__(self, request: Request, prepare: "Callable[[Transaction], Awaitable[None]]") -> None:
        """`prepare` runs at the beginning of the transaction; the user is known by then."""
        self._database: Database = request.app.state.database
        self._prepare = prepare
        self._stack = AsyncExitStack()
        self._transaction: Transaction | None = None
        self._deferred: list[Callable[[], Awaitable[None]]] = []
        request.scope[_SCOPE_KEY] = self

    @property
    def transaction(self) -> "Transaction | None":
        """The transaction, once it has begun."""
        return self._transaction

    async def join(self, user_id: str) -> "Transaction":
        """The transaction of `user_id`; it begins now if it has not."""
        if self._transaction is None:
            from app.db.session import Transaction  # noqa: PLC0415  # sessions know units

            connection = await self._stack.enter_async_context(self._database.connection())
            await self._stack.enter_async_context(connection.transaction())
            await connection.execute(self._database.set_user, user_id)
            self._transaction = Transaction(connection, user_id, alone=self._database.on_citus)
            await self._prepare(self._transaction)
        return self._transaction

    def defer(self, work: Callable[[], Awaitable[None]]) -> None:
        """Keep `work` for after the commit."""
        self._deferred.append(work)

    async def run_deferred(self) -> None:
        """Do what was kept; the transaction is committed."""
        for work in self._deferred:
            await work()

    async def __aenter__(self) -> Self:
        """Nothing begins before it is needed."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Commit, or roll back, and give the connection back; 503 when the connection breaks before the commit is confirmed."""
        if self._transaction is not None:
            self._transaction.end()
        try:
            await self._stack.__aexit__(kind, error, traceback)
        except LOST as lost:
            if kind is not None:
                raise
            raise HTTPException(503, UNKNOWN, headers={"Retry-After": "1"}) from lost


def unit_of(request: Request) -> Unit | None:
    """The unit that the request runs in, if it does."""
    return request.scope.get(_SCOPE_KEY)
