"""/openapi.json: what FastAPI makes of the routes, and what it cannot see of them."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from app.api.openapi_reads import describe_reads
from app.api.responses import PROBLEM, REQUIRED, Problem
from app.api.writes import MAX_KEY

_WITH_A_BODY = {
    "400": {"description": "The body is not JSON, or not UTF-8.", "content": PROBLEM},
    "413": {"description": "The body is larger than the server takes.", "content": PROBLEM},
    "415": {"description": "The body is not `application/json` in UTF-8.", "content": PROBLEM},
}
_ETAG = {"ETag": {"description": "The version of the row, for If-Match and If-None-Match.", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "The path of the new row.", "schema": {"type": "string"}}}

_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "Comma-separated: `return=minimal` leaves the row out of the answer; `tx=rollback` tries the request without storing"
    " anything; `handling=strict` refuses what is not known.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"},
    "description": "Names the request for 24 hours: repeated with the same key and body, it gets the first answer again.",
}
_WITH_A_KEY = {"409": {"description": "Another row stands in the way, or the first request with the key is under way.", "content": PROBLEM}}
_MINIMAL = {"204": {"description": "Done, and `Prefer: return=minimal` asks for no row.", "headers": _ETAG}}

type Operation = dict[str, Any]


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add to an OpenAPI `document` the answers, headers and links that no signature shows; a second time changes nothing."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    schemas.get("ValidationError", {}).get("properties", {}).pop("input", None)  # no answer repeats what was submitted
    for path, method, operation in _operations(document):
        _leave_null_out(operation.get("parameters", ()))
        _describe(method, operation)
        if path.startswith("/api/") and method != "get":
            _add_headers_of_writes(operation, method)
    describe_reads(document)
    for _, _, operation in _operations(document):
        _separate_by_commas(operation.get("parameters", ()))
    _add_links(document)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _leave_null_out(parameters: Iterable[dict[str, Any]]) -> None:
    """A parameter that may be left out is no parameter that may be null: there is no null in a path, a query or a header."""
    for parameter in parameters:
        schema = parameter["schema"]
        variants = [variant for variant in schema.pop("anyOf", ()) if variant != {"type": "null"}]
        schema |= variants[0] if len(variants) == 1 else {"anyOf": variants} if variants else {}
        if schema.pop(REQUIRED, False):
            parameter["required"] = True


def _separate_by_commas(parameters: Iterable[dict[str, Any]]) -> None:
    """A list of values is one parameter, never several of one name."""
    for parameter in parameters:
        if parameter["in"] == "query" and parameter["schema"].get("type") == "array":
            parameter |= {"style": "form", "explode": False}


def _describe(method: str, operation: Operation) -> None:
    """What bodies may be and the answers of the middleware to them, 304, and the headers of rows."""
    responses: dict[str, Any] = operation["responses"]
    headers = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
    if "requestBody" in operation:
        responses |= _WITH_A_BODY
        content = operation["requestBody"]["content"]
        if method == "patch":
            content["application/merge-patch+json"] = content["application/json"]
    if method == "get" and "if-none-match" in headers:
        responses["304"] = {"description": "The row is still the one that If-None-Match names."}
    if headers & {"if-match", "if-none-match"}:
        for status in {"200", "304", "412"} & responses.keys():
            responses[status]["headers"] = _ETAG
    if "201" in responses:
        responses["201"]["headers"] = _ETAG | _LOCATION


def _add_headers_of_writes(operation: Operation, method: str) -> None:
    """What any write takes besides (see `writes`)."""
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    responses: dict[str, Any] = operation["responses"]
    for parameter in (_IDEMPOTENCY_KEY, _PREFER) if method == "post" else (_PREFER,):
        if parameter not in parameters:
            parameters.append(parameter)
    responses |= _WITH_A_KEY if method == "post" else _MINIMAL if "200" in responses else {}
    responses.setdefault("400", {"description": "`Prefer` has `handling=strict` and a preference that is not known.", "content": PROBLEM})


def _add_links(document: dict[str, Any]) -> None:
    """Where the ids of new rows lead: each operation that has one in its path."""
    names: dict[str, str] = {}
    leading: dict[str, list[str]] = {}
    for path, _, operation in _operations(document):
        if found := re.fullmatch(r"(.+)/\{(\w+)\}", path):
            names.setdefault(found[1], found[2])
        for name in dict.fromkeys(re.findall(r"\{(\w+)\}", path)):
            leading.setdefault(name, []).append(operation["operationId"])
    for path, method, operation in _operations(document):
        if method == "post" and "201" in operation["responses"] and path in names:
            parameters = {"user_id": "$request.path.user_id", names[path]: "$response.body#/id"}
            links = {leads: {"operationId": leads, "parameters": parameters} for leads in leading[names[path]]}
            operation["responses"]["201"]["links"] = links
