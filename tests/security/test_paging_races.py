"""C6: pages in both directions while rows are inserted, changed and deleted at the same time. No row that stays is skipped or repeated."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from random import Random
from typing import Any

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from tests.support.database import new_database
from tests.support.resources import case
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

SORTS = (
    *("-created_at", "created_at", "-id", "title", "-title", "due_at", "-due_at", "-progress,-title"),
    *("-priority,due_at", "priority,-due_at,title"),
)
STAYING, WRITERS, OWN = 60, 3, 5
TASKS = case("Task")
DUE = [None, *(f"2026-01-0{day}T00:00:00Z" for day in range(1, 4))]


@pytest.fixture(scope="module")
def racing(postgres: EmbeddedPostgres) -> Generator[Api]:
    """The example with a connection for each of those who write."""
    with new_database(postgres) as database, serving(database) as running:
        yield running


def task(random: Random) -> dict[str, Any]:
    """A task that is like many others in what is sorted by."""
    return {
        "title": f"T{random.randrange(5)}",
        "due_at": random.choice(DUE),
        "priority": random.choice(["low", "normal", "high"]),
        "progress": random.randrange(4),
    }


@contextmanager
def others_writing(api: Api, user: str) -> Generator[threading.Semaphore]:
    """Rows of the same user come, move through the order and go, until the block ends. The semaphore counts the writes."""
    stop, writes = threading.Event(), threading.Semaphore(0)
    refused: list[str] = []

    def write(random: Random) -> None:
        own: list[str] = []
        with httpx.Client(base_url=api.url, timeout=30, headers=api.headers(user)) as client:
            while not stop.is_set():
                if len(own) < OWN:
                    answer = client.post(TASKS.path(user), json=task(random))
                    own.append(answer.json()["id"])
                elif random.random() < 0.5:
                    answer = client.patch(TASKS.item(user, random.choice(own)), json=task(random))
                else:
                    answer = client.delete(TASKS.item(user, own.pop(random.randrange(OWN))))
                if not answer.is_success:
                    refused.append(answer.text)
                writes.release()

    threads = [threading.Thread(target=write, args=(Random(number),)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield writes
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not refused


@pytest.mark.parametrize("sort", SORTS)
def test_C6_no_row_that_stays_is_skipped_or_repeated(racing: Api, sort: str) -> None:
    user, random = new_user(), Random(sort)
    for _ in range(STAYING):
        assert racing.call(user, "POST", TASKS.path(user), json=task(random)).status_code == 201

    def page(cursor: str | None, limit: int) -> dict[str, Any]:
        query = {"sort": sort, "limit": str(limit), "fields": "id"} | ({"cursor": cursor} if cursor else {})
        answer = racing.call(user, "GET", TASKS.path(user), params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    stay = [row["id"] for row in page(None, 100)["items"]]
    assert len(stay) == STAYING
    with others_writing(racing, user) as writes:
        cursor: str | None = None
        forward: list[str] = []
        while True:
            writes.acquire()
            last = page(cursor, 4)
            forward += [row["id"] for row in last["items"]]
            cursor = last["next_cursor"]
            if cursor is None:
                break
        backward = [row["id"] for row in last["items"]]
        cursor = last["previous_cursor"]
        while cursor is not None:
            writes.acquire()
            previous = page(cursor, 4)
            backward = [row["id"] for row in previous["items"]] + backward
            cursor = previous["previous_cursor"]
    assert [row for row in forward if row in stay] == stay
    assert [row for row in backward if row in stay] == stay
    assert len(forward) > len(stay)  # those that came and went were seen, too
