"""D6: the database is migrated while clients read and write at full speed, and none of them notices.

Operations run in the order that `rowsmith plan` names (docs/migrations.md): what is new before the code that uses it is deployed, what
goes after the code that used it has ended. A deployment starts the new application beside the old one, lets every client move over, and
stops the old one.
"""

from __future__ import annotations

import inspect
import re
import shutil
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from app.db import guards
from app.db.migrations import steps
from generator.embedded import EmbeddedPostgres
from generator.migrations.editions import GUARDS
from generator.migrations.revisions import VERSIONS, read_history
from tests.support.database import Database, new_database
from tests.support.generated import write_core, write_generated, write_specs
from tests.support.migrating import Project
from tests.support.observer import Observer, observing
from tests.support.serving import Api, serving
from tests.support.specs import PROJECT, spec

LONGEST_WAIT = 2.5
"""Seconds that a request may wait for a lock: a migration gives up after two."""

CLIENTS = 2
ROWS = 2000

TITLE, N, NOTE = "title: {type: string, filter: true, sort: true}", "n: {type: integer, default: 1, filter: true}", "note: text?"
TEXT_TITLE, UNIQUE_TITLE = (f"title: {{type: text, filter: true, sort: true{unique}}}" for unique in ("", ", unique: true"))
BOUND = "n: {type: integer, default: 1, ge: -5, filter: true, sort: true, index: true}"
WIDE = BOUND.replace("integer", "bigint")
RANK, REF = "rank: {type: integer, default: 3}", "project: {type: ref, to: Project, nullable: true, on_delete: cascade, inverse: tasks}"
STATE = "state: {type: enum, values: [open, done], default: open, filter: true}"
HELD = STATE.replace("open, done", "open, held, done")
LAX_RANK = "rank: {type: integer, default: 4, nullable: true}"
SEARCHED, HEADLINE = "note: {type: text, nullable: true, search: true}", "headline: {type: string, nullable: true, sort: true}"
NEEDED_HEADLINE = "headline: {type: string, default: none, sort: true}"
CAPTION = NEEDED_HEADLINE.replace("headline: {", "caption: {renamed_from: headline, ")
LEGEND = NEEDED_HEADLINE.replace("headline: {", "legend: {renamed_from: caption, ")
WIDE_RANK = LAX_RANK.replace("integer", "bigint")
TWICE = "twice: {type: bigint, computed: n * 2, stored: true, nullable: true, sort: true}"
KEPT = "soft_delete: true\n"


@dataclass(frozen=True)
class Change:
    """An edit of Task and how it goes live.

    `order` is when its revision runs: before the code is deployed (which may be with a later change, unless `deploys`), after that, while
    no application runs, or, as it should not be, while the old code runs that does not know the new tables. `projects` is whether there
    is what tasks can refer to. `by_hand` is a step added to the revision: at its end, or in front. `body` is what clients of the new code
    send beside the title, and `path` where to; `edition` that of what guards rows.
    """

    fields: tuple[str, ...]
    order: Literal["migrate first", "deploy first", "stopped", "unprepared"] = "migrate first"
    deploys: bool = False
    rest: str = ""
    projects: bool = True
    options: tuple[str, ...] = ()
    by_hand: str = ""
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    edition: int = 1
    path: str = "tasks"


STEPS = {name for name, step in inspect.getmembers(steps, inspect.isfunction) if step.__module__ == steps.__name__ and name[0] != "_"}
"""Every step that a revision can take."""

BACK = {"add_view", "search_view"}
"""Those of them that only lead back."""

