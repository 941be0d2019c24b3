"""Rows that keep the constraints of a schema, and what became of them after a migration."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from generator.ir import Field, Kind, Reference, Resource, ScalarType, Schema
from generator.samples import NoSampleError, sample_value
from tests.support.database import Database, OpenDatabase

type Row = dict[str, Any]
type Rows = dict[str, list[Row]]

_AWKWARD = ("", "it's", 'say "x"', "back\\slash", "100%_", "a:b %s", "né \U0001f642", "two\nlines", "NULL", "{a,b}")
_fills = itertools.count(1)


def fill(database: Database | OpenDatabase, schema: Schema, count: int) -> None:
    """Add up to `count` rows to each table, of several users: with nulls, references to rows of the same user, and awkward texts.

    Where deleted rows are kept, some are deleted. A row that a unique constraint has no room for is left out. The rules of `checks` are
    not solved: the samples have to keep them.
    """
    number = next(_fills)
    users = max(3, count // 100)
    for resource in _parents_first(schema):
        references = [field.type for field in resource.fields if isinstance(field.type, Reference)]
        targets = {reference.target: _ids(database, schema.resource(reference.target)) for reference in references}
        rows = [row for n in range(1, count + 1) if (row := _row(resource, number, n, f"user-{n % users}", targets)) is not None]
        if rows:
            columns = ", ".join(f'"{name}"' for name in rows[0])
            table = f'"{resource.plural}"'
            values = json.dumps(rows).replace("'", "''")
            source = f"json_populate_recordset(NULL::{table}, '{values}')"
            database.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {source} ON CONFLICT DO NOTHING")
    for resource in reversed(list(_parents_first(schema))):
        if resource.soft_delete:
            _delete_some(database, schema, resource)


def _delete_some(database: Database | OpenDatabase, schema: Schema, resource: Resource) -> None:
    """Delete every third row of those to which only deleted ones refer."""
    free = ["row_.deleted_at IS NULL", "abs(hashtext(row_.id::text)) % 3 = 0"]
    for other in schema.resources:
        for field in other.fields:
            if isinstance(field.type, Reference) and field.type.target == resource.name:
                present = " AND other_.deleted_at IS NULL" if other.soft_delete else ""
                refers = f'other_.user_id = row_.user_id AND other_."{field.column}" = row_.id'
                free.append(f'NOT EXISTS (SELECT FROM "{other.plural}" AS other_ WHERE {refers}{present})')
    database.execute(f"""UPDATE "{resource.plural}" AS row_ SET deleted_at = '2026-02-01T00:00:00Z' WHERE {" AND ".join(free)}""")


def all_rows(database: Database | OpenDatabase, tables: list[str]) -> Rows:
    """Every row of these tables by table, each as PostgreSQL writes it in JSON, in the order of their keys."""
    found: Rows = {}
    for table in tables:
        text = database.execute(f"""SELECT json_agg(to_jsonb(t) ORDER BY user_id COLLATE "C", id) FROM "{table}" t""")
        found[table] = json.loads(text) if text else []
    return found


def _parents_first(schema: Schema) -> Iterator[Resource]:
    """The resources, each after those that its required references lead to."""
    waiting = list(schema.resources)
    while waiting:
        names = {resource.name for resource in waiting}
        ready = next(one for one in waiting if not _needed(one) & names)
        waiting.remove(ready)
        yield ready


def _needed(resource: Resource) -> set[str]:
    """The other resources that its rows cannot be without."""
    targets = {field.type.target for field in resource.fields if isinstance(field.type, Reference) and not field.nullable}
    return targets - {resource.name}


def _ids(database: Database | OpenDatabase, resource: Resource) -> dict[str, list[str]]:
    """Up to fifty ids of each user, none of a deleted row."""
    present = " WHERE deleted_at IS NULL" if resource.soft_delete else ""
    numbered = f'SELECT *, row_number() OVER (PARTITION BY user_id) AS number_ FROM "{resource.plural}"{present}'
    query = f"SELECT user_id, id FROM ({numbered}) AS all_ WHERE number_ <= 50"
    found: dict[str, list[str]] = {}
    for line in database.execute(query).splitlines():
        user, _, identifier = line.partition("|")
        found.setdefault(user, []).append(identifier)
    return found


def _row(resource: Resource, fill_number: int, n: int, user: str, targets: dict[str, dict[str, list[str]]]) -> Row | None:
    """A row, or None where a reference that it needs has nothing to refer to."""
    moment = "2026-01-01T00:00:00Z"
    identifier = f"{fill_number:08x}-0000-7000-8000-{n:012x}"
    row: Row = {"user_id": user, "id": identifier, "created_at": moment, "updated_at": moment, "version": 1}
    for position, field in enumerate(resource.fields):
        if field.computed is not None:
            continue
        value = _reference(targets[field.type.target].get(user, []), n + position) if isinstance(field.type, Reference) else None
        if isinstance(field.type, Reference):
            if value is None and not field.nullable:
                return None
            row[field.column] = None if field.nullable and n % 4 == 3 else value
        else:
            row[field.column] = None if field.nullable and (n + position) % 3 == 2 else _value(field, n)
    return row


def _reference(ids: list[str], n: int) -> str | None:
    return ids[n * 7 % len(ids)] if ids else None


def _value(field: Field, n: int) -> Any:
    if isinstance(field.type, ScalarType) and field.type.kind in {Kind.STRING, Kind.TEXT}:
        bounds = field.type.bounds
        text = f"{_AWKWARD[n % len(_AWKWARD)]}{n if n > 20 else ''}"
        if bounds.pattern is None and (bounds.min_length or 0) <= len(text) <= (bounds.max_length or 255):
            return text
    try:
        return sample_value(field, n + 1)
    except NoSampleError:
        return sample_value(field)
