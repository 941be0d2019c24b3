"""Columns as PostgreSQL has them: the type of a field, its values as literals, and the default of rows that are written without it."""

from __future__ import annotations

import json
from decimal import Decimal

from generator.ir import EnumType, Field, FieldType, Generated, JsonType, JsonValue, Kind, ListType, Literally, Reference, ScalarType
from generator.sql import number_literal, text_literal, typed_literal
from generator.types import sql_type

_COLLATION = ' COLLATE "C"'


def column_type(field_type: FieldType) -> str:
    """The type of a field's column, with its collation."""
    match field_type:
        case EnumType():
            return f"text{_COLLATION}"
        case ListType(of=of):
            item = column_type(of)
            return f"{plain_type(item)}[]{_COLLATION if item.endswith(_COLLATION) else ''}"
        case JsonType():
            return "jsonb"
        case Reference():
            return "uuid"
        case scalar:
            plain = sql_type(scalar)
            return f"{plain}{_COLLATION}" if plain == "text" else plain


def plain_type(column: str) -> str:
    """A column's type without its collation, as a cast takes it."""
    return column.removesuffix(_COLLATION)


def default_sql(field: Field) -> str | None:
    """What a row gets that is written without the field, as SQL; None where that is null or refused."""
    match field.default:
        case Literally(value=value) if value is not None:
            return value_sql(field.type, value)
        case Generated(how=how):
            kind = field.type.kind if isinstance(field.type, ScalarType) else None
            now = "(now() AT TIME ZONE 'UTC')::time" if kind is Kind.TIME else "now()"
            return {"today": "(now() AT TIME ZONE 'UTC')::date", "generate": "gen_random_uuid()"}.get(how, now)
        case _:
            return None


def value_sql(field_type: FieldType, value: JsonValue | Decimal) -> str:
    """A value of a field as an SQL literal of the column's type."""
    match field_type:
        case JsonType():
            return f"{text_literal(json.dumps(value, ensure_ascii=False, allow_nan=False))}::jsonb"
        case ListType(of=of) if isinstance(value, list):
            return f"ARRAY[{', '.join(value_sql(of, item) for item in value)}]::{plain_type(column_type(of))}[]"
        case ScalarType(kind=Kind.BOOLEAN):
            return "true" if value else "false"
        case ScalarType(kind=Kind.INTEGER | Kind.BIGINT | Kind.DECIMAL):
            return number_literal(Decimal(str(value)))
        case ScalarType(kind=Kind.FLOAT):
            return f"{float(str(value))!r}::double precision"
        case ScalarType(kind=Kind.DATE | Kind.TIME | Kind.DATETIME | Kind.UUID as kind):
            return typed_literal(kind, str(value))
        case _:
            return text_literal(str(value))
