"""S1: whatever happens, logs hold no token, no claim, no body, no query value and no SQL parameter, and no value forges a line."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest

from tests.support.database import ON_CITUS, Database
from tests.support.serving import serving
from tests.support.tokens import SECRET

BUG = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'of %', NEW.name USING ERRCODE = 'XX000'; END $$;
CREATE TRIGGER fails BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION fail()
"""
"""An error that nothing expects, and that quotes a value."""


@pytest.mark.skipif(ON_CITUS, reason="the fault is made by a trigger, which Citus refuses")
@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_s1_logs_hold_nothing_of_what_was_sent(database: Database, environment: str, form: str, level: str) -> None:
    user, marker = f"user-{uuid4().hex}", uuid4().hex
    # A value that breaks at the very end, in the database, behind every check of the application.
    database.execute("ALTER TABLE tags ADD CONSTRAINT broken CHECK (length(name) / (CASE WHEN name LIKE 'boom%' THEN 0 ELSE 1 END) >= 0)")
    with serving(database, SHUTDOWN_DELAY="0", ENVIRONMENT=environment, LOG_FORMAT=form, LOG_LEVEL=level) as api:
        path = f"/api/{user}/tags"
        token = api.token_for(user, email=f"{marker}@example.com")
        headers = {"Authorization": f"Bearer {token}", "Cookie": marker, "X-Api-Key": marker, "X-Request-ID": f"{marker}\tx"}
        statuses = {
            "created": api.client.post(path, headers=headers, json={"name": f"{marker}"}).status_code,
            "taken": api.client.post(path, headers=headers, json={"name": f"{marker}"}).status_code,
            "invalid": api.client.post(path, headers=headers, json={"name": [marker], marker: 1}).status_code,
            "broken": api.client.post(path, headers=headers, json={"name": f"boom {marker}"}).status_code,
            "no json": api.client.post(path, headers={**headers, "Content-Type": "application/json"}, content=f"{{{marker}").status_code,
            "unknown query": api.client.get(path, headers=headers, params={marker: marker}).status_code,
            "token in the query": api.client.get(path, params={"access_token": token}).status_code,
            "forged token": api.client.get(path, headers={"Authorization": f"Bearer {token[:-4]}AAAA"}).status_code,
            "basic": api.client.get(path, headers={"Authorization": f"Basic {marker}"}).status_code,
            "foreign": api.client.get(f"/api/{marker}/tags", headers=headers).status_code,
            "bad id": api.client.get(f"{path}/{marker}x", headers=headers).status_code,
        }
        database.execute(BUG)
        statuses["bug"] = api.client.post(path, headers=headers, json={"name": marker}).status_code
        forged = api.client.get("/x%0d%0a2026-01-01 00:00:00,000 INFO app: forged%e2%80%a8forged%1b[31m?y=%0aforged")
        assert forged.status_code == 404
        log = api.log.read_text()
    assert statuses["created"] == 201
    assert statuses["invalid"] == statuses["unknown query"] == statuses["bad id"] == 422
    assert statuses["token in the query"] == statuses["forged token"] == statuses["basic"] == 401
    assert statuses["foreign"] == 403
    assert statuses["broken"] == 422
    assert statuses["bug"] == 500
    assert "SQLSTATE XX000" in log
    for secret in (marker, user, token, token.split(".")[1], token.split(".")[2], SECRET, "@example.com"):
        assert secret not in log
    assert not re.search(r"^(2026-01-01|forged)", log, re.MULTILINE)
    assert "\x1b" not in log
    lines = log.splitlines()
    assert sum("POST /api/{user_id}/tags 201 " in line for line in lines) == 1
    if form == "json":
        entries = [entry for line in lines if "/api/" in (entry := json.loads(line))["message"]]
        assert [entry["status"] for entry in entries] == list(statuses.values())
        assert len({entry["request_id"] for entry in entries}) == len(statuses)
