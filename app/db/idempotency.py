"""The answers that are kept for requests with an Idempotency-Key."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, LargeBinary, PrimaryKeyConstraint, Text, bindparam, func, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select

from app.db.session import Row, Transaction
from app.db.statements import OWNER, owned
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
_FIND = owned(
    select(IdempotencyKey.fingerprint, IdempotencyKey.status, IdempotencyKey.headers, IdempotencyKey.body).where(
        IdempotencyKey.user_id == OWNER,
        IdempotencyKey.route == _ROUTE,
        IdempotencyKey.key == _KEY,
        IdempotencyKey.created_at > func.now() - literal_column(LIFETIME),
    )
)
_NEW: dict[str, Any] = {
    "created_at": func.now(),
    "fingerprint": bindparam("fingerprint", type_=LargeBinary),
    "status": bindparam("status", type_=Integer),
    "headers": bindparam("headers", type_=LargeBinary),
    "body": bindparam("body", type_=LargeBinary),
}
_KEEP = owned(
    insert(IdempotencyKey)
    .values(user_id=OWNER, route=_ROUTE, key=_KEY, **_NEW)
    .on_conflict_do_update(index_elements=["user_id", "route", "key"], set_=_NEW)  # an expired one
    .returning(col(IdempotencyKey.status))
)


async def find(transaction: Transaction, route: str, key: str) -> Row | None:
    """The answer that is kept for a key of the transaction's user, once no other request with the key is under way.

    LockNotAvailableError or QueryCanceledError when that takes too long.
    """
    await transaction.lock(f"{transaction.user_id}\n{route}\n{key}")
    return await transaction.fetch_one(_FIND, user_id=transaction.user_id, route=route, key=key)


async def keep(transaction: Transaction, route: str, key: str, *, fingerprint: bytes, status: int, headers: bytes, body: bytes) -> None:
    """Keep an answer, in the transaction of what it tells of."""
    await transaction.fetch_one(
        _KEEP, user_id=transaction.user_id, route=route, key=key, fingerprint=fingerprint, status=status, headers=headers, body=body
    )
