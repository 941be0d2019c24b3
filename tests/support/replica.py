"""A streaming replica of a test server, made with PostgreSQL's own programs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from generator.embedded import SUPERUSER, EmbeddedPostgres
from generator.embedded_files import ENVIRONMENT, account_for

PATIENCE = 60.0
"""Seconds for the replica to follow."""


def copy_server(primary: EmbeddedPostgres, data_dir: Path) -> None:
    """Make `data_dir` a replica of `primary`; `EmbeddedPostgres.start` runs it."""
    account = account_for(primary.data_dir)
    data_dir.mkdir(mode=0o700)
    if account.switch:
        os.chown(data_dir, account.uid, account.gid)
    command = [str(primary._programs / "pg_basebackup"), "--pgdata", str(data_dir), "--write-recovery-conf", "--checkpoint=fast"]
    command += ["--no-sync", "--dbname", primary.dsn(SUPERUSER, "postgres")]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd="/", check=False, **account.process_user())
    assert done.returncode == 0, done.stderr
    for socket in data_dir.glob(".s.PGSQL.*"):  # the primary's, which stand in its data folder
        socket.unlink()


def follow(primary: EmbeddedPostgres, replica: EmbeddedPostgres) -> None:
    """Wait until `replica` has replayed all that `primary` has written."""
    position = primary.execute("postgres", "SELECT pg_current_wal_insert_lsn()")
    deadline = time.monotonic() + PATIENCE
    while replica.execute("postgres", f"SELECT pg_last_wal_replay_lsn() >= '{position}'") != "t":
        assert time.monotonic() < deadline, "the replica does not follow"
        time.sleep(0.05)


@contextmanager
def held_back(primary: EmbeddedPostgres, replica: EmbeddedPostgres) -> Generator[None]:
    """Keep `replica` at what `primary` has now until the end of the block."""
    follow(primary, replica)
    replica.execute("postgres", "SELECT pg_wal_replay_pause()")
    deadline = time.monotonic() + PATIENCE
    while replica.execute("postgres", "SELECT pg_get_wal_replay_pause_state()") != "paused":
        assert time.monotonic() < deadline, "the replica does not pause"
        time.sleep(0.02)
    try:
        yield
    finally:
        replica.execute("postgres", "SELECT pg_wal_replay_resume()")
