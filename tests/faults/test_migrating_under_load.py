"""D6: the database is migrated while clients read and write at full speed, and none of them notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.observer import Observer, observing
from tests.support.serving import Api, serving
from tests.support.specs import PROJECT, spec

LONGEST_WAIT = 2.5
"""Seconds that a request may wait for a lock: a migration gives up after two."""

TITLE = "title: {type: string, filter: true, sort: true}"
EDITS = {
    "a field": (TITLE, "n: {type: integer, default: 1, filter: true}", "note: text?"),
    "a field with a default": (TITLE, "n: {type: integer, default: 1, filter: true}", "note: text?", "rank: {type: integer, default: 3}"),
    "a bound and an index": (
        TITLE,
        "n: {type: integer, default: 1, ge: -5, filter: true, sort: true, index: true}",
        "note: text?",
        "rank: {type: integer, default: 3}",
    ),
    "a reference": (
        TITLE,
        "n: {type: integer, default: 1, ge: -5, filter: true, sort: true, index: true}",
        "note: text?",
        "rank: {type: integer, default: 3}",
        "project: {type: ref, to: Project, nullable: true, on_delete: cascade, inverse: tasks}",
    ),
    "another type": (
        "title: {type: text, filter: true, sort: true, unique: true}",
        "n: {type: bigint, default: 1, ge: -5, filter: true, sort: true, index: true}",
        "note: text?",
        "rank: {type: integer, default: 3}",
        "project: {type: ref, to: Project, nullable: true, on_delete: cascade, inverse: tasks}",
    ),
    "a computed field": (
        "title: {type: text, filter: true, sort: true, unique: true}",
        "n: {type: bigint, default: 1, ge: -5, filter: true, sort: true, index: true}",
        "note: text?",
        "rank: {type: integer, default: 3}",
        "project: {type: ref, to: Project, nullable: true, on_delete: cascade, inverse: tasks}",
        "twice: {type: bigint, computed: n * 2, stored: true, nullable: true, sort: true}",
    ),
}


@dataclass
class History:
    """What clients were told: rows that are there with their last `n`, and answers that were no success."""

    rows: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[str] = field(default_factory=list[str])
    requests: int = 0


def client(api: Api, number: int, history: History, ended: threading.Event) -> None:
    """Create, change, read and list without a pause; every third change in a transaction of its own."""
    user = f"user-{number}"
    with httpx.Client(base_url=api.url, headers=api.headers(user), timeout=60) as http:
        count = 0
        while not ended.is_set():
            count += 1
            made = http.post(f"/api/{user}/tasks", json={"title": f"t{count}"}, headers={"Idempotency-Key": f"k{count}"})
            answers = [made]
            if made.status_code == 201:
                row = made.json()["id"]
                history.rows[row] = 1
                prefer = {"Prefer": "return=representation"} if count % 3 == 0 else {}
                answers.append(http.patch(f"/api/{user}/tasks/{row}", json={"n": count}, headers=prefer))
                if answers[-1].status_code == 200:
                    history.rows[row] = count
                answers += [http.get(f"/api/{user}/tasks/{row}"), http.get(f"/api/{user}/tasks?n__gte=3&sort=title&limit=20")]
            history.requests += len(answers)
            history.failures += [f"{one.request.method} {one.status_code} {one.text[:200]}" for one in answers if not one.is_success]


@contextmanager
def watching(observer: Observer, waits: list[float], ended: threading.Event) -> Generator[None]:
    """Note how long statements of the application wait for locks."""
    query = """SELECT extract(epoch FROM max(clock_timestamp() - query_start))::float8 FROM pg_stat_activity
               WHERE application_name = 'rowsmith' AND wait_event_type = 'Lock' AND datname = current_database()"""

    def watch() -> None:
        while not ended.is_set():
            waits.append(observer.fetch(query)[0][0] or 0.0)
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


def test_no_request_fails_while_the_database_is_migrated(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    write_core(tmp_path)
    write_specs(tmp_path, {"task": spec(TITLE, "n: {type: integer, default: 1, filter: true}"), "project": PROJECT})
    write_generated(tmp_path)
    ended, histories, waits = threading.Event(), [History() for _ in range(4)], list[float]()
    with new_database(postgres, tables=False) as database, observing(database) as observer:
        project = Project(tmp_path, database)
        project.rowsmith("db", "revision")
        project.rowsmith("db", "upgrade")
        project.fill(3000)
        with serving(database, root=tmp_path) as api:
            threads = [
                threading.Thread(target=client, args=(api, number, history, ended)) for number, history in enumerate(histories, start=100)
            ]
            try:
                with watching(observer, waits, ended):
                    for thread in threads:
                        thread.start()
                    for fields in EDITS.values():
                        write_specs(tmp_path, {"task": spec(*fields), "project": PROJECT})
                        project.rowsmith("db", "revision")
                        project.rowsmith("db", "upgrade")
                    ended.set()
            finally:
                ended.set()
                for thread in threads:
                    thread.join()
        failures = [failure for history in histories for failure in history.failures]
        assert failures == []
        assert sum(history.requests for history in histories) > 100
        stored = dict(line.split("|") for line in database.execute("SELECT id, n FROM tasks WHERE user_id ~ '-10[0-3]$'").splitlines())
        assert {row: int(n) for row, n in stored.items()} == {row: n for history in histories for row, n in history.rows.items()}
        assert max(waits) < LONGEST_WAIT
