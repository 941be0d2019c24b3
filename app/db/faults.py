"""What each database fault means to the client: one place that turns driver errors into answers.

A broken constraint is known by its name, which is looked up in the models; everything else by its SQLSTATE. What a worker of Citus answers
has the SQLSTATE, but of all names only those in its message, where the number of the shard follows them: `uq_tags_name_102008`.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from functools import lru_cache
from types import TracebackType

import asyncpg
from asyncpg import exceptions as pg
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from sqlalchemy import CheckConstraint, Constraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import SQLModel

from app.db.statements import Statement

logger = logging.getLogger("app")

RETRY_AFTER = {"Retry-After": "1"}

_SHARD = re.compile(r"_[0-9]+\Z")
"""What Citus puts behind the names of tables, indexes and constraints."""


class DanglingReferenceError(RequestValidationError):
    """A reference to a row that does not exist, or is not the user's."""


class TakenError(HTTPException):
    """Another row has the same values in `columns`, which are unique together."""

    def __init__(self, columns: list[str]) -> None:
        """`columns` are those of the constraint without the owner's."""
        fields = " and ".join(f"`{column}`" for column in columns)
        super().__init__(409, f"Another row has the same {fields}.")
        self.columns = columns


class StillReferredError(HTTPException):
    """A row cannot be deleted while others refer to it."""


class answering:  # noqa: N801  # used like a function, in a `with` statement
    """Turns the database faults of its block, which runs `statement`, into the exceptions that the API answers with."""

    __slots__ = ("_statement",)

    def __init__(self, statement: Statement | None = None) -> None:
        self._statement = statement

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if isinstance(error, Exception):
            answer = answer_for(error, self._statement)
            if answer is not error:
                raise answer from error


def answer_for(error: Exception, statement: Statement | None = None) -> Exception:
    """The exception to raise for `error`, which `statement` met; an error that is no database fault comes back unchanged."""
    match error:
        case HTTPException() | RequestValidationError():
            return error
        case pg.UniqueViolationError() | pg.ExclusionViolationError():
            return _taken(error)
        case pg.ForeignKeyViolationError() | pg.RestrictViolationError():
            return _dangling(error, deleting=statement is not None and statement.is_delete)
        case pg.CheckViolationError() | pg.NotNullViolationError():
            return _refused_value(error)
        case pg.DeadlockDetectedError() | pg.SerializationError():
            return _unavailable("The change met another one at the same moment. Try again.")
        case pg.QueryCanceledError() | pg.LockNotAvailableError():
            return HTTPException(504, "The database took too long. Try again, or ask for less.")
        case pg.DataError():
            return HTTPException(422, "A value is outside what the database can store.")
        case pg.ProgramLimitExceededError():  # an entry of an index has at most 2,704 bytes
            return HTTPException(422, "A text of a unique or sortable field is too long for the database's index. Shorten it.")
        case (
            asyncpg.PostgresConnectionError()
            | pg.OperatorInterventionError()
            | pg.InsufficientResourcesError()
            | pg.InvalidAuthorizationSpecificationError()
            | pg.InvalidCatalogNameError()
            | pg.ReadOnlySQLTransactionError()
            | asyncio.IncompleteReadError()
        ):
            return _unavailable("The database is not available. Try again shortly.")
        # A connection that was lost (also between two requests), refused, or not free in time (TimeoutError is an OSError).
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() | OSError():
            return _unavailable("The database is not available. Try again shortly.")
        case pg.UndefinedTableError() | pg.UndefinedColumnError():  # it has been migrated for another version, or not yet for this one
            logger.error("the tables are not those of this version: %s", error)
            return _unavailable("The database is being changed for another version of the application. Try again shortly.")
        case _:
            return error


def _unavailable(detail: str) -> HTTPException:
    return HTTPException(503, detail, headers=RETRY_AFTER)


@lru_cache(maxsize=1)
def _constraints(tables: int) -> dict[str, Constraint | Index]:
    """By name, with the indexes that stand for a unique constraint of rows that are not deleted; more when more `tables` are known."""
    del tables
    return {
        str(constraint.name): constraint
        for table in SQLModel.metadata.tables.values()
        for constraint in (*table.constraints, *(index for index in table.indexes if index.unique))
        if constraint.name
    }


def _own_columns(constraint: Constraint | Index) -> list[str]:
    columns: Iterable[str] = getattr(constraint, "column_keys", None) or [column.key for column in getattr(constraint, "columns", ())]
    return [name for name in columns if name != "user_id"]


def broken_by(error: asyncpg.PostgresError) -> Constraint | Index | None:
    """The constraint that an error is about, or the index that stands for one; None where it is none of the models'."""
    known = _constraints(len(SQLModel.metadata.tables))
    given = [error.constraint_name] if error.constraint_name else _quoted(error)
    names = [name for one in given for name in (one, _SHARD.sub("", one))]
    return next((known[name] for name in names if name in known), None)


def _quoted(error: asyncpg.PostgresError) -> list[str]:
    """The names in the message of an error; values are in its detail only."""
    return re.findall(r'"([^"]+)"', str(error.args[0] if error.args else ""))


def _taken(error: asyncpg.PostgresError) -> HTTPException:
    constraint = broken_by(error)
    if constraint is None:  # of another version of the application, whose names are kept beside those of this one
        return HTTPException(409, "Another row has the same values where they have to be unique.")
    if not isinstance(constraint, UniqueConstraint | Index):
        return HTTPException(409, "A row with this id exists already.")
    return TakenError(_own_columns(constraint))


def _dangling(error: asyncpg.IntegrityConstraintViolationError, *, deleting: bool) -> Exception:
    constraint = broken_by(error)
    if deleting:
        table = error.table_name or (constraint.table.name if isinstance(constraint, ForeignKeyConstraint) else "another table")
        return StillReferredError(409, f"Rows of {table} still refer to this one. Delete or change them first.")
    known = isinstance(constraint, ForeignKeyConstraint)  # as above
    place = ("body", _own_columns(constraint)[0]) if known else ("body",)
    return DanglingReferenceError([{"type": "reference_not_found", "loc": place, "msg": "No row has this id."}])


def _refused_value(error: pg.CheckViolationError | pg.NotNullViolationError) -> Exception:
    constraint = broken_by(error)
    info = constraint.info if isinstance(constraint, CheckConstraint) else {}
    column, message = info.get("column"), info.get("message", "The values break a rule of this resource.")
    if isinstance(error, pg.NotNullViolationError):
        column, message = error.column_name or next(iter(_quoted(error)), None), "Input should not be null."
    return RequestValidationError([{"type": "check_failed", "loc": ("body", column) if column else ("body",), "msg": message}])
