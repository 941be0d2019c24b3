"""What machines ask a running process: does it live, may it get requests, how is it doing."""

import asyncio

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.db.pool import Database
from app.lifecycle import Lifecycle
from app.middleware.errors import error_response
from app.middleware.metrics import Metrics
from app.models import TABLE_MODULES

READY_TIMEOUT = 2.0
"""Seconds for the database to answer."""


def install(app: FastAPI) -> None:
    """Add /healthz and /readyz, and /metrics where `app.state.metrics` is kept."""
    app.add_route("/healthz", live, methods=["GET"], include_in_schema=False)
    app.add_route("/readyz", ready, methods=["GET"], include_in_schema=False)
    if app.state.metrics is not None:
        app.add_route("/metrics", metrics, methods=["GET"], include_in_schema=False)


async def live(_request: Request) -> Response:
    """200 as long as the process answers at all."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """200 when requests can be served; 503 with the reason when not."""
    problem = await _problem(request.app.state.lifecycle, request.app.state.database)
    return error_response(request, 503, problem, headers={"Retry-After": "1"}) if problem else JSONResponse({"status": "ok"})


async def metrics(request: Request) -> Response:
    """The measurements so far, in Prometheus' text format."""
    measured: Metrics = request.app.state.metrics
    return Response(measured.text(), media_type=CONTENT_TYPE_LATEST)


async def _problem(lifecycle: Lifecycle, database: Database) -> str | None:
    if lifecycle.draining:
        return "This process is shutting down."
    try:
        async with asyncio.timeout(READY_TIMEOUT):
            if not await database.is_migrated(tuple(TABLE_MODULES)):
                return "The database has not all of the tables and functions that the application needs: a migration is to be run."
    except Exception:  # noqa: BLE001 - whatever it is, the database cannot be used
        return "The database does not answer."
    return None
