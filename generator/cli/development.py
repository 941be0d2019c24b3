"""Keys and tokens for development: what `serve` and `token` share."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from jose import jwt

from generator.cli.errors import CommandError, ExitCode

KEY_SETTINGS = ("JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL")
MIN_SECRET_BYTES = 32
MAX_SUBJECT_LENGTH = 255


def read_environment(root: Path) -> dict[str, str]:
    """The settings of the project in `root` as the application sees them: the environment over .env, without empty values."""
    try:
        from_file = dotenv_values(root / ".env", encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeError) else f"cannot be read: {error.strerror}"
        raise CommandError(ExitCode.ENVIRONMENT, f".env {reason}", "mend the file, or remove it") from error
    values = {name: value for name, value in from_file.items() if value and value.strip()}
    return values | {name: value for name, value in os.environ.items() if value.strip()}


def is_production(environ: Mapping[str, str]) -> bool:
    """Whether ENVIRONMENT says so."""
    return environ.get("ENVIRONMENT", "").strip().lower() == "production"


def development_secret(root: Path) -> str:
    """The secret of `root`'s own development tokens: in .rowsmith/jwt_secret, readable by its owner alone, made when it is missing."""
    path = root / ".rowsmith" / "jwt_secret"
    try:
        path.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        secret = path.read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        hint = "give access to it, remove it, or set JWT_SECRET"
        raise CommandError(ExitCode.ENVIRONMENT, f"the development secret {path} cannot be used: {reason}", hint) from error
    if len(secret) < MIN_SECRET_BYTES:
        hint = "remove the file, and a new one is made"
        raise CommandError(ExitCode.ENVIRONMENT, f"the development secret {path} is damaged", hint)
    return secret


def signing_secret(root: Path, environ: Mapping[str, str]) -> str | None:
    """The secret that the application in `root` accepts; None when its tokens come from an issuer (JWT_PUBLIC_KEY, JWT_JWKS_URL)."""
    if not any(environ.get(name) for name in KEY_SETTINGS):
        return development_secret(root)
    secret = environ.get("JWT_SECRET", "").split(",")[0].strip()
    return secret or None


def mint_token(environ: Mapping[str, str], secret: str, user: str, ttl: int) -> str:
    """A token of `user`, valid for `ttl` seconds, in the form that the settings in `environ` ask for (issuer, audience, claim).

    Raises:
        CommandError: No token can have that user as its subject.
    """
    if not 1 <= len(user) <= MAX_SUBJECT_LENGTH or any(
        character == "/" or unicodedata.category(character) in {"Cc", "Cs"} for character in user
    ):
        message = f"{user[:40]!r} cannot be a user id"
        raise CommandError(ExitCode.USAGE, message, f"use 1 to {MAX_SUBJECT_LENGTH} characters, none of them a control character or /")
    now = int(time.time())
    claims: dict[str, object] = {environ.get("JWT_USER_CLAIM", "sub").strip(): user, "iat": now, "exp": now + ttl}
    for name, claim in (("JWT_ISSUER", "iss"), ("JWT_AUDIENCE", "aud")):
        if environ.get(name):
            claims[claim] = environ[name].strip()
    algorithm = environ.get("JWT_ALGORITHMS", "HS256").split(",")[0].strip()
    return jwt.encode(claims, secret, algorithm)
