"""Settings: what is read, from where, and every refusal (row F1 of the acceptance catalogue, before a server is involved)."""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from app.config import Settings, SettingsError, load_settings, read_environment
from app.middleware.secret import is_key_material, is_placeholder
from tests.support.issuer import key

ROOT = Path(__file__).parents[2]
SECRET = secrets.token_urlsafe(48)
ENOUGH = {"DATABASE_URL": "postgresql://user:pass@db.example/tasks", "JWT_SECRET": SECRET}


def load(**values: str) -> Settings:
    """Load from these values and the least that is needed besides."""
    return load_settings({**ENOUGH, **values}, env_file=None)


def without_secret(**values: str) -> Settings:
    return load_settings({"DATABASE_URL": ENOUGH["DATABASE_URL"], **values}, env_file=None)


def refusals(**values: str) -> dict[str, str]:
    """The problem of each setting that is refused, with the cure."""
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value for name, value in {**ENOUGH, **values}.items() if value != "UNSET"}, env_file=None)
    assert all(problem.cure for problem in caught.value.problems)
    return {problem.setting: f"{problem.problem}; {problem.cure}" for problem in caught.value.problems}


# What is read


def test_defaults() -> None:
    settings = load()
    assert (settings.environment, settings.docs, settings.log_format, settings.log_level) == ("development", True, "text", "info")
    assert (settings.jwt_secret, settings.jwt_algorithms, settings.jwt_user_claim, settings.jwt_leeway) == (
        (SECRET,),
        ("HS256",),
        "sub",
        30,
    )
    assert (settings.max_body_bytes, settings.metrics, settings.cors_origins, settings.cors_credentials) == (1_048_576, False, (), False)
    assert settings.prepared_statements
    assert settings.migration_database_url is None


def test_production_serves_no_docs_and_logs_json() -> None:
    settings = load(ENVIRONMENT="production")
    assert (settings.docs, settings.log_format) == (False, "json")
    settings = load(ENVIRONMENT="Production", DOCS="true", LOG_FORMAT="TEXT")
    assert (settings.docs, settings.log_format) == (True, "text")


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("YES", True), ("1", True), ("on", True), ("False", False), ("no", False), ("0", False)],
)
def test_flags(text: str, value: bool) -> None:
    assert load(METRICS=text).metrics is value


def test_numbers() -> None:
    settings = load(POOL_SIZE="3", MAX_OVERFLOW="0", POOL_TIMEOUT="0.5", STATEMENT_TIMEOUT=" 2 ", JWT_LEEWAY="0")
    assert (settings.pool_size, settings.max_overflow, settings.pool_timeout, settings.statement_timeout, settings.jwt_leeway) == (
        3,
        0,
        0.5,
        2,
        0,
    )


def test_an_empty_value_is_unset() -> None:
    assert load(POOL_SIZE="", JWT_ISSUER="  ", JWT_PUBLIC_KEY="", CORS_ORIGINS="", ENVIRONMENT="", DOCS="") == load()


def test_lists() -> None:
    assert load(CORS_ORIGINS=" https://a.example , http://localhost:3000/ ,,").cors_origins == (
        "https://a.example",
        "http://localhost:3000",
    )
    assert load(CORS_ORIGINS="*").cors_origins == ("*",)
    assert load(JWT_ALGORITHMS="HS256, HS384").jwt_algorithms == ("HS256", "HS384")


def test_two_secrets_during_a_rotation() -> None:
    other = secrets.token_urlsafe(48)
    assert load(JWT_SECRET=f"{SECRET} , {other},").jwt_secret == (SECRET, other)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("postgresql://u:p@h:5433/db", "postgresql://u:p@h:5433/db"),
        ("postgresql+asyncpg://u:p@h/db", "postgresql://u:p@h/db"),
        ("postgres://u@h/db", "postgresql://u@h/db"),
        ("postgresql+asyncpg://u:p%40%23@h/db?ssl=require", "postgresql://u:p%40%23@h/db?sslmode=require"),
        ("postgresql://u@[::1]:5432/db?application_name=a%20b", "postgresql://u@[::1]:5432/db?application_name=a+b"),
        (
            "postgresql://u@h1:5432,h2:5433/db?target_session_attrs=primary",
            "postgresql://u@h1:5432,h2:5433/db?target_session_attrs=primary",
        ),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=%2Frun%2Fpostgresql"),
        ("postgresql://h?dbname=db", "postgresql://h?dbname=db"),
    ],
)
def test_database_addresses(written: str, read: str) -> None:
    settings = load(DATABASE_URL=written, MIGRATION_DATABASE_URL=written)
    assert (settings.database_url, settings.migration_database_url) == (read, read)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_a_public_key_says_its_algorithm(algorithm: str) -> None:
    settings = without_secret(JWT_PUBLIC_KEY=key(algorithm).pem.replace("\n", "\\n"))
    assert settings.jwt_algorithms == (algorithm,)
    assert settings.jwt_public_key == key(algorithm).pem


