import json
import re

import pytest

from generator.diagnostics import Severity
from generator.ir import Kind
from generator.types import SCALARS
from tests.support.specs import PROJECT, compiled, findings, pointed_at, spec

# --- names --------------------------------------------------------------------------------------------------------------------------

ALLOWED_NAMES = [
    "type",
    "match",
    "case",
    "order",
    "select",
    "user",
    "index",
    "desc",
    "end",
    "date",
    "time",
    "default",
    "limit_",
    "table",
    "from_",
    "primary",
    "references",
    "group",
    "where",
    "json_",
    "string",
    "email",
    "uuid",
    "datetime",
    "decimal",
    "re",
    "os",
    "sys",
    "asyncio",
    "typing",
    "name",
    "value",
    "key",
    "self",
    "cls",
    "args",
    "request",
    "response",
    "session",
    "on",
    "off",
    "no",
    "yes",
    "class_",
    "a",
    "a1",
    "project_id",
]


@pytest.mark.parametrize("name", ALLOWED_NAMES)
def test_words_of_sql_soft_keywords_and_modules_are_fine(name: str) -> None:
    assert findings(f"{name}: string") == []


@pytest.mark.parametrize(
    "declaration", ["date: date?", "uuid: uuid?", "json_: json?", "time: {type: time, nullable: true}", "decimal: float?"]
)
def test_a_field_may_be_named_like_a_type(declaration: str) -> None:
    assert findings(declaration) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Title", "RS202"),
        ("dueAt", "RS202"),
        ("due__at", "RS202"),
        ("_hidden", "RS202"),
        ("1st", "RS202"),
        ("due-at", "RS202"),
        ("t\u0456tle", "RS202"),
        ("\uff54itle", "RS202"),
        ("a" * 49, "RS202"),
        ("class", "RS207"),
        ("async", "RS207"),
        ("id", "RS206"),
        ("user_id", "RS206"),
        ("created_at", "RS206"),
        ("updated_at", "RS206"),
        ("version", "RS206"),
        ("metadata", "RS206"),
        ("registry", "RS206"),
        ("model_dump", "RS206"),
        ("copy", "RS206"),
        ("json", "RS206"),
        ("schema", "RS206"),
        ("dict", "RS206"),
        ("limit", "RS206"),
        ("q", "RS206"),
        ("sort", "RS206"),
        ("cursor", "RS206"),
        ("fields", "RS206"),
        ("expand", "RS206"),
        ("offset", "RS206"),
        ("count", "RS206"),
        ("group_by", "RS206"),
        ("xmin", "RS206"),
        ("ctid", "RS206"),
    ],
)
def test_names_that_no_field_can_have(name: str, code: str) -> None:
    assert findings(f"{name}: string") == [(code, name)]


def test_the_longest_name_is_fine() -> None:
    assert findings(f"{'a' * 48}: uuid") == []
    name = "A" + "b" * 47
    schema, found = compiled(**{name.lower(): spec("title: string", name=name)})
    assert schema is not None
    assert all(diagnostic.severity is Severity.WARNING for diagnostic in found)


def test_deleted_at_is_free_without_soft_delete() -> None:
    assert findings("deleted_at: datetime?") == []
    assert findings("deleted_at: datetime?", rest="soft_delete: true\n") == [("RS206", "deleted_at")]


def test_a_reference_cannot_be_named_user_but_a_field_can() -> None:
    assert findings("user: ref(Project)") == [("RS206", "user")]
    assert findings("user: string") == []


@pytest.mark.parametrize(
    ("first", "second"), [("project: ref(Project)", "project_id: uuid"), ("project_id: uuid", "project: ref(Project)")]
)
def test_the_column_of_a_reference_is_reported_at_its_second_place(first: str, second: str) -> None:
    assert findings(first, second) == [("RS210", second.partition(":")[0])]


