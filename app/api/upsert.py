"""PUT of a natural key: create the row that has it, or replace it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from fastapi import HTTPException, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from app.db.faults import TakenError
from app.db.session import Row, Session
from app.db.statements import Statement

ATTEMPTS = 5
"""How often a request begins anew because another one has made or deleted the row in between."""

NOT_FOUND = 404


def replacement[B: BaseModel](shape: type[B], body: BaseModel) -> B:
    """What a validated `body` of a create says of the fields that a replacement (`shape`) has."""
    return shape.model_construct(**{name: body.__dict__[name] for name in shape.model_fields})


def key_of(body: BaseModel, *names: str) -> dict[str, Any]:
    """The natural key in a body; 422 for a null, which is equal to no other."""
    nulls = [name for name in names if body.__dict__[name] is None]
    if nulls:
        message = "Input should not be null: it tells which row is meant."
        raise RequestValidationError([{"type": "key_null", "loc": ("body", name), "msg": message} for name in nulls])
    return {name: body.__dict__[name] for name in names}


async def upserted(
    session: Session,
    find: Statement,
    user_id: str,
    key: Mapping[str, Any],
    *,
    create: Callable[[], Awaitable[Response]],
    replace: Callable[[UUID], Awaitable[Response]],
    if_match: str | None,
) -> Response:
    """The answer of `replace` for the row that `find` finds by `key`, or that of `create`.

    412 where If-Match asks for a row and there is none.
    """
    row: Row | None = None
    for _ in range(ATTEMPTS):
        before, row = row, await session.fetch_one(find, user_id=user_id, **key)
        if row is None and if_match is not None:
            raise HTTPException(412, "There is no such row that If-Match could name.")
        try:
            return await (create() if row is None else replace(row["id"]))
        except TakenError as error:
            if row is not None or set(error.columns) != set(key):
                raise  # something else stands in the way
        except HTTPException as error:
            if row is None or error.status_code != NOT_FOUND or row == before:
                raise  # a 404 of the row that was there a moment ago: another request has deleted it
    raise HTTPException(503, "The change met others at the same moment. Try again.", headers={"Retry-After": "1"})
