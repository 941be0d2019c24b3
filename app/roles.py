"""The check that the database's row-level security binds the application."""

import asyncio
import logging
import signal

from app.config import SettingProblem, Settings, SettingsError
from app.db.pool import Database, UnsafeRoleError

TIMEOUT = 3.0
"""Seconds to wait for the database's answer."""

PAUSE = 1.0
"""Seconds between two tries to reach it."""

CURE = "use a role that owns nothing and has neither SUPERUSER nor BYPASSRLS"

logger = logging.getLogger("app")


async def check_role(database: Database, settings: Settings) -> bool:
    """Whether the check was possible. SettingsError in production when the role reads every user's rows, a warning elsewhere."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await database.check_role()
    except UnsafeRoleError as error:
        if settings.environment == "production":
            raise SettingsError(SettingProblem("DATABASE_URL", f"lets users read each other's rows: {error}", CURE)) from None
        logger.warning("DATABASE_URL lets users read each other's rows: %s; %s", error, CURE)
    except Exception as error:  # noqa: BLE001 - whatever it is, the check was not possible yet
        logger.debug("the database is not available: %s", type(error).__name__)
        return False
    return True


async def check_role_later(database: Database, settings: Settings) -> None:
    """Check the role as soon as the database can be reached, and stop the process when it must not go on."""
    logger.warning("the database is not available yet; /readyz answers 503 until it is")
    try:
        while True:
            await asyncio.sleep(PAUSE)
            if await check_role(database, settings):
                return
    except SettingsError as error:
        logger.critical("%s", error)
        signal.raise_signal(signal.SIGTERM)
