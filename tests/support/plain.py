"""Lists evaluated the plain way: Python over the rows that the API has answered. What the served lists are held against.

A query is data (`Query`); `Rows.matching` is every row that it should find, in order, and `Rows.shown` a row as the answer should have it.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from generator.ir import Field, Kind, ListType, Reference, Resource, ScalarType, Schema
from generator.plan.relations import relations_of
from tests.support.values import compared

type Row = dict[str, Any]
SEARCH = "q"
"""The parameter that searches, as the column of a condition."""

type Path = tuple[str, ...]
"""A name of `fields` or `expand`, split at its dots."""

CAP = 20
"""Rows of a list inside a row."""

BUILT_IN = {
    "id": ScalarType(Kind.UUID),
    "created_at": ScalarType(Kind.DATETIME),
    "updated_at": ScalarType(Kind.DATETIME),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: `given` is what the query string says, as the JSON value that it stands for; a list of them for `in`."""

    column: str
    operator: str
    given: Any


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a sort."""

    column: str
    descending: bool


NEWEST_FIRST = (Key("created_at", descending=True),)
"""The order of a list without `sort`."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for, whatever page of it."""

    resource: Resource
    conditions: Sequence[Condition] = ()
    sort: Sequence[Key] = NEWEST_FIRST
    within: tuple[str, str] | None = None
    """The column of a nested list's reference, and its parent's id."""
    deleted: bool = False
    """Whether it is the deleted rows that are looked at, instead of the others."""


@dataclass(frozen=True, slots=True)
class View:
    """What a row in the answer has; None are all of its fields."""

    expand: Sequence[Path] = ()
    fields: Sequence[Path] | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """What a name of `expand` leads to: `here` and `there` are the columns that are equal; those of a link stand in between."""

    target: str
    here: str
    there: str
    many: bool
    link: tuple[str, str, str] | None = None
    """The link's resource, its column for this end, and its column for the other."""


def relations(schema: Schema, resource: Resource) -> dict[str, Relation]:
    """What rows of `resource` can be expanded by."""
    found: dict[str, Relation] = {}
    for own in resource.fields:
        if isinstance(own.type, Reference) and own.type.expand:
            found[own.name] = Relation(own.type.target, own.column, "id", many=False)
    for other in schema.resources:
        for referring in other.fields:
            if isinstance(referring.type, Reference) and referring.type.inverse and referring.type.target == resource.name:
                found[referring.type.inverse] = Relation(other.name, "id", referring.column, many=True)
        if other.link:
            ends = [next(end for end in other.fields if end.name == name) for name in other.link]
            for here, there in (ends, reversed(ends)):
                assert isinstance(here.type, Reference)
                assert isinstance(there.type, Reference)
                if here.type.target == resource.name:
                    target = schema.resource(there.type.target)
                    link = (other.name, here.column, there.column)
                    found[target.plural] = Relation(target.name, "id", "id", many=True, link=link)
    return found


def expansions(schema: Schema, resource: Resource) -> list[Path]:
    """Every name that `expand` takes for rows of `resource`, those of the first level in front."""
    own = relations(schema, resource)
    second = [(name, below) for name, one in own.items() for below in relations(schema, schema.resource(one.target))]
    return [*((name,) for name in own), *second]


@dataclass
class Rows:
    """The rows of one user, by resource."""

    schema: Schema
    by_resource: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    deleted: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    """Those that are kept although they were deleted: no list, expansion or reference leads to them."""

    def of(self, resource: str) -> list[Row]:
        """Those of one resource."""
        return self.by_resource.setdefault(resource, [])

    def matching(self, query: Query) -> list[Row]:
        """Every row that the query finds, in its order."""
        looked_at = self.deleted.get(query.resource.name, []) if query.deleted else self.of(query.resource.name)
        rows = [row for row in looked_at if all(self._holds(query.resource, row, one) for one in query.conditions)]
        if query.within is not None:
            column, parent = query.within
            rows = [row for row in rows if row[column] == parent]
        return _sorted(query.resource, rows, query.sort)

    def shown(self, resource: Resource, row: Row, view: View) -> Row:
        """The row as an answer has it."""
        answer = dict(row)
        names = list(dict.fromkeys(path[0] for path in view.expand))
        for name in names:
            relation = relations(self.schema, resource)[name]
            target = self.schema.resource(relation.target)
            chosen = [path[1:] for path in view.fields or () if path[0] == name and len(path) > 1]
            below = View([path[1:] for path in view.expand if path[0] == name and len(path) > 1], chosen or None)
            related = [self.shown(target, one, below) for one in self._related(relation, row)]
            answer[name] = related if relation.many else (related or [None])[0]
        if view.fields is None:
            return answer
        own = [path[0] for path in view.fields if len(path) == 1]
        return {name: answer[name] for name in dict.fromkeys([*own, *names])}

    def _holds(self, resource: Resource, row: Row, condition: Condition) -> bool:
        """Whether the row is one that the filter keeps."""
        if condition.column == SEARCH:
            language = resource.search.language if resource.search is not None else "simple"
            return searched([row[one.column] for one in resource.fields if one.search], condition.given, language)
        return _compare(self.type_of(resource, condition.column), self.value(resource, row, condition.column), condition)

    def type_of(self, resource: Resource, column: str) -> Any:
        """The type of a column; of `project__name`, that of the column behind the reference."""
        behind = self._behind(resource, column)
        return column_type(resource, column) if behind is None else column_type(behind[1], behind[2])

    def value(self, resource: Resource, row: Row, column: str) -> Any:
        """What a row has in a column, or behind a reference; null where it leads nowhere."""
        behind = self._behind(resource, column)
        if behind is None:
            return row[column]
        return next((one[behind[2]] for one in self.of(behind[1].name) if one["id"] == row[behind[0]]), None)

    def _behind(self, resource: Resource, column: str) -> tuple[str, Resource, str] | None:
        """The reference's column, its target and the column there."""
        for one in relations_of(self.schema)[resource.name].through:
            if one.name == column:
                return one.end.field.column, one.end.target, one.field.column
        return None

    def _related(self, relation: Relation, row: Row) -> list[Row]:
        """The related rows; newest first and no more than the cap where there can be many."""
        rows = self.of(relation.target)
        if relation.link is None:
            rows = [one for one in rows if one[relation.there] == row[relation.here]]
        else:
            link, here, there = relation.link
            linked = {one[there] for one in self.of(link) if one[here] == row["id"]}
            rows = [one for one in rows if one["id"] in linked]
        target = self.schema.resource(relation.target)
        return _sorted(target, rows, NEWEST_FIRST)[:CAP] if relation.many else rows


