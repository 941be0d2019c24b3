"""How the core of a project's app/ differs from that of this version of Rowsmith. Reads only; `generator.write` applies it.

As with generated files, three texts matter: this version's, the one on disk, and the one that was written last, of which the lock keeps the
hash. A text on disk that is neither was edited by hand, and belongs to whoever did it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from generator.diagnostics import Diagnostic, error
from generator.drift import REFUSED, Drift, FileDrift, State, interrupted_lock
from generator.ir import Schema, Span
from generator.lock import FileKind, Lock, LockedFile, digest, read_lock
from generator.records import record
from generator.targets import read_target


@record
class Upgrade:
    """What an upgrade does: `drift` is for `generator.write.apply`, `left` are the files that it leaves as they are."""

    drift: Drift
    left: tuple[FileDrift, ...]


def upgrade_of(root: Path, core: Mapping[str, bytes], *, forced: Collection[str] = (), kept: Collection[str] = ()) -> Upgrade:
    """Compare the core of the project at `root` with `core`, that of this version, by path.

    Args:
        root: The project.
        core: The files below app/ of this version.
        forced: Paths of edited files that are to be overwritten or removed.
        kept: Paths of edited files that stay, and count as merged with this version.
    """
    reading = read_lock(root)
    known, interrupted = interrupted_lock(root, reading.lock)
    files = tuple(sorted(_files(root, core, known, kept), key=lambda file: file.path))
    left = tuple(file for file in files if file.state in REFUSED and file.path not in forced)
    entries = {path: entry for path, entry in known.files.items() if entry.kind is not FileKind.CORE}
    entries |= {path: LockedFile(path, FileKind.CORE, None, (digest(data),)) for path, data in core.items()}
    for file in left:  # what it was made from stays known, so that it is reported until it is merged
        entries.pop(file.path, None)
        if file.path in known.files:
            entries[file.path] = known.files[file.path]
    wanted = Lock(known.generator, known.plurals, known.specs, entries)
    written = tuple(file for file in files if file not in left)
    return Upgrade(Drift(Schema(()), written, (), reading, known, wanted, interrupted), left)


def _files(root: Path, core: Mapping[str, bytes], known: Lock, kept: Collection[str]) -> Iterator[FileDrift]:
    for path, data in core.items():
        file = _file(root, path, data, known)
        merged = file.state in REFUSED and path in kept
        yield replace(file, state=State.UNCHANGED) if merged else file
    for path, entry in known.files.items():
        if entry.kind is FileKind.CORE and path not in core:
            yield from _gone(root, entry, path in kept)


def _file(root: Path, path: str, data: bytes, known: Lock) -> FileDrift:
    found, entry = read_target(root, path), known.files.get(path)
    file = FileDrift(path, FileKind.CORE, None, State.UNCHANGED, found.data, data.decode())
    if found.problem is not None:
        return replace(file, state=State.BLOCKED, problem=found.problem)
    if found.data is None:
        return replace(file, state=State.NEW if entry is None else State.MISSING)
    written = entry.digests if entry is not None and entry.kind is FileKind.CORE else ()
    if digest(found.data) == digest(data) or written == (digest(data),):  # edited, but this version changes nothing of it
        return file
    if digest(found.data) in written:
        return replace(file, state=State.STALE)
    return replace(file, state=State.EDITED if written else State.UNKNOWN)


def _gone(root: Path, entry: LockedFile, is_kept: bool) -> Iterator[FileDrift]:
    """A file that this version's core has no more."""
    found = read_target(root, entry.path)
    if found.data is None or is_kept:
        return
    state = State.ORPHAN if digest(found.data) in entry.digests else State.ORPHAN_EDITED
    yield FileDrift(entry.path, FileKind.CORE, None, state, found.data, None)


def findings_of(upgrade: Upgrade) -> list[Diagnostic]:
    """What is left for the user to decide, a diagnostic a file."""
    found: list[Diagnostic] = []
    for file in upgrade.left:
        place = Span(file.path, 1, 1)
        choice = f"`rowsmith upgrade --keep {file.path}` once it is merged,\nor `--force {file.path}` to"
        if file.wanted is None:
            message = f"`{file.path}` is no part of the core any more, and was edited by hand"
            found.append(error("RS751", message, place, hint=f"{choice} delete it"))
        elif file.state is State.UNKNOWN:
            message = f"`{file.path}` is part of the core now, and a file of yours stands there"
            found.append(error("RS750", message, place, hint=f"move it away if it is something else; {choice} replace it"))
        else:
            message = f"`{file.path}` was edited by hand, and the core has another version of it"
            found.append(error("RS750", message, place, hint=f"{choice} replace it"))
    return found
