"""What errors look like, asked over HTTP of small applications that have nothing but the error answers."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, EmailStr, Field

from app.middleware import errors
from app.middleware.limits import BodyLimitMiddleware
from app.middleware.request_id import RequestIdMiddleware

SECRET = "hunter2-hunter2-hunter2"
LIMIT = 8 * 1024


def an_app() -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    app.add_middleware(BodyLimitMiddleware, 2_000_000)
    app.add_middleware(errors.UnhandledErrorMiddleware)
    app.add_middleware(RequestIdMiddleware)
    errors.install(app)
    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str = "x"
    priority: int = 0


def things() -> FastAPI:
    app = an_app()

    class ThingRead(Thing):
        version: int = 1

    @app.post("/things", response_model=ThingRead)
    async def create_thing(thing: Thing) -> Thing:
        return thing

    return app


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, SECRET),
        (float, SECRET),
        (bool, SECRET),
        (Decimal, SECRET),
        (Annotated[Decimal, Field(max_digits=3)], "123456789012345678901234567890"),
        (Annotated[int, Field(le=5)], 98765432109876),
        (date, SECRET),
        (time, SECRET),
        (datetime, SECRET),
        (UUID, SECRET),
        (EmailStr, SECRET),
        (Literal["low", "high"], SECRET),
        (Annotated[str, Field(max_length=3)], SECRET),
        (Annotated[str, Field(pattern="^x$")], SECRET),
        (list[int], [SECRET]),
        (Annotated[list[str], Field(max_length=1)], [SECRET, SECRET]),
        (Thing, {"title": [SECRET]}),
        (dict[str, int], {"a": SECRET}),
    ],
)
async def test_no_error_repeats_the_submitted_value(annotation: Any, value: Any) -> None:
    app = an_app()

    async def handler(body: Any) -> None: ...

    handler.__annotations__["body"] = annotation
    app.post("/")(handler)
    async with client_of(app) as client:
        answer = await client.post("/", content=json.dumps(value), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert str(value) not in answer.text
    for error in answer.json()["detail"]:
        assert set(error) <= {"type", "loc", "msg", "ctx"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"title": [SECRET * 40_000]}, id="huge value"),
        pytest.param({"k" * 900_000: 1}, id="huge key"),
        pytest.param({"\x01" * 150_000: 1}, id="huge key that needs escapes"),
        pytest.param({"😀" * 75_000: 1}, id="huge key of four-byte characters"),
        pytest.param({f"{'k' * 60}{number}": 1 for number in range(9_000)}, id="thousands of errors"),
        pytest.param({f"\x01{number}": 1 for number in range(9_000)}, id="thousands of errors that need escapes"),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "application/problem+json"])
async def test_e10_an_error_is_never_larger_than_8_kib(body: Any, accept: str) -> None:
    async with client_of(things()) as client:
        answer = await client.post("/things", json=body, headers={"accept": accept})
    assert answer.status_code == 422
    assert len(answer.content) <= LIMIT


async def test_errors_that_are_left_out_are_counted() -> None:
    async with client_of(things()) as client:
        answer = await client.post("/things", json={f"unknown{number}": 1 for number in range(5_000)})
    *shown, last = answer.json()["detail"]
    assert last["type"] == "too_many_errors"
    assert last["msg"] == f"{5_000 - len(shown):,} more errors are not shown."
    assert len(shown) > 20


async def test_an_unknown_field_is_met_with_a_suggestion() -> None:
    async with client_of(things()) as client:
        answer = await client.post("/things", json={"titel": 1, "zzzzzz": 1, "version": 1})
    messages = {error["loc"][-1]: error["msg"] for error in answer.json()["detail"]}
    assert messages == {
        "titel": "Unknown field; did you mean `title`?",
        "zzzzzz": "Unknown field.",
        "version": "This field cannot be set here.",
    }


async def test_a_lone_surrogate_in_a_key_is_answered() -> None:
    app = an_app()

    @app.get("/")
    async def handler() -> None:
        raise RequestValidationError([{"type": "any", "loc": ("body", "a\ud800"), "msg": "b\udfff"}])

    async with client_of(app) as client:
        answer = await client.get("/")
    assert answer.json() == {"detail": [{"type": "any", "loc": ["body", "a?"], "msg": "b?"}]}


async def test_the_bounds_of_a_rule_are_told() -> None:
    app = an_app()

    @app.get("/")
    async def handler(day: Annotated[date, Field(ge=date(2020, 1, 1))], size: Annotated[int, Field(le=7)]) -> None: ...

    async with client_of(app) as client:
        answer = await client.get("/", params={"day": "2019-01-01", "size": 8})
    assert [error["ctx"] for error in answer.json()["detail"]] == [{"ge": "2020-01-01"}, {"le": 7}]


@pytest.mark.parametrize(
    ("accept", "problem"),
    [
        ("application/problem+json", True),
        ("application/json, application/problem+json", True),
        ("application/json;q=0.5, application/problem+json", True),
        ("Application/Problem+JSON; charset=utf-8", True),
        ("application/problem+json;q=0.5, application/json", False),
        ("application/problem+json;q=0", False),
        ("application/problem+json;q=nonsense", False),
        ("*/*", False),
        ("text/html, application/xhtml+xml", False),
        ("", False),
    ],
)
async def test_problem_details_for_those_who_prefer_them(accept: str, problem: bool) -> None:
    async with client_of(things()) as client:
        answer = await client.get("/nothing", headers={"accept": accept, "x-request-id": "abc"})
    if problem:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is nothing at this path.",
            "instance": "urn:request:abc",
        }
    else:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"detail": "There is nothing at this path."}


async def test_problem_details_of_a_422_list_the_errors() -> None:
    async with client_of(things()) as client:
        answer = await client.post("/things", json={"priority": "x"}, headers={"accept": "application/problem+json"})
    assert isinstance(answer.json()["detail"], str)
    assert answer.json()["errors"][0]["loc"] == ["body", "priority"]


async def test_allow_lists_the_methods_of_every_route_at_the_path() -> None:
    app = an_app()
    inner = APIRouter(prefix="/inner")

    async def nothing() -> None: ...

    for method in ("GET", "POST", "DELETE"):
        inner.add_api_route("/{name}", nothing, methods=[method])
    inner.add_api_route("/{name}/more", nothing, methods=["PATCH"])
    outer = APIRouter(prefix="/outer")
    outer.include_router(inner)
    app.include_router(outer, prefix="/v1")
    async with client_of(app) as client:
        answer = await client.put("/v1/outer/inner/x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, POST"
    assert "PUT" in answer.json()["detail"]


async def test_an_http_exception_keeps_status_detail_and_headers() -> None:
    app = an_app()

    @app.get("/{status}")
    async def handler(status: int) -> None:
        raise HTTPException(status, {"why": "because"}, {"Retry-After": "7"})

    async with client_of(app) as client:
        answer = await client.get("/503")
        assert answer.json() == {"detail": {"why": "because"}}
        assert answer.headers["retry-after"] == "7"
        empty = await client.get("/304")
        assert (empty.status_code, empty.content) == (304, b"")


async def test_a_404_of_a_route_keeps_its_own_words() -> None:
    app = an_app()

    @app.get("/row")
    async def handler() -> None:
        raise HTTPException(404, "No task has this id.")

    async with client_of(app) as client:
        assert (await client.get("/row")).json() == {"detail": "No task has this id."}


async def test_an_unhandled_error_tells_the_client_its_request_id_only(caplog: pytest.LogCaptureFixture) -> None:
    app = an_app()

    @app.get("/")
    async def handler() -> None:
        raise RuntimeError(SECRET)

    with caplog.at_level(logging.ERROR):
        async with client_of(app) as client:
            answer = await client.get("/", headers={"x-request-id": "abc-123"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "abc-123"
    assert "abc-123" in answer.json()["detail"]
    assert SECRET not in answer.text
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_an_error_of_a_team_s_own_middleware_is_an_error_like_any_other() -> None:
    class Broken:
        def __init__(self, app: Any) -> None: ...

        async def __call__(self, *_: Any) -> None:
            raise RuntimeError(SECRET)

    app = an_app()
    app.add_middleware(Broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test") as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    assert list(answer.json()) == ["detail"]


async def test_an_error_amid_an_answer_does_not_end_it_as_if_it_were_whole() -> None:
    app = an_app()

    async def halves() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError

    @app.get("/")
    async def handler() -> StreamingResponse:
        return StreamingResponse(halves())

    async with client_of(app) as client:
        with pytest.raises(RuntimeError):
            await client.get("/")
