"""The application in a process of its own, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from tests.support.asgi_server import serve
from tests.support.database import Database, temporary_folder
from tests.support.launcher import Launched, launch
from tests.support.pooler import database_settings
from tests.support.tokens import SECRET, mint

ROOT = Path(__file__).resolve().parents[2]
APP_ROOT = Path(os.environ.get("ROWSMITH_TEST_APP", ROOT))
"""The folder of the app/ that is tested: another one where tests are run on changed copies of it."""
START_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Api:
    """A running application. `client` has its URL as base and keeps connections open; `log` is the file of its output."""

    url: str
    client: httpx.Client
    database: Database
    log: Path
    process: Launched

    def token_for(self, user: str, **claims: Any) -> str:
        """A token that the application accepts; see `tests.support.tokens.mint`."""
        return mint(user, **claims)

    def headers(self, user: str, **claims: Any) -> dict[str, str]:
        """The header that says who calls."""
        return {"Authorization": f"Bearer {self.token_for(user, **claims)}"}

    def call(self, user: str, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> httpx.Response:
        """Send a request with the token of `user`. `options` are those of `httpx.Client.request`; `path` begins with a slash."""
        return self.client.request(method, path, headers={**self.headers(user), **(headers or {})}, **options)


@contextmanager
def serving(database: Database | None, *, until: str = "/readyz", root: Path = APP_ROOT, **settings: str | None) -> Generator[Api]:
    """Run the application on `database` until the block ends.

    Args:
        database: Where its tables are; None when `settings` has a DATABASE_URL of its own.
        until: The path that answers 200 when it has started: /healthz for one that has no database to be ready with.
        root: The project whose application it is.
        settings: Environment variables, added to those for HS256 with the tests' secret; None removes one.

    Raises:
        AssertionError: The application ended or did not become ready; with its output.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment: dict[str, str | None] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(root),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "JWT_SECRET": SECRET,
        **(database_settings(database) if database else {}),
        **settings,
    }
    with temporary_folder() as folder:  # its working directory, so that no .env is found
        log = folder / "log"
        log.touch()
        process = launch(folder, {name: value for name, value in environment.items() if value is not None}, log)
        try:
            with httpx.Client(base_url=url, timeout=30) as client:
                _wait_until_ready(client, process, log, until)
                yield Api(url, client, database, log, process)  # pyright: ignore[reportArgumentType] - None only where a test does not use it
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextmanager
def serving_in_thread(database: Database | None, *, until: str = "/readyz", **settings: str | None) -> Generator[Api]:
    """The same on uvicorn in a thread of this process, which starts sooner; `log` and `process` are none."""
    from app.config import load_settings  # noqa: PLC0415 - `serving` needs no application in this process
    from app.main import create_app  # noqa: PLC0415

    values: dict[str, str | None] = {"JWT_SECRET": SECRET, **(database_settings(database) if database else {}), **settings}
    application = create_app(load_settings({name: value for name, value in values.items() if value is not None}, env_file=None))
    with serve(application) as url, httpx.Client(base_url=url, timeout=30) as client:
        assert client.get(until).status_code == 200
        yield Api(url, client, database, cast("Any", None), cast("Any", None))  # pyright: ignore[reportArgumentType] - as above


serving_quickly = serving_in_thread if os.environ.get("ROWSMITH_TEST_THREADS") else serving
"""`serving`, but in a thread where the tests of many copies of the application are run."""


def _wait_until_ready(client: httpx.Client, process: Launched, log: Path, path: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the application ended with {process.returncode}:\n{log.read_text()}"
        try:
            if client.get(path).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"the application did not become ready:\n{log.read_text()}")
