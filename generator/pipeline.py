"""The stages of the compiler in one call: spec files in, schema or diagnostics out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.diagnostics import Diagnostic, has_errors, ordered
from generator.files import read_specs
from generator.ir import Schema
from generator.load import load_file
from generator.lock import frozen_plurals
from generator.nodes import Node
from generator.render import RenderedFile, render
from generator.resolve import resolve
from generator.spec import ResourceFile, read_resource
from generator.validate import validate
from generator.validation.warnings import shortened_names


@dataclass(frozen=True, slots=True)
class Build:
    """What one run of the compiler gives: no schema and no files when there is an error among the diagnostics.

    `specs` are the specs themselves by path, as far as they are YAML.
    """

    schema: Schema | None
    files: tuple[RenderedFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    specs: Mapping[str, Node]


def compile_project(root: Path) -> Build:
    """Read the specs below `root` and render the application's generated files, in memory."""
    schema, diagnostics, specs = _load(root, {})
    return Build(schema, () if schema is None else render(schema), diagnostics, specs)


def load_schema(root: Path, unsaved: Mapping[str, bytes] | None = None) -> tuple[Schema | None, tuple[Diagnostic, ...]]:
    """Read resources/*.yaml below `root`, and `unsaved` specs by path as if they stood there.

    Gives the schema, or None when there is an error; and everything found, warnings included.
    """
    schema, diagnostics, _ = _load(root, unsaved or {})
    return schema, diagnostics


type _Compiled = tuple[Schema | None, tuple[Diagnostic, ...], dict[str, Node]]


def _load(root: Path, unsaved: Mapping[str, bytes]) -> _Compiled:
    specs, found = read_specs(root)
    unread = [diagnostic.span.path for diagnostic in found if diagnostic.span is not None]
    schema, others, roots = _compile({**specs, **unsaved}, frozen_plurals(root), unread)
    return (None if has_errors(found) else schema), ordered([*found, *others]), roots


def compile_specs(
    specs: Mapping[str, bytes], plurals: Mapping[str, str] | None = None, unread: Iterable[str] = ()
) -> tuple[Schema | None, tuple[Diagnostic, ...]]:
    """The schema that the given specs (bytes by path, such as `resources/task.yaml`) stand for, or None; and everything found.

    `plurals` are default plurals by resource that were frozen earlier; `unread` are the paths of further specs, which exist but could
    not be read.
    """
    schema, diagnostics, _ = _compile(specs, plurals or {}, unread)
    return schema, diagnostics


def _compile(specs: Mapping[str, bytes], plurals: Mapping[str, str], unread: Iterable[str]) -> _Compiled:
    diagnostics: list[Diagnostic] = []
    roots: dict[str, Node] = {}
    files: list[ResourceFile] = []
    missing = list(unread)
    for path, data in specs.items():
        loaded = load_file(path, data)
        diagnostics += loaded.diagnostics
        file = None
        if loaded.root is not None:
            roots[path] = loaded.root
            file, found = read_resource(path, loaded.root)
            diagnostics += found
        if file is None:
            missing.append(path)
        else:
            files.append(file)
    project, found = validate(files, unread=missing, plurals=plurals)
    diagnostics += found
    if has_errors(diagnostics):
        return None, ordered(diagnostics), roots
    schema = resolve(project)
    return schema, ordered([*diagnostics, *shortened_names(schema)]), roots
