"""Tasks and tags.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "9e0dde961b18"
down_revision = None


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.create_table(
        "tags",
        "user_id text NOT NULL",
        "id uuid NOT NULL",
        "created_at timestamp with time zone NOT NULL",
        "updated_at timestamp with time zone NOT NULL",
        "version integer NOT NULL",
        'name text COLLATE "C" NOT NULL',
        "CONSTRAINT pk_tags PRIMARY KEY (user_id, id)",
        "CONSTRAINT uq_tags_name UNIQUE (user_id, name)",
        "CONSTRAINT ck_tags_name_min_length CHECK (char_length(name) >= 1)",
        "CONSTRAINT ck_tags_name_max_length CHECK (char_length(name) <= 40)",
    )
    steps.create_table(
        "tasks",
        "user_id text NOT NULL",
        "id uuid NOT NULL",
        "created_at timestamp with time zone NOT NULL",
        "updated_at timestamp with time zone NOT NULL",
        "version integer NOT NULL",
        'name text COLLATE "C" NOT NULL',
        'notes text COLLATE "C"',
        "priority text COLLATE \"C\" DEFAULT 'low' NOT NULL",
        "state text COLLATE \"C\" DEFAULT 'todo' NOT NULL",
        "due_at timestamp with time zone",
        "CONSTRAINT pk_tasks PRIMARY KEY (user_id, id)",
        "CONSTRAINT ck_tasks_name_min_length CHECK (char_length(name) >= 1)",
        "CONSTRAINT ck_tasks_name_max_length CHECK (char_length(name) <= 200)",
        "CONSTRAINT ck_tasks_priority_values CHECK (priority IN ('low', 'urgent'))",
        "CONSTRAINT ck_tasks_state_values CHECK (state IN ('todo', 'started', 'done'))",
        "CONSTRAINT ck_tasks_due_at_range CHECK (due_at >= timestamptz '0001-01-01T00:00:00Z' AND due_at < "
        "timestamptz '10000-01-01T00:00:00Z')",
    )
    steps.create_table(
        "idempotency_keys_",
        "user_id text NOT NULL",
        "route text NOT NULL",
        "key text NOT NULL",
        "created_at timestamp with time zone NOT NULL",
        "fingerprint bytea NOT NULL",
        "status integer NOT NULL",
        "headers bytea NOT NULL",
        "body bytea NOT NULL",
        "CONSTRAINT pk_idempotency_keys_ PRIMARY KEY (user_id, route, key)",
    )
    steps.add_index("ix_tags_created_at", "tags", "(user_id, created_at, id)")
    steps.add_index("ix_tags_updated_at", "tags", "(user_id, updated_at, id)")
    steps.add_index("ix_tags_name_id", "tags", "(user_id, name, id)")
    steps.add_index("ix_tasks_created_at", "tasks", "(user_id, created_at, id)")
    steps.add_index("ix_tasks_updated_at", "tasks", "(user_id, updated_at, id)")
    steps.add_index("ix_tasks_name_id", "tasks", "(user_id, name, id)")
    steps.add_index("ix_tasks_priority_id", "tasks", "(user_id, (CASE priority WHEN 'low' THEN 0 WHEN 'urgent' THEN 1 END), id)")
    steps.add_index("ix_tasks_due_at_id", "tasks", "(user_id, due_at, id)")
    steps.add_index("ix_tasks_due_at_desc", "tasks", "(user_id, due_at DESC NULLS LAST, id DESC)")


def downgrade() -> None:
    """Take it back."""
    steps.drop_table("tags")
    steps.drop_table("tasks")
    steps.drop_table("idempotency_keys_")
