"""Rows I1 to I8 and I12 of the acceptance catalogue: no user reaches another one's rows, whatever the operation."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from generator.ir import Operation, Reference
from generator.samples import sample_body
from tests.support.database import Database
from tests.support.matrix import BODIES, CALLS, FILTERS, ITEMS, SEARCHES, Call, Filter, calls_of, sort_keys_of
from tests.support.observer import Observer
from tests.support.resources import RESOURCES, ResourceCase, random_id, with_operation
from tests.support.serving import Api, serving, serving_quickly
from tests.support.tokens import new_user
from tests.support.wire import send

VOLATILE = {"date", "x-request-id", "content-length"}
CHANGES = {Operation.CREATE: 201, Operation.REPLACE: 200, Operation.UPDATE: 200, Operation.DELETE: 204}


def shape(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """What an attacker can tell two answers apart by."""
    return answer.status_code, answer.text, {name: value for name, value in answer.headers.items() if name not in VOLATILE}


@pytest.fixture(scope="module")
def severed() -> Generator[Api]:
    """The application without any database: whatever it answers, it asked nobody."""
    with serving_quickly(None, until="/healthz", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") as running:
        yield running


def test_the_observer_notices_whatever_is_written(api: Api, observer: Observer) -> None:
    ada, tags = new_user("ada"), next(one for one in RESOURCES if one.resource.name == "Tag")
    row = tags.create(api, ada)["id"]
    writes: list[Callable[[], object]] = [
        lambda: tags.create(api, ada),
        lambda: api.call(ada, "PATCH", tags.item(ada, row), json={"weight": 1.5}, headers={"If-Match": "*"}),
        lambda: api.call(ada, "DELETE", tags.item(ada, row), headers={"If-Match": "*"}),
    ]
    with observer.unchanged():
        api.call(ada, "GET", tags.item(ada, row))
    for write in writes:
        with pytest.raises(AssertionError, match="rows changed"), observer.unchanged():
            write()


# I1


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_I1_another_users_path_is_a_constant_403_that_needs_no_database(severed: Api, call: Call) -> None:
    parents = {field.column: random_id() for field in call.case.references()}
    body = call.writable(sample_body(call.case.resource, references=parents)) if call.has_body else None
    answers = [
        call.send(severed, as_user="mallory", of_user=victim, json=body) for victim in ("ada", "nobody", "MALLORY", "mallory ", "x" * 200)
    ]
    assert {shape(answer)[0] for answer in answers} == {403}
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert call.send(severed, as_user="mallory", json=body).status_code == 503  # its own path would have asked


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_I1_another_users_row_is_neither_shown_nor_changed(api: Api, observer: Observer, call: Call) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    row = call.case.create(api, ada)
    body = call.body(api, ada) or None
    with observer.unchanged():
        answer = call.send(api, as_user=mallory, of_user=ada, row_id=row["id"], json=body)
        other = call.send(api, as_user=mallory, of_user=new_user(), row_id=row["id"], json=body)
        anonymous = api.client.request(call.method, call.path(ada, row["id"]), headers=call.headers(), json=body)
    assert shape(answer) == shape(other)
    assert (answer.status_code, anonymous.status_code) == (403, 401)
    # The same request by the owner works, so it was only the user that was refused.
    assert call.send(api, as_user=ada, row_id=row["id"], json=body).status_code == CHANGES.get(call.operation, 200)


# I2


@pytest.mark.parametrize("call", ITEMS, ids=str)
def test_I2_another_users_id_is_as_absent_as_a_random_one(api: Api, observer: Observer, call: Call) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    row = call.case.create(api, ada)
    body = call.body(api, mallory) or None
    preconditions: list[dict[str, str]] = [{}, {"If-Match": '"1"'}, {"If-Match": "*"}, {"If-Match": '"999"'}, {"If-None-Match": '"1"'}]
    with observer.unchanged():
        for headers in preconditions:
            foreign = call.send(api, as_user=mallory, row_id=row["id"], json=body, headers=headers)
            absent = call.send(api, as_user=mallory, row_id=random_id(), json=body, headers=headers)
            assert foreign.status_code == 404
            assert shape(foreign) == shape(absent)
            assert row["id"] not in foreign.text


# I3


@pytest.mark.parametrize("case", with_operation(Operation.LIST), ids=str)
def test_I3_lists_hold_none_of_another_users_rows(api: Api, observer: Observer, case: ResourceCase) -> None:
    """Every sort, in both directions, over pages, there and back; by the ids themselves."""
    ada, mallory = new_user("ada"), new_user("mallory")
    foreign = [case.create(api, ada)["id"] for _ in range(3)]
    own = {case.create(api, mallory)["id"] for _ in range(3)}
    with observer.unchanged():
        for key in sort_keys_of(case):
            for direction in ("", "-"):
                path = f"{case.path(mallory)}?limit=2&sort={direction}{key}"
                first = api.call(mallory, "GET", path).json()
                second = api.call(mallory, "GET", f"{path}&cursor={first['next_cursor']}").json()
                back = api.call(mallory, "GET", f"{path}&cursor={second['previous_cursor']}").json()
                found = [item["id"] for item in (*first["items"], *second["items"])]
                assert (sorted(found), second["next_cursor"], back["items"]) == (sorted(own), None, first["items"]), key
        for identifier in foreign:
            for query in (f"id={identifier}", f"id__in={identifier},{identifier}", f"id__ne={random_id()}", "offset=0", "limit=100"):
                items = api.call(mallory, "GET", f"{case.path(mallory)}?{query}").json()["items"]
                assert {item["user_id"] for item in items} <= {mallory}
                assert not {item["id"] for item in items} & set(foreign)


@pytest.mark.parametrize("count", ["exact", "estimated"])
@pytest.mark.parametrize("case", with_operation(Operation.LIST), ids=str)
def test_I3_no_total_counts_another_users_row(api: Api, observer: Observer, case: ResourceCase, count: str) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    foreign = [case.create(api, ada)["id"] for _ in range(3)]
    with observer.unchanged():
        for number, query in ((0, ""), (0, f"&id={foreign[0]}"), (0, f"&id__ne={random_id()}"), (0, "&offset=1"), (0, "&limit=1")):
            assert api.call(mallory, "GET", f"{case.path(mallory)}?count={count}{query}").json()["total"] == number, query
    own = case.create(api, mallory)["id"]
    for number, query in ((1, ""), (0, f"&id={foreign[0]}"), (1, f"&id__in={own},{foreign[0]}"), (1, "&offset=1"), (1, "&limit=1")):
        assert api.call(mallory, "GET", f"{case.path(mallory)}?count={count}{query}").json()["total"] == number, query


@pytest.mark.parametrize("found", FILTERS, ids=str)
def test_I3_no_filter_finds_another_users_row(api: Api, observer: Observer, found: Filter) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    case = found.case
    row = case.create(api, ada, **case.body(api, ada, optional=True))
    value = row[found.column]
    if isinstance(value, list):
        value = value[0]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    with observer.unchanged():
        for given in ("true", "false") if found.operator == "isnull" else (text, text[:1]):
            answer = api.call(mallory, "GET", case.path(mallory), params={found.parameter: given})
            assert answer.status_code == 422 or answer.json()["items"] == [], answer.text
    if found.operator in {"", "in", "contains", "icontains", "startswith"}:  # the owner finds it by the same value
        mine = api.call(ada, "GET", case.path(ada), params={found.parameter: text})
        assert row["id"] in [item["id"] for item in mine.json()["items"]], mine.text


@pytest.mark.parametrize("case", SEARCHES, ids=str)
def test_I3_no_search_finds_another_users_row(api: Api, observer: Observer, case: ResourceCase) -> None:
    """Nor do another user's words change what is found, counted, or in which order."""
    ada, mallory = new_user("ada"), new_user("mallory")
    (column,) = (field.column for field in case.resource.fields if field.search)
    own = [case.create(api, mallory, **{column: text})["id"] for text in ("known known", "known", "known, and more of it")]
    queries = [{"q": "known"}, {"q": "kn", "sort": "-created_at"}, {"q": "known", "count": "exact"}, {"q": "known", "limit": "2"}]
    queries += [{"q": text} for text in ("secret", "sec", "se", "s", "known secret", "secret known")]
    before = [shape(api.call(mallory, "GET", case.path(mallory), params=query)) for query in queries]
    foreign = [case.create(api, ada, **{column: text})["id"] for text in ("secret", "known secret", "known " * 8 + "!")]
    with observer.unchanged():
        assert [shape(api.call(mallory, "GET", case.path(mallory), params=query)) for query in queries] == before
        counted = api.call(mallory, "GET", f"{case.path(mallory)}/aggregate", params={"q": "known", "count": "true"})
        assert counted.json() == {"items": [{"count": 3}]}
        assert api.call(mallory, "GET", case.path(ada), params={"q": "secret"}).status_code == 403
        found = {user: api.call(user, "GET", case.path(user), params={"q": "known"}).json()["items"] for user in (ada, mallory)}
    assert {row["id"] for row in found[mallory]} == set(own)
    assert {row["id"] for row in found[ada]} == set(foreign[1:])


