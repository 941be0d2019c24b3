"""The application: `create_app()`, or `uvicorn app.main:app`."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from uvicorn.config import STARTUP_FAILURE

from app import extensions
from app.api import docs, health, segments
from app.application import Application, Shared
from app.config import Settings, SettingsError, load_settings
from app.db.cleanup import clean_up
from app.db.pool import Database
from app.db.replica import Replica
from app.lifecycle import DrainMiddleware, Lifecycle
from app.middleware import errors, logs
from app.middleware.consistency import ConsistencyMiddleware
from app.middleware.cors import CorsMiddleware
from app.middleware.limits import BodyLimitMiddleware
from app.middleware.metrics import Metrics, MetricsMiddleware
from app.middleware.request_id import RequestIdMiddleware
from app.middleware.tokens import TokenVerifier
from app.roles import check_role, check_role_later, trust
from app.routes import ON_DEMAND, routers

DESCRIPTION = """
Every row belongs to one user, and `{user_id}` in a path must be the subject of the token.
Press **Authorize** and paste a token: `user_id` is filled in.

Lists are filtered, sorted and paged by their query parameters; `next_cursor` leads to the next page.
Send the `ETag` of a row as `If-Match` to change it only if nobody else has.
Errors are `{"detail": …}`, or [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) for `Accept: application/problem+json`.
"""

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; without `settings` from the environment and .env. SettingsError when it must not start."""
    settings = settings or load_settings()
    logs.configure(settings)
    lifecycle = Lifecycle(settings.shutdown_delay)
    metrics = Metrics() if settings.metrics else None
    app = Application(
        title="Rowsmith API",
        description=DESCRIPTION,
        openapi_url="/openapi.json" if settings.docs and not ON_DEMAND else None,  # app.api.docs has one for many resources
        docs_url=None,  # app.api.docs serves it, without a CDN
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
        middleware=_middleware(settings, lifecycle, metrics),
        telemetry=NO_TELEMETRY,
    )
    app.state = Shared()
    app.state.settings = settings
    app.state.lifecycle = lifecycle
    app.state.metrics = metrics
    errors.install(app)
    for router in routers:
        app.include_router(router)
    health.install(app)
    if settings.docs:
        docs.install(app, settings)
    if hasattr(extensions, "setup"):
        extensions.setup(app)
    segments.install(app, ON_DEMAND)  # after the last include_router
    return app


def _operation_id(route: APIRoute) -> str:
    """The name of the route's function, so that generated clients read well: list_tasks, get_task …."""
    return route.name


def _middleware(settings: Settings, lifecycle: Lifecycle, metrics: Metrics | None) -> list[Middleware]:
    """What every request passes, outermost first. All of it is pure ASGI."""
    stack = [Middleware(RequestIdMiddleware), Middleware(logs.AccessLogMiddleware)]
    if metrics is not None:
        stack.append(Middleware(MetricsMiddleware, metrics))
    stack.append(Middleware(DrainMiddleware, lifecycle))
    if settings.cors_origins:
        stack.append(Middleware(CorsMiddleware, settings))
    if settings.database_replica_url is not None:
        stack.append(Middleware(ConsistencyMiddleware, settings))
    return [*stack, Middleware(errors.UnhandledErrorMiddleware), Middleware(BodyLimitMiddleware, settings.max_body_bytes)]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open what the application needs, and close it at the end. The database may come later: until then /readyz says no."""
    settings: Settings = app.state.settings
    app.state.tokens = tokens = TokenVerifier(settings)
    app.state.database = database = await Database.open(settings)
    tasks = [asyncio.create_task(clean_up(database, settings.purge_deleted_after))]
    replica = None
    if settings.database_replica_url is not None:
        app.state.replica = replica = Replica(await Database.open(replace(settings, database_url=settings.database_replica_url)))
        tasks.append(asyncio.create_task(trust(replica, settings)))
    try:
        if not await check_role(database, settings):
            tasks.append(asyncio.create_task(check_role_later(database, settings)))
        with app.state.lifecycle.watch_sigterm():
            yield
    finally:
        for task in tasks:
            task.cancel()
        await tokens.close()
        await database.close()
        if replica is not None:
            await replica.database.close()


def __getattr__(name: str) -> FastAPI:
    """`app`, built when it is first asked for, so that importing this module needs no settings."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        app = create_app()
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        raise SystemExit(STARTUP_FAILURE) from None
    globals()["app"] = app
    return app
