"""One walk of tests/app/test_walks.py: a project whose specs are edited, with the database that follows them."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from hypothesis import note
from hypothesis import strategies as st

from generator.embedded import APP_ROLE
from generator.migrations.database import CORE, Table
from generator.migrations.renames import Renames, renames_of
from generator.migrations.revisions import History, read_history
from tests.support import squawk
from tests.support.catalog import catalog
from tests.support.command import Answer
from tests.support.database import Database, OpenDatabase
from tests.support.edits import Trees, as_files, edits
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.rows import Rows, all_rows, fill
from tests.support.tables import TableMaker

REFUSED = 3

type Catalog = dict[str, list[str]]


class Models:
    """A database in which the tables of models are made, again and again."""

    def __init__(self, database: Database, connection: OpenDatabase, maker: TableMaker) -> None:
        self._database = database
        self._connection = connection
        self._maker = maker

    def catalog(self, root: Path) -> Catalog:
        """The catalog of the models that `rowsmith generate` writes for the specs of a project."""
        write_generated(root)
        self._connection.empty()
        self._maker.make(root, self._database.owner_dsn, APP_ROLE)
        return catalog(self._connection)


class Walk:
    """A project that has its first revision, and rows."""

    def __init__(self, root: Path, database: Database, connection: OpenDatabase, models: Models, start: Trees) -> None:
        self._project = Project(root, database)
        self._database = connection
        self._models = models
        self._trees = start
        write_core(root)
        write_specs(root, as_files(start))
        note(f"start: {as_files(start)}")
        self._project.rowsmith("db", "revision")
        self._run("upgrade")
        self._catalog = self._checked_catalog()
        fill(connection, self._project.schema, 8)

    def step(self, data: st.DataObject) -> None:
        """Edit the specs once: upgrade, downgrade and upgrade the database, and add rows. Half of what can change gradually does."""
        name, trees = data.draw(edits(self._trees))
        note(f"{name}\n{_changes(self._trees, trees)}")
        self._trees = trees
        write_specs(self._project.root, as_files(trees))
        old = read_history(self._project.root)
        renames = renames_of(self._project.schema, old.database)
        if not (data.draw(st.booleans()) and self._revise("--gradual")):
            self._revise()
        new = read_history(self._project.root)
        if new.head == old.head:
            return
        self._migrate(old, new, renames)
        if new.database.kept or new.database.views:
            fill(self._database, self._project.schema, 3)
            self._project.rowsmith("db", "revision", "--finish")
            self._migrate(new, read_history(self._project.root), Renames())
        fill(self._database, self._project.schema, 4)

    def _migrate(self, old: History, new: History, renames: Renames) -> None:
        """Run the revision that leads from one database to the other, and there and back again."""
        rows = self._rows(old)
        if self._run("upgrade"):
            rows = _without_deleted(old.database.tables, new.database.tables, renames, rows)
            _check_rows(old.database.tables, new.database.tables, renames, rows, self._rows(new))
        else:
            rows = {}  # they were in the way
        before = self._catalog
        self._catalog = self._now() if new.database.kept or new.database.views else self._checked_catalog()
        if self._run("downgrade", "-1") and rows:
            after = {renames.resources.get(table.resource, table.resource) for table in new.database.tables}
            stayed = [table.name for table in old.database.tables if table.name in rows and table.resource in after]
            back = self._rows(old)
            assert [_keys(back[table]) for table in stayed] == [_keys(rows[table]) for table in stayed]
        _check_same(self._now(), before)
        self._run("upgrade")
        _check_same(self._now(), self._catalog)

    def end(self) -> None:
        """Lint the SQL of all revisions, there and back."""
        there, back = (self._project.rowsmith("db", *way, "--sql").out for way in (("upgrade",), ("downgrade", "base")))
        found = squawk.findings(f"{there}\n{back}")
        assert not found, found

    def _now(self) -> Catalog:
        return catalog(self._database)

    def _rows(self, history: History) -> Rows:
        own = {table.name for table in CORE}
        return all_rows(self._database, [table.name for table in history.database.tables if table.name not in own])

    def _revise(self, *options: str) -> bool:
        """Write the revision, with the consent that it asks for. False where the change is none that can be gradual."""
        while (answer := self._project.rowsmith("db", "revision", *options, check=False)).code != 0:
            if "gradual" in answer.err:
                return False
            more = [option for option in _consent(answer) if option not in options]
            assert more, answer.err
            options = (*options, *more)
        return True

    def _run(self, *command: str) -> bool:
        """Run a command of `db`. Where rows are in the way (False), delete all and go on."""
        answer = self._project.rowsmith("db", *command, check=False)
        if answer.code == 0:
            return True
        assert answer.code == REFUSED, answer.err
        assert "rows are in the way" in answer.err
        note(answer.err)
        tables = self._database.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'").splitlines()
        self._database.execute(f"TRUNCATE {', '.join(name for name in tables if name != 'alembic_version')}")
        self._project.rowsmith("db", *command)
        return False

    def _checked_catalog(self) -> Catalog:
        """The catalog of the database, which is that of the models."""
        found = self._now()
        _check_same(found, self._models.catalog(self._project.root))
        return found


def _consent(answer: Answer) -> list[str]:
    """The options that a refusal names."""
    found: list[str] = []
    said = answer.err.replace("\n", " ")
    for place, rest in re.findall(r"say which one of (.+?) takes its place: --replace (.+)", said.replace("error: ", "\n")):
        found.append(f"--replace={_word(rest).removesuffix('VALUE')}{place.split(', ')[0]}")
    return [*found, *(f"--allow={_word(rest)}" for rest in said.split("--allow ")[1:])]


def _word(text: str) -> str:
    """What a shell takes for the first word."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    return next(lexer)


