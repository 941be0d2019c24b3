"""Each guard is taken away in a copy of the project, and the tests that prove it must notice.

A test that stays green without the guard proves nothing. The lists are in mutations_isolation.py and mutations_tokens.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from generator.embedded import EmbeddedPostgres
from tests.security import mutations_isolation, mutations_tokens
from tests.support.database import ON_CITUS, temporary_folder
from tests.support.mutation import copy_app
from tests.support.serving import ROOT

pytestmark = pytest.mark.skipif(ON_CITUS, reason="guards are taken away where nothing has to be copied to other nodes")

RUNNER = Path("tests/support/mutation_runner.py")
UNTOUCHED = "untouched"


class Mutation(Protocol):
    """What the two lists hold."""

    @property
    def red(self) -> tuple[str, ...]: ...

    def apply(self, root: Path) -> None: ...


MUTATIONS: dict[str, Mutation] = {str(mutation): mutation for mutation in (*mutations_isolation.MUTATIONS, *mutations_tokens.MUTATIONS)}


@dataclass
class Outcome:
    """What became of the tests of one copy: how many parameters of each ran, and the messages of those that failed or broke."""

    ran: dict[str, int] = field(default_factory=dict[str, int])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    broken: dict[str, str] = field(default_factory=dict[str, str])
    output: str = ""


def files_of_tests() -> dict[str, str]:
    """The file of each test function of tests/."""
    found: dict[str, str] = {}
    for folder in ("security", "app"):
        for path in sorted((ROOT / "tests" / folder).glob("test_*.py")):
            for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
                found.setdefault(name, path.relative_to(ROOT).as_posix())
    return found


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> Generator[dict[str, Outcome]]:
    """The outcome of each mutation that is asked for, and of an untouched copy. One more than there are processors is run at a time."""
    files = files_of_tests()
    asked_for = {item.name.partition("[")[2].removesuffix("]") for item in request.session.items}
    mutations = {guard: mutation for guard, mutation in MUTATIONS.items() if guard in asked_for}
    jobs: list[dict[str, Any]] = []
    with temporary_folder() as folder:

        def add_job(names: list[str], most: int) -> Path:
            copy = folder / str(len(folders))
            copy.mkdir(mode=0o755)
            copy_app(copy)
            environment = {
                "ROWSMITH_TEST_APP": str(copy),
                "ROWSMITH_TEST_SERVER": str(postgres.data_dir),
                "ROWSMITH_TEST_THREADS": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            jobs.append(
                {"folder": str(copy), "tests": [f"{files[name]}::{name}" for name in names], "environment": environment, "most": most}
            )
            return copy

        folders: dict[str, Path] = {}
        folders[UNTOUCHED] = add_job(sorted({name for mutation in (mutations or MUTATIONS).values() for name in mutation.red}), 2)
        gone: dict[str, Outcome] = {}
        for guard, mutation in mutations.items():
            folders[guard] = add_job(list(mutation.red), 1000)
            try:
                mutation.apply(folders[guard])
            except AssertionError as error:  # the code has changed, and the list has not
                gone[guard] = Outcome(output=str(error))
                jobs.pop()
        (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
        command = [sys.executable, "-P", str(ROOT / RUNNER), str(folder / "jobs.json"), str((os.cpu_count() or 1) + 1)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr
        yield {guard: read_outcome(copy) for guard, copy in folders.items() if guard not in gone} | gone


def read_outcome(folder: Path) -> Outcome:
    output = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")[-4000:]
    path = folder / "outcome.json"
    return Outcome(**json.loads(path.read_text(encoding="utf-8")), output=output) if path.exists() else Outcome(output=output)


def test_every_test_that_is_to_turn_red_exists() -> None:
    files = files_of_tests()
    missing = {name for mutation in MUTATIONS.values() for name in mutation.red} - files.keys()
    assert not missing
    assert all(mutation.red for mutation in MUTATIONS.values())


def test_with_every_guard_in_place_nothing_is_red(outcomes: dict[str, Outcome]) -> None:
    untouched = outcomes[UNTOUCHED]
    assert not untouched.failed
    assert not untouched.broken
    assert untouched.ran.keys() >= {name for guard in outcomes.keys() - {UNTOUCHED} for name in MUTATIONS[guard].red}


@pytest.mark.parametrize("guard", MUTATIONS)
def test_without_a_guard_its_tests_are_red(outcomes: dict[str, Outcome], guard: str) -> None:
    outcome = outcomes[guard]
    green = [name for name in MUTATIONS[guard].red if name not in outcome.failed]
    assert not green, f"nobody noticed in {green}; broken: {outcome.broken}\n{outcome.output}"