COPY = 'steps.update_rows("tasks", "headline = left(note, 200)", "headline IS NULL AND note IS NOT NULL")'
CHANGES = {
    "fields, and a resource": Change((TITLE, N, NOTE, RANK, STATE)),
    "a bound, an index, a reference, a value of an enum, another default, and null": Change((TITLE, BOUND, NOTE, LAX_RANK, HELD, REF)),
    "another type, gradually": Change((TITLE, BOUND, NOTE, WIDE_RANK, HELD, REF), options=("--gradual",)),
    "another type and a computed field": Change((TITLE, WIDE, NOTE, WIDE_RANK, HELD, REF, TWICE)),
    "search and soft delete": Change(
        (TITLE, WIDE, SEARCHED, WIDE_RANK, HELD, REF, TWICE),
        deploys=True,
        rest=KEPT,
        body={"note": "some words", "state": "held", "rank": 5},
    ),
    "another edition of what guards rows": Change((TITLE, WIDE, SEARCHED, WIDE_RANK, HELD, REF, TWICE), rest=KEPT, edition=2),
    "unique, and the end of fields, of a reference and of a value": Change(
        (UNIQUE_TITLE, WIDE, SEARCHED, STATE),
        "deploy first",
        rest=KEPT,
        options=(
            *("--allow", "drop:tasks.rank", "--allow", "drop:tasks.project_id"),
            *("--replace", "tasks.state.held=open", "--allow", "drop:tasks.state.held"),
        ),
        body={"note": "words", "state": "done"},
    ),
    "the first half of a rename": Change(
        (UNIQUE_TITLE, WIDE, SEARCHED, STATE, HEADLINE), deploys=True, rest=KEPT, by_hand=COPY, body={"headline": "words"}
    ),
    "the second half of a rename, a value that is needed, the end of search, of soft delete and of a resource": Change(
        (UNIQUE_TITLE, WIDE, STATE, NEEDED_HEADLINE),
        "deploy first",
        projects=False,
        options=("--allow", "drop:tasks.note", "--allow", "drop:tasks.deleted_at", "--allow", "drop:projects"),
        by_hand=COPY,
        body={"headline": "words"},
    ),
    "the end of unique": Change((TEXT_TITLE, WIDE, STATE, NEEDED_HEADLINE), projects=False, body={"headline": "words"}),
    "a rename, gradually": Change(
        (TEXT_TITLE, WIDE, STATE, CAPTION), deploys=True, projects=False, options=("--gradual",), body={"caption": "words"}
    ),
    "the end of the old name": Change(
        (TEXT_TITLE, WIDE, STATE, CAPTION), "deploy first", projects=False, options=("--finish",), body={"caption": "words"}
    ),
    "a rename at once": Change((TEXT_TITLE, WIDE, STATE, LEGEND), "stopped", projects=False),
    "another name of the resource, gradually": Change(
        (TEXT_TITLE, WIDE, STATE, LEGEND), deploys=True, rest="plural: errands\n", projects=False, path="errands", options=("--gradual",)
    ),
    "the end of its old name": Change(
        (TEXT_TITLE, WIDE, STATE, LEGEND), "deploy first", rest="plural: errands\n", projects=False, path="errands", options=("--finish",)
    ),
    "another name of the resource while the old code runs": Change(
        (TEXT_TITLE, WIDE, STATE, LEGEND), "unprepared", rest="plural: chores\n", projects=False, path="chores"
    ),
}

REFUSED = "503 " + '{"detail":"The database is being changed for another version of the application. Try again shortly."}'
"""What a client is told whose tables have another name."""


@dataclass
class History:
    """What clients were told: rows that are there with their last `n`, and answers that were no success."""

    rows: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[str] = field(default_factory=list[str])
    requests: int = 0
    on: str = ""


@dataclass
class Deployed:
    """Where clients send their requests, and the change that tells them what; None while nothing runs."""

    now: tuple[Api, Change] | None = None
    ended: bool = False


