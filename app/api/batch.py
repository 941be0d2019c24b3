"""Batches: many creates, updates and deletes of one resource in one transaction, all of them or none."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from app.api.body import Body
from app.api.deferred import Deferred
from app.api.responses import json_response
from app.db.session import Session

MAX_ELEMENTS = 100
"""Elements of a batch, all parts together."""

type Part[E] = tuple[Sequence[E], Callable[[E, Session], Awaitable[Response]]]
"""The elements of a part, and what is done with each."""


class Target(Body):
    """A row to delete, at this version."""

    id: UUID
    version: Annotated[int, Field(ge=1)]


class Batch[R](Deferred):
    """What became of a batch: the rows that it has created and updated, and the ids of those that are gone, in its order."""

    create: list[R]
    update: list[R]
    delete: list[UUID]


def changes_of[B: BaseModel](shape: type[B], element: BaseModel) -> B:
    """The changes (`shape`) in an element of a part `update`, without its id and version."""
    sent = element.model_fields_set & set(shape.model_fields)
    return shape.model_construct(sent, **{name: element.__dict__[name] for name in shape.model_fields})


def version_of(element: Any) -> str | None:
    """If-Match of an element that names the version it is based on."""
    if isinstance(element, UUID) or element.version is None:  # a UUID has a version, too, which is another one
        return None
    return f'"{element.version}"'


def id_of(element: UUID | Target) -> UUID:
    """The row that an element of a part `delete` names, alone or with its version."""
    return element if isinstance(element, UUID) else element.id


async def batched(
    request: Request,
    session: Session,
    *,
    create: Part[Any] | None = None,
    update: Part[Any] | None = None,
    delete: Part[Any] | None = None,
) -> Response:
    """200 with what became of each element. The first that fails gives its own status, says where it stands, and undoes all others."""
    parts = {name: part for name, part in (("create", create), ("update", update), ("delete", delete)) if part is not None}
    if sum(len(elements) for elements, _ in parts.values()) > MAX_ELEMENTS:
        message = f"A batch has at most {MAX_ELEMENTS} elements, all parts together."
        raise RequestValidationError([{"type": "too_many_elements", "loc": ("body",), "msg": message}])
    answer: dict[str, list[Any]] = {name: [] for name in Batch.model_fields}
    async with session.together(request) as together:
        for name, (elements, run) in parts.items():
            for index, element in enumerate(elements):
                response = await _placed(name, index, run(element, together))
                answer[name].append(id_of(element) if name == "delete" else orjson.Fragment(bytes(response.body)))
    return json_response(answer)


async def _placed(part: str, index: int, work: Awaitable[Response]) -> Response:
    """`work`, whose errors say of which element they are."""
    try:
        return await work
    except RequestValidationError as error:
        problems = [{**problem, "loc": (problem["loc"][0], part, index, *problem["loc"][1:])} for problem in error.errors()]
        raise RequestValidationError(problems) from None
    except HTTPException as error:
        raise HTTPException(error.status_code, f"{part}[{index}]: {error.detail}", headers=error.headers) from None
