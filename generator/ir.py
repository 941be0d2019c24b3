"""The resolved schema: what the specs mean once every name, default and reference is settled.

Records with tuples and no back-pointers. This module imports nothing of the compiler but what makes a record; `resolve.py` builds these
records and every later stage only reads them.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal

from generator.records import record

type JsonValue = bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None


@record
class Span:
    """A place in a spec: `path` relative to the project with `/`, 1-based line and column, length in characters (at least 1)."""

    path: str
    line: int
    column: int
    length: int = 1


class Kind(StrEnum):
    """The scalar types of the spec language."""

    STRING = "string"
    TEXT = "text"
    INTEGER = "integer"
    BIGINT = "bigint"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    UUID = "uuid"
    EMAIL = "email"
    URL = "url"


@record
class Bounds:
    """Constraints on one scalar. Numeric bounds are exact `Decimal`s; bounds of dates and times are their canonical RFC 3339 text."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    ge: Decimal | str | None = None
    gt: Decimal | str | None = None
    le: Decimal | str | None = None
    lt: Decimal | str | None = None
    multiple_of: Decimal | None = None


@record
class ScalarType:
    """One scalar; `precision` and `scale` are set for decimals only."""

    kind: Kind
    bounds: Bounds = Bounds()
    precision: int | None = None
    scale: int | None = None


@record
class EnumValue:
    """One value of an enum: the text on the wire and in the database, and its Python member name."""

    value: str
    member: str
    description: str | None = None
    renamed_from: str | None = None


@record
class EnumType:
    """An enum; stored as text with a CHECK. `class_name` is the generated Python class (TaskPriority)."""

    class_name: str
    values: tuple[EnumValue, ...]


@record
class ListType:
    """A PostgreSQL array of scalars or enum values."""

    of: ScalarType | EnumType
    min_items: int | None
    max_items: int


@record
class JsonType:
    """Any JSON value: at most 64 levels and 64 KiB."""


@record
class Reference:
    """A composite reference `(user_id, <column>) -> target(user_id, id)`."""

    target: str  # resource name
    on_delete: Literal["restrict", "cascade", "set_null"]
    inverse: str | None
    expand: bool
    constraint: str  # name of the foreign key, at most 50 bytes


type FieldType = ScalarType | EnumType | ListType | JsonType | Reference


@record
class Literally:
    """A default that is written down: bool, int, Decimal, float, str, or JSON. Enum defaults are the value's text.

    Dates, times and uuids are their canonical text (datetimes in UTC with `Z`), and decimals in a list are text, too. A decimal has
    exactly as many places as its type.
    """

    value: JsonValue | Decimal


@record
class Generated:
    """A default that is made at insert time: `today` (UTC date), `now` (UTC time or datetime), `generate` (a random UUID)."""

    how: Literal["today", "now", "generate"]


@record
class Deprecation:
    """`deprecated: true | reason | {since, sunset}`; dates are ISO text."""

    reason: str | None = None
    since: str | None = None
    sunset: str | None = None


@record
class Computed:
    """The value of a computed field: `sql` over the columns of the table, in the field's type, and the same as `python`.

    A stored one is a generated column; the others are calculated when a row is read. `python` is over `self.<column>`.
    """

    sql: str
    stored: bool
    python: str
    imports: tuple[str, ...]  # modules of app.api that `python` uses


@record
class Field:
    """One field of a resource.

    `column` is the column, the JSON key and the filter name; it differs from `name` for references (project_id).
    """

    name: str
    column: str
    type: FieldType
    nullable: bool
    default: Literally | Generated | None  # None: no default (a nullable field without one starts as null)
    description: str | None
    example: JsonValue | Decimal  # None: none given
    filter: bool
    sort: bool
    search: bool
    readable: bool  # read: always
    write: Literal["always", "once", "never"]
    deprecated: Deprecation | None
    renamed_from: str | None
    span: Span
    computed: Computed | None = None

    @property
    def is_column(self) -> bool:
        """Whether the table has a column for it."""
        return self.computed is None or self.computed.stored

    @property
    def required(self) -> bool:
        """Whether a create body must carry the field."""
        return self.write != "never" and not self.nullable and self.default is None


