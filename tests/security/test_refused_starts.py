"""Rows F1 and F2 of the acceptance catalogue: settings that the application refuses to start with, and what production does not show."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.engine import make_url

from app import server
from generator.embedded import APP_ROLE
from tests.support.database import Database
from tests.support.issuer import key
from tests.support.serving import serving, serving_quickly
from tests.support.tokens import SECRET

GOOD = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "JWT_SECRET": SECRET}
PUBLIC = key("RS256").pem
DER = base64.b64encode(key("ES256").public(Encoding.DER)).decode()
JWK = json.dumps(key("RS256").jwk())

REFUSALS: dict[str, tuple[dict[str, str | None], str]] = {
    "no key at all": ({"JWT_SECRET": None}, "JWT_SECRET"),
    "an empty secret": ({"JWT_SECRET": ""}, "JWT_SECRET"),
    "a blank secret": ({"JWT_SECRET": " " * 40}, "JWT_SECRET"),
    "a secret of 31 bytes": ({"JWT_SECRET": SECRET[:31]}, "JWT_SECRET"),
    "a second secret of 31 bytes": ({"JWT_SECRET": f"{SECRET},{SECRET[:31]}"}, "JWT_SECRET"),
    "three secrets": ({"JWT_SECRET": ",".join(SECRET[number:] + "x" * number for number in range(3))}, "JWT_SECRET"),
    "a placeholder": ({"JWT_SECRET": "change-me-change-me-change-me-change-me"}, "JWT_SECRET"),
    "another placeholder": ({"JWT_SECRET": "your-secret-key-your-secret-key-your-secret-key"}, "JWT_SECRET"),
    "one letter": ({"JWT_SECRET": "a" * 64}, "JWT_SECRET"),
    "a PEM as secret": ({"JWT_SECRET": PUBLIC}, "JWT_SECRET"),
    "a PEM on one line as secret": ({"JWT_SECRET": PUBLIC.replace("\n", "\\n")}, "JWT_SECRET"),
    "a DER as secret": ({"JWT_SECRET": DER}, "JWT_SECRET"),
    "a JWK as secret": ({"JWT_SECRET": JWK}, "JWT_SECRET"),
    "a JWK set as secret": ({"JWT_SECRET": json.dumps({"keys": [key("RS256").jwk()]})}, "JWT_SECRET"),
    "HS256 beside RS256": ({"JWT_ALGORITHMS": "HS256,RS256"}, "JWT_ALGORITHMS"),
    "RS256 beside HS512": ({"JWT_ALGORITHMS": "RS256,HS512", "JWT_SECRET": None, "JWT_PUBLIC_KEY": PUBLIC}, "JWT_ALGORITHMS"),
    "HS256 with a public key": ({"JWT_ALGORITHMS": "HS256", "JWT_SECRET": None, "JWT_PUBLIC_KEY": PUBLIC}, "JWT_ALGORITHMS"),
    "a secret beside a public key": ({"JWT_PUBLIC_KEY": PUBLIC}, "JWT_SECRET"),
    "a secret beside a key set": ({"JWT_JWKS_URL": "https://issuer.example/jwks.json"}, "JWT_SECRET"),
    "the algorithm none": ({"JWT_ALGORITHMS": "none"}, "JWT_ALGORITHMS"),
    "a public key that is none": (
        {"JWT_SECRET": None, "JWT_PUBLIC_KEY": "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"},
        "JWT_PUBLIC_KEY",
    ),
    "a key set over http": ({"JWT_SECRET": None, "JWT_JWKS_URL": "http://issuer.example/jwks.json"}, "JWT_JWKS_URL"),
    "a key set over http on a look-alike": ({"JWT_SECRET": None, "JWT_JWKS_URL": "http://localhost.issuer.example/jwks"}, "JWT_JWKS_URL"),
    "a key set in a file": ({"JWT_SECRET": None, "JWT_JWKS_URL": "file:///etc/passwd"}, "JWT_JWKS_URL"),
    "any origin with credentials": ({"CORS_ORIGINS": "*", "CORS_CREDENTIALS": "true"}, "CORS_ORIGINS"),
    "any origin among others with credentials": ({"CORS_ORIGINS": "https://a.example,*", "CORS_CREDENTIALS": "yes"}, "CORS_ORIGINS"),
    "no database": ({"DATABASE_URL": None}, "DATABASE_URL"),
    "a database of another kind": ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
}


def run_nothing(*_given: object, **_settings: object) -> None:
    """In place of a server, for settings that are not refused."""


def start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, settings: dict[str, str | None]
) -> tuple[int, str]:
    """The exit code of `python -m app` with these settings over good ones, and what it prints."""
    monkeypatch.chdir(folder)
    for name in ("ENVIRONMENT", *GOOD, *settings):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**GOOD, **settings}.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(server, "run", run_nothing)
    code = server.main()
    return code, capsys.readouterr().err


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(("settings", "named"), REFUSALS.values(), ids=list(REFUSALS))
def test_F1_a_setting_that_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    settings: dict[str, str | None],
    named: str,
    environment: str,
) -> None:
    code, output = start(monkeypatch, capsys, tmp_path, {**settings, "ENVIRONMENT": environment})
    assert code not in {0, 1}
    assert f"\n  {named} " in output
    assert "\n    hint: " in output
    assert "Traceback" not in output
    for value in settings.values():
        assert not value or len(value) < 20 or value not in output  # a secret is not printed


def test_F1_good_settings_are_not_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Without this, refusing everything would pass; a key set on the loopback interface may be served over http."""
    every: tuple[dict[str, str | None], ...] = (
        {},
        {"ENVIRONMENT": "production"},
        {"CORS_ORIGINS": "*"},
        {"CORS_ORIGINS": "https://a.example", "CORS_CREDENTIALS": "true"},
        {"JWT_SECRET": None, "JWT_JWKS_URL": "http://127.0.0.1:9/jwks.json"},
        {"JWT_SECRET": None, "JWT_JWKS_URL": "https://issuer.example/jwks.json"},
        {"JWT_SECRET": None, "JWT_PUBLIC_KEY": PUBLIC},
        {"JWT_SECRET": f"{SECRET},{SECRET[::-1]}"},
    )
    for settings in every:
        with monkeypatch.context() as patch:
            assert start(patch, capsys, tmp_path, settings) == (0, "")


