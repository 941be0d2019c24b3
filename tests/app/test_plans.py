"""What PostgreSQL does for each request, with 100,000 rows of one user among 1,000 users: it reads an index, never a whole table.

The plans are those of the requests themselves, run by the application's role under row-level security and logged by auto_explain.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from generator.ir import Kind, Operation
from generator.plan.aggregates import aggregates_of
from generator.plan.relations import relations_of
from tests.support import bulk
from tests.support.database import ON_CITUS, Database, new_database
from tests.support.matrix import (
    ITEMS,
    LINKS,
    NESTED,
    Call,
    Filter,
    LinkCall,
    NestedList,
    filters_of,
    filters_through,
    kind_of,
    sort_keys_of,
)
from tests.support.plain import expansions, spelled
from tests.support.resources import SCHEMA, ResourceCase, random_id, with_operation
from tests.support.serving import Api, serving
from tests.support.sql_log import SqlLog, log_plans

pytestmark = pytest.mark.skipif(ON_CITUS, reason="the plans are those of the workers")

USER, ROWS = "ada", 100_000
OWNERS = (
    f"SELECT '{USER}', {ROWS} UNION ALL SELECT 'user-' || number, 100 FROM generate_series(1, 999) AS number"
    " UNION ALL SELECT 'small-' || number, 2 FROM generate_series(1, 20000) AS number"
)
"""Most have so few that a plan for anybody takes all rows of a user to be quickly read: the worst that USER can meet."""

LARGE = 7
"""The number of the project that a quarter of each user's tasks belongs to."""

VALUES = {
    "tasks": {
        "completed": "n % 7 = 0",
        "progress": "CASE WHEN n % 7 = 0 THEN 100 ELSE n % 100 END",
        "project_id": f"CASE WHEN n % 10 = 9 THEN NULL WHEN n % 4 = 3 THEN {bulk.row_id(LARGE)} ELSE {bulk.row_id('n / 10')} END",
    },
    "projects": {"ends_on": "CASE WHEN n % 100 < 8 THEN date '2030-01-01' + (n % 1000)::integer END"},
}
"""What the rules of the specs allow."""


def row_id(number: int) -> str:
    """The id that the row with this number has in each table."""
    return str(UUID(int=(0x7000 << 64) | (0x8000 << 48) | number))


SOME = row_id(100)

LISTS = with_operation(Operation.LIST)
SEARCHES = [case for case in LISTS if any(field.search for field in case.resource.fields)]


