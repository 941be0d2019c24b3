"""Requests as they stand, byte for byte: httpx resolves dots, encodes and adds headers of its own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.serving import Api


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


def send(api: Api, method: str, target: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] | None = None) -> Answer:
    """Send one request on a connection of its own; an iterable body goes in chunks.

    Args:
        api: Where to.
        method: GET, POST …
        target: The path and query as they stand, in ASCII.
        headers: All headers beyond Host and Accept-Encoding.
        body: Bytes with a Content-Length, an iterable in chunks, or nothing.
    """
    address = urlsplit(api.url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    try:
        chunked = body is not None and not isinstance(body, bytes)
        every = {**headers, "Transfer-Encoding": "chunked"} if chunked else dict(headers)
        connection.request(method, target, body, every, encode_chunked=chunked)
        answer = connection.getresponse()
        text = answer.read().decode()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
    finally:
        connection.close()
