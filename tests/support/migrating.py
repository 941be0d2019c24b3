"""A project whose specs are migrated with the command line, on a database of its own."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from generator.cli import main
from generator.ir import Schema
from generator.migrations.database import CORE
from generator.migrations.revisions import read_history
from generator.pipeline import load_schema
from tests.support.catalog import catalog
from tests.support.command import Answer
from tests.support.database import Database, OpenDatabase
from tests.support.rows import Rows, all_rows, fill

importlib.import_module("app.models")  # this checkout's, before a command finds the `app` of a project that has no models


@dataclass(frozen=True)
class Project:
    """A project's folder and its database; with a connection to it that stays open, it is asked in less time."""

    root: Path
    database: Database
    connection: OpenDatabase | None = None

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

    @property
    def schema(self) -> Schema:
        """What the specs mean now."""
        schema, found = load_schema(self.root)
        assert schema is not None, found
        return schema

    @property
    def asked(self) -> Database | OpenDatabase:
        """What runs statements that are no command of Rowsmith's."""
        return self.connection or self.database

    def catalog(self) -> dict[str, list[str]]:
        """What the catalog of the database says."""
        return catalog(self.asked)

    def fill(self, count: int) -> None:
        """Add rows to each table, which is at the specs."""
        fill(self.asked, self.schema, count)

    def rows(self) -> Rows:
        """Every row that the last revision's tables have."""
        own = {table.name for table in CORE}
        return all_rows(self.asked, [table.name for table in read_history(self.root).database.tables if table.name not in own])
