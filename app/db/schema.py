"""Brings a development database to the models: tables, constraints, indexes, row-level security and grants.

It only ever adds: a column that no model has any more keeps its data and becomes nullable. What it cannot do without a decision (another
type, a constraint that stored rows break) it refuses. A database that matters is changed by migrations instead.
"""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import asyncpg
from sqlalchemy import ClauseElement, Column, Constraint, DefaultClause, Index, PrimaryKeyConstraint, Table
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable
from sqlmodel import SQLModel

from app.db.cleanup import referring_columns
from app.db.guards import PURGE, PURGES, protect_sql
from app.db.search import drop_function_sql, search_of
from app.db.statements import DELETED_AT, keeps_deleted
from app.models import TABLE_MODULES

type Connection = asyncpg.Connection[asyncpg.Record]

LOCK = 7_236_201
"""Key of the advisory lock under which one process at a time changes the schema."""


class SchemaError(Exception):
    """The database cannot be brought to the models; the message says what is in the way and what to do."""


async def create_schema(owner_dsn: str, app_role: str) -> None:
    """Bring the database to the models as the role of `owner_dsn`, and let `app_role` read and write rows.

    Everything happens in one transaction; SchemaError leaves the database as it was. Repeating it changes nothing.
    """
    for module in TABLE_MODULES.values():
        import_module(module)
    async with _connected(owner_dsn) as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        tables = SQLModel.metadata.sorted_tables
        for table in tables:
            if await connection.fetchval("SELECT to_regclass($1)", _quote(table.name)) is None:
                await connection.execute(_sql(CreateTable(table, include_foreign_key_constraints=[])))
                await _mark_computed(connection, table)
            else:
                await _sync_columns(connection, table)
        for table in tables:
            await _sync_constraints(connection, table)
            await _sync_indexes(connection, table)
            for statement in _guards_sql(table, app_role):
                await connection.execute(statement)


@asynccontextmanager
async def _connected(dsn: str) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(dsn, timeout=30)
    try:
        yield connection
    finally:
        await connection.close()


async def _sync_columns(connection: Connection, table: Table) -> None:
    stored = await connection.fetch(
        """SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required,
                  attgenerated::text <> '' AS computed, col_description(attrelid, attnum) AS mark
           FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped""",
        _quote(table.name),
    )
    marks = {row["name"]: row["mark"] for row in stored if row["computed"]}
    types = {row["name"]: row["type"] for row in stored if not row["computed"]}
    required = {row["name"]: row["required"] for row in stored}
    await _drop_stale(connection, table, marks)
    await _check_deleted(connection, table, types)
    for column in table.columns:
        if column.computed is not None:
            continue
        if column.name not in types and column.name not in marks:
            await _add_column(connection, table, column)
        elif column.name in types:
            await _sync_column(connection, table, column, types[column.name], required=required[column.name])
    for name in types.keys() - set(table.columns.keys()):
        if required[name]:
            await connection.execute(f"ALTER TABLE {_quote(table.name)} ALTER COLUMN {_quote(name)} DROP NOT NULL")
    for column in table.columns:  # when those that they are computed from are there
        if column.computed is not None and column.name in types:
            raise SchemaError(f"{table.name}.{column.name} holds data, and the spec computes it. Rename the field, or delete the database.")
        if column.computed is not None and marks.get(column.name) != _mark(_sql(CreateColumn(column))):
            await connection.execute(f"ALTER TABLE {_quote(table.name)} ADD COLUMN {_sql(CreateColumn(column))}")
    await _mark_computed(connection, table)


async def _check_deleted(connection: Connection, table: Table, stored: Mapping[str, str]) -> None:
    """SchemaError where deleted rows would be there again: the table has kept them so far."""
    name = _quote(table.name)
    purged = await connection.fetchval("SELECT to_regprocedure($1) IS NOT NULL", f'"purge_{table.name}"(integer,integer)')
    if keeps_deleted(table) or not purged or DELETED_AT not in stored:
        return
    if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name} WHERE {DELETED_AT} IS NOT NULL)"):  # noqa: S608  # quoted identifiers
        raise SchemaError(f"{table.name} has deleted rows, which would be there again. Restore or purge them first, or keep `soft_delete`.")
    await connection.execute(f'DROP FUNCTION "purge_{table.name}"(integer, integer)')


async def _drop_stale(connection: Connection, table: Table, marks: Mapping[str, str | None]) -> None:
    """Drop the computed columns, whose `marks` are given, that are computed otherwise now; what is to be kept becomes a plain column."""
    for name, mark in marks.items():
        column = table.columns.get(name)
        if column is not None and column.computed is None:
            await connection.execute(f"ALTER TABLE {_quote(table.name)} ALTER COLUMN {_quote(name)} DROP EXPRESSION")
        elif column is None or mark != _mark(_sql(CreateColumn(column))):
            await connection.execute(f"ALTER TABLE {_quote(table.name)} DROP COLUMN {_quote(name)}")


async def _mark_computed(connection: Connection, table: Table) -> None:
    for column in table.columns:
        if column.computed is not None:
            mark = _mark(_sql(CreateColumn(column)))
            await connection.execute(f"COMMENT ON COLUMN {_quote(table.name)}.{_quote(column.name)} IS '{mark}'")


