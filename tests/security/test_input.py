"""Rows M1 to M4 and E1 to E10 of the acceptance catalogue: what a body, a query or a path must not hold.

Each one is asked of every operation that takes a body and of every field it has; the answer is below 500, and no row changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from generator.ir import EnumType, Field, JsonType, Kind, ListType, Operation, Reference, ScalarType
from generator.samples import sample_value
from tests.support.matrix import (
    BODIES,
    BUILT_IN,
    CALLS,
    FILTERS,
    ITEMS,
    Call,
    FieldCall,
    Filter,
    calls_of,
    fields_of,
    is_kind,
    scalar,
)
from tests.support.observer import Observer
from tests.support.serving import Api
from tests.support.tokens import new_user
from tests.support.wire import Answer, send

LIMIT = 1_048_576
"""MAX_BODY_BYTES where it is not set."""

MARK = "7f3c9a-this-must-not-come-back-"


class Raw(str):
    """JSON that is put into a body as it stands."""

    __slots__ = ()


def encoded(value: Any) -> str:
    """JSON of `value`; parts that are `Raw` stay as they are."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{encoded(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encoded, value)) + "]"
    return json.dumps(value)


class Target:
    """One user with one row, attacked through one operation."""

    def __init__(self, api: Api, call: Call) -> None:
        self.api = api
        self.call = call
        self.user = new_user()
        self.row = call.case.create(api, self.user)
        self.body = call.body(api, self.user)
        self.headers = {**api.headers(self.user), **call.headers(), "Content-Type": "application/json"}

    def send(self, body: str | bytes, **headers: str | None) -> httpx.Response:
        """Send these bytes as the body."""
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        path = self.call.path(self.user, self.row["id"])
        return self.api.client.request(
            self.call.method, path, headers={name: value for name, value in given.items() if value is not None}, content=content
        )

    def give(self, **values: Any) -> httpx.Response:
        """Send the valid body with these values put into it."""
        answer = self.send(encoded({**self.body, **values}))
        if answer.status_code == 201:  # the next row needs other unique values
            self.body = self.call.body(self.api, self.user)
        return answer

    def assert_works(self) -> None:
        """The body without any attack in it is accepted, so that it was the attack which was refused."""
        answer = self.send(encoded(self.body))
        assert answer.status_code in {200, 201}, answer.text


def assert_refused(answer: httpx.Response, *location: str) -> None:
    """A 422 at this place of the request, in FastAPI's form, without what was sent."""
    assert answer.status_code == 422, answer.text
    problems = answer.json()["detail"]
    assert isinstance(problems, list)
    assert all({"type", "loc", "msg"} <= set(problem) <= {"type", "loc", "msg", "ctx"} for problem in problems)
    assert any(problem["loc"][: len(location)] == list(location) for problem in problems), answer.text


@pytest.fixture
def target(api: Api, request: pytest.FixtureRequest) -> Target:
    """The target of a test that is parametrised by `call` or by `at`."""
    parameters: dict[str, Any] = request.node.callspec.params
    call: Call = parameters["call"] if "call" in parameters else parameters["at"].call
    return Target(api, call)


# M1, M2


def read_only(call: Call) -> list[str]:
    writable = {field.column for field in call.fields()}
    return [*BUILT_IN, *(field.column for field in call.case.resource.fields if field.column not in writable)]


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_M1_what_a_body_may_not_set_is_refused(observer: Observer, target: Target, call: Call) -> None:
    first = call.fields()[0]
    unknown = ["owner", "userId", "tenant_id", "is_admin", first.column.upper(), f"{first.column} ", f" {first.column}", "", "\u00e9"]
    with observer.unchanged():
        for name in [*read_only(call), *unknown]:
            stored = target.row.get(name, "x")
            for value in (stored, None, new_user()):
                assert_refused(target.give(**{name: value}), "body", name)
    target.assert_works()


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_M2_attributes_of_the_classes_behind_are_no_fields(observer: Observer, target: Target, call: Call) -> None:
    names = ["metadata", "_sa_instance_state", "__class__", "__dict__", "__init__", "model_config", "model_fields", "registry", "__proto__"]
    names += ["constructor", "__tablename__", "__pydantic_fields_set__", "json", "dict"]
    names += [field.name for field in call.case.references()]  # `project` is the reference's name, `project_id` its key
    with observer.unchanged():
        for name in names:
            for value in ("x", {}, {"user_id": "mallory"}, None):
                assert_refused(target.give(**{name: value}), "body", name)


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_M2_nested_objects_are_no_values(observer: Observer, target: Target, call: Call) -> None:
    with observer.unchanged():
        for field in call.fields():
            if isinstance(field.type, JsonType):
                continue
            for value in ({}, {"id": target.row["id"]}, {"$ne": None}, [[]], [{}], [None], [["x"]]):
                assert_refused(target.give(**{field.column: value}), "body", field.column)
        for body in ("[]", "[{}]", '"x"', "1", "null", "true", f"[{encoded(target.body)}]"):
            assert_refused(target.send(body), "body")
    target.assert_works()


