"""`rowsmith serve`: what a newcomer sees, pastes and interrupts, and what one meets who starts it in the wrong place or twice."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import Database, new_database, temporary_folder
from tests.support.project import ROWSMITH, copy_project, environment, free_port, rowsmith
from tests.support.serving import Api
from tests.support.tokens import SECRET


@pytest.fixture
def project() -> Generator[Path]:
    with temporary_folder() as folder:
        yield copy_project(folder / "project")


@dataclass
class Served:
    """A running `rowsmith serve`."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def printed(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def logged(self) -> str:
        return (self.folder / "stderr").read_text()

    @property
    def curl(self) -> str:
        return next(line for line in self.printed.splitlines() if line.startswith("curl "))

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while not self.printed:
            assert self.process.poll() is None, self.logged
            assert time.monotonic() < deadline, self.logged
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def postgres(self) -> int:
        return int((self.folder / ".rowsmith" / "postgres" / "postmaster.pid").read_text().split("\n")[0])


@contextmanager
def served(folder: Path, *arguments: str, **settings: str) -> Generator[Served]:
    """Run `rowsmith serve` until the block ends."""
    port = free_port()
    command = [*ROWSMITH, "serve", "--port", str(port), *arguments]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(command, cwd=folder, env=environment(**settings), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    running = Served(process, folder, port)
    try:
        running.wait()
        yield running
    finally:
        if process.poll() is None:
            running.end()


def paste(line: str) -> tuple[int, dict[str, object]]:
    """Run a curl command in a shell, or send what it says where there is no curl; returns status and body."""
    if shutil.which("curl"):
        answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
        head, _, body = answer.partition("\n\n" if "\r\n\r\n" not in answer else "\r\n\r\n")
        return int(head.split()[1]), json.loads(body)
    words = shlex.split(line)
    headers = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
    answer = httpx.post(words[2], headers=headers, content=words[words.index("-d") + 1])
    return answer.status_code, answer.json()


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 15
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_what_is_printed_works_when_pasted_again_and_again_and_after_a_restart(project: Path) -> None:
    for round_ in range(2):
        with served(project) as running:
            for _ in range(2):
                status, row = paste(running.curl)
                assert status == 201, row
            assert httpx.get(f"{running.url}/docs").status_code == 200
            assert f"{running.url}/docs" in running.printed
            token = next(line for line in running.printed.splitlines() if re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", line))
            path = shlex.split(running.curl)[2]
            rows = httpx.get(path, headers={"Authorization": f"Bearer {token}"}).json()["items"]
            assert len(rows) == 2 * (round_ + 1)
            assert running.end() == 0


def test_it_can_be_read_at_80_columns(project: Path) -> None:
    with served(project) as running:
        for line in running.printed.splitlines():
            assert len(line) <= 80 or line.startswith(("curl ", "ey")), line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl+C"])
def test_it_ends_in_order_and_the_database_with_it(project: Path, number: signal.Signals) -> None:
    with served(project) as running:
        postgres = running.postgres()
        assert running.end(number) == 0
        assert is_gone(postgres)
        assert "Traceback" not in running.logged
    assert "database system is shut down" in (project / ".rowsmith" / "postgres.log").read_text()


def test_killed_it_leaves_nothing_running_and_loses_nothing(project: Path) -> None:
    with served(project) as running:
        _, row = paste(running.curl)
        postgres = running.postgres()
        running.end(signal.SIGKILL)
        assert is_gone(postgres)
    with served(project) as running:
        token = rowsmith(project, "token", "--user", "demo").stdout.strip()
        found = httpx.get(f"{shlex.split(running.curl)[2]}/{row['id']}", headers={"Authorization": f"Bearer {token}"})
        assert found.json() == row


def test_a_second_one_is_told_about_the_first(project: Path) -> None:
    with served(project) as running:
        answer = rowsmith(project, "serve", "--port", str(free_port()))
        assert answer.returncode == 4
        assert running.url in answer.stderr
        assert f"kill {running.process.pid}" in answer.stderr
        assert paste(running.curl)[0] == 201


def test_a_busy_port_is_named_with_another_one_to_use(project: Path, api: Api) -> None:
    port = httpx.URL(api.url).port
    answer = rowsmith(project, "serve", "--port", str(port))
    assert answer.returncode == 4
    assert f"port {port} of 127.0.0.1 is in use" in answer.stderr
    assert "--port" in answer.stderr


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid", "a b"])
def test_an_address_of_another_machine_is_refused(project: Path, host: str) -> None:
    answer = rowsmith(project, "serve", "--host", host, "--port", str(free_port()))
    assert answer.returncode == 4
    assert "127.0.0.1" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_every_interface_is_announced_by_an_address_that_works(project: Path) -> None:
    with served(project, "--host", "0.0.0.0") as running:
        assert paste(running.curl)[0] == 201


def test_several_workers_serve_together(project: Path) -> None:
    with served(project, "--workers", "2") as running:
        assert paste(running.curl)[0] == 201
        children = psutil.Process(running.process.pid).children(recursive=True)
        assert running.end() == 0
        assert all(is_gone(child.pid) for child in children)


def test_reload_takes_up_a_changed_file(project: Path) -> None:
    with served(project, "--reload") as running:
        (project / "app" / "extensions" / "__init__.py").write_text(
            "from fastapi import FastAPI\n\n\ndef setup(app: FastAPI) -> None:\n    app.add_api_route('/hello', lambda: 'hello')\n"
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{running.url}/hello").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        pytest.fail(running.logged)


def test_a_configured_database_is_migrated_by_the_command_that_is_named(project: Path, postgres: EmbeddedPostgres) -> None:
    with new_database(postgres, tables=False) as database:
        settings = {"DATABASE_URL": database.app_dsn, "MIGRATION_DATABASE_URL": database.owner_dsn}
        refused = rowsmith(project, "serve", "--port", str(free_port()), **settings)
        assert refused.returncode == 4
        assert "run: rowsmith db upgrade" in refused.stderr
        assert database.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
        assert rowsmith(project, "db", "upgrade", **settings).returncode == 0
        with served(project, **settings) as running:
            assert paste(running.curl)[0] == 201
        assert database.execute("SELECT count(*) FROM tasks") == "1"
        assert database.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'") == "rowsmith_owner"
    assert not (project / ".rowsmith" / "postgres").exists()


def test_without_revisions_a_configured_database_gets_its_tables(project: Path, postgres: EmbeddedPostgres) -> None:
    shutil.rmtree(project / "app" / "db" / "migrations" / "versions")
    with new_database(postgres, tables=False) as database:
        with served(project, DATABASE_URL=database.app_dsn, MIGRATION_DATABASE_URL=database.owner_dsn) as running:
            assert paste(running.curl)[0] == 201
        assert database.execute("SELECT count(*) FROM tasks") == "1"


def test_a_change_without_a_revision_is_not_served(project: Path) -> None:
    path = project / "resources" / "tag.yaml"
    path.write_text(path.read_text().replace("max_length: 40", "max_length: 50"))
    generated = rowsmith(project, "generate")
    assert "`rowsmith db revision` writes one" in generated.stderr
    answer = rowsmith(project, "serve", "--port", str(free_port()))
    assert answer.returncode == 1
    assert "error[RS740]" in answer.stderr
    assert "resources/tag.yaml" in answer.stderr
    assert not (project / ".rowsmith" / "postgres").exists()


def test_an_unreachable_database_is_reported(project: Path) -> None:
    answer = rowsmith(project, "serve", "--port", str(free_port()), DATABASE_URL=f"postgresql://u:hush@127.0.0.1:{free_port()}/d")
    assert answer.returncode == 4
    assert "DATABASE_URL" in answer.stderr
    assert "hush" not in answer.stderr
    assert "Traceback" not in answer.stderr


def test_production_brings_no_database_no_token_and_no_tables(project: Path, database: Database) -> None:
    settings = {"ENVIRONMENT": "production", "JWT_SECRET": SECRET}
    answer = rowsmith(project, "serve", "--port", str(free_port()), **settings)
    assert answer.returncode == 4
    assert "DATABASE_URL is not set" in answer.stderr
    with served(project, DATABASE_URL=database.app_dsn, SHUTDOWN_DELAY="0", **settings) as running:
        assert "curl" not in running.printed
        assert "eyJ" not in running.printed
        assert httpx.get(f"{running.url}/docs").status_code == 404
    assert not (project / ".rowsmith").exists()


def test_a_refused_setting_is_named_with_its_cure(project: Path) -> None:
    answer = rowsmith(project, "serve", "--port", str(free_port()), JWT_SECRET="short")
    assert answer.returncode == 2
    assert "JWT_SECRET" in answer.stderr
    assert "hint" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_another_folder_is_no_project(tmp_path: Path) -> None:
    answer = rowsmith(tmp_path, "serve")
    assert answer.returncode == 2
    assert "rowsmith init" in answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("def setup(app):\n    return 1 / 0\n", "app/extensions/__init__.py:2"),
        ("import no_such_module\n", "no_such_module"),
        ("def setup(app)\n", "app/extensions/__init__.py"),
        ("def setup(app):\n    raise SystemExit(7)\n", "could not start"),
    ],
    ids=["error", "import", "syntax", "exit"],
)
def test_an_error_in_the_project_s_own_code_is_reported_with_its_place(project: Path, code: str, named: str) -> None:
    (project / "app" / "extensions" / "__init__.py").write_text(code)
    answer = rowsmith(project, "serve", "--port", str(free_port()))
    assert answer.returncode in {1, 4}
    assert named in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_spec_with_errors_is_reported_and_what_there_is_is_served(project: Path) -> None:
    with (project / "resources" / "task.yaml").open("a") as file:
        file.write("\nnonsense: true\n")
    with served(project) as running:
        assert "resources/task.yaml" in running.logged
        assert "what was generated before" in running.logged
        assert httpx.get(f"{running.url}/healthz").status_code == 200


def test_a_spec_that_was_not_generated_is_noticed(project: Path) -> None:
    rowsmith(project, "generate")
    with served(project) as running:
        assert "warning" not in running.logged
    path = project / "resources" / "tag.yaml"
    path.write_text(path.read_text().replace("A word that groups", "A word which groups"))
    with served(project) as running:
        assert "`rowsmith generate` brings it up to date" in running.logged


def test_a_database_that_ends_ends_the_command_with_the_reason(project: Path) -> None:
    with served(project) as running:
        os.kill(running.postgres(), signal.SIGQUIT)
        assert running.process.wait(60) == 4
        assert "the embedded PostgreSQL ended" in running.logged
        assert "Traceback" not in running.logged
