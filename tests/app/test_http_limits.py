"""What arrives too large, too slowly, or is no HTTP: asked of real servers over real connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from app import server
from tests.support.database import Database
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024


def chunks(size: int) -> Iterator[bytes]:
    """A body without an announced size."""
    for _ in range(size // 8192):
        yield b" " * 8192
    if size % 8192:
        yield b" " * (size % 8192)


def body(size: int, *, chunked: bool) -> Any:
    return chunks(size) if chunked else b" " * size


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_e6_a_body_over_the_limit_is_413(api: Api, method: str, chunked: bool) -> None:
    user = new_user()
    path = f"/api/{user}/tags" + ("" if method == "POST" else "/0190b5f0-7e1c-7cc3-98c4-dc0c0c07398f")
    at_the_limit = api.call(user, method, path, headers=JSON, content=body(MIB, chunked=chunked))
    assert at_the_limit.status_code == 400  # read in full, and no JSON
    for size in (MIB + 1, 10 * MIB):
        answer = api.call(user, method, path, headers=JSON, content=body(size, chunked=chunked))
        assert answer.status_code == 413
        assert "1,048,576 bytes" in answer.json()["detail"]
    assert api.call(user, "GET", f"/api/{user}/tags").json()["items"] == []


@pytest.mark.parametrize("chunked", [False, True])
def test_e6_who_may_not_ask_is_told_so_however_large_the_body_is(api: Api, chunked: bool) -> None:
    user, stranger = new_user(), new_user()
    for headers, status in (({}, 401), (api.headers(stranger), 403)):
        answer = api.client.post(f"/api/{user}/tags", headers={**JSON, **headers}, content=body(2 * MIB, chunked=chunked))
        assert answer.status_code == status


def test_e6_the_size_comes_before_the_media_type(api: Api) -> None:
    user = new_user()
    answer = api.call(user, "POST", f"/api/{user}/tags", headers={"Content-Type": "text/plain"}, content=b" " * (2 * MIB))
    assert answer.status_code == 413


def test_e6_the_limit_is_a_setting(database: Database) -> None:
    user = new_user()
    with serving(database, MAX_BODY_BYTES="2048") as api:
        assert api.call(user, "POST", f"/api/{user}/tags", json={"name": "x", "filler": "y" * 2048}).status_code == 413
        assert api.call(user, "POST", f"/api/{user}/tags", json={"name": "x"}).status_code == 201


def test_e6_a_client_that_asks_first_is_not_told_to_go_on(api: Api) -> None:
    user = new_user()
    token = api.token_for(user)
    head = f"POST /api/{user}/tags HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    answer = raw(api.url, f"{head}Content-Length: {2 * MIB}\r\nExpect: 100-continue\r\n\r\n".encode(), until=b'"}')
    assert answer.startswith(b"HTTP/1.1 413")


def raw(url: str, *parts: bytes | float, until: bytes | None = None, timeout: float = 10) -> bytes:
    """What a server answers to these bytes (a number is a pause in seconds) until it closes the connection or has sent `until`."""
    host, port = url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        try:
            for part in parts:
                if isinstance(part, bytes):
                    connection.sendall(part)
                else:
                    time.sleep(part)
            while (until is None or until not in received) and (data := connection.recv(65536)):
                received += data
        except ConnectionError:  # closed while there was more to say
            pass
    return received


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
        pytest.param(b"nonsense\r\n\r\n", 400, id="nonsense"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="bytes in the path"),
        pytest.param(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="CONNECT"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400, id="negative length"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, id="two lengths"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="smuggling"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\x00\r\n\r\n", 400, id="NUL in a header"),
        pytest.param(b"GET /" + b"a" * 300_000, 431, id="endless path"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000, 431, id="endless header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 50_000, 431, id="endless headers"),
    ],
)
def test_what_is_no_http_gets_an_error_like_any_other(api: Api, request_bytes: bytes, status: int) -> None:
    answer = raw(api.url, request_bytes)
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in head
    assert content.startswith(b'{"detail": "')
    assert "Traceback" not in api.log.read_text()


def test_endless_trailers_are_cut_off(api: Api) -> None:
    user = new_user()
    head = f"POST /api/{user}/tags HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token_for(user)}\r\nContent-Type: application/json\r\n"
    start = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    assert raw(api.url, start, b"X: aaaaaaaaaaaaaaaa\r\n" * 20_000).startswith(b"HTTP/1.1 431")


@contextmanager
def impatient_server(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Generator[str]:
    """A server that waits `seconds` for a request, with an application that reads the body and answers its size."""
    monkeypatch.setattr(server, "RECEIVE_TIMEOUT", seconds)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, scope["path"] != "/unread"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            more = message["more_body"]
        content = b"%d bytes" % size
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
        await send({"type": "http.response.body", "body": content})

    config = uvicorn.Config(
        application, http=server.GuardedProtocol, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=1
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(10)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="nothing at all"),
        pytest.param([b"GE"], id="a part of the request line"),
        pytest.param([b"GET / HTTP/1.1\r\n", 0.3, b"A: b\r\n", 0.3, b"A: b\r\n"], id="headers that trickle"),
        pytest.param([b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n", 0.3, b"1", 0.3, b"2", 0.3, b"3"], id="a body that trickles"),
        pytest.param(
            [b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 0.3, b"1\r\na\r\n", 0.3, b"1\r\na\r\n"], id="trickling chunks"
        ),
    ],
)
def test_r1_a_request_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch, parts: list[bytes | float]) -> None:
    with impatient_server(monkeypatch, 0.8) as url:
        start = time.monotonic()
        answer = raw(url, *parts)
        assert answer.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([b"POST /unread HTTP/1.1\r\nContent-Length: 9\r\n\r\n1"], id="the rest of a body that nobody reads"),
        pytest.param([b"GET / HTTP/1.1\r\n\r\n", 0.2, b"\r\n"], id="empty lines after an answer"),
        pytest.param([b"GET / HTTP/1.1\r\n\r\n"], id="nothing after an answer"),
        pytest.param([b"GET / HTTP/1.1\r\n\r\n", 0.6, b"GET / HTTP/1.1\r\n\r\n"], id="nothing after a later answer"),
        pytest.param([b"GET / HTTP/1.1\r\n\r\n" * 3], id="nothing after answers to requests that came together"),
    ],
)
def test_r1_a_connection_that_idles_after_an_answer_is_closed(monkeypatch: pytest.MonkeyPatch, parts: list[bytes | float]) -> None:
    with impatient_server(monkeypatch, 0.8) as url:
        start = time.monotonic()
        answer = raw(url, *parts)
        assert answer.count(b"HTTP/1.1 200") == b"".join(part for part in parts if isinstance(part, bytes)).count(b"HTTP/1.1")
        assert 0.7 < time.monotonic() - start < 4


def test_r1_a_large_body_may_take_longer_as_long_as_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MIN_RECEIVED_BYTES", 1000)
    slowly: list[bytes | float] = [0.2, b"x" * 1000] * 8
    with impatient_server(monkeypatch, 0.5) as url:
        answer = raw(url, b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 8000\r\n\r\n", *slowly)
    assert answer.endswith(b"8000 bytes")


def test_r1_an_idle_but_kept_connection_serves_many_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    with impatient_server(monkeypatch, 0.5) as url, httpx.Client(base_url=url) as client:
        for _ in range(3):
            assert client.post("/", content=b"abc").text == "3 bytes"
            time.sleep(0.7)  # longer than a request may take to arrive, shorter than a connection is kept
