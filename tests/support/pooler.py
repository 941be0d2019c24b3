"""pgbouncer in transaction mode, between the application and PostgreSQL.

With ROWSMITH_TEST_POOLER every application that the tests serve goes through one, so that `make test-pgbouncer` runs the contract and the
attacks that way. Debian's package is `pgbouncer`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.embedded_files import account_for
from generator.migrations.distribution import preparation

if TYPE_CHECKING:
    from tests.support.database import Database

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
ABSENT = "pgbouncer is not installed (apt-get install pgbouncer)"
THROUGH = bool(os.environ.get("ROWSMITH_TEST_POOLER"))
"""Whether the applications of all tests go through a pooler."""

AS_ON_CITUS = bool(os.environ.get("ROWSMITH_TEST_CITUS"))
"""Whether the applications of all tests set the user as they do on Citus, of which this PostgreSQL has nothing else."""

PORT = 6432  # a part of the socket's name

CONFIGURATION = """
[databases]
* = host={server} port=5432

[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users.txt
logfile = {folder}/log
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 1000
"""

_poolers: dict[Path, Pooler] = {}


@dataclass(frozen=True, slots=True)
class Pooler:
    """A running pgbouncer."""

    folder: Path

    def dsn(self, database: str) -> str:
        """The URL of a database for the application's role."""
        return f"postgresql://{APP_ROLE}@/{quote(database)}?host={quote(str(self.folder), safe='')}&port={PORT}"


@contextmanager
def pooling(server: EmbeddedPostgres, *, size: int = 20) -> Generator[Pooler]:
    """Run a pgbouncer with `size` connections to each database of `server`."""
    from tests.support.database import temporary_folder  # noqa: PLC0415 - which begins poolers itself

    assert PROGRAM is not None, ABSENT
    account = account_for(server.data_dir)
    with temporary_folder() as folder:
        (folder / "users.txt").write_text(f'"{APP_ROLE}" ""\n')
        (folder / "pgbouncer.ini").write_text(CONFIGURATION.format(server=server.socket_dir, port=PORT, folder=folder, size=size))
        if account.switch:
            os.chown(folder, account.uid, account.gid)
        process = subprocess.Popen(
            [PROGRAM, "-q", str(folder / "pgbouncer.ini")], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **account.process_user()
        )
        try:
            _wait_for(folder / f".s.PGSQL.{PORT}", process, folder / "log")
            yield Pooler(folder)
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "pgbouncer did not start"
        time.sleep(0.02)


@contextmanager
def in_between(server: EmbeddedPostgres) -> Generator[None]:
    """Send every application on a database of `server` through a pooler, where ROWSMITH_TEST_POOLER asks for it."""
    if not THROUGH:
        yield
        return
    with pooling(server) as pooler:
        _poolers[server.data_dir] = pooler
        try:
            yield
        finally:
            del _poolers[server.data_dir]


def citus_settings(database: Database) -> Mapping[str, str]:
    """The setting with which an application runs as on Citus, where ROWSMITH_TEST_CITUS asks for it; the function for it is made."""
    if not AS_ON_CITUS:
        return {}
    database.execute("; ".join(preparation(APP_ROLE, role_is_set=True)))
    return {"CITUS": "true"}


def database_settings(database: Database) -> Mapping[str, str]:
    """The settings with which an application reaches `database`."""
    pooler = _poolers.get(database.server.data_dir)
    if pooler is None:
        return {"DATABASE_URL": database.app_dsn, **citus_settings(database)}
    return {"DATABASE_URL": pooler.dsn(database.name), "PREPARED_STATEMENTS": "false", **citus_settings(database)}