# I4


REFERRING = [(call, field.column) for call in BODIES for field in call.fields() if isinstance(field.type, Reference)]


@pytest.mark.parametrize(("call", "column"), REFERRING, ids=[f"{call}.{column}" for call, column in REFERRING])
def test_I4_a_reference_to_another_users_row_is_one_to_nothing(api: Api, observer: Observer, call: Call, column: str) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    reference = next(field.type for field in call.fields() if field.column == column)
    assert isinstance(reference, Reference)
    target = next(case for case in RESOURCES if case.resource.name == reference.target)
    foreign = target.create(api, ada)["id"]
    own = call.case.create(api, mallory)["id"]
    body = call.body(api, mallory, **{column: random_id()})
    with observer.unchanged():
        answers = [call.send(api, as_user=mallory, row_id=own, json=body | {column: identifier}) for identifier in (foreign, random_id())]
    assert shape(answers[0]) == shape(answers[1])
    assert answers[0].status_code == 422
    assert [problem["loc"] for problem in answers[0].json()["detail"]] == [["body", column]]


# I5


@pytest.mark.parametrize("case", with_operation(Operation.CREATE), ids=str)
def test_I5_a_value_that_is_unique_for_another_user_is_free(api: Api, case: ResourceCase) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    body = case.body(api, ada, optional=True)
    parents = {
        name: value for name, value in case.body(api, mallory, optional=True).items() if name in {r.column for r in case.references()}
    }
    assert api.call(ada, "POST", case.path(ada), json=body).status_code == 201
    answer = api.call(mallory, "POST", case.path(mallory), json=body | parents)
    assert answer.status_code == 201, answer.text
    unique = [constraint for constraint in case.resource.unique if all(body.get(column) is not None for column in constraint.columns)]
    again = api.call(mallory, "POST", case.path(mallory), json=body | parents)
    assert again.status_code == (409 if unique else 201)


