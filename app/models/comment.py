"""Comment: A remark on a task.

Generated from resources/comment.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/comment.py.
"""

from datetime import date, datetime
from typing import Annotated, Literal, TypedDict
from uuid import UUID

from pydantic import Field
from sqlalchemy import Date, ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint, Uuid

from app.api.body import Body, Read
from app.api.query import MAX_SEARCH, SORT, AggregateQuery, Filters, ItemQuery, ListQuery, Names, SortKeys, Values
from app.api.scalars import EMAIL, Flag, random_uuid, today, unset
from app.api.scalars import Date as Date_
from app.db.search import search_index
from app.db.table import TEXT, OwnedTable, check, column

CommentBody = Annotated[str, Field(min_length=1, max_length=10000)]
CommentAuthorEmail = Annotated[str, Field(max_length=320), EMAIL]
CommentClientRef = Annotated[UUID, Field(description="The client's own id of the comment.")]
CommentSource = Annotated[
    str, Field(max_length=200, description="The program that it was written with. Kept for support, and in no answer.")
]


class Comment(OwnedTable, table=True):
    """A remark on a task."""

    __tablename__ = "comments"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "id", name="pk_comments"),
        ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], name="fk_comments_task", ondelete="CASCADE"),
        UniqueConstraint("user_id", "client_ref", name="uq_comments_client_ref"),
        check("ck_comments_body_min_length", "char_length(body) >= 1", "String should have at least 1 character", on="body"),
        check("ck_comments_body_max_length", "char_length(body) <= 10000", "String should have at most 10000 characters", on="body"),
        check(
            "ck_comments_author_email_max_length",
            "char_length(author_email) <= 320",
            "String should have at most 320 characters",
            on="author_email",
        ),
        check(
            "ck_comments_written_on_range",
            "written_on >= date '0001-01-01' AND written_on <= date '9999-12-31'",
            "Input should be a date of the years 1 to 9999",
            on="written_on",
        ),
        check("ck_comments_source_max_length", "char_length(source) <= 200", "String should have at most 200 characters", on="source"),
        Index("ix_comments_created_at", "user_id", "created_at", "id"),
        Index("ix_comments_updated_at", "user_id", "updated_at", "id"),
        Index("ix_comments_written_on_id", "user_id", "written_on", "id"),
        Index("ix_comments_task_id_created_at_id", "user_id", "task_id", "created_at", "id"),
        search_index("ix_comments_search", "english", "body"),
    )

    task_id: UUID = column(Uuid)
    body: str = column(TEXT)
    author_email: str | None = column(TEXT)
    client_ref: UUID = column(Uuid, default_factory=random_uuid, server_default="gen_random_uuid()")
    written_on: date = column(Date, default_factory=today, server_default="(now() AT TIME ZONE 'UTC')::date")
    source: str | None = column(TEXT)


class CommentReplace(Body):
    """What a replacement of a Comment sends; a missing field gets its default."""

    task_id: UUID
    body: CommentBody
    author_email: CommentAuthorEmail | None = None
    client_ref: CommentClientRef = Field(default_factory=random_uuid)
    written_on: Date_ = Field(default_factory=today)
    source: CommentSource | None = None


class CommentCreate(CommentReplace):
    """What a new Comment is made of."""


class CommentUpdate(Body):
    """The changes to a Comment: a missing field stays as it is."""

    task_id: UUID = Field(default_factory=unset)
    body: CommentBody = Field(default_factory=unset)
    author_email: CommentAuthorEmail | None = Field(default_factory=unset)
    client_ref: CommentClientRef = Field(default_factory=unset)
    written_on: Date_ = Field(default_factory=unset)
    source: CommentSource | None = Field(default_factory=unset)


class CommentRead(Read):
    """A Comment as it is answered."""

    task_id: UUID
    body: CommentBody
    author_email: CommentAuthorEmail | None
    client_ref: CommentClientRef
    written_on: Date_


class CommentFilters(Filters):
    """Filters of comments."""

    q: Annotated[
        str | None,
        Field(max_length=MAX_SEARCH, description="Words to find in `body`: all of them, the last one as the beginning of a word."),
    ] = None
    task_id: UUID | None = None
    task_id__ne: UUID | None = None
    task_id__in: Values[UUID] | None = None
    author_email: Annotated[str, Field(min_length=1)] | None = None
    author_email__ne: Annotated[str, Field(min_length=1)] | None = None
    author_email__in: Values[Annotated[str, Field(min_length=1)]] | None = None
    author_email__isnull: Flag | None = None
    client_ref: UUID | None = None
    client_ref__ne: UUID | None = None
    client_ref__in: Values[UUID] | None = None
    written_on: Date_ | None = None
    written_on__ne: Date_ | None = None
    written_on__in: Values[Date_] | None = None
    written_on__gt: Date_ | None = None
    written_on__gte: Date_ | None = None
    written_on__lt: Date_ | None = None
    written_on__lte: Date_ | None = None


class CommentQuery(CommentFilters, ListQuery):
    """Paging, sorting and filters of a list of comments."""

    sort: Annotated[str | None, SORT, SortKeys("written_on")] = None
    expand: Annotated[str | None, Field(description="Comma-separated: `task`; a dot leads one level on.")] = None


class CommentAggregateQuery(CommentFilters, AggregateQuery):
    """What to calculate of the comments that match the filters."""

    group_by: Names[Literal["task_id", "author_email", "client_ref", "written_on"]] | None = None
    min: Names[Literal["author_email", "written_on", "created_at", "updated_at"]] | None = None
    max: Names[Literal["author_email", "written_on", "created_at", "updated_at"]] | None = None


class CommentAggregate(TypedDict, total=False):
    """What was asked for of a group of comments."""

    count: int
    task_id: UUID
    author_email: str | None
    client_ref: UUID
    written_on: date
    min_author_email: str | None
    min_written_on: date | None
    min_created_at: datetime | None
    min_updated_at: datetime | None
    max_author_email: str | None
    max_written_on: date | None
    max_created_at: datetime | None
    max_updated_at: datetime | None


class CommentItemQuery(ItemQuery):
    """What the answer with one Comment is to hold."""

    expand: Annotated[str | None, Field(description="Comma-separated: `task`; a dot leads one level on.")] = None
