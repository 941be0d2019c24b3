"""Deleted rows that stay for a while: putting them there with everything that goes along, and bringing them back.

A delete locks the row in the mode in which PostgreSQL itself locks a row that it deletes, marks it, and only then looks for the rows that
refer to it. Whoever makes a reference locks what it refers to (see `referring`), so that it either is found here, or finds the row deleted.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from fastapi import HTTPException
from sqlalchemy import ARRAY, ColumnElement, Table, Uuid, any_, bindparam, literal_column, null, select, update
from sqlmodel import SQLModel

from app.db.faults import StillReferredError
from app.db.session import Transaction
from app.db.statements import DELETED_AT, OWNER, ROW_ID, Statement, discarded, owned, present, table_of, target_of, touched
from app.db.table import TIMESTAMP

type Reference = tuple[type[SQLModel], str, type[SQLModel]]
"""The model that refers, its column, and the model that it refers to."""

IDS = bindparam("ids", type_=ARRAY(Uuid))
MOMENT = bindparam("moment", type_=TIMESTAMP)


class Trash:
    """How rows of one resource are deleted and restored, with those that refer to them, at any depth."""

    def __init__(
        self,
        model: type[SQLModel],
        *,
        cascades: Iterable[Reference] = (),
        clears: Iterable[Reference] = (),
        restricts: Iterable[Reference] = (),
    ) -> None:
        """The references that lead to `model`, or to what is deleted with it.

        Rows with one of `cascades` are deleted and restored together with what they refer to, `clears` are set to null, and rows with one
        of `restricts` keep a row from being deleted.
        """
        self._rows = _Rows(model)
        self._cascades = [_Referring(child, column, parent) for child, column, parent in cascades]
        self._clears = [_Referring(child, column, parent) for child, column, parent in clears]
        self._restricts = [_Referring(child, column, parent) for child, column, parent in restricts]

    def compile(self) -> None:
        """Compile every statement now; else each is when it is first needed."""
        for rows in (self._rows, *(one.child for one in self._cascades)):
            _ = rows.discard, rows.restore, rows.discard_one, rows.restore_one, rows.references and rows.referred
        _ = [(one.present, one.deleted) for one in self._cascades]
        _ = [one.clear for one in self._clears], [one.first for one in self._restricts]

    async def discard(self, transaction: Transaction, row_id: UUID) -> None:
        """Delete a row that the transaction has locked. StillReferredError when rows that are not deleted with it refer to it."""
        user_id = transaction.user_id
        deleted = await self._walk(transaction, row_id, None)
        for one in self._restricts:
            ids = deleted.get(one.parent)
            if ids and await transaction.fetch_one(one.first, user_id=user_id, ids=list(ids)) is not None:
                raise StillReferredError(409, f"Rows of {one.child.table.name} still refer to this one. Delete or change them first.")
        for one in self._clears:
            if ids := deleted.get(one.parent):
                await transaction.fetch_all(one.clear, user_id=user_id, ids=list(ids))

    async def restore(self, transaction: Transaction, row_id: UUID, deleted_at: datetime) -> None:
        """Bring back a deleted row that the transaction has locked, and what was deleted with it, at the same time.

        409 where a unique value has been taken meanwhile, or what a row refers to is deleted.
        """
        user_id = transaction.user_id
        restored = await self._walk(transaction, row_id, deleted_at)
        rows = {one.table: one for one in (self._rows, *(one.child for one in self._cascades))}
        for table, ids in restored.items():
            for column, find in rows[table].references:
                referring = await transaction.fetch_all(rows[table].referred, user_id=user_id, ids=list(ids))
                wanted = {row[column] for row in referring} - {None}
                if wanted and len(await transaction.fetch_all(find, user_id=user_id, ids=list(wanted))) < len(wanted):
                    raise HTTPException(409, f"What `{column}` of {table.name} refers to is deleted. Restore that first.")

    async def _walk(self, transaction: Transaction, row_id: UUID, deleted_at: datetime | None) -> dict[Table, set[UUID]]:
        """Delete a row and those below it, or restore what was deleted at `deleted_at`: their ids by table.

        A level at a time: who refers to a row is asked once it is marked, when nobody can begin to refer to it any more.
        """
        deletes = deleted_at is None
        moment: dict[str, Any] = {} if deletes else {"moment": deleted_at}
        reached: dict[Table, set[UUID]] = {}
        levels = [(self._rows, [row_id])]
        for rows, ids in levels:  # it grows on the way
            await rows.change(transaction, ids, deletes=deletes)
            reached.setdefault(rows.table, set()).update(ids)
            for one in self._cascades:
                if one.parent is rows.table:
                    statement = one.present if deletes else one.deleted
                    below = await transaction.fetch_all(statement, user_id=transaction.user_id, ids=ids, **moment)
                    if below:
                        levels.append((one.child, [row["id"] for row in below]))
        return reached


class _Rows:
    """The statements about rows of one table that are known by their ids."""

    def __init__(self, model: type[SQLModel]) -> None:
        self.model = model
        self.table = table_of(model)

    async def change(self, transaction: Transaction, ids: list[UUID], *, deletes: bool) -> None:
        """Delete or restore them. One is known by its id alone, which leads every plan straight to it."""
        if len(ids) == 1:
            await transaction.fetch_one(self.discard_one if deletes else self.restore_one, user_id=transaction.user_id, id=ids[0])
        else:
            await transaction.fetch_all(self.discard if deletes else self.restore, user_id=transaction.user_id, ids=ids)

    @cached_property
    def discard(self) -> Statement:
        """Delete them."""
        return self._discard(self.table.c.id == any_(IDS))

    @cached_property
    def discard_one(self) -> Statement:
        """Delete the one."""
        return self._discard(self.table.c.id == ROW_ID)

    @cached_property
    def restore(self) -> Statement:
        """Bring them back."""
        return self._restore(self.table.c.id == any_(IDS))

    @cached_property
    def restore_one(self) -> Statement:
        """Bring the one back."""
        return self._restore(self.table.c.id == ROW_ID)

    def _discard(self, these: ColumnElement[bool]) -> Statement:
        statement = update(self.table).where(self.table.c.user_id == OWNER, these, *present(self.table)).values(discarded(self.model))
        return owned(statement.returning(self.table.c.id))

    def _restore(self, these: ColumnElement[bool]) -> Statement:
        conditions = (self.table.c.user_id == OWNER, these, self.table.c[DELETED_AT].is_not(None))
        statement = update(self.table).where(*conditions).values({DELETED_AT: null(), **touched(self.table)})
        return owned(statement.returning(self.table.c.id))

    @cached_property
    def references(self) -> list[tuple[str, Statement]]:
        """The columns that refer to tables with deleted rows, each with what finds and locks those of the rows that are there."""
        targets = [(column.key, target) for column in self.table.c if (target := target_of(column)) is not None]
        return [(column, _locked(target, present(target))) for column, target in targets]

    @cached_property
    def referred(self) -> Statement:
        """What they refer to."""
        columns = [self.table.c[column] for column, _ in self.references]
        return owned(select(*columns).where(self.table.c.user_id == OWNER, self.table.c.id == any_(IDS), *present(self.table)))


class _Referring:
    """The statements about the rows with one reference to rows that are known by their ids."""

    def __init__(self, model: type[SQLModel], column: str, parent: type[SQLModel]) -> None:
        self.child = _Rows(model)
        self.parent = table_of(parent)
        self._column = column
        self._these = (self.child.table.c.user_id == OWNER, self.child.table.c[column] == any_(IDS))

    @cached_property
    def present(self) -> Statement:
        """Find and lock those that are not deleted."""
        return self._find(*present(self.child.table))

    @cached_property
    def deleted(self) -> Statement:
        """Find and lock those that were deleted at a moment."""
        deleted_at = self.child.table.c[DELETED_AT]
        return self._find(deleted_at.is_not(None), deleted_at == MOMENT)

    def _find(self, *conditions: ColumnElement[bool]) -> Statement:
        table = self.child.table
        return owned(select(table.c.id).where(*self._these, *conditions).order_by(table.c.id).with_for_update())

    @cached_property
    def first(self) -> Statement:
        """One that is not deleted."""
        table = self.child.table
        return owned(select(table.c.id).where(*self._these, *present(table)).limit(literal_column("1")))

    @cached_property
    def clear(self) -> Statement:
        """Set the reference to null, in deleted rows as well, which are restored without it."""
        table = self.child.table
        statement = update(table).where(*self._these).values({self._column: null(), **touched(table)})
        return owned(statement.returning(table.c.id), deleted_too=True)


def _locked(table: Table, conditions: tuple[ColumnElement[bool], ...]) -> Statement:
    """Finds rows by their ids, and keeps others from deleting them."""
    found = select(table.c.id).where(table.c.user_id == OWNER, table.c.id == any_(IDS), *conditions)
    return owned(found.with_for_update(read=True, key_share=True))
