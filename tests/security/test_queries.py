"""Rows Q1 to Q4 of the acceptance catalogue: what the query string of a list must not hold, and what it only holds as text."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from generator.ir import Kind, ListType, Operation, ScalarType
from tests.support.matrix import CALLS, FILTERS, Call, Filter, filters_of, sort_keys_of
from tests.support.observer import Observer
from tests.support.resources import ResourceCase, random_id, with_operation
from tests.support.serving import Api
from tests.support.tokens import new_user

LISTS = with_operation(Operation.LIST)

INJECTIONS = [
    "' OR 1=1 --",
    "'; DROP TABLE tasks; --",
    '"; DELETE FROM projects; --',
    "1); SELECT pg_sleep(5); --",
    "\\'; SELECT set_config('app.user_id', 'ada', false); --",
    "$1",
    "%(user_id)s",
    ":user_id",
    "{user_id}",
    "x' UNION SELECT * FROM tags --",
    "/**/",
    "E'\\x41'",
]


def refused_at(answer: httpx.Response) -> list[Any]:
    """The parameters that a 422 complains about."""
    assert answer.status_code == 422, answer.text
    return [problem["loc"] for problem in answer.json()["detail"]]


# Q1


@pytest.mark.parametrize("case", LISTS, ids=str)
@pytest.mark.parametrize("name", ["limit", "offset"])
def test_Q1_paging_outside_its_bounds(api: Api, case: ResourceCase, name: str) -> None:
    user = new_user()
    beyond = case.resource.page.max + 1 if name == "limit" else 10_001
    numbers: list[Any] = [-1, beyond, 2**31, 2**63, -(2**63), 2**64, 10**30, "9" * 5000, *([0] if name == "limit" else [])]
    malformed = [
        "",
        " ",
        "x",
        "1.5",
        "1.0",
        "1e1",
        "0x10",
        "1_0",
        " 1",
        "1 ",
        "+1",
        "--1",
        "\u0661",
        "\uff11",
        "1;2",
        "null",
        "NaN",
        "true",
        "1,2",
        "[1]",
    ]
    for value in [*numbers, *malformed, *INJECTIONS]:
        assert refused_at(api.call(user, "GET", case.path(user), params={name: str(value)})) == [["query", name]], value
    for value in (1, case.resource.page.max) if name == "limit" else (0, 1, 10_000):
        assert api.call(user, "GET", f"{case.path(user)}?{name}={value}").status_code == 200


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_Q1_the_default_and_the_greatest_page(api: Api, case: ResourceCase) -> None:
    user, page = new_user(), case.resource.page
    for _ in range(page.default + 1):
        case.create(api, user)
    assert len(api.call(user, "GET", case.path(user)).json()["items"]) == page.default
    assert len(api.call(user, "GET", f"{case.path(user)}?limit={page.max}").json()["items"]) >= page.default + 1


# Q2


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_Q2_what_cannot_be_sorted_by(api: Api, observer: Observer, case: ResourceCase) -> None:
    user = new_user()
    keys = sort_keys_of(case)
    others = [field.column for field in case.resource.fields if field.column not in keys] + ["user_id", "version"]
    others += [field.name for field in case.references()]
    first, second = keys[0], keys[1]
    bad = [
        *others,
        *(f"-{name}" for name in others),
        *INJECTIONS,
        "",
        ",",
        "-",
        "--id",
        "+id",
        f"{first},",
        f",{first}",
        f"{first},,{second}",
    ]
    bad += [f"{first},{first}", f"{first},-{first}", f"-{first},{second},{first}", f"{first} desc", f"{first} ", f" {first}", first.upper()]
    bad += [
        f"{first};{second}",
        f"{first}|{second}",
        f"{first}.{second}",
        "1",
        "0",
        "random()",
        "*",
        f"{first}\u200b",
        "x" * 5000,
        "id," * 100,
    ]
    bad += [f"({first})", f"{first} NULLS FIRST", f"{first},(SELECT 1)", "items", "__class__"]
    with observer.unchanged():
        for sort in bad:
            assert refused_at(api.call(user, "GET", case.path(user), params={"sort": sort})) == [["query", "sort"]], sort
    for sort in (*keys, *(f"-{key}" for key in keys), ",".join(keys[:5]), f"-{first},{second}"):
        assert api.call(user, "GET", case.path(user), params={"sort": sort}).status_code == 200, sort
    if len(keys) > 5:
        assert refused_at(api.call(user, "GET", case.path(user), params={"sort": ",".join(keys[:6])})) == [["query", "sort"]]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_Q2_parameters_that_do_not_exist(api: Api, observer: Observer, call: Call) -> None:
    """Fields that are no filters, operators that their type does not have, and names that are SQL or attributes."""
    user = new_user()
    case = call.case
    real = {found.parameter for found in filters_of(case)} | {"sort", "limit", "cursor", "offset", "q", "fields", "expand", "count"}
    names = ["x", "user_id", "user_id__ne", "version", "where", "1=1", "id;", "id--", "id'", 'id"', "id__", "__id", "id__gt", "id__isnull"]
    names += ["id__in__in", "id__exact", "id__regex", "created_at__isnull", "created_at__contains", "__class__", "model_config", "limit[]"]
    names += ["sort[]", "LIMIT", "Id", " id", "id ", "id\u200b", "l\u0131mit", "filter[id]", "id.ne", "*", "", "__proto__"]
    operators = ("", "__ne", "__in", "__gt", "__gte", "__lt", "__lte", "__isnull", "__contains", "__icontains", "__startswith", "__like")
    columns = [field.column for field in case.resource.fields] + [field.name for field in case.references()]
    names += [f"{column}{operator}" for column in columns for operator in operators]
    with observer.unchanged():
        for name in names:
            if name not in real and not (name == "" and not call.on_collection):
                answer = api.call(
                    user, call.method, call.path(user), params={name: "1"}, headers=call.headers(), json={} if call.has_body else None
                )
                assert refused_at(answer) in ([["query", name]], [["query"]]), name


@pytest.mark.parametrize("found", FILTERS, ids=str)
def test_Q2_a_parameter_that_is_given_twice(api: Api, found: Filter) -> None:
    user = new_user()
    value = random_id()
    for first, second in ((value, value), ("", value), (value, "")):
        answer = api.call(user, "GET", f"{found.case.path(user)}?{found.parameter}={first}&limit=1&{found.parameter}={second}")
        assert [["query", found.parameter]] == refused_at(answer)


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_Q2_paging_that_is_given_twice(api: Api, case: ResourceCase) -> None:
    user = new_user()
    for pair in ("limit=1&limit=1", "limit=1&limit=2", "sort=id&sort=id", "cursor=x&cursor=x", "offset=0&offset=0", "limit=1&%6cimit=2"):
        assert refused_at(api.client.get(f"{case.path(user)}?{pair}", headers=api.headers(user)))[0][0] == "query"


@pytest.mark.parametrize("found", FILTERS, ids=str)
def test_Q2_sql_in_a_filter_is_text(api: Api, observer: Observer, found: Filter) -> None:
    user = new_user()
    case = found.case
    row = case.create(api, user, **case.body(api, user, optional=True))
    textual = found.kind in {Kind.STRING, Kind.TEXT, Kind.EMAIL, Kind.URL} or (found.kind == "list" and _holds_text(found))
    with observer.unchanged():
        for value in INJECTIONS:
            answer = api.call(user, "GET", case.path(user), params={found.parameter: value})
            if not textual or found.operator == "isnull":
                assert refused_at(answer) == [["query", found.parameter]] or found.operator == "in"
            elif found.operator == "ne":
                assert row["id"] in {item["id"] for item in answer.json()["items"]}
            elif found.operator in {"contains", "icontains", "startswith"} and value in str(row[found.column]):
                continue
            else:
                assert answer.status_code == 422 or answer.json()["items"] == [], answer.text


def _holds_text(found: Filter) -> bool:
    field = next(field for field in found.case.resource.fields if field.column == found.column)
    of = field.type.of if isinstance(field.type, ListType) else field.type
    return isinstance(of, ScalarType) and of.kind in {Kind.STRING, Kind.EMAIL, Kind.URL}


@pytest.mark.parametrize("found", FILTERS, ids=str)
def test_Q2_an_empty_value_is_text_or_refused(api: Api, found: Filter) -> None:
    user = new_user()
    answer = api.call(user, "GET", f"{found.case.path(user)}?{found.parameter}=")
    if found.operator != "isnull" and (found.kind in {Kind.STRING, Kind.TEXT} or (found.kind == "list" and _holds_text(found))):
        assert answer.status_code == 200
    else:
        assert answer.status_code == 422, answer.text


# Q3


def some_filters(api: Api, case: ResourceCase, user: str, number: int) -> dict[str, str]:
    """`number` different filters with values that they take."""
    row = case.create(api, user, **case.body(api, user, optional=True))
    given: dict[str, str] = {}
    for found in filters_of(case):
        value = row[found.column]
        value = value[0] if isinstance(value, list) else value
        text = str(value).lower() if isinstance(value, bool) else str(value)
        given[found.parameter] = "false" if found.operator == "isnull" else text
    return dict(list(given.items())[:number])


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_Q3_at_most_20_filters(api: Api, case: ResourceCase) -> None:
    user = new_user()
    given = some_filters(api, case, user, 21)
    assert len(given) == 21
    paging = {"limit": "5", "sort": "-id", "offset": "0"}
    assert refused_at(api.call(user, "GET", case.path(user), params=given | paging))[0][0] == "query"
    given.popitem()
    assert api.call(user, "GET", case.path(user), params=given | paging).status_code == 200


@pytest.mark.parametrize("found", [found for found in FILTERS if found.operator == "in"], ids=str)
def test_Q3_at_most_100_values(api: Api, found: Filter) -> None:
    user = new_user()
    case = found.case
    row = case.create(api, user, **case.body(api, user, optional=True))
    value = str(row[found.column])
    for number, good in ((1, True), (100, True), (101, False), (1000, False)):
        if len(value) * number > 50_000:
            continue
        answer = api.call(user, "GET", case.path(user), params={found.parameter: ",".join([value] * number), "limit": "1"})
        if good:
            assert [item["id"] for item in answer.json()["items"]] == [row["id"]] or number == 1, answer.text
        else:
            assert refused_at(answer) == [["query", found.parameter]]


# Q4

MATCHING = [found for found in FILTERS if found.operator in {"contains", "icontains", "startswith"} and found.kind != "list"]
LITERALS = {"%": ("100%", "100x"), "_": ("a_b", "axb"), "\\": ("a\\b", "axb"), "\\%": ("a\\%b", "a%b"), "\\_": ("a\\_b", "a_b")}


@pytest.mark.parametrize("found", MATCHING, ids=str)
def test_Q4_per_cent_and_underscore_are_literal(api: Api, found: Filter) -> None:
    case = found.case
    field = next(field for field in case.resource.fields if field.column == found.column)
    assert isinstance(field.type, ScalarType)
    for sign, (with_it, without_it) in LITERALS.items():
        user = new_user()
        if field.type.bounds.pattern is None:
            rows = {text: case.create(api, user, **{found.column: text}) for text in (with_it, without_it)}
            needle = with_it if found.operator == "startswith" else sign
            items = api.call(user, "GET", case.path(user), params={found.parameter: needle}).json()["items"]
            assert [item["id"] for item in items] == [rows[with_it]["id"]], sign
        else:  # the pattern allows no such sign, so no row has it
            case.create(api, user, **case.body(api, user, optional=True))
            assert api.call(user, "GET", case.path(user), params={found.parameter: sign}).json()["items"] == []
        assert api.call(user, "GET", case.path(user), params={found.parameter: f"%{sign}%_"}).json()["items"] == []


@pytest.mark.parametrize(
    "found", [found for found in FILTERS if found.operator in {"", "in"} and found.kind in {Kind.STRING, Kind.TEXT}], ids=str
)
def test_Q4_equality_knows_no_wildcards(api: Api, found: Filter) -> None:
    user = new_user()
    case = found.case
    case.create(api, user, **case.body(api, user, optional=True))
    for sign in ("%", "_%", "*", ".*", "%%"):
        assert api.call(user, "GET", case.path(user), params={found.parameter: sign}).json()["items"] == []
