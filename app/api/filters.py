"""Filters of lists and aggregates: `priority=high`, `due_at__gte=…`, as conditions with one parameter each; and `q`, which searches.

A filter through a reference, `project__name=…`, asks of the row that the reference leads to. That is one more table with its own owner
predicate, in the same statement.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import ARRAY, ColumnElement, SelectBase, Table, Text, any_, bindparam, not_, or_, select, true
from sqlalchemy.sql.util import ClauseAdapter
from sqlmodel.sql.expression import Select, SelectOfScalar

from app.db.search import asked, found_in
from app.db.statements import DELETED_AT, OWNER, item_type, looked_up, present, table_of

type Filters = tuple[tuple[str, bool | None], ...]
"""The parameters that filter; `__isnull` with its value, which is part of the SQL."""


SEARCH = "q"
"""The parameter that searches; no column has its name."""

IN_TRASH = "deleted_at__isnull"
"""The parameter that asks for deleted rows, where it is false."""

NOTHING: Mapping[str, tuple[Any, Any]] = {}


class _Found(NamedTuple):
    """What a parameter asks of: a column, of the row that `reference` leads to where there is one."""

    reference: ColumnElement[Any] | None
    column: ColumnElement[Any]
    operator: str


class FilterSet:
    """The filters of one table."""

    def __init__(self, table: Table, through: Mapping[str, tuple[Any, Any]]) -> None:
        """`through` has for a name of parameters a reference of `table` and the column behind it: `(Task.project_id, Project.name)`."""
        self._table = table
        self.found = found_in(table)
        self._row_found = cache(self._make_row_found)
        self._through: dict[str, tuple[ColumnElement[Any], ColumnElement[Any]]] = {}
        for name in sorted(through, key=len, reverse=True):
            reference, column = through[name]
            self._through[name] = table.c[reference.key], table_of(column.class_).alias("through_").c[column.key]

    def shape_of(self, given: Mapping[str, Any]) -> Filters:
        """What the SQL depends on of the filters that a request gives (parameter to value)."""
        return tuple((name, value if name.endswith("__isnull") else None) for name, value in given.items())

    def arguments_of(self, given: Mapping[str, Any], *, ranked: bool = False) -> dict[str, Any]:
        """The parameters of the SQL for these filters; what a search finds has a rank where it is `ranked`."""
        arguments = {f"filter_{name}": self._argument(name, value) for name, value in given.items() if name != SEARCH}
        return {**arguments, **asked(given[SEARCH]), "search_ranked": ranked} if SEARCH in given else arguments

    def filtered[S: (Select[Any], Select[Any] | SelectOfScalar[Any])](self, statement: S, filters: Filters) -> S:
        """`statement`, which selects from the table, with the conditions of `filters`; without deleted rows unless they are asked for.

        What a search finds is up to `searched`, which comes last.
        """
        if all(name != IN_TRASH for name, _ in filters):
            statement = statement.where(*present(self._table))
        for name, value in filters:
            if name != SEARCH:
                statement = statement.where(self._condition(name, value))
        return statement

    def searched(self, part: Any, filters: Filters) -> Any:
        """A select from the table, or an expression of its columns, of the rows that a search finds where `filters` have one.

        A select has the columns of `found` besides.
        """
        if all(name != SEARCH for name, _ in filters):
            return part
        row = self._row_found(deleted=(IN_TRASH, False) in filters)
        adapted = cast("Any", ClauseAdapter(row).traverse(part))
        return adapted.select_from(self.found.join(row, true())) if isinstance(part, SelectBase) else adapted

    def _make_row_found(self, *, deleted: bool) -> Any:
        table = self._table
        presence = (table.c[DELETED_AT].is_not(None),) if deleted else present(table)
        row = select(*table.c).where(table.c.user_id == OWNER, table.c.id == self.found.c.id__, *presence)
        return looked_up(row, table.name)  # computed fields are texts with the name of the table

    def _find(self, parameter: str) -> _Found:
        """A column can have two underscores: that of a reference `project_`."""
        if parameter in self._table.c:
            return _Found(None, self._table.c[parameter], "eq")
        for name, (reference, column) in self._through.items():  # the longest names first
            if parameter == name or parameter.startswith(f"{name}__"):
                return _Found(reference, column, parameter[len(name) + 2 :] or "eq")
        name, _, operator = parameter.rpartition("__")
        return _Found(None, self._table.c[name], operator)

    def _argument(self, parameter: str, value: Any) -> Any:
        found = self._find(parameter)
        if found.operator not in {"contains", "icontains", "startswith"} or isinstance(found.column.type, ARRAY):
            return value
        literal = value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return f"{literal}%" if found.operator == "startswith" else f"%{literal}%"

    def _condition(self, parameter: str, value: bool | None) -> ColumnElement[bool]:
        reference, column, operator = self._find(parameter)
        condition = _comparison(f"filter_{parameter}", column, operator, value)
        if reference is None:
            return condition
        target: Any = column.table  # pyright: ignore[reportAttributeAccessIssue]  # the column of an alias has one
        there = select(target.c.id).where(target.c.user_id == OWNER, *present(target))
        if operator == "ne" or (operator == "isnull" and value):
            # Where the reference leads nowhere, or to a deleted row, the value behind it is null.
            return or_(reference.is_(None), reference.not_in(there.where(not_(condition))))
        return reference.in_(there.where(condition))


def _comparison(name: str, column: ColumnElement[Any], operator: str, value: bool | None) -> ColumnElement[bool]:
    given = bindparam(name, type_=column.type)
    match operator:
        case "eq" | "within":
            return column == given
        case "ne":
            return column.is_distinct_from(given)
        case "in":
            return column == any_(bindparam(name, type_=ARRAY(column.type)))
        case "gt":
            return column > given
        case "gte":
            return column >= given
        case "lt":
            return column < given
        case "lte":
            return column <= given
        case "contains" if (items := item_type(column.type)) is not None:
            return bindparam(name, type_=items) == any_(column)
        case "contains" | "startswith":
            return column.like(bindparam(name, type_=Text))
        case "icontains":  # letters of every script fold as the database's own locale has it
            return column.collate("default").ilike(bindparam(name, type_=Text))
        case _:
            return column.is_(None) if value else column.is_not(None)
