"""What the last compile of a project found, by the content that it was found in: the next one does only what has changed since.

Kept in the user's cache folder, a file a project, which can be deleted at any time. It is never believed over content: what is known of a
spec counts for a spec of the same SHA-256 alone, and what is known of a generated file is the SHA-256 of its text, not the text. A file
that is damaged, of another compiler, or that somebody else could have written is as good as none.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import pickle
import stat
from collections.abc import Generator, Mapping
from dataclasses import field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from generator import diagnostics, ir
from generator.cache import cache_folder, compiler_state
from generator.diagnostics import Diagnostic
from generator.ir import Reference, Resource, Schema
from generator.parts import Part
from generator.records import packed, record

WORTH_IT = 50
"""Specs from which something is remembered: fewer are compiled in the time that it would take."""

MOST = 20
"""Projects that are remembered, the last ones."""


@record
class Known:
    """What is known of one spec: its resource, its parts, and what it was warned of."""

    resource: Resource
    parts: Mapping[str, Part]
    warnings: tuple[Diagnostic, ...]


@record
class Remembered:
    """A spec as it was: the digest of its text, the names of its resource and of those that it refers to, and what was known, `packed`."""

    text: str
    name: str
    targets: tuple[str, ...]
    known: bytes

    @property
    def digest(self) -> str:
        """A digest of what was known."""
        return sha256(self.known).hexdigest()


@record
class Compiled:
    """The schema, or None where there is an error among the diagnostics; and what is known of each spec by path, none after an error.

    `unchanged` are those of which that was known before.
    """

    schema: Schema | None
    diagnostics: tuple[Diagnostic, ...]
    known: Mapping[str, Known]
    unchanged: Mapping[str, Remembered] = field(default_factory=dict[str, Remembered])


@record
class Written:
    """What came of a resource: the path and the digest of either module, and the segments of others below which it has routes."""

    model: tuple[str, str]
    routes: tuple[str, str]
    beside: frozenset[str]


@record
class Memory:
    """The last compile: the frozen plurals and the specs by path that it began with, and what was written, by a digest of what it shows."""

    plurals: Mapping[str, str] = field(default_factory=dict[str, str])
    specs: Mapping[str, Remembered] = field(default_factory=dict[str, Remembered])
    written: Mapping[str, Written] = field(default_factory=dict[str, Written])


# --- the file -----------------------------------------------------------------------------------------------------------------------


def recall(root: Path) -> Memory:
    """What is known of the project at `root`; an empty memory where nothing is."""
    try:
        data = _read_own(_path(root))
        head, _, body = data.partition(b"\n")
        return _unpacked(body, Memory) if head == _head(body) else Memory()
    except (OSError, RuntimeError, pickle.UnpicklingError):
        return Memory()


def remember(root: Path, memory: Memory) -> None:
    """Keep the memory of the project at `root`. Where it cannot be written, nothing happens."""
    body = packed(memory)
    with contextlib.suppress(OSError, RuntimeError):
        path = _path(root)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}.{os.getpid()}")
        staged.unlink(missing_ok=True)
        with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(_head(body) + b"\n" + body)
        staged.replace(path)
        others = sorted(path.parent.iterdir(), key=lambda other: other.stat().st_mtime)
        for old in others[:-MOST]:
            old.unlink(missing_ok=True)


def _path(root: Path) -> Path:
    """Where the memory of a project is. RuntimeError: the user has no home."""
    return cache_folder() / "compiled" / sha256(os.fsencode(os.path.realpath(root))).hexdigest()


def _head(body: bytes) -> bytes:
    """The first line of a file: the compiler that wrote it, and what follows."""
    return f"rowsmith {compiler_state('')} {sha256(body).hexdigest()}".encode()


def _read_own(path: Path) -> bytes:
    """A file that nobody else can have written. PermissionError: somebody could."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:  # noqa: PTH123 - of a descriptor
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise PermissionError(path)
        return file.read()


# --- packing ------------------------------------------------------------------------------------------------------------------------


def remembered(text: bytes, known: Known) -> Remembered:
    """What is known of a spec with this text, to be kept."""
    resource = known.resource
    targets = tuple(field.type.target for field in resource.fields if isinstance(field.type, Reference))
    return Remembered(sha256(text).hexdigest(), resource.name, targets, packed(known))


@contextlib.contextmanager
def many_records() -> Generator[None]:
    """Without garbage collection, which would look through 80,000 new records again and again: twice as fast."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # the command needs them to its end: no later collection finds any to be garbage
        if collecting:
            gc.enable()


def known_of(remembered: Remembered) -> Known:
    """What was known of a spec. UnpicklingError: it is nothing that `packed` has written."""
    return _unpacked(remembered.known, Known)


def _unpacked[Record](data: bytes, record: type[Record]) -> Record:
    value = _Unpacker(io.BytesIO(data)).load()
    if not isinstance(value, record):
        raise pickle.UnpicklingError(record.__name__)
    return value


_RECORDS: tuple[type[Any], ...] = (
    *(value for value in vars(ir).values() if isinstance(value, type) and value.__module__ == ir.__name__),
    *(diagnostics.Diagnostic, diagnostics.Related, diagnostics.Severity, Part),
    *(Known, Memory, Remembered, Written),
)
_ALLOWED: dict[tuple[str, str], Any] = {(record.__module__, record.__qualname__): record for record in (*_RECORDS, Decimal)}


class _Unpacker(pickle.Unpickler):
    """Makes records and nothing else: whatever else a pickle could call is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return _ALLOWED[module, name]
