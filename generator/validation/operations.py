"""Operations, hooks, pages, and what a resource offers beyond them."""

from __future__ import annotations

from collections.abc import Iterator

from generator.diagnostics import Diagnostic, Related, error
from generator.ir import HOOKS, JsonType, Operation, Page, Reference, Span
from generator.nodes import Scalar, Sequence
from generator.spec import ResourceSpec, unknown_word
from generator.validation.checked import CheckedResource, Project
from generator.validation.references import unknown_field

MAX_PAGE = 1_000

_LANGUAGES = """
    simple arabic armenian basque catalan danish dutch english finnish french german greek hindi hungarian indonesian irish italian
    lithuanian nepali norwegian portuguese romanian russian serbian spanish swedish tamil turkish yiddish
"""
LANGUAGES = tuple(_LANGUAGES.split())
"""The text search configurations of every PostgreSQL since 15."""


def operations(resource: CheckedResource) -> Iterator[Diagnostic]:
    """`operations` and `hooks`: known words, each once, and at least one operation."""
    head = resource.file.head
    if head.operations == ():
        message = f"`operations` of `{resource.name}` is empty"
        yield error("RS501", message, head.value_span("operations"), hint="delete it for all operations but batch")
    yield from _words(head, "operations", tuple(operation.value for operation in Operation))
    yield from _words(head, "hooks", HOOKS)


def _words(head: ResourceSpec, key: str, words: tuple[str, ...]) -> Iterator[Diagnostic]:
    node = head.at(key)
    if not isinstance(node, Sequence) or key in head.broken:
        return
    seen: dict[str, Scalar] = {}
    for item in node.items:
        if not isinstance(item, Scalar):
            continue
        if item.text not in words:
            yield unknown_word(f"each of `{key}`", item, words)
        elif seen.setdefault(item.text, item) is not item:
            related = (Related("the first one is here", seen[item.text].span),)
            yield error("RS218", f"`{key}` of `{head.resource}` has `{item.text}` twice", item.span, "repeated", related=related)


def page(resource: CheckedResource) -> Iterator[Diagnostic]:
    """`page`: sizes from 1 to 1,000, the default at most the maximum."""
    spec = resource.file.page
    if spec is None:
        return
    legal = True
    for key, value in (("default", spec.default), ("max", spec.max)):
        if value is not None and not 1 <= value <= MAX_PAGE:
            legal = False
            message = f"`{key}` of the page of `{resource.name}` must be 1 to {MAX_PAGE:,}, not {value}"
            yield error("RS502", message, spec.value_span(key), "out of range")
    if legal and spec.default is not None and spec.max is not None and spec.default > spec.max:
        message = f"the default page of `{resource.name}` has {spec.default} rows, more than its maximum of {spec.max}"
        related = (Related("the maximum is here", spec.value_span("max")),)
        yield error("RS502", message, spec.value_span("default"), "too many", related=related)


def page_of(resource: CheckedResource) -> Page:
    """The page sizes; where only one is given, the other one makes room for it."""
    spec, usual = resource.file.page, Page()
    if spec is None:
        return usual
    high = spec.max if spec.max is not None else max(usual.max, spec.default or 0)
    return Page(default=spec.default if spec.default is not None else min(usual.default, high), max=high)


def unwritable(resource: CheckedResource) -> Iterator[Diagnostic]:
    """Fields that no body may hold (`write: never`) and that nothing else fills."""
    head = resource.file.head
    if Operation.CREATE not in (head.operations or (Operation.CREATE,)) or "before_create" in head.hooks:
        return
    for field in resource.fields.values():
        spec = resource.specs[field.name]
        unfilled = (
            field.write == "never" and field.computed is None and not field.nullable and field.default is None and not spec.has("default")
        )
        if unfilled and not spec.broken & {"nullable", "write"} and "hooks" not in head.broken:
            yield error(
                "RS313",
                f"nothing gives field `{field.name}` a value",
                spec.value_span("write"),
                "no body may hold it",
                hint="give it a `default`, make it nullable, or fill it in the hook `before_create`",
            )


