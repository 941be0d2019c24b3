"""Measures lists among many rows: `make bench-rows`.

Fills the example's tasks on an embedded PostgreSQL: `--rows` of `--users` users, of which one has `--largest`. Then it asks the served
application for the largest user's rows in every sort, page 1 and page 10,000 by cursor in turns, with every kind of filter and with both
kinds of count, and for the first page of users with ordinary numbers of rows. Times are those of the client, in milliseconds: the median
and the worst of the rounds. It ends with 1 when page 10,000 takes more than 1.5 times as long as page 1.
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
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from jose import jwt

from app.db.schema import create_schema
from generator.embedded import APP_ROLE, OWNER_ROLE, SUPERUSER, EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
SECRET = "a-secret-for-measurements-only-5d8f0c2e"  # noqa: S105 - of a database that lives for minutes
LARGEST = "user-0"
PAGE, DEEP, MOST = 20, 10_000, 100
ALLOWED = 1.5
"""How much longer page 10,000 may take than page 1."""

SORTS = ("created_at", "updated_at", "id", "title", "priority", "due_at", "progress")
STEP = 1_000_000

FILL = """
INSERT INTO tasks (user_id, id, created_at, updated_at, version, title, priority, completed, due_at, estimate, progress, labels, links)
SELECT 'user-' || owner, md5(n::text)::uuid, timestamptz '2020-01-01Z' + n * interval '1 second',
    timestamptz '2022-01-01Z' + spread * interval '1 second', 1, 'Task ' || spread, (ARRAY['low', 'normal', 'high'])[1 + spread % 3],
    spread % 7 = 0, CASE WHEN spread % 5 > 0 THEN timestamptz '2026-01-01Z' + spread % 500000 * interval '1 minute' END, spread % 100,
    CASE WHEN spread % 7 = 0 THEN 100 ELSE spread % 100 END, ARRAY['label ' || spread % 50], '{{}}'
