"""A load of one kind of request over a few connections, each of which sends the next request when it has the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

CONNECTIONS = 16
PATIENCE = 30.0
"""Seconds for the last answers; TimeoutError when they do not come."""


@dataclass(slots=True)
class Outcome:
    """What came back: the number of answers, the seconds it took, and a sample of the answers with another status."""

    answers: int = 0
    seconds: float = 0.0
    unexpected: list[bytes] = field(default_factory=list[bytes])


class _Client(asyncio.Protocol):
    """One connection that repeats one request."""

    def __init__(self, request: bytes, status: bytes, outcome: Outcome, deadline: float) -> None:
        self._request = request
        self._status = b"HTTP/1.1 " + status
        self._outcome = outcome
        self._deadline = deadline
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count an answer that is complete, and send the next request."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(self._buffer) < end + 4 + size:
            return
        self._outcome.answers += 1
        if not self._buffer.startswith(self._status) and len(self._outcome.unexpected) < 3:
            self._outcome.unexpected.append(self._buffer[:600])
        self._buffer = b""
        assert self._transport is not None  # noqa: S101 - there is an answer
        if time.monotonic() < self._deadline:
            self._transport.write(self._request)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface's
        """End, in order or not."""
        if not self.done.done():
            self.done.set_result(None)


async def load(port: int, requests: Sequence[bytes], status: int, seconds: float, connections: int = CONNECTIONS) -> Outcome:
    """Send requests to loopback for so many seconds, one of `requests` for each connection, and count the answers.

    An answer with another status than `status` is unexpected.
    """
    loop = asyncio.get_running_loop()
    outcome = Outcome()
    began = time.monotonic()
    clients: list[_Client] = []
    for number in range(connections):
        request = requests[number % len(requests)]
        _, client = await loop.create_connection(
            partial(_Client, request, str(status).encode(), outcome, began + seconds), "127.0.0.1", port
        )
        clients.append(client)
    async with asyncio.timeout(seconds + PATIENCE):
        await asyncio.gather(*(client.done for client in clients))
    outcome.seconds = time.monotonic() - began
    return outcome


async def paced(port: int, requests: Sequence[bytes], status: int, rate: float, seconds: float) -> list[float]:
    """Send `rate` requests a second, each at its time however long others take; the seconds that each took, from its time."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    began = loop.time() + 0.05
    number = int(rate * seconds)

    async def client(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for due in (began + place / rate for place in range(first, number, CONNECTIONS)):
            await asyncio.sleep(max(0.0, due - loop.time()))
            writer.write(requests[first % len(requests)])
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            if not head.startswith(b"http/1.1 %d" % status):
                raise SystemExit(f"answered unexpectedly: {head.decode(errors='replace')}")
            latencies.append(loop.time() - due)
        writer.close()

    await asyncio.gather(*(client(first) for first in range(CONNECTIONS)))
    return latencies
