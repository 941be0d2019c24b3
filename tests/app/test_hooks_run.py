"""Hooks in a project of its own: called in order, in the request's transaction, for its user alone; a refusal leaves no trace."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.scaffold import project_files
from generator.write import create
from tests.support.database import new_database, temporary_folder
from tests.support.tokens import SECRET, mint, new_user

SPEC = """\
resource: Task
fields:
  title: string
  notes: text?
hooks: [before_create, after_create, before_update, after_update, before_delete, after_delete, after_commit]
"""

EXTENSION = '''\
"""Writes down every call, and refuses what it is told to refuse."""

import json
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from sqlmodel import select

from app.db.session import Change, Transaction
from app.models.task import Task

LOG = Path("hooks.log")


def note(hook: str, **facts: Any) -> None:
    with LOG.open("a") as log:
        log.write(json.dumps({"hook": hook, **facts}) + "\\n")


async def titles(session: Transaction) -> list[str]:
    return sorted(task.title for task in await session.exec(select(Task)))


def refuse(hook: str, title: str) -> None:
    if title == f"refused by {hook}":
        raise HTTPException(409, f"{hook} says no")


async def before_create(session: Transaction, row: Task) -> None:
    note("before_create", title=row.title, seen=await titles(session))
    row.title = row.title.strip()
    refuse("before_create", row.title)


async def after_create(session: Transaction, row: Task) -> None:
    note("after_create", title=row.title, seen=await titles(session))
    refuse("after_create", row.title)


async def before_update(session: Transaction, row: Task, changes: dict[str, Any]) -> None:
    note("before_update", title=row.title, changes=changes)
    if "title" in changes:
        changes["notes"] = f"was {row.title}"
        refuse("before_update", changes["title"])


async def after_update(session: Transaction, before: Task, row: Task) -> None:
    note("after_update", before=before.title, title=row.title, notes=row.notes, seen=await titles(session))
    refuse("after_update", row.title)


async def before_delete(session: Transaction, row: Task) -> None:
    note("before_delete", title=row.title, seen=await titles(session))
    refuse("before_delete", row.title)


async def after_delete(session: Transaction, row: Task) -> None:
    note("after_delete", title=row.title, seen=await titles(session))
    refuse("after_delete", row.title)


async def after_commit(change: Change[Task]) -> None:
    before, after = change.before and change.before.title, change.after and change.after.title
    note("after_commit", operation=change.operation, user=change.user_id, before=before, after=after)
    refuse("after_commit", after or "")
'''


@dataclass(frozen=True, slots=True)
class Served:
    """The served project and the log of its hooks."""

    client: httpx.Client
    log: Path

    def call(self, user: str, method: str, path: str = "", **options: Any) -> httpx.Response:
        """Send a request about tasks."""
        headers = {"Authorization": f"Bearer {mint(user)}"}
        return self.client.request(method, f"/api/{user}/tasks{path}", headers=headers, **options)

    def create(self, user: str, title: str) -> str:
        """Create a task; gives its id."""
        answer = self.call(user, "POST", json={"title": title})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def titles(self, user: str) -> list[str]:
        """The titles of a user's tasks."""
        return sorted(item["title"] for item in self.call(user, "GET").json()["items"])

    def taken(self) -> list[dict[str, Any]]:
        """What the hooks have written down since this was last asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def served(postgres: EmbeddedPostgres) -> Generator[Served]:
    """A new project with every hook, generated and served."""
    with temporary_folder() as root, new_database(postgres, tables=False) as database:
        create(root, project_files("hooks", "0"))
        (root / "resources/task.yaml").write_text(SPEC)
        environment = {"PATH": os.environ["PATH"], "DATABASE_URL": database.app_dsn, "JWT_SECRET": SECRET, "HOST": "127.0.0.1"}
        generator = {**environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        subprocess.run([sys.executable, "-m", "generator", "generate"], cwd=root, env=generator, check=True, capture_output=True)
        (root / "app/extensions/task.py").write_text(EXTENSION)
        done = subprocess.run(
            [sys.executable, "-m", "generator", "check"], cwd=root, env=generator, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        schema = f"import asyncio, app.db.schema as s; asyncio.run(s.create_schema({database.owner_dsn!r}, {APP_ROLE!r}))"
        subprocess.run([sys.executable, "-c", schema], cwd=root, env=environment, check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            environment["PORT"] = str(probe.getsockname()[1])
        with (root / "log").open("wb") as output:
            process = subprocess.Popen([sys.executable, "-m", "app"], cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{environment['PORT']}", timeout=30) as client:
                wait_until_ready(client, process, root / "log")
                yield Served(client, root / "hooks.log")
        finally:
            process.terminate()
            process.wait(30)


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def user(served: Served) -> str:
    """A user without tasks, and an empty log."""
    served.taken()
    return new_user()


def test_create_calls_its_hooks_in_order_and_stores_what_they_change(served: Served, user: str):
    served.create(user, "  one ")
    assert served.taken() == [
        {"hook": "before_create", "title": "  one ", "seen": []},
        {"hook": "after_create", "title": "one", "seen": ["one"]},
        {"hook": "after_commit", "operation": "create", "user": user, "before": None, "after": "one"},
    ]
    assert served.titles(user) == ["one"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_update_shows_both_rows_and_stores_what_the_hook_changes(served: Served, user: str, method: str):
    task = served.create(user, "one")
    served.taken()
    answer = served.call(user, method, f"/{task}", json={"title": "two"})
    assert (answer.status_code, answer.json()["notes"]) == (200, "was one")
    calls = served.taken()
    assert [call["hook"] for call in calls] == ["before_update", "after_update", "after_commit"]
    assert calls[0]["title"] == "one"
    assert calls[0]["changes"]["title"] == "two"
    assert calls[1] == {"hook": "after_update", "before": "one", "title": "two", "notes": "was one", "seen": ["two"]}
    assert calls[2] == {"hook": "after_commit", "operation": "update", "user": user, "before": "one", "after": "two"}


def test_delete_calls_its_hooks_in_order(served: Served, user: str):
    task = served.create(user, "one")
    served.taken()
    assert served.call(user, "DELETE", f"/{task}").status_code == 204
    assert served.taken() == [
        {"hook": "before_delete", "title": "one", "seen": ["one"]},
        {"hook": "after_delete", "title": "one", "seen": []},
        {"hook": "after_commit", "operation": "delete", "user": user, "before": "one", "after": None},
    ]


@pytest.mark.parametrize("hook", ["before_create", "after_create"])
def test_a_refused_create_leaves_nothing(served: Served, user: str, hook: str):
    answer = served.call(user, "POST", json={"title": f"refused by {hook}"})
    assert (answer.status_code, answer.json()) == (409, {"detail": f"{hook} says no"})
    assert served.titles(user) == []
    assert "after_commit" not in [call["hook"] for call in served.taken()]


@pytest.mark.parametrize("hook", ["before_update", "after_update"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_refused_update_changes_nothing(served: Served, user: str, hook: str, method: str):
    task = served.create(user, "one")
    served.taken()
    answer = served.call(user, method, f"/{task}", json={"title": f"refused by {hook}"})
    assert (answer.status_code, answer.json()) == (409, {"detail": f"{hook} says no"})
    row = served.call(user, "GET", f"/{task}").json()
    assert (row["title"], row["notes"], row["version"]) == ("one", None, 1)
    assert "after_commit" not in [call["hook"] for call in served.taken()]


@pytest.mark.parametrize("hook", ["before_delete", "after_delete"])
def test_a_refused_delete_deletes_nothing(served: Served, user: str, hook: str):
    task = served.create(user, f"refused by {hook}")
    assert served.call(user, "DELETE", f"/{task}").status_code == 409
    assert served.titles(user) == [f"refused by {hook}"]


def test_a_failing_after_commit_does_not_reach_the_client(served: Served, user: str):
    served.create(user, "refused by after_commit")
    assert served.titles(user) == ["refused by after_commit"]


def test_hooks_see_the_rows_of_their_user_alone(served: Served, user: str):
    served.create(new_user(), "a secret")
    served.taken()
    served.create(user, "mine")
    assert served.taken()[1]["seen"] == ["mine"]


@pytest.mark.parametrize(("method", "options"), [("PATCH", {"json": {"title": "x"}}), ("PUT", {"json": {"title": "x"}}), ("DELETE", {})])
def test_no_hook_runs_for_another_users_row(served: Served, user: str, method: str, options: dict[str, Any]):
    task = served.create(new_user(), "a secret")
    served.taken()
    assert served.call(user, method, f"/{task}", **options).status_code == 404
    assert served.taken() == []


def test_no_hook_runs_for_a_request_that_is_refused_before(served: Served, user: str):
    task = served.create(user, "one")
    served.taken()
    assert served.call(user, "PATCH", f"/{task}", json={"title": 1}).status_code == 422
    assert served.client.patch(f"/api/{user}/tasks/{task}", json={"title": "x"}).status_code == 401
    assert served.taken() == []