async def _sync_column(connection: Connection, table: Table, column: Column[Any], stored: str, *, required: bool) -> None:
    wanted = await _canonical_type(connection, column)
    if wanted != stored:
        raise SchemaError(
            f"{table.name}.{column.name} is {stored} in the database and {wanted} in the spec. Rename the field, or delete the database."
        )
    default = column.server_default
    action = "DROP DEFAULT"
    if isinstance(default, DefaultClause) and isinstance(default.arg, ClauseElement):
        action = f"SET DEFAULT {_sql(default.arg)}"
    await connection.execute(f"ALTER TABLE {_quote(table.name)} ALTER COLUMN {_quote(column.name)} {action}")
    if required == column.nullable:
        action = "DROP" if column.nullable else "SET"
        try:
            await connection.execute(f"ALTER TABLE {_quote(table.name)} ALTER COLUMN {_quote(column.name)} {action} NOT NULL")
        except asyncpg.NotNullViolationError:
            raise SchemaError(
                f"{table.name}.{column.name} is no longer nullable, but stored rows have nulls in it. Fill them in first."
            ) from None


async def _canonical_type(connection: Connection, column: Column[Any]) -> str:
    """A column's type as `format_type` of the catalog writes it: numeric(10,2)[] for NUMERIC(10, 2)[]."""
    declared: str = column.type.compile(postgresql()).split(" COLLATE")[0]
    base, _, modifier = declared.removesuffix("[]").replace(", ", ",").partition("(")
    name: str = await connection.fetchval("SELECT to_regtype($1)::text", base)
    return name + (f"({modifier}" if modifier else "") + ("[]" if declared.endswith("[]") else "")


async def _add_column(connection: Connection, table: Table, column: Column[Any]) -> None:
    try:
        await connection.execute(f"ALTER TABLE {_quote(table.name)} ADD COLUMN {_sql(CreateColumn(column))}")
    except asyncpg.NotNullViolationError:
        raise SchemaError(
            f"{table.name}.{column.name} is new and required, but the table has rows. Give the field a default, or make it nullable."
        ) from None


async def _sync_constraints(connection: Connection, table: Table) -> None:
    stored = await connection.fetch(
        "SELECT conname::text AS name, obj_description(oid, 'pg_constraint') AS mark FROM pg_constraint"
        " WHERE conrelid = $1::text::regclass AND contype IN ('c', 'u', 'f')",
        _quote(table.name),
    )
    marks = {row["name"]: row["mark"] for row in stored}
    wanted = {str(constraint.name): constraint for constraint in table.constraints if not isinstance(constraint, PrimaryKeyConstraint)}
    definitions = {name: _sql(AddConstraint(constraint)) for name, constraint in wanted.items()}
    for name, mark in marks.items():
        if name not in definitions or mark not in {None, _mark(definitions[name])}:
            await connection.execute(f"ALTER TABLE {_quote(table.name)} DROP CONSTRAINT {_quote(name)} CASCADE")
    for name in sorted(wanted, key=lambda name: (_is_reference(wanted[name]), name)):
        mark = _mark(definitions[name])
        if marks.get(name, "") not in {None, mark}:
            await _add_constraint(connection, table, name, definitions[name])
        if marks.get(name) != mark:
            await connection.execute(f"COMMENT ON CONSTRAINT {_quote(name)} ON {_quote(table.name)} IS '{mark}'")


async def _add_constraint(connection: Connection, table: Table, name: str, definition: str) -> None:
    try:
        await connection.execute(definition)
    except asyncpg.IntegrityConstraintViolationError as error:
        raise SchemaError(f"Rows of {table.name} break the new constraint {name}: {error}. Change the rows, or the spec.") from None


async def _sync_indexes(connection: Connection, table: Table) -> None:
    stored = await connection.fetch(
        "SELECT c.relname::text AS name, obj_description(c.oid, 'pg_class') AS mark FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = $1::text::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)",
        _quote(table.name),
    )
    marks = {row["name"]: row["mark"] for row in stored}
    wanted: dict[str, Index] = {str(index.name): index for index in table.indexes}
    definitions = {name: _sql(CreateIndex(index)) for name, index in wanted.items()}
    for name, mark in marks.items():
        if name not in definitions or mark != _mark(definitions[name]):
            await connection.execute(f"DROP INDEX {_quote(name)}")
    for name, definition in sorted(definitions.items()):
        if marks.get(name) != _mark(definition):
            await connection.execute(definition)
            await connection.execute(f"COMMENT ON INDEX {_quote(name)} IS '{_mark(definition)}'")


def _guards_sql(table: Table, app_role: str) -> list[str]:
    search = search_of(table)
    found = [drop_function_sql(table.name)] if search is None else search.function_sql(table.name, app_role)
    purge = PURGES[PURGE](table.name, referring_columns(table), app_role) if keeps_deleted(table) else []
    return [*protect_sql(table.name, app_role), *found, *purge]


def _is_reference(constraint: Constraint) -> bool:
    return constraint.__visit_name__ == "foreign_key_constraint"


def _sql(element: ClauseElement) -> str:
    return str(element.compile(dialect=postgresql(paramstyle="numeric_dollar")))  # the default style doubles every %


def _mark(definition: str) -> str:
    """Says in the catalog which definition a constraint or index was made from."""
    return hashlib.sha256(definition.encode()).hexdigest()[:16]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
