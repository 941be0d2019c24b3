"""Runs revisions: Alembic loads this module for each of its commands.

The database is that of MIGRATION_DATABASE_URL (the role that owns the tables), and the application's role the one of DATABASE_URL, unless
whoever runs the command says otherwise in the attributes of its configuration (`owner_dsn`, `app_role`). Nothing else is read, so that a
job that migrates needs no keys of tokens.
"""

import asyncio
import time

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import read_environment

ALEMBIC_VERSION = "alembic_version"
"""The table in which Alembic notes the revision; no resource can have its name."""

LOCK = 7_236_203
"""Key of the advisory lock under which one process at a time migrates."""


def _connections() -> tuple[str, str]:
    """The address of the owner, and the application's role."""
    given = context.config.attributes
    if "owner_dsn" in given:
        return given["owner_dsn"], given["app_role"]
    environ = read_environment()
    application = environ.get("DATABASE_URL", "")
    role = make_url(application).username or "" if application else ""
    return environ.get("MIGRATION_DATABASE_URL") or application, role


def _run(connection: Connection | None) -> None:
    if connection is not None:
        _wait_for_others(connection)
    context.configure(
        connection=connection,
        dialect_name=None if connection else "postgresql",
        version_table=ALEMBIC_VERSION,
        transactional_ddl=False,  # each step is a transaction of its own, and some cannot run within one
    )
    with context.begin_transaction():
        context.run_migrations()


def _wait_for_others(connection: Connection) -> None:
    """Let one process at a time migrate. It asks again and again: a statement that waits would hold up the indexes of the other one."""
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})").scalar():
        time.sleep(0.2)


async def _run_online(dsn: str) -> None:
    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


owner_dsn, context.config.attributes["app_role"] = _connections()
if context.is_offline_mode():
    _run(None)
else:
    asyncio.run(_run_online(owner_dsn))
