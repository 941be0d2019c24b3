"""What many resources cost: to generate and check them, to start with them, and to answer for the last of them."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO, cast

import orjson

_SPEC = """resource: {name}
description: The resource {number} of many.

fields:
  title:     {{type: string, min_length: 1, max_length: 200, search: true, filter: true, sort: true}}
  notes:     text?
  status:    {{type: enum, values: [open, done], default: open, filter: true, sort: true}}
  due_at:    {{type: datetime, nullable: true, filter: true, sort: true}}
  amount:    {{type: decimal, precision: 10, scale: 2, ge: 0, nullable: true, filter: true}}
  done:      {{type: boolean, default: false, filter: true}}{reference}
"""

MUST_START, MUST_MEMORY = 5.0, 500.0
MUST_GENERATE, MUST_CHANGE, MUST_CHECK = 5.0, 1.0, 3.0
MUST_LAST = 1.10

PAIRS = 40
"""Of requests to the only resource and to the last of many, one after the other, so that both see as busy a machine."""

_ASK = """
import asyncio, json, os, resource, sys, time
began = time.perf_counter()
from app.main import create_app
from app.config import load_settings
from jose import jwt

WHO = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
SECRET = "a-secret-for-measurements-only-5d8f0c2e"
app = create_app(load_settings({"JWT_SECRET": SECRET, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "LOG_LEVEL": "error"}, None))
token = jwt.encode({"sub": "ada", "exp": int(time.time()) + 3600}, SECRET)

def cpu():
    return sum(sum(resource.getrusage(who)[:2]) for who in WHO)

async def ask(path):
    status = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        if message["type"] == "http.response.start":
            status.append(message["status"])
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http"}
    scope |= {"http_version": "1.1", "server": ("test", 80), "client": ("test", 1)}
    await app(scope | {"headers": [(b"authorization", b"Bearer " + token.encode())]}, receive, send)
    return status[0]

async def microseconds(path, expected, rounds=9, number=300):
    assert await ask(path) == expected, await ask(path)
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(number):
            await ask(path)
        times.append((time.process_time() - start) / number * 1e6)
    return min(times)
"""
"""Runs in the generated project, as the beginning of what follows. No database is needed for what it measures."""

_SERVED = """
async def main():
    first, last = sys.argv[1:3]
    async with app.router.lifespan_context(app):
        # Another user's path: everything but the database. 403 comes from the compiled handler of the route.
        assert await ask(f"/api/other/{last}") == 403
        started = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures = {"start": started, "start CPU": cpu(), "memory": memory}
        figures["first"] = await microseconds(f"/api/other/{first}", 403)
        figures["last"] = await microseconds(f"/api/other/{last}", 403)
        figures["404"] = await microseconds("/api/other/no-such-thing", 404)
        asked, used = time.perf_counter(), cpu()
        assert await ask("/openapi.json") == 200
        figures |= {"openapi": time.perf_counter() - asked, "openapi CPU": cpu() - used}
        figures["openapi memory"] = max(resource.getrusage(who).ru_maxrss for who in WHO) / 1024
    print(json.dumps(figures))

asyncio.run(main())
"""
"""Prints the figures as JSON."""

_COMPARED = """
async def main():
    async with app.router.lifespan_context(app):
        for line in sys.stdin:
            path, expected = line.split()
            print(await microseconds(path, int(expected), rounds=1), flush=True)

asyncio.run(main())
"""
"""Prints the microseconds of each path on stdin."""


def write_specs(folder: Path, count: int) -> None:
    """The specs of so many resources, most of which refer to the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        reference = (
            f"\n  before: {{type: ref, to: Thing{number - 1}, nullable: true, on_delete: set_null, filter: true}}" if number % 10 else ""
        )
        name = f"thing{number}"
        (folder / f"{name}.yaml").write_text(_SPEC.format(name=name.capitalize(), number=number, reference=reference))


