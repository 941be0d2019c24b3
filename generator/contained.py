"""Compiles only the specs that have changed since the last time, where nothing else can notice that they have.

A change is contained when each changed spec still has the same outline (its names, its link, its references), has lost no name of an index
or a constraint, and has gained none that another resource has. Then it can make a difference to the errors of its neighbours at most:
those that it refers to, and those that refer to it, whose rows it may keep and whose filters go through it. These are compiled with it,
and whatever is an error among them, or is not contained, is left to a compile of everything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from hashlib import sha256

from generator.diagnostics import ordered
from generator.ir import EnumType, Field, ListType, Reference, Resource, Schema
from generator.memory import Compiled, Known, Memory, known_of
from generator.naming import plural_of, resource_classes
from generator.parallel import beside

FRONT = "generator.front"

MOST = 20
"""Changed specs up to which this is tried."""


def compile_contained(
    specs: Mapping[str, bytes], plurals: Mapping[str, str], memory: Memory, meanwhile: Callable[[], None]
) -> Compiled | None:
    """The same as a compile of all specs gives; None where only that can tell.

    What compiles is loaded by another process, where it is not loaded yet; `meanwhile` is done here then.
    """
    if memory.specs.keys() != specs.keys():
        return None
    changed = [path for path, data in specs.items() if sha256(data).hexdigest() != memory.specs[path].text]
    if len(changed) > MOST:
        return None
    near = _near(changed, memory)

    def compile_near() -> Compiled:
        from generator.front import compile_front  # noqa: PLC0415 - takes ten times as long to load as this takes

        return compile_front({path: specs[path] for path in specs if path in near}, plurals, specs.keys() - near)

    with beside(compile_near) if changed and FRONT not in sys.modules else nullcontext(compile_near) as compiled:
        meanwhile()
        known = {path: known_of(remembered) for path, remembered in memory.specs.items()}
        if not all(_has_its_plural(one, plurals, memory) for one in known.values()):
            return None
        now: Mapping[str, Known] = compiled().known if changed else {}
    if any(path not in now or not _is_contained(known[path].resource, now[path].resource) for path in changed):
        return None
    known |= {path: now[path] for path in changed}
    schema = Schema(tuple(sorted((one.resource for one in known.values()), key=lambda resource: resource.name)))
    if changed and not (_distinct(schema, _relations) and _distinct(schema, _classes)):
        return None
    unchanged = {path: remembered for path, remembered in memory.specs.items() if path not in changed}
    return Compiled(schema, ordered(warning for one in known.values() for warning in one.warnings), known, unchanged)


def _has_its_plural(known: Known, plurals: Mapping[str, str], memory: Memory) -> bool:
    """Whether the plural of a resource is still the same; the first `generate` freezes those that it begins with."""
    name, plural = known.resource.name, known.resource.plural
    frozen = plurals.get(name)
    return "plural" in known.parts or frozen in {memory.plurals.get(name), plural} or (frozen is None and plural == plural_of(name))


def _near(changed: list[str], memory: Memory) -> set[str]:
    """The changed specs, those that they refer to, and those that refer to them."""
    sources = {one.name: path for path, one in memory.specs.items()}
    near = set(changed)
    for path, one in memory.specs.items():
        targets = {sources[target] for target in one.targets}
        if path in changed:
            near |= targets
        elif not targets.isdisjoint(changed):
            near.add(path)
    return near


def _is_contained(before: Resource, now: Resource) -> bool:
    return _outline(before) == _outline(now) and set(_relations(before)) <= set(_relations(now))


def _references(resource: Resource) -> Iterator[tuple[Field, Reference]]:
    for field in resource.fields:
        if isinstance(field.type, Reference):
            yield field, field.type


def _outline(resource: Resource) -> object:
    """What resources are told apart by that need not know each other, and how they hang together."""
    references = [(field.name, field.nullable, reference) for field, reference in _references(resource)]
    served = resource.operations if resource.link is not None else ()
    return (resource.name, resource.renamed_from, resource.link, served, references)


def _relations(resource: Resource) -> Iterator[str]:
    """The names that it takes among the tables and indexes of the database."""
    yield from (resource.plural, resource.primary_key)
    yield from (one.name for one in (*resource.unique, *resource.indexes))
    if resource.search is not None:
        yield resource.search.index


def _classes(resource: Resource) -> Iterator[str]:
    """The names that it takes among the classes of all models."""
    yield from resource_classes(resource.name)
    for field in resource.fields:
        type_ = field.type.of if isinstance(field.type, ListType) else field.type
        if isinstance(type_, EnumType):
            yield type_.class_name


def _distinct(schema: Schema, names_of: Callable[[Resource], Iterable[str]]) -> bool:
    names = [name for resource in schema.resources for name in names_of(resource)]
    return len(names) == len(set(names))
