"""Split state into completed and progress.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "df32c93cb9ba"
down_revision = "c5d3edb27584"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.add_column("tasks", "completed", "boolean", "false", "false")
    steps.add_column("tasks", "progress", "integer", "0", "0")
    steps.add_constraint("tasks", "ck_tasks_progress_ge", "CHECK (progress >= 0)")
    steps.add_constraint("tasks", "ck_tasks_progress_le", "CHECK (progress <= 100)")
    steps.add_index("ix_tasks_progress_id", "tasks", "(user_id, progress, id)")
    # By hand: the new fields get what the old one says.
    steps.update_rows("tasks", "completed = true, progress = 100", "state = 'done' AND NOT completed")
    steps.update_rows("tasks", "progress = 50", "state = 'started' AND progress = 0")


def downgrade() -> None:
    """Take it back."""
    steps.drop_constraint("tasks", "ck_tasks_progress_ge")
    steps.drop_constraint("tasks", "ck_tasks_progress_le")
    steps.drop_index("ix_tasks_progress_id")
    steps.drop_column("tasks", "completed")
    steps.drop_column("tasks", "progress")
