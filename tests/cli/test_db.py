"""`rowsmith db revision`: what it writes, and what it refuses. What revisions do to a database is in tests/app/test_migrations.py."""

from __future__ import annotations

import json

import pytest

from tests.support.command import TASK, Folder

VERSIONS = "app/db/migrations/versions"
STATE = "app/db/migrations/database.json"


@pytest.fixture
def revised(specs: Folder) -> Folder:
    """A project whose specs have a revision."""
    assert specs.rowsmith("db", "revision").code == 0
    return specs


def versions(project: Folder) -> list[str]:
    return sorted(path.name for path in project.file(VERSIONS).glob("*.py"))


def test_the_first_revision_creates_everything(revised: Folder) -> None:
    assert versions(revised) == ["0001_create_projects_create_tasks_and_1_more.py"]
    text = revised.file(f"{VERSIONS}/{versions(revised)[0]}").read_text()
    assert "down_revision = None" in text
    assert 'steps.create_table(\n        "tasks",' in text


def test_without_a_change_nothing_is_written(revised: Folder) -> None:
    answer = revised.rowsmith("db", "revision")
    assert answer.code == 0
    assert "up to date" in answer.err
    assert len(versions(revised)) == 1


@pytest.mark.parametrize("name", ["", "@", "x@", "+", "::", "base:", ":head", "head-1", "+99999999999", "\n", "base:head:base"])
def test_what_is_no_revision_is_wrong_usage(revised: Folder, name: str) -> None:
    for command in ("upgrade", "downgrade"):
        for options in ((), ("--sql",)):
            answer = revised.rowsmith("db", command, *options, "--", name)
            assert (answer.code, answer.out) == (2, "")
            assert "rowsmith db status" in answer.err


def test_a_project_without_what_runs_revisions_is_told_how_to_get_it(revised: Folder) -> None:
    answer = revised.rowsmith("db", "upgrade", "--sql")
    assert answer.code == 2
    assert "app/db/migrations/env.py is missing" in answer.err
    assert "rowsmith upgrade" in answer.err


def test_the_same_edit_gives_the_same_bytes(revised: Folder) -> None:
    state = revised.file(STATE).read_bytes()
    revised.replace("resources/task.yaml", "notes: text?", "notes: text?\n  rank: {type: integer, default: 1}")
    revised.rowsmith("db", "revision")
    (name,) = set(versions(revised)) - {versions(revised)[0]}
    first = revised.file(f"{VERSIONS}/{name}").read_bytes()
    revised.file(f"{VERSIONS}/{name}").unlink()
    revised.file(STATE).write_bytes(state)
    revised.rowsmith("db", "revision")
    assert revised.file(f"{VERSIONS}/{name}").read_bytes() == first


def test_a_drop_is_refused_until_it_is_allowed_by_its_name(revised: Folder) -> None:
    revised.replace("resources/task.yaml", "  notes: text?\n", "")
    refused = revised.rowsmith("db", "revision")
    assert refused.code == 3
    assert "--allow drop:tasks.notes" in refused.err
    assert len(versions(revised)) == 1
    assert revised.rowsmith("db", "revision", "--allow", "drop:tasks").code == 3
    assert revised.rowsmith("db", "revision", "--allow", "drop:tasks.notes", "--reason", "Nobody writes them").code == 0
    text = revised.file(f"{VERSIONS}/{versions(revised)[1]}").read_text()
    assert "drop:tasks.notes: Nobody writes them" in text


def test_a_resource_that_goes_is_refused_too(revised: Folder) -> None:
    revised.file("resources/project.yaml").unlink()
    assert "drop:projects" in revised.rowsmith("db", "revision").err
    assert revised.rowsmith("db", "revision", "--allow", "drop:projects").code == 0


def test_consent_to_what_is_not_there_is_refused(revised: Folder) -> None:
    revised.replace("resources/task.yaml", "notes: text?", "notes: text?\n  rank: integer?")
    answer = revised.rowsmith("db", "revision", "--allow", "drop:tasks.rank")
    assert answer.code == 2
    assert "nothing in this revision can" in answer.err


