"""The JSON Schema that editors use."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from generator.load import Mapping, Node, Scalar, load_file
from generator.pipeline import load_schema
from generator.schema_json import spec_schema
from generator.spec import CheckSpec, DeprecatedSpec, EnumValueSpec, FieldSpec, PageSpec, ResourceSpec, UniqueSpec
from generator.types import TYPE_NAMES

ROOT = Path(__file__).parents[2]
SCHEMA = spec_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
GOOD = sorted([*ROOT.glob("resources/*.yaml"), *ROOT.glob("tests/cases/*/resources/*.yaml")])
BASE = "resource: Task\nfields:\n  title: string\n"


def as_data(node: Node) -> Any:
    """A spec as an editor's YAML 1.2 parser hands it to the schema."""
    if isinstance(node, Mapping):
        return {key.text: as_data(value) for key, value in node.entries}
    if not isinstance(node, Scalar):
        return [as_data(item) for item in node.items]
    match node.kind:
        case "null":
            return None
        case "bool":
            return node.boolean()
        case "int":
            return int(node.text)
        case "float":
            return float(Decimal(node.text))
        case "str":
            return node.text


def problems(text: str | bytes) -> list[str]:
    loaded = load_file("t.yaml", text.encode() if isinstance(text, str) else text)
    assert loaded.root is not None
    return [error.message for error in VALIDATOR.iter_errors(as_data(loaded.root))]


def field(text: str) -> list[str]:
    return problems(f"resource: Task\nfields:\n  a: {text}\n")


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_it_accepts_every_good_spec(path: Path) -> None:
    assert problems(path.read_bytes()) == []


def test_there_are_good_specs() -> None:
    assert len(GOOD) >= 5


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_it_accepts_every_type_short_and_long(name: str) -> None:
    needed = {"enum": ", values: [a]", "decimal": ", precision: 5, scale: 2", "list": ", of: string", "ref": ", to: Task"}
    assert field(f"{{type: {name}{needed.get(name, '')}}}") == []
    if name not in needed:
        assert field(name) == []
        assert field(f"{name}?") == []
    else:
        assert field(name)
        assert field(f"{{type: {name}}}")


def test_a_short_reference() -> None:
    assert field("ref(Task)") == []
    assert field("ref(Task)?") == []
    assert field("ref()")
    assert field("string(80)")


@pytest.mark.parametrize(
    "text",
    [
        "{type: strin}",
        "{type: string, max_lenght: 5}",
        "{type: string, max_length: 5.5}",
        '{type: string, max_length: "5"}',
        "{type: string, nullable: yes}",
        "{type: integer, max_length: 5}",
        "{type: list, of: integer, max_length: 5}",
        "{type: json, filter: true}",
        "{type: string, on_delete: cascade}",
        "{type: enum, values: []}",
        "{type: enum, values: [1]}",
        "{type: enum, values: [{name: a}]}",
        "{max_length: 5}",
        "[string]",
        "null",
    ],
)
def test_it_marks_bad_fields(text: str) -> None:
    assert field(text)


@pytest.mark.parametrize("text", ["{type: list, of: string, max_length: 5}", "{type: list, of: enum, values: [a, {value: b, name: c}]}"])
def test_a_list_takes_what_its_items_take(text: str) -> None:
    assert field(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "fields: {title: string}\n",
        "resource: Task\n",
        "resource: task\nfields: {title: string}\n",
        "resource: Task\nfields: {}\n",
        "resource: Task\nfields: {Title: string}\n",
        "resource: Task\nfields: {a__b: string}\n",
        f"{BASE}operations: [list, destroy]\n",
        f"{BASE}operations: []\n",
        f"{BASE}hooks: [before_save]\n",
        f"{BASE}page: {{default: 0}}\n",
        f"{BASE}page: {{max: 1001}}\n",
        f"{BASE}unique: [title]\n",
        f"{BASE}unique: [{{fields: [title], nulls: same}}]\n",
        f"{BASE}checks: [{{name: a, rule: b}}]\n",
        f"{BASE}link: [a]\n",
        f"{BASE}tabel: a\n",
    ],
)
def test_it_marks_bad_resources(text: str) -> None:
    assert problems(text)


def test_every_key_of_the_models_is_there_with_a_text_for_hovering() -> None:
    definitions = SCHEMA["$defs"]
    objects = {
        ResourceSpec: SCHEMA,
        FieldSpec: definitions["field_mapping"],
        CheckSpec: definitions["check"],
        UniqueSpec: definitions["unique"],
        EnumValueSpec: definitions["enum_value"],
        PageSpec: definitions["page"],
        DeprecatedSpec: definitions["deprecated"]["anyOf"][-1],
    }
    for model, schema in objects.items():
        assert list(schema["properties"]) == list(model.model_fields)
        assert schema["additionalProperties"] is False
        for key, value in schema["properties"].items():
            assert value["description"].endswith((".", "`", '".', "20.")), key


def test_what_the_schema_marks_the_compiler_refuses(tmp_path: Path) -> None:
    (tmp_path / "resources").mkdir()
    spec = tmp_path / "resources/task.yaml"
    for text in ("{type: integer, max_length: 5}", "{type: json, filter: true}", "{type: string, nullable: yes}", "{type: list}"):
        spec.write_text(f"resource: Task\nfields:\n  a: {text}\n")
        assert field(text)
        assert load_schema(tmp_path)[0] is None
