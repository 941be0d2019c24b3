"""The API of a schema as its clients see it: flat, so that what merely moved inside the specs is no difference.

Every element has a key that is made of what stands on the wire — the URL segment of the resource, the method, the JSON key — and the place
in the specs that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from decimal import Decimal

from generator.ir import (
    EnumType,
    Field,
    FieldType,
    Generated,
    JsonType,
    Kind,
    ListType,
    Literally,
    Operation,
    Reference,
    Resource,
    Schema,
    Search,
    Span,
    UniqueConstraint,
)
from generator.naming import DELETED_AT
from generator.plan.relations import Relations, relations_of
from generator.plan.values import operators
from generator.records import record
from generator.types import SCALARS

BODIES = {Operation.CREATE: "POST", Operation.REPLACE: "PUT", Operation.UPDATE: "PATCH"}
"""The operations whose body has the resource's fields, with the method that a client knows them by."""

_NUMBERS = {Kind.INTEGER: "integer", Kind.BIGINT: "integer", Kind.FLOAT: "number", Kind.DECIMAL: "decimal"}

type Limit = Decimal | str


@record
class Shape:
    """The values that a field or a parameter can have.

    `lower` and `upper` are limits by name (`min_length`, `ge` …), of which a higher lower one and a lower upper one let less through;
    `others` are constraints that can only be equal or not (`pattern`). `width` tells numbers apart that clients keep in different types.
    """

    type: str
    width: str = ""
    nullable: bool = False
    values: frozenset[str] | None = None
    lower: Mapping[str, Limit] = field(default_factory=dict[str, Limit])
    upper: Mapping[str, Limit] = field(default_factory=dict[str, Limit])
    others: Mapping[str, str] = field(default_factory=dict[str, str])


@record
class Place:
    """What an element is called in a sentence, and where it stands in the specs."""

    name: str
    span: Span


@record
class Input:
    """A field of request bodies. `default` is the text of what a missing one gets; None where it is required or stays as it is."""

    place: Place
    shape: Shape
    required: bool
    default: str | None


@record
class Output:
    """A field of answers."""

    place: Place
    shape: Shape


@record
class Route:
    """A method and a path, and the operationId that names it in generated clients."""

    place: Place
    operation_id: str


@record
class RowRule:
    """What rows must hold beyond their fields: a unique constraint, a check, what a delete does.

    `meaning` tells two of one key apart. A check holds where all of `empty` are null, unless there is none.
    """

    place: Place
    meaning: str
    empty: tuple[str, ...] = ()


@record
class Section:
    """The API of one resource, by its URL segment.

    The keys: of `routes` the method and path; of `inputs` the JSON key and the method; of `outputs` the JSON key; of `filters` the
    parameter; of `sorts` and `expansions` the name; of `ranks` a sort key with the values of its enum in their order; of `searches` `q`; of
    `upserts` the method; of `computed` the JSON key; of `uniques` the columns; of `checks` the name; of `deletes` the reference.
    """

    place: Place
    routes: Mapping[str, Route]
    inputs: Mapping[tuple[str, str], Input]
    outputs: Mapping[str, Output]
    filters: Mapping[str, Output]
    sorts: Mapping[str, Place]
    ranks: Mapping[str, tuple[str, ...]]
    searches: Mapping[str, RowRule]
    expansions: Mapping[str, Place]
    upserts: Mapping[str, RowRule]
    computed: Mapping[str, RowRule]
    uniques: Mapping[tuple[str, ...], RowRule]
    checks: Mapping[str, RowRule]
    deletes: Mapping[str, RowRule]
    deprecated: Mapping[str, Place]
    page_default: int
    page_max: int
    if_match_required: bool


def surface(schema: Schema) -> dict[str, Section]:
    """The API of a schema, a section a resource by its URL segment."""
    relations = relations_of(schema)
    return {resource.segment: _section(resource, relations[resource.name]) for resource in schema.resources}