def measure(counts: list[int]) -> int:
    """Print a line for each count; 1 when one of 1,000 misses what it must be."""
    sys.stdout.write(
        f"{'resources':>9}{'generate s':>14}{'one changed':>14}{'check':>14}{'a clone':>14}{'start':>14}{'MiB':>7}"
        f"{'first µs':>10}{'last µs':>9}{'404 µs':>8}{'OpenAPI':>15}{'MiB':>7}\n"
    )
    misses: list[str] = []
    for count in sorted({1, *counts}):
        figures = _figures(count)
        sys.stdout.write(
            f"{count:9}{''.join(_of_command(figures, name) for name in ('generate', 'change', 'check', 'clone'))}"
            f"{_of_command(figures, 'start')}{figures['memory']:7.0f}"
            f"{figures['first']:10.1f}{figures['last']:9.1f}{figures['404']:8.1f} {_of_command(figures, 'openapi')}{figures['openapi memory']:7.0f}\n"
        )
        sys.stdout.flush()
        if count == 1000:
            misses += _misses(figures)
            sys.stdout.write(
                f"The last of 1,000 takes {figures['of the only one']:.2f} × the time of the only one, a 404 {figures['of its 404']:.2f} ×: "
                f"medians of {PAIRS} pairs.\n"
            )
    sys.stdout.write("".join(f"MISSED: {miss}\n" for miss in misses))
    return int(bool(misses))


def _misses(figures: dict[str, float]) -> list[str]:
    limits = {
        "generate": MUST_GENERATE,
        "change": MUST_CHANGE,
        "check": MUST_CHECK,
        "clone": MUST_CHECK,
        "start": MUST_START,
        "memory": MUST_MEMORY,
        "of the only one": MUST_LAST,
        "of its 404": MUST_LAST,
    }
    return [f"{name} is {figures[name]:.2f}, and must be at most {limit:.2f}" for name, limit in limits.items() if figures[name] > limit]


def _figures(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="rowsmith-bench-") as name:
        root = Path(name) / "project"
        cache = Path(name) / "cache"
        _rowsmith("init", Path(name), cache, "init", str(root))
        shutil.rmtree(root / "resources")
        write_specs(root / "resources", count)
        figures = _rowsmith("generate", root, cache, "generate")
        spec = root / "resources" / f"thing{count - 1}.yaml"
        spec.write_text(spec.read_text().replace("  notes: ", "  extra:     integer?\n  notes: "))
        figures |= _rowsmith("change", root, cache, "generate")
        figures |= _rowsmith("check", root, cache, "check")
        shutil.rmtree(cache)  # as it is where a clone is checked for the first time
        figures |= _rowsmith("clone", root, cache, "check")
        figures |= _served(root, count)
        if count == 1000:
            alone = Path(name) / "alone"
            _rowsmith("init", Path(name), cache, "init", str(alone))
            shutil.rmtree(alone / "resources")
            write_specs(alone / "resources", 1)
            _rowsmith("generate", alone, cache, "generate")
            figures |= _compared(alone, root, f"thing{count - 1}s")
        return figures


def _rowsmith(name: str, folder: Path, cache: Path, *arguments: str) -> dict[str, float]:
    """The seconds that a command takes, start of Python included, as `name`; and its CPU time. `cache` is where it may keep what it finds."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-m", "generator", *arguments]
    used, began = _used(), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"rowsmith {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return {name: time.perf_counter() - began, f"{name} CPU": _used() - used}


def _used() -> float:
    """The CPU time of all programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _of_command(figures: dict[str, float], name: str) -> str:
    """The seconds of a command, and those of all processors."""
    return f"{figures[name]:.2f} / {figures[f'{name} CPU']:.2f}".rjust(14)


def _compared(alone: Path, many: Path, last: str) -> dict[str, float]:
    """How many times the CPU time of the only resource the last of many takes, and a 404."""
    with _asking(alone) as one, _asking(many) as all_of_them:

        def ratio(path: str, other: str, status: int) -> float:
            pairs = [(one(path, status), all_of_them(other, status)) for _ in range(PAIRS)]
            return median(later / first for first, later in pairs)

        missing = "/api/other/no-such-thing"
        return {"of the only one": ratio("/api/other/thing0s", f"/api/other/{last}", 403), "of its 404": ratio(missing, missing, 404)}


@contextmanager
def _asking(root: Path) -> Generator[Callable[[str, int], float]]:
    """A process that tells the CPU microseconds of a request to a path which is answered with a status."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", _ASK + _COMPARED]
    with subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        asked, told = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

        def ask(path: str, status: int) -> float:
            asked.write(f"{path} {status}\n")
            asked.flush()
            return float(told.readline())

        yield ask


def _served(root: Path, count: int) -> dict[str, float]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", _ASK + _SERVED, "thing0s", f"thing{count - 1}s"]
    subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True)  # compiles the modules
    done = subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return orjson.loads(done.stdout)
