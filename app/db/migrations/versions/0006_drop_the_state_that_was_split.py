"""Drop the state that was split.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.

What it loses was allowed:

    drop:tasks.state: completed and progress say it since the revision before
"""

from app.db.migrations import steps

revision = "ad8827f5e102"
down_revision = "df32c93cb9ba"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    # By hand: once more, for what the previous version of the application has written since.
    steps.update_rows("tasks", "completed = true, progress = 100", "state = 'done' AND NOT completed")
    steps.update_rows("tasks", "progress = 50", "state = 'started' AND progress = 0")
    steps.drop_constraint("tasks", "ck_tasks_state_values")
    steps.add_constraint("tasks", "ck_tasks_done_has_progress", "CHECK (NOT completed OR progress = 100)")
    steps.add_index("ix_tasks_completed_due_at", "tasks", "(user_id, completed, due_at)")
    steps.drop_column("tasks", "state")


def downgrade() -> None:
    """Take it back."""
    steps.drop_constraint("tasks", "ck_tasks_done_has_progress")
    steps.drop_index("ix_tasks_completed_due_at")
    steps.add_column("tasks", "state", 'text COLLATE "C"', "'todo'", "'todo'")
    steps.add_constraint("tasks", "ck_tasks_state_values", "CHECK (state IN ('todo', 'started', 'done'))")
    # By hand: what the field said.
    steps.update_rows("tasks", "state = 'done'", "completed AND state <> 'done'")
    steps.update_rows("tasks", "state = 'started'", "progress > 0 AND NOT completed AND state = 'todo'")