def _section(resource: Resource, relations: Relations) -> Section:
    fields = resource.fields
    lists = Operation.LIST in resource.operations
    places = {one.name: Place(f"{resource.name}.{one.column}", one.span) for one in fields}
    columns = {one.name: one.column for one in fields}
    here = Place(resource.name, resource.span)
    return Section(
        place=here,
        routes=dict(_routes(resource, relations)),
        inputs={
            (one.column, BODIES[operation]): _input(one, operation, places[one.name])
            for operation in BODIES
            if operation in resource.operations
            for one in fields
            if one.write == "always" or (one.write == "once" and operation is Operation.CREATE)
        },
        outputs=_deletion(resource) | {one.column: Output(places[one.name], _shape(one)) for one in fields if one.readable},
        filters=({f"{DELETED_AT}__isnull": Output(here, Shape("boolean"))} if resource.soft_delete and lists else {})
        | {name: Output(places[one.name], _shape(one)) for one in fields if one.filter and lists for name in _parameters(one)}
        | dict(_filters_through(resource, relations)),
        sorts={one.column: places[one.name] for one in fields if one.sort and lists},
        ranks={
            one.column: tuple(value.value for value in one.type.values)
            for one in fields
            if one.sort and lists and isinstance(one.type, EnumType)
        },
        searches={} if resource.search is None else {"q": _searches(resource.name, resource.search)},
        expansions={one.name: places.get(one.name, here) for one in relations.expansions},
        upserts={} if resource.upsert is None else {"PUT": _upserts(resource.name, resource.upsert)},
        computed={one.column: RowRule(places[one.name], one.computed.sql) for one in fields if one.computed is not None and one.readable},
        uniques={
            tuple(sorted(one.columns)): RowRule(
                Place(f"{resource.name} ({', '.join(columns[name] for name in one.fields)})", one.span),
                "nulls equal" if one.nulls_equal else "nulls distinct",
            )
            for one in resource.unique
        },
        checks={
            one.rule_name: RowRule(Place(f"{resource.name} {one.rule_name}", one.span), one.sql, one.columns if one.holds_empty else ())
            for one in resource.checks
            if one.rule_name is not None
        },
        deletes={one.column: RowRule(places[one.name], one.type.on_delete) for one in fields if isinstance(one.type, Reference)},
        deprecated={one.column: places[one.name] for one in fields if one.deprecated} | ({"": here} if resource.deprecated else {}),
        page_default=resource.page.default,
        page_max=resource.page.max,
        if_match_required=resource.concurrency == "required",
    )


def _deletion(resource: Resource) -> dict[str, Output]:
    """The key of answers that says when a row was deleted."""
    if not resource.soft_delete:
        return {}
    return {DELETED_AT: Output(Place(f"{resource.name}.{DELETED_AT}", resource.span), Shape("datetime", nullable=True))}


def _routes(resource: Resource, relations: Relations) -> Iterator[tuple[str, Route]]:
    rows, row = f"/{resource.segment}", f"/{resource.segment}/{{id}}"
    one, many = resource.module.rstrip("_"), resource.plural
    plain = {
        Operation.LIST: (f"GET {rows}", f"list_{many}"),
        Operation.GET: (f"GET {row}", f"get_{one}"),
        Operation.CREATE: (f"POST {rows}", f"create_{one}"),
        Operation.REPLACE: (f"PUT {row}", f"replace_{one}"),
        Operation.UPDATE: (f"PATCH {row}", f"update_{one}"),
        Operation.DELETE: (f"DELETE {row}", f"delete_{one}"),
    }
    for operation, (path, operation_id) in plain.items():
        if operation in resource.operations:
            yield path, Route(Place(f"{operation_id} ({path})", resource.span), operation_id)
    if resource.soft_delete and Operation.DELETE in resource.operations:
        path = f"POST {row}/restore"
        yield path, Route(Place(f"restore_{one} ({path})", resource.span), f"restore_{one}")
    if Operation.BATCH in resource.operations:
        yield f"POST {rows}/batch", Route(Place(f"batch_{many} (POST {rows}/batch)", resource.span), f"batch_{many}")
    if resource.upsert is not None:
        yield f"PUT {rows}", Route(Place(f"upsert_{one} (PUT {rows})", resource.upsert.span), f"upsert_{one}")
    if Operation.LIST in resource.operations:
        path = f"GET {rows}/aggregate"
        yield path, Route(Place(f"aggregate_{many} ({path})", resource.span), f"aggregate_{many}")
    for parent in relations.parents:
        operation_id = f"list_{parent.inverse}_of_{parent.target.module.rstrip('_')}"
        path = f"GET /{parent.target.segment}/{{id}}/{parent.inverse}"
        yield path, Route(Place(f"{operation_id} ({path})", parent.field.span), operation_id)
    if relations.link is not None:
        first, second = relations.link
        for method, verb, operation in (("PUT", "link", Operation.CREATE), ("DELETE", "unlink", Operation.DELETE)):
            if operation in resource.operations:
                path = f"{method} /{first.target.segment}/{{id}}/{second.target.segment}/{{id}}"
                yield path, Route(Place(f"{verb}_{one} ({path})", resource.span), f"{verb}_{one}")


