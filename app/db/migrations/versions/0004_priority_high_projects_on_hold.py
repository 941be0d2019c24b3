"""Priority high, projects on hold.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "c5d3edb27584"
down_revision = "dbdeecf64878"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.drop_index("ix_projects_status_id")
    steps.drop_constraint("tasks", "ck_tasks_priority_values")
    steps.drop_index("ix_tasks_priority_id")
    steps.set_default("tasks", "priority", "'normal'")
    steps.replace_value("tasks", "priority", "urgent", "high")
    steps.add_constraint("projects", "ck_projects_status_values", "CHECK (status IN ('planned', 'active', 'on-hold', 'done'))")
    steps.add_index(
        "ix_projects_status_id",
        "projects",
        "(user_id, (CASE status WHEN 'planned' THEN 0 WHEN 'active' THEN 1 WHEN 'on-hold' THEN 2 WHEN 'done' THEN 3 END), id)",
    )
    steps.add_constraint("tasks", "ck_tasks_priority_values", "CHECK (priority IN ('low', 'normal', 'high'))")
    steps.add_index(
        "ix_tasks_priority_id", "tasks", "(user_id, (CASE priority WHEN 'low' THEN 0 WHEN 'normal' THEN 1 WHEN 'high' THEN 2 END), id)"
    )


def downgrade() -> None:
    """Take it back."""
    steps.drop_constraint("projects", "ck_projects_status_values")
    steps.drop_index("ix_projects_status_id")
    steps.drop_constraint("tasks", "ck_tasks_priority_values")
    steps.drop_index("ix_tasks_priority_id")
    steps.set_default("tasks", "priority", "'low'")
    steps.replace_value("projects", "status", "on-hold", "planned")
    steps.replace_value("tasks", "priority", "normal", "low")
    steps.replace_value("tasks", "priority", "high", "urgent")
    steps.add_constraint("projects", "ck_projects_status_values", "CHECK (status IN ('planned', 'active', 'done'))")
    steps.add_index(
        "ix_projects_status_id",
        "projects",
        "(user_id, (CASE status WHEN 'planned' THEN 0 WHEN 'active' THEN 1 WHEN 'done' THEN 2 END), id)",
    )
    steps.add_constraint("tasks", "ck_tasks_priority_values", "CHECK (priority IN ('low', 'urgent'))")
    steps.add_index("ix_tasks_priority_id", "tasks", "(user_id, (CASE priority WHEN 'low' THEN 0 WHEN 'urgent' THEN 1 END), id)")
