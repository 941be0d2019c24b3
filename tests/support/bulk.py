"""Many rows at once, made by PostgreSQL itself: as many as a request must not notice."""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.ir import EnumType, Field, JsonType, Kind, ListType, Reference, Resource, ScalarType, Schema
from tests.support.database import Database

SPREAD = "(n * 7919 % 100003)"
"""A number that has nothing to do with the order of the rows."""


def row_id(number: int | str) -> str:
    """SQL of the id of the row with this number, which each table and each user has."""
    return f"('00000000-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def fill(database: Database, schema: Schema, owners: str, values: Mapping[str, Mapping[str, str]]) -> None:
    """Insert rows into each table, past row-level security and foreign keys.

    Args:
        database: Where to.
        schema: The resources.
        owners: SQL that selects the users and how many rows in each table each of them gets: (owner, rows).
        values: SQL in `n` (0, 1, … within a user and table) for some columns, by table and column; the others get plausible values.
    """
    statements = ["SET session_replication_role = replica"]  # no foreign keys to check: rows refer to rows that come later
    for resource in schema.resources:
        columns = {
            "user_id": "owner",
            "id": row_id("n"),
            "created_at": "timestamptz '2026-01-01T00:00:00Z' + n * interval '1 second'",
            "updated_at": f"timestamptz '2026-06-01T00:00:00Z' + {SPREAD} * interval '1 second'",
            "version": "1",
            **{field.column: _value(resource, field) for field in resource.fields if field.computed is None},
            **values.get(resource.plural, {}),
        }
        names, expressions = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
        statements.append(
            f'INSERT INTO "{resource.plural}" ({names}) SELECT {expressions}'
            f" FROM ({owners}) AS owners (owner, rows), generate_series(0, rows - 1) AS n"
        )
    database.execute(";\n".join(statements) + ";\nRESET session_replication_role;\nVACUUM ANALYZE;")


def _value(resource: Resource, field: Field) -> str:
    value = _some(resource, field)
    if not field.nullable:
        return value
    nulls = "n % 100 >= 8" if field.sort else "n % 10 = 9"  # of 100,000 rows an offset of 8,000 leads to the nulls
    return f"CASE WHEN {nulls} THEN NULL ELSE {value} END"


def _some(resource: Resource, field: Field) -> str:
    match field.type:
        case ScalarType():
            return _scalar(field.type)
        case EnumType(values=values):
            words = ", ".join(f"'{value.value}'" for value in values)
            return f"(ARRAY[{words}])[1 + {SPREAD} % {len(values)}]"
        case ListType(of=of):
            return f"ARRAY[{_scalar(of)}]" if isinstance(of, ScalarType) else "'{}'"
        case JsonType():
            return "'{}'::jsonb"
        case Reference():  # the second end of a link is another row than the first
            return row_id("n * 7 % rows" if resource.link and resource.link[1] == field.name else "n / 10")


def _scalar(scalar: ScalarType) -> str:
    match scalar.kind:
        case Kind.STRING | Kind.TEXT:
            if scalar.bounds.pattern is None or re.search(scalar.bounds.pattern, "x-1"):
                return f"'x-' || {SPREAD}"
            return "'#3366ff'"
        case Kind.INTEGER | Kind.BIGINT | Kind.DECIMAL:
            return f"{SPREAD} % 100"
        case Kind.FLOAT:
            return f"({SPREAD} % 100) / 10.0"
        case Kind.BOOLEAN:
            return f"{SPREAD} % 2 = 0"
        case Kind.DATE:
            return f"date '2026-01-01' + ({SPREAD} % 1000)::integer"
        case Kind.TIME:
            return f"time '00:00' + ({SPREAD} % 86400) * interval '1 second'"
        case Kind.DATETIME:
            return f"timestamptz '2026-01-01T00:00:00Z' + {SPREAD} * interval '1 hour'"
        case Kind.UUID:
            return row_id("n")
        case Kind.EMAIL:
            return f"'user' || {SPREAD} % 100 || '@example.org'"
        case Kind.URL:
            return f"'https://example.org/' || {SPREAD}"
