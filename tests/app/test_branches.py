"""Two branches that each add a revision are merged with git, and then by one command: on every database, with its rows."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from generator.embedded import EmbeddedPostgres
from generator.migrations.editions import GUARDS
from generator.migrations.revisions import STATE, VERSIONS
from tests.support.catalog import catalog
from tests.support.database import new_database
from tests.support.generated import write_core, write_specs
from tests.support.migrating import Project
from tests.support.specs import PROJECT, spec

NOTE = "note: {type: text, nullable: true, search: true}"
TASK = spec("title: string", NOTE, rest="soft_delete: true\n")
RANK = "rank: {type: integer, ge: 0, default: 1, sort: true}"
RANKED = spec("title: string", NOTE, RANK, "parent: {type: ref, to: Task, nullable: true}", rest="soft_delete: true\n")
COLORED = PROJECT + "  color: {type: string, max_length: 7, default: red}\n  task: {type: ref, to: Task, nullable: true}\n"


def git(root: Path, *arguments: str, check: bool = True) -> int:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=check, capture_output=True).returncode


def commit(project: Project, task: str, other: str) -> None:
    """Commit specs with their revision."""
    write_specs(project.root, {"task": task, "project": other})
    project.rowsmith("db", "revision")
    git(project.root, "add", ".")
    git(project.root, "commit", "-m", "Edit")


@pytest.fixture
def project(tmp_path: Path, postgres: EmbeddedPostgres) -> Iterator[Project]:
    """A project with a revision on the branch `main`, one on `ranks`, and one on `colors`, whose last step is written by hand."""
    root = tmp_path / "project"
    root.mkdir()
    write_core(root)
    git(root, "init", "--initial-branch=main", ".")
    with new_database(postgres, tables=False) as database:
        made = Project(root, database)
        commit(made, TASK, PROJECT)
        git(root, "checkout", "-b", "ranks")
        commit(made, RANKED, PROJECT)
        git(root, "checkout", "-b", "colors", "main")
        commit(made, TASK, COLORED)
        (revision,) = (root / VERSIONS).glob("0002_*.py")
        by_hand = '    steps.update_rows("projects", "color = \'blue\'", "color = \'red\'")\n\n\ndef downgrade'
        revision.write_text(revision.read_text(encoding="utf-8").replace("\n\ndef downgrade", by_hand, 1), encoding="utf-8")
        git(root, "commit", "-am", "By hand")
        git(root, "checkout", "main")
        yield made


def merge(project: Project) -> None:
    """Merge both branches into main; the state of the revisions is in conflict, and nothing else."""
    git(project.root, "merge", "ranks")
    assert git(project.root, "merge", "colors", check=False) == 1
    told = subprocess.run(["git", "diff", "--name-only", "--diff-filter=U"], cwd=project.root, capture_output=True, text=True, check=True)
    assert told.stdout.split() == [STATE]


@contextmanager
def databases(project: Project, postgres: EmbeddedPostgres, *branches: str) -> Generator[dict[str, Project]]:
    """A database with rows for each branch, as somebody has it who works on that branch."""
    with ExitStack() as stack:
        made = {branch: replace(project, database=stack.enter_context(new_database(postgres, tables=False))) for branch in branches}
        for branch, its in made.items():
            git(project.root, "checkout", branch)
            its.rowsmith("db", "upgrade")
            its.fill(20)
        git(project.root, "checkout", "main")
        yield made


def test_two_branches_are_joined_by_the_command_that_is_named(project: Project, postgres: EmbeddedPostgres) -> None:
    with databases(project, postgres, "main", "ranks", "colors") as made:
        merge(project)
        for command in (("check",), ("db", "revision"), ("db", "upgrade"), ("db", "status")):
            answer = project.rowsmith(*command, check=False)
            assert answer.code in {1, 2}
            assert "the revisions have 2 heads" in answer.err
            assert "`rowsmith db merge` joins them" in " ".join(answer.err.split())
        before = {path.name: path.read_bytes() for path in (project.root / VERSIONS).glob("*.py")}
        joined = project.rowsmith("db", "merge")
        assert f"Wrote {VERSIONS}/0004_join.py" in joined.err
        assert all((project.root / VERSIONS / name).read_bytes() == data for name, data in before.items())
        assert "up to date" in project.rowsmith("db", "revision").err
        git(project.root, "add", ".")
        git(project.root, "commit", "-m", "Merge")
        catalogs: list[dict[str, list[str]]] = []
        for branch, its in made.items():
            its.rowsmith("db", "upgrade")
            assert its.rowsmith("db", "status").code == 0
            assert its.database.execute("SELECT count(*), count(rank) FROM tasks") == "20|20"
            blue = "SELECT count(*), count(*) FILTER (WHERE color = 'blue') FROM projects"
            assert branch == "colors" or its.database.execute(blue) == "20|20"  # the step by hand has run after the other branch, too
            catalogs.append({name: sorted(rows) for name, rows in catalog(its.database).items()})
        assert catalogs[0] == catalogs[1] == catalogs[2]
        made["main"].rowsmith("db", "downgrade", "base")
        assert catalog(made["main"].database)["columns"] == []


def test_what_one_branch_keeps_is_kept_by_both(project: Project, postgres: EmbeddedPostgres) -> None:
    git(project.root, "checkout", "-b", "names", "main")
    renamed = TASK.replace("title: string", "name: {type: string, renamed_from: title}")
    write_specs(project.root, {"task": renamed, "project": PROJECT})
    project.rowsmith("db", "revision", "--gradual")
    git(project.root, "add", ".")
    git(project.root, "commit", "-m", "Rename")
    with databases(project, postgres, "names", "colors") as made:
        git(project.root, "merge", "names")
        git(project.root, "merge", "colors", check=False)
        project.rowsmith("db", "merge")
        assert "up to date" in project.rowsmith("db", "revision").err
        assert "drop tasks.title, since name has its values" in project.rowsmith("db", "revision", "--finish").err
        catalogs: list[dict[str, list[str]]] = []
        for its in made.values():
            its.rowsmith("db", "upgrade")
            assert its.database.execute("SELECT count(*), count(name) FROM tasks") == "20|20"
            catalogs.append({name: sorted(rows) for name, rows in catalog(its.database).items()})
        assert catalogs[0] == catalogs[1]
        assert catalogs[0]["triggers"] == []


def test_without_a_second_head_there_is_nothing_to_join(project: Project) -> None:
    assert "there is nothing to join" in project.rowsmith("db", "merge").err


def test_branches_that_change_the_same_are_refused(project: Project) -> None:
    git(project.root, "checkout", "-b", "others", "main")
    commit(project, RANKED.replace("integer, ge: 0", "bigint, ge: 0"), PROJECT)
    git(project.root, "merge", "ranks", check=False)
    told = project.rowsmith("db", "merge", check=False)
    assert told.code == 2
    assert "is in conflict: two branches have written a revision of this name" in told.err
    command = told.err.rpartition("keep both: ")[2].strip()
    subprocess.run(command, shell=True, cwd=project.root, check=True)
    answer = project.rowsmith("db", "merge", check=False)
    assert answer.code == 3
    assert "the branches change the same: tasks.rank" in answer.err
    assert not list((project.root / VERSIONS).glob("*_join.py"))


def test_the_edition_of_one_branch_holds_for_what_the_other_has_changed(project: Project) -> None:
    guards = project.root / GUARDS
    git(project.root, "checkout", "-b", "release", "main")
    guards.write_text(guards.read_text(encoding="utf-8").replace("PURGE = 2", "PURGE = 3"), encoding="utf-8")
    commit(project, TASK, PROJECT)
    git(project.root, "merge", "colors", check=False)
    project.rowsmith("db", "merge")
    (made,) = (project.root / VERSIONS).glob("*_join.py")
    assert 'steps.purge_deleted("tasks", "projects.task_id", edition=3)' in made.read_text(encoding="utf-8")
    write_specs(project.root, {"task": TASK, "project": COLORED})
    assert "up to date" in project.rowsmith("db", "revision").err


def test_a_state_that_git_does_not_have_is_told(project: Project) -> None:
    first, *_ = sorted((project.root / VERSIONS).glob("*.py"))
    other = "\n".join('revision = "0123456789ab"' if line.startswith("revision = ") else line for line in first.read_text().splitlines())
    first.with_name("0001_other.py").write_text(other + "\n", encoding="utf-8")
    answer = project.rowsmith("db", "merge", check=False)
    assert answer.code == 4
    assert "git fetch --unshallow" in answer.err
