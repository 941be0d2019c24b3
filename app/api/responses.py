"""Answers: rows to JSON bytes, with their ETag, and the preconditions that go with it."""

from functools import lru_cache
from typing import Annotated, Any, NoReturn, override
from urllib.parse import quote

import orjson
from fastapi import Header, HTTPException, Response
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from app.api.deferred import Deferred
from app.db.session import JsonRow, Session
from app.db.statements import Statement
from app.db.table import OwnedTable

_JSON = b"application/json"

REQUIRED = "x-required"
"""Marks in OpenAPI what a request must have although its signature lets it be left out: the handler answers then, in its own time."""

_IF_MATCH = "ETag of the row that the change is based on; 412 when the row has changed since."
IfMatch = Annotated[str | None, Header(description=_IF_MATCH)]
RequiredIfMatch = Annotated[str | None, Header(description=f"{_IF_MATCH} Or `*`; 428 without it.", json_schema_extra={REQUIRED: True})]
IfNoneMatch = Annotated[str | None, Header(description="ETag of the row that the client has; 304 when it is still the same.")]
UnlessMatch = Annotated[str | None, Header(description="ETags that the row must not have, or `*` for no row at all; 412 otherwise.")]


class Page[T](Deferred):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None
    previous_cursor: str | None
    total: Annotated[int, Field(default_factory=int, description="Only where `count` asks for it.")]


class Aggregates[T](Deferred):
    """The groups of rows with what was calculated for each; one group where nothing is grouped by."""

    items: list[T]


class Problem(BaseModel):
    """An error: a sentence that says what to do."""

    detail: str


PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
"""The body of an error: a `Problem`, by the name of its schema. As a model, each answer of each route would build it again."""


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": PROBLEM}


UNAUTHORIZED: dict[int | str, dict[str, Any]] = {
    401: _problem("The token is missing or not valid."),
    403: _problem("The token belongs to another user."),
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _problem("The user has no such row.")}
STALE: dict[int | str, dict[str, Any]] = {412: _problem("The row has changed since: If-Match does not match.")}
CONFLICT: dict[int | str, dict[str, Any]] = {409: _problem("Another row stands in the way.")}
UNCONDITIONAL: dict[int | str, dict[str, Any]] = {428: _problem("If-Match is required.")}


class JsonResponse(Response):
    """JSON bytes with their headers, put together without a look at what other responses may need."""

    def __init__(self, body: bytes, status_code: int = 200, *headers: tuple[bytes, bytes]) -> None:
        """`headers` are in lower case, and stand beside those of the content."""
        self.status_code = status_code
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-type", _JSON), (b"content-length", b"%d" % len(body)), *headers]

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (send_whole := getattr(send, "send_whole", None)) is not None:  # see app/middleware/request_id.py
            await send_whole(self.status_code, self.raw_headers, self.body)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def json_response(content: Any, status_code: int = 200, *headers: tuple[bytes, bytes]) -> Response:
    """`content` as JSON. Datetimes in UTC end with Z, as Pydantic writes them."""
    return JsonResponse(orjson.dumps(content, option=orjson.OPT_UTC_Z), status_code, *headers)


def found(row: JsonRow | None, name: str, if_none_match: str | None = None) -> Response:
    """200 with the row and its ETag; 304 when the client has it already; 404 when there is none."""
    if row is None:
        raise not_found(name)
    if if_none_match is not None and _names(if_none_match, row.version, weak=True):
        return Response(status_code=304, headers={"ETag": etag(row.version)})
    return JsonResponse(row.content, 200, (b"etag", b'"%d"' % row.version))


def created(row: JsonRow | None, user_id: str, segment: str) -> Response:
    """201 with the row, its ETag and its Location below `/api/{user_id}/<segment>`."""
    if row is None:
        raise HTTPException(403, "The row was not created: the database does not accept it from this user.")
    location = f"{_rows_of(user_id, segment)}/{row.id}".encode()
    return JsonResponse(row.content, 201, (b"etag", b'"%d"' % row.version), (b"location", location))


@lru_cache(maxsize=1024)
def _rows_of(user_id: str, segment: str) -> str:
    return f"/api/{quote(user_id, safe='')}/{segment}"


def changed(row: JsonRow) -> Response:
    """200 with the changed row and its new ETag."""
    return JsonResponse(row.content, 200, (b"etag", b'"%d"' % row.version))


def deleted() -> Response:
    """204."""
    return Response(status_code=204)


def etag(version: int) -> str:
    """The strong ETag of a row: its version."""
    return f'"{version}"'


def not_found(name: str) -> HTTPException:
    """The one answer for a row that does not exist and for one that is somebody else's."""
    return HTTPException(404, f"{name} not found.")


def versions_in(if_match: str | None, *, required: bool = False) -> list[int] | None:
    """The versions that an If-Match header allows; None for no header and for `*`. 428 when it is `required` and missing."""
    if if_match is None:
        if required:
            raise HTTPException(428, "Send If-Match with the ETag of the row that this change is based on.")
        return None
    if if_match.strip() == "*":
        return None
    return [
        int(tag[1:-1])
        for part in if_match.split(",")
        if (tag := part.strip())[1:-1].isdecimal() and tag == f'"{tag[1:-1]}"' and len(tag) < 12
    ]


async def versions_unlike(
    if_none_match: str | None, session: Session, get_row: Statement, name: str, user_id: str, row_id: Any, versions: list[int] | None
) -> list[int] | None:
    """The `versions` on which a change may be based when the request has If-None-Match: 412 when it is `*` or names the row's present one.

    A row that changes between this and the change is at none of them, so that the header holds for what is replaced.
    """
    if if_none_match is None:
        return versions
    version = check_version(await session.fetch_json_row(get_row, user_id=user_id, id=row_id), name, versions).version
    if _names(if_none_match, version, weak=True):
        raise HTTPException(412, f"The row is at version {version}, which If-None-Match rules out.", headers={"ETag": etag(version)})
    return [version]


def check_version[R: JsonRow | OwnedTable](row: R | None, name: str, versions: list[int] | None) -> R:
    """The row itself; 404 when there is none, 412 when its version is not among `versions`."""
    if row is None:
        raise not_found(name)
    if versions is not None and row.version not in versions:
        raise HTTPException(
            412, "The row has changed since. Read it again and repeat the change on what it is now.", headers={"ETag": etag(row.version)}
        )
    return row


async def refuse(session: Session, get_row: Statement, name: str, user_id: str, row_id: Any, versions: list[int] | None) -> NoReturn:
    """Say why a change met no row: 404 when the user has none, else 412."""
    check_version(await session.fetch_json_row(get_row, user_id=user_id, id=row_id), name, versions)
    raise HTTPException(412, "The row was changed at the same moment. Read it again and repeat the change on what it is now.")


def _names(header: str, version: int, *, weak: bool) -> bool:
    if header.strip() == "*":
        return True
    tags = {part.strip().removeprefix("W/" if weak else "") for part in header.split(",")}
    return f'"{version}"' in tags
