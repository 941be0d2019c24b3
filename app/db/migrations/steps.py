"""What revisions are made of: each step is safe on a live system, and can be repeated after it was interrupted.

Every statement is a transaction of its own. It waits `LOCK_TIMEOUT` at most for a lock, so that nobody queues behind it for longer, and is
tried again. What takes long holds no lock that keeps others from reading and writing: indexes are built concurrently, constraints are
added unchecked and then validated, and rows are changed in batches.

SQL in arguments is that of the spec's own compiler; names of tables and columns are quoted here.
"""

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from alembic import context, op
from sqlalchemy.exc import DBAPIError

from app.db.guards import PURGES, SEARCHES, protect_sql, view_sql
from app.db.search import drop_function_sql

LOCK_TIMEOUT, STATEMENT_TIMEOUT = "2s", "1h"
"""How long a statement waits for its lock, and how long it may take."""

PATIENT = "0"
"""For what waits for others, and works, without making anybody wait: no end."""

ATTEMPTS = 30
PAUSE = 0.5
"""Seconds between two attempts to get a lock."""

BATCH = 1_000
"""Rows that one statement changes."""

SHOWN = 5
"""Rows that are named where some are in the way."""

LOCKED = ("55P03", "40P01")
"""A lock was not to be had in time, or two statements waited for each other."""

VALUE = "{}"
"""Stands for a value in the SQL that converts it."""

ABOUT_ROWS = ("22", "23")
"""Classes of errors that rows cause: a value that fits nowhere, a broken constraint."""


def create_table(name: str, *parts: str) -> None:
    """A table with row-level security, and the application's rights on it."""
    _run(f"CREATE TABLE IF NOT EXISTS {_quote(name)} (\n  {',\n  '.join(parts)}\n)")
    protect(name, edition=1)


def protect(*tables: str, edition: int) -> None:
    """Give tables an edition of row-level security and of the application's rights (app/db/guards.py), in place of the one they have."""
    for table in tables:
        for statement in protect_sql(table, context.config.attributes["app_role"], edition):
            _run(statement)


def drop_table(name: str) -> None:
    """Drop a table with its rows."""
    _run(f"DROP TABLE IF EXISTS {_quote(name)}")
    _run(f"DROP FUNCTION IF EXISTS {_quote(f'purge_{name}')}(integer)")
    _run(drop_function_sql(name))
    stop_purging(name)


def rename_table(old: str, new: str) -> None:
    """Give a table another name."""
    _run(f"ALTER TABLE IF EXISTS {_quote(old)} RENAME TO {_quote(new)}")


def rename_behind_view(old: str, new: str, *columns: str, edition: int = 1) -> None:
    """Give a table another name, and a view the old one, in one transaction: the version of the application that runs notices nothing."""
    rename = f"ALTER TABLE {_quote(old)} RENAME TO {_quote(new)}"
    changes = [rename, *view_sql(old, new, columns, context.config.attributes["app_role"], edition)]
    _together([f"IF to_regclass({_text(_quote(new))}) IS NULL THEN", *changes, "END IF"])


def add_view(name: str, table: str, *columns: str, edition: int = 1) -> None:
    """Give a table a second name."""
    for statement in view_sql(name, table, columns, context.config.attributes["app_role"], edition):
        _run(statement)


def search_view(view: str, table: str, index: str, language: str, *columns: str, edition: int = 1) -> None:
    """Search a table by its second name, with an index of its own."""
    search = SEARCHES[edition](language, columns)
    _build_index("INDEX", index, table, search.index_sql())
    for statement in search.function_sql(view, context.config.attributes["app_role"]):
        _run(statement)


def drop_view(name: str) -> None:
    """Take a second name away."""
    _run(f"DROP VIEW IF EXISTS {_quote(name)}")


def add_column(table: str, name: str, sql_type: str, default: str | None, fill: str | None) -> None:
    """Add a column; one with `fill` takes no nulls, and is that in the rows that are there."""
    required = "" if fill is None else " NOT NULL"
    first = default if fill is None else fill
    given = "" if first is None else f" DEFAULT {first}"
    _run(f"ALTER TABLE {_quote(table)} ADD COLUMN IF NOT EXISTS {_quote(name)} {sql_type}{given}{required}")
    if default != first:
        set_default(table, name, default)


