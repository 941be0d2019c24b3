"""Takes away what has had its time: in the background, a bounded number of rows at once, one process at a time.

The application's role sees the rows of one user only, so functions of the tables' owner do it. They take numbers and return a number:
nothing can be learnt from them, and nothing else be deleted with them. Of a table that keeps deleted rows only those go that were deleted
a day ago or longer and that no other row refers to but those that go with them, so that no cascade begins there.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from sqlalchemy import Table

from app.db.faults import answer_for
from app.db.idempotency import LIFETIME, IdempotencyKey
from app.db.pool import Database
from app.db.statements import table_of

STEP = 250
"""Rows after which a function ends: those of as many owners at most, each with a statement of its own."""

FIRST, PAUSE = 1.0, 300.0
"""Seconds before the first run, and between two."""

LOCK = 7_236_202
"""Key of the advisory lock under which one process at a time cleans up."""

SHORTEST = 1
"""Days that a deleted row stays at least, whatever the function is asked for."""

PURGED: dict[str, tuple[str, str]] = {table_of(IdempotencyKey).name: ("user_id, route, key", f"created_at <= now() - {LIFETIME}")}
"""Tables with rows that go: their key, and which rows."""

logger = logging.getLogger(__name__)


OF_OWNER = "user_id = owner_ AND "
"""What the conditions of a function begin with that goes from owner to owner."""


def function_sql(table: str, app_role: str, *, edition: int) -> list[str]:
    """The statements that make the function which cleans a table up; none for a table whose rows stay.

    `$user` is not in its path, and no function of a caller can get into it. From its second edition on it goes from owner to owner, as
    Citus needs it, where each owner's rows are on one node.
    """
    if table not in PURGED:
        return []
    key, condition = PURGED[table]
    name, own = _quote(table), OF_OWNER if edition > 1 else ""
    some = f"SELECT {key} FROM {name} WHERE {own}{condition} LIMIT at_most FOR UPDATE SKIP LOCKED"  # noqa: S608  # names of our own
    owners = f"SELECT user_id FROM {name} WHERE {condition} LIMIT at_most"  # noqa: S608  # as above
    return _function(table, ("at_most integer",), key, some, app_role, owners if own else None)


def trash_sql(table: str, referring: Iterable[str], app_role: str, *, edition: int) -> list[str]:
    """The statements that make the function which purges a table's deleted rows.

    `referring` are the columns that refer to it, each with its table: `comments.task_id`. In the first edition a column `days` came before
    the parameter of that name, and `at_most` was refused; since the second one it goes from owner to owner as well.
    """
    own, most, days = ("", "at_most", "days") if edition == 1 else (OF_OWNER, "$1", "$2")
    old = f"deleted_at <= now() - make_interval(days => greatest({days}, {SHORTEST}))"
    references = [(other, _quote(column)) for other, _, column in (reference.partition(".") for reference in sorted(referring))]
    apart = " AND ".join([old, *(_nothing_refers(*reference) for reference in references if reference[0] != table)])
    itself = [column for other, column in references if other == table]
    free = " AND ".join([apart, *(_nothing_refers(table, column, " AND other_.id <> row_.id") for column in itself)])
    rows, oldest = f"FROM {_quote(table)} AS row_ WHERE", f"ORDER BY deleted_at LIMIT {most}"
    some = f"SELECT user_id, id {rows} {own}{free} {oldest} FOR UPDATE SKIP LOCKED"
    owners = f"SELECT user_id {rows} {free} {oldest}"
    if itself:
        some = _or_circles(_quote(table), itself, some, own + apart, most, own)
        owners = f"({owners}) UNION ALL (SELECT user_id {rows} {apart} {oldest})"
    return _function(table, ("at_most integer", "days integer"), "user_id, id", some, app_role, owners if own else None)


def _nothing_refers(table: str, column: str, beside: str = "") -> str:
    refers = f"other_.user_id = row_.user_id AND other_.{column} = row_.id{beside}"
    return f"NOT EXISTS (SELECT FROM {_quote(table)} AS other_ WHERE {refers})"  # quoted names


def _or_circles(table: str, columns: Sequence[str], free: str, apart: str, most: str, own: str) -> str:
    """The rows that are `free`; once there are none, those of a table with references to itself that go only together.

    They are all that refer to some old rows, directly or not, but for those that must stay (they are not `apart` from what stays, or
    another transaction has them) and what these refer to. A circle goes as a whole, however many rows it has.
    """
    refers = " OR ".join(f"other_.{column} = circle_.id" for column in columns)
    referred = ", ".join(f"from_.{column}" for column in columns)
    others, theirs = (f"{alias}.{own}" if own else "" for alias in ("other_", "from_"))
    return f"""