def client(deployed: Deployed, number: int, history: History) -> None:
    """Create, change, read, list and delete without a pause; every third change in a transaction of its own."""
    user, count = f"user-{number}", 0
    with httpx.Client(timeout=60) as http:
        while not deployed.ended:
            now = deployed.now
            history.on = "" if now is None else now[0].url
            if now is None:
                time.sleep(0.01)
                continue
            api, change = now
            count += 1
            rows, http.headers = f"{api.url}/api/{user}/{change.path}", httpx.Headers(api.headers(user))
            made = http.post(rows, json={"title": f"t{count}", **change.body}, headers={"Idempotency-Key": f"k{count}"})
            answers = [made]
            if made.status_code == 201:
                row = made.json()["id"]
                history.rows[row] = 1
                prefer = {"Prefer": "return=representation"} if count % 3 == 0 else {}
                answers.append(http.patch(f"{rows}/{row}", json={"n": count}, headers=prefer))
                if answers[-1].status_code == 200:
                    history.rows[row] = count
                answers += [http.get(f"{rows}/{row}"), http.get(f"{rows}?n__gte=3&sort=title&limit=20")]
                if count % 5 == 0:
                    answers.append(http.delete(f"{rows}/{row}"))
                    if answers[-1].status_code == 204:
                        del history.rows[row]
            history.requests += len(answers)
            history.failures += [f"{one.request.method} {one.status_code} {one.text[:200]}" for one in answers if not one.is_success]


@contextmanager
def watching(observer: Observer, waits: list[float], deployed: Deployed) -> Generator[None]:
    """Note how long statements of the application wait for locks."""
    query = """SELECT extract(epoch FROM max(clock_timestamp() - query_start))::float8 FROM pg_stat_activity
               WHERE application_name = 'rowsmith' AND wait_event_type = 'Lock' AND datname = current_database()"""

    def watch() -> None:
        while not deployed.ended:
            waits.append(observer.fetch(query)[0][0] or 0.0)
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


@dataclass(frozen=True)
class Release:
    """A change with its revision, and the code that it is deployed as where it is."""

    change: Change
    revision: str
    root: Path


def released(project: Project, change: Change, number: int) -> Release:
    """Write the revision of a change, and its code beside the project."""
    root = project.root
    specs = {"task": spec(*change.fields, rest=change.rest)}
    write_specs(root, {**specs, "project": PROJECT} if change.projects else specs)
    guarding = root / GUARDS
    guarding.write_text(re.sub(r"(?m)^([A-Z]+) = \d$", rf"\1 = {change.edition}", guarding.read_text(encoding="utf-8")), encoding="utf-8")
    project.rowsmith("db", "revision", *change.options)
    if change.by_hand:
        add_step(root, change)
    revision = read_history(root).head
    assert revision is not None
    write_generated(root)
    copy = root.with_name(f"release-{number}")
    shutil.copytree(root / "app", copy / "app", ignore=shutil.ignore_patterns("__pycache__"))
    return Release(change, revision, copy)


def steps_of(release: Release) -> set[str]:
    """The steps that the upgrade of a release takes."""
    source = max((release.root / VERSIONS).glob("*.py")).read_text(encoding="utf-8")
    return set(re.findall(r"steps\.(\w+)\(", source.partition("def downgrade")[0]))


def add_step(root: Path, change: Change) -> None:
    """Write the step by hand: behind what an upgrade adds, or in front of what it drops."""
    latest = max((root / VERSIONS).glob("*.py"))
    source = latest.read_text(encoding="utf-8")
    upgrade, mark, downgrade = source.partition("\n\n\ndef downgrade")
    head, docstring, rest = upgrade.partition('this one."""\n')
    step = f"    {change.by_hand}\n"
    upgrade = f"{head}{docstring}{step}{rest}" if change.order == "deploy first" else f"{upgrade}\n{step.rstrip()}"
    latest.write_text(upgrade + mark + downgrade, encoding="utf-8")