@dataclass(frozen=True, slots=True)
class Explainer:
    """Sends requests and reads the plans of what they ran."""

    api: Api
    log: SqlLog
    spare: int
    """Rows of each table may be deleted from this number on."""

    def get(self, path: str, **query: str) -> tuple[httpx.Response, list[dict[str, Any]]]:
        """The answer and the plans of a GET."""
        self.log.plans()
        answer = self.api.call(USER, "GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer, self.log.plans()


@pytest.fixture(scope="module")
def filled(postgres: EmbeddedPostgres) -> Generator[Database]:
    with new_database(postgres) as database:
        bulk.fill(database, SCHEMA, OWNERS, VALUES)
        yield database


@pytest.fixture(scope="module", params=[("force_custom_plan", 300), ("force_generic_plan", 400)], ids=lambda param: param[0])
def explainer(filled: Database, request: pytest.FixtureRequest) -> Generator[Explainer]:
    """A prepared statement is planned for its values at first, and later for any. No disk turns: that is what servers are set to."""
    mode, spare = request.param
    with explaining(filled, spare, plan_cache_mode=mode, random_page_cost="1.1") as found:
        yield found


@pytest.fixture(scope="module")
def untuned(filled: Database) -> Generator[Explainer]:
    """The same where nobody has set what a page costs."""
    with explaining(filled, 500, plan_cache_mode="force_generic_plan", random_page_cost="4") as found:
        yield found


@pytest.fixture(scope="module")
def used(filled: Database) -> Generator[Explainer]:
    """The same where PostgreSQL chooses, after five times, between the plans that it made and one for any values."""
    with explaining(filled, 600, plan_cache_mode="auto", random_page_cost="1.1") as found:
        yield found


@contextmanager
def explaining(database: Database, spare: int, **settings: str) -> Generator[Explainer]:
    for name, value in settings.items():
        database.execute(f'ALTER DATABASE "{database.name}" SET {name} = {value}')
    log = log_plans(database)
    with serving(database, POOL_SIZE="1", MAX_OVERFLOW="0") as api:
        yield Explainer(api, log, spare)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def reads(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes that read a table or an index."""
    return [node for node in nodes(plan["Plan"]) if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node)]


def check(plans: list[dict[str, Any]], about: object) -> None:
    """Assert that no table is read as a whole, and each index from the user on."""
    assert plans, about
    for plan in plans:
        for node in reads(plan):
            assert node["Node Type"] != "Seq Scan", f"{about}: {node}"
            if "Index Name" in node:
                assert "user_id = " in node.get("Index Cond", ""), f"{about}: {node}"
    assert any("Index Name" in node for plan in plans for node in reads(plan)), f"{about}: {plans}"


def rows_read(plans: list[dict[str, Any]]) -> int:
    """How many rows of tables the plans have read, those that a filter removed included."""
    return sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for plan in plans
        for node in reads(plan)
        if "Relation Name" in node
    )


def check_effort(plans: list[dict[str, Any]], about: object) -> None:
    """Assert that no index is searched for long in vain: the pages that were read stand in proportion to the rows."""
    pages = sum(node["Shared Hit Blocks"] + node["Shared Read Blocks"] for plan in plans for node in reads(plan) if "Relation Name" in node)
    assert pages <= 100 + 8 * rows_read(plans), f"{about}: {pages} pages for {rows_read(plans)} rows: {plans}"


DELETED = 5
"""More than the rows that other tests have deleted and the trash keeps: a page passes over them."""

NO_INDEX_CONDITION = {Kind.DECIMAL}
"""PostgreSQL's comparison of numeric is not leakproof, so that under row-level security it only filters."""

SORTS = [(case, f"{sign}{key}") for case in LISTS for key in sort_keys_of(case) for sign in ("", "-")]


@pytest.mark.parametrize(("case", "sort"), SORTS, ids=str)
def test_a_sorted_list(explainer: Explainer, case: ResourceCase, sort: str) -> None:
    """The first page, others among the values and, where a key is null, at their end and among the nulls; from there on and back."""
    kinds = {field.column: kind_of(field) for field in case.resource.fields}
    unbounded = kinds.get(sort.removeprefix("-")) in NO_INDEX_CONDITION
    for offset in ("0", "7990", "9000"):
        answer, plans = explainer.get(case.path(USER), sort=sort, limit="20", offset=offset)
        check(plans, sort)
        assert rows_read(plans) <= int(offset) + 21 + (DELETED if case.resource.soft_delete else 0)
        for cursor in (answer.json()["next_cursor"], answer.json()["previous_cursor"]):
            if cursor is not None:
                _, plans = explainer.get(case.path(USER), sort=sort, limit="20", cursor=cursor)
                check(plans, sort)
                assert unbounded or rows_read(plans) <= 2 * 21, plans


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_a_page_that_leads_back_from_one_whose_rows_are_gone(explainer: Explainer, case: ResourceCase) -> None:
    newest = case.create(explainer.api, USER)["id"]
    path, query = case.path(USER), {"sort": "-created_at", "limit": "1"}
    first = explainer.get(path, **query)[0].json()
    assert [row["id"] for row in first["items"]] == [newest]
    second = explainer.get(path, **query, cursor=first["next_cursor"])[0].json()
    assert explainer.api.call(USER, "DELETE", case.item(USER, newest), headers={"If-Match": "*"}).status_code == 204
    gone = explainer.get(path, **query, cursor=second["previous_cursor"])[0].json()
    assert gone["items"] == []
    answer, plans = explainer.get(path, **query, cursor=gone["next_cursor"])
    assert answer.json()["items"] == second["items"]
    check(plans, case)
    assert rows_read(plans) <= 2


@pytest.mark.parametrize("case", SEARCHES, ids=str)
def test_a_rare_word_in_any_order(explainer: Explainer, case: ResourceCase) -> None:
    """What is found gets sorted, on each page; the index of the sort is not walked in search of it."""
    column = next(field.column for field in case.resource.fields if field.search)
    word = f"word{random_id()[:8]}"
    rows = [case.create(explainer.api, USER, **{column: f"{word} {number}"}) for number in range(3)]
    for sort in sort_keys_of(case):
        cursor: dict[str, str] = {}
        for _ in rows:
            answer, plans = explainer.get(case.path(USER), q=word, sort=f"-{sort}", limit="1", **cursor)
            assert rows_read(plans) <= 2 * len(rows), (sort, rows_read(plans))  # by the function that searches, and by the list
            check_effort(plans, sort)
            cursor = {"cursor": answer.json()["next_cursor"]}
        assert cursor == {"cursor": None}
    for query in ({}, {"count": "exact"}, {"fields": "id"}, {"limit": "1"}):  # the best ones first
        _, plans = explainer.get(case.path(USER), q=word, **query)
        assert rows_read(plans) <= 4 * len(rows), (query, rows_read(plans))
        check_effort(plans, query)


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_a_filtered_list(explainer: Explainer, case: ResourceCase) -> None:
    for found in filters_of(case):
        (row,) = explainer.get(case.path(USER), limit="1", offset="4000", **present(found))[0].json()["items"]
        value = row[found.column][0] if isinstance(row[found.column], list) else row[found.column]
        given = "false" if found.operator == "isnull" else spelled(value)
        for query in ({}, {"count": "exact"}, {"count": "estimated"}, {"offset": "20"}):
            _, plans = explainer.get(case.path(USER), **{found.parameter: given}, **query)
            check(plans, f"{found} {query}")


@pytest.mark.parametrize("found", [found for case in LISTS for found in filters_through(SCHEMA, case)], ids=str)
def test_a_filter_through_a_reference(explainer: Explainer, found: Filter) -> None:
    (end,) = (one.end for one in relations_of(SCHEMA)[found.case.resource.name].through if one.name == found.column)
    target = next(case for case in LISTS if case.resource is end.target)
    (row,) = explainer.get(target.path(USER), limit="1")[0].json()["items"]
    value = row[found.column.removeprefix(f"{end.field.name}__")]
    for query in ({}, {"count": "exact"}):
        _, plans = explainer.get(
            found.case.path(USER), **{found.parameter: "false" if found.operator == "isnull" else spelled(value)}, **query
        )
        check(plans, f"{found} {query}")


def present(found: Filter) -> dict[str, str]:
    """A filter of the rows that have a value in the column of `found`, where there are others."""
    nullable = any(field.column == found.column and field.nullable for field in found.case.resource.fields)
    return {f"{found.column}__isnull": "false"} if nullable else {}


@pytest.mark.parametrize("case", LISTS, ids=str)
@pytest.mark.parametrize("count", ["exact", "estimated"])
def test_a_total(explainer: Explainer, case: ResourceCase, count: str) -> None:
    answer, plans = explainer.get(case.path(USER), count=count)
    assert answer.json()["total"] > ROWS / 2
    check(plans, count)


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_an_aggregate(explainer: Explainer, case: ResourceCase) -> None:
    for one in aggregates_of(case.resource):
        some = {"created_at__lt": "2026-01-01T00:08:00Z"} if one.parameter == "group_by" else {}  # no more groups than an answer holds
        answer, plans = explainer.get(f"{case.path(USER)}/aggregate", **{one.parameter: one.columns[0]}, count="true", **some)
        check(plans, one)
        assert sum(group["count"] for group in answer.json()["items"]) > 400


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_expansions(explainer: Explainer, case: ResourceCase) -> None:
    check_expansions(explainer, case)


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_expansions_where_nothing_is_tuned(untuned: Explainer, case: ResourceCase) -> None:
    check_expansions(untuned, case)


def check_expansions(explainer: Explainer, case: ResourceCase) -> None:
    for expansion in expansions(SCHEMA, case.resource):
        for path in (case.path(USER), case.item(USER, SOME)):
            _, plans = explainer.get(path, expand=".".join(expansion))
            check(plans, expansion)
            assert len(plans) <= 1 + len(expansion)
            assert rows_read(plans) <= 2_000, plans
            check_effort(plans, expansion)


@pytest.mark.parametrize("nested", NESTED, ids=str)
def test_a_nested_list(explainer: Explainer, nested: NestedList) -> None:
    for sort in sort_keys_of(nested.case):
        for sign in ("", "-"):
            answer, plans = explainer.get(nested.path(USER, SOME), sort=f"{sign}{sort}", limit="3")
            check(plans, sort)
            assert len(answer.json()["items"]) == 3
            _, plans = explainer.get(nested.path(USER, SOME), sort=f"{sign}{sort}", limit="3", cursor=answer.json()["next_cursor"])
            check(plans, sort)


@pytest.mark.parametrize("sort", sort_keys_of(next(case for case in LISTS if case.resource.name == "Task")))
@pytest.mark.parametrize("path", [f"projects/{row_id(LARGE)}/tasks", f"tasks?project_id={row_id(LARGE)}"], ids=("nested", "filtered"))
def test_the_list_of_a_large_parent_is_as_quick_the_eighth_time(used: Explainer, path: str, sort: str) -> None:
    """The rows of most parents are best sorted; a plan that has to do for each would sort the 20,000 of this one."""
    path, _, query = path.partition("?")
    for _ in range(8):
        answer, plans = used.get(f"/api/{USER}/{path}", sort=sort, limit="20", **dict([query.split("=")] if query else []))
        check(plans, sort)
        assert len(answer.json()["items"]) == 20
        assert rows_read(plans) <= 5_000, plans


@pytest.mark.parametrize(("number", "call"), list(enumerate(ITEMS)), ids=str)
def test_one_row(explainer: Explainer, number: int, call: Call) -> None:
    """Of a row of its own, with others below it: it may be deleted."""
    body = call.body(explainer.api, USER) or None
    explainer.log.plans()
    answer = call.send(explainer.api, as_user=USER, row_id=row_id(explainer.spare + number), json=body)
    assert answer.is_success, answer.text
    plans = explainer.log.plans()
    check(plans, call)
    check_effort(plans, call)


@pytest.mark.parametrize("call", LINKS, ids=str)
def test_a_link(explainer: Explainer, call: LinkCall) -> None:
    explainer.log.plans()
    answer = explainer.api.call(USER, call.method, call.path(USER, SOME, SOME))
    assert answer.status_code == 204
    check(explainer.log.plans(), call)
