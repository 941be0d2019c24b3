"""The pool of PostgreSQL connections."""

from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

from app.config import Settings
from app.db.connections import Connection, Connections
from app.db.cursors import CursorSigner
from app.db.direct import DirectConnection

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a new connection."""

SET_USER = "SELECT set_config('app.user_id', $1, true)"
SET_USER_ON_CITUS = "SELECT become_($1)"
"""What tells PostgreSQL the user of a transaction; `rowsmith db distribute` makes the function, which Citus passes on to its workers."""

POOLED_SETTINGS = {"application_name": "rowsmith", "timezone": "UTC"}
"""Settings of each session."""


class UnsafeRoleError(Exception):
    """The application's database role could read past row-level security."""


class Database:
    """A lazily filled pool: it opens without a reachable server and recovers by itself when the server comes (back).

    Behind a pooler in transaction mode (PREPARED_STATEMENTS=false) a connection is ours for one transaction only, and takes no settings
    beforehand. So every statement runs in a transaction, at the beginning of which they are set.

    On Citus (CITUS=true) every statement runs in a transaction as well, which `set_user` begins.
    """

    def __init__(self, connections: Connections, settings: Settings) -> None:
        """Use `Database.open`."""
        self._connections = connections
        self._begin = None if settings.prepared_statements else "; ".join(f"SET LOCAL {n} = {v}" for n, v in _settings(settings).items())
        self.cursors = CursorSigner(settings)
        self.on_citus = settings.citus
        self.set_user = SET_USER_ON_CITUS if settings.citus else SET_USER

    @classmethod
    async def open(cls, settings: Settings) -> "Database":
        """Create the pool; no connection is made yet."""
        connect = partial(
            asyncpg.connect,
            settings.database_url,
            connection_class=DirectConnection,
            timeout=CONNECT_TIMEOUT,
            statement_cache_size=100 if settings.prepared_statements else 0,
            # A pooler knows these two, and refuses the others.
            server_settings=POOLED_SETTINGS | (_settings(settings) if settings.prepared_statements else {}),
        )
        most = settings.pool_size + settings.max_overflow
        # The server ends a slow statement itself; the client's own limit only covers a server that no longer answers.
        longest = settings.statement_timeout + CONNECT_TIMEOUT
        return cls(Connections(connect, kept=settings.pool_size, most=most, patience=settings.pool_timeout, longest=longest), settings)

    async def close(self) -> None:
        """Close every connection; those in use are given back first, or dropped after a few seconds."""
        await self._connections.close()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one statement or one transaction; TimeoutError when none is free within POOL_TIMEOUT.

        It carries nothing to its next user: the owner is set for one statement or one transaction only.
        """
        return self._connections.lend() if self._begin is None else self._beginning(self._begin)

    def fetch(self, sql: str, arguments: Iterable[Any]) -> Awaitable[list[asyncpg.Record]]:
        """The rows of one statement on a connection of its own."""
        return self._connections.fetch(sql, arguments) if self._begin is None else self._fetch_after_beginning(sql, arguments)

    async def _fetch_after_beginning(self, sql: str, arguments: Iterable[Any]) -> list[asyncpg.Record]:
        async with self.connection() as connection:
            return await connection.fetch(sql, *arguments)

    @asynccontextmanager
    async def _beginning(self, settings: str) -> AsyncGenerator[Connection]:
        async with self._connections.lend() as connection, connection.transaction():
            await connection.execute(settings)
            yield connection

    async def written(self) -> int:
        """How far the log has come: whatever is committed by now is before that."""
        async with self.connection() as connection:
            return int(await connection.fetchval("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"))

    async def replayed(self) -> int:
        """How far a copy has followed the log of its primary; -1 where this is no copy."""
        async with self.connection() as connection:
            return int(await connection.fetchval("SELECT coalesce((pg_last_wal_replay_lsn() - '0/0')::bigint, -1)"))

    async def check_role(self) -> None:
        """UnsafeRoleError when the role bypasses row-level security: a superuser, BYPASSRLS, or the owner of a table."""
        async with self.connection() as connection:
            problem = await connection.fetchval(_ROLE_PROBLEM)
        if problem:
            raise UnsafeRoleError(problem)

    async def is_migrated(self, tables: tuple[str, ...]) -> bool:
        """Whether each of `tables` exists with row-level security enabled, and on Citus the function that sets the user.

        One may be a view, through which the policies of such a table hold: a gradual revision has given the table another name.
        """
        async with self.connection() as connection:
            if self.on_citus and await connection.fetchval("SELECT to_regprocedure('become_(text)')") is None:
                return False
            found = await connection.fetchval(_PROTECTED, list(tables))
        return found == len(tables)


def _settings(settings: Settings) -> dict[str, str]:
    """PostgreSQL's settings for our statements: timeouts in milliseconds, and nothing that takes time and is of no use to any of them.

    Compiling a plan to machine code takes longer than running it, and begins with estimates that large tables alone can give.
    """
    statement, lock = (str(int(seconds * 1000)) for seconds in (settings.statement_timeout, settings.lock_timeout))
    timeouts = {"statement_timeout": statement, "lock_timeout": lock, "idle_in_transaction_session_timeout": statement}
    return timeouts | {"jit": "off", "client_min_messages": "warning"}


_PROTECTED = """
SELECT count(*) FROM pg_class c
WHERE c.relname = ANY($1::text[]) AND pg_table_is_visible(c.oid) AND (c.relrowsecurity OR 'security_invoker=true' = ANY(c.reloptions)
    AND NOT EXISTS (
        SELECT FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        JOIN pg_class of_ ON d.refclassid = 'pg_class'::regclass AND d.refobjid = of_.oid
        WHERE r.ev_class = c.oid AND of_.oid <> c.oid AND NOT of_.relrowsecurity
    ))
"""

_ROLE_PROBLEM = """
SELECT CASE
    WHEN r.rolsuper THEN format('role %I is a superuser', r.rolname)
    WHEN r.rolbypassrls THEN format('role %I has BYPASSRLS', r.rolname)
    WHEN EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relrowsecurity) THEN format('role %I owns tables', r.rolname)
END
FROM pg_roles r WHERE r.rolname = current_user
"""
