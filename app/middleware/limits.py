"""The limit on the size of a request's body."""

from collections.abc import Awaitable

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimitMiddleware:
    """Ends the reading of a body that is larger than `max_bytes` with 413.

    The error is raised where a route reads the body, not before: a request without a valid token gets its 401 however large its body is.
    (The `max_body_size` of FastAPI turns every answer to such a request into 413.) A body that nobody reads is never kept.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one connection."""
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        announced = _announced_size(scope["headers"])
        if announced is not None and announced <= self.max_bytes:  # no server hands on more than what is announced
            return self.app(scope, receive, send)
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            if announced is not None and announced > self.max_bytes:
                raise self.too_large()
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise self.too_large()
            return message

        return self.app(scope, receive_limited, send)

    def too_large(self) -> HTTPException:
        """The answer to a body over the limit."""
        return HTTPException(413, f"The body is larger than the {self.max_bytes:,} bytes that are allowed. Send less at once.")


def _announced_size(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The Content-Length, 0 where there is no body, None where the size is not known in advance."""
    size: int | None = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            size = int(value) if value.isdigit() else None
    return size
