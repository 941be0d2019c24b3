"""Routes of deprecated resources, or of such with deprecated fields: since when they are and until when they are served, in headers."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any, cast, override
from urllib.parse import parse_qsl

import orjson
from fastapi import Request, Response
from starlette.exceptions import HTTPException

from app.api.query import NAMING
from app.api.route import CompiledRoute, Handler

type Dates = tuple[str | None, str | None]
"""`since` and `sunset`, each a day that stands for its midnight in UTC."""


def deprecated_route(
    *, since: str | None = None, sunset: str | None = None, fields: Mapping[str, Dates] | None = None
) -> type[CompiledRoute]:
    """A CompiledRoute whose answers carry `Deprecation` (RFC 9745) and `Sunset` (RFC 8594): of several dates the earliest.

    Those of `fields` count for requests that name the field, in the query or in the body. A request that breaks the schema (422 with a
    list) is answered without them.
    """
    own, of_fields = (since, sunset), fields or {}
    headers = _headers([own])

    class DeprecatedRoute(CompiledRoute):
        """Adds the headers."""

        @override
        def finished(self, handler: Handler) -> Handler:
            async def deprecated_handler(request: Request) -> Response:
                try:
                    response = await handler(request)
                except HTTPException as error:
                    error.headers = {**(error.headers or {}), **headers}
                    raise
                used = [of_fields[name] for name in of_fields.keys() & await _named(request)] if of_fields else []
                response.headers.update(_headers([own, *used]) if used else headers)
                return response

            return deprecated_handler

    return DeprecatedRoute


def _headers(dates: Iterable[Dates]) -> dict[str, str]:
    since, sunset = (min((day for day in days if day), default=None) for days in zip(*dates, strict=True))
    headers: dict[str, str] = {}
    if since is not None:
        headers["Deprecation"] = f"@{int(_midnight(since).timestamp())}"
    if sunset is not None:
        headers["Sunset"] = format_datetime(_midnight(sunset), usegmt=True)
    return headers


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)


async def _named(request: Request) -> set[str]:
    """The fields that a request names which was answered: those of its parameters, and the keys of its body or of a batch's elements."""
    names: set[str] = set()
    for name, value in parse_qsl(request.scope["query_string"].decode()):
        names.update(part.strip("-") for part in value.split(",")) if name in NAMING else names.add(name.partition("__")[0])
    if request.method in {"POST", "PUT", "PATCH"} and (body := await request.body()):
        for element in _elements(orjson.loads(body)):
            names.update(element)
    return names


def _elements(body: Any) -> Iterator[dict[str, Any]]:
    """The body itself, and the elements of a batch."""
    if isinstance(body, dict):
        fields = cast("dict[str, Any]", body)
        yield fields
        for part in fields.values():
            if isinstance(part, list):
                yield from (element for element in cast("list[Any]", part) if isinstance(element, dict))
