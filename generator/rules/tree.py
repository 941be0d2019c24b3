"""The typed tree of a rule: what it means, with every field, type and literal settled.

Conditions follow SQL: true, false or unknown, and a rule holds unless it is false. A value is null when one of its fields is, or when
it divides by zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from generator.records import record

type Value = Field | Constant | Negation | Arithmetic | Call
type Condition = Field | Constant | All | Any | Not | Comparison | Membership | Range | NullTest
type Typed = Value | Condition


class ValueType(StrEnum):
    """The types of fields and values, as a rule sees them."""

    TEXT = "text"
    ENUM = "enum"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    UUID = "uuid"
    OTHER = "other"


NUMBERS = frozenset({ValueType.INTEGER, ValueType.DECIMAL, ValueType.FLOAT})
TEXTS = frozenset({ValueType.TEXT, ValueType.ENUM})

type ComparisonOperator = Literal["=", "<>", "<", "<=", ">", ">="]
type ArithmeticOperator = Literal["+", "-", "*", "/"]
type Function = Literal["length", "lower", "upper"]


class Numbers(StrEnum):
    """How numbers are compared: as they are stored, as floats, or exactly, with floats as the decimals of their 15 digits."""

    STORED = "stored"
    FLOAT = "float"
    EXACT = "exact"


@record
class Column:
    """What a rule has to know of a field: its column, type and nullability, and the values of an enum.

    Lists and json are of type OTHER, references of type UUID. `table` stands before the column in SQL where it is given.
    """

    column: str
    type: ValueType
    nullable: bool
    values: tuple[str, ...] = ()
    table: str | None = None


@record
class Field:
    """The value of a field."""

    column: Column

    @property
    def type(self) -> ValueType:
        """The field's type."""
        return self.column.type


@record
class Constant:
    """A literal: text, exact number, boolean, or the canonical text of a date, time, datetime or uuid."""

    type: ValueType
    value: str | Decimal | bool


@record
class Negation:
    """A number with its sign changed."""

    operand: Value
    type: ValueType


@record
class Arithmetic:
    """An exact calculation. Of integers it is an integer (`/` drops the rest), else a decimal (`/` has 20 places)."""

    operator: ArithmeticOperator
    left: Value
    right: Value
    type: ValueType


@record
class Call:
    """A function of a text: its length in characters, or its ASCII letters in lower or upper case."""

    function: Function
    operand: Value

    @property
    def type(self) -> ValueType:
        """Integer for a length, else text."""
        return ValueType.INTEGER if self.function == "length" else ValueType.TEXT


class _Boolean:
    """Conditions are of type BOOLEAN."""

    __slots__ = ()

    @property
    def type(self) -> ValueType:
        """BOOLEAN."""
        return ValueType.BOOLEAN


@record
class All(_Boolean):
    """Conditions joined by `and`."""

    parts: tuple[Condition, ...]


@record
class Any(_Boolean):
    """Conditions joined by `or`."""

    parts: tuple[Condition, ...]


@record
class Not(_Boolean):
    """The opposite of a condition; of unknown, unknown."""

    operand: Condition


@record
class Comparison(_Boolean):
    """Two values, or two conditions with `=` or `<>`; unknown when either is."""

    operator: ComparisonOperator
    left: Typed
    right: Typed
    numbers: Numbers = Numbers.STORED


@record
class Membership(_Boolean):
    """Whether a value equals one of several."""

    operand: Value
    items: tuple[Value, ...]
    negated: bool
    numbers: Numbers = Numbers.STORED


@record
class Range(_Boolean):
    """Whether a value lies between two others, both included."""

    operand: Value
    low: Value
    high: Value
    negated: bool
    numbers: Numbers = Numbers.STORED


@record
class NullTest(_Boolean):
    """Whether a value or condition is null (unknown); never unknown itself."""

    operand: Typed
    negated: bool


def children(node: Typed) -> tuple[Typed, ...]:
    """The direct parts of a node, in their order."""
    match node:
        case Field() | Constant():
            return ()
        case Negation(operand) | Not(operand):
            return (operand,)
        case Call(_, operand) | NullTest(operand):
            return (operand,)
        case Arithmetic(_, left, right) | Comparison(_, left, right):
            return (left, right)
        case All(parts) | Any(parts):
            return parts
        case Membership(operand, items):
            return (operand, *items)
        case Range(operand, low, high):
            return (operand, low, high)


def walk(node: Typed) -> Iterator[Typed]:
    """All nodes of a tree, parts before what they are parts of."""
    for child in children(node):
        yield from walk(child)
    yield node


def columns_of(node: Typed) -> tuple[Column, ...]:
    """The columns in a tree, each once, in the order of their first use."""
    return tuple(dict.fromkeys(part.column for part in walk(node) if isinstance(part, Field)))


def can_be_null(node: Typed) -> bool:
    """Whether a value can be null, or a condition unknown."""
    match node:
        case NullTest():
            return False
        case Field(column):
            return column.nullable
        case Arithmetic("/", _, right) if not isinstance(right, Constant):
            return True
        case _:
            return any(map(can_be_null, children(node)))


def as_comparisons(node: Membership | Range) -> Condition:
    """A membership or range written out with `and`, `or` and comparisons."""
    if isinstance(node, Range):
        bounds = (Comparison(">=", node.operand, node.low, node.numbers), Comparison("<=", node.operand, node.high, node.numbers))
        inner: Condition = All(bounds)
    else:
        known = tuple(item for item in node.items if not can_be_null(item))
        one_of = (Membership(node.operand, known, negated=False, numbers=node.numbers),) if known else ()
        others = (Comparison("=", node.operand, item, node.numbers) for item in node.items if can_be_null(item))
        inner = Any((*one_of, *others))
    return Not(inner) if node.negated else inner
