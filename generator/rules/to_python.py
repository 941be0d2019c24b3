"""Writes a rule as a Python expression over `self.<column>` that says whether it is broken: false in SQL, not true or unknown.

    not completed or notes is not null     broken: self.completed and self.notes is None
    due_at >= start_at (both nullable)     broken: self.due_at is not None and self.start_at is not None and self.due_at < self.start_at

Python knows true and false only, so unknown is written out: a condition, or its opposite, becomes an expression that is true when it *is*
true, and false when it is false or unknown.

What Python has no operator for is called from `app.api.rules`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import IntEnum

from generator.literals import text
from generator.records import record
from generator.rules import tree
from generator.rules.tree import TEXTS, Numbers, Typed, ValueType

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


@record
class _Python:
    """A piece of Python. `parts` are what `and` or `or` joins in it."""

    text: str
    binding: _Binding
    parts: tuple[_Python, ...] = ()

    def within(self, binding: _Binding) -> str:
        """The text, in parentheses where something that binds like `binding` stands around it."""
        return self.text if self.binding >= binding else f"({self.text})"


_OPPOSITE: dict[tree.ComparisonOperator, tree.ComparisonOperator] = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_SPELLING = {"=": "==", "<>": "!="}
_NULL, _NOT_NULL = " is None", " is not None"
_MAX_EXACT_FLOAT = 2**53


def python_of(condition: tree.Condition) -> str:
    """The expression: true exactly when the condition is false."""
    return _truth(condition, negated=True).text


def value_python(node: Typed, places: int | None) -> str:
    """The expression of a value: None when it is null. With `places` it is a decimal that is rounded to so many, half away from zero."""
    if node.type is ValueType.BOOLEAN:
        return _three_valued(node).text
    value = _value(node, Numbers.STORED if places is None else Numbers.EXACT)
    if places is not None:
        value = _call("rules.rounded", value, _Python(str(places), _Binding.ATOM))
    elif node.type is ValueType.ENUM:
        value = _call("str", value)
    unknown = list(_guards(node, known=False))
    return f"None if {_join(unknown, every=False).text} else {value.text}" if unknown else value.text


def _join(parts: Iterable[_Python], *, every: bool) -> _Python:
    """Parts joined by `and` (`every`) or `or`, without those that repeat or follow from an earlier null test."""
    binding = _Binding.AND if every else _Binding.OR
    kept: dict[str, _Python] = {}
    for part in parts:
        for piece in part.parts if part.binding is binding else (part,):
            shorter = _without_known(piece, kept, every=every)
            if not (every and _is_implied(shorter, kept)):
                kept.setdefault(shorter.text, shorter)
    if len(kept) == 1:
        return next(iter(kept.values()))
    joined = (" and " if every else " or ").join(piece.within(_Binding.NOT) for piece in kept.values())
    return _Python(joined, binding, tuple(kept.values()))


def _without_known(piece: _Python, before: Iterable[str], *, every: bool) -> _Python:
    """A part of a chain, less the null tests that the earlier parts have settled: `x is None or (x is not None and …)`."""
    if every or piece.binding is not _Binding.AND:
        return piece
    settled = {earlier.removesuffix(_NULL) + _NOT_NULL for earlier in before if earlier.endswith(_NULL)}
    rest = [part for part in piece.parts if part.text not in settled]
    return _join(rest, every=True) if rest else piece


def _is_implied(piece: _Python, before: Iterable[str]) -> bool:
    """Whether a null test follows from an earlier part: `x is False and x is not None`."""
    name = piece.text.removesuffix(_NOT_NULL)
    return name != piece.text and not {f"{name} is True", f"{name} is False"}.isdisjoint(before)


# --- Conditions as true or false ----------------------------------------------------------------------------------------------------


def _truth(node: tree.Condition, *, negated: bool) -> _Python:
    """Whether a condition, or its opposite when `negated`, is true."""
    match node:
        case tree.Field(column):
            return _boolean_field(column, negated=negated)
        case tree.Constant(_, value):
            return _Python(str(bool(value) is not negated), _Binding.ATOM)
        case tree.All(parts) | tree.Any(parts):
            every = isinstance(node, tree.All) is not negated
            return _join((_truth(part, negated=negated) for part in parts), every=every)
        case tree.Not(operand):
            return _truth(operand, negated=not negated)
        case tree.NullTest(operand, present):
            return _null_test(operand, present=present is not negated)
        case tree.Comparison():
            if node.left.type is ValueType.BOOLEAN:
                return _equality(node, negated=negated)
            return _guarded(node, negated=negated)
        case tree.Membership() | tree.Range():
            if _needs_writing_out(node):
                return _truth(tree.as_comparisons(node), negated=negated)
            return _guarded(node, negated=negated)


def _boolean_field(column: tree.Column, *, negated: bool) -> _Python:
    name = f"self.{column.column}"
    if column.nullable:
        return _compared(name, "is", str(not negated))
    return _Python(f"not {name}", _Binding.NOT) if negated else _Python(name, _Binding.ATOM)


def _guarded(node: tree.Comparison | tree.Membership | tree.Range, *, negated: bool) -> _Python:
    """A comparison, behind the tests that make it known."""
    return _join([*_guards(node, known=True), _bare(node, negated=negated)], every=True)


def _guards(node: Typed, *, known: bool) -> Iterator[_Python]:
    """Tests for what can make a value null, in an order in which they can run: fields that are null, divisors that are zero."""
    for part in tree.walk(node):
        if isinstance(part, tree.Field) and part.column.nullable:
            yield _compared(f"self.{part.column.column}", "is not" if known else "is", "None")
        elif isinstance(part, tree.Arithmetic) and part.operator == "/" and not isinstance(part.right, tree.Constant):
            yield _compared(_value(part.right, _mode(part)), "!=" if known else "==", "0")


def _null_test(operand: Typed, *, present: bool) -> _Python:
    if operand.type is ValueType.BOOLEAN and not isinstance(operand, tree.Field):
        return _compared(_three_valued(operand), "is not" if present else "is", "None")
    return _join(_guards(operand, known=present), every=present)


def _needs_writing_out(node: tree.Membership | tree.Range) -> bool:
    """Whether an item or end can be null: then one of them alone can decide, which a single guard cannot say."""
    return any(tree.can_be_null(part) for part in tree.children(node)[1:])


def _compared(left: _Python | str, operator: str, right: _Python | str) -> _Python:
    """A comparison; plain texts hold together."""
    sides = [side if isinstance(side, str) else side.within(_Binding.SUM) for side in (left, right)]
    return _Python(f"{sides[0]} {operator} {sides[1]}", _Binding.COMPARISON)


def _bare(node: tree.Comparison | tree.Membership | tree.Range, *, negated: bool) -> _Python:
    """A comparison of values that are known."""
    first, *rest = _operands(node)
    match node:
        case tree.Comparison(operator):
            sign = _OPPOSITE[operator] if negated else operator
            return _compared(first, _SPELLING.get(sign, sign), rest[0])
        case tree.Membership(negated=excluded):
            absent = excluded is not negated
            if len(rest) == 1:
                return _compared(first, "!=" if absent else "==", rest[0])
            return _compared(first, "not in" if absent else "in", f"({', '.join(item.text for item in rest)})")
        case tree.Range(negated=excluded):
            middle, below, above = (value.within(_Binding.SUM) for value in (first, *rest))
            text = f"{below} <= {middle} <= {above}"
            return _Python(f"not {text}", _Binding.NOT) if excluded is not negated else _Python(text, _Binding.COMPARISON)


def _operands(node: tree.Comparison | tree.Membership | tree.Range) -> list[_Python]:
    """What is compared. Two enums are compared by their values: members of different classes are nothing alike to a type checker."""
    parts = tree.children(node)
    enums = [part for part in parts if isinstance(part, tree.Field) and part.type is ValueType.ENUM]
    values = [_value(part, node.numbers) for part in parts]
    if len(enums) < 2:
        return values
    return [_call("str", value) if part in enums else value for part, value in zip(parts, values, strict=True)]


def _equality(node: tree.Comparison, *, negated: bool) -> _Python:
    """Two conditions that are compared."""
    opposite = (node.operator == "<>") is not negated
    for constant, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(constant, tree.Constant):  # `completed = false` is `not completed`
            return _truth(_condition(other), negated=opposite is bool(constant.value))
    sides = node.left, node.right
    if any(tree.can_be_null(side) and not isinstance(side, tree.Field) for side in sides):
        equal = f"rules.equal({_three_valued(node.left).text}, {_three_valued(node.right).text})"
        return _compared(equal, "is", str(not opposite))
    fields = [guard for side in sides if isinstance(side, tree.Field) for guard in _guards(side, known=True)]
    return _join([*fields, _compared(_three_valued(node.left), "!=" if opposite else "==", _three_valued(node.right))], every=True)


def _condition(node: Typed) -> tree.Condition:
    if isinstance(node, tree.Negation | tree.Arithmetic | tree.Call):
        raise TypeError(f"{node} is no condition")
    return node


# --- Conditions as True, False or None ----------------------------------------------------------------------------------------------


def _three_valued(node: Typed) -> _Python:
    """A condition as an expression whose value is True, False, or None for unknown."""
    condition = _condition(node)
    if not tree.can_be_null(condition):
        return _truth(condition, negated=False)
    match condition:
        case tree.Field(column):
            return _Python(f"self.{column.column}", _Binding.ATOM)
        case tree.All(parts):
            return _call("rules.both", *map(_three_valued, parts))
        case tree.Any(parts):
            return _call("rules.either", *map(_three_valued, parts))
        case tree.Not(operand):
            return _call("rules.negate", _three_valued(operand))
        case tree.Comparison(operator, left, right) if left.type is ValueType.BOOLEAN:
            equal = _call("rules.equal", _three_valued(left), _three_valued(right))
            return equal if operator == "=" else _call("rules.negate", equal)
        case tree.Membership() | tree.Range() if _needs_writing_out(condition):
            return _three_valued(tree.as_comparisons(condition))
        case tree.Comparison() | tree.Membership() | tree.Range():
            unknown = _join(_guards(condition, known=False), every=False)
            return _Python(f"None if {unknown.text} else {_bare(condition, negated=False).text}", _Binding.CONDITIONAL)
        case tree.Constant() | tree.NullTest():
            return _truth(condition, negated=False)


def _call(function: str, *arguments: _Python) -> _Python:
    return _Python(f"{function}({', '.join(argument.text for argument in arguments)})", _Binding.ATOM)


# --- Values -------------------------------------------------------------------------------------------------------------------------


def _mode(node: tree.Arithmetic | tree.Negation) -> Numbers:
    return Numbers.STORED if node.type is ValueType.INTEGER else Numbers.EXACT


def _value(node: Typed, numbers: Numbers) -> _Python:
    """A value that is known not to be null; `numbers` says as what kind of number."""
    match node:
        case tree.Field(column):
            value = _Python(f"self.{column.column}", _Binding.ATOM)
            inexact = column.type in {ValueType.DECIMAL, ValueType.FLOAT}
            return _call("rules.exact", value) if inexact and numbers is Numbers.EXACT else value
        case tree.Constant():
            return _constant(node, numbers)
        case tree.Negation(operand):
            return _Python(f"-{_value(operand, _mode(node)).within(_Binding.ATOM)}", _Binding.SIGN)
        case tree.Arithmetic():
            return _arithmetic(node)
        case tree.Call(function, operand):
            return _call("len" if function == "length" else f"rules.{function}", _value(operand, numbers))
        case _:
            return _three_valued(node)


def _arithmetic(node: tree.Arithmetic) -> _Python:
    mode = _mode(node)
    left, right = _value(node.left, mode), _value(node.right, mode)
    if node.operator == "/":
        return _call("rules.quotient" if node.type is ValueType.INTEGER else "rules.divide", left, right)
    binding = _Binding.PRODUCT if node.operator == "*" else _Binding.SUM
    return _Python(f"{left.within(binding)} {node.operator} {right.within(_Binding(binding + 1))}", binding)


def _constant(constant: tree.Constant, numbers: Numbers) -> _Python:
    match constant.value:
        case bool() as truth:
            return _Python(str(truth), _Binding.ATOM)
        case Decimal() as number:
            return _number(number, numbers)
        case str() as value:
            written = text(value)  # a long one is several literals, one below the other
            literal = _Python(f"({written})" if "\n" in written else written, _Binding.ATOM)
            return literal if constant.type in TEXTS else _call(f"rules.{constant.type.value}", literal)


def _number(number: Decimal, numbers: Numbers) -> _Python:
    whole = number == number.to_integral_value()
    binding = _Binding.ATOM if number >= 0 else _Binding.SIGN
    if whole and (numbers is not Numbers.FLOAT or abs(number) <= _MAX_EXACT_FLOAT):
        return _Python(str(int(number)), binding)
    if numbers is Numbers.FLOAT:
        return _Python(repr(float(number)), binding)
    name = "exact" if numbers is Numbers.EXACT else "decimal"
    return _Python(f'rules.{name}("{number:f}")', _Binding.ATOM)


def uses_runtime(expression: str) -> bool:
    """Whether an expression of `python_of` calls `app.api.rules`."""
    return any(isinstance(node, ast.Name) and node.id == RUNTIME for node in ast.walk(ast.parse(expression, mode="eval")))