@pytest.mark.parametrize(
    ("files", "code", "source"),
    [
        ({"task": spec("a: string", name="task")}, "RS201", "task"),
        ({"task": spec("a: string", name="T_ask")}, "RS201", "T_ask"),
        ({"task": spec("a: string", name="T\u0430sk")}, "RS201", "T\u0430sk"),
        ({"none": spec("a: string", name="None")}, "RS207", "None"),
        ({"task": spec("a: string", name="A" + "b" * 48)}, "RS201", "A" + "b" * 48),
        ({"items": spec("a: string", name="LineItem")}, "RS208", "LineItem"),
        ({"lineitem": spec("a: string", name="LineItem")}, "RS208", "LineItem"),
        ({"task": spec("a: string", rest="plural: Tasks\n")}, "RS211", "Tasks"),
        ({"task": spec("a: string", rest="plural: tasks_\n")}, "RS211", "tasks_"),
        ({"task": spec("a: string", rest="plural: a__b\n")}, "RS211", "a__b"),
        ({"task": spec("a: string", rest="plural: import\n")}, "RS211", "import"),
        ({"task": spec("a: string", rest="plural: pg_class\n")}, "RS211", "pg_class"),
        ({"pg_stat": spec("a: string", name="PgStat")}, "RS211", "PgStat"),
        ({"a": spec("a: string", name="A")}, "RS211", "A"),  # its plural is `as`
    ],
)
def test_names_that_no_resource_can_have(files: dict[str, str], code: str, source: str) -> None:
    assert [(found.code, pointed_at(found, files)) for found in compiled(**files)[1]] == [(code, source)]


@pytest.mark.parametrize(
    "files",
    [
        {"people": spec("a: string", name="People"), "person": spec("a: string", name="Person")},
        {"task": spec("a: string"), "work": spec("a: string", name="Work", rest="plural: tasks\n")},
        {"task": spec("a: string"), "task_create": spec("a: string", name="TaskCreate")},
        {"task": spec("a: string"), "task_read": spec("a: string", name="TaskRead")},
        {"task": spec("a: string"), "task_update": spec("a: string", name="TaskUpdate")},
        {"task": spec("a: string"), "task_replace": spec("a: string", name="TaskReplace")},
        {"task": spec("rank: {type: enum, values: [a]}"), "task_rank": spec("a: string", name="TaskRank")},
        {"task": spec("rank: {type: list, of: enum, values: [a]}"), "task_rank": spec("a: string", name="TaskRank")},
        {"task": spec("create: {type: enum, values: [a]}")},
        {"task": spec("type: {type: enum, values: [a]}", "type_: {type: enum, values: [a]}")},
        {"task": spec("a: string"), "other_task": spec("a: string")},
    ],
)
def test_two_owners_of_one_name(files: dict[str, str]) -> None:
    schema, found = compiled(**files)
    assert schema is None
    assert [diagnostic.code for diagnostic in found] == ["RS209"]
    assert found[0].related


def test_what_has_the_name_of_one_class_only_is_fine() -> None:
    assert compiled(task=spec("rank: {type: enum, values: [a]}"), rank=spec("a: string", name="Rank"))[1] == ()
    assert compiled(task_list=spec("a: string", name="TaskList"), task=spec("a: string"))[1] == ()


# --- references ---------------------------------------------------------------------------------------------------------------------


def test_an_unknown_target_is_explained_as_in_the_contract() -> None:
    _, found = compiled(task=spec("proejct: {type: ref, to: Projet}"), project="# a comment\n" + PROJECT)
    assert len(found) == 1
    assert found[0].message == "field `proejct` references an unknown resource `Projet`"
    assert found[0].label == "no spec defines `Projet`"
    assert found[0].hint == "did you mean `Project` (resources/project.yaml:2)?"


@pytest.mark.parametrize(
    "project",
    [
        "resource: [\n",  # not YAML
        "resource: project\nfields:\n  name: string\n",  # a wrong name
        "resource: Projects\nfields:\n  name: string\n",  # another name
        "fields:\n  name: string\n",  # no name
        "",
    ],
)
def test_a_reference_to_a_broken_spec_is_no_second_mistake(project: str) -> None:
    _, found = compiled(task=spec("project: ref(Project)"), project=project)
    assert [diagnostic.span.path for diagnostic in found if diagnostic.span] == ["resources/project.yaml"]


def test_references_to_the_own_resource() -> None:
    assert findings("parent: ref(Task)") == [("RS213", "Task")]
    for action in ("restrict", "cascade", "set_null"):
        assert findings(f"parent: {{type: ref, to: Task, nullable: true, on_delete: {action}}}") == []


