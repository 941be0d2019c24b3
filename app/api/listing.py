"""Lists: filters, sorting and keyset pages, compiled once for each shape of request."""

import difflib
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy import BigInteger, ColumnElement, Integer, bindparam, func, literal_column, select
from sqlmodel import SQLModel
from sqlmodel.sql.expression import Select, SelectOfScalar

from app.api.expansion import WHOLE_ROWS, Expansions, View
from app.api.filters import NOTHING, SEARCH, Filters, FilterSet
from app.api.keyset import Order, beyond, in_turn
from app.api.query import MAX_KEPT, MAX_SORT_KEYS, ListQuery, fields_of, filters_of, parse_pairs
from app.api.responses import json_response, not_found
from app.db.cursors import InvalidCursorError
from app.db.session import Row, Session
from app.db.statements import Statement, has_exact_json, owned, table_of

COUNTED = 1_000
"""Up to so many rows an estimated total is a counted one."""

RELATIONS = (("next", "next"), ("previous", "prev"))
"""The names of cursors in the answer and in the Link header."""


class SortKey(NamedTuple):
    """One key of a sort: the parameter's name and its direction."""

    name: str
    descending: bool


RELEVANCE = "relevance__"
"""How well a row fits what is searched. No column: two underscores."""

NEWEST_FIRST = (SortKey("created_at", descending=True), SortKey("id", descending=True))
BEST_FIRST = (SortKey(RELEVANCE, descending=True), *NEWEST_FIRST)
"""The orders of a list and of a search without `sort`."""


class Position(NamedTuple):
    """Where a page begins: behind the row with these values of the sort keys, or before it when `backward`; with it when `inclusive`.

    `signed` are the values as the cursor has them.
    """

    backward: bool
    inclusive: bool
    signed: list[Any]
    values: list[Any]


class Parent(NamedTuple):
    """The parent of a nested list: the `column` that refers to it, its id, the statement that finds it, and what it is called."""

    column: str
    id: UUID
    statement: Statement
    name: str


class Shape(NamedTuple):
    """What the SQL of a page depends on; requests that differ in values only share one statement.

    `nulls` says for each sort key whether the cursor stands at a null; None without a cursor. `as_json` is for whole rows.
    """

    filters: Filters
    sort: tuple[SortKey, ...]
    nulls: tuple[bool, ...] | None
    backward: bool
    inclusive: bool
    offset: bool
    as_json: bool


