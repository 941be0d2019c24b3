"""Task: Something to get done.

Generated from resources/task.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/task.py.
"""

from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypedDict
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import ARRAY, Boolean, ForeignKeyConstraint, Index, Integer, Numeric, PrimaryKeyConstraint, Time, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from app.api import rules
from app.api.batch import MAX_ELEMENTS, Target
from app.api.body import Body, Read, broken_rule
from app.api.query import MAX_SEARCH, SORT, WHOLE, AggregateQuery, Filters, ItemQuery, ListQuery, Names, SortKeys, Values
from app.api.scalars import URL, DateTime, Exact, Flag, Json, empty_list, unset
from app.api.scalars import Time as Time_
from app.db.search import search_index
from app.db.table import TEXT, TIMESTAMP, OwnedTable, check, column, computed, expression


class TaskPriority(StrEnum):
    """Values of `priority`."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


TaskTitle = Annotated[str, Field(min_length=1, max_length=200, examples=["Book the van"])]
TaskEstimate = Annotated[Decimal, Field(ge=Decimal(0), examples=["1.50"]), Exact(6, 2)]
TaskProgress = Annotated[int, Field(ge=0, le=100)]
TaskSlug = Annotated[str, Field(max_length=80, pattern="^[a-z0-9-]+$", examples=["book-the-van"])]
TaskLabels = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20, examples=[["moving"]])]
TaskLinks = Annotated[list[Annotated[str, Field(max_length=2048), URL]], Field(max_length=5)]
TaskChecklist = Annotated[Json, Field(description="Whatever the client keeps about its steps.")]
TaskRemaining = Annotated[Decimal, Field(description="What is left of the estimate."), Exact(6, 2)]


class Task(OwnedTable, table=True):
    """Something to get done."""

    __tablename__ = "tasks"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "id", name="pk_tasks"),
        ForeignKeyConstraint(["user_id", "project_id"], ["projects.user_id", "projects.id"], name="fk_tasks_project"),
        ForeignKeyConstraint(["user_id", "parent_id"], ["tasks.user_id", "tasks.id"], name="fk_tasks_parent", ondelete="CASCADE"),
        UniqueConstraint("user_id", "project_id", "slug", name="uq_tasks_project_slug"),
        check("ck_tasks_title_min_length", "char_length(title) >= 1", "String should have at least 1 character", on="title"),
        check("ck_tasks_title_max_length", "char_length(title) <= 200", "String should have at most 200 characters", on="title"),
        check(
            "ck_tasks_priority_values", "priority IN ('low', 'normal', 'high')", "Input should be 'low', 'normal' or 'high'", on="priority"
        ),
        check(
            "ck_tasks_due_at_range",
            "due_at >= timestamptz '0001-01-01T00:00:00Z' AND due_at < timestamptz '10000-01-01T00:00:00Z'",
            "Input should be a datetime of the years 1 to 9999",
            on="due_at",
        ),
        check("ck_tasks_estimate_ge", "estimate >= 0", "Input should be greater than or equal to 0", on="estimate"),
        check("ck_tasks_estimate_finite", "estimate <> 'NaN'", "Input should be a finite number", on="estimate"),
        check("ck_tasks_progress_ge", "progress >= 0", "Input should be greater than or equal to 0", on="progress"),
        check("ck_tasks_progress_le", "progress <= 100", "Input should be less than or equal to 100", on="progress"),
        check("ck_tasks_slug_max_length", "char_length(slug) <= 80", "String should have at most 80 characters", on="slug"),
        check("ck_tasks_slug_pattern", "slug ~ '^[a-z0-9-]+$'", "String should match pattern '^[a-z0-9-]+$'", on="slug"),
        check("ck_tasks_labels_max_items", "cardinality(labels) <= 20", "List should have at most 20 items", on="labels"),
        check(
            "ck_tasks_labels_flat",
            "array_ndims(labels) = 1 AND array_position(labels, NULL) IS NULL",
            "List should have no null and no nested list",
            on="labels",
        ),
        check(
            "ck_tasks_labels_max_length_item",
            "labels::varchar(40)[]::text[] = labels",
            "Each item should have at most 40 characters",
            on="labels",
        ),
        check("ck_tasks_links_max_items", "cardinality(links) <= 5", "List should have at most 5 items", on="links"),
        check(
            "ck_tasks_links_flat",
            "array_ndims(links) = 1 AND array_position(links, NULL) IS NULL",
            "List should have no null and no nested list",
            on="links",
        ),
        check(
            "ck_tasks_links_max_length_item",
            "links::varchar(2048)[]::text[] = links",
            "Each item should have at most 2048 characters",
            on="links",
        ),
        check("ck_tasks_checklist_size", "pg_column_size(checklist) <= 524288", "JSON should have at most 64 KiB", on="checklist"),
        check("ck_tasks_reminder_time_range", "reminder_time < time '24:00'", "Input should be a time before 24:00", on="reminder_time"),
        check(
            "ck_tasks_remaining_range",
            "div(estimate * (100 - progress::numeric) * 1e20, 100) * 1e-20 BETWEEN -9999.99 AND 9999.99",
            "The value of `remaining` that this gives is out of range.",
        ),
        check("ck_tasks_done_has_progress", "NOT completed OR progress = 100", "A completed task has a progress of 100."),
        Index("ix_tasks_created_at", "user_id", "created_at", "id"),
        Index("ix_tasks_updated_at", "user_id", "updated_at", "id"),
        Index("ix_tasks_title_id", "user_id", "title", "id"),
        Index(
            "ix_tasks_priority_id",
            "user_id",
            expression("(CASE priority WHEN 'low' THEN 0 WHEN 'normal' THEN 1 WHEN 'high' THEN 2 END)"),
            "id",
        ),
        Index("ix_tasks_due_at_id", "user_id", "due_at", "id"),
        Index("ix_tasks_due_at_desc", "user_id", expression("due_at DESC NULLS LAST"), expression("id DESC")),
        Index("ix_tasks_progress_id", "user_id", "progress", "id"),
        Index("ix_tasks_completed_due_at", "user_id", "completed", "due_at"),
        Index("ix_tasks_project_id_created_at_id", "user_id", "project_id", "created_at", "id"),
        Index("ix_tasks_parent_id_created_at_id", "user_id", "parent_id", "created_at", "id"),
        search_index("ix_tasks_search", "simple", "title"),
    )

    title: str = column(TEXT)
    notes: str | None = column(TEXT)
    priority: TaskPriority = column(TEXT, default=TaskPriority.NORMAL, server_default="'normal'")
    completed: bool = column(Boolean, default=False, server_default="false")
    due_at: datetime | None = column(TIMESTAMP)
    estimate: Decimal | None = column(Numeric(6, 2))
    progress: int = column(Integer, default=0, server_default="0")
    slug: str | None = column(TEXT)
    labels: list[str] = column(ARRAY(TEXT), default=[], server_default="ARRAY[]::text[]")
    links: list[str] = column(ARRAY(TEXT), default=[], server_default="ARRAY[]::text[]")
    checklist: Any | None = column(JSONB)
    reminder_time: time | None = column(Time)
    project_id: UUID | None = column(Uuid)
    parent_id: UUID | None = column(Uuid)

    __computed__ = (
        computed("remaining", "(div(tasks.estimate * (100 - tasks.progress::numeric) * 1e20, 100) * 1e-20)::numeric(6, 2)", Numeric(6, 2)),
    )

    @property
    def remaining(self) -> Decimal | None:
        """What is left of the estimate."""
        return None if self.estimate is None else rules.rounded(rules.divide(rules.exact(self.estimate) * (100 - self.progress), 100), 2)


class TaskReplace(Body):
    """What a replacement of a Task sends; a missing field gets its default."""

    title: TaskTitle
    notes: str | None = None
    priority: TaskPriority = TaskPriority.NORMAL
    completed: bool = False
    due_at: DateTime | None = None
    estimate: TaskEstimate | None = None
    progress: TaskProgress = 0
    labels: TaskLabels = Field(default_factory=empty_list)
    links: TaskLinks = Field(default_factory=empty_list)
    checklist: TaskChecklist | None = None
    reminder_time: Time_ | None = None
    project_id: UUID | None = None
    parent_id: UUID | None = None

    @model_validator(mode="after")
    def __check_rules__(self) -> Self:
        """Hold the values together against the rules of the resource."""
        if self.estimate is not None and not rules.exact("-9999.99") <= rules.divide(
            rules.exact(self.estimate) * (100 - self.progress), 100
        ) <= rules.exact("9999.99"):
            raise broken_rule("ck_tasks_remaining_range", "The value of `remaining` that this gives is out of range.")
        if self.completed and self.progress != 100:
            raise broken_rule("done_has_progress", "A completed task has a progress of 100.")
        return self


class TaskCreate(TaskReplace):
    """What a new Task is made of."""

    slug: TaskSlug | None = None


class TaskUpdate(Body):
    """The changes to a Task: a missing field stays as it is."""

    title: TaskTitle = Field(default_factory=unset)
    notes: str | None = Field(default_factory=unset)
    priority: TaskPriority = Field(default_factory=unset)
    completed: bool = Field(default_factory=unset)
    due_at: DateTime | None = Field(default_factory=unset)
    estimate: TaskEstimate | None = Field(default_factory=unset)
    progress: TaskProgress = Field(default_factory=unset)
    labels: TaskLabels = Field(default_factory=unset)
    links: TaskLinks = Field(default_factory=unset)
    checklist: TaskChecklist | None = Field(default_factory=unset)
    reminder_time: Time_ | None = Field(default_factory=unset)
    project_id: UUID | None = Field(default_factory=unset)
    parent_id: UUID | None = Field(default_factory=unset)


class TaskBatchUpdate(TaskUpdate):
    """A change of the Task with this id, at this version."""

    id: UUID
    version: Annotated[int, Field(ge=1)] | None = None


class TaskBatch(Body):
    """Changes of tasks that are made together."""

    create: list[TaskCreate] = Field(default_factory=list[TaskCreate], max_length=MAX_ELEMENTS)
    update: list[TaskBatchUpdate] = Field(default_factory=list[TaskBatchUpdate], max_length=MAX_ELEMENTS)
    delete: list[UUID | Target] = Field(default_factory=list[UUID | Target], max_length=MAX_ELEMENTS)


class TaskRead(Read):
    """A Task as it is answered."""

    title: TaskTitle
    notes: str | None
    priority: TaskPriority
    completed: bool
    due_at: DateTime | None
    estimate: TaskEstimate | None
    progress: TaskProgress
    slug: TaskSlug | None
    labels: TaskLabels
    links: TaskLinks
    checklist: TaskChecklist | None
    reminder_time: Time_ | None
    remaining: TaskRemaining | None
    project_id: UUID | None
    parent_id: UUID | None


class TaskFilters(Filters):
    """Filters of tasks."""

    q: Annotated[
        str | None,
        Field(max_length=MAX_SEARCH, description="Words to find in `title`: all of them, the last one as the beginning of a word."),
    ] = None
    title: str | None = None
    title__ne: str | None = None
    title__in: Values[str] | None = None
    title__contains: str | None = None
    title__icontains: str | None = None
    title__startswith: str | None = None
    priority: TaskPriority | None = None
    priority__ne: TaskPriority | None = None
    priority__in: Values[TaskPriority] | None = None
    completed: Flag | None = None
    completed__ne: Flag | None = None
    due_at: DateTime | None = None
    due_at__ne: DateTime | None = None
    due_at__in: Values[DateTime] | None = None
    due_at__gt: DateTime | None = None
    due_at__gte: DateTime | None = None
    due_at__lt: DateTime | None = None
    due_at__lte: DateTime | None = None
    due_at__isnull: Flag | None = None
    estimate: Annotated[Decimal, Exact(6, 2)] | None = None
    estimate__ne: Annotated[Decimal, Exact(6, 2)] | None = None
    estimate__in: Values[Annotated[Decimal, Exact(6, 2)]] | None = None
    estimate__gt: Annotated[Decimal, Exact(6, 2)] | None = None
    estimate__gte: Annotated[Decimal, Exact(6, 2)] | None = None
    estimate__lt: Annotated[Decimal, Exact(6, 2)] | None = None
    estimate__lte: Annotated[Decimal, Exact(6, 2)] | None = None
    estimate__isnull: Flag | None = None
    progress: Annotated[int, Field(ge=-2147483648, le=2147483647), WHOLE] | None = None
    progress__ne: Annotated[int, Field(ge=-2147483648, le=2147483647), WHOLE] | None = None
    progress__in: Values[Annotated[int, Field(ge=-2147483648, le=2147483647), WHOLE]] | None = None
    progress__gt: Annotated[int, Field(ge=-2147483648, le=2147483647), WHOLE] | None = None
    progress__gte: Annotated[int, Field(ge=-2147483648, le=2147483647), WHOLE] | None = None
    progress__lt: Annotated[int, Field(ge=-2147483648, le=2147483647), WHOLE] | None = None
    progress__lte: Annotated[int, Field(ge=-2147483648, le=2147483647), WHOLE] | None = None
    slug: str | None = None
    slug__ne: str | None = None
    slug__in: Values[str] | None = None
    slug__contains: str | None = None
    slug__icontains: str | None = None
    slug__startswith: str | None = None
    slug__isnull: Flag | None = None
    labels__contains: str | None = None
    project_id: UUID | None = None
    project_id__ne: UUID | None = None
    project_id__in: Values[UUID] | None = None
    project_id__isnull: Flag | None = None
    parent_id: UUID | None = None
    parent_id__ne: UUID | None = None
    parent_id__in: Values[UUID] | None = None
    parent_id__isnull: Flag | None = None
    project__name: str | None = None
    project__name__ne: str | None = None
    project__name__in: Values[str] | None = None
    project__name__contains: str | None = None
    project__name__icontains: str | None = None
    project__name__startswith: str | None = None
    project__name__isnull: Flag | None = None
    project__status: Literal["planned", "active", "on-hold", "done"] | None = None
    project__status__ne: Literal["planned", "active", "on-hold", "done"] | None = None
    project__status__in: Values[Literal["planned", "active", "on-hold", "done"]] | None = None
    project__status__isnull: Flag | None = None
    parent__completed: Flag | None = None
    parent__completed__ne: Flag | None = None
    parent__completed__isnull: Flag | None = None


class TaskQuery(TaskFilters, ListQuery):
    """Paging, sorting and filters of a list of tasks."""

    sort: Annotated[str | None, SORT, SortKeys("title", "priority", "due_at", "progress")] = None
    expand: Annotated[
        str | None,
        Field(
            description="Comma-separated: `project`, `parent`, `comments`, `subtasks`, `tags`; a dot leads one level on. "
            "Lists hold their newest 20 rows."
        ),
    ] = None


class TaskAggregateQuery(TaskFilters, AggregateQuery):
    """What to calculate of the tasks that match the filters."""

    group_by: (
        Names[Literal["title", "priority", "completed", "due_at", "estimate", "progress", "slug", "project_id", "parent_id"]] | None
    ) = None
    sum: Names[Literal["estimate", "progress"]] | None = None
    avg: Names[Literal["estimate", "progress"]] | None = None
    min: Names[Literal["title", "due_at", "estimate", "progress", "slug", "created_at", "updated_at"]] | None = None
    max: Names[Literal["title", "due_at", "estimate", "progress", "slug", "created_at", "updated_at"]] | None = None


class TaskAggregate(TypedDict, total=False):
    """What was asked for of a group of tasks."""

    count: int
    title: str
    priority: TaskPriority
    completed: bool
    due_at: datetime | None
    estimate: Decimal | None
    progress: int
    slug: str | None
    project_id: UUID | None
    parent_id: UUID | None
    sum_estimate: Decimal | None
    sum_progress: int | None
    avg_estimate: Decimal | None
    avg_progress: float | None
    min_title: str | None
    min_due_at: datetime | None
    min_estimate: Decimal | None
    min_progress: int | None
    min_slug: str | None
    min_created_at: datetime | None
    min_updated_at: datetime | None
    max_title: str | None
    max_due_at: datetime | None
    max_estimate: Decimal | None
    max_progress: int | None
    max_slug: str | None
    max_created_at: datetime | None
    max_updated_at: datetime | None


class TaskItemQuery(ItemQuery):
    """What the answer with one Task is to hold."""

    expand: Annotated[
        str | None,
        Field(
            description="Comma-separated: `project`, `parent`, `comments`, `subtasks`, `tags`; a dot leads one level on. "
            "Lists hold their newest 20 rows."
        ),
    ] = None
