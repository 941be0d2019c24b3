"""What each step of docs/scaling.md costs and gives: more workers, a pooler, Citus.

The load generator, PostgreSQL and the workers share the cores of this machine, so answers a second say little where there are few. The CPU
time of an answer says it: as long as PostgreSQL has cores, N workers answer N times as much as one, divided by how much dearer an answer is.
Each worker gets as many connections as the one has alone: a worker that waits for requests wakes up more often for each. Two servers that know
nothing of each other are loaded at once as well: what they take more than one alone is the machine's doing. Where there are fewer than four
cores, so that the load and PostgreSQL take one worker's core away, two workers are held against these.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import geometric_mean, median

import psutil
import uvloop
from jose import jwt

from app.db.schema import create_schema
from benchmarks.load import CONNECTIONS
from benchmarks.requests import USER, Operation, fill, operations
from benchmarks.servers import SECRET, Contender, Server, generate_hookless, running
from benchmarks.speed import Sample, sample
from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres
from generator.migrations.distribution import preparation

ONE, TWO, APART = "1 worker", "2 workers", "2 servers with 1 worker"
POOLED, CITUS = "PREPARED_STATEMENTS=false", "CITUS=true"
SETTINGS: dict[str, dict[str, str]] = {
    ONE: {},
    TWO: {"WORKERS": "2"},
    APART: {},  # and the one of ONE at the same time
    POOLED: {"PREPARED_STATEMENTS": "false"},
    CITUS: {"CITUS": "true"},
}
MEASURED = ("get", "list 20", "create", "update")
MUST_TWO = 1.8
ENOUGH = 4
"""Cores for two workers, the load and PostgreSQL."""

type Samples = dict[str, dict[str, list[Sample]]]


def measure(rounds: int, seconds: float) -> int:
    """Measure and print; 1 when two workers are worth less than they must be."""
    token = jwt.encode({"sub": USER, "exp": int(time.time()) + 86400}, SECRET)
    samples: Samples = {operation: {name: [] for name in SETTINGS} for operation in MEASURED}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rowsmith-bench-", dir="/tmp")))
        place.chmod(0o755)
        database = stack.enter_context(EmbeddedPostgres.start(place / "data", durable=False))
        asyncio.run(create_schema(database.dsn(OWNER_ROLE), APP_ROLE))
        database.execute("rowsmith", "; ".join(preparation(APP_ROLE)))
        fill(database)
        (place / "hookless").mkdir()
        ours = {"DATABASE_URL": database.dsn(APP_ROLE), "JWT_SECRET": SECRET, "LOG_LEVEL": "warning"}
        ours["PYTHONPATH"] = str(generate_hookless(place / "hookless"))
        servers = {
            name: stack.enter_context(running(Contender(name, (sys.executable, "-m", "app"), ours | settings)))
            for name, settings in SETTINGS.items()
        }
        kinds = [operation for operation in operations(database, token) if operation.name in MEASURED]
        uvloop.run(_measure(servers, kinds, Server(0, psutil.Process(database.pid)), rounds, seconds, samples))
    return _report(samples)


async def _measure(
    servers: dict[str, Server], kinds: list[Operation], postgres: Server, rounds: int, seconds: float, samples: Samples
) -> None:
    """One round before the others warms up."""
    for round_ in range(rounds + 1):
        for operation in kinds:
            for name, server in servers.items():
                length = seconds if round_ else 0.3
                if name == APART:
                    taken = _both(*await asyncio.gather(*(sample(one, postgres, operation, length) for one in (servers[ONE], server))))
                else:
                    connections = CONNECTIONS * int(SETTINGS[name].get("WORKERS", "1"))
                    taken = await sample(server, postgres, operation, length, connections)
                if round_:
                    samples[operation.name][name].append(taken)
        sys.stderr.write(f"round {round_} of {rounds}\n" if round_ else "warm\n")


def _both(one: Sample, other: Sample) -> Sample:
    """What two servers did at the same time; PostgreSQL's time is that for both, in each."""
    answers = one.per_second + other.per_second
    return Sample(answers, (one.cpu + other.cpu) / 2, one.database * one.per_second / answers)


def _report(samples: Samples) -> int:
    cores = os.cpu_count() or 1
    lines = [f"{cores} cores, shared by the load, PostgreSQL and the workers", ""]
    lines += [f"{'':10}{'':28}{'answers/s':>10}{'µs':>7}{'db µs':>7}   a core of PostgreSQL feeds"]
    alone = ONE if cores >= ENOUGH else APART
    worth: dict[str, float] = {}
    for operation, by_name in samples.items():
        for name, taken in by_name.items():
            per_second, cpu, database = (median(getattr(one, what) for one in taken) for what in ("per_second", "cpu", "database"))
            lines.append(f"{operation:10}{name:28}{per_second:10.0f}{cpu:7.0f}{database:7.0f}{cpu / database:12.1f} workers")
        worth[operation] = 2 * _cheaper(by_name, alone)
    one = "one" if alone == ONE else "one of two servers at the same time"
    lines += ["", *(f"two workers serve {times:.2f} × {one} by CPU time: {operation}" for operation, times in worth.items())]
    overall = geometric_mean(worth.values())
    if alone == APART:
        beside = 2 * geometric_mean(_cheaper(by_name, ONE) for by_name in samples.values())
        lines.append(f"two workers serve {beside:.2f} × one that has the cores of both, all in all")
    lines.append(f"two workers serve {overall:.2f} × {one} by CPU time, all in all; it must be {MUST_TWO}")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(overall < MUST_TWO)


def _cheaper(by_name: dict[str, list[Sample]], name: str) -> float:
    """How many times more CPU time than with two workers an answer takes with `name`."""
    return median(one.cpu / two.cpu for one, two in zip(by_name[name], by_name[TWO], strict=True))