def test_circles_of_references_that_may_not_be_null() -> None:
    circle = {"ant": spec("b: ref(Bee)", name="Ant"), "bee": spec("c: ref(Cat)", name="Bee"), "cat": spec("a: ref(Ant)", name="Cat")}
    _, found = compiled(**circle)
    assert [diagnostic.code for diagnostic in found] == ["RS214"]
    assert len(found[0].related) == 2
    assert compiled(**circle | {"cat": spec("a: ref(Ant)?", name="Cat")})[1] == ()
    two = circle | {"dog": spec("e: ref(Elk)", name="Dog"), "elk": spec("d: ref(Dog)", "a: ref(Ant)", name="Elk")}
    assert [diagnostic.code for diagnostic in compiled(**two)[1]] == ["RS214", "RS214"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["p: {type: ref, to: Project, on_delete: set_null}"], [("RS215", "set_null")]),
        (["p: {type: ref, to: Project, inverse: name}"], [("RS212", "name")]),
        (["p: {type: ref, to: Project, inverse: Tasks}"], [("RS202", "Tasks")]),
        (["p: {type: ref, to: Project, inverse: class}"], [("RS207", "class")]),
        (["p: {type: ref, to: Project, inverse: created_at}"], [("RS206", "created_at")]),
        (["p: {type: ref, to: Project, inverse: t}", "o: {type: ref, to: Project, inverse: t}"], [("RS212", "t")]),
        (["p: {type: ref, to: Project, inverse: t}", "o: {type: ref, to: Task, nullable: true, inverse: t}"], []),
        (["p: {type: ref, to: Task, nullable: true, inverse: p_id}"], [("RS212", "p_id")]),
        (["p: {type: ref, to: Project, default: x}"], [("RS302", "default")]),
        (["p: {type: ref, to: Project, sort: true}"], [("RS302", "sort")]),
        (["p: {type: ref, to: Project, index: false}"], [("RS405", "false")]),
        (["p: {type: ref, to: Project, unique: true}"], []),
        (["a: {type: string, on_delete: cascade, to: Project, inverse: x, expand: true}"], [("RS302", "on_delete")]),
    ],
)
def test_keys_of_references(fields: list[str], expected: list[tuple[str, str]]) -> None:
    assert findings(*fields)[: len(expected) or None] == expected


@pytest.mark.parametrize(
    ("fields", "link", "expected"),
    [
        (["p: ref(Project)", "t: ref(Tag)"], "[p, t]", []),
        (["p: ref(Project)", "t: ref(Tag)"], "[p, p]", [("RS219", "[p, p]")]),
        (["p: ref(Project)", "t: ref(Tag)"], "[p]", [("RS219", "[p]")]),
        (["p: ref(Project)", "t: ref(Tag)"], "[p, x]", [("RS217", "x")]),
        (["p: ref(Project)", "t: ref(Tag)?"], "[p, t]", [("RS219", "?")]),
        (["p: ref(Project)", "t: string"], "[p, t]", [("RS219", "t")]),
        (["p: ref(Project)", "t: {type: ref, to: Tag, on_delete: restrict}"], "[p, t]", [("RS219", "restrict")]),
        (["p: ref(Project)", "t: {type: ref, to: Tag, on_delete: cascade}"], "[p, t]", []),
    ],
)
def test_links(fields: list[str], link: str, expected: list[tuple[str, str]]) -> None:
    assert findings(*fields, rest=f"link: {link}\n", tag=spec("name: string", name="Tag")) == expected


def test_renames() -> None:
    assert findings("a: {type: string, renamed_from: b}") == []
    assert findings("a: {type: string, renamed_from: b}", "b: string") == [("RS216", "b")]
    assert findings("a: {type: string, renamed_from: a}") == [("RS216", "a")]
    assert findings("a: {type: string, renamed_from: b}", "b: {type: string, renamed_from: a}") == [("RS216", "b"), ("RS216", "a")]
    assert findings("a: {type: string, renamed_from: x}", "b: {type: string, renamed_from: x}") == [("RS216", "x")]
    assert findings("a: {type: enum, values: [x, {value: y, renamed_from: x}]}") == [("RS216", "x")]
    assert findings("a: {type: enum, values: [x, {value: y, renamed_from: z}]}") == []
    assert findings("a: string", rest="renamed_from: Project\n") == [("RS216", "Project")]
    assert findings("a: string", rest="renamed_from: Job\n") == []
    assert findings("a: string", rest="renamed_from: job\n") == [("RS216", "job")]
    assert findings("a: {type: string, renamed_from: 'x y'}") == [("RS216", "'x y'")]


