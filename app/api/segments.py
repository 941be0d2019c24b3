"""Dispatch by path segment: `/api/{user_id}/tasks/…` goes straight to the routes of tasks, however many resources there are.

FastAPI tries its routers one after the other, inside two middlewares of its own. This looks the third segment up instead, before them, and
runs the compiled handler that it finds; it answers 404 and 405 (with every allowed method) for the paths of resources itself. Whatever
needs FastAPI (other paths, handlers that are not compiled, `dependency_overrides`) goes on to FastAPI's middlewares and its router.

An application with many resources imports most of their routers here, when a segment is first asked for: see `ON_DEMAND` in app/routes.
"""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple, Self, cast

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.route import Handler

PREFIX = "/api/{user_id}/"

_CHOSEN = "app.route"


class _Target(NamedTuple):
    """One route: `handler` where it is compiled, and `app` with everything that FastAPI has around a handler."""

    handler: Handler | None
    app: ASGIApp
    child_scope: Mapping[str, Any]


@dataclass(slots=True)
class _Path:
    """One path: its routes by method. `parts` follow the segment, each a name and whether it is a parameter's.

    There are none where a parameter is more than `{name}`; there the `pattern` tells.
    """

    pattern: re.Pattern[str]
    parts: tuple[tuple[str, bool], ...]
    routes: dict[str, _Target] = field(default_factory=dict[str, _Target])

    def parameters(self, user: str, given: list[str], path: str) -> dict[str, str] | None:
        """The parameters of a `path` that ends with the parts `given`; None where it is another path than this one."""
        if not self.parts:
            match = self.pattern.match(path)
            return None if match is None else match.groupdict()
        if len(given) != len(self.parts):
            return None
        found = {"user_id": user}
        for (name, is_parameter), part in zip(self.parts, given, strict=True):
            if is_parameter and part:
                found[name] = part
            elif name != part or is_parameter:
                return None
        return found


@dataclass(slots=True)
class _Segment:
    """The paths below one segment. In those of `literal` nothing but the user varies: `/aggregate` is never a row."""

    literal: dict[str, _Path] = field(default_factory=dict[str, _Path])
    patterns: dict[str, _Path] = field(default_factory=dict[str, _Path])

    def update(self, other: Self) -> None:
        """Add the routes of `other`, where there is none for their path and method."""
        for ours, others in ((self.literal, other.literal), (self.patterns, other.patterns)):
            for rest, path in others.items():
                known = ours.setdefault(rest, path)
                known.routes = path.routes | known.routes

    def find(self, user: str, rest: str, path: str) -> tuple[_Path | None, dict[str, str]]:
        """The path that a request is for, with its parameters; `rest` follows the segment in `path`."""
        found = self.literal.get(rest)
        if not user:
            return None, {}
        if found is not None:
            return found, {"user_id": user}
        given = rest.split("/")
        for found in self.patterns.values():
            parameters = found.parameters(user, given, path)
            if parameters is not None:
                return found, parameters
        return None, {}


_NOTHING = _Segment()


class Segments:
    """The segments of an application's paths, with those that are not imported yet."""

    def __init__(self, application: FastAPI, on_demand: Mapping[str, tuple[str, ...]]) -> None:
        """Take the routes that `application` has; `on_demand` are the modules of further ones, by segment."""
        self.application = application
        self._on_demand = dict(on_demand)
        self._imported: set[str] = set()
        self._segments: dict[str, _Segment] = {}
        self._known = 0
        self._are_all = self._add_routes()

    def find(self, name: str) -> _Segment | None:
        """The segment of this name; its routers are imported first where they are not yet.

        An empty one where no path of the application has it; None where only FastAPI's router can tell.
        """
        segment = self._segments.get(name)
        if name in self._on_demand:
            self._load(name)
            segment = self._segments[name]
        if segment is None and self._are_all and len(self.application.router.routes) == self._known:
            return _NOTHING
        return segment

    def load_all(self) -> None:
        """Import every router, for what shows all of them."""
        while self._on_demand:
            self._load(next(iter(self._on_demand)))

    def _load(self, name: str) -> None:
        for module in self._on_demand[name]:
            if module not in self._imported:
                for router in _routers(import_module(module)):
                    self.application.include_router(router)
                self._imported.add(module)
        del self._on_demand[name]  # not before: what could not be imported is no 404 at the next request
        earlier = self._segments.pop(name, None)
        self._add_routes()
        if earlier is not None:  # also what extensions have here: the generated routes go before it
            self._segments.setdefault(name, _Segment()).update(earlier)

    def _add_routes(self) -> bool:
        """Add the routes that are new; whether those that are left to FastAPI's router are apart from all segments."""
        new = self.application.router.routes[self._known :]
        self._known += len(new)
        are_apart = True
        for context in iter_route_contexts(new):
            path = context.path or ""
            if path.startswith(PREFIX) and context.methods is not None and path[len(PREFIX)] != "{":
                _add(self._segments, context)
            else:
                first = path.split("/")[1:2]
                are_apart &= bool(first) and first[0] not in {"", "api"} and "{" not in first[0]
        return are_apart


