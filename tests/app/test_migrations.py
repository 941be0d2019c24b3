"""Revisions on a real PostgreSQL: they give the database of the models, keep every row, and can be taken back."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.migrations import operations
from generator.migrations.database import database_of
from generator.migrations.diff import difference
from generator.migrations.renames import renames_of
from tests.support import squawk
from tests.support.catalog import catalog
from tests.support.database import Database, OpenDatabase, new_database, opened
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.project import rowsmith
from tests.support.specs import PROJECT, compiled, spec
from tests.support.tables import TableMaker
from tests.support.walking import Models

type Expected = Callable[[Project], dict[str, list[str]]]

ROWS = int(os.environ.get("ROWSMITH_TEST_ROWS", "50"))
"""Rows of each table; `make operations` takes 10,000."""

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def shared(postgres: EmbeddedPostgres) -> Iterator[tuple[Database, OpenDatabase]]:
    """A database that the tests empty one after the other: to make one takes longer than most of them."""
    with new_database(postgres, tables=False) as database, opened(database) as connection:
        yield database, connection


@pytest.fixture
def project(tmp_path: Path, shared: tuple[Database, OpenDatabase]) -> Project:
    database, connection = shared
    connection.empty()
    write_core(tmp_path)
    return Project(tmp_path, database, connection)


@pytest.fixture(scope="module")
def models(postgres: EmbeddedPostgres, table_maker: TableMaker) -> Iterator[Models]:
    with new_database(postgres, tables=False) as database, opened(database) as connection:
        yield Models(database, connection, table_maker)


@pytest.fixture
def expected(models: Models) -> Expected:
    """Gives the catalog of a database made from the models."""
    return lambda project: models.catalog(project.root)


def specs_of(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}


@pytest.mark.parametrize("folder", ["resources", "tests/cases/torture/resources"])
def test_the_first_revision_gives_the_database_of_the_models(project: Project, expected: Expected, folder: str) -> None:
    write_specs(project.root, specs_of(ROOT / folder))
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)
    project.rowsmith("db", "downgrade", "base")
    assert project.catalog()["columns"] == []


@dataclass(frozen=True)
class Edit:
    """An edit of the fields of Task: before, after, what has to be said to `db revision`, and which columns keep their values.

    `rest` is what stands behind the fields; with `note` there is another resource, which refers to Task, before or after.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    options: tuple[str, ...] = ()
    keeps: dict[str, str] = field(default_factory=dict)
    old_rest: str = ""
    new_rest: str = ""
    note: Literal["before", "after"] | None = None

    def specs(self, when: Literal["before", "after"]) -> dict[str, str]:
        """The specs before the edit, or after it."""
        fields, rest = (self.old, self.old_rest) if when == "before" else (self.new, self.new_rest)
        note = {"note": spec("task: {type: ref, to: Task}", "text: text", name="Note")} if self.note == when else {}
        return {"task": spec("title: string", *fields, rest=rest), "project": PROJECT, **note}


STATE = "state: {type: enum, values: [new, done], default: new, sort: true, filter: true}"
SELF = "parent: {type: ref, to: Task, nullable: true, on_delete: cascade}"
REF = "project: {type: ref, to: Project, nullable: true, inverse: tasks}"

