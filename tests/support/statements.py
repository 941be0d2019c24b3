"""The statements of app.routes as they are written, before they are bound to their owner.

The routes modules are run a second time, under other names, with a recorder where they hand a statement to `owned()`. A list compiles its
statements for each kind of request, so it is asked for a page of each kind, on a session that answers with one row and notes what it is
given.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import orjson
from sqlalchemy import Insert, bindparam
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression
from starlette.requests import Request

import app.routes
from app.api import expansion, listing
from app.api.listing import RELEVANCE, Listing
from app.api.query import ListQuery, parse_query
from app.config import load_settings
from app.db import statements, trash
from app.db.cursors import CursorSigner
from app.db.session import Row, Session
from app.db.statements import OWNER, Statement, Updates
from app.db.trash import Trash
from tests.support.matrix import filters_of, sort_keys_of
from tests.support.resources import ResourceCase
from tests.support.tokens import SECRET

SETTINGS = load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": SECRET}, env_file=None)


@dataclass(frozen=True, slots=True)
class Written:
    """One statement of a routes module. `parameters` are those of a request for which it was compiled, without `user_id`."""

    name: str
    statement: Any
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_list: bool = False

    def __str__(self) -> str:
        return self.name


def written(case: ResourceCase, row: Row) -> list[Written]:
    """Every statement of the routes of `case`; `row` is one of its rows as the API answers it, for the values of filters and cursors."""
    found: list[Written] = []
    with _recording(case.resource.plural) as (module, recorded):
        found += [Written(f"{case}: {type(raw).__name__}", raw) for raw, _ in recorded]
        for value in vars(module).values():
            if isinstance(value, Updates):
                recorded.clear()
                value.setting(frozenset(column.column for column in case.resource.fields if column.computed is None))
                found += [Written(f"{case}: update", raw) for raw, _ in recorded]
            elif isinstance(value, Trash):
                recorded.clear()
                value.compile()
                found += [Written(f"{case}: {type(raw).__name__} of the trash", raw) for raw, _ in recorded]
            elif isinstance(value, Listing):
                query_type: type[ListQuery] = getattr(
                    importlib.import_module(f"app.models.{case.resource.module}"), f"{case.resource.name}Query"
                )
                for text in _queries(case, query_type, row):
                    session = _NotingSession(row)
                    recorded.clear()
                    asyncio.run(_pages(value, session, query_type, text))
                    raws = {id(statement): raw for raw, statement in recorded}
                    found += [
                        Written(f"{case}: list {text}", raws[id(statement)], parameters, is_list=True)
                        for statement, parameters in session.noted
                        if id(statement) in raws
                    ]
    return found


def route_modules() -> list[str]:
    """The names of the modules in app.routes."""
    return [module.name for module in pkgutil.iter_modules(app.routes.__path__)]


class _NotingSession(Session):
    """Answers every statement with the same row, and notes it with its parameters."""

    __slots__ = ("noted", "row", "signer")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.signer = CursorSigner(SETTINGS)
        self.noted: list[tuple[Statement, dict[str, Any]]] = []

    @property
    def cursors(self) -> CursorSigner:
        return self.signer

    async def fetch_one(self, statement: Statement, **parameters: Any) -> Row | None:
        self._note(statement, parameters)
        return {**self.row, "total": 10**9}

    async def fetch_all(self, statement: Statement, **parameters: Any) -> list[Row]:
        self._note(statement, parameters)
        return [{**self.row, RELEVANCE: 0.5}, {**self.row, RELEVANCE: 0.25}]

    async def fetch_json(self, statement: Statement, **parameters: Any) -> list[str]:
        return [orjson.dumps(row).decode() for row in await self.fetch_all(statement, **parameters)]

    async def estimate(self, count: Statement, **parameters: Any) -> int:
        self._note(count, parameters)
        return 1

    def _note(self, statement: Statement, parameters: dict[str, Any]) -> None:
        self.noted.append((statement, {name: value for name, value in parameters.items() if name != "user_id"}))


async def _pages(of: Listing, session: _NotingSession, query_type: type[ListQuery], text: str) -> None:
    """Ask for a page, and for those that its cursors lead to."""
    await of.page(session, *_request(query_type, text))
    if "offset" in text:
        return
    links = [(await of.page(session, *_request(query_type, text))).headers.get("link", "")]
    for link in "".join(links).split(", "):
        if link:
            await of.page(session, *_request(query_type, link.partition("<?")[2].partition(">")[0]))


def _request(query_type: type[ListQuery], text: str) -> tuple[Request, str, ListQuery]:
    request = Request({"type": "http", "method": "GET", "headers": [], "path": "/", "query_string": text.encode()})
    return request, "ada", parse_query(query_type, request)


def _queries(case: ResourceCase, query_type: type[ListQuery], row: Row) -> Iterator[str]:
    for found in filters_of(case):
        value = row[found.column]
        if isinstance(value, list):
            value = value[0]
        text = str(value).lower() if isinstance(value, bool) else str(value)
        for given in ("true", "false") if found.operator == "isnull" else (text,):
            yield f"limit=1&{found.parameter}={quote(given, safe='')}"
    for key in sort_keys_of(case):
        yield f"limit=1&sort={key}"
        yield f"limit=1&sort=-{key}"
    for searched in (one for one in case.resource.fields if one.search):
        for query in ("", "&sort=id", "&count=exact", "&offset=0"):
            yield f"limit=1&q={quote(str(row[searched.column]), safe='')}{query}"
    yield "limit=1&offset=1"
    if "count" in query_type.model_fields:
        yield "limit=1&count=exact"
        yield "limit=1&count=estimated"


@contextmanager
def _recording(name: str) -> Generator[tuple[Any, list[tuple[Any, Statement]]]]:
    """A second run of a routes module, and the pairs of what it hands to `owned()` and gets back."""
    recorded: list[tuple[Any, Statement]] = []
    original = statements.owned

    def record(statement: Any, **options: Any) -> Statement:
        recorded.append((statement, original(statement, **options)))
        return recorded[-1][1]

    specification = importlib.util.find_spec(f"app.routes.{name}")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    with ExitStack() as stack:
        for one in (statements, listing, expansion, trash):
            stack.enter_context(patch.object(one, "owned", record))
        specification.loader.exec_module(module)
        yield module, recorded


def is_owner_predicate(element: Any) -> bool:
    """Whether `element` is `table.user_id == OWNER`."""
    return (
        isinstance(element, BinaryExpression)
        and element.operator is operators.eq
        and getattr(element.left, "name", None) == "user_id"
        and getattr(element.right, "key", None) == OWNER.key
    )


def without_owner(statement: Any, each: Callable[[Any], object] = id) -> Any:
    """`statement` without its owner predicates; an insert gives its row to the parameter `victim`. `each` is told what is removed."""
    if isinstance(statement, Insert):
        each(statement)
        return statement.values(user_id=bindparam("victim"))

    def replace(element: Any, **_: Any) -> Any:
        if is_owner_predicate(element):
            each(element)
            return element.left.is_not(None)  # true of every row, and it keeps the table in the statement
        return None

    return visitors.replacement_traverse(statement, {}, replace)


def wrapped(statement: Any) -> Statement:
    """`statement` with the user told to PostgreSQL, as `owned()` makes it, but with no check of its predicates."""
    with patch.object(statements, "require_owner", id), patch.object(statements, "require_presence", id):
        return statements.owned(statement)
