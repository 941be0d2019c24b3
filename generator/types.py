"""The scalar types of the spec language in one table: a row per `Kind`.

Whatever another module has to know about a scalar is a column of `ScalarRow`; adding a type is adding a member to `ir.Kind` and a row
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from generator.ir import Kind, ScalarType
from generator.records import record

type Reading = Literal["text", "whole", "number", "float", "boolean", "date", "time", "datetime", "uuid"]
"""How a literal of the type is read from a spec (see values.py)."""

EQUALITY = ("", "ne", "in")
RANGE = ("gt", "gte", "lt", "lte")
MATCHING = ("contains", "icontains", "startswith")

LENGTHS = frozenset({"min_length", "max_length"})
LIMITS = frozenset({"ge", "gt", "le", "lt"})

INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)

MAX_PRECISION = 38
MAX_LENGTH = 10_485_760
"""The longest `max_length`: PostgreSQL's own limit for character types."""

DEFAULT_MAX_ITEMS = 100
MAX_ITEMS = 10_000


@record
class ScalarRow:
    """What the compiler knows about one scalar type.

    `python` is the annotation and `imports` what it needs; `sql` the PostgreSQL type and `sqlalchemy` the same as an expression over
    names of the `sqlalchemy` module, both with `{precision}` and `{scale}` for decimals. `constraints` are the spec keys beyond the
    common ones. `operators` are the suffixes of query parameters ("" is equality); `isnull` comes on top where a field is nullable.
    `ordered` types may be sorted by and be unique. `generated` are the defaults made at
    insert time. `samples` are literals of the type as they stand in a spec.
    """

    kind: Kind
    reading: Reading
    python: str
    imports: tuple[str, ...]
    sql: str
    sqlalchemy: str
    constraints: frozenset[str]
    operators: tuple[str, ...]
    ordered: bool
    samples: tuple[str, ...]
    max_length: int | None = None
    range: tuple[int, int] | None = None
    generated: frozenset[str] = frozenset()

    @property
    def textual(self) -> bool:
        """Whether values are stored as text, with a length that counts."""
        return self.reading == "text"


_ROWS = (
    ScalarRow(
        kind=Kind.STRING,
        reading="text",
        python="str",
        imports=(),
        sql="text",
        sqlalchemy="Text",
        constraints=LENGTHS | {"pattern", "search"},
        operators=EQUALITY + MATCHING,
        ordered=True,
        samples=("plain", "O'Neill \u00e9\U0001f642", "100%_done"),
        max_length=255,
    ),
    ScalarRow(
        kind=Kind.TEXT,
        reading="text",
        python="str",
        imports=(),
        sql="text",
        sqlalchemy="Text",
        constraints=LENGTHS | {"search"},
        operators=EQUALITY + MATCHING,
        ordered=True,
        samples=("a line\nand another", ""),
    ),
    ScalarRow(
        kind=Kind.INTEGER,
        reading="whole",
        python="int",
        imports=(),
        sql="integer",
        sqlalchemy="Integer",
        constraints=LIMITS | {"multiple_of"},
        operators=EQUALITY + RANGE,
        ordered=True,
        samples=("0", "-7", "2147483647"),
        range=INT32,
    ),
    ScalarRow(
        kind=Kind.BIGINT,
        reading="whole",
        python="int",
        imports=(),
        sql="bigint",
        sqlalchemy="BigInteger",
        constraints=LIMITS | {"multiple_of"},
        operators=EQUALITY + RANGE,
        ordered=True,
        samples=("0", "9007199254740993", "-9223372036854775808"),
        range=INT64,
    ),
    ScalarRow(
        kind=Kind.FLOAT,
        reading="float",
        python="float",
        imports=(),
        sql="double precision",
        sqlalchemy="Double",
        constraints=LIMITS,
        operators=EQUALITY + RANGE,
        ordered=True,
        samples=("0.5", "-1e3", "12"),
    ),
    ScalarRow(
        kind=Kind.DECIMAL,
        reading="number",
        python="Decimal",
        imports=("from decimal import Decimal",),
        sql="numeric({precision}, {scale})",
        sqlalchemy="Numeric({precision}, {scale})",
        constraints=LIMITS | {"precision", "scale"},
        operators=EQUALITY + RANGE,
        ordered=True,
        samples=("0", "1.5", "-0.25"),
    ),
    ScalarRow(
        kind=Kind.BOOLEAN,
        reading="boolean",
        python="bool",
        imports=(),
        sql="boolean",
        sqlalchemy="Boolean",
        constraints=frozenset(),
        operators=("", "ne"),
        ordered=True,
        samples=("true", "false"),
    ),
    ScalarRow(
        kind=Kind.DATE,
        reading="date",
        python="date",
        imports=("from datetime import date",),
        sql="date",
        sqlalchemy="Date",
        constraints=LIMITS,
        operators=EQUALITY + RANGE,
        ordered=True,
        samples=("2026-02-28", "0001-01-01", "9999-12-31"),
        generated=frozenset({"today"}),
    ),
    ScalarRow(
        kind=Kind.TIME,
        reading="time",
        python="time",
        imports=("from datetime import time",),
        sql="time",
        sqlalchemy="Time",
        constraints=LIMITS,
        operators=EQUALITY + RANGE,
        ordered=True,
        samples=("00:00:00", "23:59:59.999999"),
        generated=frozenset({"now"}),
    ),
    ScalarRow(
        kind=Kind.DATETIME,
        reading="datetime",
        python="datetime",
        imports=("from datetime import datetime",),
        sql="timestamp with time zone",
        sqlalchemy="DateTime(timezone=True)",
        constraints=LIMITS,
        operators=EQUALITY + RANGE,
        ordered=True,
        samples=("2026-02-28T12:30:00Z", "2026-02-28T12:30:00.000001+05:30"),
        generated=frozenset({"now"}),
    ),
    ScalarRow(
        kind=Kind.UUID,
        reading="uuid",
        python="UUID",
        imports=("from uuid import UUID",),
        sql="uuid",
        sqlalchemy="Uuid",
        constraints=frozenset(),
        operators=EQUALITY,
        ordered=True,
        samples=("0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70",),
        generated=frozenset({"generate"}),
    ),
    ScalarRow(
        kind=Kind.EMAIL,
        reading="text",
        python="str",
        imports=(),
        sql="text",
        sqlalchemy="Text",
        constraints=frozenset({"max_length"}),
        operators=EQUALITY,
        ordered=True,
        samples=("ada@example.org",),
        max_length=320,
    ),
    ScalarRow(
        kind=Kind.URL,
        reading="text",
        python="str",
        imports=(),
        sql="text",
        sqlalchemy="Text",
        constraints=frozenset({"max_length"}),
        operators=("", "ne"),
        ordered=True,
        samples=("https://example.org/a?b=c#d",),
        max_length=2048,
    ),
)

