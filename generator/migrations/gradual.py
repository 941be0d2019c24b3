"""Renames and new types beside running applications: the new column is filled beside the old one, and both are kept in step.

A renamed column stays until no application uses it, which a revision of its own ends. A new type takes the place of the old one in the
same revision, once every row has it: nobody waits for a table that is rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from generator.migrations.change import Change, still_in_step, viewed
from generator.migrations.conversion import conversion_of
from generator.migrations.database import Column, Constraint, Database, Kept, StoredIndex, Table, Twins, View
from generator.migrations.diff import Problem, difference
from generator.migrations.impact import reads_both
from generator.migrations.operations import (
    AddColumn,
    AddConstraint,
    AddIndex,
    AddView,
    ChangeDefault,
    CopyValues,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropSearch,
    DropTwin,
    DropView,
    KeepInStep,
    Operation,
    PurgeDeleted,
    RenameBehindView,
    RenameTable,
    Require,
    SearchView,
    StopPurging,
    Swap,
)
from generator.migrations.renames import Renames, mentions, renamed, substitute
from generator.naming import shorten

TRIAL = "_new_"
"""What a column of another type, its constraints and its indexes are called until they take their places."""


def gradually(old: Database, new: Database, renames: Renames, replacements: Mapping[tuple[str, str, str], str]) -> Change:
    """What leads from `old` to `new` while applications run: renamed fields and other types go beside the old ones."""
    problems = (*_problems(old, new, renames), *still_in_step(old, new))
    if problems:
        return Change((), (), new, problems)
    named, retyped = _renamed_columns(old, new, renames), _retyped_columns(old, new, renames)
    views = {view.name: view for view in _views(old, new, renames)}
    kept = tuple(_kept(old, new, named))
    if problems := tuple(_mixed(kept, retyped)):
        return Change((), (), new, problems)
    others = replace(renames, fields={})
    beside = _without(old, new, named)
    there = _under_trial(new, retyped)
    up = difference(_without(beside, there, retyped), there, others, replacements, in_step=named, following=retyped)
    down = difference(new, beside, others.reversed(), downgrade=True)
    upgrade = (
        *(ChangeDefault(one.table, one.old) for one in named if one.old.default is None and _was(old, one).default is not None),
        *_behind_views(up.operations, views),
        *_swaps(new, retyped),
    )
    downgrade = (
        *(DropView(one) for one in views.values()),
        *_without_twins(down.operations, named),
        *(ChangeDefault(one.table, _was(old, one)) for one in named if one.old != _was(old, one)),
    )
    target = replace(new, kept=(*old.kept, *kept), views=(*old.views, *views.values()))
    return Change(upgrade, downgrade, target, up.problems)


def finished(database: Database) -> Change:
    """The end of what is kept: old names go, and old columns with the constraints and indexes that are about them."""
    upgrade: list[Operation] = []
    columns: list[Operation] = []
    rules: list[Operation] = []
    for one in database.kept:
        twins = one.twins
        upgrade += [DropIndex(index.name) for index in one.indexes]
        upgrade += [DropConstraint(twins.table, constraint.name) for constraint in one.constraints]
        columns += [AddColumn(twins.table, replace(twins.old, nullable=True), None), KeepInStep(twins), CopyValues(twins, back=True)]
        columns += [] if twins.old.nullable else [Require(twins.table, twins.old, None)]
        rules += [AddConstraint(twins.table, constraint) for constraint in one.constraints]
        rules += [AddIndex(twins.table, index) for index in one.indexes]
    upgrade += [DropTwin(one.twins) for one in database.kept]
    views: list[Operation] = []
    for view in database.views:
        upgrade += [StopPurging(view.name)] if view.purge is not None else []
        upgrade += [DropSearch(view.name, view.search)] if view.search is not None else []
        upgrade.append(DropView(view))
        views.append(AddView(view))
        views += [SearchView(view, view.search)] if view.search is not None else []
        views += [PurgeDeleted(view.name, view.purge, view.purge_edition)] if view.purge is not None else []
    return Change(tuple(upgrade), (*columns, *rules, *views), replace(database, kept=(), views=()))


def _views(old: Database, new: Database, renames: Renames) -> Iterator[View]:
    """The tables that get other names, as views with the old ones."""
    for was, named in zip(old.tables, renamed(old, new, renames).tables, strict=True):
        if was.name != named.name:
            columns = tuple(column.name for column in was.columns)
            yield View(was.name, named.name, columns, was.search, was.purge, was.purge_edition, was.protection)


def _without_twins(operations: Iterable[Operation], named: Sequence[Twins]) -> Iterator[Operation]:
    """The operations with the end of the twins in place of that of new columns."""
    twins = {(one.table, one.new.name): one for one in named}
    for one in operations:
        if isinstance(one, DropColumn) and (one.table, one.column.name) in twins:
            yield DropTwin(twins[one.table, one.column.name], back=True)
        else:
            yield one


def _behind_views(operations: Iterable[Operation], views: Mapping[str, View]) -> Iterator[Operation]:
    """The operations with views in place of the old tables, whose functions stay."""
    for one in operations:
        match one:
            case RenameTable(old=old):
                yield RenameBehindView(views[old])
            case StopPurging(table=table) | DropSearch(table=table) if table in views:
                pass
            case _:
                yield one


def _columns(old: Database, new: Database, renames: Renames) -> Iterator[tuple[Table, Column, Column]]:
    """The columns that both have, as they were and as they shall be, with the new table."""
    for was, named in zip(old.tables, renamed(old, new, renames).tables, strict=True):
        table = new.table(named.resource)
        after = {column.name: column for column in table.columns} if table is not None else {}
        for column, one in zip(was.columns, named.columns, strict=True):
            if table is not None and one.name in after:
                yield table, column, after[one.name]


def _renamed_columns(old: Database, new: Database, renames: Renames) -> tuple[Twins, ...]:
    return tuple(_twins(table.name, was, now) for table, was, now in _columns(old, new, renames) if was.name != now.name)


def _twins(table: str, was: Column, now: Column) -> Twins:
    """A renamed column with its old one, which takes no default any more where a null says that it was not given."""
    to_new, to_old = conversion_of(was.type, now.type)[0], conversion_of(now.type, was.type)[0]
    missing = was.default or was.sample if not was.nullable and (now.nullable or was.type != now.type) else None
    return Twins(
        table,
        was if was.nullable else replace(was, default=None),
        now,
        to_new,
        to_old,
        now.default if was.nullable and not now.nullable else None,
        missing,
    )


def _retyped_columns(old: Database, new: Database, renames: Renames) -> tuple[Twins, ...]:
    return tuple(
        Twins(
            table.name,
            was,
            replace(now, name=shorten(f"{now.name}{TRIAL}")),
            conversion_of(was.type, now.type)[0],
            if_null=now.default if was.nullable and not now.nullable else None,
        )
        for table, was, now in _columns(old, new, renames)
        if was.name == now.name and was.type != now.type and now.computed is None
    )


def _kept(old: Database, new: Database, named: Sequence[Twins]) -> Iterator[Kept]:
    """What stays of the old columns. What is about two of them stays with the first one."""
    seen: set[str] = set()
    for twins in named:
        table, now = _table(old, twins), _table(new, twins)
        constraints = [one for one in table.constraints if one.name not in seen and _goes(one, twins.old.name, now.constraints)]
        indexes = [one for one in table.indexes if one.name not in seen and _goes(one, twins.old.name, now.indexes)]
        seen.update(one.name for one in (*constraints, *indexes))
        yield Kept(twins, tuple(constraints), tuple(indexes))


def _without(database: Database, new: Database, twins: Sequence[Twins]) -> Database:
    """The database as if it had no old columns, nor what is about them and has no place in the new one."""
    tables: list[Table] = []
    for table in database.tables:
        gone = {one.old.name for one in twins if one.table == table.name}
        if gone:
            now = _named(new, table.name)
            table = replace(  # noqa: PLW2901  # the same table with less
                table,
                columns=tuple(one for one in table.columns if one.name not in gone),
                constraints=tuple(one for one in table.constraints if not any(_goes(one, name, now.constraints) for name in gone)),
                indexes=tuple(one for one in table.indexes if not any(_goes(one, name, now.indexes) for name in gone)),
            )
        tables.append(table)
    return Database(tuple(tables))


def _under_trial(new: Database, retyped: Sequence[Twins]) -> Database:
    """The new database with trial names for columns of another type, and for what is about them."""
    tables: list[Table] = []
    for table in new.tables:
        names = {one.old.name: one.new.name for one in retyped if one.table == table.name}
        if names:
            table = replace(  # noqa: PLW2901  # the same table with other names
                table,
                columns=tuple(replace(one, name=names.get(one.name, one.name)) for one in table.columns),
                constraints=tuple(_tried(one, names) for one in table.constraints),
                indexes=tuple(_tried(one, names) for one in table.indexes),
            )
        tables.append(table)
    return Database(tuple(tables))


def _tried[T: (Constraint, StoredIndex)](one: T, names: Mapping[str, str]) -> T:
    return replace(one, name=shorten(f"{one.name}{TRIAL}"), sql=substitute(one.sql, names)) if mentions(one.sql, set(names)) else one


def _swaps(new: Database, retyped: Sequence[Twins]) -> Iterator[Swap]:
    """The swaps with what is about each column; what is about two of them takes its name with the first one."""
    seen: set[str] = set()
    for twins in retyped:
        table = _table(new, twins)
        about = [one.name for one in (*table.constraints, *table.indexes) if mentions(one.sql, {twins.old.name}) and one.name not in seen]
        seen.update(about)
        yield Swap(twins, tuple((shorten(f"{name}{TRIAL}"), name) for name in about))


def _goes(one: Constraint | StoredIndex, column: str, after: Sequence[Constraint | StoredIndex]) -> bool:
    """Whether a constraint or an index is about a column and has no successor of its name."""
    own = one.sql.partition(" REFERENCES ")[0]
    return mentions(own, {column}) and one.name not in {other.name for other in after}


def _table(database: Database, twins: Twins) -> Table:
    return next(table for table in database.tables if table.name == twins.table)


def _was(old: Database, twins: Twins) -> Column:
    """The old column before anything of it was changed."""
    return next(column for column in _table(old, twins).columns if column.name == twins.old.name)


# --- what cannot be done so ---------------------------------------------------------------------------------------------------------


def _problems(old: Database, new: Database, renames: Renames) -> Iterator[Problem]:
    found = [(table, was, now) for table, was, now in _columns(old, new, renames) if was.name != now.name or was.type != now.type]
    views = {view.table: view.name for view in _views(old, new, renames)}
    if not views and not [now for _, _, now in found if now.computed is None]:
        yield Problem("nothing has another name or another type: there is nothing to do gradually", "leave --gradual out")
    for view in _views(old, new, renames):
        if gone := viewed(_named(old, view.name).columns) - viewed(_named(new, view.table).columns):
            message = f"`{view.name}` cannot change its name gradually while `{min(gone)[0]}` changes, which a view of it has"
            yield Problem(message, _APART)
    for table, was, now in found:
        reason, hint = ("", "") if table.name in views else _reason(_named(old, table.name), table, was, now)
        if reason:
            yield Problem(f"`{table.resource}.{now.field}` cannot change gradually: {reason}", hint)


def _mixed(kept: Sequence[Kept], retyped: Sequence[Twins]) -> Iterator[Problem]:
    """What is to be kept of an old column, but would go with a column of another type."""
    for one in kept:
        others = {twins.old.name for twins in retyped if twins.table == one.twins.table}
        for part in (*one.constraints, *one.indexes):
            if mentions(part.sql, others):
                yield Problem(f"`{part.name}` is about a field that has another name and one that has another type", _APART)


def _named(database: Database, name: str) -> Table:
    return next(table for table in database.tables if table.name == name)


_AT_ONCE = "leave --gradual out, and run the revision while the application is stopped"
_APART = "change that in an edit of its own, before or after this one"


def _reason(before: Table, after: Table, was: Column, now: Column) -> tuple[str, str]:
    """Why a column cannot change while applications use it, and what to do then; empty where it can."""
    computed = [
        one.field
        for table, name in ((before, was.name), (after, now.name))
        for one in table.columns
        if one.computed is not None and mentions(one.computed, {name})
    ]
    if now.computed is not None:
        return ("", "") if was.name == now.name else ("it is computed", _AT_ONCE)
    if computed:
        return f"`{computed[0]}` is computed from it", _AT_ONCE
    if conversion_of(was.type, now.type)[1]:
        return "values can be lost in the new type", _AT_ONCE
    if was.name == now.name and not reads_both(was.type, now.type):
        return "no version of the application reads both types", f"give it a new name as well: renamed_from: {was.field}"
    if set(was.values) != set(now.values):
        return "it has other values, too", _APART
    begins = was.default is None and not now.nullable  # a null becomes the default then, whoever writes it
    if was.name != now.name and was.nullable and not begins and _default_differs(was, now):
        return "it has another default, too", _APART
    return "", ""


def _default_differs(was: Column, now: Column) -> bool:
    return bool(was.default or now.default) and (was.default, was.type) != (now.default, now.type)
