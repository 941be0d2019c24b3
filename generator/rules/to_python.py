"""Writes a rule as a Python expression over `self.<column>` that says whether it is broken: false in SQL, not true or unknown.

    not completed or notes is not null     broken: self.completed and self.notes is None
    due_at >= start_at (both nullable)     broken: self.due_at is not None and self.start_at is not None and self.due_at < self.start_at

Python knows true and false only, so unknown is written out: every condition, or its opposite, can be written to be true when it *is*
true (strict), or when it is *not false* (lenient).

What Python has no operator for is called from `app.api.rules`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from decimal import Decimal
from enum import IntEnum

from generator.rules import tree
from generator.rules.tree import Numbers, Typed, ValueType

RUNTIME = "rules"
"""The module of `app.api` that an expression may use."""


class _Binding(IntEnum):
    """How tightly an expression holds together; operands that hold less are put in parentheses."""

    CONDITIONAL = 0
    OR = 1
    AND = 2
    NOT = 3
    COMPARISON = 4
    SUM = 5
    PRODUCT = 6
    SIGN = 7
    ATOM = 8


type _Python = tuple[str, _Binding]

_OPPOSITE: dict[tree.ComparisonOperator, tree.ComparisonOperator] = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_SPELLING = {"=": "==", "<>": "!="}
_MAX_EXACT_FLOAT = 2**53


def python_of(condition: tree.Condition) -> str:
    """The expression: true exactly when the condition is false."""
    return _truth(condition, negated=True, strict=True)[0]


def _text(python: _Python, binding: _Binding) -> str:
    text, own = python
    return text if own >= binding else f"({text})"


def _join(parts: list[_Python], *, every: bool) -> _Python:
    if len(parts) == 1:
        return parts[0]
    binding = _Binding.AND if every else _Binding.OR
    return (" and " if every else " or ").join(dict.fromkeys(_text(part, binding) for part in parts)), binding


# --- Conditions as true or false ----------------------------------------------------------------------------------------------------


def _truth(node: tree.Condition, *, negated: bool, strict: bool) -> _Python:
    """Whether a condition, or its opposite when `negated`, is true (`strict`) or not false."""
    match node:
        case tree.Field(column):
            return _boolean_field(column, negated=negated, strict=strict)
        case tree.Constant(_, value):
            return str(bool(value) is not negated), _Binding.ATOM
        case tree.All(parts) | tree.Any(parts):
            every = isinstance(node, tree.All) is not negated
            return _join([_truth(part, negated=negated, strict=strict) for part in parts], every=every)
        case tree.Not(operand):
            return _truth(operand, negated=not negated, strict=strict)
        case tree.NullTest(operand, present):
            return _null_test(operand, present=present is not negated)
        case tree.Comparison():
            if node.left.type is ValueType.BOOLEAN:
                return _equality(node, negated=negated, strict=strict)
            return _guarded(node, negated=negated, strict=strict)
        case tree.Membership() | tree.Range():
            if _needs_writing_out(node):
                return _truth(tree.as_comparisons(node), negated=negated, strict=strict)
            return _guarded(node, negated=negated, strict=strict)


def _boolean_field(column: tree.Column, *, negated: bool, strict: bool) -> _Python:
    name = f"self.{column.column}"
    if not column.nullable:
        return (f"not {name}", _Binding.NOT) if negated else (name, _Binding.ATOM)
    if strict:
        return f"{name} is {not negated}", _Binding.COMPARISON
    return f"{name} is not {negated}", _Binding.COMPARISON


def _guarded(node: tree.Comparison | tree.Membership | tree.Range, *, negated: bool, strict: bool) -> _Python:
    """A comparison, behind the tests that make it known."""
    guards = [_null_guard(text, zero=zero, known=strict) for text, zero in _unknowns(node)]
    return _join([*guards, _bare(node, negated=negated)], every=strict)


def _null_guard(text: str, *, zero: bool, known: bool) -> _Python:
    if zero:
        return f"{text} {'!=' if known else '=='} 0", _Binding.COMPARISON
    return f"{text} is {'not ' if known else ''}None", _Binding.COMPARISON


def _unknowns(node: Typed) -> Iterator[tuple[str, bool]]:
    """What can make a value null, in an order in which it can be tested: fields that are null, then divisors that are zero (True)."""
    for part in tree.walk(node):
        if isinstance(part, tree.Field) and part.column.nullable:
            yield f"self.{part.column.column}", False
        elif isinstance(part, tree.Arithmetic) and part.operator == "/" and not isinstance(part.right, tree.Constant):
            yield _text(_value(part.right, _mode(part)), _Binding.SUM), True


def _null_test(operand: Typed, *, present: bool) -> _Python:
    if operand.type is ValueType.BOOLEAN and not isinstance(operand, tree.Field):
        return f"{_text(_three_valued(operand), _Binding.SUM)} is {'not ' if present else ''}None", _Binding.COMPARISON
    return _join([_null_guard(text, zero=zero, known=present) for text, zero in _unknowns(operand)], every=present)


def _needs_writing_out(node: tree.Membership | tree.Range) -> bool:
    """Whether an item or end can be null: then one of them alone can decide, which a single guard cannot say."""
    return any(tree.can_be_null(part) for part in tree.children(node)[1:])


def _bare(node: tree.Comparison | tree.Membership | tree.Range, *, negated: bool) -> _Python:
    """A comparison of values that are known."""
    match node:
        case tree.Comparison(operator, left, right, numbers):
            sign = _OPPOSITE[operator] if negated else operator
            sides = [_text(_value(side, numbers), _Binding.SUM) for side in (left, right)]
            return f"{sides[0]} {_SPELLING.get(sign, sign)} {sides[1]}", _Binding.COMPARISON
        case tree.Membership(operand, items, excluded, numbers):
            absent = excluded is not negated
            if len(items) == 1:
                return _bare(tree.Comparison("=", operand, items[0], numbers), negated=absent)
            listed = ", ".join(_value(item, numbers)[0] for item in items)
            return f"{_text(_value(operand, numbers), _Binding.SUM)} {'not in' if absent else 'in'} ({listed})", _Binding.COMPARISON
        case tree.Range(operand, low, high, excluded, numbers):
            middle, below, above = (_text(_value(part, numbers), _Binding.SUM) for part in (operand, low, high))
            text = f"{below} <= {middle} <= {above}"
            return (f"not {text}", _Binding.NOT) if excluded is not negated else (text, _Binding.COMPARISON)


def _equality(node: tree.Comparison, *, negated: bool, strict: bool) -> _Python:
    """Two conditions that are compared."""
    opposite = (node.operator == "<>") is not negated
    for constant, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(constant, tree.Constant):  # `completed = false` is `not completed`
            return _truth(_condition(other), negated=opposite is bool(constant.value), strict=strict)
    if not any(tree.can_be_null(side) and not isinstance(side, tree.Field) for side in (node.left, node.right)):
        sides = [_text(_three_valued(side), _Binding.SUM) for side in (node.left, node.right)]
        guards = [_null_guard(text, zero=False, known=strict) for side in (node.left, node.right) for text in _null_field(side)]
        return _join([*guards, (f"{sides[0]} {'!=' if opposite else '=='} {sides[1]}", _Binding.COMPARISON)], every=strict)
    equal = f"rules.equal({_three_valued(node.left)[0]}, {_three_valued(node.right)[0]})"
    return f"{equal} is {not opposite}" if strict else f"{equal} is not {opposite}", _Binding.COMPARISON


def _null_field(node: Typed) -> list[str]:
    return [f"self.{node.column.column}"] if isinstance(node, tree.Field) and node.column.nullable else []


def _condition(node: Typed) -> tree.Condition:
    if isinstance(node, tree.Negation | tree.Arithmetic | tree.Call):
        raise TypeError(f"{node} is no condition")
    return node


# --- Conditions as True, False or None ----------------------------------------------------------------------------------------------


def _three_valued(node: Typed) -> _Python:
    """A condition as an expression whose value is True, False, or None for unknown."""
    condition = _condition(node)
    if not tree.can_be_null(condition):
        return _truth(condition, negated=False, strict=True)
    match condition:
        case tree.Field(column):
            return f"self.{column.column}", _Binding.ATOM
        case tree.All(parts) | tree.Any(parts):
            listed = ", ".join(_three_valued(part)[0] for part in parts)
            return f"rules.{'both' if isinstance(condition, tree.All) else 'either'}({listed})", _Binding.ATOM
        case tree.Not(operand):
            return f"rules.negate({_three_valued(operand)[0]})", _Binding.ATOM
        case tree.Comparison(operator, left, right) if left.type is ValueType.BOOLEAN:
            equal = f"rules.equal({_three_valued(left)[0]}, {_three_valued(right)[0]})"
            return (equal if operator == "=" else f"rules.negate({equal})"), _Binding.ATOM
        case tree.Membership() | tree.Range() if _needs_writing_out(condition):
            return _three_valued(tree.as_comparisons(condition))
        case tree.Comparison() | tree.Membership() | tree.Range():
            unknown = _join([_null_guard(text, zero=zero, known=False) for text, zero in _unknowns(condition)], every=False)
            return f"None if {unknown[0]} else {_bare(condition, negated=False)[0]}", _Binding.CONDITIONAL
        case tree.Constant() | tree.NullTest():
            return _truth(condition, negated=False, strict=True)


# --- Values -------------------------------------------------------------------------------------------------------------------------


def _mode(node: tree.Arithmetic | tree.Negation) -> Numbers:
    return Numbers.STORED if node.type is ValueType.INTEGER else Numbers.EXACT


def _value(node: Typed, numbers: Numbers) -> _Python:
    """A value that is known not to be null; `numbers` says as what kind of number."""
    match node:
        case tree.Field(column):
            name = f"self.{column.column}"
            inexact = column.type in {ValueType.DECIMAL, ValueType.FLOAT}
            return (f"rules.exact({name})" if inexact and numbers is Numbers.EXACT else name), _Binding.ATOM
        case tree.Constant():
            return _constant(node, numbers)
        case tree.Negation(operand):
            return f"-{_text(_value(operand, _mode(node)), _Binding.ATOM)}", _Binding.SIGN
        case tree.Arithmetic():
            return _arithmetic(node)
        case tree.Call(function, operand):
            return f"{'len' if function == 'length' else f'rules.{function}'}({_value(operand, numbers)[0]})", _Binding.ATOM
        case _:
            return _three_valued(node)


def _arithmetic(node: tree.Arithmetic) -> _Python:
    mode = _mode(node)
    left, right = _value(node.left, mode), _value(node.right, mode)
    if node.operator == "/":
        return f"rules.{'quotient' if node.type is ValueType.INTEGER else 'divide'}({left[0]}, {right[0]})", _Binding.ATOM
    binding = _Binding.PRODUCT if node.operator == "*" else _Binding.SUM
    return f"{_text(left, binding)} {node.operator} {_text(right, _Binding(binding + 1))}", binding


def _constant(constant: tree.Constant, numbers: Numbers) -> _Python:
    match constant.value:
        case bool() as truth:
            return str(truth), _Binding.ATOM
        case Decimal() as number:
            return _number(number, numbers)
        case str() as text:
            if constant.type in {ValueType.TEXT, ValueType.ENUM}:
                return repr(text), _Binding.ATOM
            return f"rules.{constant.type.value}({text!r})", _Binding.ATOM


def _number(number: Decimal, numbers: Numbers) -> _Python:
    whole = number == number.to_integral_value()
    binding = _Binding.ATOM if number >= 0 else _Binding.SIGN
    if whole and (numbers is not Numbers.FLOAT or abs(number) <= _MAX_EXACT_FLOAT):
        return str(int(number)), binding
    if numbers is Numbers.FLOAT:
        return repr(float(number)), binding
    name = "exact" if numbers is Numbers.EXACT else "decimal"
    return f'rules.{name}("{number:f}")', _Binding.ATOM


def uses_runtime(expression: str) -> bool:
    """Whether an expression of `python_of` calls `app.api.rules`."""
    return any(isinstance(node, ast.Name) and node.id == RUNTIME for node in ast.walk(ast.parse(expression, mode="eval")))
