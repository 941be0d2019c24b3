"""`rowsmith audit`: attacks every operation of the API, and says what held and what did not."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from generator.cli import console
from generator.cli.console import FormatOption, OutputFormat
from generator.cli.development import is_production, mint_token, read_environment, signing_secret
from generator.cli.errors import CommandError, ExitCode
from generator.embedded import EmbeddedError
from generator.ir import Schema
from generator.pipeline import load_schema

if TYPE_CHECKING:
    from generator.audit.run import Audit
    from generator.audit.targets import Target
    from generator.audit.world import Mint

TIMEOUT = 30.0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(audit)


def audit(
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Where the API is served; without it, the audit serves it itself.")
    ] = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Attack every operation of the API.

    Makes rows of two users, and tries as one of them to reach those of the other: with missing, expired and forged tokens, foreign paths
    and ids, references, filters, sorts, expansions, cursors, batches and keys. Every answer must be the one that a row of nobody gets.
    Ends with exit code 1 when something did not hold.

    Without --url the application is served for the audit on a PostgreSQL of its own. With it, the tokens are signed with the project's
    JWT_SECRET, and the rows that were made are deleted in the end.
    """
    root = Path.cwd()
    schema, diagnostics = load_schema(root)
    if schema is None:
        console.fail(ExitCode.USAGE, diagnostics, output, root)
    with _api(root, url) as (address, mint):
        found = _run(schema, address, mint)
    if output is OutputFormat.TEXT:
        console.data(_table(found))
    console.report(found.findings, output, root)
    if found.findings:
        raise typer.Exit(ExitCode.FINDINGS)
    if output is OutputFormat.TEXT:
        attacks = sum(outcome.attacks for outcome in found.outcomes)
        console.say(f"All of {console.count(attacks, 'attack')} were held off, in {console.count(found.requests, 'request')}.")


@contextlib.contextmanager
def _api(root: Path, url: str | None) -> Generator[tuple[str, Mint]]:
    """The address of the API, and what makes tokens that it takes."""
    if url is not None:
        environ = read_environment(root)
        if is_production(environ):
            raise CommandError(ExitCode.REFUSED, "ENVIRONMENT is production, where no tokens are made", "leave out --url, or audit a copy")
        secret = signing_secret(root, environ)
        if secret is None:
            hint = "leave out --url: the audit serves the application itself"
            raise CommandError(ExitCode.USAGE, "the tokens of this API come from its issuer, and the audit cannot make any", hint)
        yield url.rstrip("/"), lambda user, ttl: mint_token(environ, secret, user, ttl)
        return
    from generator.audit.served import ServeError, served  # noqa: PLC0415 - an HTTP client takes a while to load

    if not (root / "app" / "main.py").is_file():
        hint = "change to a project's folder, or make one: rowsmith init"
        raise CommandError(ExitCode.USAGE, f"there is no application in {root}: app/main.py is missing", hint)
    try:
        with served(root) as api:
            yield api.url, lambda user, ttl: mint_token({}, api.secret, user, ttl)
    except EmbeddedError as error:
        raise CommandError(ExitCode.ENVIRONMENT, error.message, error.hint) from error
    except ServeError as error:
        hint = "`rowsmith check` and `rowsmith serve` say more"
        raise CommandError(ExitCode.ENVIRONMENT, f"the application does not start: {error}", hint) from error


def _run(schema: Schema, address: str, mint: Mint) -> Audit:
    import httpx  # noqa: PLC0415 - as above

    from generator.audit import run  # noqa: PLC0415
    from generator.audit.targets import targets_of  # noqa: PLC0415
    from generator.audit.world import World  # noqa: PLC0415

    targets = targets_of(schema)
    try:
        with httpx.Client(base_url=address, timeout=TIMEOUT) as client:
            if client.get("/healthz").text != '{"status":"ok"}':
                message = f"what answers at {address} is no application of Rowsmith's"
                raise CommandError(ExitCode.ENVIRONMENT, message, "give the address without a path: http://127.0.0.1:8000")
            return run.audit(World(client, schema, mint), targets, lambda number, target: _progress(number + 1, len(targets), target))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise CommandError(ExitCode.USAGE, f"--url: {error}", "write it as http://127.0.0.1:8000") from error
    except httpx.HTTPError as error:
        message = f"{address} cannot be audited: {error or type(error).__name__}"
        raise CommandError(ExitCode.ENVIRONMENT, message, "check that the API is served there: rowsmith serve") from error
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


def _progress(number: int, count: int, target: Target) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{number}/{count} {target.name}")
        sys.stderr.flush()


def _table(found: Audit) -> str:
    """One line an operation: how many attacks it was put to, and whether it held."""
    width = max((len(outcome.target.name) for outcome in found.outcomes), default=0)
    lines = [f"{'operation':{width}}  attacks  result"]
    for outcome in sorted(found.outcomes, key=lambda one: (one.target.resource.name, one.target.path, one.target.method)):
        broken, unproven = len(outcome.broken), len(outcome.unproven)
        words = [f"{broken} got through"] if broken else []
        words += [f"{unproven} not proven"] if unproven else []
        lines.append(f"{outcome.target.name:{width}}  {outcome.attacks:7}  {', '.join(words) or 'held'}")
    return "\n".join(lines) + "\n"
