"""The query string of a list: flat, typed parameters; unknown, repeated and malformed ones are refused."""

import difflib
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Annotated, Any, Literal, LiteralString, TypeVar, cast
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from starlette.requests import Request

from app.api.deferred import Deferred
from app.api.scalars import DateTime, Flag

MAX_FILTERS = 20
MAX_LIST_VALUES = 100
MAX_OFFSET = 10_000
MAX_SORT_KEYS = 5
MAX_SEARCH = 200
"""Characters of `q`."""

MAX_KEPT = 200
"""The longest query string, in bytes, whose parsed form is kept for the next request with the same one."""

NAMING = frozenset({"sort", "fields", "expand", "group_by", "sum", "avg", "min", "max"})
"""The parameters whose values name fields."""

NO_FILTERS = NAMING | {"limit", "cursor", "offset", "count"}
"""The parameters of lists and aggregates that are no filters; no field has such a name."""


def _split(value: Any) -> Any:
    """`a,b` as a list; a value in double quotes may hold a comma, and doubled quotes stand for one (as in CSV)."""
    if isinstance(value, list) and len(value) == 1:  # pyright: ignore[reportUnknownArgumentType]
        value = value[0]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, str):
        return value  # pyright: ignore[reportUnknownVariableType]
    values: list[str] = []
    rest = value
    while True:
        if rest.startswith('"'):
            text, closing, rest = _quoted(rest[1:])
            if not closing or (rest and not rest.startswith(",")):
                raise ValueError("a value that begins with a double quote must end with one, followed by a comma")
            values.append(text)
            if not rest:
                return values
            rest = rest[1:]
        else:
            text, comma, rest = rest.partition(",")
            values.append(text)
            if not comma:
                return values


def _quoted(text: str) -> tuple[str, bool, str]:
    taken: list[str] = []
    while True:
        part, quote, text = text.partition('"')
        taken.append(part)
        if not quote:
            return "".join(taken), False, ""
        if not text.startswith('"'):
            return "".join(taken), True, text
        taken.append('"')
        text = text[1:]


T = TypeVar("T")


class _List:
    """Says in OpenAPI that a text is a list of values, separated by commas (`complete` adds the style that has no other separator)."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler.resolve_ref_schema(handler(schema))
        if found["items"].get("type") == "string" and not found["items"].keys() & {"format", "pattern", "enum"}:
            most = f"at most {MAX_LIST_VALUES} values; one with a comma stands in double quotes"
            return {"type": "string", "description": f"Comma-separated, {most}."}  # clients would leave the quotes out
        return found


Values = Annotated[list[T], Field(min_length=1, max_length=MAX_LIST_VALUES), BeforeValidator(_split), _List()]
"""The value of an `__in` filter."""


def _distinct[N](names: tuple[N, ...]) -> tuple[N, ...]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("repeated_field", "A field is given more than once.")
    return names


class _Names:
    """Says in OpenAPI that no name is repeated."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler.resolve_ref_schema(handler(schema)), "minItems": 1, "uniqueItems": True}


Names = Annotated[tuple[T, ...], AfterValidator(_distinct), BeforeValidator(_split), _Names()]
"""Names of fields, each once: `Names[Literal["priority", "completed"]]`."""


class SortKeys:
    """Says in OpenAPI what a list can be sorted by: these fields, and those that every row has."""

    def __init__(self, *names: str) -> None:
        """`names` are the fields with `sort`."""
        self._names = (*names, "created_at", "updated_at", "id")

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        keys = [f"{sign}{name}" for name in self._names for sign in ("", "-")]
        return {"type": "array", "items": {"type": "string", "enum": keys}, "minItems": 1, "maxItems": MAX_SORT_KEYS, "uniqueItems": True}


def _spelled(shape: re.Pattern[str], description: LiteralString) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not shape.fullmatch(value):
            raise PydanticCustomError("number_format", description)
        return value

    return BeforeValidator(check)


WHOLE = _spelled(re.compile(r"-?[0-9]+", re.ASCII), "Input should be a whole number such as 12")
"""Reads an integer of a query string in the one spelling that bodies have, too; stands behind the limits of the integer."""

Number = Annotated[
    float,
    _spelled(re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII), "Input should be a number such as 1.5"),
    Field(allow_inf_nan=False),
]
"""A finite float of a query string, spelled as in JSON."""


SORT: Any = Field(description="Comma-separated keys, each with `-` for descending. Nulls come last; ties are broken by id.")
SKIPPED = "Rows to skip; prefer `cursor`, which stays fast and stable."

Fields = Annotated[str | None, Field(description="Comma-separated names of the fields to answer, instead of all.")]


class ItemQuery(Deferred):
    """What the route of one row understands."""

    model_config = ConfigDict(extra="forbid")

    fields: Fields = None


