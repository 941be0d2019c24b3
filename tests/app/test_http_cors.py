"""CORS: only for the origins that are listed, and for errors as well."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.serving import Api, serving
from tests.support.tokens import new_user

OURS, THEIRS = "https://app.example", "https://evil.example"


def preflight(api: Api, origin: str, method: str = "PATCH", headers: str = "authorization, content-type, if-match") -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    answer = api.client.options("/api/x/tags", headers=asked)
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-allow")} if answer.is_success else {}


def test_without_a_setting_no_origin_is_allowed(api: Api) -> None:
    assert preflight(api, OURS) == {}
    assert "access-control-allow-origin" not in api.client.get("/healthz", headers={"Origin": OURS}).headers


def test_listed_origins_are_allowed_with_errors_and_useful_headers(database: Database) -> None:
    user = new_user()
    with serving(database, CORS_ORIGINS=f"{OURS}, https://other.example") as api:
        allowed = preflight(api, OURS)
        assert allowed["access-control-allow-origin"] == OURS
        assert "access-control-allow-credentials" not in allowed
        assert preflight(api, THEIRS) == {}
        assert preflight(api, "null") == {}
        assert preflight(api, f"{OURS}.evil.example") == {}
        refusal = api.client.options("/api/x/tags", headers={"Origin": THEIRS, "Access-Control-Request-Method": "TRACE"})
        assert refusal.status_code == 400
        assert refusal.json() == {"detail": "Disallowed CORS origin, method."}
        for path, status in (("/nothing", 404), (f"/api/{user}/tags", 401), ("/healthz", 200)):
            answer = api.client.get(path, headers={"Origin": OURS})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == OURS
            assert "ETag" in answer.headers["access-control-expose-headers"]
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-origin" not in api.client.get(path, headers={"Origin": THEIRS}).headers


@pytest.mark.parametrize("origin", [OURS, THEIRS])
def test_a_star_never_comes_with_credentials(database: Database, origin: str) -> None:
    with serving(database, CORS_ORIGINS="*") as api:
        answer = api.client.get("/healthz", headers={"Origin": origin, "Cookie": "session=1"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