# I6


LOOK_ALIKES = {
    "case": ("Ada", "ada"),
    "nfc and nfd": (unicodedata.normalize("NFC", "Zo\u00eb"), unicodedata.normalize("NFD", "Zo\u00eb")),
    "space behind": ("ada ", "ada"),
    "space before": (" ada", "ada"),
    "plus and space": ("a+b", "a b"),
    "per cent": ("a%20b", "a b"),
    "sharp s": ("stra\u00dfe", "strasse"),
    "full width": ("\uff41da", "ada"),
    "zero width": ("a\u200bda", "ada"),
}


@pytest.mark.parametrize("case", RESOURCES, ids=str)
@pytest.mark.parametrize(("one", "other"), LOOK_ALIKES.values(), ids=list(LOOK_ALIKES))
def test_I6_users_whose_ids_look_alike_are_two(api: Api, observer: Observer, case: ResourceCase, one: str, other: str) -> None:
    rows = {user: case.create(api, user) for user in (one, other)}
    for user, stranger in ((one, other), (other, one)):
        row = rows[user]
        assert row["user_id"] == user
        assert api.call(user, "GET", case.item(user, row["id"])).json() == row
        with observer.unchanged():
            assert api.call(stranger, "GET", case.item(user, row["id"])).status_code == 403
            assert api.call(stranger, "GET", case.item(stranger, row["id"])).status_code == 404
            assert row["id"] not in {item["id"] for item in api.call(stranger, "GET", f"{case.path(stranger)}?limit=100").json()["items"]}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_I6_odd_spellings_of_a_path_reach_nobody(api: Api, observer: Observer, call: Call) -> None:
    ada = new_user("ada")
    row = call.case.create(api, ada)
    body = call.body(api, ada) or None
    own = call.path(ada, row["id"])
    prefix, rest = f"/api/{ada}", own.removeprefix(f"/api/{ada}")
    spellings = [
        *(f"/api/{ada}{junk}{rest}" for junk in ("%00", "%20", "%2f", "%2F..", "%0a", "%ff", "%c0%af", "%e2%80%8b", ";x", ".", "%25")),
        *(f"/api/{junk}{ada}{rest}" for junk in ("%00", "%20", "%2f", "..%2f", "./", "../api/")),
        f"/api/{ada}/{rest}",
        f"/api//{ada}{rest}",
        f"//api/{ada}{rest}",
        f"/api/{ada}/x/..{rest}",
        f"/api/mallory%2f..%2f{ada}{rest}",
        f"{own}%00",
        f"{own}%20",
        f"{own}%2f",
        f"{own}/",
        f"{prefix}{rest.upper()}" if rest != rest.upper() else f"{own}x",
        f"/API/{ada}{rest}",
    ]
    headers = {**api.headers(ada), **call.headers(), "Content-Type": "application/json"}
    with observer.unchanged():
        for spelling in spellings:
            answer = send(api, call.method, spelling, headers, json.dumps(body).encode() if call.has_body else None)
            assert answer.status in {403, 404, 405, 422}, f"{spelling}: {answer.status}"
            assert row["id"] not in answer.text


