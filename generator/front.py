"""The front end of the compiler: specs in, schema or diagnostics out; and what is known of each spec then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import field

from generator.diagnostics import Diagnostic, has_errors, ordered
from generator.ir import Schema
from generator.load import load_file
from generator.memory import Known, Remembered
from generator.nodes import Node
from generator.parts import parts_of
from generator.records import record
from generator.resolve import resolve
from generator.spec import ResourceFile, read_resource
from generator.validate import validate
from generator.validation.warnings import shortened_names


@record
class Compiled:
    """The schema, or None where there is an error among the diagnostics; and what is known of each spec by path, none after an error.

    `unchanged` are those of which that was known before.
    """

    schema: Schema | None
    diagnostics: tuple[Diagnostic, ...]
    known: Mapping[str, Known]
    unchanged: Mapping[str, Remembered] = field(default_factory=dict[str, Remembered])


def compile_front(specs: Mapping[str, bytes], plurals: Mapping[str, str], unread: Iterable[str] = ()) -> Compiled:
    """Compile specs, which are bytes by path. See `generator.pipeline.compile_specs`."""
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
        return Compiled(None, ordered(diagnostics), {})
    schema = resolve(project)
    diagnostics = list(ordered([*diagnostics, *shortened_names(schema)]))
    warnings: defaultdict[str, list[Diagnostic]] = defaultdict(list)
    for warning in diagnostics:
        warnings[warning.span.path if warning.span is not None else ""].append(warning)
    known = {
        resource.source: Known(resource, parts_of(roots[resource.source]), tuple(warnings[resource.source]))
        for resource in schema.resources
    }
    return Compiled(schema, tuple(diagnostics), known)
