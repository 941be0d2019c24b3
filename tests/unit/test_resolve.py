import time
from decimal import Decimal

import pytest

from generator.ir import (
    Bounds,
    EnumType,
    EnumValue,
    Generated,
    Index,
    JsonType,
    JsonValue,
    Kind,
    ListType,
    Literally,
    Operation,
    Page,
    Reference,
    ScalarType,
)
from generator.pipeline import compile_specs
from tests.support.specs import PROJECT, compiled, field_of, resolved, spec

CONTRACT = """\
resource: Task                     # PascalCase; the file is task.yaml
description: Something to get done.
plural: tasks

fields:
  title:      {type: string, min_length: 1, max_length: 200, search: true, sort: true}
  notes:      text?                # shorthand: a type alone; ? = nullable
  priority:   {type: enum, values: [low, normal, high], default: normal, filter: true, sort: true}
  completed:  {type: boolean, default: false, filter: true}
  due_at:     {type: datetime, nullable: true, filter: true, sort: true}
  estimate:   {type: decimal, precision: 6, scale: 2, ge: 0, nullable: true}
  slug:       {type: string, pattern: "^[a-z0-9-]+$", max_length: 80, write: once, nullable: true, filter: true}
  project:    {type: ref, to: Project, nullable: true, on_delete: set_null, filter: true, expand: true}

unique:
  - [project, slug]                # always within the owner
indexes:
  - [completed, due_at]
checks:
  - {name: done_has_notes, rule: "not completed or notes is not null", message: Say how it ended.}
operations: [list, get, create, replace, update, delete]
soft_delete: false
concurrency: optional              # optional | required (If-Match)
page: {default: 20, max: 100}
hooks: [before_create, after_commit]
"""


def keys(index: Index) -> str:
    return ", ".join(key.sql + (" DESC NULLS LAST" if key.descending_nulls_last else "") for key in index.keys)


def test_the_example_of_the_contract() -> None:
    schema, found = compiled(task=CONTRACT, project=PROJECT)
    assert found == ()
    assert schema is not None
    assert [resource.name for resource in schema.resources] == ["Project", "Task"]
    task = schema.resource("Task")
    assert (task.module, task.plural, task.segment, task.item_param) == ("task", "tasks", "tasks", "task_id")
    assert task.source == "resources/task.yaml"
    assert task.primary_key == "pk_tasks"
    assert [field.column for field in task.fields] == [
        "title",
        "notes",
        "priority",
        "completed",
        "due_at",
        "estimate",
        "slug",
        "project_id",
    ]
    assert [field.name for field in task.fields if field.required] == ["title"]
    [unique] = task.unique
    assert (unique.name, unique.fields, unique.columns) == ("uq_tasks_project_slug", ("project", "slug"), ("project_id", "slug"))
    assert not unique.nulls_equal
    place = "CASE priority WHEN 'low' THEN 0 WHEN 'normal' THEN 1 WHEN 'high' THEN 2 END"
    assert {index.name: keys(index) for index in task.indexes} == {
        "ix_tasks_created_at": "user_id, created_at, id",
        "ix_tasks_updated_at": "user_id, updated_at, id",
        "ix_tasks_title_id": "user_id, title, id",
        "ix_tasks_priority_id": f"user_id, {place}, id",
        "ix_tasks_due_at_id": "user_id, due_at, id",
        "ix_tasks_due_at_desc": "user_id, due_at DESC NULLS LAST, id DESC NULLS LAST",
        "ix_tasks_completed_due_at": "user_id, completed, due_at",
    }
    assert task.operations == tuple(operation for operation in Operation if operation is not Operation.BATCH)
    assert [hook.name for hook in task.hooks] == ["before_create", "after_commit"]
    rule = next(check for check in task.checks if check.rule_name == "done_has_notes")
    assert rule.name == "ck_tasks_done_has_notes"
    assert rule.columns == ("completed", "notes")
    assert rule.message == "Say how it ended."
    project = task.fields[-1].type
    assert project == Reference(target="Project", on_delete="set_null", inverse=None, expand=True, constraint="fk_tasks_project")