# --- values -------------------------------------------------------------------------------------------------------------------------

GOOD_VALUES = """
    string, default: ""
    string, default: "5"
    string, default: 2026-01-01
    string, default: no
    string, max_length: 3, default: "\U0001f642\U0001f642\U0001f642"
    string, pattern: "^[a-z]+$", default: abc
    text, default: x
    integer, default: -2147483648
    integer, ge: 1, le: 10, multiple_of: 5, default: 10
    integer, gt: 0, lt: 2, default: 1
    integer, default: +5
    bigint, default: 9223372036854775807
    float, default: 1
    float, default: 1e308
    float, ge: 0.1, default: 0.1
    decimal, precision: 4, scale: 2, default: 99.99
    decimal, precision: 4, scale: 2, default: "1.5"
    decimal, precision: 4, scale: 2, default: 1.50000
    decimal, precision: 38, scale: 38, default: 0.5
    decimal, precision: 2, scale: 0, default: 1e1
    boolean, default: true
    date, default: 2024-02-29
    date, default: today
    date, ge: 2026-01-01, default: 2026-01-01
    time, default: 23:59:59.999999
    time, default: now
    datetime, default: 2026-01-01T00:00:00Z
    datetime, default: 2026-01-01T00:00:00.5+05:30
    datetime, default: now
    uuid, default: generate
    uuid, default: 0190F3C2-7B1E-7C3A-9B4E-2F6D5A1C8E70
    email, default: ada@example.org
    url, default: "https://example.org/a#b"
    enum, values: [a, b], default: b
    json, default: {a: [1, 2.5, null, true, "x"]}
    json, default: []
    list, of: integer, ge: 1, default: [1, 2]
    list, of: enum, values: [a, b], default: [b, b]
    list, of: decimal, precision: 3, scale: 1, default: [1.5]
    list, of: string, max_items: 1, default: [x]
    string, nullable: true, default: null
""".strip().splitlines()


@pytest.mark.parametrize("declaration", GOOD_VALUES)
def test_defaults_and_examples_that_fit(declaration: str) -> None:
    assert findings(f"a: {{type: {declaration.strip()}}}") == []
    as_example = declaration.strip().replace("default:", "example:")
    if not re.search("example: (now|today|generate)", as_example):
        assert findings(f"a: {{type: {as_example}}}") == []


@pytest.mark.parametrize(("kind", "sample"), [(kind, sample) for kind, row in SCALARS.items() for sample in row.samples])
def test_the_samples_of_each_type_are_values_of_it(kind: Kind, sample: str) -> None:
    text = json.dumps(sample, ensure_ascii=False) if SCALARS[kind].textual else sample
    digits = ", precision: 10, scale: 4" if kind is Kind.DECIMAL else ""
    assert findings(f"a: {{type: {kind}{digits}, default: {text}}}") == []


def test_every_scalar_has_a_row_in_the_order_of_kinds() -> None:
    assert list(SCALARS) == list(Kind)
    assert all(row.samples for row in SCALARS.values())