def add_computed(table: str, name: str, sql_type: str, expression: str) -> None:
    """Add a column that the database computes. Writes wait while the values of the rows that are there are computed."""
    _run(f"ALTER TABLE {_quote(table)} ADD COLUMN IF NOT EXISTS {_quote(name)} {sql_type} GENERATED ALWAYS AS ({expression}) STORED")


def drop_column(table: str, name: str) -> None:
    """Drop a column with its values."""
    _run(f"ALTER TABLE {_quote(table)} DROP COLUMN IF EXISTS {_quote(name)}")


def rename_column(table: str, old: str, new: str) -> None:
    """Give a column another name."""
    if _has(f"SELECT FROM pg_attribute WHERE attrelid = '{_quote(table)}'::regclass AND attname = {_text(old)} AND NOT attisdropped"):
        _run(f"ALTER TABLE {_quote(table)} RENAME COLUMN {_quote(old)} TO {_quote(new)}")


def change_type(table: str, name: str, sql_type: str, using: str, default: str | None) -> None:
    """Give a column another type, and its default in it. Writes wait while its rows are rewritten."""
    bare, _, collation = sql_type.partition(" COLLATE")
    known = "replace(format_type(atttypid, atttypmod), ' without time zone', ''), attcollation = 950"  # that of "C"
    other = f"({known}) <> ({_text(bare.replace(', ', ','))}, {str(bool(collation)).lower()})"
    if not _has(f"SELECT FROM pg_attribute WHERE attrelid = '{_quote(table)}'::regclass AND attname = {_text(name)} AND {other}"):
        return  # `using` is about the old type
    column = f"ALTER COLUMN {_quote(name)}"
    parts = [f"{column} DROP DEFAULT", f"{column} TYPE {sql_type} USING {using}"]
    parts += [f"{column} SET DEFAULT {default}"] if default is not None else []
    version = () if context.is_offline_mode() else op.get_bind().dialect.server_version_info or ()
    can_say = version >= (16,)  # which rows it is: PostgreSQL 15 cannot
    invalid = f"NOT pg_input_is_valid({_quote(name)}::text, {_text(bare)})" if can_say else None
    with _naming_rows(table, invalid):
        _run(f"ALTER TABLE {_quote(table)} {', '.join(parts)}")


def set_default(table: str, name: str, default: str | None) -> None:
    """What a row without a value gets; None: nothing."""
    action = "DROP DEFAULT" if default is None else f"SET DEFAULT {default}"
    _run(f"ALTER TABLE {_quote(table)} ALTER COLUMN {_quote(name)} {action}")


def require(table: str, name: str, fill: str | None) -> None:
    """Take no nulls any more; those that are there become `fill`. It is checked without a lock before it is asked for."""
    column, check = _quote(name), _quote(_short(f"{table}_{name}", "_required_"))
    if fill is not None:
        _in_batches(table, f"{column} = {fill}", f"{column} IS NULL")
    _run(f"ALTER TABLE {_quote(table)} DROP CONSTRAINT IF EXISTS {check}, ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID")
    _validate(table, check, f"{column} IS NULL")
    _run(f"ALTER TABLE {_quote(table)} ALTER COLUMN {column} SET NOT NULL, DROP CONSTRAINT {check}")


def allow_null(table: str, name: str) -> None:
    """Take nulls from now on."""
    _run(f"ALTER TABLE {_quote(table)} ALTER COLUMN {_quote(name)} DROP NOT NULL")


def replace_value(table: str, column: str, old: str, new: str) -> None:
    """Give every row with one value another one."""
    _in_batches(table, f"{_quote(column)} = {_text(new)}", f"{_quote(column)} = {_text(old)}")


