"""The pool of PostgreSQL connections."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from app.config import Settings
from app.db.cursors import CursorSigner

if TYPE_CHECKING:
    type Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    type Pool = asyncpg.Pool[asyncpg.Record]

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a new connection."""


class UnsafeRoleError(Exception):
    """The application's database role could read past row-level security."""


class Database:
    """A lazily filled pool: it opens without a reachable server and recovers by itself when the server comes (back)."""

    def __init__(self, pool: "Pool", settings: Settings) -> None:
        """Use `Database.open`."""
        self._pool = pool
        self._pool_timeout = settings.pool_timeout
        self.cursors = CursorSigner(settings)

    @classmethod
    async def open(cls, settings: Settings) -> "Database":
        """Create the pool; no connection is made yet."""
        pool = await asyncpg.create_pool(
            settings.database_url,
            min_size=0,
            max_size=settings.pool_size + settings.max_overflow,
            reset=_keep_session,
            timeout=CONNECT_TIMEOUT,
            # The server ends a slow statement itself; the client's own limit only covers a server that no longer answers.
            command_timeout=settings.statement_timeout + CONNECT_TIMEOUT,
            statement_cache_size=100 if settings.prepared_statements else 0,
            server_settings={
                "application_name": "rowsmith",
                "timezone": "UTC",
                "statement_timeout": str(int(settings.statement_timeout * 1000)),
                "lock_timeout": str(int(settings.lock_timeout * 1000)),
                "idle_in_transaction_session_timeout": str(int(settings.statement_timeout * 1000)),
            },
        )
        return cls(pool, settings)

    async def close(self) -> None:
        """Close every connection; those in use are given back first, or dropped after a few seconds."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> "AsyncGenerator[Connection]":
        """A connection for one statement or one transaction; TimeoutError when none is free within POOL_TIMEOUT."""
        async with self._pool.acquire(timeout=self._pool_timeout) as connection:
            yield connection  # pyright: ignore[reportReturnType]

    async def check_role(self) -> None:
        """UnsafeRoleError when the role bypasses row-level security: a superuser, BYPASSRLS, or the owner of a table."""
        async with self.connection() as connection:
            problem = await connection.fetchval(_ROLE_PROBLEM)
        if problem:
            raise UnsafeRoleError(problem)

    async def is_migrated(self, tables: tuple[str, ...]) -> bool:
        """Whether each of `tables` exists with row-level security enabled."""
        async with self.connection() as connection:
            found = await connection.fetchval(
                "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relname = ANY($1::text[]) AND pg_table_is_visible(oid)",
                list(tables),
            )
        return found == len(tables)


async def _keep_session(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing to reset: the user is set for one statement or transaction only, so a connection carries nothing to its next user."""


_ROLE_PROBLEM = """
SELECT CASE
    WHEN r.rolsuper THEN format('role %I is a superuser', r.rolname)
    WHEN r.rolbypassrls THEN format('role %I has BYPASSRLS', r.rolname)
    WHEN EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relrowsecurity) THEN format('role %I owns tables', r.rolname)
END
FROM pg_roles r WHERE r.rolname = current_user
"""
