"""Idempotency-Key: a repeated request gets the first answer, whatever happened in between, and makes no second row."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.database import Database
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

BODY = {"title": "Book the van"}


def post(api: Api, user: str, key: str, body: object = BODY, path: str | None = None, **headers: str) -> httpx.Response:
    return api.call(user, "POST", path or f"/api/{user}/tasks", json=body, headers={"Idempotency-Key": key, **headers})


def count(api: Api, user: str) -> int:
    return api.call(user, "GET", f"/api/{user}/tasks", params={"count": "exact"}).json()["total"]


def told(answer: httpx.Response) -> tuple[object, ...]:
    return answer.status_code, answer.content, *(answer.headers.get(name) for name in ("Content-Type", "ETag", "Location"))


def test_a_repeated_request_gets_the_first_answer(api: Api) -> None:
    user = new_user()
    first = post(api, user, "a")
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    assert api.call(user, "PATCH", first.headers["Location"], json={"title": "Another"}).status_code == 200
    again = post(api, user, "a")
    assert told(again) == told(first)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(api, user) == 1


def test_the_answer_outlives_the_row(api: Api) -> None:
    user = new_user()
    first = post(api, user, "a")
    assert api.call(user, "DELETE", first.headers["Location"]).status_code == 204
    assert told(post(api, user, "a")) == told(first)
    assert count(api, user) == 0


def test_another_body_with_the_key_is_refused(api: Api) -> None:
    user = new_user()
    post(api, user, "a")
    for other in ({"title": "Another"}, {**BODY, "notes": None}):
        answer = post(api, user, "a", other)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]
    assert count(api, user) == 1


def test_an_empty_batch_uses_a_key_as_any_other_request_does(api: Api) -> None:
    user = new_user()
    path = f"/api/{user}/tasks/batch"
    first = post(api, user, "a", {}, path)
    assert first.status_code == 200
    again = post(api, user, "a", {}, path)
    assert told(again) == told(first)
    assert again.headers["Idempotency-Replayed"] == "true"
    refused = post(api, user, "a", {"create": [BODY]}, path)
    assert (refused.status_code, refused.json()["detail"][0]["type"]) == (422, "idempotency_key_reused")
    assert post(api, user, "b", {"create": [BODY]}, path).status_code == 200
    refused = post(api, user, "b", {}, path)
    assert (refused.status_code, refused.json()["detail"][0]["type"]) == (422, "idempotency_key_reused")
    assert post(api, user, "b", {"create": 1}, path).status_code == 422
    assert count(api, user) == 1


def test_another_key_is_another_request(api: Api) -> None:
    user = new_user()
    assert post(api, user, "a").json()["id"] != post(api, user, "b").json()["id"]


def test_a_key_belongs_to_its_route(api: Api) -> None:
    user = new_user()
    post(api, user, "a")
    assert post(api, user, "a", {"name": "house"}, f"/api/{user}/tags").status_code == 201


def test_I8_a_key_belongs_to_its_user(api: Api) -> None:
    ada, bob = new_user(), new_user()
    first = post(api, ada, "the same")
    other = post(api, bob, "the same")
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]
    assert other.json()["user_id"] == bob
    assert "Idempotency-Replayed" not in other.headers
    assert told(post(api, ada, "the same")) == told(first)
    assert post(api, bob, "the same", {"title": "Another"}).status_code == 422


@pytest.mark.parametrize("failing", [{"title": ""}, {"title": "x", "project_id": "00000000-0000-0000-0000-000000000000"}, {"nothing": 1}])
def test_a_refusal_is_not_kept(api: Api, failing: dict[str, str]) -> None:
    user = new_user()
    assert post(api, user, "a", failing).status_code == 422
    assert post(api, user, "a").status_code == 201


def test_a_conflict_is_not_kept(api: Api) -> None:
    user = new_user()
    tag = api.call(user, "POST", f"/api/{user}/tags", json={"name": "house"})
    assert post(api, user, "a", {"name": "house"}, f"/api/{user}/tags").status_code == 409
    assert api.call(user, "DELETE", tag.headers["Location"], headers={"If-Match": "*"}).status_code == 204
    assert post(api, user, "a", {"name": "house"}, f"/api/{user}/tags").status_code == 201


@pytest.mark.parametrize("key", ["", "a" * 256, "é".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    user = new_user()
    answer = api.client.post(
        f"/api/{user}/tasks",
        json=BODY,
        headers=[*api.headers(user).items(), (b"Idempotency-Key", key.encode("latin-1"))],  # pyright: ignore[reportArgumentType]
    )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]
    assert count(api, user) == 0


def test_two_keys_are_refused(api: Api) -> None:
    user = new_user()
    answer = api.client.post(
        f"/api/{user}/tasks", json=BODY, headers=[*api.headers(user).items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    )
    assert answer.status_code == 422
    assert count(api, user) == 0


@pytest.mark.parametrize("key", ["a" * 255, "a b", "!~{}\"'\\,;", "'; DROP TABLE tasks; --".replace(" ", "")])
def test_any_printable_key_is_fine(api: Api, key: str) -> None:
    user = new_user()
    first = post(api, user, key)
    assert first.status_code == 201
    assert told(post(api, user, key)) == told(first)


def test_it_comes_after_the_token_and_the_path(api: Api) -> None:
    user = new_user()
    assert api.client.post(f"/api/{user}/tasks", json=BODY, headers={"Idempotency-Key": ""}).status_code == 401
    assert post(api, user, "", path="/api/somebody/tasks").status_code == 403


def test_an_old_key_can_be_used_again(own_api: Api) -> None:
    user = new_user()
    first = post(own_api, user, "a")
    own_api.database.execute(f"UPDATE idempotency_keys_ SET created_at = '{datetime.now(UTC) - timedelta(hours=25)}'")
    again = post(own_api, user, "a", {"title": "Another"})
    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]
    assert told(post(own_api, user, "a", {"title": "Another"})) == told(again)


def test_a_request_with_the_key_that_is_under_way_is_waited_for_and_then_refused(database: Database) -> None:
    user = new_user()
    with serving(database, LOCK_TIMEOUT="0.2") as api:
        name = f"{user}\nPOST /api/{{user_id}}/tasks\na"
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(
                database.execute, f"BEGIN; SELECT pg_advisory_lock(hashtextextended(E'{name}', 0)); SELECT pg_sleep(1.5); COMMIT"
            )
            while database.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").strip() == "0":
                pass
            answer = post(api, user, "a")
            assert answer.status_code == 409
            assert answer.headers["Retry-After"] == "1"
            held.result()
        assert post(api, user, "a").status_code == 201


def test_C2_twenty_requests_with_one_key_on_two_processes_make_one_row(database: Database) -> None:
    with serving(database) as one, serving(database) as two, ThreadPoolExecutor(20) as pool:
        for _ in range(5):
            _race(one, two, pool)


def test_old_keys_go_in_the_background_and_others_stay(database: Database) -> None:
    old = "'r', n::text, now() - interval '25 hours', '\\x00', 201, '\\x00', '\\x00'"
    database.execute(f"INSERT INTO idempotency_keys_ SELECT 'user ' || n % 7, {old} FROM generate_series(1, 2500) AS n")
    database.execute(f"INSERT INTO idempotency_keys_ SELECT 'ada', {old.replace('25', '23')} FROM generate_series(1, 3) AS n")
    with serving(database):
        deadline = time.monotonic() + 20
        while database.execute("SELECT count(*) FROM idempotency_keys_").strip() != "3":
            assert time.monotonic() < deadline
    assert database.execute("SELECT DISTINCT user_id FROM idempotency_keys_").strip() == "ada"


def _race(one: Api, two: Api, pool: ThreadPoolExecutor) -> None:
    user = new_user()
    answers = list(pool.map(post, [one, two] * 10, [user] * 20, ["a"] * 20))
    assert {told(answer) for answer in answers} == {told(answers[0])}
    assert answers[0].status_code == 201
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert count(one, user) == 1
    assert post(two, user, "a", {"title": "Another"}).status_code == 422