def _filters_through(resource: Resource, relations: Relations) -> Iterator[tuple[str, Output]]:
    for one in relations.through:
        place = Place(f"{resource.name}.{one.end.field.name}.{one.field.name}", one.end.field.span)
        for operator in operators(replace(one.field, nullable=one.field.nullable or one.end.field.nullable)):
            yield f"{one.name}__{operator}" if operator else one.name, Output(place, _shape(one.field))


def _parameters(one: Field) -> Iterator[str]:
    for operator in operators(one):
        yield f"{one.column}__{operator}" if operator else one.column


def _searches(resource: str, search: Search) -> RowRule:
    language = "" if search.language == "simple" else f" in {search.language}"
    return RowRule(Place(f"{resource} q", search.span), ", ".join(search.columns) + language)


def _upserts(resource: str, key: UniqueConstraint) -> RowRule:
    return RowRule(Place(f"{resource} upsert", key.span), ", ".join(key.fields))


def _input(one: Field, operation: Operation, place: Place) -> Input:
    if operation is Operation.UPDATE:
        return Input(place, _shape(one), required=False, default=None)
    match one.default:
        case Literally(value=value):
            default = str(value)
        case Generated(how=how):
            default = how
        case None:
            default = "null" if one.nullable else None
    return Input(place, _shape(one), required=one.required, default=default)


def _shape(one: Field) -> Shape:
    bare = _bare_shape(one.type)
    return Shape(bare.type, bare.width, one.nullable, bare.values, bare.lower, bare.upper, bare.others)


def _bare_shape(field_type: FieldType) -> Shape:
    match field_type:
        case EnumType(values=values):
            return Shape("string", values=frozenset(value.value for value in values))
        case ListType(of=of, min_items=low, max_items=high):
            item = _bare_shape(of)
            lower = {f"{name} of an item": limit for name, limit in item.lower.items()} | ({"min_items": Decimal(low)} if low else {})
            upper = {f"{name} of an item": limit for name, limit in item.upper.items()} | {"max_items": Decimal(high)}
            others = {f"{name} of an item": text for name, text in item.others.items()}
            return Shape(f"list of {item.type}", item.width, values=item.values, lower=lower, upper=upper, others=others)
        case JsonType():
            return Shape("any JSON")
        case Reference():
            return Shape("uuid")
        case scalar:
            bounds, row = scalar.bounds, SCALARS[scalar.kind]
            textual = row.textual
            lower: dict[str, Limit] = {name: limit for name in ("ge", "gt") if (limit := getattr(bounds, name)) is not None}
            upper: dict[str, Limit] = {name: limit for name in ("le", "lt") if (limit := getattr(bounds, name)) is not None}
            if row.range is not None:
                if not lower:
                    lower["ge"] = Decimal(row.range[0])
                if not upper:
                    upper["le"] = Decimal(row.range[1])
            if bounds.min_length:
                lower["min_length"] = Decimal(bounds.min_length)
            longest = bounds.max_length if bounds.max_length is not None else row.max_length
            if longest is not None:
                upper["max_length"] = Decimal(longest)
            if scalar.precision is not None and scalar.scale is not None:
                upper |= {"digits before the point": Decimal(scalar.precision - scalar.scale), "scale": Decimal(scalar.scale)}
            others = {name: str(value) for name in ("pattern", "multiple_of") if (value := getattr(bounds, name)) is not None}
            if scalar.kind in {Kind.EMAIL, Kind.URL}:
                others["format"] = scalar.kind.value
            width = scalar.kind.value if scalar.kind in _NUMBERS else ""
            return Shape(
                "string" if textual else _NUMBERS.get(scalar.kind, scalar.kind.value), width, lower=lower, upper=upper, others=others
            )
