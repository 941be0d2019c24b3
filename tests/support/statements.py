"""The statements of app.routes as they are written, before they are bound to their owner.

The routes modules are run a second time, under other names, with a recorder where they hand a statement to `owned()`; whatever they
compile later, for each shape of a list or of a change, is asked for once.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from sqlalchemy import Insert, bindparam, true
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression

import app.routes
from app.api import listing
from app.api.listing import Listing, Shape, SortKey
from app.db import statements
from app.db.statements import OWNER, Statement, Updates
from tests.support.matrix import filters_of, sort_keys_of
from tests.support.resources import RESOURCES, ResourceCase


@dataclass(frozen=True, slots=True)
class Written:
    """One statement of a routes module; `shape` says which one of a list it is."""

    case: ResourceCase
    statement: Any
    shape: Shape | None = None

    def __str__(self) -> str:
        kind = type(self.statement).__name__.lower()
        if self.shape is None:
            return f"{self.case}: {kind}"
        parts = [name for name, _ in self.shape.filters] + [("-" if key.descending else "") + key.name for key in self.shape.sort]
        parts += ["cursor"] * (self.shape.nulls is not None) + ["offset"] * self.shape.offset
        return f"{self.case}: {kind} {' '.join(parts)}"


@cache
def written() -> tuple[Written, ...]:
    """Every statement of every routes module."""
    found: list[Written] = []
    for case in RESOURCES:
        with _recording(case.resource.plural) as (module, recorded):
            found += [Written(case, statement) for statement in recorded]
            for value in vars(module).values():
                if isinstance(value, Updates):
                    recorded.clear()
                    value.setting(frozenset(field.column for field in case.resource.fields))
                    found += [Written(case, statement) for statement in recorded]
                elif isinstance(value, Listing):
                    for shape in _shapes(case):
                        recorded.clear()
                        value._compile_page(shape)
                        found += [Written(case, statement, shape) for statement in recorded]
    return tuple(found)


def route_modules() -> list[str]:
    """The names of the modules in app.routes."""
    return [module.name for module in pkgutil.iter_modules(app.routes.__path__)]


@contextmanager
def _recording(name: str) -> Generator[tuple[Any, list[Any]]]:
    recorded: list[Any] = []
    original = statements.owned

    def record(statement: Any) -> Statement:
        recorded.append(statement)
        return original(statement)

    specification = importlib.util.find_spec(f"app.routes.{name}")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    with patch.object(statements, "owned", record), patch.object(listing, "owned", record):
        specification.loader.exec_module(module)
        yield module, recorded


def _shapes(case: ResourceCase) -> Iterator[Shape]:
    newest = (SortKey("created_at", descending=True), SortKey("id", descending=True))
    for found in filters_of(case):
        for value in (True, False) if found.operator == "isnull" else (None,):
            yield Shape(((found.parameter, value),), newest, None, backward=False, offset=False)
    for key in sort_keys_of(case):
        for descending in (False, True):
            keys = (SortKey(key, descending),) if key == "id" else (SortKey(key, descending), SortKey("id", descending))
            yield Shape((), keys, None, backward=False, offset=False)
            for backward in (False, True):
                yield Shape((), keys, tuple(False for _ in keys), backward, offset=False)
    yield Shape((), newest, None, backward=False, offset=True)


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
            return true()
        return None

    return visitors.replacement_traverse(statement, {}, replace)


def wrapped(statement: Any) -> Statement:
    """`statement` with the user told to PostgreSQL, as `owned()` makes it, but with no check of its predicates."""
    with patch.object(statements, "require_owner", id):
        return statements.owned(statement)
