"""The rules of `checks` and the expressions of computed fields: read, typed, and written as SQL and as Python.

A rule is a condition over the fields of its resource: `not completed or notes is not null`. It holds unless it is false; a rule that
is unknown, because a field in it is null, passes. Both outputs of a rule decide every row alike:

* texts are compared by code point; `lower` and `upper` change ASCII letters only; `length` counts characters;
* integers divide without a rest, towards zero; other numbers calculate exactly, and a quotient is cut after 20 places;
* a float calculates as the decimal of its 15 significant digits; compared with a literal or another float it is the float it is;
* a division by zero is null, so that what depends on it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import cast

from generator import ir
from generator.diagnostics import Diagnostic, error
from generator.ir import EnumType, Kind, Reference, ScalarType, Span
from generator.records import record
from generator.rules import tree
from generator.rules.checker import (
    BAD_LITERAL,
    CONSTANT,
    NULL_COMPARISON,
    UNKNOWN_FIELD,
    UNKNOWN_FUNCTION,
    WRONG_TYPE,
    check,
    check_value,
)
from generator.rules.empty import holds_empty
from generator.rules.reader import SYNTAX, TOO_COMPLEX, RuleError, read
from generator.rules.syntax import Extent
from generator.rules.to_python import RUNTIME, python_of, uses_runtime, value_python
from generator.rules.to_sql import sql_of, value_sql
from generator.rules.tree import NUMBERS, TEXTS, Column, Numbers, Typed, ValueType, can_be_null, columns_of
from generator.types import SCALARS, sql_type

_TYPES = {
    Kind.STRING: ValueType.TEXT,
    Kind.TEXT: ValueType.TEXT,
    Kind.EMAIL: ValueType.TEXT,
    Kind.URL: ValueType.TEXT,
    Kind.INTEGER: ValueType.INTEGER,
    Kind.BIGINT: ValueType.INTEGER,
    Kind.FLOAT: ValueType.FLOAT,
    Kind.DECIMAL: ValueType.DECIMAL,
    Kind.BOOLEAN: ValueType.BOOLEAN,
    Kind.DATE: ValueType.DATE,
    Kind.TIME: ValueType.TIME,
    Kind.DATETIME: ValueType.DATETIME,
    Kind.UUID: ValueType.UUID,
}
_LABELS = {
    SYNTAX: "not expected here",
    TOO_COMPLEX: "too much for a rule",
    UNKNOWN_FIELD: "no such field",
    UNKNOWN_FUNCTION: "not so",
    WRONG_TYPE: "does not fit",
    NULL_COMPARISON: "never false",
    CONSTANT: "always the same",
    BAD_LITERAL: "not a value of it",
}
"""What stands under the place of a mistake that has neither a label nor a hint of its own."""


@record
class Rule:
    """A rule that makes sense.

    `sql` is the expression of a CHECK; `python` an expression over `self.<column>` that is true exactly when that CHECK is violated, else
    false. It needs `imports`, which are modules of `app.api`. `columns` are the columns in the rule, in the order of their first use.
    `holds_empty` says whether it holds where all of them are null.
    """

    sql: str
    python: str
    columns: tuple[str, ...]
    imports: tuple[str, ...]
    holds_empty: bool = True


def rule_columns(fields: Iterable[ir.Field]) -> dict[str, Column]:
    """The fields of a resource as `compile_rule` takes them, by their names in the spec."""
    return {field.name: _column(field) for field in fields}


def _column(field: ir.Field) -> Column:
    match field.type:
        case ScalarType(kind=kind):
            return Column(field.column, _TYPES[kind], field.nullable)
        case EnumType(values=values):
            return Column(field.column, ValueType.ENUM, field.nullable, tuple(value.value for value in values))
        case Reference():
            return Column(field.column, ValueType.UUID, field.nullable)
        case _:
            return Column(field.column, ValueType.OTHER, field.nullable)


def compile_rule(text: str, span: Span, columns: Mapping[str, Column]) -> Rule | tuple[Diagnostic, ...]:
    """The rule that a text stands for, or what is wrong with it.

    `span` is the place of the whole scalar in the spec, quotes included; `columns` are the fields by their names in the spec
    (see `rule_columns`). Diagnostics point at the words concerned.
    """
    try:
        expression = read(text, columns)
    except RuleError as mistake:
        return (_diagnostic(mistake, text, span),)
    condition, mistakes = check(expression, text, columns)
    if condition is None:
        return tuple(_diagnostic(mistake, text, span) for mistake in mistakes)
    python = python_of(condition)
    return Rule(
        sql=sql_of(condition),
        python=python,
        columns=tuple(column.column for column in columns_of(condition)),
        imports=(RUNTIME,) if uses_runtime(python) else (),
        holds_empty=holds_empty(condition),
    )


@record
class Computation:
    """What a computed field is made of.

    `sql` gives its value in its type. `python` gives the same over `self.<column>`, which needs `imports`, modules of `app.api`.
    `columns` are those in it. `nullable` says whether it can be null. `range` is the rule that the value fits its type, or None where it
    always does.
    """

    sql: str
    python: str
    columns: tuple[str, ...]
    imports: tuple[str, ...]
    nullable: bool
    range: Rule | None


_RESULTS = {
    Kind.BOOLEAN: frozenset({ValueType.BOOLEAN}),
    Kind.INTEGER: frozenset({ValueType.INTEGER}),
    Kind.BIGINT: frozenset({ValueType.INTEGER}),
    Kind.DECIMAL: NUMBERS,
    Kind.STRING: TEXTS,
    Kind.TEXT: TEXTS,
}
"""What the expression of a computed field of each type may give."""

_TYPES_OF = {
    ValueType.BOOLEAN: "`boolean`",
    ValueType.INTEGER: "`integer`, `bigint` or `decimal`",
    ValueType.DECIMAL: "`decimal`",
    ValueType.FLOAT: "`decimal`",
    ValueType.TEXT: "`string` or `text`",
    ValueType.ENUM: "`string` or `text`",
}


def compile_value(
    text: str, span: Span, columns: Mapping[str, Column], scalar: ScalarType, *, table: str | None = None
) -> Computation | tuple[Diagnostic, ...]:
    """What the expression of a computed field of type `scalar` stands for, or what is wrong with it; see `compile_rule`.

    With `table`, columns have its name before them in `sql`.
    """
    try:
        expression = read(text, columns)
        value, mistakes = check_value(expression, text, columns)
    except RuleError as mistake:
        value, mistakes = None, (mistake,)
    if value is None:
        return tuple(_of_expression(_diagnostic(mistake, text, span)) for mistake in mistakes)
    if value.type not in _RESULTS[scalar.kind]:
        fitting = _TYPES_OF.get(value.type)
        hint = f"its type would be {fitting}" if fitting else "compare it, or use the field itself"
        return (error("RS418", f"the expression gives no `{scalar.kind}`", span, "another type", hint=hint),)
    python = value_python(value, scalar.scale if scalar.kind is Kind.DECIMAL else None)
    named = {name: replace(column, table=table) for name, column in columns.items()}
    in_sql, _ = check_value(read(text, named), text, named)
    return Computation(
        sql=value_sql(in_sql or value, sql_type(scalar)),
        python=python,
        columns=tuple(column.column for column in columns_of(value)),
        imports=(RUNTIME,) if uses_runtime(python) else (),
        nullable=can_be_null(value),
        range=_range(value, scalar),
    )


def _range(value: Typed, scalar: ScalarType) -> Rule | None:
    """The rule that a number fits into the type."""
    if value.type not in NUMBERS or isinstance(value, tree.Call):
        return None
    limits = SCALARS[scalar.kind].range
    if limits is not None:
        low, high = (tree.Constant(ValueType.INTEGER, Decimal(limit)) for limit in limits)
    else:
        digits = (9,) * (scalar.precision or 0)
        low, high = (tree.Constant(ValueType.DECIMAL, Decimal((sign, digits, -(scalar.scale or 0)))) for sign in (1, 0))
    condition = tree.Range(cast("tree.Value", value), low, high, negated=False, numbers=Numbers.STORED if limits else Numbers.EXACT)
    python = python_of(condition)
    fields = tuple(column.column for column in columns_of(condition))
    return Rule(sql_of(condition), python, fields, (RUNTIME,) if uses_runtime(python) else ())


def _of_expression(diagnostic: Diagnostic) -> Diagnostic:
    """A diagnostic about a rule, about the expression of a computed field."""

    def reworded(words: str | None) -> str | None:
        return words and re.sub(r"\brules\b", "expressions", re.sub(r"\brule\b", "expression", words.replace("a rule", "an expression")))

    return replace(diagnostic, message=reworded(diagnostic.message) or "", label=reworded(diagnostic.label), hint=reworded(diagnostic.hint))


def _diagnostic(mistake: RuleError, text: str, span: Span) -> Diagnostic:
    label = mistake.label or (_LABELS[mistake.code] if mistake.hint is None else None)
    return error(mistake.code, mistake.message, place(text, span, mistake.at), label, hint=mistake.hint)


def place(text: str, span: Span, at: Extent) -> Span:
    """Where a part of a scalar's text stands in its file: exact for plain and quoted scalars of one line, else the whole scalar.

    How the scalar is quoted is told by its length: two more than the text, and one more for each quote in it that had to be doubled
    or escaped.
    """
    quotes = span.length - len(text) - 2
    if span.length == len(text):
        before = 0
    elif quotes == 0:
        before = 1
    elif quotes > 0 and (character := _doubled(text, quotes)):
        before = 1 + text.count(character, 0, at.start)
    else:
        return span
    inside = text[at.start : at.end]
    doubled = text.count(_doubled(text, quotes) or "'", at.start, at.end) if quotes > 0 else 0
    return replace(span, column=span.column + before + at.start, length=max(len(inside) + doubled, 1))


def _doubled(text: str, quotes: int) -> str | None:
    """The quotation mark that occurs so often in a text, or None."""
    return next((character for character in "'\"" if text.count(character) == quotes), None)
