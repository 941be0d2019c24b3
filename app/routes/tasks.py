"""Task: Something to get done.

Generated from resources/task.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/task.py.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import delete, update
from sqlmodel import col, select

from app.api.aggregates import Aggregation
from app.api.batch import Batch, batched, changes_of, id_of, version_of
from app.api.body import given, values
from app.api.expansion import Expansions, Linked, ToMany, ToOne
from app.api.listing import Listing, Parent, Ranked
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
from app.extensions import task as hooks
from app.ids import uuid7
from app.middleware.auth import OwnerId, verify_jwt
from app.models.comment import Comment, CommentRead
from app.models.project import Project, ProjectRead
from app.models.tag import Tag, TagRead
from app.models.task import (
    Task,
    TaskAggregate,
    TaskAggregateQuery,
    TaskBatch,
    TaskCreate,
    TaskItemQuery,
    TaskPriority,
    TaskQuery,
    TaskRead,
    TaskReplace,
    TaskUpdate,
)
from app.models.task_tag import TaskTag

RESOURCE_NAME = "Task"

router = APIRouter(
    prefix="/api/{user_id}/tasks",
    tags=["tasks"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=CompiledRoute,
)
nested = APIRouter(
    prefix="/api/{user_id}",
    tags=["tasks"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=CompiledRoute,
)

ROW_COLUMNS = columns(Task, TaskRead)
GET_ROW = owned(select(Task).with_only_columns(*ROW_COLUMNS).where(Task.user_id == OWNER, Task.id == ROW_ID))
ROW_EXPANSIONS = Expansions(
    Task,
    TaskRead,
    {
        "project": ToOne("project_id", Project, ProjectRead),
        "parent": ToOne("parent_id", Task, TaskRead),
        "comments": ToMany("task_id", Comment, CommentRead),
        "subtasks": ToMany("parent_id", Task, TaskRead),
        "tags": Linked(TaskTag, "task_id", "tag_id", Tag, TagRead),
    },
)
REFERENCE_FILTERS = {
    "project__name": (Task.project_id, Project.name),
    "project__status": (Task.project_id, Project.status),
    "parent__completed": (Task.parent_id, Task.completed),
}
LIST_ROWS = Listing(
    Task,
    TaskRead,
    select(Task).with_only_columns(*ROW_COLUMNS).where(Task.user_id == OWNER),
    sort={
        "title": Task.title,
        "priority": Ranked(Task.priority, TaskPriority),
        "due_at": Task.due_at,
        "progress": Task.progress,
    },
    expansions=ROW_EXPANSIONS,
    through=REFERENCE_FILTERS,
)
AGGREGATE_ROWS = Aggregation(
    Task,
    ranked={
        "priority": Ranked(Task.priority, TaskPriority),
    },
    through=REFERENCE_FILTERS,
)
INSERT_ROW = Inserts(Task, ROW_COLUMNS)
UPDATE_ROW = Updates(
    Task,
    update(Task).where(col(Task.user_id) == OWNER, col(Task.id) == ROW_ID, version_matches(Task)).returning(*ROW_COLUMNS),
)
DELETE_ROW = owned(delete(Task).where(col(Task.user_id) == OWNER, col(Task.id) == ROW_ID, version_matches(Task)).returning(col(Task.id)))
PARENT_PROJECT = owned(select(Project.id).where(Project.user_id == OWNER, Project.id == ROW_ID, col(Project.deleted_at).is_(None)))
PARENT_PARENT = owned(select(Task.id).where(Task.user_id == OWNER, Task.id == ROW_ID))


@router.get("", response_model=Page[TaskRead])
async def list_tasks(user_id: OwnerId, request: Request, query: Annotated[TaskQuery, Query()], session: DbSession) -> Response:
    """List the user's tasks."""
    return await LIST_ROWS.page(session, request, user_id, query)


@router.get("/aggregate", response_model=Aggregates[TaskAggregate])
async def aggregate_tasks(user_id: OwnerId, query: Annotated[TaskAggregateQuery, Query()], session: DbSession) -> Response:
    """Count the user's tasks and calculate with their values, all together or by group."""
    return await AGGREGATE_ROWS.answer(session, user_id, query)


