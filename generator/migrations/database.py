"""The database that a schema stands for, as data: tables, columns, constraints and indexes with their SQL.

It is what a revision is made from, and it is kept beside the revisions as JSON: the state that the last one leads to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Literal

from generator.columns import column_type, default_sql, value_sql
from generator.ir import EnumType, Field, Index, Reference, Resource, Schema
from generator.migrations.editions import Editions
from generator.records import record
from generator.samples import NoSampleError, sample_value
from generator.sql import PRESENT, quote_identifier

FORMAT = 1
FIRST = Editions()


@record
class Column:
    """A column of a field, whose name in the spec is `field`.

    `default` is what a row without a value gets, as SQL; `sample` a value that rows can have, for a downgrade that has to bring the column
    back. `values` are those of an enum. `computed` is the expression of a generated column.
    """

    name: str
    field: str
    type: str
    nullable: bool
    default: str | None = None
    sample: str | None = None
    values: tuple[str, ...] = ()
    computed: str | None = None


@record
class Constraint:
    """A constraint: `sql` is what stands behind its name."""

    name: str
    kind: Literal["primary", "unique", "check", "foreign"]
    sql: str


@record
class StoredIndex:
    """An index: `sql` is what stands behind the table's name."""

    name: str
    sql: str
    unique: bool = False


@record
class StoredSearch:
    """Full-text search of a table: an index and a function, which app/db/search.py makes of this."""

    index: str
    language: str
    columns: tuple[str, ...]
    edition: int = 1


@record
class Table:
    """A resource's table.

    `purge`, where it keeps deleted rows for a while, has the columns that refer to it (`comments.task_id`), which keep a row from being
    purged; None where deleted rows are gone. `protection`, `purge_edition` and that of a search say which text of app/db/guards.py it has.
    """

    name: str
    resource: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    indexes: tuple[StoredIndex, ...]
    search: StoredSearch | None = None
    purge: tuple[str, ...] | None = None
    purge_edition: int = 1
    protection: int = 1

    def column(self, field: str) -> Column | None:
        """The column of a field."""
        return next((column for column in self.columns if column.field == field), None)


@record
class Twins:
    """Two columns of a table that hold the same, `new` having taken the place of `old`: a trigger keeps them in step.

    `to_new` and `to_old` are the value of one as the other has it, `{}` standing for that value; `if_null` and `if_old_null` what takes the
    place of a null that the other one does not allow.
    """

    table: str
    old: Column
    new: Column
    to_new: str = "{}"
    to_old: str = "{}"
    if_null: str | None = None
    if_old_null: str | None = None


@record
class Kept:
    """A column that stays, with its constraints and indexes, for the version of the application that does not know its twin."""

    twins: Twins
    constraints: tuple[Constraint, ...]
    indexes: tuple[StoredIndex, ...]

    @property
    def name(self) -> str:
        """The column, with its table."""
        return f"{self.twins.table}.{self.twins.old.name}"


@record
class View:
    """A view under the name that a table had, for the version of the application that knows no other, with the functions of that name."""

    name: str
    table: str
    columns: tuple[str, ...]
    search: StoredSearch | None = None
    purge: tuple[str, ...] | None = None
    purge_edition: int = 1
    protection: int = 1


@record
class Database:
    """Every table, sorted by its resource; and what is `kept` of old columns, and as `views`, until no application uses it any more."""

    tables: tuple[Table, ...] = ()
    kept: tuple[Kept, ...] = ()
    views: tuple[View, ...] = ()

    def table(self, resource: str) -> Table | None:
        """The table of a resource."""
        return next((table for table in self.tables if table.resource == resource), None)


CORE = (
    Table(
        name="idempotency_keys_",
        resource="idempotency_keys_",
        columns=(
            Column("user_id", "", "text", nullable=False),
            Column("route", "", "text", nullable=False),
            Column("key", "", "text", nullable=False),
            Column("created_at", "", "timestamp with time zone", nullable=False),
            Column("fingerprint", "", "bytea", nullable=False),
            Column("status", "", "integer", nullable=False),
            Column("headers", "", "bytea", nullable=False),
            Column("body", "", "bytea", nullable=False),
        ),
        constraints=(Constraint("pk_idempotency_keys_", "primary", "PRIMARY KEY (user_id, route, key)"),),
        indexes=(),
    ),
)
"""The tables of the application itself (app/db/idempotency.py). No resource's name is like theirs."""


def database_of(schema: Schema, editions: Editions = FIRST) -> Database:
    """The database that a schema stands for, guarded by these editions of app/db/guards.py."""
    plurals = {resource.name: resource.plural for resource in schema.resources}
    referring: dict[str, list[str]] = {resource.name: [] for resource in schema.resources}
    for resource in schema.resources:
        for field in resource.fields:
            if isinstance(field.type, Reference):
                referring[field.type.target].append(f"{resource.plural}.{field.column}")
    tables = (*(_table(resource, plurals, sorted(referring[resource.name])) for resource in schema.resources), *CORE)
    return Database(tuple(_guarded(table, editions) for table in tables))


def _guarded(table: Table, editions: Editions) -> Table:
    search = replace(table.search, edition=editions.search) if table.search is not None else None
    return replace(table, search=search, purge_edition=editions.purge, protection=editions.protection)


@record
class StoredState:
    """What is kept beside the revisions: the database that the last one leads to, and the digests of all of them by the file's name."""

    database: Database
    revision: str
    digests: Mapping[str, str]


