"""Sessions: the light handle through which handlers, hooks and extensions talk to the database.

A connection is taken for one statement or one transaction, never for a whole request. A single statement needs no transaction of its own.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, cast
from uuid import UUID

import orjson
from fastapi import Depends, Request
from sqlmodel import SQLModel, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from app.db.cursors import CursorSigner
from app.db.faults import StillReferredError, answer_for, answering
from app.db.pool import Database
from app.db.statements import NOBODY_ID, OWNER, ROW_ID, Statement, Updates, owned, present, table_of, writable
from app.db.unit import Unit, unit_of

if TYPE_CHECKING:
    import asyncpg

    from app.db.connections import Connection

logger = logging.getLogger(__name__)

OPENER = "app.session"
"""Where the scope of a request has what opens its session, when that is not `Session`."""

type Row = dict[str, Any]
"""One row as it goes into JSON: column name to value; UUIDs and decimals are text, JSON columns are raw JSON."""


class JsonRow(NamedTuple):
    """One row as an answer has it, with what the answer's headers say of it."""

    content: bytes
    id: str
    version: int

    @classmethod
    def of(cls, row: Row, shown: Row | None = None) -> Self:
        """The `row`, or what of it is to be `shown`. Datetimes in UTC end with Z, as Pydantic writes them."""
        return cls(orjson.dumps(row if shown is None else shown, option=orjson.OPT_UTC_Z), row["id"], row["version"])


