"""Attacks in bodies: of one row, and of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from generator.audit.expectations import Attack, Probe, expect, is_own, leak, same, told, unchanged
from generator.audit.targets import Target
from generator.audit.world import UnprovableError, World
from generator.ir import Operation, Resource


def on_bodies(target: Target) -> Iterator[Attack]:
    """Those in the body of a create, a replacement, an update, an upsert."""
    for column in ("user_id", "id"):
        yield Attack(target, f"{column} in the body", _built_in(target, column))
    for field, parent in target.references:
        if field.write == "always" or target.kind in {"create", "upsert"}:
            yield Attack(target, f"the victim's {parent.name} in {field.column}", _foreign_reference(target, field.column, parent))
    if target.kind == "create":
        yield Attack(target, "the Idempotency-Key of the victim", _foreign_key(target))
    if target.kind in {"create", "upsert"} and target.resource.unique:
        yield Attack(target, "unique values that the victim has", _foreign_values(target))


def _built_in(target: Target, column: str) -> Probe:
    def probe(world: World) -> str | None:
        value = world.victim.user if column == "user_id" else world.own(world.victim, target.resource)
        body = world.body(target, world.attacker) | {column: value}
        return expect(world.ask(target, by=world.attacker, body=body), 422) or unchanged(world, target)

    return probe


def _foreign_reference(target: Target, column: str, parent: Resource) -> Probe:
    def probe(world: World) -> str | None:
        if parent.name not in world.victim.rows:
            raise UnprovableError(f"the victim has no {parent.name}")
        body = world.body(target, world.attacker)
        foreign = world.ask(target, by=world.attacker, body=body | {column: world.own(world.victim, parent)})
        absent = world.ask(target, by=world.attacker, body=body | {column: str(uuid4())})
        return expect(foreign, 422) or same(foreign, absent, "a reference to a row that does not exist") or leak(world, foreign)

    return probe


def _foreign_key(target: Target) -> Probe:
    def probe(world: World) -> str | None:
        headers = {"Idempotency-Key": uuid4().hex}
        first = world.ask(target, by=world.victim, body=world.new_body(world.victim, target.resource), headers=headers)
        if not first.is_success:
            raise UnprovableError(f"the victim is answered {told(first)}")
        world.note(world.victim, target.resource, first)
        body = world.new_body(world.attacker, target.resource)
        second = world.ask(target, by=world.attacker, body=body, headers=headers)
        world.note(world.attacker, target.resource, second)
        return expect(second, 201) or leak(world, second) or is_own(world, second.json())

    return probe


def _foreign_values(target: Target) -> Probe:
    def probe(world: World) -> str | None:
        theirs = world.victim.bodies.get(target.resource.name)
        if theirs is None:
            raise UnprovableError(f"the victim has no {target.resource.name}")
        own = world.new_body(world.attacker, target.resource)
        references = {field.column for field, _ in target.references}
        body = {name: value for name, value in theirs.items() if name not in references}
        body |= {name: value for name, value in own.items() if name in references}
        answer = world.ask(target, by=world.attacker, body=body)
        world.note(world.attacker, target.resource, answer)
        if not answer.is_success:
            return f"it was answered {told(answer)}"
        return is_own(world, answer.json()) or leak(world, answer) or unchanged(world, target)

    return probe


def on_batches(target: Target) -> Iterator[Attack]:
    """Those in the elements of a batch."""
    operations = target.resource.operations
    if Operation.UPDATE in operations:
        yield Attack(target, "an update of the victim's row", _foreign_element(target, lambda row: {"update": [{"id": row, "version": 1}]}))
    if Operation.DELETE in operations:
        yield Attack(target, "a delete of the victim's row", _foreign_element(target, lambda row: {"delete": [{"id": row, "version": 1}]}))
    if Operation.CREATE in operations:
        for field, parent in target.references:
            yield Attack(target, f"a create with the victim's {parent.name} in {field.column}", _foreign_part(target, field.column, parent))


def _foreign_element(target: Target, body: Callable[[str], Any]) -> Probe:
    def probe(world: World) -> str | None:
        foreign = world.ask(target, by=world.attacker, body=body(world.own(world.victim, target.resource)))
        absent = world.ask(target, by=world.attacker, body=body(str(uuid4())))
        if foreign.is_success:
            return f"it was answered {foreign.status_code}"
        return same(foreign, absent, "the id of a row that does not exist") or leak(world, foreign) or unchanged(world, target)

    return probe


def _foreign_part(target: Target, column: str, parent: Resource) -> Probe:
    def probe(world: World) -> str | None:
        body = world.new_body(world.attacker, target.resource)
        foreign = world.ask(target, by=world.attacker, body={"create": [body | {column: world.own(world.victim, parent)}]})
        absent = world.ask(target, by=world.attacker, body={"create": [body | {column: str(uuid4())}]})
        if foreign.is_success:
            return f"it was answered {foreign.status_code}"
        return same(foreign, absent, "a reference to a row that does not exist") or leak(world, foreign)

    return probe
