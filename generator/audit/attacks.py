"""The attacks on one operation."""

from __future__ import annotations

from collections.abc import Iterator

from generator.audit.expectations import Attack, told
from generator.audit.on_bodies import on_batches, on_bodies
from generator.audit.on_lists import on_aggregates, on_expansions, on_lists
from generator.audit.on_requests import on_requests
from generator.audit.targets import Target
from generator.audit.world import UnprovableError, World


def attacks_on(target: Target) -> Iterator[Attack]:
    """Every attack that an operation offers a place for."""
    yield from on_requests(target)
    if target.kind in {"create", "replace", "update", "upsert"}:
        yield from on_bodies(target)
    if target.kind == "batch":
        yield from on_batches(target)
    if target.kind == "list":
        yield from on_lists(target)
    if target.kind == "aggregate":
        yield from on_aggregates(target)
    if target.kind in {"list", "get"}:
        yield from on_expansions(target)


def control(target: Target) -> Attack:
    """The attacker's own request for its own rows, which must succeed: refusals prove nothing where everything is refused."""

    def probe(world: World) -> str | None:
        body, query = world.body(target, world.attacker), {"count": "true"} if target.kind == "aggregate" else None
        ids = {target.resource.item_param: world.new(world.attacker, target.resource)} if target.kind == "delete" else None
        answer = world.ask(target, by=world.attacker, ids=ids, body=body, query=query)
        if not answer.is_success:
            raise UnprovableError(f"its own user is answered {told(answer)}")
        if target.kind == "create":
            world.note(world.attacker, target.resource, answer)
        return None

    return Attack(target, "its own user's request", probe)
