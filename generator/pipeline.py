"""The stages of the compiler in one call: spec files in, schema or diagnostics out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generator.diagnostics import Diagnostic, has_errors, ordered
from generator.files import read_specs
from generator.ir import Schema
from generator.load import load_file
from generator.render import RenderedFile, render
from generator.resolve import resolve
from generator.spec import ResourceFile, read_resource
from generator.validate import validate


@dataclass(frozen=True, slots=True)
class Build:
    """What one run of the compiler gives: no schema and no files when there is an error among the diagnostics."""

    schema: Schema | None
    files: tuple[RenderedFile, ...]
    diagnostics: tuple[Diagnostic, ...]


def compile_project(root: Path) -> Build:
    """Read the specs below `root` and render the application's generated files, in memory."""
    schema, diagnostics = load_schema(root)
    return Build(schema, () if schema is None else render(schema), diagnostics)


def load_schema(root: Path) -> tuple[Schema | None, tuple[Diagnostic, ...]]:
    """Read resources/*.yaml below `root`. Gives the schema, or None when there is an error; and everything found, warnings included."""
    specs, found = read_specs(root)
    diagnostics = list(found)
    files: list[ResourceFile] = []
    for path, data in specs.items():
        loaded = load_file(path, data)
        diagnostics += loaded.diagnostics
        if loaded.root is not None:
            file, found = read_resource(path, loaded.root)
            diagnostics += found
            if file is not None:
                files.append(file)
    resources, found = validate(files)
    diagnostics += found
    schema = None if has_errors(diagnostics) else resolve(resources)
    return schema, ordered(diagnostics)
