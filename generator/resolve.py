"""From checked resources to the IR: every name, constraint, index and default is settled here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations

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
    Reference,
    Resource,
    Schema,
    Search,
    Span,
    UniqueConstraint,
)
from generator.spec import FieldSpec
from generator.sql import bound_checks, quote_identifier, text_literal
from generator.validation.checked import CheckedResource, Project
from generator.validation.constraints import is_long
from generator.validation.operations import page_of

OWNER = IndexKey("user_id")
ID = IndexKey("id")


def resolve(project: Project) -> Schema:
    """The schema of a project that was validated without an error."""
    resources = sorted(project.resources, key=lambda resource: resource.name)
    relations = {resource.table for resource in resources}
    return Schema(tuple(_resource(resource, relations) for resource in resources))


def _resource(checked: CheckedResource, relations: set[str]) -> Resource:
    """One resource. `relations` are the names taken by tables and indexes of all; its own are added."""
    head = checked.file.head
    operations = {Operation(name) for name in head.operations} if head.operations is not None else set(Operation) - {Operation.BATCH}
    hooks = {name: Hook(name, head.item_span("hooks", index)) for index, name in enumerate(head.hooks)}
    primary_key = _free(naming.primary_key_name(checked.table), checked.table, relations)
    unique = tuple(_called(constraint, _free(constraint.name, ",".join(constraint.columns), relations)) for constraint in _unique(checked))
    indexes = tuple(
        _called(index, _free(index.name, ",".join(key.sql for key in index.keys), relations)) for index in _indexes(checked, unique)
    )
    return Resource(
        name=checked.name,
        module=naming.module_of(naming.snake_case(checked.name)),
        plural=checked.table,
        segment=naming.segment_of(checked.table),
        item_param=naming.item_parameter(checked.name),
        description=head.description,
        fields=_fields(checked),
        primary_key=primary_key,
        unique=unique,
        checks=_checks(checked),
        indexes=indexes,
        search=_search(checked, relations) if Operation.LIST in operations else None,
        operations=tuple(operation for operation in Operation if operation in operations),
        concurrency=head.concurrency,
        page=page_of(checked),
        hooks=tuple(hooks[name] for name in HOOKS if name in hooks),
        upsert=next((one for one in unique if head.upsert is not None and set(one.fields) == set(head.upsert)), None),
        soft_delete=head.soft_delete,
        filters=tuple((reference, field) for reference, _, field in (path.partition(".") for path in head.filters or ())),
        link=(head.link[0], head.link[1]) if head.link is not None else None,
        deprecated=checked.deprecated,
        renamed_from=head.renamed_from,
        source=checked.file.path,
        span=head.value_span("resource"),
    )


def _free(name: str, other: str, taken: set[str]) -> str:
    """The name, or where it is taken (`[a, b]` and `a_b` give the same) one that tells it apart."""
    free = name if name not in taken else naming.distinguished(name, other)
    taken.add(free)
    return free


def _called[Named: UniqueConstraint | CheckConstraint | Index](one: Named, name: str) -> Named:
    """The same under a name, which it nearly always has."""
    return one if one.name == name else replace(one, name=name)


def _fields(checked: CheckedResource) -> tuple[Field, ...]:
    """The fields; both references of a link end with their targets, and constraint names are told apart."""
    link = checked.file.head.link or ()
    taken: set[str] = set()
    fields: list[Field] = []
    for field in checked.fields.values():
        if isinstance(field.type, Reference):
            reference = replace(field.type, constraint=_free(field.type.constraint, field.column, taken))
            fields.append(replace(field, type=replace(reference, on_delete="cascade") if field.name in link else reference))
        else:
            fields.append(field)
    return tuple(fields)


# --- constraints --------------------------------------------------------------------------------------------------------------------


def _unique(checked: CheckedResource) -> list[UniqueConstraint]:
    """`unique: true` of fields, the entries of `unique`, and the pair of a link."""
    entries: list[tuple[tuple[str, ...], bool, Span]] = [
        ((name,), False, spec.key_span("unique")) for name, spec in checked.specs.items() if spec.unique
    ]
    entries += [(tuple(name for name, _ in entry.names), entry.nulls_equal, entry.span) for entry in checked.file.unique]
    link = checked.file.head.link
    if link is not None and not any(set(names) == set(link) for names, _, _ in entries):
        entries.append((link, False, checked.file.head.key_span("link")))
    return [
        UniqueConstraint(
            name=naming.unique_name(checked.table, (*fields, "present") if checked.file.head.soft_delete else fields),
            fields=fields,
            columns=tuple(checked.column(name) for name in fields),
            nulls_equal=nulls_equal,
            span=span,
        )
        for fields, nulls_equal, span in entries
    ]


def _checks(checked: CheckedResource) -> tuple[CheckConstraint, ...]:
    """The CHECKs of the fields' bounds, those that computed values fit their types, then those of the rules."""
    checks = [check for field in checked.fields.values() if field.computed is None for check in bound_checks(checked.table, field)]
    checks += [
        CheckConstraint(
            name=naming.check_name(checked.table, name, "range"),
            sql=rule.sql,
            columns=rule.columns,
            message=f"The value of `{name}` that this gives is out of range.",
            column=None,
            rule_name=None,
            rule_python=rule.python,
            span=checked.fields[name].span,
            rule_imports=rule.imports,
        )
        for name, rule in checked.ranges.items()
    ]
    for spec in checked.file.checks:
        rule = checked.rules[spec.name]
        checks.append(
            CheckConstraint(
                name=naming.rule_name(checked.table, spec.name),
                sql=rule.sql,
                columns=rule.columns,
                message=spec.message,
                column=None,
                rule_name=spec.name,
                rule_python=rule.python,
                span=spec.value_span("name"),
                rule_imports=rule.imports,
                holds_empty=rule.holds_empty,
            )
        )
    taken: set[str] = set()
    return tuple(_called(check, _free(check.name, check.sql, taken)) for check in checks)


