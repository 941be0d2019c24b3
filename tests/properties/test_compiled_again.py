"""Whatever is done to specs, one edit after the other: what is compiled with a memory is what is compiled without one.

ROWSMITH_TEST_CASES is how many walks of ten edits there are.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import pipeline
from generator.memory import recall
from generator.pipeline import Build, compile_project
from tests.properties.test_generated_specs import DETERMINISTIC
from tests.support.database import temporary_folder
from tests.support.edits import as_files, edits, starts

CASES = int(os.environ.get("ROWSMITH_TEST_CASES", "1"))
EDITS = 10


def compiled(root: Path, *, remembered: bool) -> Build:
    """What the project at `root` is compiled to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "WORTH_IT", 1 if remembered else 1000)
        return compile_project(root)


@settings(DETERMINISTIC, max_examples=CASES)
@given(starts(), st.data())
def test_a_walk_of_edits(trees: dict[str, dict[str, object]], data: st.DataObject) -> None:
    with temporary_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        root = folder / "project"
        for _ in range(EDITS):
            write(root / "resources", {f"{module}.yaml": text for module, text in as_files(trees).items()})
            expected = compiled(root, remembered=False)
            assert compiled(root, remembered=True) == expected
            assert recall(root).specs.keys() == expected.parts.keys()
            write(root, {file.path: file.text for file in expected.files})
            _, trees = data.draw(edits(trees))


def write(folder: Path, files: dict[str, str]) -> None:
    """Bring the files of a folder to these texts; files that are not named stay, except specs."""
    for path in folder.glob("*.yaml"):
        path.unlink()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
