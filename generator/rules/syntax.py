"""The syntax tree of a rule: what was written, with the place of every part as offsets into the rule's text."""

from __future__ import annotations

from typing import Literal

from generator.records import record

type Expression = Name | Text | Number | Truth | Null | Call | Prefix | Infix | NullCheck | Contains | Between

type InfixOperator = Literal["or", "and", "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/"]

COMPARISONS: frozenset[str] = frozenset({"=", "<>", "<", "<=", ">", ">="})


@record
class Extent:
    """A part of the rule: from `start` up to, without, `end`."""

    start: int
    end: int


@record
class Name:
    """A field; `quoted` when it stood in double quotes."""

    name: str
    quoted: bool
    at: Extent


@record
class Text:
    """A text in single quotes; `value` is what it stands for."""

    value: str
    at: Extent


@record
class Number:
    """A number, as it was written."""

    digits: str
    at: Extent


@record
class Truth:
    """`true` or `false`."""

    value: bool
    at: Extent


@record
class Null:
    """`null` where a value may stand, which is always a mistake."""

    at: Extent


@record
class Call:
    """A function and its arguments; `name_at` is the place of its name."""

    function: str
    arguments: tuple[Expression, ...]
    name_at: Extent
    at: Extent


@record
class Prefix:
    """`not` or a minus sign before an operand."""

    operator: Literal["not", "-"]
    operand: Expression
    at: Extent


@record
class Infix:
    """Two operands and what stands between them; `operator_at` is its place."""

    operator: InfixOperator
    left: Expression
    right: Expression
    operator_at: Extent
    at: Extent


@record
class NullCheck:
    """`operand is [not] null`."""

    operand: Expression
    negated: bool
    at: Extent


@record
class Contains:
    """`operand [not] in (items)`."""

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool
    at: Extent


@record
class Between:
    """`operand [not] between low and high`."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool
    at: Extent