def test_a_drop_beside_an_addition_may_be_a_rename(revised: Folder) -> None:
    revised.replace("resources/task.yaml", "notes: text?", "remarks: text?")
    answer = revised.rowsmith("db", "revision")
    assert answer.code == 2
    assert "renamed_from: notes" in answer.err
    assert "--allow drop:tasks.notes" in answer.err
    revised.replace("resources/task.yaml", "remarks: text?", "remarks: {type: text, nullable: true, renamed_from: notes}")
    assert "rename tasks.notes to remarks" in revised.rowsmith("db", "revision").err


def test_a_table_beside_a_like_one_may_be_renamed(revised: Folder) -> None:
    revised.file("resources/task.yaml").unlink()
    revised.write("resources/chore.yaml", TASK.replace("resource: Task", "resource: Chore"))
    answer = revised.rowsmith("db", "revision")
    assert answer.code == 2
    assert "renamed_from: Task" in answer.err
    assert revised.rowsmith("db", "revision", "--allow", "drop:tasks").code == 0


def test_a_resource_that_takes_over_a_table_is_the_old_one(revised: Folder) -> None:
    revised.file("resources/task.yaml").unlink()
    revised.write("resources/chore.yaml", TASK.replace("resource: Task", "resource: Chore\nplural: tasks"))
    assert "up to date" in revised.rowsmith("db", "revision").err
    revised.replace("resources/chore.yaml", "notes: text?", "notes: text?\n  rank: {type: integer, default: 1}")
    answer = revised.rowsmith("db", "revision")
    assert answer.code == 0
    assert answer.err.startswith("  add tasks.rank\n\n")


def test_a_required_field_needs_a_value_for_the_rows_that_are_there(revised: Folder) -> None:
    revised.replace("resources/task.yaml", "notes: text?", "notes: text?\n  rank: integer")
    answer = revised.rowsmith("db", "revision")
    assert answer.code == 2
    assert "give the field a default, or make it nullable" in answer.err


def test_a_value_that_goes_needs_another_one(specs: Folder) -> None:
    specs.replace("resources/task.yaml", "notes: text?", "state: {type: enum, values: [new, done, gone], default: new}")
    specs.rowsmith("db", "revision")
    specs.replace("resources/task.yaml", "done, gone", "done")
    answer = specs.rowsmith("db", "revision")
    assert answer.code == 2
    assert "--replace tasks.state.gone=VALUE" in answer.err
    assert specs.rowsmith("db", "revision", "--replace", "tasks.state.gone=done").code == 3
    assert specs.rowsmith("db", "revision", "--replace", "tasks.state.gone=nothing").code == 2
    assert specs.rowsmith("db", "revision", "--replace", "tasks.state.gone=done", "--allow", "drop:tasks.state.gone").code == 0


def test_what_is_to_be_said_can_be_pasted_into_a_shell(specs: Folder) -> None:
    specs.replace("resources/task.yaml", "notes: text?", 'state: {type: enum, values: [new, "no; go"], default: new}')
    specs.rowsmith("db", "revision")
    specs.replace("resources/task.yaml", ', "no; go"', "")
    assert "--replace 'tasks.state.no; go=VALUE'" in specs.rowsmith("db", "revision").err
    refused = specs.rowsmith("db", "revision", "--replace", "tasks.state.no; go=new")
    assert refused.err.endswith("rowsmith db revision --allow 'drop:tasks.state.no; go'\n")


@pytest.mark.parametrize("text", ["x", "a.b=c", "tasks.state.gone=", "=", ""])
def test_a_replacement_that_is_none(revised: Folder, text: str) -> None:
    assert revised.rowsmith("db", "revision", f"--replace={text}").code == 2


RENAMED = "remarks: {type: text, nullable: true, renamed_from: notes}"


