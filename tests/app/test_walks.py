"""Random walks: specs are edited again and again; each revision upgrades, downgrades and upgrades, and no row is lost on the way.

ROWSMITH_TEST_CASES is how many walks there are; one of the many (`make walks`) has twenty edits, one of the few that run by default six.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database, opened, temporary_folder
from tests.support.edits import starts
from tests.support.tables import TableMaker
from tests.support.walking import Models, Walk

CASES = int(os.environ.get("ROWSMITH_TEST_CASES", "0"))
GROUPS = 20 if CASES else 3
WALKS = max(CASES // GROUPS, 1)
STEPS = 20 if CASES else 6


@pytest.mark.parametrize("group", range(GROUPS))
def test_a_walk_keeps_every_row_and_ends_at_the_models(postgres: EmbeddedPostgres, table_maker: TableMaker, group: int) -> None:
    @seed(group)
    @settings(
        max_examples=WALKS + 1,  # the first one is the simplest there is
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
        ],
        print_blob=False,
    )
    @given(starts(), st.data())
    def walk(start: dict[str, dict[str, object]], data: st.DataObject) -> None:
        with temporary_folder() as folder, new_database(postgres, tables=False) as database, opened(database) as connection:
            walk = Walk(folder, database, connection, models, start)
            for _ in range(STEPS):
                walk.step(data)
            walk.end()

    with new_database(postgres, tables=False) as made, opened(made) as connection:
        models = Models(made, connection, table_maker)
        walk()