BAD_VALUES = """
    string, default: 5
    string, default: true
    string, default: null
    string, default: [x]
    string, max_length: 3, default: abcd
    string, min_length: 2, default: a
    string, pattern: "^[a-z]+$", default: "abc\\n"
    integer, default: "5"
    integer, default: 5.0
    integer, default: 1e3
    integer, default: 2147483648
    integer, default: 0777
    integer, default: 0x10
    integer, default: true
    integer, ge: 1, default: 0
    integer, multiple_of: 3, default: 4
    bigint, default: 9223372036854775808
    float, default: .nan
    float, default: .inf
    float, default: 1e999
    float, lt: 1, default: 1.0
    decimal, precision: 4, scale: 2, default: 100
    decimal, precision: 4, scale: 2, default: 1.005
    decimal, precision: 4, scale: 2, default: "1e1"
    decimal, precision: 4, scale: 2, default: 1e-99999
    decimal, precision: 4, scale: 2, default: 1e999999999999
    boolean, default: yes
    boolean, default: 1
    date, default: 2026-02-29
    date, default: 2026-1-1
    date, default: now
    date, default: 2026-01-01T00:00:00Z
    date, lt: 2026-01-01, default: 2026-01-01
    time, default: 24:00:00
    time, default: 12:30
    time, default: 12:30:00Z
    datetime, default: 2026-01-01T00:00:00
    datetime, default: 2026-01-01
    datetime, default: 0001-01-01T00:00:00+23:59
    datetime, default: 9999-12-31T23:59:59-23:59
    datetime, default: 2026-01-01T00:00:60Z
    datetime, default: today
    uuid, default: now
    uuid, default: 0190f3c2
    email, default: nobody
    url, default: "javascript:alert(1)"
    url, default: example.org
    enum, values: [a, b], default: c
    enum, values: [a, b], default: A
    json, default: [.nan]
    json, default: [9223372036854775808]
    json, default: [0777]
    list, of: integer, default: 5
    list, of: integer, default: ["5"]
    list, of: string, max_items: 1, default: [a, b]
    list, of: string, min_items: 1, default: []
    list, of: string, max_length: 1, default: [ab]
""".strip().splitlines()


@pytest.mark.parametrize("declaration", BAD_VALUES)
def test_defaults_and_examples_that_do_not_fit(declaration: str) -> None:
    found = findings(f"a: {{type: {declaration.strip()}}}")
    assert len(found) == 1, found
    assert found[0][0] in {"RS306", "RS307"}
    found = findings(f"a: {{type: {declaration.strip().replace('default:', 'example:')}}}")
    assert [code for code, _ in found] in (["RS306"], ["RS307"])


CONTRADICTIONS = """
    integer, ge: 5, le: 4
    integer, gt: 4, le: 4
    integer, gt: 1, lt: 2
    integer, gt: 2147483647
    integer, ge: 1, le: 4, multiple_of: 5
    float, gt: 1, lt: 1
    decimal, precision: 3, scale: 1, gt: 0.1, lt: 0.2
    decimal, precision: 3, scale: 1, ge: 100
    date, ge: 2026-01-02, le: 2026-01-01
    date, gt: 2026-01-01, lt: 2026-01-02
    time, gt: 23:59:59.999999
    datetime, gt: 2026-01-01T00:00:00Z, lt: 2026-01-01T00:00:00.000001Z
    datetime, ge: 2026-01-01T01:00:00Z, le: 2026-01-01T02:00:00+02:00
    string, min_length: 2, max_length: 1
    string, min_length: 256
    url, max_length: 5, default: null, nullable: true
    list, of: string, min_items: 101
    decimal, precision: 2, scale: 3
""".strip().splitlines()


@pytest.mark.parametrize("declaration", CONTRADICTIONS)
def test_bounds_that_no_value_satisfies(declaration: str) -> None:
    expected = [] if declaration.strip().startswith("url") else ["RS308"]
    assert [code for code, _ in findings(f"a: {{type: {declaration.strip()}}}")] == expected


@pytest.mark.parametrize(
    "declaration",
    [
        "integer, ge: 4, le: 4",
        "integer, gt: 1, lt: 3",
        "integer, ge: 1, le: 5, multiple_of: 5",
        "float, gt: 1, lt: 1.0000000001",
        "decimal, precision: 3, scale: 1, gt: 0.1, lt: 0.3",
        "date, gt: 2026-01-01, lt: 2026-01-03",
        "datetime, ge: 2026-01-01T01:00:00Z, le: 2026-01-01T03:00:00+02:00",
        "string, min_length: 255",
    ],
)
def test_bounds_that_one_value_satisfies(declaration: str) -> None:
    assert findings(f"a: {{type: {declaration}}}") == []


