"""What an operation does to a database that is in use: who waits, what is read or written, which rows are at risk, and when it is run.

It is about the steps of app/db/migrations/steps.py on PostgreSQL; docs/migrations.md says it in prose.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from generator.migrations.database import Column
from generator.migrations.operations import (
    AddColumn,
    AddComputed,
    AddConstraint,
    AddIndex,
    AddView,
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
    DropTwin,
    DropView,
    Follow,
    KeepInStep,
    Operation,
    Protect,
    PurgeDeleted,
    RenameBehindView,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    ReplaceValue,
    Require,
    SearchView,
    SetSearch,
    StopPurging,
    Swap,
)
from generator.migrations.renames import mentions
from generator.records import record


class Lock(StrEnum):
    """Who waits while an operation runs."""

    NONE = "nobody waits"
    BRIEF = "others wait for a moment"
    LONG = "reads and writes wait until it is done"


class Work(StrEnum):
    """What an operation reads or writes of a table."""

    NONE = "catalog only"
    BUILD = "builds an index"
    SCAN = "reads every row"
    UPDATE = "changes rows in batches"
    REWRITE = "rewrites the table"


class Order(StrEnum):
    """When an operation is run, so that the version of the application that runs beside it goes on working."""

    ANY = "any order"
    MIGRATE_FIRST = "migrate first"
    DEPLOY_FIRST = "deploy first"
    STEPS = "in steps"


@record
class Impact:
    """What an operation does. `rows` are those at risk, in words (empty: none); `advice` what to do about the order STEPS."""

    lock: Lock
    work: Work
    order: Order
    rows: str = ""
    advice: str = ""


class Direction(StrEnum):
    """What a changed constraint does to what may be written: the caller knows from the API."""

    SAME = "same"
    LOOSER = "looser"
    TIGHTER = "tighter"
    BOTH = "both"


_ORDERS = {
    Direction.SAME: Order.ANY,
    Direction.LOOSER: Order.MIGRATE_FIRST,
    Direction.TIGHTER: Order.DEPLOY_FIRST,
    Direction.BOTH: Order.STEPS,
}

_RENAME = (
    "No version of the application knows both names: `rowsmith db revision --gradual` keeps both until the old one has ended. Or stop the "
    "old one, migrate, start the new one."
)
_RETYPE = (
    "No version of the application reads both types: give the field a new name as well (`renamed_from`), and use `rowsmith db revision "
    "--gradual`. Or stop the old one, migrate, start the new one."
)
_BESIDE = "With `rowsmith db revision --gradual` nobody waits: the values are copied beside the old ones."
_BOTH = "It allows less and more at once: loosen it in one change and tighten it in the next."
_VALUE = "No version of the application knows both values. Add the new value, deploy, then replace the old one."
_UNDELETED = (
    "The old version needs the column, and the new one shows deleted rows again until they are gone. Stop the old one, migrate, start the "
    "new one."
)
_REQUIRED = "The new version cannot create rows while the column is there. Make the field nullable first, deploy, then drop it."


_QUICK_FIRST = Impact(Lock.BRIEF, Work.NONE, Order.MIGRATE_FIRST)
_QUICK = Impact(Lock.BRIEF, Work.NONE, Order.ANY)
_ALWAYS: Mapping[type[Operation], Impact] = {
    CreateTable: Impact(Lock.NONE, Work.NONE, Order.MIGRATE_FIRST),
    DropTable: Impact(Lock.BRIEF, Work.NONE, Order.DEPLOY_FIRST, "every row of it is lost"),
    RenameTable: Impact(Lock.BRIEF, Work.NONE, Order.STEPS, advice=_RENAME),
    RenameColumn: Impact(Lock.BRIEF, Work.NONE, Order.STEPS, advice=_RENAME),
    RenameBehindView: _QUICK_FIRST,
    AddView: _QUICK_FIRST,
    SearchView: Impact(Lock.NONE, Work.BUILD, Order.MIGRATE_FIRST),
    DropView: Impact(Lock.BRIEF, Work.NONE, Order.DEPLOY_FIRST),
    AddComputed: Impact(Lock.LONG, Work.REWRITE, Order.MIGRATE_FIRST),
    DropComputed: Impact(Lock.BRIEF, Work.NONE, Order.DEPLOY_FIRST),
    AllowNull: _QUICK_FIRST,
    AddIndex: Impact(Lock.NONE, Work.BUILD, Order.ANY),
    DropIndex: Impact(Lock.NONE, Work.NONE, Order.ANY),
    SetSearch: Impact(Lock.NONE, Work.BUILD, Order.MIGRATE_FIRST),
    DropSearch: Impact(Lock.NONE, Work.NONE, Order.DEPLOY_FIRST),
    PurgeDeleted: Impact(Lock.NONE, Work.NONE, Order.MIGRATE_FIRST),
    StopPurging: Impact(Lock.NONE, Work.NONE, Order.DEPLOY_FIRST),
    DropDeleted: Impact(Lock.NONE, Work.UPDATE, Order.STEPS, "every deleted row is lost for good", _UNDELETED),
    Protect: Impact(Lock.BRIEF, Work.NONE, Order.MIGRATE_FIRST, "the rows that a user sees and may write can be others"),
    KeepInStep: _QUICK_FIRST,
    Follow: _QUICK_FIRST,
    CopyValues: Impact(Lock.NONE, Work.UPDATE, Order.MIGRATE_FIRST),
    DropTwin: Impact(Lock.BRIEF, Work.NONE, Order.DEPLOY_FIRST),
    Swap: _QUICK_FIRST,
    ChangeDefault: _QUICK,
    RenameConstraint: _QUICK,
    RenameIndex: _QUICK,
}
"""The operations that always do the same."""


def impact_of(
    operation: Operation,
    types: Mapping[tuple[str, str], str],
    new: Mapping[tuple[str, str], Column],
    direction: Direction = Direction.SAME,
) -> Impact:
    """What an operation does.

    Args:
        operation: The operation.
        types: The types that columns had, by (table, column) with today's names.
        new: The columns, by (table, column), that come with the same migration.
        direction: Of a constraint that comes, goes or changes: what it does to what may be written.
    """
    match operation:
        case AddColumn(column=column):
            volatile = column.default is not None and "gen_random_uuid()" in column.default
            return Impact(Lock.LONG, Work.REWRITE, Order.MIGRATE_FIRST) if volatile else _QUICK_FIRST
        case DropColumn(column=column):
            if not column.nullable and column.default is None:
                return Impact(Lock.BRIEF, Work.NONE, Order.STEPS, "every value of it is lost", _REQUIRED)
            return Impact(Lock.BRIEF, Work.NONE, Order.DEPLOY_FIRST, "every value of it is lost")
        case ChangeType():
            return _retyped(operation, types)
        case Require(filled=True):
            return Impact(Lock.BRIEF, Work.SCAN, Order.MIGRATE_FIRST)
        case Require(fill=fill):
            rows = "rows without a value stop the migration" if fill is None else f"rows without a value get {fill}"
            return Impact(Lock.BRIEF, Work.SCAN if fill is None else Work.UPDATE, Order.DEPLOY_FIRST, rows)
        case ReplaceValue():
            order, advice = (Order.DEPLOY_FIRST, "") if operation.loses else (Order.STEPS, _VALUE)
            return Impact(Lock.NONE, Work.UPDATE, order, f"rows with {operation.old} get {operation.new}", advice)
        case AddConstraint():
            return _constrained(operation, new, direction)
        case DropConstraint():
            return Impact(Lock.BRIEF, Work.NONE, _ORDERS[direction], advice=_BOTH if direction is Direction.BOTH else "")
        case _:
            return _ALWAYS[type(operation)]


def _retyped(operation: ChangeType, types: Mapping[tuple[str, str], str]) -> Impact:
    before, after = types.get((operation.table, operation.column.name), ""), operation.column.type
    rows = "values that do not fit stop the migration, others are rounded" if operation.loses else ""
    if reads_both(before, after):
        order = Order.DEPLOY_FIRST if operation.loses else Order.MIGRATE_FIRST
        return Impact(Lock.LONG, Work.REWRITE, order, rows, "" if operation.loses else _BESIDE)
    return Impact(Lock.LONG, Work.REWRITE, Order.STEPS, rows, _RETYPE)


def reads_both(before: str, after: str) -> bool:
    """Whether a version of the application that knows one of two types of a column goes on working with the other one."""
    families = [{"integer": "int", "bigint": "int"}.get(one, one.partition("(")[0].partition(" ")[0]) for one in (before, after)]
    return families[0] == families[1] and "[]" not in before + after


def _constrained(operation: AddConstraint, new: Mapping[tuple[str, str], Column], direction: Direction) -> Impact:
    constraint = operation.constraint
    work = Work.BUILD if constraint.kind == "unique" else Work.SCAN
    added = [column for (table, name), column in new.items() if table == operation.table and mentions(constraint.sql, {name})]
    starts_null = any(column.nullable and column.default is None for column in added)
    if added and (direction is Direction.SAME or (constraint.kind == "unique" and starts_null)):
        return Impact(Lock.BRIEF, work, Order.MIGRATE_FIRST)
    rows = ""
    if direction in {Direction.TIGHTER, Direction.BOTH}:
        rows = {"unique": "rows with equal values stop the migration", "foreign": ""}.get(
            constraint.kind, "rows that break it stop the migration"
        )
    return Impact(Lock.BRIEF, work, _ORDERS[direction], rows, _BOTH if direction is Direction.BOTH else "")