def update_rows(table: str, change: str, where: str) -> None:
    """Change rows, as a step that is written by hand: `change` and `where` are SQL, as in UPDATE … SET … WHERE.

    Rows are changed in batches until none meets `where`, so the change has to make it false; one that does not is refused, and changes
    nothing. That lets an interrupted upgrade go on where it stopped, and a later revision repeat the step.
    """
    _in_batches(table, change, where)


def keep_in_step(
    table: str,
    old: str,
    new: str,
    to_new: str = VALUE,
    to_old: str = VALUE,
    if_null: str | None = None,
    if_old_null: str | None = None,
    old_default: str | None = None,
) -> None:
    """Let two columns hold the same, whichever of them is written: each version of the application knows one.

    `to_new` and `to_old` are the value of one as the other has it, `{}` being that value; `if_null` and `if_old_null` take the place of a
    null there. A new value that does not fit into the old column is null in it, or `if_old_null`. A row in which the old column was not
    given has `old_default` there.
    """
    if not _differ(table, old, new):
        to_new = to_old = VALUE
    before, after, missing = f"NEW.{_quote(old)}", f"NEW.{_quote(new)}", if_old_null or "NULL"
    there, back = _value(to_new, before, if_null), _value(to_old, after, if_old_null)
    fitting = f"back_ := {back};"
    if to_old != VALUE:
        fitting = f"BEGIN {fitting} EXCEPTION WHEN data_exception THEN back_ := {missing}; END;"
    body = f"""DECLARE back_ {_quote(table)}.{_quote(old)}%TYPE;
BEGIN
  {fitting}
  IF TG_OP = 'INSERT' THEN
    IF {before} IS DISTINCT FROM {old_default or "NULL"} THEN {after} := {there}; ELSE {before} := back_; END IF;
  ELSIF {before} IS DISTINCT FROM OLD.{_quote(old)} AND {before} IS DISTINCT FROM back_ THEN {after} := {there};
  ELSIF {after} IS DISTINCT FROM OLD.{_quote(new)} AND {after} IS DISTINCT FROM {there} THEN {before} := back_;
  END IF;
  RETURN NEW;
END"""
    _set_trigger(table, new, body)


def follow(table: str, old: str, new: str, to_new: str = VALUE, if_null: str | None = None) -> None:
    """Let a new column have what the old one has, whenever a row is written; see `keep_in_step`."""
    value = _value(to_new if _differ(table, old, new) else VALUE, f"NEW.{_quote(old)}", if_null)
    _set_trigger(table, new, f"BEGIN NEW.{_quote(new)} := {value}; RETURN NEW; END")


def copy_values(table: str, source: str, target: str, convert: str = VALUE, if_null: str | None = None) -> None:
    """Fill a column from its twin in the rows that are there, in batches. It is no change that anybody sees: rows keep their version."""
    value = _value(convert if _differ(table, source, target) else VALUE, _quote(source), if_null)
    _in_batches(table, f"{_quote(target)} = {value}", f"{_quote(target)} IS DISTINCT FROM {value}", seen=False)


def drop_twin(table: str, column: str, new: str) -> None:
    """Drop one of two columns and what keeps them in step, in one transaction: a row that is written has no value for it."""
    changes = [
        f"DROP TRIGGER IF EXISTS {_twin(table, new)} ON {_quote(table)}",
        f"ALTER TABLE {_quote(table)} DROP COLUMN IF EXISTS {_quote(column)}",
    ]
    _together(changes)
    _run(f"DROP FUNCTION IF EXISTS {_twin(table, new)}()")


def swap(table: str, old: str, new: str, *names: str) -> None:
    """Drop a column, and give its name to the one that follows it, in one transaction.

    `names` are those of its constraints and indexes, in pairs: as they are called, and as they shall be.
    """
    changes = [
        f"DROP TRIGGER {_twin(table, new)} ON {_quote(table)}",
        f"ALTER TABLE {_quote(table)} DROP COLUMN {_quote(old)}",
        f"ALTER TABLE {_quote(table)} RENAME COLUMN {_quote(new)} TO {_quote(old)}",
    ]
    for trial, name in zip(names[::2], names[1::2], strict=True):
        index = f"ALTER INDEX {_quote(trial)} RENAME TO {_quote(name)}"
        constraint = f"ALTER TABLE {_quote(table)} RENAME CONSTRAINT {_quote(trial)} TO {_quote(name)}"
        changes.append(f"IF to_regclass({_text(_quote(trial))}) IS NULL THEN {constraint}; ELSE {index}; END IF")
    _together(changes)
    _run(f"DROP FUNCTION IF EXISTS {_twin(table, new)}()")