@pytest.mark.parametrize(
    ("key", "types"),
    [
        ("max_length: 3", {"string", "text", "email", "url"}),
        ("min_length: 0", {"string", "text"}),
        ("pattern: x", {"string"}),
        ("search: true", {"string", "text"}),
        ("ge: 1", {"integer", "bigint", "float", "decimal"}),
        ("multiple_of: 1", {"integer", "bigint"}),
        ("precision: 4", {"decimal"}),
        ("values: [a]", {"enum"}),
        ("of: string", {"list"}),
        ("to: Project", {"ref"}),
        ("min_items: 1", {"list"}),
    ],
)
def test_keys_belong_to_their_types(key: str, types: set[str]) -> None:
    complete = {"decimal": ", scale: 2, precision: 4", "enum": ", values: [a]", "list": ", of: uuid", "ref": ", to: Project"}
    for type_ in [
        "string",
        "text",
        "integer",
        "bigint",
        "float",
        "decimal",
        "boolean",
        "uuid",
        "enum",
        "json",
        "email",
        "url",
        "list",
        "ref",
    ]:
        name = key.partition(":")[0]
        others = complete.get(type_, "")
        others = "".join(f", {part}" for part in others.split(", ")[1:] if not part.startswith(f"{name}:"))
        codes = [code for code, _ in findings(f"a: {{type: {type_}, {key}{others}}}")]
        assert codes == ([] if type_ in types else ["RS302"]), type_


# --- constraints --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("unique:\n  - [p, s]\n", []),
        ("unique:\n  - {fields: [p, s], nulls: equal}\n", []),
        ("unique:\n  - [p_id, s]\n", [("RS217", "p_id")]),
        ("unique:\n  - [s, s]\n", [("RS218", "s")]),
        ("unique:\n  - [s]\n  - [s]\n", [("RS403", "[s]")]),
        ("unique:\n  - [p, s]\n  - [s, p]\n", [("RS403", "[s, p]")]),
        ("unique:\n  - [u]\n", [("RS403", "[u]")]),
        ("unique:\n  - [l]\n", [("RS401", "l")]),
        ("unique:\n  - [j, s]\n", [("RS401", "j")]),
        ("unique:\n  - [d]\n", [("RS402", "d")]),
        ("unique:\n  - [d, s]\n", []),
        ("unique:\n  - [id]\n", [("RS217", "id")]),
        ("unique:\n  - []\n", [("RS404", "[]")]),
        ("unique: []\n", []),
        ("unique: s\n", [("RS303", "s")]),
        ("unique:\n  - s\n", [("RS303", "s")]),
        ("indexes:\n  - [s, created_at]\n  - [created_at, s]\n", []),
        ("indexes:\n  - [user_id]\n", [("RS217", "user_id")]),
        ("indexes:\n  - [s]\n  - [s]\n", [("RS403", "[s]")]),
        ("indexes:\n  - [l]\n", [("RS401", "l")]),
        ("indexes:\n  - {fields: [s]}\n", [("RS303", "{fields: [s]}")]),
        ("checks:\n  - {name: c, rule: s = 'x', message: m}\n", []),
        ("checks:\n  - {name: C, rule: s = 'x', message: m}\n", [("RS202", "C")]),
        ("checks:\n  - {name: c, rule: s = 'x', message: ' '}\n", [("RS406", "' '")]),
        ("checks:\n  - {name: c, rule: x = 'x', message: m}\n", [("RS411", "x")]),
        ("checks:\n  - {name: class, rule: s = 'x', message: m}\n", []),
    ],
)
def test_constraints(rest: str, expected: list[tuple[str, str]]) -> None:
    fields = ["s: string", "p: ref(Project)", "u: {type: string, unique: true}", "l: {type: list, of: string}", "j: json"]
    assert findings(*fields, "d: {type: string, default: x}", rest=rest) == expected


def test_a_field_that_is_unique_alone_has_no_constant_default() -> None:
    assert findings("a: {type: string, unique: true, default: x}") == [("RS402", "unique")]
    assert findings("a: {type: uuid, unique: true, default: generate}") == []


