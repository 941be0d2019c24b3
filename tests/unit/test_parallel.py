"""Work that is done in several processes, and what comes of it when one of them fails."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from generator import parallel
from generator.files import read_specs
from generator.parallel import in_parts
from generator.pipeline import Build, compile_project

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three processors, each of which is worth it for two items."""
    monkeypatch.setattr(parallel, "WORTH_A_PROCESS", 2)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3)


def numbered(items: Sequence[int]) -> list[tuple[int, int, int]]:
    """Each item with the process that did it, and the number of those that it did."""
    return [(item, os.getpid(), len(items)) for item in items]


def test_each_processor_does_a_part_in_order():
    results = in_parts(numbered, range(7))
    assert [item for item, _, _ in results] == list(range(7))
    assert [size for _, _, size in results] == [3, 3, 3, 2, 2, 2, 2]
    assert len({process for _, process, _ in results}) == 3


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_items_are_done_here(count: int):
    assert {process for _, process, _ in in_parts(numbered, range(count))} <= {os.getpid()}


def test_what_a_process_did_not_end_is_done_here():
    here = os.getpid()

    def work(items: Sequence[int]) -> list[tuple[int, bool]]:
        if os.getpid() != here and 5 in items:
            os._exit(3)
        return [(item, os.getpid() == here) for item in items]

    assert in_parts(work, range(6)) == [(0, True), (1, True), (2, True), (3, False), (4, False), (5, True)]


def test_what_fails_there_fails_here():
    def work(items: Sequence[int]) -> list[float]:
        return [1 / (item - 5) for item in items]

    with pytest.raises(ZeroDivisionError):
        in_parts(work, range(6))


def test_no_process_is_left_over():
    def work(items: Sequence[int]) -> list[int]:
        if 0 in items:
            raise KeyboardInterrupt
        return list(items)

    before = psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        in_parts(work, range(6))
    assert set(psutil.Process().children()) <= set(before)


def test_a_project_is_compiled_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    specs, _ = read_specs(ROOT)
    (tmp_path / "resources").mkdir()
    for path, data in specs.items():
        (tmp_path / path).write_bytes(data)
    assert _compiled_in(3, tmp_path, monkeypatch).files == _compiled_in(1, tmp_path, monkeypatch).files
    (tmp_path / "resources/broken.yaml").write_text("resource: Broken\nfields:\n  a: {type: sting}\n  b: {type: ref, to: Nobody}\n")
    (tmp_path / "resources/zoo.yaml").write_text("resource: Task\nfields: {a: text, a: text}\n")
    found = _compiled_in(3, tmp_path, monkeypatch).diagnostics
    assert found == _compiled_in(1, tmp_path, monkeypatch).diagnostics
    assert {"RS301", "RS203", "RS133"} <= {diagnostic.code for diagnostic in found}


def _compiled_in(processes: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setattr(os, "process_cpu_count", lambda: processes)
    return compile_project(root)