def add_constraint(table: str, name: str, sql: str) -> None:
    """Add a check or a reference, in the place of one of the same name. New rows are held to it at once; then those that are there.

    One that takes a place is tried under another name first: until it can hold for all rows, the old one holds.
    """
    final, trial = _quote(name), _quote(_short(name, "_new_"))
    replaces = _has(f"SELECT FROM pg_constraint WHERE conrelid = '{_quote(table)}'::regclass AND conname = {_text(name)}")
    for one in (trial, final) if replaces else (final,):
        _run(f"ALTER TABLE {_quote(table)} DROP CONSTRAINT IF EXISTS {one}, ADD CONSTRAINT {one} {sql} NOT VALID")
        _validate(table, one, f"NOT ({sql.removeprefix('CHECK ')})" if sql.startswith("CHECK ") else None)
    if replaces:
        drop_constraint(table, _short(name, "_new_"))


def add_unique(table: str, name: str, sql: str) -> None:
    """Add a unique constraint, `sql` being `UNIQUE (columns)`; its index is built while others write."""
    if _has(f"SELECT FROM pg_constraint WHERE conrelid = '{_quote(table)}'::regclass AND conname = {_text(name)}"):
        return
    columns = sql.removeprefix("UNIQUE ")
    nulls = "NULLS NOT DISTINCT"
    ending = f" {nulls}" if columns.startswith(nulls) else ""
    key = columns.removeprefix(f"{nulls} ")
    known = "" if ending else f" HAVING num_nulls{key} = 0"
    same = f"SELECT {key[1:-1]} FROM {_quote(table)} GROUP BY {key[1:-1]}{known}"  # noqa: S608  # quoted names
    repeated = f"{key} IN ({same}{' AND' if known else ' HAVING'} count(*) > 1)"
    with _naming_rows(table, repeated):
        _build_index("UNIQUE INDEX", name, table, key + ending)
    _run(f"ALTER TABLE {_quote(table)} ADD CONSTRAINT {_quote(name)} UNIQUE USING INDEX {_quote(name)}")


def drop_constraint(table: str, name: str) -> None:
    """Drop a constraint."""
    _run(f"ALTER TABLE IF EXISTS {_quote(table)} DROP CONSTRAINT IF EXISTS {_quote(name)}")


def rename_constraint(table: str, old: str, new: str) -> None:
    """Give a constraint another name."""
    if _has(f"SELECT FROM pg_constraint WHERE conrelid = '{_quote(table)}'::regclass AND conname = {_text(old)}"):
        _run(f"ALTER TABLE {_quote(table)} RENAME CONSTRAINT {_quote(old)} TO {_quote(new)}")


def add_index(name: str, table: str, sql: str) -> None:
    """Add an index, which is built while others write."""
    _build_index("INDEX", name, table, sql)


def add_unique_index(name: str, table: str, sql: str) -> None:
    """Add a unique index, which is built while others write."""
    _build_index("UNIQUE INDEX", name, table, sql)


def drop_index(name: str) -> None:
    """Drop an index."""
    _run(f"DROP INDEX CONCURRENTLY IF EXISTS {_quote(name)}", patient=True)


def rename_index(old: str, new: str) -> None:
    """Give an index another name."""
    _run(f"ALTER INDEX IF EXISTS {_quote(old)} RENAME TO {_quote(new)}")


