"""Keeps two runs of Rowsmith from working on one project at the same time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path


class RefusedError(Exception):
    """Something stands in the way that only the user may remove. `hint` says how."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@contextlib.contextmanager
def project_lock(root: Path, *, shared: bool = False, patience: float = 30.0, waiting: Callable[[], None] | None = None) -> Generator[None]:
    """Hold the project against other runs while the block is executed: alone, or together with other readers when `shared`.

    The lock is one of the operating system on the project's folder: it leaves no file, and it ends with the process. Waits up to
    `patience` seconds for another run, after having called `waiting` once. RefusedError: the other one takes longer.
    """
    handle = os.open(root, os.O_RDONLY)
    try:
        _acquire(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, patience, waiting)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, how: int, patience: float, waiting: Callable[[], None] | None) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except OSError as problem:
            if problem.errno in {errno.ENOLCK, errno.ENOTSUP, errno.EINVAL}:  # a network file system without locks
                return
            if problem.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise
        else:
            return
        if waiting is not None:
            waiting()
            waiting = None
        if time.monotonic() >= deadline:
            raise RefusedError(
                "another `rowsmith generate` is working on this project", "wait until it has ended, or end it, then run this again"
            )
        time.sleep(0.05)  # there is no way to wait for a file lock with a time limit
