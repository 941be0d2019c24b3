"""The statements of a request are as many for a hundred rows as for one."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from dataclasses import dataclass

import pytest

from generator.embedded import EmbeddedPostgres
from generator.ir import Operation, Resource
from tests.support.bulk import fill, row_id
from tests.support.database import ON_CITUS, new_database
from tests.support.matrix import NESTED, NestedList, filters_of, sort_keys_of
from tests.support.plain import expansions
from tests.support.resources import SCHEMA, ResourceCase, with_operation
from tests.support.serving import Api, serving
from tests.support.sql_log import SqlLog, log_statements

pytestmark = pytest.mark.skipif(ON_CITUS, reason="on a cluster each request is a transaction")

ROWS = (0, 1, 20, 100)
"""Rows of the users in each table; each of them refers to the first row of the others."""

USER = "somebody"
"""Stands for the user in paths."""

FIRST = "00000000-0000-7000-8000-000000000000"

VALUES = {
    "tasks": {"project_id": row_id(0), "parent_id": row_id(0), "completed": "false"},
    "comments": {"task_id": row_id(0)},
    "projects": {"ends_on": "NULL"},
    "task_tags": {"task_id": row_id("n"), "tag_id": row_id(0)},
}

MOST_EXPANSIONS = 10


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the statements of requests."""

    api: Api
    log: SqlLog

    def of(self, rows: int, path: str) -> int:
        """The statements of a GET by the user who has so many rows; `path` is one of `USER`."""
        user = f"user-{rows}"
        self.log.statements()
        answer = self.api.call(user, "GET", path.replace(USER, user))
        assert answer.status_code == 200, answer.text
        assert len(answer.json().get("items", ())) <= max(rows, 1)
        return self.log.statements()


LISTS = with_operation(Operation.LIST)


@pytest.fixture(scope="module")
def counter(postgres: EmbeddedPostgres) -> Generator[Counter]:
    with new_database(postgres) as database:
        owners = " UNION ALL ".join(f"SELECT 'user-{rows}', {rows}" for rows in ROWS)
        fill(database, SCHEMA, owners, VALUES)
        log = log_statements(database)
        with serving(database, POOL_SIZE="1", MAX_OVERFLOW="0") as api:
            counter = Counter(api, log)
            for case in LISTS:  # a new connection asks for the types of some columns
                counter.of(1, expanding(case.path(USER), tuple(names(case.resource)[:MOST_EXPANSIONS])))
            yield counter


def names(resource: Resource) -> list[str]:
    """Every name that rows of `resource` can be expanded by, those of the first level in front."""
    return [".".join(path) for path in expansions(SCHEMA, resource)]


def combinations(resource: Resource) -> list[tuple[str, ...]]:
    """Every set of names of the first level, every single one and every pair of all, and the most there may be."""
    every = names(resource)
    first = [name for name in every if "." not in name]
    sets = [found for many in range(len(first) + 1) for found in itertools.combinations(first, many)]
    return list(dict.fromkeys([*sets, *((one,) for one in every), *itertools.combinations(every, 2), tuple(every[:MOST_EXPANSIONS])]))


def expanding(path: str, combination: tuple[str, ...], *parameters: str) -> str:
    """The path with this `expand`."""
    expand = [f"expand={','.join(combination)}"] if combination else []
    return f"{path}?{'&'.join([*parameters, *expand])}"


def expected(combination: tuple[str, ...]) -> int:
    """One statement, and one more for each relation that is followed."""
    return 1 + len({*combination, *(name.split(".")[0] for name in combination)})


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_a_list(counter: Counter, case: ResourceCase) -> None:
    filters = [found for found in filters_of(case) if found.operator == "isnull"]
    queries = ["", "&count=exact", "&offset=1", "&fields=id", *(f"&{found.parameter}=true" for found in filters)]
    queries += [f"&sort={sign}{key}" for key in sort_keys_of(case) for sign in ("", "-")]
    for query in queries:
        counts = [counter.of(rows, f"{case.path(USER)}?limit=100{query}") for rows in ROWS]
        assert counts == [1 + ("count" in query)] * len(ROWS), query


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_an_aggregate(counter: Counter, case: ResourceCase) -> None:
    for query in ("count=true", f"group_by={filters_of(case)[0].column}&min=created_at"):
        assert [counter.of(rows, f"{case.path(USER)}/aggregate?{query}") for rows in ROWS] == [1] * len(ROWS), query


@pytest.mark.parametrize("case", LISTS, ids=str)
def test_a_list_with_expansions(counter: Counter, case: ResourceCase) -> None:
    for combination in combinations(case.resource):
        path = expanding(case.path(USER), combination, "limit=100")
        counts = [counter.of(rows, path) for rows in ROWS]
        assert counts == [1, *[expected(combination)] * 3], combination


@pytest.mark.parametrize("case", with_operation(Operation.GET), ids=str)
def test_a_row_with_expansions(counter: Counter, case: ResourceCase) -> None:
    """The first row is the one that all the others refer to."""
    for combination in combinations(case.resource):
        path = expanding(case.item(USER, FIRST), combination)
        counts = [counter.of(rows, path) for rows in ROWS[1:]]
        assert counts == [expected(combination)] * 3, combination


@pytest.mark.parametrize("nested", NESTED, ids=str)
def test_a_nested_list(counter: Counter, nested: NestedList) -> None:
    for combination in combinations(nested.case.resource):
        path = expanding(nested.path(USER, FIRST), combination, "limit=100")
        assert [counter.of(rows, path) for rows in ROWS[1:]] == [expected(combination)] * 3, combination