def set_search(table: str, index: str, language: str, *columns: str, edition: int = 1) -> None:
    """Search these columns from now on. What is searched until then is searched until the new index is there."""
    fresh, search = _short(index, "_new_"), SEARCHES[edition](language, columns)
    _build_index("INDEX", fresh, table, search.index_sql())
    for statement in search.function_sql(table, context.config.attributes["app_role"]):
        _run(statement)
    drop_index(index)
    rename_index(fresh, index)


def drop_search(table: str, index: str) -> None:
    """Search a table no more."""
    _run(drop_function_sql(table))
    drop_index(index)


def purge_deleted(table: str, *referring: str, edition: int = 1) -> None:
    """Let the application purge deleted rows of a table to which nothing refers; `referring` are the columns that could."""
    for statement in PURGES[edition](table, referring, context.config.attributes["app_role"]):
        _run(statement)


def stop_purging(table: str) -> None:
    """Take that back."""
    _run(f"DROP FUNCTION IF EXISTS {_quote(f'purge_{table}')}(integer, integer)")


def drop_deleted(table: str, *referring: str) -> None:
    """Delete the deleted rows of a table for good, and the deleted rows with one of the columns `referring` that leads to them."""
    gone = f"SELECT user_id, id FROM {_quote(table)} WHERE deleted_at IS NOT NULL"  # noqa: S608  # a quoted name
    for reference in referring:
        other, _, column = reference.partition(".")
        _run(f"DELETE FROM {_quote(other)} WHERE deleted_at IS NOT NULL AND (user_id, {_quote(column)}) IN ({gone})")  # noqa: S608  # quoted names
    _run(f"DELETE FROM {_quote(table)} WHERE deleted_at IS NOT NULL")  # noqa: S608  # a quoted name