SCALARS: Mapping[Kind, ScalarRow] = {row.kind: row for row in _ROWS}
"""The table, in the order of `Kind`."""

TYPE_NAMES = (*(kind.value for kind in Kind), "enum", "json", "list", "ref")
"""Every name that `type:` may have."""

ITEM_NAMES = (*(kind.value for kind in Kind if kind is not Kind.TEXT), "enum")
"""Every name that `of:` of a list may have."""

COMPUTED_TYPES = ("string", "text", "integer", "bigint", "decimal", "boolean")
"""The types that computed fields can have."""

COMPUTED_KEYS = frozenset(
    {"type", "computed", "stored", "nullable", "precision", "scale", "description", "example", "deprecated", "renamed_from"}
)
"""The keys that a computed field may have."""

STORED_KEYS = frozenset({"filter", "sort", "index", "unique"})
"""Those that a stored one may have besides: it is a column."""

COMMON_KEYS = frozenset({"type", "nullable", "description", "example", "deprecated", "renamed_from", "read", "write"})
_KEYS: Mapping[str, frozenset[str]] = {
    **{
        kind.value: row.constraints | {"default", "filter", "index", *(("sort", "unique") if row.ordered else ())}
        for kind, row in SCALARS.items()
    },
    "enum": frozenset({"values", "default", "filter", "index", "sort", "unique"}),
    "json": frozenset({"default"}),
    "list": frozenset({"of", "min_items", "max_items", "default", "filter", "index"}),
    "ref": frozenset({"to", "on_delete", "inverse", "expand", "filter", "index", "unique"}),
}
_ITEM_KEYS: Mapping[str, frozenset[str]] = {
    **{kind.value: row.constraints - {"search"} for kind, row in SCALARS.items()},
    "enum": frozenset({"values"}),
}


def keys_of(type_name: str, of: str | None = None) -> frozenset[str]:
    """The keys a field of this type may have; for a list, with those of its items (`of`) when their type is known."""
    keys = COMMON_KEYS | _KEYS[type_name]
    return keys | _ITEM_KEYS.get(of, frozenset[str]()) if of is not None else keys


def types_with(key: str) -> tuple[str, ...]:
    """The types that take a key, in the order of `TYPE_NAMES`."""
    return tuple(name for name in TYPE_NAMES if key in _KEYS[name])


def sql_type(scalar: ScalarType) -> str:
    """The PostgreSQL type of a scalar, such as `numeric(6, 2)`."""
    return SCALARS[scalar.kind].sql.format(precision=scalar.precision, scale=scalar.scale)
