"""Many-to-many links: the rules of one, and what two of them may not share."""

from __future__ import annotations

from collections.abc import Iterator

from generator.diagnostics import Diagnostic, Related, error, warning
from generator.ir import Operation, Reference, Span
from generator.validation.checked import CheckedResource, Project
from generator.validation.references import unknown_field

HOOKS_OF = {
    Operation.CREATE: frozenset({"before_create", "after_create", "after_commit"}),
    Operation.DELETE: frozenset({"before_delete", "after_delete", "after_commit"}),
}
"""The hooks that an operation runs. A path of a link runs none, so that it is not there where it would have to."""


def link(resource: CheckedResource) -> Iterator[Diagnostic]:
    """`link`: its ends, and, where they are right, the paths that it has not."""
    found = list(_ends(resource))
    yield from found or _without_path(resource)


def _ends(resource: CheckedResource) -> Iterator[Diagnostic]:
    """Two different references, neither nullable, that end with their targets."""
    head = resource.file.head
    if head.link is None:
        return
    if len(head.link) != 2 or head.link[0] == head.link[1]:
        message = f"`link` of `{resource.name}` must name two different references"
        yield error("RS219", message, head.value_span("link"), hint="write `link: [task, tag]`")
        return
    for index, name in enumerate(head.link):
        span = head.item_span("link", index)
        field = resource.fields.get(name)
        if field is None:
            if resource.lacks(name):
                yield unknown_field(name, span, resource, "`link`")
        elif not isinstance(field.type, Reference):
            yield error("RS219", f"`link` of `{resource.name}` names `{name}`, which is no reference", span, "no reference")
        elif field.nullable:
            spec = resource.specs[name]
            yield error(
                "RS219",
                f"the reference `{name}` of the link `{resource.name}` is nullable",
                spec.key_span("nullable"),
                "a link needs both ends",
                hint="delete `nullable`",
            )
        elif resource.specs[name].has("on_delete") and field.type.on_delete != "cascade":
            yield error(
                "RS219",
                f"the reference `{name}` of the link `{resource.name}` has `on_delete: {field.type.on_delete}`",
                resource.specs[name].value_span("on_delete"),
                "a link is deleted with either end",
                hint="delete `on_delete`, or write `cascade`",
            )


def _without_path(resource: CheckedResource) -> Iterator[Diagnostic]:
    """Warnings for paths of the link that its spec leaves no room for."""
    head = resource.file.head
    if head.link is None:
        return
    offered = head.operations if head.operations is not None else tuple(Operation)
    further = [field.name for field in resource.fields.values() if field.required and field.name not in head.link]
    for operation, method in ((Operation.CREATE, "PUT"), (Operation.DELETE, "DELETE")):
        hooks = [name for name in head.hooks if name in HOOKS_OF[operation]]
        if operation not in offered:
            continue
        if hooks:
            span = head.item_span("hooks", head.hooks.index(hooks[0]))
            why, label = f"the hook `{hooks[0]}` would not run", "not run by it"
        elif operation is Operation.CREATE and further:
            span, why, label = resource.fields[further[0]].span, f"it could not give `{further[0]}` a value", "required"
        else:
            continue
        yield warning(
            "RS606",
            f"the link `{resource.name}` has no {method} at the path of its pair, because {why}",
            span,
            label,
            hint=f"use the resource's own {'POST' if operation is Operation.CREATE else 'DELETE'}",
        )


def pairs(project: Project) -> Iterator[Diagnostic]:
    """Two links that would be served at one path."""
    taken: dict[tuple[str, str], tuple[str, Span]] = {}
    for resource in project.resources:
        head = resource.file.head
        ends = [field.type.target for name in head.link or () if (field := resource.fields.get(name)) and isinstance(field.type, Reference)]
        if len(ends) != 2 or not {Operation.CREATE, Operation.DELETE} & set(head.operations or Operation):
            continue
        span = head.value_span("link")
        other, place = taken.setdefault((ends[0], ends[1]), (resource.name, span))
        if place is not span:
            yield error(
                "RS221",
                f"the links `{other}` and `{resource.name}` both join {ends[0]} and {ends[1]}, and would be served at one path",
                span,
                "taken",
                hint=f"name the ends in the other order: `link: [{', '.join(reversed(head.link or ()))}]`",
                related=(Related("the other one is here", place),),
            )
