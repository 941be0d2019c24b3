"""A kill -9 at any write of `generate` leaves a project that the next `generate` repairs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("scenario", "at_least"),
    [("first", 30), ("changed", 30), ("changed-again", 30), ("twice", 30), ("command-line", 4)],
)
def test_the_next_run_repairs_what_a_killed_one_left(scenario: str, at_least: int, tmp_path: Path):
    command = [sys.executable, "-B", "-m", "tests.faults.killed", scenario, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kills"] >= at_least
