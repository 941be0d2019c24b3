"""Hostile text in the free-text places of a spec is text in everything that is made from it: Python, SQL, OpenAPI, answers."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tokenize
from collections.abc import Generator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from generator.embedded import APP_ROLE, EmbeddedPostgres
from generator.pipeline import compile_specs
from generator.render import RenderedFile, render
from tests.support.database import new_database, temporary_folder
from tests.support.project import copy_project, rowsmith
from tests.support.serving import Api, serving

HOSTILE = {
    "single quotes": "it's '' ''' here",
    "double quotes": 'say "this" "" """ here',
    "both, closing": "x\"\"\"\nimport os; os.abort()\n'''",
    "ends in a quote": 'ends in "',
    "ends in a backslash": "ends in \\",
    "backslashes": "a\\b \\n \\x41 \\u0041 \\N{BULLET} \\' \\\" \\\\",
    "newlines": "first\nsecond\r\nthird\n\n  indented",
    "a colon, like a parameter": "now :name and ::text \\:x (?:y) :1",
    "percent signs": "100% %(name)s %s %% %d",
    "a template": "{{ 7 * 7 }} {% raw %} {# note #} {{ config }}",
    "braces": "{name} {0} {{}} {x!r}",
    "an f-string": "{__import__('os').abort()}",
    "a comment": "*/ /* -- # noqa # type: ignore <!-- -->",
    "SQL": "'; DROP TABLE things; --",
    "SQL in a dollar quote": "$$ $1 $tag$ x $tag$",
    "markup": "<script>alert(1)</script> &amp; ]]>",
    "Markdown": "# title\n```\n[x](javascript:alert(1)) | a | b |",
    "not ASCII": "\u00e9 \U0001f642 \u4e2d\u6587",
    "a tab": "a\tb",
    "spaces around": "  around  ",
    "long": "word " * 1_500,
    "long without a break": "x" * 8_000,
    "long quotes": "\"'" * 2_000,
}
PLACES = ("description", "example", "default", "enum value", "message", "rule", "enum description", "deprecated", "pattern", "json", "list")
PLAIN = "plain words"


def spec(place: str, text: str) -> dict[str, Any]:
    """A resource with the text in one place; every other place has a plain one."""

    def at(name: str) -> str:
        return text if place == name else PLAIN

    quoted = at("rule").replace("'", "''")
    return {
        "resource": "Thing",
        "description": at("description"),
        "fields": {
            "note": {
                "type": "text",
                "description": at("description"),
                "example": at("example"),
                "default": at("default"),
                "deprecated": at("deprecated"),
            },
            "colour": {
                "type": "enum",
                "values": [{"value": at("enum value"), "name": "FIRST", "description": at("enum description")}, "other"],
                "default": at("enum value"),
            },
            "colours": {"type": "list", "of": "enum", "values": [{"value": at("enum value"), "name": "FIRST"}], "default": []},
            "title": {"type": "string", "max_length": 10_000, "pattern": f"^[^{_escaped(at('pattern'))}]*$", "default": "\u00a1"},
            "data": {"type": "json", "default": {at("json")[:128]: [at("json")]}, "example": {"a": at("json")}},
            "labels": {"type": "list", "of": "string", "max_length": 10_000, "default": [at("list")]},
        },
        "checks": [{"name": "calm", "rule": f"note <> '{quoted}!'", "message": at("message")}],
    }


def _escaped(text: str) -> str:
    """Some characters of a text as members of a set."""
    return "".join(f"\\{character}" if character in "\\[]^-&~" else character for character in dict.fromkeys(text[:200]))


def rendered(place: str, text: str) -> tuple[RenderedFile, ...]:
    schema, found = compile_specs({"resources/thing.yaml": json.dumps(spec(place, text), ensure_ascii=False).encode()})
    assert schema is not None, found
    return render(schema)


