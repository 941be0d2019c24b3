"""What every attack runs against, and what must hold after each of them."""

from __future__ import annotations

from collections.abc import Generator

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.observer import Observer, observing
from tests.support.serving import Api, serving_quickly


def refuse_server_errors(answer: httpx.Response) -> None:
    """Fail on any answer of 500 or more: no attack may find a bug, an outage or a connection that is not free."""
    assert answer.status_code < 500, f"{answer.request.method} {answer.request.url}: {answer.status_code}"


@pytest.fixture(scope="session")
def api(postgres: EmbeddedPostgres) -> Generator[Api]:
    """The example on a pool of one connection, so that one which is not given back, or carries something over, is noticed at once."""
    with new_database(postgres) as shared, serving_quickly(shared, POOL_SIZE="1", MAX_OVERFLOW="0", POOL_TIMEOUT="3") as running:
        running.client.event_hooks = {"response": [refuse_server_errors]}
        yield running


@pytest.fixture(scope="session")
def observer(api: Api) -> Generator[Observer]:
    """Sees all rows of the database behind `api`."""
    with observing(api.database) as watching:
        yield watching


@pytest.fixture(autouse=True)
def connections_go_back(request: pytest.FixtureRequest) -> Generator[None]:
    """After each test of the example, no connection is left busy."""
    attacked = "api" in request.fixturenames and isinstance(request.getfixturevalue("api"), Api)
    observer: Observer | None = request.getfixturevalue("observer") if attacked else None
    yield
    if observer is not None:
        observer.assert_idle()