# M3


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_M3_a_key_that_is_there_twice(observer: Observer, target: Target, call: Call) -> None:
    name, value = next(iter(target.body.items()))
    text = encoded(target.body)[:-1]
    spellings = [json.dumps(name), '"' + "".join(f"\\u{ord(letter):04x}" for letter in name) + '"']
    with observer.unchanged():
        for spelling in spellings:
            for again in (value, None, 1):
                assert_refused(target.send(f"{text},{spelling}:{json.dumps(again)}}}"), "body")
                assert_refused(target.send(f"{{{spelling}:{json.dumps(again)},{text[1:]}}}"), "body")
        for field in call.fields():
            if isinstance(field.type, JsonType):
                for nested in ('{"a":1,"a":2}', '[{"b":{"a":1,"\\u0061":1}}]'):
                    assert_refused(target.give(**{field.column: Raw(nested)}), "body")
    target.assert_works()


# M4


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_M4_null_is_refused_where_a_field_is_not_nullable(observer: Observer, target: Target, call: Call) -> None:
    with observer.unchanged():
        for field in call.fields():
            if not field.nullable:
                assert_refused(target.give(**{field.column: None}), "body", field.column)
    target.assert_works()


@pytest.mark.parametrize("call", calls_of(Operation.UPDATE), ids=str)
def test_M4_null_clears_what_is_nullable_and_what_is_missing_stays(api: Api, call: Call) -> None:
    user = new_user()
    row = call.case.create(api, user, **call.case.body(api, user, optional=True))
    for field in call.fields():
        if field.nullable:
            answer = call.send(api, as_user=user, row_id=row["id"], json={field.column: None})
            assert answer.status_code == 200, answer.text
            computed = {one.column: answer.json()[one.column] for one in call.case.resource.fields if one.computed}
            expected = row | computed | {"version": row["version"] + 1, "updated_at": answer.json()["updated_at"]}
            expected |= {field.column: None} if field.readable else {}
            assert answer.json() == expected
            row = answer.json()


# E1

NULS = ["a\\u0000b", "\\u0000", "\\u0000" * 3]
SURROGATES = ["\\ud800", "a\\udc00", "\\udc00\\ud800", "\\ud83dx\\ude00", "\\uDFFF"]


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E1_nul_and_lone_surrogates_in_a_body(observer: Observer, target: Target, call: Call) -> None:
    with observer.unchanged():
        for field in call.fields():
            for text in [*NULS, *SURROGATES]:
                value = Raw(f'["{text}"]' if isinstance(field.type, ListType) else f'"{text}"')
                assert_refused(target.give(**{field.column: value}), "body")
                if isinstance(field.type, JsonType):
                    for nested in (f'{{"{text}":1}}', f'[[{{"a":"{text}"}}]]', f'{{"a":{{"{text}":null}}}}'):
                        assert_refused(target.give(**{field.column: Raw(nested)}), "body")
        for text in [*NULS, *SURROGATES]:
            assert_refused(target.send(f'{encoded(target.body)[:-1]},"{text}":1}}'), "body")
        for broken in (b'{"a":"\xed\xa0\x80"}', b'{"a":"\xc0\x80"}', b'{"a":"\xf5\x80\x80\x80"}', b'{"a":"\x00"}', b"\x00", b"{}\x00"):
            assert target.send(broken).status_code == 400
    target.assert_works()


