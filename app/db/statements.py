"""SQLModel statements, compiled once to SQL and bound to their owner.

A statement is written as a SQLModel `select()`, `insert()`, `update()` or `delete()` with bind parameters and handed to `owned()` at
import. There it gets two guards, each sufficient alone:

* it is refused (`UnownedStatementError`) unless every table in it carries the owner predicate `table.user_id == OWNER`, and, where the
  table keeps deleted rows, says whether it means those (`table.deleted_at.is_(None)`);
* it is wrapped so that the same round trip first tells PostgreSQL who the user is, which row-level security then enforces:

      WITH owner_ AS MATERIALIZED (SELECT set_config('app.user_id', $1, true) AS uid), change AS (UPDATE … RETURNING …)
      SELECT result.* FROM owner_, LATERAL (SELECT change.* FROM change WHERE owner_.uid IS NOT NULL OFFSET 0) AS result

The underscore keeps a table `owner` apart: no table has a name that ends with one. The lateral reference to `owner_.uid` makes PostgreSQL
produce the owner row before it touches the statement, and OFFSET 0 keeps the planner from merging the two. Were the order ever another, the
policies would see no user and no row: it fails closed.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, cast
from uuid import UUID

import orjson
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from sqlalchemy import (
    ARRAY,
    JSON,
    BindParameter,
    Boolean,
    Case,
    Column,
    ColumnElement,
    CompoundSelect,
    Date,
    DateTime,
    Delete,
    Insert,
    Integer,
    Join,
    Null,
    Select,
    Table,
    Text,
    Time,
    Update,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    false,
    func,
    insert,
    inspect,
    literal_column,
    not_,
    null,
    or_,
    select,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.dml import ReturningDelete, UpdateBase
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlalchemy.sql.selectable import FromClauseAlias
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel
from sqlmodel.sql.expression import SelectOfScalar

from app.db.table import KEPT

OWNER = bindparam("user_id", type_=Text)
"""The user whose rows a statement may see: the verified subject of the token."""

ROW_ID = bindparam("id", type_=Uuid)
"""The row's id from the path."""

VERSIONS = bindparam("versions", type_=ARRAY(Integer))
"""The versions that If-Match allows; null when the request has no such precondition."""


class _Compiler(PGCompiler):
    """Takes dates and datetimes as text: asyncpg sends the first and the last one there is as -infinity and infinity."""

    def render_bind_cast(self, type_: TypeEngine[Any], dbapi_type: TypeEngine[Any], sqltext: str) -> str:
        """The placeholder `sqltext` with its type."""
        if _is_moment(type_):
            sqltext += "::text[]" if item_type(type_) is not None else "::text"
        return cast("Any", super()).render_bind_cast(type_, dbapi_type, sqltext)


def _is_moment(sql_type: TypeEngine[Any]) -> bool:
    """Whether values are dates or datetimes, or lists of them."""
    return isinstance(item_type(sql_type) or sql_type, Date | DateTime)


