"""`rowsmith serve`: the API on this machine, with a database of its own where none is configured."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import os
import shlex
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Coroutine, Generator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import orjson
import typer

from generator import cli
from generator.cli import console
from generator.cli.development import is_production, mint_token, read_environment, signing_secret
from generator.cli.errors import CommandError, ExitCode
from generator.drift import compare
from generator.embedded import APP_ROLE, OWNER_ROLE, EmbeddedError, EmbeddedPostgres, data_folder
from generator.ir import JsonValue, Operation, Resource, Schema
from generator.migrations.findings import of_revisions
from generator.migrations.revisions import History, RevisionError, read_history
from generator.pipeline import compile_project
from generator.records import record
from generator.samples import NoSampleError, sample_body

if TYPE_CHECKING:
    from generator.migrations.runner import Target

USER = "demo"
TOKEN_LIFETIME = 24 * 3600
START_TIMEOUT = 60.0
OLDEST_POSTGRES = 15


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option(envvar="HOST", metavar="ADDRESS", help="The address to listen on; 0.0.0.0 means all of this machine's.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", metavar="PORT", min=1, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(envvar="WORKERS", metavar="COUNT", min=1, max=256, help="The number of processes.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew whenever a file of app/ changes.")] = False,
) -> None:
    """Serve the API.

    Without DATABASE_URL it runs on an embedded PostgreSQL, whose data is kept in .rowsmith/postgres, and runs the revisions that it lacks.
    In a project without revisions the tables are brought to the models. A token and a command to try the API with are printed.
    """
    if reload and workers > 1:
        raise CommandError(ExitCode.USAGE, "--reload serves with one process", "leave out --workers or --reload")
    if not host.strip():
        raise CommandError(ExitCode.USAGE, "--host is empty", "leave it out for 127.0.0.1; 0.0.0.0 means every address of this machine")
    root = Path.cwd()
    if not (root / "app" / "main.py").is_file():
        hint = "change to a project's folder, or make one: rowsmith init"
        raise CommandError(ExitCode.USAGE, f"there is no application in {root}: app/main.py is missing", hint)
    sys.path.insert(0, str(root))
    signal.signal(signal.SIGTERM, _end)
    with contextlib.ExitStack() as stack:
        _serve(_Plan(root, host, port, workers, reload), stack)


@record
class _Plan:
    """What was asked for."""

    root: Path
    host: str
    port: int
    workers: int
    reload: bool

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def _end(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the command in order: the application has stopped by then, the database follows."""
    raise SystemExit(0)


def _serve(plan: _Plan, stack: contextlib.ExitStack) -> None:
    environ = read_environment(plan.root)
    production = is_production(environ)
    schema = _read_specs(plan.root, production=production)
    database: EmbeddedPostgres | None = None
    if "DATABASE_URL" not in environ:
        if production:
            hint = "set it to postgresql://USER:PASSWORD@HOST/DATABASE: the embedded database is for development"
            raise CommandError(ExitCode.ENVIRONMENT, "DATABASE_URL is not set, and ENVIRONMENT is production", hint)
        database = _start_database(plan)
        stack.callback(database.stop)
        environ |= {"DATABASE_URL": database.dsn(APP_ROLE), "MIGRATION_DATABASE_URL": database.dsn(OWNER_ROLE)}
    _check_port(plan)
    secret = None if production else signing_secret(plan.root, environ)
    if secret is not None:
        environ["JWT_SECRET"] = environ.get("JWT_SECRET", secret)
    os.environ.update(environ)  # the application and its workers read their settings from there
    settings = _load_settings()
    if not production:
        _prepare_tables(plan, settings, embedded=database is not None)
    token = mint_token(environ, secret, USER, TOKEN_LIFETIME) if secret is not None else None
    announcement = _announcement(plan, schema, database, token)
    ended = threading.Event()
    stack.callback(ended.set)
    threading.Thread(target=_announce, args=(plan, announcement, ended), daemon=True).start()
    failures: list[str] = []
    if database is not None:
        threading.Thread(target=_watch_database, args=(database, ended, failures), daemon=True).start()
    try:
        _run(plan, settings)
    finally:
        ended.set()
        if failures:
            hint = f"what was committed is kept; its log is {database.log if database else ''}"
            raise CommandError(ExitCode.ENVIRONMENT, f"the embedded PostgreSQL ended: {failures[0]}", hint)


