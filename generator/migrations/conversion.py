"""Values in another type: the SQL that makes them, and whether they can be lost on the way."""

from __future__ import annotations

from generator.sql import quote_identifier

VALUE = "{}"
"""Stands for the value in the SQL of a conversion."""

_WIDER = {
    ("integer", "bigint"),
    ("integer", "numeric"),
    ("bigint", "numeric"),
    ("integer", "double precision"),
    ("date", "timestamp with time zone"),
}

_NUMBERS = {"integer", "bigint", "numeric", "double precision"}


def conversion(name: str, old: str, new: str) -> tuple[str, bool]:
    """The value of a column in its new type, as SQL, and whether values can be lost or refused on the way."""
    converted, loses = conversion_of(old, new)
    return converted.replace(VALUE, quote_identifier(name)), loses


def conversion_of(old: str, new: str) -> tuple[str, bool]:
    """The same of any value, for which `VALUE` stands in the SQL."""
    return _converted(VALUE, *(one.removesuffix(' COLLATE "C"') for one in (old, new)))


def _converted(value: str, old: str, new: str) -> tuple[str, bool]:
    """The same of any expression, between types without a collation."""
    if new == "jsonb" and old != "text":
        return f"to_jsonb({value})", False
    match old.endswith("[]"), new.endswith("[]"):
        case True, True:
            return _converted_items(value, old, new)
        case False, True:  # NULL stays what it is
            item, loses = _converted(value, old, new.removesuffix("[]"))
            return f"CASE WHEN {value} IS NOT NULL THEN ARRAY[{item}] END", loses
        case True, False if new == "text":
            return f"array_to_string({value}, ', ')", True
        case True, False:  # the first item
            return _converted(f"{value}[1]", old.removesuffix("[]"), new)[0], True
        case _:
            return _converted_scalar(value, old, new)


def _converted_items(value: str, old: str, new: str) -> tuple[str, bool]:
    """A list, whose items cannot be taken one by one: only a cast of all of them may stand there."""
    before, after = (one.partition("(")[0].removesuffix("[]") for one in (old, new))
    through = "" if before == after or {before, after} <= _NUMBERS else "::text[]"
    _, loses = _converted_scalar(value, old.removesuffix("[]"), new.removesuffix("[]"))
    return f"{value}{through}::{new}", loses or "timestamp" in new  # its zone would be that of the session


def _converted_scalar(value: str, old: str, new: str) -> tuple[str, bool]:
    from_name, to_name = old.partition("(")[0], new.partition("(")[0]
    if old == new:
        return value, False
    if (from_name, to_name) == ("date", "timestamp with time zone"):
        return f"{value}::timestamp AT TIME ZONE 'UTC'", False
    if (from_name, to_name) == ("timestamp with time zone", "date"):
        return f"({value} AT TIME ZONE 'UTC')::date", True
    if from_name == to_name == "numeric":
        return f"{value}::{new}", any(before > after for before, after in zip(_digits(old), _digits(new), strict=True))
    if new == "text":
        return f"{value}::text", False
    if (from_name, to_name) in _WIDER:
        return f"{value}::{new}", to_name == "numeric" and _digits(new)[0] < (10 if from_name == "integer" else 19)
    direct = {from_name, to_name} <= _NUMBERS  # they are rounded
    return f"{value}::{new}" if direct else f"{value}::text::{new}", True


def _digits(numeric: str) -> tuple[int, int]:
    """The digits of `numeric(p, s)` before and behind the point."""
    precision, scale = (int(part) for part in numeric[numeric.index("(") + 1 : numeric.index(")")].split(","))
    return precision - scale, scale
