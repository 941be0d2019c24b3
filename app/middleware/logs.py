"""Logs: one line a record, as text or JSON, and one access line a request.

What a request carried (headers, tokens, query, body) and what it told the database never gets here, and no value can forge a line:
control characters are escaped. Exceptions are logged with their stack; their messages, which tend to quote values, only in development and
only where they are not made of values.
"""

import logging
import logging.config
import traceback
from collections.abc import Awaitable, Iterator
from functools import lru_cache
from hashlib import blake2s
from time import perf_counter
from types import TracebackType
from typing import Any, cast

from asyncpg import PostgresError
from pydantic_core import ValidationError
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from sqlalchemy.exc import StatementError
from starlette.types import ASGIApp, Receive, Scope, Send

from app.config import Settings
from app.middleware.errors import CLIENT_GONE
from app.middleware.request_id import STATUS, request_id

access = logging.getLogger("app.access")

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: logged at DEBUG."""

UNVERIFIED = frozenset({401, 403, 405})
"""Answers before the user is known to be the one in the path."""

QUOTES_VALUES = (PostgresError, StatementError, ValidationError, UnicodeError)
"""Exceptions whose messages quote what was submitted or bound."""

MAX_CHAIN = 8
"""How many exceptions back a stack goes."""

type ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(settings: Settings) -> None:
    """Send the process's logs to stderr, in the form and from the level of `settings`."""
    logging.config.dictConfig(configuration(settings))


def configuration(settings: Settings) -> dict[str, Any]:
    """The configuration of `logging` for `settings`; uvicorn's own access log is off."""
    level = settings.log_level.upper()
    form = JsonLine if settings.log_format == "json" else TextLine
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": RequestIdFilter}},
        "formatters": {"line": {"()": form, "messages": settings.environment != "production"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
        "root": {"level": "INFO" if level == "DEBUG" else level, "handlers": ["stderr"]},  # the libraries' DEBUG shows headers and values
        "loggers": {
            "app": {"level": level},
            "uvicorn": {"level": level, "handlers": [], "propagate": True},
            "uvicorn.error": {"level": level, "handlers": [], "propagate": True},
            "uvicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


class RequestIdFilter(logging.Filter):
    """Adds the request's id to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record."""
        record.request_id = request_id.get()
        return True


class JsonLine(JsonFormatter):
    """A JSON object a line."""

    def __init__(self, *, messages: bool) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - its other parameters are not typed
            ["levelname", "name", "message", "request_id"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "stack"},
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's copy of the message with escape codes
            timestamp=True,
        )
        self.messages = messages

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - a method of logging.Formatter
        """The stack of an exception."""
        return "".join(_stack(ei[1], messages=self.messages)) if ei[1] else ""


class TextLine(logging.Formatter):
    """A readable line; those of a stack are indented, so that no message can pass for a line of its own."""

    def __init__(self, *, messages: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s [%(request_id)s]")
        self.messages = messages

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - a method of logging.Formatter
        """The line without a stack."""
        return escape(super().formatMessage(record))

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - a method of logging.Formatter
        """The stack of an exception, indented."""
        lines = "".join(_stack(ei[1], messages=self.messages)).splitlines() if ei[1] else []
        return "\n".join(f"  {escape(line)}" for line in lines)


def escape(text: str) -> str:
    """`text` on one line: control characters, line separators and the like as escapes."""
    return text if text.isprintable() else "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _stack(error: BaseException, *, messages: bool, depth: int = 0) -> Iterator[str]:
    """The traceback of `error` and of what led to it, oldest first."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    for origin in (before, *_parts(error)) if depth < MAX_CHAIN else ():
        if origin:
            yield from _stack(origin, messages=messages, depth=depth + 1)
            yield "which led to:\n"
    yield from traceback.format_tb(error.__traceback__)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, PostgresError):
        yield f"{name}: SQLSTATE {error.sqlstate}\n"
    elif messages and not isinstance(error, QUOTES_VALUES):
        yield f"{name}: {error}\n"
    else:
        yield f"{name}\n"


def _parts(error: BaseException) -> tuple[BaseException, ...]:
    return cast("BaseExceptionGroup[BaseException]", error).exceptions if isinstance(error, BaseExceptionGroup) else ()


class AccessLogMiddleware:
    """One line a request: method, route, status, duration and who asked (as a hash)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one connection."""
        if scope["type"] == "http":
            level = logging.DEBUG if scope["path"] in QUIET else logging.INFO
            if access.isEnabledFor(level):
                return self._logged(level, scope, receive, send)
        return self.app(scope, receive, send)

    async def _logged(self, level: int, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        try:
            await self.app(scope, receive, send)
        finally:
            _log_request(level, scope, scope.get(STATUS, CLIENT_GONE), (perf_counter() - start) * 1000)


def _log_request(level: int, scope: Scope, status: int, duration: float) -> None:
    route = getattr(scope.get("route"), "path", None)
    fields: dict[str, object] = {"method": scope["method"], "route": route, "status": status, "duration_ms": round(duration, 2)}
    user: str | None = scope.get("path_params", {}).get("user_id")
    if user is not None and status not in UNVERIFIED:
        fields["user"] = _hash(user)
    # The path itself is logged where there is no route for it only: elsewhere it carries the user's id.
    place = route or escape(scope["path"][:200])
    access.log(level, "%s %s %d %.1f ms user=%s", scope["method"], place, status, duration, fields.get("user", "-"), extra=fields)


@lru_cache(maxsize=1024)
def _hash(user: str) -> str:
    return blake2s(user.encode("utf-8", "replace"), digest_size=6).hexdigest()
