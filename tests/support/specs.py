"""Specs for tests of the compiler, without files: what they mean, or what is wrong with them."""

from __future__ import annotations

from generator.diagnostics import Diagnostic
from generator.ir import Field, Resource, Schema
from generator.pipeline import compile_specs

PROJECT = "resource: Project\nfields:\n  name: string\n"


def spec(*fields: str, name: str = "Task", rest: str = "") -> str:
    """The text of a spec with the given fields, a line each, and further top-level lines."""
    lines = "".join(f"  {field}\n" for field in fields)
    return f"resource: {name}\nfields:\n{lines}{rest}"


def compiled(**files: str) -> tuple[Schema | None, tuple[Diagnostic, ...]]:
    """The schema of specs by module (`task="resource: Task …"`), or None; and everything found."""
    return compile_specs({f"resources/{module}.yaml": text.encode() for module, text in files.items()})


def findings(*fields: str, rest: str = "", **others: str) -> list[tuple[str, str]]:
    """What is wrong with a resource Task beside Project: each code with the source that it points at, in order."""
    files = {"task": spec(*fields, rest=rest), "project": PROJECT, **others}
    return [(diagnostic.code, pointed_at(diagnostic, files)) for diagnostic in compiled(**files)[1]]


def pointed_at(diagnostic: Diagnostic, files: dict[str, str]) -> str:
    """The source under a diagnostic's span."""
    span = diagnostic.span
    assert span is not None
    line = files[span.path.removeprefix("resources/").removesuffix(".yaml")].splitlines()[span.line - 1]
    assert 1 <= span.column <= len(line) + 1
    return line[span.column - 1 : span.column - 1 + span.length]


def resolved(*fields: str, rest: str = "", **others: str) -> Resource:
    """The resource Task with these fields beside Project, both without an error."""
    schema, found = compiled(task=spec(*fields, rest=rest), project=PROJECT, **others)
    assert schema is not None, found
    return schema.resource("Task")


def field_of(declaration: str) -> Field:
    """The record of the one field that a line declares."""
    return resolved(declaration).fields[0]
