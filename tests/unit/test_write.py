"""Comparing and writing, with a stand-in for the templates: what is written, why, what is refused, and what is never touched."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from generator import write
from generator.drift import STAGE, State, hand_edit, unified
from generator.exclusion import RefusedError, project_lock
from generator.load import load_file
from generator.lock import LOCK_PATH, read_lock
from generator.parts import parts_of
from generator.render import FormatterError, formatted
from generator.write import UnwritableError, create
from tests.support.stand_in import PROJECT, TASK, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.spec("task", TASK)
    project.spec("project", PROJECT)
    return project


@pytest.fixture
def generated(project: Project) -> Project:
    assert project.generate()
    return project


def test_a_first_run_writes_everything_and_leaves_nothing_else(generated: Project):
    assert sorted(generated.snapshot()) == [
        "app/extensions/__init__.py",
        "app/models/__init__.py",
        "app/models/project.py",
        "app/models/task.py",
        "app/routes/projects.py",
        "app/routes/tasks.py",
        LOCK_PATH,
        "resources/project.yaml",
        "resources/task.yaml",
    ]
    assert read_lock(generated.root).diagnostics == ()
    assert generated.states() == {}
    assert generated.compare().lock_is_current


def test_the_lock_names_no_place_and_no_time(generated: Project):
    text = generated.file(LOCK_PATH).read_text()
    assert str(generated.root) not in text
    assert time.strftime("%Y") not in text.replace("sha", "")[:200]
    assert "plural Project projects\nplural Task tasks\n" in text


@pytest.mark.parametrize("very_many", [1, 500])
def test_a_file_is_on_the_disk_before_it_replaces_another(project: Project, monkeypatch: pytest.MonkeyPatch, very_many: int):
    calls: list[str] = []

    def noted(call: Callable[..., None]) -> Callable[..., None]:
        def noting(*arguments: object) -> None:
            calls.append(call.__name__)
            call(*arguments)

        return noting

    monkeypatch.setattr(write, "VERY_MANY", very_many)
    for name in ("fsync", "sync", "replace"):
        monkeypatch.setattr(os, name, noted(getattr(os, name)))
    assert project.generate()
    all_at_once = very_many == 1 and sys.platform == "linux"
    before = calls[: calls.index("replace")]
    assert before.count("sync") == all_at_once
    written = [path for path in project.snapshot() if path.startswith("app/")]
    assert before.count("fsync") == 1 + (0 if all_at_once else len(written))  # the folder, and each file


def test_a_second_run_touches_nothing(generated: Project):
    before = {path: (generated.root / path).stat() for path in generated.snapshot()}
    folder = (generated.root / "app").stat().st_mtime_ns
    assert not generated.generate()
    after = {path: (generated.root / path).stat() for path in generated.snapshot()}
    assert {path: (s.st_ino, s.st_mtime_ns) for path, s in after.items()} == {path: (s.st_ino, s.st_mtime_ns) for path, s in before.items()}
    assert (generated.root / "app").stat().st_mtime_ns == folder


def test_a_changed_spec_rewrites_the_files_that_it_changes_and_no_other(generated: Project):
    before = {path: (generated.root / path).stat().st_mtime_ns for path in generated.snapshot()}
    generated.spec("task", TASK + "  due_at: datetime?\n")
    assert generated.states() == {"app/models/task.py": State.STALE}
    (drift,) = generated.compare().changed
    (cause,) = drift.causes
    assert cause.message == "`due_at` was added"
    assert cause.span is not None
    assert (cause.span.path, cause.span.line) == ("resources/task.yaml", 5)
    assert generated.generate()
    after = {path: (generated.root / path).stat().st_mtime_ns for path in generated.snapshot()}
    assert {path for path in after if after[path] != before[path]} == {"app/models/task.py", "resources/task.yaml", LOCK_PATH}


@pytest.mark.parametrize(
    ("edited", "message", "line"),
    [
        (TASK.replace("  title: string", "  title: {type: string, max_length: 20}"), "`title` changed", 3),
        (TASK.replace("  notes: text?\n", ""), "`notes` was removed", 2),
        (TASK.replace("title", "name"), "`name` was added", 3),
        ("# a comment\n\n" + TASK.replace("string", "integer"), "`title` changed", 5),
    ],
)
def test_the_cause_names_what_changed_and_its_line(generated: Project, edited: str, message: str, line: int):
    generated.spec("task", edited)
    drift = next(file for file in generated.compare().files if file.path == "app/models/task.py")
    assert drift.state is State.STALE
    assert (drift.causes[0].message, drift.causes[0].span and drift.causes[0].span.line) == (message, line)


def test_comments_and_order_of_keys_are_no_change(generated: Project):
    before = generated.snapshot()[LOCK_PATH]
    generated.spec("task", "# words\nfields: {title: {type: string}, notes: {nullable: true, type: text}}\nresource: Task\n")
    assert generated.states() == {}
    assert not generated.generate()
    assert generated.snapshot()[LOCK_PATH] == before


def test_a_changed_template_is_the_generators_doing(generated: Project):
    generated.template = "v2"
    for drift in generated.compare().changed:
        assert [cause.is_spec for cause in drift.causes] == [False]
    generated.version = "1.1.0"
    (cause,) = generated.compare().changed[0].causes
    assert "1.0.0" in cause.message
    assert "1.1.0" in cause.message


def test_when_both_changed_both_are_said(generated: Project):
    generated.spec("task", TASK + "  extra: boolean?\n")
    generated.version, generated.template = "1.1.0", "v2"
    drift = next(file for file in generated.compare().changed if file.path == "app/models/task.py")
    assert [cause.is_spec for cause in drift.causes] == [True, False]


def test_a_new_version_that_writes_the_same_leaves_the_lock_alone(generated: Project):
    generated.version = "2.0.0"
    assert not generated.generate()
    assert generated.compare().lock_is_current


def test_a_spec_that_another_depends_on_is_named_as_the_cause(generated: Project):
    generated.spec("task", TASK + "  project: {type: ref, to: Project}\n")
    generated.generate()
    generated.spec("project", PROJECT + "  color: string?\n")
    task = generated.file("app/models/task.py")
    drift = generated.compare()
    assert {file.path for file in drift.changed} == {"app/models/project.py"}
    generated.template = "v2"  # makes all stale: Task may be so because of Project
    by_path = {file.path: file for file in generated.compare().changed}
    causes = by_path["app/models/task.py"].causes
    assert causes[0].span is not None
    assert causes[0].span.path == "resources/project.yaml"
    assert task.exists()


def test_a_hand_edit_is_refused_and_nothing_at_all_is_written(generated: Project):
    edited = generated.file("app/models/task.py")
    edited.write_text(edited.read_text() + "EXTRA = 1\n")
    generated.spec("project", PROJECT + "  color: string?\n")
    before = generated.snapshot()
    with pytest.raises(RefusedError) as refusal:
        generated.generate()
    assert "app/models/task.py" in refusal.value.message
    assert generated.snapshot() == before
    (drift,) = generated.compare().refused
    assert "+EXTRA = 1\n" in hand_edit(drift)
    assert "-EXTRA = 1\n" in unified(drift)


def test_force_overwrites_the_named_file_only(generated: Project):
    for path in ("app/models/task.py", "app/models/project.py"):
        generated.file(path).write_text("EXTRA = 1\n")
    with pytest.raises(RefusedError):
        generated.generate(["app/models/task.py"])
    assert generated.file("app/models/task.py").read_text() == "EXTRA = 1\n"
    assert generated.generate(["app/models/task.py", "app/models/project.py"])
    assert generated.states() == {}


def test_an_edit_that_is_what_the_spec_now_gives_is_no_edit(generated: Project):
    generated.spec("task", TASK + "  extra: boolean?\n")
    wanted = next(file for file in generated.compare().files if file.path == "app/models/task.py").wanted
    generated.file("app/models/task.py").write_text(wanted or "")
    assert generated.states() == {}
    assert not generated.compare().lock_is_current
    assert generated.generate()
    assert generated.compare().lock_is_current


def test_a_file_that_the_lock_does_not_know_is_refused(project: Project):
    project.file("app/models").mkdir(parents=True)
    project.file("app/models/task.py").write_text("MINE = 1\n")
    assert project.states()["app/models/task.py"] is State.UNKNOWN
    with pytest.raises(RefusedError):
        project.generate()
    assert list(project.file("app").rglob("*.py")) == [project.file("app/models/task.py")]


def test_a_removed_resource_takes_its_files_with_it(generated: Project):
    generated.spec("project", None)
    assert generated.states() == {
        "app/models/__init__.py": State.STALE,
        "app/models/project.py": State.ORPHAN,
        "app/routes/projects.py": State.ORPHAN,
    }
    init = generated.compare().changed[0]
    assert (init.causes[0].subject, init.causes[0].message) == ("resources/project.yaml", "it was removed")
    generated.generate()
    assert "project" not in generated.file(LOCK_PATH).read_text()
    assert not generated.file("app/models/project.py").exists()


def test_an_edited_orphan_is_kept_until_forced(generated: Project):
    generated.file("app/models/project.py").write_text("MINE = 1\n")
    generated.spec("project", None)
    with pytest.raises(RefusedError):
        generated.generate()
    assert generated.file("app/routes/projects.py").exists()
    generated.generate(["app/models/project.py"])
    assert not generated.file("app/models/project.py").exists()


def test_a_missing_file_comes_back(generated: Project):
    generated.file("app/models/task.py").unlink()
    assert generated.states() == {"app/models/task.py": State.MISSING}
    assert generated.generate()
    assert generated.states() == {}


def test_a_stub_is_created_once_and_never_touched_again(project: Project):
    project.spec("task", TASK + "hooks: [before_create]\n")
    project.generate()
    stub = project.file("app/extensions/task.py")
    assert "before_create" in stub.read_text()
    stub.write_text("# all mine\n")
    project.spec("task", TASK + "hooks: [before_create, after_commit]\n")
    project.generate()
    project.spec("task", None)
    project.generate()
    assert stub.read_text() == "# all mine\n"
    assert "app/extensions/task.py yours resources/task.yaml -\n" in project.file(LOCK_PATH).read_text()
    stub.unlink()
    project.generate()
    assert "app/extensions/task.py" not in project.file(LOCK_PATH).read_text()


def test_core_lines_of_the_lock_are_kept(generated: Project):
    line = f"app/main.py core - {'a' * 64}\n"
    lock = generated.file(LOCK_PATH)
    lock.write_text(lock.read_text() + line)
    generated.spec("task", TASK + "  extra: boolean?\n")
    generated.generate()
    assert line in lock.read_text()


def test_an_explicit_plural_is_not_frozen_and_a_default_is(generated: Project):
    generated.spec("task", TASK + "plural: todos\n")
    generated.generate()
    assert "plural Task" not in generated.file(LOCK_PATH).read_text()
    assert "plural Project projects\n" in generated.file(LOCK_PATH).read_text()


def test_without_its_lock_a_current_project_is_adopted(generated: Project):
    before = generated.snapshot()
    generated.file(LOCK_PATH).unlink()
    assert not generated.compare().lock_is_current
    generated.generate()
    assert generated.snapshot() == before


def test_a_lock_with_a_merge_conflict_is_cured(generated: Project):
    before = generated.snapshot()
    lock = generated.file(LOCK_PATH)
    lines = lock.read_text().splitlines(keepends=True)
    lock.write_text("".join(["<<<<<<< HEAD\n", *lines[:-1], "=======\n", *lines[2:], ">>>>>>> b\n"]))
    generated.generate()
    assert generated.snapshot() == before


def test_a_generated_file_that_nothing_knows_is_reported_and_kept(generated: Project):
    copy = generated.file("app/models/copy.py")
    copy.write_text('"""Copy.\n\nGenerated from resources/task.yaml. Do not edit.\n"""\n')
    generated.file("app/models/mine.py").write_text('"""Mine."""\n')
    assert generated.compare().strays == ("app/models/copy.py",)
    generated.generate()
    assert copy.exists()


def test_line_ends_of_a_checkout_are_no_edit(generated: Project):
    path = generated.file("app/models/task.py")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert generated.states() == {}
    generated.spec("task", TASK + "  extra: boolean?\n")
    assert generated.states() == {"app/models/task.py": State.STALE}


# --- targets that are no files of the project -----------------------------------------------------------------------------------------


def blocked(project: Project) -> str:
    before = project.snapshot()
    with pytest.raises(RefusedError) as refusal:
        project.generate()
    assert project.snapshot() == before
    return refusal.value.message


def test_a_link_out_of_the_project_is_refused(project: Project, tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "task.py").write_text("precious\n")
    project.file("app/models").mkdir(parents=True)
    project.file("app/models/task.py").symlink_to(outside / "task.py")
    assert "leads out of the project" in blocked(project)
    project.file("app/models/task.py").unlink()
    project.file("app/models").rmdir()
    project.file("app/models").symlink_to(outside)
    assert "leads out of the project" in blocked(project)
    assert (outside / "task.py").read_text() == "precious\n"
    assert sorted(path.name for path in outside.iterdir()) == ["task.py"]


def test_an_app_folder_that_leads_out_of_the_project_is_refused(project: Project, tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("outside")
    project.file("app").symlink_to(outside)
    assert "leads out of the project" in blocked(project)
    assert list(outside.iterdir()) == []


def test_links_inside_the_project_are_followed(project: Project):
    project.file("src/app").mkdir(parents=True)
    project.file("app").symlink_to("src/app")
    project.generate()
    assert project.file("src/app/models/task.py").is_file()
    target = project.file("shared.py")
    project.file("app/models/task.py").rename(target)
    project.file("app/models/task.py").symlink_to(target)
    project.spec("task", TASK + "  extra: boolean?\n")
    project.generate()
    assert "extra" in target.read_text()
    assert project.file("app/models/task.py").is_symlink()


@pytest.mark.parametrize("path", ["app/models/task.py", "app/models", "app", LOCK_PATH, "app/extensions/__init__.py"])
def test_a_named_pipe_in_the_place_of_a_file_or_folder_is_refused_without_hanging(project: Project, path: str):
    project.file(path).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(project.file(path))
    blocked(project)


@pytest.mark.parametrize("path", ["app/models/task.py", LOCK_PATH])
def test_a_folder_in_the_place_of_a_file_is_refused(project: Project, path: str):
    project.file(path).mkdir(parents=True)
    assert "it is a folder" in blocked(project)


def test_a_link_that_leads_nowhere_is_refused(project: Project):
    project.file("app/models").mkdir(parents=True)
    project.file("app/models/task.py").symlink_to("nowhere.py")
    assert "leads nowhere" in blocked(project)


def test_a_lock_cannot_make_us_delete_anything_outside_app(generated: Project):
    victim = generated.file("victim.py")
    victim.write_text("")
    lock = generated.file(LOCK_PATH)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    lock.write_text(lock.read_text() + f"app/../victim.py generated - {empty}\n../victim.py generated - {empty}\n")
    generated.generate()
    assert victim.exists()


def test_a_text_that_is_no_python_does_not_pass_the_formatter():
    with pytest.raises(FormatterError, match=r"Failed to parse source\.py:1:1"):
        formatted('"""')


