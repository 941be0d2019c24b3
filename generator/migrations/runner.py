"""Runs revisions with Alembic, on the database of the settings or on the embedded one."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import alembic.util
import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedPostgres, data_folder
from generator.migrations.revisions import FOLDER, VERSIONS
from generator.records import record


class MigrationError(Exception):
    """A revision could not be run. `message` says why, `hint` what to do.

    `is_data` when rows are in the way, `is_usage` when it is the revision itself or what was asked for; otherwise it is the database.
    """

    def __init__(self, message: str, hint: str, *, is_data: bool = False, is_usage: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.is_data = is_data
        self.is_usage = is_usage


@record
class Target:
    """A database to migrate: the address of the role that owns the tables, and the application's role."""

    owner_dsn: str
    app_role: str


@contextlib.contextmanager
def target_of(root: Path, environ: Mapping[str, str], *, offline: bool = False) -> Generator[Target]:
    """The database of MIGRATION_DATABASE_URL and DATABASE_URL; without them the embedded one, started for as long as it is needed.

    `offline` needs none: it is for what is printed, and takes the application's role from the address. Raises MigrationError for settings
    that cannot be used, and EmbeddedError.
    """
    if "DATABASE_URL" not in environ:
        if offline:
            yield Target("", APP_ROLE)
            return
        with EmbeddedPostgres.start(data_folder(root), note="rowsmith db") as database:
            yield Target(database.dsn(OWNER_ROLE), APP_ROLE)
        return
    application = _address("DATABASE_URL", environ["DATABASE_URL"])
    owner = _address("MIGRATION_DATABASE_URL", environ.get("MIGRATION_DATABASE_URL", environ["DATABASE_URL"]))
    role = make_url(application).username if offline else asyncio.run(_ask(application, "SELECT current_user"))
    if not role:
        raise MigrationError("DATABASE_URL names no user, to whom rights are granted", "write it as postgresql://USER@HOST:PORT/DATABASE")
    yield Target(owner, role)


