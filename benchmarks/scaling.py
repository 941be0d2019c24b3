"""What each step of docs/scaling.md costs and gives: more workers, a pooler, Citus.

The load generator, PostgreSQL and the workers share the cores of this machine, so answers a second say little where there are few; the table
has the CPU time of an answer. Two workers are held against one where each has a fifth of a core (benchmarks/share.py), and the load and
PostgreSQL have the rest. Where the system does not let us do that, it is by CPU time, which takes cores enough. Each worker gets as many
connections as the one has alone: a worker that waits for requests wakes up more often for each.
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
from benchmarks import share
from benchmarks.load import CONNECTIONS
from benchmarks.requests import USER, Operation, fill, operations
from benchmarks.servers import SECRET, Contender, Server, generate_hookless, running
from benchmarks.speed import Sample, sample
from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres
from generator.migrations.distribution import preparation

ONE, TWO = "1 worker", "2 workers"
POOLED, CITUS = "PREPARED_STATEMENTS=false", "CITUS=true"
SETTINGS: dict[str, dict[str, str]] = {
    ONE: {},
    TWO: {"WORKERS": "2"},
    POOLED: {"PREPARED_STATEMENTS": "false"},
    CITUS: {"CITUS": "true"},
}
MEASURED = ("get", "list 20", "create", "update")
MUST_TWO = 1.8
ENOUGH = 4
"""Cores for two workers, the load and PostgreSQL."""

type Samples = dict[str, dict[str, list[Sample]]]
"""By operation and server."""


def measure(rounds: int, seconds: float) -> int:
    """Measure and print; 1 when two workers are worth less than they must be."""
    token = jwt.encode({"sub": USER, "exp": int(time.time()) + 86400}, SECRET)
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
        postgres = Server(0, psutil.Process(database.pid))
        samples = uvloop.run(_measure(servers, kinds, postgres, rounds, seconds))
        workers = {name: servers[name] for name in (ONE, TWO)}
        shared: Samples | None = None
        if share.is_possible():
            with share.of_a_core(workers.values()):
                shared = uvloop.run(_measure(workers, kinds, postgres, rounds, seconds))
    return _report(samples, shared)


async def _measure(servers: dict[str, Server], kinds: list[Operation], postgres: Server, rounds: int, seconds: float) -> Samples:
    """One round before the others warms up."""
    samples: Samples = {operation.name: {name: [] for name in servers} for operation in kinds}
    for round_ in range(rounds + 1):
        for operation in kinds:
            for name, server in servers.items():
                connections = CONNECTIONS * int(SETTINGS[name].get("WORKERS", "1"))
                taken = await sample(server, postgres, operation, seconds if round_ else 0.3, connections)
                if round_:
                    samples[operation.name][name].append(taken)
        sys.stderr.write(f"round {round_} of {rounds}\n" if round_ else "warm\n")
    return samples


def _report(samples: Samples, shared: Samples | None) -> int:
    cores = os.cpu_count() or 1
    lines = [f"{cores} cores, shared by the load, PostgreSQL and the workers", ""]
    lines += [f"{'':10}{'':28}{'answers/s':>10}{'µs':>7}{'db µs':>7}   a core of PostgreSQL feeds"]
    for operation, by_name in samples.items():
        for name, taken in by_name.items():
            per_second, cpu, database = (median(getattr(one, what) for one in taken) for what in ("per_second", "cpu", "database"))
            lines.append(f"{operation:10}{name:28}{per_second:10.0f}{cpu:7.0f}{database:7.0f}{cpu / database:12.1f} workers")
    if shared is not None:
        lines += ["", f"{share.SHARE:.0%} of a core for each worker, and the rest for the load and PostgreSQL", ""]
        worth = {operation: _ratio(by_name, "per_second", TWO, ONE) for operation, by_name in shared.items()}
        how = "answers a second"
    else:
        lines += ["", share.NOT_POSSIBLE, ""]
        worth = {operation: 2 * _ratio(by_name, "cpu", ONE, TWO) for operation, by_name in samples.items()}
        how = "CPU time"
    lines += [f"two workers serve {times:.2f} × one by {how}: {operation}" for operation, times in worth.items()]
    overall = geometric_mean(worth.values())
    is_judged = shared is not None or cores >= ENOUGH
    must = f"it must be {MUST_TWO}" if is_judged else f"with {ENOUGH} cores it would have to be {MUST_TWO}"
    lines.append(f"two workers serve {overall:.2f} × one by {how}, all in all; {must}")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(is_judged and overall < MUST_TWO)


def _ratio(by_name: dict[str, list[Sample]], what: str, name: str, other: str) -> float:
    """The median over the rounds."""
    return median(getattr(one, what) / getattr(two, what) for one, two in zip(by_name[name], by_name[other], strict=True))
