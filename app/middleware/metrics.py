"""Counts and durations of requests, for Prometheus."""

import os
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Receive, Scope, Send

from app.middleware.request_id import STATUS

disable_created_metrics()

UNROUTED = "(none)"
"""Stands for every path that is none of the API's, so that scanners cannot fill the memory with names."""


class Metrics:
    """The application's measurements."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"], registry=self.registry)
        self.seconds = Histogram("http_request_duration_seconds", "Time to answer a request.", ["method", "route"], registry=self.registry)

    def text(self) -> bytes:
        """All measurements in Prometheus' text format; of all workers where PROMETHEUS_MULTIPROC_DIR is set."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)
        return generate_latest(everyone)


class MetricsMiddleware:
    """Measures each request by method, route and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = perf_counter()
        try:
            await self.app(scope, receive, send)
        finally:
            route = getattr(scope.get("route"), "path", UNROUTED)
            self.metrics.seconds.labels(scope["method"], route).observe(perf_counter() - start)
            self.metrics.requests.labels(scope["method"], route, str(scope.get(STATUS, ""))).inc()