@pytest.mark.parametrize("found", FILTERS, ids=str)
def test_E1_nul_and_lone_surrogates_in_a_query(api: Api, found: Filter) -> None:
    user = new_user()
    headers = api.headers(user)
    for value in ("%00", "a%00", "%ed%a0%80", "%ff", "%c0%80", "%ed%b0%80x"):
        for query in (f"{found.parameter}={value}", f"{found.parameter}{value}=x"):
            answer = send(api, "GET", f"{found.case.path(user)}?{query}", headers)
            assert answer.status == 422
            assert answer.json()["detail"][0]["loc"][0] == "query"


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_E1_nul_and_lone_surrogates_in_a_path_and_in_paging(api: Api, observer: Observer, call: Call) -> None:
    target = Target(api, call)
    body = encoded(target.body).encode() if call.has_body else None
    with observer.unchanged():
        for value in ("%00", "%ed%a0%80", "%ff", "x%00"):
            if not call.on_collection:
                for path in (f"{target.call.path(target.user, target.row['id'])}{value}", target.call.path(target.user, value)):
                    assert send(api, call.method, path, target.headers, body).status == 422
            for name in ("sort", "limit", "cursor", "offset", "x"):
                assert (
                    send(api, call.method, f"{call.path(target.user, target.row['id'])}?{name}={value}", target.headers, body).status == 422
                )


# E2


@pytest.mark.parametrize("at", fields_of(Kind.INTEGER, Kind.BIGINT), ids=str)
def test_E2_integers_outside_their_type(observer: Observer, target: Target, at: FieldCall) -> None:
    bits = 32 if is_kind(at.field, Kind.INTEGER) else 64
    with observer.unchanged():
        for number in (2 ** (bits - 1), -(2 ** (bits - 1)) - 1, 2**63, -(2**63) - 1, 2**64, 10**30, -(10**30), 10**400):
            assert_refused(target.give(**{at.field.column: number}), "body", at.field.column)
        assert_refused(target.give(**{at.field.column: Raw("1" + "0" * 5000)}), "body")
    target.assert_works()


@pytest.mark.parametrize("found", [one for one in FILTERS if one.kind in {Kind.INTEGER, Kind.BIGINT}], ids=str)
def test_E2_integers_outside_their_type_in_a_filter(api: Api, found: Filter) -> None:
    if found.operator == "isnull":
        return
    user = new_user()
    bits = 32 if found.kind == Kind.INTEGER else 64
    for number in (2 ** (bits - 1), -(2 ** (bits - 1)) - 1, 2**63, 10**30, "1" + "0" * 5000):
        assert_refused(api.call(user, "GET", found.case.path(user), params={found.parameter: str(number)}), "query", found.parameter)
    for number in (2 ** (bits - 1) - 1, -(2 ** (bits - 1))):
        assert api.call(user, "GET", found.case.path(user), params={found.parameter: str(number)}).status_code == 200


# E3

NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"]
NO_DECIMALS = ["1e200000", "1e-20000", "1e5", "1E5", "-1e-5", "0." + "0" * 200 + "1", "1" + "0" * 200, "1" + "0" * 5000]
NO_DECIMAL_TEXTS = [
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "sNaN",
    "1e5",
    "1e200000",
    "1e-20000",
    "+1",
    " 1",
    "1 ",
    "1_000",
    "1.",
    ".5",
    "",
    "0x10",
    "\u0661",
    "1,5",
    "--1",
    "1/2",
    "null",
]


@pytest.mark.parametrize("at", fields_of(Kind.FLOAT, Kind.DECIMAL, Kind.INTEGER, Kind.BIGINT), ids=str)
def test_E3_what_is_no_finite_number(observer: Observer, target: Target, at: FieldCall) -> None:
    column = at.field.column
    with observer.unchanged():
        for number in NO_NUMBERS:
            assert_refused(target.give(**{column: Raw(number)}), "body")
            assert_refused(target.give(**{column: number}), "body", column)
        if is_kind(at.field, Kind.DECIMAL):
            for number in NO_DECIMALS:
                assert_refused(target.give(**{column: Raw(number)}), "body")
            for number in NO_DECIMAL_TEXTS:
                assert_refused(target.give(**{column: number}), "body", column)
    target.assert_works()


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E3_no_json_value_holds_a_number_that_is_not_finite(observer: Observer, target: Target, call: Call) -> None:
    with observer.unchanged():
        for field in call.fields():
            if isinstance(field.type, JsonType):
                for number in NO_NUMBERS:
                    for value in (number, f"[{number}]", f'{{"a":[{{"b":{number}}}]}}'):
                        assert_refused(target.give(**{field.column: Raw(value)}), "body")
    target.assert_works()


