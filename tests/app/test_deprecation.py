"""Deprecated resources and fields: what OpenAPI and the headers of the answers say of them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from generator.embedded import EmbeddedPostgres
from tests.support.database import temporary_folder
from tests.support.generated import serving_project, write_core, write_specs
from tests.support.project import rowsmith
from tests.support.tokens import new_user

SPECS = {
    "old": """\
resource: Old
plural: olds
description: What was
fields:
  name: string
  color: {type: string, nullable: true, description: A color, deprecated: {reason: Use labels., since: 2026-06-01, sunset: 2026-12-01}}
  shade: {type: string, nullable: true, deprecated: true}
  parent: {type: ref, to: New, nullable: true, inverse: olds}
deprecated: {reason: Use New., since: 2026-01-02, sunset: 2027-01-01}
""",
    "new": "resource: New\nplural: news\nfields:\n  name: string\n",
    "vague": "resource: Vague\nplural: vagues\nfields:\n  name: string\ndeprecated: It goes some day.\n",
    "ending": "resource: Ending\nplural: endings\nfields:\n  name: string\ndeprecated: {sunset: 2027-01-01}\n",
}
BOTH = {"deprecation": "@1767312000", "sunset": "Fri, 01 Jan 2027 00:00:00 GMT"}


def test_answers_say_when_a_resource_goes(postgres: EmbeddedPostgres):
    with temporary_folder() as root:
        write_core(root)
        write_specs(root, SPECS)
        answer = rowsmith(root, "generate")
        assert answer.returncode == 0, answer.stderr
        with serving_project(postgres, root) as api:
            user = new_user()

            def dates(method: str, path: str, status: int, **options: Any) -> dict[str, str]:
                response = api.call(user, method, f"/api/{user}/{path}", **options)
                assert response.status_code == status, response.text
                return {name: response.headers[name] for name in ("deprecation", "sunset") if name in response.headers}

            parent = api.call(user, "POST", f"/api/{user}/news", json={"name": "p"}).json()["id"]
            assert dates("POST", "olds", 201, json={"name": "a", "parent_id": parent}) == BOTH
            assert dates("GET", "olds", 200) == BOTH
            assert dates("GET", f"news/{parent}/olds", 200) == BOTH
            assert dates("GET", f"olds/{uuid4()}", 404) == BOTH
            assert dates("DELETE", f"olds/{uuid4()}", 404) == BOTH
            assert dates("POST", "endings", 201, json={"name": "a"}) == {"sunset": BOTH["sunset"]}
            assert dates("GET", "vagues", 200) == {}
            assert dates("GET", "news", 200) == {}

            document = api.client.get("/openapi.json").json()
    deprecated = {path for path, methods in document["paths"].items() if any(operation.get("deprecated") for operation in methods.values())}
    assert {path.split("/")[3] for path in deprecated} == {"olds", "vagues", "endings", "news"}
    assert "/api/{user_id}/news" not in deprecated
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert tags["olds"] == "What was. Deprecated since 2026-01-02, served until 2027-01-01. Use New."
    assert tags["vagues"] == "Deprecated. It goes some day."
    for schema in ("OldCreate", "OldUpdate", "OldRead"):
        properties = document["components"]["schemas"][schema]["properties"]
        assert properties["color"]["deprecated"] is True
        assert "A color. Deprecated since 2026-06-01, served until 2026-12-01. Use labels." in str(properties["color"])
        assert properties["shade"]["deprecated"] is True
        assert "deprecated" not in properties["name"]
