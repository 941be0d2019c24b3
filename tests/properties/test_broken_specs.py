"""Broken specs: valid ones with keys dropped, renamed and repeated and with odd values always end in a schema or in diagnostics."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generator.codes import CODES
from generator.diagnostics import has_errors, render_github, render_json, render_text
from generator.pipeline import compile_specs
from generator.spec import CheckSpec, FieldSpec, ResourceSpec
from generator.types import TYPE_NAMES

type Tree = dict[str, Any]

VALID: dict[str, Tree] = {
    "task": {
        "resource": "Task",
        "description": "Something to get done.",
        "plural": "tasks",
        "fields": {
            "title": {"type": "string", "min_length": 1, "max_length": 200, "search": True, "sort": True, "example": "Buy milk"},
            "notes": "text?",
            "priority": {"type": "enum", "values": ["low", {"value": "high", "name": "top"}], "default": "low", "sort": True},
            "completed": {"type": "boolean", "default": False, "filter": True},
            "due_at": {"type": "datetime", "nullable": True, "ge": "2020-01-01T00:00:00Z", "sort": True, "filter": True},
            "estimate": {"type": "decimal", "precision": 6, "scale": 2, "ge": 0, "nullable": True, "default": 1.5},
            "rank": {"type": "integer", "ge": 1, "le": 100, "multiple_of": 1, "default": 5},
            "slug": {"type": "string", "pattern": "^[a-z0-9-]+$", "max_length": 80, "write": "once", "nullable": True},
            "labels": {"type": "list", "of": "string", "max_length": 20, "min_items": 0, "max_items": 5, "default": []},
            "data": {"type": "json", "default": {"a": [1, None]}, "deprecated": {"since": "2026-01-01"}},
            "project": {"type": "ref", "to": "Project", "nullable": True, "on_delete": "set_null", "inverse": "tasks", "expand": True},
            "parent": "ref(Task)?",
        },
        "unique": [["project", "slug"], {"fields": ["title", "parent"], "nulls": "equal"}],
        "indexes": [["completed", "due_at"]],
        "checks": [{"name": "done_has_notes", "rule": "not completed or notes is not null", "message": "Say how it ended."}],
        "operations": ["list", "get", "create", "update", "delete"],
        "soft_delete": False,
        "concurrency": "optional",
        "page": {"default": 20, "max": 100},
        "hooks": ["before_create", "after_commit"],
        "search_language": "english",
    },
    "project": {"resource": "Project", "fields": {"name": {"type": "string", "unique": True}, "owner": "ref(Person)"}},
    "person": {"resource": "Person", "renamed_from": "Human", "fields": {"email": "email", "born": {"type": "date", "le": "2026-01-01"}}},
    "task_person": {"resource": "TaskPerson", "fields": {"task": "ref(Task)", "person": "ref(Person)"}, "link": ["task", "person"]},
}

KEYS = sorted({*FieldSpec.model_fields, *ResourceSpec.model_fields, *CheckSpec.model_fields})
WORDS = [*TYPE_NAMES, *KEYS, "Task", "Project", "task", "user_id", "id", "class", "a__b", "restrict", "cascade", "now", "today", "generate"]
ODD_NUMBERS = [0, -1, 2**31, 2**63, 10**40, 0.1, 1e308, -0.0, float("nan"), float("inf")]
ODD_TEXTS = [
    "",
    " ",
    "?",
    "ref()",
    "ref(Task)??",
    "(",
    "(a+)+",
    "\u0442ask",
    "'\"`\\",
    "{{ x }}",
    "{% raw %}",
    "a" * 300,
    "$",
    "\U0001f642",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 300)
    | st.sampled_from([*ODD_NUMBERS, *ODD_TEXTS, *WORDS, "2026-02-30", "2026-01-01", "12:30:00", "yes", "~"])
    | st.text(max_size=8)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*KEYS, "", "x"]), inner, max_size=4), max_leaves=6
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a tree."""
    children: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [path, *(found for key in children for found in places(node[key], (*path, key)))]


