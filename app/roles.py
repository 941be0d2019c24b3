"""The check that the database's row-level security binds the application."""

import asyncio
import logging
import signal
from collections.abc import Generator
from contextlib import contextmanager

from app.config import SettingProblem, Settings, SettingsError
from app.db.pool import Database, UnsafeRoleError
from app.db.replica import Replica

TIMEOUT = 3.0
"""Seconds to wait for the database's answer."""

PAUSE = 1.0
"""Seconds between two tries to reach it."""

CURE = "use a role that owns nothing and has neither SUPERUSER nor BYPASSRLS"

logger = logging.getLogger("app")


async def check_role(database: Database, settings: Settings, setting: str = "DATABASE_URL") -> bool:
    """Whether the check was possible. SettingsError in production when the role reads every user's rows, a warning elsewhere.

    `setting` is the one with the address of `database`.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            await database.check_role()
    except UnsafeRoleError as error:
        if settings.environment == "production":
            raise SettingsError(SettingProblem(setting, f"lets users read each other's rows: {error}", CURE)) from None
        logger.warning("%s lets users read each other's rows: %s; %s", setting, error, CURE)
    except Exception as error:  # noqa: BLE001 - whatever it is, the check was not possible yet
        logger.debug("the database is not available: %s", type(error).__name__)
        return False
    return True


async def trust(replica: Replica, settings: Settings) -> None:
    """Let a copy be read from as soon as it can be reached and its role has been checked."""
    with _stopping():
        while not replica.trusted:
            replica.trusted = await check_role(replica.database, settings, "DATABASE_REPLICA_URL")
            await asyncio.sleep(PAUSE)


async def check_role_later(database: Database, settings: Settings) -> None:
    """Check the role as soon as the database can be reached, and stop the process when it must not go on."""
    logger.warning("the database is not available yet; /readyz answers 503 until it is")
    with _stopping():
        while True:
            await asyncio.sleep(PAUSE)
            if await check_role(database, settings):
                return


@contextmanager
def _stopping() -> Generator[None]:
    """Stop the process where the block finds that it must not go on."""
    try:
        yield
    except SettingsError as error:
        logger.critical("%s", error)
        signal.raise_signal(signal.SIGTERM)
