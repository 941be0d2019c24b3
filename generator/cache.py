"""The user's cache folder, where what earlier runs found out is kept, and what of this compiler that depends on.

Nothing is ever kept in the project: a repository cannot say of itself what it compiles to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import generator

PACKAGES = ("inflection", "jinja2", "pydantic", "pyyaml", "ruff")
"""Packages that shape what the compiler writes."""


def cache_folder() -> Path:
    """`~/.cache/rowsmith`, which need not exist. RuntimeError: the user has no home."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (folder if folder.is_absolute() else Path.home() / ".cache") / "rowsmith"


@cache
def compiler_state(version: str) -> str:
    """A digest of the compiler of that version: its sources and the packages that shape what it writes. OSError: it cannot be read."""
    folder = Path(generator.__file__).parent
    digest = sha256("\0".join((version, sys.version, *(metadata.version(package) for package in PACKAGES))).encode())
    for path in sorted(_files(os.fspath(folder))):
        with open(path, "rb") as file:  # noqa: PTH123 - 200 files, read in 8 ms
            digest.update(os.fsencode(f"\0{path}\0") + sha256(file.read()).digest())
    return digest.hexdigest()


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield entry.path
            elif entry.name != "__pycache__":
                yield from _files(entry.path)