WITH RECURSIVE free_ AS MATERIALIZED ({free}),
seed_ AS MATERIALIZED (
  SELECT user_id, id FROM {table} AS row_ WHERE NOT EXISTS (SELECT FROM free_) AND {apart} ORDER BY deleted_at LIMIT {most}
), circle_ AS (
  SELECT user_id, id FROM seed_
  UNION
  SELECT other_.user_id, other_.id FROM circle_ JOIN {table} AS other_ ON {others}other_.user_id = circle_.user_id AND ({refers})
), going_ AS MATERIALIZED (
  SELECT user_id, id FROM {table} AS row_ WHERE (user_id, id) IN (SELECT user_id, id FROM circle_) AND {apart} FOR UPDATE SKIP LOCKED
), staying_ AS (
  (SELECT user_id, id FROM circle_ EXCEPT SELECT user_id, id FROM going_)
  UNION
  SELECT circle_.user_id, circle_.id FROM staying_ JOIN {table} AS from_ ON {theirs}(from_.user_id, from_.id) = (staying_.user_id, staying_.id)
  JOIN circle_ ON circle_.user_id = from_.user_id AND circle_.id IN ({referred})
)
SELECT user_id, id FROM free_ UNION ALL (SELECT user_id, id FROM going_ EXCEPT SELECT user_id, id FROM staying_)
"""  # noqa: E501, S608  # quoted names; the first edition has this line


def referring_columns(table: Table) -> list[str]:
    """The columns that refer to a table, each with its own table."""
    keys = [key for other in table.metadata.tables.values() for key in other.foreign_keys if key.column is table.c.id]
    return sorted(f"{key.parent.table.name}.{key.parent.name}" for key in keys)


def _function(table: str, parameters: Sequence[str], key: str, some: str, app_role: str, owners: str | None) -> list[str]:
    """The function that deletes `some` rows, or those of one of the `owners` after another until they are enough."""
    name, kinds = _quote(f"purge_{table}"), ", ".join(parameter.partition(" ")[2] for parameter in parameters)
    gone = f"WITH gone AS (DELETE FROM {_quote(table)} WHERE {OF_OWNER if owners else ''}({key}) IN ({some}) RETURNING 1) SELECT count(*)"  # noqa: S608  # quoted names
    language, body = ("plpgsql", _EACH_OWNER.format(owners=owners, gone=gone)) if owners else ("sql", f"{gone} FROM gone")
    rights = "SECURITY DEFINER SET search_path = public, pg_temp"
    return [
        f"CREATE OR REPLACE FUNCTION {name}({', '.join(parameters)}) RETURNS bigint LANGUAGE {language} {rights} AS $${body}$$",
        f"REVOKE ALL ON FUNCTION {name}({kinds}) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {name}({kinds}) TO {_quote(app_role)}",
    ]


_EACH_OWNER = """
DECLARE owner_ text; now_ bigint; gone_ bigint := 0;
BEGIN
  FOR owner_ IN SELECT DISTINCT user_id FROM ({owners}) AS some_ LOOP
    {gone} INTO now_ FROM gone;
    gone_ := gone_ + now_;
    EXIT WHEN gone_ >= $1;
  END LOOP;
  RETURN gone_;
END
"""


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def clean_up(database: Database, days: int | None) -> None:
    """Clean up again and again until cancelled: also what was deleted so many `days` ago. What fails is logged once, and tried again."""
    failing = False
    await asyncio.sleep(FIRST)
    while True:
        try:
            for table in PURGED:
                while await _purge(database, table, STEP) >= STEP:
                    pass
            trash = [] if days is None else await _tables_with_trash(database)
            while sum([await _purge(database, table, STEP, days) for table in trash]):
                pass  # those that others have referred to are free now
            failing = False
        except Exception as error:  # noqa: BLE001  # whatever the database answers: the application goes on
            if not failing:
                logger.warning("rows that have had their time stay for now: %s", answer_for(error))
            failing = True
        await asyncio.sleep(PAUSE)


async def _tables_with_trash(database: Database) -> list[str]:
    """The tables that have a function of `trash_sql`; their models need not be imported yet."""
    from app.models import TABLE_MODULES  # noqa: PLC0415  # revisions use this module, and no models

    has_function = "to_regprocedure(format('%I(integer,integer)', 'purge_' || name)) IS NOT NULL"
    async with database.connection() as connection:
        found = await connection.fetch(f"SELECT name FROM unnest($1::text[]) AS name WHERE {has_function}", list(TABLE_MODULES))  # noqa: S608  # our own text
    return [row["name"] for row in found]


async def _purge(database: Database, table: str, *arguments: int | None) -> int:
    """How many rows went; 0 as well while another process is at it."""
    given = ", ".join(f"${number}" for number in range(2, len(arguments) + 2))
    call = f"{_quote(f'purge_{table}')}({given})"
    async with database.connection() as connection:
        alone = "pg_try_advisory_xact_lock($1)"
        return int(await connection.fetchval(f"SELECT CASE WHEN {alone} THEN {call} ELSE 0 END", LOCK, *arguments))
