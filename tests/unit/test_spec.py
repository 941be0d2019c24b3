import pytest

from generator.ir import Reference, ScalarType, Span
from generator.load import load_file
from generator.nodes import Mapping, Scalar
from generator.spec import FieldSpec, expand_shorthand, read_resource
from tests.support.specs import field_of, findings


def scalar(text: str, quoted: bool = False) -> Scalar:
    return Scalar(text, "str", quoted, "resources/task.yaml", 3, 10, len(text) + 2 * quoted)


def test_a_file_keeps_the_place_of_everything() -> None:
    text = "resource: Task\nfields:\n  title: {type: string, max_length: 80}\nunique:\n  - [title]\n"
    root = load_file("resources/task.yaml", text.encode()).root
    assert root is not None
    file, diagnostics = read_resource("resources/task.yaml", root)
    assert diagnostics == ()
    assert file is not None
    assert file.head.value_span("resource") == Span("resources/task.yaml", 1, 11, 4)
    field = file.fields[0]
    assert field.span == Span("resources/task.yaml", 3, 3, 5)
    assert field.spec is not None
    assert field.spec.max_length == 80
    assert field.spec.key_span("max_length") == Span("resources/task.yaml", 3, 25, 10)
    assert field.spec.value_span("max_length") == Span("resources/task.yaml", 3, 37, 2)
    assert file.unique[0].names == (("title", Span("resources/task.yaml", 5, 6, 5)),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text", {"type": "text"}),
        ("text?", {"type": "text", "nullable": "true"}),
        ("ref(Project)", {"type": "ref", "to": "Project"}),
        ("ref( Project ) ?", {"type": "ref", "to": "Project", "nullable": "true"}),
        ("string(80)", {"type": "string(80)"}),
        ("ref(Project", {"type": "ref(Project"}),
        ("text??", {"type": "text??"}),
        ("", {"type": ""}),
    ],
)
def test_short_forms(text: str, expected: dict[str, str]) -> None:
    node = expand_shorthand(scalar(text))
    assert isinstance(node, Mapping)
    assert {key.text: value.text for key, value in node.entries if isinstance(value, Scalar)} == expected


def test_the_parts_of_a_short_form_have_places_of_their_own() -> None:
    node = expand_shorthand(scalar("ref(Project)?", quoted=True))
    assert isinstance(node, Mapping)
    assert node.get("to") == Scalar("Project", "str", False, "resources/task.yaml", 3, 15, 7)


def test_a_short_form_means_the_long_one() -> None:
    assert field_of("project: ref(Project)?").type == field_of("project: {type: ref, to: Project, nullable: true}").type
    assert field_of("notes: text?").nullable
    assert not field_of("notes: text").nullable
    assert isinstance(field_of("parent: ref(Task)?").type, Reference)


def test_yaml_1_2_scalars_are_what_they_are_elsewhere() -> None:
    assert findings("a: {type: string, nullable: yes}") == [("RS303", "yes")]
    assert findings("a: {type: string, nullable: on}") == [("RS303", "on")]
    assert findings("a: {type: string, nullable: 'true'}") == [("RS303", "'true'")]
    assert findings("a: {type: string, max_length: 0o17}") == [("RS303", "0o17")]
    assert findings("a: {type: string, max_length: 0777}") == [("RS303", "0777")]
    assert findings("a: {type: string, max_length: 1_000}") == [("RS303", "1_000")]
    assert findings("a: {type: string, max_length: 10.0}") == [("RS303", "10.0")]
    on = field_of("on: {type: enum, values: [on, off, no, '1'], default: no}")
    assert on.name == "on"


def test_several_mistakes_in_one_field_are_all_reported() -> None:
    found = findings("a: {type: string, max_length: x, min_length: -1, nulable: true, default: 5, write: onec}")
    assert found == [("RS303", "x"), ("RS309", "-1"), ("RS204", "nulable"), ("RS306", "5"), ("RS305", "onec")]


def test_a_key_with_a_mistake_makes_no_second_one() -> None:
    assert findings("a: {type: decimal, precision: x, scale: 2, default: 123456789.5}") == [("RS303", "x")]
    assert findings("a: {type: enum, values: low, default: low}") == [("RS303", "low")]
    assert findings("a: {type: enum, values: [1, 2], default: 1}") == [("RS310", "1"), ("RS310", "2")]
    assert findings("a: {type: string, pattern: '(', default: x}") == [("RS330", "(")]
    assert findings("a: {typ: string}", rest="unique:\n  - [a]\n") == [("RS204", "typ")]
    assert findings("a: sting", rest="checks:\n  - {name: c, rule: a = 'x', message: m}\n") == [("RS301", "sting")]


def test_keys_that_other_systems_have_are_explained() -> None:
    [(code, source)] = findings("a: {type: string, max: 5}")
    assert (code, source) == ("RS204", "max")


def test_every_key_of_the_contract_is_known() -> None:
    keys = """
        type nullable default description example deprecated renamed_from min_length max_length pattern ge gt le lt multiple_of precision
        scale values of min_items max_items to on_delete inverse expand unique index filter sort search read write computed stored
    """
    assert set(FieldSpec.model_fields) == set(keys.split())


@pytest.mark.parametrize("root", ["resource: Task\nfields: []\n", "resource: Task\nfields: title\n", "resource: Task\nfields:\n"])
def test_fields_of_another_kind(root: str) -> None:
    nodes = load_file("resources/task.yaml", root.encode()).root
    assert nodes is not None
    file, diagnostics = read_resource("resources/task.yaml", nodes)
    assert file is not None
    assert [diagnostic.code for diagnostic in diagnostics] == ["RS303"]


def test_numbers_are_read_from_their_source_text() -> None:
    type_ = field_of("a: {type: decimal, precision: 38, scale: 20, ge: 0.10000000000000000001}").type
    assert isinstance(type_, ScalarType)
    assert str(type_.bounds.ge) == "0.10000000000000000001"
