"""Sample values: JSON that a resource's create operation accepts, built from its types, bounds and examples.

For the command line that `serve` prints and for tests that work on any resource. The rules of `checks` are not solved: a spec whose rule
refuses the sample needs an `example`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from uuid import UUID

from generator.ir import Bounds, EnumType, Field, JsonType, JsonValue, Kind, ListType, Literally, Reference, Resource, ScalarType
from generator.types import SCALARS

START = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
WORDS = (
    "a",
    "A",
    "1",
    "abc",
    "ABC",
    "Abc",
    "abc-1",
    "abc_1",
    "A-1",
    "ABC-123",
    "AB12",
    "a1b2c3",
    "12345",
    "+123456789",
    "1.0",
    "#a1b2c3",
    "en-GB",
    "2026-01-15",
)
"""What is tried on a pattern."""


class NoSampleError(LookupError):
    """No sample is known for a field; an `example` in its spec helps."""


def sample_body(
    resource: Resource, number: int = 1, references: Mapping[str, str] | None = None, *, optional: bool = False
) -> dict[str, JsonValue]:
    """A body that creates a row of `resource`.

    Args:
        resource: What to create.
        number: From 1; different numbers give different values where the type has room, so that unique constraints hold.
        references: Ids for references, by column (`project_id`). The others are left out, which only nullable ones allow.
        optional: Whether to give the fields that are not required, too.

    Raises:
        NoSampleError: A field has a pattern that no known sample matches, and no example.
    """
    unique = {column for constraint in resource.unique for column in constraint.columns}
    body: dict[str, JsonValue] = {}
    for field in resource.fields:
        if field.write == "never":
            continue
        if isinstance(field.type, Reference):
            if references is not None and field.column in references:
                body[field.column] = references[field.column]
        elif optional or field.required:
            body[field.column] = sample_value(field, number if field.column in unique else 1)
    return body


def sample_value(field: Field, number: int = 1) -> JsonValue:
    """A value that `field` accepts. NoSampleError when none is known, as for references."""
    if isinstance(field.type, Reference):
        raise NoSampleError(f"{field.name} is a reference")
    if number == 1 and field.example is not None:
        return _json(field.example)
    if number == 1 and isinstance(field.default, Literally) and field.default.value is not None:
        return _json(field.default.value)
    return _sample(field.type, number, field.example, field.name)


def _sample(kind: ScalarType | EnumType | ListType | JsonType, number: int, example: JsonValue | Decimal, name: str) -> JsonValue:
    match kind:
        case EnumType(values=values):
            return values[(number - 1) % len(values)].value
        case JsonType():
            return {"number": number}
        case ListType(of=of, min_items=least):
            return [_sample(of, number + index, None, name) for index in range(max(least or 0, 1))]
        case ScalarType():
            return _sample_scalar(kind, number, example, name)


def _sample_scalar(scalar: ScalarType, number: int, example: JsonValue | Decimal, name: str) -> JsonValue:
    match scalar.kind:
        case Kind.STRING | Kind.TEXT:
            return _sample_text(scalar.bounds, number, example, name)
        case Kind.EMAIL:
            return f"user{number}@example.com"
        case Kind.URL:
            return f"https://example.com/{number}"
        case Kind.UUID:
            return str(UUID(int=number, version=4))
        case Kind.BOOLEAN:
            return number % 2 == 0
        case Kind.INTEGER | Kind.BIGINT:
            return int(_sample_number(scalar, number, Decimal(1)))
        case Kind.FLOAT:
            return float(_sample_number(scalar, number, Decimal("0.5")))
        case Kind.DECIMAL:
            return str(_sample_number(scalar, number, Decimal(1).scaleb(-(scalar.scale or 0))))
        case Kind.DATE | Kind.TIME | Kind.DATETIME:
            return _sample_time(scalar, number)


def _sample_text(bounds: Bounds, number: int, example: JsonValue | Decimal, name: str) -> str:
    longest = bounds.max_length or 255
    stem = example if isinstance(example, str) else name.replace("_", " ").strip().capitalize()
    numbered = (f"{stem[: max(longest - len(str(number)) - 1, 0)]} {number}", f"{stem}{number}", f"{stem}-{number}", str(number))
    for text in (stem, *numbered, *WORDS) if number == 1 else (*numbered, *(f"{word}{number}" for word in WORDS)):
        padded = text[:longest].ljust(bounds.min_length or 0, text[-1:] or "x")
        if padded and (bounds.pattern is None or re.search(bounds.pattern, padded)):
            return padded
    raise NoSampleError(f"no sample of {name} matches its pattern")


def _sample_number(scalar: ScalarType, number: int, step: Decimal) -> Decimal:
    """The `number`-th multiple of the step that lies within the bounds, counted from 1 or from the bound that is nearest to it."""
    bounds = scalar.bounds
    step = bounds.multiple_of or step
    least, most = map(Decimal, reach) if (reach := SCALARS[scalar.kind].range) is not None else (None, None)
    lowest = _limit(least if bounds.ge is None else bounds.ge, bounds.gt, step, ROUND_CEILING)
    highest = _limit(most if bounds.le is None else bounds.le, bounds.lt, -step, ROUND_FLOOR)
    if (lowest is not None and lowest > 1) or highest is None or highest >= 1 + step * number:
        start = lowest if lowest is not None and lowest > 1 else (1 / step).to_integral_value(ROUND_CEILING) * step
        value = start + step * (number - 1)
        return value if highest is None or value <= highest else highest
    value = highest - step * (number - 1)
    return value if lowest is None or value >= lowest else lowest


def _limit(inclusive: Decimal | str | None, exclusive: Decimal | str | None, step: Decimal, rounding: str) -> Decimal | None:
    """The outermost multiple of the step that the bounds allow on one side."""
    limits: list[Decimal] = []
    if isinstance(inclusive, Decimal):
        limits.append((inclusive / abs(step)).to_integral_value(rounding) * abs(step))
    if isinstance(exclusive, Decimal):
        nearest = (exclusive / abs(step)).to_integral_value(rounding) * abs(step)
        limits.append(nearest + step if nearest == exclusive else nearest)
    if not limits:
        return None
    return max(limits) if step > 0 else min(limits)


def _sample_time(scalar: ScalarType, number: int) -> str:
    """A date or time that lies within the bounds, which are canonical text and compare as such for the years in use."""
    bounds = scalar.bounds
    low = bounds.ge if isinstance(bounds.ge, str) else bounds.gt
    high = bounds.le if isinstance(bounds.le, str) else bounds.lt
    for offset in (number, -number):
        text = _shifted(scalar.kind, None, offset)
        if (not isinstance(low, str) or text > low) and (not isinstance(high, str) or text < high):
            return text
    if isinstance(low, str):
        return _shifted(scalar.kind, low, number)
    return _shifted(scalar.kind, high if isinstance(high, str) else None, -number)


def _shifted(kind: Kind, origin: str | None, offset: int) -> str:
    if kind is Kind.TIME:
        start = START if origin is None else datetime.combine(START.date(), time.fromisoformat(origin), UTC)
        return (start + timedelta(minutes=offset - 1 if origin is None else offset)).strftime("%H:%M:%S")
    start = START if origin is None else datetime.fromisoformat(origin)
    moved = start + timedelta(days=offset - 1 if origin is None else offset)
    return moved.date().isoformat() if kind is Kind.DATE else moved.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(value: JsonValue | Decimal) -> JsonValue:
    return str(value) if isinstance(value, Decimal) else value
