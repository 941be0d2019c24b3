"""Branches of the history: what the database is once the revisions of all of them have run, in whichever order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from generator.migrations.database import Column, Constraint, Database, Kept, StoredIndex, Table, View
from generator.migrations.operations import PurgeDeleted
from generator.migrations.renames import mentions
from generator.sql import quote_identifier


class ConflictError(Exception):
    """Two branches change the same thing, so that the order in which they run matters. `subjects` are these things."""

    def __init__(self, subjects: Sequence[str]) -> None:
        super().__init__(", ".join(subjects))
        self.subjects = tuple(subjects)


def common_ancestor(parents: Mapping[str, tuple[str, ...]], heads: Iterable[str]) -> str | None:
    """The last revision that all heads come after; None where they begin with different ones."""
    first, *others = [_line(parents, head) for head in heads]
    shared = first.intersection(*others)
    return max(shared, key=lambda one: len(_line(parents, one)), default=None)


def _line(parents: Mapping[str, tuple[str, ...]], revision: str) -> set[str]:
    """A revision and all before it."""
    found: set[str] = set()
    left = [revision]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += parents.get(one, ())
    return found


def joined(base: Database, one: Database, other: Database) -> Database:
    """The database in which the changes of both are made that led from `base` to `one` and `other`. ConflictError where they meet."""
    conflicts: list[str] = []
    tables: list[Table] = []
    before, ours, theirs = ({table.name: table for table in database.tables} for database in (base, one, other))
    for name in dict.fromkeys(chain(ours, theirs)):
        was, mine, yours = before.get(name), ours.get(name), theirs.get(name)
        if was is not None and mine is not None and yours is not None:
            tables.append(_table(was, mine, yours, conflicts))
        elif (table := _either(name, was, mine, yours, conflicts)) is not None:
            tables.append(table)
    kept = _named(base.kept, one.kept, other.kept, conflicts)
    views = _named(base.views, one.views, other.views, conflicts)
    if conflicts:
        raise ConflictError(sorted(conflicts))
    tables = [table if table.purge is None else replace(table, purge=_referring(table, tables)) for table in tables]
    return Database(tuple(sorted(tables, key=lambda table: (table.name.endswith("_"), table.resource))), kept, views)


def repeated(base: Database, heads: Sequence[Database], together: Database) -> tuple[PurgeDeleted, ...]:
    """What has to be done again once all branches have run: what purges a table names all columns that refer to it, those of each."""
    found: list[PurgeDeleted] = []
    for table in together.tables:
        was, *known = ({one.name: _purging(one) for one in database.tables}.get(table.name) for database in (base, *heads))
        if table.purge is not None and {one for one in known if one != was} not in (set(), {_purging(table)}):
            found.append(PurgeDeleted(table.name, table.purge, table.purge_edition))
    return tuple(found)


def _purging(table: Table) -> tuple[tuple[str, ...] | None, int]:
    return table.purge, table.purge_edition


def _referring(table: Table, tables: Iterable[Table]) -> tuple[str, ...]:
    """The columns that refer to a table."""
    keys = [(other.name, one.sql) for other in tables for one in other.constraints if one.kind == "foreign"]
    columns = [(other.name, column.name) for other in tables for column in other.columns]
    target = f"REFERENCES {quote_identifier(table.name)} ("
    return tuple(
        sorted(
            f"{name}.{column}"
            for name, column in columns
            if any(other == name and sql.startswith(f"FOREIGN KEY (user_id, {quote_identifier(column)}) {target}") for other, sql in keys)
        )
    )


def _table(was: Table, mine: Table, yours: Table, conflicts: list[str]) -> Table:
    columns = _parts(was.name, was.columns, mine.columns, yours.columns, conflicts)
    constraints = _parts(was.name, was.constraints, mine.constraints, yours.constraints, conflicts)
    indexes = _parts(was.name, was.indexes, mine.indexes, yours.indexes, conflicts)
    gone = {column.name for column in was.columns} - {column.name for column in columns}
    conflicts += [f"{was.name}.{part.name}" for part in (*constraints, *indexes) if mentions(part.sql, gone)]
    search = _either(f"{was.name} search", was.search, mine.search, yours.search, conflicts)
    if search is not None and gone.intersection(search.columns):
        conflicts.append(f"{was.name} search")
    resource = _either(was.name, was.resource, mine.resource, yours.resource, conflicts)
    keeps = _either(was.name, was.purge is not None, mine.purge is not None, yours.purge is not None, conflicts)
    purge = _either(was.name, was.purge_edition, mine.purge_edition, yours.purge_edition, conflicts)
    protection = _either(was.name, was.protection, mine.protection, yours.protection, conflicts)
    return replace(
        was,
        resource=resource or was.resource,
        columns=columns,
        constraints=constraints,
        indexes=indexes,
        search=search,
        purge=() if keeps else None,
        purge_edition=purge or was.purge_edition,
        protection=protection or was.protection,
    )


def _parts[T: (Column, Constraint, StoredIndex)](
    table: str, was: Sequence[T], mine: Sequence[T], yours: Sequence[T], conflicts: list[str]
) -> tuple[T, ...]:
    return _named(was, mine, yours, conflicts, f"{table}.")


def _named[T: (Column, Constraint, StoredIndex, Kept, View)](
    was: Sequence[T], mine: Sequence[T], yours: Sequence[T], conflicts: list[str], prefix: str = ""
) -> tuple[T, ...]:
    """Those of both, by name."""
    before, ours, theirs = ({part.name: part for part in parts} for parts in (was, mine, yours))
    names = dict.fromkeys(chain(ours, theirs))
    found = (_either(f"{prefix}{name}", before.get(name), ours.get(name), theirs.get(name), conflicts) for name in names)
    return tuple(part for part in found if part is not None)


def _either[T](name: str, was: T | None, mine: T | None, yours: T | None, conflicts: list[str]) -> T | None:
    """The version that has changed."""
    if _same(mine, was) or _same(mine, yours):
        return yours
    if not _same(yours, was):
        conflicts.append(name)
    return mine


def _same(one: object, other: object) -> bool:
    """Whether two are equal; what rows could have in a downgrade is no difference."""
    if isinstance(one, Column) and isinstance(other, Column):
        return replace(one, sample=None) == replace(other, sample=None)
    return one == other
