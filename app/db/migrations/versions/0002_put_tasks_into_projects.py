"""Put tasks into projects.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "481e8c4bfc6b"
down_revision = "9e0dde961b18"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.add_column("tasks", "project_id", "uuid", None, None)
    steps.create_table(
        "projects",
        "user_id text NOT NULL",
        "id uuid NOT NULL",
        "created_at timestamp with time zone NOT NULL",
        "updated_at timestamp with time zone NOT NULL",
        "version integer NOT NULL",
        'name text COLLATE "C" NOT NULL',
        'summary text COLLATE "C"',
        "status text COLLATE \"C\" DEFAULT 'planned' NOT NULL",
        "CONSTRAINT pk_projects PRIMARY KEY (user_id, id)",
        "CONSTRAINT uq_projects_name UNIQUE (user_id, name)",
        "CONSTRAINT ck_projects_name_min_length CHECK (char_length(name) >= 1)",
        "CONSTRAINT ck_projects_name_max_length CHECK (char_length(name) <= 120)",
        "CONSTRAINT ck_projects_status_values CHECK (status IN ('planned', 'active', 'done'))",
    )
    steps.add_index("ix_tasks_project_id", "tasks", "(user_id, project_id)")
    steps.add_index("ix_projects_created_at", "projects", "(user_id, created_at, id)")
    steps.add_index("ix_projects_updated_at", "projects", "(user_id, updated_at, id)")
    steps.add_index("ix_projects_name_id", "projects", "(user_id, name, id)")
    steps.add_index(
        "ix_projects_status_id",
        "projects",
        "(user_id, (CASE status WHEN 'planned' THEN 0 WHEN 'active' THEN 1 WHEN 'done' THEN 2 END), id)",
    )
    steps.add_constraint("tasks", "fk_tasks_project", "FOREIGN KEY (user_id, project_id) REFERENCES projects (user_id, id)")


def downgrade() -> None:
    """Take it back."""
    steps.drop_constraint("tasks", "fk_tasks_project")
    steps.drop_index("ix_tasks_project_id")
    steps.drop_table("projects")
    steps.drop_column("tasks", "project_id")
