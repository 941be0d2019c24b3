"""Gives a rule its types: finds fields and functions, reads literals as what they are compared with, and refuses what makes no sense.

A part with a mistake becomes None, so that one mistake is reported once and the rest of the rule is still checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import cast

from generator import naming
from generator.ir import Kind, Span
from generator.nodes import Scalar
from generator.rules import syntax, tree
from generator.rules.reader import TOO_COMPLEX, RuleError
from generator.rules.syntax import Extent
from generator.rules.tree import NUMBERS, TEXTS, Column, Condition, Numbers, Typed, Value, ValueType
from generator.values import MistakeError, literal

UNKNOWN_FIELD = "RS411"
UNKNOWN_FUNCTION = "RS412"
WRONG_TYPE = "RS413"
NULL_COMPARISON = "RS414"
CONSTANT = "RS415"
BAD_LITERAL = "RS417"

FUNCTIONS = ("length", "lower", "upper")
DIVISION_PLACES = 20
"""Decimal places of a quotient that is no integer; what lies beyond is cut off."""

MAX_DIGITS = 5_000
"""Digits, before and after the point together, that a calculation may reach."""

MAX_LITERAL_DIGITS = 80
"""Digits of the result of a calculation with literals only."""

_CONTEXT = Context(prec=1_000)
_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_A_TYPE = {
    ValueType.TEXT: "a text",
    ValueType.ENUM: "an enum",
    ValueType.INTEGER: "a number",
    ValueType.DECIMAL: "a number",
    ValueType.FLOAT: "a number",
    ValueType.BOOLEAN: "a condition",
    ValueType.DATE: "a date",
    ValueType.TIME: "a time",
    ValueType.DATETIME: "a datetime",
    ValueType.UUID: "a uuid",
    ValueType.OTHER: "a list or json",
}
_CLOCKS = frozenset({"now", "today", "current_date", "current_time", "current_timestamp", "clock_timestamp"})
_LITERAL_KINDS = {
    ValueType.DATE: Kind.DATE,
    ValueType.TIME: Kind.TIME,
    ValueType.DATETIME: Kind.DATETIME,
    ValueType.UUID: Kind.UUID,
}
_DIGITS = {ValueType.INTEGER: (19, 0), ValueType.DECIMAL: (38, 38), ValueType.FLOAT: (309, 340)}
"""Digits before and after the point that a field can have."""


def check(expression: syntax.Expression, rule: str, columns: Mapping[str, Column]) -> tuple[Condition | None, tuple[RuleError, ...]]:
    """The typed tree of a whole rule and the mistakes in it; None when there are any. `columns` are the fields by their names."""
    checker = _Checker(rule, columns)
    condition = checker.condition(expression, "the rule")
    if condition is not None and not tree.columns_of(condition):
        checker.report(CONSTANT, "the rule uses no field, so it is always the same", expression.at)
    return (None if checker.mistakes else condition), tuple(checker.mistakes)


def check_value(expression: syntax.Expression, text: str, columns: Mapping[str, Column]) -> tuple[Typed | None, tuple[RuleError, ...]]:
    """The typed tree of the value that a whole expression gives, and the mistakes in it; None when there are any."""
    checker = _Checker(text, columns)
    value = checker.value(expression)
    if value is not None and not tree.columns_of(value):
        checker.report(CONSTANT, "the rule uses no field, so it is always the same", expression.at)
    return (None if checker.mistakes else value), tuple(checker.mistakes)


class _Checker:
    """One rule. `mistakes` collects what is wrong."""

    def __init__(self, rule: str, columns: Mapping[str, Column]) -> None:
        self.rule = rule
        self.columns = columns
        self.mistakes: list[RuleError] = []

    def report(self, code: str, message: str, at: Extent, label: str | None = None, hint: str | None = None) -> None:
        self.mistakes.append(RuleError(code, message, at, label, hint))

    def _source(self, at: Extent) -> str:
        """A part of the rule as it was written, shortened."""
        text = " ".join(self.rule[at.start : at.end].split())
        return text if len(text) <= 40 else f"{text[:39]}…"

    # Conditions

    def condition(self, expression: syntax.Expression, where: str) -> Condition | None:
        """The expression as a condition; anything else is a mistake of `where`, such as "`and`"."""
        match expression:
            case syntax.Infix("and" | "or"):
                return self._joined(expression)
            case syntax.Prefix("not", operand, _):
                inner = self.condition(operand, "`not`")
                return None if inner is None else tree.Not(inner)
            case syntax.Infix(operator) if operator in syntax.COMPARISONS:
                return self._comparison(expression)
            case syntax.NullCheck():
                return self._null_test(expression)
            case syntax.Contains():
                return self._membership(expression)
            case syntax.Between():
                return self._range(expression)
            case syntax.Truth(value, at):
                self.report(
                    CONSTANT,
                    f"`{'true' if value else 'false'}` is the same for every row",
                    at,
                    hint="leave it out, or compare a field with it",
                )
                return None
            case _:
                return self._boolean_field(expression, where)

    def _boolean_field(self, expression: syntax.Expression, where: str) -> Condition | None:
        value = self._value(expression)
        if value is None:
            return None
        if isinstance(value, tree.Field) and value.type is ValueType.BOOLEAN:
            return value
        source = self._source(expression.at)
        hint = f"compare it, as in: {source} is not null" if tree.can_be_null(value) else f"compare it, as in: {source} = …"
        self.report(WRONG_TYPE, f"{where} needs a condition, and `{source}` is {_A_TYPE[value.type]}", expression.at, hint=hint)
        return None

    def _joined(self, expression: syntax.Infix) -> Condition | None:
        operator = expression.operator
        flat: list[syntax.Expression] = []
        rest: syntax.Expression = expression
        while isinstance(rest, syntax.Infix) and rest.operator == operator:
            flat.append(rest.right)
            rest = rest.left
        flat.append(rest)
        parts = [self.condition(part, f"`{operator}`") for part in reversed(flat)]
        known = tuple(part for part in parts if part is not None)
        if len(known) < len(parts):
            return None
        return tree.All(known) if operator == "and" else tree.Any(known)

    def _null_test(self, expression: syntax.NullCheck) -> Condition | None:
        operand = self.value(expression.operand, allow_other=True)
        if operand is None:
            return None
        if not tree.can_be_null(operand):
            source = self._source(expression.operand.at)
            always = "true" if expression.negated else "false"
            hint = "leave the test out, or make the field nullable" if isinstance(operand, tree.Field) else "leave the test out"
            self.report(CONSTANT, f"`{source}` is never null, so this is always {always}", expression.at, hint=hint)
            return None
        return tree.NullTest(operand, expression.negated)

    def _comparison(self, expression: syntax.Infix) -> Condition | None:
        operator = cast("tree.ComparisonOperator", expression.operator)
        if isinstance(expression.left, syntax.Null) or isinstance(expression.right, syntax.Null):
            self._refuse_null_comparison(expression)
            return None
        left, right = self.value(expression.left), self.value(expression.right)
        if left is None or right is None:
            return None
        left, right = self._fit(left, expression.left, right), self._fit(right, expression.right, left)
        if left is None or right is None or not self._comparable(operator, left, right, expression):
            return None
        if not (tree.columns_of(left) or tree.columns_of(right)):
            self.report(CONSTANT, "the comparison uses no field, so it is always the same", expression.at)
            return None
        if left == right:
            self.report(CONSTANT, "both sides are the same, so the comparison never changes", expression.at)
            return None
        return tree.Comparison(operator, left, right, _numbers(left, right))

    def _refuse_null_comparison(self, expression: syntax.Infix) -> None:
        other = expression.left if isinstance(expression.right, syntax.Null) else expression.right
        source = self._source(other.at)
        hint = f"write `{source} is {'not ' if expression.operator == '<>' else ''}null`"
        message = "a comparison with `null` is never true nor false, so it always passes"
        self.report(NULL_COMPARISON, message, expression.at, hint=None if isinstance(other, syntax.Null) else hint)

    def _comparable(self, operator: str, left: Typed, right: Typed, expression: syntax.Infix) -> bool:
        """Whether two typed operands may be compared with the operator; reports why not."""
        if not _same_family(left.type, right.type):
            sides = (
                f"`{self._source(expression.left.at)}` is {_A_TYPE[left.type]}, `{self._source(expression.right.at)}` {_A_TYPE[right.type]}"
            )
            self.report(
                WRONG_TYPE, f"{_A_TYPE[left.type]} cannot be compared with {_A_TYPE[right.type]}", expression.at, sides, _hint(left, right)
            )
            return False
        if operator in {"=", "<>"}:
            return self._can_be_equal(left, right, expression.at)
        return self._ordered(operator, left, expression.operator_at) and self._ordered(operator, right, expression.operator_at)

    def _can_be_equal(self, left: Typed, right: Typed, at: Extent) -> bool:
        if not (isinstance(left, tree.Field) and isinstance(right, tree.Field) and left.type is right.type is ValueType.ENUM):
            return True
        if set(left.column.values).isdisjoint(right.column.values):
            self.report(CONSTANT, f"`{left.column.column}` and `{right.column.column}` have no value in common", at)
            return False
        return True

    def _ordered(self, operator: str, value: Typed, at: Extent) -> bool:
        if value.type is ValueType.ENUM:
            self.report(WRONG_TYPE, f"an enum has no order for `{operator}`", at, hint="name the values: priority in ('low', 'normal')")
        elif value.type is ValueType.BOOLEAN:
            self.report(WRONG_TYPE, f"conditions have no order for `{operator}`", at, hint="use `=`, `and`, `or` and `not`")
        else:
            return True
        return False

    def _membership(self, expression: syntax.Contains) -> Condition | None:
        operand = self._value(expression.operand)
        items = [self._value(item) for item in expression.items]
        known = [item for item in items if item is not None]
        if operand is None or len(known) < len(items):
            return None
        parts = self._group(expression.operand, operand, list(zip(expression.items, known, strict=True)), "=", expression.at)
        if parts is None:
            return None
        operand, fitted = parts
        return tree.Membership(operand, fitted, expression.negated, _numbers(operand, *fitted))

    def _range(self, expression: syntax.Between) -> Condition | None:
        operand, low, high = self._value(expression.operand), self._value(expression.low), self._value(expression.high)
        if operand is None or low is None or high is None:
            return None
        parts = self._group(expression.operand, operand, [(expression.low, low), (expression.high, high)], ">=", expression.at)
        if parts is None:
            return None
        operand, (low, high) = parts
        if isinstance(low, tree.Constant) and isinstance(high, tree.Constant) and _above(low, high):
            self.report(CONSTANT, "the range ends before it begins, so nothing lies in it", expression.at)
            return None
        return tree.Range(operand, low, high, expression.negated, _numbers(operand, low, high))

    def _group(
        self, source: syntax.Expression, operand: Value, items: list[tuple[syntax.Expression, Value]], operator: str, at: Extent
    ) -> tuple[Value, tuple[Value, ...]] | None:
        """An operand and the values it is held against, fitted to one another; None after a mistake."""
        if isinstance(operand, tree.Constant):
            field = next((item for _, item in items if not isinstance(item, tree.Constant)), None)
            if field is None:
                self.report(CONSTANT, "this uses no field, so it is always the same", at)
                return None
            fitted_operand = self._fit(operand, source, field)
        else:
            fitted_operand = operand
        if fitted_operand is None:
            return None
        count = len(self.mistakes)
        fitted: list[Value] = []
        for written, item in items:
            value = self._fit(item, written, fitted_operand)
            comparison = syntax.Infix(cast("syntax.InfixOperator", operator), source, written, written.at, written.at)
            if value is not None and self._comparable(operator, fitted_operand, value, comparison):
                fitted.append(cast("Value", value))
        if any(value.type is ValueType.BOOLEAN for value in (fitted_operand, *fitted)) and len(self.mistakes) == count:
            self.report(WRONG_TYPE, "conditions are not compared with a list or range", at, hint="use `=`, `and`, `or` and `not`")
        return (cast("Value", fitted_operand), tuple(fitted)) if len(self.mistakes) == count else None

    # Values

    def value(self, expression: syntax.Expression, *, allow_other: bool = False) -> Typed | None:
        """A value, or a condition where one is written."""
        match expression:
            case syntax.Infix("+" | "-" | "*" | "/") | syntax.Prefix("-"):
                return self._value(expression)
            case syntax.Infix() | syntax.Prefix() | syntax.NullCheck() | syntax.Contains() | syntax.Between():
                return self.condition(expression, "this")
            case _:
                return self._value(expression, allow_other=allow_other)

    def _value(self, expression: syntax.Expression, *, allow_other: bool = False) -> Value | None:
        match expression:
            case syntax.Name():
                return self._field(expression, allow_other=allow_other)
            case syntax.Text(value):
                return tree.Constant(ValueType.TEXT, value)
            case syntax.Number(digits):
                return _number(Decimal(digits))
            case syntax.Truth(value):
                return tree.Constant(ValueType.BOOLEAN, value)
            case syntax.Null(at):
                self.report(NULL_COMPARISON, "`null` is no value", at, hint="ask for it with `is null` or `is not null`")
                return None
            case syntax.Call():
                return self._call(expression)
            case syntax.Prefix("-", operand, _):
                return self._negation(operand)
            case syntax.Infix("+" | "-" | "*" | "/"):
                return self._arithmetic(expression)
            case _:
                if self.condition(expression, "this") is not None:
                    self.report(WRONG_TYPE, f"a value is needed, and `{self._source(expression.at)}` is a condition", expression.at)
                return None

    def _field(self, name: syntax.Name, *, allow_other: bool) -> Value | None:
        column = self.columns.get(name.name)
        if column is None:
            self._refuse_name(name)
            return None
        if column.type is ValueType.OTHER and not allow_other:
            message = f"`{name.name}` is a list or json, which a rule can only test with `is null`"
            self.report(WRONG_TYPE, message, name.at, hint="use the field's own constraints, such as min_items")
            return None
        return tree.Field(column)

    def _refuse_name(self, name: syntax.Name) -> None:
        message = f"the rule uses an unknown field `{name.name}`"
        label = "no such field"
        if name.name in naming.BUILT_IN_COLUMNS or name.name == naming.DELETED_AT:
            self.report(UNKNOWN_FIELD, message, name.at, label, "a rule sees the fields of the spec, not the built-in ones")
            return
        reference = next((field for field, column in self.columns.items() if column.column == name.name), None)
        suggestion = reference or naming.closest(name.name, self.columns)
        if name.quoted or any(name.name in column.values for column in self.columns.values()):
            text = name.name.replace("'", "''")
            hint = f"a text stands in single quotes: '{text}'"
        else:
            hint = (
                f"did you mean `{suggestion}`?"
                if suggestion
                else f"the fields are {', '.join(f'`{field}`' for field in sorted(self.columns))}"
            )
        self.report(UNKNOWN_FIELD, message, name.at, label, hint)

    def _call(self, call: syntax.Call) -> Value | None:
        written = self._source(call.name_at)
        arguments = [self._value(argument) for argument in call.arguments]
        if call.function not in FUNCTIONS:
            suggestion = naming.closest(call.function, FUNCTIONS)
            hint = f"did you mean `{suggestion}`?" if suggestion else "the functions are `length`, `lower` and `upper`"
            if call.function in _CLOCKS:
                hint = "a rule holds for the row alone, whenever it is looked at; compare with another field, or use a hook"
            self.report(UNKNOWN_FUNCTION, f"the rule uses an unknown function `{written}`", call.name_at, "no such function", hint)
            return None
        if len(arguments) != 1:
            self.report(UNKNOWN_FUNCTION, f"`{written}` takes one text, not {len(arguments)} values", call.at, "one text")
            return None
        operand = arguments[0]
        if operand is None:
            return None
        if operand.type not in TEXTS:
            self.report(
                WRONG_TYPE,
                f"`{written}` takes a text, and `{self._source(call.arguments[0].at)}` is {_A_TYPE[operand.type]}",
                call.arguments[0].at,
            )
            return None
        return _applied(call.function, operand)

    def _negation(self, operand: syntax.Expression) -> Value | None:
        value = self._numeric(operand, "-")
        match value:
            case None:
                return None
            case tree.Constant(_, Decimal() as number):
                return _number(-number)
            case tree.Negation(inner):
                return inner
            case _:
                return tree.Negation(value, ValueType.INTEGER if value.type is ValueType.INTEGER else ValueType.DECIMAL)

    def _arithmetic(self, expression: syntax.Infix) -> Value | None:
        operator = cast("tree.ArithmeticOperator", expression.operator)
        left, right = self._numeric(expression.left, operator), self._numeric(expression.right, operator)
        if left is None or right is None:
            return None
        if operator == "/" and isinstance(right, tree.Constant) and right.value == 0:
            self.report(CONSTANT, "a division by zero is null, so the rule says nothing", expression.at)
            return None
        if isinstance(left, tree.Constant) and isinstance(right, tree.Constant):
            return self._folded(operator, left, right, expression.at)
        whole = left.type is ValueType.INTEGER and right.type is ValueType.INTEGER
        result = tree.Arithmetic(operator, left, right, ValueType.INTEGER if whole else ValueType.DECIMAL)
        if sum(_digits(result)) > MAX_DIGITS:
            self.report(TOO_COMPLEX, f"the calculation can reach more than {MAX_DIGITS:,} digits", expression.at, hint="use fewer factors")
            return None
        return result

    def _folded(self, operator: tree.ArithmeticOperator, left: tree.Constant, right: tree.Constant, at: Extent) -> Value | None:
        """The result of a calculation with two literals."""
        numbers = cast("Decimal", left.value), cast("Decimal", right.value)
        result = _calculate(operator, *numbers, whole=left.type is right.type is ValueType.INTEGER)
        if len(result.as_tuple().digits) > MAX_LITERAL_DIGITS:
            self.report(TOO_COMPLEX, f"the result has more than {MAX_LITERAL_DIGITS} digits", at)
            return None
        return _number(result)

    def _numeric(self, expression: syntax.Expression, operator: str) -> Value | None:
        value = self._value(expression)
        if value is None or value.type in NUMBERS:
            return value
        message = f"`{operator}` calculates with numbers, and `{self._source(expression.at)}` is {_A_TYPE[value.type]}"
        hint = "compare dates and times as they are; rules do not calculate with them" if value.type in _LITERAL_KINDS else None
        self.report(WRONG_TYPE, message, expression.at, hint=hint)
        return None

    # Literals

    def _fit(self, value: Typed, written: syntax.Expression, other: Typed) -> Typed | None:
        """A text literal read as what it is compared with: a date, a time, a datetime, a uuid, or a value of an enum."""
        if not isinstance(value, tree.Constant) or not isinstance(value.value, str) or value.type is not ValueType.TEXT:
            return value
        if isinstance(other, tree.Field) and other.type is ValueType.ENUM:
            if value.value not in other.column.values:
                suggestion = naming.closest(value.value, other.column.values)
                listed = ", ".join(f"'{item}'" for item in other.column.values[:10])
                hint = f"did you mean '{suggestion}'?" if suggestion else f"its values are {listed}"
                self.report(BAD_LITERAL, f"`{value.value}` is no value of the enum `{other.column.column}`", written.at, hint=hint)
                return None
            return value
        kind = _LITERAL_KINDS.get(other.type)
        if kind is None:
            return value
        try:
            text = literal(kind, Scalar.at(Span("", 1, 1), value.value, "str", quoted=True))
        except MistakeError as mistake:
            self.report(BAD_LITERAL, f"the text compared with {_A_TYPE[other.type]} {mistake.message}", written.at)
            return None
        return replace(value, type=other.type, value=str(text))


# --- Without a place in the rule ----------------------------------------------------------------------------------------------------


def _number(value: Decimal) -> tree.Constant:
    """A literal number: an integer when it has no decimal places, which decides how it divides."""
    exponent = value.as_tuple().exponent
    return tree.Constant(ValueType.DECIMAL if isinstance(exponent, int) and exponent < 0 else ValueType.INTEGER, value)


def _calculate(operator: tree.ArithmeticOperator, left: Decimal, right: Decimal, *, whole: bool) -> Decimal:
    match operator:
        case "+":
            return _CONTEXT.add(left, right)
        case "-":
            return _CONTEXT.subtract(left, right)
        case "*":
            return _CONTEXT.multiply(left, right)
        case "/":
            places = Decimal(1) if whole else Decimal(1).scaleb(-DIVISION_PLACES)
            cut = Context(prec=1_000, rounding=ROUND_DOWN)
            return cut.quantize(cut.divide(left, right), places)


def _applied(function: tree.Function, operand: Value) -> Value:
    """A call; of a literal, its result."""
    if not isinstance(operand, tree.Constant) or not isinstance(operand.value, str):
        return tree.Call(function, operand)
    text = operand.value
    match function:
        case "length":
            return _number(Decimal(len(text)))
        case "lower":
            return replace(operand, value=text.translate(str.maketrans(_UPPER, _LOWER)))
        case "upper":
            return replace(operand, value=text.translate(str.maketrans(_LOWER, _UPPER)))


def _digits(node: Typed) -> tuple[int, int]:
    """How many digits before and after the point a number can have at most."""
    match node:
        case tree.Constant(_, Decimal() as value):
            exponent = value.as_tuple().exponent
            return max(value.adjusted() + 1, 1), max(-exponent, 0) if isinstance(exponent, int) else 0
        case tree.Negation(operand):
            return _digits(operand)
        case tree.Arithmetic(operator, left, right, kind):
            before, after = _digits(left)
            other_before, other_after = _digits(right)
            match operator:
                case "*":
                    return before + other_before, after + other_after
                case "/":
                    return (before, 0) if kind is ValueType.INTEGER else (before + other_after, DIVISION_PLACES)
                case _:
                    return max(before, other_before) + 1, max(after, other_after)
        case _:
            return _DIGITS.get(node.type, (0, 0))


def _numbers(*values: Typed) -> Numbers:
    """How the numbers of one comparison are compared, so that PostgreSQL and Python agree."""
    if any(isinstance(value, tree.Arithmetic | tree.Negation) and value.type is ValueType.DECIMAL for value in values):
        return Numbers.EXACT
    if not any(value.type is ValueType.FLOAT for value in values):
        return Numbers.STORED
    floats = all(value.type is ValueType.FLOAT or isinstance(value, tree.Constant) for value in values)
    return Numbers.FLOAT if floats else Numbers.EXACT


def _same_family(left: ValueType, right: ValueType) -> bool:
    return left is right or {left, right} <= NUMBERS or {left, right} <= TEXTS


def _hint(left: Typed, right: Typed) -> str | None:
    """What to do about two types that do not fit, where a literal is to blame."""
    for literal_side, other in ((left, right), (right, left)):
        if isinstance(literal_side, tree.Constant) and literal_side.type is ValueType.TEXT:
            if other.type in NUMBERS:
                return "numbers stand without quotes"
            if other.type is ValueType.BOOLEAN:
                return "`true` and `false` stand without quotes"
        if isinstance(literal_side, tree.Constant) and literal_side.type in NUMBERS and other.type in (TEXTS | _LITERAL_KINDS.keys()):
            return "texts, dates and times stand in single quotes"
    return None


def _above(low: tree.Constant, high: tree.Constant) -> bool:
    """Whether a literal is greater than another one of its type."""
    if isinstance(low.value, Decimal) and isinstance(high.value, Decimal):
        return low.value > high.value
    if isinstance(low.value, str) and isinstance(high.value, str):
        if low.type is ValueType.DATETIME:
            return datetime.fromisoformat(low.value) > datetime.fromisoformat(high.value)
        return low.value > high.value
    return False
