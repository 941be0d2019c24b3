"""Reads the spec files of a project from the disk: regular files of resources/ and nothing else."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from generator.characters import source_text
from generator.diagnostics import Diagnostic, Related, error, ordered, visible
from generator.ir import Span

FOLDER = "resources"
MAX_BYTES = 1024 * 1024

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_specs(root: Path) -> tuple[dict[str, bytes], tuple[Diagnostic, ...]]:
    """The bytes of every spec under `root`/resources, by path (`resources/task.yaml`) in order, and what is wrong with the files.

    Reads `*.yaml` only, at most one byte more than a spec may have (for the loader to report). Hidden and other files are ignored. Never
    raises for what it finds on the disk.
    """
    folder = root / FOLDER
    try:
        names = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))  # noqa: PTH208 - names only, undecodable ones too
    except OSError as problem:
        return {}, (_no_folder(folder, problem),)
    here = os.path.realpath(folder)
    specs: dict[str, bytes] = {}
    found: list[Diagnostic] = []
    for name in names:
        suffix = os.path.splitext(name)[1]  # noqa: PTH122 - of a name, not of a path
        if suffix.lower() not in {".yaml", ".yml"}:
            continue
        path = f"{FOLDER}/{visible(name)}"
        if suffix != ".yaml":
            found.append(_wrong_suffix(path, name, suffix))
            continue
        data = _read(here, name, path)
        if isinstance(data, bytes):
            specs[path] = data
        else:
            found.append(data)
    found += _same_but_for_case(list(specs))
    return specs, ordered(found)


def contents(path: str, most: int = sys.maxsize) -> bytes:
    """The bytes of a regular file that is no link, if many one more than `most`. OSError: there is none, or it cannot be read.

    In as few calls of the system as there can be: a project has thousands of files.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        data = os.read(descriptor, min(status.st_size, most) + 1)
        if len(data) != status.st_size:  # it grows, or is no file of a disk
            while len(data) <= most and (more := os.read(descriptor, min(MAX_BYTES, most + 1 - len(data)))):
                data += more
        return data
    finally:
        os.close(descriptor)


_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def _read(folder: str, name: str, path: str) -> bytes | Diagnostic:
    """One file of a folder whose real path is known."""
    here, file = Span(path, 1, 1), f"{folder}/{name}"
    with contextlib.suppress(OSError):
        return contents(file, MAX_BYTES)  # nearly always
    try:
        if os.path.islink(file):  # noqa: PTH114 - one of many
            target = Path(file).resolve(strict=True)
            if not target.is_relative_to(folder):
                return _foreign_link(here, target)
            file = str(target)
        descriptor = os.open(file, _FLAGS)
        with open(descriptor, "rb") as stream:  # noqa: PTH123 - of a descriptor, not of a path
            mode = os.fstat(stream.fileno()).st_mode
            return stream.read(MAX_BYTES + 1) if stat.S_ISREG(mode) else _not_a_file(here, mode)
    except (OSError, RuntimeError) as problem:  # RuntimeError: a loop of links
        return _unreadable(Path(folder, name), here, problem)


def _unreadable(file: Path, here: Span, problem: OSError | RuntimeError) -> Diagnostic:
    try:
        mode = file.lstat().st_mode
        if stat.S_ISLNK(mode) and not file.exists():
            return error(
                "RS104",
                "the file is a link to nothing",
                here,
                f"points to {os.readlink(file)}",  # noqa: PTH115 - as it is written
                hint="delete the link, or create the file it points to inside the folder resources",
            )
        if not stat.S_ISLNK(mode) and not stat.S_ISREG(mode):
            return _not_a_file(here, mode)
    except (OSError, RuntimeError):
        pass
    reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return error(
        "RS102",
        "the file cannot be read",
        here,
        reason[:1].lower() + reason[1:],
        hint=f"check its permissions: `ls -l {here.path}`",
    )


def _not_a_file(here: Span, mode: int) -> Diagnostic:
    kind = next((name for test, name in _KINDS if test(mode)), "something else")
    return error(
        "RS103",
        f"{here.path} is {kind}, not a file",
        here,
        hint="a spec is a regular file; rename this or move it out of the folder resources",
    )


def _foreign_link(here: Span, target: Path) -> Diagnostic:
    return error(
        "RS104",
        "the file is a link that leaves the folder resources",
        here,
        f"points to {target}",
        hint="put the spec itself into the folder: what is compiled must be what is reviewed",
    )


def _wrong_suffix(path: str, name: str, suffix: str) -> Diagnostic:
    right = name.removesuffix(suffix) + ".yaml"
    return error("RS105", f"spec files end in `.yaml`, not in `{suffix}`", Span(path, 1, 1), hint=f"rename it to `{right}`")


def _same_but_for_case(paths: list[str]) -> Iterator[Diagnostic]:
    first: dict[str, str] = {}
    for path in paths:
        other = first.setdefault(path.casefold(), path)
        if other != path:
            yield error(
                "RS106",
                f"{path} and {other} differ only in case",
                Span(path, 1, 1),
                hint="file systems of macOS and Windows take them for one file: rename or delete one of the two",
                related=[Related("the other file", Span(other, 1, 1))],
            )


def _no_folder(folder: Path, problem: OSError) -> Diagnostic:
    hint = "change to the folder of a Rowsmith project, or start one here with `rowsmith init`"
    if isinstance(problem, FileNotFoundError):
        return error("RS101", f"there is no folder `{FOLDER}` in {folder.parent}", None, hint=hint)
    if isinstance(problem, NotADirectoryError):
        return error("RS101", f"`{FOLDER}` in {folder.parent} is not a folder", None, hint=hint)
    reason = problem.strerror or str(problem)
    return error("RS101", f"the folder `{FOLDER}` cannot be read: {reason}", None, hint="check its permissions")


def source_reader(root: Path) -> Callable[[str], str | None]:
    """Gives the texts of a project's files for excerpts, by their paths in spans; None for what is no readable file within `root`."""

    @functools.cache
    def read(path: str) -> str | None:
        try:
            target = (root / path).resolve(strict=True)
            if not target.is_relative_to(root.resolve(strict=True)) or not target.is_file():
                return None
            with target.open("rb") as file:
                return source_text(file.read(MAX_BYTES + 1))
        except (OSError, RuntimeError, ValueError):
            return None

    return read
