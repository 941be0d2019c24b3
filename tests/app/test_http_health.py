"""What machines ask: /healthz, /readyz and /metrics, from before the database is there until after SIGTERM."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import Database, new_database, temporary_folder
from tests.support.serving import ROOT, Api, serving
from tests.support.tokens import SECRET, mint, new_user
from tests.support.way import Way


@contextmanager
def started(folder: Path, **settings: str) -> Generator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """The application, as soon as it lives; it may not be ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": port, "JWT_SECRET": SECRET, **settings}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "app"], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            until(lambda: status(client, "/healthz") == 200)
            yield client, process
    finally:
        process.kill()
        process.wait()


@contextmanager
def later_way(database: Database) -> Generator[Way]:
    """A way to a database that is not there yet."""
    with temporary_folder() as folder:
        way = Way(database.server, folder)
        try:
            yield way
        finally:
            way.close()


def status(client: httpx.Client, path: str) -> int:
    """The status of an answer; 0 where there is none."""
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 0


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_live_and_ready_need_no_token(api: Api) -> None:
    for path in ("/healthz", "/readyz"):
        assert api.client.get(path).json() == {"status": "ok"}
        assert api.client.head(path).status_code == 200


def test_l3_without_a_database_the_process_lives_and_recovers(database: Database) -> None:
    user = new_user()
    with (
        later_way(database) as later,
        temporary_folder() as folder,
        started(folder, DATABASE_URL=later.dsn(database.app_dsn)) as (client, process),
    ):
        for _ in range(3):
            assert client.get("/healthz").status_code == 200
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert answer.json() == {"detail": "The database does not answer."}
            assert answer.headers["retry-after"] == "1"
        tags = client.get(f"/api/{user}/tags", headers={"Authorization": f"Bearer {mint(user)}"})
        assert tags.status_code == 503
        later.open()
        until(lambda: status(client, "/readyz") == 200, 5)
        assert client.get(f"/api/{user}/tags", headers={"Authorization": f"Bearer {mint(user)}"}).status_code == 200
        assert process.poll() is None
        assert "Traceback" not in (folder / "log").read_text()


def test_f1_an_unsafe_role_of_a_database_that_comes_later_ends_the_process(database: Database) -> None:
    with later_way(database) as later, temporary_folder() as folder:
        settings = {"DATABASE_URL": later.dsn(database.owner_dsn), "ENVIRONMENT": "production", "SHUTDOWN_DELAY": "0"}
        with started(folder, **settings) as (client, process):
            assert client.get("/readyz").status_code == 503
            later.open()
            assert process.wait(10) != 0
            log = (folder / "log").read_text()
        assert "DATABASE_URL lets users read each other's rows" in log
        assert "Traceback" not in log


def test_without_tables_the_process_is_not_ready(postgres: EmbeddedPostgres) -> None:
    with (
        new_database(postgres, tables=False) as empty,
        temporary_folder() as folder,
        started(folder, DATABASE_URL=empty.app_dsn) as (client, _),
    ):
        assert client.get("/readyz").status_code == 503
        assert "tables" in client.get("/readyz").json()["detail"]


def test_a_view_is_as_good_as_its_table_is_protected(postgres: EmbeddedPostgres) -> None:
    """A gradual revision has given a table another name, and a view the old one."""
    with new_database(postgres) as its, temporary_folder() as folder, started(folder, DATABASE_URL=its.app_dsn) as (client, _):
        until(lambda: status(client, "/readyz") == 200)
        its.execute("ALTER TABLE tags RENAME TO labels; CREATE VIEW tags WITH (security_invoker = true) AS SELECT * FROM labels")
        assert client.get("/readyz").status_code == 200
        its.execute("ALTER VIEW tags SET (security_invoker = false)")
        assert client.get("/readyz").status_code == 503
        its.execute("ALTER VIEW tags SET (security_invoker = true); ALTER TABLE labels DISABLE ROW LEVEL SECURITY")
        assert client.get("/readyz").status_code == 503


