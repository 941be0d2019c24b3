"""Types of the JSON wire: what a body or a query may hold, checked exactly.

They accept one spelling each (RFC 3339, plain decimals) in JSON bodies and in query strings alike.
"""

import json
import math
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, LiteralString, cast
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, AnyUrl, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator, TypeAdapter, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)

MAX_JSON_LEVELS = 64
MAX_JSON_BYTES = 64 * 1024


def _to_utc(text: str) -> datetime:
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


class Rfc3339[T: (date, time, datetime)]:
    """Annotation of a date or time: the one spelling that it has in JSON. Bounds stand before it and are held against what it reads."""

    def __init__(
        self, shape: re.Pattern[str], read: Callable[[str], T], kind: LiteralString, example: LiteralString, json_format: str
    ) -> None:
        """`read` takes a text of this `shape`; `kind` and `example` say in messages what that is, `json_format` in JSON Schema."""
        self._shape = shape
        self._json_format = json_format
        self._read = read
        self._kind: LiteralString = kind
        self._example: LiteralString = example

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read, then validate what was read as Pydantic does."""
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """As Pydantic's, with the format that has this spelling."""
        return {**handler(schema), "format": self._json_format}

    def read(self, value: Any) -> T:
        """The date or time of a text, or of a value of Python's type that has such a text; PydanticCustomError for all others."""
        text = value.isoformat() if isinstance(value, (date, time)) else value
        if isinstance(text, str) and self._shape.fullmatch(text):
            try:
                return self._read(text)
            except (ValueError, OverflowError):
                pass
        raise PydanticCustomError(f"{self._kind}_format", f"Input should be a {self._kind} such as {self._example}")


FULL_DATE = Rfc3339(_DATE, date.fromisoformat, "date", "2026-01-31", "date")
PARTIAL_TIME = Rfc3339(_TIME, time.fromisoformat, "time", "12:30:00", "time-local")  # `time` has a zone
DATE_TIME = Rfc3339(_DATETIME, _to_utc, "datetime", "2026-01-31T12:30:00Z", "date-time")

Date = Annotated[date, FULL_DATE]
"""RFC 3339 full-date."""

Time = Annotated[time, PARTIAL_TIME]
"""RFC 3339 partial-time, without a zone."""

DateTime = Annotated[datetime, DATE_TIME]
"""RFC 3339 date-time with a zone; kept in UTC."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Annotation of a `Decimal`: at most `precision` digits, `scale` of them after the point, as in PostgreSQL's numeric(precision, scale).

    Digits are taken without rounding. Bounds stand before it and are held against what it reads.
    """

    precision: int
    scale: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read, then validate what was read as Pydantic does; answer as text without an exponent."""
        plain = core_schema.plain_serializer_function_ser_schema(_plain, return_schema=core_schema.str_schema(), when_used="json")
        return core_schema.no_info_before_validator_function(self.read, handler(source), serialization=plain)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A plain decimal, as text or number."""
        if handler.mode == "serialization":
            return {"type": "string", "pattern": f"^{_DECIMAL.pattern}$"}
        return {"anyOf": [{"type": "string", "pattern": f"^{_DECIMAL.pattern}$"}, {"type": "number"}]}

    def read(self, value: Any) -> Decimal:
        """The exact decimal; PydanticCustomError for other spellings and for more digits than the column holds."""
        text = repr(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        if isinstance(value, Decimal):
            text = _plain(value)
        if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
            raise PydanticCustomError("decimal_format", "Input should be a plain decimal such as 12.50")
        whole, _, fraction = text.removeprefix("-").partition(".")
        if len(fraction) > self.scale:
            raise PydanticCustomError(
                "decimal_max_places", "Decimal input should have no more than {scale} decimal places", {"scale": self.scale}
            )
        if len(whole.lstrip("0")) > self.precision - self.scale:
            limit = self.precision - self.scale
            raise PydanticCustomError(
                "decimal_whole_digits", "Decimal input should have no more than {limit} digits before the decimal point", {"limit": limit}
            )
        return Decimal(text) if text.strip("-0.") else Decimal(text.removeprefix("-"))  # no negative zero


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _email(value: str) -> str:
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        raise PydanticCustomError("email_format", "Input should be an email address such as ada@example.org") from None
    return value


_URL = TypeAdapter(AnyUrl)


def _url(value: str) -> str:
    try:
        url = _URL.validate_python(value)
    except ValueError:
        url = None
    if url is None or not url.host or value != value.strip() or any(character.isspace() for character in value):
        raise PydanticCustomError("url_format", "Input should be a URL with a host, such as https://example.org/page")
    return value


class Checked:
    """Annotation of a text that `check` takes or refuses as it is. Bounds stand before it, so that JSON Schema has them, too."""

    def __init__(self, check: Callable[[str], str], json_format: str) -> None:
        """`json_format` is what such a text is called in JSON Schema."""
        self._check = check
        self._json_format = json_format

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as Pydantic does, then check."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """As Pydantic's, with the format."""
        return {**handler(schema), "format": self._json_format}


EMAIL, URL = Checked(_email, "email"), Checked(_url, "uri")

Email = Annotated[str, EMAIL]
"""An email address, kept as sent."""

Url = Annotated[str, URL]
"""A URL with a host, kept as sent."""


def _json(value: Any) -> Any:
    if value is None:  # as where a database holds it: there it is no value
        raise PydanticCustomError("json_null", "Input should not be null")
    _check_json(value, MAX_JSON_LEVELS)
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_JSON_BYTES:
        raise PydanticCustomError("json_too_large", "JSON should take at most {limit} bytes", {"limit": MAX_JSON_BYTES})
    return value


def _check_json(value: Any, levels: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("finite_number", "Input should be a finite number")
    if isinstance(value, (dict, list)):
        if levels == 0:
            raise PydanticCustomError("json_too_deep", "JSON should have at most {limit} levels", {"limit": MAX_JSON_LEVELS})
        children = cast("dict[str, Any] | list[Any]", value)
        for child in children.values() if isinstance(children, dict) else children:
            _check_json(child, levels - 1)


def _flag(value: Any) -> bool:
    if value in {"true", "false"}:
        return value == "true"
    if isinstance(value, bool):
        return value
    raise PydanticCustomError("bool_parsing", "Input should be true or false")


Flag = Annotated[bool, PlainValidator(_flag), WithJsonSchema({"type": "boolean"})]
"""A boolean of a query string: true or false."""

Json = Annotated[Any, AfterValidator(_json)]
"""Any JSON value but null itself: at most 64 levels and 64 KiB."""


def today() -> date:
    """Today in UTC."""
    return datetime.now(UTC).date()


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)


def time_of_day() -> time:
    """The time of day in UTC."""
    return datetime.now(UTC).time()


def copies(value: Any) -> Callable[[], Any]:
    """What makes a copy of a JSON value each time that it is called."""
    return lambda: deepcopy(value)


empty_list: Callable[[], list[Any]] = list
"""The default of a list that has no items. Pydantic calls it for each body, and a class of Python's own costs less than a function."""

unset: Callable[[], Any] = type(None)
"""The default of a field that a partial update leaves alone when it is not sent."""

random_uuid = uuid4
"""A random UUID (version 4)."""
