"""Types and values of a field as Python source, shared by the plans of models and routes."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from generator.imports import Names
from generator.ir import Deprecation, EnumType, Field, FieldType, JsonValue, Kind, ListType, Resource, ScalarType
from generator.literals import header_docstring, literal, text
from generator.types import EQUALITY, SCALARS


class Planner(Protocol):
    """A plan that writes values into its module."""

    names: Names

    def enum(self, name: str) -> str:
        """What an enum class is called in the module."""
        ...


def operators(field: Field) -> tuple[str, ...]:
    """The query operators of a filterable field; "" is equality."""
    match field.type:
        case ScalarType(kind=kind):
            found = SCALARS[kind].operators
        case ListType():
            found = ("contains",)
        case _:
            found = EQUALITY
    return (*found, "isnull") if field.nullable else found


def default_literal(field_type: FieldType, value: JsonValue | Decimal, planner: Planner) -> str:
    """A spec's default as the Python value that the field holds."""
    match field_type:
        case EnumType(class_name=name, values=members):
            member = next(member.member for member in members if member.value == value)
            return f"{planner.enum(name)}.{member}"
        case ListType(of=of) if isinstance(value, list):
            return "[" + ", ".join(default_literal(of, item, planner) for item in value) + "]"
        case ScalarType(kind=Kind.DECIMAL):
            return f"{planner.names.use('decimal', 'Decimal')}({decimal_argument(Decimal(str(value)))})"
        case ScalarType(kind=Kind.UUID):
            return f"{planner.names.use('uuid', 'UUID')}({text(str(value))})"
        case ScalarType(kind=Kind.DATE | Kind.TIME | Kind.DATETIME as kind):
            return f"{planner.names.use('datetime', SCALARS[kind].python)}.fromisoformat({text(str(value))})"
        case ScalarType(kind=Kind.FLOAT):
            return repr(float(str(value)))
        case _:
            return literal(value)


def decimal_argument(value: Decimal) -> str:
    """What `Decimal(…)` takes for an exact value: an int where it is one, else text."""
    plain = format(value, "f")
    return plain if value == value.to_integral_value() and "." not in plain else text(plain)


def header(resource: Resource) -> str:
    """The docstring of a generated module: what it is, where it comes from and where to extend it."""
    summary = " ".join((resource.description or resource.name).split())
    source = f"Generated from {resource.source}. Do not edit: change the spec and run `rowsmith generate`."
    return header_docstring(f"{resource.name}: {summary}", f"{source} Extend in app/extensions/{resource.module}.py.")


def described(description: str | None, deprecation: Deprecation | None) -> str:
    """A description in one line, with since when its subject is deprecated, until when it stays, and why; empty when there is none."""
    sentences = [description or ""]
    if deprecation is not None and deprecation != Deprecation():
        since = f" since {deprecation.since}" if deprecation.since else ""
        sunset = f", served until {deprecation.sunset}" if deprecation.sunset else ""
        if not sentences[0].rstrip().endswith(_ENDS):
            sentences[0] = f"{sentences[0].rstrip()}." if sentences[0].strip() else ""
        sentences += [f"Deprecated{since}{sunset}.", deprecation.reason or ""]
    return " ".join(" ".join(sentences).split())


_ENDS = (".", "!", "?")
