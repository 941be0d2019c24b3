"""Copies of the project with a part of it taken out, to see who notices."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.database import temporary_folder
from tests.support.serving import APP_ROOT


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement: `source` must stand in `file` exactly once."""

    file: str
    source: str
    replacement: str

    def apply(self, root: Path) -> None:
        """Make it in the project at `root`; AssertionError when the text is not there, or more than once."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        assert text.count(self.source) == 1, f"{self.file} has {text.count(self.source)} times: {self.source}"
        path.write_text(text.replace(self.source, self.replacement), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A guard taken away: after its edits, each of the tests named in `red` must fail."""

    guard: str
    edits: tuple[Edit, ...]
    red: tuple[str, ...]

    def __str__(self) -> str:
        return self.guard

    def apply(self, root: Path) -> None:
        """Change the project at `root`; AssertionError for a text that does not occur exactly once."""
        for edit in self.edits:
            edit.apply(root)


def copy_app(folder: Path) -> None:
    """Copy the app that is tested into `folder`; its compiled modules are shared, and stay valid for what is not changed."""
    for path, folders, files in os.walk(APP_ROOT / "app"):
        copy = folder / Path(path).relative_to(APP_ROOT)
        copy.mkdir()
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            (copy / "__pycache__").symlink_to(Path(path).resolve() / "__pycache__")
        for name in files:
            shutil.copy2(Path(path) / name, copy / name)


@contextmanager
def mutated_project(*edits: Edit) -> Generator[Path]:
    """A folder with the app and the edits made. PYTHONPATH=<folder> serves it; PYTHONDONTWRITEBYTECODE keeps the original's modules."""
    with temporary_folder() as folder:
        copy_app(folder)
        for edit in edits:
            edit.apply(folder)
        yield folder
