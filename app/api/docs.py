"""/docs: the interactive documentation, from files that are installed with the application."""

from hashlib import blake2s
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.api.openapi import complete
from app.api.openapi_fields import share_fields
from app.api.openapi_process import OpenApiProcess
from app.api.segments import Segments
from app.config import Settings
from app.db.table import OwnedTable
from app.routes import ON_DEMAND

SWAGGER_UI = files("fastapi_swagger") / "resources"
OURS = files("app.api")
ASSETS: dict[str, tuple[Traversable, str]] = {
    "swagger-ui.css": (SWAGGER_UI / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript"),
    "favicon-32x32.png": (SWAGGER_UI / "favicon-32x32.png", "image/png"),
    "page.css": (OURS / "docs_page.css", "text/css"),
    "page.js": (OURS / "docs_page.js", "text/javascript"),
}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/{version}/favicon-32x32.png">
<link rel="stylesheet" href="docs/{version}/swagger-ui.css">
<link rel="stylesheet" href="docs/{version}/page.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The API is described in <a href="openapi.json">openapi.json</a> as well.</noscript>
<script src="docs/{version}/swagger-ui-bundle.js"></script>
<script src="docs/{version}/page.js" data-user-claim="{user_claim}"></script>
</body>
</html>
"""

# Swagger UI writes style attributes, and carries its pictures in data: addresses.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
ASSET_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable"}


def install(app: FastAPI, settings: Settings) -> None:
    """Add /docs to `app`, and complete its /openapi.json; with many resources, a process of its own makes that."""
    share_fields()
    fastapi_openapi = app.openapi

    def openapi() -> dict[str, Any]:
        segments: Segments = app.state.segments
        segments.load_all()
        app.openapi_tags = _described_tags()
        document = complete(fastapi_openapi())
        if ON_DEMAND:  # whatever was asked for first
            document["paths"] = dict(sorted(document["paths"].items()))
        return document

    app.openapi = openapi
    if ON_DEMAND:
        app.add_route("/openapi.json", OpenApiProcess(settings).answer, include_in_schema=False)
    assets = {name: (file.read_bytes(), media_type) for name, (file, media_type) in ASSETS.items()}
    version = blake2s(b"".join(content for content, _ in assets.values()), digest_size=6).hexdigest()

    async def docs(request: Request) -> Response:
        title = escape(request.app.title)
        return HTMLResponse(PAGE.format(title=title, version=version, user_claim=escape(settings.jwt_user_claim)), headers=PAGE_HEADERS)

    async def asset(request: Request) -> Response:
        name: str = request.path_params["name"]
        if name not in assets:
            raise HTTPException(404, "There is nothing at this path.")
        content, media_type = assets[name]
        return Response(content, headers=ASSET_HEADERS, media_type=media_type)

    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route(f"/docs/{version}/{{name}}", asset, include_in_schema=False)


def _described_tags() -> list[dict[str, str]]:
    """The resources' tags with the descriptions of their tables."""
    tables = sorted(OwnedTable.__subclasses__(), key=lambda table: table.__tablename__)
    return [{"name": table.__tablename__.replace("_", " "), "description": table.__doc__ or ""} for table in tables]
