"""Tag: A word that groups tasks across projects.

Generated from resources/tag.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/tag.py.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import delete, update
from sqlmodel import col, select

from app.api.aggregates import Aggregation
from app.api.body import given, values
from app.api.expansion import Expansions, Linked
from app.api.listing import Listing
from app.api.responses import (
    CONFLICT,
    NOT_FOUND,
    STALE,
    UNAUTHORIZED,
    UNCONDITIONAL,
    Aggregates,
    IfNoneMatch,
    Page,
    RequiredIfMatch,
    UnlessMatch,
    changed,
    check_version,
    created,
    deleted,
    found,
    refuse,
    versions_in,
    versions_unlike,
)
from app.api.route import CompiledRoute
from app.db.session import DbSession
from app.db.statements import OWNER, ROW_ID, Inserts, Updates, columns, owned, version_matches
from app.ids import uuid7
from app.middleware.auth import OwnerId, verify_jwt
from app.models.tag import Tag, TagAggregate, TagAggregateQuery, TagCreate, TagItemQuery, TagQuery, TagRead, TagReplace, TagUpdate
from app.models.task import Task, TaskRead
from app.models.task_tag import TaskTag

RESOURCE_NAME = "Tag"

router = APIRouter(
    prefix="/api/{user_id}/tags",
    tags=["tags"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=CompiledRoute,
)

ROW_COLUMNS = columns(Tag, TagRead)
GET_ROW = owned(select(Tag).with_only_columns(*ROW_COLUMNS).where(Tag.user_id == OWNER, Tag.id == ROW_ID))
ROW_EXPANSIONS = Expansions(
    Tag,
    TagRead,
    {
        "tasks": Linked(TaskTag, "tag_id", "task_id", Task, TaskRead),
    },
)
LIST_ROWS = Listing(
    Tag,
    TagRead,
    select(Tag).with_only_columns(*ROW_COLUMNS).where(Tag.user_id == OWNER),
    sort={
        "name": Tag.name,
        "weight": Tag.weight,
        "uses": Tag.uses,
    },
    expansions=ROW_EXPANSIONS,
)
AGGREGATE_ROWS = Aggregation(
    Tag,
    ranked={},
)
INSERT_ROW = Inserts(Tag, ROW_COLUMNS)
UPDATE_ROW = Updates(
    Tag,
    update(Tag).where(col(Tag.user_id) == OWNER, col(Tag.id) == ROW_ID, version_matches(Tag)).returning(*ROW_COLUMNS),
)
DELETE_ROW = owned(delete(Tag).where(col(Tag.user_id) == OWNER, col(Tag.id) == ROW_ID, version_matches(Tag)).returning(col(Tag.id)))


@router.get("", response_model=Page[TagRead])
async def list_tags(user_id: OwnerId, request: Request, query: Annotated[TagQuery, Query()], session: DbSession) -> Response:
    """List the user's tags."""
    return await LIST_ROWS.page(session, request, user_id, query)


@router.get("/aggregate", response_model=Aggregates[TagAggregate])
async def aggregate_tags(user_id: OwnerId, query: Annotated[TagAggregateQuery, Query()], session: DbSession) -> Response:
    """Count the user's tags and calculate with their values, all together or by group."""
    return await AGGREGATE_ROWS.answer(session, user_id, query)


@router.post("", status_code=201, response_model=TagRead, responses=CONFLICT)
async def create_tag(user_id: OwnerId, body: TagCreate, session: DbSession) -> Response:
    """Create a tag."""
    statement, parameters = INSERT_ROW.of(body)
    row = await session.fetch_json_row(statement, user_id=user_id, id=uuid7(), uses=0, **parameters)
    return created(row, user_id, "tags")


@router.get("/{tag_id}", response_model=TagRead, responses=NOT_FOUND)
async def get_tag(
    user_id: OwnerId, tag_id: UUID, query: Annotated[TagItemQuery, Query()], session: DbSession, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one of the user's tags."""
    view = ROW_EXPANSIONS.view(query)
    return found(await view.row(session, GET_ROW, user_id, tag_id), RESOURCE_NAME, if_none_match)


@router.put("/{tag_id}", response_model=TagRead, responses=NOT_FOUND | CONFLICT | STALE | UNCONDITIONAL)
async def replace_tag(
    user_id: OwnerId,
    tag_id: UUID,
    body: TagReplace,
    session: DbSession,
    if_match: RequiredIfMatch = None,
    if_none_match: UnlessMatch = None,
) -> Response:
    """Set every writable field of a tag; a missing one gets its default."""
    versions = versions_in(if_match, required=True)
    versions = await versions_unlike(if_none_match, session, GET_ROW, RESOURCE_NAME, user_id, tag_id, versions)
    changes = values(body)
    statement, parameters = UPDATE_ROW.of(changes)
    row = await session.fetch_json_row(statement, user_id=user_id, id=tag_id, versions=versions, **parameters)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, tag_id, versions)
    return changed(row)


@router.patch("/{tag_id}", response_model=TagRead, responses=NOT_FOUND | CONFLICT | STALE | UNCONDITIONAL)
async def update_tag(user_id: OwnerId, tag_id: UUID, body: TagUpdate, session: DbSession, if_match: RequiredIfMatch = None) -> Response:
    """Change the fields of a tag that the body has."""
    versions = versions_in(if_match, required=True)
    changes = given(body)
    if not changes:
        return changed(check_version(await session.fetch_json_row(GET_ROW, user_id=user_id, id=tag_id), RESOURCE_NAME, versions))
    statement, parameters = UPDATE_ROW.of(changes)
    row = await session.fetch_json_row(statement, user_id=user_id, id=tag_id, versions=versions, **parameters)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, tag_id, versions)
    return changed(row)


@router.delete("/{tag_id}", status_code=204, responses=NOT_FOUND | CONFLICT | STALE | UNCONDITIONAL)
async def delete_tag(user_id: OwnerId, tag_id: UUID, session: DbSession, if_match: RequiredIfMatch = None) -> Response:
    """Delete a tag."""
    versions = versions_in(if_match, required=True)
    row = await session.fetch_one(DELETE_ROW, user_id=user_id, id=tag_id, versions=versions)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, tag_id, versions)
    return deleted()