SAY_NOTHING = {"simple": set[str](), "english": {"a"}}
"""The words that a language leaves out of `q`: those that the letters of the tests can spell, which give no word another form."""


def searched(texts: Sequence[str | None], q: str, language: str) -> bool:
    """Whether the texts of a row have each word of `q`, and one that begins with the last."""
    words = {word for text in texts for word in words_of(text or "")}
    *whole, beginning = words_of(q) or [""]
    return bool(beginning) and words.issuperset(set(whole) - SAY_NOTHING[language]) and any(word.startswith(beginning) for word in words)


def words_of(text: str) -> list[str]:
    """Its words: what stands between blanks and the signs of ASCII."""
    return [folded(word) for word in re.split(r"[\x00-\x2f:-@[-`{-\x7f]", text) if word]


def column_type(resource: Resource, column: str) -> Any:
    """The type of a column."""
    fields: dict[str, Field] = {one.column: one for one in resource.fields}
    return fields[column].type if column in fields else BUILT_IN[column]


def _compare(kind: Any, value: Any, condition: Condition) -> bool:
    """Whether a value of this type is one that the filter keeps."""
    given = condition.given
    if condition.operator == "isnull":
        return (value is None) is given
    if value is None:
        return condition.operator == "ne"
    if isinstance(kind, ListType):
        return compared(kind.of, given) in [compared(kind.of, item) for item in value]
    if condition.operator == "in":
        return compared(kind, value) in [compared(kind, one) for one in given]
    return OPERATORS[condition.operator](compared(kind, value), compared(kind, given))


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "contains": lambda value, given: given in value,
    "icontains": lambda value, given: folded(given) in folded(value),
    "startswith": str.startswith,
}
"""What each operator asks of a value that is not null."""


def folded(text: str) -> str:
    """Letters of every script in lower case, each by itself and as one letter: İ is i."""
    return "".join("i" if letter == "\u0130" else letter.lower() for letter in text)


def _sorted(resource: Resource, rows: list[Row], keys: Sequence[Key]) -> list[Row]:
    """The rows in the order of the keys; nulls last, and the id behind all keys. Python's sort keeps what is equal as it was."""
    if all(key.column != "id" for key in keys):
        keys = [*keys, Key("id", keys[-1].descending)]
    for key in reversed(keys):
        kind = column_type(resource, key.column)
        present = [row for row in rows if row[key.column] is not None]
        absent = [row for row in rows if row[key.column] is None]
        rows = sorted(present, key=lambda row: compared(kind, row[key.column]), reverse=key.descending) + absent
    return rows


def aggregated(resource: Resource, rows: list[Row], asked: Mapping[str, Sequence[str]]) -> list[Row]:
    """What `asked` (columns by parameter) gives for the rows, a group after the other in the order of their keys, nulls last."""
    keys = asked.get("group_by", ())
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(json.dumps([row[key] or str(row[key]).removeprefix("-") for key in keys]), []).append(row)
    if not keys:
        groups.setdefault("[]", rows)
    found: list[tuple[list[Any], Row]] = []
    for members in groups.values():
        group: Row = {key: members[0][key] for key in keys}
        group |= {"count": len(members)} if "count" in asked else {}
        for function in ("sum", "avg", "min", "max"):
            for column in asked.get(function, ()):
                kind = column_type(resource, column)
                group[f"{function}_{column}"] = _calculated(function, kind, [row[column] for row in members if row[column] is not None])
        found.append(([(group[key] is None, _rank(resource, key, group[key])) for key in keys], group))
    return [group for _, group in sorted(found, key=operator.itemgetter(0))]


def _rank(resource: Resource, column: str, value: Any) -> Any:
    return None if value is None else compared(column_type(resource, column), value)


def _calculated(function: str, kind: ScalarType, values: list[Any]) -> Any:
    """A function of values that are not null: a Fraction for the average of decimals, else as it is answered."""
    if not values:
        return None
    if function in {"min", "max"}:
        return (min if function == "min" else max)(values, key=lambda value: compared(kind, value))
    if kind.kind is Kind.FLOAT:
        total = sum(values)
        return total if function == "sum" else total / len(values)
    if function == "avg":
        average = sum(map(Fraction, values)) / len(values)
        return average if kind.kind is Kind.DECIMAL else float(average)
    exact = sum(map(Decimal, values), Decimal(0))
    return int(exact) if kind.kind is Kind.INTEGER else format(exact, "f")


def spelled(value: Any) -> str:
    """One JSON value as a query string has it."""
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)
