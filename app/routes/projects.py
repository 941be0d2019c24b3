"""Project: Something with an end that takes more than one task.

Generated from resources/project.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/project.py.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import bindparam, update
from sqlmodel import col, select

from app.api.aggregates import Aggregation
from app.api.body import given, values
from app.api.deprecation import deprecated_route
from app.api.expansion import Expansions, ToMany
from app.api.listing import Listing, Ranked
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
from app.api.upsert import key_of, replacement, upserted
from app.db.session import DbSession
from app.db.statements import OWNER, ROW_ID, Inserts, Updates, columns, owned, version_matches
from app.db.trash import Trash
from app.ids import uuid7
from app.middleware.auth import OwnerId, verify_jwt
from app.models.project import (
    Project,
    ProjectAggregate,
    ProjectAggregateQuery,
    ProjectCreate,
    ProjectItemQuery,
    ProjectQuery,
    ProjectRead,
    ProjectReplace,
    ProjectStatus,
    ProjectUpdate,
)
from app.models.task import Task, TaskRead

RESOURCE_NAME = "Project"

router = APIRouter(
    prefix="/api/{user_id}/projects",
    tags=["projects"],
    dependencies=[Depends(verify_jwt)],
    responses=UNAUTHORIZED,
    route_class=deprecated_route(fields={"homepage": ("2026-11-01", "2027-06-01")}),
)

ROW_COLUMNS = columns(Project, ProjectRead)
GET_ROW = owned(
    select(Project).with_only_columns(*ROW_COLUMNS).where(Project.user_id == OWNER, Project.id == ROW_ID, col(Project.deleted_at).is_(None))
)
ROW_EXPANSIONS = Expansions(
    Project,
    ProjectRead,
    {
        "tasks": ToMany("project_id", Task, TaskRead),
    },
)
LIST_ROWS = Listing(
    Project,
    ProjectRead,
    select(Project).with_only_columns(*ROW_COLUMNS).where(Project.user_id == OWNER),
    sort={
        "name": Project.name,
        "status": Ranked(Project.status, ProjectStatus),
        "starts_on": Project.starts_on,
        "ends_on": Project.ends_on,
        "budget": Project.budget,
    },
    expansions=ROW_EXPANSIONS,
)
AGGREGATE_ROWS = Aggregation(
    Project,
    ranked={
        "status": Ranked(Project.status, ProjectStatus),
    },
)
INSERT_ROW = Inserts(Project, ROW_COLUMNS)
UPDATE_ROW = Updates(
    Project,
    update(Project)
    .where(col(Project.user_id) == OWNER, col(Project.id) == ROW_ID, col(Project.deleted_at).is_(None), version_matches(Project))
    .returning(*ROW_COLUMNS),
)
DELETED_ROWS = Trash(
    Project,
    clears=[(Task, "project_id", Project)],
)
FIND_BY_KEY = owned(
    select(Project.id).where(Project.user_id == OWNER, col(Project.name) == bindparam("name"), col(Project.deleted_at).is_(None))
)


@router.get("", response_model=Page[ProjectRead])
async def list_projects(user_id: OwnerId, request: Request, query: Annotated[ProjectQuery, Query()], session: DbSession) -> Response:
    """List the user's projects."""
    return await LIST_ROWS.page(session, request, user_id, query)


@router.get("/aggregate", response_model=Aggregates[ProjectAggregate])
async def aggregate_projects(user_id: OwnerId, query: Annotated[ProjectAggregateQuery, Query()], session: DbSession) -> Response:
    """Count the user's projects and calculate with their values, all together or by group."""
    return await AGGREGATE_ROWS.answer(session, user_id, query)


@router.post("", status_code=201, response_model=ProjectRead, responses=CONFLICT)
async def create_project(user_id: OwnerId, body: ProjectCreate, session: DbSession) -> Response:
    """Create a project."""
    statement, parameters = INSERT_ROW.of(body)
    row = await session.fetch_json_row(statement, user_id=user_id, id=uuid7(), **parameters)
    return created(row, user_id, "projects")