class SegmentDispatcher:
    """The innermost middleware of the application's own."""

    def __init__(self, app: ASGIApp, segments: Segments) -> None:
        """`app` is FastAPI's remaining stack."""
        self._app = app
        self._segments = segments
        self._application = segments.application

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one connection."""
        if scope["type"] == "http" and not scope.get("root_path"):
            path: str = scope["path"]
            parts = path.split("/", 4)
            if len(parts) > 3 and parts[1] == "api" and (segment := self._segments.find(parts[3])) is not None:
                found, parameters = segment.find(parts[2], f"/{parts[4]}" if len(parts) > 4 else "", path)
                return self._serve(found, parameters, scope, receive, send)
        return self._app(scope, receive, send)

    async def _serve(self, found: _Path | None, parameters: dict[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        target = None if found is None else found.routes.get(scope["method"])
        request = Request(scope, receive, send)
        try:
            if target is None:
                raise _no_route(found)
            scope["path_params"] = parameters
            scope["router"] = self._application.router
            scope.update(target.child_scope)
            if target.handler is None or self._application.dependency_overrides:
                scope[_CHOSEN] = target.app
                await self._app(scope, receive, send)
                return
            response = await target.handler(request)
        except Exception as error:  # noqa: BLE001  # what has no handler is raised again
            response = await self._answer(request, error)
        await response(scope, receive, send)

    async def _answer(self, request: Request, error: Exception) -> Response:
        """The answer of the application's handler for `error`, as Starlette would find it."""
        handlers = self._application.exception_handlers
        keys = [error.status_code] if isinstance(error, HTTPException) else []
        for key in (*keys, *(kind for kind in type(error).__mro__ if kind is not Exception)):
            if key in handlers:
                return await cast("Any", handlers[key])(request, error)
        raise error


def _no_route(found: _Path | None) -> HTTPException:
    if found is None:
        return HTTPException(404, "Not Found")
    return HTTPException(405, "Method Not Allowed", headers={"Allow": ", ".join(sorted(found.routes))})


def install(application: FastAPI, on_demand: Mapping[str, tuple[str, ...]]) -> None:
    """Put the dispatcher in front of the application's router; call it after the last `include_router`.

    `on_demand` are the modules of further routers by the segment of their paths. `application.state.segments` can import them all.
    """
    application.state.segments = segments = Segments(application, on_demand)
    application.user_middleware.append(Middleware(SegmentDispatcher, segments))
    router = application.router.middleware_stack

    async def chosen(scope: Scope, receive: Receive, send: Send) -> None:
        await scope.pop(_CHOSEN, router)(scope, receive, send)

    application.router.middleware_stack = chosen


def _routers(module: ModuleType) -> list[APIRouter]:
    """The router of a module in app/routes, and that of its paths below other resources."""
    return [module.router, module.nested] if hasattr(module, "nested") else [module.router]


_PLAIN = re.compile(r"\{(\w+)\}|[^{}]*")


def _parts(rest: str) -> tuple[tuple[str, bool], ...]:
    """The parts of a path behind its segment; none where one is something else than a text or `{name}`."""
    matches = [_PLAIN.fullmatch(part) for part in rest.split("/")]
    if None in matches:
        return ()
    return tuple((match[1] or match[0], match[1] is not None) for match in matches if match is not None)


def _add(segments: dict[str, _Segment], context: RouteContext) -> None:
    path = cast("str", context.path).removeprefix(PREFIX)
    name, slash, rest = path.partition("/")
    segment = segments.setdefault(name, _Segment())
    paths = segment.patterns if "{" in path else segment.literal
    found = paths.setdefault(slash + rest, _Path(cast("Any", context).path_regex, _parts(slash + rest)))
    target = _Target(
        getattr(context, "compiled_handler", None),
        cast("Any", context).app,
        {"endpoint": context.endpoint, "route": context.original_route},
    )
    for method in context.methods or ():
        found.routes.setdefault(method, target)
