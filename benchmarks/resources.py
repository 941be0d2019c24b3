"""What many resources cost: to generate and check them, to start with them, and to answer for the last of them."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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

_SERVED = """
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

async def microseconds(path, expected, number=300):
    assert await ask(path) == expected, await ask(path)
    times = []
    for _ in range(9):
        start = time.process_time()
        for _ in range(number):
            await ask(path)
        times.append((time.process_time() - start) / number * 1e6)
    return min(times)

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
"""Runs in the generated project; prints its figures as JSON. No database is needed for what it measures."""


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
    alone: dict[str, float] | None = None
    misses: list[str] = []
    for count in sorted({1, *counts}):
        figures = _figures(count)
        alone = alone or figures
        sys.stdout.write(
            f"{count:9}{''.join(_of_command(figures, name) for name in ('generate', 'change', 'check', 'clone'))}"
            f"{_of_command(figures, 'start')}{figures['memory']:7.0f}"
            f"{figures['first']:10.1f}{figures['last']:9.1f}{figures['404']:8.1f} {_of_command(figures, 'openapi')}{figures['openapi memory']:7.0f}\n"
        )
        sys.stdout.flush()
        if count == 1000:
            misses += _misses(figures, alone)
    sys.stdout.write("".join(f"MISSED: {miss}\n" for miss in misses))
    return int(bool(misses))


def _misses(figures: dict[str, float], alone: dict[str, float]) -> list[str]:
    limits = {
        "generate": MUST_GENERATE,
        "change": MUST_CHANGE,
        "check": MUST_CHECK,
        "clone": MUST_CHECK,
        "start": MUST_START,
        "memory": MUST_MEMORY,
        "last": alone["last"] * MUST_LAST,
        "404": alone["404"] * MUST_LAST,
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
        return figures | _served(root, count)


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


def _served(root: Path, count: int) -> dict[str, float]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", _SERVED, "thing0s", f"thing{count - 1}s"]
    subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True)  # compiles the modules
    done = subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return orjson.loads(done.stdout)
