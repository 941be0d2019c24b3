"""The plan of app/models/__init__.py and app/routes/__init__.py, which list what their modules have.

Up to so many resources, they import all of it, as one would by hand. More would take long to start and much memory: then a resource is
imported when it is first asked for, except one with hooks, whose code is the project's own: what is wrong with it shows at the start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from generator.imports import Names, order
from generator.ir import Schema
from generator.naming import module_of
from generator.plan.views import ModelsIndex, RoutesIndex

IMPORTED_AT_ONCE = 50
"""Resources that are all imported at the start."""


def models_index(schema: Schema) -> ModelsIndex:
    """The tables, by the names of their classes."""
    path, tables = (
        "app/models/__init__.py",
        tuple(sorted((resource.plural, f"app.models.{resource.module}") for resource in schema.resources)),
    )
    names = Names(())
    classes = [names.use_own(f"app.models.{resource.module}", resource.name) for resource in schema.resources]
    exports = tuple(sorted(("TABLE_MODULES", *classes), key=order))
    if len(schema.resources) <= IMPORTED_AT_ONCE:
        return ModelsIndex(path, names.statements(), tables, exports, ())
    modules = sorted((resource.name, f"app.models.{resource.module}") for resource in schema.resources)
    return ModelsIndex(path, names.statements(), tables, exports, tuple(modules))


def routes_index(schema: Schema, beside: Mapping[str, AbstractSet[str]]) -> RoutesIndex:
    """The routers, by their modules; `beside` has for each resource the segments of others below which it has routes too.

    A module that is called like something in the package itself gets another name there.
    """
    names = Names({"routers", "tuple", "dict", "str", "ON_DEMAND"})
    names.use("fastapi", "APIRouter")
    routers: list[str] = []
    on_demand: defaultdict[str, list[str]] = defaultdict(list)
    at_once = len(schema.resources) <= IMPORTED_AT_ONCE
    for resource in sorted(schema.resources, key=lambda resource: order(module_of(resource.plural))):
        if at_once or resource.hooks:
            module = names.use("app.routes", module_of(resource.plural))
            routers += [f"{module}.router", *([f"{module}.nested"] if beside[resource.name] else [])]
        else:
            for segment in {resource.segment, *beside[resource.name]}:
                on_demand[segment].append(f"app.routes.{module_of(resource.plural)}")
    segments = tuple((segment, tuple(modules)) for segment, modules in sorted(on_demand.items()))
    return RoutesIndex("app/routes/__init__.py", names.statements(), tuple(routers), segments)
