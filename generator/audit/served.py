"""The application of a project, served for an audit: on a database that is thrown away, with a key that nobody else has."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import httpx

from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres
from generator.records import record

START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
FOREIGN_SETTINGS = ("JWT_", "CORS_", "DATABASE_", "MIGRATION_", "ENVIRONMENT", "METRICS", "HOST", "PORT", "WORKERS")
"""Settings of the environment that are not those of an audit, by how their names begin."""

PREPARE = "import asyncio, sys; from app.db.schema import create_schema; asyncio.run(create_schema(sys.argv[1], sys.argv[2]))"


class ServeError(Exception):
    """The application does not start; the text is what it printed."""


@record
class Served:
    """Where the application is, and the secret that it takes tokens of."""

    url: str
    secret: str


@contextlib.contextmanager
def served(root: Path) -> Generator[Served]:
    """Serve the application in `root` until the block ends.

    Raises:
        ServeError: It does not start.
        EmbeddedError: Its database does not.
    """
    folder = Path(tempfile.mkdtemp(prefix="rowsmith-audit-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user where this one is root
    try:
        with (
            EmbeddedPostgres.start(folder / "data", note="rowsmith audit", durable=False) as database,
            application(root, folder, database.dsn(OWNER_ROLE), database.dsn(APP_ROLE)) as found,
        ):
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def application(root: Path, folder: Path, owner_dsn: str, app_dsn: str) -> Generator[Served]:
    """Serve the application in `root` on an empty database; `folder` takes its log. ServeError when it does not start."""
    _prepare(folder, owner_dsn, _environment(root))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = secrets.token_urlsafe(48)
    settings = {"DATABASE_URL": app_dsn, "JWT_SECRET": secret, "HOST": "127.0.0.1", "PORT": str(port), "LOG_LEVEL": "WARNING"}
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app"],
            cwd=folder,  # so that the project's .env is not read
            env=_environment(root) | settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, log)
        yield Served(url, secret)
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _prepare(folder: Path, owner_dsn: str, environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", PREPARE, owner_dsn, APP_ROLE],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServeError(f"its tables cannot be created: {_last_line(done.stderr)}")


def _environment(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_SETTINGS)}
    return kept | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServeError(_last_line(log.read_text(encoding="utf-8", errors="replace")))
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise ServeError(f"it is not ready after {START_TIMEOUT:.0f} seconds")


def _last_line(output: str) -> str:
    return next((line for line in reversed(output.splitlines()) if line.strip()), "it printed nothing")