class Rollout:
    """Brings releases live, one after the other."""

    def __init__(self, project: Project, deployed: Deployed, histories: list[History], stack: ExitStack) -> None:
        self._project = project
        self._deployed = deployed
        self._histories = histories
        self._stack = stack
        self._running: ExitStack | None = None

    def run(self, release: Release) -> None:
        """Run the revision and deploy the code, in the order of the change."""
        order = release.change.order
        if order == "stopped":
            self._stop()
        if order == "deploy first":
            self.deploy(release)
        self._project.rowsmith("db", "upgrade", release.revision)
        if order == "unprepared":
            self.let_clients_go_on()
        if release.change.deploys or order in {"stopped", "unprepared"}:
            self.deploy(release)

    def deploy(self, release: Release) -> None:
        """Start the code, move the clients over, and stop what ran until then."""
        running = self._stack.enter_context(ExitStack())
        api = running.enter_context(serving(self._project.database, root=release.root))
        self._deployed.now = api, release.change
        self._wait(api.url)
        if self._running is not None:
            self._running.close()
        self._running = running

    def _stop(self) -> None:
        self._deployed.now = None
        self._wait("")
        if self._running is not None:
            self._running.close()
        self._running = None

    def let_clients_go_on(self) -> None:
        """Until every client has had further answers."""
        before = [history.requests for history in self._histories]
        _until(lambda: all(history.requests > requests for history, requests in zip(self._histories, before, strict=True)))

    def _wait(self, url: str) -> None:
        """Until every client is there: what it asked before has been answered then."""
        _until(lambda: all(history.on == url for history in self._histories))


def _until(reached: Callable[[], bool]) -> None:
    """Look at what the clients, which run freely, have done, until it is so."""
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline, "a client does not go on"
        time.sleep(0.01)


def test_no_request_fails_while_the_database_is_migrated(
    postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protection = guards.PROTECTIONS[2]
    monkeypatch.setitem(guards.PROTECTIONS, 2, replace(protection, policy=f"{protection.policy} WITH CHECK (user_id <> '')"))
    monkeypatch.setitem(guards.SEARCHES, 2, guards.SEARCHES[1])
    root = tmp_path / "project"
    write_core(root)
    deployed, histories, waits = Deployed(), [History() for _ in range(CLIENTS)], list[float]()
    with new_database(postgres, tables=False) as database, observing(database) as observer, ExitStack() as stack:
        project = Project(root, database)
        first = released(project, Change((TITLE, N), projects=False), 0)
        project.rowsmith("db", "upgrade")
        project.fill(ROWS)
        releases = {name: released(project, change, number) for number, (name, change) in enumerate(CHANGES.items(), 1)}
        assert set().union(*(steps_of(release) for release in releases.values())) == STEPS - BACK
        rollout = Rollout(project, deployed, histories, stack)
        threads = [threading.Thread(target=client, args=(deployed, number, one)) for number, one in enumerate(histories, start=100)]
        for thread in threads:
            thread.start()
        try:
            rollout.deploy(first)
            with watching(observer, waits, deployed):
                for name, release in releases.items():
                    rollout.run(release)
                    failures = [history.failures.copy() for history in histories]
                    rollout.let_clients_go_on()
                    assert [history.failures for history in histories] == failures, name
                    assert [bool(one) for one in failures] == [release.change.order == "unprepared"] * CLIENTS, (name, failures)
                deployed.ended = True
        finally:
            deployed.ended = True
            for thread in threads:
                thread.join()
        assert [failure for history in histories for failure in history.failures if not failure.endswith(REFUSED)] == []
        assert sum(history.requests for history in histories) > 100
        assert _stored(database) == {row: n for history in histories for row, n in history.rows.items()}
        assert max(waits) < LONGEST_WAIT


def _stored(database: Database) -> dict[str, int]:
    """The rows of the clients with their `n`."""
    lines = database.execute("SELECT id, n FROM chores WHERE user_id ~ '-10[0-9]$'").splitlines()
    return {row: int(n) for row, n in (line.split("|") for line in lines)}