EDITS = {
    "add a nullable field": Edit((), ("note: text?",)),
    "add a field with a default": Edit((), ("rank: {type: integer, default: 3, sort: true}",)),
    "add a list with a default": Edit((), ('tags: {type: list, of: string, default: ["a b", "c\'d"]}',)),
    "add a json with a default": Edit((), ('extra: {type: json, default: {"a": [1, null], "q": "it\'s"}}',)),
    "add a datetime that is now": Edit((), ("at: {type: datetime, default: now}",)),
    "add an enum": Edit((), (STATE,)),
    "drop a field": Edit(("note: text?",), (), ("--allow", "drop:tasks.note")),
    "drop a required field": Edit(("rank: {type: integer, ge: 5}",), (), ("--allow", "drop:tasks.rank")),
    "rename a field": Edit(
        ("rank: {type: integer, ge: 0, sort: true}",),
        ("place: {type: integer, ge: 0, sort: true, renamed_from: rank}",),
        keeps={"rank": "place"},
    ),
    "rename and change a field": Edit(
        ("rank: {type: integer, ge: 0}",), ("place: {type: bigint, ge: -7, default: 0, renamed_from: rank}",), keeps={"rank": "place"}
    ),
    "rename an enum value": Edit(
        (STATE,), (STATE.replace("new, done", "{value: fresh, renamed_from: new}, done").replace("default: new", "default: fresh"),)
    ),
    "add an enum value": Edit((STATE,), (STATE.replace("new, done", "new, held, done"),), keeps={"state": "state"}),
    "remove an enum value": Edit(
        (STATE,),
        (STATE.replace("new, done", "new"),),
        ("--replace", "tasks.state.done=new", "--allow", "drop:tasks.state.done"),
    ),
    "integer to bigint": Edit(("n: {type: integer, sort: true}",), ("n: {type: bigint, sort: true}",), keeps={"n": "n"}),
    "integer to decimal": Edit(("n: integer",), ("n: {type: decimal, precision: 14, scale: 2}",)),
    "integer to string": Edit(("n: integer",), ("n: string",), keeps={"n": "n"}),
    "text to string": Edit(("n: text",), ("n: {type: string, max_length: 250}",), keeps={"n": "n"}),
    "date to datetime": Edit(("d: date",), ("d: datetime",)),
    "bigint to integer": Edit(("n: bigint",), ("n: integer",), ("--allow", "change:tasks.n"), {"n": "n"}),
    "nullable to required": Edit(("n: integer?",), ("n: {type: integer, default: 5}",)),
    "required to nullable": Edit(("n: integer",), ("n: integer?",), keeps={"n": "n"}),
    "tighten a bound": Edit(("n: {type: integer, le: 60000}",), ("n: {type: integer, le: 40000}",), keeps={"n": "n"}),
    "another default": Edit((STATE,), (STATE.replace("default: new", "default: done"),), keeps={"state": "state"}),
    "add a reference": Edit((), (REF,)),
    "drop a reference": Edit((REF,), (), ("--allow", "drop:tasks.project_id")),
    "change on_delete": Edit(
        (REF,), (REF.replace("nullable: true", "nullable: true, on_delete: cascade"),), keeps={"project_id": "project_id"}
    ),
    "rename a reference": Edit((REF,), (REF.replace("project:", "plan:").replace("nullable", "renamed_from: project, nullable"),)),
    "add unique": Edit(("n: integer",), ("n: {type: integer, unique: true}",), keeps={"n": "n"}),
    "drop unique": Edit(("n: {type: integer, unique: true}",), ("n: integer",), keeps={"n": "n"}),
    "unique with equal nulls": Edit(
        ("n: integer?", "m: integer"),
        ("n: integer?", "m: integer"),
        new_rest="unique: [{fields: [n, m], nulls: equal}]\n",
        keeps={"m": "m"},
    ),
    "add an index": Edit(("n: integer",), ("n: {type: integer, index: true}",), keeps={"n": "n"}),
    "add a check": Edit(
        ("n: integer",), ("n: integer",), new_rest='checks: [{name: c, rule: "n > -10", message: No.}]\n', keeps={"n": "n"}
    ),
    "change a check": Edit(
        ("n: integer",),
        ("n: integer",),
        old_rest='checks: [{name: c, rule: "n > -10", message: No.}]\n',
        new_rest='checks: [{name: c, rule: "n > -20", message: No.}]\n',
        keeps={"n": "n"},
    ),
    "rename the resource's table": Edit(("n: integer",), ("n: integer",), new_rest="plural: chores\n"),
    "compute a field": Edit(
        ("n: integer",),
        (
            "n: integer",
            "m: {type: integer, computed: n * 2, stored: true, sort: true, filter: true}",
            "o: {type: integer, computed: n + 1}",
        ),
        keeps={"n": "n"},
    ),
    "compute it otherwise": Edit(
        ("n: {type: integer, default: 1}", "m: {type: integer, computed: n * 2, stored: true, sort: true}"),
        ("m: {type: integer, computed: n * 3, stored: true, sort: true}", "n: {type: integer, default: 1}"),
        keeps={"n": "n"},
    ),
    "change the type that a field is computed from": Edit(
        ("n: integer", "m: {type: bigint, computed: n * 2, stored: true, sort: true}"),
        ("n: bigint", "m: {type: bigint, computed: n * 2, stored: true, sort: true}"),
        keeps={"n": "n", "m": "m"},
    ),
    "rename what a field is computed from": Edit(
        ("n: integer", "m: {type: bigint, computed: n * 2, stored: true, unique: true}"),
        ("k: {type: integer, renamed_from: n}", "m: {type: bigint, computed: k * 2, stored: true, unique: true}"),
        keeps={"n": "k", "m": "m"},
    ),
    "keep what was computed": Edit(
        ("n: integer", "m: {type: bigint, computed: n * 2, stored: true}"),
        ("n: integer", "m: {type: bigint, nullable: true}"),
        keeps={"n": "n"},
    ),
    "compute what was kept": Edit(
        ("n: integer", "m: bigint?"),
        ("n: integer", "m: {type: bigint, computed: n * 2, stored: true}"),
        ("--allow", "drop:tasks.m"),
        keeps={"n": "n"},
    ),
    "search": Edit(("note: text?",), ("note: {type: text, nullable: true, search: true}",), keeps={"note": "note"}),
    "search no more": Edit(("note: {type: text, nullable: true, search: true}",), ("note: text?",), keeps={"note": "note"}),
    "search another field, in another language": Edit(
        ("note: {type: text, nullable: true, search: true}", "more: text?"),
        ("note: text?", "more: {type: text, nullable: true, search: true}"),
        new_rest="search_language: english\n",
        keeps={"note": "note"},
    ),
    "rename what is searched": Edit(
        ("note: {type: text, nullable: true, search: true}",),
        ("query: {type: text, nullable: true, search: true, renamed_from: note}",),
        keeps={"note": "query"},
    ),
    "drop one of what is searched": Edit(
        ("note: {type: text, nullable: true, search: true}", "more: {type: text, search: true}"),
        ("note: {type: text, nullable: true, search: true}",),
        ("--allow", "drop:tasks.more"),
        keeps={"note": "note"},
    ),
    "a list of what is searched no more": Edit(
        ("note: {type: text, nullable: true, search: true}", "more: {type: text, search: true}"),
        ("note: {type: text, nullable: true, search: true}", "more: {type: list, of: string}"),
        keeps={"note": "note"},
    ),
    "rename the table that is searched": Edit(
        ("note: {type: text, nullable: true, search: true}",),
        ("note: {type: text, nullable: true, search: true}",),
        new_rest="plural: chores\n",
        keeps={"note": "note"},
    ),
    "keep deleted rows": Edit(
        ("n: {type: integer, unique: true}", REF, SELF),
        ("n: {type: integer, unique: true}", REF, SELF),
        new_rest="soft_delete: true\n",
        keeps={"n": "n"},
    ),
    "keep deleted rows no more": Edit(
        ("n: {type: integer, unique: true}", REF, SELF),
        ("n: {type: integer, unique: true}", REF, SELF),
        ("--allow", "drop:tasks.deleted_at"),
        keeps={"n": "n"},
        old_rest="soft_delete: true\n",
    ),
    "add a resource": Edit((), (), note="after"),
    "drop a resource": Edit((), (), ("--allow", "drop:notes"), note="before"),
    "string to text": Edit(("n: {type: string, max_length: 60}",), ("n: text",), keeps={"n": "n"}),
    "text to string and a sort index": Edit(("n: text",), ("n: {type: string, sort: true, filter: true}",), keeps={"n": "n"}),
    "email to string": Edit(("n: email",), ("n: {type: string, max_length: 320}",), keeps={"n": "n"}),
    "uuid to text": Edit(("n: uuid",), ("n: text",), keeps={"n": "n"}),
    "enum to string": Edit((STATE,), ("state: {type: string, default: done}",), keeps={"state": "state"}),
    "string to enum": Edit(
        ("n: {type: string, max_length: 9, pattern: '^(one|two)$', example: one}",),
        ("n: {type: enum, values: [one, two]}",),
        keeps={"n": "n"},
    ),
    "integer to float": Edit(("n: {type: integer, default: 1, ge: 0}",), ("n: {type: float, default: 1, ge: 0}",)),
    "integer to bigint with a default": Edit(("n: {type: integer, default: 1}",), ("n: {type: bigint, default: 1}",), keeps={"n": "n"}),
    "bigint to decimal": Edit(("n: {type: bigint, le: 9000000}",), ("n: {type: decimal, precision: 21, scale: 2}",)),
    "a wider decimal": Edit(
        ("n: {type: decimal, precision: 8, scale: 2}",), ("n: {type: decimal, precision: 12, scale: 2}",), keeps={"n": "n"}
    ),
    "a decimal of fewer places": Edit(
        ("n: {type: decimal, precision: 8, scale: 3}",), ("n: {type: decimal, precision: 8, scale: 1}",), ("--allow", "change:tasks.n")
    ),
    "datetime to date": Edit(("n: datetime",), ("n: date",), ("--allow", "change:tasks.n")),
    "a list of wider items": Edit(
        ("n: {type: list, of: integer, max_items: 5}",), ("n: {type: list, of: bigint, max_items: 6}",), keeps={"n": "n"}
    ),
    "a list of what was one": Edit(
        ("n: integer?", "d: date"), ("n: {type: list, of: float, nullable: true}", "d: {type: list, of: datetime}")
    ),
    "lists of other items": Edit(
        ("n: {type: list, of: integer, max_items: 5}", "m: {type: list, of: decimal, precision: 9, scale: 2}"),
        ("n: {type: list, of: string}", "m: {type: list, of: decimal, precision: 11, scale: 2}"),
        keeps={"m": "m"},
    ),
    "other bounds of a text": Edit(
        ("n: {type: string, min_length: 1, max_length: 80}",), ("n: {type: string, max_length: 90, filter: true}",), keeps={"n": "n"}
    ),
    "a pattern": Edit(
        ("n: {type: string, max_length: 20, pattern: '^[a-z0-9-]+$'}",),
        ("n: {type: string, max_length: 20, pattern: '^[a-z0-9_-]+$'}",),
        keeps={"n": "n"},
    ),
    "multiple_of": Edit(("n: {type: integer, multiple_of: 10}",), ("n: {type: integer, multiple_of: 5}",), keeps={"n": "n"}),
    "equal nulls become distinct": Edit(
        ("n: integer?", "m: integer"),
        ("n: integer?", "m: integer"),
        old_rest="unique: [{fields: [n, m], nulls: equal}]\n",
        new_rest="unique: [[n, m]]\n",
        keeps={"m": "m"},
    ),
    "an index over two fields": Edit(
        ("n: integer", "m: date"), ("n: integer", "m: date"), new_rest="indexes: [[n, m]]\n", keeps={"n": "n", "m": "m"}
    ),
    "words": Edit(
        ("n: integer",), ("n: {type: integer, description: A number., example: 3}",), new_rest="description: Better.\n", keeps={"n": "n"}
    ),
    "a link": Edit((), ("project: {type: ref, to: Project, nullable: true, on_delete: set_null}",)),
    "a long name": Edit(
        ("a_rather_long_name_of_a_field_with_many_words_42: {type: integer, nullable: true, le: 8}",),
        ("a_rather_long_name_of_a_field_with_many_words_42: {type: integer, default: 1, le: 9}",),
    ),
    "awkward names": Edit(
        ("order: {type: integer, sort: true}",),
        (
            "select: {type: integer, sort: true, renamed_from: order}",
            "table: {type: string, default: \"a:b %s 'q'\", filter: true, index: true}",
        ),
        keeps={"order": "select"},
    ),
}


