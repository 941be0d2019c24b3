"""Many-to-many links: putting a pair together and taking it apart, as often as one likes."""

from typing import Any
from uuid import UUID

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.api.body import Body, values
from app.api.responses import deleted, not_found
from app.db.faults import DanglingReferenceError
from app.db.session import Session
from app.db.statements import Statement


def link_values(model: type[Body], **pair: UUID) -> dict[str, Any]:
    """The columns of a new link of `pair`: whatever else `model` has gets its default. 422 where those break a rule."""
    try:
        return values(model(**pair))
    except ValidationError as error:
        raise RequestValidationError([{"type": "link_invalid", "loc": ("path",), "msg": str(error.errors()[0]["msg"])}]) from None


async def linked(session: Session, put_link: Statement, name: str, **parameters: Any) -> Response:
    """204 when the pair is linked, now or before; 404 when either end, called `name`, is none of the user's."""
    try:
        await session.fetch_one(put_link, **parameters)
    except DanglingReferenceError:
        raise not_found(name) from None
    return deleted()


async def unlinked(session: Session, user_id: str, name: str, *ends: tuple[Statement, UUID]) -> Response:
    """204 for a pair that was not linked; 404 when either end, called `name`, is none of the user's."""
    for find, row_id in ends:
        if await session.fetch_one(find, user_id=user_id, id=row_id) is None:
            raise not_found(name)
    return deleted()
