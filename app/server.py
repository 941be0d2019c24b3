"""Running the application with uvicorn, for development and production alike: `python -m app`."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.config import SettingProblem, Settings, SettingsError, load_settings, read_environment
from app.middleware import logs

MAX_UNPARSED_BYTES = 64 * 1024
"""Room for the request line and the headers together, and for anything else that is not part of the body."""

RECEIVE_TIMEOUT = 30.0
"""Seconds to receive a request in, from the opening of the connection or from its first byte."""

MIN_RECEIVED_BYTES = 32 * 1024
"""What has to arrive in RECEIVE_TIMEOUT for a longer request to get as much time again."""

SHUTDOWN_MARGIN = 5
"""Seconds that requests in flight get at the end, beyond the time that their statement may take."""


def main() -> int:
    """Serve with the HOST, PORT, WORKERS and FORWARDED_ALLOW_IPS of the environment or .env; return the exit code."""
    try:
        settings = load_settings()
        environ = read_environment()
        host, port, workers = environ.get("HOST", "127.0.0.1"), _number(environ, "PORT", 8000, 65535), _number(environ, "WORKERS", 1, 256)
        run(settings, host=host, port=port, workers=workers, trusted_proxies=environ.get("FORWARDED_ALLOW_IPS"))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        return 2
    return 0


def run(settings: Settings, *, host: str, port: int, workers: int = 1, reload: bool = False, trusted_proxies: str | None = None) -> None:
    """Serve `app.main:app` until SIGINT or SIGTERM. SystemExit when it cannot start.

    Only the proxies at `trusted_proxies` (comma-separated addresses) are believed when they say who the client is.
    """
    with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
        if settings.metrics and workers > 1:
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)  # where the workers put their measurements together
        uvicorn.run(
            "app.main:app",
            host=host,
            port=port,
            workers=workers,
            reload=reload,
            reload_dirs=["app"] if reload else None,
            http=GuardedProtocol,
            lifespan="on",
            log_config=logs.configuration(settings),
            access_log=False,  # app.middleware.logs has its own
            server_header=False,
            proxy_headers=trusted_proxies is not None,
            forwarded_allow_ips=trusted_proxies,
            timeout_graceful_shutdown=int(settings.pool_timeout + settings.statement_timeout) + SHUTDOWN_MARGIN,
        )


def _number(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = environ.get(name, str(default)).strip()
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= most):
        raise SettingsError(SettingProblem(name, f"is {value[:40]!a}", f"use a whole number from 1 to {most}; unset means {default}"))
    return int(value)


class Cycle(RequestResponseCycle):
    """uvicorn's part in one request, which takes an answer as a whole as well: in one write, after one look at its head.

    A caller finds `send_whole` on the `send` that it got, where nobody has put another one around it (`app/middleware/request_id.py`).
    """

    async def send_whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send an answer whose headers, in lower case, say how long its `body` is. RuntimeError for a value that no header can have."""
        if self.response_started or self.flow.write_paused or not self.keep_alive or self.scope["method"] == "HEAD":
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": body, "more_body": False})
            return
        if self.disconnected:
            return
        lines = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *headers):
            lines += (name, b": ", value, b"\r\n")
        head = b"".join(lines)
        if len(head) - len(head.translate(None, _CONTROLS)) != len(lines) // 4 * 2 + 2:  # more than the ends of the lines
            raise RuntimeError("Invalid HTTP header value.")
        self.transport.write(b"%b\r\n%b" % (head, body))
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.message_event.set()
        self.on_response()


_CONTROLS = bytes((*range(9), *range(10, 32), 127))
"""What a header cannot have."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with an end to requests that trickle in and to heads that never end.

    A connection that rests between two requests has one timer, which stays while it serves others; uvicorn sets one for each answer.
    """

    unparsed = 0
    """Bytes since the parser last made something of them."""
    receiving = True
    """Whether a request has begun that is not here completely; so it is on a new connection, whose first request is due."""
    received = 0
    """Bytes since the deadline was set."""
    deadline: asyncio.TimerHandle | None = None
    resting_since: float | None = None
    """When the last answer was complete; None once something has come since."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - uvicorn narrows it as well
        """A client connects."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or the connection was closed here."""
        self._clear_deadline()
        super()._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes arrive, which may be any part of one request or of several."""
        self.unparsed += len(data)
        self.received += len(data)
        super().data_received(data)
        if self.unparsed > MAX_UNPARSED_BYTES:
            self._refuse(431, "The headers are too large.")
        elif self.receiving or (self.cycle and self.cycle.response_complete):
            self._set_deadline()
        else:
            self._clear_deadline()

    def on_message_begin(self) -> None:
        """A request begins."""
        self.receiving = True
        super().on_message_begin()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = Cycle  # uvicorn makes it of its own, in the middle of what it does with a head
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """A part of a body is complete."""
        self.unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self.unparsed = 0
        self.receiving = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is complete: the next request begins that waits for it, or the connection rests."""
        if self.pipeline or self.timeout_keep_alive_task is None or self.transport.is_closing():
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
        if self.cycle.response_complete:
            self.resting_since = self.loop.time()

    def _unset_keepalive_if_required(self) -> None:
        self.resting_since = None  # which the timer finds

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has rested for long enough, or look again when another one would have."""
        self.timeout_keep_alive_task = None  # of a connection at work the next answer sets it
        if self.resting_since is not None:
            left = self.resting_since + self.timeout_keep_alive - self.loop.time()
            if left <= 0:
                super().timeout_keep_alive_handler()
            else:
                self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes the connection over."""
        super().handle_websocket_upgrade()
        self.receiving = False

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, msg)

    def _set_deadline(self) -> None:
        if self.deadline is None:
            self.received = 0
            self.deadline = self.loop.call_later(RECEIVE_TIMEOUT, self._on_deadline)

    def _clear_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _on_deadline(self) -> None:
        self.deadline = None
        if self.received >= MIN_RECEIVED_BYTES:
            self._set_deadline()
        else:
            self._refuse(408, "The request took too long to arrive.")

    def _refuse(self, status: int, detail: str) -> None:
        """End the connection; with an answer, unless one is on its way or nothing was asked."""
        if self.transport.is_closing():
            return
        answering = bool(self.cycle) and self.cycle.response_started and not self.cycle.response_complete
        if not answering and self.receiving:
            content = json.dumps({"detail": detail}).encode()
            head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
            self.transport.write(head.encode() + b"connection: close\r\n\r\n" + content)
        self.transport.close()
