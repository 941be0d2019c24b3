"""The proof that revisions and models agree, on a scratch PostgreSQL; and which revision a database is at that nobody has marked."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from generator.embedded import APP_ROLE, OWNER_ROLE, SUPERUSER, EmbeddedPostgres
from generator.migrations import runner
from generator.migrations.catalog import Catalog, CatalogDifference, compare, read_catalog, without_kept
from generator.migrations.fixtures import Keys, add_rows, delete_rows, read_keys
from generator.migrations.revisions import read_history, read_parents
from generator.migrations.runner import MigrationError, Target
from generator.records import record

CREATE_TABLES = "import asyncio, sys; from app.db.schema import create_schema; asyncio.run(create_schema(*sys.argv[1:]))"

type Progress = Callable[[str], None]


@record
class Finding:
    """Something that does not hold: what, and in which facts two databases differ (`sides` says which two)."""

    message: str
    sides: tuple[str, str] = ("", "")
    differences: tuple[CatalogDifference, ...] = ()


@record
class Proof:
    """What was found, and what is worth knowing (`notes`): revisions that some rows stop, tables that no rows were made for."""

    revisions: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


class ModelsError(Exception):
    """The tables of the models cannot be made; the message says why."""


@contextmanager
def scratch() -> Generator[EmbeddedPostgres]:
    """A PostgreSQL in a temporary folder. EmbeddedError where it cannot run."""
    folder = Path(tempfile.mkdtemp(prefix="rowsmith-check-", dir="/tmp"))  # short, as the path of a socket has to be
    folder.chmod(0o755)  # PostgreSQL's own user goes through it
    try:
        with EmbeddedPostgres.start(folder / "data", durable=False) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prove(root: Path, server: EmbeddedPostgres, progress: Progress) -> Proof:
    """Run each revision up, down and up again over rows, and hold the end against the models. ModelsError."""
    revisions = runner.missing(root, None)
    server.create_database("models")
    _create_tables(root, server.dsn(OWNER_ROLE, "models"))
    findings: list[Finding] = []
    notes: list[str] = []
    walk = _Walk(root, server, notes, findings)
    is_straight = all(len(before) <= 1 for before in read_parents(root).values())
    ways = [(revision, "-1") for revision in revisions] if is_straight else [("head", "base")]  # branches have no single way back
    for number, (revision, back) in enumerate(ways, 1):
        progress(f"revision {number} of {len(ways)}")
        try:
            walk.run(revision, back)
        except MigrationError as problem:
            findings.append(Finding(f"revision {revision} cannot be run up, down and up again: {problem.message}"))
            break
    progress("")
    if findings:
        return Proof(len(revisions), tuple(findings), tuple(dict.fromkeys(notes)))
    reached, models = walk.catalog(), asyncio.run(read_catalog(server.dsn(SUPERUSER, "models"), APP_ROLE))
    differences = compare(without_kept(reached, read_history(root).database), models)
    if differences:
        findings.append(Finding("the revisions do not lead to the models", ("revisions", "models"), differences))
    return Proof(len(revisions), tuple(findings), tuple(dict.fromkeys(notes)))


class _Walk:
    """A database that goes from one revision to the next."""

    def __init__(self, root: Path, server: EmbeddedPostgres, notes: list[str], findings: list[Finding]) -> None:
        server.create_database("revisions")
        self._root = root
        self._target = Target(server.dsn(OWNER_ROLE, "revisions"), APP_ROLE)
        self._dsn = server.dsn(SUPERUSER, "revisions")
        self._notes, self._findings = notes, findings
        self._emptied = False

    def catalog(self) -> Catalog:
        return asyncio.run(read_catalog(self._dsn, APP_ROLE))

    def run(self, revision: str, back: str) -> None:
        """Up, down, up: the catalogs are the same each time, and no row of a table that stays is gone."""
        before, rows = self.catalog(), asyncio.run(read_keys(self._dsn))
        self._emptied = False
        self._go("upgrade", revision)
        after = self.catalog()
        self._compare_rows(f"the upgrade to {revision}", rows)
        self._go("downgrade", back)
        self._compare(f"the downgrade of {revision} does not lead back", ("before", "after it"), before, self.catalog())
        self._go("upgrade", revision)
        self._compare(f"the second upgrade to {revision} leads elsewhere than the first", ("first", "second"), after, self.catalog())
        self._compare_rows(f"the way down from {revision} and up again", rows)
        empty = asyncio.run(add_rows(self._dsn))
        self._notes += [f"no rows are known that the rules of {name} allow: it was tried empty" for name in empty if not name.endswith("_")]

    def _go(self, direction: str, revision: str) -> None:
        """Run a revision; where rows are in the way, as they may be, it goes on without rows."""
        run = runner.upgrade if direction == "upgrade" else runner.downgrade
        try:
            run(self._root, self._target, revision)
        except MigrationError as problem:
            if not problem.is_data:
                raise
            reason = problem.message.partition("\n")[0]
            self._notes.append(f"some rows stop the {direction} to {revision}: {reason}")
            asyncio.run(delete_rows(self._dsn))
            self._emptied = True
            run(self._root, self._target, revision)

    def _compare(self, message: str, sides: tuple[str, str], first: Catalog, second: Catalog) -> None:
        if differences := compare(first, second):
            self._findings.append(Finding(message, sides, differences))

    def _compare_rows(self, what: str, before: Keys) -> None:
        after = asyncio.run(read_keys(self._dsn))
        for number, (name, keys) in before.items():
            lost = keys - after[number][1] if number in after else frozenset[object]()
            if lost and not self._emptied:
                self._findings.append(Finding(f"{what} loses {len(lost)} of {len(keys)} rows of {name}"))


def _create_tables(root: Path, dsn: str) -> None:
    """Make the tables of the models, in a Python of their own."""
    answer = subprocess.run(  # noqa: S603
        [sys.executable, "-c", CREATE_TABLES, dsn, APP_ROLE],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if answer.returncode:
        raise ModelsError(next((line for line in reversed(answer.stderr.splitlines()) if line.strip()), "it gave no reason"))


def adopt(root: Path, target: Target) -> str | None:
    """Mark a database whose tables were made from the models, before there were revisions, with the one that it is at.

    Returns that revision; None where there is nothing to do. MigrationError where its tables are those of no revision.
    """
    if not runner.is_unmarked(target):
        return None
    with scratch() as server:
        server.create_database("revisions")
        steps = Target(server.dsn(OWNER_ROLE, "revisions"), APP_ROLE)
        catalogs: dict[str, Catalog] = {}
        for revision in runner.missing(root, None):
            runner.upgrade(root, steps, revision)
            catalogs[revision] = asyncio.run(read_catalog(steps.owner_dsn, APP_ROLE))
    ours = {about for catalog in catalogs.values() for about in catalog.facts if about.startswith("table ")}
    found = asyncio.run(read_catalog(target.owner_dsn, target.app_role))
    if not ours & found.facts.keys():
        return None  # tables of others
    others = {about.removeprefix("table ") for about in found.facts if about.startswith("table ") and about not in ours}
    found = Catalog({about: fact for about, fact in found.facts.items() if about.split(" ")[-1].partition(".")[0] not in others})
    differences = {revision: compare(catalog, found) for revision, catalog in catalogs.items()}
    nearest = min(reversed(differences), key=lambda revision: len(differences[revision]))
    if differences[nearest]:
        first, *more = differences[nearest]
        raise MigrationError(
            f"the database has tables and no revision, and they are those of none: beside {nearest}, {first.about} is "
            f"{first.second or 'missing'} instead of {first.first or 'nothing'}{f', and {len(more)} more' if more else ''}",
            "bring it to a revision by hand and say which with `alembic stamp`, or begin with an empty database (`rm -rf .rowsmith`)",
        )
    runner.stamp(root, target, nearest)
    return nearest
