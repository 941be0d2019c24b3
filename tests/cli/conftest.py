"""Projects for tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.fixture
def project(specs: Folder) -> Folder:
    """A project with two resources, generated."""
    assert specs.rowsmith("generate").code == 0
    return specs