def rows_of(project: Project, table: str = "tasks") -> list[dict[str, object]]:
    return json.loads(project.asked.execute(f"SELECT json_agg(t ORDER BY id) FROM {table} t"))


SAME_TABLES = {"words", "email to string"}
"""Edits of what the API says and takes, which need no revision."""


@pytest.mark.parametrize("name", list(EDITS))
def test_an_edit_keeps_every_row_up_and_down(project: Project, expected: Expected, name: str) -> None:
    edit = EDITS[name]
    table = "chores" if "chores" in edit.new_rest else "tasks"
    write_specs(project.root, edit.specs("before"))
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    first = project.catalog()
    project.fill(ROWS)
    ends = "soft_delete" in edit.old_rest and "soft_delete" not in edit.new_rest
    before = [row for row in rows_of(project) if not ends or row["deleted_at"] is None]  # which the operation names
    assert len(before) > ROWS / 2

    write_specs(project.root, edit.specs("after"))
    changes_tables = "Wrote " in project.rowsmith("db", "revision", *edit.options).err
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)
    there, back = (project.rowsmith("db", *way, "--sql").out for way in (("upgrade",), ("downgrade", "base")))
    assert squawk.findings(f"{there}\n{back}") == []
    second = project.catalog()
    after = rows_of(project, table)
    assert [row["id"] for row in after] == [row["id"] for row in before]
    for was, now in {"title": "title", **edit.keeps}.items():
        assert [str(row[now]) for row in after] == [str(row[was]) for row in before]

    assert changes_tables == (name not in SAME_TABLES)
    if changes_tables:
        project.rowsmith("db", "downgrade", "-1")
    assert project.catalog() == first
    assert [row["id"] for row in rows_of(project)] == [row["id"] for row in before]
    project.rowsmith("db", "upgrade")
    assert project.catalog() == second
    assert project.rowsmith("db", "status").code == 0


