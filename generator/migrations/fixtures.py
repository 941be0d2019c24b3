"""Rows that keep the constraints of whatever tables a database has, made from its own catalog.

Each column gets those of a few values, of its type and of its constraints, that its own CHECKs allow; PostgreSQL says which. Rules over
several columns decide which values go together.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg

from generator.migrations.catalog import VERSION_TABLE
from generator.records import record
from generator.samples import WORDS
from generator.sql import quote_identifier

type Connection = asyncpg.Connection[asyncpg.Record]
type Keys = dict[int, tuple[str, frozenset[tuple[str, UUID]]]]
"""The keys of all rows by table; a table keeps its number when it is renamed."""

ROWS = 12
"""Rows that each table gets in a call, at most."""

USERS = ("ada", "grace")

_VALUES = {
    "text": (*WORDS, "ada@example.org", "https://example.org/a", 'it\'s \\ "awkward"', ""),
    "integer": ("1", "0", "7", "100", "-1", "2147483647"),
    "bigint": ("1", "0", "7", "100", "-1", "9007199254740993"),
    "numeric": ("1", "0", "0.5", "100", "-1"),
    "double": ("1.5", "0", "100", "-0.25"),
    "boolean": ("true", "false"),
    "date": ("2026-02-28", "2000-01-01"),
    "time": ("12:30", "00:00", "23:59:59.999999"),
    "timestamp": ("2026-02-28T12:30:00Z", "2000-01-01T00:00:00Z"),
    "jsonb": ('{"a": [1, null, "x"]}', "[]"),
    "bytea": ("\\x00ff",),
}
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(\d+(?:\.\d+)?)")


@record
class _Column:
    name: str
    type: str
    nullable: bool
    target: str | None  # the table that it refers to

    @property
    def cast(self) -> str:
        """A parameter as a value of its type."""
        return f"::text::{self.type}"


@record
class _Table:
    name: str
    columns: tuple[_Column, ...]
    checks: tuple[tuple[frozenset[str], str], ...]  # columns, expression


async def add_rows(dsn: str) -> tuple[str, ...]:
    """Add rows to each table, as a superuser; the names of the tables that still have none, because no fitting values are known."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        tables = await _tables(connection)
        for table in _targets_first(tables):
            await _fill(connection, table)
        counts = {table.name: await connection.fetchval(f"SELECT count(*) FROM {quote_identifier(table.name)}") for table in tables}  # noqa: S608
        return tuple(name for name, count in counts.items() if not count)
    finally:
        await connection.close()


async def read_keys(dsn: str) -> Keys:
    """The keys of all rows."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        tables = await connection.fetch(
            """SELECT c.oid::integer, c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped"""
        )
        found: Keys = {}
        for number, name in tables:
            rows = await connection.fetch(f"SELECT user_id, id FROM {quote_identifier(name)}")  # noqa: S608
            found[number] = name, frozenset((row["user_id"], row["id"]) for row in rows)
        return found
    finally:
        await connection.close()


async def delete_rows(dsn: str) -> None:
    """Delete all rows of all tables."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        names = ", ".join(quote_identifier(table.name) for table in await _tables(connection))
        if names:
            await connection.execute(f"TRUNCATE {names}")
    finally:
        await connection.close()


# --- the catalog --------------------------------------------------------------------------------------------------------------------


async def _tables(connection: Connection) -> list[_Table]:
    columns = await connection.fetch(
        """SELECT c.relname::text AS table, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
                  NOT a.attnotnull AS nullable,
                  (SELECT max(k.confrelid::regclass::text) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'
                   AND k.conkey[2] = a.attnum) AS target
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
           AND c.relname <> $1 ORDER BY c.relname, a.attnum""",
        VERSION_TABLE,
    )
    checks = await connection.fetch(
        """SELECT conrelid::regclass::text AS table, pg_get_expr(conbin, conrelid) AS sql,
                  (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS columns
           FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"""
    )
    return [
        _Table(
            name,
            tuple(_Column(row["name"], row["type"], row["nullable"], row["target"]) for row in rows),
            tuple((frozenset(one["columns"]), one["sql"]) for one in checks if one["table"] == quote_identifier(name)),
        )
        for name, group in itertools.groupby(columns, key=lambda row: str(row["table"]))
        if (rows := list(group))
    ]


def _targets_first(tables: Sequence[_Table]) -> list[_Table]:
    """The tables, each after those that its required references lead to."""
    ordered: list[_Table] = []
    waiting = list(tables)
    while waiting:
        names = {quote_identifier(table.name) for table in waiting}
        ready = [
            table
            for table in waiting
            if not any(one.target in names - {quote_identifier(table.name)} and not one.nullable for one in table.columns)
        ]
        ordered += ready or waiting
        waiting = [table for table in waiting if table not in ordered]
    return ordered


