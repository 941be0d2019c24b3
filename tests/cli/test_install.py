"""`make install`: what it says where it cannot go on, and that it does nothing twice. That it works is how these tests got here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.serving import ROOT

TOOLS = ("sh", "cat", "cksum", "dirname", "awk", "sed", "grep", "mkdir", "rm", "tail", "env")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a fresh clone has of an installation, and a `bin` with no Python, as the whole PATH."""
    (tmp_path / "clone" / "tools").mkdir(parents=True)
    for name in ("pyproject.toml", "requirements-dev.txt", ".python-version", "tools/install.sh"):
        shutil.copy(ROOT / name, tmp_path / "clone" / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path / "clone"


def install(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{clone.parent / 'bin'}"
    command = [str(shutil.which("sh")), str(clone / "tools" / "install.sh")]
    return subprocess.run(
        command, cwd="/", env={"PATH": path, "HOME": str(clone.parent), **environment}, capture_output=True, text=True, check=False
    )


def program(clone: Path, name: str, text: str) -> None:
    path = clone.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.skipif(Path("/usr/bin/python3").exists(), reason="a Python is found where systems keep theirs")
def test_no_python_at_all(clone: Path) -> None:
    answer = install(clone)
    assert answer.returncode == 4
    assert "install python3" in answer.stderr


def test_a_python_with_neither_venv_nor_pip(clone: Path) -> None:
    program(clone, "python3", f'case "$*" in *"-m "*) exit 1;; esac\nexec {sys.executable} "$@"')
    answer = install(clone)
    assert answer.returncode == 4
    assert "has neither venv nor pip" in answer.stderr
    assert "apt install python3-venv" in answer.stderr
    assert not (clone / ".uv").exists()


def test_no_network(clone: Path) -> None:
    program(clone, "python3", f'exec {sys.executable} "$@"')
    answer = install(clone, PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0", PIP_CONFIG_FILE="/dev/null", PIP_NO_CACHE_DIR="1")
    assert answer.returncode == 4
    assert "error: uv could not be fetched" in answer.stderr
    assert "check the network" in answer.stderr


def test_packages_that_cannot_be_had(clone: Path) -> None:
    program(clone, "uv", f'case "$1" in --version) exit 0;; venv) {sys.executable} -m venv --without-pip .venv;; *) exit 1;; esac')
    answer = install(clone)
    assert answer.returncode == 4
    assert "the packages of requirements-dev.txt could not be installed" in answer.stderr
    assert not (clone / ".venv" / ".installed").exists()


def test_what_is_installed_is_not_installed_again() -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    if subprocess.run(["sh", "tools/install.sh"], cwd=ROOT, env=environment, check=False, capture_output=True).returncode != 0:
        pytest.skip("this environment was not made by make install")
    began = time.monotonic()
    again = subprocess.run(["sh", "tools/install.sh"], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert time.monotonic() - began < 1
    assert again.stdout + again.stderr == ""
