"""Prints as JSON all SQL of the project in whose folder it runs: what it sends for requests on Citus, and what makes its tables.

It runs in a process of its own, since a process has one `app`. No database is asked: each list, aggregate and update is compiled for every
parameter, sort and kind of cursor that its resource has, on a session that answers with made-up rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import pkgutil
import secrets
import sys
from collections.abc import AsyncGenerator, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from unittest.mock import patch
from uuid import UUID

from app.db import statements

COMPILED: list[statements.Statement] = []
"""What has been compiled so far."""

_compile = statements.Statement.__init__


def _compile_and_note(self: statements.Statement, *arguments: Any, **options: Any) -> None:
    _compile(self, *arguments, **options)
    COMPILED.append(self)


statements.Statement.__init__ = _compile_and_note  # before a module of routes is imported

from starlette.requests import Request  # noqa: E402

import app.routes  # noqa: E402
from app.api.aggregates import Aggregation  # noqa: E402
from app.api.listing import RELEVANCE, Listing, Parent, Ranked  # noqa: E402
from app.api.query import NO_FILTERS, AggregateQuery, ListQuery  # noqa: E402
from app.config import load_settings  # noqa: E402
from app.db import idempotency, schema  # noqa: E402
from app.db.cursors import CursorSigner  # noqa: E402
from app.db.session import Row, Session  # noqa: E402
from app.db.statements import Inserts, Statement, Updates  # noqa: E402

USER = "ada"
SETTINGS = load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": secrets.token_urlsafe(48)}, None)
BUILT_IN = {"user_id", "id", "created_at", "updated_at", "version"}
VALUES = {
    str: "a",
    int: 1,
    float: 1.5,
    bool: True,
    Decimal: "1.5",
    UUID: str(UUID(int=1)),
    date: "2026-01-15",
    time: "09:30:00",
    datetime: "2026-01-15T09:30:00+00:00",
}


class MadeUpSession(Session):
    """Answers each statement with the same two rows."""

    __slots__ = ("row",)

    def __init__(self, row: Row) -> None:
        self.row = row

    @property
    def cursors(self) -> CursorSigner:
        return CursorSigner(SETTINGS)

    async def fetch_one(self, statement: Statement, /, **parameters: Any) -> Row | None:
        return {**self.row, "total": 10**9}

    async def fetch_all(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        return [{**self.row, RELEVANCE: 0.5}, {**self.row, RELEVANCE: 0.25}]

    async def fetch_json(self, statement: Statement, /, **parameters: Any) -> list[str]:
        return [json.dumps(row) for row in await self.fetch_all(statement, **parameters)]

    async def estimate(self, count: Statement, /, **parameters: Any) -> int:
        return 1


async def compile_all(routes: Any) -> None:
    """Compile what a module of routes does at a request only."""
    of_module = list(vars(routes).values())
    for found in of_module:
        if isinstance(found, Updates):
            table = found._table  # pyright: ignore[reportPrivateUsage]
            names = [column.key for column in table.c if column.computed is None and column.key not in BUILT_IN]
            for some in ([], names):
                found.setting(frozenset(some))
        elif isinstance(found, Inserts):
            found._compile(found._model.model_fields)  # pyright: ignore[reportPrivateUsage]
        elif isinstance(found, Listing):
            await compile_lists(found, subclass(of_module, ListQuery), [one for one in of_module if isinstance(one, Statement)])
        elif isinstance(found, Aggregation):
            await compile_aggregates(found, subclass(of_module, AggregateQuery))
    for compiled in COMPILED:
        assert compiled.as_json is not compiled  # it is compiled by that


def subclass(found: list[Any], base: type[Any]) -> type[Any]:
    return next((one for one in found if isinstance(one, type) and issubclass(one, base) and one is not base), base)


def parameters_of(query: type[Any]) -> Iterator[dict[str, Any]]:
    """No parameter, and all that filter together, with each value that the SQL depends on."""
    filters = [name for name in query.model_fields if name not in NO_FILTERS]
    nulls = [name for name in filters if name.endswith("__isnull")]
    yield {}
    yield {**dict.fromkeys(filters, "a"), **dict.fromkeys(nulls, True)}
    yield dict.fromkeys(nulls, False)


async def compile_lists(listing: Listing, query: type[Any], finders: list[Statement]) -> None:
    rows = rows_of(listing)
    for parameters in parameters_of(query):
        await page(listing, query, {**parameters, "count": "exact"}, rows[0])
    await page(listing, query, {"count": "estimated"}, rows[0])
    for sort in sorts_of(listing):
        for row in rows:
            cursors = await page(listing, query, {"sort": sort, "limit": 1}, row)
            cursors += await page(listing, query, {"sort": sort, "limit": 1, "cursor": cursors[0]}, row)
            for cursor in cursors:
                await page(listing, query, {"sort": sort, "limit": 1, "cursor": cursor}, row)
    await page(listing, query, {"offset": 1}, rows[0])
    for name in rows[0]:
        if name.endswith("_id"):
            await page(listing, query, {}, rows[0], Parent(name, UUID(int=1), finders[0], ""))


SORTED: set[tuple[bool, bool]] = set()
"""Which sorts have been compiled for a table; another table's differ in names only."""


