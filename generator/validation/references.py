"""References between resources: targets, cycles, inverses, links; and renames, which refer to the past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from generator import naming
from generator.diagnostics import Diagnostic, Related, error
from generator.ir import EnumType, Field, ListType, Reference, Span
from generator.nodes import Mapping as MappingNode
from generator.nodes import Sequence as SequenceNode
from generator.spec import FieldSpec
from generator.validation.checked import CheckedResource, Project
from generator.validation.names import name_problem


def references_of(resource: CheckedResource) -> Iterator[tuple[Field, Reference, FieldSpec]]:
    """The references of a resource, with their specs."""
    for field in resource.fields.values():
        if isinstance(field.type, Reference):
            yield field, field.type, resource.specs[field.name]


# --- targets ------------------------------------------------------------------------------------------------------------------------


def targets(resource: CheckedResource, project: Project) -> Iterator[Diagnostic]:
    """Unknown targets, and references of a resource to itself that no row could satisfy."""
    for field, reference, spec in references_of(resource):
        if not project.may_exist(reference.target):
            yield _unknown_target(field, reference, spec, project)
        elif reference.target == resource.name and not field.nullable and "nullable" not in spec.broken:
            yield error(
                "RS213",
                f"reference `{field.name}` refers to its own resource but is not nullable",
                spec.value_span("to"),
                "no first row could be created",
                hint="add `nullable: true`",
            )


def _unknown_target(field: Field, reference: Reference, spec: FieldSpec, project: Project) -> Diagnostic:
    guess = naming.closest(reference.target, project.by_name)
    hint = "references name a resource, as in `to: Project`; its spec is a file of its own in resources/"
    if guess is not None:
        span = project.by_name[guess].file.head.value_span("resource")
        hint = f"did you mean `{guess}` ({span.path}:{span.line})?"
    message = f"field `{field.name}` references an unknown resource `{reference.target}`"
    return error("RS203", message, spec.value_span("to"), f"no spec defines `{reference.target}`", hint=hint)


def deletions(resource: CheckedResource, project: Project) -> Iterator[Diagnostic]:
    """Rows that would be deleted for good with one that can be restored."""
    head = resource.file.head
    if head.soft_delete or "soft_delete" in head.broken:
        return
    for field, reference, spec in references_of(resource):
        target = project.by_name.get(reference.target)
        linked = field.name in (head.link or ())
        if target is None or not target.file.head.soft_delete or not (linked or reference.on_delete == "cascade"):
            continue
        span = spec.value_span("on_delete") if spec.has("on_delete") else spec.value_span("to")
        kept = Related(f"the rows of `{target.name}` are kept", target.file.head.value_span("soft_delete"))
        yield error(
            "RS222",
            f"rows of `{resource.name}` are deleted with their `{field.name}`, which can be restored, and they cannot",
            span,
            "a link is deleted with either end" if linked else "deleted together",
            hint=f"add `soft_delete: true` to `{resource.name}`" + ("" if linked else ", or choose another `on_delete`"),
            related=(kept,),
        )


# --- cycles -------------------------------------------------------------------------------------------------------------------------


def cycles(project: Project) -> Iterator[Diagnostic]:
    """Circles of references that are all not nullable: no row of any of the resources could be the first. One diagnostic a circle."""
    edges: dict[str, dict[str, tuple[Field, FieldSpec]]] = {}
    for resource in project.by_name.values():
        out = edges.setdefault(resource.name, {})
        for field, reference, spec in references_of(resource):
            needed = not field.nullable and "nullable" not in spec.broken
            if needed and reference.target in project.by_name and reference.target != resource.name:
                out.setdefault(reference.target, (field, spec))
    for component in _components({name: sorted(out) for name, out in sorted(edges.items())}):
        if len(component) > 1:
            yield _cycle(_shortest_cycle(component, edges), edges)


def _components(graph: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """The strongly connected components of a graph (Tarjan's algorithm, without recursion)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in graph:
        if root in order:
            continue
        work = [(root, iter(graph[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            following = next(successors, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    cut = stack.index(node)
                    on_stack -= set(stack[cut:])
                    yield stack[cut:]
                    del stack[cut:]
            elif following not in order:
                order[following] = low[following] = len(order)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(graph[following])))
            elif following in on_stack:
                low[node] = min(low[node], order[following])


def _shortest_cycle(component: list[str], edges: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The shortest circle through the first resource (by name) of a component."""
    members, start = set(component), min(component)
    paths = {start: [start]}
    queue = [start]
    for node in queue:
        for following in sorted(edges[node]):
            if following == start:
                return paths[node]
            if following in members and following not in paths:
                paths[following] = [*paths[node], following]
                queue.append(following)
    raise AssertionError("every member of a component lies on a circle")


def _cycle(names: list[str], edges: Mapping[str, Mapping[str, tuple[Field, FieldSpec]]]) -> Diagnostic:
    steps = [(name, *edges[name][following]) for name, following in zip(names, [*names[1:], names[0]], strict=True)]
    first, *others = steps
    shown = " → ".join(f"`{name}.{field.name}`" for name, field, _ in steps)
    related = tuple(Related(f"then `{name}.{field.name}`", spec.value_span("to")) for name, field, spec in others)
    return error(
        "RS214",
        f"a circle of references that must not be null: {shown}",
        first[2].value_span("to"),
        "no first row could be created",
        hint="make one of them nullable",
        related=related,
    )


# --- inverses -----------------------------------------------------------------------------------------------------------------------


def inverses(project: Project) -> Iterator[Diagnostic]:
    """The names that references give themselves on their targets."""
    taken: dict[tuple[str, str], tuple[str, Span]] = {}
    for resource in project.resources:
        for field, reference, spec in references_of(resource):
            if reference.inverse is None:
                continue
            span = spec.value_span("inverse")
            problem = name_problem(reference.inverse, "inverse", span)
            if problem is not None:
                yield problem
                continue
            own = f"`{resource.name}.{field.name}`"
            other, place = taken.setdefault((reference.target, reference.inverse), (own, span))
            if place is not span:
                yield error(
                    "RS212",
                    f"the references {other} and {own} both have the inverse `{reference.inverse}` on `{reference.target}`",
                    span,
                    "taken",
                    hint="name it after the role: `assigned_tasks`, `created_tasks`",
                    related=(Related("the other one is here", place),),
                )
                continue
            yield from _inverse_on_target(reference, span, project)


def _inverse_on_target(reference: Reference, span: Span, project: Project) -> Iterator[Diagnostic]:
    target = project.by_name.get(reference.target)
    if target is None:
        return
    for named in target.file.fields:
        field = target.fields.get(named.name)
        if reference.inverse in {named.name, field.column if field else named.name}:
            yield error(
                "RS212",
                f"the inverse `{reference.inverse}` has the name of a field of `{target.name}`",
                span,
                "taken",
                related=(Related("the field is here", named.span),),
            )
            return


# --- links --------------------------------------------------------------------------------------------------------------------------


def unknown_field(name: str, span: Span, resource: CheckedResource, where: str) -> Diagnostic:
    """The diagnostic of a name that is no field of the resource; `where` is the key that has it."""
    by_column = {field.column: field.name for field in resource.fields.values()}
    guess = by_column.get(name) or naming.closest(name, resource.names)
    hint = f"did you mean `{guess}`?" if guess else None
    if name in naming.BUILT_IN_COLUMNS:
        hint = "built-in columns cannot stand here" if name != "user_id" else "the owner is always part of it, without saying so"
    return error("RS217", f"{where} of `{resource.name}` names an unknown field `{name}`", span, "unknown field", hint=hint)


# --- renames ------------------------------------------------------------------------------------------------------------------------


def renames(project: Project) -> Iterator[Diagnostic]:
    """`renamed_from` of resources, fields and enum values: the old name must be gone, and used once."""
    resources = [
        (resource.name, resource.file.head.renamed_from, resource.file.head.value_span("renamed_from"))
        for resource in project.by_name.values()
        if resource.file.head.renamed_from is not None
    ]
    places = {resource.name: resource.file.head.value_span("resource") for resource in project.by_name.values()}
    yield from _renames(resources, places, "resource")
    for resource in project.resources:
        fields = [
            (field.name, field.renamed_from, resource.specs[field.name].value_span("renamed_from"))
            for field in resource.fields.values()
            if field.renamed_from is not None
        ]
        yield from _renames(fields, {named.name: named.span for named in resource.file.fields}, "field")
        for field in resource.fields.values():
            yield from _value_renames(field, resource.specs[field.name])


def _value_renames(field: Field, spec: FieldSpec) -> Iterator[Diagnostic]:
    type_ = field.type.of if isinstance(field.type, ListType) else field.type
    if not isinstance(type_, EnumType) or not isinstance(spec.values, SequenceNode):
        return
    places: dict[str, Span] = {}
    renamed: list[tuple[str, str | None, Span]] = []
    old_names = {value.value: value.renamed_from for value in type_.values}
    for item in spec.values.items:
        value = item.get("value") if isinstance(item, MappingNode) else item
        text = getattr(value, "text", None)
        if not isinstance(text, str) or text not in old_names or text in places or value is None:
            continue
        places[text] = value.span
        old = item.get("renamed_from") if isinstance(item, MappingNode) else None
        if old is not None and old_names[text] is not None:
            renamed.append((text, old_names[text], old.span))
    yield from _renames(renamed, places, "value")


def _renames(renamed: Iterable[tuple[str, str | None, Span]], places: Mapping[str, Span], what: str) -> Iterator[Diagnostic]:
    claims: dict[str, Span] = {}
    for new, old, span in renamed:
        if old is None:
            continue
        pattern = {"resource": naming.RESOURCE_PATTERN, "field": naming.FIELD_PATTERN}.get(what)
        if pattern is not None and not pattern.fullmatch(old):
            yield error(
                "RS216", f"no {what} can have had the name `{naming.shown(old)}`", span, "no name", hint=f"the former name of the {what}"
            )
        elif old == new:
            yield error("RS216", f"the {what} `{naming.shown(new)}` is renamed from itself", span, hint="delete `renamed_from`")
        elif old in places:
            yield error(
                "RS216",
                f"the {what} `{naming.shown(new)}` is renamed from `{old}`, which still exists",
                span,
                "still exists",
                hint=f"delete `{old}`, or delete `renamed_from`",
                related=(Related(f"`{old}` is here", places[old]),),
            )
        elif claims.setdefault(old, span) is not span:
            yield error(
                "RS216",
                f"two {what}s are renamed from `{old}`",
                span,
                "the second one",
                hint="keep it where the data belongs, and delete the other",
                related=(Related("the first one is here", claims[old]),),
            )
