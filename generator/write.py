"""The only module of the compiler that writes to disk.

`apply` brings app/ in line with a comparison, in an order that lets a run be killed at any point and be repaired by the next one:

1. every target is looked at before anything is written (and the formatter has parsed every text);
2. the new texts are staged in app/.rowsmith-stage (the same file system), and so is the new lock, which from then on is the journal:
   the next run takes its hashes as known, so that a file which was already replaced is not mistaken for a hand edit;
3. the staged files replace the old ones, one rename each, and orphans are deleted;
4. the new lock replaces the old one, last.

What is unchanged is not touched: its modification time stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from generator.drift import JOURNAL_PATH, STAGE, Drift, FileDrift
from generator.exclusion import RefusedError
from generator.lock import LOCK_PATH, render_lock
from generator.records import record
from generator.targets import read_target

VERY_MANY = 500
"""Files from which all that is not on the disk yet is brought there, and not one file after the other."""


class UnwritableError(Exception):
    """The machine does not let us write: no permission, no room, a file system that is read-only. `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@record
class _Step:
    """One file to be put in place (`staged`) or, without one, to be deleted."""

    path: str
    target: Path
    staged: Path | None


def apply(root: Path, drift: Drift, forced: Collection[str] = ()) -> bool:
    """Write what differs; `forced` are the paths of refused files that may be overwritten or deleted. True when anything was written.

    The caller holds `project_lock`. RefusedError: a refused file that is not forced, or a target that is no file of the project;
    UnwritableError: the machine refuses. In the first case nothing was written; after the second the next run continues.
    """
    for file in drift.blocked:
        raise RefusedError(f"`{file.path}` cannot be written: {file.problem}", "move away what stands there, then run this again")
    for file in drift.refused:
        if file.path not in forced:
            raise RefusedError(f"`{file.path}` was {file.state}", f"`rowsmith generate --force {file.path}` overwrites it")
    if (problem := read_target(root, LOCK_PATH).problem) is not None:
        raise RefusedError(f"`{LOCK_PATH}` cannot be written: {problem}", "move away what stands there, then run this again")
    lock = render_lock(drift.wanted)
    if not drift.changed and not drift.interrupted and drift.reading.text == lock:
        return False
    with _explained():
        _check_access(root, drift.changed)
        _recover(root, drift)
        _write(root, drift.changed, lock)
    return True


def create(root: Path, files: Mapping[str, bytes]) -> None:
    """Write new files below `root`, by path, making folders as needed. One that is there already with the same bytes is left alone.

    RefusedError: one of them is there with other bytes, or leads out of `root`; UnwritableError: the machine refuses. In both cases
    nothing of it stays.
    """
    with _explained():
        missing = [path for path in sorted(files) if not _is_there(root, path, files[path])]
        written: list[Path] = []
        try:
            for path in missing:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                written.append(root / path)
                _write_file(root / path, files[path], 0o666)
        except OSError:
            for path in written:
                path.unlink(missing_ok=True)
            raise


def _is_there(root: Path, path: str, data: bytes) -> bool:
    found = read_target(root, path)
    if found.problem is not None:
        raise RefusedError(f"`{path}` cannot be written: {found.problem}", "move away what stands there, then run this again")
    if found.data is not None and found.data != data:
        raise RefusedError(f"`{path}` exists already; nothing was written", "move it away, or choose another folder")
    return found.data is not None


def replace_file(path: Path, data: bytes) -> None:
    """Give a file other bytes in one step, keeping its permissions. Raises UnwritableError, and then the old bytes are still there."""
    with _explained():
        target = path.resolve()
        staged = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            _write_file(staged, data, _mode(target))
            os.replace(staged, target)  # noqa: PTH105 - as above
        finally:
            staged.unlink(missing_ok=True)
        _sync_folder(target.parent)


def refresh(path: Path, data: bytes) -> None:
    """Bring a file up to date that can be made again at any time: when it cannot be written, nothing happens."""
    with contextlib.suppress(OSError):
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)


# --- the steps of `apply` -----------------------------------------------------------------------------------------------------------


def _check_access(root: Path, files: Iterable[FileDrift]) -> None:
    """Refuse what a rename would quietly get around: a file that its owner has made read-only."""
    for file in files:
        if file.current is not None and not os.access(root / file.path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), file.path)


def _recover(root: Path, drift: Drift) -> None:
    """Take over what an interrupted run may have written, and remove the rest of it."""
    if not drift.interrupted:
        return
    stage = root / STAGE
    if (root / JOURNAL_PATH).is_file():
        recovered = stage / "recovered.part"
        recovered.unlink(missing_ok=True)
        _write_file(recovered, render_lock(drift.known).encode(), 0o666)
        os.replace(recovered, root / LOCK_PATH)  # noqa: PTH105 - named as what it is: the atomic step
        _sync_folder(root / "app")
    shutil.rmtree(stage)


def _write(root: Path, files: Iterable[FileDrift], lock: str) -> None:
    steps = _stage(root, files, lock)
    for step in steps:
        if step.staged is not None:
            os.replace(step.staged, step.target)  # noqa: PTH105 - as above
    for step in steps:
        if step.staged is None:
            step.target.unlink(missing_ok=True)
    for folder in sorted({step.target.parent for step in steps}):
        _sync_folder(folder)
    os.replace(root / JOURNAL_PATH, root / LOCK_PATH)  # noqa: PTH105 - as above
    _sync_folder(root / "app")
    shutil.rmtree(root / STAGE)


def _stage(root: Path, files: Iterable[FileDrift], lock: str) -> list[_Step]:
    """Write everything that is to be put in place, the journal last. When that fails, nothing of it stays."""
    stage = root / STAGE
    stage.mkdir(parents=True)
    try:
        _write_file(stage / ".gitignore", b"*\n", 0o666, sync=False)
        steps = list(_staged(root, stage, files))
        _write_file(stage / "lock.part", lock.encode(), _mode(root / LOCK_PATH), sync=False)
        _sync([stage / "lock.part", *(step.staged for step in steps if step.staged is not None)])
        _sync_folder(stage)
        os.replace(stage / "lock.part", root / JOURNAL_PATH)  # noqa: PTH105 - as above
        _sync_folder(stage)
    except OSError:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    return steps


def _staged(root: Path, stage: Path, files: Iterable[FileDrift]) -> Iterator[_Step]:
    real_folder = cache(_real_folder)
    for number, file in enumerate(files):
        target = root / file.path
        if file.wanted is None:
            yield _Step(file.path, Path(os.path.realpath(target)), None)
            continue
        target = real_folder(target.parent) / target.name
        if file.current is not None and target.is_symlink():
            target = real_folder(target.resolve().parent) / target.resolve().name
        staged = stage / f"{number}.part"
        _write_file(staged, file.wanted.encode(), 0o666 if file.current is None else _mode(target), sync=False)
        yield _Step(file.path, target, staged)


def _real_folder(folder: Path) -> Path:
    """Where a folder really is; it is made where it is missing."""
    real = Path(os.path.realpath(folder))
    real.mkdir(parents=True, exist_ok=True)
    return real


def _write_file(path: Path, data: bytes, mode: int, *, sync: bool = True) -> None:
    """Write a file that does not exist yet, down to the disk unless `sync` is left to the caller."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        if mode != 0o666:
            os.fchmod(handle, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def _sync(paths: Sequence[Path]) -> None:
    """Bring files down to the disk: side by side, because a disk takes them in groups (400 in .2 s instead of 1.4 s).

    Very many are brought there by one call, which waits for what other programs have written as well, but for none of them by itself
    (2,000 in .1 s instead of .4 s). Of the systems that have the call, Linux alone promises to wait.
    """
    if len(paths) > VERY_MANY and sys.platform == "linux":
        os.sync()
        return
    with ThreadPoolExecutor(min(16, len(paths))) as pool:
        list(pool.map(_sync_file, paths))


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode(path: Path) -> int:
    """The permissions of a file; 0o666, which the process's mask narrows, where there is none yet."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o666


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explained() -> Generator[None]:
    """Turn what the operating system refuses into an UnwritableError that says what to do."""
    try:
        yield
    except OSError as problem:
        place = f"`{problem.filename}`" if problem.filename else "the project"
        reason = problem.strerror or str(problem)
        raise UnwritableError(f"{place} cannot be written: {reason}", _CURES.get(problem.errno or 0, _CURE)) from problem


_CURE = "mend it, then run this again: what is half done is completed then"
_CURES = {
    errno.EACCES: "give this user write access to the project's folder and files, then run this again",
    errno.EPERM: "give this user write access to the project's folder and files, then run this again",
    errno.EROFS: "the file system is read-only: run this where the project can be written, and commit the result",
    errno.ENOSPC: "the disk is full: make room, then run this again; what is half done is completed then",
    errno.EDQUOT: "the disk quota is used up: make room, then run this again; what is half done is completed then",
    errno.EXDEV: "app/ spans several file systems: put it on one",
}