@pytest.mark.parametrize("user", ["a b", "\u00fc\u0300", "50%", "a?b#c", "a+b&c=d", "\u732b\U0001f642", "null", "a\\b", "a'b\"--"])
@pytest.mark.parametrize("case", with_operation(Operation.CREATE), ids=str)
def test_I6_awkward_but_honest_ids_work(api: Api, case: ResourceCase, user: str) -> None:
    created = api.call(user, "POST", case.path(user), json=case.body(api, user))
    assert created.status_code == 201, created.text
    assert created.json()["user_id"] == user
    assert created.headers["Location"] == f"/api/{quote(user, safe='')}/{case.resource.segment}/{created.json()['id']}"
    assert api.call(user, "GET", created.headers["Location"]).json() == created.json()


# I7


@pytest.mark.parametrize("case", with_operation(Operation.LIST), ids=str)
def test_I7_a_cursor_is_its_users_own(api: Api, observer: Observer, case: ResourceCase) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    for user in (ada, mallory):
        for _ in range(3):
            case.create(api, user)
    for sort in ("", *(f"&sort={direction}{key}" for key in sort_keys_of(case) for direction in ("", "-"))):
        cursor = api.call(ada, "GET", f"{case.path(ada)}?limit=1{sort}").json()["next_cursor"]
        assert api.call(ada, "GET", f"{case.path(ada)}?limit=1{sort}&cursor={cursor}").status_code == 200
        with observer.unchanged():
            answer = api.call(mallory, "GET", f"{case.path(mallory)}?limit=1{sort}&cursor={cursor}")
        assert answer.status_code == 422
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", "cursor"]]


