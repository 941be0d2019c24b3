"""Tag: A word that groups tasks across projects.

Generated from resources/tag.yaml. Do not edit: change the spec and run `rowsmith generate`. Extend in app/extensions/tag.py.
"""

from datetime import datetime
from typing import Annotated, Literal, TypedDict

from pydantic import Field
from sqlalchemy import BigInteger, Double, Index, PrimaryKeyConstraint, UniqueConstraint

from app.api.body import Body, Read
from app.api.query import SORT, WHOLE, AggregateQuery, Filters, ItemQuery, ListQuery, Names, Number, SortKeys, Values
from app.api.scalars import unset
from app.db.table import TEXT, OwnedTable, check, column

TagName = Annotated[str, Field(min_length=1, max_length=40, examples=["urgent"])]
TagWeight = Annotated[float, Field(allow_inf_nan=False, ge=0, le=10)]
TagUses = Annotated[int, Field(ge=0, le=9223372036854775807, description="How often the tag was put on a task.")]


class Tag(OwnedTable, table=True):
    """A word that groups tasks across projects."""

    __tablename__ = "tags"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "id", name="pk_tags"),
        UniqueConstraint("user_id", "name", name="uq_tags_name"),
        check("ck_tags_name_min_length", "char_length(name) >= 1", "String should have at least 1 character", on="name"),
        check("ck_tags_name_max_length", "char_length(name) <= 40", "String should have at most 40 characters", on="name"),
        check("ck_tags_weight_ge", "weight >= 0", "Input should be greater than or equal to 0", on="weight"),
        check("ck_tags_weight_le", "weight <= 10", "Input should be less than or equal to 10", on="weight"),
        check("ck_tags_uses_ge", "uses >= 0", "Input should be greater than or equal to 0", on="uses"),
        Index("ix_tags_created_at", "user_id", "created_at", "id"),
        Index("ix_tags_updated_at", "user_id", "updated_at", "id"),
        Index("ix_tags_name_id", "user_id", "name", "id"),
        Index("ix_tags_weight_id", "user_id", "weight", "id"),
        Index("ix_tags_uses_id", "user_id", "uses", "id"),
    )

    name: str = column(TEXT)
    weight: float = column(Double, default=1.0, server_default="1.0::double precision")
    uses: int = column(BigInteger, default=0, server_default="0")


class TagReplace(Body):
    """What a replacement of a Tag sends; a missing field gets its default."""

    name: TagName
    weight: TagWeight = 1.0


class TagCreate(TagReplace):
    """What a new Tag is made of."""


class TagUpdate(Body):
    """The changes to a Tag: a missing field stays as it is."""

    name: TagName = Field(default_factory=unset)
    weight: TagWeight = Field(default_factory=unset)


class TagRead(Read):
    """A Tag as it is answered."""

    name: TagName
    weight: TagWeight
    uses: TagUses


class TagFilters(Filters):
    """Filters of tags."""

    name: str | None = None
    name__ne: str | None = None
    name__in: Values[str] | None = None
    name__contains: str | None = None
    name__icontains: str | None = None
    name__startswith: str | None = None
    weight: Number | None = None
    weight__ne: Number | None = None
    weight__in: Values[Number] | None = None
    weight__gt: Number | None = None
    weight__gte: Number | None = None
    weight__lt: Number | None = None
    weight__lte: Number | None = None


class TagQuery(TagFilters, ListQuery):
    """Paging, sorting and filters of a list of tags."""

    sort: Annotated[str | None, SORT, SortKeys("name", "weight", "uses")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Rows a page."), WHOLE] = 50
    expand: Annotated[
        str | None, Field(description="Comma-separated: `tasks`; a dot leads one level on. Lists hold their newest 20 rows.")
    ] = None


class TagAggregateQuery(TagFilters, AggregateQuery):
    """What to calculate of the tags that match the filters."""

    group_by: Names[Literal["name", "weight"]] | None = None
    sum: Names[Literal["weight"]] | None = None
    avg: Names[Literal["weight"]] | None = None
    min: Names[Literal["name", "weight", "created_at", "updated_at"]] | None = None
    max: Names[Literal["name", "weight", "created_at", "updated_at"]] | None = None


class TagAggregate(TypedDict, total=False):
    """What was asked for of a group of tags."""

    count: int
    name: str
    weight: float
    sum_weight: float | None
    avg_weight: float | None
    min_name: str | None
    min_weight: float | None
    min_created_at: datetime | None
    min_updated_at: datetime | None
    max_name: str | None
    max_weight: float | None
    max_created_at: datetime | None
    max_updated_at: datetime | None


class TagItemQuery(ItemQuery):
    """What the answer with one Tag is to hold."""

    expand: Annotated[
        str | None, Field(description="Comma-separated: `tasks`; a dot leads one level on. Lists hold their newest 20 rows.")
    ] = None
