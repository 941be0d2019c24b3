"""What the documentation says is so: its requests are sent, its specs compiled, its code checked and run."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.pages import PAGES, ROOT, Replay, blocks, exchanges
from tests.support.project import environment
from tests.support.serving import serving

SERVED_BY_THE_EXAMPLE = [page for page in PAGES if page.name != "extending.md" and exchanges(page)]


@pytest.mark.parametrize("page", SERVED_BY_THE_EXAMPLE, ids=lambda page: page.name)
def test_requests_get_the_answers_of_the_text(postgres: EmbeddedPostgres, page: Path) -> None:
    with new_database(postgres) as database, serving(database, METRICS="true") as api:
        replay = Replay(api)
        for exchange in exchanges(page):
            replay.run(exchange)


def test_the_tables_of_production_are_made_as_the_text_says(postgres: EmbeddedPostgres) -> None:
    command = next(block.text for block in blocks(ROOT / "docs" / "production.md", "sh") if "create_schema" in block.text)
    with new_database(postgres, tables=False) as database:
        for _ in range(2):
            run = subprocess.run(
                command.replace("python", shlex.quote(sys.executable), 1),
                shell=True,
                cwd=ROOT,
                env={**environment(), "MIGRATION_DATABASE_URL": database.owner_dsn},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert (run.returncode, run.stderr) == (0, "")
        with serving(database, ENVIRONMENT="production") as api:
            assert api.call("demo", "POST", "/api/demo/projects", json={"name": "Move house"}).status_code == 201