def shape(source: str) -> str:
    """The syntax tree without the values of its texts."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def texts(source: str) -> set[str]:
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def comments(source: str) -> list[str]:
    return [token.string for token in tokenize.generate_tokens(StringIO(source).readline) if token.type == tokenize.COMMENT]


PLAIN_FILES = {file.path: file.text for file in rendered("description", PLAIN)}


def places_for(text: str) -> list[str]:
    """Where a text may stand; a rule is at most 2,000 characters."""
    return [place for place in PLACES if not (place == "rule" and len(text) > 900)]


@pytest.mark.parametrize(
    ("text", "place"), [pytest.param(text, place, id=f"{name}, {place}") for name, text in HOSTILE.items() for place in places_for(text)]
)
def test_the_generated_code_differs_in_texts_alone(text: str, place: str) -> None:
    files = rendered(place, text)
    for file in files:
        assert shape(file.text) == shape(PLAIN_FILES[file.path]), file.path
        assert comments(file.text) == comments(PLAIN_FILES[file.path]), file.path
    model = next(file.text for file in files if file.path == "app/models/thing.py")
    if place in {"default", "enum value", "message", "list", "json", "example"}:
        assert text in texts(model)


def test_no_place_is_forgotten() -> None:
    """Each place shows in what is generated, so that the test above looks at it. (The reason of a deprecation is shown nowhere.)"""
    for place in PLACES:
        assert place == "deprecated" or rendered(place, "other words") != rendered("description", PLAIN), place


# --- Served -------------------------------------------------------------------------------------------------------------------------

SERVED = [text for name, text in HOSTILE.items() if name not in {"long", "long without a break", "long quotes"}]


def served_spec() -> dict[str, Any]:
    """All texts at once."""
    fields: dict[str, Any] = {
        "colour": {
            "type": "enum",
            "values": [{"value": text, "name": f"M{number}"} for number, text in enumerate(SERVED)],
            "filter": True,
            "sort": True,
        },
        "colours": {
            "type": "list",
            "of": "enum",
            "values": [{"value": text, "name": f"M{number}"} for number, text in enumerate(SERVED)],
            "default": SERVED,
        },
        "data": {"type": "json", "default": {text: text for text in SERVED}},
        "number": {"type": "integer", "default": 0},
    }
    for number, text in enumerate(SERVED):
        fields[f"note_{number}"] = {"type": "text", "default": text, "description": text, "example": text}
    rules = [f"number <> {number + 1} or note_{number} = '{text.replace(chr(39), chr(39) * 2)}!'" for number, text in enumerate(SERVED)]
    checks = [{"name": f"rule_{number}", "rule": rule, "message": SERVED[number]} for number, rule in enumerate(rules)]
    return {"resource": "Thing", "description": SERVED[2], "fields": fields, "checks": checks}


@pytest.fixture(scope="module")
def hostile_api(postgres: EmbeddedPostgres) -> Generator[Api]:
    with temporary_folder() as folder:
        project = copy_project(folder / "project")
        for path in (*project.glob("resources/*"), *project.glob("app/extensions/[!_]*.py")):
            path.unlink()
        (project / "resources" / "thing.yaml").write_text(json.dumps(served_spec(), ensure_ascii=False), encoding="utf-8")
        ran = rowsmith(project, "generate")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        with new_database(postgres, tables=False) as database:
            created = _create_tables(project, database.owner_dsn)
            assert created == "", created
            with serving(database, PYTHONPATH=str(project)) as api:
                yield api


def _create_tables(project: Path, owner_dsn: str) -> str:
    script = "import asyncio, sys; from app.db.schema import create_schema; asyncio.run(create_schema(sys.argv[1], sys.argv[2]))"
    ran = subprocess.run([sys.executable, "-c", script, owner_dsn, APP_ROLE], cwd=project, capture_output=True, text=True, check=False)
    return ran.stderr


def test_defaults_enum_values_and_json_are_stored_and_answered_byte_by_byte(hostile_api: Api) -> None:
    created = hostile_api.call("ann", "POST", "/api/ann/things", json={"colour": SERVED[0]})
    assert created.status_code == 201, created.text
    row = created.json()
    assert [row[f"note_{number}"] for number in range(len(SERVED))] == SERVED
    assert row["colours"] == SERVED
    assert row["data"] == {text: text for text in SERVED}


@pytest.mark.parametrize("number", range(len(SERVED)))
def test_each_enum_value_works_in_body_filter_and_sort(hostile_api: Api, number: int) -> None:
    user = f"enum-{number}"
    created = hostile_api.call(user, "POST", f"/api/{user}/things", json={"colour": SERVED[number]})
    assert created.status_code == 201, created.text
    listed = hostile_api.call(user, "GET", f"/api/{user}/things", params={"colour": SERVED[number], "sort": "colour"})
    assert [row["colour"] for row in listed.json()["items"]] == [SERVED[number]]


@pytest.mark.parametrize("number", range(len(SERVED)))
def test_each_rule_holds_in_the_application_and_in_the_database(hostile_api: Api, number: int) -> None:
    body = {"colour": SERVED[0], "number": number + 1}
    refused = hostile_api.call("bob", "POST", "/api/bob/things", json=body)
    assert refused.status_code == 422
    assert SERVED[number] in {error["msg"] for error in refused.json()["detail"]}
    passed = hostile_api.call("bob", "POST", "/api/bob/things", json=body | {f"note_{number}": SERVED[number] + "!"})
    assert passed.status_code == 201, passed.text
    row = passed.json()["id"]
    # PATCH sends one field only, so that the CHECK decides.
    patched = hostile_api.call("bob", "PATCH", f"/api/bob/things/{row}", json={f"note_{number}": "other"})
    assert patched.status_code == 422, patched.text
    assert SERVED[number] in {error["msg"] for error in patched.json()["detail"]}


def test_the_documentation_has_the_texts_as_texts(hostile_api: Api) -> None:
    properties = hostile_api.client.get("/openapi.json").json()["components"]["schemas"]["ThingCreate"]["properties"]
    for number, text in enumerate(SERVED):
        described = properties[f"note_{number}"]
        assert described["default"] == text
        assert described["examples"] == [text]
        assert described["description"] == " ".join(text.split())