FROM (
    SELECT n, n::bigint * 7919 % 10000019 AS spread, CASE WHEN n < {largest} THEN 0 ELSE 1 + n % ({users} - 1) END AS owner
    FROM generate_series({first}, {last}) AS n
) AS rows
"""


@dataclass(frozen=True, slots=True)
class Lists:
    """Asks the served application for lists of tasks."""

    client: httpx.Client
    rounds: int

    def get(self, user: str, query: Mapping[str, str]) -> httpx.Response:
        """The answer to one request."""
        now = int(time.time())
        token = jwt.encode({"sub": user, "iat": now - now % 3600, "exp": now - now % 3600 + 86400}, SECRET)
        answer = self.client.get(f"/api/{user}/tasks", params=dict(query), headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        return answer

    def times(self, *requests: tuple[str, Mapping[str, str]]) -> list[list[float]]:
        """The milliseconds of each round of each request, the requests in turns, after one of each that is not counted."""
        found: list[list[float]] = [[] for _ in requests]
        for number in range(self.rounds + 1):
            for times, (user, query) in zip(found, requests, strict=True):
                begin = time.perf_counter()
                self.get(user, query)
                if number:
                    times.append((time.perf_counter() - begin) * 1000)
        return found

    def cursor(self, user: str, sort: str) -> str:
        """The cursor of page 10,000, reached on pages as long as there are: cursors do not depend on the length."""
        query = {"sort": sort, "limit": str(MOST), "fields": "id"}
        for _ in range((DEEP - 1) * PAGE // MOST):
            query["cursor"] = self.get(user, query).json()["next_cursor"]
        left = (DEEP - 1) * PAGE % MOST
        return self.get(user, {**query, "limit": str(left)}).json()["next_cursor"] if left else query["cursor"]


def main() -> int:
    """Fill, serve, measure and print; 1 when a deep page takes too long."""
    parser = argparse.ArgumentParser(prog="make bench-rows", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--largest", type=int, default=1_000_000, help=f"rows of one user; at least {DEEP * PAGE:,}")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if not DEEP * PAGE <= options.largest <= options.rows or options.users < 2:
        parser.error(f"--largest is at least {DEEP * PAGE} and at most --rows, and there are 2 users or more")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rowsmith-bench-", dir="/tmp")))
        folder.chmod(0o755)
        database = stack.enter_context(EmbeddedPostgres.start(folder / "data", durable=False))
        fill(database, options.rows, options.users, options.largest)
        lists = Lists(stack.enter_context(serving(database)), options.rounds)
        say(f"{options.rows:,} rows, {options.users:,} users, {options.largest:,} rows of one; milliseconds, {options.rounds} rounds\n")
        slow = deep_pages(lists)
        counts_and_filters(lists)
        ordinary_users(lists, options.users)
    if slow:
        note(f"\nmore than {ALLOWED} times as long as page 1: {', '.join(slow)}")
    return 1 if slow else 0


def fill(database: EmbeddedPostgres, rows: int, users: int, largest: int) -> None:
    """Make the tables, and the indexes when the rows are there."""
    owner = database.dsn(OWNER_ROLE)
    asyncio.run(create_schema(owner, APP_ROLE))
    name = database.dsn(SUPERUSER).rpartition("?")[0].rpartition("/")[2]
    indexes = database.execute(name, "SELECT indexname FROM pg_indexes WHERE tablename = 'tasks' AND indexname LIKE 'ix%'").split()
    database.execute(name, ";".join(f'DROP INDEX "{index}"' for index in indexes))
    begin = time.monotonic()
    for first in range(0, rows, STEP):
        database.execute(name, FILL.format(first=first, last=min(first + STEP, rows) - 1, users=users, largest=largest))
        note(f"{min(first + STEP, rows):,} rows after {time.monotonic() - begin:.0f} s")
    database.execute(name, f"ALTER DATABASE \"{name}\" SET maintenance_work_mem = '1GB'")
    asyncio.run(create_schema(owner, APP_ROLE))
    database.execute(name, "VACUUM (ANALYZE) tasks; CHECKPOINT")
    size = database.execute(name, "SELECT pg_size_pretty(pg_total_relation_size('tasks'))")
    note(f"indexes after {time.monotonic() - begin:.0f} s; the table has {size} with its indexes")


@contextmanager
def serving(database: EmbeddedPostgres) -> Generator[httpx.Client]:
    """The application in one process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"PORT": str(port), "DATABASE_URL": database.dsn(), "JWT_SECRET": SECRET, "LOG_LEVEL": "warning", "STATEMENT_TIMEOUT": "60"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    process = subprocess.Popen([sys.executable, "-m", "app"], cwd=database.data_dir.parent, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90) as client:
            deadline = time.monotonic() + 120
            while True:
                try:
                    if client.get("/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("the application did not start")
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait()


def deep_pages(lists: Lists) -> list[str]:
    """Print each sort in both directions; those whose page 10,000 takes too long."""
    say("| sort | page 1 | worst | page 10,000 | worst | ratio |\n|---|---|---|---|---|---|")
    slow: list[str] = []
    for sort in (key for name in SORTS for key in (name, f"-{name}")):
        query = {"sort": sort, "limit": str(PAGE)}
        deep = {**query, "cursor": lists.cursor(LARGEST, sort)}
        first, last = lists.times((LARGEST, query), (LARGEST, deep))
        ratio = statistics.median(last) / statistics.median(first)
        say(f"| `{sort}` | {shown(first)} | {shown(last)} | {ratio:.2f} |")
        if ratio > ALLOWED:
            slow.append(sort)
    return slow


def counts_and_filters(lists: Lists) -> None:
    """Print what filters and totals take of the largest user."""
    say("\n| request | median | worst |\n|---|---|---|")
    middle = lists.get(LARGEST, {"offset": "5000", "limit": "1", "due_at__isnull": "false"}).json()["items"][0]
    queries: list[dict[str, str]] = [{"count": "estimated"}, {"count": "exact"}, {"completed": "true", "count": "exact"}]
    queries += [{"completed": "true"}, {"priority": "high"}, {"priority__in": "low,high", "sort": "due_at"}, {"title": middle["title"]}]
    queries += [
        {"due_at__gte": middle["due_at"], "sort": "due_at"},
        {"due_at__isnull": "true"},
        {"progress__gt": "90", "sort": "-progress"},
    ]
    rare, frequent = middle["title"].removeprefix("Task "), "task"  # in one row, and in every one
    queries += [{"q": rare}, {"q": rare, "sort": "due_at"}, {"q": frequent, "sort": "due_at"}, {"q": frequent}]
    queries += [{"title__startswith": "Task 99"}, {"estimate__lt": "1"}, {"labels__contains": "label 7"}, {"offset": "10000"}]
    for query in queries:
        (times,) = lists.times((LARGEST, {**query, "limit": str(PAGE)}))
        say(f"| `{'&'.join(f'{name}={value}' for name, value in query.items())}` | {shown(times)} |")


def ordinary_users(lists: Lists, users: int) -> None:
    """Print what the first request of many users takes, each of whom has not been asked for before."""
    times: list[float] = []
    for number in range(1, users, max(1, users // 1000)):
        begin = time.perf_counter()
        lists.get(f"user-{number}", {"limit": str(PAGE)})
        times.append((time.perf_counter() - begin) * 1000)
    say(f"\nfirst page of {len(times):,} other users, once each: median {statistics.median(times):.2f}, worst {max(times):.1f}")


def shown(times: list[float]) -> str:
    """Median and worst."""
    return f"{statistics.median(times):.2f} | {max(times):.1f}"


def say(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