def _build_index(kind: str, name: str, table: str, sql: str) -> None:
    """Build an index concurrently; what an interrupted attempt has left is dropped first."""
    if _has(f"SELECT FROM pg_index WHERE indexrelid = to_regclass({_text(_quote(name))}) AND NOT indisvalid"):
        drop_index(name)
    _run(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {_quote(name)} ON {_quote(table)} {sql}", patient=True)


def _validate(table: str, constraint: str, broken: str | None) -> None:
    """Check the rows that are there. Where one breaks the constraint, it goes again: until it can hold for all, it holds for none."""
    try:
        with _naming_rows(table, broken):
            _run(f"ALTER TABLE {_quote(table)} VALIDATE CONSTRAINT {constraint}", patient=True)
    except DBAPIError as error:
        if _state(error).startswith(ABOUT_ROWS):
            _run(f"ALTER TABLE {_quote(table)} DROP CONSTRAINT {constraint}")
        raise


@contextmanager
def _naming_rows(table: str, broken: str | None) -> Generator[None]:
    """Where rows are in the way of the block, say with the error how many they are and which are the first; `broken` finds them."""
    try:
        yield
    except DBAPIError as error:
        if broken is not None and _state(error).startswith(ABOUT_ROWS):
            rows = f"FROM {_quote(table)} WHERE {broken}"
            connection = op.get_bind()
            count: Any = connection.exec_driver_sql(f"SELECT count(*) {rows}").scalar()  # quoted names
            first = connection.exec_driver_sql(f"SELECT user_id, id {rows} ORDER BY 1, 2 LIMIT {SHOWN}").all()  # as above
            error.add_note(f"{count} of {table}:" + "".join(f"\n  {row.id} of user {row.user_id}" for row in first))
        raise


def _in_batches(table: str, change: str, condition: str, *, seen: bool = True) -> None:
    """Change the rows that meet a condition until there are none; what is `seen` counts as a change of each (`updated_at`, `version`)."""
    name = _quote(table)
    some = f"SELECT user_id, id FROM {name} WHERE {condition} LIMIT {BATCH} FOR UPDATE SKIP LOCKED"  # noqa: S608  # quoted names
    changed = f"{change}, updated_at = now(), version = version + 1" if seen else change
    if context.is_offline_mode():
        _run(f"UPDATE {name} SET {changed} WHERE {condition}")  # noqa: S608  # quoted names
        return
    update = f"UPDATE {name} SET {changed} WHERE ({condition}) AND (user_id, id) IN ({some})"  # noqa: S608  # quoted names
    sql = f"""DO $batch$
        DECLARE unchanged_ boolean;
        BEGIN
            WITH changed AS ({update} RETURNING ({condition}) AS again) SELECT bool_or(again) INTO unchanged_ FROM changed;
            IF unchanged_ THEN
                RAISE EXCEPTION 'rows of {table} meet their condition after the change as before it, so it would never end';
            END IF;
        END $batch$"""  # noqa: S608  # quoted names
    while _has(f"SELECT FROM {name} WHERE {condition}"):
        _run(sql)


def _set_trigger(table: str, new: str, body: str) -> None:
    """Run a body in PL/pgSQL before a row is written, under the name of the column that it is about."""
    name = _twin(table, new)
    rights = "SET search_path = public, pg_temp"
    _run(f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {rights} AS $twin$\n{body}\n$twin$")
    timing = f"BEFORE INSERT OR UPDATE ON {_quote(table)} FOR EACH ROW"
    _run(f"CREATE OR REPLACE TRIGGER {name} {timing} EXECUTE FUNCTION {name}()")


def _twin(table: str, new: str) -> str:
    """The name of the trigger and its function, quoted."""
    return _quote(_short(f"{table}_{new}", "_twin_"))


def _together(statements: list[str]) -> None:
    """Run statements in one transaction."""
    body = "\n".join(f"  {one}{'' if one.endswith('THEN') else ';'}" for one in statements)
    _run(f"DO $together$\nBEGIN\n{body}\nEND $together$")


def _value(convert: str, value: str, if_null: str | None) -> str:
    """A value as another column has it."""
    converted = convert.replace(VALUE, value)
    return converted if if_null is None else f"coalesce({converted}, {if_null})"


def _differ(table: str, one: str, other: str) -> bool:
    """Whether two columns have different types. They do not where an upgrade goes on that has changed the type already."""
    if context.is_offline_mode():
        return True
    names = f"attname IN ({_text(one)}, {_text(other)}) AND NOT attisdropped"
    types = f"SELECT FROM pg_attribute WHERE attrelid = '{_quote(table)}'::regclass AND {names}"
    return _has(f"{types} HAVING count(DISTINCT (atttypid, atttypmod)) > 1")


def _run(sql: str, *, patient: bool = False) -> None:
    """Run a statement; where it does not get its lock, again and again for a while. A `patient` one waits for it."""
    _limit(PATIENT if patient else LOCK_TIMEOUT, PATIENT if patient else STATEMENT_TIMEOUT)
    if context.is_offline_mode():
        op.execute(sql.replace(":", "\\:"))
        return
    connection = op.get_bind()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection.exec_driver_sql(sql)
        except DBAPIError as error:
            if _state(error) not in LOCKED or attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE)
        else:
            return


def _limit(lock_timeout: str, statement_timeout: str) -> None:
    """Set both limits where they are others."""
    known = context.config.attributes
    if known.get("limits") != (lock_timeout, statement_timeout):
        known["limits"] = lock_timeout, statement_timeout
        for name, value in (("lock_timeout", lock_timeout), ("statement_timeout", statement_timeout)):
            op.execute(f"SET {name} = '{value}'")


def _state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _has(query: str) -> bool:
    """Whether a query has a row. Without a database, as `--sql` prints it, everything is as it was expected."""
    if context.is_offline_mode():
        return "indisvalid" not in query and "pg_constraint" not in query
    found: Any = op.get_bind().exec_driver_sql(f"SELECT EXISTS ({query})").scalar()
    return bool(found)


def _short(name: str, ending: str) -> str:
    """A name of our own, no longer than the others: Citus adds to them, and PostgreSQL cuts them after 63 bytes."""
    if len(f"{name}{ending}".encode()) <= 50:
        return f"{name}{ending}"
    return f"{name.encode()[:28].decode(errors='ignore')}_{hashlib.sha256(name.encode()).hexdigest()[:8]}{ending}"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    """A text as an SQL literal."""
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