# --- indexes ------------------------------------------------------------------------------------------------------------------------


def _indexes(checked: CheckedResource, unique: Sequence[UniqueConstraint]) -> list[Index]:
    """The indexes: keysets of sort keys, the entries of `indexes`, links, inverses, references, `index: true`; none that another covers.

    That of deleted rows is the one that does not begin with the owner: those of all users are purged together.
    """
    table, span = checked.table, checked.file.head.value_span("resource")
    whole = () if checked.file.head.soft_delete else unique  # those of rows that are not deleted cover no others
    indexes = [_index(table, (column,), (IndexKey(column), ID), span) for column in ("created_at", "updated_at")]
    for field in checked.fields.values():
        if field.sort and checked.specs[field.name].index is not False and not is_long(field):
            indexes += _keyset(table, field)
    head = checked.file.head
    wanted = [(tuple(checked.column(name) for name, _ in entry.names), entry.span) for entry in checked.file.indexes]
    # One that has the other's column as well is as cheap to read, and so always chosen.
    wanted += [(pair, head.key_span("link")) for pair in permutations((checked.column(name) for name in head.link or ()), 2)]
    wanted += [
        ((field.column, "created_at", "id"), field.span)
        for field in checked.fields.values()
        if isinstance(field.type, Reference) and field.type.inverse is not None
    ]
    for columns, place in wanted:
        if not _covered(columns, indexes, whole):
            indexes.append(_index(table, columns, tuple(IndexKey(column) for column in columns), place))
    for field in checked.fields.values():
        if _wants_index(field, checked.specs[field.name]) and not _covered((field.column,), indexes, whole):
            indexes.append(_field_index(table, field))
    if checked.file.head.soft_delete:
        name, key = naming.index_name(table, (naming.DELETED_AT,)), IndexKey(naming.DELETED_AT)
        indexes.append(Index(name, (key,), "btree", span, where=f"{naming.DELETED_AT} IS NOT NULL"))
    return indexes


def _covered(columns: tuple[str, ...], indexes: Iterable[Index], unique: Iterable[UniqueConstraint]) -> bool:
    """Whether another index begins with the same columns in the same order."""
    wanted = (OWNER, *(IndexKey(column) for column in columns))
    return any(index.keys[: len(wanted)] == wanted for index in indexes) or any(
        constraint.columns[: len(columns)] == columns for constraint in unique
    )


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


def _search(checked: CheckedResource, relations: set[str]) -> Search | None:
    """What the lists of a resource can be searched by."""
    fields = [field for field in checked.fields.values() if field.search]
    if not fields:
        return None
    columns = tuple(field.column for field in fields)
    name = _free(naming.index_name(checked.table, ("search",)), ",".join(columns), relations)
    return Search(name, checked.file.head.search_language, columns, fields[0].span)


def _field_index(table: str, field: Field) -> Index:
    key = IndexKey(field.column)
    if isinstance(field.type, ListType):
        return Index(naming.index_name(table, (field.column,)), (key,), "gin", field.span)
    return _index(table, (field.column,), (key,), field.span)


def _index(table: str, names: Iterable[str], keys: tuple[IndexKey, ...], span: Span) -> Index:
    """A B-tree led by the owner."""
    return Index(naming.index_name(table, names), (OWNER, *keys), "btree", span)
