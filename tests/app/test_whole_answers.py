"""Answers that the server sends in one write are what they would be in two, whatever the client asks for and whoever looks on."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from app.api.responses import JsonResponse
from app.middleware.request_id import RequestIdMiddleware
from app.server import GuardedProtocol
from tests.support.asgi_server import serve
from tests.support.database import ON_CITUS
from tests.support.pooler import THROUGH
from tests.support.serving import Api
from tests.support.tokens import new_user

type Application = Callable[[Any, Any, Any], Any]
BODY = b'{"detail":"as it was asked"}'


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """Answer `BODY` with the path, decoded, in a header."""
    await JsonResponse(BODY, 200, (b"x-path", scope["path"].encode("latin-1")))(scope, receive, send)


def marking(application: Application) -> Application:
    """`application` inside a middleware as others write them: it sees every message, and adds to what begins an answer."""

    async def marked(scope: Any, receive: Any, send: Any) -> None:
        async def send_marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-mark", b"seen")]
            await send(message)

        await application(scope, receive, send_marked)

    return marked


def asked(application: Application, request: str) -> bytes:
    """What comes back until the server closes the connection."""
    with serve(application, http=GuardedProtocol, interface="asgi3", lifespan="off", timeout_keep_alive=1) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request.encode())
            parts: list[bytes] = []
            while part := connection.recv(65536):
                parts.append(part)
    return b"".join(parts)


def plain(answer: bytes) -> bytes:
    """The answer without what differs from one to the next."""
    return re.sub(rb"(date|x-request-id): [^\r]*", rb"\1: -", answer)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", id="a connection that stays"),
        pytest.param("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", id="one that the client ends"),
        pytest.param("GET /a HTTP/1.0\r\n\r\n", id="HTTP 1.0"),
        pytest.param("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", id="HEAD"),
        pytest.param("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", id="two at once"),
        pytest.param("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", id="a body that nobody reads"),
    ],
)
def test_a_whole_answer_is_what_it_would_be_in_parts(request_: str) -> None:
    whole = plain(asked(RequestIdMiddleware(answering), request_))
    in_parts = plain(asked(RequestIdMiddleware(marking(answering)), request_))
    assert in_parts.count(b"x-mark: seen\r\n") == request_.count("HTTP/1.")
    assert whole == in_parts.replace(b"x-mark: seen\r\n", b"")
    assert b"x-path: /a\r\n" in whole
    assert b"x-request-id" in whole
    assert (b"connection: close" in whole) == ("close" in request_ or "1.0" in request_)


@pytest.mark.parametrize("end", ["%0d%0aset-cookie:%20a=b", "%0aset-cookie:%20a=b", "%00", "%7f", "%0d"])
def test_no_value_gets_out_of_its_header(end: str) -> None:
    answer = asked(RequestIdMiddleware(answering), f"GET /a{end} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in answer
    assert b"x-path" not in answer


@pytest.mark.skipif(ON_CITUS or THROUGH, reason="each request is a transaction there")
def test_an_answer_takes_one_write(api: Api) -> None:
    user, server = new_user(), psutil.Process(api.process.pid)
    path = f"/api/{user}/tags/{api.call(user, 'POST', f'/api/{user}/tags', json={'name': 'a'}).json()['id']}"
    api.call(user, "GET", path)
    before = server.io_counters().write_count
    for _ in range(50):
        assert api.call(user, "GET", path).status_code == 200
    written = server.io_counters().write_count - before
    assert written < 3 * 50 + 20, "more than the statement, the answer and a line of the log"
