"""What an attack must be answered with."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from generator.audit.targets import Target
from generator.audit.world import Row, World, shape
from generator.records import record

type Probe = Callable[[World], str | None]
"""Sends an attack; says what it came through with, or None when it was held off. UnprovableError where it cannot be sent."""

WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@record
class Attack:
    """One attack on an operation."""

    target: Target
    name: str
    probe: Probe


def expect(answer: httpx.Response, status: int) -> str | None:
    """What an answer with another status was, or None."""
    return None if answer.status_code == status else f"it was answered {told(answer)} instead of {status}"


def told(answer: httpx.Response) -> str:
    """An answer in a line."""
    text = " ".join(answer.text.split())
    return f"{answer.status_code} {text[:160]}{'…' if len(text) > 160 else ''}".strip()


def same(answer: httpx.Response, other: httpx.Response, what: str) -> str | None:
    """How an answer can be told apart from another one, to a request for `what`; None when it cannot."""
    if shape(answer) == shape(other):
        return None
    return f"its answer can be told apart from that to {what}: {told(answer)}, and {told(other)}"


def leak(world: World, answer: httpx.Response) -> str | None:
    """What of the victim's an answer shows: its name, or the id of a row."""
    shown = next((known for known in (world.victim.user, *world.foreign_ids()) if known in answer.text), None)
    return None if shown is None else f"its answer shows {shown} of the victim"


def is_own(world: World, row: Row) -> str | None:
    """Whose row was answered, if not the attacker's."""
    return None if row.get("user_id") == world.attacker.user else f"it was answered with a row of {row.get('user_id')}"


def unchanged(world: World, target: Target) -> str | None:
    """What an attack has done to the victim's rows, or None."""
    return world.damage(target.resource) if target.method in WRITES else None
