"""What guards the rows of a table in the database itself: row-level security, the application's rights, and functions of the owner.

A database keeps the text that it was made with, and a revision that has run gives what it gave. So each text has a number, its edition,
and stays as it is once it was released: another one goes beside it, as the latest. `rowsmith db revision` then writes the steps that bring
databases to it, and back to the one before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from app.db.cleanup import function_sql, trash_sql
from app.db.search import Search
from app.db.table import POLICY

PROTECTION = 2
"""The latest edition of row-level security and rights."""

PURGE = 2
"""The latest edition of the function that purges deleted rows."""

SEARCH = 1
"""The latest edition of the index and the function of a search."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What every table has: the rows that its policy lets through, the rights of the application's role, what cleans the table up."""

    policy: str
    rights: tuple[str, ...]
    cleanup: Callable[[str, str], list[str]]


_OWN_ROWS = "USING (user_id = current_setting('app.user_id', true))"
_ALL_BUT_TRUNCATE = ("SELECT", "INSERT", "UPDATE", "DELETE")

PROTECTIONS: Mapping[int, Protection] = {
    1: Protection(_OWN_ROWS, _ALL_BUT_TRUNCATE, partial(function_sql, edition=1)),
    2: Protection(_OWN_ROWS, _ALL_BUT_TRUNCATE, partial(function_sql, edition=2)),
}

PURGES: Mapping[int, Callable[[str, Iterable[str], str], list[str]]] = {1: partial(trash_sql, edition=1), 2: partial(trash_sql, edition=2)}

SEARCHES: Mapping[int, type[Search]] = {1: Search}


def protect_sql(table: str, app_role: str, edition: int = PROTECTION) -> list[str]:
    """The statements that give a table an edition of its protection, in place of any other: in one transaction, so it always has one."""
    text, name, role = PROTECTIONS[edition], _quote(table), _quote(app_role)
    others = sorted({right for one in PROTECTIONS.values() for right in one.rights}.difference(text.rights))
    changes = [
        f"DROP POLICY IF EXISTS {POLICY} ON {name}",
        f"CREATE POLICY {POLICY} ON {name} {text.policy}",
        f"GRANT {', '.join(text.rights)} ON {name} TO {role}",
        *([f"REVOKE {', '.join(others)} ON {name} FROM {role}"] if others else []),
    ]
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        "\n".join(["DO $protect$", "BEGIN", *(f"  {change};" for change in changes), "END $protect$"]),
        *text.cleanup(table, app_role),
    ]


def view_sql(name: str, table: str, columns: Iterable[str], app_role: str, edition: int = PROTECTION) -> list[str]:
    """The statements that make a view of a table under another name, through which the application sees and may do the same."""
    shown = ", ".join(_quote(column) for column in columns)
    return [
        f"CREATE OR REPLACE VIEW {_quote(name)} WITH (security_invoker = true) AS SELECT {shown} FROM {_quote(table)}",  # noqa: S608  # quoted names
        f"GRANT {', '.join(PROTECTIONS[edition].rights)} ON {_quote(name)} TO {_quote(app_role)}",
    ]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
