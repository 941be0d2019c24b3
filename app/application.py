"""FastAPI's application without what FastAPI and Starlette put around the middlewares of every application.

That is five layers: telemetry, and limits and errors of which this application has its own. Each is a coroutine in the way of every
request, and some are in the way of every message of an answer; together they take about a twentieth of the time of a read.
"""

from collections.abc import Awaitable
from inspect import markcoroutinefunction
from typing import Any, override

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.datastructures import State
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.middleware.errors import readable_startup
from app.middleware.request_id import RequestIdMiddleware


class Shared(State):
    """What requests share, `app.state`: attributes like any others. Starlette's are found by way of an exception and a dictionary."""

    @override
    def __setattr__(self, key: Any, value: Any) -> None:
        object.__setattr__(self, key, value)


class Application(FastAPI):
    """A FastAPI application whose outermost middleware is RequestIdMiddleware, or one that an extension has put around it."""

    @override
    @markcoroutinefunction  # by which servers know the interface
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # pyright: ignore[reportIncompatibleMethodOverride]  # it is awaited alike
        if scope["type"] == "lifespan":
            return super().__call__(scope, receive, readable_startup(send))
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        return self.middleware_stack(scope, receive, send)

    @override
    def build_middleware_stack(self) -> ASGIApp:
        handlers = {kind: handler for kind, handler in self.exception_handlers.items() if kind is not Exception}
        app: ASGIApp = ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers=handlers)
        for middleware, args, options in reversed(self.user_middleware):
            app = middleware(app, *args, **options)
        if not isinstance(app, RequestIdMiddleware):  # an extension's, whose errors nobody else answers
            app = ServerErrorMiddleware(app, handler=self.exception_handlers[Exception])
        return app
