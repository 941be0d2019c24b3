"""What Schemathesis has to know of the API beyond its OpenAPI document."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis import HookContext

schemathesis.openapi.format("time-local", strategies.times().map(lambda time: time.isoformat()))


@schemathesis.hook
def before_load_schema(_context: HookContext, raw_schema: dict[str, Any]) -> None:
    """With `fields` a row has some of its keys only. And a row that was created is one that others can refer to."""
    schemas = raw_schema["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Read"):
            schema.pop("required", None)
    posts = [methods["post"] for methods in raw_schema["paths"].values() if "post" in methods]
    for created in posts:
        for link in list(created["responses"].get("201", {}).get("links", {}).values()):
            column = next(name for name in link["parameters"] if name != "user_id")
            for other in posts:
                body = other.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
                if column in schemas.get(body.rpartition("/")[2], {}).get("properties", {}):
                    created["responses"]["201"]["links"][other["operationId"]] = {
                        "operationId": other["operationId"],
                        "parameters": {"user_id": "$request.path.user_id"},
                        "requestBody": {column: "$response.body#/id"},
                    }
