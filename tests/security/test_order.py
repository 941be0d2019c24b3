"""The order of answers: 401, then 403, both before anything else of the request is looked at; then 413, 415, 400; 422; 428, 404, 412, 409.

Each request has every fault from one place of that order on, so that only the first of them may answer.
"""

from __future__ import annotations

from typing import Any

import pytest

from generator.ir import Operation
from tests.support.matrix import BODIES, CALLS, ITEMS, Call, calls_of
from tests.support.observer import Observer
from tests.support.resources import random_id
from tests.support.serving import Api
from tests.support.tokens import new_user
from tests.support.wire import send

LIMIT = 1_048_576


ORDER = [401, 403, 413, 415, 400, 422]


def faulty(api: Api, call: Call, user: str, first: int) -> int:
    """The status of a request that has the fault of `first` and all those that come later."""

    def has(status: int) -> bool:
        return ORDER.index(first) <= ORDER.index(status)

    owner = new_user() if has(403) else user
    path = f"{call.path(owner, 'no-uuid')}?nonsense=1&limit=-1"
    headers = {"Content-Type": "text/plain" if has(415) else "application/json", "If-Match": "nonsense"}
    if not has(401):
        headers |= api.headers(user)
    body = b"no json" if has(400) else b'{"nonsense":1}'
    if has(413):
        body = b" " * (LIMIT + 1)
    return send(api, call.method, path, headers, body if call.has_body else None).status


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_first_fault_answers(api: Api, observer: Observer, call: Call) -> None:
    user = new_user()
    expected = ORDER if call.has_body else [401, 403, 422]
    with observer.unchanged():
        for status in expected:
            assert faulty(api, call, user, status) == status, status


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_a_bad_path_or_query_is_found_after_a_bad_body_only_if_that_is_json(api: Api, observer: Observer, call: Call) -> None:
    user = new_user()
    headers = {**api.headers(user), **call.headers(), "Content-Type": "application/json"}
    path = call.path(user, "no-uuid")
    with observer.unchanged():
        for body, status in (
            (b"{", 400),
            (b"\xff", 400),
            (b"\xef\xbb\xbf{}", 400),
            (b'{"a":1,"a":2}', 422),
            (b'{"a":NaN}', 422),
            (b"{}", 422),
        ):
            answer = send(api, call.method, f"{path}?nonsense=1", headers, body)
            assert answer.status == status, body
            if status == 422:  # the path and the query come before the body
                assert answer.json()["detail"][0]["loc"][0] in {"path", "query"}


CONDITIONAL = [call for call in ITEMS if call.operation is not Operation.GET]


@pytest.mark.parametrize("call", CONDITIONAL, ids=str)
def test_428_then_404_then_412_then_409(api: Api, observer: Observer, call: Call) -> None:
    user = new_user()
    row = call.case.create(api, user)
    other = call.case.create(api, user)
    unique = [name for constraint in call.case.resource.unique for name in constraint.columns]
    taken = {name: other[name] for name in unique if other[name] is not None}
    writable = {field.column for field in call.fields()}
    complete: dict[str, Any] = {**call.body(api, user), **{name: value for name, value in taken.items() if name in writable}}
    body = complete if call.has_body else None
    path, absent = call.path(user, row["id"]), call.path(user, random_id())

    def status(target: str, **headers: str) -> int:
        return api.call(
            user, call.method, target, headers={name.replace("_", "-"): value for name, value in headers.items()}, json=body
        ).status_code

    with observer.unchanged():
        if call.case.resource.concurrency == "required":
            assert status(absent) == 428
            assert status(path) == 428
        assert status(absent, If_Match='"999"') == 404
        assert status(absent, If_Match="*") == 404
        assert status(path, If_Match='"999"') == 412
        if body is not None and taken and taken.keys() <= writable and len(taken) == len(unique):
            assert status(path, If_Match='"1"') == 409
            assert status(path, If_Match="*") == 409


@pytest.mark.parametrize("call", calls_of(Operation.CREATE), ids=str)
def test_409_names_the_fields(api: Api, observer: Observer, call: Call) -> None:
    user = new_user()
    row = call.case.create(api, user, **call.case.body(api, user, optional=True))
    for constraint in call.case.resource.unique:
        if any(row[name] is None for name in constraint.columns):
            continue
        with_same = {name: row[name] for name in constraint.columns}
        body = call.case.body(api, user, optional=True) | with_same
        with observer.unchanged():
            answer = api.call(user, "POST", call.case.path(user), json=body)
        assert answer.status_code == 409, answer.text
        assert all(f"`{name}`" in answer.json()["detail"] for name in constraint.columns)
        assert not any(str(value) in answer.text for value in with_same.values())