def test_a_key_set_may_use_the_three_usual_algorithms() -> None:
    settings = without_secret(JWT_JWKS_URL="https://issuer.example/jwks.json?tenant=1")
    assert settings.jwt_algorithms == ("RS256", "ES256", "EdDSA")
    assert without_secret(JWT_JWKS_URL="https://issuer.example/k", JWT_ALGORITHMS="ES512").jwt_algorithms == ("ES512",)


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "[::1]:80", "127.8.9.1"])
def test_a_key_set_on_this_machine_needs_no_https(host: str) -> None:
    assert without_secret(JWT_JWKS_URL=f"http://{host}/api/auth/jwks").jwt_jwks_url == f"http://{host}/api/auth/jwks"


def test_settings_keep_their_secrets_to_themselves() -> None:
    settings = load(DATABASE_URL="postgresql://u:hunter2@h/db", MIGRATION_DATABASE_URL="postgresql://owner:hunter2@h/db")
    shown = f"{settings!r} {settings}"
    assert SECRET not in shown
    assert "hunter2" not in shown
    with pytest.raises(FrozenInstanceError):
        settings.docs = True  # pyright: ignore[reportAttributeAccessIssue] - what the test is about


# Where it is read from


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        f'# a comment\nJWT_SECRET="{SECRET}"\nDATABASE_URL=postgresql://file@h/db\nPOOL_SIZE=7\nexport LOG_LEVEL=debug\nPOOL_TIMEOUT\n'
    )
    settings = load_settings({"DATABASE_URL": "postgresql://environment@h/db", "POOL_SIZE": ""}, file)
    assert settings.database_url == "postgresql://environment@h/db"
    assert (settings.pool_size, settings.log_level, settings.pool_timeout) == (7, "debug", 5)


def test_a_public_key_over_several_lines_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f'DATABASE_URL=postgresql://u@h/db\nJWT_PUBLIC_KEY="{key("ES256").pem}"\n')
    assert load_settings({}, file).jwt_public_key == key("ES256").pem


def test_a_byte_order_mark_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfPOOL_SIZE=7\r\n")
    assert load_settings(ENOUGH, file).pool_size == 7


def test_no_file(tmp_path: Path) -> None:
    assert load_settings(ENOUGH, tmp_path / ".env") == load()
    assert load_settings(ENOUGH, tmp_path) == load()


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"POOL_SIZE=\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        load_settings(ENOUGH, file)


def test_the_process_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {**ENOUGH, "POOL_SIZE": "9"}.items():
        monkeypatch.setenv(name, value)
    assert load_settings().pool_size == 9
    (tmp_path / ".env").write_text("MAX_OVERFLOW=2\nPOOL_SIZE=1\n")
    assert (load_settings().max_overflow, load_settings().pool_size) == (2, 9)