@pytest.mark.parametrize("found", [one for one in FILTERS if one.kind in {Kind.FLOAT, Kind.DECIMAL}], ids=str)
def test_E3_what_is_no_finite_number_in_a_filter(api: Api, found: Filter) -> None:
    if found.operator == "isnull":
        return
    user = new_user()
    for text in [*NO_NUMBERS, "nan", "inf", "", " 1", "1_0", "0x1", "\u0661", *(NO_DECIMALS[:2] if found.kind == Kind.DECIMAL else [])]:
        assert_refused(api.call(user, "GET", found.case.path(user), params={found.parameter: text}), "query", found.parameter)


# E4

NO_DATETIMES: list[Any] = [
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00.123456",
    "2026-01-01",
    "2026-01-01T00:00Z",
    "2026-01-01 00:00:00Z",
    "20260101T000000Z",
    "2026-W01-1T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T23:59:59.999999-12:00",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T25:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00 Z",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
    "\u0662\u0660\u0662\u0666-01-01T00:00:00Z",
    "infinity",
    "-infinity",
    "now",
    "epoch",
    "today",
    "",
]
NO_DATES: list[Any] = [
    "2026-01-01T00:00:00Z",
    "2026-1-1",
    "2026-02-30",
    "0000-01-01",
    "10000-01-01",
    "-0001-01-01",
    "20260101",
    "2026-W01-1",
    "infinity",
    "today",
    "",
    " 2026-01-01",
    "2026-01-01\n",
]
NO_TIMES: list[Any] = [
    "24:00:00",
    "25:00:00",
    "12:00",
    "12:60:00",
    "12:00:60",
    "12:00:00Z",
    "12:00:00+01:00",
    "120000",
    "T12:00:00",
    "now",
    "",
]
NO_MOMENTS = {Kind.DATETIME: NO_DATETIMES, Kind.DATE: NO_DATES, Kind.TIME: NO_TIMES}


@pytest.mark.parametrize("at", fields_of(Kind.DATETIME, Kind.DATE, Kind.TIME), ids=str)
def test_E4_what_is_no_date_or_time(observer: Observer, target: Target, at: FieldCall) -> None:
    kind = scalar(at.field)
    assert kind is not None
    with observer.unchanged():
        for value in [*NO_MOMENTS[kind.kind], 0, 1767225600, 1767225600.5, True, -1]:
            assert_refused(target.give(**{at.field.column: value}), "body", at.field.column)
    target.assert_works()


@pytest.mark.parametrize("found", [one for one in FILTERS if one.kind in NO_MOMENTS], ids=str)
def test_E4_what_is_no_date_or_time_in_a_filter(api: Api, found: Filter) -> None:
    if found.operator == "isnull":
        return
    user = new_user()
    for value in [*NO_MOMENTS[Kind(found.kind)], "0", "1767225600"]:
        answer = api.call(user, "GET", found.case.path(user), params={found.parameter: value})
        assert_refused(answer, "query", found.parameter)


@pytest.mark.parametrize("at", fields_of(Kind.DATETIME), ids=str)
def test_E4_the_first_and_the_last_moment_are_kept(api: Api, at: FieldCall) -> None:
    user = new_user()
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T14:00:00+14:00", "9999-12-31T23:59:59+23:59"):
        row = at.call.case.create(api, user)
        answer = at.call.send(api, as_user=user, row_id=row["id"], json=at.call.body(api, user) | {at.field.column: moment})
        assert answer.status_code in {200, 201}, answer.text
        listed = api.call(user, "GET", f"{at.call.case.path(user)}?limit=100").json()["items"]
        assert answer.json() in listed


