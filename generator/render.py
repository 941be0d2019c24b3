"""Renders the schema to files, in memory: views into templates, then one pass of the pinned formatter."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from ruff import find_ruff_bin  # pyright: ignore[reportMissingTypeStubs]  # one function, which it documents

from generator.files import contents
from generator.ir import Schema
from generator.parallel import in_parts
from generator.plan.models import model_module
from generator.plan.packages import models_index, routes_index
from generator.plan.routes import route_module
from generator.plan.views import RouteModule
from generator.rendered import Modules, RenderedFile
from generator.shown import Shown, shown_of

LINE_LENGTH = 140


class FormatterError(Exception):
    """What was rendered is no Python: a defect of the generator, never of a spec. The message says which file, and where."""


def render(schema: Schema) -> tuple[RenderedFile, ...]:
    """Every generated file of `schema`, formatted, sorted by path."""
    return render_others(schema, shown_of(schema), {})[0]


def render_others(
    schema: Schema, shown: Sequence[Shown], known: Mapping[str, Modules]
) -> tuple[tuple[RenderedFile, ...], Mapping[str, Modules]]:
    """As `render`, where some modules are known already, by resource; and all modules, by resource."""
    rendered = in_parts(_modules, [one for one in shown if one.resource.name not in known])
    beside = {modules.resource: modules.beside for modules in (*known.values(), *rendered)}
    models, routers = models_index(schema), routes_index(schema, beside)
    indexes = [
        RenderedFile(models.path, _template("models_init.py.j2", m=models), None),
        RenderedFile(routers.path, _template("routes_init.py.j2", m=routers), None),
    ]
    modules = {**known, **{one.resource: one for one in rendered}}
    files = [*_formatted(indexes), *(file for one in modules.values() for file in (one.model, one.routes))]
    return tuple(sorted(files, key=lambda file: file.path)), modules


def _modules(shown: Sequence[Shown]) -> list[Modules]:
    """What is rendered of some resources."""
    raw = [_unformatted(one) for one in shown]
    formatted = iter(_formatted([file for modules in raw for file in (modules.model, modules.routes)]))
    return [replace(modules, model=next(formatted), routes=next(formatted)) for modules in raw]


def _unformatted(shown: Shown) -> Modules:
    """What is rendered of one resource, before it is formatted."""
    resource = shown.resource
    model = model_module(resource, shown.tables, shown.relations)
    routes = route_module(resource, shown.deletion, shown.relations)
    return Modules(
        resource.name,
        RenderedFile(model.path, _template("model.py.j2", m=model), resource.source),
        RenderedFile(routes.path, _routes(routes), resource.source),
        routes.beside,
    )


class _Whole(PackageLoader):
    """Gives a template with its parts in it: as templates of their own, they take twice as long as what they write."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool] | None]:
        """The source of a template, as it is to be compiled."""
        source, path, is_current = super().get_source(environment, template)
        return _PART.sub(lambda part: self.get_source(environment, part[1])[0], source), path, is_current


_PART = re.compile(r'{% include "(.+)" %}\n')


@cache
def _environment() -> Environment:
    return Environment(
        loader=_Whole("generator"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  # it writes Python, whose quoting is literals.py
        auto_reload=False,
        bytecode_cache=_compiled_templates(),
    )


def _compiled_templates() -> FileSystemBytecodeCache | None:
    """Where Python keeps a compiled module beside its source, and under the same conditions: to compile the templates takes .2 s."""
    folder = Path(__file__).parent / "templates" / "__pycache__"
    if sys.dont_write_bytecode or not os.access(folder.parent, os.W_OK):
        return None
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
    return FileSystemBytecodeCache(os.fspath(folder)) if os.access(folder, os.W_OK) else None


def _template(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)


def _routes(module: RouteModule) -> str:
    """A routes module: its body first, which tells what it imports."""
    body = _template("routes.py.j2", r=module, n=module.importing)
    return "\n".join([module.header, "", *module.names.statements(), "", body])


def formatted(source: str) -> str:
    """Python source in the formatter's layout."""
    return _formatted([RenderedFile("source.py", source, None)])[0].text


def _formatted(files: list[RenderedFile]) -> list[RenderedFile]:
    """The files in the formatter's layout; one run for all of them, in memory where the system has a folder for that."""
    with tempfile.TemporaryDirectory(prefix="rowsmith-", dir=_memory()) as folder:
        paths = [f"{folder}/{number}.py" for number in range(len(files))]
        for path, file in zip(paths, files, strict=True):
            with open(path, "wb") as written:  # noqa: PTH123 - one of many
                written.write(file.text.encode())
        command = [
            find_ruff_bin(),
            "format",
            "--isolated",
            "--no-cache",
            f"--config=line-length={LINE_LENGTH}",
            "--target-version=py313",
            ".",
        ]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
        if result.returncode != 0:
            raise FormatterError(re.sub(r"(\d+)\.py", lambda number: files[int(number[1])].path, result.stderr))
        return [RenderedFile(file.path, contents(path).decode(), file.source) for path, file in zip(paths, files, strict=True)]


def _memory() -> str | None:
    """Linux keeps /dev/shm in memory, where hundreds of short-lived files cost nothing; None: the usual temporary folder."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108  # TemporaryDirectory makes a private folder there
