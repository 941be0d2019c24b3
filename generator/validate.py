"""The rules across the fields of a resource and across resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator import naming
from generator.diagnostics import Diagnostic
from generator.fields import read_field
from generator.ir import Deprecation, Field
from generator.spec import ResourceFile


@dataclass(frozen=True, slots=True)
class CheckedResource:
    """A resource whose fields are read: the file, its names, and the records of its fields (without those that failed)."""

    file: ResourceFile
    name: str
    table: str
    fields: tuple[Field, ...]
    deprecated: Deprecation | None

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


def validate(files: Sequence[ResourceFile]) -> tuple[tuple[CheckedResource, ...], tuple[Diagnostic, ...]]:
    """Check all resources together; gives them with their fields read, and everything that is wrong."""
    diagnostics: list[Diagnostic] = []
    resources: list[CheckedResource] = []
    for file in files:
        name = file.head.resource
        table = file.head.plural or naming.plural_of(name)
        fields: list[Field] = []
        for named in file.fields:
            reading = read_field(name, table, named)
            diagnostics += reading.diagnostics
            if reading.field is not None:
                fields.append(reading.field)
        resources.append(CheckedResource(file, name, table, tuple(fields), None))
    return tuple(resources), tuple(diagnostics)
