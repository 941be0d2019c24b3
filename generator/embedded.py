"""An embedded PostgreSQL: one server process on one data folder, reached over a Unix socket that only its own user can open.

The server lives as long as the process that started it. What a crash leaves behind (a stale pid file, a server without its starter, a half
initialised folder) is cleaned up at the next start; data is never removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

import psutil

from generator.embedded_files import ENVIRONMENT, Account, EmbeddedError, account_for, data_folder, major_version, programs_for

__all__ = ["APP_ROLE", "DATABASE", "OWNER_ROLE", "SUPERUSER", "EmbeddedError", "EmbeddedPostgres", "data_folder"]

SUPERUSER = "postgres"
OWNER_ROLE = "rowsmith_owner"
"""The role that owns the tables and migrates them."""
APP_ROLE = "rowsmith_app"
"""The role of the served application: it owns nothing and cannot bypass row-level security."""
DATABASE = "rowsmith"

PORT = 5432  # a part of the socket's name; nothing listens on TCP
START_TIMEOUT = 120.0  # seconds; recovery after a crash may take its time
STOP_TIMEOUT = 30.0
LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 103 to 107
LARGEST_LOG = 5_000_000  # bytes

INITDB = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # the same order and case rules on every machine
    "--builtin-locale=C.UTF-8",
    "--auth=trust",  # whoever can open the socket is the user that owns it
    f"--username={SUPERUSER}",
)
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # the details of an error show values of rows
    "log_min_error_statement": "panic",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

ROLES = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER_ROLE}') THEN
    CREATE ROLE {OWNER_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
    CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
  END IF;
END $$;
"""  # noqa: S608 - our own names


