"""TaskTag: Puts a tag on a task.

Generated from resources/task_tag.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/task_tag.py.
"""

from datetime import datetime
from typing import Annotated, Literal, TypedDict
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint, Uuid

from app.api.body import Body, Read
from app.api.query import AggregateQuery, Filters, ListQuery, Names, Values
from app.db.table import TEXT, OwnedTable, check, column

TaskTagAddedBy = Annotated[str, Field(max_length=80)]


class TaskTag(OwnedTable, table=True):
    """Puts a tag on a task."""

    __tablename__ = "task_tags"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "id", name="pk_task_tags"),
        ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], name="fk_task_tags_task", ondelete="CASCADE"),
        ForeignKeyConstraint(["user_id", "tag_id"], ["tags.user_id", "tags.id"], name="fk_task_tags_tag", ondelete="CASCADE"),
        UniqueConstraint("user_id", "task_id", "tag_id", name="uq_task_tags_task_tag"),
        check("ck_task_tags_added_by_max_length", "char_length(added_by) <= 80", "String should have at most 80 characters", on="added_by"),
        Index("ix_task_tags_created_at", "user_id", "created_at", "id"),
        Index("ix_task_tags_updated_at", "user_id", "updated_at", "id"),
        Index("ix_task_tags_tag_id_task_id", "user_id", "tag_id", "task_id"),
    )

    task_id: UUID = column(Uuid)
    tag_id: UUID = column(Uuid)
    added_by: str | None = column(TEXT)


class TaskTagCreate(Body):
    """What a new TaskTag is made of."""

    task_id: UUID
    tag_id: UUID
    added_by: TaskTagAddedBy | None = None


class TaskTagRead(Read):
    """A TaskTag as it is answered."""

    task_id: UUID
    tag_id: UUID
    added_by: TaskTagAddedBy | None


class TaskTagFilters(Filters):
    """Filters of task_tags."""

    task_id: UUID | None = None
    task_id__ne: UUID | None = None
    task_id__in: Values[UUID] | None = None
    tag_id: UUID | None = None
    tag_id__ne: UUID | None = None
    tag_id__in: Values[UUID] | None = None


class TaskTagQuery(TaskTagFilters, ListQuery):
    """Paging, sorting and filters of a list of task_tags."""


class TaskTagAggregateQuery(TaskTagFilters, AggregateQuery):
    """What to calculate of the task_tags that match the filters."""

    group_by: Names[Literal["task_id", "tag_id"]] | None = None
    min: Names[Literal["created_at", "updated_at"]] | None = None
    max: Names[Literal["created_at", "updated_at"]] | None = None


class TaskTagAggregate(TypedDict, total=False):
    """What was asked for of a group of task_tags."""

    count: int
    task_id: UUID
    tag_id: UUID
    min_created_at: datetime | None
    min_updated_at: datetime | None
    max_created_at: datetime | None
    max_updated_at: datetime | None
