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
    "half": """\
resource: Half
plural: halves
fields:
  name: {type: string, filter: true, sort: true}
  shade: {type: string, nullable: true, filter: true, sort: true, deprecated: {since: 2026-06-01, sunset: 2026-12-01}}
  tone: {type: string, nullable: true, filter: true, deprecated: {sunset: 2026-11-01}}
  gone: {type: string, nullable: true, deprecated: true}
operations: [list, get, create, update, delete, batch]
""",
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

            shade = {"deprecation": "@1780272000", "sunset": "Tue, 01 Dec 2026 00:00:00 GMT"}
            tone = {"sunset": "Sun, 01 Nov 2026 00:00:00 GMT"}
            row = api.call(user, "POST", f"/api/{user}/halves", json={"name": "shade"}).json()["id"]
            for path in ("halves", "halves?name=shade&name__ne=tone&fields=name&sort=-name", f"halves/{row}", "halves?fields=gone"):
                assert dates("GET", path, 200) == {}, path
            for query in ("shade=a", "shade__isnull=true", "fields=name,shade", "sort=-shade", "shade__in=a,b"):
                assert dates("GET", f"halves?{query}", 200) == shade, query
            assert dates("GET", "halves/aggregate?group_by=shade&count=true", 200) == shade
            assert dates("GET", f"halves/{row}?fields=tone", 200) == tone
            assert dates("GET", "halves?fields=tone,shade", 200) == {**shade, **tone}
            assert dates("POST", "halves", 201, json={"name": "a"}) == {}
            assert dates("POST", "halves", 201, json={"name": "a", "shade": None}) == shade
            assert dates("PATCH", f"halves/{row}", 200, json={"name": "shade"}) == {}
            assert dates("PATCH", f"halves/{row}", 200, json={"tone": "a"}) == tone
            assert dates("POST", "halves/batch", 200, json={"create": [{"name": "a"}], "update": [{"id": row, "shade": "a"}]}) == shade
            assert dates("POST", "halves/batch", 200, json={"delete": [row]}) == {}
            assert dates("GET", "olds?fields=name", 200) == BOTH
            assert dates("GET", "olds?fields=name,color", 200) == {**BOTH, "sunset": shade["sunset"]}

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