# --- rows ---------------------------------------------------------------------------------------------------------------------------


async def _fill(connection: Connection, table: _Table) -> None:
    fitting = {column.name: await _fitting(connection, table, column) for column in table.columns}
    combinations = await _combinations(connection, table, fitting)
    columns = ", ".join(quote_identifier(column.name) for column in table.columns)
    values = ", ".join(f"${number}{column.cast}" for number, column in enumerate(table.columns, 1))
    insert = f"INSERT INTO {quote_identifier(table.name)} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608
    for n in range(ROWS):
        user = USERS[n % len(USERS)]
        row: dict[str, str | None] = {}
        for position, column in enumerate(table.columns):
            choice = fitting[column.name]
            row[column.name] = choice[(n + position) % len(choice)] if choice else None
            if column.target is not None:
                row[column.name] = await _target(connection, column.target, user, n)
            elif column.type == "uuid":
                row[column.name] = str(uuid4())
        row |= combinations[n % len(combinations)] if combinations else {}
        row["user_id"] = user
        try:
            await connection.execute(insert, *(row[column.name] for column in table.columns))
        except asyncpg.IntegrityConstraintViolationError:
            continue  # what fits together is not always found


async def _fitting(connection: Connection, table: _Table, column: _Column) -> list[str | None]:
    """The values that the column's own checks allow; null among them where it may be."""
    own = [sql for columns, sql in table.checks if columns == frozenset({column.name})]
    bare, array, _ = column.type.partition("[]")
    texts = [*_mentioned(own), *_VALUES.get(re.split(r"[ (]", bare)[0], ())]
    if array:
        texts = [*("{" + f'"{text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"' + "}" for text in texts), "{}"]
    condition = " AND ".join(f"({sql})" for sql in own) or "true"
    valid = await connection.fetch(
        f"SELECT v FROM unnest($1::text[]) v WHERE pg_input_is_valid(v, '{column.type}')",  # noqa: S608
        list(dict.fromkeys(texts)),
    )
    rows = await connection.fetch(
        f"SELECT v FROM unnest($1::text[]) v, LATERAL (SELECT v{column.cast} AS {quote_identifier(column.name)}) t WHERE {condition}",  # noqa: S608
        [row["v"] for row in valid],
    )
    found: list[str | None] = [row["v"] for row in rows]
    return [*found, None] if column.nullable else found


def _mentioned(checks: Sequence[str]) -> list[str]:
    """The constants of checks, and the whole numbers beside them."""
    found: list[str] = []
    for text, number in (match for sql in checks for match in _LITERAL.findall(sql)):
        found += [str(Decimal(number) + step) for step in (0, 1, -1)] if number else [text.replace("''", "'")]
        if number and int(Decimal(number)) in range(1, 300):
            found.append("x" * int(Decimal(number)))
    return found


async def _combinations(connection: Connection, table: _Table, fitting: dict[str, list[str | None]]) -> list[dict[str, str | None]]:
    """Values of the columns that rules over several columns are about, which keep all of these rules."""
    rules = [(columns, sql) for columns, sql in table.checks if len(columns) > 1]
    names = sorted({name for columns, _ in rules for name in columns})
    if not names:
        return []
    types = {column.name: column for column in table.columns}
    if not types.keys() >= set(names):
        return []  # about computed columns
    sources = ", ".join(f"unnest(${number}::text[]) AS s{number}(v{number})" for number in range(1, len(names) + 1))
    typed = ", ".join(f"v{number}{types[name].cast} AS {quote_identifier(name)}" for number, name in enumerate(names, 1))
    texts = ", ".join(f"v{number}" for number in range(1, len(names) + 1))
    condition = " AND ".join(f"({sql}) IS NOT FALSE" for _, sql in rules)
    query = f"SELECT {texts} FROM {sources}, LATERAL (SELECT {typed}) t WHERE {condition} LIMIT {ROWS * 50}"  # noqa: S608
    rows = await connection.fetch(query, *(fitting[name][:12] for name in names))
    return [dict(zip(names, row.values(), strict=True)) for row in rows][:: max(len(rows) // ROWS, 1)]


async def _target(connection: Connection, table: str, user: str, n: int) -> str | None:
    """The id of one of the user's rows of a table."""
    query = f"SELECT id::text FROM {table} WHERE user_id = $1 ORDER BY id OFFSET $2 % greatest((SELECT count(*) FROM {table} WHERE user_id = $1), 1) LIMIT 1"  # noqa: S608, E501
    return await connection.fetchval(query, user, n)
