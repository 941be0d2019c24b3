"""The plan of app/models/__init__.py and app/routes/__init__.py, which list what their modules have."""

from __future__ import annotations

from generator.imports import Names, order
from generator.ir import Schema
from generator.naming import module_of
from generator.plan.views import IndexModule


def models_index(schema: Schema) -> IndexModule:
    """The tables, by the names of their classes."""
    names = Names(())
    classes = [names.use_own(f"app.models.{resource.module}", resource.name) for resource in schema.resources]
    return IndexModule("app/models/__init__.py", names.statements(), tuple(sorted(classes, key=order)))


def routes_index(schema: Schema) -> IndexModule:
    """The routers, by their modules; one that is called like something in the module itself gets another name there."""
    names = Names({"routers", "tuple"})
    names.use("fastapi", "APIRouter")
    modules = sorted((module_of(resource.plural) for resource in schema.resources), key=order)
    entries = tuple(names.use("app.routes", module) for module in modules)
    return IndexModule("app/routes/__init__.py", names.statements(), entries)
