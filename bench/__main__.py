"""Measures the example against the floor of `bench/floor.py`, both with one process on one embedded PostgreSQL.

For each kind of request: answers a second, CPU microseconds of the server for an answer (the steadier figure on a machine with other
work), and the share of the floor that is kept, by CPU time. Medians of alternating rounds. The application runs as in production
(row-level security, token verification, validation), with the access log off.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import orjson
import psutil
import uvloop
from jose import jwt

from app.db.schema import create_schema
from bench.load import CONNECTIONS, load
from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
USER = "bench"
SECRET = "a-secret-for-measurements-only-5d8f0c2e"  # noqa: S105 - of a database that lives for minutes
ROWS = 500
MUST = {"get": 0.65, "list 20": 0.60, "list 100": 0.80, "create": 0.50, "update": 0.50}
"""The least share of the floor, by CPU time."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request, a variant for each connection, and the status of the answers."""

    name: str
    requests: list[bytes]
    status: int


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens on a port of loopback."""

    port: int
    process: psutil.Process


@dataclass(frozen=True, slots=True)
class Result:
    """One round of one operation."""

    per_second: float
    cpu: float  # microseconds an answer


def main() -> int:
    """Run the rounds and print the table; 1 when an operation keeps less of the floor than it must."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each operation in each round")
    options = parser.parse_args()
    now = int(time.time())
    token = jwt.encode({"sub": USER, "iat": now, "exp": now + 86400}, SECRET)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rowsmith-bench-", dir="/tmp")))
        folder.chmod(0o755)
        database = stack.enter_context(EmbeddedPostgres.start(folder / "data", durable=False))
        asyncio.run(create_schema(database.dsn(OWNER_ROLE), APP_ROLE))
        _fill(database)
        floor = stack.enter_context(_running(["-m", "bench.floor"], DATABASE_URL=database.dsn(OWNER_ROLE), TOKEN=token))
        settings = {"DATABASE_URL": database.dsn(APP_ROLE), "JWT_SECRET": SECRET, "LOG_LEVEL": "warning"}
        app = stack.enter_context(_running(["-m", "app"], **settings))
        operations = _operations(_some(database, "tasks"), _some(database, "projects"), token)
        results = uvloop.run(_measure((floor, app), operations, options.rounds, options.seconds))
    return _print(operations, results)


def _fill(database: EmbeddedPostgres) -> None:
    """Give three users some rows."""
    database.execute(
        "rowsmith",
        f"""CREATE TEMPORARY VIEW owned AS SELECT owner, n FROM generate_series(1, {ROWS}) AS n,
              unnest(ARRAY['{USER}', 'other', 'another']) AS owner;
            INSERT INTO tasks (user_id, id, created_at, updated_at, version, title, priority, completed, progress, labels, links)
              SELECT owner, gen_random_uuid(), now() - n * interval '1 minute', now(), 1, 'Task ' || n, 'normal', false, 0, '{{a}}', '{{}}'
              FROM owned;
            INSERT INTO projects (user_id, id, created_at, updated_at, version, name, status)
              SELECT owner, gen_random_uuid(), now() - n * interval '1 minute', now(), 1, 'Project ' || n, 'planned' FROM owned;
            ANALYZE tasks, projects""",  # noqa: S608 - our own constants
    )


def _some(database: EmbeddedPostgres, table: str) -> list[str]:
    """The ids of a row for each connection."""
    return database.execute("rowsmith", f"SELECT id FROM {table} WHERE user_id = '{USER}' LIMIT {CONNECTIONS}").splitlines()  # noqa: S608


@contextmanager
def _running(arguments: list[str], **settings: str) -> Generator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOST": "127.0.0.1", "PORT": str(port), **settings}
    process = subprocess.Popen([sys.executable, *arguments], cwd="/", env=environment)  # noqa: S603
    try:
        deadline = time.monotonic() + 30
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(arguments)} did not start")
            time.sleep(0.05)
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        urlopen(Request(f"http://127.0.0.1:{port}/api/x/tasks"), timeout=1)
    except URLError as error:
        return hasattr(error, "code")
    return True


def _operations(tasks: list[str], projects: list[str], token: str) -> list[Operation]:
    base = f"/api/{USER}"

    def request(method: str, path: str, body: dict[str, str] | None = None) -> bytes:
        content = orjson.dumps(body) if body else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        return f"{head}\r\n".encode() + content

    return [
        Operation("get", [request("GET", f"{base}/tasks/{row}") for row in tasks], 200),
        Operation("list 20", [request("GET", f"{base}/tasks?limit=20")], 200),
        Operation("list 100", [request("GET", f"{base}/tasks?limit=100")], 200),
        Operation("create", [request("POST", f"{base}/tasks", {"title": "Book the van"})], 201),
        # Projects: the example's tasks have a hook, which takes a transaction.
        Operation("update", [request("PATCH", f"{base}/projects/{row}", {"summary": "All of it"}) for row in projects], 200),
    ]


async def _measure(
    servers: tuple[Server, Server], operations: list[Operation], rounds: int, seconds: float
) -> dict[str, list[list[Result]]]:
    """The results of each operation, for the floor and for the application; one round before them warms up."""
    results: dict[str, list[list[Result]]] = {operation.name: [[], []] for operation in operations}
    for round_ in range(rounds + 1):
        for operation in operations:
            for server, found in zip(servers, results[operation.name], strict=True):
                before = sum(server.process.cpu_times()[:2])
                outcome = await load(server.port, operation.requests, operation.status, seconds if round_ else 0.3)
                cpu = sum(server.process.cpu_times()[:2]) - before
                if outcome.unexpected:
                    raise SystemExit(f"{operation.name} was answered unexpectedly: {outcome.unexpected[0].decode(errors='replace')}")
                if round_:
                    found.append(Result(outcome.answers / outcome.seconds, cpu / outcome.answers * 1e6))
    return results


def _print(operations: list[Operation], results: dict[str, list[list[Result]]]) -> int:
    write = sys.stdout.write
    write(f"{'':10}{'floor':>18}{'application':>20}{'share':>9}{'must':>7}\n")
    write(f"{'':10}{'req/s':>9}{'µs':>9}{'req/s':>11}{'µs':>9}\n")
    missed = False
    for operation in operations:
        floor, app = (
            (statistics.median(result.per_second for result in found), statistics.median(result.cpu for result in found))
            for found in results[operation.name]
        )
        share = floor[1] / app[1]
        missed = missed or share < MUST[operation.name]
        write(f"{operation.name:10}{floor[0]:9.0f}{floor[1]:9.0f}{app[0]:11.0f}{app[1]:9.0f}{share:9.2f}{MUST[operation.name]:7.2f}\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
