"""What `rowsmith check` says about revisions: whether they lead to the specs. Needs no database."""

from __future__ import annotations

from pathlib import Path

from generator.diagnostics import Diagnostic, error
from generator.ir import Schema, Span
from generator.migrations.editions import GUARDS
from generator.migrations.folders import VERSIONS

SHOWN = 3
"""Operations that are named."""


def of_revisions(root: Path, schema: Schema) -> list[Diagnostic]:
    """The findings about the revisions of a project; none in one that has no revisions yet."""
    if not any((root / VERSIONS).glob("*.py")):
        return []
    from generator.migrations.places import place_of  # noqa: PLC0415 - takes a while to load
    from generator.migrations.revisions import RevisionError, pending, read_history  # noqa: PLC0415 - as above

    try:
        history = read_history(root)
    except RevisionError as problem:
        return [error("RS741", problem.message, None, hint=problem.hint)]
    edited = [_edited(name) for name in history.edited]
    operations = pending(schema, history) if history.head is not None else ()
    if not operations:
        return edited
    names = [one.summary for one in operations]
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    places = [place for one in operations if (place := place_of(one, schema)) is not None]
    changed = f"the specs, or {GUARDS}," if any(one.step.edition for one in operations) else "the specs"
    message = f"{changed} have changes that no revision has: {', '.join([*names[:SHOWN], *more])}"
    return [*edited, error("RS740", message, places[0] if places else None, hint="`rowsmith db revision` writes a revision for them")]


def _edited(name: str) -> Diagnostic:
    path = f"{VERSIONS}/{name}"
    hint = f"restore it (git checkout -- {path}) and write another revision; if it has run nowhere yet: rowsmith db revision --edited"
    return error(
        "RS742", f"`{path}` was edited: databases that it has run on already would never get the change", Span(path, 1, 1), hint=hint
    )
