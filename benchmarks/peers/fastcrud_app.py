"""FastCRUD with async SQLAlchemy on asyncpg, in custom endpoints (its automatic ones know no owner).

https://benavlabs.github.io/fastcrud/usage/endpoint/#using-fastcrud-in-custom-endpoints
"""

import os
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, status
from fastapi.security import OAuth2PasswordBearer
from fastcrud import FastCRUD
from jwt.exceptions import InvalidTokenError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peers.fastapi_sqlmodel import Task, TaskCreate, TaskPublic, TaskUpdate, now

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=10)
new_session = async_sessionmaker(engine, expire_on_commit=False)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")
tasks = FastCRUD(Task)


class NewTask(TaskCreate):
    user_id: str


async def get_session():
    async with new_session() as session:
        yield session


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    try:
        return jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"])["sub"]
    except InvalidTokenError:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", {"WWW-Authenticate": "Bearer"}) from None


SessionDep = Annotated[AsyncSession, Depends(get_session)]
UserDep = Annotated[str, Depends(get_current_user)]

app = FastAPI()


@app.get("/api/{user_id}/tasks")
async def read_tasks(user_id: str, session: SessionDep, user: UserDep, offset: int = 0, limit: Annotated[int, Query(le=100)] = 20):
    return await tasks.get_multi(
        session,
        offset=offset,
        limit=limit,
        schema_to_select=TaskPublic,
        sort_columns=["created_at", "id"],
        sort_orders=["desc", "desc"],
        user_id=user,
    )


@app.get("/api/{user_id}/tasks/{task_id}", response_model=TaskPublic)
async def read_task(user_id: str, task_id: UUID, session: SessionDep, user: UserDep):
    task = await tasks.get(session, schema_to_select=TaskPublic, id=task_id, user_id=user)
    if task is None:
        raise HTTPException(404, "Task not found")
    return task


@app.post("/api/{user_id}/tasks", response_model=TaskPublic, status_code=201)
async def create_task(user_id: str, task: TaskCreate, session: SessionDep, user: UserDep):
    new = NewTask(**task.model_dump(), user_id=user)
    return await tasks.create(session, new, schema_to_select=TaskPublic, return_as_model=True)


@app.patch("/api/{user_id}/tasks/{task_id}", response_model=TaskPublic)
async def update_task(user_id: str, task_id: UUID, task: TaskUpdate, session: SessionDep, user: UserDep):
    changes = {**task.model_dump(exclude_unset=True), "updated_at": now()}
    updated = await tasks.update(session, changes, id=task_id, user_id=user, schema_to_select=TaskPublic, return_as_model=True)
    if updated is None:
        raise HTTPException(404, "Task not found")
    return updated
