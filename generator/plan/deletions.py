"""What a delete does to the rows that refer to the deleted one."""

from __future__ import annotations

from collections.abc import Iterator

from generator.ir import Field, Reference, Resource, Schema
from generator.records import record


@record
class Incoming:
    """A reference: `field` of `child` leads to `parent`."""

    child: Resource
    field: Field
    parent: Resource

    @property
    def on_delete(self) -> str:
        """What becomes of the child when the parent is deleted."""
        return self.field.type.on_delete if isinstance(self.field.type, Reference) else ""


@record
class Deletion:
    """The references that a delete has to see to; the database sees to the others.

    Of a row that stays for a while: those that lead to it, or to a row that is deleted with it. Of a row that goes for good: those that
    are cleared, and those of deleted rows that would keep it (`purges`).
    """

    cascades: tuple[Incoming, ...] = ()
    clears: tuple[Incoming, ...] = ()
    restricts: tuple[Incoming, ...] = ()
    purges: tuple[Incoming, ...] = ()

    @property
    def references(self) -> tuple[Incoming, ...]:
        """All of them."""
        return (*self.cascades, *self.clears, *self.restricts, *self.purges)


def deletions_of(schema: Schema) -> dict[str, Deletion]:
    """What deletes do, by resource."""
    by_name = {resource.name: resource for resource in schema.resources}
    incoming: dict[str, list[Incoming]] = {name: [] for name in by_name}
    for resource in schema.resources:
        for field in resource.fields:
            if isinstance(field.type, Reference):
                incoming[field.type.target].append(Incoming(resource, field, by_name[field.type.target]))
    return {
        resource.name: _soft(resource, incoming) if resource.soft_delete else _hard(incoming[resource.name])
        for resource in schema.resources
    }


def _soft(resource: Resource, incoming: dict[str, list[Incoming]]) -> Deletion:
    met = list(_below(resource, incoming))
    return Deletion(*(tuple(one for one in met if one.on_delete == kind) for kind in ("cascade", "set_null", "restrict")))


def _below(resource: Resource, incoming: dict[str, list[Incoming]]) -> Iterator[Incoming]:
    """The references to a resource, then those to what is deleted with its rows."""
    reached = [resource]
    for one in reached:  # it grows on the way
        for reference in incoming[one.name]:
            yield reference
            if reference.on_delete == "cascade" and reference.child not in reached:
                reached.append(reference.child)


def _hard(incoming: list[Incoming]) -> Deletion:
    clears = tuple(one for one in incoming if one.on_delete == "set_null")
    purges = tuple(one for one in incoming if one.on_delete == "restrict" and one.child.soft_delete)
    return Deletion(clears=clears, purges=purges)
