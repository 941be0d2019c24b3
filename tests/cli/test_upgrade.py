"""`rowsmith upgrade` in a project of an older version: what nobody touched follows, what somebody edited stays."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from generator.cli import main
from generator.lock import LOCK_PATH, read_lock
from tests.support.command import Folder
from tests.support.project import environment

LIMITS = "app/middleware/limits.py"
CORS = "app/middleware/cors.py"
OLD = "app/api/old.py"


def made_by_an_older_version(project: Folder, path: str, text: str | None) -> None:
    """Let a core file be what an older version wrote (None: it had no such file)."""
    lock = project.file(LOCK_PATH).read_text()
    lines = [line for line in lock.splitlines() if not line.startswith(f"{path} ")]
    if text is None:
        project.file(path).unlink()
    else:
        project.write(path, text)
        lines.append(f"{path} core - {hashlib.sha256(text.encode()).hexdigest()}")
    project.write(LOCK_PATH, "\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project, generated once for all tests, which take copies of it."""
    root = tmp_path_factory.mktemp("made")
    with contextlib.chdir(root):
        assert [main(["init"]), main(["generate"])] == [0, 0]
    return root


@pytest.fixture
def current(empty: Folder, made: Path) -> Folder:
    """A new project, generated."""
    shutil.copytree(made, empty.root, dirs_exist_ok=True)
    return empty


@pytest.fixture
def older(current: Folder) -> Folder:
    """A project of an older version, in which three core files were others, and one of today's was missing."""
    made_by_an_older_version(current, LIMITS, "LIMIT = 1\n")
    made_by_an_older_version(current, CORS, "ORIGINS = []\n")
    made_by_an_older_version(current, OLD, "OLD = True\n")
    made_by_an_older_version(current, "app/ids.py", None)
    return current


def test_of_this_version_nothing_changes(current: Folder) -> None:
    before = current.snapshot()
    answer = current.rowsmith("upgrade")
    assert (answer.code, answer.out) == (0, "")
    assert "the core is that of Rowsmith" in answer.err
    assert current.snapshot() == before


def test_what_nobody_touched_follows(older: Folder) -> None:
    answer = older.rowsmith("upgrade")
    assert answer.code == 0, answer.err
    assert f"~ {LIMITS}\n" in answer.err
    assert f"- {OLD}  (no part of the core any more)\n" in answer.err
    assert "+ app/ids.py  (new)\n" in answer.err
    assert "4 core files changed" in answer.err
    assert older.rowsmith("check").code == 0
    assert older.rowsmith("upgrade").err.startswith("the core is that of")
    assert not older.file(OLD).exists()
    assert OLD not in read_lock(older.root).lock.files


@pytest.mark.parametrize("option", ["--dry-run", "--diff"])
def test_without_writing(older: Folder, option: str) -> None:
    before = older.snapshot()
    answer = older.rowsmith("upgrade", option)
    assert answer.code == 0
    assert "4 core files would change, nothing was written" in answer.err
    assert older.snapshot() == before
    if option == "--diff":
        assert "\n-LIMIT = 1\n" in answer.out
        assert "+++ /dev/null\n" in answer.out


def test_what_somebody_edited_stays_and_is_shown_until_it_is_merged(older: Folder) -> None:
    edited = "LIMIT = 1\nOURS = True\n"
    older.write(LIMITS, edited)
    for _ in range(2):
        answer = older.rowsmith("upgrade")
        assert answer.code == 3
        assert f"error[RS750]: `{LIMITS}` was edited by hand" in answer.err
        assert "-OURS = True" in answer.err
        assert older.file(LIMITS).read_text() == edited
        assert older.file(CORS).read_text() != "ORIGINS = []\n"
    assert older.rowsmith("upgrade", "--keep", LIMITS).code == 0
    assert older.rowsmith("upgrade").code == 0
    assert older.file(LIMITS).read_text() == edited