def test_the_order_of_files_does_not_matter() -> None:
    files = {"resources/task.yaml": CONTRACT.encode(), "resources/project.yaml": PROJECT.encode()}
    assert compile_specs(files) == compile_specs(dict(reversed(files.items())))


@pytest.mark.parametrize(
    ("name", "module", "plural", "segment", "parameter"),
    [
        ("LineItem", "line_item", "line_items", "line-items", "line_item_id"),
        ("HTTPLog", "http_log", "http_logs", "http-logs", "http_log_id"),
        ("Series", "series", "series", "series", "series_id"),
        ("User", "user", "users", "users", "id"),
    ],
)
def test_names(name: str, module: str, plural: str, segment: str, parameter: str) -> None:
    schema, found = compiled(**{module: spec("a: string", name=name)})
    assert schema is not None, found
    resource = schema.resource(name)
    assert (resource.module, resource.plural, resource.segment, resource.item_param) == (module, plural, segment, parameter)


def test_a_resource_named_like_a_keyword_has_a_module_that_can_be_imported() -> None:
    schema, found = compiled(**{"class": spec("a: string", name="Class")})
    assert schema is not None, found
    assert schema.resource("Class").module == "class_"
    assert schema.resource("Class").source == "resources/class.yaml"


def test_a_frozen_plural_stays_and_a_written_one_wins() -> None:
    files = {"resources/staff.yaml": spec("a: string", name="Staff").encode()}
    schema, _ = compile_specs(files, {"Staff": "staff"})
    assert schema is not None
    assert schema.resource("Staff").plural == "staff"
    files = {"resources/staff.yaml": spec("a: string", name="Staff", rest="plural: people\n").encode()}
    schema, _ = compile_specs(files, {"Staff": "staff"})
    assert schema is not None
    assert schema.resource("Staff").plural == "people"


@pytest.mark.parametrize(
    ("declaration", "default"),
    [
        ("string, default: x", Literally("x")),
        ("string", None),
        ("string, nullable: true, default: null", None),
        ("integer, default: -5", Literally(-5)),
        ("bigint, default: 9007199254740993", Literally(9007199254740993)),
        ("float, default: 1", Literally(1.0)),
        ("decimal, precision: 6, scale: 2, default: 1.5", Literally(Decimal("1.50"))),
        ("decimal, precision: 6, scale: 2, default: -0", Literally(Decimal("0.00"))),
        ("boolean, default: TRUE", Literally(True)),
        ("date, default: today", Generated("today")),
        ("date, default: 2026-01-01", Literally("2026-01-01")),
        ("datetime, default: 2026-01-01T00:30:00.50+01:00", Literally("2025-12-31T23:30:00.500000Z")),
        ("time, default: 12:30:00", Literally("12:30:00")),
        ("uuid, default: generate", Generated("generate")),
        ("uuid, default: 0190F3C2-7B1E-7C3A-9B4E-2F6D5A1C8E70", Literally("0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70")),
        ("string, default: now", Literally("now")),
        ("enum, values: [a, b], default: b", Literally("b")),
        ("list, of: decimal, precision: 4, scale: 2, default: [1.5]", Literally(["1.50"])),
        ("json, default: {a: [1, 2.5, null, true, x]}", Literally({"a": [1, 2.5, None, True, "x"]})),
    ],
)
def test_defaults(declaration: str, default: Literally | Generated | None) -> None:
    assert repr(field_of(f"a: {{type: {declaration}}}").default) == repr(default)


def test_examples() -> None:
    def example(declaration: str) -> JsonValue | Decimal:
        return field_of(f"a: {{type: {declaration}}}").example

    assert example("decimal, precision: 4, scale: 1, example: 2.5") == Decimal("2.5")
    assert example("string, example: x") == "x"
    assert example("string") is None
    assert example("ref, to: Project, example: 0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70") == "0190f3c2-7b1e-7c3a-9b4e-2f6d5a1c8e70"


