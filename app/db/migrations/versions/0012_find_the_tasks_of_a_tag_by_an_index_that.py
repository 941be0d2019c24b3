"""Find the tasks of a tag by an index that has both.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "939399553f51"
down_revision = "9e5c3f411131"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.add_index("ix_task_tags_tag_id_task_id", "task_tags", "(user_id, tag_id, task_id)")
    steps.drop_index("ix_task_tags_tag_id")


def downgrade() -> None:
    """Take it back."""
    steps.add_index("ix_task_tags_tag_id", "task_tags", "(user_id, tag_id)")
    steps.drop_index("ix_task_tags_tag_id_task_id")