# --- operations ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("operations: [list, get]\n", []),
        ("operations: []\n", [("RS501", "[]")]),
        ("operations: [get, get]\n", [("RS218", "get")]),
        ("operations: [gett]\n", [("RS305", "gett")]),
        ("operations: [batch]\n", [("RS505", "batch")]),
        ("operations: list\n", [("RS303", "list")]),
        ("hooks: [before_creat]\n", [("RS305", "before_creat")]),
        ("hooks: []\n", []),
        ("page: {default: 5}\n", []),
        ("page: {max: 5}\n", []),
        ("page: {default: 1000}\n", []),
        ("page: {default: 1001}\n", [("RS502", "1001")]),
        ("page: {max: 0}\n", [("RS502", "0")]),
        ("page: {default: 6, max: 5}\n", [("RS502", "6")]),
        ("page: {size: 5}\n", [("RS204", "size")]),
        ("page: 5\n", [("RS303", "5")]),
        ("concurrency: required\n", []),
        ("concurrency: sometimes\n", [("RS305", "sometimes")]),
        ("search_language: german\n", []),
        ("search_language: klingon\n", [("RS305", "klingon")]),
        ("soft_delete: false\n", []),
        ("soft_delete: true\n", []),
        ("upsert: [u]\n", []),
        ("upsert: [a]\n", [("RS503", "[a]")]),
        ("upsert: [x]\n", [("RS217", "x")]),
        ("filters: [p.name]\n", []),
        ("filters: [p.nam]\n", [("RS217", "p.nam")]),
        ("filters: [a.name]\n", [("RS504", "a.name")]),
        ("filters: [name]\n", [("RS504", "name")]),
        ("deprecated: {since: 2026-01-01, sunset: 2026-06-01}\n", []),
        ("deprecated: {sunset: soon}\n", [("RS306", "soon")]),
        ("deprecated: [x]\n", [("RS303", "[x]")]),
        ("description: 5\n", [("RS303", "5")]),
        ("operation: [list]\n", [("RS204", "operation")]),
    ],
)
def test_keys_of_a_resource(rest: str, expected: list[tuple[str, str]]) -> None:
    assert findings("a: string", "u: {type: string, unique: true}", "p: ref(Project)", rest=rest) == expected


def test_a_field_that_nobody_writes_needs_a_value() -> None:
    assert findings("a: {type: string, write: never}") == [("RS313", "never")]
    assert findings("a: {type: string, write: never, default: x}") == []
    assert findings("a: {type: string, write: never, nullable: true}") == []
    assert findings("a: {type: string, write: never}", rest="hooks: [before_create]\n") == []
    assert findings("a: {type: string, write: never}", rest="hooks: [after_commit]\n") == [("RS313", "never")]
    assert findings("a: {type: string, write: never}", rest="operations: [list, get]\n") == []


COMPUTED = [
    ("b: integer", "a: {type: integer, computed: b + 1}", []),
    ("b: integer", "a: {type: integer, computed: b + 1, stored: true, sort: true, unique: true, filter: true}", []),
    ("b: integer", "a: {type: integer, computed: c + 1}", [("RS411", "c")]),
    ("b: integer", "a: {type: integer, computed: a + 1}", [("RS411", "a")]),
    ("b: integer", "a: {type: integer, computed: b +}", [("RS410", "}")]),
    ("b: integer", "a: {type: integer, computed: 5}", [("RS303", "5")]),
    ("b: integer", "a: {type: integer, computed: '5'}", [("RS415", "5")]),
    ("b: integer", "a: {type: integer, computed: b > 1}", [("RS418", "b > 1")]),
    ("b: integer", "a: {type: string, computed: b}", [("RS418", "b")]),
    ("b: integer", "a: {type: integer, computed: b / 2.5}", [("RS418", "b / 2.5")]),
    ("b: date", "a: {type: date, computed: b}", [("RS418", "date")]),
    ("b: text", "a: {type: string, computed: lower(b)}", [("RS418", "string")]),
    ("b: text", "a: {type: text, computed: lower(b)}", []),
    ("b: integer?", "a: {type: integer, computed: b + 1}", [("RS419", "b + 1")]),
    ("b: integer", "a: {type: integer, computed: 1 / b}", [("RS419", "1 / b")]),
    ("b: integer?", "a: {type: integer, computed: b + 1, nullable: true}", []),
    ("b: integer", "a: {type: integer, computed: b + 1, default: 3}", [("RS302", "default")]),
    ("b: integer", "a: {type: integer, computed: b + 1, write: once}", [("RS302", "write")]),
    ("b: integer", "a: {type: integer, computed: b + 1, sort: true}", [("RS302", "sort")]),
    ("b: integer", "a: {type: integer, computed: b + 1, precision: 3}", [("RS302", "precision")]),
    ("b: integer", "a: {type: decimal, computed: b + 1}", [("RS205", "decimal")]),
]


