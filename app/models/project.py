"""Project: Something with an end that takes more than one task.

Generated from resources/project.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/project.py.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self, TypedDict

from pydantic import Field, model_validator
from sqlalchemy import Boolean, Date, Index, Numeric, PrimaryKeyConstraint

from app.api.body import Body, Read, broken_rule
from app.api.query import MAX_SEARCH, SORT, AggregateQuery, Filters, ItemQuery, ListQuery, Names, SortKeys, Values
from app.api.scalars import URL, Exact, Flag, unset
from app.api.scalars import Date as Date_
from app.db.search import search_index
from app.db.table import TEXT, OwnedTable, check, column, deletion_time, expression


class ProjectStatus(StrEnum):
    """Values of `status`."""

    PLANNED = "planned"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    DONE = "done"


ProjectName = Annotated[str, Field(min_length=1, max_length=120, examples=["Move house"])]
ProjectColor = Annotated[str, Field(max_length=7, pattern="^#[0-9a-f]{6}$", examples=["#3366ff"])]
ProjectBudget = Annotated[Decimal, Field(ge=Decimal(0), examples=["1200.50"]), Exact(12, 2)]
ProjectHomepage = Annotated[
    str, Field(max_length=2048, description="Deprecated since 2026-11-01, served until 2027-06-01. Put it into the links of a task."), URL
]


class Project(OwnedTable, table=True):
    """Something with an end that takes more than one task."""

    __tablename__ = "projects"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "id", name="pk_projects"),
        Index("uq_projects_name_present", "user_id", "name", unique=True, postgresql_where=expression("deleted_at IS NULL")),
        check("ck_projects_name_min_length", "char_length(name) >= 1", "String should have at least 1 character", on="name"),
        check("ck_projects_name_max_length", "char_length(name) <= 120", "String should have at most 120 characters", on="name"),
        check(
            "ck_projects_status_values",
            "status IN ('planned', 'active', 'on-hold', 'done')",
            "Input should be 'planned', 'active', 'on-hold' or 'done'",
            on="status",
        ),
        check("ck_projects_color_max_length", "char_length(color) <= 7", "String should have at most 7 characters", on="color"),
        check("ck_projects_color_pattern", "color ~ '^#[0-9a-f]{6}$'", "String should match pattern '^#[0-9a-f]{6}$'", on="color"),
        check(
            "ck_projects_starts_on_range",
            "starts_on >= date '0001-01-01' AND starts_on <= date '9999-12-31'",
            "Input should be a date of the years 1 to 9999",
            on="starts_on",
        ),
        check(
            "ck_projects_ends_on_range",
            "ends_on >= date '0001-01-01' AND ends_on <= date '9999-12-31'",
            "Input should be a date of the years 1 to 9999",
            on="ends_on",
        ),
        check("ck_projects_budget_ge", "budget >= 0", "Input should be greater than or equal to 0", on="budget"),
        check("ck_projects_budget_finite", "budget <> 'NaN'", "Input should be a finite number", on="budget"),
        check(
            "ck_projects_homepage_max_length", "char_length(homepage) <= 2048", "String should have at most 2048 characters", on="homepage"
        ),
        check(
            "ck_projects_ends_after_start",
            "starts_on IS NULL OR ends_on IS NULL OR ends_on >= starts_on",
            "A project cannot end before it starts.",
        ),
        Index("ix_projects_created_at", "user_id", "created_at", "id"),
        Index("ix_projects_updated_at", "user_id", "updated_at", "id"),
        Index("ix_projects_name_id", "user_id", "name", "id"),
        Index(
            "ix_projects_status_id",
            "user_id",
            expression("(CASE status WHEN 'planned' THEN 0 WHEN 'active' THEN 1 WHEN 'on-hold' THEN 2 WHEN 'done' THEN 3 END)"),
            "id",
        ),
        Index("ix_projects_starts_on_id", "user_id", "starts_on", "id"),
        Index("ix_projects_starts_on_desc", "user_id", expression("starts_on DESC NULLS LAST"), expression("id DESC")),
        Index("ix_projects_ends_on_id", "user_id", "ends_on", "id"),
        Index("ix_projects_ends_on_desc", "user_id", expression("ends_on DESC NULLS LAST"), expression("id DESC")),
        Index("ix_projects_budget_id", "user_id", "budget", "id"),
        Index("ix_projects_budget_desc", "user_id", expression("budget DESC NULLS LAST"), expression("id DESC")),
        Index("ix_projects_deleted_at", "deleted_at", postgresql_where=expression("deleted_at IS NOT NULL")),
        search_index("ix_projects_search", "simple", "name"),
    )

    deleted_at: datetime | None = deletion_time()
    name: str = column(TEXT)
    summary: str | None = column(TEXT)
    status: ProjectStatus = column(TEXT, default=ProjectStatus.PLANNED, server_default="'planned'")
    is_open: bool = column(Boolean, computed="status <> 'done'")
    color: str | None = column(TEXT)
    starts_on: date | None = column(Date)
    ends_on: date | None = column(Date)
    budget: Decimal | None = column(Numeric(12, 2))
    homepage: str | None = column(TEXT)


class ProjectReplace(Body):
    """What a replacement of a Project sends; a missing field gets its default."""

    name: ProjectName
    summary: str | None = None
    status: ProjectStatus = ProjectStatus.PLANNED
    color: ProjectColor | None = None
    starts_on: Date_ | None = None
    ends_on: Date_ | None = None
    budget: ProjectBudget | None = None
    homepage: ProjectHomepage | None = Field(default=None, deprecated=True)

    @model_validator(mode="after")
    def __check_rules__(self) -> Self:
        """Hold the values together against the rules of the resource."""
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            raise broken_rule("ends_after_start", "A project cannot end before it starts.")
        return self


class ProjectCreate(ProjectReplace):
    """What a new Project is made of."""


class ProjectUpdate(Body):
    """The changes to a Project: a missing field stays as it is."""

    name: ProjectName = Field(default_factory=unset)
    summary: str | None = Field(default_factory=unset)
    status: ProjectStatus = Field(default_factory=unset)
    color: ProjectColor | None = Field(default_factory=unset)
    starts_on: Date_ | None = Field(default_factory=unset)
    ends_on: Date_ | None = Field(default_factory=unset)
    budget: ProjectBudget | None = Field(default_factory=unset)
    homepage: ProjectHomepage | None = Field(default_factory=unset, deprecated=True)


class ProjectRead(Read):
    """A Project as it is answered."""

    deleted_at: datetime | None
    name: ProjectName
    summary: str | None
    status: ProjectStatus
    is_open: bool
    color: ProjectColor | None
    starts_on: Date_ | None
    ends_on: Date_ | None
    budget: ProjectBudget | None
    homepage: ProjectHomepage | None = Field(deprecated=True)


class ProjectFilters(Filters):
    """Filters of projects."""

    deleted_at__isnull: Annotated[Flag | None, Field(description="`false`: the deleted rows, in place of those that there are.")] = None
    q: Annotated[
        str | None,
        Field(max_length=MAX_SEARCH, description="Words to find in `name`: all of them, the last one as the beginning of a word."),
    ] = None
    name: str | None = None
    name__ne: str | None = None
    name__in: Values[str] | None = None
    name__contains: str | None = None
    name__icontains: str | None = None
    name__startswith: str | None = None
    status: ProjectStatus | None = None
    status__ne: ProjectStatus | None = None
    status__in: Values[ProjectStatus] | None = None
    is_open: Flag | None = None
    is_open__ne: Flag | None = None
    starts_on: Date_ | None = None
    starts_on__ne: Date_ | None = None
    starts_on__in: Values[Date_] | None = None
    starts_on__gt: Date_ | None = None
    starts_on__gte: Date_ | None = None
    starts_on__lt: Date_ | None = None
    starts_on__lte: Date_ | None = None
    starts_on__isnull: Flag | None = None
    ends_on: Date_ | None = None
    ends_on__ne: Date_ | None = None
    ends_on__in: Values[Date_] | None = None
    ends_on__gt: Date_ | None = None
    ends_on__gte: Date_ | None = None
    ends_on__lt: Date_ | None = None
    ends_on__lte: Date_ | None = None
    ends_on__isnull: Flag | None = None
    budget: Annotated[Decimal, Exact(12, 2)] | None = None
    budget__ne: Annotated[Decimal, Exact(12, 2)] | None = None
    budget__in: Values[Annotated[Decimal, Exact(12, 2)]] | None = None
    budget__gt: Annotated[Decimal, Exact(12, 2)] | None = None
    budget__gte: Annotated[Decimal, Exact(12, 2)] | None = None
    budget__lt: Annotated[Decimal, Exact(12, 2)] | None = None
    budget__lte: Annotated[Decimal, Exact(12, 2)] | None = None
    budget__isnull: Flag | None = None


class ProjectQuery(ProjectFilters, ListQuery):
    """Paging, sorting and filters of a list of projects."""

    sort: Annotated[str | None, SORT, SortKeys("name", "status", "starts_on", "ends_on", "budget")] = None
    expand: Annotated[
        str | None, Field(description="Comma-separated: `tasks`; a dot leads one level on. Lists hold their newest 20 rows.")
    ] = None


class ProjectAggregateQuery(ProjectFilters, AggregateQuery):
    """What to calculate of the projects that match the filters."""

    group_by: Names[Literal["name", "status", "is_open", "starts_on", "ends_on", "budget"]] | None = None
    sum: Names[Literal["budget"]] | None = None
    avg: Names[Literal["budget"]] | None = None
    min: Names[Literal["name", "starts_on", "ends_on", "budget", "created_at", "updated_at"]] | None = None
    max: Names[Literal["name", "starts_on", "ends_on", "budget", "created_at", "updated_at"]] | None = None


class ProjectAggregate(TypedDict, total=False):
    """What was asked for of a group of projects."""

    count: int
    name: str
    status: ProjectStatus
    is_open: bool
    starts_on: date | None
    ends_on: date | None
    budget: Decimal | None
    sum_budget: Decimal | None
    avg_budget: Decimal | None
    min_name: str | None
    min_starts_on: date | None
    min_ends_on: date | None
    min_budget: Decimal | None
    min_created_at: datetime | None
    min_updated_at: datetime | None
    max_name: str | None
    max_starts_on: date | None
    max_ends_on: date | None
    max_budget: Decimal | None
    max_created_at: datetime | None
    max_updated_at: datetime | None


class ProjectItemQuery(ItemQuery):
    """What the answer with one Project is to hold."""

    expand: Annotated[
        str | None, Field(description="Comma-separated: `tasks`; a dot leads one level on. Lists hold their newest 20 rows.")
    ] = None
