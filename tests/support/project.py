"""A copy of the example project, to run commands in."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWSMITH = (sys.executable, "-m", "generator")


def copy_project(folder: Path) -> Path:
    """Copy the specs and the application into `folder`, which is made, and return it."""
    folder.mkdir()
    for part in ("app", "resources"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def environment(**settings: str) -> dict[str, str]:
    """The environment of a command: this checkout's compiler, the folder's own application, and nothing else of the caller's."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(ROOT), **settings}


def rowsmith(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` to its end, without input."""
    return subprocess.run(
        [*ROWSMITH, *arguments],
        cwd=folder,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
