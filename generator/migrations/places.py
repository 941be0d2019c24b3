"""Where in the specs an operation comes from."""

from __future__ import annotations

from collections.abc import Iterator

from generator.ir import Reference, Resource, Schema, Span
from generator.migrations.editions import GUARDS
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


def place_of(operation: Operation, schema: Schema) -> Span | None:
    """The place of what an operation adds, changes or drops in a version of the specs, or in the core; None where neither has it."""
    table, part = _subject(operation)
    if part == GUARDS:
        return Span(GUARDS, 1, 1)
    for resource in schema.resources:
        if table is None or resource.plural == table:
            spans = dict(_parts(resource))
            if part is None or part in spans:
                return spans[part] if part is not None else resource.span
    return None


def _subject(operation: Operation) -> tuple[str | None, str | None]:  # noqa: C901, PLR0912  # a case an operation
    """The table, and the column, constraint or index, by the name that it has after the operation."""
    match operation:
        case CreateTable() | DropTable():
            return operation.table.name, None
        case PurgeDeleted() | StopPurging() | DropDeleted():
            return operation.table, None
        case RenameTable():
            return operation.new, None
        case RenameBehindView() | AddView() | SearchView() | DropView():
            return operation.view.table, None
        case AddColumn() | AddComputed() | DropColumn() | DropComputed() | ChangeType() | ChangeDefault() | Require() | AllowNull():
            return operation.table, operation.column.name
        case KeepInStep() | Follow() | CopyValues() | DropTwin():
            return operation.twins.table, operation.twins.new.name
        case Swap():
            return operation.twins.table, operation.twins.old.name
        case RenameColumn() | RenameConstraint():
            return operation.table, operation.new
        case ReplaceValue():
            return operation.table, operation.column
        case AddConstraint():
            return operation.table, operation.constraint.name
        case DropConstraint():
            return operation.table, operation.name
        case AddIndex():
            return operation.table, operation.index.name
        case SetSearch() | DropSearch():
            return operation.table, operation.search.index
        case DropIndex():
            return None, operation.name
        case RenameIndex():
            return None, operation.new
        case Protect():
            return None, GUARDS


def _parts(resource: Resource) -> Iterator[tuple[str, Span]]:
    """The columns, constraints and indexes of a table."""
    yield resource.primary_key, resource.span
    yield "deleted_at", resource.span
    for one in resource.fields:
        if isinstance(one.type, Reference):
            yield one.type.constraint, one.span
        yield one.column, one.span
    for rule in (*resource.unique, *resource.checks, *resource.indexes):
        yield rule.name, rule.span
    if resource.search is not None:
        yield resource.search.index, resource.search.span