def dump(database: Database, revision: str, digests: Mapping[str, str] | None = None) -> str:
    """The state that a revision leads to as JSON, a line a fact, so that it reviews like code."""
    known = {"digests": dict(sorted(digests.items()))} if digests else {}
    content = {key: value for key, value in asdict(database).items() if key == "tables" or value}
    document = {"format": FORMAT, "revision": revision, **known, **content}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def load(text: str) -> StoredState:
    """What `dump` wrote. ValueError when it is something else."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']}, not {FORMAT}")
        tables = tuple(_loaded(table) for table in document["tables"])
        kept = tuple(_loaded_kept(one) for one in document.get("kept", ()))
        views = tuple(_loaded_view(one) for one in document.get("views", ()))
        return StoredState(Database(tables, kept, views), str(document["revision"]), dict(document.get("digests", {})))
    except (KeyError, TypeError) as problem:
        raise ValueError(f"it is not what a revision writes: {problem}") from None


def _loaded(table: Any) -> Table:
    return Table(
        table["name"],
        table["resource"],
        tuple(_loaded_column(column) for column in table["columns"]),
        tuple(Constraint(**constraint) for constraint in table["constraints"]),
        tuple(StoredIndex(**index) for index in table["indexes"]),
        _loaded_search(table.get("search")),
        None if table.get("purge") is None else tuple(table["purge"]),
        table.get("purge_edition", 1),  # states from before there were others have none
        table.get("protection", 1),
    )


def _loaded_column(column: Any) -> Column:
    return Column(**(column | {"values": tuple(column["values"])}))


def _loaded_search(search: Any) -> StoredSearch | None:
    return StoredSearch(**(search | {"columns": tuple(search["columns"])})) if search else None


def _loaded_view(view: Any) -> View:
    purge = None if view["purge"] is None else tuple(view["purge"])
    return View(**(view | {"columns": tuple(view["columns"]), "search": _loaded_search(view["search"]), "purge": purge}))


def _loaded_kept(kept: Any) -> Kept:
    twins = kept["twins"]
    return Kept(
        Twins(**(twins | {"old": _loaded_column(twins["old"]), "new": _loaded_column(twins["new"])})),
        tuple(Constraint(**constraint) for constraint in kept["constraints"]),
        tuple(StoredIndex(**index) for index in kept["indexes"]),
    )


# --- from the schema ----------------------------------------------------------------------------------------------------------------

_BUILT_IN = (
    Column("user_id", "", "text", nullable=False),
    Column("id", "", "uuid", nullable=False),
    Column("created_at", "", "timestamp with time zone", nullable=False),
    Column("updated_at", "", "timestamp with time zone", nullable=False),
    Column("version", "", "integer", nullable=False),
)


_DELETED_AT = Column("deleted_at", "", "timestamp with time zone", nullable=True)


def _table(resource: Resource, plurals: dict[str, str], referring: list[str]) -> Table:
    deletion = (_DELETED_AT,) if resource.soft_delete else ()
    return Table(
        name=resource.plural,
        resource=resource.name,
        columns=(*_BUILT_IN, *deletion, *(_column(field) for field in resource.fields if field.is_column)),
        constraints=tuple(_constraints(resource, plurals)),
        indexes=(*_present_uniques(resource), *(StoredIndex(index.name, _index(index)) for index in resource.indexes)),
        search=StoredSearch(search.index, search.language, search.columns) if (search := resource.search) is not None else None,
        purge=tuple(referring) if resource.soft_delete else None,
    )


def _column(field: Field) -> Column:
    return Column(
        name=field.column,
        field=field.name,
        type=column_type(field.type),
        nullable=field.nullable,
        default=default_sql(field),
        sample=_sample(field),
        values=tuple(value.value for value in field.type.values) if isinstance(field.type, EnumType) else (),
        computed=field.computed.sql if field.computed is not None else None,
    )


def _sample(field: Field) -> str | None:
    try:
        return None if isinstance(field.type, Reference) else value_sql(field.type, sample_value(field))
    except NoSampleError:
        return None


def _constraints(resource: Resource, plurals: dict[str, str]) -> Iterator[Constraint]:
    yield Constraint(resource.primary_key, "primary", "PRIMARY KEY (user_id, id)")
    for field in resource.fields:
        if isinstance(field.type, Reference):
            yield Constraint(field.type.constraint, "foreign", _foreign_key(field, field.type, plurals[field.type.target]))
    for unique in () if resource.soft_delete else resource.unique:
        nulls = "NULLS NOT DISTINCT " if unique.nulls_equal else ""
        yield Constraint(unique.name, "unique", f"UNIQUE {nulls}({_names(('user_id', *unique.columns))})")
    for check in resource.checks:
        yield Constraint(check.name, "check", f"CHECK ({check.sql})")


def _foreign_key(field: Field, reference: Reference, target: str) -> str:
    columns = _names(("user_id", field.column))
    cascade = " ON DELETE CASCADE" if reference.on_delete == "cascade" else ""
    return f"FOREIGN KEY ({columns}) REFERENCES {quote_identifier(target)} (user_id, id){cascade}"


def _index(index: Index) -> str:
    keys: list[str] = []
    for key in index.keys:
        sql = f"({key.sql})" if key.is_expression else quote_identifier(key.sql)
        if key.descending_nulls_last:
            sql += " DESC" if key.sql == "id" else " DESC NULLS LAST"
        keys.append(sql)
    method = "" if index.method == "btree" else f"USING {index.method} "
    where = f" WHERE {index.where}" if index.where else ""
    return f"{method}({', '.join(keys)}){where}"


def _present_uniques(resource: Resource) -> Iterator[StoredIndex]:
    """The unique constraints of rows that are not deleted."""
    for unique in resource.unique if resource.soft_delete else ():
        nulls = " NULLS NOT DISTINCT" if unique.nulls_equal else ""
        yield StoredIndex(unique.name, f"({_names(('user_id', *unique.columns))}){nulls} WHERE {PRESENT}", unique=True)


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(quote_identifier(column) for column in columns)
