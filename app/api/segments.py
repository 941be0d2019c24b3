"""Dispatch by path segment: `/api/{user_id}/tasks/…` goes straight to the routes of tasks, however many resources there are.

FastAPI tries its routers one after the other. This looks the third segment up instead, answers 404 and 405 (with every allowed method) for
the paths of resources itself, and leaves every other path to FastAPI's router.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI, HTTPException
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/api/{user_id}/"


@dataclass(frozen=True, slots=True)
class _Target:
    """One route below a segment."""

    path: re.Pattern[str]
    is_literal: bool
    """Whether nothing but the user varies in the path: `…/tasks/aggregate` is never a row."""
    methods: frozenset[str]
    app: ASGIApp
    child_scope: dict[str, Any]


class SegmentDispatcher:
    """ASGI application in front of `router`."""

    def __init__(self, targets: dict[str, list[_Target]], router: ASGIApp, application: FastAPI) -> None:
        """`targets` are the routes of each segment."""
        self._targets = targets
        self._router = router
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope.get("root_path"):
            path: str = scope["path"]
            parts = path.split("/", 4)
            if len(parts) > 3 and parts[1] == "api" and (targets := self._targets.get(parts[3])) is not None:
                await self._serve(targets, path, scope, receive, send)
                return
        await self._router(scope, receive, send)

    async def _serve(self, targets: list[_Target], path: str, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        allowed: set[str] = set()
        named = False
        for target in targets:  # the literal ones first
            if named and not target.is_literal:
                break
            match = target.path.match(path)
            if match is None:
                continue
            if method in target.methods:
                scope["path_params"] = match.groupdict()
                scope["router"] = self._application.router
                scope.update(target.child_scope)
                await target.app(scope, receive, send)
                return
            allowed |= target.methods
            named = target.is_literal
        if allowed:
            raise HTTPException(405, "Method Not Allowed", headers={"Allow": ", ".join(sorted(allowed))})
        raise HTTPException(404, "Not Found")


def install(application: FastAPI) -> None:
    """Put the dispatcher in front of the application's router; call it after the last `include_router`."""
    targets: dict[str, list[_Target]] = {}
    for context in iter_route_contexts(application.router.routes):
        path = context.path
        if path is None or not path.startswith(PREFIX) or context.methods is None:
            continue
        route = cast("Any", context)
        segment = path.removeprefix(PREFIX).split("/")[0]
        targets.setdefault(segment, []).append(
            _Target(
                route.path_regex,
                "{" not in path.removeprefix(PREFIX),
                frozenset(context.methods),
                route.app,
                {"endpoint": context.endpoint, "route": context.original_route},
            )
        )
    for found in targets.values():
        found.sort(key=lambda target: not target.is_literal)
    router = application.router
    router.middleware_stack = SegmentDispatcher(targets, router.middleware_stack, application)  # pyright: ignore[reportAttributeAccessIssue]
