"""A release of Rowsmith guards rows by another text: databases that have the old one are brought to it, and back, by a revision."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from app.db import guards
from app.db.search import drop_function_sql
from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.migrations.revisions import VERSIONS
from tests.support import squawk
from tests.support.catalog import catalog
from tests.support.database import Database, new_database
from tests.support.generated import CREATE_TABLES, write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.project import ROOT, environment
from tests.support.specs import PROJECT, spec

ROWS = int(os.environ.get("ROWSMITH_TEST_ROWS", "20"))
"""Rows of each table; `make operations` takes 10,000."""

TASK = spec("title: {type: string, search: true}", "project: {type: ref, to: Project, nullable: true}", rest="soft_delete: true\n")
SPECS = {"task": TASK, "project": PROJECT.replace("fields:", "soft_delete: true\nfields:")}

OWNER = "user_id = current_setting('app.user_id', true)"
GUARDS = f"""
POLICY_OF_NEXT = "USING ({OWNER}) WITH CHECK ({OWNER} AND user_id <> '')"
PROTECTIONS = {{**PROTECTIONS, PROTECTION: Protection(POLICY_OF_NEXT, ("SELECT", "INSERT", "UPDATE"), PROTECTIONS[1].cleanup)}}
PURGES = {{**PURGES, PURGE: lambda *facts: [one.replace("LIMIT $1", "LIMIT least($1, 500)") for one in trash_sql(*facts, edition=2)]}}
"""
RUN = "import sys; from generator.cli import main; sys.exit(any([main(command.split()) for command in sys.argv[1:]]))"
SEARCH = """

FirstSearch = Search


class Search(FirstSearch):
    @property
    def words(self) -> str:
        return FirstSearch.words.__get__(self).replace("30000", "20000")
"""


@dataclass(frozen=True)
class Deployed:
    """A project with a database that its own core migrates, as it does on a server, and one that follows the models instead."""

    project: Project
    development: Database

    def run(self, *commands: str) -> str:
        """What these commands of the project print, one after the other."""
        database = self.project.database
        settings = {"DATABASE_URL": database.app_dsn, "MIGRATION_DATABASE_URL": database.owner_dsn}
        return self._python(RUN, *commands, **settings)

    def release(self) -> None:
        """Put the core of the next release into the project."""
        root = self.project.root
        file, search = root / "app/db/guards.py", root / "app/db/search.py"
        source = re.sub(r"(?m)^([A-Z]+ = )(\d)$", lambda found: f"{found[1]}{int(found[2]) + 1}", file.read_text(encoding="utf-8"))
        source = source.replace("import Search\n", "import FirstSearch, Search\n").replace("{1: Search}", "{1: FirstSearch, 2: Search}")
        before, mark, after = source.partition("\n\ndef protect_sql")
        file.write_text(f"{before}{GUARDS}{mark}{after}", encoding="utf-8")
        search.write_text(search.read_text(encoding="utf-8") + SEARCH, encoding="utf-8")

    def models(self) -> dict[str, list[str]]:
        """Bring the development database to the models, which gives its catalog."""
        write_generated(self.project.root)
        self._python(CREATE_TABLES, self.development.owner_dsn, APP_ROLE)
        return catalog(self.development)

    def _python(self, program: str, *arguments: str, **settings: str) -> str:
        root = self.project.root
        command, paths = [sys.executable, "-c", program, *arguments], f"{root}:{ROOT}"
        answer = subprocess.run(
            command, cwd=root, env=environment(**settings, PYTHONPATH=paths), capture_output=True, text=True, check=False, timeout=120
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


@pytest.fixture
def deployed(tmp_path: Path, postgres: EmbeddedPostgres) -> Iterator[Deployed]:
    root = tmp_path / "project"
    write_core(root)
    write_specs(root, SPECS)
    with new_database(postgres, tables=False) as database, new_database(postgres, tables=False) as development:
        yield Deployed(Project(root, database), development)


def test_a_revision_brings_databases_to_the_latest_text_and_back(deployed: Deployed) -> None:
    project = deployed.project
    deployed.models()
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    project.fill(ROWS)
    before, rows = project.catalog(), project.rows()

    deployed.release()
    write_specs(project.root, {**SPECS, "note": TASK.replace("Task", "Note")})
    told = project.rowsmith("check", check=False)
    said = " ".join(told.err.split())
    assert "the specs, or app/db/guards.py, have changes that no revision has: create notes, " in said
    assert "12 changes without a revision" in project.rowsmith("db", "status", check=False).out
    assert "  protect 4 tables (edition 3)\n" in project.rowsmith("db", "revision").err
    assert "up to date" in project.rowsmith("db", "revision").err
    (revision,) = (project.root / VERSIONS).glob("0002_*.py")
    assert 'steps.protect("notes", "projects", "tasks", "idempotency_keys_", edition=3)' in revision.read_text(encoding="utf-8")
    printed = deployed.run("db upgrade", "db upgrade --sql", "db downgrade base --sql")
    assert squawk.findings(printed) == []
    after = project.catalog()
    assert after == deployed.models()
    assert project.rows() == {"notes": [], **rows}

    deployed.run("db downgrade -1")
    assert project.catalog() == before
    deployed.run("db downgrade base", "db upgrade +1")
    assert project.catalog() == before  # the first revision gives what it gave, whichever release runs it


TEXTS = {
    "PROTECTIONS": {1: "64308c5d6a12b89f", 2: "5b0573a247b38463"},
    "PURGES": {1: "6cbe562ce4a325e9", 2: "423bcaf8cc4c2565"},
    "SEARCHES": {1: "7e3bbd06593e5531"},
}
"""The digests of the texts that databases have. One that is released does not change: another one is added."""


def test_a_text_that_databases_have_stays_what_it_is() -> None:
    protections = {n: [guards.protect_sql(table, "app", n) for table in ("tasks", "idempotency_keys_")] for n in guards.PROTECTIONS}
    purges = {n: [text("tasks", to, "app") for to in ((), ("notes.task_id",), ("tasks.parent_id",))] for n, text in guards.PURGES.items()}
    searches = {
        n: [
            (search.index_sql(), search.function_sql("tasks", "app"), drop_function_sql("tasks"))
            for search in (kind("simple", ("title",)), kind("english", ("title", "note")))
        ]
        for n, kind in guards.SEARCHES.items()
    }
    found = {"PROTECTIONS": protections, "PURGES": purges, "SEARCHES": searches}
    digests = {name: {n: sha256(repr(text).encode()).hexdigest()[:16] for n, text in texts.items()} for name, texts in found.items()}
    assert digests == TEXTS
    assert [max(texts) for texts in found.values()] == [guards.PROTECTION, guards.PURGE, guards.SEARCH]