def _changes(before: Trees, after: Trees) -> str:
    """The lines of the specs that went and came."""
    old, new = _lines(before), _lines(after)
    return "\n".join(line for line in difflib.unified_diff(old, new, n=2, lineterm="") if not line.startswith(("---", "+++")))


def _lines(trees: Trees) -> list[str]:
    return [line for module, text in sorted(as_files(trees).items()) for line in (f"{module}:", *text.splitlines())]


def _keys(rows: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(row["user_id"], row["id"]) for row in rows]


def _check_same(found: Catalog, expected: Catalog) -> None:
    differences = [f"{sign} {kind}: {fact}" for kind in found for sign, fact in _apart(found[kind], expected[kind])]
    assert not differences, "\n".join(differences)


def _apart(found: list[str], expected: list[str]) -> Iterator[tuple[str, str]]:
    """The facts that one of two catalogs has: `+` the found one, `-` the expected one."""
    yield from (("+", fact) for fact in found if fact not in expected)
    yield from (("-", fact) for fact in expected if fact not in found)


def _without_deleted(old: tuple[Table, ...], new: tuple[Table, ...], renames: Renames, rows: Rows) -> Rows:
    """The rows that stay: of a table that keeps deleted ones no more, they go, and so do the deleted ones that refer to them."""
    targets = {before: after for after, before in renames.resources.items()}
    gone: set[tuple[str, object, object]] = set()
    for was in old:
        now = next((table for table in new if table.resource == targets.get(was.resource, was.resource)), None)
        if was.purge is not None and now is not None and now.purge is None:
            gone |= {(was.name, *key) for key in _keys([row for row in rows[was.name] if row["deleted_at"] is not None])}
    for _ in old:  # at any depth
        for was in old:
            for other, column in (reference.split(".") for reference in was.purge or ()):
                deleted = [row for row in rows[other] if row.get("deleted_at") is not None]
                gone |= {(other, *key) for row in deleted if (was.name, row["user_id"], row[column]) in gone for key in _keys([row])}
    return {name: [row for row, key in zip(table, _keys(table), strict=True) if (name, *key) not in gone] for name, table in rows.items()}


def _check_rows(old: tuple[Table, ...], new: tuple[Table, ...], renames: Renames, before: Rows, after: Rows) -> None:
    """Every row is there, and so is every value of a column that is what it was."""
    targets = {before: after for after, before in renames.resources.items()}
    core = {table.name for table in CORE}
    for was in old:
        now = next((table for table in new if table.resource == targets.get(was.resource, was.resource)), None)
        if was.name in core or now is None:
            continue
        assert _keys(before[was.name]) == _keys(after[now.name])
        fields = {before: after for (resource, after), before in renames.fields.items() if resource == now.resource}
        for column in was.columns:
            kept = now.column(fields.get(column.field, column.field)) if column.field else None
            if kept is None or kept.computed or (kept.type, kept.values) != (column.type, column.values):
                continue
            for old_row, new_row in zip(before[was.name], after[now.name], strict=True):
                value = old_row[column.name]
                assert new_row[kept.name] == value or (value is None and not kept.nullable), (column, kept)