class _CitusCompiler(_Compiler):
    """Writes what Citus takes: neither a function with a statement of its own, nor a subquery among the values of an insert."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.referred: dict[str, Statement] = {}
        super().__init__(*arguments, **options)

    def visit_case(self, clause: Any, **options: Any) -> str:
        """A CASE, or a reference, whose row another statement locks before; see `referring`."""
        if not isinstance(clause, _Reference):
            return str(cast("Any", super()).visit_case(clause, **options))
        self.referred[clause.given.key] = owned(clause.row).alone
        return self.process(clause.given, **options)

    def visit_function(self, func: Any, add_to_result_map: Any = None, **options: Any) -> str:
        """A call of a function, or what stands in its place."""
        written_out = getattr(func, "written_out", None)
        if written_out is not None:
            return f"({self.process(written_out)})"
        return super().visit_function(func, add_to_result_map, **options)


DIALECT = asyncpg_dialect(paramstyle="numeric_dollar")
DIALECT.statement_compiler = _Compiler

CITUS_DIALECT = asyncpg_dialect(paramstyle="numeric_dollar")
CITUS_DIALECT.statement_compiler = _CitusCompiler


NOBODY_ID = UUID(int=0)
NOBODY = literal_column(f"'{NOBODY_ID}'::uuid", Uuid)
"""The id of no row."""


class UnownedStatementError(Exception):
    """A statement reads or writes a table without the owner predicate, or without asking whether its rows are deleted."""


class Statement:
    """SQL text for asyncpg with the names of its parameters.

    `arguments(values)` puts values in the order of the placeholders; JSON, dates and datetimes become text. `decoders` has the
    result columns whose values need a step to go into JSON, `referred` what locks the rows that parameters refer to, before (on Citus).
    """

    alone: "Statement"
    """The same as Citus runs it, within a transaction that has told the user."""
    as_json: "Statement | None"
    """The same with the JSON of each row, its id and its version in place of its columns.

    None where PostgreSQL writes a column otherwise than an answer has it, or where there is no id or version.
    """

    _COMPILED = ("_constants", "_encoders", "_names", "decoders", "referred", "sql")
    __slots__ = (*_COMPILED, "_make_alone", "_make_json", "_source", "alone", "as_json", "is_delete", "is_read")

    def __init__(
        self,
        statement: Select[Any] | CompoundSelect[Any] | UpdateBase,
        *,
        wrapped: Select[Any] | None = None,
        alone: "Callable[[], Statement] | None" = None,
        as_json: "Callable[[], Statement] | None" = None,
        dialect: Any = DIALECT,
    ) -> None:
        """`wrapped` is what is run, in the stead of `statement`; `alone` and `as_json` make what the attributes of these names are."""
        self._make_alone = alone
        self._make_json = as_json
        self._source = statement, wrapped, dialect
        self.is_read = not isinstance(statement, UpdateBase)
        self.is_delete = isinstance(statement, Delete)

    def __getattr__(self, name: str) -> Any:
        """Make what is first wanted: a module has statements for many kinds of requests, each of which takes a while to compile."""
        match name:
            case "alone":
                self.alone = self if self._make_alone is None else self._make_alone()
            case "as_json":
                self.as_json = None if self._make_json is None else self._make_json()
            case _ if name in self._COMPILED:
                self._compile(*self._source)
            case _:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self, name)

    def _compile(self, statement: Any, wrapped: Any, dialect: Any) -> None:
        # Not a `%(name)s` style: the SQL holds $1, $2 …, and `positiontup` says which parameter each one is.
        compiled = (statement if wrapped is None else wrapped).compile(dialect=dialect)
        self.sql: str = str(compiled)
        self.referred: dict[str, Statement] = getattr(compiled, "referred", {})
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._constants: dict[str, Any] = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._encoders: tuple[tuple[int, Callable[[Any], Any]], ...] = tuple(
            (place, encoder) for place, name in enumerate(self._names) if (encoder := _encoder(compiled.binds[name].type)) is not None
        )
        self.decoders: tuple[tuple[str, Callable[[Any], Any]], ...] = tuple(
            (str(column.key), decoder) for column in _returned(statement).values() if (decoder := _decoder(column.type)) is not None
        )

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of $1, $2 …; KeyError when one is missing."""
        if self._constants:
            values = {**self._constants, **values}
        arguments = [values[name] for name in self._names]
        for place, encoder in self._encoders:
            if arguments[place] is not None:
                arguments[place] = encoder(arguments[place])
        return arguments


