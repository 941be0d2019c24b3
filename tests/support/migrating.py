"""A project whose specs are migrated with the command line, on a database of its own."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from generator.cli import main
from generator.migrations.database import CORE, Column, Table
from generator.migrations.revisions import read_history
from tests.support.command import Answer
from tests.support.database import Database


@dataclass(frozen=True)
class Project:
    """A project's folder and its database."""

    root: Path
    database: Database

    def rowsmith(self, *arguments: str, check: bool = True) -> Answer:
        """Run `rowsmith` in the project, on its database; AssertionError when it fails, unless `check` is False."""
        settings = {"DATABASE_URL": self.database.app_dsn, "MIGRATION_DATABASE_URL": self.database.owner_dsn}
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.root),
            patch.dict(os.environ, settings),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(list(arguments))
        assert "Traceback" not in err.getvalue()
        assert not check or code == 0, out.getvalue() + err.getvalue()
        return Answer(code, out.getvalue(), err.getvalue())

    def fill(self, count: int) -> None:
        """Give each table `count` rows, numbered, of one user; references are null or lead to the row of the same number."""
        tables = {table.name: table for table in read_history(self.root).database.tables if table.name not in {one.name for one in CORE}}
        for table in sorted(tables.values(), key=lambda one: sum(constraint.kind == "foreign" for constraint in one.constraints)):
            written = [column for column in table.columns if column.computed is None]
            columns = ", ".join(f'"{column.name}"' for column in written)
            values = ", ".join(_value(table, column) for column in written)
            self.database.execute(f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM generate_series(1, {count}) AS n(n)")


def _value(table: Table, column: Column) -> str:
    built_in = {"user_id": "'ada'", "id": "('00000000-0000-7000-8000-' || lpad(n.n::text, 12, '0'))::uuid", "version": "1"}
    if not column.field:
        return built_in.get(column.name, "now()")
    if any(f", {column.name})" in one.sql for one in table.constraints if one.kind == "foreign"):
        return built_in["id"]
    if column.values:
        quoted = ", ".join(f"'{value}'" for value in column.values)
        return f"(ARRAY[{quoted}])[1 + n.n % {len(column.values)}]"
    kind = column.type.partition(" ")[0].partition("(")[0]
    if kind in {"integer", "bigint", "numeric"}:
        return "CASE WHEN n.n < 3 THEN NULL ELSE n.n END" if column.nullable else "n.n + 4"
    return {"text": "'text ' || n.n", "date": "date '2026-01-01' + n.n"}.get(kind, column.sample or "NULL")
