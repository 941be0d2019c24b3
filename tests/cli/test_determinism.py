"""The same specs give the same bytes, whatever the hash seed, the locale, the time zone, the path, and the order of the files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

AWKWARD = {
    "index": "resource: Index\nfields:\n  istanbul: string\n",
    "title": (
        "resource: Title\nplural: titles_i\nfields:\n  id_i: {type: enum, values: [i, I_am, \u0131x, \u0130x], default: i}\n  info: text?\n"
    ),
    "http_log": "resource: HTTPLog\nfields:\n  index: {type: ref, to: Index}\n  order: {type: decimal, precision: 5, scale: 2, ge: 0.1}\n",
    "series": 'resource: Series\nfields:\n  date: date?\n  type: {type: string, default: "\u00df \u1e9e \u01c5"}\n',
}

SURROUNDINGS: dict[str, dict[str, str]] = {
    "seed-0": {"PYTHONHASHSEED": "0"},
    "seed-1": {"PYTHONHASHSEED": "1"},
    "seed-random": {"PYTHONHASHSEED": "random"},
    "locale-c": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "locale-turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "time-zone": {"TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "0"},
    "terminal": {"TERM": "xterm-256color", "FORCE_COLOR": "1", "COLUMNS": "40"},
}


def specs() -> dict[str, bytes]:
    """The example's specs and some with names that locales treat differently."""
    files = {path.name: path.read_bytes() for path in (ROOT / "resources").glob("*.yaml")}
    return files | {f"{name}.yaml": text.encode() for name, text in AWKWARD.items()}


def project(root: Path, *, backwards: bool = False) -> Path:
    """A project with these specs; `backwards` writes them in the opposite order, with other times."""
    (root / "resources").mkdir(parents=True)
    for number, (name, data) in enumerate(sorted(specs().items(), reverse=backwards)):
        path = root / "resources" / name
        path.write_bytes(data)
        os.utime(path, (number * 1000, number * 1000))
    return root


def generate(root: Path, environment: dict[str, str] | None = None) -> dict[str, bytes]:
    """Generate in a process of its own; gives app/."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONHASHSEED", "LC_ALL", "LANG", "TZ"}}
    surroundings = inherited | {"PYTHONPATH": str(ROOT)} | (environment or {})
    done = subprocess.run(
        [sys.executable, "-m", "generator", "generate"], cwd=root, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted((root / "app").rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What plain surroundings give."""
    return generate(project(tmp_path_factory.mktemp("expected") / "project"))


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_surroundings_make_no_difference(surroundings: str, expected: dict[str, bytes], tmp_path: Path):
    assert generate(project(tmp_path / "project"), SURROUNDINGS[surroundings]) == expected


def test_the_path_and_the_order_of_files_make_no_difference(expected: dict[str, bytes], tmp_path: Path):
    elsewhere = tmp_path / "another place" / "with a much longer name \u2013 and 'quotes'"
    assert generate(project(elsewhere, backwards=True)) == expected


def test_the_path_is_in_no_file(expected: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory):
    base = os.fsencode(tmp_path_factory.getbasetemp())
    assert not [path for path, data in expected.items() if base in data or os.fsencode(ROOT) in data]


def test_running_again_gives_the_same(expected: dict[str, bytes], tmp_path: Path):
    root = project(tmp_path / "project")
    generate(root)
    assert generate(root) == expected


def test_getting_there_step_by_step_gives_the_same(expected: dict[str, bytes], tmp_path: Path):
    root = project(tmp_path / "project")
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in ("http_log.yaml", "title.yaml"):
        shutil.move(root / "resources" / name, aside / name)
    generate(root)
    for name in ("http_log.yaml", "title.yaml"):
        shutil.move(aside / name, root / "resources" / name)
    assert generate(root) == expected


def test_copying_the_project_elsewhere_changes_nothing(expected: dict[str, bytes], tmp_path: Path):
    root = project(tmp_path / "project")
    generate(root)
    shutil.copytree(root, tmp_path / "copy")
    assert generate(tmp_path / "copy") == expected
