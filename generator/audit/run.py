"""Runs an audit: every attack on every operation, one after the other, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from generator.audit.attacks import Attack, attacks_on, control
from generator.audit.targets import Target
from generator.audit.world import UnprovableError, World
from generator.diagnostics import Diagnostic, error
from generator.ir import Resource
from generator.records import record

EXAMPLES = "where a value is the cause, an `example` in the spec is what the audit sends"


@record
class Outcome:
    """What became of one operation: how many attacks it was put to, and the findings."""

    target: Target
    attacks: int
    broken: tuple[Diagnostic, ...]
    unproven: tuple[Diagnostic, ...]


@record
class Audit:
    """The outcome of every operation, and the number of requests that were sent."""

    outcomes: tuple[Outcome, ...]
    requests: int

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Everything that did not hold, or could not be shown to hold."""
        return tuple(found for outcome in self.outcomes for found in (*outcome.broken, *outcome.unproven))


def audit(world: World, targets: Sequence[Target], progress: Callable[[int, Target], None]) -> Audit:
    """Attack operations of the API in `world`; `progress` is told of each before, with its number.

    Raises:
        httpx.HTTPError: The API cannot be reached, or does not answer in time.
    """
    try:
        failed = world.populate()
        outcomes: list[Outcome] = []
        for number, target in enumerate(targets):
            progress(number, target)
            outcomes.append(_attack(world, target, failed))
        return Audit(tuple(outcomes), world.sent)
    finally:
        world.clear()


def _attack(world: World, target: Target, failed: dict[str, str]) -> Outcome:
    broken: list[Diagnostic] = []
    unproven: list[Diagnostic] = []
    attacks = [*attacks_on(target), control(target)]
    missing = [resource for resource in (target.resource, *(row for _, row in target.rows)) if resource.name in failed]
    unproven += [_unprovable(resource, failed[resource.name]) for resource in missing]
    for attack in attacks:
        try:
            found = attack.probe(world)
        except UnprovableError as reason:
            if not missing:
                unproven.append(_unproven(attack, str(reason)))
        else:
            if found is not None:
                broken.append(_broken(attack, found))
    damage = world.damage()
    if damage is not None:
        broken.append(_broken(attacks[-1], f"after the attacks on it {damage}"))
    return Outcome(target, len(attacks) - 1, tuple(broken), tuple(unproven))


def _broken(attack: Attack, found: str) -> Diagnostic:
    target = attack.target
    message = f"`{target.name}` does not hold against {attack.name}"
    routes, hooks = f"app/routes/{target.resource.plural}.py", f"app/extensions/{target.resource.module}.py"
    hint = f"{target.method} {target.path}: see {routes}, and {hooks} where it has hooks"
    return error("RS801", message, target.resource.span, found, hint=hint)


def _unproven(attack: Attack, reason: str) -> Diagnostic:
    message = f"`{attack.target.name}` could not be proven to hold against {attack.name}"
    return error("RS802", message, attack.target.resource.span, reason, hint=EXAMPLES)


def _unprovable(resource: Resource, reason: str) -> Diagnostic:
    """The same finding for each operation that needs a row of the resource, so that it is shown once."""
    return error("RS802", f"no operation of `{resource.name}` could be proven to hold", resource.span, reason, hint=EXAMPLES)
