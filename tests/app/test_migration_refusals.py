"""What stands in the way of a migration is told with what to do about it, and changes nothing; and `db check` finds what does not hold."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.db.migrations import steps
from generator.embedded import EmbeddedPostgres
from generator.migrations import proof
from tests.support.database import IS_OTHER, new_database
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.observer import observing
from tests.support.specs import spec

ERRORS = Path(__file__).resolve().parents[1] / "errors"

FIELDS = ("title: string", "rank: {type: integer, default: 3, sort: true}")


@pytest.fixture
def project(tmp_path: Path, postgres: EmbeddedPostgres) -> Iterator[Project]:
    """A project with one revision, which its database is at."""
    write_core(tmp_path)
    write_specs(tmp_path, {"task": spec(*FIELDS)})
    with new_database(postgres, tables=False) as database:
        made = Project(tmp_path, database)
        made.rowsmith("db", "revision", "-m", "Begin")
        made.rowsmith("db", "upgrade")
        yield made


def revise(project: Project, *fields: str, rest: str = "") -> None:
    write_specs(project.root, {"task": spec(*fields, rest=rest)})
    project.rowsmith("db", "revision", "-m", "Go on")


RULES = {
    "a bound": (("title: string", "rank: {type: integer, default: 3, sort: true, le: 9}"), "", "20 of tasks:", "ck_tasks_rank_le"),
    "unique": (("title: string", "rank: {type: integer, sort: true, unique: true}"), "", "30 of tasks:", "uq_tasks_rank"),
    "a rule": (FIELDS, 'checks: [{name: low, rule: "rank < 10", message: No.}]\n', "20 of tasks:", "ck_tasks_low"),
    "an enum": (("title: {type: enum, values: [a, b]}", FIELDS[1]), "", "30 of tasks:", "ck_tasks_title_values"),
}


@pytest.mark.parametrize("name", RULES)
def test_rows_that_break_a_new_rule_are_named(project: Project, name: str) -> None:
    fields, rest, count, constraint = RULES[name]
    insert = "INSERT INTO tasks SELECT 'ada', gen_random_uuid(), now(), now(), 1, 'x'"
    project.database.execute(f"{insert}, 5 FROM generate_series(1, 10); {insert}, 10 FROM generate_series(1, 20)")
    first = project.database.execute("SELECT min(id::text) FROM tasks WHERE rank = 10")
    before = project.rows()
    revise(project, *fields, rest=rest)
    answer = project.rowsmith("db", "upgrade", check=False)
    assert answer.code == 3
    assert "error: rows are in the way: " in answer.err
    assert f'"{constraint}"' in answer.err
    assert count in answer.err
    assert name == "unique" or name == "an enum" or f"  {first} of user ada" in answer.err
    assert "= hint: change those rows, then run it again" in answer.err
    assert project.rows() == before
    project.database.execute("DELETE FROM tasks")
    project.rowsmith("db", "upgrade")


def test_a_lock_that_is_not_to_be_had(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "ATTEMPTS", 2)
    monkeypatch.setattr(steps, "LOCK_TIMEOUT", "100ms")
    revise(project, *FIELDS, "note: text?")
    with observing(project.database) as observer:
        observer.execute("BEGIN; LOCK TABLE tasks IN ACCESS SHARE MODE")
        answer = project.rowsmith("db", "upgrade", check=False)
        observer.execute("ROLLBACK")
    assert answer.code == 4
    assert "a lock could not be had" in answer.err
    project.rowsmith("db", "upgrade")


def test_a_role_that_may_not_migrate(project: Project) -> None:
    revise(project, *FIELDS, "note: text?")
    other = Project(project.root, replace(project.database, owner_dsn=project.database.app_dsn))
    answer = other.rowsmith("db", "upgrade", check=False)
    assert answer.code == 4
    assert "the role of MIGRATION_DATABASE_URL may not do that: permission denied for table alembic_version" in answer.err


def test_a_revision_that_is_not_there_any_more(project: Project) -> None:
    project.database.execute("UPDATE alembic_version SET version_num = '0123456789ab'")
    for command in (("upgrade",), ("status",), ("downgrade", "-1")):
        answer = project.rowsmith("db", *command, check=False)
        assert answer.code == 4
        assert "the database is at 0123456789ab, which is no revision of this project" in answer.err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("def upgrade()", "def upgrade(", "SyntaxError: "),
        ("steps.add_column", "steps.add_colum", "AttributeError: "),
        ("import steps", "import stepz", "ImportError: "),
    ],
)
def test_a_revision_that_is_broken_is_told_with_its_line(project: Project, old: str, new: str, told: str) -> None:
    revise(project, *FIELDS, "note: text?")
    file = project.root / "app/db/migrations/versions/0002_go_on.py"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    answer = project.rowsmith("db", "upgrade", check=False)
    assert answer.code == 2
    assert f"a revision cannot be run: {told}" in answer.err
    assert "(app/db/migrations/versions/0002_go_on.py:" in answer.err


def test_an_unknown_revision_is_asked_for(project: Project) -> None:
    answer = project.rowsmith("db", "upgrade", "feedfeedfeed", check=False)
    assert answer.code == 2
    assert "feedfeedfeed" in answer.err


@pytest.mark.skipif(IS_OTHER, reason="the proof runs on the embedded PostgreSQL")
def test_check_finds_what_does_not_hold(
    project: Project, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    @contextmanager
    def running() -> Generator[EmbeddedPostgres]:
        """The server of the tests, which has no database of an earlier proof."""
        for name in ("models", "revisions"):
            postgres.execute("postgres", f"DROP DATABASE IF EXISTS {name}")
        yield postgres

    write_generated(project.root)
    held = project.rowsmith("db", "check")
    monkeypatch.setattr(proof, "scratch", running)  # one that starts is enough
    assert "1 revision: up, down and up again, every row kept, and the end is that of the models" in held.err

    model = project.root / "app/models/task.py"
    model.write_text(model.read_text(encoding="utf-8").replace('server_default="3"', 'server_default="4"'), encoding="utf-8")
    other = project.rowsmith("db", "check", check=False)
    assert other.code == 1
    assert other.out == (
        "the revisions do not lead to the models:\n"
        "  column tasks.rank\n    revisions  integer NOT NULL DEFAULT 3\n    models     integer NOT NULL DEFAULT 4\n"
    )

    revise(project, *FIELDS, "note: text?")
    revision = project.root / "app/db/migrations/versions/0002_go_on.py"
    text = revision.read_text(encoding="utf-8").replace("from app.db", "from alembic import op\nfrom app.db", 1)
    text = text.replace("\n\n\ndef downgrade", '\n    op.execute("DELETE FROM tasks")\n\n\ndef downgrade')
    revision.write_text(text.replace('    steps.drop_column("tasks", "note")', "    pass"), encoding="utf-8")
    found = project.rowsmith("db", "check", check=False)
    assert found.code == 1
    assert 'does not lead back:\n  column tasks.note\n    before    nothing\n    after it  text COLLATE "C"\n' in found.out
    assert "loses 12 of 12 rows of tasks" in found.out
    reported = project.rowsmith("db", "check", "--format", "github", check=False)
    assert reported.code == 1
    expected = ERRORS / "RS743_not_back" / "expected.txt"
    if update:
        expected.write_text(reported.out, encoding="utf-8")
    assert reported.out == expected.read_text(encoding="utf-8")
