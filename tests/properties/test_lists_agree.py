"""Random lists over random rows, walked over HTTP page by page, and aggregates are what plain Python makes of the same rows and query.

`ROWSMITH_TEST_RUNS=5000 pytest tests/properties/test_lists_agree.py` asks 5,000 queries; without it there are some hundreds, the same
each time but for the ids.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

import httpx
import pytest

from generator.embedded import EmbeddedPostgres
from generator.ir import Field, Kind, ListType, Operation, Reference, ScalarType, Schema
from generator.plan.aggregates import aggregates_of
from tests.support.database import temporary_folder
from tests.support.generated import serving_project, write_core, write_generated, write_specs
from tests.support.matrix import Filter, filters_of, filters_through, sort_keys_of
from tests.support.observer import Observer, observing
from tests.support.plain import (
    NEWEST_FIRST,
    SEARCH,
    Condition,
    Key,
    Path,
    Query,
    Row,
    Rows,
    View,
    aggregated,
    column_type,
    expansions,
    relations,
    spelled,
    words_of,
)
from tests.support.resources import ROOT, SCHEMA, ResourceCase, random_id
from tests.support.serving import Api
from tests.support.tokens import new_user
from tests.support.values import answered, values_of

RUNS = int(os.environ.get("ROWSMITH_TEST_RUNS", "120"))
RUNS_IN_A_WORLD = 60
"""Queries on the same rows."""

EXAMPLE = {"Project": 9, "Tag": 24, "Task": 45, "Comment": 40, "TaskTag": 60}
"""Rows of the user who asks, parents before children; the other user has a third."""

EVERY_TYPE = {"Thing": 60}
SPEC = ROOT / "tests" / "cases" / "lists" / "resources" / "thing.yaml"

LETTERS = ["a", "A", "b", "Z", "é", "É", "ß", "\u0130", "\u0131", "Σ", "ς", "🙂", "%", "_", "\\", ",", '"', "'", " ", "0"]
MOMENTS = [f"2026-01-0{day}T00:00:00{fraction}Z" for day in range(1, 5) for fraction in ("", ".000001", ".5")]
BIG = [0, 1, 2, 2**53 + 1, 2**63 - 1]


@dataclass(frozen=True)
class Served:
    """A project that is served. `sizes` says how many rows there are to be of each resource."""

    api: Api
    observer: Observer
    schema: Schema
    sizes: dict[str, int]

    def case(self, name: str) -> ResourceCase:
        """One of its resources."""
        return ResourceCase(self.schema.resource(name))

    def lists(self) -> list[ResourceCase]:
        """Those that can be listed."""
        return [ResourceCase(one) for one in self.schema.resources if Operation.LIST in one.operations]

    def nested(self) -> list[tuple[ResourceCase, ResourceCase, str, str]]:
        """Each nested list: its parent, its resource, the column that refers to the parent, and what the parent calls it."""
        return [
            (self.case(field.type.target), case, field.column, field.type.inverse)
            for case in self.lists()
            for field in case.resource.fields
            if isinstance(field.type, Reference) and field.type.inverse
        ]


@dataclass
class World:
    """Rows of two users. `rows` are those of `user`, who asks; `others` are those of somebody else."""

    served: Served
    random: Random
    user: str = field(default_factory=new_user)
    other: str = field(default_factory=new_user)

    def __post_init__(self) -> None:
        """Create the rows of both, in turn."""
        self.rows, self.others = Rows(self.served.schema), Rows(self.served.schema)
        for name, size in self.served.sizes.items():
            for number in range(size):
                self._create(self.served.case(name), self.user, self.rows)
                if number % 3 == 0:
                    self._create(self.served.case(name), self.other, self.others)
        for user, rows in ((self.user, self.rows), (self.other, self.others)):
            self._delete_some(user, rows)
        self.served.observer.execute("ANALYZE")

    def _create(self, resource: ResourceCase, user: str, rows: Rows) -> None:
        for _ in range(100):
            answer = self.served.api.call(user, "POST", resource.path(user), json=self._body(resource, rows))
            if answer.status_code == 201:
                break  # a rule or a unique value stood in the way of the others
            assert answer.status_code in {409, 422}, answer.text
        else:
            raise AssertionError(f"no {resource} can be created")
        row: Row = answer.json()
        changes = {name: self.random.choice(MOMENTS) for name in ("created_at", "updated_at")}
        changes |= {one.column: self.random.choice(BIG) for one in resource.resource.fields if one.write == "never" and not one.computed}
        for column, value in changes.items():
            row[column] = answered(column_type(resource.resource, column), value)
            literal = f"'{value}'" if isinstance(value, str) else value
            self.served.observer.execute(f'UPDATE "{resource.resource.plural}" SET "{column}" = {literal} WHERE id = \'{row["id"]}\'')
        rows.of(resource.resource.name).append(row)

    def _delete_some(self, user: str, rows: Rows) -> None:
        """Delete a few rows of each resource, whatever becomes of those that refer to them: all that are left are read anew."""
        for name in self.served.sizes:
            case = self.served.case(name)
            few = len(rows.of(name)) // (3 if case.resource.soft_delete else 10)
            for row in self.random.sample(rows.of(name)[1:], few) if case.has(Operation.DELETE) else ():
                answer = self.served.api.call(user, "DELETE", case.item(user, row["id"]), headers={"If-Match": "*"})
                assert answer.status_code in {204, 404, 409}, answer.text  # 404: gone with another; 409: another refers to it
                if case.resource.soft_delete and self.random.random() < 0.3:
                    answer = self.served.api.call(user, "POST", f"{case.item(user, row['id'])}/restore")
                    assert answer.status_code in {200, 409}, answer.text  # 409: its unique value is taken
        for name, known in rows.by_resource.items():
            answers = [self.served.api.call(user, "GET", self.served.case(name).item(user, row["id"])) for row in known]
            rows.by_resource[name] = [answer.json() for answer in answers if answer.status_code == 200]
            if self.served.case(name).resource.soft_delete:
                rows.deleted[name] = self._trash(user, self.served.case(name))
                assert {row["id"] for row in known} == {row["id"] for row in (*rows.of(name), *rows.deleted[name])}

    def _trash(self, user: str, case: ResourceCase) -> list[Row]:
        """The deleted rows, which no other way leads to."""
        query = {"deleted_at__isnull": "false", "limit": str(case.resource.page.max), "sort": "id"}
        page = self.served.api.call(user, "GET", case.path(user), params=query).json()
        assert page["next_cursor"] is None
        return page["items"]

    def _body(self, resource: ResourceCase, rows: Rows) -> Row:
        body: Row = {}
        for one in resource.resource.fields:
            if one.write == "never" or (not one.required and self.random.random() < 0.3):
                continue
            if isinstance(one.type, Reference):
                parents = rows.of(one.type.target)
                few = parents[: 1 if self.random.random() < 0.6 else None]  # some have many children
                if few:
                    body[one.column] = self.random.choice(few)["id"]
            else:
                body[one.column] = self.value(one)
        return body

    def value(self, one: Field) -> Any:
        """A value that the field takes."""
        if isinstance(one.type, ScalarType) and one.type.kind in {Kind.STRING, Kind.TEXT} and not one.type.bounds.pattern:
            return self.text(one.type.bounds.min_length or 0)
        short = [value for value in values_of(one) if len(str(value)) < 60]
        return self.random.choice(short[:8])

    def text(self, least: int = 0) -> str:
        """A short text, some of whose letters fold."""
        return "".join(self.random.choices(LETTERS, k=self.random.randint(max(least, 0), 4)))


@pytest.fixture(scope="module")
def example(api: Api) -> Generator[Served]:
    with observing(api.database) as observer:
        yield Served(api, observer, SCHEMA, EXAMPLE)


@pytest.fixture(scope="module")
def every_type(postgres: EmbeddedPostgres) -> Generator[Served]:
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, {SPEC.stem: SPEC.read_text(encoding="utf-8")})
        schema = write_generated(root)
        with serving_project(postgres, root) as api, observing(api.database) as observer:
            yield Served(api, observer, schema, EVERY_TYPE)


@pytest.mark.parametrize("number", range(-(-RUNS // RUNS_IN_A_WORLD)))
def test_lists_agree_with_plain_python(request: pytest.FixtureRequest, number: int) -> None:
    served: Served = request.getfixturevalue("every_type" if number % 3 == 1 else "example")
    world = World(served, Random(number))
    pages = [Run(world).check() for _ in range(min(RUNS_IN_A_WORLD, RUNS))]
    assert sum(many > 2 for many in pages) > len(pages) / 5  # there is much to walk
    groups = [Sum(world).check() for _ in range(min(RUNS_IN_A_WORLD, RUNS))]
    assert sum(many > 2 for many in groups) > len(groups) / 8


# --- one query ----------------------------------------------------------------------------------------------------------------------


class Run:
    """One random query, asked and walked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.case, self.path, within = self._place()
        deleted = self.world.rows.deleted.get(self.case.resource.name, []) if within is None and self.random.random() < 0.3 else []
        self.found = self.random.choice(deleted or self.world.rows.of(self.case.resource.name))
        self.conditions = self._conditions()
        self.sort = self._sort()
        self.query = Query(self.case.resource, self.conditions, self.sort or NEWEST_FIRST, within, bool(deleted))
        self.parameters = {f"{one.column}__{one.operator}".rstrip("_"): self._spelled(one) for one in self.conditions}
        if deleted:
            self.parameters["deleted_at__isnull"] = "false"
        if self.sort:
            self.parameters["sort"] = ",".join(f"-{key.column}" if key.descending else key.column for key in self.sort)

    def check(self) -> int:
        """Walk from the first page, or from an offset, to the last one, and back to the first row; how many pages that were."""
        if self.query.within is not None and not self._has_parent():
            assert self._get(self._page(View(), None, None)).status_code == 404
            return 0
        found = self.world.rows.matching(self.query)
        at = self.random.choice([None, None, 0, 1, self.random.randint(0, len(found) + 2)])
        start, end, page = self._look(found, at or 0, cursor=None, offset=at)
        pages = 1
        while page["next_cursor"] is not None:
            pages += 1
            start, end, page = self._look(found, end, cursor=page["next_cursor"])
        assert end >= len(found), self._about("the pages end early")
        while page["previous_cursor"] is not None:
            pages += 1
            start, end, page = self._look(found, start, cursor=page["previous_cursor"], backward=True)
        assert start == 0 or not page["items"], self._about("the pages do not lead back")
        return pages

    def _look(
        self, found: list[Row], at: int, *, cursor: str | None, offset: int | None = None, backward: bool = False
    ) -> tuple[int, int, dict[str, Any]]:
        """Ask for one page from `at` on, or before it, and compare it; where it begins and ends, and the page."""
        view, limit = self._view(), self.random.choice([1, 2, 3, 4, 5, 8, 12])
        count = self.random.choice([None, None, "exact", "estimated"])
        parameters = self._page(view, limit, count)
        parameters |= {name: str(value) for name, value in (("cursor", cursor), ("offset", offset)) if value is not None}
        answer = self._get(parameters)
        assert answer.status_code == 200, self._about(answer.text)
        page = answer.json()
        start, end = (max(at - limit, 0), at) if backward else (at, at + limit)
        expected = [self.world.rows.shown(self.case.resource, row, view) for row in found[start:end]]
        about = self._about(f"{parameters} from {start}")
        assert json.dumps(page["items"]) == json.dumps(expected), about
        assert (page["next_cursor"] is not None) == (bool(expected) and end < len(found)), about
        assert (page["previous_cursor"] is not None) == (bool(expected) and start > 0), about
        assert page.get("total") == (None if count is None else len(found)), about
        return start, end, page

    # --- what is asked --------------------------------------------------------------------------------------------------------------

    def _place(self) -> tuple[ResourceCase, str, tuple[str, str] | None]:
        """A list, or one below a parent: of the user, of somebody else, or of nobody."""
        if self.random.random() < 0.7:
            lists = self.world.served.lists()
            (chosen,) = self.random.choices(lists, [len(one.resource.fields) for one in lists])
            return chosen, chosen.path(self.world.user), None
        above, chosen, column, inverse = self.random.choice(self.world.served.nested())
        rows = self.random.choice([self.world.rows] * 8 + [self.world.others])
        parent = self.random.choice([one["id"] for one in rows.of(above.resource.name)])
        if self.random.random() < 0.05:
            parent = random_id()
        return chosen, f"{above.item(self.world.user, parent)}/{inverse}", (column, parent)

    def _has_parent(self) -> bool:
        assert self.query.within is not None
        return any(row["id"] == self.query.within[1] for rows in self.world.rows.by_resource.values() for row in rows)

    def _conditions(self) -> list[Condition]:
        many = self.random.choice([0, 0, 0, 1, 1, 2, 5])
        known = [*filters_of(self.case), *filters_through(self.world.served.schema, self.case)]
        filters = self.random.sample(known, many)
        conditions = [Condition(one.column, one.operator, self._given(one)) for one in filters]
        searched = [one.column for one in self.case.resource.fields if one.search]
        if searched and self.random.random() < 0.3:
            conditions.append(Condition(SEARCH, "", self._search(searched)))
        return conditions

    def _search(self, columns: list[str]) -> str:
        """Words of a row, the last one cut off somewhere; or whatever."""
        resource, row = self.case.resource.name, self.found
        if self.random.random() < 0.3:
            row = self.random.choice([*self.world.rows.of(resource), *self.world.others.of(resource)])
        words = words_of(" ".join(row[column] or "" for column in columns))
        if not words or self.random.random() < 0.1:
            return self.world.text()
        words = self.random.sample(words, self.random.randint(1, min(3, len(words))))
        words[-1] = words[-1][: self.random.randint(1, len(words[-1]))]
        text = self.random.choice([" ", ", ", "/", "' & '", "\t"]).join(words)
        return text.upper() if text.isascii() and self.random.random() < 0.3 else text

    def _given(self, one: Filter) -> Any:
        if one.operator == "isnull":
            return self.random.choice([True, False])
        if one.operator == "in":
            return [self._single(one) for _ in range(self.random.choice([1, 2, 3, 10]))]
        return self._single(one)

    def _single(self, one: Filter) -> Any:
        """A value of one row, so that several filters find it; or of some row, its own or not; of a text also a part of it."""
        resource, mine, others = self.case.resource, self.world.rows, self.world.others
        kind = mine.type_of(resource, one.column)
        own = mine.value(resource, self.found, one.column)
        values = [own] if own and self.random.random() < 0.6 else []
        if not values:
            values = [rows.value(resource, row, one.column) for rows in (mine, others) for row in rows.of(resource.name)]
            values = [value for value in values if value is not None]
        if isinstance(kind, ListType):
            values = [item for value in values for item in value]
        if isinstance(kind, Reference):
            values.append(random_id())
        if one.kind in {Kind.STRING, Kind.TEXT} and self.random.random() < 0.2:
            values = [self.world.text()]
        value = self.random.choice(values)
        if one.operator in {"contains", "icontains", "startswith"} and not isinstance(kind, ListType):
            begin = 0 if one.operator == "startswith" else self.random.randint(0, len(value))
            value = value[begin : begin + self.random.randint(0, 2)]
            return value.swapcase() if one.operator == "icontains" and self.random.random() < 0.5 else value
        return value

    def _spelled(self, condition: Condition) -> str:
        """The value as the query string has it."""
        if condition.operator != "in":
            return spelled(condition.given)
        return ",".join(quoted(spelled(one)) for one in condition.given)

    def _sort(self) -> list[Key]:
        keys = sort_keys_of(self.case)
        least = int(any(one.column == SEARCH for one in self.conditions))  # without a sort, PostgreSQL's ranks are in the way
        keys = self.random.sample(keys, min(self.random.choice([least, 1, 1, 1, 2, 2, 3, 5]), len(keys)))
        together = self.random.random() < 0.4
        return [Key(key, bool(number % 2 == 0 if together else self.random.random() < 0.5)) for number, key in enumerate(keys)]

    def _view(self) -> View:
        """Some expansions, some fields of each level."""
        schema, resource = self.world.served.schema, self.case.resource
        names = expansions(schema, resource)
        many = self.random.choice([0, 0, 0, 1, 2, 3])
        expand = self.random.sample(names, min(many, len(names)))
        if self.random.random() < 0.5:
            return View(expand)
        fields: list[Path] = [(name,) for name in self.world.rows.of(resource.name)[0]]
        for path in expand:
            target = resource
            for name in path:
                target = schema.resource(relations(schema, target)[name].target)
            fields += [path] if len(path) == 1 else []
            fields += [(*path, name) for name in self.world.rows.of(target.name)[0]]
        return View(expand, self.random.sample(fields, self.random.randint(1, min(8, len(fields)))))

    def _page(self, view: View, limit: int | None, count: str | None) -> dict[str, str]:
        parameters = dict(self.parameters)
        if limit is not None:
            parameters["limit"] = str(limit)
        if count is not None:
            parameters["count"] = count
        if view.expand:
            parameters["expand"] = ",".join(".".join(path) for path in view.expand)
        if view.fields is not None:
            parameters["fields"] = ",".join(".".join(path) for path in view.fields)
        return parameters

    def _get(self, parameters: dict[str, str]) -> httpx.Response:
        return self.world.served.api.call(self.world.user, "GET", self.path, params=parameters)

    def _about(self, what: str) -> str:
        return f"GET {self.path} {self.parameters}: {what}"


