"""Rename the name of a task to title.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "dbdeecf64878"
down_revision = "481e8c4bfc6b"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.rename_column("tasks", "name", "title")
    steps.rename_constraint("tasks", "ck_tasks_name_min_length", "ck_tasks_title_min_length")
    steps.rename_constraint("tasks", "ck_tasks_name_max_length", "ck_tasks_title_max_length")
    steps.rename_index("ix_tasks_name_id", "ix_tasks_title_id")


def downgrade() -> None:
    """Take it back."""
    steps.rename_column("tasks", "title", "name")
    steps.rename_constraint("tasks", "ck_tasks_title_min_length", "ck_tasks_name_min_length")
    steps.rename_constraint("tasks", "ck_tasks_title_max_length", "ck_tasks_name_max_length")
    steps.rename_index("ix_tasks_title_id", "ix_tasks_name_id")
