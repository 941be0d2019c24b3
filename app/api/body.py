"""Request bodies: read once, checked as strict JSON, validated from bytes."""

import json
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

import jiter
import orjson
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import ClientDisconnect, Request

from app.api.deferred import Deferred
from app.api.scalars import Exact

MERGE_PATCH = "application/merge-patch+json"


class Body(Deferred):
    """Base of each body: no unknown keys, and no conversion from one type to another."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Read(Deferred):
    """Base of each answer: what every row has without saying so."""

    id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    version: int


def given(body: BaseModel) -> dict[str, Any]:
    """The fields that the request sent, with their values."""
    return {name: body.__dict__[name] for name in body.model_fields_set}


def values(body: BaseModel) -> dict[str, Any]:
    """Every field with its value, defaults included."""
    return dict(body.__dict__)


def broken_rule(name: str, message: str) -> PydanticCustomError:
    """The error of a rule of the spec's `checks`; `message` is what the answer says."""
    return PydanticCustomError("check_failed", "{message}", {"message": message, "rule": name})


class JsonBody(NamedTuple):
    """A body that is JSON, as it came and `parsed`, with its floats as they were written.

    `problem` is what is wrong with it all the same; whoever uses the body has to raise it.
    """

    content: bytes
    parsed: Any = None
    problem: RequestValidationError | None = None


async def read_body(request: Request) -> JsonBody:
    """The body of a JSON request; HTTPException 413, 415 or 400 (in this order) when it is none.

    What JSON leaves open, or lenient writers send, is a problem of the body: JSON does not say what two equal keys mean; NaN, Infinity and
    lone surrogates are no JSON; and a NUL character cannot be stored. Each is refused rather than guessed at.
    """
    body = await received(request)
    check_media_type(request)
    try:
        parsed = jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="none", float_mode="lossless-float")
    except ValueError as error:
        return JsonBody(body, problem=_not_strict(body, str(error)))
    if b"\\u0000" in body and (location := _nul(parsed)) is not None:
        return JsonBody(body, problem=_invalid("string_nul", location, "Text must not contain a NUL character."))
    return JsonBody(body, parsed)


async def received(request: Request) -> bytes:
    """The bytes of the body, as `request.body()` has them, without the async generator that it is made with there."""
    body: bytes | None = vars(request).get("_body")
    if body is None:
        parts: list[bytes] = []
        more = True
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        vars(request)["_body"] = body = b"".join(parts)  # where Starlette looks for it, too
    return body


def header(request: Request, wanted: bytes) -> str | None:
    """The first header of this name, which is in lower case."""
    for name, value in request.scope["headers"]:
        if name == wanted:
            return value.decode("latin-1")
    return None


def validate_body[B: BaseModel](model: type[B], body: JsonBody) -> B:
    """The validated body; RequestValidationError lists what is wrong with it."""
    if body.problem is not None:
        raise body.problem
    try:
        return model.__pydantic_validator__.validate_json(_with_exact_decimals(model, body))
    except ValidationError as error:
        raise RequestValidationError(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False, include_input=False)]
        ) from None


def check_media_type(request: Request) -> None:
    """HTTPException 415 unless the body is declared as plain UTF-8 JSON (or, for PATCH, a merge patch)."""
    declared = header(request, b"content-type") or ""
    if declared != "application/json":
        media_type, _, parameters = declared.partition(";")
        accepted = {"application/json", MERGE_PATCH} if request.method == "PATCH" else {"application/json"}
        charset = parameters.strip().lower().replace('"', "")
        if media_type.strip().lower() not in accepted or charset not in {"", "charset=utf-8"}:
            raise HTTPException(415, "Send the body as `Content-Type: application/json` in UTF-8.")
    if header(request, b"content-encoding") is not None:
        raise HTTPException(415, "Send the body without a Content-Encoding.")


def _not_strict(body: bytes, message: str) -> RequestValidationError:
    """What is wrong with a body that jiter refuses; HTTPException 400 where other parsers would refuse it, too."""
    if message.startswith("Detected duplicate key"):
        return _invalid("duplicate_key", (), f"{message}. Send each key once.")
    try:
        json.loads(body.decode(), parse_int=_any_length)
    except UnicodeDecodeError:
        raise HTTPException(400, "The body is not UTF-8.") from None
    except RecursionError:
        raise HTTPException(400, "The body is nested too deeply.") from None
    except ValueError:
        raise HTTPException(400, f"The body is not JSON: {message}.") from None
    if "recursion" in message:
        raise HTTPException(400, "The body is nested too deeply.")
    return _invalid("json_value", (), f"NaN, Infinity, lone surrogates and numbers of thousands of digits are not allowed: {message}.")


def _any_length(_digits: str) -> int:
    """In place of int(), which refuses more than 4,300 digits although they are JSON."""
    return 0


def _invalid(kind: str, location: tuple[str | int, ...], message: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": ("body", *location), "msg": message}])


def _nul(value: Any, location: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    match value:
        case str():
            return location if "\0" in value else None
        case dict():
            items: Any = value.items()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if any("\0" in key for key, _ in items):
                return location
        case list():
            items = enumerate(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _:
            return None
    return next((found for key, child in items if (found := _nul(child, (*location, key))) is not None), None)


def _with_exact_decimals(model: type[BaseModel], body: JsonBody) -> bytes:
    """The body with the numbers of decimal fields written as text, so that no digit is lost on the way through a float."""
    names = _decimal_fields(model)
    if not names or not isinstance(body.parsed, dict):
        return body.content
    fields: dict[str, Any] = body.parsed  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # JSON has text for keys
    if fields.keys().isdisjoint(names):
        return body.content
    for name in fields.keys() & names:
        value = fields[name]
        fields[name] = [_as_text(item) for item in cast("list[Any]", value)] if isinstance(value, list) else _as_text(value)
    try:
        return orjson.dumps(fields, default=_lossless)
    except TypeError:  # an integer of more than 64 bits
        return orjson.dumps(_with_fragments(fields), default=_lossless)


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, jiter.LosslessFloat)) and not isinstance(value, bool) else value


def _with_fragments(value: Any) -> Any:
    """A JSON value with its integers written out, which orjson knows up to 64 bits only."""
    match value:
        case dict():
            return {name: _with_fragments(child) for name, child in cast("dict[str, Any]", value).items()}
        case list():
            return [_with_fragments(child) for child in cast("list[Any]", value)]
        case int() if not isinstance(value, bool):
            return orjson.Fragment(str(value))
        case _:
            return value


def _lossless(value: Any) -> Any:
    if isinstance(value, jiter.LosslessFloat):
        return orjson.Fragment(str(value))
    raise TypeError


_DECIMAL_FIELDS: dict[type[BaseModel], tuple[str, ...]] = {}


def _decimal_fields(model: type[BaseModel]) -> tuple[str, ...]:
    names = _DECIMAL_FIELDS.get(model)
    if names is None:
        names = tuple(
            name
            for name, field in model.model_fields.items()
            if _holds_decimal(field.annotation) or any(isinstance(item, Exact) for item in field.metadata)
        )
        _DECIMAL_FIELDS[model] = names
    return names


def _holds_decimal(annotation: Any) -> bool:
    metadata = getattr(annotation, "__metadata__", ())
    arguments = getattr(annotation, "__args__", ())
    return any(isinstance(item, Exact) for item in metadata) or any(_holds_decimal(item) for item in arguments)
