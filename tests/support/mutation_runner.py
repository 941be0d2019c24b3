"""Runs tests in copies of the project, one process each: `python -P mutation_runner.py JOBS WORKERS`.

The installed packages are imported once and every run is a fork, so that a run costs little more than its tests. JOBS is a JSON list of
`{"folder": with the app, "tests": [node id], "environment": {…}, "most": number}`: each test function runs at most `most` of its
parameters, and none after the first that fails. What a job found goes to `<folder>/outcome.json`, its output to `<folder>/output.txt`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "generator.pipeline generator.plan.relations generator.samples asyncpg cryptography.hazmat.primitives.asymmetric.rsa email_validator "
    "fastapi fastapi_swagger httpx hypothesis inflection jinja2 jiter jose.jwt orjson prometheus_client psutil pydantic "
    "pythonjsonlogger.json sqlalchemy.dialects.postgresql.asyncpg sqlmodel starlette.middleware.cors unittest.mock uvicorn "
    "uvicorn.protocols.http.httptools_impl uvloop yaml"
)
"""What is not mutated."""


class Outcomes:
    """A plugin that notes what became of each test function."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.ran: Counter[str] = Counter()
        self.failed: dict[str, str] = {}
        self.broken: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        name = getattr(item, "originalname", item.name)
        if name in self.failed or self.ran[name] >= self.most:
            pytest.skip("enough is known")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::")[2].partition("[")[0]
        if report.when == "call":
            self.ran[name] += 1
            if report.failed:
                self.failed[name] = report.longreprtext[-2000:]
        elif report.failed:
            self.broken[name] = report.longreprtext[-2000:]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken[report.nodeid] = report.longreprtext[-2000:]


def run(job: dict[str, Any]) -> None:
    """Run the tests of one job in this process."""
    folder = Path(job["folder"])
    output = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(job["environment"])
    sys.dont_write_bytecode = True
    gc.disable()  # it would only take time in so short a life
    outcomes = Outcomes(job["most"])
    options = ["-q", "--tb=native", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    pytest.main([*options, "-o", f"pythonpath={folder}", *job["tests"]], plugins=[outcomes])
    found = {"ran": outcomes.ran, "failed": outcomes.failed, "broken": outcomes.broken}
    (folder / "outcome.json").write_text(json.dumps(found), encoding="utf-8")


def main() -> None:
    """Run all jobs, so many at a time."""
    jobs = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    workers = int(sys.argv[2])
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for package in PACKAGES.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(package)
    gc.freeze()
    running = 0
    for job in jobs:
        if running == workers:
            os.wait()
            running -= 1
        if os.fork() == 0:
            try:
                run(job)
            except BaseException:  # noqa: BLE001 - a fork must end here, whatever happens
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
        running += 1
    while running:
        os.wait()
        running -= 1


if __name__ == "__main__":
    main()
