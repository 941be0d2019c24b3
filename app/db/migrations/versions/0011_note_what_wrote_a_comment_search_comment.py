"""Note what wrote a comment, search comments in English.

Written by `rowsmith db revision`; once it has run anywhere, it stays as it is.
"""

from app.db.migrations import steps

revision = "9e5c3f411131"
down_revision = "631e1162d30e"


def upgrade() -> None:
    """Bring the database from the previous revision to this one."""
    steps.add_column("comments", "source", 'text COLLATE "C"', None, None)
    steps.add_constraint("comments", "ck_comments_source_max_length", "CHECK (char_length(source) <= 200)")
    steps.set_search("comments", "ix_comments_search", "english", "body")


def downgrade() -> None:
    """Take it back."""
    steps.drop_constraint("comments", "ck_comments_source_max_length")
    steps.set_search("comments", "ix_comments_search", "simple", "body")
    steps.drop_column("comments", "source")