def test_values_can_be_read_before_they_are_checked(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nHOST=\n")
    assert read_environment({"WORKERS": "2", "EMPTY": " "}, tmp_path / ".env") == {"PORT": "9000", "WORKERS": "2"}


# F1: refusals


def test_F1_no_key_at_all() -> None:
    assert "neither is any other key" in refusals(JWT_SECRET="UNSET")["JWT_SECRET"]


def test_F1_no_database() -> None:
    assert "rowsmith serve" in refusals(DATABASE_URL="UNSET")["DATABASE_URL"]


@pytest.mark.parametrize("short", ["a", "aB3" * 10, "pR4vTq9-Zm2_Lx7Kc5Wd8Yb3Hn6Jf1G", "\u00fc" * 15])
def test_F1_a_short_secret(short: str) -> None:
    refused = refusals(JWT_SECRET=short)["JWT_SECRET"]
    assert f"has {len(short.encode())} bytes; at least 32 are needed" in refused
    assert "secrets.token_urlsafe" in refused


def test_F1_a_secret_of_32_bytes_is_enough() -> None:
    assert load(JWT_SECRET=SECRET[:32]).jwt_secret == (SECRET[:32],)


def test_F1_each_of_two_secrets_is_checked() -> None:
    assert "(secret 2 of 2) has 5 bytes" in refusals(JWT_SECRET=f"{SECRET},short")["JWT_SECRET"]
    assert "(secret 1 of 2) has 5 bytes" in refusals(JWT_SECRET=f"short,{SECRET}")["JWT_SECRET"]
    assert "3 comma-separated secrets" in refusals(JWT_SECRET=",".join(secrets.token_urlsafe(48) for _ in range(3)))["JWT_SECRET"]


@pytest.mark.parametrize(
    "placeholder",
    [
        "change-me-change-me-change-me-change-me",
        "CHANGE_THIS_to_a_long_random_string_please",
        "your-256-bit-secret-goes-here-please-ok",
        "your_secret_key_at_least_32_characters_long",
        "replace-me-with-a-real-value-before-deploying",
        "a" * 64,
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz1234567890",
        "secret" * 8,
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "<placeholder: 48 random bytes in base64url>",
        "passwordpasswordpasswordpassword1",
    ],
)
def test_F1_a_placeholder(placeholder: str) -> None:
    assert "placeholder or a pattern" in refusals(JWT_SECRET=placeholder)["JWT_SECRET"]


def test_F1_control_characters_in_a_secret() -> None:
    assert "not printable" in refusals(JWT_SECRET=SECRET + "\x07")["JWT_SECRET"]


def key_material() -> dict[str, str]:
    """Keys in the forms in which they are handed around."""
    found: dict[str, str] = {}
    for algorithm in ("RS256", "ES256", "EdDSA"):
        owner = key(algorithm)
        private = owner.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        locked = owner.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        der = owner.public(Encoding.DER)
        document = json.dumps(owner.jwk())
        found |= {
            f"{algorithm} PEM": owner.pem,
            f"{algorithm} PEM with escaped line ends": owner.pem.replace("\n", "\\n"),
            f"{algorithm} private PEM": owner.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            f"{algorithm} DER": der.decode("latin-1"),
            f"{algorithm} DER in base64": base64.b64encode(der).decode(),
            f"{algorithm} DER in base64, wrapped": "\n".join(owner.pem.splitlines()[1:-1]),
            f"{algorithm} DER in unpadded base64url": base64.urlsafe_b64encode(der).decode().rstrip("="),
            f"{algorithm} DER in hexadecimal": der.hex(),
            f"{algorithm} private DER in base64": base64.b64encode(private).decode(),
            f"{algorithm} locked DER in base64": base64.b64encode(locked).decode(),
            f"{algorithm} JWK": document,
            f"{algorithm} JWK in base64": base64.b64encode(document.encode()).decode(),
            f"{algorithm} key set": json.dumps({"keys": [owner.jwk()]}),
            f"{algorithm} PEM in base64": base64.b64encode(owner.pem.encode()).decode(),
        }
    found["SSH"] = key("RS256").private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    found["oct JWK"] = json.dumps({"kty": "oct", "k": SECRET})
    return found


@pytest.mark.parametrize("name", [f"{a} {f}" for a in ("RS256", "ES256", "EdDSA") for f in ("PEM", "DER", "DER in base64", "JWK")])
def test_F1_a_key_as_the_secret(name: str) -> None:
    material = key_material()[name]
    if material == material.strip():  # the bytes of a DER can end with a space, which a setting loses
        assert "is a key or certificate" in refusals(JWT_SECRET=material)["JWT_SECRET"]


def test_F1_a_key_in_any_other_form_as_the_secret() -> None:
    material = key_material()
    assert [name for name, text in material.items() if not is_key_material(text)] == []
    for text in material.values():
        if text == text.strip():
            assert "is a key or certificate" in refusals(JWT_SECRET=text)["JWT_SECRET"]


@given(st.binary(min_size=32, max_size=64))
def test_random_secrets_are_never_refused(data: bytes) -> None:
    for text in (base64.urlsafe_b64encode(data).decode(), base64.b64encode(data).decode(), data.hex()):
        if not is_placeholder(text):  # data that hypothesis makes simple on purpose
            assert not is_key_material(text)
    for size in (32, 48, 64):
        assert not is_placeholder(secrets.token_urlsafe(size))
        assert not is_placeholder(secrets.token_hex(size))


def test_F1_secret_and_asymmetric_keys_together() -> None:
    assert "must not be mixed" in refusals(JWT_PUBLIC_KEY=key("ES256").pem)["JWT_SECRET"]
    assert "must not be mixed" in refusals(JWT_JWKS_URL="https://issuer.example/jwks")["JWT_SECRET"]


def test_F1_hs_mixed_with_asymmetric_algorithms() -> None:
    for algorithms in ("HS256,RS256", "EdDSA, HS512", "ES256,HS256,RS256"):
        assert "mixes HS* with asymmetric" in refusals(JWT_ALGORITHMS=algorithms)["JWT_ALGORITHMS"]
        assert "mixes HS*" in refusals(JWT_ALGORITHMS=algorithms, JWT_SECRET="UNSET", JWT_JWKS_URL="https://i.example/k")["JWT_ALGORITHMS"]


def test_F1_algorithms_that_do_not_fit_the_key() -> None:
    assert "needs JWT_PUBLIC_KEY" in refusals(JWT_ALGORITHMS="RS256")["JWT_ALGORITHMS"]
    assert "needs JWT_SECRET" in refusals(JWT_ALGORITHMS="HS256", JWT_SECRET="UNSET", JWT_PUBLIC_KEY=key("ES256").pem)["JWT_ALGORITHMS"]
    assert "not made for" in refusals(JWT_ALGORITHMS="ES256,ES384", JWT_SECRET="UNSET", JWT_PUBLIC_KEY=key("ES256").pem)["JWT_ALGORITHMS"]
    assert "needs 64 bytes" in refusals(JWT_ALGORITHMS="HS512", JWT_SECRET=SECRET[:40])["JWT_SECRET"]


@pytest.mark.parametrize("name", ["none", "None", "hs256", "PS256", "RS1", "dir", "A128KW", "HS256 RS256", "'HS256'"])
def test_F1_unknown_algorithms(name: str) -> None:
    assert "use some of: HS256" in refusals(JWT_ALGORITHMS=name)["JWT_ALGORITHMS"]


def test_F1_two_sources_of_public_keys() -> None:
    refused = refusals(JWT_SECRET="UNSET", JWT_PUBLIC_KEY=key("ES256").pem, JWT_JWKS_URL="https://issuer.example/jwks")
    assert "together with JWT_JWKS_URL" in refused["JWT_PUBLIC_KEY"]


@pytest.mark.parametrize(
    "url", ["http://issuer.example/jwks", "http://10.0.0.1/jwks", "http://localhost.example/k", "http://127.0.0.1.example/k"]
)
def test_F1_a_key_set_over_plain_http(url: str) -> None:
    assert "is not https" in refusals(JWT_SECRET="UNSET", JWT_JWKS_URL=url)["JWT_JWKS_URL"]


@pytest.mark.parametrize(
    "url",
    [
        *(
            "issuer.example/jwks",
            "file:///etc/passwd",
            "ftp://issuer.example/k",
            "https://",
            "https:///k",
            "https://[::1/k",
            "https://h:99999/k",
        ),
        *(
            "https://issuer.example/a b",
            "https://user:pass@issuer.example/k",
            "https://issuer.example/k#f",
            "http://localhost\\@evil.example/",
        ),
    ],
)
def test_F1_a_key_set_that_is_no_address(url: str) -> None:
    assert refusals(JWT_SECRET="UNSET", JWT_JWKS_URL=url)["JWT_JWKS_URL"]


def test_F1_public_keys_that_are_none() -> None:
    def problem(pem: str) -> str:
        return refusals(JWT_SECRET="UNSET", JWT_PUBLIC_KEY=pem)["JWT_PUBLIC_KEY"]

    private = key("ES256").private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert "is a private key" in problem(private)
    assert "is no public key" in problem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")
    assert "is no public key" in problem("nonsense")
    assert "1024 bits" in problem(_pem(rsa.generate_private_key(65537, 1024).public_key()))
    assert "secp256k1" in problem(_pem(ec.generate_private_key(ec.SECP256K1()).public_key()))
    assert "unsupported type" in problem(_pem(x25519.X25519PrivateKey.generate().public_key()))


def _pem(public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | x25519.X25519PublicKey) -> str:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_F1_any_origin_with_credentials() -> None:
    assert "CORS_CREDENTIALS is true" in refusals(CORS_ORIGINS="*", CORS_CREDENTIALS="true")["CORS_ORIGINS"]
    assert "CORS_CREDENTIALS is true" in refusals(CORS_ORIGINS="https://a.example,*", CORS_CREDENTIALS="on")["CORS_ORIGINS"]
    assert load(CORS_ORIGINS="https://a.example", CORS_CREDENTIALS="true").cors_credentials


@pytest.mark.parametrize(
    "origin", ["a.example", "https://a.example/path", "null", "https://*.example", "ftp://a.example", "https://a.example?x", "https://"]
)
def test_F1_origins_that_are_none(origin: str) -> None:
    assert "no origin" in refusals(CORS_ORIGINS=origin)["CORS_ORIGINS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("POOL_SIZE", value) for value in ("0", "-1", "1.5", "ten", "1e2", "1_0", "9" * 30, "\u0661", "0x10", "1001")],
        *[("STATEMENT_TIMEOUT", value) for value in ("0", "-1", "nan", "inf", "1e3", "5s", "1,5", ".5", "\u0665")],
        *[("JWT_LEEWAY", value) for value in ("-1", "301", "nan", "true")],
        *[("MAX_BODY_BYTES", value) for value in ("0", "1MiB", "-1")],
        *[("METRICS", value) for value in ("maybe", "2", "tru")],
        *[("ENVIRONMENT", value) for value in ("staging", "prod", "test")],
        *[("LOG_LEVEL", value) for value in ("verbose", "10")],
        *[("LOG_FORMAT", value) for value in ("xml", "logfmt")],
    ],
)
def test_F1_values_of_the_wrong_form(name: str, value: str) -> None:
    refused = refusals(**{name: value})[name]
    assert refused.startswith(f"is {value[:5]!a}"[:-1])
    assert "; use " in refused
    assert refused.isascii()