# E5


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E5_json_that_is_nested_deeply(observer: Observer, target: Target, call: Call) -> None:
    with observer.unchanged():
        for depth in (201, 5_000, 20_000, 100_000):
            for opened, closed in (("[", "]"), ('{"a":', "}")):
                nested = opened * depth + "1" + closed * depth
                bodies = [nested, opened * depth, encoded({**target.body, "unknown": Raw(nested)})]
                bodies += [encoded({**target.body, field.column: Raw(nested)}) for field in call.fields()]
                for body in bodies:
                    if len(body) <= LIMIT:
                        assert target.send(body).status_code in {400, 422}
    target.assert_works()


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E5_json_values_end_at_64_levels_and_64_kib(target: Target, call: Call) -> None:
    for field in call.fields():
        if isinstance(field.type, JsonType):
            for levels, status in ((64, {200, 201}), (65, {422}), (100, {422})):
                assert target.give(**{field.column: Raw("[" * levels + "]" * levels)}).status_code in status
            for size, status in ((65_536, {200, 201}), (65_537, {422})):
                assert target.give(**{field.column: "x" * (size - 2)}).status_code in status
            for length in (4_000, 5_000, 60_000):
                answer = target.give(**{field.column: Raw("1" * length)})
                assert answer.status_code in {200, 201, 422}
                if answer.status_code != 422:
                    assert f":{'1' * length}," in answer.text


# E6


def chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E6_a_body_over_the_limit_chunked_or_not(api: Api, observer: Observer, target: Target, call: Call) -> None:
    text = encoded(target.body).encode()
    with observer.unchanged():
        for body in (text + b" " * (LIMIT + 1 - len(text)), b"x" * (LIMIT + 1), b"[" * (LIMIT * 2)):
            for content in (body, chunks(body)):
                try:
                    answer = send(api, call.method, call.path(target.user, target.row["id"]), target.headers, content)
                except (BrokenPipeError, ConnectionResetError):  # the connection was closed before all of it was sent
                    continue
                assert answer.status == 413
    fits = text + b" " * (LIMIT - len(text))
    content = chunks(fits) if call.operation is Operation.CREATE else fits
    assert send(api, call.method, call.path(target.user, target.row["id"]), target.headers, content).status in {200, 201}


# E7

NO_JSON_TYPES = [
    None,
    "",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/jsonp",
    "application/json-patch+json",
    "application/vnd.api+json",
    "application/json; charset=latin-1",
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
    'application/json; charset="utf-16"',
    "application/json; version=1",
    "application/json, text/plain",
    "*/*",
    "json",
]


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E7_a_body_of_another_media_type(observer: Observer, target: Target, call: Call) -> None:
    body = encoded(target.body)
    with observer.unchanged():
        others = [] if call.operation is Operation.UPDATE else ["application/merge-patch+json"]
        for media_type in [*NO_JSON_TYPES, *others]:
            assert target.send(body, Content_Type=media_type).status_code == 415, media_type
        for coding in ("gzip", "br", "deflate", "identity", "x"):
            assert target.send(body, Content_Encoding=coding).status_code == 415, coding
    accepted = [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON; charset="utf-8"',
        "application/json",
    ]
    accepted += ["application/merge-patch+json"] if call.operation is Operation.UPDATE else []
    for media_type in accepted if call.operation is not Operation.CREATE else accepted[:1]:
        assert target.send(body, Content_Type=media_type).status_code in {200, 201}, media_type


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E7_a_body_that_is_not_utf_8_or_not_json(observer: Observer, target: Target, call: Call) -> None:
    text = encoded(target.body)
    with observer.unchanged():
        for broken in (
            "\ufeff" + text,
            text.encode("utf-16"),
            text.encode("utf-16-le"),
            text.encode("utf-32"),
            b'{"a":"\xe9"}',
            b"\xff\xfe",
            b"",
            b" ",
            text[:-1],
            text + "}",
            text + text,
            text.replace('"', "'"),
            text[:-1] + ",}",
            text[:-1] + ",a:1}",
            text + "//",
            "undefined",
            "{'a':1}",
            '{"a":01}',
            '{"a":+1}',
            '{"a":.5}',
            '{"a":0x1}',
            '{"a":"\n"}',
            '{"a":"\\x"}',
            '{"a":"\\u12"}',
            "a=1&b=2",
        ):
            answer = target.send(broken)
            assert answer.status_code == 400, f"{call} {broken!r}: {answer.text}"
            assert isinstance(answer.json()["detail"], str)
    target.assert_works()


# E8