class Filters(Deferred):
    """The filters that every resource has: on its built-in columns. Subclasses add those of the resource."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    id__ne: UUID | None = None
    id__in: Values[UUID] | None = None
    created_at: DateTime | None = None
    created_at__ne: DateTime | None = None
    created_at__in: Values[DateTime] | None = None
    created_at__gt: DateTime | None = None
    created_at__gte: DateTime | None = None
    created_at__lt: DateTime | None = None
    created_at__lte: DateTime | None = None
    updated_at: DateTime | None = None
    updated_at__ne: DateTime | None = None
    updated_at__in: Values[DateTime] | None = None
    updated_at__gt: DateTime | None = None
    updated_at__gte: DateTime | None = None
    updated_at__lt: DateTime | None = None
    updated_at__lte: DateTime | None = None


class ListQuery(Filters):
    """What every list understands besides: paging and sorting."""

    sort: Annotated[str | None, SORT, SortKeys()] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Rows a page."), WHOLE] = 20
    cursor: Annotated[str | None, Field(description="`next_cursor` of the page before.")] = None
    offset: Annotated[Annotated[int, Field(ge=0, le=MAX_OFFSET), WHOLE] | None, Field(description=SKIPPED)] = None
    count: Annotated[
        Literal["exact", "estimated"] | None,
        Field(description="Adds `total`: all rows that match, counted, or estimated where there are more than 1,000."),
    ] = None
    fields: Fields = None


class AggregateQuery(Filters):
    """What every aggregate understands besides. Subclasses add `group_by`, `sum`, `avg`, `min` and `max` with the fields they take."""

    count: Annotated[Flag | None, Field(description="Whether to count the rows of each group.")] = None


def filters_of(query: Filters) -> dict[str, Any]:
    """The filters that the request gives: parameter name to value.

    A function, since a method could not share its name with a filter.
    """
    return {name: getattr(query, name) for name in sorted(query.model_fields_set - NO_FILTERS)}


def fields_of(query: BaseModel, shape: type[BaseModel]) -> tuple[str, ...] | None:
    """The names in `fields`, or None for all; RequestValidationError for one that `shape` has not, or that is given twice."""
    given: str | None = getattr(query, "fields", None)
    if given is None:
        return None
    names = tuple(given.split(","))
    for number, name in enumerate(names):
        if name not in shape.model_fields:
            raise refused("fields", "unknown_field", unknown_field(name, tuple(shape.model_fields)))
        if name in names[:number]:
            raise refused("fields", "repeated_field", f"`{name}` is given more than once.")
    return names


def parse_query[Q: BaseModel](model: type[Q], request: Request) -> Q:
    """The query string as `model`; RequestValidationError for a repeated, unknown or malformed parameter.

    Requests with the same query string may get the same instance: nobody changes it.
    """
    raw: bytes = request.scope["query_string"]
    parse = _parse_query if len(raw) > MAX_KEPT else _kept_query
    return cast("Q", parse(model, raw))


def _parse_query(model: type[BaseModel], raw: bytes) -> BaseModel:
    if not raw:
        return model()
    given = parse_pairs(raw, model.model_fields)
    if len(given.keys() - NO_FILTERS) > MAX_FILTERS:
        raise refused("query", "too_many_filters", f"At most {MAX_FILTERS} filters can be combined.")
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise RequestValidationError(
            [{**problem, "loc": ("query", *problem["loc"])} for problem in error.errors(include_url=False, include_input=False)]
        ) from None


_kept_query = lru_cache(maxsize=512)(_parse_query)
"""Lists are mostly asked for with the same few query strings, and a model of a hundred filters takes a while to validate."""


def parse_pairs(raw: bytes, known: Collection[str]) -> dict[str, str]:
    """Name to value of an encoded query string whose names are among `known`, each at most once."""
    given: dict[str, str] = {}
    for pair in raw.split(b"&"):
        if not pair:
            continue
        encoded_name, _, encoded_value = pair.partition(b"=")
        name, value = _decode(encoded_name), _decode(encoded_value)
        if name is None or name not in known:
            raise refused(name or "query", "unknown_parameter", unknown(name or "", known))
        if value is None:
            raise refused(name, "string_unicode", "The value is not UTF-8, or holds a NUL character.")
        if name in given:
            several = f"; to match several values use `{name}__in=a,b`" if f"{name}__in" in known else ""
            raise refused(name, "repeated_parameter", f"`{name}` is given more than once{several}.")
        given[name] = value
    return given


def _decode(encoded: bytes) -> str | None:
    try:
        text = unquote_to_bytes(encoded.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def unknown(name: str, known: Collection[str], what: str = "parameter") -> str:
    """What is said of a name that is none of `known`, with the closest one."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"Unknown {what}; did you mean `{close[0]}`?" if close else f"Unknown {what}."


def unknown_field(name: str, known: Collection[str]) -> str:
    """What is said of a field that is none of `known`; one of a related row has a dot in its name."""
    return "Unknown field. Fields of related rows need `expand`." if "." in name else unknown(name, known, "field")


def refused(name: str, kind: str, message: str) -> RequestValidationError:
    """The error of the parameter `name`; "query" for one of the query as a whole."""
    return RequestValidationError([{"type": kind, "loc": ("query", name) if name != "query" else ("query",), "msg": message}])


class NoQuery(BaseModel):
    """The query of a request that takes no parameters."""

    model_config = ConfigDict(extra="forbid")
