"""What an entity-relationship diagram shows of a schema, before it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from generator.ir import EnumType, Field, FieldType, JsonType, Kind, ListType, Reference, Resource, ScalarType, Schema
from generator.records import record

EVERYWHERE = "Every table has user_id besides, first in its keys and references, and created_at, updated_at and version."
"""What no entity repeats."""

MAX_VALUES = 60
"""Characters of the values of an enum that are shown."""

type Key = Literal["PK", "FK", "UK"]


@record
class Attribute:
    """A field, as its column is named. `notes` are short remarks; `description` is the spec's text."""

    name: str
    type: str
    nullable: bool = False
    keys: tuple[Key, ...] = ()
    notes: tuple[str, ...] = ()
    description: str | None = None


@record
class Entity:
    """A resource; `remarks` are what it is besides a table, such as a link of two others."""

    name: str
    description: str | None
    remarks: tuple[str, ...]
    is_link: bool
    attributes: tuple[Attribute, ...]


@record
class Relation:
    """A reference of `child`, in its attribute `column`, to `parent`.

    A row of `child` has exactly one row of `parent`, or, where `is_optional`, at most one; a row of `parent` has any number of rows of
    `child`, or, where `is_single`, at most one.
    """

    child: str
    column: str
    parent: str
    name: str
    on_delete: str
    is_optional: bool
    is_single: bool


@record
class Diagram:
    """Every resource and every reference, in the order of the schema."""

    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]


def diagram_of(schema: Schema) -> Diagram:
    """The diagram of a schema."""
    return Diagram(
        tuple(_entity(resource) for resource in schema.resources),
        tuple(relation for resource in schema.resources for relation in _relations(resource)),
    )


def _entity(resource: Resource) -> Entity:
    targets = {field.name: field.type.target for field in resource.fields if isinstance(field.type, Reference)}
    remarks: list[str] = []
    if resource.link is not None:
        remarks.append(f"links {targets[resource.link[0]]} and {targets[resource.link[1]]}")
    if resource.soft_delete:
        remarks.append("keeps deleted rows")
    return Entity(
        name=resource.name,
        description=resource.description,
        remarks=tuple(remarks),
        is_link=resource.link is not None,
        attributes=(Attribute("id", "uuid", keys=("PK",)), *(_attribute(resource, field) for field in resource.fields)),
    )


def _attribute(resource: Resource, field: Field) -> Attribute:
    keys: list[Key] = ["FK"] if isinstance(field.type, Reference) else []
    notes: list[str] = []
    for unique in resource.unique:
        others = [column for column in unique.columns if column != field.column]
        if unique.columns == (field.column,):
            keys.append("UK")
        elif field.column in unique.columns:
            notes.append(f"unique with {', '.join(others)}")
    if field.computed is not None:
        notes.append("computed")
    if isinstance(field.type, EnumType):
        notes.append(_values(field.type))
    return Attribute(field.column, _type(field.type), field.nullable, tuple(keys), tuple(notes), field.description)


def _type(field_type: FieldType) -> str:
    match field_type:
        case ScalarType(kind=Kind.DECIMAL, precision=precision, scale=scale):
            return f"decimal({precision},{scale})"
        case ScalarType():
            return str(field_type.kind)
        case ListType():
            return f"{_type(field_type.of)}[]"
        case EnumType():
            return "enum"
        case JsonType():
            return "json"
        case Reference():
            return "uuid"


def _values(enum: EnumType) -> str:
    """The values of an enum, as many as are short enough together."""
    shown = ""
    for value in enum.values:
        longer = f"{shown} | {value.value}" if shown else value.value
        if len(longer) > MAX_VALUES:
            return f"{shown} | …" if shown else f"{value.value[:MAX_VALUES]}…"
        shown = longer
    return shown


def _relations(resource: Resource) -> Iterator[Relation]:
    for field in resource.fields:
        if isinstance(field.type, Reference):
            yield Relation(
                child=resource.name,
                column=field.column,
                parent=field.type.target,
                name=field.name,
                on_delete=field.type.on_delete.replace("_", " "),
                is_optional=field.nullable,
                is_single=any(unique.columns == (field.column,) for unique in resource.unique),
            )
