"""The floor: the least that can answer the same requests. Bare ASGI, one prepared statement, orjson, a token compared as it stands.

It validates nothing, isolates nobody and knows one table; nothing that does more can be much faster.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn

from app.ids import uuid7

type Message = dict[str, Any]
type Send = Callable[[Message], Awaitable[None]]
type Receive = Callable[[], Awaitable[Message]]

GET = "SELECT * FROM tasks WHERE user_id = $1 AND id = $2"
LIST = "SELECT * FROM tasks WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
CREATE = """INSERT INTO tasks (user_id, id, created_at, updated_at, version, title, priority, completed, progress, labels, links)
VALUES ($1, $2, now(), now(), 1, $3, 'normal', false, 0, '{}', '{}') RETURNING *"""
UPDATE = "UPDATE tasks SET notes = $3, updated_at = now(), version = version + 1 WHERE user_id = $1 AND id = $2 RETURNING *"


class PlainConnection(asyncpg.Connection):  # type: ignore[type-arg]
    """A connection that is given back to the pool without a round trip."""

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the interface's
        """Do nothing."""


class Floor:
    """The ASGI application; `token` is the only one that it takes."""

    def __init__(self, dsn: str, token: str) -> None:
        self._dsn = dsn
        self._token = f"Bearer {token}".encode()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or open and close the pool."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if dict(scope["headers"]).get(b"authorization") != self._token:
            await _answer(send, 401, b"{}")
            return
        _, _, user, _, *rest = scope["path"].split("/")
        match scope["method"], rest:
            case "GET", []:
                limit = int(scope["query_string"].partition(b"=")[2] or 20)
                rows = await self._fetch(LIST, user, limit)
                await _answer(send, 200, _json({"items": [dict(row) for row in rows], "next_cursor": None}))
            case "GET", [identifier]:
                await _answer(send, 200, _json(dict((await self._fetch(GET, user, UUID(identifier)))[0])))
            case "POST", []:
                body = orjson.loads((await receive())["body"])
                await _answer(send, 201, _json(dict((await self._fetch(CREATE, user, uuid7(), body["title"]))[0])))
            case "PATCH", [identifier]:
                body = orjson.loads((await receive())["body"])
                await _answer(send, 200, _json(dict((await self._fetch(UPDATE, user, UUID(identifier), body["notes"]))[0])))
            case _:
                await _answer(send, 404, b"{}")

    async def _fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        assert self._pool is not None
        async with self._pool.acquire() as connection:
            return await connection.fetch(statement, *arguments)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(self._dsn, min_size=10, max_size=10, connection_class=PlainConnection)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=str)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve on PORT with the database of DATABASE_URL and the token TOKEN."""
    floor = Floor(os.environ["DATABASE_URL"], os.environ["TOKEN"])
    uvicorn.run(floor, port=int(os.environ["PORT"]), http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
