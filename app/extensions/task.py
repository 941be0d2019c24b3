"""Hooks of Task: this file is yours, and Rowsmith never changes it.

Declared in resources/task.yaml; `rowsmith check` compares the signatures. To refuse a request, raise `fastapi.HTTPException`:
the transaction is then rolled back.
"""

from typing import Any

from app.db.session import Transaction
from app.models.task import Task


async def before_update(session: Transaction, row: Task, changes: dict[str, Any]) -> None:
    """Runs before an update: `row` is as stored, `changes` the new values by column; what it changes there is written."""