@pytest.mark.parametrize(
    "url",
    [
        *(
            "mysql://u@h/db",
            "u@h/db",
            "postgresql:u@h/db",
            "postgresql://u@h",
            "postgresql://u@h/",
            "postgresql://u@h:port/db",
            "sqlite://",
        ),
        *(
            "postgresql://u@h:0/db",
            "postgresql://u@h:70000/db",
            "postgresql://u:p#w@h/db",
            "postgresql://u:p@w@h/db",
            "postgresql://u@h/d b",
        ),
        *(
            "postgresql://u@h/db?sslmode",
            "postgresql://u@[::1/db",
            "postgresql+psycopg://u@h/db",
            "postgresql://u@h/db?channel_binding=require",
        ),
        *("postgresql://u@h/db?prepared_statement_cache_size=0", "postgresql://u@h/d\nb", "postgresql+asyncpg+x://u@h/db"),
    ],
)
def test_F1_malformed_database_addresses(url: str) -> None:
    assert list(refusals(DATABASE_URL=url)) == ["DATABASE_URL"]
    assert list(refusals(MIGRATION_DATABASE_URL=url)) == ["MIGRATION_DATABASE_URL"]


def test_F1_all_problems_at_once_in_a_few_readable_lines() -> None:
    password = "hunter2"
    with pytest.raises(SettingsError) as caught:
        load_settings(
            {"JWT_SECRET": password, "DATABASE_URL": f"postgresql://u:{password}@h", "POOL_SIZE": "x", "DOCS": "perhaps"}, env_file=None
        )
    text = str(caught.value)
    assert [problem.setting for problem in caught.value.problems] == ["JWT_SECRET", "DATABASE_URL", "POOL_SIZE", "DOCS"]
    assert text.startswith("error: 4 settings keep the application from starting\n")
    assert text.count("\n    hint: ") == 4
    assert password not in text
    assert password not in repr(caught.value)