@pytest.mark.parametrize(("other", "declaration", "expected"), COMPUTED)
def test_computed_fields(other: str, declaration: str, expected: list[tuple[str, str]]) -> None:
    assert findings(other, declaration) == expected


def test_a_mistake_in_a_computed_field_makes_no_second_one() -> None:
    rest = "unique:\n  - [a]\nchecks:\n  - {name: c, rule: a > 1, message: No.}\n"
    assert findings("a: {type: integer, computed: b + 1, stored: true}", rest=rest) == [("RS411", "b")]


def test_a_rule_and_another_expression_see_no_computed_field() -> None:
    rest = "checks:\n  - {name: c, rule: a > 1, message: No.}\n"
    fields = ("b: integer", "a: {type: integer, computed: b + 1, stored: true}", "d: {type: integer, computed: a + 1}")
    schema, found = compiled(task=spec(*fields, rest=rest))
    assert schema is None
    assert [(one.code, one.hint) for one in found] == [
        ("RS411", "computed fields are not seen here; write out what it is computed from"),
        ("RS411", "computed fields are not seen here; write out what it is computed from"),
    ]


# --- warnings -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declaration", "code"),
    [
        ("password: {type: string, default: hunter2}", "RS601"),
        ("api_key: {type: string, default: x}", "RS601"),
        ("note: {type: string, default: ghp_abcdefghijklmnopqrstuvwxyz0123456789}", "RS601"),
        ("note: {type: text, default: '-----BEGIN PRIVATE KEY-----'}", "RS601"),
        ("note: {type: string, default: Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZkdISUpL}", "RS601"),
        ("title: {type: string, sort: true, index: false}", "RS603"),
        ("notes: {type: text, sort: true}", "RS604"),
        ("notes: {type: text, unique: true}", "RS604"),
        ("title: {type: string, pattern: '(a+)+'}", "RS605"),
    ],
)
def test_warnings_do_not_stop_the_compiler(declaration: str, code: str) -> None:
    schema, found = compiled(task=spec(declaration))
    assert schema is not None
    assert [(diagnostic.code, diagnostic.severity) for diagnostic in found] == [(code, Severity.WARNING)]


@pytest.mark.parametrize(
    "declaration",
    [
        "password: string",
        "password: {type: string, default: ''}",
        "secretary: {type: string, default: Ada}",
        "token_count: {type: integer, default: 5}",
        "note: {type: string, default: https-is-better-than-http-always}",
        "note: {type: string, default: 0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70}",
        "title: {type: string, sort: true}",
        "notes: {type: text, max_length: 2048, sort: true}",
        "link: {type: url, unique: true}",
        "rank: {type: integer, index: false}",
    ],
)
def test_what_gives_no_warning(declaration: str) -> None:
    assert findings(declaration) == []


def test_a_shortened_name_is_a_warning_once_a_place() -> None:
    schema, found = compiled(task=spec("a: {type: string, sort: true, pattern: x}", rest=f"plural: {'t' * 48}\n"))
    assert schema is not None
    assert {diagnostic.code for diagnostic in found} == {"RS602"}
    assert len({diagnostic.span for diagnostic in found}) == len(found)


# --- all at once --------------------------------------------------------------------------------------------------------------------


def test_all_errors_of_all_files_are_reported_in_one_run_in_order() -> None:
    files = {
        "a": "resource: Ant\nfields:\n  x: sting\n",
        "ant": "resource: Ant\nfields:\n  x: {type: integer, ge: 5, le: 1}\n  y: ref(Bea)\npage: {max: 0}\n",
        "bee": "resource: Bee\nfields:\n  class: string\n",
        "cat": "resource: [\n",
    }
    _, found = compiled(**files)
    places = [(diagnostic.span.path, diagnostic.span.line) for diagnostic in found if diagnostic.span]
    assert places == sorted(places)
    assert [diagnostic.code for diagnostic in found] == ["RS209", "RS301", "RS308", "RS203", "RS502", "RS207", "RS144"]
