"""Database addresses: from what people write to what asyncpg takes."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

FORM = "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE"

_SCHEMES = {"postgresql", "postgresql+asyncpg", "postgres"}
_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII | re.IGNORECASE)
_ALIEN_OPTIONS = {
    "channel_binding": "remove it: the database driver (asyncpg) does not know it",
    "connect_timeout": "remove it: the application limits the time to connect itself",
    "gssencmode": "remove it: the database driver (asyncpg) does not know it",
    "keepalives": "remove it: the database driver (asyncpg) does not know it",
    "pgbouncer": "remove it and set PREPARED_STATEMENTS=false",
    "prepared_statement_cache_size": "remove it; PREPARED_STATEMENTS=false turns prepared statements off",
    "statement_cache_size": "remove it; PREPARED_STATEMENTS=false turns prepared statements off",
}


class DsnError(ValueError):
    """A database address that cannot be used; `problem` completes a sentence, `cure` says what to do. Neither repeats the address."""

    def __init__(self, problem: str, cure: str = FORM) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


def asyncpg_dsn(address: str) -> str:
    """Return `postgresql://…` for an address in the form of libpq, asyncpg or SQLAlchemy's asyncpg dialect.

    Raises DsnError for anything asyncpg would misread or fail on later.
    """
    scheme, separator, _ = address.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        raise DsnError("is no postgresql:// address")
    if re.search(r"[\s\x00-\x1f\x7f]", address):
        raise DsnError("contains white space or control characters", f"{FORM}; percent-encode them")
    try:
        url = urlsplit(address)
        options = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise DsnError("is malformed") from None
    _check_hosts(url)
    _check_options(url, dict(options))
    # SQLAlchemy's asyncpg dialect says `ssl`, libpq and asyncpg say `sslmode`.
    query = urlencode([("sslmode" if name == "ssl" else name, value) for name, value in options])
    return f"postgresql://{url.netloc}{url.path}{'?' if query else ''}{query}"


def _check_hosts(url: SplitResult) -> None:
    if url.fragment or url.netloc.count("@") > 1:
        raise DsnError("has a # or a second @ in it", f"{FORM}; in a password write %23 for # and %40 for @")
    hosts = url.netloc.rpartition("@")[2]
    for part in hosts.split(",") if hosts else ():
        match = _HOST.fullmatch(part)
        if match is None or not 1 <= int(match["port"] or 5432) <= 65535:
            raise DsnError("has a malformed host or port")


def _check_options(url: SplitResult, options: dict[str, str]) -> None:
    if not (url.path.strip("/") or options.get("dbname") or options.get("database")):
        raise DsnError("names no database")
    for name, cure in _ALIEN_OPTIONS.items():
        if name in options:
            raise DsnError(f"has the option {name}", cure)
