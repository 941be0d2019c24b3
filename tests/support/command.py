"""Runs the command line inside the test process, in a project of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.cli import main

TASK = """\
resource: Task
description: Something to get done.
fields:
  title: {type: string, max_length: 200}
  notes: text?
"""
PROJECT = "resource: Project\nfields:\n  name: string\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass
class Folder:
    """A project's folder, which is the current one."""

    root: Path
    capture: pytest.CaptureFixture[str]

    def rowsmith(self, *arguments: str) -> Answer:
        """Run `rowsmith` with these arguments. No answer has a traceback."""
        self.capture.readouterr()
        code = main(list(arguments))
        out, err = self.capture.readouterr()
        assert "Traceback" not in out + err
        return Answer(code, out, err)

    def file(self, path: str) -> Path:
        """A place in the project."""
        return self.root / path

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        self.file(path).parent.mkdir(parents=True, exist_ok=True)
        self.file(path).write_text(text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that the file holds."""
        text = self.file(path).read_text(encoding="utf-8")
        assert old in text
        self.file(path).write_text(text.replace(old, new), encoding="utf-8")

    def snapshot(self) -> dict[str, bytes]:
        """Every file of the project."""
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}
