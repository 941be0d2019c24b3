"""What every table has: the owner, the key, the timestamps and the version."""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, DateTime, Integer, Label, Text, TextClause, Uuid, literal_column, text
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

POLICY = "owner_only"
"""The row-level security policy of each table."""

KEPT = "keeps deleted rows"
"""What marks the column `deleted_at` of such a table; one of that name may as well be a field like any other."""

TEXT = Text(collation="C")
"""Text that compares and sorts by code point, whatever the database's locale."""

TIMESTAMP = DateTime(timezone=True)
"""A point in time; answered in UTC."""


def column(
    sql_type: TypeEngine[Any] | type[TypeEngine[Any]],
    *,
    default: Any = ...,
    default_factory: Callable[[], Any] | None = None,
    server_default: str | None = None,
    computed: str | None = None,
) -> Any:
    """A column of `sql_type`; nullable when its annotation allows None.

    `default` is what a new instance has when nothing is given; `default_factory` makes it anew for each one; `server_default` is
    the same in SQL, for rows that others write. `computed` is the expression of a generated column, which the database alone writes.
    """
    if computed is not None:
        generated = Computed(text(_plain(computed)), persisted=True)
        return Field(sa_type=sql_type, sa_column_args=[generated])  # pyright: ignore[reportArgumentType]
    if default_factory is None and isinstance(default, list | dict):
        default_factory = partial(deepcopy, default)
    more = {} if server_default is None else {"server_default": text(_plain(server_default))}
    if default_factory is not None:
        return Field(default_factory=default_factory, sa_type=sql_type, sa_column_kwargs=more)
    if default is ...:
        return Field(sa_type=sql_type, sa_column_kwargs=more)  # pyright: ignore[reportArgumentType]  # its stub knows classes only
    return Field(default, sa_type=sql_type, sa_column_kwargs=more)  # pyright: ignore[reportArgumentType]


def deletion_time() -> Any:
    """The column `deleted_at` of a table whose deleted rows stay for a while; it is null for the rows that there are."""
    return Field(default=None, sa_type=TIMESTAMP, sa_column_kwargs={"info": {KEPT: True}})  # pyright: ignore[reportArgumentType]  # as above


def check(name: str, sql: str, message: str, *, on: str | None = None) -> CheckConstraint:
    """A CHECK: `message` is what the API answers where the database finds it broken, at the field `on` or at the whole body."""
    return CheckConstraint(_plain(sql), name=name, info={"message": message} | ({"column": on} if on else {}))


def expression(sql: str) -> TextClause:
    """A key of an index that is more than a column."""
    return text(_plain(sql))


def computed(name: str, sql: str, sql_type: TypeEngine[Any] | type[TypeEngine[Any]]) -> Label[Any]:
    """A value that is calculated when a row is read."""
    return literal_column(sql, sql_type).label(name)  # pyright: ignore[reportArgumentType]  # a class does as well


def _plain(sql: str) -> str:
    """SQL without parameters: SQLAlchemy would take a colon for the beginning of one."""
    return sql.replace(":", "\\:")


class OwnedTable(SQLModel):
    """Base of each table. The primary key is (user_id, id), so that one user's rows lie together and no reference can leave them."""

    if TYPE_CHECKING:
        __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]  # SQLModel declares it twice

    model_config = {"defer_build": True}

    __computed__: ClassVar[tuple[Label[Any], ...]] = ()
    """What is no column and is read all the same."""

    user_id: str = Field(sa_type=Text, primary_key=True)
    id: UUID = Field(sa_type=Uuid, primary_key=True)
    created_at: datetime = Field(default=None, sa_type=TIMESTAMP, nullable=False)  # pyright: ignore[reportArgumentType]
    updated_at: datetime = Field(default=None, sa_type=TIMESTAMP, nullable=False)  # pyright: ignore[reportArgumentType]
    version: int = Field(default=1, sa_type=Integer)
