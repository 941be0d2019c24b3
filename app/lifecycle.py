"""The beginning of the end: after SIGTERM the application says that it is not ready, and only later stops accepting requests."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from types import FrameType

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Lifecycle:
    """Whether the process is on its way out; `pause` is in seconds."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.draining = False

    @contextmanager
    def watch_sigterm(self) -> Generator[None]:
        """Put a pause between SIGTERM and the server's own reaction to it, so that load balancers see /readyz fail first.

        A second SIGTERM ends the pause. Where no server handles the signal (in tests, in threads) nothing changes.
        """
        loop = asyncio.get_running_loop()
        server_handler = signal.getsignal(signal.SIGTERM)
        if not callable(server_handler) or threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_sigterm(number: int, _frame: FrameType | None) -> None:
            pause = 0.0 if self.draining else self.pause
            self.draining = True
            loop.call_soon_threadsafe(loop.call_later, pause, server_handler, number, None)

        signal.signal(signal.SIGTERM, on_sigterm)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, server_handler)


class DrainMiddleware:
    """Asks clients to open another connection, elsewhere, once the process is on its way out."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self.app = app
        self.lifecycle = lifecycle

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one connection."""
        if not self.lifecycle.draining or scope["type"] != "http":
            return self.app(scope, receive, send)

        def send_closing(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            return send(message)

        return self.app(scope, receive, send_closing)