def search_language(resource: CheckedResource) -> Iterator[Diagnostic]:
    """`search_language`: one of PostgreSQL's text search configurations."""
    node = resource.file.head.at("search_language")
    if isinstance(node, Scalar) and "search_language" not in resource.file.head.broken and node.text not in LANGUAGES:
        yield unknown_word("`search_language`", node, LANGUAGES)


def offers(resource: CheckedResource, project: Project) -> Iterator[Diagnostic]:
    """What a resource offers beyond its plain operations: `upsert`, batches, and filters through references."""
    head = resource.file.head
    if head.upsert is not None:
        yield from _upsert(resource)
    parts = {Operation.CREATE, Operation.UPDATE, Operation.DELETE}
    for index, name in enumerate(head.operations or ()):
        if name == Operation.BATCH and not parts & set(head.operations or ()):
            message = f"the batch of `{resource.name}` would have no part"
            span = head.item_span("operations", index)
            yield error("RS505", message, span, "nothing to do", hint="add `create`, `update` or `delete` to `operations`")
    yield from _filters(resource, project)


def _upsert(resource: CheckedResource) -> Iterator[Diagnostic]:
    head = resource.file.head
    names = head.upsert or ()
    unknown = [
        unknown_field(name, head.item_span("upsert", index), resource, "`upsert`")
        for index, name in enumerate(names)
        if resource.lacks(name)
    ]
    yield from unknown
    keys = {frozenset(name for name, _ in entry.names) for entry in resource.file.unique}
    keys |= {frozenset({name}) for name, spec in resource.specs.items() if spec.unique}
    if head.link is not None:
        keys.add(frozenset(head.link))
    if not unknown and frozenset(names) not in keys and "unique" not in resource.file.incomplete | head.broken:
        yield error(
            "RS503",
            f"`upsert` of `{resource.name}` is none of its unique keys",
            head.value_span("upsert"),
            "not unique",
            hint=f"add `- [{', '.join(names)}]` to `unique`",
        )
    offered = head.operations if head.operations is not None else tuple(Operation)
    missing = [one.value for one in (Operation.CREATE, Operation.REPLACE) if one not in offered]
    if missing:
        listed = " and ".join(f"`{one}`" for one in missing)
        message = f"`upsert` of `{resource.name}` creates rows and replaces them, but `operations` has no {listed}"
        yield error("RS503", message, head.key_span("upsert"), "not offered", hint=f"add {listed} to `operations`")
    unset = [name for name in names if name in resource.fields and resource.fields[name].write == "never"]
    for name in unset:
        message = f"`upsert` of `{resource.name}` goes by `{name}`, which no body may hold"
        yield error("RS503", message, head.item_span("upsert", names.index(name)), "never written")


def _filters(resource: CheckedResource, project: Project) -> Iterator[Diagnostic]:
    head = resource.file.head
    seen: dict[str, Span] = {}
    for index, path in enumerate(head.filters or ()):
        span = head.item_span("filters", index)
        name, dot, rest = path.partition(".")
        if not dot or "." in rest or not rest:
            hint = "write a reference and one of its fields: `project.name`"
            yield error("RS504", f"`filters` of `{resource.name}` has `{path}`", span, hint=hint)
            continue
        field = resource.fields.get(name)
        if field is None:
            if resource.lacks(name):
                yield unknown_field(name, span, resource, "`filters`")
        elif not isinstance(field.type, Reference):
            yield error("RS504", f"`filters` of `{resource.name}` goes through `{name}`, which is no reference", span, "no reference")
        else:
            target = project.by_name.get(field.type.target)
            behind = target.fields.get(rest) if target is not None else None
            if target is not None and target.lacks(rest):
                yield unknown_field(rest, span, target, f"`filters` of `{resource.name}`: `{path}`")
            elif behind is not None and (isinstance(behind.type, JsonType) or not behind.is_column):
                what = "is json" if isinstance(behind.type, JsonType) else "is computed and not stored"
                yield error("RS504", f"`filters` of `{resource.name}` has `{path}`, and `{rest}` {what}", span, "no filter")
            elif seen.setdefault(path, span) is not span:
                related = (Related("the first one is here", seen[path]),)
                yield error("RS218", f"`filters` of `{resource.name}` has `{path}` twice", span, "repeated", related=related)
