"""A project whose templates are stand-ins: one models and one routes module a resource, rendered in no time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from generator.drift import Drift, State, compare
from generator.exclusion import project_lock
from generator.files import read_specs
from generator.front import compile_front
from generator.ir import Schema
from generator.lock import frozen_plurals
from generator.pipeline import Build
from generator.render import RenderedFile
from generator.write import apply

TASK = "resource: Task\nfields:\n  title: string\n  notes: text?\n"
PROJECT = "resource: Project\nfields:\n  name: string\n"


@dataclass
class Project:
    """A project whose templates write one models and one routes module a resource."""

    root: Path
    version: str = "1.0.0"
    template: str = "v1"

    def spec(self, name: str, text: str | None) -> None:
        path = self.root / "resources" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def render(self, schema: Schema) -> list[RenderedFile]:
        files = [RenderedFile("app/models/__init__.py", "".join(f"# {r.name}\n" for r in schema.resources), None)]
        for r in schema.resources:
            fields = "".join(f"{field.column} = {str(field.type)!r}\n" for field in r.fields)
            files.append(RenderedFile(f"app/models/{r.module}.py", f'"""Generated from {r.source}. {self.template}"""\n{fields}', r.source))
            files.append(RenderedFile(f"app/routes/{r.plural}.py", f'"""Generated from {r.source}. {self.template}"""\n', r.source))
        return files

    def compare(self) -> Drift:
        compiled = compile_front(read_specs(self.root)[0], frozen_plurals(self.root))
        assert compiled.schema is not None, compiled.diagnostics
        parts = {path: known.parts for path, known in compiled.known.items()}
        return compare(self.root, Build(compiled.schema, tuple(self.render(compiled.schema)), compiled.diagnostics, parts), self.version)

    def generate(self, forced: Collection[str] = ()) -> bool:
        with project_lock(self.root):
            return apply(self.root, self.compare(), forced)

    def states(self) -> dict[str, State]:
        return {file.path: file.state for file in self.compare().files if file.state is not State.UNCHANGED}

    def snapshot(self) -> dict[str, bytes]:
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}

    def file(self, path: str) -> Path:
        return self.root / path
