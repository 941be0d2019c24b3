"""Settings: read once, from the environment and then from .env, and checked before anything starts.

`load_settings()` either returns settings the application can run with or raises one `SettingsError` that lists every problem
with its cure. No message repeats the value of a secret or of a database URL.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from dotenv import dotenv_values

from app.dsn import DsnError, asyncpg_dsn
from app.middleware.keys import KINDS, SECRET, KeyKind, kind_of, load_public_key
from app.middleware.secret import is_key_material, is_placeholder

type Environment = Literal["development", "production"]
type LogLevel = Literal["debug", "info", "warning", "error"]
type LogFormat = Literal["text", "json"]

MIN_SECRET_BYTES = 32
MAX_SECRETS = 2
JWKS_ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""What a key set may sign with unless JWT_ALGORITHMS says otherwise."""

MAKE_ONE = 'generate one: python -c "import secrets; print(secrets.token_urlsafe(48))"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the application runs with. Durations are in seconds, sizes in bytes. Secrets are left out of `repr()`."""

    environment: Environment = "development"

    database_url: str = field(repr=False)
    """The application role's DSN, in the form asyncpg takes: `postgresql://…`."""
    database_replica_url: str | None = field(default=None, repr=False)
    """The DSN of a copy that answers reads which may be stale, in the same form."""
    migration_database_url: str | None = field(default=None, repr=False)
    """The owner role's DSN, in the same form; only migrations use it."""
    pool_size: int = 10
    """Connections kept open, for each worker process."""
    max_overflow: int = 5
    """Connections opened beyond `pool_size` under load."""
    pool_timeout: float = 5.0
    """Seconds a request waits for a connection."""
    statement_timeout: float = 10.0
    """Seconds one statement may run."""
    lock_timeout: float = 3.0
    """Seconds one statement may wait for a lock."""
    prepared_statements: bool = True
    """Off behind a pooler in transaction mode."""
    citus: bool = False
    """Whether tables may be distributed over nodes of Citus."""
    purge_deleted_after: int | None = 30
    """Days after which deleted rows that could be restored go for good; None: never."""

    jwt_secret: tuple[str, ...] = field(default=(), repr=False)
    """One or two shared secrets; the first is the current one."""
    jwt_public_key: str | None = None
    """A public key or certificate in PEM, with real line ends."""
    jwt_jwks_url: str | None = None
    """Where the issuer publishes its key set."""
    jwt_algorithms: tuple[str, ...] = ()
    """The allowed signature algorithms; never empty after `load_settings()`."""
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_user_claim: str = "sub"
    jwt_leeway: float = 30.0
    """Seconds of clock difference allowed for exp, nbf and iat."""

    cors_origins: tuple[str, ...] = ()
    """Origins that browsers may call from; empty: none; `("*",)`: any."""
    cors_credentials: bool = False
    """Whether browsers may send cookies; tokens do not need it."""
    max_body_bytes: int = 1_048_576
    docs: bool = True
    metrics: bool = False
    log_level: LogLevel = "info"
    log_format: LogFormat = "text"
    shutdown_delay: float = 0.0
    """Seconds between SIGTERM and the end of accepting requests, while /readyz already says no."""


class SettingProblem(NamedTuple):
    """One setting the application cannot start with. `problem` completes the sentence that `setting` begins."""

    setting: str
    problem: str
    cure: str


