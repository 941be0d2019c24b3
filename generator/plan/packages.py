"""The plan of app/models/__init__.py and app/routes/__init__.py, which list what their modules have."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from generator.imports import Names, order
from generator.ir import Schema
from generator.naming import module_of
from generator.plan.views import IndexModule


def models_index(schema: Schema) -> IndexModule:
    """The tables, by the names of their classes."""
    names = Names(())
    classes = [names.use_own(f"app.models.{resource.module}", resource.name) for resource in schema.resources]
    return IndexModule("app/models/__init__.py", names.statements(), tuple(sorted(classes, key=order)))


def routes_index(schema: Schema, nested: AbstractSet[str] = frozenset()) -> IndexModule:
    """The routers, by their modules; `nested` are the resources that have a second one.

    A module that is called like something in the package itself gets another name there.
    """
    names = Names({"routers", "tuple"})
    names.use("fastapi", "APIRouter")
    entries: list[str] = []
    for resource in sorted(schema.resources, key=lambda resource: order(module_of(resource.plural))):
        module = names.use("app.routes", module_of(resource.plural))
        entries += [f"{module}.router", *([f"{module}.nested"] if resource.name in nested else [])]
    return IndexModule("app/routes/__init__.py", names.statements(), tuple(entries))
