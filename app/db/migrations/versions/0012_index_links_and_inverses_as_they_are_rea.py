"""Index links and inverses as they are read.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "4058e9d23bc7"
down_revision = "9e5c3f411131"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.add_index("ix_comments_task_id_created_at_id", "comments", "(user_id, task_id, created_at, id)")
    steps.add_index("ix_tasks_project_id_created_at_id", "tasks", "(user_id, project_id, created_at, id)")
    steps.add_index("ix_tasks_parent_id_created_at_id", "tasks", "(user_id, parent_id, created_at, id)")
    steps.add_index("ix_task_tags_tag_id_task_id", "task_tags", "(user_id, tag_id, task_id)")
    steps.drop_index("ix_comments_task_id")
    steps.drop_index("ix_tasks_parent_id")
    steps.drop_index("ix_task_tags_tag_id")


def downgrade() -> None:
    """Take it back."""
    steps.add_index("ix_comments_task_id", "comments", "(user_id, task_id)")
    steps.add_index("ix_tasks_parent_id", "tasks", "(user_id, parent_id)")
    steps.add_index("ix_task_tags_tag_id", "task_tags", "(user_id, tag_id)")
    steps.drop_index("ix_comments_task_id_created_at_id")
    steps.drop_index("ix_tasks_project_id_created_at_id")
    steps.drop_index("ix_tasks_parent_id_created_at_id")
    steps.drop_index("ix_task_tags_tag_id_task_id")
