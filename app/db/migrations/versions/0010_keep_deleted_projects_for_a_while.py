"""Keep deleted projects for a while.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "631e1162d30e"
down_revision = "7dcfa1cca898"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.add_column("projects", "deleted_at", "timestamp with time zone", None, None)
    steps.add_unique_index("uq_projects_name_present", "projects", "(user_id, name) WHERE deleted_at IS NULL")
    steps.add_index("ix_projects_deleted_at", "projects", "(deleted_at) WHERE deleted_at IS NOT NULL")
    steps.purge_deleted("projects", "tasks.project_id")
    steps.drop_constraint("projects", "uq_projects_name")


def downgrade() -> None:
    """Take it back."""
    steps.stop_purging("projects")
    steps.drop_deleted("projects")
    steps.drop_index("ix_projects_deleted_at")
    steps.add_unique("projects", "uq_projects_name", "UNIQUE (user_id, name)")
    steps.drop_column("projects", "deleted_at")
    steps.drop_index("uq_projects_name_present")
