"""The wheel in an empty virtual environment, with nothing but what it asks for: from `init` to a served row; then the app without it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Generator
from pathlib import Path

import pytest

from generator.scaffold import core_files
from tests.support.database import temporary_folder

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV", "DATABASE_URL", "JWT_SECRET"}}


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """Run a command; gives its output, both streams."""
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == code, done.stdout
    return done.stdout


def environment(folder: Path, *what: str) -> Path:
    """A new virtual environment with these packages, from uv's cache where it has them; gives its folder of programs."""
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, folder, cwd=ROOT)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", folder / "bin/python", *what]
    if subprocess.run([*install, "--offline"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, check=False).returncode != 0:
        run(*install, cwd=ROOT)
    return folder / "bin"


@pytest.fixture(scope="module")
def folder() -> Generator[Path]:
    """Where everything happens: PostgreSQL's own user must be able to enter it when the tests run as root."""
    with temporary_folder() as path:
        yield path


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", ROOT, cwd=folder)
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def programs(folder: Path, wheel: Path) -> Path:
    """The programs of an environment that holds the wheel, what it needs, and pytest."""
    return environment(folder / "venv", str(wheel), "pytest", "--constraints", "requirements-dev.txt")


@pytest.fixture(scope="module")
def project(folder: Path, programs: Path) -> Path:
    """A new project, generated and checked."""
    run(programs / "rowsmith", "init", "shop", cwd=folder)
    shop = folder / "shop"
    run(programs / "rowsmith", "generate", cwd=shop)
    assert "app/ is up to date" in run(programs / "rowsmith", "check", cwd=shop)
    return shop


def test_the_wheel_holds_the_compiler_and_the_core_and_no_litter(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        packed = {name.removeprefix("generator/_project/") for name in names if name.startswith("generator/_project/")}
        core = core_files()
        assert packed == {*core, "pyproject.toml"}
        for path, data in core.items():
            assert archive.read(f"generator/_project/{path}") == data
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "generator/templates").rglob("*.j2")}
    assert templates <= names
    assert {name.split("/")[0] for name in names if not name.startswith("rowsmith-")} == {"generator"}
    assert not [name for name in names if "__pycache__" in name or "tests/" in name]


def test_the_example_is_served_and_answers(project: Path, programs: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = project / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [programs / "rowsmith", "serve", "--port", str(port)], cwd=project, env=ENVIRONMENT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 60
        while "curl -i " not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").status == 200
        curl = next(line for line in log.read_text().splitlines() if line.startswith("curl -i "))
        assert "201 Created" in run("sh", "-c", curl, cwd=project)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_the_new_projects_own_tests_pass(project: Path, programs: Path):
    assert "4 passed" in run(programs / "python", "-m", "pytest", "-q", cwd=project)


def test_another_resource_is_a_command_and_two_more(project: Path, programs: Path):
    run(programs / "rowsmith", "new", "Project", "name:string:80", cwd=project)
    assert "RS710" in run(programs / "rowsmith", "check", cwd=project, code=1)
    run(programs / "python", "-m", "generator", "generate", cwd=project)
    run(programs / "rowsmith", "check", cwd=project)


def test_the_application_runs_without_the_generator(project: Path, folder: Path):
    programs = environment(folder / "production", "--requirements", str(project / "requirements.txt"))
    run(programs / "python", "-c", "import generator", cwd=project, code=1)
    settings = "import os; os.environ.update(DATABASE_URL='postgresql://a@localhost/b', JWT_SECRET=os.urandom(40).hex())"
    code = f"{settings}\nimport app.main; app.main.app"
    run(programs / "python", "-c", code, cwd=project)
