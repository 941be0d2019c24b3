"""Writes a rule as the expression of a CHECK, and a computed value as one of its type.

Calculations are done in `numeric`, so that no integer or float overflows: an error of the calculation would not be one of the rule.
Division by zero is null for the same reason. Texts are ordered by code point and change case in ASCII only (COLLATE "C").
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import IntEnum

from generator.ir import Kind
from generator.rules import tree
from generator.rules.checker import DIVISION_PLACES
from generator.rules.tree import NUMBERS, TEXTS, Numbers, Typed, ValueType
from generator.sql import number_literal, quote_identifier, text_literal, typed_literal

_KINDS = {ValueType.DATE: Kind.DATE, ValueType.TIME: Kind.TIME, ValueType.DATETIME: Kind.DATETIME, ValueType.UUID: Kind.UUID}


class _Binding(IntEnum):
    """How tightly an expression holds together; operands that hold less are put in parentheses."""

    OR = 1
    AND = 2
    NOT = 3
    TEST = 4
    COMPARISON = 5
    SUM = 6
    PRODUCT = 7
    SIGN = 8
    ATOM = 9


type _Sql = tuple[str, _Binding]


def sql_of(condition: tree.Condition) -> str:
    """The expression of a CHECK that is violated exactly when the condition is false."""
    return _sql(condition)[0]


def value_sql(node: Typed, sql_type: str) -> str:
    """The expression of a value; numbers become `sql_type`, which rounds them to its scale (half away from zero)."""
    if node.type not in NUMBERS:
        return _sql(node)[0]
    return f"{_within(node, _Binding.ATOM, exact=True)}::{sql_type}"


def _within(node: Typed, binding: _Binding, *, exact: bool = False) -> str:
    text, own = _sql(node, exact=exact)
    return text if own >= binding else f"({text})"


def _sql(node: Typed, *, exact: bool = False) -> _Sql:
    """A node as SQL; `exact` asks for `numeric` instead of a stored float."""
    match node:
        case tree.Field(column):
            name = (
                quote_identifier(column.column)
                if column.table is None
                else f"{quote_identifier(column.table)}.{quote_identifier(column.column)}"
            )
            return (f"{name}::numeric" if exact and column.type is ValueType.FLOAT else name), _Binding.ATOM
        case tree.Constant():
            return _constant(node)
        case tree.Negation(operand):
            return f"-{_within_numeric(operand, _Binding.ATOM)}", _Binding.SIGN
        case tree.Arithmetic():
            return _arithmetic(node)
        case tree.Call(function, operand):
            text = _sql(operand)[0]
            return (f"length({text})" if function == "length" else f'{function}({text} COLLATE "C")'), _Binding.ATOM
        case tree.All(parts):
            return " AND ".join(_within(part, _Binding.AND) for part in parts), _Binding.AND
        case tree.Any(parts):
            return " OR ".join(_within(part, _Binding.OR) for part in parts), _Binding.OR
        case tree.Not(operand):
            return f"NOT {_within(operand, _Binding.NOT)}", _Binding.NOT
        case tree.NullTest(operand, negated):
            return f"{_within(operand, _Binding.SUM)} IS {'NOT ' if negated else ''}NULL", _Binding.TEST
        case tree.Comparison() | tree.Membership() | tree.Range():
            return _comparison(node)


def _comparison(node: tree.Comparison | tree.Membership | tree.Range) -> _Sql:
    exact = node.numbers is Numbers.EXACT
    sides = [_within(part, _Binding.SUM, exact=exact) for part in tree.children(node)]
    if isinstance(node, tree.Comparison):
        if node.operator not in {"=", "<>"}:
            sides[0] += _order(tree.children(node))
        return f"{sides[0]} {node.operator} {sides[1]}", _Binding.COMPARISON
    negation = "NOT " if node.negated else ""
    if isinstance(node, tree.Range):
        return f"{sides[0]}{_order(tree.children(node))} {negation}BETWEEN {sides[1]} AND {sides[2]}", _Binding.COMPARISON
    return f"{sides[0]} {negation}IN ({', '.join(sides[1:])})", _Binding.COMPARISON


def _order(sides: Sequence[Typed]) -> str:
    return ' COLLATE "C"' if sides[0].type in TEXTS else ""


def _constant(constant: tree.Constant) -> _Sql:
    match constant.value:
        case bool() as truth:
            return ("true" if truth else "false"), _Binding.ATOM
        case Decimal() as number:
            return number_literal(number), _Binding.ATOM if number >= 0 else _Binding.SIGN
        case str() as text:
            kind = _KINDS.get(constant.type)
            return (text_literal(text) if kind is None else typed_literal(kind, text)), _Binding.ATOM


def _within_numeric(node: Typed, binding: _Binding) -> str:
    """An operand of a calculation: numeric, unless it is a literal, which takes the type of the other operand."""
    text, own = _sql(node, exact=True)
    if node.type is ValueType.INTEGER and isinstance(node, tree.Field | tree.Call):
        return f"{text}::numeric"
    return text if own >= binding else f"({text})"


def _arithmetic(node: tree.Arithmetic) -> _Sql:
    if node.operator == "/":
        return _division(node)
    binding = _Binding.PRODUCT if node.operator == "*" else _Binding.SUM
    left = _within_numeric(node.left, binding)
    right = _within_numeric(node.right, _Binding(binding + 1))
    return f"{left} {node.operator} {right}", binding


def _division(node: tree.Arithmetic) -> _Sql:
    """`div` cuts exactly; the operator `/` would round, to a number of places that depends on the operands."""
    whole = node.type is ValueType.INTEGER
    left = _within_numeric(node.left, _Binding.OR if whole else _Binding.PRODUCT)
    right = _within_numeric(node.right, _Binding.OR)
    divisor = right if isinstance(node.right, tree.Constant) else f"nullif({right}, 0)"
    if whole:
        return f"div({left}, {divisor})", _Binding.ATOM
    return f"div({left} * 1e{DIVISION_PLACES}, {divisor}) * 1e-{DIVISION_PLACES}", _Binding.PRODUCT