@router.post("", status_code=201, response_model=TaskRead, responses=CONFLICT)
async def create_task(user_id: OwnerId, body: TaskCreate, session: DbSession) -> Response:
    """Create a task."""
    statement, parameters = INSERT_ROW.of(body)
    row = await session.fetch_json_row(statement, user_id=user_id, id=uuid7(), **parameters)
    return created(row, user_id, "tasks")


@router.get("/{task_id}", response_model=TaskRead, responses=NOT_FOUND)
async def get_task(
    user_id: OwnerId, task_id: UUID, query: Annotated[TaskItemQuery, Query()], session: DbSession, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one of the user's tasks."""
    view = ROW_EXPANSIONS.view(query)
    return found(await view.row(session, GET_ROW, user_id, task_id), RESOURCE_NAME, if_none_match)


@router.put("/{task_id}", response_model=TaskRead, responses=NOT_FOUND | CONFLICT | STALE)
async def replace_task(
    user_id: OwnerId, task_id: UUID, body: TaskReplace, session: DbSession, if_match: IfMatch = None, if_none_match: UnlessMatch = None
) -> Response:
    """Set every writable field of a task; a missing one gets its default."""
    versions = versions_in(if_match)
    versions = await versions_unlike(if_none_match, session, GET_ROW, RESOURCE_NAME, user_id, task_id, versions)
    changes = values(body)
    async with session.transaction(user_id) as transaction:
        before = check_version(await transaction.get(Task, task_id), RESOURCE_NAME, versions)
        await hooks.before_update(transaction, before, changes)
        row = await transaction.save(UPDATE_ROW, task_id, changes)
    return changed(row)


@router.patch("/{task_id}", response_model=TaskRead, responses=NOT_FOUND | CONFLICT | STALE)
async def update_task(user_id: OwnerId, task_id: UUID, body: TaskUpdate, session: DbSession, if_match: IfMatch = None) -> Response:
    """Change the fields of a task that the body has."""
    versions = versions_in(if_match)
    changes = given(body)
    async with session.transaction(user_id) as transaction:
        before = check_version(await transaction.get(Task, task_id), RESOURCE_NAME, versions)
        await hooks.before_update(transaction, before, changes)
        row = await transaction.save(UPDATE_ROW, task_id, changes, unchanged=GET_ROW)
    return changed(row)


@router.delete("/{task_id}", status_code=204, responses=NOT_FOUND | CONFLICT | STALE)
async def delete_task(user_id: OwnerId, task_id: UUID, session: DbSession, if_match: IfMatch = None) -> Response:
    """Delete a task."""
    versions = versions_in(if_match)
    row = await session.fetch_one(DELETE_ROW, user_id=user_id, id=task_id, versions=versions)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, task_id, versions)
    return deleted()


@router.post("/batch", response_model=Batch[TaskRead], responses=NOT_FOUND | CONFLICT | STALE)
async def batch_tasks(user_id: OwnerId, request: Request, body: TaskBatch, session: DbSession) -> Response:
    """Change many tasks together: all that the body asks for is done, or nothing."""
    return await batched(
        request,
        session,
        create=(body.create, lambda one, session: create_task(user_id, one, session)),
        update=(
            body.update,
            lambda one, session: update_task(user_id, one.id, changes_of(TaskUpdate, one), session, version_of(one)),
        ),
        delete=(body.delete, lambda one, session: delete_task(user_id, id_of(one), session, version_of(one))),
    )


@nested.get("/projects/{project_id}/tasks", response_model=Page[TaskRead], responses=NOT_FOUND)
async def list_tasks_of_project(
    user_id: OwnerId, project_id: UUID, request: Request, query: Annotated[TaskQuery, Query()], session: DbSession
) -> Response:
    """List the tasks of a project."""
    parent = Parent("project_id", project_id, PARENT_PROJECT, "Project")
    return await LIST_ROWS.page(session, request, user_id, query, within=parent)


@nested.get("/tasks/{task_id}/subtasks", response_model=Page[TaskRead], responses=NOT_FOUND)
async def list_subtasks_of_task(
    user_id: OwnerId, task_id: UUID, request: Request, query: Annotated[TaskQuery, Query()], session: DbSession
) -> Response:
    """List the subtasks of a task."""
    parent = Parent("parent_id", task_id, PARENT_PARENT, "Task")
    return await LIST_ROWS.page(session, request, user_id, query, within=parent)
