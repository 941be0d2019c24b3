"""`unique`, `indexes` and `checks`."""

from __future__ import annotations

from collections.abc import Iterator

from generator.diagnostics import Diagnostic, Related, error, warning
from generator.ir import EnumType, Field, JsonType, ListType, Literally, Reference, ScalarType, Span
from generator.spec import FieldList
from generator.types import SCALARS
from generator.validation.checked import INDEXABLE_BUILT_INS, CheckedResource
from generator.validation.names import name_problem
from generator.validation.references import unknown_field

MAX_COLUMNS = 31
"""Fields of an index: PostgreSQL's 32 less the owner."""

MAX_INDEXED_LENGTH = 2_048
"""Characters of a text that an index takes: an entry has at most 2,704 bytes."""


def field_lists(resource: CheckedResource) -> Iterator[Diagnostic]:
    """The entries of `unique` and `indexes`."""
    alone: dict[tuple[str, ...], Span] = {
        (name,): spec.key_span("unique") for name, spec in resource.specs.items() if spec.unique and name in resource.fields
    }
    for key, entries, seen in (("unique", resource.file.unique, alone), ("indexes", resource.file.indexes, dict[tuple[str, ...], Span]())):
        for entry in entries:
            yield from _entry(key, entry, resource)
            names = [name for name, _ in entry.names]
            first = seen.setdefault(tuple(sorted(names) if key == "unique" else names), entry.span)
            if first is not entry.span:
                related = (Related("the first one is here", first),)
                listed = ", ".join(names)
                yield error("RS403", f"`{key}` of `{resource.name}` has [{listed}] twice", entry.span, "repeated", related=related)


def _entry(key: str, entry: FieldList, resource: CheckedResource) -> Iterator[Diagnostic]:
    where = f"`{key}`"
    if not entry.names:
        yield error("RS404", f"an entry of {where} of `{resource.name}` names no field", entry.span, "empty")
    elif len(entry.names) > MAX_COLUMNS:
        message = f"an entry of {where} of `{resource.name}` names {len(entry.names)} fields"
        yield error("RS404", message, entry.names[MAX_COLUMNS][1], f"at most {MAX_COLUMNS}")
    seen: dict[str, Span] = {}
    for name, span in entry.names:
        if seen.setdefault(name, span) is not span:
            related = (Related("the first one is here", seen[name]),)
            yield error("RS218", f"an entry of {where} of `{resource.name}` names `{name}` twice", span, "repeated", related=related)
            continue
        field = resource.fields.get(name)
        if field is not None:
            if isinstance(field.type, (ListType, JsonType)):
                word = "list" if isinstance(field.type, ListType) else "json"
                yield error("RS401", f"{where} of `{resource.name}` names `{name}`, which is a {word}", span, "has no order")
            elif not field.is_column:
                message = f"{where} of `{resource.name}` names `{name}`, which is computed and not stored"
                yield error("RS408", message, span, "no column", hint=f"say `stored: true` at `{name}`")
        elif resource.lacks(name) and not (key == "indexes" and name in INDEXABLE_BUILT_INS):
            yield unknown_field(name, span, resource, where)


def unique_defaults(resource: CheckedResource) -> Iterator[Diagnostic]:
    """A field that is unique alone and has a constant default: the second row could not use it."""
    alone: dict[str, Span] = {}
    for entry in resource.file.unique:
        if len(entry.names) == 1:
            alone[entry.names[0][0]] = entry.names[0][1]
    alone |= {name: spec.key_span("unique") for name, spec in resource.specs.items() if spec.unique}
    for name, span in alone.items():
        field = resource.fields.get(name)
        if field is not None and isinstance(field.default, Literally):
            yield error(
                "RS402",
                f"field `{name}` is unique but has a constant default",
                span,
                "only one row could have it",
                hint="delete `default`, or make it unique together with another field: `unique: [[project, slug]]`",
                related=(Related("the default is here", resource.specs[name].value_span("default")),),
            )


def indexes(resource: CheckedResource) -> Iterator[Diagnostic]:
    """Sorts that would show what is never read, `index: false` where it does nothing or harm, and texts that are too long for an index."""
    for field in resource.fields.values():
        spec = resource.specs[field.name]
        if field.sort and not field.readable:
            yield error(
                "RS407",
                f"field `{field.name}` is sortable, but never read",
                spec.key_span("sort"),
                "the order of rows would show its values",
                hint="delete `sort`, or `read: never`",
                related=(Related("it is never read", spec.value_span("read")),),
            )
        if isinstance(field.type, Reference) and spec.index is False:
            yield error(
                "RS405",
                f"the reference `{field.name}` cannot do without its index",
                spec.value_span("index"),
                "`index: false`",
                hint="without it, every deletion of a target would read all rows; delete `index`",
            )
        elif field.sort and spec.index is False:
            yield warning(
                "RS603",
                f"field `{field.name}` is sortable but has `index: false`",
                spec.value_span("index"),
                "every page reads and sorts all rows of the owner",
                hint="delete `index: false`, or `sort: true`",
            )
        elif (field.sort or spec.unique or spec.index) and is_long(field):
            key, effect = ("sort", _UNSORTED) if field.sort else ("unique" if spec.unique else "index", _REFUSED)
            yield warning(
                "RS604",
                f"field `{field.name}` can be longer than an entry of an index",
                spec.key_span(key),
                effect,
                hint=f"set `max_length` to {MAX_INDEXED_LENGTH} or less",
            )


_UNSORTED = "every page of this order reads and sorts all rows of the owner"
_REFUSED = "rows with more than about 2,000 characters here will be refused"


def is_long(field: Field) -> bool:
    """Whether values of a field may be longer than an entry of an index."""
    if isinstance(field.type, EnumType) or not isinstance(field.type, ScalarType) or not SCALARS[field.type.kind].textual:
        return False
    limit = field.type.bounds.max_length
    return limit is None or limit > MAX_INDEXED_LENGTH


def checks(resource: CheckedResource) -> Iterator[Diagnostic]:
    """The names and messages of `checks`; their rules are compiled by `generator.validate`."""
    seen: dict[str, Span] = {}
    for check in resource.file.checks:
        span = check.value_span("name")
        problem = None if "name" in check.broken else name_problem(check.name, "check", span)
        if problem is not None and problem.code == "RS202":
            yield problem
        elif seen.setdefault(check.name, span) is not span:
            related = (Related("the first one is here", seen[check.name]),)
            yield error("RS218", f"two checks of `{resource.name}` are named `{check.name}`", span, "repeated", related=related)
        if not check.message.strip() and "message" not in check.broken:
            message = f"the check `{check.name}` has an empty message"
            yield error("RS406", message, check.value_span("message"), "empty", hint="say to a user what is wrong and what to do")
