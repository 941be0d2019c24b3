"""What the server ran for the application, read from its log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.support.database import Database
from tests.support.pooler import THROUGH

CLEAN_UP = (
    "SELECT CASE WHEN pg_try_advisory_xact_lock",
    "SELECT name FROM unnest",
    "SELECT DISTINCT user_id FROM (",
    "WITH gone AS (DELETE",
)
"""How the statements begin that the application runs in the background."""

OF_THE_POOLER = ("SET client_encoding", "BEGIN;", "SET LOCAL", "COMMIT;") if THROUGH else ()
"""What goes around each statement where a pooler lends its connections for one transaction at a time."""

STATEMENT = re.compile(rf"LOG:  (?:execute [^:]*|statement): (?!{'|'.join(map(re.escape, CLEAN_UP + OF_THE_POOLER))})".encode())
PLAN = re.compile(rb"LOG:  duration: [^\n]* plan:\n(\t\{\n(?:\t .*\n)*\t\}\n)")
"""One that is whole: what runs in the background may be half written when the log is read."""


@dataclass
class SqlLog:
    """The log of one database; each call reads what has been added since the last one."""

    database: Database
    offset: int = 0

    def statements(self) -> int:
        """How many statements have run, those that begin and end transactions included."""
        return len(STATEMENT.findall(self._new()))

    def plans(self) -> list[dict[str, Any]]:
        """The plans that have run, each as EXPLAIN (ANALYZE, FORMAT JSON) has it.

        Left out are those of the driver, which asks for types, and of the cleaning up.
        """
        plans = [json.loads(found) for found in PLAN.findall(self._new())]
        return [
            plan for plan in plans if not re.search(r"pg_type|\bjit\b", plan["Query Text"]) and not plan["Query Text"].startswith(CLEAN_UP)
        ]

    def _new(self) -> bytes:
        with self.database.server.log.open("rb") as log:
            log.seek(self.offset)
            new = log.read()
            self.offset = log.tell()
        return new


def log_statements(database: Database) -> SqlLog:
    """Log each statement of the connections that are opened from now on."""
    return _logging(database, log_statement="all")


def log_plans(database: Database) -> SqlLog:
    """Log the plan of each statement, those of foreign keys included, with the rows that it read; of connections opened from now on."""
    settings = {"log_min_duration": "0", "log_analyze": "on", "log_timing": "off", "log_nested_statements": "on", "log_format": "json"}
    settings["log_buffers"] = "on"
    return _logging(
        database, session_preload_libraries="auto_explain", **{f"auto_explain.{name}": value for name, value in settings.items()}
    )


def _logging(database: Database, **settings: str) -> SqlLog:
    for name, value in settings.items():
        database.execute(f"ALTER DATABASE \"{database.name}\" SET {name} = '{value}'")
    return SqlLog(database)
