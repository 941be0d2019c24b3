"""`rowsmith token`: whose word it is, how long it holds, and where it is refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from jose import jwt

from tests.support.project import rowsmith
from tests.support.serving import Api
from tests.support.tokens import SECRET, new_user


def test_the_application_takes_it_from_its_user_alone(api: Api, tmp_path: Path) -> None:
    user = new_user()
    answer = rowsmith(tmp_path, "token", "--user", user, JWT_SECRET=SECRET)
    assert (answer.returncode, answer.stderr) == (0, "")
    headers = {"Authorization": f"Bearer {answer.stdout.strip()}"}
    assert api.client.get(f"/api/{user}/tasks", headers=headers).status_code == 200
    assert api.client.get("/api/somebody/tasks", headers=headers).status_code == 403


def test_settings_come_from_env_file_and_decide_issuer_audience_and_claim(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"JWT_SECRET={SECRET}\nJWT_ISSUER=here\nJWT_AUDIENCE=them\nJWT_USER_CLAIM=uid\nJWT_ALGORITHMS=HS256\n")
    answer = rowsmith(tmp_path, "token", "--user", "alice")
    claims = jwt.decode(answer.stdout.strip(), SECRET, ["HS256"], audience="them", issuer="here", options={"require_exp": True})
    assert claims["uid"] == "alice"


def test_the_first_of_two_secrets_signs(tmp_path: Path) -> None:
    answer = rowsmith(tmp_path, "token", "--user", "alice", JWT_SECRET=f"{SECRET},the-older-one-{SECRET}")
    assert jwt.decode(answer.stdout.strip(), SECRET, ["HS256"])["sub"] == "alice"


@pytest.mark.parametrize(("ttl", "seconds"), [("90s", 90), ("90", 90), ("15m", 900), ("24h", 86400), ("7d", 604800)])
def test_it_is_valid_as_long_as_asked(tmp_path: Path, ttl: str, seconds: int) -> None:
    answer = rowsmith(tmp_path, "token", "--user", "alice", "--ttl", ttl, JWT_SECRET=SECRET)
    claims = jwt.get_unverified_claims(answer.stdout.strip())
    assert abs(claims["exp"] - time.time() - seconds) < 30


@pytest.mark.parametrize("ttl", ["0", "-1", "1.5h", "1y", "", "99999999999", "367d", "\u0661h"])
def test_no_other_time_is_taken(tmp_path: Path, ttl: str) -> None:
    answer = rowsmith(tmp_path, "token", "--user", "alice", f"--ttl={ttl}", JWT_SECRET=SECRET)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "15m" in answer.stderr


@pytest.mark.parametrize("user", ["", "a/b", "a\nb", "x" * 256, "\udce9"])
def test_no_token_is_made_that_the_application_would_refuse(tmp_path: Path, user: str) -> None:
    answer = rowsmith(tmp_path, "token", f"--user={user}", JWT_SECRET=SECRET)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "user id" in answer.stderr


@pytest.mark.parametrize("value", ["production", "Production", " production "])
def test_production_has_no_such_tokens(tmp_path: Path, value: str) -> None:
    (tmp_path / ".env").write_text(f"JWT_SECRET={SECRET}\nENVIRONMENT='{value}'\n")
    answer = rowsmith(tmp_path, "token", "--user", "alice")
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "ENVIRONMENT=production" in answer.stderr


def test_without_any_key_the_project_gets_a_secret_of_its_own_that_nobody_else_can_read(tmp_path: Path) -> None:
    tokens = [rowsmith(tmp_path, "token", "--user", "alice").stdout.strip() for _ in range(2)]
    path = tmp_path / ".rowsmith" / "jwt_secret"
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text()
    assert len(secret) >= 32
    for token in tokens:
        assert jwt.decode(token, secret, ["HS256"])["sub"] == "alice"


def test_an_issuer_s_key_cannot_sign(tmp_path: Path) -> None:
    answer = rowsmith(tmp_path, "token", "--user", "alice", JWT_JWKS_URL="https://issuer.example/jwks.json")
    assert (answer.returncode, answer.stdout) == (4, "")
    assert "issuer" in answer.stderr
    assert not (tmp_path / ".rowsmith").exists()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_damaged_secret_is_reported_with_the_cure(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".rowsmith").mkdir()
    (tmp_path / ".rowsmith" / "jwt_secret").write_bytes(content)
    answer = rowsmith(tmp_path, "token", "--user", "alice")
    assert (answer.returncode, answer.stdout) == (4, "")
    assert "remove" in answer.stderr


def test_an_unreadable_env_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    answer = rowsmith(tmp_path, "token", "--user", "alice")
    assert answer.returncode == 4
    assert ".env is not UTF-8 text" in answer.stderr
