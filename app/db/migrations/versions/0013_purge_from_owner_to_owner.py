"""Purge from owner to owner.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "f107fcadcb51"
down_revision = "4058e9d23bc7"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.purge_deleted("projects", "tasks.project_id", edition=2)
    steps.protect("comments", "projects", "tags", "tasks", "task_tags", "idempotency_keys_", edition=2)


def downgrade() -> None:
    """Take it back."""
    steps.purge_deleted("projects", "tasks.project_id")
    steps.protect("comments", "projects", "tags", "tasks", "task_tags", "idempotency_keys_", edition=1)
