"""Reads from a copy of the database, which may be behind: DATABASE_REPLICA_URL.

A read goes there unless its client has written what the copy does not have yet; `app.middleware.consistency` knows that of a request. What
the copy cannot answer, the primary does.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, override

from fastapi import HTTPException

from app.db.pool import Database
from app.db.positions import UNKNOWN
from app.db.session import JsonRow, Row, Session
from app.db.statements import Statement

REST = 5.0
"""Seconds for which a copy that has failed is not asked."""

UNAVAILABLE = 503
"""What a copy answers that is not there, or has not followed a migration yet."""

logger = logging.getLogger("app")


class Replica:
    """A copy of the database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.session = Session(database)
        self.trusted = False
        """Whether its role has been checked; until then it is not asked."""
        self._has = -1
        self._rests_until = 0.0

    @property
    def answers(self) -> bool:
        """Whether it is worth asking."""
        return self.trusted and time.monotonic() >= self._rests_until

    def rest(self, error: Exception) -> None:
        """Leave it alone for a while."""
        if self.answers:
            logger.warning("the replica cannot answer, the primary does: %s", error)
        self._rests_until = time.monotonic() + REST
        self._has = -1  # another one may come in its place

    async def has(self, position: int) -> bool:
        """Whether everything that was written up to `position` is there."""
        if position <= self._has or position == UNKNOWN:
            return position != UNKNOWN
        if not self.answers:
            return False
        try:
            self._has = max(self._has, await self.database.replayed())
        except Exception as error:  # noqa: BLE001 - whatever it answers, the primary has it
            self.rest(error)
        return position <= self._has


async def session_for_reading(database: Database, replica: Replica, written: int | None) -> Session:
    """A session for a client that has `written` up to there, or nothing lately."""
    if written is None or await replica.has(written):
        return ReplicaSession(database, replica)
    return Session(database)


class ReplicaSession(Session):
    """A session whose reads go to a copy, and to the primary where that fails. All else is done as ever."""

    __slots__ = ("_replica",)

    def __init__(self, database: Database, replica: Replica) -> None:
        super().__init__(database)
        self._replica = replica

    @override
    async def fetch_one(self, statement: Statement, /, **parameters: Any) -> Row | None:
        return await self._read(Session.fetch_one, statement, **parameters)

    @override
    async def fetch_json_row(self, statement: Statement, /, **parameters: Any) -> JsonRow | None:
        return await self._read(Session.fetch_json_row, statement, **parameters)

    @override
    async def fetch_all(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        return await self._read(Session.fetch_all, statement, **parameters)

    @override
    async def fetch_json(self, statement: Statement, /, **parameters: Any) -> list[str]:
        return await self._read(Session.fetch_json, statement, **parameters)

    @override
    async def estimate(self, count: Statement, /, **parameters: Any) -> int:
        return await self._read(Session.estimate, count, **parameters)

    async def _read[R, **P](
        self, run: Callable[Concatenate[Session, Statement, P], Awaitable[R]], statement: Statement, *args: P.args, **parameters: P.kwargs
    ) -> R:
        if statement.is_read and self._replica.answers:
            try:
                return await run(self._replica.session, statement, *args, **parameters)
            except HTTPException as error:
                if error.status_code != UNAVAILABLE:
                    raise
                self._replica.rest(error)
        return await run(self, statement, *args, **parameters)
