"""Revisions on disk: the files of app/db/migrations/versions, and the database that the last one leads to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from generator.ir import Schema
from generator.literals import text
from generator.lock import digest
from generator.migrations.database import FIRST, Database, database_of, dump, load
from generator.migrations.diff import difference
from generator.migrations.editions import Editions, editions_of
from generator.migrations.folders import FOLDER, STATE, VERSIONS
from generator.migrations.operations import Operation
from generator.migrations.renames import renames_of
from generator.records import record
from generator.render import formatted

_HEAD = re.compile(r'^revision = "([0-9a-f]{12})"$', re.MULTILINE)
_DOWN = re.compile(r'^down_revision = (None|"[0-9a-f]{12}"|\("[0-9a-f]{12}"(?:, "[0-9a-f]{12}")+\))$', re.MULTILINE)
_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)


class RevisionError(Exception):
    """The revisions on disk cannot be gone on from: `message` says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@record
class History:
    """The revisions of a project: how many there are, the last one, and the database it leads to.

    `edited` are the files that are not what was written, by name; `digests` what was written, as far as that is known. `editions` are those
    of what guards rows that the project has now.
    """

    count: int
    head: str | None
    database: Database
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    edited: tuple[str, ...] = ()
    editions: Editions = FIRST


@record
class Revision:
    """A new revision: its id, its path, its text, and the state to write beside it."""

    id: str
    path: str
    text: str
    state: str


def read_parents(root: Path) -> dict[str, tuple[str, ...]]:
    """The ids of the revisions below `root`, each with those before it: none of the first one, several of one that joins branches."""
    parents: dict[str, tuple[str, ...]] = {}
    for file in sorted((root / VERSIONS).glob("*.py")):
        source = file.read_text(encoding="utf-8")
        if _CONFLICT.search(source):
            path = f"{VERSIONS}/{file.name}"
            hint = f"keep both: git show MERGE_HEAD:./{path} > {path.removesuffix('.py')}_too.py && git checkout --ours -- {path}"
            raise RevisionError(f"{path} is in conflict: two branches have written a revision of this name", hint)
        head, down = _HEAD.search(source), _DOWN.search(source)
        if head is None or down is None:
            raise RevisionError(f"{VERSIONS}/{file.name} is no revision", "move it away: revisions are written by `rowsmith db revision`")
        parents[head[1]] = tuple(re.findall(r'"([0-9a-f]{12})"', down[1]))
    return parents


def _digests(root: Path) -> dict[str, str]:
    """The digests of the files as they are, by name."""
    return {file.name: digest(file.read_bytes()) for file in sorted((root / VERSIONS).glob("*.py"))}


