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
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Self
from uuid import uuid4

import pytest
import uvloop
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import main
from app.config import load_settings
from app.db.pool import Database as PostgreSQL
from app.db.session import JsonRow, Session
from app.db.statements import Statement
from app.db.unit import Unit
from app.main import create_app
from app.models.task import TaskRead
from generator.embedded import EmbeddedPostgres
from tests.support.database import ON_CITUS, Database, new_database
from tests.support.tokens import SECRET, mint

pytestmark = pytest.mark.skipif(ON_CITUS, reason="on a cluster each request is a transaction")

BUDGETS = Path(__file__).parent / "budgets.json"
USER = "ada"
ROOM: dict[str, Callable[[int], float]] = {"calls": lambda budget: budget + 4, "bytes": lambda budget: budget * 1.1}
"""For another version of a library. The smallest step of our own takes more: `test_a_step_that_is_added_breaks_the_budget`."""

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


class Answer:
    """The server's part in one answer, which it takes whole or in parts."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")

    async def send_whole(self, status: int, _headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        self.status, self.body = status, body


async def answer(app: FastAPI, call: Call, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The body of the application's answer, without a server in between."""
    given = Answer()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": call.body, "more_body": False}

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
    await app(scope, receive, given.send)
    assert given.status == call.status, given.body
    return given.body


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


async def measured(database: Database, wanted: Sequence[str] = OPERATIONS) -> dict[str, dict[str, int]]:
    """What each operation takes once it has been asked for a few times."""
    headers = [(b"host", b"test"), (b"authorization", f"Bearer {mint(USER)}".encode())]
    path = f"/api/{USER}/tasks"
    async with running(database) as app:
        rows = [json.loads(await answer(app, Call("POST", path, BODY, 201), headers)) for _ in range(20)]
        project = json.loads(
            await answer(app, Call("POST", f"/api/{USER}/projects", b'{"name": "%s"}' % uuid4().hex.encode(), 201), headers)
        )
        row = f"{path}/{rows[0]['id']}"
        operations = {
            "get": Call("GET", row, b"", 200),
            "list": Call("GET", path, b"", 200, b"limit=20"),
            "create": Call("POST", path, BODY, 201),
            "update": Call("PATCH", f"/api/{USER}/projects/{project['id']}", b'{"summary": "All of it"}', 200),
            "update with a hook": Call("PATCH", row, b'{"notes": "All of it"}', 200),
        }
        found: dict[str, dict[str, int]] = {}
        for name in wanted:
            call = operations[name]
            for _ in range(5):
                await answer(app, call, headers)
            found[name] = {"calls": await calls_of(app, call, headers), "bytes": await bytes_of(app, call, headers)}
        return found


@pytest.fixture(scope="module")
def database(postgres: EmbeddedPostgres) -> Generator[Database]:
    with new_database(postgres) as made:
        yield made


def measure(database: Database, *wanted: str) -> dict[str, dict[str, int]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # one without Python's functions
        return runner.run(measured(database, wanted or OPERATIONS))


@pytest.fixture(scope="module")
def taken(database: Database) -> dict[str, dict[str, int]]:
    return measure(database)


def test_record(taken: dict[str, dict[str, int]], update: bool) -> None:
    if update:
        BUDGETS.write_text(json.dumps(taken, indent=2) + "\n")
    assert json.loads(BUDGETS.read_text()).keys() == taken.keys()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("what", ["calls", "bytes"])
def test_a_request_takes_no_more_than_it_did(taken: dict[str, dict[str, int]], operation: str, what: str) -> None:
    within_budget(operation, what, taken[operation][what])


def within_budget(operation: str, what: str, found: int) -> None:
    budget = json.loads(BUDGETS.read_text())[operation][what]
    assert found <= ROOM[what](budget), (
        f"{operation} takes {found} {what}, recorded are {budget}. Look for the step that was added (cProfile shows it);"
        f" if it is worth that, record it: pytest tests/app/test_budgets.py --update"
    )


class Tenants:
    """A middleware as many have one: it looks at a header, and adds one to the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tenant = Headers(scope=scope).get("x-tenant", "none") if scope["type"] == "http" else ""

        async def send_tenant(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-tenant"] = tenant
            await send(message)

        await self.app(scope, receive, send_tenant)


def add_a_middleware(patch: pytest.MonkeyPatch) -> None:
    known = main._middleware

    def with_one_more(*given: Any) -> list[Middleware]:
        return [*known(*given), Middleware(Tenants)]

    patch.setattr(main, "_middleware", with_one_more)


def add_a_statement(patch: pytest.MonkeyPatch) -> None:
    fetch_json_row = Session.fetch_json_row

    async def with_a_look_at_the_clock(self: Session, statement: Statement, /, **parameters: Any) -> JsonRow | None:
        async with self._database.connection() as connection:
            await connection.fetchval("SELECT now()")
        return await fetch_json_row(self, statement, **parameters)

    patch.setattr(Session, "fetch_json_row", with_a_look_at_the_clock)


def add_a_transaction(patch: pytest.MonkeyPatch) -> None:
    def in_transactions(self: Session, database: PostgreSQL, unit: Unit | None = None) -> None:
        self._database, self._unit, self._in_transactions = database, unit, True

    patch.setattr(Session, "__init__", in_transactions)


def add_a_second_validation(patch: pytest.MonkeyPatch) -> None:
    fetch_json_row = Session.fetch_json_row

    async def validated(self: Session, statement: Statement, /, **parameters: Any) -> JsonRow | None:
        row = await fetch_json_row(self, statement, **parameters)
        if row is None or b'"title"' not in row.content:
            return row
        return row._replace(content=TaskRead.model_validate_json(row.content).model_dump_json().encode())

    patch.setattr(Session, "fetch_json_row", validated)


STEPS = [add_a_middleware, add_a_statement, add_a_transaction, add_a_second_validation]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_step_that_is_added_breaks_the_budget(database: Database, monkeypatch: pytest.MonkeyPatch, step: Callable[..., None]) -> None:
    step(monkeypatch)
    found = measure(database, "get", "create")
    for operation, figures in found.items():
        with pytest.raises(AssertionError, match=f"{operation} takes"):
            within_budgets(operation, figures)


def within_budgets(operation: str, figures: dict[str, int]) -> None:
    for what, figure in figures.items():
        within_budget(operation, what, figure)


def test_a_call_more_is_seen() -> None:
    with Counter() as once:
        json.dumps({})
    with Counter() as twice:
        json.dumps({})
        json.dumps({})
    assert twice.calls == 2 * once.calls > 0
