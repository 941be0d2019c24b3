"""Clients read their own writes, though other reads go to a copy that may be behind.

The answer to a write carries `Consistency-Token`, in a header and in a cookie. A read that brings it back (browsers do so by themselves)
is answered by the copy only when that has the write. The token is all there is: no process keeps anything of a client.
"""

from functools import partial

from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings
from app.db.pool import Database
from app.db.positions import LIFETIME, UNKNOWN, Positions
from app.db.replica import session_for_reading
from app.db.session import OPENER

NAME = "Consistency-Token"
COOKIE = "consistency_token"

READS = frozenset({"GET", "HEAD"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_HEADER, _COOKIES = NAME.lower().encode(), b"cookie"


class ConsistencyMiddleware:
    """Opens the sessions of reads, and tells a client up to where it has written."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._positions = Positions(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["method"] in READS:
            token, state = _token(scope["headers"]), scope["app"].state
            written = None if token is None else self._positions.read(token)
            scope[OPENER] = partial(session_for_reading, state.database, state.replica, written)
        elif scope["type"] == "http" and scope["method"] in WRITES:
            send = self._telling(scope, send)
        await self.app(scope, receive, send)

    def _telling(self, scope: Scope, send: Send) -> Send:
        async def send_with_token(message: Message) -> None:
            if message["type"] == "http.response.start" and not 400 <= message["status"] < 500:  # what is refused has written nothing
                token = self._positions.token(await _written(scope["app"].state.database))
                message["headers"] = [*message.get("headers", ()), (_HEADER, token.encode()), (b"set-cookie", _cookie(scope, token))]
            await send(message)

        return send_with_token


async def _written(database: Database) -> int:
    """Where the log of the database ends; UNKNOWN when it cannot be asked, so that nothing is read from a copy that may lack the write."""
    try:
        return await database.written()
    except Exception:  # noqa: BLE001 - the write is done, and is to be answered
        return UNKNOWN


def _token(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    for name, value in headers:
        if name == _HEADER:
            return value
    for name, value in headers:
        if name == _COOKIES:
            found = cookie_parser(value.decode("latin-1")).get(COOKIE)
            if found is not None:
                return found.encode("latin-1")
    return None


def _cookie(scope: Scope, token: str) -> bytes:
    secure = "; Secure" if scope["scheme"] == "https" else ""
    return f"{COOKIE}={token}; Path=/api; Max-Age={LIFETIME}; HttpOnly; SameSite=Lax{secure}".encode()
