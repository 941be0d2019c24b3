"""`rowsmith check` names every difference and its cause, and changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.cli.errors import ExitCode
from tests.support.command import TASK, Folder

LOCK = "app/rowsmith.lock"
TEXTS = {"RS704", "RS710", "RS711", "RS712", "RS713", "RS714", "RS715", "RS716", "RS717"}


def findings(project: Folder) -> list[tuple[str, str | None, int | None]]:
    """Code and place of what is found; nothing is written by looking."""
    before = project.snapshot()
    answer = project.rowsmith("check", "--format", "json")
    found = [(finding["code"], finding["path"], finding["line"]) for finding in json.loads(answer.out)]
    assert answer.code == (ExitCode.FINDINGS if found else ExitCode.FINE)
    assert project.snapshot() == before
    return found


def hint_of(project: Folder, code: str) -> str:
    answer = project.rowsmith("check", "--format", "json")
    return next(finding["hint"] for finding in json.loads(answer.out) if finding["code"] == code)


def test_a_current_project_has_no_findings(project: Folder):
    answer = project.rowsmith("check")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "app/ is up to date: 2 resources, 6 generated files\n"
    assert project.rowsmith("check", "--format", "json").out == "[]\n"


def test_nothing_generated_yet(specs: Folder):
    assert {code for code, _, _ in findings(specs)} == {"RS710"}


def test_a_changed_spec_is_the_cause_and_its_line_the_place(project: Folder):
    project.replace("resources/task.yaml", "max_length: 200", "max_length: 100")
    found = findings(project)
    assert found
    assert set(found) == {("RS711", "resources/task.yaml", 4)}
    text = project.rowsmith("check").err
    assert "error[RS711]: `app/models/task.py` is out of date: `resources/task.yaml` changed\n  resources/task.yaml:4:3\n" in text
    assert "^^^^^ `title` changed\n" in text
    project.rowsmith("generate")
    assert findings(project) == []


def test_several_changes_are_notes(project: Folder):
    project.write("resources/task.yaml", TASK.replace("200", "100").replace("notes: text?", "notes: text") + "page: {default: 10}\n")
    text = project.rowsmith("check").err
    assert "note: `notes` changed" in text
    assert "note: `page` was added\n  resources/task.yaml:6:1" in text


def test_a_changed_generator_is_the_cause_when_no_spec_changed(project: Folder):
    from generator.lock import digest  # noqa: PLC0415 - an earlier generator wrote another text

    old = project.file("app/models/task.py").read_bytes()
    earlier = old + b"# as it was written once\n"
    project.file("app/models/task.py").write_bytes(earlier)
    project.replace(LOCK, digest(old), digest(earlier))
    assert findings(project) == [("RS712", "app/models/task.py", 1)]
    assert "the generator changed" in project.rowsmith("check").err
    project.replace(LOCK, "generator ", "generator 0.0.1-was-")
    assert "Rowsmith 0.0.1-was-" in project.rowsmith("check").err


def test_a_hand_edit_is_the_cause_with_its_line_and_the_place_to_extend(project: Folder):
    lines = project.file("app/models/task.py").read_text().split("\n")
    lines.insert(20, "MINE = 1")
    project.write("app/models/task.py", "\n".join(lines))
    assert findings(project) == [("RS713", "app/models/task.py", 21)]
    hint = hint_of(project, "RS713")
    assert "resources/task.yaml" in hint
    assert "a hook in app/extensions/task.py" in hint
    assert "hooks: [before_create]" in hint


def test_orphans_and_strays(project: Folder):
    project.write("app/models/copy.py", project.file("app/models/task.py").read_text())
    project.file("resources/project.yaml").unlink()
    project.write("app/models/project.py", "MINE = 1\n")
    found = dict.fromkeys((code, path) for code, path, _ in findings(project))
    assert ("RS714", "app/routes/projects.py") in found
    assert ("RS715", "app/models/project.py") in found
    assert ("RS717", "app/models/copy.py") in found
    assert ("RS711", "app/models/__init__.py") in found


def test_missing_and_unknown_files(project: Folder):
    project.file("app/models/task.py").unlink()
    project.write("resources/word.yaml", "resource: Word\nfields:\n  text: string\n")
    project.write("app/models/word.py", "MINE = 1\n")
    found = [code for code, _, _ in findings(project)]
    assert found.count("RS716") == 1
    assert found.count("RS710") == 2


def test_a_file_that_cannot_be_one(project: Folder):
    project.file("app/models/task.py").unlink()
    project.file("app/models/task.py").mkdir()
    assert [code for code, _, _ in findings(project)] == ["RS718"]


def test_a_lock_that_was_not_committed(project: Folder):
    project.file(LOCK).unlink()
    assert findings(project) == [("RS704", None, None)]


def test_a_lock_that_lags_behind(project: Folder):
    lock = project.file(LOCK).read_text()
    project.replace("resources/task.yaml", "notes: text?", "notes: text")
    project.rowsmith("generate")
    project.write(LOCK, lock)
    assert findings(project) == [("RS704", LOCK, 1)]


@pytest.mark.parametrize(("text", "code"), [("<<<<<<< HEAD\n", "RS702"), ("nonsense\n", "RS701"), ("rowsmith.lock 99\n", "RS703")])
def test_a_lock_that_is_none(project: Folder, text: str, code: str):
    project.write(LOCK, text if code == "RS703" else project.file(LOCK).read_text() + text)
    assert code in {found for found, _, _ in findings(project)}


def test_every_hook_finding_stands_at_the_specs_line(project: Folder):
    project.write("resources/task.yaml", TASK + "hooks: [before_create, after_update]\n")
    project.rowsmith("generate")
    assert findings(project) == []
    stub = project.file("app/extensions/task.py").read_text()
    project.write("app/extensions/task.py", stub.replace("before_create", "before_crate").replace("before: Task, row", "old: Task, row"))
    assert sorted(findings(project)) == [
        ("RS720", "resources/task.yaml", 6),
        ("RS721", "resources/task.yaml", 6),
        ("RS723", "resources/task.yaml", 6),
    ]
    text = project.rowsmith("check").err
    assert "did you mean `before_create`?" in text
    assert "note: `after_update` is defined here\n  app/extensions/task.py:" in text
    project.write("app/extensions/task.py", stub + "\n\nasync def after_commit(change):\n    pass\n")
    assert findings(project) == [("RS722", "resources/task.yaml", 6)]
    project.write("app/extensions/task.py", "def (:\n")
    assert findings(project) == [("RS725", "app/extensions/task.py", 1)]
    project.file("app/extensions/task.py").unlink()
    assert findings(project) == [("RS724", "resources/task.yaml", 6)]


def test_a_hook_that_is_added_later_is_printed_and_can_be_pasted(project: Folder):
    project.write("resources/task.yaml", TASK + "hooks: [before_create]\n")
    project.rowsmith("generate")
    project.write("resources/task.yaml", TASK + "hooks: [before_create, before_update]\n")
    project.rowsmith("generate")
    assert findings(project) == [("RS720", "resources/task.yaml", 6)]
    function = hint_of(project, "RS720").partition("\n\n")[2]
    project.write("app/extensions/task.py", project.file("app/extensions/task.py").read_text() + "\n\n" + function + "\n")
    assert findings(project) == []


def test_the_extension_of_a_removed_resource(project: Folder):
    project.write("resources/task.yaml", TASK + "hooks: [before_create]\n")
    project.rowsmith("generate")
    project.file("resources/task.yaml").unlink()
    project.rowsmith("generate")
    assert findings(project) == [("RS726", "app/extensions/task.py", 1)]


def test_invalid_specs_end_with_2(project: Folder):
    project.replace("resources/task.yaml", "text?", "txt")
    answer = project.rowsmith("check")
    assert answer.code == ExitCode.USAGE
    assert "resources/task.yaml:5" in answer.err


def test_a_folder_without_specs_is_no_project(empty: Folder):
    assert empty.rowsmith("check").code == ExitCode.USAGE


def test_warnings_alone_pass(project: Folder):
    project.write("resources/task.yaml", TASK + "  api_key: {type: string, default: sk-live-4eC39HqLyjWDarjtT1zdp7dc}\n")
    project.rowsmith("generate")
    answer = project.rowsmith("check")
    assert answer.code == 0
    assert "warning[" in answer.err
    assert project.rowsmith("check", "--warn-as-error").code == ExitCode.USAGE


@pytest.mark.parametrize(("output", "begin"), [("github", "::error file=resources/task.yaml,line=4,"), ("sarif", "{"), ("json", "[")])
def test_programs_get_the_findings_on_stdout(project: Folder, output: str, begin: str):
    project.replace("resources/task.yaml", "max_length: 200", "max_length: 100")
    answer = project.rowsmith("check", "--format", output)
    assert answer.code == ExitCode.FINDINGS
    assert answer.out.startswith(begin)
    assert answer.err == ""


def test_the_text_is_narrow_and_without_colour(project: Folder):
    project.replace("resources/task.yaml", "max_length: 200", "max_length: 100")
    project.write("app/routes/projects.py", "MINE = 1\n")
    text = project.rowsmith("check").err
    assert "\x1b" not in text
    assert all(len(line) <= 80 or line.startswith("error[") for line in text.splitlines())


def test_every_code_of_a_finding_is_explained(empty: Folder):
    from generator.codes import CODES  # noqa: PLC0415 - only this test needs it

    assert set(CODES) >= TEXTS | {"RS701", "RS702", "RS703", "RS718", "RS720", "RS721", "RS722", "RS723", "RS724", "RS725", "RS726"}
    assert empty.rowsmith("explain", "RS713").code == 0


def test_check_looks_at_no_database_and_imports_nothing_of_the_application(project: Folder):
    project.write("resources/task.yaml", TASK + "hooks: [before_create]\n")
    project.rowsmith("generate")
    marker = project.file("imported")
    project.write("app/extensions/task.py", f"open({str(marker)!r}, 'w')\n" + project.file("app/extensions/task.py").read_text())
    code = "import sys; from generator.cli import main; status = main(['check']); print('app' in sys.modules); sys.exit(status)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert (done.returncode, done.stdout) == (0, "False\n")
    assert not marker.exists()


# --- what is remembered ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def remembered(project: Folder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project with a hook, that was found up to date."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    project.write("resources/task.yaml", TASK + "hooks: [before_create]\n")
    project.rowsmith("generate")
    assert project.rowsmith("check").code == 0
    return project


def test_what_has_not_changed_is_not_compiled_again(remembered: Folder, monkeypatch: pytest.MonkeyPatch):
    before = remembered.rowsmith("check")
    monkeypatch.setattr("generator.pipeline.compile_project", None)
    assert remembered.rowsmith("check") == before
    assert remembered.rowsmith("check", "--format", "json").out == "[]\n"


CHANGES: dict[str, Callable[[Path], object]] = {
    "a spec": lambda root: (root / "resources/project.yaml").write_text("resource: Project\nfields:\n  name: text\n"),
    "a spec more": lambda root: (root / "resources/tag.yaml").write_text("resource: Tag\nfields: {name: string}\n"),
    "a spec less": lambda root: (root / "resources/project.yaml").unlink(),
    "a generated file": lambda root: (root / "app/models/task.py").write_text((root / "app/models/task.py").read_text() + "\n"),
    "a generated file less": lambda root: (root / "app/routes/tasks.py").unlink(),
    "a stray file": lambda root: (root / "app/models/gone.py").write_text((root / "app/models/task.py").read_text()),
    "the lock": lambda root: (root / LOCK).write_text((root / LOCK).read_text() + "what\n"),
    "no lock": lambda root: (root / LOCK).unlink(),
    "a hook": lambda root: (root / "app/extensions/task.py").write_text("async def before_create() -> None:\n    pass\n"),
    "a folder that is a link": lambda root: (root / "app").rename(root.parent / "away") and (root / "app").symlink_to(root.parent / "away"),
    "a link": lambda root: (
        (root / "app/models/task.py").rename(root / "away.py") and (root / "app/models/task.py").symlink_to("/etc/hosts")
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_seen(remembered: Folder, change: str):
    CHANGES[change](remembered.root)
    assert remembered.rowsmith("check").code != 0


def test_another_version_of_the_compiler_looks_again(remembered: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("generator.cli.version", lambda: "99.0")
    monkeypatch.setattr("generator.pipeline.compile_project", None)
    assert remembered.rowsmith("check").code == ExitCode.BUG


def test_a_warning_is_given_each_time(remembered: Folder):
    remembered.write(
        "resources/tag.yaml", "resource: Tag\nfields: {a_name_of_a_field_that_is_as_long_as_it_may_be: {type: string, unique: true}}\n"
    )
    remembered.rowsmith("generate")
    first, second = remembered.rowsmith("check"), remembered.rowsmith("check")
    assert first == second
    assert "warning[" in first.err
    assert remembered.rowsmith("check", "--warn-as-error").code == ExitCode.USAGE


@pytest.mark.parametrize("content", [b"\xff\x00", b"nothing known\n", None], ids=["no text", "something else", "a folder"])
def test_a_damaged_cache_is_none(remembered: Folder, content: bytes | None):
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "rowsmith" / "checked"
    cache.unlink()
    if content is None:
        cache.mkdir()
    else:
        cache.write_bytes(content)
    assert remembered.rowsmith("check").code == 0
    assert remembered.rowsmith("check").code == 0


def test_without_a_home_nothing_is_remembered(remembered: Folder, monkeypatch: pytest.MonkeyPatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    before = remembered.snapshot()
    assert remembered.rowsmith("check").code == 0
    assert remembered.rowsmith("check").code == 0
    assert remembered.snapshot() == before
