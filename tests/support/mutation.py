"""Copies of the project with a part of it taken out, to see who notices."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.database import temporary_folder
from tests.support.serving import ROOT

PARTS = ("app", "generator", "resources", "tests", "pyproject.toml")


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


@contextmanager
def mutated_project(*edits: Edit, parts: tuple[str, ...] = ("app",)) -> Generator[Path]:
    """A folder with `parts` of the project and the edits made; PYTHONPATH=<folder> serves its app."""
    with temporary_folder() as folder:
        for part in parts:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part)  # with the compiled modules, which stay valid
            else:
                shutil.copy2(ROOT / part, folder / part)
        for edit in edits:
            edit.apply(folder)
        yield folder
