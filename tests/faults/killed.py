"""Kills a run at each of its writes and repairs what it left; `python -B -m tests.faults.killed SCENARIO FOLDER` prints how it went.

Writes are seen through Python's audit events, whatever code makes them: opening a file for writing, renaming, deleting, making and
removing folders; and writing itself, which is killed half way through. A process of its own, because an audit hook stays for good.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.cli import main
from tests.support.stand_in import PROJECT, TASK, Project

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.truncate", "os.link", "os.symlink", "os.utime"}

type Run = Callable[[Path], object]


def stand_in(root: Path) -> None:
    """Generate with the stand-in templates."""
    Project(root).generate()


def command_line(root: Path) -> None:
    """Generate as a user does."""
    os.chdir(root)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the rest of the process
    if (code := main(["generate"])) != 0:
        raise SystemExit(code)


def killed_at(number: int, root: Path, run: Run) -> bool:
    """Run in a child that is killed before its write `number` (from 1). False: it ended before."""
    child = os.fork()
    if child == 0:
        _arm(number, root)
        try:
            run(root)
        except BaseException:  # noqa: BLE001 - the child must not return into the parent's code
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert os.waitstatus_to_exitcode(status) == 0, f"the run failed by itself: {status}"
    return False


def _arm(number: int, root: Path) -> None:
    count = 0
    write = os.write

    def step() -> bool:
        nonlocal count
        count += 1
        return count == number

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        path: Any = None
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
            path = arguments[0]
        elif event in EVENTS:
            path = _absolute(arguments)
        if isinstance(path, str | os.PathLike) and Path(path).is_relative_to(root) and step():
            die()

    def half_write(handle: int, data: bytes) -> int:
        if handle > 2 and step():
            write(handle, bytes(data)[: len(data) // 2])
            die()
        return write(handle, data)

    sys.addaudithook(hook)
    os.write = half_write


def _absolute(arguments: tuple[Any, ...]) -> Any:
    """The path that an event is about, also where it is relative to an open folder."""
    path, folder = arguments[0], arguments[-1]
    if isinstance(path, str) and not path.startswith("/") and isinstance(folder, int) and folder > 0:
        return str(Path(f"/proc/self/fd/{folder}").readlink() / path)
    return path


# --- scenarios: a project before the run ----------------------------------------------------------------------------------------------


def first(root: Path) -> None:
    """Nothing was generated yet."""
    project = Project(root)
    project.spec("task", TASK + "hooks: [before_create]\n")
    project.spec("project", PROJECT)


def changed(root: Path) -> None:
    """One resource changed, one is new and one is gone."""
    first(root)
    project = Project(root)
    project.spec("old", "resource: Old\nfields:\n  name: string\n")
    project.generate()
    project.spec("task", TASK + "  extra: boolean?\nhooks: [before_create]\n")
    project.spec("word", "resource: Word\nfields:\n  text: string\nhooks: [after_commit]\n")
    project.spec("old", None)


def again(root: Path) -> None:
    """A spec that is edited once more after a run was killed."""
    Project(root).spec("task", TASK + "  extra: integer?\n  more: text?\nhooks: [before_create]\n")


def tree(root: Path) -> dict[str, str]:
    """The files and folders of a project."""
    return {path.relative_to(root).as_posix(): path.read_text() if path.is_file() else "" for path in sorted(root.rglob("*"))}


def kill_everywhere(folder: Path, before: Run, after: Run | None, run: Run, *, twice: bool = False, step: int = 1) -> int:
    """Kill a run at each write in turn, then do `after`, run again and compare with a project that was never killed; count the kills."""
    clean, broken = folder / "clean", folder / "broken"
    _prepare(clean, before)
    if after is not None:
        after(clean)
    run_in_child(clean, run)
    expected = tree(clean)
    number = 1
    while True:
        _prepare(broken, before)
        if not killed_at(number, broken, run):
            return number // step
        if after is not None:
            after(broken)
        if twice:
            killed_at(number + 1, broken, run)
            killed_at(max(number // 2, 1), broken, run)
        run_in_child(broken, run)
        found = tree(broken)
        assert found == expected, f"after a kill at write {number}: {sorted(set(found) ^ set(expected)) or 'the texts differ'}"
        number += step


def run_in_child(root: Path, run: Run) -> None:
    """Run in a child, which must succeed."""
    assert not killed_at(-1, root, run)


def _prepare(root: Path, before: Run) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    before(root)


SCENARIOS: dict[str, Callable[[Path], int]] = {
    "first": lambda folder: kill_everywhere(folder, first, None, stand_in),
    "changed": lambda folder: kill_everywhere(folder, changed, None, stand_in),
    "changed-again": lambda folder: kill_everywhere(folder, changed, again, stand_in),
    "twice": lambda folder: kill_everywhere(folder, changed, again, stand_in, twice=True),
    "command-line": lambda folder: kill_everywhere(folder, changed_by_command, None, command_line, step=7),
}


def changed_by_command(root: Path) -> None:
    """As `changed`, generated by the real templates."""
    first(root)
    Project(root).spec("old", "resource: Old\nfields:\n  name: string\n")
    run_in_child(root, command_line)
    Project(root).spec("task", TASK + "  extra: boolean?\nhooks: [before_create]\n")
    Project(root).spec("old", None)


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"kills": SCENARIOS[sys.argv[1]](Path(sys.argv[2]).resolve())}))
