"""Throughput and CPU time of each kind of request, for each server, in alternating rounds; and the latency at half of the maximum load."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import uvloop
from jose import jwt

from app.db.schema import create_schema
from benchmarks import report
from benchmarks.load import CONNECTIONS, load, paced
from benchmarks.requests import USER, Operation, fill, operations
from benchmarks.servers import FLOOR, HOOK, ROWSMITH, SECRET, Contender, Server, contenders, generate_hookless, running
from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres

PACED_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one operation of one server: answers a second, and CPU microseconds an answer of the server and of PostgreSQL."""

    per_second: float
    cpu: float
    database: float


@dataclass(slots=True)
class Results:
    """The samples by operation and server, and the 99th percentiles (milliseconds) by server at `rate` requests a second."""

    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict[str, dict[str, list[Sample]]])
    p99: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    rate: float = 0.0
    skipped: dict[str, str] = field(default_factory=dict[str, str])


def measure(rounds: int, seconds: float, only: set[str], folder: Path | None) -> int:
    """Measure, print the tables, and write them into `folder` where one is given; 1 when a figure misses what it must be."""
    now = int(time.time())
    claims = {"sub": USER, "iat": now, "exp": now + 86400, "jti": uuid.uuid4().hex, "token_type": "access"}  # simplejwt wants the last two
    token = jwt.encode(claims, SECRET)
    results = Results()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rowsmith-bench-", dir="/tmp")))
        place.chmod(0o755)
        database = stack.enter_context(EmbeddedPostgres.start(place / "data", durable=False))
        asyncio.run(create_schema(database.dsn(OWNER_ROLE), APP_ROLE))
        fill(database)
        (place / "hookless").mkdir()
        servers: dict[str, Server] = {}
        for contender in contenders(database, generate_hookless(place / "hookless"), token):
            if _is_wanted(contender, only, results):
                servers[contender.name] = stack.enter_context(running(contender))
        uvloop.run(_measure(servers, operations(database, token), database, rounds, seconds, results))
    return report.report(results, rounds, folder)


def _is_wanted(contender: Contender, only: set[str], results: Results) -> bool:
    if only and contender.name not in only | {FLOOR, ROWSMITH}:
        return False
    if contender.missing is not None:
        results.skipped[contender.name] = contender.missing
    return contender.missing is None


async def _measure(
    servers: dict[str, Server], kinds: Iterable[Operation], database: EmbeddedPostgres, rounds: int, seconds: float, results: Results
) -> None:
    """One round before the others warms up; in each, every server gets every operation."""
    kinds = list(kinds)
    postgres = Server(0, psutil.Process(database.pid))
    for round_ in range(rounds + 1):
        for operation in kinds:
            for name, server in servers.items():
                if name == HOOK and operation.name != "update":
                    continue
                taken = await sample(server, postgres, operation, seconds if round_ else 0.3)
                if round_:
                    results.samples.setdefault(operation.name, {}).setdefault(name, []).append(taken)
        sys.stderr.write(f"round {round_} of {rounds}\n" if round_ else "warm\n")
    get = kinds[0]
    results.rate = statistics.median(sample.per_second for sample in results.samples[get.name][ROWSMITH]) / 2
    for _ in range(rounds):
        for name in (FLOOR, ROWSMITH):
            latencies = await paced(servers[name].port, get.requests, get.status, results.rate, min(PACED_SECONDS, seconds * 2))
            results.p99.setdefault(name, []).append(statistics.quantiles(latencies, n=100)[98] * 1000)


async def sample(server: Server, postgres: Server, operation: Operation, seconds: float, connections: int = CONNECTIONS) -> Sample:
    """Load a server with one kind of request. SystemExit when something is answered with another status."""
    before, before_database = server.cpu_seconds(), postgres.cpu_seconds()
    outcome = await load(server.port, operation.requests, operation.status, seconds, connections)
    cpu, cpu_database = server.cpu_seconds() - before, postgres.cpu_seconds() - before_database
    if outcome.unexpected:
        raise SystemExit(f"{operation.name} was answered unexpectedly: {outcome.unexpected[0].decode(errors='replace')}")
    return Sample(outcome.answers / outcome.seconds, cpu / outcome.answers * 1e6, cpu_database / outcome.answers * 1e6)