def wrong_values(field: Field) -> list[Any]:
    """Values of other JSON types, or of other spellings of the right one."""
    match field.type:
        case EnumType(values=values):
            return [0, True, values[0].value.upper() + "x", [values[0].value], "", f" {values[0].value}", 1.0]
        case Reference():
            return [5, True, "x", "", [], 1.5, "00000000-0000-0000-0000-00000000000g", "0" * 31, "0" * 33]
        case ListType():
            return ["x", "", 5, True, {"0": "x"}, [None], [["x"]], [True]]
        case JsonType():
            return []
        case ScalarType(kind=kind):
            return {
                Kind.INTEGER: [True, False, "5", 1.0, 5.5, Raw("1e0"), Raw("5.0"), Raw("-0.0"), [5], "", "x"],
                Kind.BIGINT: [True, False, "5", 1.0, 5.5, Raw("1e0"), [5], "", "x"],
                Kind.FLOAT: [True, False, "5", "1.5", "", [1.5]],
                Kind.DECIMAL: [True, False, [1], "", "x"],
                Kind.BOOLEAN: [0, 1, "true", "false", "yes", "", 1.0, []],
                Kind.UUID: [5, True, "x", "", "0" * 31, []],
            }.get(kind, [5, True, 1.5, [], ["x"]])


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E8_values_of_another_type_are_not_converted(observer: Observer, target: Target, call: Call) -> None:
    with observer.unchanged():
        for field in call.fields():
            for value in wrong_values(field):
                assert_refused(target.give(**{field.column: value}), "body", field.column)
    target.assert_works()


# E9

ODD_TEXTS = {
    "bidi": "a\u202eb\u2066c\u2069\u202c",
    "zero width": "\u200ba\u200d\ufeffb\u2060",
    "combining": "e\u0301e\u0300\u0327",
    "composed": "\u00e9",
    "astral": "\U0001f642\U00020000\U0010ffff",
    "flags": "\U0001f1e9\U0001f1ea\U0001f468\u200d\U0001f469",
    "noncharacters": "\ufffe\uffff\ufdd0",
    "controls": "\u0001\u0007\u001b\u007f\u0085",
    "line ends": "a\r\nb\rc\nd\u2028e\u2029f",
    "spaces": "  a\u00a0\u3000 \t ",
    "quotes": "'\"`\\;--/* %s {x} $1 ${x} <b>",
    "escapes": "\\u0041 \\x00 \\n &amp; %41 +",
    "turkish": "\u0130\u0131iI\u00df\u1e9e",
}


@pytest.mark.parametrize("at", fields_of(Kind.STRING, Kind.TEXT), ids=str)
def test_E9_text_is_kept_byte_for_byte_or_refused(api: Api, target: Target, at: FieldCall) -> None:
    for name, text in ODD_TEXTS.items():
        answer = target.give(**{at.field.column: text})
        if answer.status_code == 422:
            assert scalar(at.field).bounds.pattern is not None, name  # pyright: ignore[reportOptionalMemberAccess]
            continue
        assert answer.status_code in {200, 201}, answer.text
        column, table = at.field.column, at.call.case.resource.plural
        if not at.field.readable:
            stored = api.database.execute(
                f"SELECT encode(convert_to(\"{column}\", 'UTF8'), 'hex') FROM \"{table}\" WHERE id = '{answer.json()['id']}'"
            )
            assert bytes.fromhex(stored).decode() == text
            continue
        assert answer.json()[column] == text
        path = at.call.case.item(target.user, answer.json()["id"])
        assert api.call(target.user, "GET", path).json()[column] == text
        if at.field.filter:
            found = api.call(target.user, "GET", at.call.case.path(target.user), params={at.field.column: text}).json()["items"]
            assert answer.json()["id"] in {row["id"] for row in found}


@pytest.mark.parametrize("at", fields_of(Kind.STRING, Kind.TEXT), ids=str)
def test_E9_lengths_count_code_points(target: Target, at: FieldCall) -> None:
    kind = scalar(at.field)
    assert kind is not None
    least, most, pattern = kind.bounds.min_length, kind.bounds.max_length, kind.bounds.pattern
    lengths = [(most, True), (most and most + 1, False), (least, True), (least and least - 1, False)]
    for letter in ["x"] if pattern else ["x", "\u00e9", "\U0001f642", "\u0301"]:
        for length, fits in lengths:
            if length is None or (fits and pattern):
                continue
            text = letter * length
            answer = target.give(**{at.field.column: text})
            assert answer.status_code in ({200, 201} if fits else {422}), answer.text
            assert not fits or not at.field.readable or answer.json()[at.field.column] == text


