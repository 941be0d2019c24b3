"""The history of the database: revisions, which Alembic runs. `rowsmith db revision` writes them, and nobody changes one that has run."""
