"""Aggregates: `…/aggregate?group_by=priority&count=true&sum=estimate`, compiled once for each shape of request."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi import Response
from sqlalchemy import BigInteger, ColumnElement, Double, Numeric, Text, cast, func, literal_column, select
from sqlmodel import SQLModel

from app.api.filters import NOTHING, Filters, FilterSet
from app.api.listing import Ranked
from app.api.query import AggregateQuery, filters_of, refused
from app.api.responses import json_response
from app.db.session import Session
from app.db.statements import OWNER, Statement, as_json, owned, table_of

MAX_GROUPS = 1_000

FUNCTIONS = ("sum", "avg", "min", "max")

EXTRA_PLACES = 6
"""Decimal places that the average of a decimal has beyond those of the field."""


class Shape(NamedTuple):
    """What the SQL of an aggregate depends on. `calls` are pairs of a function and a column."""

    filters: Filters
    groups: tuple[str, ...]
    counted: bool
    calls: tuple[tuple[str, str], ...]


class Aggregation:
    """The aggregates of one resource: `answer()` answers a request for them."""

    def __init__(self, model: type[SQLModel], *, ranked: Mapping[str, Ranked], through: Mapping[str, tuple[Any, Any]] = NOTHING) -> None:
        """`ranked` are the enums among the columns: their groups come in the declared order of the values.

        `through` are the filters through references (see `FilterSet`).
        """
        self._table = table_of(model)
        self._filters = FilterSet(self._table, through)
        self._ranked = ranked
        self._statement_of = lru_cache(maxsize=64)(self._compile)

    async def answer(self, session: Session, user_id: str, query: AggregateQuery) -> Response:
        """What the query asks for of the user's rows that match its filters; 422 when it asks for nothing, or there are too many groups."""
        groups: tuple[str, ...] = getattr(query, "group_by", None) or ()
        calls = tuple((function, column) for function in FUNCTIONS for column in getattr(query, function, None) or ())
        if not calls and not query.count:
            raise refused("query", "nothing_asked", "Ask for something: count=true, or the sum, avg, min or max of fields.")
        names = [*groups, "count", *map(_name, calls)]
        if len(set(names)) < len(names):
            raise refused("group_by", "ambiguous_field", "A field has the name of an aggregate; ask for the two in two requests.")
        given = filters_of(query)
        statement = self._statement_of(Shape(self._filters.shape_of(given), groups, bool(query.count), calls))
        rows = await session.fetch_all(statement, user_id=user_id, **self._filters.arguments_of(given))
        if len(rows) > MAX_GROUPS:
            raise refused("group_by", "too_many_groups", f"There are more than {MAX_GROUPS:,} groups. Filter, or group by less.")
        return json_response({"items": rows})

    def _compile(self, shape: Shape) -> Statement:
        table = self._table
        keys = [table.c[name] for name in shape.groups]
        order = [self._ranked[name].expression if name in self._ranked else table.c[name] for name in shape.groups]
        answers: Iterator[ColumnElement[Any]] = (as_json(_name(call), _aggregate(call[0], table.c[call[1]])) for call in shape.calls)
        columns = [*(as_json(key.name, key) for key in keys), *([func.count().label("count")] if shape.counted else []), *answers]
        statement = self._filters.filtered(select(*columns).select_from(table).where(table.c.user_id == OWNER), shape.filters)
        grouped = statement.group_by(*keys).order_by(*(key.asc().nulls_last() for key in order))
        found = self._filters.searched(grouped.limit(literal_column(str(MAX_GROUPS + 1))), shape.filters)
        return owned(found, for_values=bool(shape.filters))


def _name(call: tuple[str, str]) -> str:
    return f"{call[0]}_{call[1]}"


def _aggregate(function: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The aggregate in a type that holds it: an exact one is a text in JSON, where the numbers of a client may not be wide enough."""
    value: ColumnElement[Any] = getattr(func, function)(column)
    sql_type = column.type
    if function == "avg":
        if isinstance(sql_type, Numeric) and not isinstance(sql_type, Double):
            return cast(func.trim_scale(func.round(value, (sql_type.scale or 0) + EXTRA_PLACES)), Text)
        return cast(value, Double)
    return cast(value, Text) if function == "sum" and isinstance(sql_type, BigInteger) else value