class Listing:
    """The list of one resource: `page()` answers a request for it."""

    def __init__(
        self,
        model: type[SQLModel],
        shape: type[BaseModel],
        statement: Select[Any] | SelectOfScalar[Any],
        *,
        sort: Mapping[str, Any],
        expansions: Expansions | None = None,
        through: Mapping[str, tuple[Any, Any]] = NOTHING,
    ) -> None:
        """`statement` selects the owner's rows in the columns of the Read schema `shape`.

        `sort` maps each sortable name to the expression it sorts by; created_at, updated_at and id need not be named. `through` are the
        filters through references (see `FilterSet`).
        """
        table = table_of(model)
        self._name = table.name
        self._table = table
        self._filters = FilterSet(table, through)
        self._shape = shape
        self._statement = statement
        self._has_exact_json = has_exact_json(statement)
        self._expansions = expansions
        self._sort: dict[str, Any] = {**sort, "created_at": table.c.created_at, "updated_at": table.c.updated_at, "id": table.c.id}
        self._read_sort = lru_cache(maxsize=256)(self._parse_sort)
        self._page_of = lru_cache(maxsize=256)(self._compile_page)
        self._count_of = lru_cache(maxsize=64)(self._compile_count)

    async def page(self, session: Session, request: Request, user_id: str, query: ListQuery, *, within: Parent | None = None) -> Response:
        """One page of the user's rows, or of those `within` a parent, with the cursors of the pages around it.

        422 for a sort, cursor, field or expansion that does not fit; 404 for a parent that the user has not.
        """
        view = View(fields_of(query, self._shape)) if self._expansions is None else self._expansions.view(query)
        given = filters_of(query)
        unsorted = BEST_FIRST if SEARCH in given else NEWEST_FIRST
        sort = unsorted if query.sort is None else self._read_sort(query.sort)
        if within is not None:
            given[f"{within.column}__within"] = within.id  # an operator that no parameter has
        filters, values = self._filters.shape_of(given), self._filters.arguments_of(given, ranked=sort is BEST_FIRST)
        context = f"{user_id}\0{self._name}\0{_text_of(sort)}\0{given!r}"
        position = self._read_cursor(session, query, sort, context)
        as_json = self._has_exact_json and view == WHOLE_ROWS and sort is not BEST_FIRST
        rows, backward, onward = await self._rows(session, user_id, query, sort, filters, values, position, as_json=as_json)
        for row in rows if sort is BEST_FIRST else ():
            del row[RELEVANCE]
        if within is not None and not rows and await session.fetch_one(within.statement, user_id=user_id, id=within.id) is None:
            raise not_found(within.name)
        items = [orjson.Fragment(row) for row in rows] if as_json else rows
        answer: dict[str, Any] = {"items": items, "next_cursor": None, "previous_cursor": None}
        if onward is not None:
            answer["next_cursor"] = session.cursors.sign([False, *onward], context)
        if backward is not None:
            answer["previous_cursor"] = session.cursors.sign([True, *backward], context)
        if query.count is not None:
            exact = query.count == "exact" or SEARCH in given  # the planner knows nothing of what a search finds
            answer["total"] = await self._total(session, user_id, filters, values, exact=exact)
        await view.expand(session, user_id, rows)
        if view.fields is not None:
            answer["items"] = [{name: row[name] for name in view.fields} for row in rows]
        links = [
            f'<?{_other_page(request, type(query), answer[f"{rel}_cursor"])}>; rel="{short}"'
            for rel, short in RELATIONS
            if answer[f"{rel}_cursor"]
        ]
        return json_response(answer, 200, *([(b"link", ", ".join(links).encode())] if links else ()))

    async def _rows(
        self,
        session: Session,
        user_id: str,
        query: ListQuery,
        sort: tuple[SortKey, ...],
        filters: Filters,
        values: dict[str, Any],
        position: Position | None,
        *,
        as_json: bool,
    ) -> tuple[list[Any], list[Any] | None, list[Any] | None]:
        """The rows of a page, and where the pages before it and behind it begin, as cursors say it; None where there is no such page.

        Rows that are whole come `as_json`: PostgreSQL writes it in half the time that it takes to read its columns and write it here.
        """
        backward, inclusive = (False, False) if position is None else position[:2]
        nulls = None if position is None else tuple(value is None for value in position.values)
        at = {} if position is None else {f"at_{number}": value for number, value in enumerate(position.values)}
        statement = self._page_of(Shape(filters, sort, nulls, backward, inclusive, query.offset is not None, as_json))
        fetch = session.fetch_json if as_json else session.fetch_all
        rows: list[Any] = await fetch(statement, user_id=user_id, page_limit=query.limit + 1, page_offset=query.offset, **values, **at)
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        if not rows:  # whatever it had is deleted: back to the row where it began
            turned = None if position is None else [True, *position.signed]
            return rows, None if backward else turned, turned if backward else None
        if backward:
            rows.reverse()

        def place_of(row: Any) -> list[Any]:
            values: Row = orjson.loads(row) if as_json else row
            return [False, *[values[key.name] for key in sort]]

        has_before, has_behind = (more, True) if backward else (position is not None or query.offset, more)
        return rows, place_of(rows[0]) if has_before else None, place_of(rows[-1]) if has_behind else None

    async def _total(self, session: Session, user_id: str, filters: Filters, values: dict[str, Any], *, exact: bool) -> int:
        """How many rows match; an estimate of the planner when it need not be `exact` and there are more than a thousand."""
        counted = await session.fetch_one(self._count_of(filters, exact), user_id=user_id, **values)
        total: int = counted["total"] if counted else 0
        if exact or total <= COUNTED:
            return total
        return max(total, await session.estimate(self._count_of(filters, True), user_id=user_id, **values))

    def _parse_sort(self, text: str) -> tuple[SortKey, ...]:
        keys: list[SortKey] = []
        for part in text.split(","):
            name = part.removeprefix("-")
            if name not in self._sort:
                close = difflib.get_close_matches(name, self._sort, n=1)
                hint = f"did you mean `{close[0]}`?" if close else f"sortable are {', '.join(sorted(self._sort))}."
                raise _refused("sort", f"Unknown sort key; {hint}")
            if any(key.name == name for key in keys):
                raise _refused("sort", f"`{name}` is given more than once.")
            keys.append(SortKey(name, part.startswith("-")))
        if len(keys) > MAX_SORT_KEYS:
            raise _refused("sort", f"At most {MAX_SORT_KEYS} sort keys can be combined.")
        if all(key.name != "id" for key in keys):
            keys.append(SortKey("id", keys[-1].descending))
        return tuple(keys)

    def _read_cursor(self, session: Session, query: ListQuery, sort: tuple[SortKey, ...], context: str) -> Position | None:
        if query.cursor is None:
            return None
        if query.offset is not None:
            raise _refused("offset", "`cursor` and `offset` exclude each other.")
        try:
            backward, inclusive, *signed = session.cursors.verify(query.cursor, context)
            values = [self._sort_value(key.name, value) for key, value in zip(sort, signed, strict=True)]
            return Position(backward, inclusive, signed, values)
        except (InvalidCursorError, LookupError, ValueError):  # also one from before a change of the spec
            message = "The cursor is not one of this list with these filters and this sort. Start again without it."
            raise _refused("cursor", message) from None

    def _sort_value(self, name: str, value: Any) -> Any:
        if value is None or name == RELEVANCE:
            return value
        expression = self._sort[name]
        if isinstance(expression, Ranked):
            return expression.rank(value)
        read = _READERS.get(self._table.c[name].type.python_type)
        return value if read is None else read(value)

    def _compile_page(self, shape: Shape) -> Statement:
        order = [
            Order(
                self._filters.searched(self._expression(key.name), shape.filters),
                key.descending is not shape.backward,
                self._is_nullable(key.name),
                shape.backward,
            )
            for key in shape.sort
        ]
        limit = bindparam("page_limit", type_=BigInteger)
        page = self._filters.filtered(self._statement, shape.filters)
        if shape.sort == BEST_FIRST:
            page = page.add_columns(self._expression(RELEVANCE).label(RELEVANCE))
        page = self._filters.searched(page, shape.filters).order_by(*(key.by(key.expression) for key in order)).limit(limit)
        if shape.offset:
            page = page.offset(bindparam("page_offset", type_=BigInteger))
        elif shape.nulls is not None:
            ranges = beyond(order, shape.nulls, inclusive=shape.inclusive)
            page = page.where(ranges[0]) if len(ranges) == 1 else in_turn(page, ranges, order).limit(limit)
        # Whether few rows are sorted or many are passed by is a question of the values.
        return owned(page, as_json=shape.as_json, for_values=bool(shape.filters))

    def _compile_count(self, filters: Filters, exact: bool) -> Statement:
        statement = self._filters.filtered(self._statement, filters).select_from(self._table)
        if exact:
            counted = self._filters.searched(statement.with_only_columns(func.count().label("total")), filters)
            return owned(counted, for_values=bool(filters))
        first = statement.with_only_columns(self._table.c.id).limit(literal_column(str(COUNTED + 1))).subquery("first")
        return owned(select(func.count().label("total")).select_from(first), for_values=bool(filters))

    def _is_nullable(self, name: str) -> bool:
        return name != RELEVANCE and bool(self._table.c[name].nullable)

    def _expression(self, name: str) -> ColumnElement[Any]:
        if name == RELEVANCE:
            return self._filters.found.c.rank__
        expression = self._sort[name]
        return expression.expression if isinstance(expression, Ranked) else self._table.c[name]