def test_F1_one_problem_a_setting_that_is_missing_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, env_file=None)
    assert [problem.setting for problem in caught.value.problems] == ["JWT_SECRET", "DATABASE_URL"]


@given(st.dictionaries(st.sampled_from([field.name.upper() for field in fields(Settings)]), st.text(max_size=40)))
def test_whatever_is_set_the_answer_is_settings_or_one_error(values: dict[str, str]) -> None:
    try:
        settings = load_settings(values, env_file=None)
    except SettingsError as error:
        complete = bool(error.problems) and str(error).startswith("error: ")
    else:
        complete = bool(settings.jwt_algorithms)
    assert complete


# .env.example


SERVING = {"HOST", "PORT", "WORKERS", "FORWARDED_ALLOW_IPS"}
"""Read by `python -m app` alone."""


def documented() -> dict[str, str]:
    """The settings of .env.example with the values it shows."""
    pairs = re.findall(r"^# ([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(dict(pairs)) == len(pairs), "a setting stands there twice"
    return dict(pairs)


def test_the_example_documents_every_setting() -> None:
    assert set(documented()) == SERVING | {field.name.upper() for field in fields(Settings)}


def test_the_example_shows_the_defaults() -> None:
    values = {name: value for name, value in documented().items() if value and name not in SERVING}
    assert len(values) > 12
    assert load_settings({**ENOUGH, **values}, env_file=None) == load()


def test_the_example_sets_nothing_by_itself() -> None:
    assert read_environment({}, ROOT / ".env.example") == {}
