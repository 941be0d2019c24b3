"""What `checks` and computed fields need beyond Python's own operators, so that they mean the same here as in PostgreSQL.

Conditions are True, False, or None for unknown. Numbers are exact: integers, or fractions for everything with decimal places.
"""

import datetime as dt
from decimal import Context, Decimal
from fractions import Fraction
from uuid import UUID

_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_TO_LOWER, _TO_UPPER = str.maketrans(_UPPER, _LOWER), str.maketrans(_LOWER, _UPPER)
_PLACES = 10**20
_CONTEXT = Context(prec=100)


def exact(number: Decimal | float | str) -> Fraction:
    """A number to calculate with. A float counts as the decimal of its 15 significant digits, as PostgreSQL converts it to numeric."""
    return Fraction(format(number, ".15g") if isinstance(number, float) else number)


def quotient(dividend: int, divisor: int) -> int:
    """The whole part of a division of integers, towards zero: -7 / 2 is -3. The divisor is not 0."""
    whole = abs(dividend) // abs(divisor)
    return whole if (dividend < 0) == (divisor < 0) else -whole


def divide(dividend: Fraction | int, divisor: Fraction | int) -> Fraction:
    """A division that is cut, not rounded, after 20 decimal places. The divisor is not 0."""
    result = Fraction(dividend) * _PLACES / divisor
    return Fraction(int(result), _PLACES)


def rounded(number: Decimal | Fraction | int, places: int) -> Decimal:
    """The number with so many decimal places, halves away from zero, as PostgreSQL rounds to a scale."""
    unit = 10**places
    scaled = Fraction(number) * unit
    whole = int(abs(scaled) + Fraction(1, 2))
    return Decimal(whole if scaled >= 0 else -whole).scaleb(-places, _CONTEXT)


def decimal(digits: str) -> Decimal:
    """A literal with decimal places."""
    return Decimal(digits)


def date(text: str) -> dt.date:
    """A literal date: 2026-02-28."""
    return dt.date.fromisoformat(text)


def time(text: str) -> dt.time:
    """A literal time: 12:30:00."""
    return dt.time.fromisoformat(text)


def datetime(text: str) -> dt.datetime:
    """A literal point in time: 2026-02-28T12:30:00Z."""
    return dt.datetime.fromisoformat(text)


def uuid(text: str) -> UUID:
    """A literal UUID."""
    return UUID(text)


def lower(text: str) -> str:
    """The text with its ASCII letters in lower case; all others stay, as under the collation C."""
    return text.translate(_TO_LOWER)


def upper(text: str) -> str:
    """The text with its ASCII letters in upper case; all others stay, as under the collation C."""
    return text.translate(_TO_UPPER)


def both(*conditions: bool | None) -> bool | None:
    """`and`: false when one is, else unknown when one is, else true."""
    if False in conditions:
        return False
    return None if None in conditions else True


def either(*conditions: bool | None) -> bool | None:
    """`or`: true when one is, else unknown when one is, else false."""
    if True in conditions:
        return True
    return None if None in conditions else False


def negate(condition: bool | None) -> bool | None:
    """`not`: unknown stays unknown."""
    return None if condition is None else not condition


def equal(left: bool | None, right: bool | None) -> bool | None:
    """`=` between two conditions: unknown when either is."""
    return None if left is None or right is None else left == right