def test_types() -> None:
    assert field_of("a: string").type == ScalarType(Kind.STRING, Bounds(max_length=255))
    assert field_of("a: text").type == ScalarType(Kind.TEXT)
    assert field_of("a: url").type == ScalarType(Kind.URL, Bounds(max_length=2048))
    assert field_of("a: json").type == JsonType()
    enum = field_of("due_state: {type: enum, values: [in-progress, 2x, {value: A+, name: a_plus, description: Best}]}").type
    assert enum == EnumType(
        "TaskDueState",
        (EnumValue("in-progress", "IN_PROGRESS"), EnumValue("2x", "VALUE_2X"), EnumValue("A+", "A_PLUS", description="Best")),
    )
    tags = field_of("a: {type: list, of: enum, values: [x], min_items: 1}").type
    assert tags == ListType(EnumType("TaskA", (EnumValue("x", "X"),)), 1, 100)


def test_indexes() -> None:
    def indexes(*fields: str, rest: str = "") -> list[str]:
        return [keys(index) for index in resolved(*fields, rest=rest).indexes[2:]]

    assert indexes("a: {type: string, filter: true}") == []
    assert indexes("a: {type: string, sort: true}") == ["user_id, a, id"]
    assert indexes("a: {type: string, sort: true, index: true}") == ["user_id, a, id"]
    assert indexes("a: {type: string, sort: true, index: false}") == []
    assert indexes("a: {type: text, sort: true}") == []
    assert indexes("a: {type: string, index: true}") == ["user_id, a"]
    assert indexes("a: {type: string, index: true, unique: true}") == []
    assert indexes("a: {type: string, index: true}", rest="indexes:\n  - [a, created_at]\n") == ["user_id, a, created_at"]
    assert indexes("a: {type: string, index: true}", "b: string", rest="unique:\n  - [b, a]\n") == ["user_id, a"]
    assert indexes("p: ref(Project)") == ["user_id, p_id"]
    assert indexes("p: ref(Project)", "a: string", rest="unique:\n  - [p, a]\n") == []
    assert indexes("p: ref(Project)", "a: string", rest="unique:\n  - [a, p]\n") == ["user_id, p_id"]
    assert indexes("a: {type: list, of: string, index: true}") == ["a"]
    assert indexes("order: {type: string, sort: true}") == ["user_id, order, id"]
    quoted = "user_id, CASE \"order\" WHEN 'a''b' THEN 0 END, id"
    assert indexes("""order: {type: enum, values: ["a'b"], sort: true}""") == [quoted]


def test_names_that_would_be_equal_are_told_apart() -> None:
    task = resolved("a: string", "b: string", "a_b: {type: string, unique: true}", rest="unique:\n  - [a, b]\n")
    names = [constraint.name for constraint in task.unique]
    assert len(set(names)) == 2
    assert "uq_tasks_a_b" in names
    schema, found = compiled(
        task=spec("s_a: {type: uuid, index: true}", rest="plural: task\n"),
        task_s=spec("a: {type: uuid, index: true}", name="TaskS", rest="plural: task_s\n"),
    )
    assert schema is not None, found
    indexes = [index.name for resource in schema.resources for index in resource.indexes]
    assert len(set(indexes)) == len(indexes)


def test_a_rule_named_like_a_bound_keeps_apart_from_it() -> None:
    task = resolved("a: {type: string}", rest="checks:\n  - {name: a_max_length, rule: a <> 'x', message: m}\n")
    names = [check.name for check in task.checks]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 50 for name in names)


def test_links_are_unique_and_end_with_either_side() -> None:
    tag = spec("name: string", name="Tag")
    task = resolved("p: ref(Project)", "t: ref(Tag)", rest="link: [p, t]\n", tag=tag)
    assert task.link == ("p", "t")
    assert [field.type.on_delete for field in task.fields if isinstance(field.type, Reference)] == ["cascade", "cascade"]
    assert [constraint.columns for constraint in task.unique] == [("p_id", "t_id")]
    task = resolved("p: ref(Project)", "t: ref(Tag)", rest="link: [p, t]\nunique:\n  - [t, p]\n", tag=tag)
    assert [constraint.columns for constraint in task.unique] == [("t_id", "p_id")]