def sorts_of(listing: Listing) -> list[str]:
    """A key of each sort that the SQL is written differently for, in both directions, and some together."""
    table, by_kind = listing._table, dict[tuple[bool, bool], str]()  # pyright: ignore[reportPrivateUsage]
    for name, expression in listing._sort.items():  # pyright: ignore[reportPrivateUsage]
        by_kind.setdefault((bool(table.c[name].nullable), isinstance(expression, Ranked)), name)
    if SORTED.issuperset(by_kind):
        return []
    SORTED.update(by_kind)
    keys = list(by_kind.values())
    down = [f"-{key}" for key in keys]
    return list(dict.fromkeys([*keys, *down, ",".join(keys), ",".join(down), ",".join([*keys[:1], *down[1:]])]))


async def page(listing: Listing, query: type[Any], given: dict[str, Any], row: Row, within: Parent | None = None) -> list[str]:
    """Ask for a page; the cursors that it answers with."""
    request = Request({"type": "http", "method": "GET", "headers": [], "path": "/", "query_string": b""})
    answer = await listing.page(MadeUpSession(row), request, USER, query.model_construct(**given), within=within)
    body = json.loads(bytes(answer.body))
    return [body[name] for name in ("next_cursor", "previous_cursor") if body[name]]


def rows_of(listing: Listing) -> list[Row]:
    """A row with values, and one with nulls where its table allows them."""
    table = listing._table  # pyright: ignore[reportPrivateUsage]
    row: Row = {}
    for column in table.c:
        item = getattr(column.type, "item_type", column.type)
        row[column.key] = VALUES.get(item.python_type, "a")
    for name, expression in listing._sort.items():  # pyright: ignore[reportPrivateUsage]
        if isinstance(expression, Ranked):
            row[name] = next(iter(expression._ranks))  # pyright: ignore[reportPrivateUsage]
    return [row, {name: None if table.c[name].nullable else value for name, value in row.items()}]


async def compile_aggregates(aggregation: Aggregation, query: type[Any]) -> None:
    session = MadeUpSession({})
    for parameters in parameters_of(query):
        await aggregation.answer(session, USER, query.model_construct(count=True, **parameters))
    for name in ("group_by", "sum", "avg", "min", "max"):
        if name in query.model_fields:
            for column in names_in(query.model_fields[name].annotation):
                await aggregation.answer(session, USER, query.model_construct(count=True, **{name: (column,)}))


def names_in(annotation: Any) -> list[str]:
    """The names of columns that a parameter takes: the arguments of the Literal in its annotation."""
    found: list[str] = [part for part in getattr(annotation, "__args__", ()) if isinstance(part, str)]
    for part in getattr(annotation, "__args__", ()):
        found += names_in(part)
    return [str(name) if isinstance(name, StrEnum) else name for name in found]


class EmptyDatabase:
    """A database without tables, which notes what changes it."""

    def __init__(self) -> None:
        self.changes: list[str] = []

    async def execute(self, sql: str, *_: Any) -> None:
        if not sql.startswith("SELECT pg_advisory"):
            self.changes.append(sql)

    async def fetch(self, *_: Any) -> list[Any]:
        return []

    async def fetchval(self, *_: Any) -> None:
        return None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        yield


async def changes_of_schema() -> list[str]:
    """What makes the tables in development."""
    database = EmptyDatabase()

    @contextlib.asynccontextmanager
    async def connected(_: str) -> AsyncGenerator[EmptyDatabase]:
        yield database

    with patch.object(schema, "_connected", connected):
        await schema.create_schema("", "rowsmith_app")
    return database.changes


def main() -> None:
    for found in pkgutil.iter_modules(app.routes.__path__):
        asyncio.run(compile_all(importlib.import_module(f"app.routes.{found.name}")))
    for make in (idempotency._find, idempotency._keep):  # pyright: ignore[reportPrivateUsage]
        make()
    json.dump({"statements": dict(sent_on_citus()), "schema": asyncio.run(changes_of_schema())}, sys.stdout)


def sent_on_citus() -> Iterator[tuple[str, int]]:
    """Each statement as it is there, where a transaction has told the user beforehand, and which parameter is the owner."""
    for statement in tuple(COMPILED):  # to which this adds
        made = statement.alone
        yield made.sql, made._names.index("user_id") + 1  # pyright: ignore[reportPrivateUsage]


if __name__ == "__main__":
    main()