def heads_of(parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The revisions that none comes after."""
    return tuple(sorted(parents.keys() - {parent for several in parents.values() for parent in several}))


def read_history(root: Path) -> History:
    """The revisions below `root`. RevisionError where there is more than one head, or the state is missing or damaged."""
    parents, found = read_parents(root), _digests(root)
    heads = heads_of(parents)
    if len(heads) > 1:
        hint = "once the specs are merged, `rowsmith db merge` joins them"
        raise RevisionError(f"the revisions have {len(heads)} heads: {', '.join(heads)}", hint)
    if not heads:
        return History(0, None, Database(), editions=editions_of(root))
    try:
        state = load((root / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RevisionError(f"{STATE} is missing", f"restore it: git checkout HEAD -- {STATE}") from None
    except ValueError as problem:
        raise RevisionError(f"{STATE} cannot be read: {problem}", "resolve a merge conflict in it, or restore it from git") from None
    if state.revision != heads[0]:
        hint = f"restore what belongs together: git checkout HEAD -- {FOLDER}"
        raise RevisionError(f"{STATE} is that of revision {state.revision}, but the last one is {heads[0]}", hint)
    edited = tuple(name for name, now in found.items() if state.digests.get(name, now) != now)
    return History(len(parents), heads[0], state.database, {**found, **state.digests}, edited, editions_of(root))


def accepted(root: Path, history: History) -> str:
    """The state with the files as they are now: what has been edited by hand is what was meant."""
    return dump(history.database, history.head or "", _digests(root))


def pending(schema: Schema, history: History) -> tuple[Operation, ...]:
    """What the specs ask for, and the core, beyond the last revision."""
    return difference(history.database, database_of(schema, history.editions), renames_of(schema, history.database)).operations


def new_revision(
    history: History,
    target: Database,
    upgrade: Sequence[Operation],
    downgrade: Sequence[Operation],
    message: str | None,
    consents: Mapping[str, str],
) -> Revision:
    """The revision that leads from a history to `target`; the same difference gives the same bytes.

    `consents` are the operations that were allowed to lose data, with the reason.
    """
    title = message or _title(upgrade) or "Steps by hand"
    revision = hashlib.sha256(f"{history.head}\0{dump(target, '')}\0{title}".encode()).hexdigest()[:12]
    number = f"{history.count + 1:04}"
    name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:40].strip("_") or "change"
    path = f"{VERSIONS}/{number}_{name}.py"
    before = (history.head,) if history.head else ()
    source = formatted(_render(revision, before, title, upgrade, downgrade, consents))
    return Revision(revision, path, source, dump(target, revision, _with(history.digests, path, source)))


def merge_revision(root: Path, heads: Sequence[str], joined: Database, operations: Sequence[Operation]) -> Revision:
    """The revision that joins `heads` of the project at `root` and leads to `joined`; most have no operations."""
    title = f"Join {' and '.join(heads)}"
    revision = hashlib.sha256(f"{dump(joined, '')}\0{title}".encode()).hexdigest()[:12]
    source = formatted(_render(revision, heads, title, operations, (), {}))
    digests = _digests(root)
    path = f"{VERSIONS}/{len(digests) + 1:04}_join.py"
    return Revision(revision, path, source, dump(joined, revision, _with(digests, path, source)))


def _with(digests: Mapping[str, str], path: str, source: str) -> dict[str, str]:
    return {**digests, path.rpartition("/")[2]: digest(source.encode())}


def _title(operations: Sequence[Operation]) -> str:
    """The first operations in words."""
    words = list(dict.fromkeys(one.summary for one in operations))
    if all(word.startswith("create ") for word in words[:1]) and len(words) > 3:
        words = [word for word in words if word.startswith("create ")]
    more = f" and {len(words) - 2} more" if len(words) > 2 else ""
    title = ", ".join(words[:2]) + more
    return title[:1].upper() + title[1:]


def _render(
    revision: str,
    before: Sequence[str],
    title: str,
    upgrade: Iterable[Operation],
    downgrade: Iterable[Operation],
    consents: Mapping[str, str],
) -> str:
    allowed = "".join(f"\n    {name}: {reason}" for name, reason in sorted(consents.items()))
    body = f'"""{title.rstrip(".")}.\n\nWritten by `rowsmith db revision`; once it has run anywhere, it stays as it is.' + (
        f"\n\nWhat it loses was allowed:\n{allowed}" if allowed else ""
    )
    lines = [
        body.replace("\\", "\\\\") + '\n"""',
        "",
        "from app.db.migrations import steps",
        "",
        f'revision = "{revision}"',
        f"down_revision = {_before(before)}",
        "",
        "",
        "def upgrade() -> None:",
        '    """Bring the database from the previous revision to this one."""',
        *_calls(upgrade),
        "",
        "",
        "def downgrade() -> None:",
        '    """Take it back."""',
        *_calls(downgrade),
    ]
    return "\n".join(lines) + "\n"


def _before(revisions: Sequence[str]) -> str:
    if len(revisions) > 1:
        return f"({', '.join(text(one) for one in revisions)})"
    return text(revisions[0]) if revisions else "None"


def _calls(operations: Iterable[Operation]) -> list[str]:
    calls: list[str] = []
    for operation in operations:
        step = operation.step
        arguments = ["None" if argument is None else text(argument) for argument in step.arguments]
        arguments += [f"edition={step.edition}"] if step.edition is not None else []
        calls.append(f"    steps.{step.function}({', '.join(arguments)})")
    return calls or ["    pass"]
