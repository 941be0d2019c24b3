"""Projects for tests of the command line."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from generator.cli import main
from tests.support.command import PROJECT, TASK, Folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Folder:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Folder(tmp_path, capsys)


@pytest.fixture
def specs(empty: Folder) -> Folder:
    """A project with two specs and nothing generated."""
    empty.write("resources/task.yaml", TASK)
    empty.write("resources/project.yaml", PROJECT)
    return empty


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two resources, generated once for all tests, which take copies of it."""
    root = tmp_path_factory.mktemp("generated")
    (root / "resources").mkdir()
    (root / "resources/task.yaml").write_text(TASK, encoding="utf-8")
    (root / "resources/project.yaml").write_text(PROJECT, encoding="utf-8")
    with contextlib.chdir(root):
        assert main(["generate"]) == 0
    return root


@pytest.fixture
def project(empty: Folder, generated: Path) -> Folder:
    """A project with two resources, generated."""
    shutil.copytree(generated, empty.root, dirs_exist_ok=True)
    return empty