@dataclass(slots=True)
class EmbeddedPostgres:
    """A running server; use it as a context manager, or call `stop` yourself."""

    data_dir: Path
    socket_dir: Path
    log: Path
    _account: Account
    _programs: Path
    _process: subprocess.Popen[bytes]
    _lock: IO[str]
    _temporary: list[Path] = field(default_factory=list[Path])

    @classmethod
    def start(cls, data_dir: Path, *, note: str = "", durable: bool = True) -> Self:
        """Start a server on `data_dir`, which is created and initialised when it is absent or empty.

        Args:
            data_dir: The data folder. Beside it stand `<name>.lock` and `<name>.log`.
            note: What to tell somebody who tries to start a second server on the folder: where this one is used (a URL, say).
            durable: False trades the safety of the data for speed, for tests.

        Raises:
            EmbeddedError: The server cannot run: the folder is in use, of another version, not reachable or the disk is full.
        """
        data_dir = data_dir.absolute()
        account = account_for(data_dir)
        closed = account.closed_folder(data_dir.parent)
        if closed is not None:
            raise EmbeddedError(
                f"PostgreSQL refuses to run as root, and the user {account.name} cannot enter {closed} on the way to {data_dir}",
                f"put the project where others may enter (/srv, /opt), or allow it (chmod o+x {closed}), or run as an ordinary user",
            )
        programs = programs_for(account)
        _create_folder(data_dir.parent)
        lock = _lock(data_dir, note)
        temporary: list[Path] = []
        try:
            _check_version(data_dir, programs, account)
            _stop_leftover(data_dir)
            if not (data_dir / "PG_VERSION").exists():
                _initialise(data_dir, programs, account, durable=durable)
            socket_dir = _socket_dir(data_dir, account, temporary)
            log = _open_log(data_dir)
            process = _launch(data_dir, socket_dir, log, programs, account, durable=durable)
        except BaseException:
            _remove(temporary)
            lock.close()
            raise
        server = cls(data_dir, socket_dir, log, account, programs, process, lock, temporary)
        try:
            server.execute("postgres", ROLES)
            server.create_database(DATABASE)
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def dsn(self, user: str = APP_ROLE, database: str = DATABASE) -> str:
        """The `postgresql://` URL of a database for a role."""
        return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.socket_dir), safe='')}&port={PORT}"

    def execute(self, database: str, sql: str) -> str:
        """Run `sql` (one or more statements) as the superuser and return what the last one printed, unaligned and without headers.

        Raises:
            EmbeddedError: PostgreSQL refused it.
        """
        command = [str(self._programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(SUPERUSER, database), "-f", "-"]
        answer = subprocess.run(  # noqa: S603
            command, input=sql, capture_output=True, text=True, encoding="utf-8", env=ENVIRONMENT, check=False, cwd="/"
        )
        if answer.returncode != 0:
            raise _failure(f"PostgreSQL refused a statement: {answer.stderr.strip()}", answer.stderr, self.data_dir)
        return answer.stdout.strip()

    def create_database(self, name: str) -> None:
        """Create a database that the owner role owns and the application role may connect to; nothing happens when it exists."""
        if self.execute("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608 - our own names
            return
        self.execute(
            "postgres",
            f'CREATE DATABASE "{name}" OWNER {OWNER_ROLE};\n'
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;\n'
            f'GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE};\n',
        )

    def poll(self) -> str | None:
        """None while the server runs, else the last lines of its log."""
        return None if self._process.poll() is None else _log_tail(self.log)

    def stop(self) -> None:
        """Disconnect all clients and stop the server cleanly; nothing happens when it has stopped already."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)  # immediate shutdown; the next start recovers
                self._process.wait()
        _remove(self._temporary)
        self._lock.close()

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Stop the server."""
        self.stop()


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"the folder {folder} cannot be created: {error.strerror}", "give access to it, or set DATABASE_URL to a database elsewhere"
        ) from error


def _lock(data_dir: Path, note: str) -> IO[str]:
    """Take the folder for this process until the file is closed, or say who has it."""
    path = data_dir.with_name(f"{data_dir.name}.lock")
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8")
    except OSError as error:
        raise EmbeddedError(f"the file {path} cannot be written: {error.strerror}", "give access to it, or set DATABASE_URL") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        with file:
            raise _in_use(data_dir, file.read()) from None
    try:
        file.truncate()
        json.dump({"pid": os.getpid(), "note": note}, file)
        file.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            file.close()
        raise _failure(f"the file {path} cannot be written: {error.strerror}", str(error), data_dir) from error
    return file


def _in_use(data_dir: Path, content: str) -> EmbeddedError:
    try:
        holder = json.loads(content)
        pid, note = int(holder["pid"]), str(holder["note"])
    except (ValueError, KeyError, TypeError):
        return EmbeddedError(f"the data folder {data_dir} is in use by another process", "use or stop that one, or set DATABASE_URL")
    where = f" at {note}" if note else ""
    return EmbeddedError(
        f"the data folder {data_dir} is in use by another server (process {pid}{where})",
        f"use that one, or stop it (kill {pid}) and try again; to run two, give one of them a DATABASE_URL of its own",
    )


def _check_version(data_dir: Path, programs: Path, account: Account) -> None:
    try:
        found = (data_dir / "PG_VERSION").read_text("ascii").strip()
    except FileNotFoundError:
        if data_dir.exists() and any(data_dir.iterdir()):
            raise EmbeddedError(
                f"the folder {data_dir} is not empty, and it is no data folder of PostgreSQL: nothing was changed",
                "move its content away, or set DATABASE_URL",
            ) from None
        return
    except (OSError, ValueError) as error:
        raise EmbeddedError(
            f"the file PG_VERSION in {data_dir} cannot be read: {error}", "give access to it, or restore the folder from a backup"
        ) from error
    ours = major_version(programs, account)
    if found != ours:
        raise EmbeddedError(
            f"the data folder {data_dir} is of PostgreSQL {found}, and the embedded server is PostgreSQL {ours}: nothing was changed",
            f"to keep the data, dump it with PostgreSQL {found} (pg_dump), move the folder away, serve, and load the dump;"
            f" to start empty, move it away: mv {data_dir} {data_dir}-{found}",
        )


def _stop_leftover(data_dir: Path) -> None:
    """Stop a server whose starter died without stopping it."""
    server = _leftover(data_dir)
    if server is None:
        return
    server.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_TIMEOUT
    while _is_alive(server):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"a PostgreSQL of an earlier run (process {server.pid}) still uses {data_dir} and does not stop",
                f"stop it (kill -QUIT {server.pid}) and try again: no data is lost by that",
            )
        time.sleep(0.02)


def _is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that has ended and waits for its parent to notice does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _leftover(data_dir: Path) -> psutil.Process | None:
    """The server that runs on the folder although the pid file's lock is free. A pid file that names no server is removed."""
    pid_file = data_dir / "postmaster.pid"
    if not pid_file.exists():
        return None
    servers = [process for process in psutil.process_iter() if _working_folder(process) == data_dir.resolve()]
    if servers:
        return min(servers, key=lambda process: process.create_time())  # its children came after it
    pid_file.unlink()
    return None


def _working_folder(process: psutil.Process) -> Path | None:
    """Where `process` runs; for a server that is its data folder. None where that is not ours to know."""
    try:
        return Path(process.cwd())
    except (OSError, psutil.Error):
        return None


