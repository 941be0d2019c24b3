"""Earlier versions of a project's specs, read from git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from generator.files import FOLDER
from generator.lock import LOCK_PATH, parse_lock
from generator.records import record


class HistoryError(Exception):
    """There is no such version: `message` says why, `hint` what to do. `is_usage` when the reference is at fault, not the machine."""

    def __init__(self, message: str, hint: str, *, is_usage: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.is_usage = is_usage


@record
class Version:
    """The specs of one commit: their bytes by path (`resources/task.yaml`), and the plurals that its lock had frozen."""

    commit: str
    specs: Mapping[str, bytes]
    plurals: Mapping[str, str]


def version_at(root: Path, reference: str) -> Version:
    """The specs below `root` as they were at a git reference: a branch, a tag, a commit, `HEAD~3`. HistoryError when there are none."""
    if _git(root, "rev-parse", "--is-inside-work-tree").returncode != 0:
        raise HistoryError(f"{root} is in no git repository", "run `git init` and commit the specs, then plan against that commit")
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    if found.returncode != 0:
        hint = "`git branch --all` lists the branches; in CI, fetch the history first (`fetch-depth: 0`)"
        raise HistoryError(f"git knows no commit `{reference}`", hint, is_usage=True)
    commit = found.stdout.decode().strip()
    listed = _git(root, "ls-tree", "-z", "--name-only", commit, "--", f"{FOLDER}/")
    paths = [
        path
        for path in listed.stdout.decode(errors="replace").split("\0")
        if path.endswith(".yaml") and not Path(path).name.startswith(".")
    ]
    lock = text_at(root, commit, LOCK_PATH)
    plurals: Mapping[str, str] = parse_lock(lock).lock.plurals if lock else {}
    return Version(commit, {path: _git(root, "show", f"{commit}:./{path}").stdout for path in sorted(paths)}, plurals)


def text_at(root: Path, commit: str, path: str) -> str:
    """The text of a file below `root` in a commit; empty where it has none."""
    shown = _git(root, "show", f"{commit}:./{path}")
    return shown.stdout.decode(errors="replace") if shown.returncode == 0 else ""


def texts_with(root: Path, path: str, text: str) -> Iterator[str]:
    """The versions of a file below `root` in which commits of any branch brought in `text`, or took it out. HistoryError without git."""
    merging = ["MERGE_HEAD"] if _git(root, "rev-parse", "--verify", "--quiet", "MERGE_HEAD").returncode == 0 else []
    found = _git(root, "log", "--all", "--format=%H %P", "-m", f"-S{text}", "HEAD", *merging, "--", path).stdout.decode()
    for commit in dict.fromkeys(found.split()):
        shown = _git(root, "show", f"{commit}:./{path}")
        if shown.returncode == 0:
            yield shown.stdout.decode(errors="replace")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)  # noqa: S603, S607  # the user's own git
    except FileNotFoundError:
        raise HistoryError("git is not installed", "install git: plans compare the specs with those of a commit") from None
