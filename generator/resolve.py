"""From checked resources to the IR: every name, constraint, index and default is settled here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from generator import naming
from generator.ir import (
    HOOKS,
    CheckConstraint,
    EnumType,
    Field,
    Hook,
    Index,
    IndexKey,
    ListType,
    Operation,
    Page,
    Reference,
    Resource,
    Schema,
    Span,
    UniqueConstraint,
)
from generator.spec import FieldSpec
from generator.sql import bound_checks, quote_identifier, text_literal
from generator.validate import CheckedResource

OWNER = IndexKey("user_id")
ID = IndexKey("id")


def resolve(resources: Iterable[CheckedResource]) -> Schema:
    """The schema of resources that were validated without an error."""
    return Schema(tuple(_resource(resource) for resource in sorted(resources, key=lambda resource: resource.name)))


def _resource(checked: CheckedResource) -> Resource:
    head = checked.file.head
    operations = {Operation(name) for name in head.operations} if head.operations is not None else set(Operation) - {Operation.BATCH}
    hooks = {name: Hook(name, head.item_span("hooks", index)) for index, name in enumerate(head.hooks)}
    unique = _unique(checked)
    return Resource(
        name=checked.name,
        module=naming.module_of(naming.snake_case(checked.name)),
        plural=checked.table,
        segment=naming.segment_of(checked.table),
        item_param=naming.item_parameter(checked.name),
        description=head.description,
        fields=checked.fields,
        primary_key=naming.primary_key_name(checked.table),
        unique=unique,
        checks=_checks(checked),
        indexes=_indexes(checked, unique),
        operations=tuple(operation for operation in Operation if operation in operations),
        concurrency=head.concurrency,
        page=_page(checked),
        hooks=tuple(hooks[name] for name in HOOKS if name in hooks),
        link=(head.link[0], head.link[1]) if head.link is not None else None,
        deprecated=checked.deprecated,
        renamed_from=head.renamed_from,
        source=checked.file.path,
        span=head.value_span("resource"),
    )


def _page(checked: CheckedResource) -> Page:
    page, usual = checked.file.page, Page()
    if page is None:
        return usual
    high = page.max if page.max is not None else max(usual.max, page.default or 0)
    return Page(default=page.default if page.default is not None else min(usual.default, high), max=high)


# --- constraints --------------------------------------------------------------------------------------------------------------------


def _unique(checked: CheckedResource) -> tuple[UniqueConstraint, ...]:
    """`unique: true` of fields, the entries of `unique`, and the pair of a link; each set of fields once."""
    entries: list[tuple[tuple[str, ...], bool, Span]] = [
        ((named.name,), False, named.spec.key_span("unique")) for named in checked.file.fields if named.spec is not None and named.spec.unique
    ]
    entries += [(tuple(name for name, _ in entry.names), entry.nulls_equal, entry.span) for entry in checked.file.unique]
    link = checked.file.head.link
    if link is not None and not any(set(names) == set(link) for names, _, _ in entries):
        entries.append((link, False, checked.file.head.key_span("link")))
    return tuple(
        UniqueConstraint(
            name=naming.unique_name(checked.table, fields),
            fields=fields,
            columns=tuple(_column(checked, name) for name in fields),
            nulls_equal=nulls_equal,
            span=span,
        )
        for fields, nulls_equal, span in entries
    )


def _column(checked: CheckedResource, name: str) -> str:
    field = checked.field(name)
    return name if field is None else field.column


def _checks(checked: CheckedResource) -> tuple[CheckConstraint, ...]:
    return tuple(check for field in checked.fields for check in bound_checks(checked.table, field))


# --- indexes ------------------------------------------------------------------------------------------------------------------------


def _indexes(checked: CheckedResource, unique: Sequence[UniqueConstraint]) -> tuple[Index, ...]:
    """The indexes: keysets of sort keys, references, `index: true` and the entries of `indexes`, none that another covers."""
    table, span = checked.table, checked.file.head.value_span("resource")
    specs = {named.name: named.spec for named in checked.file.fields if named.spec is not None}
    indexes = [_index(table, (column,), (IndexKey(column), ID), span) for column in ("created_at", "updated_at")]
    for field in checked.fields:
        if field.sort and specs[field.name].index is not False:
            indexes += _keyset(table, field)
    for entry in checked.file.indexes:
        columns = tuple(_column(checked, name) for name, _ in entry.names)
        indexes.append(_index(table, columns, tuple(IndexKey(column) for column in columns), entry.span))
    covered = {index.keys[1].sql for index in indexes} | {constraint.columns[0] for constraint in unique}
    for field in checked.fields:
        if _wants_index(field, specs[field.name]) and field.column not in covered:
            indexes.append(_field_index(table, field))
    return tuple(indexes)


def _wants_index(field: Field, spec: FieldSpec) -> bool:
    """References are always indexed: deleting their target looks for them."""
    return isinstance(field.type, Reference) or spec.index is True


def _keyset(table: str, field: Field) -> list[Index]:
    """The indexes behind `sort=field` and `sort=-field`, nulls last in both."""
    expression = sort_expression(field)
    key = IndexKey(field.column) if expression is None else IndexKey(expression, is_expression=True)
    indexes = [_index(table, (field.column, "id"), (key, ID), field.span)]
    if field.nullable:
        descending = IndexKey(key.sql, key.is_expression, descending_nulls_last=True)
        last = IndexKey("id", descending_nulls_last=True)
        indexes.append(_index(table, (field.column, "desc"), (descending, last), field.span))
    return indexes


def sort_expression(field: Field) -> str | None:
    """What an enum is sorted by: the place of its value in the declared order. None for other fields, which sort by their column.

    A CASE, because row-level security keeps conditions with functions that are not leakproof (`array_position`) out of indexes.
    """
    if not isinstance(field.type, EnumType):
        return None
    column = quote_identifier(field.column)
    places = " ".join(f"WHEN {text_literal(value.value)} THEN {place}" for place, value in enumerate(field.type.values))
    return f"CASE {column} {places} END"


def _field_index(table: str, field: Field) -> Index:
    key = IndexKey(field.column)
    if isinstance(field.type, ListType):
        return Index(naming.index_name(table, (field.column,)), (key,), "gin", field.span)
    return _index(table, (field.column,), (key,), field.span)


def _index(table: str, names: Iterable[str], keys: tuple[IndexKey, ...], span: Span) -> Index:
    """A B-tree led by the owner."""
    return Index(naming.index_name(table, names), (OWNER, *keys), "btree", span)
