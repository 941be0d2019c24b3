"""What is said about each broken project, to the letter: see conftest.py."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator.codes import CODES
from generator.diagnostics import render_text
from generator.files import source_reader
from generator.pipeline import load_schema

HERE = Path(__file__).parent
CASES = sorted(folder for folder in HERE.glob("RS*") if (folder / "resources").is_dir())
GENERATOR = HERE.parents[1] / "generator"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_text_is_as_expected(case: Path, update: bool) -> None:
    schema, diagnostics = load_schema(case)
    text = render_text(diagnostics, source_reader(case))
    expected = case / "expected.txt"
    if update:
        expected.write_text(text, encoding="utf-8")
    code = case.name.partition("_")[0]
    assert code in {diagnostic.code for diagnostic in diagnostics}
    assert text == expected.read_text(encoding="utf-8")
    assert (schema is None) == any(diagnostic.severity == "error" for diagnostic in diagnostics)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_finding_has_a_place_a_hint_or_a_label_and_fits_the_screen(case: Path) -> None:
    for diagnostic in load_schema(case)[1]:
        assert diagnostic.span is not None
        assert diagnostic.hint or diagnostic.label
        assert not diagnostic.message.endswith((".", "!", "\n"))
        text = render_text([diagnostic], source_reader(case))
        assert all(len(line) <= 80 for line in text.splitlines()[1:] if "…" not in line and not re.match(r"  resources/\S+:\d", line))


def test_the_command_line_prints_the_same_and_ends_with_2(tmp_path: Path) -> None:
    case = HERE / "RS133_repeated_key"
    shutil.copytree(case / "resources", tmp_path / "resources")
    ran = subprocess.run([sys.executable, "-m", "generator", "check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith((case / "expected.txt").read_text(encoding="utf-8"))


def used_codes() -> set[str]:
    """Every code that is a string in generator/, aside from its documentation."""
    used: set[str] = set()
    for file in GENERATOR.rglob("*.py"):
        if file.name != "codes.py":
            strings = (node.value for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant))
            used |= {value for value in strings if isinstance(value, str) and re.fullmatch(r"RS\d{3}", value)}
    return used


def test_every_code_that_is_used_is_documented_and_the_other_way_round() -> None:
    assert used_codes() == set(CODES)


def test_every_code_has_a_case() -> None:
    covered = {folder.name.partition("_")[0] for folder in HERE.glob("RS*")}
    covered |= set(re.findall(r"\"(RS\d{3})\"", (HERE / "test_files.py").read_text(encoding="utf-8")))
    assert set(CODES) - covered == set()


def test_every_folder_is_named_after_a_code() -> None:
    assert {folder.name.partition("_")[0] for folder in HERE.glob("RS*")} <= set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained_in_full(code: str) -> None:
    info = CODES[code]
    assert info.title
    assert not info.title.endswith(".")
    assert info.meaning.endswith((".", "?", ")"))
    assert info.wrong.strip()
    assert info.right.strip()
    assert info.wrong.strip() != info.right.strip()
    assert max(len(line) for line in f"{info.wrong}\n{info.right}".splitlines()) <= 76


def test_the_codes_are_sorted() -> None:
    assert list(CODES) == sorted(CODES)
