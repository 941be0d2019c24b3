"""A new project: the core of the application and the files around it, as they are before the first `rowsmith generate`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from generator.lock import LOCK_PATH, FileKind, Lock, LockedFile, digest, render_lock

TEXTS = Path(__file__).parent / "files"

FILES = {
    ".github/workflows/ci.yml": "ci.yml.in",
    ".gitignore": "gitignore.in",
    ".pre-commit-config.yaml": "pre-commit-config.yaml.in",
    "Makefile": "Makefile.in",
    "README.md": "README.md.in",
    "pyproject.toml": "pyproject.toml.in",
    "requirements-dev.txt": "requirements-dev.in",
    "resources/task.yaml": "task.yaml.in",
    "tests/conftest.py": "conftest.py.in",
    "tests/test_api.py": "test_api.py.in",
}
"""The files of a new project by path, and what they are made from: `@NAME@`, `@VERSION@` and `@DEPENDENCIES@` are filled in."""

NOT_CORE = ("app/models/", "app/routes/", "app/extensions/", "app/db/migrations/versions/", "app/db/migrations/database.json", LOCK_PATH)
"""What a project generates or writes for itself; everything else of app/ is core (hatch_build.py packs the same)."""

BESIDE_APP = (".env.example", ".python-version", "requirements.txt")
"""Files outside app/ that a new project receives as they are."""

DEPENDENCIES = "pyproject.toml"
"""Rowsmith's own, whose dependency group `app` a new project has as its dependencies."""


class IncompleteError(Exception):
    """This installation of Rowsmith lacks files that a project needs."""


def project_files(name: str, version: str) -> dict[str, bytes]:
    """Every file of a new project, by path. `version` is that of the running generator. IncompleteError: the installation is broken."""
    core = core_files()
    values = {"@NAME@": name, "@VERSION@": version, "@DEPENDENCIES@": _dependencies()}
    files = {path: _filled(source, values) for path, source in FILES.items()}
    lock = Lock(
        version,
        files={path: LockedFile(path, FileKind.CORE, None, (digest(data),)) for path, data in core.items() if path.startswith("app/")},
    )
    return {**files, **core, LOCK_PATH: render_lock(lock).encode()}


def core_files() -> dict[str, bytes]:
    """The core of the application and what stands beside it, by path. IncompleteError: the installation is broken."""
    root = _origin()
    paths = [path.relative_to(root).as_posix() for path in sorted((root / "app").rglob("*")) if path.is_file()]
    core = [path for path in paths if not path.startswith(NOT_CORE) and not _is_litter(path)]
    return {path: (root / path).read_bytes() for path in (*core, *BESIDE_APP)}


def is_origin(root: Path) -> bool:
    """Whether a folder is the checkout of Rowsmith that is running, whose core is written by hand."""
    return _origin().resolve() == root.resolve()


def _origin() -> Path:
    """Where the core is: in the installed package (hatch_build.py puts it there), or in a checkout of Rowsmith."""
    package = Path(__file__).parent.parent
    packed = package / "_project"
    root = packed if packed.is_dir() else package.parent
    missing = [path for path in ("app/main.py", *BESIDE_APP, DEPENDENCIES) if not (root / path).is_file()]
    if missing:
        raise IncompleteError(f"{', '.join(missing)} missing in {root}")
    return root


def _dependencies() -> str:
    """What the application imports, as lines of a TOML array."""
    groups = tomllib.loads((_origin() / DEPENDENCIES).read_text(encoding="utf-8"))["dependency-groups"]
    return "\n".join(f'  "{requirement}",' for requirement in groups["app"])


def _is_litter(path: str) -> bool:
    return any(part.startswith((".", "__pycache__")) for part in path.split("/"))


def project_name(folder: str) -> str:
    """A folder's name as that of a Python project: `My API` → my-api."""
    return re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-") or "api"


def _filled(source: str, values: Mapping[str, str]) -> bytes:
    text = (TEXTS / source).read_text(encoding="utf-8")
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text.encode()
