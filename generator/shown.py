"""What the modules of a resource show, of it and of those that it hangs together with: what they are rendered from, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import sha256
from typing import cast

from generator import ir
from generator.ir import Reference, Resource, Schema
from generator.plan.deletions import Deletion, deletions_of
from generator.plan.relations import Relations, relations_of
from generator.records import record


@record
class Shown:
    """All that reaches the templates of the two modules of a resource. `tables` has those of what it refers to."""

    resource: Resource
    tables: Mapping[str, str]
    deletion: Deletion
    relations: Relations


def shown_of(schema: Schema) -> list[Shown]:
    """What is to be rendered of each resource."""
    deletions, relations = deletions_of(schema), relations_of(schema)
    tables = {resource.name: resource.plural for resource in schema.resources}
    return [
        Shown(
            resource,
            {field.type.target: tables[field.type.target] for field in resource.fields if isinstance(field.type, Reference)},
            deletions[resource.name],
            relations[resource.name],
        )
        for resource in schema.resources
    ]


def digest_of(shown: Shown, resources: Mapping[str, str]) -> str:
    """A digest of all of it; `resources` has one of each resource by its name. Modules of the same digest are the same."""
    return sha256(_said(shown, resources).encode("utf-8", "surrogatepass")).hexdigest()


def _said(value: object, resources: Mapping[str, str]) -> str:
    """A text that tells a value from every other one."""
    if isinstance(value, Resource):
        return resources[value.name]
    if (names := _names(type(value))) is not None:
        return f"{type(value).__name__}({', '.join(_said(getattr(value, name), resources) for name in names)})"
    if isinstance(value, tuple):
        return f"({', '.join(_said(item, resources) for item in cast('tuple[object, ...]', value))})" if value else "()"
    return repr(value)


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The parts of a record that may hold resources; None where there are none. Those of the schema hold none: their repr says all."""
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) and kind.__module__ != ir.__name__ else None