def test_every_operation_is_one_of_an_edit_and_of_its_way_back() -> None:
    elsewhere = {"Protect"}  # tests/app/test_editions.py
    elsewhere |= {"KeepInStep", "Follow", "CopyValues", "Swap", "DropTwin"}  # tests/app/test_gradual.py
    elsewhere |= {"RenameBehindView", "AddView", "SearchView", "DropView"}
    every = {one.__name__ for one in operations.Operation.__value__.__args__} - elsewhere
    there, back = set[str](), set[str]()
    for edit in EDITS.values():
        (before, _), (after, found) = (compiled(**edit.specs(when)) for when in ("before", "after"))
        assert before is not None
        assert after is not None, found
        old, new = database_of(before), database_of(after)
        renames = renames_of(after, old)
        there |= {type(one).__name__ for one in difference(old, new, renames, {("tasks", "state", "done"): "new"}).operations}
        back |= {type(one).__name__ for one in difference(new, old, renames.reversed(), downgrade=True).operations}
    assert there == back == every


def test_a_resource_is_renamed_with_its_rows_and_references(project: Project, expected: Expected) -> None:
    write_specs(project.root, {"task": spec("title: string", REF), "project": PROJECT})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    project.fill(20)
    before = rows_of(project, "projects")
    plan = PROJECT.replace("resource: Project", "resource: Plan\nrenamed_from: Project")
    write_specs(project.root, {"task": spec("title: string", REF.replace("to: Project", "to: Plan")), "plan": plan})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)
    assert rows_of(project, "plans") == before
    project.rowsmith("db", "downgrade", "-1")
    assert rows_of(project, "projects") == before


