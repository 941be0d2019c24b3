"""The SQL of keyset pages: the rows beyond a row, in any order, with nulls last and each index read from the cursor on."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, false, or_, select, tuple_, union_all
from sqlmodel.sql.expression import Select


class Order(NamedTuple):
    """One key of an ORDER BY."""

    expression: ColumnElement[Any]
    descending: bool
    nullable: bool
    nulls_first: bool

    def by(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """`column` in this direction."""
        ordered = column.desc() if self.descending else column.asc()
        if not self.nullable:
            return ordered
        return ordered.nulls_first() if self.nulls_first else ordered.nulls_last()


def beyond(order: list[Order], nulls: tuple[bool, ...], *, inclusive: bool) -> list[ColumnElement[bool]]:
    """Rows beyond the cursor, `nulls` of whose values are null: conditions on the rows that come first, and on those that follow.

    An `inclusive` cursor has its own row with them. In one direction these are comparisons of rows, which an index answers at any depth;
    nulls of the first key are a range of their own.
    """
    given = [bindparam(f"at_{number}", type_=key.expression.type) for number, key in enumerate(order)]
    first, *others = order
    if len({key.descending for key in order}) > 1 or any(key.nullable for key in others):
        return [_beyond_key_by_key(order, given, nulls, inclusive=inclusive)]
    is_null = first.expression.is_(None)
    if nulls[0]:
        behind = [and_(is_null, _row_behind(others, given[1:], inclusive=inclusive))]
        return [*behind, first.expression.is_not(None)] if first.nulls_first else behind
    behind = [_row_behind(order, given, inclusive=inclusive)]
    return [*behind, is_null] if first.nullable and not first.nulls_first else behind


def _row_behind(order: list[Order], given: list[Any], *, inclusive: bool) -> ColumnElement[bool]:
    row, cursor = tuple_(*(key.expression for key in order)), tuple_(*given)
    if order[0].descending:
        return row <= cursor if inclusive else row < cursor
    return row >= cursor if inclusive else row > cursor


def _beyond_key_by_key(order: list[Order], given: list[Any], nulls: tuple[bool, ...], *, inclusive: bool) -> ColumnElement[bool]:
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for (expression, descending, nullable, nulls_first), value, is_null in zip(order, given, nulls, strict=True):
        behind = expression < value if descending else expression > value
        if is_null and nulls_first:
            alternatives.append(and_(*equal, expression.is_not(None)))
        elif not is_null:
            alternatives.append(and_(*equal, or_(behind, expression.is_(None)) if nullable and not nulls_first else behind))
        equal.append(expression.is_(None) if is_null else expression == value)
    if inclusive:
        alternatives.append(and_(*equal))
    return or_(false(), *alternatives)


def in_turn(page: Any, ranges: list[ColumnElement[bool]], order: list[Order]) -> Select[Any]:
    """The rows of a page of each range, in their order. Each is read from an index of its own; one with OR would read all before them."""
    keys = [key.expression.label(f"sort__{number}") for number, key in enumerate(order)]  # no column: two underscores
    rows = union_all(*(page.add_columns(*keys).where(condition) for condition in ranges)).subquery("rows_")
    answered = [column for column in rows.c if column.key not in {key.key for key in keys}]
    return select(*answered).order_by(*(key.by(rows.c[label.key]) for key, label in zip(order, keys, strict=True)))
