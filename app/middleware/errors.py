"""What an error looks like: `{"detail": …}`, or RFC 9457 for those who accept `application/problem+json`.

No answer repeats a submitted value, and none is larger than 8 KiB.
"""

import json
import logging
import sys
from collections.abc import Awaitable, Collection, Mapping, Sequence
from datetime import date, time
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import SettingsError
from app.middleware.request_id import STATUS, request_id

logger = logging.getLogger("app")

MAX_ERRORS_BYTES = 7 * 1024
"""Room for the list of a 422; the rest of the 8 KiB is for what stands around it."""

CLIENT_GONE = 499
"""The status of a request whose client left before the answer. It is logged, never sent."""

MAX_TEXT = 300
MAX_NAME = 64
MAX_DEPTH = 8
RULE_KEYS = frozenset(
    [
        *("ge", "gt", "le", "lt", "multiple_of", "max_digits", "decimal_places", "whole_digits"),
        *("min_length", "max_length", "actual_length", "pattern", "expected", "field_type", "error"),
    ]
)
"""The keys of a validation error's `ctx` that speak of the rule. Others may carry what was submitted."""


def install(app: FastAPI) -> None:
    """Give `app` the error answers of this module."""
    app.exception_handlers |= {
        HTTPException: _http_error,
        RequestValidationError: _validation_error,
        ClientDisconnect: _client_gone,
        Exception: _server_error,  # for what extensions put around UnhandledErrorMiddleware
    }


def readable_startup(send: Send) -> Send:
    """The `send` of a lifespan, which ends a start that the settings forbid with their message. Starlette would print a traceback."""

    def send_readable(message: Message) -> Awaitable[None]:
        if message["type"] == "lifespan.startup.failed" and isinstance(error := sys.exception(), SettingsError):
            message["message"] = str(error)
        return send(message)

    return send_readable


class UnhandledErrorMiddleware:
    """Answers 500 to an error that nobody handled; what happened is in the server's log, under the request's id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            if STATUS in scope:
                raise  # the server cuts the connection: half an answer must not look like a whole one
            logger.exception("unhandled error")
            response = await _server_error(Request(scope), error)
            await response(scope, receive, send)


def error_response(
    request: Request, status: int, detail: object, *, errors: Sequence[object] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer `status` that says `detail`, in the form that the client accepts. `errors` is the list of a 422."""
    if status < 200 or status in (204, 304):
        return Response(status_code=status, headers=headers)
    content: dict[str, object] = {"detail": detail if errors is None else errors}
    media_type = "application/json"
    if _wants_problem(request.headers.get("accept", "")):
        media_type = "application/problem+json"
        content = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail if isinstance(detail, str) else json.dumps(detail, default=str),
            "instance": f"urn:request:{request_id.get()}",
        }
        if errors is not None:
            content["errors"] = errors
    return Response(_json(content), status, headers, media_type)


async def _http_error(request: Request, error: HTTPException) -> Response:
    detail, headers = error.detail, error.headers
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is nothing at this path."
    elif error.status_code == 405:
        named = _allowed_methods(request) if "route" in request.scope else (headers or {}).get("Allow", "").split(", ")
        allowed = ", ".join(sorted(named))
        detail, headers = f"This path does not take {request.method}, only {allowed}.", {**(headers or {}), "Allow": allowed}
    return error_response(request, error.status_code, detail, headers=headers)


async def _validation_error(request: Request, error: RequestValidationError) -> Response:
    errors = _limited(error.errors(), request)
    return error_response(request, 422, "The request is not valid; `errors` says where.", errors=errors)


async def _server_error(request: Request, _error: Exception) -> Response:
    return error_response(request, 500, f"Something went wrong on our side. Please report it with the request id {request_id.get()}.")


async def _client_gone(_request: Request, _error: ClientDisconnect) -> Response:
    """For the access log alone: nobody is left to answer."""
    return Response(status_code=CLIENT_GONE)


def _without_values(error: Mapping[str, Any], request: Request) -> dict[str, object]:
    """What is wrong and where, without what was submitted."""
    location: tuple[str | int, ...] = tuple(error.get("loc", ()))
    message = str(error.get("msg", "Invalid value"))
    if error.get("type") == "extra_forbidden" and len(location) > 1:
        message = _unknown_field(location, request)
    plain: dict[str, object] = {
        "type": error.get("type", "value_error"),
        "loc": [_short(part, MAX_NAME) if isinstance(part, str) else part for part in location[:MAX_DEPTH]],
        "msg": _short(message, MAX_TEXT),
    }
    context: Mapping[str, object] = error.get("ctx") or {}
    rule = {key: _plain(value) for key, value in context.items() if key in RULE_KEYS and not isinstance(value, Exception)}
    if rule:
        plain["ctx"] = rule
    return plain


def _plain(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value
    return _short(value.isoformat() if isinstance(value, date | time) else str(value), MAX_TEXT)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _limited(errors: Sequence[Mapping[str, Any]], request: Request) -> list[Mapping[str, object]]:
    """As many of `errors` as there is room for, without values; the last entry says how many more there are."""
    shown: list[Mapping[str, object]] = []
    size = 0
    for error in errors:
        entry = _without_values(error, request)
        size += len(_json(entry)) + 1
        if size > MAX_ERRORS_BYTES:
            more = len(errors) - len(shown)
            return [*shown, {"type": "too_many_errors", "loc": [], "msg": f"{more:,} more errors are not shown."}]
        shown.append(entry)
    return shown


def _unknown_field(location: tuple[str | int, ...], request: Request) -> str:
    """What to say of a field that a body, or an element in it, may not have."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return "Unknown field."
    _, *path, name = location
    if str(name) in _fields_at(path, route.response_model):
        return "This field cannot be set here."
    sent = [parameter.field_info.annotation for parameter in route.dependant.body_params]
    close = get_close_matches(str(name)[:MAX_NAME], list(_fields_at(path, *sent)), n=1)
    return f"Unknown field; did you mean `{close[0]}`?" if close else "Unknown field."


def _fields_at(path: Sequence[str | int], *annotations: Any) -> Collection[str]:
    """The fields of the model at a path into what is annotated like this: `create`, 3 is the model of the items of `create`."""
    model = _model_in(*annotations)
    for name in path:
        if isinstance(name, str) and model is not None:
            model = _model_in(model.model_fields[name].annotation) if name in model.model_fields else None
    return () if model is None else model.model_fields


def _model_in(*annotations: Any) -> type[BaseModel] | None:
    """The first model among annotations and their arguments."""
    for annotation in annotations:
        found = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else _model_in(*get_args(annotation))
        if found is not None:
            return found
    return None


def _allowed_methods(request: Request) -> list[str]:
    """The methods of every route at the request's path, not of the first one only."""
    path = request.scope["path"]
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(path):
            methods |= route.methods
    return sorted(methods)


def _wants_problem(accept: str) -> bool:
    """Whether `application/problem+json` is named, and not less wanted than `application/json`."""
    accept = accept.lower()
    if "problem+json" not in accept:
        return False
    weights: dict[str, float] = {}
    for entry in accept.split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            weights[media_type] = float(quality)
        except ValueError:
            weights[media_type] = 0
    problem = weights.get("application/problem+json", 0)
    return problem > 0 and problem >= weights.get("application/json", 0)


def _json(content: object) -> bytes:
    """JSON in UTF-8; a lone surrogate, which UTF-8 does not know, becomes a question mark."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
