"""`rowsmith audit`: where it cannot begin."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.database import temporary_folder
from tests.support.project import copy_project, free_port, rowsmith
from tests.support.serving import Api
from tests.support.tokens import SECRET


@pytest.fixture(scope="module")
def project() -> Generator[Path]:
    with temporary_folder() as folder:
        yield copy_project(folder / "project")


def test_an_api_that_is_served_already_is_audited_and_left_as_it_was(project: Path, api: Api) -> None:
    before = rows_of(api)
    answer = rowsmith(project, "audit", "--url", api.url, "--format", "json", JWT_SECRET=SECRET)
    assert (answer.returncode, json.loads(answer.stdout), answer.stderr) == (0, [], "")
    assert rows_of(api) == before


def rows_of(api: Api) -> list[str]:
    """How many there are of each table, without those that were deleted and are kept for a while."""
    tables = ("projects WHERE deleted_at IS NULL", "tasks", "tags", "comments", "task_tags")
    return [api.database.execute(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "words"),
    [
        (["--url", f"http://127.0.0.1:{free_port()}"], {"JWT_SECRET": SECRET}, 4, "rowsmith serve"),
        (["--url", "no address"], {"JWT_SECRET": SECRET}, 2, "http://127.0.0.1:8000"),
        (["--url", "http://127.0.0.1:1"], {"ENVIRONMENT": "production", "JWT_SECRET": SECRET}, 3, "leave out --url"),
        (["--url", "http://127.0.0.1:1"], {"JWT_JWKS_URL": "https://issuer.example/keys"}, 2, "leave out --url"),
    ],
)
def test_where_it_cannot_begin_it_says_why(project: Path, arguments: list[str], settings: dict[str, str], code: int, words: str) -> None:
    answer = rowsmith(project, "audit", *arguments, **settings)
    assert answer.returncode == code, answer.stderr
    assert answer.stderr.startswith("error: ")
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_another_server_is_not_attacked(project: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer = rowsmith(project, "audit", "--url", f"http://127.0.0.1:{server.server_port}", JWT_SECRET=SECRET)
        server.shutdown()
    assert answer.returncode == 4
    assert "is no application of Rowsmith's" in answer.stderr


def test_without_an_application_or_with_invalid_specs(tmp_path: Path) -> None:
    (tmp_path / "resources").mkdir()
    spec = tmp_path / "resources" / "note.yaml"
    spec.write_text("resource: Note\nfields: {title: string}\n", encoding="utf-8")
    assert "rowsmith init" in rowsmith(tmp_path, "audit").stderr
    spec.write_text("resource: Note\nfields: {title: strin}\n", encoding="utf-8")
    invalid = rowsmith(tmp_path, "audit")
    assert invalid.returncode == 2
    assert "RS301" in invalid.stderr