@pytest.mark.parametrize("at", fields_of(Kind.STRING), ids=str)
def test_E9_the_end_of_a_pattern_is_the_end_of_the_text(observer: Observer, target: Target, at: FieldCall) -> None:
    kind = scalar(at.field)
    assert kind is not None
    if kind.bounds.pattern is None:
        return
    good = str(sample_value(at.field))
    with observer.unchanged():
        for bad in (f"{good}\n", f"{good}\nx", f"\n{good}", f"{good} ", f"x\n{good}", good.upper() + "!"):
            if kind.bounds.max_length is None or len(bad) <= kind.bounds.max_length:
                assert_refused(target.give(**{at.field.column: bad}), "body", at.field.column)


# E10


def huge_values(field: Field) -> list[Any]:
    huge = (MARK * 40_000)[:900_000]
    match field.type:
        case JsonType():
            return [huge, {"a": huge}, [huge] * 1, {huge: 1}]
        case ListType():
            return [huge, [huge], [MARK] * 20_000, [[huge]], {"a": huge}, [5] * 200_000]
        case _:
            unbounded = is_kind(field, Kind.TEXT) and scalar(field).bounds.max_length is None  # pyright: ignore[reportOptionalMemberAccess]
            return [[huge], {"a": huge}, [MARK] * 20_000] if unbounded else [huge, [huge], {"a": huge}]


def assert_short(answer: httpx.Response | Answer, *, names_may_show: bool = False) -> None:
    content = answer.content if isinstance(answer, httpx.Response) else answer.text.encode()
    assert len(content) <= 8 * 1024
    assert names_may_show or MARK not in content.decode()
    assert sum(len(name) + len(value) for name, value in answer.headers.items()) < 1024


@pytest.mark.parametrize("call", BODIES, ids=str)
def test_E10_the_error_of_a_huge_value_is_short_and_does_not_repeat_it(observer: Observer, target: Target, call: Call) -> None:
    with observer.unchanged():
        for field in call.fields():
            for value in huge_values(field):
                answer = target.give(**{field.column: value})
                assert answer.status_code == 422, field.column
                assert_short(answer, names_may_show=isinstance(field.type, JsonType))
        answers = [
            target.give(**{MARK * 25_000: 1}),
            target.give(**{f"{MARK}{number}": 1 for number in range(15_000)}),
            target.give(unknown=MARK * 25_000),
            target.send("[" + ",".join([json.dumps(MARK)] * 20_000) + "]"),
            target.send(f'{{"{MARK * 12_000}":1,"{MARK * 12_000}":1}}'),
        ]
        for answer in answers:
            assert answer.status_code == 422
            assert_short(answer, names_may_show=True)
        answer = target.send(MARK * 25_000)
        assert answer.status_code == 400
        assert_short(answer)
    target.assert_works()


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_E10_nor_does_that_of_a_huge_query_or_path(api: Api, observer: Observer, call: Call) -> None:
    target = Target(api, call)
    body = encoded(target.body).encode() if call.has_body else None
    path, huge = call.path(target.user, target.row["id"]), MARK * 1_500
    with observer.unchanged():
        for query in (
            f"x={huge}",
            f"{huge}=x",
            f"sort={huge}",
            f"limit={huge}",
            f"cursor={huge}",
            f"id={huge}",
            f"id__in={huge}",
            f"created_at={huge}",
        ):
            answer = send(api, call.method, f"{path}?{query}", target.headers, body)
            assert answer.status == 422
            assert_short(answer, names_may_show=query.endswith("=x"))
        if call in ITEMS:
            answer = send(api, call.method, call.path(target.user, huge), target.headers, body)
            assert answer.status == 422
            assert_short(answer)


@pytest.mark.parametrize("found", FILTERS, ids=str)
def test_E10_nor_does_that_of_a_huge_filter(api: Api, found: Filter) -> None:
    user, huge = new_user(), MARK * 1_500
    answer = send(api, "GET", f"{found.case.path(user)}?{found.parameter}={huge}", api.headers(user))
    assert answer.status in {200, 422}
    assert_short(answer)
