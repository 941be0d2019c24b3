"""Computed fields: their expressions over the other fields of the resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from generator.diagnostics import Diagnostic, error
from generator.expressions import Computation, Rule, compile_value, rule_columns
from generator.ir import Bounds, Computed, EnumType, Field, Kind, ScalarType
from generator.records import record
from generator.spec import FieldSpec
from generator.types import SCALARS


@record
class Completed:
    """All fields, the computed ones with what they are made of; `ranges` are the rules that their values fit their types, by field."""

    fields: Mapping[str, Field]
    ranges: Mapping[str, Rule]
    diagnostics: tuple[Diagnostic, ...]


def complete(table: str, fields: Mapping[str, Field], specs: Mapping[str, FieldSpec], failed: frozenset[str]) -> Completed:
    """Compile the expressions of the computed fields. Those that fail are left out, without a word where they name one of `failed`."""
    plain = {name: field for name, field in fields.items() if specs[name].computed is None}
    if len(plain) == len(fields):
        return Completed(fields, {}, ())
    columns = rule_columns(plain.values())
    done: dict[str, Field] = {}
    ranges: dict[str, Rule] = {}
    diagnostics: list[Diagnostic] = []
    for name, field in fields.items():
        spec = specs[name]
        if spec.computed is None:
            done[name] = field
            continue
        if failed & set(re.findall(r"\w+", spec.computed)) or not isinstance(field.type, ScalarType):
            continue
        before = None if spec.stored else table
        computation = compile_value(spec.computed, spec.value_span("computed"), columns, field.type, table=before)
        if isinstance(computation, Computation):
            found = list(_unfit(field, spec, computation))
            type_ = _measured(field.type, computation, plain)
            if type_ is None:
                found.append(_too_long(field, spec))
            else:
                computed = Computed(computation.sql, spec.stored, computation.python, computation.imports)
                done[name] = replace(field, type=type_, computed=computed)
            if computation.range is not None:
                ranges[name] = computation.range
            diagnostics += found
        else:
            diagnostics += without_computed(computation, fields.keys() - plain.keys())
    return Completed(done, ranges, tuple(diagnostics))


def without_computed(diagnostics: tuple[Diagnostic, ...], computed: set[str]) -> tuple[Diagnostic, ...]:
    """The same diagnostics; one about an unknown field that is a computed one says so."""
    hint = "computed fields are not seen here; write out what it is computed from"
    return tuple(
        replace(found, hint=hint) if found.code == "RS411" and any(f"`{name}`" in found.message for name in computed) else found
        for found in diagnostics
    )


def _unfit(field: Field, spec: FieldSpec, computation: Computation) -> list[Diagnostic]:
    if not computation.nullable or field.nullable or "nullable" in spec.broken:
        return []
    message = f"the computed field `{field.name}` can be null, because what it is computed from can"
    return [error("RS419", message, spec.value_span("computed"), "not nullable", hint="add `nullable: true`")]


def _measured(scalar: ScalarType, computation: Computation, plain: Mapping[str, Field]) -> ScalarType | None:
    """The type with the length that its texts have at most; None where a `string` could be longer than any."""
    if not SCALARS[scalar.kind].textual:
        return scalar
    lengths = [_length(field) for field in plain.values() if field.column in computation.columns]
    longest = None if None in lengths else max(length for length in lengths if length is not None)
    if longest is None and scalar.kind is Kind.STRING:
        return None
    return replace(scalar, bounds=Bounds(max_length=longest))


def _length(field: Field) -> int | None:
    match field.type:
        case EnumType(values=values):
            return max(len(value.value) for value in values)
        case ScalarType(kind=kind, bounds=bounds):
            return bounds.max_length if bounds.max_length is not None else SCALARS[kind].max_length
        case _:
            return None


def _too_long(field: Field, spec: FieldSpec) -> Diagnostic:
    message = f"the computed field `{field.name}` is a `string`, but its texts have no longest length"
    return error(
        "RS418",
        message,
        spec.value_span("type"),
        "too short",
        hint="write `type: text`, or give the field that it is computed from a `max_length`",
    )
