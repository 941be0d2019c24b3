"""Puts the core of the application into the wheel, from where `rowsmith init` copies it into a new project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NOT_CORE = (
    "app/models/",
    "app/routes/",
    "app/extensions/",
    "app/db/migrations/versions/",
    "app/db/migrations/database.json",
    "app/rowsmith.lock",
)
"""What a project generates or writes for itself."""

BESIDE_APP = (".env.example", ".python-version", "requirements.txt")
"""Files outside app/ that a new project receives too."""

DEPENDENCIES = "pyproject.toml"
"""Whose dependency group `app` a new project has as its dependencies."""


class CoreFiles(BuildHookInterface[Any]):
    """Adds each core file as `generator/_project/<its path>`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Extend the build's list of files; an editable installation reads them where they are."""
        if version == "editable":
            return
        root = Path(self.root)
        paths = [path.relative_to(root).as_posix() for path in sorted((root / "app").rglob("*")) if path.is_file()]
        core = [path for path in paths if not path.startswith(NOT_CORE) and "__pycache__" not in path and "/." not in path]
        for path in (*core, *BESIDE_APP, DEPENDENCIES):
            build_data["force_include"][str(root / path)] = f"generator/_project/{path}"
