"""Search the words of tasks, projects and comments.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "7dcfa1cca898"
down_revision = "f7c195bac313"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.set_search("comments", "ix_comments_search", "simple", "body")
    steps.set_search("projects", "ix_projects_search", "simple", "name")
    steps.set_search("tasks", "ix_tasks_search", "simple", "title")


def downgrade() -> None:
    """Take it back."""
    steps.drop_search("comments", "ix_comments_search")
    steps.drop_search("projects", "ix_projects_search")
    steps.drop_search("tasks", "ix_tasks_search")
