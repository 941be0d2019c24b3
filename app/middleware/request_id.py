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
        return self.app(scope, receive, _SendNamed(scope, send, name))


class _SendNamed:
    """The `send` of those inside: it names the answer. Whoever puts another one around it is told of every message."""

    __slots__ = ("_name", "_scope", "_send")

    def __init__(self, scope: Scope, send: Send, name: bytes) -> None:
        self._scope = scope
        self._send = send
        self._name = name

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send one message."""
        if message["type"] == "http.response.start":
            self._scope[STATUS] = message["status"]
            message["headers"] = [*message.get("headers", ()), (HEADER, self._name)]
        return self._send(message)

    async def send_whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send an answer; as a whole, where the server has a way (`app/server.py`)."""
        send_whole = getattr(getattr(self._send, "__self__", None), "send_whole", None)
        if send_whole is None:
            await self({"type": "http.response.start", "status": status, "headers": headers})
            await self({"type": "http.response.body", "body": body})
        else:
            await send_whole(status, [*headers, (HEADER, self._name)], body)
            self._scope[STATUS] = status


def _given(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    for key, value in headers:
        if key == HEADER:
            return value if SANE.fullmatch(value) else None
    return None