def test_what_somebody_edited_is_replaced_by_force_alone(older: Folder) -> None:
    older.write(LIMITS, "mine\n")
    older.write(OLD, "mine\n")
    answer = older.rowsmith("upgrade", "--format", "json")
    assert answer.code == 3
    assert [code in answer.out for code in ("RS750", "RS751")] == [True, True]
    assert older.rowsmith("upgrade", "--force", LIMITS, "--force", OLD).code == 0
    assert b"mine" not in older.file(LIMITS).read_bytes()
    assert not older.file(OLD).exists()


@pytest.mark.parametrize("option", ["--force", "--keep"])
def test_an_empty_path_is_wrong_usage(current: Folder, option: str) -> None:
    assert current.rowsmith("upgrade", option, "").code == 2


def test_an_edit_of_what_this_version_leaves_as_it_was_is_no_finding(current: Folder) -> None:
    current.write(LIMITS, current.file(LIMITS).read_text() + "OURS = True\n")
    before = current.snapshot()
    assert current.rowsmith("upgrade").code == 0
    assert current.snapshot() == before


def test_a_file_of_the_users_where_a_core_file_belongs_now(older: Folder) -> None:
    older.write("app/ids.py", "mine\n")
    answer = older.rowsmith("upgrade")
    assert answer.code == 3
    assert "a file of yours stands there" in answer.err
    assert older.file("app/ids.py").read_text() == "mine\n"


def test_a_core_file_that_is_missing_comes_back(current: Folder) -> None:
    current.file(LIMITS).unlink()
    assert f"+ {LIMITS}  (was missing)" in current.rowsmith("upgrade").err
    assert current.file(LIMITS).is_file()


def test_generated_files_hooks_and_revisions_are_left_alone(older: Folder) -> None:
    older.write("app/models/task.py", "edited\n")
    older.write("app/extensions/__init__.py", "# mine\n")
    assert older.rowsmith("db", "revision").code == 0
    theirs = {
        path: data for path, data in older.snapshot().items() if path.startswith(("app/models", "app/extensions", "app/db/migrations/v"))
    }
    assert older.rowsmith("upgrade").code == 0
    after = older.snapshot()
    assert {path: after[path] for path in theirs} == theirs


@pytest.mark.parametrize("option", ["--force", "--keep"])
def test_a_path_that_was_not_edited_is_refused(older: Folder, option: str) -> None:
    answer = older.rowsmith("upgrade", option, LIMITS)
    assert answer.code == 2
    assert "is no core file that was edited" in answer.err
    assert older.file(LIMITS).read_text() == "LIMIT = 1\n"


def test_a_link_out_of_the_project_is_not_followed(older: Folder, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "limits.py"
    outside.write_text("theirs\n")
    older.file(LIMITS).unlink()
    older.file(LIMITS).symlink_to(outside)
    answer = older.rowsmith("upgrade")
    assert answer.code == 3
    assert "a symbolic link leads out of the project" in answer.err
    assert outside.read_text() == "theirs\n"
    assert older.file(CORS).read_text() == "ORIGINS = []\n"


def test_where_there_is_no_project(empty: Folder) -> None:
    answer = empty.rowsmith("upgrade")
    assert answer.code == 2
    assert "rowsmith init" in answer.err


def test_rowsmiths_own_core_is_not_upgraded(monkeypatch: pytest.MonkeyPatch, empty: Folder) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    answer = empty.rowsmith("upgrade")
    assert answer.code == 2
    assert "Rowsmith's own repository" in answer.err


KILLED = """
import os, signal, sys
from generator.cli import main
calls, replace = 0, os.replace
def dying(*arguments):
    global calls
    calls += 1
    if calls > int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*arguments)
os.replace = dying
sys.exit(main(["upgrade"]))
"""


@pytest.mark.parametrize("survived", [1, 2, 4])
def test_a_run_that_is_killed_is_completed_by_the_next_one(older: Folder, survived: int) -> None:
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(survived)], cwd=older.root, env=environment(), capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL
    answer = older.rowsmith("upgrade")
    assert answer.code == 0, answer.err
    assert older.rowsmith("check").code == 0
    assert older.rowsmith("upgrade").err.startswith("the core is that of")
    assert older.file(LIMITS).read_bytes() != b"LIMIT = 1\n"
    assert not older.file(OLD).exists()