class Session:
    """Runs statements, one connection each. Database faults come out as HTTPException (409, 422, 503, 504) with a readable `detail`."""

    __slots__ = ("_database", "_in_transactions", "_unit")

    def __init__(self, database: Database, unit: Unit | None = None) -> None:
        """Use `Depends(get_session)`. Within a `unit`, everything is done in its transaction."""
        self._database = database
        self._unit = unit
        self._in_transactions = unit is not None or database.on_citus  # what would else be a statement alone

    @property
    def cursors(self) -> CursorSigner:
        """Signs the cursors of lists."""
        return self._database.cursors

    async def fetch_one(self, statement: Statement, /, **parameters: Any) -> Row | None:
        """The first row, or None. `parameters` are the statement's, `user_id` among them; they may have any name, `statement` too."""
        if self._in_transactions:
            async with self.transaction(parameters["user_id"]) as transaction:
                return await transaction.fetch_one(statement, **parameters)
        records = await self._records(statement, parameters)
        return _row(records[0], statement) if records else None

    async def fetch_json_row(self, statement: Statement, /, **parameters: Any) -> JsonRow | None:
        """The first row as an answer has it, or None. PostgreSQL writes its JSON in less time than it takes to read its columns here."""
        if self._in_transactions:
            async with self.transaction(parameters["user_id"]) as transaction:
                return await transaction.fetch_json_row(statement, **parameters)
        as_json = statement.as_json
        if as_json is None:
            row = await self.fetch_one(statement, **parameters)
            return None if row is None else JsonRow.of(row)
        records = await self._records(as_json, parameters)
        return _json_row(records[0]) if records else None

    async def _records(self, statement: Statement, parameters: dict[str, Any]) -> "list[asyncpg.Record]":
        """The rows of a statement that is a request's only one on its connection."""
        try:
            return await self._database.fetch(statement.sql, statement.arguments(parameters))
        except Exception as error:
            answer = answer_for(error, statement)  # as `answering` does it, in one step less for each that goes well
            if answer is error:
                raise
            raise answer from error

    async def delete(self, model: type[SQLModel], statement: Statement, /, *, user_id: str, row_id: UUID, versions: Any) -> Row | None:
        """Run a `delete_and_clear` of a row of `model`; None when there is none of these versions.

        A reference that another request makes while the statement waits for the row is not seen by it, and stands in its way. With the row
        locked beforehand nobody can make one.
        """
        parameters = {"user_id": user_id, "id": row_id, "versions": versions}
        try:
            return await self.fetch_one(statement, **parameters)
        except StillReferredError:
            async with self.transaction(user_id) as transaction:
                await transaction.get(model, row_id)
                return await transaction.fetch_one(statement, **parameters)

    async def fetch_all(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        """All rows."""
        if self._in_transactions:
            async with self.transaction(parameters["user_id"]) as transaction:
                return await transaction.fetch_all(statement, **parameters)
        return [_row(record, statement) for record in await self._records(statement, parameters)]

    async def fetch_json(self, statement: Statement, /, **parameters: Any) -> list[str]:
        """All rows of a statement that was made with `as_json`, each as its JSON."""
        if self._in_transactions:
            async with self.transaction(parameters["user_id"]) as transaction:
                return await transaction.fetch_json(statement, **parameters)
        return [record[0] for record in await self._records(statement, parameters)]

    async def estimate(self, count: Statement, /, **parameters: Any) -> int:
        """How many rows the planner expects a counting statement to count."""
        if self._database.on_citus:
            async with self.transaction(parameters["user_id"]) as transaction:
                return await transaction.estimate(count, **parameters)
        with answering(count):
            async with self._database.connection() as connection:
                return await _estimate(connection, count, parameters)

    @asynccontextmanager
    async def transaction(self, user_id: str) -> "AsyncGenerator[Transaction]":
        """One transaction of `user_id`: committed at the end of the block, before anything is answered; rolled back by any exception.

        Within a unit it is a part of the unit's, which ends later.
        """
        if self._unit is not None:
            with answering():
                transaction = await self._unit.join(user_id)
                async with transaction.part():
                    yield transaction
            return
        with answering():
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute(self._database.set_user, user_id)
                transaction = Transaction(connection, user_id, alone=self._database.on_citus)
                try:
                    yield transaction
                finally:
                    transaction.end()

    @asynccontextmanager
    async def together(self, request: Request) -> "AsyncGenerator[Session]":
        """A session all of whose transactions are parts of one, which is committed at the end of the block."""
        if self._unit is not None:
            yield self
            return
        unit = Unit(request, _nothing)
        with answering():
            async with unit:
                yield Session(self._database, unit)
        await unit.run_deferred()

    async def after_commit[M: SQLModel](self, hook: "Callable[[Change[M]], Awaitable[None]]", change: "Change[M]") -> None:
        """Run an after_commit hook. The change is committed, so an exception in it is logged and does not reach the client."""

        async def run() -> None:
            try:
                await hook(change)
            except Exception:  # whatever the hook raises
                logger.exception("after_commit failed: %s of %s", change.operation, hook.__module__)

        if self._unit is None:
            await run()
        else:
            self._unit.defer(run)


class Transaction:
    """An open transaction whose user is set: row-level security shows it that user's rows and no others."""

    __slots__ = ("_alone", "_loaned", "user_id")

    def __init__(self, connection: "Connection", user_id: str, *, alone: bool = False) -> None:
        """Use `Session.transaction`. `alone`: statements do not tell PostgreSQL the user once more."""
        self._loaned: Connection | None = connection
        self.user_id = user_id
        self._alone = alone

    @property
    def _connection(self) -> "Connection":
        if self._loaned is None:
            raise RuntimeError("This transaction is over: its connection may be another user's by now.")
        return self._loaned

    def end(self) -> None:
        """Refuse everything from now on. Whoever opened the transaction calls it before the connection goes to somebody else."""
        self._loaned = None

    def _form(self, statement: Statement) -> Statement:
        return statement.alone if self._alone else statement

    async def fetch_one(self, statement: Statement, /, **parameters: Any) -> Row | None:
        """The first row, or None."""
        with answering(statement):
            records = await self._records(statement, parameters)
        return _row(records[0], statement) if records else None

    async def fetch_json_row(self, statement: Statement, /, **parameters: Any) -> JsonRow | None:
        """The first row as an answer has it, or None."""
        as_json = statement.as_json
        if as_json is None:
            row = await self.fetch_one(statement, **parameters)
            return None if row is None else JsonRow.of(row)
        with answering(statement):
            records = await self._records(as_json, parameters)
        return _json_row(records[0]) if records else None

    async def fetch_all(self, statement: Statement, /, **parameters: Any) -> list[Row]:
        """All rows."""
        with answering(statement):
            return [_row(record, statement) for record in await self._records(statement, parameters)]

    async def fetch_json(self, statement: Statement, /, **parameters: Any) -> list[str]:
        """All rows of a statement that was made with `as_json`, each as its JSON."""
        with answering(statement):
            return [record[0] for record in await self._records(statement, parameters)]

    async def _records(self, statement: Statement, parameters: dict[str, Any]) -> "list[asyncpg.Record]":
        if self._alone:
            statement = statement.alone
            parameters = await self._with_references(statement, parameters)
        return await self._connection.fetch(statement.sql, *statement.arguments(parameters))

    async def _with_references(self, statement: Statement, parameters: dict[str, Any]) -> dict[str, Any]:
        """`parameters` with the id of no row in place of one that is not to be referred to; the others' rows are locked."""
        for name, row in statement.referred.items():
            referred = {"user_id": self.user_id, name: parameters[name]}
            if parameters[name] is not None and not await self._connection.fetch(row.sql, *row.arguments(referred)):
                parameters = {**parameters, name: NOBODY_ID}
        return parameters

    async def estimate(self, count: Statement, /, **parameters: Any) -> int:
        """How many rows the planner expects a counting statement to count."""
        with answering(count):
            return await _estimate(self._connection, self._form(count), parameters)

    def part(self) -> AbstractAsyncContextManager[Any]:
        """A block that is rolled back alone when it raises, so that whoever catches the exception can go on."""
        return self._connection.transaction()

    async def check(self) -> None:
        """Check the constraints that would otherwise wait for the commit."""
        await self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    async def lock(self, name: str) -> None:
        """Wait until no other transaction has locked `name`, and lock it until the end of this one."""
        await self._connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)

    async def exec[T](self, statement: Select[T] | SelectOfScalar[T]) -> list[T]:
        """Run any SQLModel `select()` and return its rows: instances of the model, single values, or tuples.

        It needs no owner predicate: row-level security applies it. Instances are plain values; changing one writes nothing. Where deleted
        rows stay for a while it finds them, too; `col(Task.deleted_at).is_(None)` leaves them out.
        """
        compiled = Statement(statement)
        records = await self._connection.fetch(compiled.sql, *compiled.arguments({}))
        described = cast("list[dict[str, Any]]", statement.column_descriptions)
        entity = described[0]["entity"] if len(described) == 1 and described[0]["expr"] is described[0]["entity"] else None
        if entity is not None:
            return cast("list[T]", [_instance(entity, record) for record in records])
        if len(described) == 1:
            return cast("list[T]", [record[0] for record in records])
        return cast("list[T]", [tuple(record) for record in records])

    async def get[M: SQLModel](self, model: type[M], row_id: UUID, *, deleted_too: bool = False) -> M | None:
        """The user's row of `model` with this id, locked until the end of the transaction, or None.

        One that is deleted, and stays for a while, is found where `deleted_too` says so.
        """
        statement = self._form(_locking(model, deleted_too=deleted_too))
        with answering(statement):
            record = await self._connection.fetchrow(statement.sql, *statement.arguments({"user_id": self.user_id, "id": row_id}))
        return None if record is None else cast("M", _instance(model, record))

    async def read[M: SQLModel](self, model: type[M], row_id: UUID) -> M:
        """The user's row of `model` with this id, which this transaction has written."""
        row = await self.get(model, row_id)
        if row is None:
            raise RuntimeError(f"{model.__name__} {row_id} is not there for its owner")
        return row

    async def save(self, updates: Updates, row_id: UUID, changes: dict[str, Any], *, unchanged: Statement | None = None) -> JsonRow:
        """Write `changes` to a row that `get` has locked, and return it; with none, `unchanged` only reads it where it is given."""
        statement, parameters = (unchanged, {}) if unchanged is not None and not changes else updates.of(changes)
        row = await self.fetch_json_row(statement, user_id=self.user_id, id=row_id, versions=None, **parameters)
        if row is None:
            raise RuntimeError(f"row {row_id} is not there for its owner")
        return row


