"""Starts that are refused: the reason and the cure on stderr, an exit code that is not 0, and no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app import server
from tests.support.database import Database
from tests.support.serving import ROOT
from tests.support.tokens import SECRET

GOOD = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": SECRET}
COMMANDS = {"python -m app": ["-m", "app"], "uvicorn": ["-m", "uvicorn", "app.main:app", "--port", "0"]}


def refused(folder: Path, command: str, settings: dict[str, str | None]) -> tuple[int, str]:
    """The exit code and the output of a start with these settings over good ones."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **GOOD, **settings}
    given = {name: value for name, value in environment.items() if value is not None}
    done = subprocess.run(
        [sys.executable, *COMMANDS[command]], cwd=folder, env=given, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout + done.stderr


REFUSED: list[tuple[dict[str, str | None], str]] = [
    ({"JWT_SECRET": None}, "JWT_SECRET"),
    ({"JWT_SECRET": "short"}, "JWT_SECRET"),
    ({"JWT_ALGORITHMS": "HS256,RS256"}, "JWT_ALGORITHMS"),
    ({"JWT_SECRET": None, "JWT_JWKS_URL": "http://issuer.example/keys"}, "JWT_JWKS_URL"),
    ({"CORS_ORIGINS": "*", "CORS_CREDENTIALS": "true"}, "CORS_ORIGINS"),
    ({"DATABASE_URL": None}, "DATABASE_URL"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ({"SHUTDOWN_DELAY": "-1"}, "SHUTDOWN_DELAY"),
    ({"PORT": "0"}, "PORT"),
    ({"PORT": "65536"}, "PORT"),
    ({"WORKERS": "many"}, "WORKERS"),
    ({"WORKERS": "\N{ARABIC-INDIC DIGIT THREE}"}, "WORKERS"),
]


@pytest.mark.parametrize(("settings", "named"), REFUSED)
def test_f1_settings_that_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str | None], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {**GOOD, **settings}.items():
        monkeypatch.setenv(name, value or "")  # an empty one counts as unset
    assert server.main() == 2
    output = capsys.readouterr().err
    assert named in output
    assert "hint:" in output


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", [0, 4])
def test_f1_a_start_that_settings_forbid(tmp_path: Path, command: str, number: int) -> None:
    settings, named = REFUSED[number]
    code, output = refused(tmp_path, command, settings)
    assert code != 0
    assert named in output
    assert "hint:" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("command", COMMANDS)
def test_f1_production_refuses_a_role_that_reads_past_row_level_security(tmp_path: Path, database: Database, command: str) -> None:
    for dsn in (database.superuser_dsn, database.owner_dsn):
        code, output = refused(tmp_path, command, {"ENVIRONMENT": "production", "DATABASE_URL": dsn})
        assert code != 0
        assert "DATABASE_URL" in output
        assert "hint:" in output
        assert "Traceback" not in output


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, output = refused(tmp_path, "python -m app", {"PORT": str(taken.getsockname()[1])})
    assert code != 0
    assert "address already in use" in output
    assert "Traceback" not in output
