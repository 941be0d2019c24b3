"""Where the revisions of a project are."""

from __future__ import annotations

FOLDER = "app/db/migrations"
VERSIONS = f"{FOLDER}/versions"
STATE = f"{FOLDER}/database.json"