@pytest.fixture
def gradual(revised: Folder) -> Folder:
    """One whose last revision keeps an old name: tasks.notes, now remarks."""
    revised.replace("resources/task.yaml", "notes: text?", RENAMED)
    answer = revised.rowsmith("db", "revision", "--gradual")
    assert answer.code == 0
    assert "keep tasks.notes in step with remarks" in answer.err
    assert "Kept for what runs of the old version: tasks.notes (now remarks)." in answer.err
    return revised


def test_a_gradual_revision_is_ended_by_another_one(gradual: Folder) -> None:
    assert "the revisions are up to date" in gradual.rowsmith("db", "revision").err
    gradual.rowsmith("generate")
    assert gradual.rowsmith("check").code == 0
    ended = gradual.rowsmith("db", "revision", "--finish")
    assert ended.code == 0
    assert "drop tasks.notes, since remarks has its values" in ended.err
    assert "Kept" not in ended.err
    assert "no revision keeps an old name" in gradual.rowsmith("db", "revision", "--finish").err


def test_a_resource_that_takes_over_the_table_keeps_old_columns_too(revised: Folder) -> None:
    text = revised.file("resources/task.yaml").read_text().replace("notes: text?", RENAMED)
    revised.file("resources/task.yaml").unlink()
    revised.write("resources/chore.yaml", text.replace("resource: Task", "resource: Chore") + "plural: tasks\n")
    answer = revised.rowsmith("db", "revision", "--gradual")
    assert answer.code == 0, answer.err
    assert "keep tasks.notes in step with remarks" in answer.err
    assert "drop tasks.notes" not in answer.err


def test_other_changes_go_on_beside_what_is_kept(gradual: Folder) -> None:
    gradual.replace("resources/task.yaml", "remarks:", "rank: integer?\n  remarks:")
    assert gradual.rowsmith("db", "revision").code == 0
    assert '"kept"' in gradual.file(STATE).read_text()
    gradual.replace("resources/task.yaml", RENAMED, 'remarks: {type: text, default: ""}')
    refused = gradual.rowsmith("db", "revision")
    assert refused.code == 2
    assert "`tasks.remarks` changes, but tasks.notes is kept in step with it" in refused.err
    assert "--finish; then this change" in refused.err
    gradual.replace(
        "resources/task.yaml", 'remarks: {type: text, default: ""}', f"notes: text?\n  {RENAMED.replace(', renamed_from: notes', '')}"
    )
    refused = gradual.rowsmith("db", "revision")
    assert refused.code == 2
    assert "`tasks.notes` is new, but the old tasks.notes is kept" in refused.err
    assert gradual.rowsmith("db", "revision", "--finish").code == 0
    assert gradual.rowsmith("db", "revision").code == 0


def test_an_old_name_of_a_table_keeps_its_columns(revised: Folder) -> None:
    text = revised.file("resources/task.yaml").read_text()
    revised.write("resources/task.yaml", text + "plural: chores\n")
    assert "tasks (now chores)" in revised.rowsmith("db", "revision", "--gradual").err
    revised.replace("resources/task.yaml", "  notes: text?\n", "")
    refused = revised.rowsmith("db", "revision", "--allow", "drop:chores.notes")
    assert refused.code == 2
    assert "`chores.notes` changes, but the old name tasks is a view of it" in refused.err
    revised.write("resources/task.yaml", text + "plural: chores\n")
    revised.write("resources/duty.yaml", text.replace("resource: Task", "resource: Duty") + "plural: tasks\n")
    refused = revised.rowsmith("db", "revision")
    assert refused.code == 2
    assert "`tasks` is new, but a view of chores has the name" in refused.err


