"""Routes of deprecated resources: when they were deprecated and when they go, in the headers of their answers."""

from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import override

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from app.api.route import CompiledRoute, Handler


def deprecated_route(*, since: str | None = None, sunset: str | None = None) -> type[CompiledRoute]:
    """A CompiledRoute whose answers carry `Deprecation` (RFC 9745) and `Sunset` (RFC 8594), for dates that stand for midnight in UTC.

    A request that breaks the schema (422 with a list) is answered without them.
    """
    headers: dict[str, str] = {}
    if since is not None:
        headers["Deprecation"] = f"@{int(_midnight(since).timestamp())}"
    if sunset is not None:
        headers["Sunset"] = format_datetime(_midnight(sunset), usegmt=True)

    class DeprecatedRoute(CompiledRoute):
        """Adds the headers."""

        @override
        def get_route_handler(self) -> Handler:
            handler = super().get_route_handler()

            async def deprecated_handler(request: Request) -> Response:
                try:
                    response = await handler(request)
                except HTTPException as error:
                    error.headers = {**(error.headers or {}), **headers}
                    raise
                response.headers.update(headers)
                return response

            return deprecated_handler

    return DeprecatedRoute


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)
