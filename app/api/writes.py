"""What a client may ask of a write besides: `Idempotency-Key` (safe retries) and `Prefer` (dry runs, short answers).

A request with one of these headers runs in one transaction (see `Unit`), so that the answer is kept exactly when the rows are, and a dry
run leaves nothing behind. Other requests do not come here.
"""

import hashlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

import orjson
from asyncpg import exceptions as pg
from asyncpg.exceptions import InvalidCachedStatementError
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from app.db import idempotency
from app.db.faults import answering
from app.db.session import Transaction
from app.db.unit import Unit

type Handler = Callable[[Request], Coroutine[Any, Any, Response]]

METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MAX_KEY = 255
KEPT_HEADERS = ("content-type", "etag", "location", "preference-applied")
PREFERENCES = {"return": ("minimal", "representation"), "tx": ("commit", "rollback"), "handling": ("strict", "lenient")}

_KEY, _PREFER = b"idempotency-key", b"prefer"


class Preferences(NamedTuple):
    """What `Prefer` asks for (RFC 7240)."""

    minimal: bool
    rollback: bool
    unknown: tuple[str, ...]
    """Those that are not known or have no such value; only `handling=strict` minds."""
    strict: bool


class _Replay(Exception):  # noqa: N818  # no error: the answer is there already
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _RolledBack(Exception):  # noqa: N818  # no error: what a dry run ends with
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def with_writes(handler: Handler) -> Handler:
    """`handler`, which also understands the headers of writes.

    Where a migration changes a table while its transaction runs, the request is done again from its beginning: nothing of the first attempt
    is left, and asyncpg prepares its statements anew.
    """
    in_unit = partial(_in_unit, handler)

    async def handle(request: Request) -> Response:
        run = handler
        for name, _ in request.scope["headers"]:
            if name == _PREFER or (name == _KEY and request.method == "POST"):
                run = in_unit
        try:
            return await run(request)
        except InvalidCachedStatementError:
            return await run(request)

    return handle


async def _in_unit(handler: Handler, request: Request) -> Response:
    preferences = _preferences(request.headers.getlist("prefer"))
    keys = request.headers.getlist("idempotency-key") if request.method == "POST" else []
    route = f"{request.method} {request.scope['route'].path}"
    fingerprint = b""

    def check() -> None:
        if preferences.strict and preferences.unknown:
            raise HTTPException(400, f"Unknown preferences: {', '.join(preferences.unknown)}. Known are {_known()}.")
        if keys:
            _check_key(keys)

    async def prepare(transaction: Transaction) -> None:
        nonlocal fingerprint
        check()
        if keys:
            fingerprint = _fingerprint(request, await request.body())
            await _refuse_or_replay(transaction, route, keys[0], fingerprint)

    unit = Unit(request, prepare)
    try:
        with answering():
            async with unit:
                response = _preferred(await handler(request), preferences)
                if unit.transaction is None:  # the request needed no database so far
                    check()
                    if keys:
                        await unit.join(request.path_params["user_id"])  # the handler has held it against the token
                if preferences.rollback:
                    if unit.transaction is not None:
                        await unit.transaction.check()
                    raise _RolledBack(response)
                if keys and unit.transaction is not None and 200 <= response.status_code < 300:
                    await _keep(unit.transaction, route, keys[0], fingerprint, response)
    except (_Replay, _RolledBack) as end:
        return end.response
    await unit.run_deferred()
    return response


async def _refuse_or_replay(transaction: Transaction, route: str, key: str, fingerprint: bytes) -> None:
    try:
        kept = await idempotency.find(transaction, route, key)
    except (pg.LockNotAvailableError, pg.QueryCanceledError):
        detail = "A request with this Idempotency-Key is still under way. Repeat it shortly."
        raise HTTPException(409, detail, headers={"Retry-After": "1"}) from None
    if kept is None:
        return
    if kept["fingerprint"] != fingerprint:
        raise _invalid_key("idempotency_key_reused", "The key was used for another request. Make a new one for each.")
    headers = {**orjson.loads(kept["headers"]), "Idempotency-Replayed": "true"}
    raise _Replay(Response(kept["body"], kept["status"], headers))


async def _keep(transaction: Transaction, route: str, key: str, fingerprint: bytes, response: Response) -> None:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    await idempotency.keep(
        transaction,
        route,
        key,
        fingerprint=fingerprint,
        status=response.status_code,
        headers=orjson.dumps(headers),
        body=bytes(response.body),
    )


def _fingerprint(request: Request, body: bytes) -> bytes:
    """What makes a request the same as another one: its path with its query, and the bytes of its body."""
    digest = hashlib.sha256(request.url.path.encode() + b"\0" + request.scope["query_string"] + b"\0")
    digest.update(body)
    return digest.digest()


def _check_key(keys: list[str]) -> None:
    if len(keys) > 1:
        raise _invalid_key("idempotency_key_repeated", "Send one Idempotency-Key.")
    key = keys[0]
    if not 1 <= len(key) <= MAX_KEY or not all(" " <= character <= "~" for character in key):
        raise _invalid_key("idempotency_key_invalid", f"A key has 1 to {MAX_KEY} printable ASCII characters.")


def _invalid_key(kind: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": ("header", "Idempotency-Key"), "msg": message}])


def _preferences(headers: list[str]) -> Preferences:
    """Of a preference that is named twice the first one counts, as RFC 7240 says."""
    asked: dict[str, str] = {}
    unknown: list[str] = []
    for part in ",".join(headers).split(","):
        name, _, value = part.partition(";")[0].strip().partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if value in PREFERENCES.get(name, ()):
            asked.setdefault(name, value)
        elif name:
            unknown.append(f"{name}={value}" if value else name)
    return Preferences(
        minimal=asked.get("return") == "minimal",
        rollback=asked.get("tx") == "rollback",
        unknown=tuple(unknown),
        strict=asked.get("handling") == "strict",
    )


def _known() -> str:
    return ", ".join(f"{name}={value}" for name, values in PREFERENCES.items() for value in values)


def _preferred(response: Response, preferences: Preferences) -> Response:
    """The answer in the form that was asked for, saying so."""
    applied: list[str] = []
    if preferences.minimal and response.status_code in {200, 201}:
        headers = {name: response.headers[name] for name in ("etag", "location") if name in response.headers}
        response = Response(None, 201 if response.status_code == 201 else 204, headers)
        applied.append("return=minimal")
    if preferences.rollback:
        applied.append("tx=rollback")
    if applied:
        response.headers["Preference-Applied"] = ", ".join(applied)
    return response