def _address(name: str, text: str) -> str:
    """An address in the form that SQLAlchemy and asyncpg share."""
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"} or not url.database:
        raise MigrationError(f"{name} is no address of a database", "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def upgrade(root: Path, target: Target, revision: str = "head", *, sql: bool = False) -> None:
    """Bring the database to a revision; `sql` prints what that would run. MigrationError where it stops, from where it can go on."""
    if not sql:
        missing(root, current(target))
    _run(lambda: command.upgrade(_config(root, target), revision, sql=sql), root)


def downgrade(root: Path, target: Target, revision: str, *, sql: bool = False) -> None:
    """Take revisions back until one; what `sql` prints begins at the last one. MigrationError as for `upgrade`."""
    if not sql:
        missing(root, current(target))
    elif ":" not in revision:
        revision = f"head:{revision}"
    _run(lambda: command.downgrade(_config(root, target), revision, sql=sql), root)


def current(target: Target) -> str | None:
    """The revision that a database is at; None before the first one. MigrationError when it cannot be asked."""
    return asyncio.run(_ask(target.owner_dsn, "SELECT to_regclass('alembic_version')::text", "SELECT version_num FROM alembic_version"))


def is_unmarked(target: Target) -> bool:
    """Whether a database has tables, and Alembic has never been at it."""
    tables = "SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    query = f"SELECT (EXISTS ({tables}) AND to_regclass('alembic_version') IS NULL)::text"  # our own text
    return asyncio.run(_ask(target.owner_dsn, query)) == "true"


def stamp(root: Path, target: Target, revision: str) -> None:
    """Note the revision that a database is at, without running anything."""
    _run(lambda: command.stamp(_config(root, target), revision), root)


def missing(root: Path, at: str | None) -> tuple[str, ...]:
    """The revisions after one, oldest first. MigrationError for one that is not among those on disk."""
    _make_importable(root)
    script = ScriptDirectory.from_config(_config(root, None))
    with explained(root):
        try:
            found = [one.revision for one in script.iterate_revisions("head", at or "base")] if script.get_heads() else []
        except ResolutionError as problem:
            message = f"the database is at {at}, which is no revision of this project"
            hint = "bring the project to the version that has migrated it (git pull), or restore the revision that was deleted"
            raise MigrationError(message, hint) from problem
    return tuple(reversed(found))


def _config(root: Path, target: Target | None) -> Config:
    config = Config(stdout=sys.stdout)
    config.set_main_option("script_location", str(root / FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    if target is not None:
        config.attributes.update(owner_dsn=target.owner_dsn, app_role=target.app_role)
    return config


def _run(work: Callable[[], None], root: Path) -> None:
    for name in ("env.py", "steps.py"):
        if not (root / FOLDER / name).is_file():
            raise MigrationError(f"{FOLDER}/{name} is missing", "`rowsmith upgrade` brings it back", is_usage=True)
    _make_importable(root)
    with explained(root):
        work()


def _make_importable(root: Path) -> None:
    """Revisions import app.db.migrations.steps."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


@contextlib.contextmanager
def explained(root: Path | None = None) -> Generator[None]:
    """Turn what goes wrong into a MigrationError; what the revisions of `root` raise is told with its line."""
    try:
        yield
    except MigrationError:
        raise
    except alembic.util.CommandError as problem:
        hint = "`rowsmith db status` says which revisions there are"
        raise MigrationError(f"there is no such way: {problem}", hint, is_usage=True) from problem
    except DBAPIError as problem:
        raise _refusal(problem) from problem
    except asyncpg.InsufficientPrivilegeError as problem:
        raise _without_rights(str(problem)) from problem
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise MigrationError(
            f"the database cannot be used: {problem or type(problem).__name__}", "check MIGRATION_DATABASE_URL"
        ) from problem
    except Exception as problem:
        place = _place(problem, root) if root is not None else None
        if place is None:
            raise
        message = f"a revision cannot be run: {type(problem).__name__}: {getattr(problem, 'msg', problem)} ({place})"
        raise MigrationError(message, "mend it there, or restore it from git", is_usage=True) from problem


def _place(problem: Exception, root: Path) -> str | None:
    """The line of a revision that raised an exception; None where it was none."""
    if isinstance(problem, SyntaxError) and problem.filename:
        found = [(problem.filename, problem.lineno)]
    else:
        found = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(problem.__traceback__)]
    own = [(Path(name), line) for name, line in found if Path(name).is_relative_to(root / VERSIONS)]
    return f"{own[-1][0].relative_to(root)}:{own[-1][1]}" if own else None


def _refusal(problem: DBAPIError) -> MigrationError:
    """What the database refused, with the rows that are in the way as the step has named them."""
    state, reason = str(getattr(problem.orig, "sqlstate", None) or ""), str(problem.orig).replace('_new_"', '"')
    if state.startswith(("22", "23")):
        detail = getattr(getattr(problem.orig, "__cause__", None), "detail", None)
        told = "\n".join([reason, *([detail] if detail else []), *getattr(problem, "__notes__", ())])
        return MigrationError(
            f"rows are in the way: {told}", "change those rows, then run it again: it goes on where it stopped", is_data=True
        )
    if state == "55P03":
        return without_lock()
    if state == "42501":
        return _without_rights(reason)
    return MigrationError(f"the database refuses: {reason}", "mend that, then run it again: it goes on where it stopped")


def without_lock() -> MigrationError:
    """For a transaction of somebody else that has stood in the way at every attempt."""
    message = "a lock could not be had: somebody else holds the table for longer than the migration waits"
    return MigrationError(message, "find the transaction in pg_stat_activity and end it, then run it again: it goes on where it stopped")


def _without_rights(reason: str) -> MigrationError:
    hint = "let it be the role that owns the tables and may create in the schema; then run it again: it goes on where it stopped"
    return MigrationError(f"the role of MIGRATION_DATABASE_URL may not do that: {reason}", hint)


async def _ask(dsn: str, *queries: str) -> str | None:
    """The answer of the last query; None where one has none, which ends it."""
    with explained():
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            answer = None
            for query in queries:
                if (answer := await connection.fetchval(query)) is None:
                    break
            return answer
        finally:
            await connection.close()
