"""Schemathesis against the example and the torture specs: every check, and chains of requests along the links of the OpenAPI document.

`make fuzz` sends at least 10,000 requests to each. Without it there are fewer, the same each time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database, temporary_folder
from tests.support.generated import serving_project, write_core, write_generated, write_specs
from tests.support.project import environment
from tests.support.serving import Api, serving

CASES = int(os.environ.get("ROWSMITH_TEST_CASES", "0"))
"""How many requests each run sends at least; 0 for the few of the suite."""

HERE = Path(__file__).parent
TORTURE = HERE.parent / "cases" / "torture" / "resources"
USER = "ada"
"""As in schemathesis.toml."""

SUMMARY = re.compile(r"(\d+) generated, (\d+) passed")

type Served = Callable[[EmbeddedPostgres], AbstractContextManager[Api]]


@contextmanager
def serving_example(postgres: EmbeddedPostgres) -> Generator[Api]:
    with new_database(postgres) as database, serving(database) as api:
        yield api


@contextmanager
def serving_torture(postgres: EmbeddedPostgres) -> Generator[Api]:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {path.stem: path.read_text(encoding="utf-8") for path in TORTURE.glob("*.yaml")})
        write_generated(root)
        with serving_project(postgres, root) as api:
            yield api


def fuzz(api: Api, examples: int, *options: str) -> int:
    """Send so many `examples` to each operation, and what the phases of Schemathesis add; how many requests there were in all.

    AssertionError with its report where a check fails.
    """
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", "schemathesis.toml", "run", f"{api.url}/openapi.json"),
        *("--checks", "all", "--max-examples", str(examples), "--continue-on-failure"),
        *("--seed", "1", "--generation-deterministic", "--suppress-health-check", "all"),
        *("--no-color", "--warnings", "off", *options),
    ]
    run = subprocess.run(command, cwd=HERE, env=environment(), capture_output=True, text=True, check=False)
    found = SUMMARY.search(run.stdout)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    assert found is not None, run.stdout
    assert found[1] == found[2], run.stdout
    return int(found[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("served", "examples", "covered"), [(serving_example, 6, ("--include-tag", "comments")), (serving_torture, 1, None)]
)
def test_no_request_of_a_user_fails_a_check(
    postgres: EmbeddedPostgres, served: Served, examples: int, covered: tuple[str, ...] | None
) -> None:
    """Drawn requests to every operation; and what covers each value of each parameter, here for one resource, with CASES for all."""
    with served(postgres) as api:
        operations = sum(len(methods) for methods in api.client.get("/openapi.json").json()["paths"].values())
        user = ("--header", f"Authorization: Bearer {api.token_for(USER)}")
        if CASES:
            examples, covered = -(-CASES // operations), covered and ()
        sent = fuzz(api, examples, "--phases", "examples,fuzzing,stateful", *user)
        if covered is not None:
            sent += fuzz(api, 1, "--phases", "coverage", *user, *covered)
        assert sent >= max(CASES, operations)


@pytest.mark.parametrize("served", [serving_example, serving_torture])
def test_no_anonymous_request_fails_a_check(postgres: EmbeddedPostgres, served: Served) -> None:
    """Whatever is asked, the answer is a documented 401."""
    with served(postgres) as api:
        fuzz(api, 2 if CASES else 1, "--phases", "coverage,fuzzing" if CASES else "fuzzing", "--exclude-checks", "positive_data_acceptance")
        assert api.database.execute("SELECT sum(n_tup_ins) FROM pg_stat_user_tables") == "0"
