"""Which fields the aggregates of a resource take."""

from __future__ import annotations

from generator.ir import Field, JsonType, Kind, ListType, Resource, ScalarType
from generator.records import record

NUMBERS = (Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.DECIMAL)
UNORDERED = (Kind.BOOLEAN, Kind.UUID)
TIMES = ("created_at", "updated_at")
"""The built-in columns with a smallest and a greatest value that says something."""


@record
class Aggregates:
    """A parameter of the aggregates (`group_by` or a function) and the columns that it takes."""

    parameter: str
    columns: tuple[str, ...]


def aggregates_of(resource: Resource) -> tuple[Aggregates, ...]:
    """The parameters that take columns: of the fields that can be filtered by and are answered."""
    fields = [field for field in resource.fields if field.filter and field.readable]
    groups = tuple(field.column for field in fields if not isinstance(field.type, ListType | JsonType))
    numbers = tuple(field.column for field in fields if _kind(field) in NUMBERS)
    ordered = (*(field.column for field in fields if _kind(field) not in {None, *UNORDERED}), *TIMES)
    parameters = (("group_by", groups), ("sum", numbers), ("avg", numbers), ("min", ordered), ("max", ordered))
    return tuple(Aggregates(parameter, columns) for parameter, columns in parameters if columns)


def _kind(field: Field) -> Kind | None:
    return field.type.kind if isinstance(field.type, ScalarType) else None