def _read_specs(root: Path, *, production: bool) -> Schema | None:
    """The schema, with a warning where what is served is not what the specs say.

    Ends the command where the application is current and its tables would not be: no revision has what the specs ask for.
    """
    build = compile_project(root)
    if build.schema is None:
        console.report(build.diagnostics, source=root)
        console.say("warning: the specs have errors; what was generated before them is served")
    elif compare(root, build, cli.version()).changed:
        console.say("warning: app/ is not what the specs give; `rowsmith generate` brings it up to date")
    elif not production and (found := of_revisions(root, build.schema)):
        console.fail(ExitCode.FINDINGS, found, console.OutputFormat.TEXT, root)
    return build.schema


def _start_database(plan: _Plan) -> EmbeddedPostgres:
    try:
        return EmbeddedPostgres.start(data_folder(plan.root), note=plan.url)
    except EmbeddedError as error:
        raise CommandError(ExitCode.ENVIRONMENT, error.message, error.hint) from error


def _check_port(plan: _Plan) -> None:
    """End with a clear answer when nothing can listen where it was asked for."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            plan.host or None, plan.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        where = f"port {plan.port} of {plan.host}"
        if error.errno == errno.EADDRINUSE:
            other = plan.port + 1 if plan.port < 65535 else 8000
            hint = f'use another one: rowsmith serve --port {other} (or: make serve ARGS="--port {other}")'
            raise CommandError(ExitCode.ENVIRONMENT, f"{where} is in use by another program", hint) from error
        if error.errno == errno.EACCES:
            raise CommandError(ExitCode.ENVIRONMENT, f"{where} is not for you to use", "use a port above 1023") from error
        message = f"nothing can listen on {where}: {error.strerror or error}"
        raise CommandError(
            ExitCode.ENVIRONMENT, message, "use an address of this machine: 127.0.0.1, or 0.0.0.0 for all of them"
        ) from error


def _load_settings() -> Any:
    """The application's own settings, checked by itself."""
    config = _import("app.config")
    try:
        return config.load_settings()
    except config.SettingsError as error:
        console.say(str(error))
        raise typer.Exit(ExitCode.USAGE) from None


def _prepare_tables(plan: _Plan, settings: Any, *, embedded: bool) -> None:
    """Bring the tables to the last revision, or to the models in a project that has none.

    Only the embedded database is migrated: another one may be in use by others.
    """
    from generator.migrations.runner import MigrationError, Target  # noqa: PLC0415 - loaded with the application

    schema = _import("app.db.schema")
    owner = settings.migration_database_url or settings.database_url
    try:
        version, role = asyncio.run(_ask_database(settings.database_url))
        if version < OLDEST_POSTGRES:
            hint = f"use PostgreSQL {OLDEST_POSTGRES} or newer, or leave DATABASE_URL unset for the embedded one"
            raise CommandError(ExitCode.ENVIRONMENT, f"the database of DATABASE_URL is PostgreSQL {version}", hint)
        history = read_history(plan.root)
        if history.head is None:
            create: Coroutine[Any, Any, None] = schema.create_schema(owner, role)
            asyncio.run(create)
        else:
            _migrate(plan, Target(owner, role), history, embedded=embedded)
    except RevisionError as error:
        raise CommandError(ExitCode.USAGE, error.message, error.hint) from error
    except MigrationError as error:
        raise CommandError(ExitCode.REFUSED if error.is_data else ExitCode.ENVIRONMENT, error.message, error.hint) from error
    except schema.SchemaError as error:
        raise CommandError(ExitCode.REFUSED, str(error), "nothing was changed") from error
    except _database_errors() as error:
        hint = "check DATABASE_URL and MIGRATION_DATABASE_URL, or leave both unset for the embedded PostgreSQL"
        raise CommandError(ExitCode.ENVIRONMENT, f"the database cannot be used: {error or type(error).__name__}", hint) from error


def _migrate(plan: _Plan, target: Target, history: History, *, embedded: bool) -> None:
    from generator.migrations import proof, runner  # noqa: PLC0415 - loaded with the application

    if embedded:
        proof.adopt(plan.root, target)
    missing = runner.missing(plan.root, runner.current(target))
    if missing and embedded:
        runner.upgrade(plan.root, target)
        console.say(f"ran {console.count(len(missing), 'revision')}: the database is at {history.head}")
    elif missing:
        message = f"the database of DATABASE_URL lacks {console.count(len(missing), 'revision')}"
        raise CommandError(ExitCode.ENVIRONMENT, message, "run: rowsmith db upgrade")


async def _ask_database(dsn: str) -> tuple[int, str]:
    """The server's major version and our role's name."""
    import asyncpg  # noqa: PLC0415 - loaded with the application

    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        role: str = await connection.fetchval("SELECT current_user")
        return connection.get_server_version().major, role
    finally:
        await connection.close()