class Ranked:
    """Sorts an enum by its declared order: `expression` is the rank in SQL, as in the index, and `rank()` the same for one value."""

    def __init__(self, column: Any, enum: type[StrEnum]) -> None:
        """`column` is the table's attribute, such as `Task.priority`."""
        self._ranks = {member.value: place for place, member in enumerate(enum)}
        places = " ".join(f"WHEN {_literal(value)} THEN {place}" for value, place in self._ranks.items())
        name = '"' + column.key.replace('"', '""') + '"'
        self.expression: ColumnElement[int] = literal_column(f"CASE {name} {places} END", Integer)

    def rank(self, value: str) -> int:
        """The place of `value` among the declared values."""
        return self._ranks[value]


def _literal(value: str) -> str:
    quoted = "'" + value.replace("'", "''").replace("\\", "\\\\") + "'"
    return f"E{quoted}" if "\\" in value else quoted


def _other_page(request: Request, model: type[ListQuery], cursor: str) -> str:
    raw: bytes = request.scope["query_string"]
    placeless = _placeless if len(raw) > MAX_KEPT else _kept_placeless
    return f"{placeless(model, raw)}cursor={cursor}"  # of characters that need no escape


def _placeless(model: type[ListQuery], raw: bytes) -> str:
    """The beginning of a query string like `raw`, which `model` has taken, for any other page."""
    pairs = parse_pairs(raw, model.model_fields)
    return "".join(f"{name}={quote(value, safe='')}&" for name, value in pairs.items() if name not in {"cursor", "offset"})


_kept_placeless = lru_cache(maxsize=512)(_placeless)
_text_of = lru_cache(maxsize=512)(repr)


def _refused(parameter: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": f"{parameter}_invalid", "loc": ("query", parameter), "msg": message}])


_READERS: dict[type[Any], Any] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
    Decimal: Decimal,
}
