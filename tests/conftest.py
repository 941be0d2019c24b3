"""Fixtures of all tests. They start nothing until a test asks for them; what they hand out is in tests/support."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from generator.embedded import EmbeddedPostgres

if TYPE_CHECKING:  # tests of the compiler run without the application
    from tests.support.database import Database
    from tests.support.serving import Api
    from tests.support.tables import TableMaker


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expected outputs of tests/cases and tests/errors")


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Whether expected outputs are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def postgres() -> Generator[EmbeddedPostgres]:
    """A PostgreSQL for this test process."""
    from tests.support.database import running_server  # noqa: PLC0415

    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def table_maker() -> Generator[TableMaker]:
    """Makes the tables of any project's models."""
    from tests.support.tables import making_tables  # noqa: PLC0415

    with making_tables() as maker:
        yield maker


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Generator[Database]:
    """A fresh database with the example's tables, for this test alone."""
    from tests.support.database import new_database  # noqa: PLC0415

    with new_database(postgres) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def api(postgres: EmbeddedPostgres) -> Generator[Api]:
    """The example, served for the whole test process: use a user of your own (`new_user()`), and change no setting of the database."""
    from tests.support.database import new_database  # noqa: PLC0415
    from tests.support.serving import serving  # noqa: PLC0415

    with new_database(postgres) as shared, serving(shared) as running:
        yield running


@pytest.fixture
def own_api(database: Database) -> Generator[Api]:
    """The example, served for this test alone on a fresh database."""
    from tests.support.serving import serving  # noqa: PLC0415

    with serving(database) as running:
        yield running
