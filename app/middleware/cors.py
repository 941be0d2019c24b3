"""Which web pages may call the API."""

from typing import override

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from app.config import Settings

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
REQUEST_HEADERS = ["Authorization", "Consistency-Token", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "X-Request-ID"]
RESPONSE_HEADERS = [
    "Consistency-Token",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "Sunset",
    "X-Request-ID",
]


class CorsMiddleware(CORSMiddleware):
    """Starlette's CORS for CORS_ORIGINS, with this API's methods and headers; a refusal is an error like any other."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_origins,
            allow_credentials=settings.cors_credentials,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
        )

    @override
    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a browser that asks before it sends a request."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        headers = {name: value for name, value in response.headers.items() if name not in {"content-length", "content-type"}}
        return JSONResponse({"detail": f"{bytes(response.body).decode()}."}, response.status_code, headers)