class Sum(Run):
    """One random aggregate."""

    def _place(self) -> tuple[ResourceCase, str, tuple[str, str] | None]:
        """The aggregates of a list."""
        lists = self.world.served.lists()
        (chosen,) = self.random.choices(lists, [len(one.resource.fields) for one in lists])
        return chosen, f"{chosen.path(self.world.user)}/aggregate", None

    def check(self) -> int:
        """Ask for it and compare each group; how many there are."""
        taken = {one.parameter: one.columns for one in aggregates_of(self.case.resource)}
        asked = {
            name: self.random.sample(columns, min(self.random.choice([0, 0, 1, 1, 2]), len(columns))) for name, columns in taken.items()
        }
        asked = {name: columns for name, columns in asked.items() if columns}
        asked |= {} if asked.keys() - {"group_by"} and self.random.random() < 0.5 else {"count": ["true"]}
        parameters = {name: value for name, value in self.parameters.items() if name != "sort"}
        parameters |= {name: ",".join(columns) for name, columns in asked.items()}
        answer = self._get(parameters)
        about = self._about(f"{parameters}: {answer.text}")
        expected = aggregated(self.case.resource, self.world.rows.matching(self.query), asked)
        if any(isinstance(value, float) and abs(value) > 1e300 for group in expected for value in group.values()):
            assert answer.status_code in {200, 422}, about  # a sum that no float can be
            return 0
        assert answer.status_code == 200, about
        groups = answer.json()["items"]
        assert [list(group) for group in groups] == [list(group) for group in expected], about
        for group, wanted in zip(groups, expected, strict=True):
            assert all(close(group[name], value) for name, value in wanted.items()), f"{about} {wanted}"
        return len(groups)


def close(found: Any, wanted: Any) -> bool:
    """Whether two values are the same; floats, and averages of decimals, but for the last digits."""
    if isinstance(wanted, Fraction):
        return abs(Fraction(found) - wanted) < Fraction(1, 10**6)
    if isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return type(found) is type(wanted) and found == wanted


def quoted(text: str) -> str:
    """One value of several that are separated by commas."""
    if "," not in text and not text.startswith('"'):
        return text
    return '"' + text.replace('"', '""') + '"'
