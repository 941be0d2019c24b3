"""Values of a spec: the literals of defaults, examples and bounds, read from their source text and held against their type.

Each function returns the value as the IR stores it or raises a `MistakeError`, whose text completes a sentence about the key concerned.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from uuid import UUID

from generator.ir import EnumType, FieldType, JsonType, JsonValue, Kind, ListType, Reference, ScalarType
from generator.naming import closest, shown
from generator.nodes import Mapping, Node, Scalar, Sequence
from generator.patterns import matches
from generator.types import INT64, SCALARS, Reading, ScalarRow

type Value = JsonValue | Decimal

MAX_JSON_DEPTH = 64
MAX_JSON_BYTES = 65_536
MAX_NUMBER = 400
"""Characters of a number, and the largest power of ten in one: beyond every type."""

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL_TEXT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_URL = re.compile(r"https?://[^\s/?#]+\S*")
_EXACT = Context(prec=1000)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)


class MistakeError(Exception):
    """A value that does not fit. `wrong_type` tells a value of another type from one that breaks a constraint; `node` is where."""

    def __init__(self, message: str, node: Node, hint: str | None = None, *, wrong_type: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.hint = hint
        self.wrong_type = wrong_type


def _wrong(expected: str, node: Node, hint: str | None = None) -> MistakeError:
    return MistakeError(f"must be {expected}, not {_found(node)}", node, hint, wrong_type=True)


def _found(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.kind == "null":
        return "null"
    text = shown(node.text)
    return {"bool": "the boolean", "int": "the number", "float": "the number", "str": "the text"}[node.kind] + f" `{text}`"


# --- literals of one type -----------------------------------------------------------------------------------------------------------


def number(node: Node) -> Decimal:
    """A number, exactly as written: no `0777`, no `.nan`, and nothing of more than 400 characters or powers of ten."""
    if not isinstance(node, Scalar) or node.kind not in {"int", "float"}:
        raise _wrong("a number", node, _plain_number_hint(node))
    if len(node.text) > MAX_NUMBER:
        raise MistakeError(f"is a number of {len(node.text)} characters, far beyond every type", node)
    value = node.number()
    if value is None:
        raise _wrong("a plain decimal number", node, _plain_number_hint(node))
    if value and abs(value.adjusted()) > MAX_NUMBER:
        raise MistakeError(f"is the number `{node.text}`, far beyond every type", node)
    return value


def _plain_number_hint(node: Node) -> str | None:
    if not isinstance(node, Scalar):
        return None
    plain = re.sub(r"^([+-]?)0+(?=[0-9])", r"\1", node.text.replace("_", "").replace(",", "").strip())
    return f"write `{plain}`" if len(plain) <= MAX_NUMBER and _NUMBER.fullmatch(plain) else None


def _text(node: Node, _row: ScalarRow) -> str:
    if not isinstance(node, Scalar) or node.kind != "str":
        hint = f'put it in quotes: "{shown(node.text)}"' if isinstance(node, Scalar) and node.kind != "null" else None
        raise _wrong("text", node, hint)
    if "\0" in node.text:
        raise MistakeError("holds the character U+0000, which PostgreSQL cannot store", node)
    return node.text


def _whole(node: Node, row: ScalarRow) -> int:
    value = number(node)
    if not isinstance(node, Scalar) or not _INTEGER.fullmatch(node.text):
        raise _wrong("a whole number", node)
    low, high = row.range or INT64
    if not low <= value <= high:
        raise MistakeError(f"is {value}, outside the range of `{row.kind}` ({low} to {high})", node)
    return int(value)


def _number(node: Node, _row: ScalarRow) -> Decimal:
    if isinstance(node, Scalar) and node.kind == "str" and len(node.text) <= MAX_NUMBER and _DECIMAL_TEXT.fullmatch(node.text):
        return Decimal(node.text)
    return number(node)


def _float(node: Node, _row: ScalarRow) -> float:
    value = float(number(node))
    if not math.isfinite(value):
        raise MistakeError("is beyond the range of `float`", node)
    return value


def _boolean(node: Node, _row: ScalarRow) -> bool:
    value = node.boolean() if isinstance(node, Scalar) else None
    if value is not None:
        return value
    raise _wrong("`true` or `false`", node)


def _date(node: Node, _row: ScalarRow) -> str:
    text = _literal(node, _DATE, "a date such as 2026-02-28")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise MistakeError(f"is `{text}`, a day that does not exist", node) from None


def _time(node: Node, _row: ScalarRow) -> str:
    text = _literal(node, _TIME, "a time such as 12:30:00")
    try:
        return time.fromisoformat(text).isoformat()
    except ValueError:
        raise MistakeError(f"is `{text}`, a time that does not exist", node) from None


def _datetime(node: Node, _row: ScalarRow) -> str:
    text = _literal(node, _DATETIME, "a date and time with a zone, such as 2026-02-28T12:30:00Z")
    try:
        value = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MistakeError(f"is `{text}`, a time that does not exist", node) from None
    return value.isoformat().replace("+00:00", "Z")


def _uuid(node: Node, _row: ScalarRow) -> str:
    return str(UUID(_literal(node, _UUID, "a UUID such as 0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70")))


def _literal(node: Node, pattern: re.Pattern[str], expected: str) -> str:
    if isinstance(node, Scalar) and node.kind == "str" and pattern.fullmatch(node.text):
        return node.text
    raise _wrong(expected, node)


_READERS: dict[Reading, Callable[[Node, ScalarRow], str | int | float | bool | Decimal]] = {
    "text": _text,
    "whole": _whole,
    "number": _number,
    "float": _float,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "uuid": _uuid,
}


def literal(kind: Kind, node: Node) -> str | int | float | bool | Decimal:
    """The value of a node as one of `kind`, without regard to bounds: text, whole numbers as int, exact decimals, canonical RFC 3339."""
    row = SCALARS[kind]
    return _READERS[row.reading](node, row)


# --- values of a field --------------------------------------------------------------------------------------------------------------


def value_of(type_: FieldType, node: Node) -> Value:
    """The value of a node as one of a field's type, bounds included; decimals of a list are text, as on the wire."""
    match type_:
        case ScalarType():
            return _scalar(type_, node)
        case EnumType():
            return _enum(type_, node)
        case ListType():
            return _list(type_, node)
        case JsonType():
            return _json(node)
        case Reference():
            return _uuid(node, SCALARS[Kind.UUID])


