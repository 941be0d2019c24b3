"""Makes the tables of generated models, many times over: the core, which is the same for all, is loaded once, and each time is a fork."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.support.project import environment

_LOADED = """
import asyncio, json, os, sys, traceback
import app.api.batch, app.api.query, app.api.rules, app.api.scalars, app.db.idempotency, app.db.search

sys.dont_write_bytecode = True  # a module that is written again within a second, with as many characters, would be taken for the old one
for line in sys.stdin:
    root, dsn, role = json.loads(line)
    answers, answer = os.pipe()
    if not os.fork():
        failure = ""
        try:
            app.__path__[:] = [f"{root}/app"]
            from app.db.schema import create_schema
            asyncio.run(create_schema(dsn, role))
        except BaseException:
            failure = traceback.format_exc()
        with open(answer, "w", encoding="utf-8") as stream:
            stream.write(failure)
        os._exit(0)
    os.close(answer)
    with open(answers, encoding="utf-8") as stream:
        print(json.dumps(stream.read()), flush=True)
    os.wait()
"""


class TableMaker:
    """Runs `create_schema` of any project; made by `making_tables`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def make(self, root: Path, owner_dsn: str, app_role: str) -> None:
        """Bring a database to the models of the project at `root`; AssertionError with the traceback when it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(root), owner_dsn, app_role]) + "\n")
        self._process.stdin.flush()
        failure = json.loads(self._process.stdout.readline())
        assert not failure, failure


@contextmanager
def making_tables() -> Generator[TableMaker]:
    """A `TableMaker` for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LOADED],
        cwd="/",
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield TableMaker(process)
    finally:
        process.communicate()  # the end of its input ends it
