"""Log lines: one a record, none forged, none with values."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from pydantic import TypeAdapter, ValidationError

from app.config import Settings, load_settings
from app.middleware.logs import AccessLogMiddleware, configuration
from app.middleware.request_id import request_id

SECRET = "hunter2-hunter2"
FORGED = "x\r\n2026-01-01 00:00:00,000 INFO app: forged\u2028\x1b[31m\x85\x00"

type Log = Callable[[Callable[[], Any]], str]


def settings(**values: str) -> Settings:
    keys = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": "6b1fWv0d9QkYp3sT8xLrN2hZcUaE5mGj"}
    return load_settings({**keys, **values}, env_file=None)


def written(values: dict[str, str], act: Callable[[logging.Logger], object]) -> str:
    """What `act` makes a logger write under these settings."""
    described = configuration(settings(**values))
    line = described["formatters"]["line"]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(line["()"](messages=line["messages"]))
    handler.addFilter(described["filters"]["request"]["()"]())
    logger = logging.Logger("app.test")  # noqa: LOG001 - of this call alone
    logger.addHandler(handler)
    act(logger)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_s1_a_value_cannot_forge_a_line(form: str) -> None:
    output = written({"LOG_FORMAT": form}, lambda logger: logger.info("path %s", FORGED))
    assert output.count("\n") == 1
    assert output.splitlines() == [output.rstrip("\n")]  # no other separator of lines either
    assert "\x1b" not in output
    assert "\x00" not in output


@pytest.mark.parametrize("form", ["text", "json"])
def test_s1_an_exception_cannot_forge_a_line(form: str) -> None:
    def fail(logger: logging.Logger) -> None:
        try:
            raise ValueError(FORGED)
        except ValueError:
            logger.exception("it failed")

    lines = written({"LOG_FORMAT": form}, fail).splitlines()
    first, *stack = lines
    assert "it failed" in first
    assert all(line.startswith("  ") for line in stack)
    assert "\x1b" not in "".join(lines)


def test_json_lines_have_the_fields_of_the_record() -> None:
    token = request_id.set("abc")
    try:
        output = written({"LOG_FORMAT": "json"}, lambda logger: logger.warning("hello %s", "you", extra={"status": 200}))
    finally:
        request_id.reset(token)
    entry = json.loads(output)
    assert entry.pop("timestamp").endswith("+00:00")
    assert entry == {"level": "WARNING", "logger": "app.test", "message": "hello you", "request_id": "abc", "status": 200}


def integrity_error() -> Exception:
    error = asyncpg.UniqueViolationError(f"duplicate key {SECRET}")
    error.detail = f"Key (title)=({SECRET}) already exists."
    return error


def validation_error() -> Exception:
    try:
        TypeAdapter(int).validate_python(SECRET)
    except ValidationError as error:
        return error
    raise AssertionError


def decoding_error() -> Exception:
    try:
        (SECRET.encode() + b"\xff").decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("make", [integrity_error, validation_error, decoding_error])
@pytest.mark.parametrize("chained", [False, True])
def test_s1_exceptions_that_quote_values_are_logged_without_them(
    form: str, environment: str, make: Callable[[], Exception], chained: bool
) -> None:
    def fail(logger: logging.Logger) -> None:
        error = make()
        try:
            if chained:
                raise RuntimeError("outer") from error
            raise error
        except Exception:
            logger.exception("it failed")

    output = written({"LOG_FORMAT": form, "ENVIRONMENT": environment}, fail)
    assert SECRET not in output
    assert type(make()).__name__ in output
    assert "test_logs.py" in output


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_message_of_an_exception_is_for_development_alone(form: str) -> None:
    def fail(logger: logging.Logger) -> None:
        try:
            {}[SECRET]
        except KeyError:
            logger.exception("it failed")

    assert SECRET in written({"LOG_FORMAT": form, "ENVIRONMENT": "development"}, fail)
    assert SECRET not in written({"LOG_FORMAT": form, "ENVIRONMENT": "production"}, fail)


def test_the_stack_goes_back_to_causes_and_parts() -> None:
    def fail(logger: logging.Logger) -> None:
        first = ValueError("first")
        second = KeyError("second")
        first.__cause__, second.__cause__ = second, first  # nobody should, but it must end
        try:
            raise ExceptionGroup("group", [first, TypeError("part")])
        except ExceptionGroup:
            logger.exception("it failed")

    output = written({}, fail)
    assert (
        output.index("KeyError")
        < output.index("ValueError: first")
        < output.index("TypeError: part")
        < output.index("ExceptionGroup: group")
    )


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_libraries_never_log_at_debug(level: str) -> None:
    described = configuration(settings(LOG_LEVEL=level))
    assert described["root"]["level"] in {"INFO", "WARNING", "ERROR"}
    assert described["loggers"]["app"]["level"] == level.upper()


async def test_a_request_that_is_not_logged_costs_no_wrapper(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[object] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        seen.append(send)

    async def send(_message: Any) -> None: ...

    async def receive() -> Any: ...

    with caplog.at_level(logging.WARNING, "app.access"):
        await AccessLogMiddleware(app)({"type": "http", "path": "/"}, receive, send)
    assert seen == [send]
