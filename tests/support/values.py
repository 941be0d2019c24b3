"""Values that a field accepts, at the ends of what it allows: as a body sends them, and as an answer gives them back."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from generator.ir import Bounds, EnumType, Field, FieldType, JsonType, JsonValue, Kind, ListType, Literally, Reference, ScalarType, Span
from generator.nodes import Mapping, Node, Scalar, Sequence
from generator.samples import WORDS, NoSampleError, sample_value
from generator.values import MistakeError, value_of

SPAN = Span("resources/value.yaml", 1, 1)
LONGEST = 3_000
"""Characters of the longest text that is tried; what indexes takes is less."""

TEXTS = (
    "plain",
    "",
    'O\'Neill "x" \\ {{ y }}',
    "100%_done",
    "a,b",
    "é\U0001f642",
    "e\u0301 \u200d\u00a0",
    "tab\tline\nline\r\n",
    " spaces ",
    "Zebra",
    "\u0130\u0131",
    "null",
    "\ufffd\uffff",
)
INTEGERS = (0, 1, -1, 5, 10, 15, 995, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
FLOATS = (0.5, 0.0, -0.0, 1e16, 1e22, 0.1, -1e-7, 5e-324, 1.7976931348623157e308, 123456789.125, 1.5, 100000000000000000000.0)
DATES = ("2026-02-28", "0001-01-01", "9999-12-31", "2024-02-29", "2000-03-01")
TIMES = ("12:30:00", "00:00:00", "23:59:59.999999", "09:00:00.5", "09:00:00.000001")
DATETIMES = (
    "2026-02-28T12:30:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2026-02-28T12:30:00.000001+05:30",
    "2026-02-28T12:30:00.1-11:59",
    "2026-02-28t12:30:01z",
)
UUIDS = (
    "0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70",
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "f190f3c2-7b1e-4c3a-9b4e-2f6d5a1c8e70",
)
EMAILS = ("ada@example.org", "o'neill+tag@sub.example.org", "Zoe@example.org")
URLS = ("https://example.org/a?b=c#d", "http://example.org:8080/%20", "https://example.org/ä,b", "ftp://example.org/x")
JSONS: tuple[JsonValue, ...] = (
    {"a": [1, 2.5, None, True, "x"], "": {}},
    [],
    "text",
    0,
    -0.5,
    1e16,
    10**30,
    True,
    {"é\U0001f642": "\u2028\\\"'"},
    [[[[]]]],
)


def accepts(field_type: FieldType, value: JsonValue) -> bool:
    """Whether the compiler takes `value` for a field of this type."""
    try:
        value_of(field_type, _node(value))
    except MistakeError:
        return False
    return True


def _node(value: JsonValue) -> Node:
    match value:
        case str():
            return Scalar.at(SPAN, value, "str", quoted=True)
        case bool():
            return Scalar.at(SPAN, json.dumps(value), "bool", quoted=False)
        case int() | float():
            return Scalar.at(SPAN, repr(value), "int" if isinstance(value, int) else "float", quoted=False)
        case list():
            return Sequence(tuple(_node(item) for item in value), SPAN)
        case dict():
            return Mapping(tuple((Scalar.at(SPAN, key, "str", quoted=True), _node(item)) for key, item in value.items()), SPAN)
        case None:
            return Scalar.at(SPAN, "null", "null", quoted=False)


def values_of(field: Field) -> list[JsonValue]:
    """Different values that the field accepts, a plausible one first; none for references."""
    found: list[JsonValue] = []
    with suppress(NoSampleError):
        found.append(sample_value(field))
    found += _candidates(field.type)
    if field.example is not None:
        found.append(str(field.example) if isinstance(field.example, Decimal) else field.example)
    kept: dict[str, JsonValue] = {}
    for value in found:
        if accepts(field.type, value):
            kept.setdefault(json.dumps(answered(field.type, value), sort_keys=True), value)
    return list(kept.values())


def _candidates(field_type: FieldType) -> list[JsonValue]:
    match field_type:
        case ScalarType():
            return _scalars(field_type)
        case EnumType(values=values):
            return [value.value for value in values]
        case JsonType():
            return list(JSONS)
        case ListType(of=of, min_items=least, max_items=most):
            items = [item for item in _candidates(of) if accepts(of, item)]
            counts = dict.fromkeys([max(least or 0, 1), least or 0, min(most, max(len(items), least or 0)), min(most, 12)])
            return [(items * (count // len(items) + 1))[:count] for count in counts if items]
        case Reference():
            return []


def _scalars(scalar: ScalarType) -> list[JsonValue]:
    bounds = scalar.bounds
    match scalar.kind:
        case Kind.STRING | Kind.TEXT:
            return _texts(bounds)
        case Kind.INTEGER | Kind.BIGINT:
            step = int(bounds.multiple_of or 1)
            near = [int(limit) for limit in _limits(bounds) if isinstance(limit, Decimal)]
            return [*INTEGERS, *(number + shift for number in near for shift in (0, 1, -1, step, -step))]
        case Kind.FLOAT:
            near = [float(limit) for limit in _limits(bounds) if isinstance(limit, Decimal)]
            return [*FLOATS, *near, *(math.nextafter(limit, end) for limit in near for end in (math.inf, -math.inf))]
        case Kind.DECIMAL:
            return _decimals(scalar)
        case Kind.BOOLEAN:
            return [True, False]
        case Kind.DATE:
            return [*DATES, *(limit for limit in _limits(bounds) if isinstance(limit, str))]
        case Kind.TIME:
            return [*TIMES, *(limit for limit in _limits(bounds) if isinstance(limit, str))]
        case Kind.DATETIME:
            return [*DATETIMES, *(limit for limit in _limits(bounds) if isinstance(limit, str))]
        case Kind.UUID:
            return list(UUIDS)
        case Kind.EMAIL:
            return list(EMAILS)
        case Kind.URL:
            return list(URLS)


def _limits(bounds: Bounds) -> list[Decimal | str]:
    return [limit for limit in (bounds.ge, bounds.gt, bounds.le, bounds.lt) if limit is not None]


def _texts(bounds: Bounds) -> list[JsonValue]:
    longest = min(bounds.max_length or LONGEST, LONGEST)
    least = bounds.min_length or 0
    texts = [*TEXTS, *WORDS] if bounds.pattern else [*TEXTS]
    padded = [text[:longest].ljust(least, "x") for text in texts]
    return [*padded, "é" * longest, "y" * least]


def _decimals(scalar: ScalarType) -> list[JsonValue]:
    precision, scale = scalar.precision or 0, scalar.scale or 0
    step = Decimal(1).scaleb(-scale)
    most = (Decimal(10) ** precision - 1).scaleb(-scale)
    near = [limit for limit in _limits(scalar.bounds) if isinstance(limit, Decimal)]
    numbers = [Decimal(0), Decimal(1), most, -most, step, -step, *near, *(limit + shift for limit in near for shift in (step, -step))]
    return [*(format(number, "f") for number in numbers), "-0", "007"]


def answered(field_type: FieldType, value: JsonValue | Decimal) -> JsonValue:
    """How an answer shows a value that was sent: in UTC, with all decimals, in small letters where case has no meaning."""
    if value is None:
        return None
    match field_type:
        case ScalarType(kind=Kind.DECIMAL, scale=scale):
            return f"{0 if Decimal(str(value)) == 0 else Decimal(str(value)):.{scale or 0}f}"
        case ScalarType(kind=Kind.DATETIME):
            return datetime.fromisoformat(str(value).upper()).astimezone(UTC).isoformat().replace("+00:00", "Z")
        case ScalarType(kind=Kind.TIME):
            return time.fromisoformat(str(value)).isoformat()
        case ScalarType(kind=Kind.UUID) | Reference():
            return str(value).lower()
        case ScalarType(kind=Kind.FLOAT):
            return float(str(value))
        case ListType(of=of) if isinstance(value, list):
            return [answered(of, item) for item in value]
        case JsonType():
            return _stored_json(value)
        case _:
            return value if not isinstance(value, Decimal) else str(value)


def _stored_json(value: Any) -> Any:
    """PostgreSQL keeps numbers of JSON as decimals: 1e16 comes back as a whole number, and keys in an order of its own."""
    match value:
        case list():
            return [_stored_json(item) for item in value]
        case dict():
            return {key: _stored_json(item) for key, item in value.items()}
        case float() if abs(value) >= 1e16:
            return int(value)
        case _:
            return value


def default_of(field: Field) -> JsonValue:
    """What an answer shows of a field that was not sent; AssertionError for defaults that are made anew each time."""
    if field.default is None:
        return None
    assert isinstance(field.default, Literally)
    return answered(field.type, field.default.value)


def compared(field_type: FieldType, value: JsonValue) -> Any:
    """An answered value as something that compares in the order of the database."""
    match field_type:
        case EnumType(values=values):
            return [member.value for member in values].index(str(value))
        case ScalarType(kind=Kind.DECIMAL):
            return Decimal(str(value))
        case ScalarType(kind=Kind.DATE):
            return date.fromisoformat(str(value))
        case ScalarType(kind=Kind.TIME):
            return time.fromisoformat(str(value))
        case ScalarType(kind=Kind.DATETIME):
            return datetime.fromisoformat(str(value))
        case ScalarType(kind=Kind.UUID) | Reference():
            return UUID(str(value))
        case _:
            return value