@record
class UniqueConstraint:
    """Unique within the owner: `(user_id, *columns)`. `fields` are the spec's names, `columns` the database's."""

    name: str
    fields: tuple[str, ...]
    columns: tuple[str, ...]
    nulls_equal: bool
    span: Span


@record
class CheckConstraint:
    """A CHECK; `sql` is its expression.

    For a rule of `checks`, `rule_python` is a Python expression over `self.<column>` that is true exactly when the CHECK is violated; for
    others it is None. `column` is set for a bound of one field. `message` is what the API says (the `msg` of the 422). `holds_empty`
    says whether it holds where all of its columns are null.
    """

    name: str
    sql: str
    columns: tuple[str, ...]
    message: str
    column: str | None
    rule_name: str | None
    rule_python: str | None
    span: Span
    rule_imports: tuple[str, ...] = ()  # modules of app.api that `rule_python` uses
    holds_empty: bool = True


@record
class IndexKey:
    """One key of an index: a column, or an SQL expression when `is_expression`."""

    sql: str
    is_expression: bool = False
    descending_nulls_last: bool = False


@record
class Index:
    """An index; keys include the leading user_id. `method` is btree unless a list needs another; `where` are the rows in it."""

    name: str
    keys: tuple[IndexKey, ...]
    method: Literal["btree", "gin"]
    span: Span
    where: str | None = None


@record
class Search:
    """What `q` searches: columns in the spec's order, in a text search configuration of PostgreSQL, with an index of this name."""

    index: str
    language: str
    columns: tuple[str, ...]
    span: Span


class Operation(StrEnum):
    """What a resource's API offers, in the order of its routes."""

    LIST = "list"
    GET = "get"
    CREATE = "create"
    REPLACE = "replace"
    UPDATE = "update"
    DELETE = "delete"
    BATCH = "batch"


HOOKS = ("before_create", "after_create", "before_update", "after_update", "before_delete", "after_delete", "after_commit")


@record
class Hook:
    """A hook that the spec declares, with the place where it does."""

    name: str
    span: Span


@record
class Page:
    """Page sizes of a list."""

    default: int = 20
    max: int = 100


@record
class Resource:
    """One resource with every name settled."""

    name: str  # Task, LineItem
    module: str  # task, line_item: module and spec file name
    plural: str  # tasks, line_items: table name and routes module
    segment: str  # tasks, line-items: URL segment
    item_param: str  # task_id; id for User
    description: str | None
    fields: tuple[Field, ...]  # in the spec's order, without the built-in ones
    primary_key: str  # constraint name
    unique: tuple[UniqueConstraint, ...]
    checks: tuple[CheckConstraint, ...]
    indexes: tuple[Index, ...]
    search: Search | None  # None where no list can be searched
    operations: tuple[Operation, ...]  # in Operation's order
    concurrency: Literal["optional", "required"]
    page: Page
    hooks: tuple[Hook, ...]  # in the order of HOOKS
    upsert: UniqueConstraint | None  # the natural key of PUT on the collection
    soft_delete: bool  # whether deleted rows stay for a while; its unique constraints are partial indexes then
    filters: tuple[tuple[str, str], ...]  # through references: a reference field, and a field of its target
    link: tuple[str, str] | None  # the two reference fields of a many-to-many link
    deprecated: Deprecation | None
    renamed_from: str | None
    source: str  # resources/task.yaml
    span: Span


@record
class Schema:
    """All resources, sorted by name."""

    resources: tuple[Resource, ...]

    def resource(self, name: str) -> Resource:
        """The resource called `name`; KeyError when there is none."""
        for resource in self.resources:
            if resource.name == name:
                return resource
        raise KeyError(name)
