"""The example's resources as data, so that one test asks the same of each:

    @pytest.mark.parametrize("resource", RESOURCES, ids=str)
    def test_something(api, resource):
        user = new_user()
        row = resource.create(api, user)
        assert api.call(user, "GET", resource.item(user, row["id"])).status_code == 200

`with_operation(Operation.UPDATE)` gives those that have an operation.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from generator.ir import Field, Operation, Reference, Resource, Schema
from generator.pipeline import load_schema
from generator.samples import sample_body, sample_value
from tests.support.serving import Api

ROOT = Path(__file__).resolve().parents[2]

_numbers = itertools.count(1)


def random_id() -> str:
    """An id in the form that rows have, of no row."""
    text = uuid4().hex
    return str(UUID(f"{text[:12]}7{text[13:]}"))


@dataclass(frozen=True, slots=True)
class ResourceCase:
    """One resource; `resource` is what the compiler knows about it."""

    resource: Resource

    def __str__(self) -> str:
        return self.resource.name

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What its API offers."""
        return self.resource.operations

    def has(self, operation: Operation) -> bool:
        """Whether its API offers `operation`."""
        return operation in self.resource.operations

    def path(self, user: str) -> str:
        """The path of its collection: /api/{user}/tasks."""
        return f"/api/{quote(user, safe='')}/{self.resource.segment}"

    def item(self, user: str, identifier: str) -> str:
        """The path of one row."""
        return f"{self.path(user)}/{identifier}"

    def references(self) -> list[Field]:
        """Its references to other rows."""
        return [field for field in self.resource.fields if isinstance(field.type, Reference) and field.write != "never"]

    def body(self, api: Api, user: str, *, optional: bool = False, **overrides: Any) -> dict[str, Any]:
        """A body that creates a row; the rows that it has to refer to are created first.

        Args:
            api: Where to create them.
            user: Who will own the row.
            optional: Whether to give the fields that are not required, too.
            overrides: Values by JSON key, in place of the samples.
        """
        parents = {
            field.column: case(field.type.target).create(api, user)["id"]
            for field in self.references()
            if isinstance(field.type, Reference) and field.column not in overrides and (field.required or optional)
        }
        return sample_body(self.resource, next(_numbers), parents, optional=optional) | overrides

    def create(self, api: Api, user: str, **overrides: Any) -> dict[str, Any]:
        """Create a row and return it as the API answered it."""
        answer = api.call(user, "POST", self.path(user), json=self.body(api, user, **overrides))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def change(self) -> dict[str, Any]:
        """A body for PATCH that changes a row which `create` made, and breaks no unique constraint."""
        unique = {column for constraint in self.resource.unique for column in constraint.columns}
        candidates = [field for field in self.resource.fields if field.write == "always" and not isinstance(field.type, Reference)]
        field = next((field for field in candidates if field.column not in unique), candidates[0])
        return {field.column: sample_value(field, next(_numbers) + 1)}


def load_example() -> Schema:
    """What the compiler knows about the example."""
    schema, diagnostics = load_schema(ROOT)
    assert schema is not None, diagnostics
    return schema


SCHEMA = load_example()

RESOURCES = [ResourceCase(resource) for resource in SCHEMA.resources]
"""Those of the example, by name."""


def case(name: str) -> ResourceCase:
    """The resource of the example called `name` (Task)."""
    return next(resource for resource in RESOURCES if resource.resource.name == name)


def with_operation(operation: Operation) -> list[ResourceCase]:
    """Those whose API offers `operation`."""
    return [resource for resource in RESOURCES if resource.has(operation)]
