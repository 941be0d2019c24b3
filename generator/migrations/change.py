"""What a revision does: the way from one database to another and back, all at once. See gradual.py for the way in two halves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from generator.migrations.database import Column, Database
from generator.migrations.diff import Problem, difference
from generator.migrations.operations import Operation
from generator.migrations.renames import Renames
from generator.records import record


@record
class Change:
    """The operations up and down, the database that they lead to, and what keeps them from being done."""

    upgrade: tuple[Operation, ...]
    downgrade: tuple[Operation, ...]
    target: Database
    problems: tuple[Problem, ...] = ()


def at_once(old: Database, new: Database, renames: Renames, replacements: Mapping[tuple[str, str, str], str]) -> Change:
    """What leads from `old` to `new`. What is kept beside columns stays as it is."""
    found = difference(old, new, renames, replacements)
    back = difference(new, old, renames.reversed(), downgrade=True)
    problems = (*found.problems, *still_in_step(old, new))
    return Change(found.operations, back.operations, replace(new, kept=old.kept, views=old.views), problems)


def still_in_step(old: Database, new: Database) -> Iterator[Problem]:
    """What changes although something is kept beside it for the version of the application before, and what takes a name that is kept."""
    before, after = ({table.name: table.columns for table in database.tables} for database in (old, new))
    hint = "once no application uses the old one: rowsmith db revision --finish; then this change"
    for one in old.kept:
        twin = replace(one.twins.new, sample=None)
        columns = after.get(one.twins.table, ())
        if twin not in {replace(column, sample=None) for column in columns}:
            yield Problem(f"`{one.twins.table}.{twin.name}` changes, but {one.name} is kept in step with it", hint)
        if one.twins.old.name in {column.name for column in columns}:
            yield Problem(f"`{one.name}` is new, but the old {one.name} is kept in step with {twin.name}", hint)
    for view in old.views:
        gone = viewed(before[view.table]) - viewed(after.get(view.table, ()))
        changed = sorted(name for name, _, _ in gone if name in view.columns)
        if changed:
            yield Problem(f"`{view.table}.{changed[0]}` changes, but the old name {view.name} is a view of it", hint)
        if view.name in after:
            yield Problem(f"`{view.name}` is new, but a view of {view.table} has the name", hint)


def viewed(columns: Iterable[Column]) -> set[tuple[str, str, str | None]]:
    """What a view of a table depends on."""
    return {(column.name, column.type, column.computed) for column in columns}
