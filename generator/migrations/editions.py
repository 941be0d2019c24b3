"""The editions of what guards rows in the database, which app/db/guards.py of a project has: the numbers of their latest texts."""

from __future__ import annotations

import re
from pathlib import Path

from generator.records import record

GUARDS = "app/db/guards.py"


@record
class Editions:
    """Of row-level security and rights, of what purges deleted rows, and of searches."""

    protection: int = 1
    purge: int = 1
    search: int = 1


def editions_of(root: Path) -> Editions:
    """The editions of the project at `root`; the first ones where its core is from before there were others."""
    file = root / GUARDS
    return editions_in(file.read_text(encoding="utf-8") if file.is_file() else "")


def editions_in(source: str) -> Editions:
    """The editions that the text of the module names."""
    return Editions(*(_number(name, source) for name in ("PROTECTION", "PURGE", "SEARCH")))


def _number(name: str, source: str) -> int:
    found = re.search(rf"^{name} = ([0-9]+)$", source, re.MULTILINE)
    return int(found[1]) if found else 1