def test_the_end_of_soft_delete_takes_the_deleted_rows_with_it(project: Project, expected: Expected) -> None:
    kept = {
        "task": spec("title: {type: string, unique: true}", SELF, rest="soft_delete: true\n"),
        "note": spec("task: {type: ref, to: Task}", name="Note", rest="soft_delete: true\n"),
        "project": PROJECT,
    }
    write_specs(project.root, kept)
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)
    last, numbers = "right(id::text, 1)::int", "FROM generate_series(1, 9) AS n"
    number = "('00000000-0000-7000-8000-00000000000' || n)::uuid"
    row = f"'ada', {number}, now(), now(), 1"
    columns = "user_id, id, created_at, updated_at, version"
    project.database.execute(f"INSERT INTO tasks ({columns}, title) SELECT {row}, n {numbers}")
    project.database.execute(f"INSERT INTO notes ({columns}, task_id) SELECT {row}, {number} {numbers}")
    project.database.execute(f"UPDATE tasks SET deleted_at = now(), title = 'same', parent_id = id WHERE {last} > 6")
    project.database.execute(f"UPDATE notes SET deleted_at = now() WHERE {last} > 5")

    moved = kept["task"].replace("soft_delete: true\n", "plural: chores\nsoft_delete: true\n")
    write_specs(project.root, {**kept, "task": moved})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)
    assert len(rows_of(project, "chores")) == 9

    write_specs(project.root, {**kept, "task": moved.replace("soft_delete: true\n", "")})
    assert "--allow drop:chores.deleted_at" in project.rowsmith("db", "revision", check=False).err
    project.rowsmith("db", "revision", "--allow", "drop:chores.deleted_at")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)
    assert [len(rows_of(project, table)) for table in ("chores", "notes")] == [6, 6]  # the sixth note is deleted, its task is not
    project.rowsmith("db", "downgrade", "-1")
    assert [len(rows_of(project, table)) for table in ("chores", "notes")] == [6, 6]
    project.rowsmith("db", "downgrade", "base")
    assert project.catalog()["functions"] == []


