"""The answers that are kept for requests with an Idempotency-Key."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, LargeBinary, PrimaryKeyConstraint, Text, bindparam, func, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select

from app.db.session import Row, Transaction
from app.db.statements import OWNER, Statement, owned
from app.db.table import TIMESTAMP, column

LIFETIME = "interval '24 hours'"


class IdempotencyKey(SQLModel, table=True):
    """The answer to one request. No resource's table has a name that ends with an underscore."""

    __tablename__ = "idempotency_keys_"  # pyright: ignore[reportAssignmentType]  # SQLModel declares it twice
    __table_args__ = (PrimaryKeyConstraint("user_id", "route", "key", name="pk_idempotency_keys_"),)

    user_id: str = Field(sa_type=Text)
    route: str = column(Text)
    key: str = column(Text)
    created_at: datetime = column(TIMESTAMP)
    fingerprint: bytes = column(LargeBinary)
    status: int = column(Integer)
    headers: bytes = column(LargeBinary)
    body: bytes = column(LargeBinary)


_ROUTE, _KEY = bindparam("route", type_=Text), bindparam("key", type_=Text)


@cache
def _find() -> Statement:
    kept = IdempotencyKey
    return owned(
        select(kept.fingerprint, kept.status, kept.headers, kept.body).where(
            kept.user_id == OWNER,
            kept.route == _ROUTE,
            kept.key == _KEY,
            kept.created_at > func.now() - literal_column(LIFETIME),
        )
    )


@cache
def _keep() -> Statement:
    new: dict[str, Any] = {
        "created_at": func.now(),
        "fingerprint": bindparam("fingerprint", type_=LargeBinary),
        "status": bindparam("status", type_=Integer),
        "headers": bindparam("headers", type_=LargeBinary),
        "body": bindparam("body", type_=LargeBinary),
    }
    statement = insert(IdempotencyKey).values(user_id=OWNER, route=_ROUTE, key=_KEY, **new)
    again: dict[str, Any] = {name: statement.excluded[name] for name in new}  # an expired one
    return owned(
        statement.on_conflict_do_update(index_elements=["user_id", "route", "key"], set_=again).returning(col(IdempotencyKey.status))
    )


async def find(transaction: Transaction, route: str, key: str) -> Row | None:
    """The answer that is kept for a key of the transaction's user, once no other request with the key is under way.

    LockNotAvailableError or QueryCanceledError when that takes too long.
    """
    await transaction.lock(f"{transaction.user_id}\n{route}\n{key}")
    return await transaction.fetch_one(_find(), user_id=transaction.user_id, route=route, key=key)


async def keep(transaction: Transaction, route: str, key: str, *, fingerprint: bytes, status: int, headers: bytes, body: bytes) -> None:
    """Keep an answer, in the transaction of what it tells of."""
    await transaction.fetch_one(
        _keep(), user_id=transaction.user_id, route=route, key=key, fingerprint=fingerprint, status=status, headers=headers, body=body
    )