@pytest.mark.parametrize("rest", ["", "unique:\n  - [t, p]\n", "soft_delete: true\n"])
def test_a_link_is_found_from_either_side_in_an_index_of_both(rest: str) -> None:
    """One with the other column behind is a way for PostgreSQL too, which reads all links of the user: it must be no cheaper."""
    task = resolved("p: ref(Project)", "t: ref(Tag)", rest=f"link: [p, t]\n{rest}", tag=spec("name: string", name="Tag"))
    unique = [] if task.soft_delete else [constraint.columns for constraint in task.unique]
    indexes = [tuple(key.sql for key in index.keys[1:]) for index in task.indexes]
    assert sorted(pair for pair in (*unique, *indexes) if "p_id" in pair or "t_id" in pair) == [("p_id", "t_id"), ("t_id", "p_id")]


def test_an_inverse_is_indexed_from_its_newest_row_on() -> None:
    """Its list and its expansion take the newest rows of a parent, which can have many."""
    wanted = ["user_id", "project_id", "created_at", "id"]
    for rest, names in (("", ["ix_tasks_project_id_created_at_id"]), ("indexes:\n  - [project, created_at, id]\n", None)):
        task = resolved("project: {type: ref, to: Project, inverse: tasks}", rest=rest)
        found = [index for index in task.indexes if "project_id" in [key.sql for key in index.keys]]
        assert [[key.sql for key in index.keys] for index in found] == [wanted]
        assert names in (None, [index.name for index in found])
    plain = resolved("project: {type: ref, to: Project}")
    assert [key.sql for key in plain.indexes[-1].keys] == ["user_id", "project_id"]


def test_one_page_size_makes_room_for_the_other() -> None:
    assert resolved("a: string").page == Page(20, 100)
    assert resolved("a: string", rest="page: {max: 5}\n").page == Page(5, 5)
    assert resolved("a: string", rest="page: {default: 500}\n").page == Page(500, 500)
    assert resolved("a: string", rest="page: {default: 50}\n").page == Page(50, 100)


def test_operations_and_hooks_stand_in_their_own_order() -> None:
    task = resolved("a: string", rest="operations: [delete, list]\nhooks: [after_commit, before_create]\n")
    assert task.operations == (Operation.LIST, Operation.DELETE)
    assert [hook.name for hook in task.hooks] == ["before_create", "after_commit"]


def test_unique_nulls() -> None:
    task = resolved("a: string?", rest="unique:\n  - {fields: [a], nulls: equal}\n")
    assert task.unique[0].nulls_equal


def test_deprecations() -> None:
    assert field_of("a: {type: string, deprecated: true}").deprecated is not None
    assert field_of("a: {type: string, deprecated: false}").deprecated is None
    deprecated = field_of("a: {type: string, deprecated: {since: 2026-01-01, sunset: 2026-06-01}}").deprecated
    assert deprecated is not None
    assert (deprecated.since, deprecated.sunset) == ("2026-01-01", "2026-06-01")
    reason = field_of("a: {type: string, deprecated: Use b.}").deprecated
    assert reason is not None
    assert reason.reason == "Use b."


def test_two_hundred_resources_take_seconds() -> None:
    lines = [
        f"f{number}: {declaration}"
        for number, declaration in enumerate(5 * ["text?", "{type: integer, ge: 0, sort: true}", "date?", "uuid"])
    ]
    files = {
        f"resources/thing{number}.yaml": spec(*lines, f"next: ref(Thing{(number + 1) % 200})?", name=f"Thing{number}").encode()
        for number in range(200)
    }
    start = time.process_time()
    schema, found = compile_specs(files)
    assert schema is not None, found
    assert time.process_time() - start < 5  # about 0.7 on an idle core
