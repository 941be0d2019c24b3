"""What is measured: the floor, Rowsmith's application and its peers, each a process on a port of loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
PYTHON = ROOT / "benchmarks" / ".venv" / "bin" / "python"
SECRET = "a-secret-for-measurements-only-5d8f0c2e"  # noqa: S105 - of a database that lives for minutes

FLOOR, ROWSMITH, HOOK = "floor", "Rowsmith", "Rowsmith, with a hook"


@dataclass(frozen=True, slots=True)
class Server:
    """Processes that listen on a port of loopback."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """The processor time of all its processes so far."""
        seconds = 0.0
        for process in (self.process, *self.process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # PostgreSQL's come and go
                seconds += sum(process.cpu_times()[:2])
        return seconds


@dataclass(frozen=True, slots=True)
class Contender:
    """How to start a server. `{port}` in the command is its port; `missing` says why it cannot be started, if it cannot."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str]
    missing: str | None = None


def contenders(database: EmbeddedPostgres, hookless: Path, token: str) -> list[Contender]:
    """All of them, the floor first. `hookless` has the application of the example's specs without their hook."""
    peers = {"DATABASE_URL": database.dsn(OWNER_ROLE), "JWT_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
    ours = {"DATABASE_URL": database.dsn(APP_ROLE), "JWT_SECRET": SECRET, "LOG_LEVEL": "warning"}
    no_python = None if PYTHON.exists() else "its packages are not installed: `make bench-peers`"
    node, modules = shutil.which("node"), PEERS / "fastify" / "node_modules"
    no_node = "there is no node" if node is None else None if modules.exists() else "its packages are not installed: `make bench-peers`"
    postgrest = shutil.which("postgrest")
    uvicorn = (str(PYTHON), "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning")
    gunicorn = (str(PYTHON), "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "4", "--log-level", "warning")
    return [
        Contender(
            FLOOR,
            (sys.executable, "-m", "benchmarks.peers.floor"),
            {"DATABASE_URL": database.dsn(OWNER_ROLE), "TOKEN": token, "PYTHONPATH": str(ROOT)},
        ),
        Contender(ROWSMITH, (sys.executable, "-m", "app"), {**ours, "PYTHONPATH": str(hookless)}),
        Contender(HOOK, (sys.executable, "-m", "app"), {**ours, "PYTHONPATH": str(ROOT)}),
        Contender("FastAPI + SQLModel", (*uvicorn, "benchmarks.peers.fastapi_sqlmodel:app"), peers, no_python),
        Contender("FastCRUD", (*uvicorn, "benchmarks.peers.fastcrud_app:app"), peers, no_python),
        Contender("Django REST framework", (*gunicorn, "benchmarks.peers.django_rest:application"), peers, no_python),
        Contender("Litestar + SQLAlchemy", (*uvicorn, "benchmarks.peers.litestar_app:app"), peers, no_python),
        Contender("fastify + pg", (node or "node", str(PEERS / "fastify" / "server.js")), peers, no_node),
        Contender(
            "PostgREST",
            (postgrest or "postgrest",),
            {
                "PGRST_DB_URI": peers["DATABASE_URL"],
                "PGRST_DB_ANON_ROLE": OWNER_ROLE,
                "PGRST_DB_SCHEMAS": "public",
                "PGRST_JWT_SECRET": SECRET,
            },
            "its binary is not on PATH" if postgrest is None else "its paths and pages are others: it is measured by hand",
        ),
    ]


@contextmanager
def running(contender: Contender) -> Generator[Server]:
    """Start a contender, and end it with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(port), "NODE_ENV": "production", **contender.settings}
    command = [part.replace("{port}", str(port)) for part in contender.command]
    process = subprocess.Popen(command, cwd="/", env=environment)
    try:
        deadline = time.monotonic() + 120
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{contender.name} did not start")
            time.sleep(0.05)
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    """Whether anything answers at the port."""
    try:
        urlopen(Request(f"http://127.0.0.1:{port}/api/x/tasks"), timeout=5)
    except URLError as error:
        return hasattr(error, "code")
    except OSError:
        return False
    return True


def generate_hookless(folder: Path) -> Path:
    """The example's application without the hook of Task, whose update is one statement then; generated into `folder`."""
    for name in ("app", "resources"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    spec = folder / "resources" / "task.yaml"
    spec.write_text("".join(line for line in spec.read_text().splitlines(keepends=True) if not line.startswith("hooks:")))
    subprocess.run(
        [sys.executable, "-m", "generator", "generate"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return folder
