"""The stages of the compiler in one call: spec files in, schema or diagnostics out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from pathlib import Path

from generator.contained import compile_contained
from generator.diagnostics import Diagnostic, has_errors, ordered
from generator.files import read_specs
from generator.ir import Resource, Schema
from generator.lock import digest, frozen_plurals
from generator.memory import WORTH_IT, Compiled, Memory, Written, many_records, recall, remember, remembered
from generator.parallel import in_parts
from generator.parts import Part
from generator.records import record
from generator.rendered import Modules, RenderedFile
from generator.shown import Shown, digest_of, shown_of
from generator.targets import ReadTarget, Target, targets_of


@record
class Build:
    """What one run of the compiler gives: no schema and no files when there is an error among the diagnostics.

    `parts` are those of the specs, by path; none after an error. `read` reads files of the project, and keeps those that it has read.
    """

    schema: Schema | None
    files: tuple[RenderedFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    parts: Mapping[str, Mapping[str, Part]]
    read: ReadTarget | None = field(default=None, compare=False, repr=False)


def compile_project(root: Path) -> Build:
    """Read the specs below `root` and render the application's generated files, in memory.

    Of a project with many specs, only what has changed since the last compile is compiled and rendered again.
    """
    specs, found = read_specs(root)
    if found or len(specs) < WORTH_IT:
        compiled = _with_found(_compile_all(specs, frozen_plurals(root), _paths(found)), found)
        return _build(compiled, () if compiled.schema is None else _render(compiled.schema, shown_of(compiled.schema), {})[0])
    with many_records():
        return _compile_again(root, specs)


def load_schema(root: Path, unsaved: Mapping[str, bytes] | None = None) -> tuple[Schema | None, tuple[Diagnostic, ...]]:
    """Read resources/*.yaml below `root`, and `unsaved` specs by path as if they stood there.

    Gives the schema, or None when there is an error; and everything found, warnings included.
    """
    specs, found = read_specs(root)
    compiled = _with_found(_compile_all({**specs, **(unsaved or {})}, frozen_plurals(root), _paths(found)), found)
    return compiled.schema, compiled.diagnostics


def compile_specs(
    specs: Mapping[str, bytes], plurals: Mapping[str, str] | None = None, unread: Iterable[str] = ()
) -> tuple[Schema | None, tuple[Diagnostic, ...]]:
    """The schema that the given specs (bytes by path, such as `resources/task.yaml`) stand for, or None; and everything found.

    `plurals` are default plurals by resource that were frozen earlier; `unread` are the paths of further specs, which exist but could
    not be read.
    """
    compiled = _compile_all(specs, plurals or {}, unread)
    return compiled.schema, compiled.diagnostics


def _compile_all(specs: Mapping[str, bytes], plurals: Mapping[str, str], unread: Iterable[str] = ()) -> Compiled:
    from generator.front import compile_front  # noqa: PLC0415 - takes a while to load, and is not needed where nothing has changed

    return compile_front(specs, plurals, unread)


def _render(schema: Schema, shown: Sequence[Shown], known: Mapping[str, Modules]) -> tuple[tuple[RenderedFile, ...], Mapping[str, Modules]]:
    from generator.render import render_others  # noqa: PLC0415 - takes a while to load, in which another process compiles

    return render_others(schema, shown, known)


def _paths(found: Iterable[Diagnostic]) -> list[str]:
    return [diagnostic.span.path for diagnostic in found if diagnostic.span is not None]


def _with_found(compiled: Compiled, found: tuple[Diagnostic, ...]) -> Compiled:
    """With what is wrong with the files themselves."""
    schema = None if has_errors(found) else compiled.schema
    return replace(compiled, schema=schema, diagnostics=ordered([*found, *compiled.diagnostics]))


def _build(compiled: Compiled, files: tuple[RenderedFile, ...]) -> Build:
    return Build(compiled.schema, files, compiled.diagnostics, {path: one.parts for path, one in compiled.known.items()})


# --- a project with many specs ------------------------------------------------------------------------------------------------------


def _compile_again(root: Path, specs: Mapping[str, bytes]) -> Build:
    plurals, memory = frozen_plurals(root), recall(root)
    read = cache(targets_of(root))
    compiled = compile_contained(specs, plurals, memory, lambda: _prepare(read, memory)) or _compile_all(specs, plurals)
    if compiled.schema is None:
        return _build(compiled, ())
    new = [path for path in compiled.known if path not in compiled.unchanged]
    fresh = dict(zip(new, in_parts(lambda part: [remembered(specs[path], compiled.known[path]) for path in part], new), strict=True))
    now = {path: fresh.get(path) or compiled.unchanged[path] for path in compiled.known}
    resources = {known.resource.name: now[path].digest for path, known in compiled.known.items()}
    shown = {digest_of(one, resources): one for one in shown_of(compiled.schema)}
    known = {one.resource.name: modules for key, one in shown.items() if (modules := _on_disk(read, one.resource, memory.written.get(key)))}
    files, modules = _render(compiled.schema, list(shown.values()), known)
    written = {
        key: memory.written[key] if one.resource.name in known else _written(modules[one.resource.name]) for key, one in shown.items()
    }
    latest = Memory(plurals, now, written)
    if latest != memory and sum(len(known.warnings) for known in compiled.known.values()) == len(compiled.diagnostics):
        remember(root, latest)
    return replace(_build(compiled, files), read=read)


def _prepare(read: ReadTarget, memory: Memory) -> None:
    """What there is to do whatever the changed specs say."""
    import generator.render  # noqa: PLC0415, F401 - see _render  # pyright: ignore[reportUnusedImport]

    for written in memory.written.values():
        for path, _ in (written.model, written.routes):
            with contextlib.suppress(OSError):
                read(path)


def _on_disk(read: ReadTarget, resource: Resource, written: Written | None) -> Modules | None:
    """The modules of a resource, where what was written stands there still: its digest says that it is the same."""
    if written is None:
        return None
    (model_path, model_digest), (routes_path, routes_digest) = written.model, written.routes
    try:
        model, routes = _text(read(model_path), model_digest), _text(read(routes_path), routes_digest)
    except OSError:
        return None
    if model is None or routes is None:
        return None
    source = resource.source
    return Modules(resource.name, RenderedFile(model_path, model, source), RenderedFile(routes_path, routes, source), written.beside)


def _text(found: Target, expected: str) -> str | None:
    """The text of a file with that digest; None where there is none."""
    if found.data is None or digest(found.data) != expected:
        return None
    text = found.data.decode()
    return text.replace("\r\n", "\n") if "\r" in text else text


def _written(modules: Modules) -> Written:
    model, routes = ((file.path, digest(file.text.encode())) for file in (modules.model, modules.routes))
    return Written(model, routes, modules.beside)