def test_metrics_are_opt_in(api: Api) -> None:
    assert api.client.get("/metrics").status_code == 404


@pytest.mark.parametrize("workers", ["1", "2"])
def test_metrics_count_requests_by_route_and_not_by_path(database: Database, workers: str) -> None:
    user = new_user()
    with serving(database, METRICS="true", WORKERS=workers, LOG_LEVEL="warning") as api:
        for number in range(40):
            with httpx.Client(base_url=api.url, headers=api.headers(user)) as client:  # a connection each, for another worker to get
                assert client.get(f"/api/{user}/tags").status_code == 200
                assert client.get(f"/scan/{number}").status_code == 404
        text = api.client.get("/metrics").text
    assert user not in text
    assert "/scan" not in text
    assert sample(text, "http_requests_total", {"method": "GET", "route": "/api/{user_id}/tags", "status": "200"}) == 40
    assert sample(text, "http_requests_total", {"method": "GET", "route": "(none)", "status": "404"}) == 40
    assert sample(text, "http_request_duration_seconds_count", {"method": "GET", "route": "/api/{user_id}/tags"}) == 40


def sample(text: str, name: str, labels: Mapping[str, str]) -> float:
    for found, described, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        if found == name and dict(re.findall(r'(\w+)="([^"]*)"', described)) == labels:
            return float(value)
    raise AssertionError(f"{name} {labels} is not in\n{text}")


def test_l1_on_sigterm_readiness_goes_first_and_requests_in_flight_are_answered(database: Database) -> None:
    user = new_user()
    with serving(database, SHUTDOWN_DELAY="1.5") as api:
        database.execute("ALTER TABLE tags ADD CONSTRAINT slow CHECK (name NOT LIKE 'slow%' OR pg_sleep(2.5) IS NOT NULL)")
        answers: list[httpx.Response] = []

        def create(name: str) -> None:
            with httpx.Client(base_url=api.url, headers=api.headers(user), timeout=20) as client:
                answers.append(client.post(f"/api/{user}/tags", json={"name": name}))

        threads = [threading.Thread(target=create, args=(f"slow {number}",)) for number in range(5)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        begin = time.monotonic()
        api.process.send_signal(signal.SIGTERM)
        until(lambda: api.client.get("/readyz").status_code == 503, 1)
        while time.monotonic() - begin < 1:  # the pause, in which nothing else has changed yet
            answer = api.client.get("/readyz")
            assert answer.json() == {"detail": "This process is shutting down."}
            assert answer.headers["connection"] == "close"
            assert api.call(user, "GET", f"/api/{user}/tags").status_code == 200
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [201] * 5
        assert api.process.wait(10) in {0, -signal.SIGTERM}
    rows = database.execute(f"SELECT count(*) FROM tags WHERE user_id = '{user}'")
    assert rows.strip() == "5"


def test_sigint_ends_a_development_server_at_once(database: Database) -> None:
    with serving(database, SHUTDOWN_DELAY="60") as api:
        api.process.send_signal(signal.SIGINT)
        assert api.process.wait(5) in {0, -signal.SIGINT}
        assert "Traceback" not in api.log.read_text()


def test_a_second_sigterm_ends_the_pause(database: Database) -> None:
    with serving(database, SHUTDOWN_DELAY="60") as api:
        api.process.send_signal(signal.SIGTERM)
        until(lambda: status(api.client, "/readyz") == 503)
        api.process.send_signal(signal.SIGTERM)
        assert api.process.wait(5) in {0, -signal.SIGTERM}


def test_machines_asking_do_not_fill_the_log(api: Api) -> None:
    before = len(api.log.read_bytes())
    for _ in range(10):
        api.client.get("/healthz")
        api.client.get("/readyz")
    assert b"/healthz" not in api.log.read_bytes()[before:]
    assert b"/readyz" not in api.log.read_bytes()[before:]
