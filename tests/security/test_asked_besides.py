"""Rows I1, I2, I4 and I8 for what a write can be asked for besides: dry runs, safe retries, many rows at once, rows by their natural key.

Each of them runs in a transaction of its own kind (`Unit`), so that what holds for the plain write is attacked once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from generator.ir import Operation, Reference
from tests.support.matrix import BATCHES, BODIES, CALLS, LINKS, UPSERTS, Call, LinkCall, calls_of
from tests.support.observer import Observer
from tests.support.resources import ResourceCase, case, random_id
from tests.support.serving import Api
from tests.support.tokens import new_user

VOLATILE = {"date", "x-request-id", "content-length"}
DRY, KEYED = {"Prefer": "tx=rollback"}, {"Idempotency-Key": "the-same-key"}
ASKED = [DRY, KEYED, DRY | KEYED, {"Prefer": "return=minimal"}]
WRITES = [call for call in CALLS if call.method != "GET"]


def shape(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """What an attacker can tell two answers apart by."""
    return answer.status_code, answer.text, {name: value for name, value in answer.headers.items() if name not in VOLATILE}


def batch_of(resource: ResourceCase, api: Api, user: str) -> dict[str, Any]:
    """A batch that creates one row."""
    return {"create": [resource.body(api, user)]}


def send_batch(
    api: Api, caller: str, resource: ResourceCase, body: Any, headers: Mapping[str, str], of_user: str | None = None
) -> httpx.Response:
    return api.call(caller, "POST", f"{resource.path(of_user or caller)}/batch", json=body, headers=headers)


# I1


@pytest.mark.parametrize("headers", ASKED, ids=str)
@pytest.mark.parametrize("call", WRITES, ids=str)
def test_I1_another_users_path_is_a_constant_403_whatever_is_asked(
    api: Api, observer: Observer, call: Call, headers: dict[str, str]
) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    row, body = call.case.create(api, ada)["id"], call.body(api, ada) or None
    with observer.unchanged():
        answers = [
            call.send(api, as_user=mallory, of_user=user, row_id=identifier, json=body, headers=headers)
            for user in (ada, new_user())
            for identifier in (row, random_id())
        ]
        plain = call.send(api, as_user=mallory, of_user=ada, row_id=row, json=body)
        anonymous = api.client.request(call.method, call.path(ada, row), headers=call.headers() | headers, json=body)
    assert {str(shape(answer)) for answer in answers} == {str(shape(plain))}
    assert (plain.status_code, anonymous.status_code) == (403, 401)


@pytest.mark.parametrize("headers", [{}, *ASKED], ids=str)
@pytest.mark.parametrize("resource", BATCHES, ids=str)
def test_I1_a_batch_on_another_users_path(api: Api, observer: Observer, resource: ResourceCase, headers: dict[str, str]) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    row, body = resource.create(api, ada)["id"], batch_of(resource, api, ada)
    with observer.unchanged():
        answers = [
            send_batch(api, mallory, resource, sent, headers, of_user=user)
            for user in (ada, new_user())
            for sent in (body, {"delete": [row]}, {"update": [{"id": row, "version": 1}]}, {})
        ]
        anonymous = api.client.post(f"{resource.path(ada)}/batch", json=body, headers=headers)
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert (answers[0].status_code, anonymous.status_code) == (403, 401)


@pytest.mark.parametrize("headers", [{}, *ASKED], ids=str)
@pytest.mark.parametrize("resource", UPSERTS, ids=str)
def test_I1_an_upsert_on_another_users_path(api: Api, observer: Observer, resource: ResourceCase, headers: dict[str, str]) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    taken, free = resource.body(api, ada), resource.body(api, ada)
    assert api.call(ada, "PUT", resource.path(ada), json=taken).status_code == 201
    with observer.unchanged():
        answers = [
            api.call(mallory, "PUT", resource.path(user), json=body, headers=headers)
            for user in (ada, new_user())
            for body in (taken, free)
        ]
        anonymous = api.client.put(resource.path(ada), json=taken, headers=headers)
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert (answers[0].status_code, anonymous.status_code) == (403, 401)


# I2


@pytest.mark.parametrize("call", [call for call in WRITES if not call.on_collection], ids=str)
def test_I2_a_dry_run_tells_nothing_of_another_users_row(api: Api, observer: Observer, call: Call) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    row, body = call.case.create(api, ada)["id"], call.body(api, mallory) or None
    with observer.unchanged():
        for extra in ({}, {"If-Match": '"1"'}, {"If-Match": "*"}):
            answers = [call.send(api, as_user=mallory, row_id=one, json=body, headers=DRY | extra) for one in (row, random_id())]
            assert len({str(shape(answer)) for answer in answers}) == 1
            assert answers[0].status_code == 404


@pytest.mark.parametrize("call", LINKS, ids=str)
def test_I2_a_dry_run_of_a_link_tells_nothing_of_another_users_ends(api: Api, observer: Observer, call: LinkCall) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    (_, one), (_, other) = call.ends
    theirs = one.create(api, ada)["id"], other.create(api, ada)["id"]
    with observer.unchanged():
        answers = [api.call(mallory, call.method, call.path(mallory, *pair), headers=DRY) for pair in (theirs, (random_id(), random_id()))]
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert answers[0].status_code == 404


# I4


REFERRING = [(call, field.column) for call in BODIES for field in call.case.references() if field in call.fields()]


@pytest.mark.parametrize(("call", "column"), REFERRING, ids=str)
def test_I4_a_dry_run_tells_nothing_of_a_row_behind_a_reference(api: Api, observer: Observer, call: Call, column: str) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    (target,) = (one.type.target for one in call.case.references() if one.column == column and isinstance(one.type, Reference))
    foreign = case(target).create(api, ada)["id"]
    own, bodies = call.case.create(api, mallory)["id"], [call.body(api, mallory, **{column: one}) for one in (foreign, random_id())]
    with observer.unchanged():
        answers = [call.send(api, as_user=mallory, row_id=own, json=body, headers=DRY) for body in bodies]
    assert len({str(shape(answer)) for answer in answers}) == 1
    assert answers[0].json()["detail"] == [{"type": "reference_not_found", "loc": ["body", column], "msg": "No row has this id."}]


# I8


@pytest.mark.parametrize("call", calls_of(Operation.CREATE), ids=str)
def test_I8_a_kept_answer_is_not_for_another_token(api: Api, observer: Observer, call: Call) -> None:
    """The very request that is kept, sent by somebody else."""
    ada, mallory = new_user("ada"), new_user("mallory")
    body = call.body(api, ada)
    assert call.send(api, as_user=ada, json=body, headers=KEYED).status_code == 201
    with observer.unchanged():
        replayed = call.send(api, as_user=mallory, of_user=ada, json=body, headers=KEYED)
        unknown = call.send(api, as_user=mallory, of_user=ada, json=body, headers={"Idempotency-Key": "another"})
        anonymous = api.client.post(call.path(ada), json=body, headers=KEYED)
    assert shape(replayed) == shape(unknown)
    assert (replayed.status_code, anonymous.status_code) == (403, 401)


@pytest.mark.parametrize("resource", BATCHES, ids=str)
def test_I8_the_same_key_of_two_users_is_two_batches(api: Api, resource: ResourceCase) -> None:
    ada, mallory = new_user("ada"), new_user("mallory")
    answers = [send_batch(api, user, resource, batch_of(resource, api, user), KEYED) for user in (ada, mallory)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["create"][0]["user_id"] for answer in answers] == [ada, mallory]
    assert not any("Idempotency-Replayed" in answer.headers for answer in answers)
    another = {"delete": [answers[1].json()["create"][0]["id"]]}
    assert send_batch(api, mallory, resource, another, KEYED).status_code == 422  # her own key