def test_a_required_reference_comes_back_where_no_row_lacks_it(project: Project) -> None:
    needed = REF.replace("nullable: true, ", "")
    write_specs(project.root, {"task": spec("title: string", needed), "project": PROJECT})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    first = project.catalog()
    project.fill(5)
    write_specs(project.root, {"task": spec("title: string"), "project": PROJECT})
    project.rowsmith("db", "revision", "--allow", "drop:tasks.project_id")
    project.rowsmith("db", "upgrade")
    refused = project.rowsmith("db", "downgrade", "-1", check=False)
    assert refused.code == 3
    assert "5 of tasks:" in refused.err
    project.database.execute("UPDATE tasks t SET project_id = (SELECT id FROM projects p WHERE p.user_id = t.user_id LIMIT 1)")
    project.rowsmith("db", "downgrade", "-1")
    assert project.catalog() == first
    assert len(rows_of(project)) == 5


def test_an_interrupted_upgrade_goes_on_where_it_stopped(project: Project, expected: Expected) -> None:
    """Every prefix of the steps is run twice: what is done already does no harm."""
    write_specs(project.root, {"task": spec("title: string", "n: {type: integer, sort: true}", "l: date"), "project": PROJECT})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    project.fill(5)
    write_specs(
        project.root,
        {
            "task": spec(
                "title: string",
                "m: {type: bigint, sort: true, index: true, ge: -100, default: 1, renamed_from: n}",
                "l: {type: list, of: date}",
                REF,
            ),
            "project": PROJECT,
        },
    )
    project.rowsmith("db", "revision")
    (file,) = project.root.glob("app/db/migrations/versions/0002_*.py")
    source = file.read_text(encoding="utf-8")
    upgrade = source[source.index("def upgrade") : source.index("def downgrade")]
    steps = upgrade.count("    steps.")
    for done in itertools.count(1):
        if done > steps:
            break
        cut = _cut(upgrade, done)
        file.write_text(source.replace(upgrade, cut), encoding="utf-8")
        assert project.rowsmith("db", "upgrade", check=False).code == 4
    file.write_text(source, encoding="utf-8")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)


def _cut(upgrade: str, done: int) -> str:
    """The function, failing after so many steps."""
    parts = upgrade.split("\n    steps.")
    return "\n    steps.".join(parts[: done + 1]).rstrip() + '\n    raise OSError("interrupted")\n\n\n'