@st.composite
def broken_projects(draw: st.DrawFn) -> dict[str, bytes]:
    """The valid project after one to six changes."""
    trees: dict[str, Any] = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 6))):
        *steps, last = draw(st.sampled_from([path for path in places(trees) if len(path) > 1]))
        node: Any = trees
        for step in steps:
            node = node[step]
        match draw(st.sampled_from(["drop", "replace", "rename", "add", "move"])):
            case "drop":
                del node[last]
            case "replace":
                node[last] = draw(values)
            case "rename" if isinstance(node, dict):
                node[draw(st.sampled_from([*KEYS, *WORDS, "x"]) | st.text(max_size=6))] = node.pop(last)
            case "add" if isinstance(node, dict):
                node[draw(st.sampled_from(KEYS))] = draw(values)
            case "add":
                node.append(draw(values))
            case _:
                node[last] = copy.deepcopy(draw(st.sampled_from([trees[name] for name in VALID])))
    flow = draw(st.sampled_from([None, True, False]))
    return {
        f"resources/{name}.yaml": yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True, sort_keys=False).encode(
            errors="surrogatepass"
        )
        for name, tree in trees.items()
    }


def check(files: dict[str, bytes]) -> None:
    schema, diagnostics = compile_specs(files)
    assert (schema is None) == has_errors(diagnostics)
    for diagnostic in diagnostics:
        assert diagnostic.code in CODES
        assert "\n" not in diagnostic.message
        assert diagnostic.label or diagnostic.hint or diagnostic.related
        span = diagnostic.span
        assert span is not None
        lines = files[span.path].decode(errors="replace").split("\n")
        assert 1 <= span.line <= len(lines) + 1
        assert span.length >= 1
        assert span.column >= 1
    assert bool(render_text(diagnostics, lambda path: files[path].decode(errors="replace"))) == bool(diagnostics)
    assert len(json.loads(render_json(diagnostics))) == len(render_github(diagnostics).splitlines()) == len(diagnostics)
    assert compile_specs(dict(reversed(files.items()))) == (schema, diagnostics)


def test_the_project_that_is_broken_below_is_valid() -> None:
    files = {f"resources/{name}.yaml": yaml.safe_dump(tree, sort_keys=False).encode() for name, tree in VALID.items()}
    schema, diagnostics = compile_specs(files)
    assert diagnostics == ()
    assert schema is not None
    assert len(schema.resources) == len(VALID)


@given(broken_projects())
@settings(max_examples=300, deadline=None)
def test_a_broken_project_ends_in_diagnostics(files: dict[str, bytes]) -> None:
    check(files)


@given(st.dictionaries(st.sampled_from(sorted(VALID)), values, min_size=1))
@example({"person": {"resource": "Task", "checks": None}, "task": {}})
@example({"person": {"resource": ""}, "project": {"resource": ""}})
@example(
    {
        "person": {"resource": "Task", "fields": {"n": "integer"}},
        "task": {"resource": "Task", "plural": "tasks", "fields": {"n": "integer"}},
    }
)
@settings(max_examples=200, deadline=None)
def test_files_of_any_content_end_in_diagnostics(trees: dict[str, Any]) -> None:
    check(
        {f"resources/{name}.yaml": yaml.safe_dump(tree, allow_unicode=True).encode(errors="surrogatepass") for name, tree in trees.items()}
    )


@given(st.sampled_from(sorted(VALID)), st.data())
@settings(max_examples=200, deadline=None)
def test_a_spec_with_lines_and_characters_lost_ends_in_diagnostics(name: str, data: st.DataObject) -> None:
    files = {f"resources/{other}.yaml": yaml.safe_dump(tree, sort_keys=False).encode() for other, tree in VALID.items()}
    text = files[f"resources/{name}.yaml"].decode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, max(len(text) - 1, 0)))
        end = data.draw(st.integers(start, min(start + 30, len(text))))
        text = text[:start] + data.draw(st.sampled_from(["", "\n", " ", ":", "- ", "'", "[", "}", "?", "0", "\t", "é"])) + text[end:]
    check(files | {f"resources/{name}.yaml": text.encode()})


@example("resource: Task\nfields: {a: {type: decimal, precision: 38, scale: 38, multiple_of: 3}}\n")
@example("resource: Task\nfields: {a: {type: list, of: ref}}\n")
@example("resource: Task\nfields: {a: {type: enum, values: [[a], {}, {name: b}]}}\n")
@example("resource: Task\nfields: {a: {type: integer, default: 1e400000}}\n")
@example("resource: Task\nfields: {a: {type: datetime, ge: 9999-12-31T23:59:59Z, gt: 0001-01-01T00:00:00Z}}\n")
@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_ends_in_diagnostics(text: str) -> None:
    check({"resources/task.yaml": text.encode(errors="surrogatepass")})