NOT_GRADUAL = {
    "nothing": ("notes: text?", "notes: text?\n  rank: integer?", "nothing has another name or another type"),
    "a type that loses values": (
        "rank: bigint",
        "rank: integer",
        "`Task.rank` cannot change gradually: values can be lost in the new type",
    ),
    "a type that no version reads": ("rank: integer", "rank: text", "no version of the application reads both types"),
    "other values": (
        "rank: {type: enum, values: [low, high]}",
        "level: {type: enum, values: [low, mid, high], renamed_from: rank}",
        "`Task.level` cannot change gradually: it has other values, too",
    ),
    "another default": (
        "rank: {type: integer, nullable: true}",
        "level: {type: integer, nullable: true, default: 3, renamed_from: rank}",
        "it has another default, too",
    ),
    "an index of what has another name and what has another type": (
        "rank: integer\n  size: {type: integer, default: 1}\nindexes: [[rank, size]]",
        "level: {type: integer, renamed_from: rank}\n  size: {type: bigint, default: 1}\nindexes: [[level, size]]",
        "`ix_tasks_rank_size` is about a field that has another name and one that has another type",
    ),
    "what others are computed from": (
        "rank: integer\n  twice: {type: bigint, computed: rank * 2, stored: true}",
        "level: {type: integer, renamed_from: rank}\n  twice: {type: bigint, computed: level * 2, stored: true}",
        "`twice` is computed from it",
    ),
}


@pytest.mark.parametrize("name", NOT_GRADUAL)
def test_what_cannot_change_gradually_is_refused(specs: Folder, name: str) -> None:
    old, new, told = NOT_GRADUAL[name]
    if old != "notes: text?":
        specs.replace("resources/task.yaml", "notes: text?", old)
    assert specs.rowsmith("db", "revision").code == 0
    specs.replace("resources/task.yaml", old, new)
    refused = specs.rowsmith("db", "revision", "--gradual")
    assert refused.code == 2
    assert told in " ".join(refused.err.split())
    assert "hint: " in refused.err
    assert len(versions(specs)) == 1


def test_two_heads_are_told_with_their_cure(revised: Folder) -> None:
    first = revised.file(f"{VERSIONS}/{versions(revised)[0]}").read_text()
    revised.write(f"{VERSIONS}/0001_other.py", _other(first))
    for command in (("revision",), ("status",), ("upgrade",), ("downgrade", "base")):
        answer = revised.rowsmith("db", *command)
        assert answer.code == 2
        assert "2 heads" in answer.err


def _other(text: str) -> str:
    return "\n".join('revision = "0123456789ab"' if line.startswith("revision = ") else line for line in text.splitlines()) + "\n"


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"format": 9, "tables": []}', "<<<<<<< HEAD\n"])
def test_a_damaged_state_is_told(revised: Folder, text: str) -> None:
    revised.write(STATE, text)
    answer = revised.rowsmith("db", "revision")
    assert answer.code == 2
    assert STATE in answer.err


def test_a_missing_state_is_told(revised: Folder) -> None:
    revised.file(STATE).unlink()
    assert f"git checkout HEAD -- {STATE}" in revised.rowsmith("db", "revision").err


def test_a_state_of_another_revision_is_told(revised: Folder) -> None:
    state = json.loads(revised.file(STATE).read_text())
    revised.write(STATE, json.dumps({**state, "revision": "0123456789ab"}))
    assert "is that of revision 0123456789ab" in revised.rowsmith("db", "revision").err


def test_a_file_that_is_no_revision_is_told(revised: Folder) -> None:
    revised.write(f"{VERSIONS}/notes.py", "print('hello')\n")
    assert "notes.py is no revision" in revised.rowsmith("db", "revision").err


def test_invalid_specs_are_reported(revised: Folder) -> None:
    revised.replace("resources/task.yaml", "notes: text?", "notes: txt?")
    assert "RS301" in revised.rowsmith("db", "revision").err


def test_a_database_that_is_not_there(revised: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@127.0.0.1:1/c")
    for command in (("status",), ("upgrade",), ("downgrade", "base")):
        answer = revised.rowsmith("db", *command)
        assert answer.code == 4
        assert "the database cannot be used" in answer.err


@pytest.mark.parametrize("address", ["mysql://x", "postgresql://", "nonsense"])
def test_an_address_that_is_none(revised: Folder, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    assert revised.rowsmith("db", "status").code == 4