# --- the machine refuses --------------------------------------------------------------------------------------------------------------


AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from tests.support.stand_in import Project
from generator.write import UnwritableError
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    Project(Path(sys.argv[1])).generate()
except UnwritableError as problem:
    print(problem.message, '|', problem.hint)
    sys.exit(4)
"""


@pytest.mark.parametrize(("path", "mode"), [("app", 0o555), ("app/models/task.py", 0o444)])
def test_without_permission_everything_stays_as_it_was(path: str, mode: int):
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        project.spec("task", TASK)
        project.generate()
        project.spec("task", TASK + "  extra: boolean?\n")
        before = project.snapshot()
        for place in (project.root, *(place for place in project.root.rglob("*") if place.is_dir())):
            place.chmod(0o777)
        project.file(path).chmod(mode)
        done = subprocess.run([sys.executable, "-Bc", AS_ANOTHER_USER, folder], capture_output=True, text=True, check=False, cwd=Path.cwd())
        project.file(path).chmod(0o755)
        assert (done.returncode, done.stderr) == (4, "")
        assert "ermission denied" in done.stdout
        assert "give this user write access" in done.stdout
        assert project.snapshot() == before


@pytest.mark.parametrize("at", ["first", "later"])
def test_no_room_left_leaves_everything_as_it_was_and_the_next_run_succeeds(generated: Project, at: str):
    generated.template = "v2 " + ("long " * 4000 if at == "later" else "")
    before = generated.snapshot()
    limit = 5 if at == "first" else 5000
    code = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from pathlib import Path
from tests.support.stand_in import Project
from generator.write import UnwritableError
try:
    Project(Path(sys.argv[1]), template={generated.template!r}).generate()
except UnwritableError as problem:
    sys.exit(4)
"""
    done = subprocess.run([sys.executable, "-B", "-c", code, str(generated.root)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (4, "")
    assert generated.snapshot() == before
    assert not generated.file(STAGE).exists()
    assert generated.generate()
    assert generated.states() == {}


def test_a_full_disk_is_said(project: Project, monkeypatch: pytest.MonkeyPatch):
    def full(_handle: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UnwritableError) as problem:
        project.generate()
    assert "No space left" in problem.value.message
    assert "make room" in problem.value.hint


# --- two runs at once -----------------------------------------------------------------------------------------------------------------


def test_a_second_run_waits_for_the_first(project: Project):
    waited: list[bool] = []
    entered = threading.Event()

    def other() -> None:
        with project_lock(project.root):
            entered.set()
            time.sleep(0.3)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait()
    with project_lock(project.root, waiting=lambda: waited.append(True)):
        assert waited == [True]
        assert not thread.is_alive() or thread.join(1) is None
    thread.join()


def test_a_second_run_gives_up_with_a_reason(project: Project):
    with project_lock(project.root), pytest.raises(RefusedError) as refusal, project_lock(project.root, patience=0.1):
        pass
    assert "another" in refusal.value.message


def test_readers_do_not_exclude_each_other(project: Project):
    with project_lock(project.root, shared=True), project_lock(project.root, shared=True, patience=0):
        pass
    with project_lock(project.root, shared=True), pytest.raises(RefusedError), project_lock(project.root, patience=0):
        pass


def test_the_lock_is_free_when_the_block_has_failed(project: Project):
    with pytest.raises(KeyError), project_lock(project.root):
        raise KeyError
    with project_lock(project.root, patience=0):
        pass


# --- creating -------------------------------------------------------------------------------------------------------------------------


def test_create_makes_folders_and_never_overwrites(tmp_path: Path):
    create(tmp_path, {"a/b/c.txt": b"1", "d.txt": b"2"})
    assert (tmp_path / "a/b/c.txt").read_bytes() == b"1"
    with pytest.raises(RefusedError) as refusal:
        create(tmp_path, {"d.txt": b"4", "e.txt": b"3", "a.txt": b"5"})
    assert "d.txt" in refusal.value.message
    assert (tmp_path / "d.txt").read_bytes() == b"2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d.txt"]


def test_create_goes_on_where_it_was_interrupted(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"1")
    create(tmp_path, {"a.txt": b"1", "b.txt": b"2"})
    assert (tmp_path / "b.txt").read_bytes() == b"2"


def test_create_leaves_nothing_behind_when_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableError):
        create(tmp_path, {"a.txt": b"1"})
    assert list(tmp_path.iterdir()) == []


