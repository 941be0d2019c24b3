"""Comment: A remark on a task.

Generated from resources/comment.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/comment.py.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import delete, update
from sqlmodel import col, select

from app.api.aggregates import Aggregation
from app.api.body import given, values
from app.api.expansion import Expansions, ToOne
from app.api.listing import Listing, Parent
from app.api.responses import (
    CONFLICT,
    NOT_FOUND,
    STALE,
    UNAUTHORIZED,
    Aggregates,
    IfMatch,
    IfNoneMatch,
    Page,
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
from app.models.comment import (
    Comment,
    CommentAggregate,
    CommentAggregateQuery,
    CommentCreate,
    CommentItemQuery,
    CommentQuery,
    CommentRead,
    CommentReplace,
    CommentUpdate,
)
from app.models.task import Task, TaskRead

RESOURCE_NAME = "Comment"

router = APIRouter(
    prefix="/api/{user_id}/comments",
    tags=["comments"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=CompiledRoute,
)
nested = APIRouter(
    prefix="/api/{user_id}",
    tags=["comments"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=CompiledRoute,
)

ROW_COLUMNS = columns(Comment, CommentRead)
GET_ROW = owned(select(Comment).with_only_columns(*ROW_COLUMNS).where(Comment.user_id == OWNER, Comment.id == ROW_ID))
ROW_EXPANSIONS = Expansions(
    Comment,
    CommentRead,
    {
        "task": ToOne("task_id", Task, TaskRead),
    },
)
LIST_ROWS = Listing(
    Comment,
    CommentRead,
    select(Comment).with_only_columns(*ROW_COLUMNS).where(Comment.user_id == OWNER),
    sort={
        "written_on": Comment.written_on,
    },
    expansions=ROW_EXPANSIONS,
)
AGGREGATE_ROWS = Aggregation(
    Comment,
    ranked={},
)
INSERT_ROW = Inserts(Comment, ROW_COLUMNS)
UPDATE_ROW = Updates(
    Comment,
    update(Comment).where(col(Comment.user_id) == OWNER, col(Comment.id) == ROW_ID, version_matches(Comment)).returning(*ROW_COLUMNS),
)
DELETE_ROW = owned(
    delete(Comment).where(col(Comment.user_id) == OWNER, col(Comment.id) == ROW_ID, version_matches(Comment)).returning(col(Comment.id))
)
PARENT_TASK = owned(select(Task.id).where(Task.user_id == OWNER, Task.id == ROW_ID))


@router.get("", response_model=Page[CommentRead])
async def list_comments(user_id: OwnerId, request: Request, query: Annotated[CommentQuery, Query()], session: DbSession) -> Response:
    """List the user's comments."""
    return await LIST_ROWS.page(session, request, user_id, query)


@router.get("/aggregate", response_model=Aggregates[CommentAggregate])
async def aggregate_comments(user_id: OwnerId, query: Annotated[CommentAggregateQuery, Query()], session: DbSession) -> Response:
    """Count the user's comments and calculate with their values, all together or by group."""
    return await AGGREGATE_ROWS.answer(session, user_id, query)


@router.post("", status_code=201, response_model=CommentRead, responses=CONFLICT)
async def create_comment(user_id: OwnerId, body: CommentCreate, session: DbSession) -> Response:
    """Create a comment."""
    statement, parameters = INSERT_ROW.of(body)
    row = await session.fetch_json_row(statement, user_id=user_id, id=uuid7(), **parameters)
    return created(row, user_id, "comments")


@router.get("/{comment_id}", response_model=CommentRead, responses=NOT_FOUND)
async def get_comment(
    user_id: OwnerId, comment_id: UUID, query: Annotated[CommentItemQuery, Query()], session: DbSession, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one of the user's comments."""
    view = ROW_EXPANSIONS.view(query)
    return found(await view.row(session, GET_ROW, user_id, comment_id), RESOURCE_NAME, if_none_match)


@router.put("/{comment_id}", response_model=CommentRead, responses=NOT_FOUND | CONFLICT | STALE)
async def replace_comment(
    user_id: OwnerId,
    comment_id: UUID,
    body: CommentReplace,
    session: DbSession,
    if_match: IfMatch = None,
    if_none_match: UnlessMatch = None,
) -> Response:
    """Set every writable field of a comment; a missing one gets its default."""
    versions = versions_in(if_match)
    versions = await versions_unlike(if_none_match, session, GET_ROW, RESOURCE_NAME, user_id, comment_id, versions)
    changes = values(body)
    statement, parameters = UPDATE_ROW.of(changes)
    row = await session.fetch_json_row(statement, user_id=user_id, id=comment_id, versions=versions, **parameters)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, comment_id, versions)
    return changed(row)


@router.patch("/{comment_id}", response_model=CommentRead, responses=NOT_FOUND | CONFLICT | STALE)
async def update_comment(user_id: OwnerId, comment_id: UUID, body: CommentUpdate, session: DbSession, if_match: IfMatch = None) -> Response:
    """Change the fields of a comment that the body has."""
    versions = versions_in(if_match)
    changes = given(body)
    if not changes:
        return changed(check_version(await session.fetch_json_row(GET_ROW, user_id=user_id, id=comment_id), RESOURCE_NAME, versions))
    statement, parameters = UPDATE_ROW.of(changes)
    row = await session.fetch_json_row(statement, user_id=user_id, id=comment_id, versions=versions, **parameters)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, comment_id, versions)
    return changed(row)


@router.delete("/{comment_id}", status_code=204, responses=NOT_FOUND | CONFLICT | STALE)
async def delete_comment(user_id: OwnerId, comment_id: UUID, session: DbSession, if_match: IfMatch = None) -> Response:
    """Delete a comment."""
    versions = versions_in(if_match)
    row = await session.fetch_one(DELETE_ROW, user_id=user_id, id=comment_id, versions=versions)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, comment_id, versions)
    return deleted()


@nested.get("/tasks/{task_id}/comments", response_model=Page[CommentRead], responses=NOT_FOUND)
async def list_comments_of_task(
    user_id: OwnerId, task_id: UUID, request: Request, query: Annotated[CommentQuery, Query()], session: DbSession
) -> Response:
    """List the comments of a task."""
    parent = Parent("task_id", task_id, PARENT_TASK, "Task")
    return await LIST_ROWS.page(session, request, user_id, query, within=parent)
