"""Scalars of the wire: they keep what they read, take what the database gives, and say in plain words what does not fit."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.scalars import DATE_TIME, FULL_DATE, PARTIAL_TIME, Date, DateTime, Exact, Json, Time


class Values(BaseModel):
    model_config = ConfigDict(strict=True)

    decimal: Annotated[Decimal, Exact(38, 19)] | None = None
    positive: Annotated[Decimal, Field(ge=Decimal(0)), Exact(6, 2)] | None = None
    day: Date | None = None
    recent: Annotated[date, Field(ge=date(2000, 1, 1)), FULL_DATE] | None = None
    hour: Time | None = None
    morning: Annotated[time, Field(lt=time(12)), PARTIAL_TIME] | None = None
    at: DateTime | None = None
    later: Annotated[datetime, Field(gt=datetime(2000, 1, 1, tzinfo=UTC)), DATE_TIME] | None = None
    data: Json = 0


def read(**values: Any) -> Values:
    return Values.model_validate_json(json.dumps(values))


def problem(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        read(**values)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "text", ["9999999999999999999.9999999999999999999", "-9999999999999999999.9999999999999999999", "0.0000000000000000001", "12"]
)
def test_a_decimal_keeps_every_digit(text: str):
    assert read(decimal=text).decimal == Decimal(text)
    assert json.loads(read(decimal=text).model_dump_json())["decimal"] == text


@pytest.mark.parametrize(("text", "kept"), [("-0", "0"), ("-0.00", "0.00"), ("0.0", "0.0"), ("00.10", "0.10")])
def test_a_zero_has_no_sign(text: str, kept: str):
    assert str(read(decimal=text).decimal) == kept


def test_a_decimal_of_the_database_is_written_without_an_exponent():
    row = Values.model_validate({"decimal": Decimal("0E-19"), "positive": Decimal("1E+2")})
    assert json.loads(row.model_dump_json()) | {"data": 0} == {
        **json.loads(Values().model_dump_json()),
        "decimal": "0.0000000000000000000",
        "positive": "100",
    }


def test_what_the_database_gives_is_taken_and_written_as_json_has_it():
    zone = timezone(timedelta(hours=5, minutes=30))
    row = Values.model_validate(
        {
            "day": date.min,
            "hour": time(9, 0, 0, 1),
            "at": datetime(2026, 2, 28, 12, 30, 0, 500_000, zone),
            "later": datetime.max.replace(tzinfo=UTC),
        }
    )
    written = json.loads(row.model_dump_json())
    assert [written[name] for name in ("day", "hour", "at", "later")] == [
        "0001-01-01",
        "09:00:00.000001",
        "2026-02-28T07:00:00.500000Z",
        "9999-12-31T23:59:59.999999Z",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"day": datetime(2026, 1, 1, tzinfo=UTC)},
        {"at": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)},
        {"at": date(2026, 1, 1)},
        {"hour": time(9, tzinfo=UTC)},
        {"day": time(9)},
    ],
    ids=str,
)
def test_what_has_another_type_or_no_zone_is_refused(values: dict[str, Any]):
    with pytest.raises(ValidationError):
        Values.model_validate(values)


def test_bounds_are_named_as_the_spec_has_them():
    assert problem(positive=-1) == "Input should be greater than or equal to 0"
    assert problem(recent="1999-12-31") == "Input should be greater than or equal to 2000-01-01"
    assert problem(morning="12:00:00") == "Input should be less than 12:00:00"
    assert problem(later="2000-01-01T00:00:00Z") == "Input should be greater than 2000-01-01T00:00:00Z"


def test_json_null_is_no_value_but_may_be_inside():
    assert problem(data=None) == "Input should not be null"
    assert read(data=[None, {"a": None}]).data == [None, {"a": None}]
