"""The id of a request: taken from the client when sane, made up otherwise, and the same everywhere."""

from __future__ import annotations

import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.middleware.request_id import RequestIdMiddleware, request_id


async def current(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(request_id.get())


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Starlette(routes=[Route("/", current)], middleware=[Middleware(RequestIdMiddleware)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128, "0190b5f0-7e1c-7cc3-98c4-dc0c0c07398f"])
async def test_a_sane_id_is_kept(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == answer.text == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "ü", "a/b", "<script>", 'a"', "a\x7fb", "a,b"])
async def test_any_other_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/", headers={b"x-request-id": given.encode()})
    assert answer.headers["x-request-id"] == answer.text
    assert re.fullmatch("[0-9a-f]{16}", answer.text)


async def test_each_request_has_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    assert len({(await client.get("/")).text for _ in range(50)}) == 50
