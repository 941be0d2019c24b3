"""`app/rowsmith.lock`: what the generator wrote, from which specs, and the default plurals that no upgrade may change.

The file is text, sorted, one line a fact, without a timestamp or an absolute path, so that it reviews and merges like code:

    rowsmith.lock 1
    generator 0.1.0
    plural Task tasks
    spec resources/task.yaml fields.title=0f3a9c1b operations=99ab41d2
    app/models/task.py generated resources/task.yaml <sha256 of the text>
    app/extensions/task.py yours resources/task.yaml -

- A line that begins with a path under app/ says of what kind the file is (`generated`, `core` or `yours`), which spec it comes from
  (`-`: all or none) and the SHA-256 of the text that was written (`-` for `yours`, whose content is nobody's business).
- `spec` keeps a short digest of each part of the resolved spec: they say which part of which spec made a file stale.
- `plural` freezes a default plural; a spec's own `plural` wins over it.

Reading never fails. A damaged line is reported and skipped; of a merge conflict both sides count, so that a file which either side
generated is still known as generated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from generator.diagnostics import Diagnostic, error
from generator.ir import Span
from generator.records import record

LOCK_PATH = "app/rowsmith.lock"
FORMAT = 1
_HEADER = "rowsmith.lock"
_MAX_BYTES = 32 * 1024 * 1024

_FILE_PATH = re.compile(r"app(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")
_SPEC_PATH = re.compile(r"resources/[A-Za-z0-9_][A-Za-z0-9_.-]*\.yaml")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESOURCE = re.compile(r"[A-Z][A-Za-z0-9]*")
_PLURAL = re.compile(r"[a-z][a-z0-9_]*")
_VERSION = re.compile(r"[A-Za-z0-9.+!_-]{1,64}")
_PART = re.compile(r"([a-z0-9_.]+)=([0-9a-f]{8})")
_CONFLICT = re.compile(r"(<{7}|\|{7}|={7}|>{7})( .*)?")


class FileKind(StrEnum):
    """Who writes a file of app/."""

    GENERATED = "generated"
    CORE = "core"
    YOURS = "yours"


_KINDS = frozenset(FileKind)


@record
class LockedFile:
    """One file of app/. `source` is its spec, None where it comes from all of them or none.

    `digests` are the SHA-256 of what was written: none for `yours`; more than one where either may stand on disk, that is after a merge
    conflict in the lock or an interrupted run.
    """

    path: str
    kind: FileKind
    source: str | None
    digests: tuple[str, ...]


@record
class Lock:
    """The content of a lock. `specs` maps a spec's path to the digests of its parts; `generator` is the version that wrote it."""

    generator: str | None = None
    plurals: Mapping[str, str] = field(default_factory=dict[str, str])
    specs: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    files: Mapping[str, LockedFile] = field(default_factory=dict[str, LockedFile])


@record
class LockReading:
    """What was found on disk: the lock as far as it could be read, its text (None: no file), and what was wrong with it."""

    lock: Lock
    text: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def digest(data: bytes) -> str:
    """The SHA-256 of a file's bytes as the lock keeps it; CRLF counts as LF, because a checkout may have changed the line ends."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n") if b"\r" in data else data).hexdigest()


def render_lock(lock: Lock) -> str:
    """The text of a lock: the same facts always give the same bytes."""
    lines = [f"{_HEADER} {FORMAT}"]
    if lock.generator is not None:
        lines.append(f"generator {lock.generator}")
    lines += [f"plural {name} {plural}" for name, plural in sorted(lock.plurals.items())]
    for path, parts in sorted(lock.specs.items()):
        lines.append(" ".join(["spec", path, *(f"{name}={value}" for name, value in sorted(parts.items()))]))
    for path, entry in sorted(lock.files.items()):
        lines += [f"{path} {entry.kind} {entry.source or '-'} {sha256}" for sha256 in entry.digests or ("-",)]
    return "\n".join(lines) + "\n"


def frozen_plurals(root: Path) -> dict[str, str]:
    """The default plurals that the project's lock has frozen, by resource name; empty when there is no readable lock."""
    return dict(read_lock(root).lock.plurals)


def read_lock(root: Path) -> LockReading:
    """Read the lock of the project at `root`. Never raises: what is wrong with the file comes back as diagnostics."""
    path = root / LOCK_PATH
    try:
        if not path.is_file():
            return LockReading(Lock())
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as problem:
        return LockReading(Lock(), None, (_unreadable(problem.strerror or str(problem)),))
    if len(data) > _MAX_BYTES:
        return LockReading(Lock(), None, (_unreadable("it is larger than 32 MiB"),))
    return parse_lock(data.decode("utf-8", errors="replace"))


