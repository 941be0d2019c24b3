"""Gradual revisions on a real PostgreSQL: both columns hold the same, whoever writes, and nothing is lost in the end or on the way back."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.embedded import EmbeddedError, EmbeddedPostgres
from generator.migrations import proof
from tests.support import squawk
from tests.support.database import IS_OTHER, Database, OpenDatabase, new_database, opened
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.specs import PROJECT, spec
from tests.support.tables import TableMaker
from tests.support.walking import Models

ROWS = int(os.environ.get("ROWSMITH_TEST_ROWS", "40"))
"""Rows of each table; `make operations` takes 10,000, and each case."""

ALL = "ROWSMITH_TEST_ROWS" in os.environ
"""Whether every case is tried, or those that differ most."""


@pytest.fixture(scope="module")
def shared(postgres: EmbeddedPostgres) -> Iterator[tuple[Database, OpenDatabase]]:
    with new_database(postgres, tables=False) as database, opened(database) as connection:
        yield database, connection


@pytest.fixture(scope="module")
def models(postgres: EmbeddedPostgres, table_maker: TableMaker) -> Iterator[Models]:
    with new_database(postgres, tables=False) as database, opened(database) as connection:
        yield Models(database, connection, table_maker)


@pytest.fixture
def project(tmp_path: Path, shared: tuple[Database, OpenDatabase]) -> Project:
    database, connection = shared
    connection.empty()
    write_core(tmp_path)
    return Project(tmp_path, database, connection)


@dataclass(frozen=True)
class Renamed:
    """A field of Task before and after, and its columns; `writes` are new values that both versions write, as SQL in the old type and the
    new one, each with what the other column then has (of the old ones first)."""

    old: str
    new: str
    columns: tuple[str, str]
    from_old: tuple[str, object]
    from_new: tuple[str, object]
    rest: str = ""
    more: tuple[str, ...] = ()

    def specs(self, line: str) -> dict[str, str]:
        rest = self.rest.replace("FIELD", line.partition(":")[0])
        return {"task": spec("title: string", line, *self.more, rest=rest), "project": PROJECT}


REF = "{type: ref, to: Project, nullable: true, inverse: tasks}"
RENAMES = {
    "a text with rules, an index and search": Renamed(
        "name: {type: string, min_length: 1, max_length: 80, sort: true, search: true, example: some}",
        "label: {type: string, min_length: 1, max_length: 80, sort: true, search: true, example: some, renamed_from: name}",
        ("name", "label"),
        ("'from old'", "from old"),
        ("'from new'", "from new"),
    ),
    "a number with a default": Renamed(
        "rank: {type: integer, default: 3, ge: 0, filter: true}",
        "place: {type: integer, default: 3, ge: 0, filter: true, renamed_from: rank}",
        ("rank", "place"),
        ("41", 41),
        ("3", 3),
    ),
    "a default, and null": Renamed(
        "rank: {type: integer, default: 3, nullable: true}",
        "place: {type: integer, default: 3, nullable: true, renamed_from: rank}",
        ("rank", "place"),
        ("NULL", None),
        ("42", 42),
    ),
    "an integer that becomes a text": Renamed(
        "rank: {type: integer, default: 1}", "place: {type: text, renamed_from: rank}", ("rank", "place"), ("7", "7"), ("'eight'", 1)
    ),
    "an integer that becomes wider": Renamed(
        "n: {type: integer, nullable: true}",
        "m: {type: bigint, nullable: true, renamed_from: n}",
        ("n", "m"),
        ("5", 5),
        ("5000000000", None),
    ),
    "a date that becomes a time": Renamed(
        "day: date",
        "at: {type: datetime, renamed_from: day}",
        ("day", "at"),
        ("'2026-03-01'", "2026-03-01T00:00:00+00:00"),
        ("'2026-04-02T13:00Z'", "2026-04-02"),
    ),
    "what begins to be required": Renamed("n: integer?", "m: {type: integer, default: 9, renamed_from: n}", ("n", "m"), ("8", 8), ("9", 9)),
    "what may be null from now on": Renamed(
        "n: {type: integer, default: 2}", "m: {type: integer, nullable: true, renamed_from: n}", ("n", "m"), ("8", 8), ("NULL", 2)
    ),
    "a list": Renamed(
        "words: {type: list, of: string}",
        "terms: {type: list, of: string, renamed_from: words}",
        ("words", "terms"),
        ("ARRAY['a']", ["a"]),
        ("ARRAY['b','c']", ["b", "c"]),
    ),
    "json": Renamed(
        'extra: {type: json, default: {"a": 1}}',
        'more: {type: json, default: {"a": 1}, renamed_from: extra}',
        ("extra", "more"),
        ("'[1]'", [1]),
        ("'{}'", {}),
    ),
    "an enum": Renamed(
        "state: {type: enum, values: [new, done], default: new, sort: true}",
        "phase: {type: enum, values: [new, done], default: new, sort: true, renamed_from: state}",
        ("state", "phase"),
        ("'done'", "done"),
        ("'new'", "new"),
    ),
    "a reference": Renamed(
        f"project: {REF}",
        f"plan: {REF.replace('nullable', 'renamed_from: project, nullable')}",
        ("project_id", "plan_id"),
        ("NULL", None),
        ("NULL", None),
    ),
    "what rules name with others": Renamed(
        "n: {type: integer, default: 0}",
        "m: {type: integer, default: 0, renamed_from: n}",
        ("n", "m"),
        ("6", 6),
        ("5", 5),
        rest='unique: [[FIELD, title]]\nindexes: [[FIELD, title]]\nchecks: [{name: c, rule: "FIELD > -9", message: No.}]\n',
    ),
    "what is unique among those that are not deleted": Renamed(
        "n: {type: integer, unique: true}",
        "m: {type: integer, unique: true, renamed_from: n}",
        ("n", "m"),
        ("900001", 900001),
        ("900002", 900002),
        rest="soft_delete: true\n",
    ),
    "awkward names": Renamed(
        "order: {type: integer, sort: true}", "new: {type: integer, sort: true, renamed_from: order}", ("order", "new"), ("1", 1), ("2", 2)
    ),
}


FEW = (
    "a text with rules, an index and search",
    "a default, and null",
    "an integer that becomes a text",
    "a date that becomes a time",
    "what begins to be required",
    "a reference",
    "what rules name with others",
    "awkward names",
)


def rows_of(project: Project, table: str = "tasks") -> list[dict[str, object]]:
    return json.loads(project.asked.execute(f"SELECT coalesce(json_agg(t ORDER BY user_id, id), '[]') FROM {table} t"))


def begin(project: Project, specs: dict[str, str]) -> None:
    write_specs(project.root, specs)
    project.rowsmith("db", "revision")
    project.rowsmith("db", "upgrade")
    project.fill(ROWS)


def one(project: Project, sql: str) -> object:
    return json.loads(project.asked.execute(sql.replace("SELECT ", "SELECT to_json(", 1).replace(" FROM", ") FROM", 1)) or "null")


def run_again(project: Project) -> None:
    """Upgrade, and once more as after a kill before the revision was noted."""
    before = project.asked.execute("SELECT version_num FROM alembic_version")
    project.rowsmith("db", "upgrade")
    there, rows = project.catalog(), rows_of(project)
    project.asked.execute(f"UPDATE alembic_version SET version_num = '{before}'")
    project.rowsmith("db", "upgrade")
    assert project.catalog() == there
    assert rows_of(project) == rows


@pytest.mark.parametrize("name", list(RENAMES) if ALL else FEW)
def test_a_gradual_rename_keeps_both_columns_in_step(project: Project, models: Models, name: str) -> None:
    edit = RENAMES[name]
    old, new = edit.columns
    begin(project, edit.specs(edit.old))
    first, before = project.catalog(), rows_of(project)

    write_specs(project.root, edit.specs(edit.new))
    said = project.rowsmith("db", "revision", "--gradual").err
    assert f"tasks.{old} (now {new})" in said
    run_again(project)
    second, between = project.catalog(), rows_of(project)
    assert [{key: row[key] for key in was} for row, was in zip(between, before, strict=True)] == before
    assert project.asked.execute(f'SELECT count(*) FROM tasks WHERE "{new}" IS NULL AND "{old}" IS NOT NULL') == "0"

    row = "user_id = 'user-0'"
    for column, other, (value, seen) in ((old, new, edit.from_old), (new, old, edit.from_new)):
        project.asked.execute(f"""DELETE FROM tasks WHERE {row} AND title = 'made'""")
        project.asked.execute(
            f"""INSERT INTO tasks (user_id, id, created_at, updated_at, version, title, "{column}")
                SELECT user_id, '00000000-0000-7000-8000-000000000001', now(), now(), 1, 'made', {value}
                FROM (VALUES ('user-0')) AS one (user_id)"""
        )
        assert one(project, f"""SELECT "{other}" FROM tasks WHERE {row} AND title = 'made'""") == seen, column
    project.asked.execute(f"DELETE FROM tasks WHERE {row} AND title = 'made'")
    for column, other, (value, seen) in ((old, new, edit.from_old), (new, old, edit.from_new)):
        chosen = "(user_id, id) = (SELECT user_id, id FROM tasks ORDER BY 1, 2 LIMIT 1)"
        project.asked.execute(f'UPDATE tasks SET "{column}" = {value} WHERE {chosen}')
        assert one(project, f'SELECT "{other}" FROM tasks WHERE {chosen}') == seen, column
        project.asked.execute(f"UPDATE tasks SET title = 'x' || title WHERE {chosen}")
        assert one(project, f'SELECT "{other}" FROM tasks WHERE {chosen}') == seen, column
        project.asked.execute(f'UPDATE tasks SET "{old}" = {edit.from_old[0]} WHERE {chosen}')  # what both can have
    written = rows_of(project)

    assert "up to date" in project.rowsmith("db", "revision").err
    assert f"drop tasks.{old}" in project.rowsmith("db", "revision", "--finish").err
    run_again(project)
    third, after = project.catalog(), rows_of(project)
    assert third == models.catalog(project.root)
    assert after == [{key: value for key, value in row.items() if key != old} for row in written]
    there, back = (project.rowsmith("db", *way, "--sql").out for way in (("upgrade",), ("downgrade", "base")))
    assert squawk.findings(f"{there}\n{back}") == []

    project.rowsmith("db", "downgrade", "-1")
    assert project.catalog() == second
    if name == "what begins to be required":  # nulls have become the default, for both
        written = [{**row, old: row[new]} for row in written]
    assert rows_of(project) == written
    project.rowsmith("db", "downgrade", "-1")
    assert project.catalog() == first
    assert rows_of(project) == [{key: value for key, value in row.items() if key != new} for row in written]
    project.rowsmith("db", "upgrade")
    assert project.catalog() == third
    assert rows_of(project) == after
    assert "no revision keeps an old name" in project.rowsmith("db", "revision", "--finish").err


RETYPES = {
    "wider": (
        "n: {type: integer, default: 1, ge: -5, filter: true, index: true}",
        "n: {type: bigint, default: 1, ge: -5, filter: true, index: true}",
        "",
    ),
    "wider, unique and null": (
        "n: {type: integer, nullable: true}",
        "n: {type: bigint, nullable: true}",
        "unique: [{fields: [n, title], nulls: equal}]\n",
    ),
    "required at the same time": (
        "n: {type: integer, nullable: true}",
        "n: {type: bigint, default: 4}",
        'checks: [{name: c, rule: "n > -9", message: No.}]\n',
    ),
    "more digits": (
        "n: {type: decimal, precision: 6, scale: 2, sort: true}",
        "n: {type: decimal, precision: 12, scale: 4, sort: true}",
        "",
    ),
    "two with an index of both": (
        "n: {type: integer, default: 1}\n  m: {type: integer, default: 2}",
        "n: {type: bigint, default: 1}\n  m: {type: bigint, default: 2}",
        'indexes: [[n, m]]\nchecks: [{name: c, rule: "n > m - 2147483000", message: No.}]\n',
    ),
    "unique among those that are not deleted": (
        "n: {type: integer, unique: true}",
        "n: {type: bigint, unique: true}",
        "soft_delete: true\n",
    ),
}


@pytest.mark.parametrize("name", list(RETYPES) if ALL else list(RETYPES)[:4])
def test_a_gradual_change_of_type_takes_the_place_of_the_column(project: Project, models: Models, name: str) -> None:
    old, new, rest = RETYPES[name]
    begin(project, {"task": spec("title: string", old, rest=rest), "project": PROJECT})
    first, before = project.catalog(), rows_of(project)
    write_specs(project.root, {"task": spec("title: string", new, rest=rest), "project": PROJECT})
    said = project.rowsmith("db", "revision", "--gradual").err
    assert "Kept" not in said
    run_again(project)
    second, after = project.catalog(), rows_of(project)
    assert second == models.catalog(project.root)
    missing = 4 if "required" in name else None
    assert after == [{**row, "n": missing if row["n"] is None else row["n"]} for row in before]

    at = project.asked.execute("SELECT version_num FROM alembic_version")
    project.rowsmith("db", "downgrade", "-1")
    assert project.catalog() == first
    project.rowsmith("db", "upgrade")
    assert project.asked.execute("SELECT version_num FROM alembic_version") == at
    assert project.catalog() == second
    assert rows_of(project) == after
    there, back = (project.rowsmith("db", *way, "--sql").out for way in (("upgrade",), ("downgrade", "base")))
    assert squawk.findings(f"{there}\n{back}") == []


SEARCHED = {
    "project": PROJECT.replace("name: string", "name: {type: string, unique: true, search: true, sort: true}") + "soft_delete: true\n",
    "task": spec("title: string", "project: {type: ref, to: Project, nullable: true}"),
}


def test_a_gradual_rename_of_a_resource_keeps_its_old_name(project: Project, models: Models) -> None:
    begin(project, SEARCHED)
    first, before = project.catalog(), rows_of(project, "projects")
    plan = SEARCHED["project"].replace("resource: Project", "resource: Plan\nrenamed_from: Project")
    write_specs(project.root, {"task": SEARCHED["task"].replace("to: Project", "to: Plan"), "plan": plan})
    assert "projects (now plans)" in project.rowsmith("db", "revision", "--gradual").err
    project.rowsmith("db", "upgrade")
    second = project.catalog()
    assert rows_of(project, "plans") == before
    assert rows_of(project, "projects") == before

    def as_app(*statements: str) -> str:
        begun = ["BEGIN", "SET LOCAL ROLE rowsmith_app", "SET LOCAL app.user_id = 'user-0'", *statements]
        return project.database.execute("; ".join([*begun, "COMMIT"]))

    mine = [row for row in before if row["user_id"] == "user-0"]
    assert 0 < len(mine) < len(before)
    assert as_app("SELECT count(*) FROM projects") == str(len(mine))
    row = "user_id, id, created_at, updated_at, version, name"
    made = "'00000000-0000-7000-8000-000000000001', now(), now(), 1"
    as_app(f"INSERT INTO projects ({row}) VALUES ('user-0', {made}, 'violet')", "UPDATE projects SET version = 2 WHERE name = 'violet'")
    assert as_app("SELECT count(*) FROM plans WHERE name = 'violet' AND version = 2") == "1"
    assert as_app("SELECT count(*) FROM search_projects('violet', '', false)") == "1"
    with pytest.raises(EmbeddedError, match="row-level security"):
        as_app(f"INSERT INTO projects ({row}) VALUES ('user-1', {made}, 'x')")
    as_app("DELETE FROM projects WHERE name = 'violet'")

    project.rowsmith("db", "revision", "--finish")
    project.rowsmith("db", "upgrade")
    third = project.catalog()
    assert third == models.catalog(project.root)
    there, back = (project.rowsmith("db", *way, "--sql").out for way in (("upgrade",), ("downgrade", "base")))
    assert squawk.findings(f"{there}\n{back}") == []
    project.rowsmith("db", "downgrade", "-1")
    assert project.catalog() == second
    project.rowsmith("db", "downgrade", "-1")
    assert project.catalog() == first
    assert rows_of(project, "projects") == before
    project.rowsmith("db", "upgrade")
    assert project.catalog() == third
    assert rows_of(project, "plans") == before


@pytest.mark.skipif(IS_OTHER, reason="the proof runs on the embedded PostgreSQL")
def test_the_proof_leaves_out_what_is_kept(project: Project, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def running() -> Generator[EmbeddedPostgres]:
        """The server of the tests: one that starts is enough."""
        for name in ("models", "revisions"):
            postgres.execute("postgres", f"DROP DATABASE IF EXISTS {name}")
        yield postgres

    monkeypatch.setattr(proof, "scratch", running)
    write_specs(project.root, SEARCHED)
    project.rowsmith("db", "revision")
    plan = SEARCHED["project"].replace("resource: Project", "resource: Plan\nrenamed_from: Project")
    task = SEARCHED["task"].replace("to: Project", "to: Plan")
    write_specs(project.root, {"task": task, "plan": plan})
    project.rowsmith("db", "revision", "--gradual")
    write_specs(project.root, {"task": task.replace("title: string", "name: {type: string, renamed_from: title}"), "plan": plan})
    project.rowsmith("db", "revision", "--gradual")
    write_generated(project.root)
    assert "3 revisions: up, down and up again, every row kept" in project.rowsmith("db", "check").err
    project.rowsmith("db", "upgrade")
    said = project.rowsmith("db", "status").err
    assert "projects (now plans), tasks.title (now name)" in said
    assert "rowsmith db revision --finish" in said
    project.rowsmith("db", "revision", "--finish")
    assert "4 revisions: up, down and up again, every row kept" in project.rowsmith("db", "check").err
