"""Takes away what has had its time: in the background, a bounded number of rows at once, one process at a time.

The application's role sees the rows of one user only, so a function of the tables' owner does it. It takes a number and returns a number:
nothing can be learnt from it, and nothing else be deleted with it.
"""

import asyncio
import logging

from app.db.faults import answer_for
from app.db.idempotency import LIFETIME, IdempotencyKey
from app.db.pool import Database
from app.db.statements import table_of

STEP = 1_000
"""Rows that one statement deletes."""

FIRST, PAUSE = 1.0, 300.0
"""Seconds before the first run, and between two."""

LOCK = 7_236_202
"""Key of the advisory lock under which one process at a time cleans up."""

PURGED: dict[str, tuple[str, str]] = {table_of(IdempotencyKey).name: ("user_id, route, key", f"created_at <= now() - {LIFETIME}")}
"""Tables with rows that go: their key, and which rows."""

logger = logging.getLogger(__name__)


def function_sql(table: str, app_role: str) -> list[str]:
    """The statements that make the function which cleans a table up; none for a table whose rows stay.

    `$user` is not in its path, and no function of a caller can get into it.
    """
    if table not in PURGED:
        return []
    key, condition = PURGED[table]
    name = f'"purge_{table}"'
    some = f'SELECT {key} FROM "{table}" WHERE {condition} LIMIT at_most FOR UPDATE SKIP LOCKED'  # noqa: S608  # names of our own
    delete = f'WITH gone AS (DELETE FROM "{table}" WHERE ({key}) IN ({some}) RETURNING 1) SELECT count(*) FROM gone'  # noqa: S608
    rights = "SECURITY DEFINER SET search_path = public, pg_temp"
    return [
        f"CREATE OR REPLACE FUNCTION {name}(at_most integer) RETURNS bigint LANGUAGE sql {rights} AS $${delete}$$",
        f"REVOKE ALL ON FUNCTION {name}(integer) FROM PUBLIC",
        f'GRANT EXECUTE ON FUNCTION {name}(integer) TO "{app_role.replace(chr(34), chr(34) * 2)}"',
    ]


async def clean_up(database: Database) -> None:
    """Clean up again and again until cancelled. What fails is logged once, and tried again later."""
    failing = False
    await asyncio.sleep(FIRST)
    while True:
        try:
            for table in PURGED:
                while await _purge(database, table) == STEP:
                    pass
            failing = False
        except Exception as error:  # noqa: BLE001  # whatever the database answers: the application goes on
            if not failing:
                logger.warning("rows that have had their time stay for now: %s", answer_for(error))
            failing = True
        await asyncio.sleep(PAUSE)


async def _purge(database: Database, table: str) -> int:
    """How many rows went; 0 as well while another process is at it."""
    async with database.connection() as connection:
        alone = "pg_try_advisory_xact_lock($1)"
        return int(await connection.fetchval(f'SELECT CASE WHEN {alone} THEN "purge_{table}"($2) ELSE 0 END', LOCK, STEP))
