"""FastAPI and SQLModel as their tutorials write it: sync endpoints, a session a request, `response_model`, OAuth2 with PyJWT.

https://sqlmodel.tiangolo.com/tutorial/fastapi/ and https://fastapi.tiangolo.com/tutorial/security/oauth2-jwt/
"""

import os
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, status
from fastapi.security import OAuth2PasswordBearer
from jwt.exceptions import InvalidTokenError
from sqlalchemy import ARRAY, Column, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


def now() -> datetime:
    return datetime.now(UTC)


class TaskBase(SQLModel):
    title: str = Field(min_length=1, max_length=200)
    notes: str | None = None
    priority: str = "normal"
    completed: bool = False
    due_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    estimate: Decimal | None = None
    progress: int = Field(default=0, ge=0, le=100)
    slug: str | None = None
    reminder_time: time | None = None
    project_id: UUID | None = None
    parent_id: UUID | None = None


class Task(TaskBase, table=True):
    __tablename__ = "tasks"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: str
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    version: int = 1
    labels: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text)))
    links: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text)))
    checklist: Any | None = Field(default=None, sa_column=Column(JSONB))


class TaskCreate(TaskBase):
    labels: list[str] = []
    links: list[str] = []
    checklist: Any | None = None


class TaskUpdate(SQLModel):
    title: str | None = Field(default=None, min_length=1, max_length=200)
    notes: str | None = None
    priority: str | None = None
    completed: bool | None = None


class TaskPublic(TaskCreate):
    id: UUID
    user_id: str
    created_at: datetime
    updated_at: datetime
    version: int


def get_session():
    with Session(engine) as session:
        yield session


def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    try:
        payload = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"])
    except InvalidTokenError:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", {"WWW-Authenticate": "Bearer"}) from None
    return payload["sub"]


SessionDep = Annotated[Session, Depends(get_session)]
UserDep = Annotated[str, Depends(get_current_user)]

app = FastAPI()


def own_task(session: Session, user: str, task_id: UUID) -> Task:
    task = session.exec(select(Task).where(Task.id == task_id, Task.user_id == user)).first()
    if not task:
        raise HTTPException(404, "Task not found")
    return task


@app.get("/api/{user_id}/tasks", response_model=list[TaskPublic])
def read_tasks(user_id: str, session: SessionDep, user: UserDep, offset: int = 0, limit: Annotated[int, Query(le=100)] = 20):
    statement = select(Task).where(Task.user_id == user).order_by(col(Task.created_at).desc(), col(Task.id).desc())
    return session.exec(statement.offset(offset).limit(limit)).all()


@app.get("/api/{user_id}/tasks/{task_id}", response_model=TaskPublic)
def read_task(user_id: str, task_id: UUID, session: SessionDep, user: UserDep):
    return own_task(session, user, task_id)


@app.post("/api/{user_id}/tasks", response_model=TaskPublic, status_code=201)
def create_task(user_id: str, task: TaskCreate, session: SessionDep, user: UserDep):
    db_task = Task.model_validate(task, update={"user_id": user})
    session.add(db_task)
    session.commit()
    session.refresh(db_task)
    return db_task


@app.patch("/api/{user_id}/tasks/{task_id}", response_model=TaskPublic)
def update_task(user_id: str, task_id: UUID, task: TaskUpdate, session: SessionDep, user: UserDep):
    db_task = own_task(session, user, task_id)
    db_task.sqlmodel_update(task.model_dump(exclude_unset=True), update={"updated_at": now()})
    session.add(db_task)
    session.commit()
    session.refresh(db_task)
    return db_task
