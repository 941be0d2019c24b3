"""/docs and /openapi.json: complete without the internet, and absent in production unless asked for."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tests.support.database import Database
from tests.support.generated import run_python
from tests.support.serving import Api, serving
from tests.support.tokens import SECRET

ROOT = Path(__file__).resolve().parents[2]
BOTH_DOCUMENTS = f"""
import json
from app.api import docs
from app.config import load_settings
from app.main import create_app
settings = load_settings({{"DATABASE_URL": "postgresql://a:b@127.0.0.1/c", "JWT_SECRET": "{SECRET}"}}, env_file=None)
share, docs.share_fields = docs.share_fields, lambda: None
documents = [create_app(settings).openapi()]
docs.share_fields = share
documents.append(create_app(settings).openapi())
print(json.dumps(documents))
"""
PATHS = ["/docs", "/openapi.json", "/redoc", "/docs/oauth2-redirect"]


class References(HTMLParser):
    """What a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"link", "script", "img"}:
            self.found.append(given.get("href") or given.get("src") or "")
        if (tag == "script" and "src" not in given) or any(name.startswith("on") for name in given):
            self.inline.append(tag)


def references(page: str) -> References:
    parser = References()
    parser.feed(page)
    return parser


def test_the_page_loads_nothing_from_elsewhere(api: Api) -> None:
    page = api.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    loaded = references(page.text)
    assert len(loaded.found) == 5
    assert not loaded.inline
    for reference in loaded.found:
        assert re.fullmatch(r"docs/[0-9a-f]+/[\w.-]+", reference)  # relative: the page works below a proxy's prefix as well
        asset = api.client.get(f"/{reference}")
        assert asset.status_code == 200
        assert "immutable" in asset.headers["cache-control"]
        assert asset.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fmain.py", "%2e%2e/main.py", "swagger-ui.css/x", ""])
def test_no_other_file_is_served(api: Api, name: str) -> None:
    folder = references(api.client.get("/docs").text).found[0].rpartition("/")[0]
    assert api.client.get(f"/{folder}/{name}").status_code == 404


def test_f2_there_are_no_docs_in_production(database: Database) -> None:
    with serving(database, ENVIRONMENT="production", SHUTDOWN_DELAY="0") as api:
        for path in PATHS:
            assert api.client.get(path).status_code == 404
            assert api.client.get(path).json() == {"detail": "There is nothing at this path."}


def test_docs_can_be_switched_on_in_production_and_off_in_development(database: Database) -> None:
    with serving(database, ENVIRONMENT="production", SHUTDOWN_DELAY="0", DOCS="true") as api:
        assert api.client.get("/docs").status_code == api.client.get("/openapi.json").status_code == 200
    with serving(database, DOCS="false") as api:
        assert {api.client.get(path).status_code for path in PATHS} == {404}


def test_the_schema_is_valid_and_reads_well(api: Api) -> None:
    schema = api.client.get("/openapi.json").json()
    validate(schema)
    operations = {
        operation["operationId"]: (method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    assert operations["list_tasks"][:2] == ("get", "/api/{user_id}/tasks")
    assert operations["get_task"][:2] == ("get", "/api/{user_id}/tasks/{task_id}")
    assert operations["create_task"][:2] == ("post", "/api/{user_id}/tasks")
    assert operations["delete_task"][:2] == ("delete", "/api/{user_id}/tasks/{task_id}")
    tags = {tag["name"]: tag["description"] for tag in schema["tags"]}
    for name, (_, path, operation) in operations.items():
        assert operation["description"], name
        assert operation["security"] == [{"bearerAuth": []}], path
        assert all(tags[tag] for tag in operation["tags"]), path
        parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
        assert not any({"type": "null"} in kind.get("anyOf", ()) for kind in parameters.values()), name
    assert not {"/healthz", "/readyz", "/metrics", "/docs"} & schema["paths"].keys()
    assert "input" not in schema["components"]["schemas"].get("ValidationError", {}).get("properties", {})


def test_the_document_says_what_no_signature_shows(api: Api) -> None:
    paths = api.client.get("/openapi.json").json()["paths"]
    operations = {operation["operationId"]: operation for methods in paths.values() for operation in methods.values()}
    for operation in operations.values():
        assert ({"400", "413", "415"} <= operation["responses"].keys()) == ("requestBody" in operation)
    assert "304" not in operations["replace_task"]["responses"]  # If-None-Match is a precondition there
    assert operations["update_task"]["requestBody"]["content"].keys() == {"application/json", "application/merge-patch+json"}
    created = operations["create_task"]["responses"]["201"]
    assert created["headers"].keys() == {"ETag", "Location"}
    assert {"get_task", "replace_task", "update_task", "delete_task", "list_comments_of_task", "link_task_tag"} <= created["links"].keys()
    for link in created["links"].values():
        assert link["parameters"].keys() == {"user_id", "task_id"}
        assert link["operationId"] in operations
    assert "ETag" in operations["get_task"]["responses"]["304"]["headers"]


def test_fields_that_are_made_once_are_described_as_those_that_fastapi_makes_for_each_route() -> None:
    apart, shared = json.loads(run_python(ROOT, "-c", BOTH_DOCUMENTS))
    assert shared == apart
