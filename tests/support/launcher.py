"""Starts the application in processes of their own, sooner: the installed packages are imported once, and each start is a fork of that.

What `python -m app` would find is what the fork has: its environment, its working directory, its output. Only what does not belong to the
application is loaded beforehand.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_SOURCE = """
import contextlib, gc, importlib, json, os, runpy, selectors, signal, sys, time, traceback

for name in (
    "asyncpg cryptography.hazmat.primitives.asymmetric.rsa email_validator fastapi.openapi.utils fastapi_swagger jiter jose.jwt orjson "
    "psutil pydantic pythonjsonlogger.json sqlalchemy.dialects.postgresql.asyncpg sqlalchemy.ext.asyncio sqlmodel "
    "starlette.middleware.cors uvicorn.protocols.http.httptools_impl uvloop"
).split():
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
gc.collect()
gc.freeze()

def run(order):
    os.setsid()
    output = os.open(order["log"], os.O_WRONLY | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0); os.dup2(output, 1); os.dup2(output, 2)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    time.tzset()
    sys.path[:0] = [order["folder"], *order["environment"].get("PYTHONPATH", "").split(os.pathsep)]
    sys.argv[:] = ["app"]
    code = 0
    try:
        runpy.run_module("app", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    with contextlib.suppress(OSError):
        sys.stdout.flush(); sys.stderr.flush()
    os._exit(code)

running, orders = {}, selectors.DefaultSelector()
orders.register(sys.stdin.buffer.raw, selectors.EVENT_READ, None)
rest = b""
while True:
    for key, _ in orders.select():
        if key.data is not None:  # a process has ended
            pid, log = key.data
            orders.unregister(key.fd)
            os.close(key.fd)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with open(log + ".ended.new", "w") as note:
                note.write(str(code))
            with contextlib.suppress(OSError):  # its folder may be gone
                os.rename(log + ".ended.new", log + ".ended")
            del running[pid]
            continue
        rest += (chunk := os.read(0, 1 << 20))
        if not chunk:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            raise SystemExit
        *lines, rest = rest.split(b"\\n")
        for line in lines:
            order = json.loads(line)
            pid = os.fork()
            if not pid:
                run(order)
            running[pid] = order["log"]
            orders.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, order["log"]))
            print(pid, flush=True)
"""


class Launched:
    """A process that `launch` started, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, ended: Path) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.returncode is None and self._ended.exists():
            self.returncode = int(self._ended.read_text())
        return self.returncode

    def wait(self, timeout: float = 30) -> int:
        """Its exit code, when it has ended; subprocess.TimeoutExpired after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("app", timeout)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def launch(folder: Path, environment: Mapping[str, str], log: Path) -> Launched:
    """Run `python -m app` in a folder with this environment alone; its output is added to `log`, which exists."""
    launcher = _launcher()
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    order = {"folder": str(folder), "environment": dict(environment), "log": str(log)}
    launcher.stdin.write(json.dumps(order) + "\n")
    launcher.stdin.flush()
    return Launched(int(launcher.stdout.readline()), log.with_name(f"{log.name}.ended"))


@cache
def _launcher() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _SOURCE],
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(process.communicate)  # the end of its input ends it, and what it has started
    return process
