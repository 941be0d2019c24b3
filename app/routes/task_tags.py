"""TaskTag: Puts a tag on a task.

Generated from resources/task_tag.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/task_tag.py.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert as insert_or_keep
from sqlmodel import col, select

from app.api.aggregates import Aggregation
from app.api.expansion import View
from app.api.links import link_values, linked, unlinked
from app.api.listing import Listing
from app.api.query import ItemQuery, fields_of
from app.api.responses import (
    CONFLICT,
    NOT_FOUND,
    STALE,
    UNAUTHORIZED,
    Aggregates,
    IfMatch,
    IfNoneMatch,
    Page,
    created,
    deleted,
    found,
    refuse,
    versions_in,
)
from app.api.route import CompiledRoute
from app.db.session import DbSession
from app.db.statements import OWNER, ROW_ID, Inserts, columns, owned, placeholders, version_matches
from app.ids import uuid7
from app.middleware.auth import OwnerId, verify_jwt
from app.models.tag import Tag
from app.models.task import Task
from app.models.task_tag import TaskTag, TaskTagAggregate, TaskTagAggregateQuery, TaskTagCreate, TaskTagQuery, TaskTagRead

RESOURCE_NAME = "TaskTag"

router = APIRouter(
    prefix="/api/{user_id}/task-tags",
    tags=["task tags"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=CompiledRoute,
)
nested = APIRouter(
    prefix="/api/{user_id}",
    tags=["task tags"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=CompiledRoute,
)

ROW_COLUMNS = columns(TaskTag, TaskTagRead)
GET_ROW = owned(select(TaskTag).with_only_columns(*ROW_COLUMNS).where(TaskTag.user_id == OWNER, TaskTag.id == ROW_ID))
LIST_ROWS = Listing(
    TaskTag,
    TaskTagRead,
    select(TaskTag).with_only_columns(*ROW_COLUMNS).where(TaskTag.user_id == OWNER),
    sort={},
)
AGGREGATE_ROWS = Aggregation(
    TaskTag,
    ranked={},
)
INSERT_ROW = Inserts(TaskTag, ROW_COLUMNS)
DELETE_ROW = owned(
    delete(TaskTag).where(col(TaskTag.user_id) == OWNER, col(TaskTag.id) == ROW_ID, version_matches(TaskTag)).returning(col(TaskTag.id))
)
PUT_LINK = owned(
    insert_or_keep(TaskTag)
    .values(placeholders(TaskTag))
    .on_conflict_do_nothing(index_elements=["user_id", "task_id", "tag_id"])
    .returning(col(TaskTag.id))
)
DELETE_LINK = owned(
    delete(TaskTag)
    .where(col(TaskTag.user_id) == OWNER, col(TaskTag.task_id) == bindparam("task_id"), col(TaskTag.tag_id) == bindparam("tag_id"))
    .returning(col(TaskTag.id))
)
FIND_TASK = owned(select(Task.id).where(Task.user_id == OWNER, Task.id == ROW_ID))
FIND_TAG = owned(select(Tag.id).where(Tag.user_id == OWNER, Tag.id == ROW_ID))


@router.get("", response_model=Page[TaskTagRead])
async def list_task_tags(user_id: OwnerId, request: Request, query: Annotated[TaskTagQuery, Query()], session: DbSession) -> Response:
    """List the user's task tags."""
    return await LIST_ROWS.page(session, request, user_id, query)


@router.get("/aggregate", response_model=Aggregates[TaskTagAggregate])
async def aggregate_task_tags(user_id: OwnerId, query: Annotated[TaskTagAggregateQuery, Query()], session: DbSession) -> Response:
    """Count the user's task tags and calculate with their values, all together or by group."""
    return await AGGREGATE_ROWS.answer(session, user_id, query)


@router.post("", status_code=201, response_model=TaskTagRead, responses=CONFLICT)
async def create_task_tag(user_id: OwnerId, body: TaskTagCreate, session: DbSession) -> Response:
    """Create a task tag."""
    statement, parameters = INSERT_ROW.of(body)
    row = await session.fetch_json_row(statement, user_id=user_id, id=uuid7(), **parameters)
    return created(row, user_id, "task-tags")


@router.get("/{task_tag_id}", response_model=TaskTagRead, responses=NOT_FOUND)
async def get_task_tag(
    user_id: OwnerId, task_tag_id: UUID, query: Annotated[ItemQuery, Query()], session: DbSession, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one of the user's task tags."""
    view = View(fields_of(query, TaskTagRead))
    return found(await view.row(session, GET_ROW, user_id, task_tag_id), RESOURCE_NAME, if_none_match)


@router.delete("/{task_tag_id}", status_code=204, responses=NOT_FOUND | CONFLICT | STALE)
async def delete_task_tag(user_id: OwnerId, task_tag_id: UUID, session: DbSession, if_match: IfMatch = None) -> Response:
    """Delete a task tag."""
    versions = versions_in(if_match)
    row = await session.fetch_one(DELETE_ROW, user_id=user_id, id=task_tag_id, versions=versions)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, task_tag_id, versions)
    return deleted()


@nested.put("/tasks/{task_id}/tags/{tag_id}", status_code=204, responses=NOT_FOUND)
async def link_task_tag(user_id: OwnerId, task_id: UUID, tag_id: UUID, session: DbSession) -> Response:
    """Link a task to a tag; what is linked already stays as it is."""
    row = link_values(TaskTagCreate, task_id=task_id, tag_id=tag_id)
    return await linked(session, PUT_LINK, "Task or Tag", user_id=user_id, id=uuid7(), **row)


@nested.delete("/tasks/{task_id}/tags/{tag_id}", status_code=204, responses=NOT_FOUND)
async def unlink_task_tag(user_id: OwnerId, task_id: UUID, tag_id: UUID, session: DbSession) -> Response:
    """Take the link between a task and a tag away, if there is one."""
    row = await session.fetch_one(DELETE_LINK, user_id=user_id, task_id=task_id, tag_id=tag_id)
    if row is not None:
        return deleted()
    return await unlinked(session, user_id, "Task or Tag", (FIND_TASK, task_id), (FIND_TAG, tag_id))
