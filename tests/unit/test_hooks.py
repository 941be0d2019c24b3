"""Hook stubs are what the check accepts; every way in which an extension file goes stale is found, at the spec's line."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import hooks
from generator.diagnostics import Diagnostic
from generator.ir import HOOKS, Resource
from generator.pipeline import load_schema


def resource(tmp_path: Path, declared: tuple[str, ...] = (), name: str = "Task", module: str = "task") -> Resource:
    (tmp_path / "resources").mkdir(exist_ok=True)
    listed = f"hooks: [{', '.join(declared)}]\n" if declared else ""
    (tmp_path / f"resources/{module}.yaml").write_text(f"resource: {name}\nfields:\n  title: string\n{listed}")
    schema, diagnostics = load_schema(tmp_path)
    assert schema is not None, diagnostics
    return schema.resources[0]


def codes(findings: list[Diagnostic]) -> list[str]:
    return [finding.code for finding in findings]


def test_the_table_names_every_hook_once():
    assert tuple(hooks.SIGNATURES) == HOOKS


@pytest.mark.parametrize("declared", [*[(hook,) for hook in HOOKS], HOOKS])
@pytest.mark.parametrize(("name", "module"), [("Task", "task"), ("Change", "change"), ("Any", "any"), ("Transaction", "transaction")])
def test_every_stub_passes_the_check(tmp_path: Path, declared: tuple[str, ...], name: str, module: str):
    task = resource(tmp_path, declared, name, module)
    stub = hooks.extension_stub(task)
    assert hooks.check_extension(task, stub.encode()) == []
    compile(stub, "stub.py", "exec")


def test_the_stub_reads_like_this(tmp_path: Path):
    assert (
        hooks.extension_stub(resource(tmp_path, ("before_update", "after_commit")))
        == '''\
"""Hooks of Task: this file is yours, and Rowsmith never changes it.

The spec declares them; `rowsmith check` compares the signatures. To refuse a request, raise `fastapi.HTTPException` in any but
`after_commit`: the transaction is rolled back.
"""

from typing import Any

from app.db.session import Change, Transaction
from app.models.task import Task


async def before_update(session: Transaction, row: Task, changes: dict[str, Any]) -> None:
    """Runs before an update: `row` is as stored, `changes` the new values by column; what it changes there is written."""


async def after_commit(change: Change[Task]) -> None:
    """Runs once the change is committed: it can no longer be refused."""
'''
    )


def test_a_resource_without_hooks_needs_no_file(tmp_path: Path):
    task = resource(tmp_path)
    assert hooks.check_extension(task, None) == []
    assert hooks.check_extension(task, b"def helper(): ...\n") == []


def test_a_missing_file_is_found_at_the_specs_line(tmp_path: Path):
    (finding,) = hooks.check_extension(resource(tmp_path, ("before_create",)), None)
    assert finding.code == "RS724"
    assert finding.span is not None
    assert (finding.span.path, finding.span.line, finding.span.column) == ("resources/task.yaml", 4, 9)


def test_a_missing_hook_is_printed_as_the_function_to_add(tmp_path: Path):
    task = resource(tmp_path, ("before_create", "before_update"))
    (finding,) = hooks.check_extension(task, hooks.extension_stub(resource(tmp_path, ("before_create",))).encode())
    assert finding.code == "RS720"
    assert finding.span is not None
    assert finding.span.line == 4
    function = (finding.hint or "").partition("\n\n")[2]
    assert hooks.check_extension(task, (hooks.extension_stub(resource(tmp_path, ("before_create",))) + function).encode()) == []


STALE = {
    "def before_update(session: Transaction, row: Task, changes: dict[str, Any]) -> None: ...": "async",
    "async def before_update(session: Transaction, row: Task) -> None: ...": "parameters",
    "async def before_update(session: Transaction, task: Task, changes: dict[str, Any]) -> None: ...": "parameters",
    "async def before_update(row: Task, session: Transaction, changes: dict[str, Any]) -> None: ...": "parameters",
    "async def before_update(session: Transaction, row: Task, changes: dict[str, Any], *, extra: int) -> None: ...": "arguments",
    "async def before_update(*arguments: object) -> None: ...": "arguments",
    "async def before_update(session: Transaction, row: Project, changes: dict[str, Any]) -> None: ...": "`Task`",
    "async def before_update(session: Transaction, row: Task, changes: dict[str, str]) -> None: ...": "dict[str, Any]",
    "async def before_update(session: Transaction, row, changes: dict[str, Any]) -> None: ...": "`row`",
    "async def before_update(session: Transaction, row: Task, changes: dict[str, Any]) -> Task: ...": "None",
}


@pytest.mark.parametrize("source", STALE)
def test_a_stale_signature_is_found_with_both_places(tmp_path: Path, source: str):
    task = resource(tmp_path, ("before_update",))
    (finding,) = hooks.check_extension(task, f"# first line\n{source}\n".encode())
    assert finding.code == "RS723"
    assert STALE[source] in (finding.label or "")
    assert finding.span is not None
    assert (finding.span.path, finding.span.line) == ("resources/task.yaml", 4)
    (place,) = finding.related
    assert (place.span.path, place.span.line, place.span.length) == ("app/extensions/task.py", 2, len("before_update"))
    assert "changes: dict[str, Any]" in (finding.hint or "")


@pytest.mark.parametrize(
    "source",
    [
        'async def before_create(session: "Transaction", row: "Task") -> None: ...',
        "async def before_create(session: db.Transaction, row: models.task.Task): ...",
        "async def before_create(session: Transaction, row: Task, /) -> None: ...",
        "from .shared import before_create",
        "before_create = shared.before_create",
        "if True:\n    async def before_create(session: Transaction, row: Task) -> None: ...",
    ],
)
def test_other_ways_to_write_a_right_signature_are_fine(tmp_path: Path, source: str):
    assert hooks.check_extension(resource(tmp_path, ("before_create",)), source.encode()) == []


def test_a_misspelt_hook_is_found_and_the_right_name_suggested(tmp_path: Path):
    source = b"async def before_crate(session: Transaction, row: Task) -> None: ...\n"
    found = hooks.check_extension(resource(tmp_path, ("before_create",)), source)
    assert codes(found) == ["RS720", "RS721"]
    assert "`before_create`" in (found[1].hint or "")


def test_a_hook_that_is_not_declared_would_never_run(tmp_path: Path):
    source = b"async def after_commit(change: Change[Task]) -> None: ...\n"
    (finding,) = hooks.check_extension(resource(tmp_path), source)
    assert finding.code == "RS722"
    assert "hooks: [after_commit]" in (finding.hint or "")
    (finding,) = hooks.check_extension(resource(tmp_path, ("before_create",)), source + b"before_create = None\n")
    assert "hooks: [before_create, after_commit]" in (finding.hint or "")


@pytest.mark.parametrize(
    "source", ["def after_hours(): ...", "def create(): ...", "async def _before_create(): ...", "class before_x: ..."]
)
def test_helpers_are_no_hooks(tmp_path: Path, source: str):
    assert hooks.check_extension(resource(tmp_path), source.encode()) == []


@pytest.mark.parametrize(
    "data", [b"def (", b"\x00", b"\xff\xfe", b"(" * 10_000, b"x = " + b"-" * 100_000 + b"1", b"# coding: nonsense\n", b"\tx\n y"]
)
def test_a_file_that_is_no_python_is_a_finding(tmp_path: Path, data: bytes):
    (finding,) = hooks.check_extension(resource(tmp_path, ("before_create",)), data)
    assert finding.code == "RS725"
