"""Two other opinions on `plan`, of the OpenAPI documents of two versions that have every rule between them.

One compares the documents without knowing any rule: every difference has a finding, and every finding a difference. The other one is a
tool that somebody else wrote, api-smart-diff (`make openapi-diff`): what breaks clients according to it breaks them according to `plan`,
and the other way round, but for what is explained here. What is told apart is (resource, what, name): a field of bodies, of answers, a
filter, a sort key and so on.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.compatibility.compare import Finding, compare
from generator.compatibility.rules import RULES, Severity
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

DIFF = Path(__file__).resolve().parents[1] / "support/openapi_diff"

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
        "other: {type: uuid, filter: true}",
        STATE,
        "project: {type: ref, to: Project, nullable: true, filter: true, expand: true}",
        rest="page: {default: 10, max: 50}\nconcurrency: optional\n",
    ),
    "project": PROJECT,
    "note": NOTE,
    "remark": NOTE.replace("Note", "Remark").replace("string", "{type: string, search: true}"),
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
        "other: {type: date, filter: true}",
        "added: {type: list, of: string, default: [], filter: true}",
        STATE.replace("new, done], default: new", "done, held], default: held"),
        "project: {type: ref, to: Project, nullable: true, inverse: tasks}",
        rest="page: {default: 20, max: 40}\nconcurrency: required\noperations: [list, get, create, update, batch]\n",
    ),
    "project": PROJECT.replace("name: string", "name: date"),
    "memo": NOTE.replace("Note", "Memo"),
    "comment": NOTE.replace("Note", "Comment") + "plural: remarks\n",
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


def test_the_documents_have_every_rule(versions: tuple[tuple[Schema, Any], tuple[Schema, Any]]) -> None:
    (old, _), (new, _) = versions
    found = {one.rule.id for before, after in ((old, new), (new, old)) for one in compare(surface(before), surface(after))}
    assert RULES.keys() - found == {rule for rule in RULES if rule.startswith(UNSAID)} - found


@pytest.mark.skipif(not (DIFF / "node_modules").is_dir(), reason="api-smart-diff is not installed (make openapi-diff)")
@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_api_smart_diff_finds_the_same_to_be_breaking(versions: tuple[tuple[Schema, Any], tuple[Schema, Any]], back: bool) -> None:
    (old, before), (new, after) = reversed(versions) if back else versions
    findings = compare(surface(old), surface(new))
    whole = {key[0] for finding in findings for key in keys(finding) if key[1] == "resource"}  # which it tells by its operations
    breaking = {key for finding in findings if finding.rule.severity is Severity.BREAKING for key in keys(finding)}
    theirs = set(broken(before, after))
    assert len(theirs) > 30
    assert {key for key in theirs - breaking if key[0] not in whole} <= {
        # A warning of ours: `next_cursor` leads to the same rows, however many come at once.
        ("Task", "page", ""),
        # A warning of ours: answers have a value that is new, which breaks those clients alone that know no way but the old ones.
        ("Task", "answer", "state"),
        # Safe: 428 was answered to requests without If-Match, which are taken now.
        ("Task", "if-match", ""),
    }
    renamed = {key for finding in findings if finding.rule.id == "operation-renamed" for key in keys(finding)}
    unseen = {key for key in breaking - theirs if key[1] != "resource"}
    unseen -= renamed  # to it an operationId explains and no more; generated clients are called by it
    # A key that bodies have no more: it says that more is taken, and does not see that `additionalProperties` is false.
    assert {key for key in unseen if not key[1].startswith("body") or key in _properties(after)} <= {
        # The wider integer is a loosened limit of an answer to it (see `_broken`); in many languages it is another type.
        ("Task", "answer", "wide"),
        # A text of another format is a text all the same to it; generated clients read a date where there was a UUID or a name.
        ("Task", "answer", "other"),
        ("Project", "answer", "name"),
    }


# --- the documents ------------------------------------------------------------------------------------------------------------------


def facts(schema: Schema, document: Any) -> Iterator[tuple[Key, Any]]:
    """What a document says, by what it says it about."""
    schemas = document["components"]["schemas"]
    segments = {resource.segment: _named(resource.name) for resource in schema.resources}
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
                yield (_named(resource.name), f"body {body}", name), (_bare(value, schemas), name in model.get("required", ()))
        for name, value in schemas[f"{resource.name}Read"]["properties"].items():
            yield (_named(resource.name), "answer", name), _bare(value, schemas)
            if value.get("deprecated"):
                yield (_named(resource.name), "deprecated", name), True


def _list(resource: str, parameters: Any) -> Iterator[tuple[Key, Any]]:
    for parameter in parameters:
        name, value = parameter["name"], parameter["schema"]
        if parameter["in"] != "query" or name in {"fields", "count", "cursor", "offset"}:  # `fields` names the fields of answers
            continue
        if name == "q":
            yield (resource, "search", ""), True
        elif name in {"sort", "expand"}:
            yield from (((resource, name, word), True) for word in _words(value))
        elif name == "limit":
            yield (resource, "page", ""), (value.get("default"), value.get("maximum"))
        else:
            yield (resource, f"filter {name}", ""), _bare(value, {})  # an enum's values are those of the field


def _words(value: Any) -> set[str]:
    """What a sort or an expansion can name."""
    return {word.removeprefix("-") for word in value.get("items", value).get("enum", [])}


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


# --- the other tool ------------------------------------------------------------------------------------------------------------------

LIMITS = {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"}


def broken(before: Any, after: Any) -> Iterator[Key]:
    """What api-smart-diff calls breaking."""
    pair = json.dumps([before, after])
    node = subprocess.run(
        [shutil.which("node") or "node", "compare.js"],
        cwd=DIFF,
        input=pair,
        capture_output=True,
        text=True,
        check=True,
    )
    for path in json.loads(node.stdout):
        if path[0] == "paths":  # and the shared components again, which are seen where they are used
            yield from _broken(before, after, *path[1:])


def _broken(before: Any, after: Any, path: str, method: str, *rest: Any) -> Iterator[Key]:
    short = re.sub(r"\{\w+\}", "{id}", path.removeprefix("/api/{user_id}"))
    owner = _owner(short)
    match rest:
        case ():
            yield owner, "operation", f"{method.upper()} {short}"
        case ("parameters", number, *tail):
            yield from _parameter(owner, before["paths"][path][method]["parameters"][number], tail)
        case ("requestBody", "content", media, "schema", "required", number):
            schema = _resolved(after, after["paths"][path][method]["requestBody"]["content"][media]["schema"])
            yield owner, _body(method), schema["required"][number]
        case ("requestBody", "content", _, "schema", "properties", name, *_):
            yield owner, _body(method), name
        case ("responses", "428"):
            yield owner, "if-match", ""
        case ("responses", _, "content", _, "schema", *tail) if method != "get":
            # The answers of GET are the same, within an `allOf` where they can be expanded; it does not look into one that only one of
            # both has, and calls every field removed.
            match tail:
                # Limits of answers that are loosened: a client must be able to read whatever is answered.
                case ("properties", name, *deeper) if not LIMITS & set(deeper):
                    yield owner, "answer", name
                case _:
                    pass  # a limit, or what is required no more, which comes with the key that goes
        case _:
            pass


def _parameter(owner: str, parameter: Any, tail: list[Any]) -> Iterator[Key]:
    """What a parameter that broke is about."""
    name = parameter["name"]
    if name == "if-match":
        yield owner, "if-match", ""
    elif name in {"sort", "expand"}:
        words = _words(parameter["schema"])
        if "enum" in tail:
            words = {parameter["schema"]["items"]["enum"][tail[-1]].removeprefix("-")}
        yield from ((owner, name, word) for word in words)
    elif name == "limit":
        yield owner, "page", ""
    elif name == "q":
        yield owner, "search", ""
    # Not those that name fields of answers, or fields that filter, as aggregates do: those are told already. Nor the values of an enum,
    # which are those of its field.
    elif name not in {"fields", "group_by", "sum", "avg", "min", "max"} and "enum" not in tail:
        yield owner, f"filter {name}", ""


def _body(method: str) -> str:
    return {"post": "body Create", "put": "body Replace", "patch": "body Update"}[method]


def _resolved(document: Any, schema: Any) -> Any:
    """A schema, or the shared one that it refers to."""
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _properties(document: Any) -> set[Key]:
    """The keys of all bodies."""
    found = (re.fullmatch(r"(\w+)(Create|Replace|Update)", name) for name in document["components"]["schemas"])
    return {
        (_named(one[1]), f"body {one[2]}", key)
        for one in found
        if one is not None
        for key in document["components"]["schemas"][one[0]].get("properties", {})
    }


# --- the findings -------------------------------------------------------------------------------------------------------------------

UNSAID = ("unique-", "check-", "on-delete-", "search-changed", "order-changed", "upsert-key-", "computed-")
"""Rules about rows: OpenAPI has no words for them."""


def keys(finding: Finding) -> Iterator[Key]:
    """What a finding is about."""
    rule, (resource, _, field) = finding.rule.id, finding.subject.partition(".")
    resource = _named(resource.partition(" ")[0])
    if rule.startswith(UNSAID):
        return
    if rule in {"resource-added", "resource-removed"}:
        yield resource, "resource", ""
    elif rule.startswith("operation-"):
        found = re.search(r"\((\w+) (\S+)\)", finding.subject)
        assert found is not None
        yield _owner(found[2]), "operation", f"{found[1]} {found[2]}"
    elif rule.startswith("search-"):
        yield resource, "search", ""
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


def _named(resource: str) -> str:
    """A resource by its old name: renamed under the same path, it is the same one to clients."""
    return {"Comment": "Remark"}.get(resource, resource)


def _owner(path: str) -> str:
    return {"tasks": "Task", "projects": "Project", "notes": "Note", "memos": "Memo", "remarks": "Remark"}[
        path.strip("/").split("/")[-1 if path.count("/") == 3 else 0]
    ]