def _encoder(sql_type: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(sql_type, JSON):
        return encode_json
    return encode_moment if _is_moment(sql_type) else None


def _decoder(sql_type: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes a value that is not null fit for an answer: JSON text stands for itself."""
    if isinstance(sql_type, JSON):
        return orjson.Fragment
    return _time_text if isinstance(item_type(sql_type) or sql_type, Time) else None


def _time_text(value: Any) -> Any:
    """A time, or a list of them, as text: orjson 3.13 drops a zero of 12:30:00.012345."""
    if isinstance(value, list):
        return [_time_text(item) for item in cast("list[Any]", value)]
    return value.isoformat()


def encode_moment(value: Any) -> Any:
    """A date or datetime, or a list of them, as text for PostgreSQL."""
    if isinstance(value, list):
        return [encode_moment(item) for item in cast("list[Any]", value)]
    return value.isoformat() if isinstance(value, date) else value


def encode_json(value: Any) -> str:
    """A JSON value as text for PostgreSQL."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


type _Identity = tuple[bool, str]
"""What tells a table from its aliases: whether it is one, and its name."""


NAMED_IN_HEADERS = ("id", "version")
"""What an answer says of its row besides."""


def owned(
    statement: Select[Any] | UpdateBase | Any,
    *,
    deleted_too: bool = False,
    as_json: bool = False,
    beside: tuple[str, ...] = (),
    for_values: bool = False,
) -> Statement:
    """Compile a statement whose every table carries the owner predicate; UnownedStatementError when one does not.

    The parameter `user_id` of the result is the owner. `deleted_too` is for the few that mean rows whether they are deleted or not.
    With `as_json`, each row comes as one text: the JSON object that an answer holds; and the columns `beside` it. With `for_values`,
    PostgreSQL plans it for the values of each request, instead of once for any.
    """
    require_owner(statement)
    if not deleted_too:
        require_presence(statement)
    set_owner = select(func.set_config(literal_column("'app.user_id'"), OWNER, literal_column("true")).label("uid"))
    if for_values:
        set_owner = set_owner.select_from(_ONCE)
    owner = set_owner.cte("owner_").prefix_with("MATERIALIZED")
    if isinstance(statement, UpdateBase):
        inner: Any = cast("Any", statement).cte("change")
    else:
        inner = statement.subquery("found")
    shown = [_json_value(column) for column in inner.c] if as_json else [inner]
    # Two underscores: a column of this name would be taken for the row.
    result = select(*shown).where(owner.c.uid.is_not(None)).offset(literal_column("0")).lateral("row__" if as_json else "result")
    answered: list[Any] = [result]
    if as_json:
        as_text = sql_cast(func.row_to_json(literal_column("row__")), Text).label("row__")
        answered = [as_text, *(literal_column(f"row__.{name}").label(name) for name in beside)]
    wrapped: Any = select(*answered).select_from(owner, result)
    if isinstance(statement, UpdateBase):
        wrapped = wrapped.add_cte(owner, inner)
    found: Any = select(*answered).select_from(select(*shown).subquery("row__")) if as_json else None

    def rows_as_json() -> Statement:
        return owned(statement, deleted_too=deleted_too, as_json=True, beside=NAMED_IN_HEADERS, for_values=for_values)

    has_rows = not as_json and set(NAMED_IN_HEADERS) <= set(_returned(statement).keys()) and has_exact_json(statement)
    return Statement(
        statement,
        wrapped=wrapped,
        alone=lambda: Statement(statement, wrapped=found, dialect=CITUS_DIALECT),
        as_json=rows_as_json if has_rows else None,
    )


_ONCE = func.generate_series(literal_column("1"), func.num_nonnulls(OWNER)).alias("once_")
"""One row, as PostgreSQL sees when it plans for values. In a plan for any values it expects a thousand: that one looks dear."""


def _returned(statement: Any) -> Any:
    """The columns of the rows that a statement gives."""
    return statement.exported_columns if isinstance(statement, UpdateBase) else statement.selected_columns


def has_exact_json(statement: Select[Any] | SelectOfScalar[Any] | UpdateBase) -> bool:
    """Whether PostgreSQL writes every column of `statement` as an answer has it; a float it writes otherwise: 1 for 1.0."""
    return all(_is_exact(column.type) for column in _returned(statement))


def _is_exact(sql_type: TypeEngine[Any]) -> bool:
    items = item_type(sql_type)
    exact = (Text, Uuid, Integer, Boolean, JSON, Date)  # BigInteger is an Integer
    return isinstance(sql_type, (*exact, DateTime, Time)) if items is None else isinstance(items, exact)


def _json_value(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of a statement in the form that PostgreSQL's JSON is to have; times as Python writes them."""
    if isinstance(column.type, DateTime):
        utc = func.timezone(literal_column("'UTC'"), column)
        shown = func.to_char(utc, literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US'"""))
        return _without_zeros(shown).concat(literal_column("'Z'")).label(column.key)
    if isinstance(column.type, Time):
        return _without_zeros(func.to_char(column, literal_column("'HH24:MI:SS.US'"))).label(column.key)
    return column


def _without_zeros(shown: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.replace(shown, literal_column("'.000000'"), literal_column("''"), type_=Text)


def require_owner(statement: Any) -> None:
    """Raise UnownedStatementError unless each select, update and delete in `statement` requires the owner of each of its tables."""
    for part in cast("Iterable[Any]", visitors.iterate(statement)):
        if isinstance(part, Insert):
            if not any(_is_owner_value(key, value) for key, value in _insert_values(part)):
                raise UnownedStatementError(f"insert into {part.table.name}: `user_id` must be OWNER")
        elif isinstance(part, Select | Update | Delete):
            for table, what in _tables_without(_owned_by, cast("Any", part)):
                raise UnownedStatementError(f"{what}: add `.where({table.name}.user_id == OWNER)`")


def require_presence(statement: Any) -> None:
    """Raise UnownedStatementError unless each select, update and delete says of its tables with deleted rows whether it means those."""
    for part in cast("Iterable[Any]", visitors.iterate(statement)):
        if isinstance(part, Select | Update | Delete):
            for table, what in _tables_without(_present_in, cast("Any", part)):
                if keeps_deleted(table):
                    raise UnownedStatementError(f"{what}: add `.where({table.name}.{DELETED_AT}.is_(None))`, or say `deleted_too=True`")


def _tables_without(tables_in: Callable[[Any], Iterable[_Identity]], part: Any) -> Iterable[tuple[Any, str]]:
    """The tables of a statement for which its criteria have not the predicate that `tables_in` finds, each with what is done with it."""
    criteria: Iterable[Any] = part._where_criteria  # noqa: SLF001  # `whereclause` is there for selects only
    found = {table for criterion in criteria for table in tables_in(criterion)}
    what = type(part).__name__.lower()
    return ((table, f"{what} of {table.name}") for table in _direct_tables(part) if _identity(table) not in found)


def _insert_values(statement: Insert) -> Iterable[tuple[str, Any]]:
    values: Mapping[Any, Any] = cast("Any", statement)._values or {}  # noqa: SLF001  # SQLAlchemy offers no public reader
    return ((getattr(key, "name", key), value) for key, value in values.items())


def _is_owner_value(key: str, value: Any) -> bool:
    return key == "user_id" and getattr(value, "key", None) == OWNER.key


def _owned_by(criterion: Any) -> Iterable[_Identity]:
    """The tables and aliases for which `criterion` says `table.user_id == OWNER`, alone or joined to others by AND."""
    for left, operator, right in _comparisons(criterion):
        if operator is operators.eq and getattr(left, "name", None) == "user_id" and getattr(right, "key", None) == OWNER.key:
            yield _identity(left.table)


def _present_in(criterion: Any) -> Iterable[_Identity]:
    """The tables and aliases for which `criterion` says `table.deleted_at IS [NOT] NULL`, alone or joined to others by AND."""
    for left, operator, right in _comparisons(criterion):
        if operator in {operators.is_, operators.is_not} and getattr(left, "name", None) == DELETED_AT and isinstance(right, Null):
            yield _identity(left.table)


def _comparisons(criterion: Any) -> Iterable[tuple[Any, Any, Any]]:
    """The comparisons that a criterion is, or that it joins by AND: left side, operator, right side."""
    if isinstance(criterion, BooleanClauseList) and criterion.operator is operators.and_:
        for clause in criterion.clauses:
            yield from _comparisons(clause)
    elif isinstance(criterion, BinaryExpression):
        yield criterion.left, criterion.operator, criterion.right


def _identity(table: Any) -> _Identity:
    """What tells a table from its aliases: each of them has rows of its own, and needs a predicate of its own."""
    return isinstance(table, FromClauseAlias), table.name


def _direct_tables(part: Any) -> Iterable[Any]:
    """The tables, and the aliases of tables, that a statement names itself; those of its subqueries and CTEs belong to these."""
    froms: list[Any] = list(part.get_final_froms() if isinstance(part, Select) else [part.table, *getattr(part, "_extra_froms", ())])
    while froms:
        item: Any = froms.pop()
        if isinstance(item, Table):
            yield item
        elif isinstance(item, Join):
            froms += [item.left, item.right]
        elif isinstance(item, FromClauseAlias) and isinstance(cast("Any", item).element, Table | FromClauseAlias):
            yield item


def columns(model: type[SQLModel], shape: type[Any]) -> tuple[ColumnElement[Any], ...]:
    """The columns of `model` that `shape` (its Read schema) has, in its order, as they go into a JSON answer.

    UUIDs and decimals are read as text, which is how JSON carries them.
    """
    values: dict[str, ColumnElement[Any]] = {**table_of(model).c}
    values |= {label.name: label.element for label in getattr(model, "__computed__", ())}
    return tuple(as_json(name, values[name]) for name in shape.model_fields)


def as_json(name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """`value` as it goes into a JSON answer, under `name`."""
    sql_type: TypeEngine[Any] = value.type
    items = item_type(sql_type)
    if (items or sql_type).python_type in {UUID, Decimal}:
        value = sql_cast(value, Text if items is None else ARRAY(Text))
    return value if isinstance(value, Column) else value.label(name)


def item_type(sql_type: TypeEngine[Any]) -> TypeEngine[Any] | None:
    """The type of an array's items; None for a type that is no array."""
    return cast("Any", sql_type).item_type if isinstance(sql_type, ARRAY) else None


def looked_up(row: Select[Any], name: str = "row_") -> Any:
    """A select of one row for each of something, as a FROM after that: each is looked up by itself, along the index of its key.

    Joined otherwise, rows that are known by their ids would be found among all rows of their user. A plan that has to do for every user
    takes these to be few, and there are users with a million.
    """
    return row.offset(literal_column("0")).lateral(name)


def placeholders(model: type[SQLModel], defaulted: Collection[str] = ()) -> dict[str, Any]:
    """What an insert gives each column: the owner, the time of the transaction, version 1 and one parameter for each other column.

    References are those of `referring`. Columns that are `defaulted` get their default, where that is the same for every row.
    """
    now = func.now()
    fixed: dict[str, Any] = {"user_id": OWNER, "created_at": now, "updated_at": now, "version": literal_column("1")}
    for column in writable(model):
        default = _constant_default(model, column) if column.key in defaulted else None
        if default is not None:
            fixed[column.key] = default
    return {column.key: fixed.get(column.key, referring(column, column.key)) for column in writable(model)}


def _constant_default(model: type[SQLModel], column: Column[Any]) -> Any:
    """The default of a column as SQL; None where it is made anew for each row, or where there is none."""
    field = model.model_fields[column.key]
    if field.default_factory is not None and not isinstance(field.default_factory, partial):  # a `partial` copies a list or an object
        return None
    if column.server_default is not None:
        return cast("Any", column.server_default).arg
    return null() if field.default in (None, PydanticUndefined) and column.nullable else None


class Inserts:
    """The insert of one resource. What a request does not send is no parameter but stands in the statement, as the column's default.

    Parameters take time, above all lists. The first sets of fields that requests send have statements of their own; the others share one.
    """

    MOST = 16

    def __init__(self, model: type[SQLModel], returned: Iterable[ColumnElement[Any]]) -> None:
        """`returned` are the columns that come back."""
        self._model = model
        self._returned = tuple(returned)
        self._by_fields: dict[frozenset[str], tuple[Statement, list[str]]] = {}
        self.whole = self._compile(())

    def of(self, body: BaseModel) -> tuple[Statement, dict[str, Any]]:
        """The statement for a validated body, and its parameters besides the owner and the id: the values of fields."""
        sent = frozenset(body.model_fields_set)
        found = self._by_fields.get(sent)
        if found is None:
            if len(self._by_fields) >= self.MOST:
                return self.whole, dict(body.__dict__)
            defaulted = self._defaulted(type(body).model_fields.keys() - sent)
            found = self._compile(defaulted), [name for name in type(body).model_fields if name not in defaulted]
            self._by_fields[sent] = found
        statement, names = found
        return statement, {name: body.__dict__[name] for name in names}

    def _defaulted(self, fields: Collection[str]) -> set[str]:
        """Those of the fields whose default is the same for every row."""
        return {
            column.key for column in writable(self._model) if column.key in fields and _constant_default(self._model, column) is not None
        }

    def _compile(self, defaulted: Collection[str]) -> Statement:
        return owned(insert(self._model).values(placeholders(self._model, defaulted)).returning(*self._returned))


def writable(model: type[SQLModel]) -> list[Column[Any]]:
    """The columns that statements write: all but those that the database computes, and the one that says when a row was deleted."""
    return [column for column in table_of(model).c if column.computed is None and KEPT not in column.info]


DELETED_AT = "deleted_at"


def keeps_deleted(table: Any) -> bool:
    """Whether deleted rows of a table, or of what it is an alias of, stay for a while."""
    column = getattr(table, "element", table).c.get(DELETED_AT)
    return column is not None and KEPT in column.info


def present(table: Any) -> tuple[ColumnElement[bool], ...]:
    """That a row of a table, or of an alias, is not deleted: a condition where deleted rows stay for a while, else none."""
    return (table.c[DELETED_AT].is_(None),) if keeps_deleted(table) else ()


def target_of(column: Column[Any]) -> Table | None:
    """The table that a reference leads to, where that keeps deleted rows; None for any other column."""
    for key in column.foreign_keys:
        name, _, referred = key.target_fullname.rpartition(".")
        if referred == "id" and keeps_deleted(table := _table_named(name)):
            return table
    return None


def _table_named(name: str) -> Table:
    """The table of this name, whose module may be one that has not been imported yet."""
    if name not in SQLModel.metadata.tables:
        from app.models import TABLE_MODULES  # noqa: PLC0415  # it imports this module

        import_module(TABLE_MODULES[name])
    return SQLModel.metadata.tables[name]


def referring(column: Column[Any], name: str) -> ColumnElement[Any]:
    """The parameter `name` as the value of a column.

    Where the column refers to a table that keeps deleted rows, the row must be none of these. It is locked, so that nobody deletes it
    before the end of the transaction; for one that is deleted the value is that of no row, which the foreign key refuses.
    """
    given = bindparam(name, type_=column.type)
    target = target_of(column)
    if target is None:
        return given
    row = target.alias("referred_")
    found = select(row.c.id).where(row.c.user_id == OWNER, row.c.id == given, *present(row))
    return _Reference(given, found.with_for_update(read=True, key_share=True))


class _Reference(Case[Any]):
    """The value of a reference whose row a select has to find, and locks."""

    inherit_cache = True

    def __init__(self, given: BindParameter[Any], row: Select[Any]) -> None:
        super().__init__((given.is_not(None), func.coalesce(row.scalar_subquery(), NOBODY)))
        self.given = given
        self.row = row


def discarded(model: type[SQLModel]) -> dict[str, Any]:
    """What a delete sets in a row that stays for a while."""
    return {DELETED_AT: func.now(), **touched(table_of(model))}


def version_matches(model: type[SQLModel]) -> ColumnElement[bool]:
    """True where the request has no If-Match or the row's version is one of its values."""
    return or_(VERSIONS.is_(None), table_of(model).c.version == any_(VERSIONS))


type Referring = tuple[type[SQLModel], str]
"""A reference: the model that has it, and its column."""


def delete_and_clear(model: type[SQLModel], *references: Referring, purging: Iterable[Referring] = ()) -> ReturningDelete[Any]:
    """Delete the user's row and set each of `references` to it to null, all in one statement.

    A composite ON DELETE SET NULL would null the owner as well. The row is locked first, so that nothing is cleared unless it goes.
    Deleted rows with one of the references `purging`, which could never be restored without the row, go for good with it.
    """
    table = table_of(model)
    doomed = (
        select(table.c.id)
        .where(table.c.user_id == OWNER, table.c.id == ROW_ID, *present(table), version_matches(model))
        .with_for_update()
        .cte("doomed_")
    )
    statement: ReturningDelete[Any] = (
        delete(table).where(table.c.user_id == OWNER, table.c.id.in_(select(doomed.c.id))).returning(table.c.id)
    )
    cleared, purged = _by_table(references), _by_table(purging)
    for number, (child, names) in enumerate(cleared.items(), 1):  # one update a table: a statement changes a row once
        clear = update(child).where(child.c.user_id == OWNER, _refers(child, names, doomed))
        if child is table:
            clear = clear.where(child.c.id != ROW_ID)
        if child in purged:
            clear = clear.where(not_(and_(child.c[DELETED_AT].is_not(None), _refers(child, purged[child], doomed))))
        changes: dict[str, Any] = {name: func.nullif(child.c[name], ROW_ID) for name in names}
        statement = statement.add_cte(clear.values({**changes, **touched(child)}).cte(f"cleared_{number}_"))
    for number, (child, names) in enumerate(purged.items(), 1):
        gone = delete(child).where(child.c.user_id == OWNER, child.c[DELETED_AT].is_not(None), _refers(child, names, doomed))
        statement = statement.add_cte(gone.cte(f"purged_{number}_"))
    return statement


def _by_table(references: Iterable[Referring]) -> dict[Table, list[str]]:
    tables: dict[Table, list[str]] = {}
    for model, name in references:
        tables.setdefault(table_of(model), []).append(name)
    return tables


def _refers(child: Table, names: Iterable[str], doomed: Any) -> ColumnElement[bool]:
    return or_(false(), *(child.c[name].in_(select(doomed.c.id)) for name in names))


def touched(table: Table) -> dict[str, Any]:
    """What every change of a row sets besides."""
    return {"updated_at": func.now(), "version": table.c.version + literal_column("1")}


class Updates:
    """The update of one resource, compiled once for each set of columns that a request changes (the 256 latest sets are kept)."""

    def __init__(self, model: type[SQLModel], statement: Update) -> None:
        """`statement` has its criteria and RETURNING; the values come with the call."""
        self._table = table_of(model)
        self._statement = statement
        self.setting = lru_cache(maxsize=256)(self._compile)

    def _compile(self, names: frozenset[str]) -> Statement:
        table = self._table
        values: dict[str, Any] = {name: referring(table.c[name], f"new_{name}") for name in sorted(names)}
        return owned(self._statement.values({**values, **touched(table)}))

    def of(self, changes: Mapping[str, Any]) -> tuple[Statement, dict[str, Any]]:
        """The statement that sets exactly the columns of `changes`, and its parameters for them (`new_<column>`)."""
        return self.setting(frozenset(changes)), {f"new_{name}": value for name, value in changes.items()}


def table_of(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table of a SQLModel class."""
    return cast("Table", inspect(model).local_table)
