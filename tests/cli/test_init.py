"""`rowsmith init`: the project is complete, current with the core, and nothing of the user's is ever changed."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from generator.cli.errors import ExitCode
from generator.lock import LOCK_PATH, FileKind, digest, read_lock
from generator.scaffold import BESIDE_APP, DEPENDENCIES, NOT_CORE, core_files, project_name
from tests.support.command import Folder

ROOT = Path(__file__).resolve().parents[2]

AROUND = {
    ".env.example",
    ".github/workflows/ci.yml",
    ".gitignore",
    ".pre-commit-config.yaml",
    ".python-version",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "resources/task.yaml",
    "tests/conftest.py",
    "tests/test_api.py",
}


@pytest.fixture
def made(empty: Folder) -> Folder:
    """A new project in the current folder."""
    answer = empty.rowsmith("init")
    assert (answer.code, answer.out) == (0, "")
    return empty


def test_a_new_project_has_everything_but_what_generate_writes(made: Folder):
    paths = set(made.snapshot())
    core = {path for path in paths if path.startswith("app/") and path != LOCK_PATH}
    assert paths - core == AROUND | {LOCK_PATH}
    assert {"app/main.py", "app/config.py", "app/db/session.py", "app/middleware/auth.py", "app/api/route.py"} <= core
    assert not any(path.startswith(("app/models/", "app/routes/", "app/extensions/")) for path in core)
    assert not any("__pycache__" in path for path in paths)


def test_the_core_is_the_one_of_this_repository(made: Folder):
    tracked = subprocess.run(["git", "ls-files", "app"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    core = {path: made.file(path).read_bytes() for path in tracked if not path.startswith(NOT_CORE) and made.file(path).is_file()}
    assert core == {path: (ROOT / path).read_bytes() for path in tracked if not path.startswith(NOT_CORE)}


def test_the_wheel_packs_what_init_copies():
    source = (ROOT / "hatch_build.py").read_text()
    assert f'DEPENDENCIES = "{DEPENDENCIES}"' in source
    assert repr(BESIDE_APP).replace("'", '"') in source
    for path in NOT_CORE:
        assert f'"{path}"' in source


def test_the_lock_knows_the_core_by_its_hashes_and_generate_keeps_them(made: Folder):
    files = read_lock(made.root).lock.files
    assert {entry.kind for entry in files.values()} == {FileKind.CORE}
    assert all(entry.digests == (digest(made.file(path).read_bytes()),) for path, entry in files.items())
    assert made.rowsmith("generate").code == 0
    after = read_lock(made.root).lock.files
    assert {path: entry for path, entry in after.items() if entry.kind is FileKind.CORE} == files
    app = {path for path in made.snapshot() if path.startswith("app/") and path != LOCK_PATH}
    assert set(after) == app  # each file of app/ is of one of the three kinds


def test_generate_and_check_pass_in_a_new_project(made: Folder):
    assert made.rowsmith("fmt", "--check").code == 0
    assert made.rowsmith("generate", "--warn-as-error").code == 0
    assert made.rowsmith("check").code == 0


def test_what_the_example_spec_shows_in_its_comments_passes(made: Folder):
    spec = made.file("resources/task.yaml").read_text()
    head, _, tail = spec.partition("# What else")
    uncommented = "\n".join(line.removeprefix("# ") for line in tail.splitlines()[1:])
    made.write("resources/task.yaml", f"{head}\n{uncommented}\n")
    answer = made.rowsmith("generate", "--warn-as-error")
    assert answer.code == 0, answer.err


def test_generated_and_core_code_are_clean_by_the_projects_own_rules(made: Folder):
    made.rowsmith("generate")
    for command in (["check", "."], ["format", "--check", "."]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache"], cwd=made.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_dependencies_are_those_of_the_application(made: Folder):
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["app"]
    theirs = tomllib.loads(made.file("pyproject.toml").read_text())["project"]
    assert theirs["dependencies"] == ours
    assert made.file("requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes()


def test_the_workflow_and_the_hooks_are_valid_and_run_the_check(made: Folder):
    workflow = yaml.safe_load(made.file(".github/workflows/ci.yml").read_text())
    assert any("rowsmith check" in step.get("run", "") for step in workflow["jobs"]["check"]["steps"])
    hooks = yaml.safe_load(made.file(".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {"rowsmith-fmt", "rowsmith-check"} <= {hook["id"] for hook in hooks}
    assert all(hook["language"] == "system" for hook in hooks)


def test_no_placeholder_is_left(made: Folder):
    for path, data in made.snapshot().items():
        if not path.startswith("app/"):
            assert not re.search(rb"@[A-Z]+@", data), path


def test_secrets_and_data_are_ignored_by_git(made: Folder):
    subprocess.run(["git", "init", "-q"], cwd=made.root, check=True)
    for path in (".env", ".rowsmith/jwt_secret", ".venv/bin/python", "app/__pycache__/main.cpython-313.pyc"):
        made.write(path, "")
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=made.root, check=False).returncode == 0
    assert subprocess.run(["git", "check-ignore", "-q", "app/main.py"], cwd=made.root, check=False).returncode == 1


@pytest.mark.parametrize("target", ["shop", "a/b/shop", "My Shop"])
def test_into_another_folder(empty: Folder, target: str):
    answer = empty.rowsmith("init", target)
    assert answer.code == 0
    assert f"  cd {target!r}\n" in answer.err or f"  cd {target}\n" in answer.err
    assert empty.file(f"{target}/app/main.py").is_file()
    assert f'name = "{project_name(target.rsplit("/", maxsplit=1)[-1])}"' in empty.file(f"{target}/pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("folder", "name"), [("My Shop", "my-shop"), ("a.b_c", "a-b-c"), ("---", "api"), ("Größe", "gr-e"), ('x"]\n', "x")]
)
def test_the_projects_name(folder: str, name: str):
    assert project_name(folder) == name


def test_again_changes_nothing(made: Folder):
    before = made.snapshot()
    assert made.rowsmith("init").code == 0
    assert made.snapshot() == before


@pytest.mark.parametrize("path", ["README.md", "app/main.py", "resources/task.yaml", ".gitignore"])
def test_a_file_of_the_users_is_never_overwritten_and_nothing_else_is_written(empty: Folder, path: str):
    empty.write(path, "mine\n")
    before = empty.snapshot()
    answer = empty.rowsmith("init")
    assert answer.code == ExitCode.REFUSED
    assert f"`{path}` exists already" in answer.err
    assert empty.snapshot() == before


def test_files_that_are_not_in_the_way_stay(empty: Folder):
    empty.write("notes.txt", "mine\n")
    assert empty.rowsmith("init").code == 0
    assert empty.file("notes.txt").read_text() == "mine\n"


def test_a_file_in_the_place_of_the_folder_is_refused(empty: Folder):
    empty.write("shop", "mine\n")
    answer = empty.rowsmith("init", "shop")
    assert answer.code == ExitCode.REFUSED
    assert empty.snapshot() == {"shop": b"mine\n"}


def test_a_link_out_of_the_folder_is_not_followed(empty: Folder, tmp_path_factory: pytest.TempPathFactory):
    outside = tmp_path_factory.mktemp("outside")
    empty.file("app").symlink_to(outside)
    assert empty.rowsmith("init").code == ExitCode.REFUSED
    assert list(outside.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_the_environments_fault(empty: Folder):
    answer = empty.rowsmith("init", "/proc/shop")
    assert answer.code == ExitCode.ENVIRONMENT
    assert "hint:" in answer.err


def test_files_have_ordinary_permissions(made: Folder):
    for path in made.snapshot():
        assert stat.S_IMODE(made.file(path).stat().st_mode) & 0o444


def test_the_core_has_no_litter():
    assert not [path for path in core_files() if "__pycache__" in path or path.endswith(".pyc") or "/." in path]
