"""What is attacked: every operation of the API, as its routes have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from generator.ir import Field, Operation, Reference, Resource, Schema
from generator.plan.relations import Relations, relations_of
from generator.plan.routes import link_operations
from generator.records import record

type Kind = Literal["list", "aggregate", "create", "get", "replace", "update", "delete", "restore", "batch", "upsert", "link", "unlink"]

_METHODS: dict[Operation, str] = {
    Operation.LIST: "GET",
    Operation.GET: "GET",
    Operation.CREATE: "POST",
    Operation.REPLACE: "PUT",
    Operation.UPDATE: "PATCH",
    Operation.DELETE: "DELETE",
    Operation.BATCH: "POST",
}
_OF_A_ROW = {Operation.GET, Operation.REPLACE, Operation.UPDATE, Operation.DELETE}


@record
class Target:
    """One operation: its operationId, method and path template, and the resources whose rows the ids in the path name."""

    name: str
    kind: Kind
    method: str
    path: str
    resource: Resource
    relations: Relations
    references: tuple[tuple[Field, Resource], ...]
    """The references that a body can set, and what they lead to."""
    rows: tuple[tuple[str, Resource], ...] = ()

    @property
    def needs_precondition(self) -> bool:
        """Whether it is refused without If-Match."""
        return self.kind in {"replace", "update", "delete", "restore", "upsert"} and self.resource.concurrency == "required"


def targets_of(schema: Schema) -> tuple[Target, ...]:
    """Every operation of every resource."""
    relations = relations_of(schema)
    return tuple(
        target
        for resource in schema.resources
        for target in _targets(resource, relations[resource.name], tuple(references_of(schema, resource)))
    )


def references_of(schema: Schema, resource: Resource) -> Iterator[tuple[Field, Resource]]:
    """The references of a resource that a body can set, and what they lead to."""
    for field in resource.fields:
        if isinstance(field.type, Reference) and field.write != "never":
            yield field, schema.resource(field.type.target)


def _targets(resource: Resource, relations: Relations, references: tuple[tuple[Field, Resource], ...]) -> Iterator[Target]:
    one, many = resource.module.rstrip("_"), resource.plural
    collection = f"/api/{{user_id}}/{resource.segment}"
    item = (resource.item_param, resource)
    for operation in resource.operations:
        if operation is Operation.BATCH:
            yield Target(f"batch_{many}", "batch", "POST", f"{collection}/batch", resource, relations, references)
        elif operation in _OF_A_ROW:
            path = f"{collection}/{{{resource.item_param}}}"
            yield Target(f"{operation}_{one}", operation.value, _METHODS[operation], path, resource, relations, references, (item,))
        else:
            name = f"list_{many}" if operation is Operation.LIST else f"create_{one}"
            yield Target(name, operation.value, _METHODS[operation], collection, resource, relations, references)
    if resource.soft_delete and Operation.DELETE in resource.operations:
        path = f"{collection}/{{{resource.item_param}}}/restore"
        yield Target(f"restore_{one}", "restore", "POST", path, resource, relations, references, (item,))
    if Operation.LIST in resource.operations:
        yield Target(f"aggregate_{many}", "aggregate", "GET", f"{collection}/aggregate", resource, relations, references)
    if resource.upsert is not None:
        yield Target(f"upsert_{one}", "upsert", "PUT", collection, resource, relations, references)
    for parent in relations.parents:
        target = parent.target
        name = f"list_{parent.inverse}_of_{target.module.rstrip('_')}"
        path = f"/api/{{user_id}}/{target.segment}/{{{target.item_param}}}/{parent.inverse}"
        yield Target(name, "list", "GET", path, resource, relations, references, ((target.item_param, target),))
    if relations.link is not None:
        first, second = relations.link
        ends = ((first.field.column, first.target), (second.field.column, second.target))
        path = "/api/{user_id}" + "".join(f"/{target.segment}/{{{column}}}" for column, target in ends)
        puts, deletes = link_operations(resource, relations.link)
        if puts:
            yield Target(f"link_{one}", "link", "PUT", path, resource, relations, references, ends)
        if deletes:
            yield Target(f"unlink_{one}", "unlink", "DELETE", path, resource, relations, references, ends)
