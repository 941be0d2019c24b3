"""Remembers which projects `check` found up to date, so that one in which nothing has changed is not compiled once more.

A project is known by a digest of every file that `check` reads, and of the compiler and the packages that shape what it writes. The digests
are kept in the user's cache folder and never in the project: a repository cannot say of itself that it has been checked.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from generator.cache import cache_folder, compiler_state
from generator.files import contents

FOLDERS = ("resources", "app")
MOST = 100
"""Projects that are remembered, the last ones."""


def state_of(root: Path, version: str) -> str | None:
    """A digest of what the answer of `check` depends on; None where a project holds what is no file, a link, or what cannot be read."""
    try:
        digest = sha256(compiler_state(version).encode())
        for folder in FOLDERS:
            top = os.fspath(root / folder)
            for path in sorted(_files(top)):
                data = contents(path)
                digest.update(os.fsencode(f"\0{folder}{path.removeprefix(top)} {len(data)}\0"))
                digest.update(data)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _files(folder: str) -> Iterator[str]:
    """The files below a folder, without those that Python compiles. ValueError for anything else, OSError where there is no folder."""
    if os.path.islink(folder):  # noqa: PTH114 - a Path for each of thousands takes longer than to read it
        raise ValueError(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield entry.path
            else:
                raise ValueError(entry.path)


def knows_any() -> bool:
    """Whether any project was found up to date before."""
    return bool(_read())


def answer_for(state: str) -> str | None:
    """What `check` said of a project in this state, when it was up to date; None where that is not known."""
    return _read().get(state)


def remember(state: str, answer: str) -> None:
    """Keep the answer for a project that is up to date. Where the cache cannot be written, nothing happens."""
    known = {**{one: said for one, said in _read().items() if one != state}, state: answer}
    with contextlib.suppress(OSError, RuntimeError):
        path = _path()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = path.with_name(f"{path.name}.{os.getpid()}")
        staged.write_text("".join(f"{one} {said}\n" for one, said in list(known.items())[-MOST:]), encoding="utf-8")
        staged.replace(path)


def _read() -> dict[str, str]:
    try:
        lines = _path().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError, RuntimeError):
        return {}
    return {state: answer for state, _, answer in (line.partition(" ") for line in lines) if answer}


def _path() -> Path:
    """The file of the cache. RuntimeError: the user has no home."""
    return cache_folder() / "checked"