def _initialise(data_dir: Path, programs: Path, account: Account, *, durable: bool) -> None:
    """Make a data folder aside and move it into place when it is complete."""
    staging = data_dir.with_name(f"{data_dir.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(mode=0o700)
        if account.switch:
            os.chown(staging, account.uid, account.gid)
        command = [str(programs / "initdb"), f"--pgdata={staging}", *INITDB, *(() if durable else ("--no-sync",))]
        answer = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", env=ENVIRONMENT, check=False, cwd="/", **account.process_user()
        )
        if answer.returncode != 0:
            reason = answer.stderr.strip() or f"initdb ended with {answer.returncode}"
            raise _failure(f"PostgreSQL could not create the data folder {data_dir}: {_essence(reason)}", answer.stderr, data_dir)
        staging.rename(data_dir)
    except OSError as error:
        raise _failure(f"the data folder {data_dir} could not be created: {error.strerror}", str(error), data_dir) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _socket_dir(data_dir: Path, account: Account, temporary: list[Path]) -> Path:
    """The data folder itself, which is closed to others, or a temporary folder where its path is too long for a socket."""
    if len(os.fsencode(data_dir / f".s.PGSQL.{PORT}.lock")) <= LONGEST_SOCKET_PATH:
        return data_dir
    folder = Path(tempfile.mkdtemp(prefix="rowsmith-", dir="/tmp"))  # short on purpose
    temporary.append(folder)
    if account.switch:
        os.chown(folder, account.uid, account.gid)
    return folder


def _open_log(data_dir: Path) -> Path:
    """The path of the server's log; one that has grown large is put aside first."""
    log = data_dir.with_name(f"{data_dir.name}.log")
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_name(f"{log.name}.1"))
    return log


def _launch(data_dir: Path, socket_dir: Path, log: Path, programs: Path, account: Account, *, durable: bool) -> subprocess.Popen[bytes]:
    """Start the server and return when it takes connections."""
    settings = SETTINGS | {"unix_socket_directories": str(socket_dir), "port": str(PORT)} | ({} if durable else NOT_DURABLE)
    command = [str(programs / "postgres"), "-D", str(data_dir), *(f"--{name}={value}" for name, value in settings.items())]
    with log.open("ab") as output:
        offset = output.tell()
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the application, which needs the database until it has ended
            preexec_fn=_end_with_parent(),  # noqa: PLW1509 - two system calls, which need no lock that a thread might hold
            **account.process_user(),
        )
    try:
        _wait_until_ready(process, data_dir, log, offset)
    except BaseException:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)
        process.wait()
        raise
    return process


def _end_with_parent() -> Callable[[], None] | None:
    """What the new process does first: ask the kernel for a fast shutdown (SIGINT) when its parent dies. Linux only."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    set_parent_death_signal = 1
    parent = os.getpid()

    def ask() -> None:
        prctl(set_parent_death_signal, int(signal.SIGINT))
        if os.getppid() != parent:  # it died meanwhile
            os._exit(1)

    return ask


def _wait_until_ready(process: subprocess.Popen[bytes], data_dir: Path, log: Path, offset: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = _log_tail(log, offset)
            raise _failure(f"PostgreSQL could not start on {data_dir}: {_essence(tail)}", tail, data_dir)
        with contextlib.suppress(OSError, ValueError):
            lines = (data_dir / "postmaster.pid").read_bytes().splitlines()
            if len(lines) >= 8 and int(lines[0]) == process.pid and lines[7].strip() == b"ready":
                return
        time.sleep(0.01)
    raise EmbeddedError(f"PostgreSQL did not become ready within {START_TIMEOUT:.0f} seconds", f"its log may tell why: {log}")


def _log_tail(log: Path, offset: int = 0) -> str:
    """The end of the log, from `offset` on."""
    try:
        with log.open("rb") as file:
            file.seek(max(offset, log.stat().st_size - 8_000))
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _essence(output: str) -> str:
    """The first line of PostgreSQL's output that names a failure, or else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for mark in ("PANIC:", "FATAL:", "error:"):
        for line in lines:
            if mark in line:
                return line[line.index(mark) + len(mark) :].strip()
    return lines[-1] if lines else "it gave no reason"


def _failure(message: str, output: str, data_dir: Path) -> EmbeddedError:
    if "No space left on device" in output or "Disk quota exceeded" in output or "File too large" in output:
        return EmbeddedError(
            f"the disk is full: {message}",
            f"make room where {data_dir.parent} is (a new data folder takes 50 MB), then try again: what was committed is still there",
        )
    return EmbeddedError(message, f"the log may tell more: {data_dir.with_name(f'{data_dir.name}.log')}; or set DATABASE_URL")


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
