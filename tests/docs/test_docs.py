"""What the documentation says is so: its requests are sent, its specs compiled, its code checked and run."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.pages import PAGES, Replay, exchanges
from tests.support.serving import serving

SERVED_BY_THE_EXAMPLE = [page for page in PAGES if page.name != "extending.md" and exchanges(page)]


@pytest.mark.parametrize("page", SERVED_BY_THE_EXAMPLE, ids=lambda page: page.name)
def test_requests_get_the_answers_of_the_text(postgres: EmbeddedPostgres, page: Path) -> None:
    with new_database(postgres) as database, serving(database, METRICS="true") as api:
        replay = Replay(api)
        for exchange in exchanges(page):
            replay.run(exchange)
