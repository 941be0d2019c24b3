"""A second opinion on `plan`: the OpenAPI documents of both versions are compared without knowing any rule.

Every difference between the documents has a finding, and every finding a difference. What is told apart is (resource, what, name): a field
of bodies, of answers, a filter, a sort key and so on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.compatibility.compare import Finding, compare
from generator.compatibility.surface import surface
from generator.ir import Schema
from tests.support.generated import run_python, write_core, write_generated, write_specs
from tests.support.specs import PROJECT, spec
from tests.support.tokens import SECRET

type Key = tuple[str, str, str]

PRINT = f"""
import json
from app.config import load_settings
from app.main import create_app
settings = {{"DATABASE_URL": "postgresql://a:b@127.0.0.1/c", "JWT_SECRET": "{SECRET}"}}
print(json.dumps(create_app(load_settings(settings, env_file=None)).openapi()))
"""

STATE = "state: {type: enum, values: [new, done], default: new, filter: true, sort: true}"
NOTE = "resource: Note\nfields:\n  text: string\n"
OLD = {
    "task": spec(
        "title: {type: string, max_length: 20, filter: true, sort: true}",
        "size: {type: integer, ge: 0, le: 50}",
        "gone: {type: date, filter: true, sort: true}",
        "wide: bigint",
        "kind: {type: string, pattern: '^[a-z]+$'}",
        "maybe: integer?",
        "must: integer",
        "once: {type: string, write: always, nullable: true}",
        "old: text?",
        STATE,
        "project: {type: ref, to: Project, nullable: true, filter: true, expand: true}",
        rest="page: {default: 10, max: 50}\nconcurrency: optional\n",
    ),
    "project": PROJECT,
    "note": NOTE,
}
NEW = {
    "task": spec(
        "title: {type: string, max_length: 40, min_length: 2, sort: true}",
        "size: {type: integer, ge: 1, le: 90, filter: true, default: 4}",
        "wide: integer",
        "kind: string",
        "maybe: {type: integer, default: 3}",
        "must: integer?",
        "once: {type: string, write: once, nullable: true}",
        "old: {type: text, nullable: true, deprecated: true}",
        "added: {type: list, of: string, default: [], filter: true}",
        STATE.replace("new, done], default: new", "done, held], default: held"),
        "project: {type: ref, to: Project, nullable: true, inverse: tasks}",
        rest="page: {default: 20, max: 40}\nconcurrency: required\noperations: [list, get, create, update, batch]\n",
    ),
    "project": PROJECT.replace("name: string", "name: date"),
    "memo": NOTE.replace("Note", "Memo"),
}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Schema, Any], tuple[Schema, Any]]:
    """Both schemas, each with the OpenAPI document of its application."""

    def version(specs: Mapping[str, str]) -> tuple[Schema, Any]:
        root: Path = tmp_path_factory.mktemp("version")
        write_core(root)
        write_specs(root, specs)
        schema = write_generated(root)
        return schema, json.loads(run_python(root, "-c", PRINT))

    return version(OLD), version(NEW)


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_the_documents_differ_where_plan_says_so(versions: tuple[tuple[Schema, Any], tuple[Schema, Any]], back: bool) -> None:
    (old, before), (new, after) = reversed(versions) if back else versions
    one, other = dict(facts(old, before)), dict(facts(new, after))
    bodies = {key[:2] for key in one} & {key[:2] for key in other}  # one that comes or goes is a finding about its operation alone
    differing = {
        key for key in one.keys() | other.keys() if one.get(key) != other.get(key) and (not key[1].startswith("body") or key[:2] in bodies)
    }
    told = {key for finding in compare(surface(old), surface(new)) for key in keys(finding)}
    whole = {resource for resource, what, _ in told if what == "resource"}  # a resource that comes or goes is one finding
    # Limits of answers are no news to who reads them: a client must be able to read whatever is answered.
    limited = {key for key in differing if key[1] == "answer" and _unlimited(one.get(key)) == _unlimited(other.get(key))}
    assert {key for key in differing - told - limited if key[0] not in whole} == set()
    assert {key for key in told - differing if key[1] != "resource"} == set()
    assert whole <= {resource for resource, _, _ in differing}


# --- the documents ------------------------------------------------------------------------------------------------------------------


def facts(schema: Schema, document: Any) -> Iterator[tuple[Key, Any]]:
    """What a document says, by what it says it about."""
    schemas = document["components"]["schemas"]
    segments = {resource.segment: resource.name for resource in schema.resources}
    for path, item in document["paths"].items():
        short = re.sub(r"\{\w+\}", "{id}", path.removeprefix("/api/{user_id}"))
        first = short.split("/")[1]
        owner = _owner(short)
        for method, operation in item.items():
            yield (owner, "operation", f"{method.upper()} {short}"), operation["operationId"]
        if short == f"/{first}" and "get" in item:
            yield from _list(segments[first], item["get"]["parameters"])
        if short == f"/{first}/{{id}}" and "patch" in item:
            yield (segments[first], "if-match", ""), "428" in item["patch"]["responses"]  # the header itself is described as optional
    for resource in schema.resources:
        for body in ("Create", "Replace", "Update"):
            model = schemas.get(f"{resource.name}{body}", {})
            for name, value in model.get("properties", {}).items():
                yield (resource.name, f"body {body}", name), (_bare(value, schemas), name in model.get("required", ()))
        for name, value in schemas[f"{resource.name}Read"]["properties"].items():
            yield (resource.name, "answer", name), _bare(value, schemas)
            if value.get("deprecated"):
                yield (resource.name, "deprecated", name), True


def _list(resource: str, parameters: Any) -> Iterator[tuple[Key, Any]]:
    for parameter in parameters:
        name, value = parameter["name"], parameter["schema"]
        if parameter["in"] != "query" or name in {"fields", "count", "cursor", "offset", "q"}:  # `fields` names the fields of answers
            continue
        if name in {"sort", "expand"}:
            for word in set(re.findall(r'"-?([a-z_]+)"', json.dumps(value.get("items", value).get("enum", [])))):
                yield (resource, name, word), True
        elif name == "limit":
            yield (resource, "page", ""), (value.get("default"), value.get("maximum"))
        else:
            yield (resource, f"filter {name}", ""), _bare(value, {})  # an enum's values are those of the field


def _bare(value: Any, schemas: Mapping[str, Any]) -> str:
    """A schema without what only explains it, and with the values of its enum."""
    for name, enum in schemas.items():
        if f'#/components/schemas/{name}"' in json.dumps(value):
            value = {**value, "enum": enum.get("enum")}
    return json.dumps({key: part for key, part in value.items() if key not in {"title", "description", "examples", "deprecated"}})


def _unlimited(bare: str | None) -> str | None:
    """A bare schema without its limits."""
    limits = "minimum|maximum|exclusiveMinimum|exclusiveMaximum|minLength|maxLength|minItems|maxItems|multipleOf|pattern"
    return bare and re.sub(rf', "({limits})": ("(?:[^"\\]|\\.)*"|[^,}}]+)', "", bare)


# --- the findings -------------------------------------------------------------------------------------------------------------------

UNSAID = ("unique-", "check-", "on-delete-")
"""Rules about rows: OpenAPI has no words for them."""


def keys(finding: Finding) -> Iterator[Key]:
    """What a finding is about."""
    rule, (resource, _, field) = finding.rule.id, finding.subject.partition(".")
    if rule.startswith(UNSAID):
        return
    if rule in {"resource-added", "resource-removed"}:
        yield resource, "resource", ""
    elif rule.startswith("operation-"):
        found = re.search(r"\((\w+) (\S+)\)", finding.subject)
        assert found is not None
        yield _owner(found[2]), "operation", f"{found[1]} {found[2]}"
    elif rule.startswith("filter-"):
        yield from ((resource, f"filter {name}", "") for name in finding.detail.partition(":")[0].split(", "))
    elif rule.startswith(("sort-", "expand-")):
        yield resource, rule.partition("-")[0], finding.detail
    elif rule.startswith("page-"):
        yield resource, "page", ""
    elif rule.startswith("if-match-"):
        yield resource, "if-match", ""
    elif rule.startswith("deprecat"):
        yield resource, "deprecated", field
    elif rule.startswith("answer-"):
        yield resource, "answer", field
    else:
        methods = finding.detail.rpartition("in ")[2].split(", ")
        bodies = {"POST": "Create", "PUT": "Replace", "PATCH": "Update"}
        yield from ((resource, f"body {bodies[method]}", field) for method in methods)


def _owner(path: str) -> str:
    return {"tasks": "Task", "projects": "Project", "notes": "Note", "memos": "Memo"}[
        path.strip("/").split("/")[-1 if path.count("/") == 3 else 0]
    ]
