"""What the rules look at: resources whose fields have been read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from generator.expressions import Rule
from generator.ir import Deprecation, Field
from generator.naming import snake_case
from generator.records import record
from generator.spec import FieldSpec, ResourceFile

INDEXABLE_BUILT_INS = ("id", "created_at", "updated_at", "version")
"""The built-in columns that an entry of `indexes` may name; the owner leads every index anyway."""


@record
class CheckedResource:
    """A resource with its names and the records of its fields. `fields` lacks those that failed, which `names` has all the same.

    `rules` are the compiled rules of `checks` by their names, `ranges` those of computed fields, by the fields.
    """

    file: ResourceFile
    name: str
    table: str
    fields: Mapping[str, Field]
    specs: Mapping[str, FieldSpec]
    names: frozenset[str]
    deprecated: Deprecation | None
    rules: Mapping[str, Rule]
    ranges: Mapping[str, Rule]

    def lacks(self, name: str) -> bool:
        """Whether the resource certainly has no field of that name."""
        return name not in self.names and "fields" not in self.file.incomplete | self.file.head.broken

    def column(self, name: str) -> str:
        """The column of a field, or of a built-in column by its own name."""
        field = self.fields.get(name)
        return name if field is None else field.column


@record
class Project:
    """All resources, those of the same name once, in the order of their files.

    `doubtful` are the modules (snake_case names) of resources that may exist although `resources` does not have them: of files that
    could not be read, or whose name is a mistake that has been reported. Rules do not complain of their absence.
    """

    resources: tuple[CheckedResource, ...]
    by_name: Mapping[str, CheckedResource]
    doubtful: frozenset[str]

    def may_exist(self, resource: str) -> bool:
        """Whether nothing can be said against a reference to the resource."""
        return resource in self.by_name or snake_case(resource) in self.doubtful


def stem_of(path: str) -> str:
    """The name of a spec file without its suffix."""
    return PurePosixPath(path).stem
