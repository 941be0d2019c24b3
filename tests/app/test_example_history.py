"""The example's own revisions, on a real PostgreSQL with rows in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.embedded import EmbeddedPostgres
from tests.support import squawk
from tests.support.catalog import catalog
from tests.support.database import ON_CITUS, new_database
from tests.support.migrating import Project
from tests.support.project import copy_project

STATES = {"todo": ("f", "0"), "started": ("f", "50"), "done": ("t", "100")}
BEFORE_THE_SPLIT = "c5d3edb27584"


@pytest.fixture
def project(tmp_path: Path, postgres: EmbeddedPostgres) -> Iterator[Project]:
    root = copy_project(tmp_path / "project")
    with new_database(postgres, tables=False) as database:
        yield Project(root, database)


@pytest.mark.skipif(ON_CITUS, reason="a database of a cluster has more than the models in its catalog")
def test_the_history_ends_in_the_models_and_its_split_field_keeps_what_it_said(project: Project, postgres: EmbeddedPostgres) -> None:
    project.rowsmith("db", "upgrade", BEFORE_THE_SPLIT)
    for state in STATES:
        project.database.execute(
            "INSERT INTO tasks (user_id, id, created_at, updated_at, version, title, state)"
            f" SELECT 'ada', gen_random_uuid(), now(), now(), 1, '{state}', '{state}' FROM generate_series(1, 1500)"
        )
    states = "SELECT title, state, count(*) FROM tasks GROUP BY 1, 2 ORDER BY 1"
    before = project.database.execute(states)

    project.rowsmith("db", "upgrade")
    split = project.database.execute("SELECT title, completed, progress, count(*) FROM tasks GROUP BY 1, 2, 3")
    found = dict(line.split("|", 1) for line in split.splitlines())
    assert found == {state: f"{completed}|{progress}|1500" for state, (completed, progress) in STATES.items()}
    with new_database(postgres) as models:
        assert catalog(project.database) == catalog(models)

    project.rowsmith("db", "downgrade", BEFORE_THE_SPLIT)
    assert project.database.execute(states) == before
    project.rowsmith("db", "downgrade", "base")
    assert catalog(project.database)["columns"] == []


def test_squawk_finds_nothing_in_the_sql_of_the_history(project: Project) -> None:
    assert squawk.findings(project.rowsmith("db", "upgrade", "--sql").out) == []


def test_a_step_that_would_never_end_is_refused_and_changes_nothing(project: Project) -> None:
    project.rowsmith("db", "upgrade")
    project.database.execute(
        "INSERT INTO tasks (user_id, id, created_at, updated_at, version, title) VALUES ('ada', gen_random_uuid(), now(), now(), 1, 'a')"
    )
    project.rowsmith("db", "revision", "--empty", "-m", "Count on")
    (file,) = project.root.glob("app/db/migrations/versions/*_count_on.py")
    step = '    steps.update_rows("tasks", "progress = progress + 1", "progress < 100")'
    file.write_text(file.read_text(encoding="utf-8").replace("    pass", step, 1), encoding="utf-8")
    answer = project.rowsmith("db", "upgrade", check=False)
    assert answer.code == 4
    assert "rows of tasks meet their condition after the change as before it" in answer.err
    assert project.database.execute("SELECT progress FROM tasks") == "0"