class SettingsError(Exception):
    """The application cannot start; `problems` has one entry a setting, and `str()` is the text to print."""

    def __init__(self, *problems: SettingProblem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        lines = [f"error: {self._count()} the application from starting"]
        for setting, problem, cure in self.problems:
            lines += ["", f"  {setting} {problem}", f"    hint: {cure}"]
        return "\n".join(lines)

    def _count(self) -> str:
        return "one setting keeps" if len(self.problems) == 1 else f"{len(self.problems)} settings keep"


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """Return the settings of `environ` (default: the process environment) and, where it is silent, of `env_file`.

    A missing file is fine, and an empty value counts as unset. Raises SettingsError with all problems at once.
    """
    values = read_environment(environ, env_file)
    reader = _Reader(values)
    environment: Environment = reader.choice("ENVIRONMENT", ("development", "production"), "development")
    production = environment == "production"
    secrets = _read_secrets(reader)
    public_key, public_kind = _read_public_key(reader)
    jwks_url = _read_jwks_url(reader)
    origins, credentials = _read_cors(reader)
    settings = Settings(
        environment=environment,
        database_url=_read_database_url(reader, "DATABASE_URL") or "",
        database_replica_url=_read_database_url(reader, "DATABASE_REPLICA_URL"),
        migration_database_url=_read_database_url(reader, "MIGRATION_DATABASE_URL"),
        pool_size=reader.whole("POOL_SIZE", 10, 1, 1000),
        max_overflow=reader.whole("MAX_OVERFLOW", 5, 0, 1000),
        pool_timeout=reader.seconds("POOL_TIMEOUT", 5.0, 0.01, 600),
        statement_timeout=reader.seconds("STATEMENT_TIMEOUT", 10.0, 0.01, 3600),
        lock_timeout=reader.seconds("LOCK_TIMEOUT", 3.0, 0.01, 3600),
        prepared_statements=reader.flag("PREPARED_STATEMENTS", default=True),
        citus=reader.flag("CITUS", default=False),
        purge_deleted_after=reader.whole("PURGE_DELETED_AFTER", 30, 0, 36_500) or None,
        jwt_secret=secrets,
        jwt_public_key=public_key,
        jwt_jwks_url=jwks_url,
        jwt_algorithms=_read_algorithms(reader, secrets, public_kind),
        jwt_issuer=reader.text("JWT_ISSUER"),
        jwt_audience=reader.text("JWT_AUDIENCE"),
        jwt_user_claim=reader.text("JWT_USER_CLAIM") or "sub",
        jwt_leeway=reader.seconds("JWT_LEEWAY", 30.0, 0, 300),
        cors_origins=origins,
        cors_credentials=credentials,
        max_body_bytes=reader.whole("MAX_BODY_BYTES", 1_048_576, 1024, 1_073_741_824),
        docs=reader.flag("DOCS", default=not production),
        metrics=reader.flag("METRICS", default=False),
        log_level=reader.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        log_format=reader.choice("LOG_FORMAT", ("text", "json"), "json" if production else "text"),
        shutdown_delay=reader.seconds("SHUTDOWN_DELAY", 5.0 if production else 0.0, 0, 300),
    )
    if not reader.text("DATABASE_URL"):
        cure = "set it to postgresql://USER:PASSWORD@HOST/DATABASE, or run `rowsmith serve`, which brings a database of its own"
        reader.refuse("DATABASE_URL", "is not set", cure)
    if reader.problems:
        raise SettingsError(*reader.problems)
    return settings


def read_environment(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> dict[str, str]:
    """Return every non-empty value of `env_file` and, over them, of `environ` (default: the process environment).

    Raises SettingsError when the file exists and cannot be read.
    """
    values: dict[str, str] = {}
    if env_file is not None:
        try:
            found = dotenv_values(env_file, encoding="utf-8-sig")
        except (OSError, UnicodeError) as error:
            reason = "is not UTF-8 text" if isinstance(error, UnicodeError) else f"cannot be read ({error.strerror})"
            raise SettingsError(SettingProblem(str(env_file), reason, "mend the file, or remove it")) from error
        values.update({name: value for name, value in found.items() if value and value.strip()})
    source = os.environ if environ is None else environ
    values.update({name: value for name, value in source.items() if value.strip()})
    return values


class _Reader:
    """Reads single values and collects what is wrong with them; a refused value is answered with its default."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[SettingProblem] = []

    def refuse(self, setting: str, problem: str, cure: str) -> None:
        self.problems.append(SettingProblem(setting, problem, cure))

    def text(self, name: str) -> str | None:
        """The value without the white space around it, or None where it is unset or empty."""
        return self._values.get(name, "").strip() or None

    def words(self, name: str) -> tuple[str, ...]:
        """The parts of a comma-separated value, without empty and repeated ones."""
        parts = (part.strip() for part in (self.text(name) or "").split(","))
        return tuple(dict.fromkeys(part for part in parts if part))

    def choice[T: str](self, name: str, options: tuple[T, ...], default: T) -> T:
        value = self.text(name)
        if value is None:
            return default
        for option in options:
            if value.lower() == option:
                return option
        self.refuse(name, f"is {_shown(value)}", f"use one of: {', '.join(options)}")
        return default

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value.lower() in {"true", "1", "yes", "on"}:
            return True
        if value.lower() not in {"false", "0", "no", "off"}:
            self.refuse(name, f"is {_shown(value)}", "use true or false")
        return False

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number between the bounds, both included."""
        value = self.text(name)
        if value is None:
            return default
        if re.fullmatch(r"[0-9]{1,18}", value, re.ASCII) and low <= int(value) <= high:
            return int(value)
        self.refuse(name, f"is {_shown(value)}", f"use a whole number from {low} to {high}; unset means {default}")
        return default

    def seconds(self, name: str, default: float, low: float, high: float) -> float:
        """A duration between the bounds, both included, in plain decimal notation."""
        value = self.text(name)
        if value is None:
            return default
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value, re.ASCII) and low <= float(value) <= high:
            return float(value)
        self.refuse(name, f"is {_shown(value)}", f"use a number of seconds from {low:g} to {high:g}; unset means {default:g}")
        return default


def _shown(value: str) -> str:
    """A value as a message may repeat it: printable ASCII, quoted, short."""
    return ascii(value if len(value) <= 40 else f"{value[:40]}…")


# Keys ------------------------------------------------------------------------------------------------------------------------


def _read_secrets(reader: _Reader) -> tuple[str, ...]:
    value = reader.text("JWT_SECRET")
    if value is None:
        return ()
    if is_key_material(value):  # before the commas of a JWK split it
        return _refuse_key_material(reader)
    secrets = reader.words("JWT_SECRET")
    if len(secrets) > MAX_SECRETS:
        cure = "keep the current one first and at most one older one behind it; no secret contains a comma"
        reader.refuse("JWT_SECRET", f"holds {len(secrets)} comma-separated secrets", cure)
    for number, secret in enumerate(secrets, start=1):
        which = f"(secret {number} of {len(secrets)}) " if len(secrets) > 1 else ""
        size = len(secret.encode(errors="surrogateescape"))
        if is_key_material(secret):
            return _refuse_key_material(reader)
        if size < MIN_SECRET_BYTES:
            reader.refuse("JWT_SECRET", f"{which}has {size} bytes; at least {MIN_SECRET_BYTES} are needed", MAKE_ONE)
        elif is_placeholder(secret):
            reader.refuse("JWT_SECRET", f"{which}is a placeholder or a pattern, which can be guessed", MAKE_ONE)
        elif not secret.isprintable():
            reader.refuse("JWT_SECRET", f"{which}contains characters that are not printable text", MAKE_ONE)
    return secrets


def _refuse_key_material(reader: _Reader) -> tuple[str, ...]:
    problem = "is a key or certificate (PEM, DER, SSH or JWK); whoever has its public half could sign tokens"
    cure = f"put a public key into JWT_PUBLIC_KEY, or use a random secret: {MAKE_ONE}"
    reader.refuse("JWT_SECRET", problem, cure)
    return ()


def _read_public_key(reader: _Reader) -> tuple[str | None, KeyKind | None]:
    value = reader.text("JWT_PUBLIC_KEY")
    if value is None:
        return None, None
    pem = value.replace("\\n", "\n").strip() + "\n"
    try:
        return pem, kind_of(load_public_key(pem))
    except ValueError as error:
        cure = "paste the issuer's public key, from -----BEGIN PUBLIC KEY----- to the end, with \\n for each line end"
        reader.refuse("JWT_PUBLIC_KEY", str(error), cure)
        return pem, None


def _read_jwks_url(reader: _Reader) -> str | None:
    value = reader.text("JWT_JWKS_URL")
    if value is None:
        return None
    cure = "use the https address of the issuer's key set, such as https://issuer.example/.well-known/jwks.json"
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError:
        host, url = None, urlsplit("")
    if not host or re.search(r"[\s\x00-\x1f\\]", value) or url.scheme not in {"http", "https"}:
        reader.refuse("JWT_JWKS_URL", "is not a web address", cure)
    elif url.username or url.password or url.fragment:
        reader.refuse("JWT_JWKS_URL", "contains a user, a password or a fragment", cure)
    elif url.scheme != "https" and not _is_loopback(host):
        problem = "is not https: whoever sits on the network path could put their own keys in it"
        reader.refuse("JWT_JWKS_URL", problem, f"{cure}; http is for this machine alone (localhost)")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_algorithms(reader: _Reader, secrets: tuple[str, ...], public_kind: KeyKind | None) -> tuple[str, ...]:
    """The allowed algorithms, and every refusal that concerns the keys together."""
    has_secret, has_key, has_url = (reader.text(name) is not None for name in ("JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL"))
    if not (has_secret or has_key or has_url):
        cure = f"set one of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL. For JWT_SECRET, {MAKE_ONE}"
        reader.refuse("JWT_SECRET", "is not set, and neither is any other key: no token could be verified", cure)
    if has_secret and (has_key or has_url):
        other = "JWT_PUBLIC_KEY" if has_key else "JWT_JWKS_URL"
        problem = f"is set together with {other}: HS* and asymmetric algorithms must not be mixed"
        reader.refuse("JWT_SECRET", problem, "keep the one your issuer signs with and remove the other")
    elif has_key and has_url:
        reader.refuse("JWT_PUBLIC_KEY", "is set together with JWT_JWKS_URL", "keep one of them; a key set allows rotation")
    names = reader.words("JWT_ALGORITHMS")
    for name in names:
        if name not in KINDS:
            reader.refuse("JWT_ALGORITHMS", f"lists {_shown(name)}", f"use some of: {', '.join(KINDS)}")
    algorithms = tuple(name for name in names if name in KINDS)
    if len({KINDS[name] == SECRET for name in algorithms}) > 1:
        problem = "mixes HS* with asymmetric algorithms, which lets a public key pass for a secret"
        reader.refuse("JWT_ALGORITHMS", problem, "list only what your issuer signs with, or leave it unset")
    elif not names:
        algorithms = _default_algorithms(has_secret=has_secret, public_kind=public_kind)
    else:
        _check_fit(reader, algorithms, secrets, public_kind)
    return algorithms


def _default_algorithms(*, has_secret: bool, public_kind: KeyKind | None) -> tuple[str, ...]:
    if has_secret:
        return ("HS256",)
    if public_kind is None:
        return JWKS_ALGORITHMS
    return (next(name for name, kind in KINDS.items() if kind == public_kind),)


def _check_fit(reader: _Reader, algorithms: tuple[str, ...], secrets: tuple[str, ...], public_kind: KeyKind | None) -> None:
    """Refuse algorithms the configured key cannot serve."""
    has_url = reader.text("JWT_JWKS_URL") is not None
    for name in algorithms:
        kind = KINDS[name]
        if kind == SECRET and not reader.text("JWT_SECRET"):
            reader.refuse("JWT_ALGORITHMS", f"lists {name}, which needs JWT_SECRET", "remove it, or leave JWT_ALGORITHMS unset")
        elif kind != SECRET and reader.text("JWT_SECRET"):
            problem = f"lists {name}, which needs JWT_PUBLIC_KEY or JWT_JWKS_URL"
            reader.refuse("JWT_ALGORITHMS", problem, "list HS256, or leave JWT_ALGORITHMS unset")
        elif public_kind is not None and not has_url and kind != public_kind:
            problem = f"lists {name}, which JWT_PUBLIC_KEY is not made for"
            reader.refuse("JWT_ALGORITHMS", problem, "leave it unset: the key says which algorithm it takes")
        elif kind == SECRET:
            needed = int(name[2:]) // 8
            if any(MIN_SECRET_BYTES <= len(secret.encode(errors="surrogateescape")) < needed for secret in secrets):
                reader.refuse("JWT_SECRET", f"is too short for {name}, which needs {needed} bytes", "use HS256, or a longer secret")


# Addresses -------------------------------------------------------------------------------------------------------------------


def _read_database_url(reader: _Reader, name: str) -> str | None:
    value = reader.text(name)
    if value is None:
        return None
    try:
        return asyncpg_dsn(value)
    except DsnError as error:
        reader.refuse(name, error.problem, error.cure)
        return None


def _read_cors(reader: _Reader) -> tuple[tuple[str, ...], bool]:
    origins = tuple(origin.rstrip("/") for origin in reader.words("CORS_ORIGINS"))
    credentials = reader.flag("CORS_CREDENTIALS", default=False)
    for origin in origins:
        if (
            origin != "*"
            and re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", origin, re.ASCII | re.IGNORECASE) is None
        ):
            cure = "list origins such as https://app.example.com, separated by commas and without a path"
            reader.refuse("CORS_ORIGINS", f"lists {_shown(origin)}, which is no origin", cure)
    if "*" in origins and credentials:
        problem = "is * while CORS_CREDENTIALS is true: any website could call the API in a visitor's name"
        reader.refuse("CORS_ORIGINS", problem, "list the origins of your own pages, or set CORS_CREDENTIALS=false")
    return origins, credentials
