"""A name for every request, in its answer and in every log line about it."""

import re
from collections.abc import Awaitable
from contextvars import ContextVar
from random import getrandbits

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
STATUS = "app.status"
"""Where the scope of a request has the status of its answer, once that has begun."""

SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that is being served; `-` outside of one."""


class RequestIdMiddleware:
    """Takes a sane X-Request-ID from the client, or makes one up, and answers with it.

    It is the one middleware that sees every answer, and notes in the scope how it begins, for those inside of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one connection."""
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        name = _given(scope["headers"]) or b"%016x" % getrandbits(64)
        request_id.set(name.decode())

        def send_named(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                scope[STATUS] = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, name)]
            return send(message)

        return self.app(scope, receive, send_named)


def _given(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    for key, value in headers:
        if key == HEADER:
            return value if SANE.fullmatch(value) else None
    return None