@pytest.mark.parametrize("case", with_operation(Operation.LIST), ids=str)
def test_I7_a_cursor_that_was_touched_is_none(api: Api, case: ResourceCase) -> None:
    ada = new_user("ada")
    for _ in range(3):
        case.create(api, ada)
    cursor: str = api.call(ada, "GET", f"{case.path(ada)}?limit=1").json()["next_cursor"]
    other = next(one for one in RESOURCES if one.has(Operation.LIST) and one is not case)
    for _ in range(2):
        other.create(api, ada)
    strange: str = api.call(ada, "GET", f"{other.path(ada)}?limit=1").json()["next_cursor"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    flipped = [cursor[:at] + alphabet[alphabet.index(cursor[at]) ^ 1] + cursor[at + 1 :] for at in range(0, len(cursor), 5)]
    for forged in (
        *flipped,
        strange,
        cursor[:-1],
        cursor + "A",
        cursor + "=",
        cursor + "==",
        cursor.swapcase(),
        f" {cursor}",
        "",
        "A",
        "null",
        "e30",
        "WyJ4Il0",
        "\u00e9",
        "\u0661",
        "A" * 5000,
        "'; --",
    ):
        answer = api.call(ada, "GET", case.path(ada), params={"limit": "1", "cursor": forged})
        assert answer.status_code == 422, f"{forged!r}: {answer.text}"


# I8


@pytest.mark.parametrize("call", calls_of(Operation.CREATE), ids=str)
def test_I8_the_same_idempotency_key_of_two_users_is_two_keys(api: Api, call: Call) -> None:
    """Neither sees the other's answer, nor learns that the key is taken: not with the same body, not with another one."""
    ada, mallory = new_user("ada"), new_user("mallory")
    key = {"Idempotency-Key": "the-same-key"}
    rows = [call.send(api, as_user=user, json=call.body(api, user), headers=key) for user in (ada, mallory)]
    assert [row.status_code for row in rows] == [201, 201]
    assert [row.json()["user_id"] for row in rows] == [ada, mallory]
    assert rows[0].json()["id"] != rows[1].json()["id"]
    assert not any("Idempotency-Replayed" in row.headers for row in rows)
    third = new_user()
    assert call.send(api, as_user=third, json=call.body(api, third, optional=True), headers=key).status_code == 201


@pytest.mark.parametrize(
    "parameter", ["user_id=ada", "user_id__ne=ada", "owner=ada", "total=true", "include=tasks", "where=1", "version=1"]
)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_I8_parameters_that_do_not_exist_are_refused(api: Api, observer: Observer, call: Call, parameter: str) -> None:
    ada = new_user("ada")
    with observer.unchanged():
        answer = api.call(ada, call.method, f"{call.path(ada)}?{parameter}", headers=call.headers(), json={} if call.has_body else None)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", parameter.partition("=")[0]]


# I12


@pytest.mark.parametrize("users", [50])
def test_I12_interleaved_users_under_load_get_their_own_rows(database: Database, users: int) -> None:
    """Fifty users at once on four connections: creates, lists, reads, changes and deletes, each answer checked for its owner."""
    requests = 0

    async def live(client: httpx.AsyncClient, api: Api, user: str) -> None:
        nonlocal requests
        headers = api.headers(user)
        for case in RESOURCES:
            if case.references():
                continue
            mine: dict[str, Any] = {}
            for number in range(2):
                body = sample_body(case.resource, number + 1)
                row = (await client.post(case.path(user), headers=headers, json=body)).json()
                assert row["user_id"] == user, row
                mine[row["id"]] = row
                page = (await client.get(f"{case.path(user)}?limit=100", headers=headers)).json()["items"]
                assert {item["id"] for item in page} == set(mine)
                assert {item["user_id"] for item in page} == {user}
                found = (await client.get(case.item(user, row["id"]), headers=headers)).json()
                assert found == row
                changed = (await client.patch(case.item(user, row["id"]), headers=headers | {"If-Match": "*"}, json=case.change())).json()
                assert changed["user_id"] == user
                assert changed["id"] == row["id"]
                requests += 4
            first = next(iter(mine))
            assert (await client.delete(case.item(user, first), headers=headers | {"If-Match": "*"})).status_code == 204
            page = (await client.get(f"{case.path(user)}?limit=100", headers=headers)).json()["items"]
            assert {item["id"] for item in page} == set(mine) - {first}

    async def everybody(api: Api) -> None:
        limits = httpx.Limits(max_connections=users)
        async with httpx.AsyncClient(base_url=api.url, timeout=30, limits=limits) as client:
            await asyncio.gather(*(live(client, api, f"user-{number}") for number in range(users)))

    with serving(database, POOL_SIZE="4", MAX_OVERFLOW="0", POOL_TIMEOUT="30") as api:
        asyncio.run(everybody(api))
    assert requests > users * 10