@lru_cache(maxsize=2)
def parse_lock(text: str) -> LockReading:
    """Read the text of a lock as far as it is one; see the module's docstring for the form."""
    lines = text.removeprefix("\ufeff").split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    diagnostics: list[Diagnostic] = []
    conflict = next((number for number, line in enumerate(lines, 1) if _CONFLICT.fullmatch(line)), None)
    if conflict is not None:
        diagnostics.append(
            error("RS702", "the lock has an unresolved merge conflict", _span(conflict, lines[conflict - 1]), hint=_CURE_CONFLICT)
        )
    header = next((line for line in lines if line.strip() and not _CONFLICT.fullmatch(line)), "")
    newer = _newer_format(header)
    if newer is not None:
        return LockReading(Lock(), text, (_too_new(newer),))
    reader = _Reader()
    damaged: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or _CONFLICT.fullmatch(line) or line == f"{_HEADER} {FORMAT}":
            continue
        if not reader.read(line.split(" ")):
            damaged.append(number)
    if not header.startswith(f"{_HEADER} "):
        damaged.insert(0, 1)
    if damaged:
        diagnostics.append(_damaged(damaged, lines))
    return LockReading(reader.lock(), text, tuple(diagnostics))


def _newer_format(header: str) -> int | None:
    match = re.fullmatch(rf"{re.escape(_HEADER)} ([0-9]{{1,6}})", header)
    return int(match[1]) if match and int(match[1]) > FORMAT else None


class _Reader:
    """Collects the facts of a lock line by line."""

    def __init__(self) -> None:
        self._generator: str | None = None
        self._plurals: dict[str, str] = {}
        self._specs: dict[str, dict[str, str]] = {}
        self._files: dict[str, LockedFile] = {}

    def lock(self) -> Lock:
        return Lock(self._generator, self._plurals, self._specs, self._files)

    def read(self, words: list[str]) -> bool:
        """Take in one line; False when it says nothing that can be understood."""
        match words:
            case ["generator", version] if _VERSION.fullmatch(version):
                self._generator = version
            case ["plural", name, plural] if _RESOURCE.fullmatch(name) and _PLURAL.fullmatch(plural):
                self._plurals.setdefault(name, plural)
            case ["spec", path, *parts] if _SPEC_PATH.fullmatch(path) and all(_PART.fullmatch(part) for part in parts):
                self._specs[path] = dict(part.split("=", 1) for part in parts)
            case [path, kind, source, sha256] if _FILE_PATH.fullmatch(path) and kind in _KINDS:
                return self._read_file(path, FileKind(kind), source, sha256)
            case _:
                return False
        return True

    def _read_file(self, path: str, kind: FileKind, source: str, sha256: str) -> bool:
        if not (source == "-" or _SPEC_PATH.fullmatch(source)):
            return False
        if not (_SHA256.fullmatch(sha256) or (sha256 == "-" and kind is FileKind.YOURS)):
            return False
        known = self._files[path].digests if path in self._files else ()
        digests = known if sha256 == "-" or sha256 in known else (*known, sha256)
        self._files[path] = LockedFile(path, kind, None if source == "-" else source, digests)
        return True


_CURE = "`rowsmith generate` writes it anew; nothing else needs to be done"
_CURE_CONFLICT = "do not resolve it by hand: once the specs are merged, `rowsmith generate` writes the lock anew"


def _span(line: int, text: str = "") -> Span:
    return Span(LOCK_PATH, line, 1, max(len(text), 1))


def _unreadable(reason: str) -> Diagnostic:
    return error("RS701", f"the lock cannot be read: {reason}", _span(1), hint="make it readable, or restore it from version control")


def _too_new(version: int) -> Diagnostic:
    message = f"the lock has format {version}, and this Rowsmith reads format {FORMAT}"
    return error("RS703", message, _span(1), hint="a newer Rowsmith wrote it: upgrade this one (`pip install --upgrade rowsmith`)")


def _damaged(numbers: list[int], lines: list[str]) -> Diagnostic:
    first = numbers[0]
    count = "a line" if len(numbers) == 1 else f"{len(numbers)} lines"
    text = lines[first - 1] if first <= len(lines) else ""
    return error(
        "RS701",
        f"the lock is damaged: {count} cannot be read",
        _span(first, text),
        "the first of them" if len(numbers) > 1 else None,
        hint=_CURE,
    )
