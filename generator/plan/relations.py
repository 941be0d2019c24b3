"""How resources hang together: what a row can be expanded by, which lists are nested below which rows, and what a link joins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from generator.ir import Field, Operation, Reference, Resource, Schema
from generator.naming import BUILT_IN_COLUMNS
from generator.records import record

READS = {Operation.LIST, Operation.GET}


@record
class Expansion:
    """One name of `expand`.

    `column` is the reference that it follows: this resource's own (`one`), that of `target` (`many`), or the one of `link` to this
    resource (`linked`), where `there` is the link's reference to `target`.
    """

    name: str
    kind: Literal["one", "many", "linked"]
    target: Resource
    column: str
    link: Resource | None = None
    there: str = ""


@record
class End:
    """A reference of a resource, and what it refers to."""

    field: Field
    target: Resource

    @property
    def inverse(self) -> str | None:
        """What the target calls the rows that refer to it."""
        return self.field.type.inverse if isinstance(self.field.type, Reference) else None


@record
class Through:
    """A filter through a reference: `field` of what `end` refers to. Its parameters begin with `name`."""

    end: End
    field: Field

    @property
    def name(self) -> str:
        """What a parameter is called: `project__name`."""
        return f"{self.end.field.name}__{self.field.column}"


@record
class Relations:
    """Those of one resource: expansions, the parents that its list is nested below, filters through references, and the ends of a link."""

    expansions: tuple[Expansion, ...]
    parents: tuple[End, ...]
    through: tuple[Through, ...]
    link: tuple[End, End] | None


def relations_of(schema: Schema) -> dict[str, Relations]:
    """The relations of every resource, by its name."""
    by_name = {resource.name: resource for resource in schema.resources}
    incoming: dict[str, list[Expansion]] = {name: [] for name in by_name}
    for resource in schema.resources:
        for end in _ends(resource, by_name):
            if end.inverse is not None and _is_read(resource):
                incoming[end.target.name].append(Expansion(end.inverse, "many", resource, end.field.column))
    for resource in schema.resources:
        link = _link(resource, by_name)
        for here, there in (link, link[::-1]) if link else ():
            if _is_read(resource) and _is_read(there.target):
                name = there.target.plural
                incoming[here.target.name].append(Expansion(name, "linked", there.target, here.field.column, resource, there.field.column))
    return {
        resource.name: Relations(
            tuple(_named_once(resource, [*_outgoing(resource, by_name), *incoming[resource.name]])) if _is_read(resource) else (),
            tuple(end for end in _ends(resource, by_name) if end.inverse is not None and Operation.LIST in resource.operations),
            tuple(_through(resource, by_name)) if Operation.LIST in resource.operations else (),
            _link(resource, by_name),
        )
        for resource in schema.resources
    }


def _is_read(resource: Resource) -> bool:
    """Whether its own API shows its rows; what it hides is not shown in other rows either, unless a reference says `expand`."""
    return not READS.isdisjoint(resource.operations)


def _ends(resource: Resource, by_name: Mapping[str, Resource]) -> Iterator[End]:
    for field in resource.fields:
        if isinstance(field.type, Reference):
            yield End(field, by_name[field.type.target])


def _through(resource: Resource, by_name: Mapping[str, Resource]) -> Iterator[Through]:
    ends = {end.field.name: end for end in _ends(resource, by_name)}
    for reference, name in resource.filters:
        end = ends[reference]
        yield Through(end, next(field for field in end.target.fields if field.name == name))


def _outgoing(resource: Resource, by_name: Mapping[str, Resource]) -> Iterator[Expansion]:
    for end in _ends(resource, by_name):
        if isinstance(end.field.type, Reference) and end.field.type.expand and end.field.readable:
            yield Expansion(end.field.name, "one", end.target, end.field.column)


def _link(resource: Resource, by_name: Mapping[str, Resource]) -> tuple[End, End] | None:
    if resource.link is None:
        return None
    ends = {end.field.name: end for end in _ends(resource, by_name)}
    return ends[resource.link[0]], ends[resource.link[1]]


def _named_once(resource: Resource, expansions: list[Expansion]) -> Iterator[Expansion]:
    """The expansions whose name is no key of the row; of two with one name the first: a link gives way to an inverse."""
    taken = {*BUILT_IN_COLUMNS, *(field.column for field in resource.fields)}
    taken |= {field.name for field in resource.fields if not isinstance(field.type, Reference)}
    for expansion in expansions:
        if expansion.name not in taken:
            taken.add(expansion.name)
            yield expansion