def test_rows_in_the_way_are_named_and_nothing_is_lost(project: Project) -> None:
    write_specs(project.root, {"task": spec("title: string", "n: integer")})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    project.fill(5)
    before = rows_of(project)
    write_specs(project.root, {"task": spec("title: string", "n: {type: integer, le: -5}")})
    project.rowsmith("db", "revision")
    answer = project.rowsmith("db", "upgrade", check=False)
    assert answer.code == 3
    assert "rows are in the way" in answer.err
    assert rows_of(project) == before
    project.database.execute("INSERT INTO tasks SELECT 'bob', id, created_at, updated_at, version, title, 9 FROM tasks LIMIT 1")
    project.database.execute("DELETE FROM tasks WHERE user_id = 'bob'")  # the old rule holds until the new one can
    project.database.execute("UPDATE tasks SET n = -6")
    project.rowsmith("db", "upgrade")


def test_sql_is_printed_and_psql_can_run_it(project: Project, postgres: EmbeddedPostgres) -> None:
    write_specs(project.root, {"task": spec("title: {type: string, sort: true}", STATE, REF), "project": PROJECT})
    project.rowsmith("db", "revision")
    printed = project.rowsmith("db", "upgrade", "--sql").out
    with new_database(postgres, tables=False) as other:
        other.execute(printed)
        project.rowsmith("db", "upgrade")
        made = catalog(other)
        wanted = project.catalog()
        assert {name: made[name] for name in ("columns", "constraints", "indexes")} == {
            name: wanted[name] for name in ("columns", "constraints", "indexes")
        }
        other.execute(project.rowsmith("db", "downgrade", "base", "--sql").out)
        assert catalog(other)["columns"] == []


def test_a_link_comes_and_goes(project: Project, expected: Expected) -> None:
    task, link = spec("title: string"), spec("task: ref(Task)", "project: ref(Project)", name="Place", rest="link: [task, project]\n")
    write_specs(project.root, {"task": task, "project": PROJECT})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    project.fill(ROWS)
    before = project.rows()
    write_specs(project.root, {"task": task, "project": PROJECT, "place": link})
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)
    project.fill(ROWS)
    project.rowsmith("db", "downgrade", "-1")
    kept = project.database.execute("SELECT count(*) FROM tasks WHERE id::text LIKE '________-0000-7000-8000-%'")
    assert int(kept) >= len(before["tasks"])
    project.rowsmith("db", "upgrade")
    assert project.catalog() == expected(project)


def test_two_that_migrate_at_once_take_turns(project: Project, expected: Expected) -> None:
    write_specs(project.root, {"task": spec("title: {type: string, sort: true}", REF, STATE), "project": PROJECT})
    project.rowsmith("db", "revision")
    settings = {"DATABASE_URL": project.database.app_dsn, "MIGRATION_DATABASE_URL": project.database.owner_dsn}
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(rowsmith, project.root, "db", "upgrade", **settings) for _ in range(2)]
    assert [one.result().returncode for one in running] == [0, 0], running
    assert project.catalog() == expected(project)


def test_a_database_from_before_the_revisions_is_taken_over(project: Project, table_maker: TableMaker) -> None:
    write_specs(project.root, {"task": spec("title: {type: string, sort: true}", STATE, REF), "project": PROJECT})
    write_generated(project.root)
    table_maker.make(project.root, project.database.owner_dsn, APP_ROLE)
    project.fill(20)
    before = rows_of(project)
    project.rowsmith("db", "revision")
    write_specs(project.root, {"task": spec("title: {type: string, sort: true}", STATE, REF, "n: integer?"), "project": PROJECT})
    project.rowsmith("db", "revision")
    project.database.execute("ALTER TABLE tasks ADD COLUMN stray integer")
    refused = project.rowsmith("db", "upgrade", check=False)
    assert refused.code == 4
    assert "column tasks.stray is integer instead of nothing" in refused.err
    project.database.execute("ALTER TABLE tasks DROP COLUMN stray")
    assert "which is noted now" in project.rowsmith("db", "upgrade").err
    assert rows_of(project) == [{**row, "n": None} for row in before]
    assert project.rowsmith("db", "status").code == 0