def _database_errors() -> tuple[type[Exception], ...]:
    import asyncpg  # noqa: PLC0415 - loaded with the application

    return (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def _run(plan: _Plan, settings: Any) -> None:
    """Serve until a signal ends it."""
    server = _import("app.server")
    with _application_errors(plan.root):
        try:
            server.run(settings, host=plan.host, port=plan.port, workers=plan.workers, reload=plan.reload)
        except SystemExit as end:
            if end.code:
                raise CommandError(ExitCode.ENVIRONMENT, "the application could not start", "the lines above say why") from None


def _import(name: str) -> Any:
    """A module of the project's application."""
    with _application_errors(Path.cwd()):
        return importlib.import_module(name)


@contextlib.contextmanager
def _application_errors(root: Path) -> Generator[None]:
    """An error in the project's own code is reported with its place."""
    try:
        yield
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(root / "app")]
        if isinstance(error, SyntaxError) and error.filename:
            place = f" ({error.filename}:{error.lineno})"
        else:
            place = f" ({Path(frames[-1].filename).relative_to(root)}:{frames[-1].lineno})" if frames else ""
        message = f"the application fails while it starts: {type(error).__name__}: {error}{place}"
        raise CommandError(ExitCode.FINDINGS, message, "mend it there; `rowsmith generate` renews generated files") from error


def _watch_database(database: EmbeddedPostgres, ended: threading.Event, failures: list[str]) -> None:
    """End the command when the database ends before it."""
    while not ended.wait(0.5):
        reason = database.poll()
        if reason is not None and not ended.is_set():
            failures.append(reason.splitlines()[-1] if reason else "its log says nothing")
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _announce(plan: _Plan, announcement: str, ended: threading.Event) -> None:
    """Print where the API is, once it answers."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and not ended.wait(0.05):
        try:
            with urlopen(f"{plan.url}/readyz", timeout=5):  # noqa: S310 - our own http address
                console.data(announcement)
                return
        except (URLError, OSError):
            continue


def _announcement(plan: _Plan, schema: Schema | None, database: EmbeddedPostgres | None, token: str | None) -> str:
    """What a newcomer needs to go on. The token and the command stand on lines of their own, to be copied."""
    lines = ["", f"The API is served at {plan.url}. Ctrl+C ends it.", ""]
    if _has_docs():
        lines.append(f"  Docs      {plan.url}/docs")
    if database is not None:
        lines.append(f"  Database  embedded PostgreSQL, in {_shown(database.data_dir, plan.root)}")
    if token is None:
        lines += ["  Tokens    those of your issuer", ""]
        return "\n".join(lines)
    lines += [f"  User      {USER}", "", f"A token of {USER}, valid for 24 hours (`rowsmith token --user ID` makes others):", "", token, ""]
    found = _creatable(schema)
    if found is not None:
        resource, body = found
        lines += [f"Create a {resource.name} with it:", "", _curl(plan, resource, body, token), ""]
    return "\n".join(lines)


def _has_docs() -> bool:
    return bool(_load_settings().docs)


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root.resolve())) if path.is_relative_to(root.resolve()) else str(path)


def _curl(plan: _Plan, resource: Resource, body: dict[str, JsonValue], token: str) -> str:
    words = ["curl", "-i", f"{plan.url}/api/{quote(USER, safe='')}/{resource.segment}", "-H", f"Authorization: Bearer {token}"]
    words += ["-H", "Content-Type: application/json", "-d", orjson.dumps(body).decode()]
    return shlex.join(words)


def _creatable(schema: Schema | None) -> tuple[Resource, dict[str, JsonValue]] | None:
    """A resource of which a row can be created without another one, again and again, and the body to do it with."""
    candidates: list[tuple[bool, str, Resource, dict[str, JsonValue]]] = []
    for resource in schema.resources if schema else ():
        if Operation.CREATE not in resource.operations:
            continue
        try:
            body = sample_body(resource, int(time.time()))
            model = getattr(_import(f"app.models.{resource.module}"), f"{resource.name}Create")
            model.model_validate_json(orjson.dumps(body))
        except (NoSampleError, CommandError, AttributeError, ValueError):
            continue
        repeatable = not any(set(constraint.columns) <= body.keys() for constraint in resource.unique)
        candidates.append((not repeatable, resource.name, resource, body))
    if not candidates:
        return None
    _, _, resource, body = min(candidates, key=lambda candidate: candidate[:2])
    return resource, body
