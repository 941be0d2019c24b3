"""What a revision may not do without being told: lose data, or take for a new field what may be an old one."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence

from generator.migrations.diff import Problem
from generator.migrations.operations import AddColumn, CreateTable, DropColumn, DropTable, Operation


def ambiguities(operations: Sequence[Operation], allowed: Collection[str]) -> Iterator[Problem]:
    """Drops beside which something of the same kind is added: they may be renames. One that is allowed is not."""
    for gone in operations:
        match gone:
            case DropColumn(consent=consent) if consent not in allowed and gone.column.field:
                for added in operations:
                    if isinstance(added, AddColumn) and added.table == gone.table and added.column.type == gone.column.type:
                        names = f"{gone.table}.{gone.column.name}", f"{added.table}.{added.column.name}"
                        yield _either(*names, f"renamed_from: {gone.column.field}", consent)
            case DropTable(consent=consent) if consent not in allowed:
                columns = {column.name for column in gone.table.columns}
                for added in operations:
                    if isinstance(added, CreateTable) and {column.name for column in added.table.columns} == columns:
                        yield _either(gone.table.name, added.table.name, f"renamed_from: {gone.table.resource}", consent)
            case _:
                pass


def _either(old: str, new: str, key: str, consent: str) -> Problem:
    message = f"{old} goes and {new} comes, which has the same type: it may have been renamed"
    return Problem(message, f"if it was, add `{key}` in the spec; if not, --allow {shlex.quote(consent)}")