def test_create_follows_no_link_out_of_the_folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("outside")
    (tmp_path / "app").symlink_to(outside)
    with pytest.raises(RefusedError):
        create(tmp_path, {"app/main.py": b""})
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "\n\n# moved\n" + TASK,
        "fields: {title: {type: string}, notes: {nullable: true, type: text}}\nresource: 'Task'\n",
        "resource: Task\nfields:\n    title:   string\n    notes:   { type: text, nullable: TRUE }\n",
    ],
)
def test_digests_ignore_how_a_spec_is_written(text: str):
    assert digests(text) == digests(TASK)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (TASK.replace("text?", "text"), {"fields.notes"}),
        (TASK.replace("string", '"string"') + "page: {max: 5}\n", {"page"}),
        (TASK + "  more: {type: enum, values: [1, 2]}\n", {"fields", "fields.more"}),
        (TASK.replace("title", "notes_").replace("  notes: text?\n", ""), {"fields", "fields.title", "fields.notes_", "fields.notes"}),
    ],
)
def test_digests_tell_what_changed(text: str, changed: set[str]):
    before, after = digests(TASK), digests(text)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == changed


def digests(text: str) -> dict[str, str]:
    root = load_file("resources/task.yaml", text.encode()).root
    assert root is not None
    return {name: part.digest for name, part in parts_of(root).items()}
