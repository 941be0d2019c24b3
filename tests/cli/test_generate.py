"""`rowsmith generate`, as a user runs it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.cli.errors import ExitCode
from tests.support.command import PROJECT, TASK, Folder

LOCK = "app/rowsmith.lock"


def assert_readable(text: str) -> None:
    """No colour, and nothing over 80 columns but the first line of a finding and lines of diffs."""
    assert "\x1b" not in text
    for line in text.splitlines():
        assert len(line) <= 80 or line.startswith(("error[", "warning[", "error:", "+", "-", " "))


def test_a_first_run_says_what_it_wrote_on_stderr(specs: Folder):
    answer = specs.rowsmith("generate")
    assert answer.code == 0
    assert answer.out == ""
    assert answer.err == (
        "+ app/extensions/__init__.py  (new; yours from now on)\n"
        "+ app/models/__init__.py  (new)\n"
        "+ app/models/project.py  (new)\n"
        "+ app/models/task.py  (new)\n"
        "+ app/routes/__init__.py  (new)\n"
        "+ app/routes/projects.py  (new)\n"
        "+ app/routes/tasks.py  (new)\n"
        "7 files changed, 0 unchanged\n"
    )


def test_of_many_new_files_the_first_few_are_named(specs: Folder):
    for number in range(20):
        specs.write(f"resources/part{number}.yaml", f"resource: Part{number}\nfields:\n  name: string\n")
    lines = specs.rowsmith("generate").err.splitlines()
    assert lines[9:] == ["+ app/models/part15.py  (new)", "+ … 37 more", "47 files changed, 0 unchanged"]


def test_a_second_run_says_that_all_is_well(project: Folder):
    before = project.snapshot()
    answer = project.rowsmith("generate")
    assert (answer.code, answer.err) == (0, "app/ is up to date: 7 files\n")
    assert project.snapshot() == before


def test_a_new_field_changes_the_models_and_nothing_that_does_not_depend_on_it(project: Folder):
    before = project.snapshot()
    project.replace("resources/task.yaml", "  notes: text?\n", "  notes: text?\n  estimate: {type: integer, ge: 1}\n")
    answer = project.rowsmith("generate")
    assert "~ app/models/task.py  (resources/task.yaml:6 `estimate` was added)\n" in answer.err
    after = project.snapshot()
    changed = {path for path in after if after[path] != before[path]}
    assert {"resources/task.yaml", "app/models/task.py", LOCK} <= changed
    assert not {path for path in changed if "project" in path}
    compile(after["app/models/task.py"], "task.py", "exec")


def test_diff_goes_to_stdout_applies_as_a_patch_and_nothing_is_written(project: Folder, tmp_path_factory: pytest.TempPathFactory):
    project.replace("resources/task.yaml", "max_length: 200", "max_length: 100")
    project.write("resources/word.yaml", "resource: Word\nfields:\n  text: string\n")
    project.file("resources/project.yaml").unlink()
    before = project.snapshot()
    answer = project.rowsmith("generate", "--diff")
    assert answer.code == 0
    assert project.snapshot() == before
    assert answer.out.startswith("--- a/app/models/__init__.py\n+++ b/app/models/__init__.py\n@@ ")
    assert "--- /dev/null\n+++ b/app/models/word.py\n" in answer.out
    assert "--- a/app/models/project.py\n+++ /dev/null\n" in answer.out
    assert "nothing was written" in answer.err
    copy = tmp_path_factory.mktemp("copy")
    for path, data in before.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(data)
    subprocess.run(["git", "apply", "-"], input=answer.out, text=True, cwd=copy, check=True)
    project.rowsmith("generate")
    after = project.snapshot()
    assert {path: data for path, data in after.items() if path != LOCK} == {
        path.relative_to(copy).as_posix(): path.read_bytes() for path in copy.rglob("*") if path.is_file() and path.name != "rowsmith.lock"
    }


def test_diff_of_a_current_project_is_empty(project: Folder):
    answer = project.rowsmith("generate", "--diff")
    assert (answer.code, answer.out) == (0, "")


def test_dry_run_lists_and_writes_nothing(specs: Folder):
    before = specs.snapshot()
    answer = specs.rowsmith("generate", "--dry-run")
    assert answer.code == 0
    assert "+ app/models/task.py  (new)\n" in answer.err
    assert "7 files would change, nothing was written" in answer.err
    assert specs.snapshot() == before


def test_a_hand_edit_is_refused_with_a_diff_and_the_place_to_extend(project: Folder):
    project.replace("app/models/task.py", "class TaskCreate(", "MINE = 1\n\n\nclass TaskCreate(")
    project.replace("resources/project.yaml", "name: string", "name: text")
    before = project.snapshot()
    answer = project.rowsmith("generate")
    assert answer.code == ExitCode.REFUSED
    assert answer.out == ""
    assert "error[RS713]: `app/models/task.py` was edited by hand" in answer.err
    assert "+MINE = 1\n" in answer.err
    assert "app/extensions/task.py" in answer.err
    assert "`rowsmith generate --force app/models/task.py`" in answer.err
    assert "nothing was written" in answer.err
    assert_readable(answer.err)
    assert project.snapshot() == before


def test_the_refusal_is_a_finding_for_programs_too(project: Folder):
    project.write("app/models/task.py", "MINE = 1\n")
    answer = project.rowsmith("generate", "--format", "json")
    assert answer.code == ExitCode.REFUSED
    assert [finding["code"] for finding in json.loads(answer.out)] == ["RS713"]


def test_dry_run_and_diff_end_as_the_run_itself_would(project: Folder):
    project.write("app/models/task.py", "MINE = 1\n")
    for option in ("--dry-run", "--diff"):
        answer = project.rowsmith("generate", option)
        assert answer.code == ExitCode.REFUSED
        assert project.file("app/models/task.py").read_text() == "MINE = 1\n"
    assert "-MINE = 1\n" in answer.out


def test_force_discards_the_edit_of_the_named_file(project: Folder):
    before = project.snapshot()
    project.write("app/models/task.py", "MINE = 1\n")
    answer = project.rowsmith("generate", "--force", "app/models/task.py")
    assert answer.code == 0
    assert "~ app/models/task.py  (edited by hand; forced)" in answer.err
    assert project.snapshot() == before


@pytest.mark.parametrize("spelling", ["./app/models/task.py", "app/../app/models/task.py", "{root}/app/models/task.py"])
def test_force_takes_the_path_as_a_shell_completes_it(project: Folder, spelling: str):
    project.write("app/models/task.py", "MINE = 1\n")
    assert project.rowsmith("generate", "--force", spelling.format(root=project.root)).code == 0


def test_force_of_another_path_is_wrong_usage_with_a_suggestion(project: Folder):
    answer = project.rowsmith("generate", "--force", "app/models/tsak.py")
    assert answer.code == ExitCode.USAGE
    assert "`--force app/models/task.py`" in answer.err
    assert project.rowsmith("generate", "--force", "/etc/passwd").code == ExitCode.USAGE
    assert project.rowsmith("generate", "--force", "").code == ExitCode.USAGE
    assert project.rowsmith("generate", "--force", "app/main.py").code == ExitCode.USAGE


def test_force_of_one_file_does_not_overwrite_another(project: Folder):
    project.write("app/models/task.py", "MINE = 1\n")
    project.write("app/routes/tasks.py", "MINE = 2\n")
    answer = project.rowsmith("generate", "--force", "app/models/task.py")
    assert answer.code == ExitCode.REFUSED
    assert "app/routes/tasks.py" in answer.err
    assert project.file("app/models/task.py").read_text() == "MINE = 1\n"


def test_merge_conflicts_in_generated_files_and_lock_are_cured(project: Folder):
    clean = project.snapshot()
    text = project.file("app/models/task.py").read_text()
    project.write("app/models/task.py", f"<<<<<<< HEAD\n{text}=======\nother\n>>>>>>> branch\n")
    lock = project.file(LOCK).read_text()
    project.write(LOCK, f"<<<<<<< HEAD\n{lock}=======\n{lock.replace('generated', 'generated')}>>>>>>> branch\n")
    answer = project.rowsmith("generate")
    assert answer.code == ExitCode.REFUSED
    assert "unresolved merge conflict" in answer.err
    assert project.rowsmith("generate", "--force", "app/models/task.py").code == 0
    assert project.snapshot() == clean


def test_invalid_specs_end_with_2_and_all_errors(project: Folder):
    before = project.snapshot()
    project.replace("resources/task.yaml", "text?", "txt")
    project.replace("resources/project.yaml", "string", "strin")
    answer = project.rowsmith("generate")
    assert answer.code == ExitCode.USAGE
    assert "resources/task.yaml:5" in answer.err
    assert "resources/project.yaml:3" in answer.err
    assert "nothing was written" in answer.err
    assert_readable(answer.err)
    assert {path: data for path, data in project.snapshot().items() if path.startswith("app")} == {
        path: data for path, data in before.items() if path.startswith("app")
    }


def test_warnings_pass_unless_they_count_as_errors(specs: Folder):
    specs.write("resources/task.yaml", TASK + "  api_key: {type: string, default: sk-live-4eC39HqLyjWDarjtT1zdp7dc}\n")
    answer = specs.rowsmith("generate", "--warn-as-error")
    assert answer.code == ExitCode.USAGE
    assert "warning[" in answer.err
    assert not specs.file("app").exists()
    assert specs.rowsmith("generate").code == 0


def test_a_folder_without_specs_is_no_project(empty: Folder):
    answer = empty.rowsmith("generate")
    assert answer.code == ExitCode.USAGE
    assert "rowsmith init" in answer.err
    assert empty.snapshot() == {}


def test_a_lock_of_a_newer_version_stops_the_run(project: Folder):
    project.replace(LOCK, "rowsmith.lock 1", "rowsmith.lock 9")
    before = project.snapshot()
    answer = project.rowsmith("generate")
    assert answer.code == ExitCode.REFUSED
    assert "RS703" in answer.err
    assert project.snapshot() == before


@pytest.mark.parametrize("damage", ["", "\x00\x01", "nonsense\n", "rowsmith.lock 1\n"])
def test_a_damaged_lock_is_written_anew(project: Folder, damage: str):
    before = project.snapshot()
    project.write(LOCK, damage)
    answer = project.rowsmith("generate")
    assert (answer.code, answer.err) == (0, "app/ was up to date; its lock was written anew\n")
    assert project.snapshot() == before


def test_a_frozen_plural_outlives_a_change_of_the_inflection(project: Folder):
    project.replace(LOCK, "plural Task tasks", "plural Task taskses")
    answer = project.rowsmith("generate")
    assert answer.code == 0
    assert "+ app/routes/taskses.py" in answer.err
    assert "plural Task taskses\n" in project.file(LOCK).read_text()
    project.write("resources/task.yaml", TASK.replace("fields:", "plural: todos\nfields:"))
    assert "+ app/routes/todos.py" in project.rowsmith("generate").err


def test_hooks_get_a_stub_once(project: Folder):
    project.write("resources/task.yaml", TASK + "hooks: [before_create]\n")
    assert "+ app/extensions/task.py  (new; yours from now on)" in project.rowsmith("generate").err
    project.write("app/extensions/task.py", "# mine\n")
    project.write("resources/task.yaml", TASK + "hooks: [before_create, after_commit]\n")
    assert project.rowsmith("generate").code == 0
    assert project.file("app/extensions/task.py").read_text() == "# mine\n"


def test_an_unwritable_folder_is_the_environments_fault(project: Folder):
    project.file("app/models/task.py").unlink()
    project.file("app/models/task.py").symlink_to("/proc/self/cmdline")
    answer = project.rowsmith("generate")
    assert answer.code == ExitCode.REFUSED  # a link out of the project is never followed
    assert "leads out of the project" in answer.err


def test_a_read_only_project_ends_with_4(project: Folder):
    project.replace("resources/task.yaml", "max_length: 200", "max_length: 100")
    code = (
        "import os, sys, generator.cli\n"
        "generator.cli.main(['generate', '--dry-run'])\n"  # loads what the other user may not be able to read
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(generator.cli.main(['generate']))"
    )
    folders = [project.root, *project.root.parents, *(path for path in project.root.rglob("*") if path.is_dir())]
    before = [(folder, folder.stat().st_mode) for folder in folders]
    try:
        for folder, mode in before:
            if folder.owner() == project.root.owner():
                folder.chmod((mode | 0o555) & ~(0o222 if folder.is_relative_to(project.root) else 0))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HOME": "/tmp"}
        done = subprocess.run([sys.executable, "-Bc", code], cwd=project.root, capture_output=True, text=True, check=False, env=environment)
    finally:
        for folder, mode in before:
            folder.chmod(mode)
    assert done.returncode == ExitCode.ENVIRONMENT, done.stderr
    assert "cannot be written" in done.stderr
    assert "hint: give this user write access" in done.stderr


# --- two at once, and watching --------------------------------------------------------------------------------------------------------


def test_two_runs_at_once_give_one_result(specs: Folder):
    command = [sys.executable, "-m", "generator", "generate"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    both = [subprocess.Popen(command, cwd=specs.root, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    answers = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert sorted("new" in answer for answer in answers) == [False, True]
    assert specs.rowsmith("check").code == 0


def test_a_run_that_has_to_wait_says_so(project: Folder):
    handle = os.open(project.root, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        command = [sys.executable, "-m", "generator", "generate"]
        process = subprocess.Popen(command, cwd=project.root, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting for another run of rowsmith to end …\n"
    finally:
        os.close(handle)
    assert "up to date" in process.communicate(timeout=30)[1]


@contextmanager
def watching(project: Folder) -> Generator[Path]:
    """`generate --watch` in the background; gives the file that its output goes to."""
    log = project.root.parent / "watch.log"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with log.open("w") as output:
        command = [sys.executable, "-m", "generator", "generate", "--watch"]
        process = subprocess.Popen(command, cwd=project.root, stderr=output, env=environment)
    try:
        yield log
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == ExitCode.INTERRUPTED
        assert "Traceback" not in log.read_text()


def wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def test_watch_survives_invalid_specs_and_goes_on(project: Folder):
    with watching(project) as log:
        wait_for(log, "watching resources/")
        project.write("resources/task.yaml", TASK + "  broken: strin\n")
        wait_for(log, "nothing was written")
        project.write("app/models/project.py", "MINE = 1\n")
        project.write("resources/task.yaml", TASK + "  mended: string\n")
        wait_for(log, "RS713")
        project.file("app/models/project.py").unlink()
        project.write("resources/task.yaml", TASK + "  place: string\n")
        wait_for(log, "`place` was added")
    assert "place" in project.file("app/models/task.py").read_text()


def test_watch_survives_the_folder_of_specs_being_replaced(project: Folder):
    with watching(project) as log:
        wait_for(log, "watching resources/")
        project.file("resources").rename(project.file("aside"))
        time.sleep(1)
        project.write("resources/project.yaml", PROJECT + "  place: string\n")
        project.write("resources/task.yaml", TASK)
        wait_for(log, "`place` was added")


def test_watch_does_not_go_with_options_that_write_nothing(project: Folder):
    assert project.rowsmith("generate", "--watch", "--diff").code == ExitCode.USAGE


def test_help_fits_80_columns(empty: Folder):
    answer = empty.rowsmith("generate", "--help")
    assert answer.code == 0
    assert re.search(r"--force +.*PATH|--force PATH", answer.out)
    assert all(len(line) <= 80 for line in answer.out.splitlines())


def test_the_schema_for_editors_is_kept_where_specs_point_to(specs: Folder):
    schema = specs.file(".rowsmith/resource.schema.json")
    specs.rowsmith("generate", "--dry-run")
    assert not schema.exists()
    specs.rowsmith("generate")
    assert schema.read_text() == specs.rowsmith("schema").out
    schema.write_text("{")
    specs.rowsmith("generate")
    assert schema.read_text() == specs.rowsmith("schema").out


def test_a_project_whose_schema_cannot_be_kept_is_generated_all_the_same(specs: Folder):
    specs.write(".rowsmith", "a file")
    assert specs.rowsmith("generate").code == 0