def _scalar(type_: ScalarType, node: Node) -> str | int | float | bool | Decimal:
    value = literal(type_.kind, node)
    if isinstance(value, Decimal):
        value = _fitted(value, type_, node)
    problem = _broken_bound(value, type_)
    if problem:
        raise MistakeError(problem, node)
    return value


def _fitted(value: Decimal, type_: ScalarType, node: Node) -> Decimal:
    """A decimal with exactly the digits of its type."""
    precision, scale = type_.precision, type_.scale
    if precision is None or scale is None:  # reported where they are missing
        return value
    with localcontext(_EXACT):
        rounded = value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_FLOOR)
        if rounded != value:
            raise MistakeError(f"is {value:f}, which has more than {scale} decimals", node)
        if rounded and rounded.adjusted() >= precision - scale:
            raise MistakeError(f"is {value:f}, which has more than {precision - scale} digits before the point", node)
    return rounded or abs(rounded)  # no minus before a zero


_COMPARISONS = (("ge", "at least", (0, 1)), ("gt", "more than", (1,)), ("le", "at most", (0, -1)), ("lt", "less than", (-1,)))
"""Bound, words, and what the comparison of a value with the bound may give."""


def _broken_bound(value: str | float | bool | Decimal, type_: ScalarType) -> str | None:
    if SCALARS[type_.kind].textual:
        return _broken_text(str(value), type_)
    if type_.kind in {Kind.BOOLEAN, Kind.UUID}:
        return None
    place = rank(type_.kind, value)
    for key, words, allowed in _COMPARISONS:
        bound: Decimal | str | None = getattr(type_.bounds, key)
        if bound is not None and place.compare(rank(type_.kind, bound)) not in allowed:
            return f"is {value}, but `{key}` says {words} {bound}"
    step = type_.bounds.multiple_of
    if step is not None:
        with localcontext(_EXACT):
            if place % step:
                return f"is {value}, which is no multiple of {step}"
    return None


def rank(kind: Kind, value: str | float | Decimal) -> Decimal:
    """A number, or a canonical date or time, as a number that compares in the same way: days, or microseconds."""
    match kind:
        case Kind.DATE:
            return Decimal(date.fromisoformat(str(value)).toordinal())
        case Kind.TIME:
            return Decimal((datetime.combine(date.min, time.fromisoformat(str(value)), UTC) - _FIRST) // _MICROSECOND)
        case Kind.DATETIME:
            return Decimal((datetime.fromisoformat(str(value)) - _FIRST) // _MICROSECOND)
        case _:
            return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _broken_text(value: str, type_: ScalarType) -> str | None:
    bounds = type_.bounds
    if bounds.min_length is not None and len(value) < bounds.min_length:
        return f"has {len(value)} characters, but `min_length` is {bounds.min_length}"
    if bounds.max_length is not None and len(value) > bounds.max_length:
        return f"has {len(value)} characters, but `max_length` is {bounds.max_length}"
    if bounds.pattern is not None and not matches(bounds.pattern, value):
        return f"does not match the pattern `{shown(bounds.pattern)}`"
    if type_.kind is Kind.EMAIL and not _EMAIL.fullmatch(value):
        return "is no email address"
    if type_.kind is Kind.URL and not _URL.fullmatch(value):
        return "is no http or https URL"
    return None


def _enum(type_: EnumType, node: Node) -> str:
    values = tuple(value.value for value in type_.values)
    if isinstance(node, Scalar) and node.kind == "str":
        if node.text in values:
            return node.text
        guess = closest(node.text, values)
        listed = ", ".join(f"`{shown(value)}`" for value in values[:10]) + (" …" if len(values) > 10 else "")
        raise MistakeError(f"is `{shown(node.text)}`, which is none of {listed}", node, f"did you mean `{guess}`?" if guess else None)
    raise _wrong("one of the enum's values", node)


def _list(type_: ListType, node: Node) -> Value:
    if not isinstance(node, Sequence):
        raise _wrong("a list", node)
    if type_.min_items is not None and len(node.items) < type_.min_items:
        raise MistakeError(f"has {len(node.items)} items, but `min_items` is {type_.min_items}", node)
    if len(node.items) > type_.max_items:
        raise MistakeError(f"has {len(node.items)} items, but `max_items` is {type_.max_items}", node)
    items: list[JsonValue] = []
    for item in node.items:
        value = value_of(type_.of, item)
        items.append(f"{value:f}" if isinstance(value, Decimal) else value)
    return items


def _json(node: Node) -> JsonValue:
    value = _json_value(node, 1)
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))
    if size > MAX_JSON_BYTES:
        raise MistakeError(f"takes {size} bytes as JSON, more than {MAX_JSON_BYTES}", node)
    return value