@router.get("/{project_id}", response_model=ProjectRead, responses=NOT_FOUND)
async def get_project(
    user_id: OwnerId, project_id: UUID, query: Annotated[ProjectItemQuery, Query()], session: DbSession, if_none_match: IfNoneMatch = None
) -> Response:
    """Return one of the user's projects."""
    view = ROW_EXPANSIONS.view(query)
    return found(await view.row(session, GET_ROW, user_id, project_id), RESOURCE_NAME, if_none_match)


@router.put("/{project_id}", response_model=ProjectRead, responses=NOT_FOUND | CONFLICT | STALE)
async def replace_project(
    user_id: OwnerId,
    project_id: UUID,
    body: ProjectReplace,
    session: DbSession,
    if_match: IfMatch = None,
    if_none_match: UnlessMatch = None,
) -> Response:
    """Set every writable field of a project; a missing one gets its default."""
    versions = versions_in(if_match)
    versions = await versions_unlike(if_none_match, session, GET_ROW, RESOURCE_NAME, user_id, project_id, versions)
    changes = values(body)
    statement, parameters = UPDATE_ROW.of(changes)
    row = await session.fetch_json_row(statement, user_id=user_id, id=project_id, versions=versions, **parameters)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, project_id, versions)
    return changed(row)


@router.patch("/{project_id}", response_model=ProjectRead, responses=NOT_FOUND | CONFLICT | STALE)
async def update_project(user_id: OwnerId, project_id: UUID, body: ProjectUpdate, session: DbSession, if_match: IfMatch = None) -> Response:
    """Change the fields of a project that the body has."""
    versions = versions_in(if_match)
    changes = given(body)
    if not changes:
        return changed(check_version(await session.fetch_json_row(GET_ROW, user_id=user_id, id=project_id), RESOURCE_NAME, versions))
    statement, parameters = UPDATE_ROW.of(changes)
    row = await session.fetch_json_row(statement, user_id=user_id, id=project_id, versions=versions, **parameters)
    if row is None:
        await refuse(session, GET_ROW, RESOURCE_NAME, user_id, project_id, versions)
    return changed(row)


@router.put("", response_model=ProjectRead, responses={201: {"model": ProjectRead}} | CONFLICT | STALE)
async def upsert_project(
    user_id: OwnerId, body: ProjectCreate, session: DbSession, if_match: IfMatch = None, if_none_match: UnlessMatch = None
) -> Response:
    """Create the project with this `name`, or replace it."""
    changes = replacement(ProjectReplace, body)
    return await upserted(
        session,
        FIND_BY_KEY,
        user_id,
        key_of(body, "name"),
        create=lambda: create_project(user_id, body, session),
        replace=lambda row_id: replace_project(user_id, row_id, changes, session, if_match, if_none_match),
        if_match=if_match,
    )


@router.delete("/{project_id}", status_code=204, responses=NOT_FOUND | CONFLICT | STALE)
async def delete_project(user_id: OwnerId, project_id: UUID, session: DbSession, if_match: IfMatch = None) -> Response:
    """Delete a project."""
    versions = versions_in(if_match)
    async with session.transaction(user_id) as transaction:
        check_version(await transaction.get(Project, project_id), RESOURCE_NAME, versions)
        await DELETED_ROWS.discard(transaction, project_id)
    return deleted()


@router.post("/{project_id}/restore", response_model=ProjectRead, responses=NOT_FOUND | CONFLICT | STALE)
async def restore_project(user_id: OwnerId, project_id: UUID, session: DbSession, if_match: IfMatch = None) -> Response:
    """Bring a deleted project back; one that is not deleted stays as it is."""
    versions = versions_in(if_match)
    async with session.transaction(user_id) as transaction:
        before = check_version(await transaction.get(Project, project_id, deleted_too=True), RESOURCE_NAME, versions)
        if before.deleted_at is None:
            return found(await transaction.fetch_json_row(GET_ROW, user_id=user_id, id=project_id), RESOURCE_NAME)
        await DELETED_ROWS.restore(transaction, project_id, before.deleted_at)
        row = await transaction.fetch_json_row(GET_ROW, user_id=user_id, id=project_id)
    return found(row, RESOURCE_NAME)
