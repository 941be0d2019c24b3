"""How the project on disk differs from what its specs give. Reads only; `check`, `--diff` and `generate` all start here.

For each file three texts matter: the one that the specs give now, the one on disk, and the one that was written last, of which the lock
keeps the hash. A text on disk that is neither was edited by hand.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from generator import hooks, naming
from generator.causes import Cause, Changes
from generator.ir import Schema
from generator.lock import FileKind, Lock, LockedFile, LockReading, digest, parse_lock, read_lock
from generator.pipeline import Build
from generator.records import record
from generator.rendered import RenderedFile
from generator.targets import Target, targets_of

STAGE = "app/.rowsmith-stage"
"""Where `generator.write` prepares files; what an interrupted run has left there."""

JOURNAL_PATH = f"{STAGE}/rowsmith.lock"
"""The lock of a run that is replacing files: its hashes count as known until the run is over."""

GENERATED_FOLDERS = ("app/models", "app/routes")
_GENERATED_BY = re.compile(rb"^Generated from (?:resources/|the specs)", re.MULTILINE)


class State(StrEnum):
    """What a file of app/ is in relation to the specs and the lock."""

    UNCHANGED = "unchanged"
    NEW = "new"
    MISSING = "missing"
    STALE = "stale"
    EDITED = "edited by hand"
    UNKNOWN = "not known to the lock"
    ORPHAN = "orphan"
    ORPHAN_EDITED = "orphan, edited by hand"
    BLOCKED = "not a file that can be written"


REFUSED = frozenset({State.EDITED, State.UNKNOWN, State.ORPHAN_EDITED})
"""States in which a file is written or deleted only by consent."""


@record
class FileDrift:
    """One file: what it is, what stands on disk (`current`) and what should (`wanted`; None: nothing). Both None: nothing to compare."""

    path: str
    kind: FileKind
    source: str | None
    state: State
    current: bytes | None
    wanted: str | None
    causes: tuple[Cause, ...] = ()
    problem: str | None = None  # why it is BLOCKED


@record
class Drift:
    """The whole comparison.

    `files` are sorted by path. `reading` is the lock as it stands on disk; `known` is that lock with what an interrupted run may have
    written; `wanted` the lock that belongs to the specs. `strays` are generated files that neither the specs nor the lock know.
    """

    schema: Schema
    files: tuple[FileDrift, ...]
    strays: tuple[str, ...]
    reading: LockReading
    known: Lock
    wanted: Lock
    interrupted: bool

    @property
    def refused(self) -> tuple[FileDrift, ...]:
        """The files that are written or deleted only by consent."""
        return tuple(file for file in self.files if file.state in REFUSED)

    @property
    def blocked(self) -> tuple[FileDrift, ...]:
        """The files that cannot be written whatever anybody consents to."""
        return tuple(file for file in self.files if file.state is State.BLOCKED)

    @property
    def changed(self) -> tuple[FileDrift, ...]:
        """The files that `generate` would write or delete, the refused ones included."""
        return tuple(file for file in self.files if file.state not in {State.UNCHANGED, State.BLOCKED})

    @property
    def lock_is_current(self) -> bool:
        """Whether the lock says what it should. The version that wrote it alone makes no difference."""
        return not self.reading.diagnostics and replace(self.reading.lock, generator=None) == replace(self.wanted, generator=None)


def compare(root: Path, build: Build, version: str) -> Drift:
    """Compare what the specs give with the project at `root`; `version` is that of the running generator.

    The build must have a schema. OSError: a file cannot be read.
    """
    schema = build.schema
    if schema is None:
        raise ValueError("invalid specs give nothing to compare with")
    reading = read_lock(root)
    known, interrupted = interrupted_lock(root, reading.lock)
    changes = Changes(known, schema, build.parts, version)
    read = build.read or targets_of(root)
    files = [_generated(read(file.path), file, known, changes) for file in build.files]
    files += [_stub(read(path), path, text, source, known) for path, (text, source) in hooks.stubs(schema).items()]
    current = {file.path for file in files}
    for entry in known.files.values():
        if entry.kind is FileKind.GENERATED and entry.path not in current:
            files += _orphan(read(entry.path), entry)
    ordered = tuple(sorted(files, key=lambda file: file.path))
    strays = tuple(_strays(root, {file.path for file in files}))
    unchanged = all(file.state is State.UNCHANGED for file in files if file.kind is FileKind.GENERATED)
    # A new version that changes nothing else leaves the lock alone: no diff without a reason.
    wrote = known.generator if unchanged and known.generator else version
    wanted = Lock(wrote, _plurals(schema, known), changes.digests, _entries(root, ordered, known))
    return Drift(schema, ordered, strays, reading, known, wanted, interrupted)


# --- one file -----------------------------------------------------------------------------------------------------------------------


def _generated(found: Target, file: RenderedFile, known: Lock, changes: Changes) -> FileDrift:
    entry = known.files.get(file.path)
    drift = FileDrift(file.path, FileKind.GENERATED, file.source, State.UNCHANGED, found.data, file.text)
    if found.problem is not None:
        return replace(drift, state=State.BLOCKED, problem=found.problem)
    if found.data is None:
        return replace(drift, state=State.NEW if entry is None else State.MISSING)
    wanted = file.text.encode()
    if found.data == wanted or digest(found.data) == digest(wanted):
        return drift
    if entry is None or entry.kind is not FileKind.GENERATED:
        return replace(drift, state=State.UNKNOWN)
    if digest(found.data) not in entry.digests:
        return replace(drift, state=State.EDITED)
    return replace(drift, state=State.STALE, causes=changes.causes(file.source))


def _stub(found: Target, path: str, text: str, source: str | None, known: Lock) -> FileDrift:
    drift = FileDrift(path, FileKind.YOURS, source, State.UNCHANGED, found.data, text)
    if found.problem is not None:
        return replace(drift, state=State.BLOCKED, problem=found.problem)
    if found.data is None:
        return replace(drift, state=State.MISSING if path in known.files else State.NEW)
    return drift


def _orphan(found: Target, entry: LockedFile) -> list[FileDrift]:
    """A generated file that no spec gives any more; nothing when it is gone already."""
    drift = FileDrift(entry.path, FileKind.GENERATED, entry.source, State.ORPHAN, found.data, None)
    if found.problem is not None:
        return [replace(drift, state=State.BLOCKED, problem=found.problem)]
    if found.data is None:
        return []
    return [drift if digest(found.data) in entry.digests else replace(drift, state=State.ORPHAN_EDITED)]


def _strays(root: Path, known: set[str]) -> Iterator[str]:
    """Files in the generated folders that say of themselves that they were generated, but that nothing knows."""
    for folder in GENERATED_FOLDERS:
        directory = root / folder
        if not directory.is_dir():
            continue
        for name in sorted(os.listdir(directory)):  # noqa: PTH208 - of many, nearly all are known
            path = f"{folder}/{name}"
            entry = root / path if name.endswith(".py") and path not in known else None
            if entry is not None and not entry.is_symlink() and entry.is_file():
                with entry.open("rb") as stream:
                    if _GENERATED_BY.search(stream.read(2000)):
                        yield path


# --- the lock -----------------------------------------------------------------------------------------------------------------------


def interrupted_lock(root: Path, lock: Lock) -> tuple[Lock, bool]:
    """The lock of a project with what an interrupted run may have written, and whether there was one."""
    journal, interrupted = _journal(root)
    return _merged(lock, journal), interrupted


def _journal(root: Path) -> tuple[Lock, bool]:
    """The lock that an interrupted run was about to write, and whether it left anything at all."""
    stage = root / STAGE
    if not stage.is_dir():
        return Lock(), False
    path = root / JOURNAL_PATH
    if not path.is_file():
        return Lock(), True
    return parse_lock(path.read_text(encoding="utf-8", errors="replace")).lock, True


def _merged(lock: Lock, journal: Lock) -> Lock:
    """`lock`, in which a file may also have the content that `journal` says."""
    files = dict(lock.files)
    for path, entry in journal.files.items():
        known = files[path].digests if path in files else ()
        files[path] = replace(entry, digests=tuple(dict.fromkeys((*known, *entry.digests))))
    plurals = {**journal.plurals, **lock.plurals}
    return Lock(lock.generator or journal.generator, plurals, {**journal.specs, **lock.specs}, files)


def _plurals(schema: Schema, known: Lock) -> dict[str, str]:
    """The plurals that are defaults: those of this version, and those that an earlier one has frozen."""
    return {
        resource.name: resource.plural
        for resource in schema.resources
        if resource.plural == known.plurals.get(resource.name) or resource.plural == naming.plural_of(resource.name)
    }


def _entries(root: Path, files: Iterable[FileDrift], known: Lock) -> dict[str, LockedFile]:
    """The files of app/ once everything is written: the generated ones, the stubs, and what the lock knows besides."""
    kept = {
        path: entry
        for path, entry in known.files.items()
        if entry.kind is FileKind.CORE or (entry.kind is FileKind.YOURS and (root / path).is_file())
    }
    wanted = {
        file.path: LockedFile(file.path, file.kind, file.source, (digest(file.wanted.encode()),) if file.kind is FileKind.GENERATED else ())
        for file in files
        if file.wanted is not None
    }
    return kept | wanted


# --- differences as text ------------------------------------------------------------------------------------------------------------


def unified(file: FileDrift) -> str:
    """The difference between the disk and what the specs give, in a form that `patch -p1` takes; empty when there is none."""
    if file.state in {State.UNCHANGED, State.BLOCKED}:
        return ""
    before = "" if file.current is None else file.current.decode("utf-8", errors="replace")
    return _diff(
        before,
        file.wanted or "",
        "/dev/null" if file.current is None else f"a/{file.path}",
        "/dev/null" if file.wanted is None else f"b/{file.path}",
    )


def hand_edit(file: FileDrift) -> str:
    """The difference between what the specs give and the disk: the hand's edits stand on the lines with `+`."""
    edited = (file.current or b"").decode("utf-8", errors="replace")
    return _diff(file.wanted or "", edited, f"{file.path} (generated)", f"{file.path} (on disk)")


def _diff(before: str, after: str, from_name: str, to_name: str) -> str:
    old, new = before.replace("\r\n", "\n").splitlines(keepends=True), after.splitlines(keepends=True)
    lines = list(difflib.unified_diff(old, new, from_name, to_name))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
