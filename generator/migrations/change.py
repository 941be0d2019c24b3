"""What a revision does: the way from one database to another and back, all at once. See gradual.py for the way in two halves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from generator.migrations.database import Database
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
    """What changes although something is kept beside it for the version of the application before."""
    tables = {table.name: table.columns for table in new.tables}
    hint = "once no application uses the old one: rowsmith db revision --finish; then this change"
    for one in old.kept:
        twin = replace(one.twins.new, sample=None)
        if twin not in {replace(column, sample=None) for column in tables.get(one.twins.table, ())}:
            yield Problem(f"`{one.twins.table}.{twin.name}` changes, but {one.name} is kept in step with it", hint)
    for view in old.views:
        was = next(table.columns for table in old.tables if table.name == view.table)
        before, after = ({(column.name, column.type, column.computed) for column in some} for some in (was, tables.get(view.table, ())))
        gone = {name for name, _, _ in before - after if name in view.columns}
        if gone:
            yield Problem(f"`{view.table}.{min(gone)}` changes, but the old name {view.name} is a view of it", hint)
