"""Renames: what `renamed_from` says, and a database in which they are done already, so that it can be compared with the new one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace

from generator.ir import EnumType, Schema
from generator.migrations.database import Constraint, Database, Table
from generator.records import record
from generator.sql import quote_identifier

_TOKEN = re.compile(r"""E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_]*""", re.DOTALL)


@record
class Renames:
    """Old names by the new ones: of resources, of fields by (new resource, new field), of enum values by (resource, field, value)."""

    resources: Mapping[str, str] = field(default_factory=dict[str, str])
    fields: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    values: Mapping[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])

    def reversed(self) -> Renames:
        """The renames that take these back."""
        back = {old: new for new, old in self.resources.items()}
        fields = {(self.resources.get(resource, resource), old): new for (resource, new), old in self.fields.items()}
        values = {
            (self.resources.get(resource, resource), self.fields.get((resource, name), name), old): new
            for (resource, name, new), old in self.values.items()
        }
        return Renames(back, fields, values)


def renames_of(schema: Schema, old: Database) -> Renames:
    """The renames of the specs that the old database has not seen yet: their old name is there, and the new one is not.

    A new resource that takes over the table of one that is gone is that one, whether it says so or not.
    """
    resources: dict[str, str] = {}
    fields: dict[tuple[str, str], str] = {}
    values: dict[tuple[str, str, str], str] = {}
    names = {resource.name for resource in schema.resources}
    for resource in schema.resources:
        if old.table(resource.name) is None:
            heir = next((table.resource for table in old.tables if table.name == resource.plural), None)
            for name in (resource.renamed_from, heir):
                if name and old.table(name) and name not in names and name not in resources.values():
                    resources[resource.name] = name
                    break
        table = old.table(resources.get(resource.name, resource.name))
        if table is None:
            continue
        present = {one.name for one in resource.fields}
        for one in resource.fields:
            if one.renamed_from and table.column(one.name) is None and table.column(one.renamed_from) and one.renamed_from not in present:
                fields[resource.name, one.name] = one.renamed_from
            column = table.column(fields.get((resource.name, one.name), one.name))
            if column is None or not isinstance(one.type, EnumType):
                continue
            now = {value.value for value in one.type.values}
            for value in one.type.values:
                if value.renamed_from in column.values and value.value not in column.values and value.renamed_from not in now:
                    values[resource.name, one.name, value.value] = value.renamed_from or ""
    return Renames(resources, fields, values)


def renamed(old: Database, new: Database, renames: Renames) -> Database:
    """The old database with the names of the new one: of tables and columns, also where constraints and indexes mention them."""
    resources = {before: after for after, before in renames.resources.items()}
    tables: dict[str, str] = {}
    for table in old.tables:
        target = new.table(resources.get(table.resource, table.resource))
        if target is not None:
            tables[table.name] = target.name
    return Database(tuple(_table(table, new, resources.get(table.resource, table.resource), tables, renames) for table in old.tables))


def _table(table: Table, new: Database, resource: str, tables: Mapping[str, str], renames: Renames) -> Table:
    fields = {before: after for (owner, after), before in renames.fields.items() if owner == resource}
    target = new.table(resource)
    columns: dict[str, str] = {}
    for column in table.columns:
        after = target.column(fields.get(column.field, column.field)) if target and column.field else None
        if after is not None and after.name != column.name:
            columns[column.name] = after.name
    return Table(
        name=tables.get(table.name, table.name),
        resource=resource,
        columns=tuple(
            replace(
                column,
                name=columns.get(column.name, column.name),
                field=fields.get(column.field, column.field),
                computed=column.computed and substitute(column.computed, columns),
            )
            for column in table.columns
        ),
        constraints=tuple(replace(one, sql=_constraint(one, columns, tables)) for one in table.constraints),
        indexes=tuple(replace(index, sql=substitute(index.sql, columns)) for index in table.indexes),
        search=table.search,
        purge=table.purge,
        purge_edition=table.purge_edition,
        protection=table.protection,
    )


def _constraint(constraint: Constraint, columns: Mapping[str, str], tables: Mapping[str, str]) -> str:
    if constraint.kind != "foreign":
        return substitute(constraint.sql, columns)
    own, _, target = constraint.sql.partition(" REFERENCES ")
    return f"{substitute(own, columns)} REFERENCES {substitute(target, tables)}"


def substitute(sql: str, names: Mapping[str, str]) -> str:
    """SQL with other identifiers; literals stay as they are."""

    def one(match: re.Match[str]) -> str:
        token = match[0]
        if token[0] == "'" or token[:2] == "E'":
            return token
        name = token[1:-1].replace('""', '"') if token[0] == '"' else token
        return quote_identifier(names[name]) if name in names else token

    return _TOKEN.sub(one, sql) if names else sql


def mentions(sql: str, names: set[str]) -> bool:
    """Whether SQL has one of these identifiers."""
    return substitute(sql, dict.fromkeys(names, "")) != sql
