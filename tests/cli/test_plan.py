"""`rowsmith plan` in real git repositories."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.command import Folder

BREAKING = ("title: {type: string, max_length: 200}", "title: {type: string, max_length: 20}")


def git(project: Folder, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True, capture_output=True)


@pytest.fixture
def committed(project: Folder) -> Folder:
    """A project whose specs are committed on a branch `main`."""
    git(project, "init", "--initial-branch=main", ".")
    git(project, "add", ".")
    git(project, "commit", "-m", "The specs")
    return project


def test_without_an_edit_there_is_nothing_to_tell(committed: Folder) -> None:
    answer = committed.rowsmith("plan")
    assert answer.code == 0
    assert answer.out.endswith("nothing changes for clients\n")
    assert answer.err == ""


def test_a_breaking_change_is_explained_and_ends_with_1(committed: Folder) -> None:
    committed.replace("resources/task.yaml", *BREAKING)
    answer = committed.rowsmith("plan", "--against", "main")
    assert answer.code == 1
    assert "1 breaking for clients" in answer.out
    assert "breaking: Task.title: constraint tightened (max_length 200 → 20 in POST, PUT,\n  PATCH)" in answer.out
    assert "resources/task.yaml:4  constraint-tightened" in answer.out
    assert "~ app/models/task.py" in answer.out
    assert all(len(line) <= 80 for line in answer.out.splitlines())


def test_a_safe_change_ends_with_0_and_names_the_files(committed: Folder) -> None:
    committed.write("resources/note.yaml", "resource: Note\nfields:\n  text: string\n")
    answer = committed.rowsmith("plan")
    assert answer.code == 0
    assert "safe: Note: resource added (/notes)" in answer.out
    assert "+ app/models/note.py" in answer.out
    assert "+ app/routes/notes.py" in answer.out


def test_a_spec_that_is_gone_is_shown_at_its_commit(committed: Folder) -> None:
    committed.file("resources/project.yaml").unlink()
    answer = committed.rowsmith("plan", "--against", "main")
    assert answer.code == 1
    assert "resources/project.yaml:1 at main  resource-removed" in answer.out


def test_json_has_everything(committed: Folder) -> None:
    committed.replace("resources/task.yaml", *BREAKING)
    answer = committed.rowsmith("plan", "--format", "json")
    plan = json.loads(answer.out)
    assert plan["refused"] == 1
    assert plan["findings"][0]["rule"] == "constraint-tightened"
    assert plan["findings"][0]["waived"] is None
    assert {"path": "app/models/task.py", "change": "changed"} in plan["files"]


def test_markdown_is_short_and_ordered(committed: Folder) -> None:
    committed.replace("resources/task.yaml", *BREAKING)
    committed.write("resources/note.yaml", "resource: Note\nfields:\n  text: string\n")
    out = committed.rowsmith("plan", "--format", "markdown").out
    assert out.startswith("### Against `HEAD` (")
    assert out.index("| **breaking** |") < out.index("<summary>1 safe change</summary>")


FIVE_EDITS = {
    "resources/task.yaml": (
        ("title: {type: string, max_length: 200}", "title: {type: string, max_length: 100}"),
        ("notes: text?", "rank: {type: integer, ge: 1, default: 1, sort: true}"),
    ),
    "resources/project.yaml": (
        ("name: string", "label: {type: string, renamed_from: name}"),
        ("state: {type: enum, values: [open, done], default: open}", "state: {type: enum, values: [open, held, done], default: open}"),
    ),
}


def test_markdown_of_five_edits(committed: Folder, update: bool) -> None:
    """A length, a field for another one, a rename, and a value: what a reviewer reads is in tests/cli/five_edits.md."""
    committed.replace("resources/project.yaml", "name: string", "name: string\n  state: {type: enum, values: [open, done], default: open}")
    git(committed, "commit", "-am", "A state")
    assert committed.rowsmith("db", "revision").code == 0
    for path, edits in FIVE_EDITS.items():
        for old, new in edits:
            committed.replace(path, old, new)
    answer = committed.rowsmith("plan", "--format", "markdown")
    assert answer.code == 1
    out = re.sub(r"\([0-9a-f]{8}\)", "(4f7c0f22)", answer.out)
    golden = Path(__file__).with_name("five_edits.md")
    if update:
        golden.write_text(out, encoding="utf-8")
    assert out == golden.read_text(encoding="utf-8")


def test_the_migration_is_told_with_what_to_allow(committed: Folder) -> None:
    assert committed.rowsmith("db", "revision").code == 0
    committed.replace("resources/task.yaml", "  notes: text?\n", "")
    out = " ".join(committed.rowsmith("plan").out.split())
    assert "Migration of 1 operation. Deploy first, then migrate" in out
    assert "loses data: drop tasks.notes resources/task.yaml:5 at HEAD deploy first" in out
    assert "If that is meant: `--allow drop:tasks.notes`." in out
    assert "No revision has it yet: rowsmith db revision --allow drop:tasks.notes" in out
    assert committed.rowsmith("db", "revision", "--allow", "drop:tasks.notes").code == 0
    assert "No revision has it yet" not in committed.rowsmith("plan").out
    (step,) = json.loads(committed.rowsmith("plan", "--format", "json").out)["migration"]["operations"]
    assert (step["consent"], step["order"], step["in"]) == ("drop:tasks.notes", "deploy first", "HEAD")


def test_another_edition_of_what_guards_rows_is_told(committed: Folder) -> None:
    committed.write("app/db/guards.py", "PROTECTION = 1\n")
    assert committed.rowsmith("db", "revision").code == 0
    git(committed, "add", ".")
    git(committed, "commit", "-m", "The core")
    committed.write("app/db/guards.py", "PROTECTION = 2\n")
    out = " ".join(committed.rowsmith("plan").out.split())
    assert "rows at risk: protect 3 tables (edition 2) app/db/guards.py:1 migrate first" in out
    assert "The rows that a user sees and may write can be others; others wait for a moment." in out
    assert "No revision has it yet: rowsmith db revision" in out


def test_what_keeps_a_revision_from_being_made_is_told(committed: Folder) -> None:
    committed.replace("resources/task.yaml", "notes: text?", "remarks: text?\n  rank: integer")
    out = " ".join(committed.rowsmith("plan").out.split())
    assert "to settle: tasks.notes goes and tasks.remarks comes, which has the same type" in out
    assert "to settle: `Task.rank` is new and required" in out


def waiver(committed: Folder, days: int) -> str:
    committed.replace("resources/task.yaml", *BREAKING)
    fingerprint = json.loads(committed.rowsmith("plan", "--format", "json").out)["findings"][0]["fingerprint"]
    until = datetime.now(UTC).date() + timedelta(days=days)
    return f'[tool.rowsmith]\nwaivers = [{{ fingerprint = "{fingerprint}", reason = "Nobody sends them", until = {until} }}]\n'


def test_a_waiver_lets_a_breaking_change_pass(committed: Folder) -> None:
    committed.write("pyproject.toml", waiver(committed, 7))
    answer = committed.rowsmith("plan")
    assert answer.code == 0
    assert "Nobody sends them" in " ".join(answer.out.split())


def test_a_waiver_that_has_ended_does_not(committed: Folder) -> None:
    committed.write("pyproject.toml", waiver(committed, -1))
    answer = committed.rowsmith("plan")
    assert answer.code == 1
    assert "Its waiver ended on" in answer.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.rowsmith\n", "pyproject.toml is not TOML"),
        ("[tool.rowsmith]\nwaivers = 3\n", "tool.rowsmith.waivers in pyproject.toml"),
        ('[tool.rowsmith]\nwaivers = [{ fingerprint = "x", reason = "r", until = 2027-01-31 }]\n', "tool.rowsmith.waivers.0.fingerprint"),
        ("tool = 3\n", "tool"),
        ("[tool]\nrowsmith = 3\n", "tool.rowsmith"),
    ],
)
def test_waivers_that_cannot_be_read_are_refused(committed: Folder, text: str, message: str) -> None:
    committed.write("pyproject.toml", text)
    answer = committed.rowsmith("plan")
    assert answer.code == 2
    assert message in answer.err


def test_an_unknown_reference_is_refused(committed: Folder) -> None:
    answer = committed.rowsmith("plan", "--against", "origin/nowhere")
    assert answer.code == 2
    assert "git knows no commit `origin/nowhere`" in answer.err


@pytest.mark.parametrize("reference", ["--help", "-x", "", "HEAD:resources", "a b", "\n", "HEAD^{tree}"])
def test_a_reference_is_never_an_option_of_git(committed: Folder, reference: str) -> None:
    assert committed.rowsmith("plan", f"--against={reference}").code == 2


def test_outside_of_git_it_says_so(project: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    answer = project.rowsmith("plan")
    assert answer.code == 4
    assert "is in no git repository" in answer.err


def test_without_git_it_says_so(project: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project.root))
    answer = project.rowsmith("plan")
    assert answer.code == 4
    assert "git is not installed" in answer.err


def test_a_repository_without_a_commit(project: Folder) -> None:
    git(project, "init", ".")
    assert project.rowsmith("plan").code == 2


def test_specs_that_were_not_valid_are_shown_as_they_were(committed: Folder) -> None:
    committed.replace("resources/task.yaml", "notes: text?", "notes: txt?")
    git(committed, "commit", "-am", "A mistake")
    committed.replace("resources/task.yaml", "notes: txt?", "notes: text?")
    answer = committed.rowsmith("plan")
    assert answer.code == 2
    assert "The specs of HEAD are not valid" in answer.err
    assert "notes: txt?" in answer.err


def test_specs_that_are_not_valid_now_are_reported_as_ever(committed: Folder) -> None:
    committed.replace("resources/task.yaml", "notes: text?", "notes: txt?")
    answer = committed.rowsmith("plan")
    assert answer.code == 2
    assert "error[RS301]" in answer.err


def test_a_project_in_a_folder_of_its_repository(project: Folder) -> None:
    git(project, "init", "--initial-branch=main", "..")
    git(project, "add", ".")
    git(project, "commit", "-m", "The specs")
    project.replace("resources/task.yaml", *BREAKING)
    assert project.rowsmith("plan").code == 1