@dataclass(frozen=True, slots=True)
class Change[M: SQLModel]:
    """What a committed request did to one row; `before` is None for a create, `after` for a delete."""

    operation: Literal["create", "update", "delete"]
    user_id: str
    before: M | None
    after: M | None


def values_of(row: SQLModel) -> dict[str, Any]:
    """The column values of a table instance, as the parameters of an insert."""
    return {column.key: getattr(row, column.key) for column in writable(type(row))}


_LOCKING: dict[tuple[type[SQLModel], bool], Statement] = {}


def _locking(model: type[SQLModel], *, deleted_too: bool) -> Statement:
    """The statement of `Transaction.get`, compiled once."""
    key = (model, deleted_too)
    if key not in _LOCKING:
        table = table_of(model)
        conditions = () if deleted_too else present(table)
        row = select(model).where(table.c.user_id == OWNER, table.c.id == ROW_ID, *conditions).with_for_update()
        _LOCKING[key] = owned(row, deleted_too=deleted_too)
    return _LOCKING[key]


async def _nothing(_transaction: Transaction) -> None:
    """What a unit begins with that needs no preparation."""


async def _estimate(connection: "Connection", count: Statement, parameters: dict[str, Any]) -> int:
    plan = orjson.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {count.sql}", *count.arguments(parameters)))
    return counted_rows(plan)


def counted_rows(plan: Any) -> int:
    """The rows that the first aggregate of a plan reads. In a plan of Citus' it is in that of a worker, some levels below."""
    if isinstance(plan, dict):
        found = cast("dict[str, Any]", plan)
        if found.get("Node Type") == "Aggregate":
            return int(found["Plans"][-1]["Plan Rows"])
        plan = list(found.values())
    return max((counted_rows(part) for part in cast("list[Any]", plan)), default=0) if isinstance(plan, list) else 0


def _row(record: "asyncpg.Record", statement: Statement) -> Row:
    row: Row = dict(record)
    for name, decoder in statement.decoders:
        if row[name] is not None:
            row[name] = decoder(row[name])
    return row


def _json_row(record: "asyncpg.Record") -> JsonRow:
    content, row_id, version = record
    return JsonRow(content.encode(), row_id, version)


def _instance(model: type[SQLModel], record: "asyncpg.Record") -> SQLModel:
    values: Row = dict(record)
    for column in table_of(model).c:
        if values[column.key] is not None and column.type.python_type is dict:
            values[column.key] = orjson.loads(values[column.key])
    return model(**values)


async def get_session(request: Request) -> Session:
    """The request's session; it holds no connection until a statement runs."""
    opener: Callable[[], Awaitable[Session]] | None = request.scope.get(OPENER)
    if opener is not None:
        return await opener()
    return Session(request.scope["app"].state.database, unit_of(request))


DbSession = Annotated[Session, Depends(get_session)]
