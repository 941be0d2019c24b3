"""`rowsmith token`: a token to try the API with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from generator.cli import console
from generator.cli.development import is_production, mint_token, read_environment, signing_secret
from generator.cli.errors import CommandError, ExitCode

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 366 * 86400


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(token)


def token(
    user: Annotated[str, typer.Option(metavar="ID", help="Whose token: the {user_id} of the API's paths.")],
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is valid: 90s, 15m, 24h, 7d.")] = "24h",
) -> None:
    """Print a token for development.

    It is signed with JWT_SECRET, or without one with the secret that `rowsmith serve` made for this project. In production there are no
    such tokens.
    """
    root = Path.cwd()
    environ = read_environment(root)
    if is_production(environ):
        hint = "get a token from your issuer; for development, set ENVIRONMENT=development"
        raise CommandError(ExitCode.REFUSED, "development tokens are not made when ENVIRONMENT=production", hint)
    seconds = _seconds(ttl)
    secret = signing_secret(root, environ)
    if secret is None:
        hint = "get a token from that issuer; to make tokens here, unset JWT_PUBLIC_KEY and JWT_JWKS_URL"
        raise CommandError(ExitCode.ENVIRONMENT, "the application takes tokens of an issuer, whose private key is not here", hint)
    console.data(f"{mint_token(environ, secret, user, seconds)}\n")


def _seconds(ttl: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", ttl.strip(), re.ASCII)
    seconds = int(match[1]) * UNITS[match[2]] if match else 0
    if not 1 <= seconds <= LONGEST:
        raise CommandError(
            ExitCode.USAGE, f"--ttl {ttl[:40]!r} is no time that a token can be valid", "use 90s, 15m, 24h or 7d; at most 366d"
        )
    return seconds
