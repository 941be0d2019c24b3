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

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, Text, and_, any_, bindparam, false, literal_column, or_, tuple_
from sqlmodel import SQLModel
from sqlmodel.sql.expression import Select, SelectOfScalar

from app.api.query import ListQuery, filters_of, parse_pairs
from app.api.responses import json_response
from app.db.cursors import InvalidCursorError
from app.db.session import Session
from app.db.statements import Statement, item_type, owned, table_of

MAX_SORT_KEYS = 5
DEFAULT_SORT = "-created_at"


class SortKey(NamedTuple):
    """One key of a sort: the parameter's name and its direction."""

    name: str
    descending: bool


class Shape(NamedTuple):
    """What the SQL of a list depends on; requests that differ in values only share one statement.

    `nulls` says for each sort key whether the cursor stands at a null; None without a cursor.
    """

    filters: tuple[tuple[str, bool | None], ...]
    sort: tuple[SortKey, ...]
    nulls: tuple[bool, ...] | None
    offset: bool


class Listing:
    """The list of one resource: `page()` answers a request for it."""

    def __init__(
        self,
        model: type[SQLModel],
        statement: Select[Any] | SelectOfScalar[Any],
        *,
        sort: Mapping[str, Any],
    ) -> None:
        """`statement` selects the owner's rows in the columns of the answer.

        `sort` maps each sortable name to the expression it sorts by; created_at, updated_at and id need not be named.
        """
        table = table_of(model)
        self._name = table.name
        self._table = table
        self._statement = statement
        self._sort: dict[str, Any] = {**sort, "created_at": table.c.created_at, "updated_at": table.c.updated_at, "id": table.c.id}
        self._statement_for = lru_cache(maxsize=256)(self._compile)

    async def page(self, session: Session, request: Request, user_id: str, query: ListQuery) -> Response:
        """One page of the user's rows: 200 with `items`, `next_cursor` and a Link header; 422 for a sort or cursor that does not fit."""
        sort = self._read_sort(query.sort or DEFAULT_SORT)
        filters = filters_of(query)
        context = f"{user_id}\0{self._name}\0{query.sort or DEFAULT_SORT}\0{filters!r}"
        parameters: dict[str, Any] = {f"filter_{name}": self._argument(name, value) for name, value in filters.items()}
        position = self._read_cursor(session, query, sort, context)
        if position is not None:
            parameters |= {f"after_{number}": value for number, value in enumerate(position)}
        statement = self._statement_for(
            Shape(
                tuple((name, value if name.endswith("__isnull") else None) for name, value in filters.items()),
                sort,
                None if position is None else tuple(value is None for value in position),
                query.offset is not None,
            )
        )
        rows = await session.fetch_all(statement, user_id=user_id, page_limit=query.limit + 1, page_offset=query.offset, **parameters)
        if len(rows) <= query.limit:
            return json_response({"items": rows, "next_cursor": None})
        rows.pop()
        cursor = session.cursors.sign([rows[-1][key.name] for key in sort], context)
        response = json_response({"items": rows, "next_cursor": cursor})
        response.headers["Link"] = f'<?{_next_query(request, cursor)}>; rel="next"'
        return response

    def _read_sort(self, text: str) -> tuple[SortKey, ...]:
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

    def _read_cursor(self, session: Session, query: ListQuery, sort: tuple[SortKey, ...], context: str) -> list[Any] | None:
        if query.cursor is None:
            return None
        if query.offset is not None:
            raise _refused("offset", "`cursor` and `offset` exclude each other.")
        try:
            position = session.cursors.verify(query.cursor, context)
        except InvalidCursorError:
            raise _refused(
                "cursor", "The cursor is not one of this list with these filters and this sort. Start again without it."
            ) from None
        return [self._sort_value(key.name, value) for key, value in zip(sort, position, strict=True)]

    def _sort_value(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        expression = self._sort[name]
        if isinstance(expression, Ranked):
            return expression.rank(value)
        read = _READERS.get(self._table.c[name].type.python_type)
        return value if read is None else read(value)

    def _argument(self, parameter: str, value: Any) -> Any:
        name, _, operator = parameter.rpartition("__")
        if operator not in {"contains", "icontains", "startswith"} or isinstance(self._table.c[name].type, ARRAY):
            return value
        literal = value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return f"{literal}%" if operator == "startswith" else f"%{literal}%"

    def _compile(self, shape: Shape) -> Statement:
        statement = self._statement
        for name, value in shape.filters:
            statement = statement.where(self._condition(name, value))
        keys = [(self._expression(key.name), key.descending, bool(self._table.c[key.name].nullable)) for key in shape.sort]
        if shape.nulls is not None:
            statement = statement.where(_after(keys, shape.nulls))
        for expression, descending, nullable in keys:
            ordered = expression.desc() if descending else expression.asc()
            statement = statement.order_by(ordered.nulls_last() if nullable else ordered)
        statement = statement.limit(bindparam("page_limit", type_=BigInteger))
        if shape.offset:
            statement = statement.offset(bindparam("page_offset", type_=BigInteger))
        return owned(statement)

    def _expression(self, name: str) -> ColumnElement[Any]:
        expression = self._sort[name]
        return expression.expression if isinstance(expression, Ranked) else self._table.c[name]

    def _condition(self, parameter: str, value: bool | None) -> ColumnElement[bool]:
        name, _, operator = parameter.rpartition("__")
        if not name:
            name, operator = parameter, "eq"
        column = self._table.c[name]
        given = bindparam(f"filter_{parameter}", type_=column.type)
        match operator:
            case "eq":
                return column == given
            case "ne":
                return column.is_distinct_from(given)
            case "in":
                return column == any_(bindparam(f"filter_{parameter}", type_=ARRAY(column.type)))
            case "gt":
                return column > given
            case "gte":
                return column >= given
            case "lt":
                return column < given
            case "lte":
                return column <= given
            case "contains" if (items := item_type(column.type)) is not None:
                return bindparam(f"filter_{parameter}", type_=items) == any_(column)
            case "contains" | "startswith":
                return column.like(bindparam(f"filter_{parameter}", type_=Text))
            case "icontains":  # letters of every script fold as the database's own locale has it
                return column.collate("default").ilike(bindparam(f"filter_{parameter}", type_=Text))
            case _:
                return column.is_(None) if value else column.is_not(None)


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


def _after(keys: list[tuple[ColumnElement[Any], bool, bool]], nulls: tuple[bool, ...]) -> ColumnElement[bool]:
    """Rows behind the cursor. One direction and no nulls: a row comparison, which an index answers at any depth; else key by key."""
    given = [bindparam(f"after_{number}", type_=expression.type) for number, (expression, _, _) in enumerate(keys)]
    directions = {descending for _, descending, _ in keys}
    if len(directions) == 1 and not any(nullable for _, _, nullable in keys):
        position, cursor = tuple_(*(expression for expression, _, _ in keys)), tuple_(*given)
        return position < cursor if directions.pop() else position > cursor
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for (expression, descending, nullable), value, is_null in zip(keys, given, nulls, strict=True):
        if not is_null:
            behind = expression < value if descending else expression > value
            alternatives.append(and_(*equal, or_(behind, expression.is_(None)) if nullable else behind))
        equal.append(expression.is_(None) if is_null else expression == value)
    return or_(false(), *alternatives)


def _next_query(request: Request, cursor: str) -> str:
    raw: bytes = request.scope["query_string"]
    names = tuple(pair.partition(b"=")[0].decode() for pair in raw.split(b"&") if pair)
    kept = {name: value for name, value in parse_pairs(raw, names).items() if name not in {"cursor", "offset"}}
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in {**kept, "cursor": cursor}.items())


def _refused(parameter: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": f"{parameter}_invalid", "loc": ("query", parameter), "msg": message}])


_READERS: dict[type[Any], Any] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
    Decimal: Decimal,
}