@pytest.mark.parametrize("how", ["a superuser", "the owner of the tables", "BYPASSRLS"])
def test_F1_production_refuses_a_role_that_bypasses_row_level_security(database: Database, how: str) -> None:
    """Over a real start; development only warns."""
    bypassing = "bypassing_role"
    login = f"LOGIN PASSWORD '{make_url(database.app_dsn).password or ''}'"
    database.execute(f"DROP ROLE IF EXISTS {bypassing}; CREATE ROLE {bypassing} {login} BYPASSRLS IN ROLE {APP_ROLE}")
    dsn = {
        "a superuser": database.superuser_dsn,
        "the owner of the tables": database.owner_dsn,
        "BYPASSRLS": database.app_dsn.replace(APP_ROLE, bypassing),
    }[how]
    try:
        with (
            pytest.raises(AssertionError, match=r"the application ended with [1-9]") as ended,
            serving(database, ENVIRONMENT="production", SHUTDOWN_DELAY="0", DATABASE_URL=dsn),
        ):
            pass
        output = str(ended.value)
        assert "DATABASE_URL lets users read each other's rows" in output
        assert "hint: use a role that owns nothing" in output
        assert "Traceback" not in output
    finally:
        database.execute(f"DROP ROLE {bypassing}")


PAGES = [
    "/docs",
    "/openapi.json",
    "/redoc",
    "/docs/",
    "/docs/oauth2-redirect",
    "/docs/swagger-ui.css",
    "/openapi.yaml",
    "/api/openapi.json",
]


def test_F2_docs_in_production(database: Database) -> None:
    with serving_quickly(database, ENVIRONMENT="production", SHUTDOWN_DELAY="0") as api:
        for page in PAGES:
            assert api.client.get(page).status_code == 404, page
        assert api.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("environment", "docs", "status"), [("production", "true", 200), ("development", "false", 404), ("development", None, 200)]
)
def test_F2_docs_are_where_they_were_asked_for(database: Database, environment: str, docs: str | None, status: int) -> None:
    with serving(database, ENVIRONMENT=environment, SHUTDOWN_DELAY="0", DOCS=docs) as api:
        assert [api.client.get(page).status_code for page in PAGES[:2]] == [status, status]
