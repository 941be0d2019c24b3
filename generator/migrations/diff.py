"""The operations that lead from one database to another, in an order in which each of them can be done."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from generator.migrations.conversion import conversion
from generator.migrations.database import Column, Constraint, Database, StoredIndex, Table, Twins
from generator.migrations.operations import (
    AddColumn,
    AddComputed,
    AddConstraint,
    AddIndex,
    AllowNull,
    ChangeDefault,
    ChangeType,
    CopyValues,
    CreateTable,
    DropColumn,
    DropComputed,
    DropConstraint,
    DropDeleted,
    DropIndex,
    DropSearch,
    DropTable,
    Follow,
    KeepInStep,
    Operation,
    Protect,
    PurgeDeleted,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    ReplaceValue,
    Require,
    SetSearch,
    StopPurging,
)
from generator.migrations.renames import Renames, mentions, renamed
from generator.records import record


@record
class Problem:
    """Why there is no way from one database to the other yet, and what to do about it."""

    message: str
    hint: str


@record
class Difference:
    """The operations, in their order, and what keeps them from being done."""

    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Phases:
    """Operations by the time at which they are done."""

    drop_rules: list[Operation] = field(default_factory=list["Operation"])
    drop_computed: list[Operation] = field(default_factory=list["Operation"])
    rename: list[Operation] = field(default_factory=list["Operation"])
    shape: list[Operation] = field(default_factory=list["Operation"])
    add_computed: list[Operation] = field(default_factory=list["Operation"])
    data: list[Operation] = field(default_factory=list["Operation"])
    add_rules: list[Operation] = field(default_factory=list["Operation"])
    add_references: list[Operation] = field(default_factory=list["Operation"])
    drop: list[Operation] = field(default_factory=list["Operation"])
    problems: list[Problem] = field(default_factory=list["Problem"])

    def done(self) -> Difference:
        operations = (
            self.drop_rules,
            self.drop_computed,
            self.rename,
            self.shape,
            self.add_computed,
            self.data,
            self.add_rules,
            self.add_references,
            self.drop,
        )
        return Difference(tuple(one for phase in operations for one in phase), tuple(self.problems))


def difference(
    old: Database,
    new: Database,
    renames: Renames,
    replacements: Mapping[tuple[str, str, str], str] | None = None,
    *,
    downgrade: bool = False,
    in_step: Collection[Twins] = (),
    following: Collection[Twins] = (),
) -> Difference:
    """What leads from `old` to `new`.

    Args:
        old: The database as it is.
        new: The database as it shall be.
        renames: What has another name in the new one.
        replacements: For values of enums that are gone, by (table, column, value), the value that rows with them get.
        downgrade: Whether this takes an upgrade back: what is missing is then filled in with samples and defaults instead of asked for.
        in_step: New columns that are kept in step with old ones, from which they get their values; the old ones are not in `old`.
        following: New columns that have what old ones have, without the way back.
    """
    phases = _Phases()
    twins: dict[tuple[str, str], KeepInStep | Follow] = {(one.table, one.new.name): KeepInStep(one) for one in in_step}
    twins |= {(one.table, one.new.name): Follow(one) for one in following}
    before = renamed(old, new, renames)
    kept = frozenset(table.name for table in old.tables if table.purge is not None)
    for was, table in zip(old.tables, before.tables, strict=True):
        now = new.table(table.resource)
        if now is None:
            phases.drop_rules += [DropConstraint(was.name, one.name) for one in was.constraints if one.kind == "foreign"]
            phases.drop.append(DropTable(was))
            continue
        if was.name != table.name:
            phases.rename.append(RenameTable(was.name, table.name))
        _Comparison(was, table, now, renames, replacements or {}, twins, downgrade, kept, phases).run()
    known = {table.resource for table in before.tables}
    for table in new.tables:
        if table.resource not in known:
            phases.shape.append(CreateTable(table))
            phases.add_rules += [AddIndex(table.name, index) for index in table.indexes]
            phases.add_rules += [SetSearch(table.name, table.search)] if table.search is not None else []
            phases.add_references += [AddConstraint(table.name, one) for one in table.constraints if one.kind == "foreign"]
            phases.add_references += [PurgeDeleted(table.name, table.purge, table.purge_edition)] if table.purge is not None else []
    phases.add_references += _protected(before, new)
    return phases.done()


def _protected(old: Database, new: Database) -> Iterator[Protect]:
    """The tables that are to be protected by another edition, those of one together; a new table has the first one."""
    before = {table.resource: table.protection for table in old.tables}
    others: defaultdict[int, list[str]] = defaultdict(list)
    for table in new.tables:
        if before.get(table.resource, 1) != table.protection:
            others[table.protection].append(table.name)
    return (Protect(tuple(tables), edition) for edition, tables in sorted(others.items()))


@dataclass(slots=True)
class _Comparison:
    """One table: as it was, the same with its new names, and as it shall be. `kept` are the tables that have deleted rows."""

    was: Table
    old: Table
    new: Table
    renames: Renames
    replacements: Mapping[tuple[str, str, str], str]
    twins: Mapping[tuple[str, str], KeepInStep | Follow]
    downgrade: bool
    kept: frozenset[str]
    phases: _Phases

    def run(self) -> None:
        """Find the operations."""
        self._trash()
        for was, old in zip(self.was.columns, self.old.columns, strict=True):
            if was.name != old.name:
                self.phases.rename.append(RenameColumn(self.new.name, was.name, old.name))
        before, after = ({column.name: column for column in table.columns} for table in (self.old, self.new))
        originals = {old.name: was for was, old in zip(self.was.columns, self.old.columns, strict=True)}
        rebuilt = self._rebuilt(before, after)
        for name, column in after.items():
            if name in rebuilt or name not in before:
                self._add(column)
            else:
                self._change(before[name], column)
        for name, column in before.items():
            if name in rebuilt or (name not in after and column.computed is not None):
                drop = DropColumn if column.computed is None else DropComputed
                self.phases.drop_computed.append(drop(self.was.name, originals[name]))
            elif name not in after:
                self.phases.drop.append(DropColumn(self.new.name, originals[name]))
        self._constraints(rebuilt)
        self._indexes(rebuilt)
        self._search()

    def _trash(self) -> None:
        """What becomes of deleted rows, and of what purges them."""
        before, after = self.was.purge, self.new.purge
        moved = self.was.name != self.new.name
        if before is not None and (after is None or moved):
            self.phases.drop_rules.append(StopPurging(self.was.name))
        if before is not None and after is None:
            deleted = tuple(one for one in before if one.partition(".")[0] in self.kept - {self.was.name})
            self.phases.drop_rules.append(DropDeleted(self.was.name, deleted))
        changed = (before, self.was.purge_edition) != (after, self.new.purge_edition)
        if after is not None and (changed or moved):
            self.phases.add_references.append(PurgeDeleted(self.new.name, after, self.new.purge_edition))

    def _rebuilt(self, before: Mapping[str, Column], after: Mapping[str, Column]) -> set[str]:
        """The columns that are dropped and added: computed ones that change, and all of them where a type changes."""
        pairs = {name: (before[name], after[name]) for name in after if name in before}
        retyped = any(old.type != new.type for old, new in pairs.values() if new.computed is None)
        return {
            name
            for name, (old, new) in pairs.items()
            if old.computed != new.computed
            or (new.computed is not None and (retyped or (old.type, old.nullable) != (new.type, new.nullable)))
        }

    def _add(self, column: Column) -> None:
        if column.computed is not None:
            self.phases.add_computed.append(AddComputed(self.new.name, column))
            return
        if (beside := self.twins.get((self.new.name, column.name))) is not None:
            self._add_beside(column, beside)
            return
        fill = column.default or (column.sample if self.downgrade else None)
        if not column.nullable and fill is None and not self.downgrade:
            message = f"`{self.new.resource}.{column.field}` is new and required, and the rows of {self.new.name} have no value for it"
            self.phases.problems.append(Problem(message, "give the field a default, or make it nullable"))
        self.phases.shape.append(AddColumn(self.new.name, column, fill))
        if not column.nullable and fill is None:  # of a reference, and where no sample is known: rows that are there stop it
            self.phases.data.append(Require(self.new.name, column, None))

    def _add_beside(self, column: Column, beside: KeepInStep | Follow) -> None:
        """A column that gets its values, also those to come, from another one."""
        table = self.new.name
        self.phases.shape.append(AddColumn(table, replace(column, nullable=True, default=None), None))
        self.phases.data += [beside, CopyValues(beside.twins)]
        filled = not beside.twins.old.nullable or beside.twins.if_null is not None
        self.phases.data += [] if column.nullable else [Require(table, column, None, filled)]
        self.phases.data += [] if column.default is None else [ChangeDefault(table, column)]

    def _change(self, old: Column, new: Column) -> None:
        table = self.new.name
        if old.type != new.type:
            using, loses = conversion(new.name, old.type, new.type)
            self.phases.shape.append(ChangeType(table, new, using, loses and not self.downgrade))
        elif old.default != new.default:
            self.phases.shape.append(ChangeDefault(table, new))
        if new.nullable and not old.nullable:
            self.phases.shape.append(AllowNull(table, new))
        for value in old.values:
            self._replace(value, new)
        if old.nullable and not new.nullable:
            self.phases.data.append(Require(table, new, new.default or (new.sample if self.downgrade else None)))

    def _replace(self, value: str, new: Column) -> None:
        """What rows with a value get that the enum has no more."""
        if not new.values or value in new.values:
            return
        name = next(
            (
                after
                for (resource, one, after), before in self.renames.values.items()
                if (resource, one, before) == (self.new.resource, new.field, value)
            ),
            None,
        )
        chosen = name or self.replacements.get((self.new.name, new.name, value))
        if chosen is None and self.downgrade:
            chosen = next((one for one in new.values if new.default == f"'{one}'"), new.values[0])
        if chosen not in new.values:
            place = f"{self.new.name}.{new.name}"
            message = f"`{value}` is no value of `{self.new.resource}.{new.field}` any more, but rows can have it"
            hint = f"say which one of {', '.join(new.values)} takes its place: --replace {shlex.quote(f'{place}.{value}=VALUE')}"
            self.phases.problems.append(Problem(message, hint))
            return
        self.phases.data.append(ReplaceValue(self.new.name, new.name, value, chosen, name is None and not self.downgrade))

    @property
    def _is_rewritten(self) -> bool:
        """Whether values or types change, which the old rules could be in the way of."""
        return any(
            isinstance(one, ChangeType | ReplaceValue) and one.table == self.new.name for one in (*self.phases.shape, *self.phases.data)
        )

    @property
    def _changes_kind(self) -> bool:
        """Whether deleted rows begin or cease to stay: unique constraints hold for other rows then, and go when the new ones are there."""
        return (self.was.purge is None) is not (self.new.purge is None) and not self._is_rewritten

    def _constraints(self, rebuilt: set[str]) -> None:
        table = self.new.name
        gone, added = _unmatched(self.old.constraints, self.new.constraints, rebuilt)
        retyped = {one.column.name for one in self.phases.shape if isinstance(one, ChangeType) and one.table == table}
        for one in self.new.constraints:
            if one.kind == "check" and mentions(one.sql, retyped):  # PostgreSQL would keep the old type in it, as a cast
                added.setdefault(one.name, one)
                gone |= {was.name: was for was in self.old.constraints if was.name == one.name}
        for old, new in _renamed(gone, added):
            self.phases.rename.append(RenameConstraint(table, old.name, new.name))
        kept = {new.name for new in added.values()}
        for name, constraint in gone.items():
            swapped = constraint.kind == "check" and name in kept and not self._is_rewritten
            if constraint.kind == "unique" and self._changes_kind:
                self.phases.drop.append(DropConstraint(self.new.name, name))
            elif not swapped:
                self.phases.drop_rules.append(DropConstraint(self.was.name, name))
        for name, constraint in added.items():
            target = self.phases.add_references if constraint.kind == "foreign" else self.phases.add_rules
            target.append(AddConstraint(table, constraint, replaces=name in gone))

    def _indexes(self, rebuilt: set[str]) -> None:
        gone, added = _unmatched(self.old.indexes, self.new.indexes, rebuilt)
        for old, new in _renamed(gone, added):
            self.phases.rename.append(RenameIndex(old.name, new.name))
        for name, index in gone.items():
            late = self._changes_kind if index.unique else bool(added) and name not in added and self._outlives(index)
            (self.phases.drop if late else self.phases.drop_rules).append(DropIndex(name))
        self.phases.add_rules += [AddIndex(self.new.name, index) for index in added.values()]

    def _outlives(self, index: StoredIndex) -> bool:
        """Whether an index can stay until those are there that take its place: nothing that it is made of changes, nor its table's name."""
        after = {column.name: (column.type, column.computed) for column in self.new.columns}
        changed = {one.name for one in self.old.columns if after.get(one.name) != (one.type, one.computed)}
        return self.was.name == self.new.name and not mentions(index.sql, changed)

    def _search(self) -> None:
        """The function of a search names its table and columns, so that it is made anew where they are renamed."""
        was, now, moved = self.was.search, self.new.search, self.was.name != self.new.name
        unsearched = set(self.old.search.columns if self.old.search is not None else ()) - set(now.columns if now is not None else ())
        retyped = any(
            isinstance(one, ChangeType) and one.table == self.new.name and one.column.name in unsearched for one in self.phases.shape
        )
        if was is not None and (now is None or moved or retyped or was.index != now.index):
            self.phases.drop_rules.append(DropSearch(self.was.name, was))
        if now is not None and (was != now or moved):
            self.phases.add_rules.append(SetSearch(self.new.name, now))


def _unmatched[T: (Constraint, StoredIndex)](
    old: tuple[T, ...], new: tuple[T, ...], rebuilt: set[str]
) -> tuple[dict[str, T], dict[str, T]]:
    """What only one side has, by name, and what goes with a column that is dropped and added again."""
    return (
        {one.name: one for one in old if one not in new or mentions(one.sql, rebuilt)},
        {one.name: one for one in new if one not in old or mentions(one.sql, rebuilt)},
    )


def _renamed[T: (Constraint, StoredIndex)](gone: dict[str, T], added: dict[str, T]) -> Iterator[tuple[T, T]]:
    """Take the pairs out that differ in their name only."""
    for old in list(gone.values()):
        for new in list(added.values()):
            if old.sql == new.sql and new.name not in gone:
                del gone[old.name], added[new.name]
                yield old, new
                break