def _json_value(node: Node, depth: int) -> JsonValue:
    if depth > MAX_JSON_DEPTH:
        raise MistakeError(f"has more than {MAX_JSON_DEPTH} levels", node)
    if isinstance(node, Sequence):
        return [_json_value(item, depth + 1) for item in node.items]
    if isinstance(node, Mapping):
        for key, _ in node.entries:
            if key.kind != "str":
                raise MistakeError(f"has the key `{key.text}`, which is no text", key, f'put it in quotes: "{key.text}"', wrong_type=True)
            _text(key, SCALARS[Kind.TEXT])
        return {key.text: _json_value(value, depth + 1) for key, value in node.entries}
    match node.kind:
        case "null":
            return None
        case "bool":
            return _boolean(node, SCALARS[Kind.BOOLEAN])
        case "str":
            return _text(node, SCALARS[Kind.TEXT])
        case "int" | "float":
            kind = Kind.BIGINT if _INTEGER.fullmatch(node.text) else Kind.FLOAT
            return _whole(node, SCALARS[kind]) if kind is Kind.BIGINT else _float(node, SCALARS[kind])


# --- bounds against each other ------------------------------------------------------------------------------------------------------


def is_empty_range(type_: ScalarType) -> bool:
    """Whether no value at all satisfies the bounds of a number, date or time."""
    bounds = type_.bounds
    if all(bound is None for bound in (bounds.ge, bounds.gt, bounds.le, bounds.lt, bounds.multiple_of)):
        return False
    with localcontext(_EXACT):
        lows = [(rank(type_.kind, bound), strict) for bound, strict in ((bounds.ge, False), (bounds.gt, True)) if bound is not None]
        highs = [(rank(type_.kind, bound), strict) for bound, strict in ((bounds.le, False), (bounds.lt, True)) if bound is not None]
        step = _step(type_)
        if step is None:
            return any(low > high or (low == high and (a or b)) for low, a in lows for high, b in highs)
        least, most = _limits(type_)
        first = max(_first(low, step, strict) for low, strict in [(least, False), *lows])
        last = min(-_first(-high, step, strict) for high, strict in [(most, False), *highs])
        return first > last


def _step(type_: ScalarType) -> Decimal | None:
    """The distance between two neighbouring values, or None where they are dense."""
    if type_.bounds.multiple_of is not None:
        return type_.bounds.multiple_of
    if type_.kind is Kind.DECIMAL:
        return None if type_.scale is None or type_.precision is None else Decimal(1).scaleb(-type_.scale)
    return None if type_.kind is Kind.FLOAT else Decimal(1)


def _limits(type_: ScalarType) -> tuple[Decimal, Decimal]:
    """The least and the greatest value of a type that has a step, as ranks."""
    match type_.kind:
        case Kind.DATE:
            return rank(type_.kind, "0001-01-01"), rank(type_.kind, "9999-12-31")
        case Kind.TIME:
            return rank(type_.kind, "00:00:00"), rank(type_.kind, "23:59:59.999999")
        case Kind.DATETIME:
            return rank(type_.kind, "0001-01-01T00:00:00Z"), rank(type_.kind, "9999-12-31T23:59:59.999999Z")
        case Kind.DECIMAL:
            high = (Decimal(10) ** (type_.precision or 0) - 1).scaleb(-(type_.scale or 0))
            return -high, high
        case _:
            low, high = SCALARS[type_.kind].range or INT64
            return Decimal(low), Decimal(high)


def _first(low: Decimal, step: Decimal, strict: bool) -> Decimal:
    """The smallest multiple of `step` that is at least `low`, or more than it."""
    multiple = (low / step).to_integral_value(ROUND_CEILING) * step
    return multiple + step if strict and multiple == low else multiple
