"""The front end of the compiler: specs in, schema or diagnostics out; and what is known of each spec then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from generator.diagnostics import Diagnostic, has_errors, ordered
from generator.load import load_file
from generator.memory import Compiled, Known
from generator.parallel import in_parts
from generator.parts import Part, parts_of
from generator.records import record
from generator.resolve import resolve
from generator.spec import read_resource
from generator.validate import ReadFile, check_file, validate
from generator.validation.warnings import shortened_names


def compile_front(specs: Mapping[str, bytes], plurals: Mapping[str, str], unread: Iterable[str] = ()) -> Compiled:
    """Compile specs, which are bytes by path. See `generator.pipeline.compile_specs`."""
    read = in_parts(lambda part: [_read(path, data, plurals) for path, data in part], list(specs.items()))
    missing = [*unread, *(one.path for one in read if one.file is None)]
    project, found = validate([one.file for one in read if one.file is not None], missing)
    diagnostics = [*(diagnostic for one in read for diagnostic in one.diagnostics), *found]
    if has_errors(diagnostics):
        return Compiled(None, ordered(diagnostics), {})
    schema = resolve(project)
    diagnostics = list(ordered([*diagnostics, *shortened_names(schema)]))
    warnings: defaultdict[str, list[Diagnostic]] = defaultdict(list)
    for warning in diagnostics:
        warnings[warning.span.path if warning.span is not None else ""].append(warning)
    parts = {one.path: one.parts for one in read}
    known = {resource.source: Known(resource, parts[resource.source], tuple(warnings[resource.source])) for resource in schema.resources}
    return Compiled(schema, tuple(diagnostics), known)


@record
class _Read:
    """What a spec says by itself: its shape with its fields read (None where it has none), its parts, and what is wrong with the file."""

    path: str
    file: ReadFile | None
    parts: Mapping[str, Part]
    diagnostics: tuple[Diagnostic, ...]


def _read(path: str, data: bytes, plurals: Mapping[str, str]) -> _Read:
    loaded = load_file(path, data)
    if loaded.root is None:
        return _Read(path, None, {}, loaded.diagnostics)
    file, found = read_resource(path, loaded.root)
    diagnostics = (*loaded.diagnostics, *found)
    if file is None:
        return _Read(path, None, {}, diagnostics)
    return _Read(path, check_file(file, plurals), {} if has_errors(diagnostics) else parts_of(loaded.root), diagnostics)
