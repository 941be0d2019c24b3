"""Times of day keep every microsecond on their way into answers and cursors."""

from __future__ import annotations

import pytest

from tests.support.serving import Api
from tests.support.tokens import new_user


@pytest.mark.parametrize(
    "text", ["00:00:00", "12:30:00.000001", "12:46:03.012345", "12:46:03.010000", "12:46:03.100000", "23:59:59.999999"]
)
def test_a_time_is_answered_as_it_was_sent(api: Api, text: str) -> None:
    user = new_user()
    created = api.call(user, "POST", f"/api/{user}/tasks", json={"title": "t", "reminder_time": text})
    assert created.json()["reminder_time"] == text
    for path in (created.headers["Location"], f"/api/{user}/tasks"):
        assert f'"reminder_time":"{text}"' in api.call(user, "GET", path).text
