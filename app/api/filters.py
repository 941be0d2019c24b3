"""Filters of lists and aggregates: `priority=high`, `due_at__gte=…`, as conditions with one parameter each."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Table, Text, any_, bindparam
from sqlmodel.sql.expression import Select, SelectOfScalar

from app.db.statements import item_type

type Filters = tuple[tuple[str, bool | None], ...]
"""The parameters that filter; `__isnull` with its value, which is part of the SQL."""


def shape_of(given: Mapping[str, Any]) -> Filters:
    """What the SQL depends on of the filters that a request gives (parameter to value)."""
    return tuple((name, value if name.endswith("__isnull") else None) for name, value in given.items())


def arguments_of(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the SQL for these filters of `table`."""
    return {f"filter_{name}": _argument(table, name, value) for name, value in given.items()}


def filtered[S: (Select[Any], SelectOfScalar[Any], Select[Any] | SelectOfScalar[Any])](statement: S, table: Table, filters: Filters) -> S:
    """`statement` with the conditions of `filters` on `table`."""
    for name, value in filters:
        statement = statement.where(_condition(table, name, value))
    return statement


def _split(table: Table, parameter: str) -> tuple[str, str]:
    """The column and the operator of a parameter. A column can have two underscores: that of a reference `project_`."""
    if parameter in table.c:
        return parameter, "eq"
    name, _, operator = parameter.rpartition("__")
    return name, operator


def _argument(table: Table, parameter: str, value: Any) -> Any:
    name, operator = _split(table, parameter)
    if operator not in {"contains", "icontains", "startswith"} or isinstance(table.c[name].type, ARRAY):
        return value
    literal = value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"{literal}%" if operator == "startswith" else f"%{literal}%"


def _condition(table: Table, parameter: str, value: bool | None) -> ColumnElement[bool]:
    name, operator = _split(table, parameter)
    column = table.c[name]
    given = bindparam(f"filter_{parameter}", type_=column.type)
    match operator:
        case "eq" | "within":
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
