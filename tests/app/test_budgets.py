"""What one request may take, counted: calls of Python functions, and the bytes of memory that it allocates at once.

Counts are the same on every machine, however busy. `budgets.json` has what was recorded; `pytest tests/app/test_budgets.py --update`
records anew. A change that makes a request dearer fails here until it is recorded, and so is seen.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Self

import pytest
import uvloop
from fastapi import FastAPI

from app.config import load_settings
from app.main import create_app
from generator.embedded import EmbeddedPostgres
from tests.support.database import Database, new_database
from tests.support.tokens import SECRET, mint

BUDGETS = Path(__file__).parent / "budgets.json"
USER = "ada"
ROOM = 1.10
"""For what another version of a library calls; a new step of our own takes more."""

BODY = b'{"title": "Book the van"}'
OPERATIONS = ("get", "list", "create", "update", "update with a hook")


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    body: bytes
    status: int
    query: bytes = b""


async def answer(app: FastAPI, call: Call, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The body of the application's answer, without a server in between."""
    parts: list[bytes] = []
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": call.body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        parts.append(message.get("body", b""))

    content = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(call.body))] if call.body else []
    scope = {
        "type": "http",
        "method": call.method,
        "path": call.path,
        "raw_path": call.path.encode(),
        "query_string": call.query,
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("test", 80),
        "client": ("test", 1),
        "headers": [*headers, *content],
    }
    await app(scope, receive, send)
    assert statuses == [call.status], b"".join(parts)
    return b"".join(parts)


@asynccontextmanager
async def running(database: Database) -> AsyncGenerator[FastAPI]:
    """The example's application, started."""
    app = create_app(load_settings({"DATABASE_URL": database.app_dsn, "JWT_SECRET": SECRET, "LOG_LEVEL": "warning", "POOL_SIZE": "1"}))
    async with app.router.lifespan_context(app):
        yield app


class Counter:
    """Counts the Python functions that start while it is on."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        monitoring = sys.monitoring
        monitoring.use_tool_id(monitoring.PROFILER_ID, "budgets")
        monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.PY_START, self._count)
        monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.PY_START)
        return self

    def __exit__(self, *_: object) -> None:
        sys.monitoring.set_events(sys.monitoring.PROFILER_ID, 0)
        sys.monitoring.free_tool_id(sys.monitoring.PROFILER_ID)

    def _count(self, code: CodeType, _offset: int) -> None:
        if code.co_filename != __file__:
            self.calls += 1


async def calls_of(app: FastAPI, call: Call, headers: list[tuple[bytes, bytes]]) -> int:
    """The fewest function calls of a few requests: in some, a timer or the garbage collector comes in between."""
    counts: list[int] = []
    for _ in range(7):
        with Counter() as counter:
            await answer(app, call, headers)
        counts.append(counter.calls)
    return min(counts)


async def bytes_of(app: FastAPI, call: Call, headers: list[tuple[bytes, bytes]]) -> int:
    """The most memory, in bytes, that a request holds at once beyond what there was before; the least of a few requests."""
    peaks: list[int] = []
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(7):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            await answer(app, call, headers)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
        gc.enable()
    return min(peaks)


async def measured(database: Database) -> dict[str, dict[str, int]]:
    """What each operation takes once it has been asked for a few times."""
    headers = [(b"host", b"test"), (b"authorization", f"Bearer {mint(USER)}".encode())]
    path = f"/api/{USER}/tasks"
    async with running(database) as app:
        rows = [json.loads(await answer(app, Call("POST", path, BODY, 201), headers)) for _ in range(20)]
        project = json.loads(await answer(app, Call("POST", f"/api/{USER}/projects", b'{"name": "House"}', 201), headers))
        row = f"{path}/{rows[0]['id']}"
        operations = {
            "get": Call("GET", row, b"", 200),
            "list": Call("GET", path, b"", 200, b"limit=20"),
            "create": Call("POST", path, BODY, 201),
            "update": Call("PATCH", f"/api/{USER}/projects/{project['id']}", b'{"summary": "All of it"}', 200),
            "update with a hook": Call("PATCH", row, b'{"notes": "All of it"}', 200),
        }
        found: dict[str, dict[str, int]] = {}
        for name, call in operations.items():
            for _ in range(5):
                await answer(app, call, headers)
            found[name] = {"calls": await calls_of(app, call, headers), "bytes": await bytes_of(app, call, headers)}
        return found


@pytest.fixture(scope="module")
def taken(postgres: EmbeddedPostgres) -> dict[str, dict[str, int]]:
    with new_database(postgres) as database, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # one without Python's functions
        return runner.run(measured(database))


def test_record(taken: dict[str, dict[str, int]], update: bool) -> None:
    if update:
        BUDGETS.write_text(json.dumps(taken, indent=2) + "\n")
    assert json.loads(BUDGETS.read_text()).keys() == taken.keys()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("what", ["calls", "bytes"])
def test_a_request_takes_no_more_than_it_did(taken: dict[str, dict[str, int]], operation: str, what: str) -> None:
    budget, found = json.loads(BUDGETS.read_text())[operation][what], taken[operation][what]
    assert found <= budget * ROOM, (
        f"{operation} takes {found} {what}, recorded are {budget}. Look for the step that was added (cProfile shows it);"
        f" if it is worth that, record it: pytest tests/app/test_budgets.py --update"
    )


def test_a_call_more_is_seen() -> None:
    with Counter() as once:
        json.dumps({})
    with Counter() as twice:
        json.dumps({})
        json.dumps({})
    assert twice.calls == 2 * once.calls > 0
