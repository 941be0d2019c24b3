"""Litestar with Advanced Alchemy (async SQLAlchemy on asyncpg), its repository, its DTOs and its JWT middleware.

https://docs.litestar.dev/2/tutorials/repository-tutorial/ and https://docs.litestar.dev/2/usage/security/jwt.html
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from advanced_alchemy.extensions.litestar import (
    AsyncSessionConfig,
    SQLAlchemyAsyncConfig,
    SQLAlchemyDTO,
    SQLAlchemyDTOConfig,
    SQLAlchemyPlugin,
    base,
    filters,
    repository,
)
from litestar import Controller, Litestar, Request, get, patch, post
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.dto import DTOData
from litestar.security.jwt import JWTAuth, Token
from sqlalchemy import ARRAY, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

TIMESTAMP = DateTime(timezone=True)


def now() -> datetime:
    return datetime.now(UTC)


class Task(base.DefaultBase):
    __tablename__ = "tasks"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, default=now)
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP, default=now, onupdate=now)
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str]
    notes: Mapped[str | None] = mapped_column(default=None)
    priority: Mapped[str] = mapped_column(default="normal")
    completed: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[datetime | None] = mapped_column(TIMESTAMP, default=None)
    estimate: Mapped[Decimal | None] = mapped_column(default=None)
    progress: Mapped[int] = mapped_column(default=0)
    slug: Mapped[str | None] = mapped_column(default=None)
    labels: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    links: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    checklist: Mapped[Any | None] = mapped_column(JSONB, default=None)
    reminder_time: Mapped[time | None] = mapped_column(default=None)
    project_id: Mapped[UUID | None] = mapped_column(default=None)
    parent_id: Mapped[UUID | None] = mapped_column(default=None)


class TaskRead(SQLAlchemyDTO[Task]):
    config = SQLAlchemyDTOConfig()


class TaskWrite(SQLAlchemyDTO[Task]):
    config = SQLAlchemyDTOConfig(exclude={"id", "user_id", "created_at", "updated_at", "version"})


class TaskPatch(SQLAlchemyDTO[Task]):
    config = SQLAlchemyDTOConfig(exclude={"id", "user_id", "created_at", "updated_at", "version"}, partial=True)


class TaskRepository(repository.SQLAlchemyAsyncRepository[Task]):
    model_type = Task


async def provide_tasks(db_session: AsyncSession) -> TaskRepository:
    return TaskRepository(session=db_session)


@dataclass
class User:
    id: str


async def retrieve_user(token: Token, _connection: ASGIConnection[Any, Any, Any, Any]) -> User:
    return User(token.sub)


class TaskController(Controller):
    path = "/api/{user_id:str}/tasks"
    dependencies = {"tasks": Provide(provide_tasks)}
    return_dto = TaskRead

    @get()
    async def list_tasks(self, tasks: TaskRepository, request: Request[User, Token, Any], limit: int = 20, offset: int = 0) -> list[Task]:
        page = filters.LimitOffset(limit, offset)
        return await tasks.list(page, user_id=request.user.id, order_by=[("created_at", True), ("id", True)])

    @get("/{task_id:uuid}")
    async def get_task(self, tasks: TaskRepository, request: Request[User, Token, Any], task_id: UUID) -> Task:
        return await tasks.get_one(id=task_id, user_id=request.user.id)

    @post(dto=TaskWrite)
    async def create_task(self, tasks: TaskRepository, request: Request[User, Token, Any], data: DTOData[Task]) -> Task:
        return await tasks.add(data.create_instance(user_id=request.user.id), auto_commit=True, auto_refresh=True)

    @patch("/{task_id:uuid}", dto=TaskPatch)
    async def update_task(self, tasks: TaskRepository, request: Request[User, Token, Any], task_id: UUID, data: DTOData[Task]) -> Task:
        task = await tasks.get_one(id=task_id, user_id=request.user.id)
        return await tasks.update(data.update_instance(task), auto_commit=True, auto_refresh=True)


auth = JWTAuth[User](retrieve_user_handler=retrieve_user, token_secret=os.environ["JWT_SECRET"], exclude=["/schema"])
config = SQLAlchemyAsyncConfig(
    connection_string=os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    session_config=AsyncSessionConfig(expire_on_commit=False),
)
app = Litestar([TaskController], plugins=[SQLAlchemyPlugin(config)], on_app_init=[auth.on_app_init])
