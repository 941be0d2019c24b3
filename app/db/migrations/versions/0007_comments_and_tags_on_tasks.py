"""Comments, and tags on tasks.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "20764666ad62"
down_revision = "ad8827f5e102"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.create_table(
        "comments",
        "user_id text NOT NULL",
        "id uuid NOT NULL",
        "created_at timestamp with time zone NOT NULL",
        "updated_at timestamp with time zone NOT NULL",
        "version integer NOT NULL",
        "task_id uuid NOT NULL",
        'body text COLLATE "C" NOT NULL',
        'author_email text COLLATE "C"',
        "client_ref uuid DEFAULT gen_random_uuid() NOT NULL",
        "written_on date DEFAULT (now() AT TIME ZONE 'UTC')::date NOT NULL",
        "CONSTRAINT pk_comments PRIMARY KEY (user_id, id)",
        "CONSTRAINT uq_comments_client_ref UNIQUE (user_id, client_ref)",
        "CONSTRAINT ck_comments_body_min_length CHECK (char_length(body) >= 1)",
        "CONSTRAINT ck_comments_body_max_length CHECK (char_length(body) <= 10000)",
        "CONSTRAINT ck_comments_author_email_max_length CHECK (char_length(author_email) <= 320)",
        "CONSTRAINT ck_comments_written_on_range CHECK (written_on >= date '0001-01-01' AND written_on <= date '9999-12-31')",
    )
    steps.create_table(
        "task_tags",
        "user_id text NOT NULL",
        "id uuid NOT NULL",
        "created_at timestamp with time zone NOT NULL",
        "updated_at timestamp with time zone NOT NULL",
        "version integer NOT NULL",
        "task_id uuid NOT NULL",
        "tag_id uuid NOT NULL",
        'added_by text COLLATE "C"',
        "CONSTRAINT pk_task_tags PRIMARY KEY (user_id, id)",
        "CONSTRAINT uq_task_tags_task_tag UNIQUE (user_id, task_id, tag_id)",
        "CONSTRAINT ck_task_tags_added_by_max_length CHECK (char_length(added_by) <= 80)",
    )
    steps.add_index("ix_comments_created_at", "comments", "(user_id, created_at, id)")
    steps.add_index("ix_comments_updated_at", "comments", "(user_id, updated_at, id)")
    steps.add_index("ix_comments_written_on_id", "comments", "(user_id, written_on, id)")
    steps.add_index("ix_comments_task_id", "comments", "(user_id, task_id)")
    steps.add_index("ix_task_tags_created_at", "task_tags", "(user_id, created_at, id)")
    steps.add_index("ix_task_tags_updated_at", "task_tags", "(user_id, updated_at, id)")
    steps.add_index("ix_task_tags_tag_id", "task_tags", "(user_id, tag_id)")
    steps.add_constraint("comments", "fk_comments_task", "FOREIGN KEY (user_id, task_id) REFERENCES tasks (user_id, id) ON DELETE CASCADE")
    steps.add_constraint(
        "task_tags", "fk_task_tags_task", "FOREIGN KEY (user_id, task_id) REFERENCES tasks (user_id, id) ON DELETE CASCADE"
    )
    steps.add_constraint("task_tags", "fk_task_tags_tag", "FOREIGN KEY (user_id, tag_id) REFERENCES tags (user_id, id) ON DELETE CASCADE")


def downgrade() -> None:
    """Take it back."""
    steps.drop_constraint("comments", "fk_comments_task")
    steps.drop_constraint("task_tags", "fk_task_tags_task")
    steps.drop_constraint("task_tags", "fk_task_tags_tag")
    steps.drop_table("comments")
    steps.drop_table("task_tags")
